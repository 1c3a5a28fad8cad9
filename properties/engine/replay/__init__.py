"""Instances as documents, counterexample files, and their evaluation again."""
