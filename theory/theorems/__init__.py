"""The theorems, one family of statements a module."""
