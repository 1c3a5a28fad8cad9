"""Natural gradient descent on strongly convex losses with a Lipschitz gradient."""

SECTION = 5
"""Of docs/theory.md; chapters are shown in this order."""
