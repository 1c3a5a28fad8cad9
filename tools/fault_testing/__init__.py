"""Semantic faults: changes of meaning that a programmer makes, planted one at a time, judged by claims and nearest tests."""
