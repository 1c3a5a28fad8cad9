"""Natural gradient descent on the squared loss."""

SECTION = 4
"""Of docs/theory.md; chapters are shown in this order."""

TITLE = "NGD on the squared loss"
"""Over its claims, in the terminal and in the report."""
