"""The limiting kernels: closed forms, definiteness, bounds, concentration."""

SECTION = 2
"""Of docs/theory.md; chapters are shown in this order."""
