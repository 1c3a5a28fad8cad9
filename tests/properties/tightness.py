"""How near instances come to what claims conclude: for every kind of bound the nearest one known, kept in tightness.json.

A conclusion that gets weaker by a thousandth is further from its nearest instance, which no other test sees. ``python -m
tests.properties.tightness`` searches again, and keeps what is nearer.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from properties import registry
from properties.claim import Bound, Claim, Depth, Evaluation, Family
from properties.results import Result
from properties.search import evaluate, run_claim

FILE = Path(__file__).with_name("tightness.json")

ATTAINED = 1e-6
"""A bound is called attained when an instance comes so near, relatively."""

TOLERANCE = 1e-4
"""What the last digits of another machine may take off, relatively: far below the thousandth that is to be noticed."""

CLAIMS = (
    *("T1", "T1-q", "T1-sharp", "T1-first", "T1-line", "T1-line-sharp", "T1-step", "T1-radius"),
    *(
        "T1-lemma-S",
        "T1-sharp-adversary",
        "T0",
        "T0-sharp",
        "T2",
        "T2-q",
        "T4",
        "T4-lev",
        "T4-sharp",
        "K-sep",
        "T5-rad",
    ),
)
"""Claims with a rate, a limit or a radius. T1-tight says itself that it is attained."""

LEAST_FALL = 0.1
"""Of runs only those that are to fall by such a share count: with small steps every rate is near 1, and its power too."""


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
    """How much it uses of what the theorem allows beyond the linearised step; None where nothing is aimed at."""

    @property
    def attained(self) -> bool:
        """Whether the bound is tight."""
        return max(self.ratio, self.share or 0.0) >= 1 - ATTAINED

    def reached(self, claim: Claim[Any]) -> tuple[float, float | None]:
        """Ratio and share of a claim's bounds of this kind on this instance."""
        (family,) = (one for one in claim.families if one.id == self.family)
        bounds = [one for one in evaluate(claim, family, self.description).bounds if kind(one) == self.bound]
        assert bounds, f"{self.claim} has no bound {self.bound!r} on its instance {dict(self.description)}"
        return max(one.ratio for one in bounds), max(
            (share for one in bounds if (share := aimed(one)) is not None), default=None
        )

    def is_reached(self, claim: Claim[Any]) -> bool:
        """Whether the claim's bounds are as near to this instance as they were."""
        ratio, share = self.reached(claim)
        if self.share is not None and not (share is not None and share >= self.share - TOLERANCE):
            return False
        return ratio >= self.ratio * (1 - TOLERANCE)


def kind(bound: Bound) -> str:
    """The label without the numbers of steps and iterates."""
    return re.sub(r"(?<![\w.])\d+(?![\w.])|(?<=\^)\d+|(?<=\()\d+(?=\))", "k", bound.label)


def aimed(bound: Bound) -> float | None:
    """What the search aims at, where that is not the ratio: of one step, not of a run or a path, which have none."""
    of_a_run = "factor^" in bound.label or "path" in bound.label
    return None if of_a_run or bound.aim is None or not math.isfinite(bound.aim) else bound.aim


@cache
def known() -> tuple[Nearest, ...]:
    """What the file holds."""
    entries = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else []
    return tuple(Nearest(**{name: value for name, value in one.items() if name != "attained"}) for one in entries)


# --- the search ------------------------------------------------------------------------------------------------------


def score(bound: Bound, instance: Any) -> float:
    """What the search for near instances maximises; 0 where nothing can be seen."""
    share = aimed(bound)
    if share is not None:
        return share
    if "factor^" in bound.label and bound.predicted > (1 - LEAST_FALL) * instance.run.steps[0].before:
        return 0.0
    return bound.ratio


def searched(claim: Claim[Any], seed: int) -> Iterator[Nearest]:
    """The nearest instances of a search that aims at each kind of bound in turn."""
    best: dict[str, tuple[float, Nearest]] = {}
    target = ""

    def conclusion(instance: Any) -> Sequence[Bound]:
        return [
            dataclasses.replace(bound, aim=score(bound, instance) if kind(bound) == target else math.nan)
            for bound in claim.conclusion(instance)
        ]

    def observe(family: Family[Any], description: Mapping[str, Any]) -> None:
        instance = family.build(description)
        for bound in evaluate(claim, family, description).bounds:
            found = score(bound, instance)
            if math.isfinite(bound.ratio) and found > best.get(kind(bound), (0.0, None))[0]:
                nearest = Nearest(claim.id, kind(bound), family.id, dict(description), bound.ratio, aimed(bound))
                best[kind(bound)] = found, nearest

    def run() -> None:
        for family in claim.families:
            result = run_claim(dataclasses.replace(claim, conclusion=conclusion, families=(family,)), Depth.QUICK, seed)
            for one in evaluations:
                if one.family == family.id and one.bounds:
                    observe(family, one.description)
            del result
            evaluations.clear()

    evaluations: list[Evaluation] = []
    record = Result.record

    def recorded(self: Result, one: Evaluation) -> None:
        evaluations.append(one)
        record(self, one)

    Result.record = recorded  # type: ignore[method-assign]
    try:
        run()
        for kind_ in list(best):
            target = kind_
            run()
    finally:
        Result.record = record  # type: ignore[method-assign]
    return iter([nearest for _, nearest in best.values()])


def main(ids: Sequence[str]) -> None:
    """Search for the claims given, or all."""
    entries = {(one.claim, one.bound): one for one in known()}
    for id in ids or CLAIMS:
        for one in searched(registry[id], 1):
            old = entries.get((one.claim, one.bound))
            if old is None or (one.share or one.ratio) > (old.share or old.ratio):
                entries[one.claim, one.bound] = one
        print(
            id, [(one.bound, round(one.ratio, 6), one.share, one.family) for one in entries.values() if one.claim == id]
        )
    ordered = sorted(entries.values(), key=lambda one: (CLAIMS.index(one.claim), one.bound))
    rows = [{**dataclasses.asdict(one), "attained": one.attained} for one in ordered]
    FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
