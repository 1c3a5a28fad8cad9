"""What T4-tube and T4-damped-tube say in numbers, and how a run in balls is compared with them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb

from properties.chapters.tube.instances import TUBE_BITS, Followed
from properties.chapters.tube.kfac_instances import KRONECKER_FORMS, NEURON, KroneckerTubeNetwork
from properties.chapters.tube.pattern_tube import PatternTube
from properties.chapters.tube.tube_rule import EQUAL_BITS
from properties.engine.claim import (
    Bound,
    Hypothesis,
    Verdict,
    at_most_or_equal_enclosed,
    certified,
    established,
    require_enclosed,
    technical,
)
from properties.engine.rule import Stated
from theory.rigour.exact import AnyArray
from theory.rigour.precision import working_precision
from theory.theorems import tube_kfac

STRICTLY = -1000
"""A power of two below every margin of a strict inequality."""


def stated_contraction(at: PatternTube, ratio: arb) -> arb:
    """mu, or ``1 - theta`` with damping."""
    return arb(tube_kfac.damped_contraction(ratio, at.lambda_min, at.eps_S)).upper() if at.eps_S else ratio


def plain_solution(at: PatternTube) -> arb:
    """At least ``||(H + eps_S)^{-1} A_r||``, for all neurons."""
    return arb(tube_kfac.plain_solution(len(at.inputs), at.neurons, at.lambda_min, at.eps_S))


def neuron_solution(at: PatternTube) -> AnyArray:
    """The same for each neuron, (m,)."""
    own = np.frompyfunc(
        lambda first, flips, moved: tube_kfac.neuron_solution(first, flips, moved, at.lambda_min, at.eps_S), 3, 1
    )(*at.first_solutions)
    plain = plain_solution(at)
    return np.array([plain if plain < one else one for one in own], dtype=object)


def weighted(step_residual: AnyArray, scores: AnyArray) -> arb:
    """``d = (r^T diag(h) r)^{1/2}``."""
    return sum((h * r * r for h, r in zip(scores, step_residual, strict=True)), arb(0)).nonnegative_part().sqrt()


@dataclass(frozen=True)
class KroneckerRule(Stated):
    """The theorem's numbers, as stated or as a mutant states them."""

    ratio: Callable[[PatternTube], arb] = lambda at: at.ratio
    """mu of the tube."""
    contraction: Callable[[PatternTube, arb], arb] = stated_contraction
    """``1 - theta``, of mu."""
    fall: Callable[[arb], arb] = lambda mu: 1 - mu
    """theta in the fall of ``||r||``, of 1 - theta."""
    least_score: Callable[[PatternTube], arb] = lambda at: at.least_score
    """h_min in the rate."""
    path: Callable[[PatternTube, arb], arb] = lambda at, mu: arb(
        tube_kfac.path_sum(at.residual_norm, mu, at.least_score)
    )
    """S, of 1 - theta."""
    plain: Callable[[PatternTube], arb] = plain_solution
    neuron: Callable[[PatternTube], AnyArray] = neuron_solution
    roots: Callable[[PatternTube], AnyArray] = lambda at: at.roots
    """What the width of an input is in proportion to."""
    gain: Callable[[arb, PatternTube, arb], arb] = lambda eta, at, mu: arb(tube_kfac.gain(eta, at.largest_score, mu))
    """alpha."""
    limit: Callable[[PatternTube, arb], arb] = lambda at, mu: arb(tube_kfac.leverage_limit(mu, at.largest_score))
    """Up to which step size T4-lev's rate is said to hold."""
    most_step: float = 1.0
    """Of ``eta h_max``."""
    closes: bool = True
    """Whether the tube has to be as wide as the path is long."""

    @property
    def assumes(self) -> tuple[str, ...]:
        """Its hypotheses."""
        return "sigma_b^2 > 0", "mu < 1", "the tube closes", "step size"

    def mu(self, at: PatternTube) -> arb:
        """``1 - theta``."""
        return self.contraction(at, self.ratio(at))

    def needed(self, at: PatternTube, form: str) -> AnyArray:
        """How far pre-activations may move, (n,) or (n, m)."""
        unit = self.path(at, self.mu(at)) / arb(at.neurons).sqrt()
        if form == NEURON:
            return np.asarray((unit * self.roots(at))[:, None] * self.neuron(at)[None, :])
        return np.asarray(unit * self.roots(at) * self.plain(at))

    def numbers(self, instance: KroneckerTubeNetwork) -> tuple[arb, arb, AnyArray]:
        """``1 - theta``, S and the widths, as they are certified or as the form says."""
        at = instance.tube
        if instance.form not in KRONECKER_FORMS:
            known = instance.certificate
            widths = np.frompyfunc(lambda one: arb(float(one)), 1, 1)(known.widths)
            return arb(float(known.contraction)), arb(float(known.path_sum)), np.asarray(widths)
        mu = self.mu(at)
        return mu, self.path(at, mu), self.needed(at, instance.form)

    def hypotheses(self, instance: KroneckerTubeNetwork) -> Sequence[Hypothesis]:
        """sigma_b^2 > 0, mu < 1, the tube closes, the step size; and that the run can be followed."""
        with working_precision(TUBE_BITS):
            own = self._evaluated if instance.form in KRONECKER_FORMS else self._certified
            found = list(own(instance))
            if any(one.verdict is not Verdict.HOLDS for one in found):
                return found
            room = self.most_step - arb(instance.eta) * instance.tube.largest_score
            found.append(require_enclosed("step size eta h_max <= 1", room))
            followed = instance.first_run
            found.append(technical(established("the run is enclosed", len(followed.moved) == len(followed.steps))))
        return found

    def _evaluated(self, instance: KroneckerTubeNetwork) -> Iterator[Hypothesis]:
        """At the instance's own widths."""
        at = instance.tube
        yield require_enclosed("sigma_b^2 > 0", at.lambda_min - arb(2) ** STRICTLY)
        if not at.lambda_min > 0:
            return
        ratio = self.ratio(at)
        yield require_enclosed("mu < 1", 1 - ratio - arb(2) ** STRICTLY)
        if not ratio < 1:
            return
        yield technical(require_enclosed("all leverage scores are positive", at.least_score - arb(2) ** STRICTLY))
        yield technical(require_enclosed("r(0) is not zero", at.residual_norm - arb(2) ** STRICTLY))
        if self.closes and at.least_score > 0 and at.residual_norm > 0:
            needed = self.needed(at, instance.form)
            left = [arb(float(b)) - one for b, one in zip(instance.widths.ravel(), needed.ravel(), strict=True)]
            yield require_enclosed("the tube closes", min(left, key=lambda one: float(one.lower())))

    def _certified(self, instance: KroneckerTubeNetwork) -> Iterator[Hypothesis]:
        """At the widths that ``certify_tube`` finds."""
        known = instance.certificate
        yield certified("sigma_b^2 > 0", known.lambda_min)
        yield established("mu < 1", known.contraction < 1)
        yield established("the tube closes", known.certified)
        yield technical(require_enclosed("r(0) is not zero", instance.tube.residual_norm - arb(2) ** STRICTLY))

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
        """What the run is compared with; lengths in units of ``||r(0)||``."""
        at, eta = instance.tube, arb(instance.eta)
        mu, path, needed = self.numbers(instance)
        least, theta, alpha = self.least_score(at), self.fall(mu), self.gain(eta, at, mu)
        first, allowed, own, way = followed.steps[0].before, arb(1), arb(1), arb(0)
        leverage, found = bool(eta <= self.limit(at, mu)), []

        def compared(label: str, measured: arb, predicted: arb, aim: float | None = None) -> None:
            bound = at_most_or_equal_enclosed(label, measured, predicted, EQUAL_BITS)
            found.append(dataclasses.replace(bound, label=label, aim=aim))

        for k, (step, motion) in enumerate(zip(followed.steps, followed.moved, strict=True), 1):
            before, after = step.before / first, step.after / first
            d = weighted(step.residual, at.scores) / first
            allowed, own = allowed * (1 - eta * theta * least), own * (1 - eta * at.least_score)
            way += eta * d
            compared(
                f"||r({k})|| <= ||r({k - 1})|| - eta theta h_min^(1/2) d",
                after,
                before - eta * theta * least.sqrt() * d,
            )
            compared(
                f"||r({k})||^2 <= ||r({k - 1})||^2 - eta alpha d^2",
                after * after,
                before * before - eta * alpha * d * d,
            )
            compared(f"||r({k})|| <= (1 - eta theta h_min)^{k} ||r(0)||", after, allowed)
            if leverage:
                compared(f"||r({k})||^2 <= (1 - eta h_min)^{k} ||r(0)||^2", after * after, own)
            compared(f"max |Z({k}) - Z(0)|/b <= 1", motion.largest_share(needed), arb(1))
        compared("sum of eta d(k) over the run <= S", way * first / path, arb(1))
        return found

    def features(self, instance: KroneckerTubeNetwork) -> Sequence[str]:
        """What the table counts: mu, flips on the way, the form, and whether all leverage scores are 1."""
        with working_precision(TUBE_BITS):
            mu, flips = float(self.numbers(instance)[0]), instance.first_run.flips
        low = math.floor(5 * mu) / 5
        n, d = instance.inputs.shape
        found = [instance.form, f"mu in [{low:.1f}, {low + 0.2:.1f})", "n > d" if n > d else "n <= d"]
        return [*found, "flips"] if flips else found
