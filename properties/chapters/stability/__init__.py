"""Condition 2: certificates of a ball and of a path, attacks, patterns."""

SECTION = 3
"""Of docs/theory.md; chapters are shown in this order."""

TITLE = "Condition 2"
"""Over its claims, in the terminal and in the report."""
