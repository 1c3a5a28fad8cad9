"""Small claims with known outcomes, for the tests of the plugin and its report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from properties.engine.claim import Bound, Claim, Depth, Evidence, Family, Provenance, Verdict, at_most, require
from properties.engine.claim import Hypothesis as Condition
from properties.engine.formulas import Formulas
from properties.engine.results import Result
from properties.engine.search import run_claim
from properties.engine.stable_names import stored_as


@stored_as("test-point")
@dataclass(frozen=True)
class Point:
    """A number."""

    value: float


def family(id: str = "F1", smallest: int = 0, largest: int = 40) -> Family[Point]:
    return Family(
        id,
        "numbers",
        lambda: st.fixed_dictionaries({"value": st.integers(smallest, largest)}),
        lambda description: Point(float(description["value"])),
        {Depth.QUICK: 25, Depth.NORMAL: 40, Depth.THOROUGH: 60},
    )


def small(point: Point) -> Sequence[Condition]:
    return [require("value at most 30", 30.0 - point.value)]


def below(limit: float) -> Any:
    def conclusion(point: Point) -> Sequence[Bound]:
        return [at_most("value, in metres", point.value, limit, 0.0)]

    return conclusion


def undecided(point: Point) -> Sequence[Bound]:
    return [Bound("value", point.value, point.value, 1.0, Verdict.UNDECIDED, Evidence.TESTED)]


def broken(point: Point) -> Sequence[Bound]:
    raise ZeroDivisionError("a programming error")


def claim(id: str = "N-small", limit: float = 30.0, **changes: Any) -> Claim[Point]:
    beside: dict[str, Any] = {
        "formulas": Formulas(conclusion=(r"$x\le 30$",)),
        "assumes": ("value at most 30",),
    }
    found: Claim[Point] = Claim(
        id=id,
        statement="numbers <are> at most 30 & small",
        provenance=Provenance.DERIVED,
        source="docs/theory.md, N-small",
        families=(family("F1"), family("F2", 0, 5)),
        hypotheses=small,
        conclusion=below(limit),
        features=lambda point: ("even",) if point.value % 2 == 0 else (),
        **(beside | changes),
    )
    return found.with_mutants(
        found.neighbour("below-10", "a limit of 10", drops="value at most 30", conclusion=below(10.0)),
        found.neighbour("below-20", "a limit of 20", conclusion=below(20.0)),
    )


def result(one: Claim[Any], seed: int = 3) -> Result:
    return run_claim(one, Depth.QUICK, seed)
