"""The claims and the search: what is verified, on which instances, with what verdict."""

from properties.claims import registry

__all__ = ["registry"]
