"""The limiting kernels: closed forms, definiteness, bounds, concentration."""

SECTION = 2
"""Of docs/theory.md; chapters are shown in this order."""

TITLE = "Limiting kernels"
"""Over its claims, in the terminal and in the report."""
