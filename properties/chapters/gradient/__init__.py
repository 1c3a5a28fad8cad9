"""Gradient descent, which natural gradient descent is compared with."""

SECTION = 8
"""Of docs/theory.md; chapters are shown in this order."""

TITLE = "Gradient descent"
"""Over its claims, in the terminal and in the report."""
