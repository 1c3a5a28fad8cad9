"""The rule of a theorem on descent in a tube of given widths: its ratio, step limit, factor and path, and what is checked of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flint import arb

from properties.chapters.tube.given import GivenTube
from properties.descent.numbers import Numbers
from properties.descent.rule import Number
from properties.engine.claim import (
    Bound,
    Claim,
    Hypothesis,
    Provenance,
    Verdict,
    at_most_or_equal_enclosed,
    require_enclosed,
    technical,
)
from properties.engine.rule import Families, Neighbour, Stated
from theory.rigour.precision import FIRST_BITS, working_precision

TUBE_NUMBERS = (
    "first_eigenvalue",
    "gram_change_norm",
    "lambda_min",
    "product_norm",
    "largest",
    "residual_norm",
    "changing_norm",
    "fixed_eigenvalue",
)
"""lambda, ``||D||``, lambda_b, xi, ``||G(0)||``, ``||r(0)||``, tau, lambda_c, as the tube calls them."""

CLOSED = "b is at least the bound of the motion"
STEP_SIZE = "step size within its limit"

EQUAL_BITS = 60
"""Shares that agree to ``2^-60`` are equal: with a fixed pattern the residual falls by the factor exactly."""


def _at_most(label: str, measured: arb, predicted: arb) -> Bound:
    found = at_most_or_equal_enclosed(label, measured, predicted, EQUAL_BITS)
    return dataclasses.replace(found, label=label)  # a bound has the same label at every precision


@dataclass(frozen=True)
class InTube(Stated):
    """The numbers of one theorem, as stated or as a mutant states them."""

    speaks: tuple[str, Number]
    """What is asked of the tube, in words, and by how much it is so: positive where it is."""
    step_limit: Number
    factor: Number
    """On ``||r||`` (not squared) of one step."""
    path: Number
    """S, which the sum of ``eta ||c||`` does not exceed."""
    families: Callable[[InTube], Families] = field(kw_only=True)
    worst: Callable[[InTube], Families] = field(kw_only=True)
    """Of the claim, and of its mutants."""
    closes: bool = True
    """Whether the tube has to close."""
    limited: bool = True
    """Whether eta is within the step limit of the theorem."""
    row_norms: bool = True
    """Whether the widths have the factors ``||K_i||``."""
    ratio_limit: Callable[[float, float], float] = lambda mu, L: 1.0
    """The ratio below which it speaks, for mu and L of the loss."""

    @property
    def assumes(self) -> tuple[str, ...]:
        """The names of the usual hypotheses."""
        return self.speaks[0], STEP_SIZE, CLOSED

    def mutated(self) -> Families:
        """The worst case first."""
        return self.worst(self)

    def at(self, instance: GivenTube) -> Numbers:
        """The certified numbers of the instance, exact as given: the theorem holds for all that are bounds on their side."""
        known = {name: instance.known(name) for name in TUBE_NUMBERS}
        known["ratio"] = instance.known("ratio") if known["lambda_min"] > 0 else arb("inf")
        return Numbers(instance, arb, **known)

    def hypotheses(self, instance: GivenTube) -> Sequence[Hypothesis]:
        """The tube is one of which the theorem speaks, the step size is within its limit, and the tube closes."""
        with working_precision(FIRST_BITS):
            at = self.at(instance)
            name, margin = self.speaks
            room = margin(at)
            first = require_enclosed(name, room)
            if not room > 0:  # the inequality is strict
                refuted = first.verdict is Verdict.HOLDS
                return [dataclasses.replace(first, verdict=Verdict.REFUTED) if refuted else first]
            found = [first]
            if self.limited:
                found.append(require_enclosed(STEP_SIZE, self.step_limit(at) - at.eta))
            if self.closes:
                found.append(require_enclosed(CLOSED, instance.room(self.path(at), None if self.row_norms else arb(1))))
            found.append(technical(require_enclosed("r(0) is not zero", at.residual_norm)))
        return found

    def conclusion(self, instance: GivenTube) -> Sequence[Bound]:
        """Each step of the exact run, all of them together, the path, and how far each input's pre-activations get."""
        with working_precision(FIRST_BITS):
            return self._bounds(instance, instance.first_balls)

    def confirm(self, instance: GivenTube, bits: int) -> Sequence[Bound]:
        """The same at the working precision."""
        del bits
        return self._bounds(instance, instance.followed())

    def _bounds(self, instance: GivenTube, steps: Sequence[Any]) -> Sequence[Bound]:
        at = self.at(instance)
        factor, path, first = self.factor(at), self.path(at), steps[0].before
        found, allowed, flips = [], arb(1), 0
        for k, step in enumerate(steps, 1):
            allowed, left = factor * allowed, step.after / step.before
            one = _at_most(f"||r({k})||/||r({k - 1})|| <= rate", left, factor)
            granted, taken = float((1 - factor).mid()), float((1 - left).mid())
            flips += step.flips
            aim = min(granted / taken, 1.0) if flips and taken > 0 and granted > 0 else 0.0  # equal without a flip
            found.append(dataclasses.replace(one, aim=aim))
            if k > 1:
                run = _at_most(f"||r({k})||/||r(0)|| <= rate^{k}", step.after / first, allowed)
                found.append(dataclasses.replace(run, aim=0.0))
        length = sum((step.coefficients for step in steps), arb(0))
        found.append(_at_most("sum of eta ||c(t)||, over S", length / path, arb(1)))
        reached = instance.motion(steps)
        if reached is not None:
            found.append(_at_most("max |z_ir(k) - z_ir(0)|/b_i", reached, arb(1)))
        return found

    def features(self, instance: GivenTube) -> Sequence[str]:
        """Whether activations change, and the ratio beside what the theorem allows."""
        loss = instance.objective
        limit = self.ratio_limit(loss.strong_convexity, loss.smoothness)
        return [*(["flips"] if instance.flips else []), instance.ratio_label(limit)]

    def claim(self, id: str, statement: str, provenance: Provenance, *mutants: Neighbour, **parts: Any) -> Claim[Any]:
        """The claim on the families of the rule."""
        return super().claim(id, statement, provenance, *mutants, **{"families": self.families(self), **parts})
