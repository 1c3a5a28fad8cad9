"""What a refutation of a user's step tells: arrays, exceptions, where else the step is wrong."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from properties.engine.claim import Depth
from properties.engine.report.causes import REMEDY, told_once
from properties.engine.search import run_claim
from properties.guard import controls as c
from properties.guard import special_steps
from properties.guard.claims import own_claims
from properties.guard.damping import Damping
from properties.guard.diagnosis import causes_of
from properties.guard.implementation import Implementation
from properties.guard.instances import StepInstance, hand_problem
from properties.guard.panel import PANEL
from tests.properties.guard.test_guard_causes import DESCRIPTION
from theory.inputs import FloatArray


def refuted_lines(id: str, step: Callable[..., Any], optimiser: str = "ngd") -> list[str]:
    """What is told of the refutation, without what to change (test_remedies.py)."""
    return [line for line in told_lines(id, step, optimiser) if not line.startswith(REMEDY)]


def told_lines(id: str, step: Callable[..., Any], optimiser: str = "ngd") -> list[str]:
    claim = own_claims(Implementation.of("own", optimiser, step))[id]
    refutation = run_claim(claim, Depth.QUICK, 3).refutation
    assert refutation is not None
    assert claim.explain is not None
    return list(claim.explain(refutation))


IDS = ("own-contract", "own-fixed-point", "own-I-pinv", "own-T1-step", "own-T1", "own-T1-sharp")


def breaking(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> FloatArray:
    if len(weights) < 4:
        raise RuntimeError("not today")
    found = weights.copy()
    found[0, 0] = np.nan
    return found


@pytest.mark.parametrize("id", IDS)
def test_every_claim_prints_the_arrays_and_what_came_back(id: str) -> None:
    lines = refuted_lines(id, breaking)
    assert lines[0] == "on this instance:"
    for name in ("X", "y", "weights", "signs"):
        assert any(line.startswith(f"{name} = [") for line in lines), name
    assert any(line.startswith("step_size = 0.") for line in lines)
    assert "the step returned entries that are not finite" in lines
    assert any(line.startswith(("what came back: [[nan, ", "what came back: [[nan], ")) for line in lines)
    assert lines[-1] == "cause: the step returned entries that are not finite on 24 of the 24 small instances tried"


def test_an_exception_is_told_with_the_line_of_the_step() -> None:
    def refusing(*given: Any) -> Any:
        return breaking(given[0][:1], *given[1:])

    lines = refuted_lines("own-I-pinv", refusing)
    assert "the step raised RuntimeError: not today" in lines
    (line,) = [line for line in lines if line.startswith("what came back: ")]
    assert "test_guard_refutations.py, line " in line
    assert line.endswith("in refusing: return breaking(given[0][:1], *given[1:])")


def test_a_step_that_moves_with_the_step_size_0_is_shown_with_it() -> None:
    lines = refuted_lines("own-fixed-point", lambda w, a, X, y, eta: c.stepping(c.natural)(w, a, X, y, 1.0))
    assert "step_size = 0.0" in lines
    assert lines[-1].startswith("cause: matches 1/eta times the step (the step size ignored) on all ")


def test_arrays_that_nobody_reads_are_told_by_their_shapes() -> None:
    half = c.times(lambda net: 0.5 if len(net.signs) > 64 else 1.0, c.gram_solve("ngd", c.solved))
    lines = refuted_lines("own-I-pinv", c.stepping(half))
    assert any(line.startswith("X = [[") for line in lines)
    (line,) = [line for line in lines if line.startswith("signs = [")]
    assert line.count(",") > 64


def test_a_cause_is_told_once() -> None:
    told: dict[str, str] = {}
    first = ["X = [[1.0]]", "cause: matches 2 times the step on all 25 instances tried", "cause: another one"]
    assert told_once("own-contract", first, told) == first
    second = ["X = [[1.0]]", "cause: matches 2 times the step on all 24 instances tried", "cause: a third one"]
    assert told_once("own-I-pinv", second, told) == ["X = [[1.0]]", "cause: as for own-contract", "cause: a third one"]
    assert told_once("own-T1", first, told) == ["X = [[1.0]]", "cause: as for own-contract"]


def in_place(weights: Any, *rest: Any) -> Any:
    weights[:] = c.stepping(c.natural)(weights, *rest)
    return weights


def test_a_broken_contract_is_told_from_a_wrong_step() -> None:
    assert refuted_lines("own-contract", in_place)[-1] == (
        f"cause: the step itself is exact on all {PANEL + 1} instances tried; "
        "its contract is what is broken, as it changes its argument weights"
    )


@pytest.mark.parametrize(("optimiser", "id"), [("ngd", "own-I-pinv"), ("kfac", "own-I-kfac")])
def test_a_step_that_is_wrong_on_larger_networks_only_is_said_to_be(optimiser: str, id: str) -> None:
    truncated = c.gram_solve(optimiser, lambda matrix, right: c.conjugate_gradients(matrix, right, 5))
    line = refuted_lines(id, c.stepping(truncated), optimiser)[-1]
    assert line.startswith(
        f"cause: the step is exact on all {PANEL} small instances tried (2 <= n <= 5, 2 <= d <= 5, 4 <= m <= 16, step sizes of "
        "1/8 to 7/8), and not on this one, of n = "
    )


def test_a_step_that_is_wrong_for_large_step_sizes_alone_is_told_that_it_may_depend_on_them() -> None:
    def at_most(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        return c.stepping(c.natural)(weights, signs, X, y, min(step_size, 0.9))

    implementation = Implementation.of("own", "ngd", at_most)
    refuted = StepInstance(hand_problem({**DESCRIPTION, "eighths": 8}, "ngd"), implementation)
    (cause,) = causes_of(implementation, refuted)
    assert "step size 1, " in cause.said
    assert cause.said.endswith(": it depends on the size, the step size, or the condition")


def not_today(*given: Any) -> Any:
    raise RuntimeError("not today")


@pytest.mark.parametrize(("optimiser", "id", "name"), [("ngd", "own-I-pinv", "G"), ("kfac", "own-I-kfac", "H")])
@pytest.mark.parametrize(
    ("there", "said"),
    [
        (lambda weights, *rest: weights + 1.0, "the step is exact on all 24 small instances tried, and not on this one, where "),
        (not_today, "the step raised RuntimeError: not today here, with n = "),
    ],
)  # fmt: skip
def test_a_step_that_is_wrong_where_the_matrix_is_singular_is_said_to_be(
    optimiser: str, id: str, name: str, there: Callable[..., Any], said: str
) -> None:
    lines = refuted_lines(id, special_steps.elsewhere(optimiser, there), optimiser)
    assert lines[-1].startswith(f"cause: {said}")
    assert re.search(rf", where {name} \(\d x \d\) has the rank \d", lines[-1])
    assert lines[-2].startswith(f"singular: {name} (")
    assert any(line.startswith("exact_weights = [[") for line in lines)


def test_the_cause_is_sought_where_the_exact_step_is_0_too() -> None:
    def decaying(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        return c.stepping(c.damped_fisher(0.01))(weights, signs, X, y, step_size) - 0.01 * step_size * weights

    damping = Damping("gram", 0.01)
    implementation = Implementation.of("own", "ngd", decaying, damping)
    found = run_claim(own_claims(implementation)["own-fixed-point"], Depth.QUICK, 3).refutation
    assert found is not None
    assert causes_of(implementation, found.instance)
