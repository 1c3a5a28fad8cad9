"""Natural gradient descent on strongly convex losses with a Lipschitz gradient."""
