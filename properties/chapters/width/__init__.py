"""How wide a network has to be at initialisation."""

SECTION = 6
"""Of docs/theory.md; chapters are shown in this order."""

TITLE = "Initialisation and width"
"""Over its claims, in the terminal and in the report."""
