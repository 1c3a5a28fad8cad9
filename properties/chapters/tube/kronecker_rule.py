"""What T4-tube and T4-damped-tube say in numbers, and how a run of K-FAC in balls is compared with them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from properties.chapters.tube.instances import TUBE_BITS, Followed
from properties.chapters.tube.kronecker import KRONECKER_FORMS, KroneckerTubeNetwork, PatternTube, Solution
from properties.chapters.tube.tube_rule import EQUAL_BITS, either_sign, least
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
from theory.rigour.exact import AnyArray, rational
from theory.rigour.precision import working_precision
from theory.theorems import tube, tube_kfac

REGULAR = "sigma_b^2 > 0"
CONTRACTS = "mu < 1"
CLOSES = "the tube closes"
STEP_SIZE = "step size"


def solution_bound(known: Solution, smallest: arb) -> arb:
    """At least ``||(H(k) + eps_S)^{-1} A_r(k)||``, of ``sigma_b^2 + eps_S``."""
    return arb(tube_kfac.neuron_solution(known.norm, known.flips, known.changed, smallest))


def plain_of_either_sign(at: PatternTube) -> arb:
    """The bound for all neurons with ``|sigma^2 - ||D_N|||`` for sigma_b^2."""
    return arb(tube_kfac.plain_solution(*at.shape, either_sign(at), at.eps_S))


@dataclass(frozen=True)
class KroneckerRule(Stated):
    """The numbers of T4-tube and T4-damped-tube, as stated or as a mutant states them; mu is ``1 - theta`` with damping."""

    around: Callable[[KroneckerTubeNetwork], PatternTube] = lambda instance: instance.tube
    """What is known of the tube."""
    eigenvalue: Callable[[PatternTube], arb] = lambda at: at.lambda_min
    """sigma_b^2, where it has to be positive, and in s_r of a neuron."""
    below_one: Callable[[PatternTube], arb] | None = lambda at: at.ratio
    """mu, where it has to be below 1; None where nothing is asked of it."""
    ratio: Callable[[PatternTube], arb] = lambda at: at.contraction
    """mu, in the rate."""
    gain: Callable[[arb, arb, arb], Any] = tube_kfac.gain
    """``(eta, h_max, mu)`` -> alpha."""
    factor: Callable[[arb, arb, arb], Any] = tube_kfac.rate
    """``(eta, h, mu)`` -> that of one step, h a leverage score."""
    rate_score: Callable[[PatternTube], arb] = lambda at: at.h_min
    """The leverage score in the rate and in the fall of ``||r||``."""
    path: Callable[[PatternTube], Any] = lambda at: tube_kfac.path_sum(at.residual_norm, at.contraction, at.h_min)
    """S."""
    plain: Callable[[PatternTube], Any] = lambda at: tube_kfac.plain_solution(*at.shape, at.lambda_min, at.eps_S)
    """At least ``||(H(k) + eps_S)^{-1} A_r(k)||`` for all neurons."""
    neuron: Callable[[Solution, arb], arb] = solution_bound
    most_step: int = 1
    """What ``eta h_max`` may be."""
    limit: Callable[[arb], Any] = tube.step_limit
    """Of ``eta h_max``, for T4-lev's rate."""
    closes: bool = True
    """Whether the tube has to be as wide as the path is long."""

    @property
    def assumes(self) -> tuple[str, ...]:
        """Its hypotheses."""
        return REGULAR, CONTRACTS, CLOSES, STEP_SIZE

    def needed(self, at: PatternTube, form: str) -> AnyArray:
        """How far pre-activations may move, (n,) or (n, m)."""
        m, smallest = at.neurons, self.eigenvalue(at) + at.eps_S
        path, scores, plain = arb(self.path(at)), [arb(one) for one in at.exact_leverage], arb(self.plain(at))

        def widths(solution: arb) -> list[Any]:
            return [tube_kfac.width(path, h, solution, m) for h in scores]

        if form == "plain":
            return np.array(widths(plain), dtype=object)
        known, which = at.solutions
        single = np.array([widths(least([plain, self.neuron(one, smallest)])) for one in known], dtype=object)
        return np.asarray(single[which].T)

    def numbers(self, instance: KroneckerTubeNetwork) -> tuple[arb, arb, AnyArray]:
        """mu, S and how far pre-activations may move, as they are certified or as the form says."""
        if instance.form not in KRONECKER_FORMS:
            known = instance.certificate
            mu, path = (arb(float(one)) for one in (known.contraction, known.path_sum))
            return mu, path, np.asarray(np.frompyfunc(lambda one: arb(float(one)), 1, 1)(known.widths))
        at = self.around(instance)
        return self.ratio(at), arb(self.path(at)), self.needed(at, instance.form)

    # --- hypotheses

    def hypotheses(self, instance: KroneckerTubeNetwork) -> Sequence[Hypothesis]:
        """sigma_b^2 > 0, mu < 1, the tube closes, the step size; and that the run can be followed."""
        with working_precision(TUBE_BITS):
            given = instance.form in KRONECKER_FORMS
            found = list(self._evaluated(instance) if given else self._certified(instance))
            if any(one.verdict is not Verdict.HOLDS for one in found):
                return found
            room = self.most_step - rational(instance.eta) * max(instance.tube.exact_leverage)
            found.append(require_enclosed("step size 0 < eta h_max <= 1 (exact)", arb(room)))
            decided = len(instance.first_run.moved) == len(instance.first_run.steps)
            found.append(technical(require("the run is enclosed", 1.0 if decided else -1.0)))
        return found

    def _evaluated(self, instance: KroneckerTubeNetwork) -> Iterator[Hypothesis]:
        """At the instance's own widths."""
        at = self.around(instance)
        yield require_enclosed(REGULAR, self.eigenvalue(at) - arb(2) ** -1000)
        if not self.eigenvalue(at) > 0:
            return
        if self.below_one is not None:
            yield require_enclosed(CONTRACTS, 1 - self.below_one(at) - arb(2) ** -1000)
            if not self.below_one(at) < 1:
                return
        yield technical(require("r(0) is not zero", 1.0 if at.residual_norm > 0 else -1.0))
        if self.closes:
            needed = self.needed(at, instance.form)
            left = [arb(float(b)) - one for b, one in zip(instance.widths.ravel(), needed.ravel(), strict=True)]
            yield require_enclosed(CLOSES, min(left, key=lambda one: float(one.lower())))

    def _certified(self, instance: KroneckerTubeNetwork) -> Iterator[Hypothesis]:
        """At the widths that ``certify_tube`` finds."""
        known = instance.certificate
        yield certified(REGULAR, known.lambda_min)
        yield established(CONTRACTS, known.contraction < 1)
        yield established(CLOSES, known.certified)
        yield technical(require("r(0) is not zero", 1.0 if instance.tube.residual_norm > 0 else -1.0))

    # --- conclusion

    def conclusion(self, instance: KroneckerTubeNetwork) -> Sequence[Bound]:
        """Every step, the run, the path, and where every pre-activation is at every k."""
        with working_precision(TUBE_BITS):
            return self.bounds(instance, instance.first_run)

    def confirm(self, instance: KroneckerTubeNetwork, bits: int) -> Sequence[Bound]:
        """The same at the working precision."""
        with working_precision(max(bits, 2 * TUBE_BITS)):
            again = dataclasses.replace(instance, steps=len(instance.first_run.steps))
            return self.bounds(again, again.followed())

    def bounds(self, instance: KroneckerTubeNetwork, followed: Followed) -> Sequence[Bound]:
        """What the run is compared with."""
        at, eta = instance.tube, arb(instance.eta)
        mu, path, needed = self.numbers(instance)
        alpha, factor = arb(self.gain(eta, at.h_max, mu)), arb(self.factor(eta, self.rate_score(at), mu))
        slope = (1 - factor) / self.rate_score(at).sqrt()
        own = (1 - eta * at.h_min).nonnegative_part().sqrt() if eta * at.h_max <= arb(self.limit(mu)) else None
        first, allowed, slow, way, found = followed.steps[0].before, arb(1), arb(1), arb(0), []

        def compared(label: str, measured: arb, predicted: arb) -> None:
            bound = at_most_or_equal_enclosed(label, measured, predicted, EQUAL_BITS)
            found.append(dataclasses.replace(bound, label=label))

        for k, (step, length, motion) in enumerate(
            zip(followed.steps, followed.coefficients, followed.moved, strict=True), 1
        ):
            allowed, way, left = factor * allowed, way + eta * length, step.after / step.before
            fall = eta * alpha * (length / step.before) ** 2
            compared(f"||r({k})||^2 <= ||r({k - 1})||^2 - eta alpha r^T diag(h) r", left * left, 1 - fall)
            compared(
                f"||r({k})|| <= ||r({k - 1})|| - eta (1-mu) (h_min r^T diag(h) r)^(1/2)",
                left,
                1 - slope * length / step.before,
            )
            compared(f"||r({k})|| <= factor ||r({k - 1})||", left, factor)
            compared(f"||r({k})|| <= factor^{k} ||r(0)||", step.after / first, allowed)
            if own is not None:
                slow = own * slow
                compared(f"||r({k})||^2 <= (1 - eta h_min)^{k} ||r(0)||^2", step.after / first, slow)
            compared(f"max |Z({k}) - Z(0)|/b <= 1", motion.largest_share(needed), arb(1))
        compared("sum of eta (r^T diag(h) r)^{1/2} over the run <= S", way / path, arb(1))
        return found

    def features(self, instance: KroneckerTubeNetwork) -> Sequence[str]:
        """What the table counts: the form, mu, more inputs than dimensions, flips on the way."""
        with working_precision(TUBE_BITS):
            given = instance.form in KRONECKER_FORMS
            mu = float(self.ratio(self.around(instance)) if given else instance.certificate.contraction)
            flips = instance.first_run.flips
        low = math.floor(5 * mu) / 5
        n, d = instance.inputs.shape
        found = [instance.form, f"mu in [{low:.1f}, {low + 0.2:.1f})", "n > d" if n > d else "n <= d"]
        return [*found, "flips"] if flips else found
