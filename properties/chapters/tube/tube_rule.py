"""What T1-tube, and what rests on it, says in numbers, and how a run in balls is compared with them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from properties.chapters.tube.enclosed_tube import EnclosedTube
from properties.chapters.tube.instances import FORMS, TUBE_BITS, Followed, Motion, TubeNetwork
from properties.engine.claim import (
    Bound,
    Hypothesis,
    Verdict,
    at_most_or_equal_enclosed,
    certified,
    established,
    require,
    require_enclosed,
    technical,
)
from properties.engine.rule import Stated
from theory.rigour.exact import AnyArray
from theory.rigour.precision import working_precision
from theory.theorems import tube

EQUAL_BITS = 60
"""Two sides that agree to ``2^-60`` are equal: without a flip the residual falls by exactly ``1 - eta``."""

Number = Callable[[EnclosedTube], arb]


# --- the numbers of the statement --------------------------------------------------------------------------------------


def by_rate(at: EnclosedTube) -> arb:
    """S from ``||r(0)||``."""
    return arb(tube.path_by_rate(at.residual_norm, at.ratio, at.lambda_min))


def by_start(at: EnclosedTube) -> arb:
    """The least S from c0."""
    found = [
        tube.path_by_both(at.start_norm, at.start_change, at.residual_norm, at.ratio, at.lambda_min),
        tube.path_by_products(at.start_norm, at.start_change, at.start_product, at.ratio, at.lambda_min),
    ]
    if at.first_ratio < 1:
        found.append(tube.path_by_coefficients(at.start_norm, at.start_change, at.first_ratio, at.lambda_min))
    return least(found)


def either_sign(at: EnclosedTube) -> arb:
    """``|lambda - ||D|||``."""
    return abs(at.first_eigenvalue - at.gram_change_norm)


def ratio_of_either_sign(at: EnclosedTube) -> arb:
    """``xi/|lambda - ||D|||``."""
    return at.product_norm / either_sign(at)


def least(numbers: Sequence[Any]) -> arb:
    """One that is not above the others, where balls decide it."""
    found = arb(numbers[0])
    for one in numbers[1:]:
        found = arb(one) if one < found else found
    return found


def later(at: EnclosedTube, path: arb) -> arb:
    """``(||D|c0||| + e)/lambda_b``."""
    return arb(
        tube.later_path(
            at.start_change,
            at.start_product,
            at.product_norm,
            path,
            at.residual_norm,
            at.ratio,
            at.lambda_min,
        )
    )


def by_row_norm(at: EnclosedTube, path: arb) -> AnyArray:
    """``L1 ||K_i|| S/sqrt(m)``, (n,)."""
    return np.array([tube.width(row, path, at.neurons, at.slope) for row in at.row_norms], dtype=object)


def by_neuron(at: EnclosedTube, path: arb, rest: arb) -> AnyArray:
    """The same or, where it is less, what a neuron's own coefficients say, (n, m)."""
    residual = tube.later_residual(at.lambda_min, at.gram_change_norm, rest)

    def single(row: arb, start: arb, turned: arb, seen: arb, flips: arb) -> arb:
        return tube.neuron_width(row, path, start, turned, rest, at.neurons, at.slope, seen, residual, flips)

    return once_a_kind(at, single, *at.start_motions, *at.start_views)


def once_a_kind(at: EnclosedTube, single: Callable[..., arb], *columns: AnyArray) -> AnyArray:
    """``single(||K_i||, *entries)`` for every pair (n, m), with its entries of ``columns``, each (n, m): once for all neurons of a kind."""
    one, kind = at.kinds
    rows = np.array(at.row_norms, dtype=object)[:, None]
    found = np.frompyfunc(single, 1 + len(columns), 1)(rows, *(column[:, one] for column in columns))
    return np.asarray(found)[:, kind]


@dataclass(frozen=True)
class TubeRule(Stated):
    """T1-tube's numbers, as stated or as a mutant states them."""

    by_rate: Number = by_rate
    """S from ``||r(0)||``."""
    by_start: Number = by_start
    """S from c0."""
    eigenvalue: Number = lambda at: at.lambda_min
    """lambda_b, where it has to be positive, and in the rate of damped NGD."""
    below_one: Number | None = lambda at: at.ratio
    """mu, where it has to be below 1; None where nothing is asked of it."""
    ratio: Number = lambda at: at.ratio
    """mu, in the rate."""
    later: Callable[[EnclosedTube, arb], arb] = later
    """What the path adds to c0, neuron by neuron."""
    widths: Callable[[EnclosedTube, arb], AnyArray] = by_row_norm
    neuron: Callable[[EnclosedTube, arb, arb], AnyArray] = by_neuron
    most_step: float = 1.0
    moved: Callable[[EnclosedTube, Motion, AnyArray], arb] = lambda at, motion, needed: motion.largest_share(needed)
    """What is compared with the widths, as a share of them."""
    closes: bool = True
    """Whether the tube has to be as wide as the path is long."""
    factor: Callable[[TubeNetwork, arb, arb], arb] = lambda instance, least, mu: 1 - arb(instance.eta) * (1 - mu)
    """``(instance, lambda_b, mu)`` -> that of one step."""
    limit: Callable[[arb], arb] = lambda mu: arb(tube.step_limit(mu))

    @property
    def assumes(self) -> tuple[str, ...]:
        """Its hypotheses."""
        return "lambda_b > 0", "mu < 1", "the tube closes", "step size"

    def path(self, at: EnclosedTube, form: str) -> arb:
        """S."""
        return self.by_rate(at) if form == "residual" else least([self.by_rate(at), self.by_start(at)])

    def numbers(self, instance: TubeNetwork) -> tuple[arb, arb, arb, AnyArray]:
        """lambda_b, mu, S and how far pre-activations may move, as they are certified or as the form says."""
        at = instance.tube
        if instance.form not in FORMS:
            known = instance.certificate
            least, mu, path = (arb(float(one)) for one in (known.lambda_min, known.contraction, known.path_sum))
            return least, mu, path, np.asarray(np.frompyfunc(lambda one: arb(float(one)), 1, 1)(known.widths))
        return self.eigenvalue(at), self.ratio(at), self.path(at, instance.form), self.needed(at, instance.form)

    def needed(self, at: EnclosedTube, form: str) -> AnyArray:
        """How far pre-activations may move, (n,) or (n, m)."""
        path = self.path(at, form)
        return self.neuron(at, path, self.later(at, path)) if form == "neuron" else self.widths(at, path)

    def hypotheses(self, instance: TubeNetwork) -> Sequence[Hypothesis]:
        """lambda_b > 0, mu < 1, the tube closes, the step size; and that the run can be followed."""
        with working_precision(TUBE_BITS):
            found = list(self._certified(instance) if instance.form not in FORMS else self._evaluated(instance))
            if any(one.verdict is not Verdict.HOLDS for one in found):
                return found
            found.append(require("step size 0 < eta <= 1 (exact)", self.most_step - instance.eta))
            followed = instance.first_run
            found.append(technical(require("the run is enclosed", 1.0 if _decided(followed) else -1.0)))
        return found

    def _evaluated(self, instance: TubeNetwork) -> Iterator[Hypothesis]:
        """At the instance's own widths."""
        at = instance.tube
        yield require_enclosed("lambda_b > 0", self.eigenvalue(at) - arb(2) ** -1000)
        if not self.eigenvalue(at) > 0:
            return
        if self.below_one is not None:
            yield require_enclosed("mu < 1", 1 - self.below_one(at) - arb(2) ** -1000)
            if not self.below_one(at) < 1:
                return
        yield technical(require("r(0) is not zero", 1.0 if at.residual_norm > 0 else -1.0))
        if self.closes:
            needed = self.needed(at, instance.form)
            left = [arb(float(b)) - one for b, one in zip(instance.widths.ravel(), needed.ravel(), strict=True)]
            yield require_enclosed("the tube closes", min(left, key=lambda one: float(one.lower())))

    def _certified(self, instance: TubeNetwork) -> Iterator[Hypothesis]:
        """At the widths that ``certify_tube`` finds."""
        known = instance.certificate
        yield certified("lambda_b > 0", known.lambda_min)
        yield established("mu < 1", known.contraction < 1)
        yield established("the tube closes", known.certified)
        yield technical(require("r(0) is not zero", 1.0 if instance.tube.residual_norm > 0 else -1.0))

    def conclusion(self, instance: TubeNetwork) -> Sequence[Bound]:
        """Every step, the run, the path, and where every pre-activation is at every k."""
        with working_precision(TUBE_BITS):
            return self.bounds(instance, instance.first_run)

    def confirm(self, instance: TubeNetwork, bits: int) -> Sequence[Bound]:
        """The same at the working precision."""
        with working_precision(max(bits, 2 * TUBE_BITS)):
            again = dataclasses.replace(instance, steps=len(instance.first_run.steps))
            return self.bounds(again, again.followed())

    def bounds(self, instance: TubeNetwork, followed: Followed) -> Sequence[Bound]:
        """What the run is compared with."""
        at, eta = instance.tube, arb(instance.eta)
        least, mu, path, needed = self.numbers(instance)
        factor, limit = self.factor(instance, least, mu), self.limit(mu)
        steps, first = followed.steps, followed.steps[0].before
        allowed, own, way, found = first, first, arb(0), []

        def compared(label: str, measured: arb, predicted: arb) -> None:
            bound = at_most_or_equal_enclosed(label, measured, predicted, EQUAL_BITS)
            found.append(dataclasses.replace(bound, label=label))

        for k, (step, length, motion) in enumerate(zip(steps, followed.coefficients, followed.moved, strict=True), 1):
            allowed, own, way = factor * allowed, (1 - eta).sqrt() * own if eta < 1 else arb(0), way + eta * length
            compared(f"||r({k})|| <= factor ||r({k - 1})||", step.after / first, factor * step.before / first)
            compared(f"||r({k})|| <= factor^{k} ||r(0)||", step.after / first, allowed / first)
            if eta <= limit:
                compared(f"||r({k})||^2 <= (1-eta)^{k} ||r(0)||^2", step.after / first, own / first)
            compared(f"max |Z({k}) - Z(0)|/b <= 1", self.moved(at, motion, needed), arb(1))
        compared("sum of eta ||c(k)|| over the run <= S", way / path, arb(1))
        return found

    def features(self, instance: TubeNetwork) -> Sequence[str]:
        """What the table counts: mu, flips on the way, and the form."""
        with working_precision(TUBE_BITS):
            given = instance.form in FORMS
            mu = float(self.ratio(instance.tube) if given else instance.certificate.contraction)
            flips = instance.first_run.flips
        low = math.floor(5 * mu) / 5
        found = [instance.form, f"mu in [{low:.1f}, {low + 0.2:.1f})"]
        return [*found, "flips"] if flips else found


def _decided(followed: Followed) -> bool:
    return len(followed.moved) == len(followed.steps)
