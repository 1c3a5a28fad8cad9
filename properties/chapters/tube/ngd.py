"""T1-tube: natural gradient descent while no pre-activation leaves its tube, for every step size up to 1 and every k."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb
from hypothesis import strategies as st

from properties.chapters.tube.closing import Closing
from properties.chapters.tube.enclosed_tube import EnclosedTube
from properties.chapters.tube.instances import TUBE_BITS, Followed, TubeNetwork
from properties.chapters.tube.planned import PLANS
from properties.descent.inputs import draw_inputs
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Hypothesis,
    Provenance,
    at_most_or_equal_enclosed,
    require,
    require_enclosed,
    technical,
)
from properties.engine.descriptions import described_family
from properties.engine.rule import Families, Stated, mutant
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import AnyArray
from theory.rigour.precision import working_precision
from theory.theorems import tube

Description = Mapping[str, Any]

FORMS = ("residual", "start", "neuron")
EQUAL_BITS = 60
"""Two sides that agree to ``2^-60`` are equal: without a flip the residual falls by exactly ``1 - eta``."""

Number = Callable[[EnclosedTube], arb]


# --- the numbers of the statement --------------------------------------------------------------------------------------


def first_sum(at: EnclosedTube) -> arb:
    """``||r(0)||/((1-mu) lambda_b)``."""
    return arb(tube.path_sum(at.residual_norm, at.lambda_min, at.ratio))


def first_error(at: EnclosedTube) -> arb:
    """e0."""
    solutions = tube.first_solutions(at.start_norm, at.start_change, at.lambda_min)
    return arb(
        tube.first_error(solutions, at.product_norm, at.residual_norm, at.start_product, at.start_change, at.ratio)
    )


def remainder(at: EnclosedTube) -> arb:
    """``(||D|c0||| + e0/(1-mu))/lambda_b``."""
    return arb(tube.remainder(at.start_change, first_error(at), at.lambda_min, at.ratio))


def second_sum(at: EnclosedTube) -> arb:
    """``||c0||`` and the remainder."""
    return arb(tube.path_sum_from_start(at.start_norm, at.start_change, first_error(at), at.lambda_min, at.ratio))


def by_row_norm(at: EnclosedTube, path: arb) -> AnyArray:
    """``L1 ||K_i|| S/sqrt(m)``, (n,)."""
    return np.array([tube.width(row, path, arb(at.neurons), at.slope) for row in at.row_norms], dtype=object)


def by_neuron(at: EnclosedTube, path: arb, rest: arb) -> AnyArray:
    """The same or, where it is less, what a neuron's own coefficients say, (n, m)."""
    common, (own, changed), m = by_row_norm(at, path), at.start_motions, arb(at.neurons)
    spread = [at.slope * row * rest for row in at.row_norms]
    single = (own + changed + np.array(spread, dtype=object)[:, None]) / m.sqrt()
    return np.where((single < common[:, None]).astype(bool), single, common[:, None])


@dataclass(frozen=True)
class TubeRule(Stated):
    """T1-tube's numbers, as stated or as a mutant states them."""

    first: Number = first_sum
    """S from ``||r(0)||``."""
    second: Number = second_sum
    """S from c0."""
    ratio: Number = lambda at: at.ratio
    """mu, in the rate."""
    rest: Number = remainder
    """What the form a neuron adds."""
    widths: Callable[[EnclosedTube, arb], AnyArray] = by_row_norm
    neuron: Callable[[EnclosedTube, arb, arb], AnyArray] = by_neuron
    most_step: float = 1.0
    closes: bool = True
    """Whether the tube has to be as wide as the path is long."""
    factor: Callable[[arb, arb], arb] = lambda eta, mu: arb(tube.rate(eta, mu))
    limit: Callable[[arb], arb] = lambda mu: arb(tube.step_limit(mu))
    weights: bool = False
    """Whether b is taken to bound the motion of the weights."""

    @property
    def assumes(self) -> tuple[str, ...]:
        """Its hypotheses."""
        return "lambda_b > 0", "mu < 1", "the tube closes", "step size"

    def path(self, at: EnclosedTube, form: str) -> arb:
        """S."""
        if form == "residual":
            return self.first(at)
        first, second = self.first(at), self.second(at)
        return second if second < first else first

    def needed(self, at: EnclosedTube, form: str) -> AnyArray:
        """How far pre-activations may move, (n,) or (n, m)."""
        path = self.path(at, form)
        return self.neuron(at, path, self.rest(at)) if form == "neuron" else self.widths(at, path)

    def hypotheses(self, instance: TubeNetwork) -> Sequence[Hypothesis]:
        """lambda_b > 0, mu < 1, the tube closes, the step size; and that the run can be followed."""
        at = instance.tube
        with working_precision(TUBE_BITS):
            positive = require_enclosed("lambda_b > 0", at.lambda_min - arb(2) ** -1000)
            if not at.lambda_min > 0:
                return [positive]
            below = require_enclosed("mu < 1", 1 - at.ratio - arb(2) ** -1000)
            if not at.ratio < 1:
                return [positive, below]
            found = [positive, below, technical(require("r(0) is not zero", 1.0 if at.residual_norm > 0 else -1.0))]
            if self.closes:
                needed = self.needed(at, instance.form)
                left = [arb(float(b)) - one for b, one in zip(instance.widths.ravel(), needed.ravel(), strict=True)]
                found.append(require_enclosed("the tube closes", min(left, key=lambda one: float(one.lower()))))
            found.append(require("step size 0 < eta <= 1 (exact)", self.most_step - instance.eta))
            followed = instance.first_run
            found.append(technical(require("the run is enclosed", 1.0 if _decided(followed) else -1.0)))
        return found

    def conclusion(self, instance: TubeNetwork) -> Sequence[Bound]:
        """Every step, the run, the path, and where every pre-activation is at every k."""
        with working_precision(TUBE_BITS):
            return self.bounds(instance, instance.first_run)

    def confirm(self, instance: TubeNetwork, bits: int) -> Sequence[Bound]:
        """The same at the working precision."""
        del bits
        again = TubeNetwork(**{name: getattr(instance, name) for name in instance.__dataclass_fields__})
        return self.bounds(again, again.followed())

    def bounds(self, instance: TubeNetwork, followed: Followed) -> Sequence[Bound]:
        """What the run is compared with."""
        at, eta = instance.tube, arb(instance.eta)
        mu, path, needed = self.ratio(at), self.path(at, instance.form), self.needed(at, instance.form)
        factor, limit = self.factor(eta, mu), self.limit(mu)
        steps, first = followed.steps, followed.steps[0].before
        allowed, own, way, found = first, first, arb(0), []

        def compared(label: str, measured: arb, predicted: arb) -> None:
            found.append(at_most_or_equal_enclosed(label, measured, predicted, EQUAL_BITS))

        for k, (step, length, motion) in enumerate(zip(steps, followed.coefficients, followed.moved, strict=True), 1):
            allowed, own, way = factor * allowed, (1 - eta).sqrt() * own if eta < 1 else arb(0), way + eta * length
            compared(f"||r({k})|| <= (1 - eta(1-mu)) ||r({k - 1})||", step.after / first, factor * step.before / first)
            compared(f"||r({k})|| <= (1 - eta(1-mu))^{k} ||r(0)||", step.after / first, allowed / first)
            if eta <= limit:
                compared(f"||r({k})||^2 <= (1-eta)^{k} ||r(0)||^2", step.after / first, own / first)
            compared(f"max |Z({k}) - Z(0)| <= b", motion.largest_share(needed), arb(1))
        compared(f"sum of eta ||G(k)^-1 r(k)|| over {len(steps)} steps <= S", way / path, arb(1))
        return found

    def features(self, instance: TubeNetwork) -> Sequence[str]:
        """What the table counts: mu, flips on the way, and the form."""
        with working_precision(TUBE_BITS):
            mu, flips = float(instance.tube.ratio), instance.first_run.flips
        low = math.floor(5 * mu) / 5
        found = [instance.form, f"mu in [{low:.1f}, {low + 0.2:.1f})"]
        return [*found, "flips"] if flips else found


def _decided(followed: Followed) -> bool:
    return len(followed.moved) == len(followed.steps)
