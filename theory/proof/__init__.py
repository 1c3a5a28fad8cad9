"""Proofs by machine: formulas, implications, obligations, provers, and chains of links."""
