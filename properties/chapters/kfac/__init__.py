"""K-FAC."""

SECTION = 7
"""Of docs/theory.md; chapters are shown in this order."""

TITLE = "K-FAC"
"""Over its claims, in the terminal and in the report."""
