"""Mutation testing of theory/: mutants of a well-kept tool and our own, run in a copy of the project."""
