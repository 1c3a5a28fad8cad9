"""Natural gradient descent on strongly convex losses with a Lipschitz gradient."""

SECTION = 5
"""Of docs/theory.md; chapters are shown in this order."""

TITLE = "NGD on general losses"
"""Over its claims, in the terminal and in the report."""
