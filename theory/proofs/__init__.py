"""What the theorems' proofs rest on: scalar obligations, and every proof as a chain of links.

Modules are named as those of theory/theorems/, besides those of the identities and of the certificates. Each has ``OBLIGATIONS`` and
``CHAINS``; the numbered paragraphs that links cite are in docs/proofs/ and docs/general-losses.md.
"""

from collections.abc import Mapping
from types import MappingProxyType

from theory.proof.chain import Basis, Chain, Link
from theory.proof.obligation import Obligation
from theory.proofs import (
    general_loss,
    generalisation,
    gradient_descent,
    identities,
    kernels,
    kfac,
    ngd,
    ngd_sharp,
    stability,
    width,
)

__all__ = ["Basis", "Chain", "Link", "chains", "obligations"]

_MODULES = (
    identities,
    kernels,
    stability,
    ngd,
    ngd_sharp,
    general_loss,
    width,
    kfac,
    gradient_descent,
    generalisation,
)

obligations: Mapping[str, Obligation] = MappingProxyType(
    {obligation.id: obligation for module in _MODULES for obligation in module.OBLIGATIONS}
)
"""id -> obligation."""

chains: Mapping[str, Chain] = MappingProxyType({chain.theorem: chain for module in _MODULES for chain in module.CHAINS})
"""id of a theorem -> the chain of its proof."""
