"""Identities of networks and steps, without hypotheses on training."""
