"""Generalisation: complexity, interpolants, populations."""
