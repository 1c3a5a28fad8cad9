"""The tube: how far the pre-activations of a network can move while an optimiser trains it (docs/theory.md, The tube)."""
