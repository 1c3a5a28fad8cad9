"""The least tube that closes: widths that are enough for what an optimiser does inside.

``F`` takes widths b to those that the theorem needs, given the bounds in the tube of widths b. It is monotone, so that from widths below
every tube that closes ``b <- F(b)`` rises to the least one, or shows that there is none. A certificate is a b with ``F(b) <= b``, as
computed with everything rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from numpy.typing import ArrayLike

from theory.descent.optimiser import Chosen, as_optimiser
from theory.direction import UNBOUNDED, Directed, LowerBound, UpperBound
from theory.errors import ChoiceError
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube.bounds import TubeBounds
from theory.stability.tube.ngd import NaturalGradientTube, NeuronNaturalGradientTube
from theory.stability.tube.rectifier_tube import RectifierTube
from theory.stability.tube.rule import Reach, Tube, TubeRule
from theory.stability.tube.start import Start, tube_start
from theory.stability.tube.widths import Scaled


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
    net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike, optimiser: Chosen = "ngd", per_neuron: bool = True
) -> TubeCertificate:
    """Certify the least tube that closes, for a network, unit rows X (n, d) and targets y (n,). Raises InputError, ChoiceError."""
    chosen = as_optimiser(optimiser)
    if chosen.name != "ngd" or net.phi.curvature is not None:
        raise ChoiceError("only NGD and ReLU so far")
    start = tube_start(net, inputs, y)
    return closed_tube(RectifierTube(start), NeuronNaturalGradientTube(start) if per_neuron else NaturalGradientTube())


def closed_tube(tube: Tube, rule: TubeRule) -> TubeCertificate:
    """Iterate ``b <- F(b)`` from below; now and then try a tube somewhat beyond where the iteration seems to lead."""
    start = tube.start
    widths, sums = rule.first(start), [float(start.coefficients_norm)]
    if not start.lambda_min > 0:
        return _open(start, tube.bounds(widths), "lambda_b")
    while True:
        bounds = tube.bounds(widths)
        reach = rule.reach(tube, bounds)
        if reach is None:
            return _open(start, bounds, "lambda_b" if not bounds.lambda_min > 0 else "mu")
        if tube.within(reach.widths):
            return _closed(start, bounds, reach)
        sums.append(float(reach.path_sum))
        widths = reach.widths
        if len(sums) > 2 and len(sums) % 2:
            beyond = Scaled(widths, _overshoot(sums))
            bounds = tube.bounds(beyond)
            reach = rule.reach(tube, bounds)
            if reach is not None and tube.within(reach.widths):
                return _closed(start, bounds, reach)


def _overshoot(sums: list[float]) -> float:
    """The factor from the last of a sequence to somewhat beyond where a geometric one with its last three leads; at most 2."""
    first, second, third = sums[-3:]
    step, before = third - second, second - first
    left = step * step / (before - step) if before > step else third
    return min(1 + 1.5 * max(left, 0.0) / third + 2.0**-10, 2.0)


def _closed(start: Start, bounds: TubeBounds, reach: Reach) -> TubeCertificate:
    """The widths that the theorem needs, in whose tube the bounds are bounds too."""
    return TubeCertificate(reach.contraction, reach.path_sum, replace(bounds, widths=reach.widths), True, None, start)


def _open(start: Start, bounds: TubeBounds, failure: str) -> TubeCertificate:
    return TubeCertificate(UNBOUNDED, UNBOUNDED, bounds, False, failure, start)
