"""K-FAC."""

SECTION = 7
"""Of docs/theory.md; chapters are shown in this order."""
