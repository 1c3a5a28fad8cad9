"""From what a library offers to ``step(weights, signs, X, y, step_size) -> weights``.

A NumPy function of this signature needs no adapter. ``properties.adapters.pytorch`` takes an optimiser or a function of a module,
``properties.adapters.jax`` a function of JAX arrays or a gradient transformation as optax has them. Neither PyTorch nor JAX is
imported before one of their adapters is made; ImplementationError says so where it is not installed.
"""

from __future__ import annotations

import importlib
from typing import Any

from theory.errors import ImplementationError


def needed(name: str, title: str) -> Any:
    """A module of an optional package. Raises ImplementationError."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
        raise ImplementationError(
            f"this adapter needs {title}, which is not installed: pip install '/path/to/checkout[peers]' "
            f"(of this project), or {name.partition('.')[0]} alone"
        ) from error
