"""The claims and the search: what is verified, on which instances, with what verdict.

PYTEST_DONT_REWRITE: pytest loads the package as a plugin, perhaps after others imported it; it holds no tests.
"""

from properties.claims import registry

__all__ = ["registry"]
