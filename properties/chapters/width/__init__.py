"""How wide a network has to be at initialisation."""

SECTION = 6
"""Of docs/theory.md; chapters are shown in this order."""
