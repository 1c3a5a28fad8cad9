"""Generalisation: complexity, interpolants, populations."""

SECTION = 9
"""Of docs/theory.md; chapters are shown in this order."""

TITLE = "Generalisation"
"""Over its claims, in the terminal and in the report."""
