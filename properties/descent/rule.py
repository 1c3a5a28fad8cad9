"""The rule: what one theorem says in numbers, from which its claim and its mutants are made.

A chapter gives the numbers, and the families on which they are tested; a mutant replaces some of them. Whatever is checked of a
step is written once, for float64 and for balls. Families that several chapters draw from are in families.py.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flint import arb
from hypothesis.strategies import SearchStrategy

from properties.descent.enclosed import STEP_SIZE, in_balls, step_size
from properties.descent.numbers import Numbers
from properties.descent.strategies import Description, Dial
from properties.engine.claim import (
    Bound,
    Claim,
    Hypothesis,
    Provenance,
    Verdict,
    at_most,
    at_most_enclosed,
    certified,
    certified_up_to,
)
from properties.engine.rule import Families, Neighbour, Stated
from theory.direction import raised
from theory.reals import square_root
from theory.rigour.precision import FIRST_BITS, working_precision
from theory.rigour.rounding import gamma

Number = Callable[[Numbers], Any]
"""A number of a theorem, of those of the instance; it answers in their kind."""


class Inequality(NamedTuple):
    """What is said of one step: ``measured <= predicted``, both floats or both balls."""

    label: str
    measured: Any
    predicted: Any
    rounding: Callable[[], float]
    """In float64: a bound of the error of ``predicted - measured``."""
    aim: Callable[[], float | None] = lambda: None
    """What the search maximises; None: the ratio."""


Says = Callable[["Rule", Numbers, int, Any, str], Iterable[Inequality]]
"""``(rule, numbers, k, step k, kind of iterate)`` -> what is checked of the step, which is one in floats or in balls."""

# --- what most rules have in common ----------------------------------------------------------------------------------


def excess(eta: float, factor: float, before: float, after: float) -> float:
    """The share of the allowed excess over the linear rate ``|1-eta|`` that a step uses."""
    linear = abs(1 - eta)
    allowed = factor - linear
    return (after / before - linear) / allowed if allowed > 0 else 0.0


def used_excess(at: Numbers, factor: float, before: float, after: float) -> float:
    """What of the excess over NGD's linear rate a step uses."""
    return excess(float(at.eta), factor, before, after)


def guaranteed_share(at: Numbers, factor: float, before: float, after: float) -> float:
    """The guaranteed decrease of ``||r||^2`` as a share of the achieved one; at most 1, tight there for every step size."""
    del at
    achieved = 1 - (after / before) ** 2
    return (1 - factor**2) / achieved if achieved > 0 else 0.0


def condition_1(instance: Any) -> list[Hypothesis]:
    """Condition 1, which fails where J(0) is known to have dependent rows."""
    found = certified("Condition 1: certified lambda_min(G(0)) > 0", instance.certificate.lambda_min)
    fails = found.verdict is not Verdict.HOLDS and instance.rank_deficient
    return [dataclasses.replace(found, verdict=Verdict.REFUTED) if fails else found]


def residual_falls(rule: Rule, at: Numbers, k: int, step: Any, iterate: str) -> Iterable[Inequality]:
    """``||r(k+1)|| <= factor ||r(k)||``."""
    factor = at.once(rule.factor)
    yield Inequality(
        f"||r({k + 1})|| <= factor ||r({k})|| from the {iterate} iterate {k}",
        step.after,
        factor * step.before,
        lambda: step.rounding(factor),
        lambda: rule.aim(at, float(factor), float(step.before), float(step.after)),
    )


def features(instance: Any) -> list[str]:
    """What the table counts: the size of C, and flips on the trajectory."""
    constant, flips = instance.certificate.constant, instance.run.flips
    found = [f"C in [{math.floor(5 * constant) / 5:.1f}, {math.floor(5 * constant) / 5 + 0.2:.1f})"]
    if flips:
        found.append("flips")
    if constant >= 0.1:
        found.append("C >= 0.1")
        if flips:
            found.append("C >= 0.1 and flips")
    return found


def lengths(share: Number) -> Number:
    """The length ``share ||r(0)||/sqrt(lambda)`` of a path."""
    return lambda at: share(at) * at.residual_norm / square_root(at.lambda_min)


def root(fall: Number) -> Number:
    """The factor of a rate ``||r(k+1)||^2 <= (1 - fall) ||r(k)||^2``; 0 where that would take off more than there is."""

    def factor(at: Numbers) -> Any:
        share = fall(at)
        return square_root(1 - share) if share < 1 else 0 * share

    return factor


# --- the rule --------------------------------------------------------------------------------------------------------


def _run_label(steps: int) -> str:
    return f"||r({steps})|| <= factor^{steps} ||r(0)|| over the run"


_LENGTH_LABEL = "length of the path from theta(0)"


@dataclass(frozen=True)
class Rule(Stated):
    """The numbers of one theorem, as stated or as a mutant states them."""

    families: Callable[[Rule], Families] = field(kw_only=True)
    """On which instances it is tested."""
    worst: Callable[[Rule], Families] = field(kw_only=True)
    """And its mutants: the worst case first."""
    factor: Number
    """On ``||r||`` (not squared) of one step."""
    step_limit: Number
    """The largest step size."""
    constant_limit: float | Number
    """Constants C are drawn below it; it may depend on the loss."""
    radius: Number | None = None
    """Length of the path; None: nothing is said of the whole run."""
    says: Says = residual_falls
    """What is checked of each step."""
    first_steps: int | None = None
    """How many steps the theorem speaks of; None: all."""
    assumed_constant: Callable[[float], float] = float
    """The C that the conclusion uses, given the certified one: a mutant may pretend that it is smaller."""
    aim: Callable[[Numbers, float, float, float], float] = used_excess
    """``(numbers, factor, before, after)`` -> what the search maximises: 1 is tight for every C."""
    condition: str = "2"
    """The condition that C is about."""
    conditions: Callable[[Any], Sequence[Hypothesis]] = condition_1
    """What has to hold before anything is known of C."""
    besides: Callable[[Any], Sequence[Hypothesis]] = lambda _: ()
    """Hypotheses of another kind."""
    features: Callable[[Any], Sequence[str]] = features

    least_constant_tenth: int = 0
    most_constant_tenth: int = 9
    least_step_percent: int = 1
    """What part of the range is drawn."""
    steps: int = 12
    """How many steps a run takes at most."""
    shared: bool = False
    """Whether builders are given a share of the step limit for a step size, which ``turned`` makes one."""
    parts: Mapping[str, SearchStrategy[Any]] = field(default_factory=dict)
    """What descriptions hold besides."""
    turned: Callable[[Rule, Any, Description], Any] = lambda rule, instance, description: instance
    """What becomes of an instance that a family has built: another optimiser, a step size of its own."""

    def most_constant(self, at: Numbers) -> float:
        """The limit of C, given the numbers of the loss."""
        return float(self.constant_limit(at) if callable(self.constant_limit) else self.constant_limit)

    def dial(self, at: Numbers | None = None) -> Dial:
        """Draws C below its limit, and the step size up to its own."""
        known = Numbers() if at is None else at
        return Dial(
            self.most_constant(known),
            (lambda C: 1.0) if self.shared else lambda C: self.step_limit(known.but(C=C)),
            self.least_constant_tenth,
            self.most_constant_tenth,
            self.least_step_percent,
            self.steps,
        )

    def own_step(self, instance: Any, share: float) -> float:
        """A share of the step limit at the instance's own numbers, but a step."""
        at = Numbers(instance, C=min(instance.certificate.constant, 2.99))
        return float(max(share * self.step_limit(at), TINY))

    # --- what it says of an instance

    def hypotheses(self, instance: Any) -> Sequence[Hypothesis]:
        """Conditions 1 and 2 and the step size, each with its margin; and what else is asked for."""
        return [*self._usual(instance), *self.besides(instance)]

    def _usual(self, instance: Any) -> Sequence[Hypothesis]:
        certificate, found = instance.certificate, list(self.conditions(instance))
        if not certificate.lambda_min > 0 or any(one.verdict is Verdict.UNDECIDED for one in found):
            return found
        limit, where = self.most_constant(Numbers(instance)), getattr(certificate, "where", "")
        name = f"Condition {self.condition}(C){where}: certified C below {raised(limit, 4)}"
        stability = certified_up_to(name, limit, certificate.constant)
        if stability.verdict is not Verdict.HOLDS:
            return [*found, stability]
        at = Numbers(instance, arb)
        return [*found, stability, *step_size(lambda C: self.step_limit(at.but(C=C)), instance)]

    def _numbers(self, instance: Any, kind: Callable[[float], Any]) -> Numbers:
        """C, eta and the rest are exact as given: the theorem holds for every C that the condition is certified for."""
        return Numbers(instance, kind, C=kind(self.assumed_constant(instance.certificate.constant)))

    def conclusion(self, instance: Any) -> Sequence[Bound]:
        """One-step bounds from each stored iterate, the bound over the run, and the length of the path."""
        if in_balls(instance):
            with working_precision(FIRST_BITS):
                return self._on_exact_steps(instance, instance.first_balls)
        at, steps = self._numbers(instance, float), instance.run.steps[: self.first_steps]
        bounds = [
            at_most(one.label, one.measured, one.predicted, one.rounding(), one.aim())
            for k, step in enumerate(steps)
            for one in self.says(self, at, k, step, "stored")
        ]
        if self.radius is None:
            return bounds
        factor, first, accumulated = at.once(self.factor), steps[0], 0.0
        for step in steps:
            accumulated = factor * accumulated + step.rounding(factor)
        accumulated += gamma(4 * len(steps)) * first.before
        bounds.append(
            at_most(_run_label(len(steps)), steps[-1].after, factor ** len(steps) * first.before, accumulated, aim=0.0)
        )
        length = math.fsum(step.length for step in steps)
        error = math.fsum(step.length_error for step in steps) + gamma(4) * length
        allowed = self.radius(at.but(residual_norm=first.before))
        error += allowed * (gamma(16) + first.before_error / first.before)
        return [*bounds, at_most(_LENGTH_LABEL, length, allowed, error, aim=0.0)]

    def confirm(self, instance: Any, bits: int) -> Sequence[Bound]:
        """The bounds that float64 does not show to hold, again in balls at the working precision."""
        if in_balls(instance):
            return self._on_exact_steps(instance, instance.followed())
        del bits  # the working precision is set already
        unsettled = {bound.label for bound in self.conclusion(instance) if bound.verdict is not Verdict.HOLDS}
        computed, at = self._numbers(instance, float), self._numbers(instance, arb)
        steps = instance.run.steps[: self.first_steps]
        found: list[tuple[str, arb, arb]] = []
        for k, step in enumerate(steps):
            if any(one.label in unsettled for one in self.says(self, computed, k, step, "stored")):
                found += [one[:3] for one in self.says(self, at, k, instance.enclosed_step(k), "stored")]
        if unsettled & {_run_label(len(steps)), _LENGTH_LABEL}:
            exact = instance.enclosed_trajectory()[: len(steps)]
            first, length = exact[0].before, sum((step.length for step in exact), arb(0))
            found.append((_run_label(len(exact)), exact[-1].after, at.once(self.factor) ** len(exact) * first))
            assert self.radius is not None
            found.append((_LENGTH_LABEL, length, self.radius(at.but(residual_norm=first))))
        return [at_most_enclosed(*one) for one in found if one[0] in unsettled]

    def _on_exact_steps(self, instance: Any, followed: Sequence[Any]) -> Sequence[Bound]:
        """One-step bounds along the exact steps, and from W(0) the k-step bounds and the length of the path."""
        at, steps = self._numbers(instance, arb), followed[: self.first_steps]
        found = [
            dataclasses.replace(at_most_enclosed(*one[:3]), aim=one.aim())
            for k, step in enumerate(steps, start=instance.stored)
            for one in self.says(self, at, k, step, "stored" if instance.stored else "exact")
        ]
        if instance.stored or self.radius is None:
            return found
        run, factor, allowed = [], at.once(self.factor), steps[0].before
        for k, step in enumerate(steps, start=1):
            allowed = factor * allowed
            if k > 1:
                label = f"||r({k})|| <= factor^{k} ||r(0)|| on the exact trajectory"
                run.append(at_most_enclosed(label, step.after, allowed))
        length = sum((step.length for step in steps), arb(0))
        radius = self.radius(at.but(residual_norm=steps[0].before))
        run.append(at_most_enclosed("length of the exact path from theta(0)", length, radius))
        return [*found, *(dataclasses.replace(bound, aim=0.0) for bound in run)]

    # --- what is made of it

    @property
    def assumes(self) -> tuple[str, ...]:
        """The names of the usual hypotheses."""
        first = "Condition K1" if self.condition.startswith("K") else "Condition 1"
        return first, f"Condition {self.condition}(C)", STEP_SIZE

    def mutated(self) -> Families:
        """The worst case first."""
        return self.worst(self)

    def claim(self, id: str, statement: str, provenance: Provenance, *mutants: Neighbour, **parts: Any) -> Claim[Any]:
        """The claim on the families of the rule."""
        return super().claim(id, statement, provenance, *mutants, **{"families": self.families(self), **parts})


TINY = 2.0**-1022
"""The smallest normal number: a step size where no theorem allows any."""
