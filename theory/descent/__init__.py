"""Steps and trajectories of natural gradient descent, with damping too, K-FAC and gradient descent."""

from theory.descent.steps import gradient_step, kfac_step, natural_gradient_step, trajectory

__all__ = ["gradient_step", "kfac_step", "natural_gradient_step", "trajectory"]
