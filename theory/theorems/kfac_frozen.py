"""K-FAC while the pattern of activation stays: T4-frozen (docs/theory.md).

Setting and letters: theory/theorems/kfac.py.

T4-frozen [derived]. On segments where S does not change, r(k+1) = (I - eta diag(h)) r(k); with rank X = n this is
    (1-eta) r(k), natural gradient descent's residual.

Proof: docs/proofs/kfac.md, P8.9. Sharp: an identity.
"""

from theory.proof.chain import Chain, argued, checked
from theory.reals import real
from theory.theorems.identities import KRONECKER_MOVE
from theory.theorems.kfac import MOVE
from theory.theorems.segments import INTEGRAL

SECTION = 7


def frozen_factor(eta: float, leverage: float) -> float:
    """``1 - eta h_i``, by which the residual of one input changes while S does not (T4-frozen). Raises ScaleError."""
    return 1 - real(eta, "eta") * real(leverage, "the leverage score")


CHAINS = (
    Chain(
        "T4-frozen",
        (
            INTEGRAL,
            *KRONECKER_MOVE,
            MOVE,
            argued("M = I on such a segment, and I o P = diag(h)", "docs/proofs/kfac.md: P8.9"),
            checked("the conclusion on instances", "T4-frozen"),
        ),
    ),
)
