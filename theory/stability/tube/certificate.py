"""The least tube that closes: widths that are enough for what an optimiser does inside.

``F`` takes widths b to those that the theorem needs, given the bounds in the tube of widths b. It is monotone, so that from widths below
every tube that closes ``b <- F(b)`` rises to the least one, or shows that there is none. A certificate is a b with ``F(b) <= b``, as
computed with everything rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from numpy.typing import ArrayLike

from theory.descent.optimiser import Chosen, as_optimiser
from theory.direction import UNBOUNDED, Directed, LowerBound, UpperBound
from theory.errors import ChoiceError
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube.bounds import TubeBounds, bounds_at
from theory.stability.tube.ngd import NaturalGradientTube
from theory.stability.tube.rule import TubeRule
from theory.stability.tube.start import Start, tube_start

ITERATIONS = 1000
"""A bound for the plain iteration, which takes finitely many values."""


@dataclass(frozen=True)
class TubeCertificate(Directed):
    """A tube that an optimiser does not leave, for every step size up to the theorem's limit and every number of steps."""

    contraction: UpperBound
    """mu: NGD's factor is ``1 - eta(1-mu)``; inf where no tube is certified."""
    path_sum: UpperBound
    """S; inf where no tube is certified."""
    bounds: TubeBounds
    """In the certified tube; else in the last one that was tried."""
    certified: bool
    failure: str | None
    """None, or what is missing."""
    start: Start = field(repr=False)

    @property
    def widths(self) -> FloatArray:
        """b, shape (n,) or (n, m); made when asked for."""
        return self.bounds.widths.array()

    @property
    def lambda_min(self) -> LowerBound:
        """``lambda_b``, of the least eigenvalue of every Gram matrix in the tube."""
        return self.bounds.lambda_min


def certify_tube(
    net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike, optimiser: Chosen = "ngd", per_neuron: bool = False
) -> TubeCertificate:
    """Certify the least tube that closes, for a network, unit rows X (n, d) and targets y (n,). Raises InputError, ChoiceError."""
    chosen = as_optimiser(optimiser)
    if chosen.name != "ngd" or per_neuron or net.phi.curvature is not None:
        raise ChoiceError("only NGD, ReLU and one width an input so far")
    return closed_tube(tube_start(net, inputs, y), NaturalGradientTube())


def closed_tube(start: Start, rule: TubeRule) -> TubeCertificate:
    """The plain iteration."""
    widths = rule.first(start)
    bounds = bounds_at(start, widths)
    for _ in range(ITERATIONS):
        reach = rule.reach(start, bounds)
        if reach is None:
            return _open(start, bounds, "lambda_b" if not bounds.lambda_min > 0 else "mu")
        if bounds.widths.contain(reach.widths):
            return TubeCertificate(reach.contraction, reach.path_sum, bounds, True, None, start)
        bounds = bounds_at(start, reach.widths)
    return _open(start, bounds, "b")


def _open(start: Start, bounds: TubeBounds, failure: str) -> TubeCertificate:
    return TubeCertificate(UNBOUNDED, UNBOUNDED, bounds, False, failure, start)
