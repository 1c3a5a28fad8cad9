"""All right and all wrong programs of the conformance kit at three seeds, and how many instances depth normal judges."""

import sys
from collections.abc import Callable

import pytest

from properties.conformance.faults import FAULTS
from properties.conformance.kit import kit
from properties.conformance.library import Library
from properties.conformance.plain_steps import PlainSteps
from properties.engine.claim import Depth, Verdict
from properties.engine.search import run_claim
from tests.properties.conformance.correct_programs import CORRECT
from tests.properties.conformance.programs import named, refuted
from theory.conformance import damping
from theory.conformance.problem import Problem

SEEDS = (0, 1, 2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CORRECT)
def test_right_programs_stand(name: str, seed: int) -> None:
    assert refuted(name, CORRECT[name](), seed) == {}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_programs_are_refuted_and_named(fault: str, seed: int) -> None:
    found = named(fault, seed)
    sys.stdout.write(f"{fault}: {found}\n")
    assert any(found.values())


@pytest.fixture(params=["K", "STABLE"])
def scaled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """What multiplies an allowance: K, which is proved, or STABLE, which is a choice for some algorithms."""
    chain = Problem.__dict__["chain"].func

    def multiply(factor: float) -> None:
        if request.param == "STABLE":
            monkeypatch.setattr(damping, "STABLE", factor * damping.STABLE)
        else:
            monkeypatch.setattr(Problem, "chain", property(lambda problem: factor * chain(problem)))

    return multiply


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("name", CORRECT)
def test_right_programs_stand_with_half_and_twice_the_allowance(
    name: str, factor: float, scaled: Callable[[float], None]
) -> None:
    scaled(factor)
    assert refuted(name, CORRECT[name](), 0) == {}


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_programs_are_named_with_half_and_twice_the_allowance(
    fault: str, factor: float, scaled: Callable[[float], None]
) -> None:
    scaled(factor)
    assert any(named(fault, 0).values())


@pytest.mark.parametrize("id", kit(Library.of("plain NumPy", PlainSteps())).claims)
def test_depth_normal_judges_enough_in_both_precisions(id: str) -> None:
    result = run_claim(kit(Library.of("plain NumPy", PlainSteps())).claims[id], Depth.NORMAL, 0)
    assert result.verdict is Verdict.HOLDS
    for precision in ("float64", "float32"):
        assert sum(count.features[precision] for count in result.families.values()) >= 200
