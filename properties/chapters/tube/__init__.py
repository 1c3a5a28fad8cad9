"""The tube: what stays stable while every pre-activation moves little, and what the optimisers do there."""

SECTION = 11
"""Of docs/theory.md; chapters are shown in this order."""

TITLE = "The tube"
"""Over its claims, in the terminal and in the report."""
