"""Identities of networks and steps, without hypotheses on training."""

SECTION = 1
"""Of docs/theory.md; chapters are shown in this order."""

TITLE = "Identities"
"""Over its claims, in the terminal and in the report."""
