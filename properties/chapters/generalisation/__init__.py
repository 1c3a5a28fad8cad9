"""Generalisation: complexity, interpolants, populations."""

SECTION = 9
"""Of docs/theory.md; chapters are shown in this order."""
