"""Instances of T3-tube and T3-tube-ratio; what the theorems put together, in balls; networks drawn at their width."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq

from properties.engine.stable_names import stored_as
from theory.direction import UpperBound
from theory.inputs import FloatArray, independent_neurons
from theory.network.shared_weights import SharedWeights
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.norms import rounded_up
from theory.stability.tube.bounds import TubeBounds, bounds_at, pushed, turned
from theory.stability.tube.start import Start, start_at, sum_above
from theory.theorems import tube, tube_width_ratio
from theory.theorems.chernoff import chernoff_failure
from theory.theorems.tube_plan import RATIO_FORM, TubePlan, tube_plan

BITS = 128

MOST_PLANS = 64
"""Plans that are kept: mutants ask for the same ones."""


@stored_as("tube-width")
@dataclass(frozen=True)
class TubeWidthInstance:
    """Data, initialisation, delta and form of a width, and how many networks are drawn at it."""

    inputs: FloatArray
    targets: FloatArray
    scale: float
    delta: float
    form: str
    symmetric: bool = True
    ratio: float = 0.0
    """mu; 0 for the best one."""
    networks: int = 0

    @property
    def plan(self) -> TubePlan:
        """The theorem's."""
        return _planned(
            self.inputs.tobytes(),
            self.inputs.shape,
            self.targets.tobytes(),
            (self.scale, self.delta, self.ratio or None, self.form, self.symmetric),
        )

    @property
    def eigenvalue(self) -> float:
        """A certified lower bound of lambda0."""
        return self.plan.inputs.sample.lambda0


@functools.lru_cache(MOST_PLANS)
def _planned(
    rows: bytes, shape: tuple[int, int], targets: bytes, rest: tuple[float, float, float | None, str, bool]
) -> TubePlan:
    return tube_plan(np.frombuffer(rows).reshape(shape), np.frombuffer(targets), *rest)


@dataclass(frozen=True)
class TubeParts:
    """What a width has to do, in balls, from the statement alone; ``allowed`` and ``factor`` are the theorem's a and g."""

    plan: TubePlan

    @property
    def eigenvalue(self) -> arb:
        """lambda0."""
        return arb(self.plan.inputs.sample.lambda0)

    @property
    def allowed(self) -> arb:
        """a."""
        return arb(self.plan.allowed)

    @property
    def factor(self) -> arb:
        """g."""
        return arb(self.plan.factor)

    @property
    def length(self) -> arb:
        """L."""
        return arb(self.plan.squared_length).sqrt()

    @property
    def count_share(self) -> arb:
        """What of delta each count of neurons near a boundary has."""
        return arb(self.plan.shares.counts) / (self.plan.inputs.sample.n * self.plan.sides)

    def independent(self, width: int) -> int:
        """Neurons, or pairs of them, that are drawn independently."""
        return width // 2 if self.plan.symmetric else width

    def first_failure(self, width: int) -> arb:
        """K-chernoff's (K-relative's) probability of failure."""
        one = self.plan.inputs.sample
        numbers = (arb(one.lambda0), arb(one.squared_norm), one.n, width)
        return arb(chernoff_failure(*numbers, symmetric=self.plan.symmetric))

    def margin(self, width: int) -> arb:
        """``(2/pi)^{1/2} b/nu`` of the widest b: above the probability of a pre-activation within b of 0."""
        row = arb(float(self.plan.inputs.row_norms.max()))
        b = row * self.length * self.factor * 4 / 3 / arb(width).sqrt()
        return b * (2 / arb.pi()).sqrt() / arb(self.plan.scale)

    def counted(self, width: int) -> arb:
        """What Chernoff's step says of the counts, over a: of the mean, and of the logarithm; at most 1 is to be shown."""
        one = self.plan
        largest = arb(one.inputs.largest_sum) if one.form == RATIO_FORM else arb(1)
        by_logarithm = -6 * self.count_share.log() * largest * one.sides / self.independent(width)
        return (2 * self.margin(width) * arb(one.overlap)).max(by_logarithm) / self.allowed

    def exact_failure(self, width: int) -> arb:
        """The probability that one count is too large, exactly: a binomial's tail; T3-tube's forms only."""
        neurons, one = self.independent(width), self.plan
        b = self.margin(width) * arb(2).sqrt() / 2 * (arb.pi() / 2).sqrt()  # b/nu over the root of 2
        p = b.erf() / one.sides
        most = int((self.allowed * neurons / one.sides).lower().floor().unique_fmpz()) + 1
        if most > neurons:
            return arb(0)
        return arb(p).beta_lower(arb(most), arb(neurons - most + 1), regularized=True)

    def closing(self) -> list[tuple[str, arb, arb]]:
        """At the worst counts and ``lambda = (3/4) lambda0``: the ratio beside mu, and the path beside ``(4/3) L g``."""
        one, mu, kept = self.plan, arb(self.plan.ratio), arb(3) / 4 * self.eigenvalue
        if one.form == RATIO_FORM:
            x = (self.allowed / kept).sqrt()
            ratio, path = x / (1 - x), 1 / ((1 - 2 * x) * (1 - x))
        else:
            moved = arb(one.inputs.sample.absolute_norm) * self.allowed
            change = moved * (2 if one.form == "plain" else 1)
            left = kept - change
            ratio = moved / left
            path = (1 + change / left) / (1 - ratio) if one.form == "target" else kept / left / (1 - ratio)
        return [("the ratio <= mu", ratio, mu), ("the path <= (4/3) L g", path, self.factor)]


@dataclass(frozen=True)
class DrawnTube:
    """A network drawn at a width, with the tube that was fixed before."""

    start: Start
    widths: FloatArray
    """Of the tube, shape (n,)."""
    bounds: TubeBounds

    @classmethod
    def at(cls, plan: TubePlan, width: int, rng: np.random.Generator) -> DrawnTube:
        """Draw one, and look at it: counts exact, norms rounded up."""
        one, widths = plan.inputs, plan.tube(width)
        dim = one.rows.shape[1]
        if plan.symmetric:  # which one of a pair has which sign changes nothing that is looked at
            weights = rng.standard_normal((independent_neurons(width, True), dim))
            weights *= plan.scale
            shared = SharedWeights.mirrored(TwoLayerNetwork(weights, np.ones(len(weights))))
        else:
            shared = SharedWeights.none(TwoLayerNetwork.initialise(width, dim, plan.scale, rng))
        start = start_at(shared.looked_at, one.rows, one.targets, shared, shared.pre_activations(one.rows))
        return cls(start, widths, bounds_at(start, widths))


def closes(plan: TubePlan, width: int, rng: np.random.Generator) -> bool:
    """Whether the tube that was fixed before the draw is certified to close around a drawn network, with a ratio of at most mu."""
    drawn = DrawnTube.at(plan, width, rng)
    start = drawn.start
    if not start.lambda_min > 0:
        return False
    ratio, path = _root(drawn) if plan.form == RATIO_FORM else _plain(drawn)
    if not (ratio < 1 and fmpq(*float(ratio).as_integer_ratio()) <= plan.ratio):
        return False
    needed = [tube.width(float(norm), path, width) for norm in start.row_norms]
    return bool((np.array(needed) <= drawn.widths).all())


def _plain(drawn: DrawnTube) -> tuple[float, float]:
    """T1-tube's ratio and path."""
    start, bounds = drawn.start, drawn.bounds
    if not (bounds.lambda_min > 0 and bounds.ratio < 1):
        return math.inf, math.inf
    changed, products = turned(start, bounds), pushed(start, bounds)
    path = tube.path_sum(
        start.residual_norm,
        start.coefficients_norm,
        changed,
        products,
        bounds.ratio,
        bounds.first_ratio,
        bounds.lambda_min,
    )
    return float(bounds.ratio), float(path)


def _root(drawn: DrawnTube) -> tuple[float, float]:
    """T1-tube-root's."""
    start, tau = drawn.start, drawn.bounds.jacobian_change
    ratio = tube_width_ratio.root_ratio(tau, start.lambda_min)
    if not ratio < 1:
        return math.inf, math.inf
    return float(ratio), float(tube_width_ratio.root_path(inverse_length(start), tau, start.lambda_min))


def inverse_length(start: Start) -> UpperBound:
    """``r(0)^T G(0)^{-1} r(0)`` from above: ``r . c`` for the computed c, and what its error adds."""
    value = float(np.abs(start.residual) @ np.abs(start.coefficients))
    exact = float(start.residual @ start.coefficients)
    rounding = value * (2 * len(start.residual) + 8) * 2.0**-53
    errors = float(start.residual_norm) * float(start.coefficients_error) + start.residual_error * float(
        start.coefficients_norm
    )
    return UpperBound(rounded_up(max(0.0, exact) + float(sum_above(rounding, errors, errors * 2.0**-40))))
