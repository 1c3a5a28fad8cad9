"""The residual at initialisation: R0 (docs/theory.md).

Setting. Independent neurons ``w_r ~ N(0, nu^2 I)``, signs uniform on -1, +1; unit rows X (n, d), targets y.
Symmetric initialisation: m / 2 independent pairs (w, a), (w, -a), so that u(0) = 0.

R0 [paper, with constants]. The mean of ``||r(0)||^2`` is ``||y||^2 + n nu^2/2``, hence ``||r(0)||^2`` is at most that over delta with
probability at least 1 - delta.
Symmetric initialisation: ``r(0) = -y``.

Proof: docs/proofs/width.md, P7.1.

Functions of real numbers take floats or balls (arb), and answer in kind. Floats are taken as the numbers that they are, and answered
by the next float on the side on which the statement stays true: here rounded up (theory/directed.py).
"""

from __future__ import annotations

from theory.directed import at_least_exact
from theory.inputs import positive_count
from theory.proof.chain import Chain, argued, checked
from theory.reals import (
    nonnegative_real,
    positive_real,
    probability,
)

SECTION = 6


@at_least_exact
def mean_squared_residual(squared_targets: float, n: int, scale: float, symmetric: bool = False) -> float:
    """``E ||r(0)||^2 = ||y||^2 + n nu^2/2``, and ``||y||^2`` under symmetric initialisation (R0): squared norms.

    Raises ScaleError, WidthError.
    """
    outputs = positive_count(n, "n") * positive_real(scale, "scale") ** 2 / 2
    return nonnegative_real(squared_targets, "squared_targets") + (0 if symmetric else outputs)


@at_least_exact
def squared_residual_bound(squared_targets: float, n: int, scale: float, delta: float) -> float:
    """``(||y||^2 + n nu^2/2)/delta``, which ``||r(0)||^2`` exceeds with probability at most delta (R0).

    Raises ScaleError, WidthError.
    """
    return mean_squared_residual(squared_targets, n, scale) / probability(delta, "delta")


_HERE = "docs/proofs/width.md: "

LINKS = (
    argued("E u_i(0) = 0 and E u_i(0)^2 = nu^2/2; Markov's inequality", f"{_HERE}P7.1"),
    checked("R0's mean and frequency", "R0"),
)

CHAINS = (Chain("R0", LINKS),)
