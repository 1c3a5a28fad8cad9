"""The rule: numbers in floats and balls, claims and mutants made of them, and a theorem with a number of its own."""

import dataclasses
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from flint import arb
from hypothesis import strategies as st

from properties.catalogue import measured_slack, slack_table
from properties.chapters.ngd.ngd import T1_Q_RULE
from properties.descent.families import maps, spikes
from properties.descent.instances import MapInstance
from properties.descent.numbers import Numbers
from properties.descent.rule import Rule
from properties.engine.claim import Depth, Provenance, Verdict
from properties.engine.rule import mutant
from properties.engine.search import run_claim
from theory.direction import UpperBound
from theory.errors import ScaleError

SPIKE = {
    "directions": 2,
    "extra_parameters": 1,
    "rotated": True,
    "constant_tenth": 5,
    "constant_percent": 50,
    "step_percent": 60,
    "seed": 3,
}


def test_numbers_are_given_or_the_instance_s_own_or_where_it_has_them() -> None:
    instance = SimpleNamespace(eta=0.25, certificate=SimpleNamespace(constant=UpperBound(0.5)), mean=0.75)
    found = Numbers(instance)
    assert (found.eta, found.C, found.mean) == (0.25, 0.5, 0.75)
    assert type(found.C) is float
    assert isinstance(Numbers(instance, arb).C, arb)
    assert (found.but(C=2.0).C, found.but(C=2.0).eta) == (2.0, 0.25)
    with pytest.raises(AttributeError, match="SimpleNamespace has no number 'leverage', and no optimiser"):
        _ = found.leverage


def test_an_optimiser_s_number_is_found_by_the_name_that_the_instance_stores() -> None:
    found = SimpleNamespace(optimiser="damped-ngd:0.5", eta=0.25)
    assert (Numbers(found).eps, Numbers(found).eta, Numbers(found, eps=2.0).eps) == (0.5, 0.25, 2.0)
    assert isinstance(Numbers(found, arb).eps, arb)
    assert (
        Numbers(SimpleNamespace(optimiser="damped-ngd:0.5", eps=0.125)).eps == 0.125
    )  # the instance's own comes first
    for other in ("ngd", "damped-ngd:0.5"):
        with pytest.raises(AttributeError, match="has no number 'momentum', and no optimiser that has it"):
            _ = Numbers(SimpleNamespace(optimiser=other)).momentum


@pytest.mark.parametrize("name", ["condition", "inverts", "kind"])
def test_an_optimiser_s_texts_and_truth_values_are_no_numbers(name: str) -> None:
    """NGD's condition is the text "2"."""
    with pytest.raises(ScaleError, match=f"{name} is .*; it must be a real number"):
        getattr(Numbers(SimpleNamespace(optimiser="ngd")), name)


@dataclass(frozen=True)
class Damped(MapInstance):
    """An instance with a number that no other theorem knows of; its step is NGD's all the same."""

    damping: float = 0.0


def damped(rule: Rule, found: MapInstance, description: Any) -> Damped:
    parts = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return Damped(**parts, damping=description["damping_percent"] / 100)


def damped_factor(at: Numbers) -> Any:
    c = at.C / 3
    return 1 - at.eta * (1 - c) * (1 - at.C) / ((1 - c) ** 2 + at.damping / at.lambda_min)


RULE = Rule(
    damped_factor,
    lambda at: 1.0,
    0.66,
    lambda at: at.residual_norm / (1 - at.C) / at.lambda_min**0.5,
    parts={"damping_percent": st.integers(0, 300)},
    turned=damped,
    families=maps,
    worst=maps,
)


def test_a_theorem_with_a_number_of_its_own_needs_nothing_else() -> None:
    """Without damping its bounds are T1-q's; with it the factor is larger, in float64 and in balls."""
    family = spikes(RULE)
    plain, heavy = (family.build({**SPIKE, "damping_percent": percent}) for percent in (0, 200))
    assert (plain.damping, heavy.damping) == (0.0, 2.0)
    assert {one.verdict for one in RULE.hypotheses(plain)} == {Verdict.HOLDS}
    ours, theirs = RULE.conclusion(plain), T1_Q_RULE.conclusion(plain)
    assert [one.label for one in ours] == [one.label for one in theirs]
    assert [one.predicted for one in ours] == pytest.approx([one.predicted for one in theirs], rel=1e-12)
    assert RULE.conclusion(heavy)[0].predicted > 1.2 * ours[0].predicted
    exact = Numbers(heavy, arb)
    assert damped_factor(exact).overlaps(arb(damped_factor(Numbers(heavy)), 1e-12))
    found = run_claim(RULE.claim("T9", "numbers are small", Provenance.DERIVED, families=(family,)), Depth.QUICK, 1)
    assert found.verdict is Verdict.HOLDS
    assert found.tightest is not None
    assert "damping_percent" in found.tightest.description


def test_a_claim_and_its_mutants_are_made_of_the_rule() -> None:
    claim = RULE.claim(
        "T9",
        "numbers are small",
        Provenance.DERIVED,
        mutant(
            "undamped", "the factor without damping", "damping", factor=lambda at: damped_factor(at.but(damping=0.0))
        ),
        mutant("own-family", "on spikes alone", families=(spikes(RULE),), assumed_constant=lambda C: C / 2),
        also=("damping",),
    )
    assert (claim.id, claim.source) == ("T9", "docs/theory.md, T9")
    assert claim.assumes == ("Condition 1", "Condition 2(C)", "step size within its limit", "damping")
    undamped, own = claim.mutants
    assert (undamped.id, undamped.drops, own.drops) == ("T9/undamped", "damping", "")
    assert [family.id for family in undamped.claim.families] == ["F4", "F3"]
    assert [family.id for family in own.claim.families] == ["F4"]
    heavy = claim.families[0].build({**SPIKE, "damping_percent": 200})
    assert undamped.claim.conclusion(heavy)[0].predicted < claim.conclusion(heavy)[0].predicted
    assert own.claim.conclusion(heavy)[0].predicted < claim.conclusion(heavy)[0].predicted


def test_rows_of_the_slack_table_stand_once() -> None:
    measured = {claim: rows() for claim, rows in measured_slack.items()}
    assert all(row.claim == claim and not row.drops for claim, rows in measured.items() for row in rows)
    every = [*slack_table, *(row for rows in measured.values() for row in rows)]
    assert len(every) == len(set(every)) > 50
