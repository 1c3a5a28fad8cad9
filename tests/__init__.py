"""The tests: a package, or an installed one of this name would stand before it."""
