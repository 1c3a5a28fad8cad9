"""Every claim speaks of the whole range of its theorem, and every inequality in float64 is charged its rounding."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed

from properties.catalogue import registry
from properties.engine.claim import Claim, Evidence, Family, Verdict

AT_ITS_LIMITS = {"constant_tenth": 9, "constant_percent": 99, "step_percent": 100}
"""The largest C and step size that a description can ask for: within 0.1% and 2^-30 of the theorem's limits."""

SMALLEST_CONSTANT = {"constant_tenth": 2, "constant_percent": 1, "step_percent": 100}
"""The least C that every family draws, with the largest step size that it allows."""

DIALLED_EXACTLY = ("F3", "F4")
"""Families whose instances have the C that is asked for."""


def drawn(family: Family[Any]) -> Mapping[str, Any]:
    """One description: the first that a search evaluates, or one that it draws."""
    found = list(family.first)

    @with_seed(0)
    @settings(
        max_examples=1, database=None, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )
    @given(family.descriptions())
    def take(description: Mapping[str, Any]) -> None:
        found.append(description)

    if not found:
        take()
    return found[0]


def at_its_limits() -> Iterator[tuple[Claim[Any], Family[Any], Mapping[str, Any]]]:
    for claim in registry.values():
        for family in claim.families:
            description = drawn(family) if family.id in DIALLED_EXACTLY else {}
            if AT_ITS_LIMITS.keys() <= description.keys():
                yield claim, family, {**description, **AT_ITS_LIMITS}
                yield claim, family, {**description, **SMALLEST_CONSTANT}


def with_a_longer_step(instance: Any) -> Any:
    """The instance a millionth beyond its step size."""
    if hasattr(instance, "descent"):
        return dataclasses.replace(instance, descent=with_a_longer_step(instance.descent))
    return dataclasses.replace(instance, eta=instance.eta * (1 + 2.0**-20))


def test_hypotheses_are_met_up_to_the_theorem_s_limits_and_not_beyond() -> None:
    seen = set()
    for claim, family, description in at_its_limits():
        instance = family.build(description)
        found = {one.name: one for one in claim.hypotheses(instance)}
        unmet = [one.name for one in found.values() if one.verdict is not Verdict.HOLDS]
        assert not unmet, f"{claim.id}, {family.id}: not judged at the end of the theorem's range: {unmet}"
        step = next(one for name, one in found.items() if name.startswith("step size"))
        assert 0 <= step.margin < 1e-6, f"{claim.id}, {family.id}: not at the limit: {step.margin}"
        beyond = next(one for one in claim.hypotheses(with_a_longer_step(instance)) if one.name == step.name)
        assert beyond.verdict is Verdict.REFUTED, (
            f"{claim.id}, {family.id}: a step beyond the limit is {beyond.verdict}"
        )
        seen.add(claim.id)
    assert seen >= {
        "T1",
        "T1-q",
        "T1-sharp",
        "T1-first",
        "T1-line",
        "T1-radius",
        "T2",
        "T2-q",
        "T4",
        "T4-lev",
        "T4-sharp",
        "T4-least",
        "T0",
    }


@pytest.mark.parametrize("id", registry)
def test_inequalities_in_float64_have_a_rounding(id: str) -> None:
    claim = registry[id]
    for family in claim.families:
        instance = family.build(drawn(family))
        if all(one.verdict is Verdict.HOLDS for one in claim.hypotheses(instance)):
            for bound in claim.conclusion(instance):
                identity = id.startswith("I-") or " = " in bound.label  # its allowance is the rounding
                if bound.evidence is Evidence.TESTED and not identity:
                    assert bound.rounding > 0, f"{id}, {family.id}: {bound.label} is decided as if it were exact"
