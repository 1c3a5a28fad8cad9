"""Libraries of K-FAC and natural gradient descent against claims on their curvature, solves, steps and state."""
