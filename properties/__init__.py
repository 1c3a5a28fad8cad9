"""The claims and the search: what is verified, on which instances, with what verdict.

PYTEST_DONT_REWRITE: pytest loads the package as a plugin, perhaps after others imported it; it holds no tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from properties.catalogue import registry

__all__ = ["registry"]


def __getattr__(name: str) -> Any:
    """The registry, loaded when it is asked for: what runs claims needs none of them."""
    if name != "registry":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from properties.catalogue import registry

    return registry
