"""The claims on a library, a group of statements a module with the tuple ``STATEMENTS``."""
