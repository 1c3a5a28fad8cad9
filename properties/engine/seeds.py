"""One root seed a run; the seed of a claim depends on the root and the claim's id alone, not on the order of a run."""

from __future__ import annotations

import hashlib
import secrets

import numpy as np

from properties.engine.claim import Depth

FIXED_ROOT_SEED = 20191
"""The root of quick and normal runs and of every run under CI; a thorough run elsewhere draws its own and prints it."""


def root_seed(requested: str | None, depth: Depth, continuous_integration: bool) -> int:
    """The root: the one requested (an integer, or any text by its hash), else the fixed one, else a fresh one."""
    if requested is None:
        fresh = depth is Depth.THOROUGH and not continuous_integration
        return secrets.randbits(32) if fresh else FIXED_ROOT_SEED
    if requested.isascii() and requested.isdigit():
        return int(requested)
    return _digest(requested)


def claim_seed(root: int, claim_id: str) -> int:
    """The seed in [0, 2^32) of the claim or mutant of this id."""
    return int(np.random.SeedSequence([root, _digest(claim_id)]).generate_state(1)[0])


def dataset_seed(root: int) -> int:
    """The seed of a data set's networks: 0 for the fixed root, from which the documentation's numbers are; of its own for others."""
    return 0 if root == FIXED_ROOT_SEED else claim_seed(root, "data set")


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
