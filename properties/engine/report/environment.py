"""What the numbers of a run depend on."""

from __future__ import annotations

import importlib.metadata
import platform
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

LIBRARIES = ("numpy", "scipy", "python-flint", "hypothesis", "pytest")
"""The distributions whose versions are printed and stored."""


def environment() -> dict[str, Any]:
    """Versions, the machine epsilon of float64, and the BLAS in use with its core type and threads."""
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in LIBRARIES},
        "eps": float(np.finfo(np.float64).eps),
        "blas": blas(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def blas() -> str:
    """Name, version, core type and threads of the BLAS that NumPy multiplies with; "unknown" where it does not tell."""
    pools = {
        " ".join(
            str(part)
            for part in (
                pool.get("internal_api"),
                pool.get("version"),
                pool.get("architecture"),
                f"{pool.get('num_threads')} threads",
            )
            if part
        )
        for pool in threadpool_info()
        if pool.get("user_api") == "blas"
    }
    return "; ".join(sorted(pools)) or "unknown"


@cache
def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
