"""How near instances come to what claims conclude: for every kind of bound the nearest one known, kept in tightness.json.

A conclusion that gets weaker by a thousandth is further from its nearest instance, which no other test sees. ``python -m
tests.properties.chapters.tightness`` searches again, and keeps what is nearer.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from properties import registry
from properties.descent.enclosed import in_balls
from properties.descent.rule import Rule
from properties.engine.claim import Bound, Claim, Depth, Evaluation, Family
from properties.engine.results import Result
from properties.engine.search import evaluate_instance, run_claim
from theory.rigour.precision import FIRST_BITS, working_precision

FILE = Path(__file__).with_name("tightness.json")

ATTAINED = 1e-6
"""A bound is called attained when an instance comes so near, relatively."""

TOLERANCE = 1e-4
"""What the last digits of another machine may take off, relatively: far below the thousandth that is to be noticed."""

OF_A_SHARE = 8e-4
"""The same for shares, which are small differences of numbers near 1: absolutely."""

RULES: Mapping[str, Rule] = {
    id: rule
    for id, claim in registry.items()
    if isinstance(rule := getattr(claim.conclusion, "__self__", None), Rule) and not claim.of_its_families
}
"""The claims that a rule on residuals makes. T1-tight says itself that it is attained."""

RUNS = tuple(id for id, rule in RULES.items() if rule.radius is not None)
"""Those that speak of whole runs."""

BESIDES = (
    "T1-step",
    "T1-radius",
    "T1-lemma-S",
    "T1-sharp-adversary",
    "K-sep",
    "T5-rad",
    "T0-tube",
    "T2-tube",
    "T2-tube-q",
    "T2-tube-strong",
)
"""Others with a rate, a limit or a radius."""

CLAIMS = tuple(id for id in registry if id in RULES or id in BESIDES)
"""In the order of the table."""

EQUALITY = "| = |"
"""What the label of an equality says, which is decided within rounding and has no nearest instance."""

LEAST_FALL = 0.01
"""Of steps and runs only those that are to fall by such a share count: of less the rounding is seen."""

SHORT, PART = 3, 0.01
"""Runs of at most so many steps, and paths whose last step is such a part of them, have entries of their own."""


@dataclass(frozen=True)
class Nearest:
    """The instance that comes nearest to one kind of bound."""

    claim: str
    bound: str
    """Its label, without the numbers of steps."""
    family: str
    description: Mapping[str, Any]
    ratio: float
    """``measured/predicted`` there."""
    share: float | None
    """How much of what happens the conclusion tells (see ``share``); None where there is no step."""
    short: bool = False
    """Whether the last step can be seen in it (see ``is_short``)."""

    @property
    def attained(self) -> bool:
        """Whether the bound is tight."""
        return (self.ratio if self.share is None else self.share) >= 1 - ATTAINED

    def reached(self, claim: Claim[Any]) -> tuple[float, float | None]:
        """Ratio and share of a claim's bounds of this kind on this instance."""
        (family,) = (one for one in claim.families if one.id == self.family)
        instance = family.build(self.description)
        bounds = evaluate_instance(claim, family.id, self.description, instance).bounds
        found = [(one.ratio, share(self.claim, one, instance)) for one in bounds if kind(one) == self.bound]
        assert found, f"{self.claim} has no bound {self.bound!r} on its instance {dict(self.description)}"
        return max(ratio for ratio, _ in found), max((one for _, one in found if one is not None), default=None)

    def is_reached(self, claim: Claim[Any]) -> bool:
        """Whether the claim's bounds are as near to this instance as they were."""
        ratio, told = self.reached(claim)
        if self.share is not None and not (told is not None and told >= self.share - OF_A_SHARE):
            return False
        return ratio >= self.ratio * (1 - TOLERANCE)


def kind(bound: Bound) -> str:
    """The label without the numbers of steps and iterates, but with the bits of an equality."""
    return re.sub(
        r"2\^-\d+|(?<![\w.])\d+(?![\w.])|(?<=\^)\d+|(?<=eps_)\d+",
        lambda found: found[0] if found[0].startswith("2^-") else "k",
        bound.label,
    )


def share(claim: str, bound: Bound, instance: Any) -> float | None:
    """Of a step or a run how much of the residual's fall is foretold, in logarithms.

    Of the rates of T1-step and T1-first, which exceed that of the linearised step by a term, what is used of this excess.

    None for other bounds; 0 where nothing can be seen. 1 is tight, however small the step size is.
    """
    if claim in EXCESS:
        varying = EPS in bound.label
        before = instance.steps[_iterate(bound)].step.before if varying else _before(bound, instance)
        linear = abs(1 - (instance.network if varying else instance).eta) * before
        return (bound.measured - linear) / (bound.predicted - linear) if bound.predicted > linear else 0.0
    if not ("factor" in bound.label or "eta/rho" in bound.label):
        return None
    before = _before(bound, instance)
    if not 0 < bound.measured <= bound.predicted * (1 + TOLERANCE) <= before * (1 - LEAST_FALL):
        return 0.0
    return math.log(before / bound.predicted) / math.log(before / bound.measured)


EPS = "eta eps_"

EXCESS = ("T1-step", "T1-first")


def _iterate(bound: Bound) -> int:
    """The iterate from which the bound speaks."""
    found = re.search(r"iterate (\d+)", bound.label)
    return int(found[1]) if found else 0


def _before(bound: Bound, instance: Any) -> float:
    if "eta/rho" in bound.label:
        return float(np.linalg.norm(instance.residual))
    if in_balls(instance):
        with working_precision(FIRST_BITS):
            steps = instance.first_balls
            return float(
                steps[_iterate(bound) - instance.stored].before if "iterate" in bound.label else steps[0].before
            )
    return float(instance.run.steps[_iterate(bound)].before)


def is_short(bound: Bound, instance: Any) -> bool:
    """Whether it is about a run whose last step can be seen: one of few steps, a path of which it is a part worth speaking of."""
    if "path" in bound.label and not in_balls(instance):
        lengths = [step.length for step in instance.run.steps]
        return bool(lengths[-1] >= PART * sum(lengths))
    of_a_run = "factor^" in bound.label or "path" in bound.label
    return of_a_run and len(instance.run.steps) <= SHORT


@cache
def known() -> tuple[Nearest, ...]:
    """What the file holds."""
    entries = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else []
    return tuple(Nearest(**{name: value for name, value in one.items() if name != "attained"}) for one in entries)


# --- the search ------------------------------------------------------------------------------------------------------


def score(claim: str, bound: Bound, instance: Any) -> float:
    """What the search for near instances maximises."""
    told = share(claim, bound, instance)
    return bound.ratio if told is None else told


def searched(claim: Claim[Any], seed: int) -> Iterator[Nearest]:
    """The nearest instances of a search that aims at each kind of bound in turn."""
    best: dict[tuple[str, bool], tuple[float, Nearest]] = {}
    target = "", False

    def conclusion(instance: Any) -> Sequence[Bound]:
        bounds = claim.conclusion(instance)
        return [
            dataclasses.replace(
                bound,
                aim=score(claim.id, bound, instance) if target in keys(bound, instance) else math.nan,
            )
            for bound in bounds
        ]

    def keys(bound: Bound, instance: Any) -> list[tuple[str, bool]]:
        return [(kind(bound), short) for short in {False, is_short(bound, instance)}]

    def observe(family: Family[Any], description: Mapping[str, Any]) -> None:
        instance = family.build(description)
        for bound in evaluate_instance(claim, family.id, description, instance).bounds:
            if EQUALITY in bound.label or not math.isfinite(bound.ratio):
                continue
            found = score(claim.id, bound, instance)
            for key in keys(bound, instance):
                where[key].add(family.id)
                if found > best.get(key, (0.0, None))[0]:
                    told = share(claim.id, bound, instance)
                    nearest = Nearest(claim.id, key[0], family.id, dict(description), bound.ratio, told, key[1])
                    best[key] = found, nearest

    where: dict[tuple[str, bool], set[str]] = defaultdict(set)
    """Which families have bounds of a kind."""

    def run(only: set[str]) -> None:
        for family in claim.families:
            if only and family.id not in only:
                continue
            run_claim(dataclasses.replace(claim, conclusion=conclusion, families=(family,)), Depth.QUICK, seed)
            for one in evaluations:
                if one.bounds:
                    observe(family, one.description)
            evaluations.clear()

    evaluations: list[Evaluation] = []
    record = Result.record

    def recorded(self: Result, one: Evaluation) -> None:
        evaluations.append(one)
        record(self, one)

    Result.record = recorded  # type: ignore[assignment, method-assign]
    try:
        run(set())
        for key in list(best):
            target = key
            if quick := {id for id in where[key] if not id.startswith("balls")}:  # those take long
                run(quick)
    finally:
        Result.record = record  # type: ignore[method-assign]
    return iter([nearest for _, nearest in best.values()])


def main(ids: Sequence[str]) -> None:
    """Search for the claims given, or all."""
    entries = {(one.claim, one.bound, one.short): one for one in known()}
    for id in ids or CLAIMS:
        for one in searched(registry[id], 1):
            key = one.claim, one.bound, one.short
            old = entries.get(key)
            if old is None or (one.share or one.ratio) > (old.share or old.ratio):
                entries[key] = one
        found = [one for one in entries.values() if one.claim == id]
        print(id, [(one.bound, one.short, round(one.ratio, 6), one.share, one.family) for one in found], flush=True)
        ordered = sorted(entries.values(), key=lambda one: (CLAIMS.index(one.claim), one.bound, one.short))
        rows = [{**dataclasses.asdict(one), "attained": one.attained} for one in ordered]
        FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
