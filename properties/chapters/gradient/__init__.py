"""Gradient descent, which natural gradient descent is compared with."""
