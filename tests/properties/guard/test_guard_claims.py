"""The claims on a user's step: the suite's own step passes them, wrong ones are refuted, the allowance is what it says."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from properties.engine.claim import Depth, InstanceVerdict, Verdict
from properties.engine.search import evaluate, run_claim
from properties.engine.selection import defects
from properties.exact import identity_rounding as rounding
from properties.guard import allowance, condition, controls
from properties.guard.claims import own_claims
from properties.guard.explanation import instance_lines
from properties.guard.implementation import OPTIMISERS, Implementation, reference
from properties.guard.instances import (
    FIRST_RATES,
    HAND_SHAPES,
    SIMPLE,
    Problem,
    StepInstance,
    direction_of,
    hand_problem,
    wide_problem,
)
from properties.guard.larger_instances import larger_descriptions, larger_problem
from tests.properties.guard.several_inputs import several_inputs_are_judged
from theory.direction import LowerBound
from theory.inputs import FloatArray

IDS = {
    "ngd": ["own-contract", "own-fixed-point", "own-I-pinv", "own-T1-step", "own-T1", "own-T1-sharp"],
    "kfac": ["own-contract", "own-fixed-point", "own-I-kfac", "own-I-kfac-fn", "own-T4-lev"],
}
CASES = [(optimiser, id) for optimiser, ids in IDS.items() for id in ids]


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_claims_are_fit_to_run(optimiser: str) -> None:
    claims = own_claims(reference(optimiser))
    assert list(claims) == IDS[optimiser]
    assert defects(claims) == []


@pytest.mark.parametrize(("optimiser", "id"), CASES)
def test_the_suites_own_step_passes(optimiser: str, id: str) -> None:
    result = run_claim(own_claims(reference(optimiser))[id], Depth.QUICK, 3)
    assert result.verdict is Verdict.HOLDS
    assert result.instances >= 15
    assert all(count.instances > 0 for count in result.families.values())


@pytest.mark.parametrize("eighths", [1, 4, 8])
def test_a_step_without_flips_is_decided_by_what_rounding_allows(eighths: int) -> None:
    """The bound is the allowance alone then, some units in the last place of the residual."""
    claim = own_claims(reference("ngd"))["own-T1-step"]
    shape = {"kind": "axes", "rows": 1, "dim": 1, "width": 1, "weights": "gaussian", "eighths": eighths}
    for seed in range(200, 300):
        found = evaluate(claim, claim.families[0], {**shape, "seed": seed})
        assert found.verdict in (InstanceVerdict.HOLDS, InstanceVerdict.VACUOUS), seed


@pytest.mark.parametrize(("optimiser", "id"), CASES)
def test_wrong_steps_are_refuted(optimiser: str, id: str) -> None:
    for mutant in own_claims(reference(optimiser))[id].mutants:
        assert run_claim(mutant.claim, Depth.NORMAL, 3).verdict is Verdict.REFUTED, mutant.id


@pytest.mark.parametrize(("optimiser", "id"), CASES)
def test_several_inputs_are_judged_at_every_depth(optimiser: str, id: str) -> None:
    several_inputs_are_judged(optimiser, id, range(2))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_wrong_steps_of_one_name_are_the_same_whatever_claim_has_them(optimiser: str) -> None:
    """They are found by name, so that the claim that is made last would have its own judged in all."""
    found: dict[str, set[str]] = {}
    for claim in own_claims(reference(optimiser)).values():
        for mutant in claim.mutants:
            found.setdefault(mutant.id.rpartition("/")[2], set()).add(mutant.description)
    assert {id for id, descriptions in found.items() if len(descriptions) > 1} == set()


@pytest.mark.parametrize("multiple", [0.5, 1.5, 2.0])
@pytest.mark.parametrize(("optimiser", "id"), [("ngd", "own-T1"), ("ngd", "own-T1-sharp"), ("kfac", "own-T4-lev")])
def test_rates_refute_a_wrong_length_on_several_inputs_alone(optimiser: str, id: str, multiple: float) -> None:
    """The instances of every run have a C of 0 in the ball and a full step, of which nothing is left: any other length is seen."""
    right = controls.gram_solve(optimiser, controls.solved)
    step = controls.stepping(controls.times(lambda net: multiple if len(net.targets) > 1 else 1.0, right))
    claim = own_claims(Implementation.of("long", optimiser, step))[id]
    refutation = run_claim(claim, Depth.QUICK, 0).refutation
    assert refutation is not None
    assert refutation.description == dict(FIRST_RATES[0])


IDENTITY = {"ngd": "own-I-pinv", "kfac": "own-I-kfac"}


@pytest.mark.parametrize("mutant", ["truncated", "low-rank", "wide"])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_what_is_wrong_on_larger_networks_only_is_refuted_there(optimiser: str, mutant: str) -> None:
    mutants = {
        found.id.rpartition("/")[2]: found.claim
        for found in own_claims(reference(optimiser))[IDENTITY[optimiser]].mutants
    }
    for depth, seed in ((Depth.QUICK, 0), (Depth.QUICK, 1), (Depth.NORMAL, 2)):
        refutation = run_claim(mutants[mutant], depth, seed).refutation
        assert refutation is not None
        assert refutation.family == "larger"


@pytest.mark.parametrize(
    ("depth", "too_large"),
    [
        (Depth.QUICK, lambda net: len(net.targets) > 4),
        (Depth.QUICK, lambda net: len(net.signs) > 64),
        (Depth.QUICK, lambda net: len(net.signs) > 64 and len(net.signs) % 16 > 0),
        (Depth.NORMAL, lambda net: len(net.targets) > 12),
        (Depth.NORMAL, lambda net: len(net.signs) > 200),
        (Depth.NORMAL, lambda net: net.inputs.shape[1] > 4),
    ],
)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_half_of_the_step_beyond_a_size_is_refuted(
    optimiser: str, depth: Depth, too_large: Callable[[controls.Dense], bool]
) -> None:
    right = controls.gram_solve(optimiser, controls.solved)
    step = controls.stepping(controls.times(lambda net: 0.5 if too_large(net) else 1.0, right))
    claim = own_claims(Implementation.of("half", optimiser, step))[IDENTITY[optimiser]]
    larger = dataclasses.replace(claim, families=claim.families[-1:])
    for seed in range(5):
        assert run_claim(larger, depth, seed).verdict is Verdict.REFUTED, seed


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@settings(max_examples=20, deadline=None, database=None, derandomize=True)
@given(description=larger_descriptions())
def test_larger_problems_have_the_sizes_that_the_guide_names(optimiser: str, description: Mapping[str, Any]) -> None:
    problem = larger_problem(description, optimiser)
    m, d = problem.given.weights.shape
    assert 5 <= len(problem.given.targets) <= 16
    assert 3 <= d <= 8
    assert m in (81, 121, 169, 196, 225, 256)
    assert m * d <= 1024
    assert problem.given.weights.any(axis=1).all()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_most_larger_problems_are_judged(optimiser: str) -> None:
    claim = own_claims(reference(optimiser))[IDENTITY[optimiser]]
    larger = dataclasses.replace(claim, families=claim.families[-1:])
    result = run_claim(larger, Depth.NORMAL, 3)
    assert result.verdict is Verdict.HOLDS
    assert result.instances >= 25


def problems(optimiser: str, count: int = 20) -> list[Problem]:
    found = []
    for seed in range(200):
        kind, rows, dim = HAND_SHAPES[seed % len(HAND_SHAPES)]
        sizes = {"kind": kind, "rows": rows, "dim": dim, "width": (4, 9)[seed % 2], "eighths": 1 + seed % 8}
        problem = hand_problem({**sizes, "weights": "gaussian", "seed": seed}, optimiser)
        if problem.regular and problem.lambda_min > 0:
            found.append(problem)
    assert len(found) >= count
    return found[:count]


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_structured_direction_is_the_dense_one(optimiser: str) -> None:
    for problem in problems(optimiser):
        assert direction_of(problem.exact, optimiser) == problem.exact.dense_direction(optimiser)


def as_floats(array: Any) -> FloatArray:
    return np.asarray(array, dtype=np.float64)


RIGHT: Mapping[str, Mapping[str, controls.Direction]] = {
    "ngd": {
        "least squares": controls.natural,
        "Gram matrix": lambda net: net.jacobian.T @ controls.solved(net.jacobian @ net.jacobian.T, net.residual),
        "inverse": lambda net: as_floats(net.jacobian.T @ np.linalg.inv(net.jacobian @ net.jacobian.T) @ net.residual),
        "pseudo-inverse of J": lambda net: as_floats(np.linalg.pinv(net.jacobian) @ net.residual),
        "pseudo-inverse of the Fisher matrix": lambda net: (
            controls.inverse(net.jacobian.T @ net.jacobian) @ net.gradient
        ),
    },
    "kfac": {
        "Kronecker product": controls.kronecker,
        "inverse": lambda net: as_floats(
            net.features.T
            @ np.linalg.inv(net.features @ net.features.T)
            @ (net.residual[:, None] * net.inputs @ controls.inverse(net.inputs.T @ net.inputs))
        ),
        "pseudo-inverses": lambda net: as_floats(
            np.linalg.pinv(net.features) @ (net.residual[:, None] * np.linalg.pinv(net.inputs).T)
        ),
    },
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_backward_stable_algorithm_is_within_its_allowance(optimiser: str) -> None:
    largest = 0.0
    for problem in problems(optimiser, 30):
        for direction in RIGHT[optimiser].values():
            instance = StepInstance(problem, Implementation.of("right", optimiser, controls.stepping(direction)))
            if problem.condition.meaningful(instance.unit_roundoff) < 0:
                continue
            assert instance.answer.weights is not None
            distance = np.linalg.norm(instance.answer.weights - rounding.floats(problem.after.weights))
            largest = max(largest, float(distance) / instance.allowance)
    assert 1e-5 < largest < 0.5


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_backward_stable_algorithm_is_within_its_allowance_on_larger_networks(optimiser: str) -> None:
    for seed, (kind, rows, dim, root) in enumerate(
        [("uniform", 5, 3, 9), ("uniform", 16, 4, 16), ("clustered", 16, 5, 14)]
    ):
        description = {"rows": rows, "dim": dim, "root": root, "kind": kind, "eighths": 8, "seed": seed}
        problem = larger_problem(description, optimiser)
        for direction in RIGHT[optimiser].values():
            instance = StepInstance(problem, Implementation.of("right", optimiser, controls.stepping(direction)))
            assert problem.condition.meaningful(instance.unit_roundoff) > 0
            assert instance.answer.weights is not None
            distance = np.linalg.norm(instance.answer.weights - rounding.floats(problem.after.weights))
            assert distance < instance.allowance / 2


def test_single_precision_is_judged_by_its_own_roundoff() -> None:
    def step(*given: Any) -> Any:
        return controls.single_precision(*given).astype(np.float32)

    claim = own_claims(Implementation.of("single", "ngd", step, None, "unjudged"))["own-I-pinv"]
    result = run_claim(claim, Depth.QUICK, 3)
    assert result.verdict is Verdict.HOLDS
    assert all(count.instances > 0 for count in result.families.values())


def test_half_precision_is_never_judged() -> None:
    def step(*given: Any) -> Any:
        return controls.stepping(controls.natural)(*given).astype(np.float16)

    result = run_claim(own_claims(Implementation.of("half", "ngd", step))["own-I-pinv"], Depth.QUICK, 3)
    assert result.verdict is Verdict.UNDECIDED
    assert result.instances == 0


def raising(*given: Any) -> Any:
    raise FloatingPointError("not today")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (raising, "the step raised FloatingPointError: not today"),
        (lambda *given: None, "the step returned None, not the new weights"),
        (lambda weights, *rest: weights[:1], "the step returned shape (1, 2), not (m, d) = (4, 2)"),
        (lambda weights, *rest: weights + 0j, "the step returned the type complex128, not a real floating-point type"),
        (lambda weights, *rest: weights * np.nan, "the step returned entries that are not finite"),
        (lambda weights, *rest: "weights", "the step returned shape (), not (m, d) = (4, 2)"),
    ],
)
@pytest.mark.parametrize("id", ["own-contract", "own-I-pinv", "own-T1-step"])
def test_a_step_that_returns_no_weights_is_refuted(id: str, step: Callable[..., Any], said: str) -> None:
    claim = own_claims(Implementation.of("broken", "ngd", step))[id]
    found = evaluate(claim, claim.families[0], SIMPLE)
    assert found.verdict is InstanceVerdict.REFUTED
    assert [bound.label for bound in found.bounds] == [said]


def test_of_a_step_that_moves_with_the_step_size_0_that_call_is_told() -> None:
    def step(*given: Any) -> FloatArray:
        weights, *_, size = given
        moved: FloatArray = direct(*given) if size else weights + 1.0
        return moved

    direct = reference("ngd").step
    claim = own_claims(Implementation.of("own", "ngd", step))["own-fixed-point"]
    found = evaluate(claim, claim.families[0], SIMPLE)
    assert [bound.verdict for bound in found.bounds] == [Verdict.HOLDS, Verdict.REFUTED]
    lines = instance_lines(found)
    weights = found.instance.moving.given.weights
    assert "step_size = 0.0" in lines
    assert f"returned_weights = {(weights + 1.0).tolist()}" in lines
    assert f"exact_weights = {(weights + 0.0).tolist()}" in lines


def verdict(id: str, step: Callable[..., Any], **changes: Any) -> InstanceVerdict:
    claim = own_claims(Implementation.of("own", "ngd", step))[id]
    return evaluate(claim, claim.families[0], {**SIMPLE, **changes}).verdict


def test_a_zero_pre_activation_is_left_alone() -> None:
    problem = hand_problem(SIMPLE, "ngd")
    weights = problem.given.weights.copy()
    weights[0] = 0.0
    zero = Problem(dataclasses.replace(problem.given, weights=weights))
    claim = own_claims(reference("ngd"))["own-I-pinv"]
    margins = {one.name: one.verdict for one in claim.hypotheses(StepInstance(zero, reference("ngd")))}
    assert margins["no pre-activation is 0 within the rounding of float64"] is Verdict.REFUTED


def test_refusing_the_step_size_0_is_accepted() -> None:
    right = controls.stepping(controls.natural)

    def refusing(*given: Any) -> FloatArray:
        if given[-1] == 0:
            raise ValueError("no step")
        return right(*given)

    def breaking(*given: Any) -> FloatArray:
        return right(*given) / (1 if given[-1] > 0 else np.nan)

    chosen = {"rows": 1, "dim": 1, "seed": 1}
    assert verdict("own-fixed-point", refusing, **chosen) is InstanceVerdict.HOLDS
    assert verdict("own-fixed-point", breaking, **chosen) is InstanceVerdict.REFUTED


def test_arguments_are_copies() -> None:
    problem = hand_problem(SIMPLE, "ngd")
    before = problem.given.weights.copy()

    def spoiling(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        weights[:] = 7
        y[:] = 7
        return weights

    answer = problem.answer(Implementation.of("spoiling", "ngd", spoiling))
    assert answer.mutated == ("weights", "y")
    assert np.array_equal(problem.given.weights, before)


def test_wide_problems_have_the_residual_that_they_say() -> None:
    description = {
        "inputs": 3,
        "dimension": 4,
        "kind": "uniform",
        "root": 5,
        "scale": 2,
        "symmetric": True,
        "residual_exponent": 10,
        "eighths": 2,
        "seed": 5,
    }
    problem = wide_problem(description, "ngd")
    assert len(problem.given.signs) == 25  # odd, so not symmetric
    residual = rounding.floats(problem.exact.residual)
    assert 0 < float(np.linalg.norm(residual)) < 4 * math.sqrt(3) * 2**-10
    assert problem.given.step_size == 0.25


@pytest.mark.parametrize(("optimiser", "judged"), [("ngd", True), ("kfac", False)])
def test_k_fac_alone_is_not_judged_where_the_rank_of_the_inputs_is_not_known(optimiser: str, judged: bool) -> None:
    """NGD's step has no inverse of X^T X."""
    problem = hand_problem(SIMPLE, optimiser)
    assert problem.condition.meaningful(2.0**-53) > 0
    unknown = hand_problem(SIMPLE, optimiser)
    brackets = (LowerBound(0.0), problem.bounds.smallest_eigenvalue[1])
    unknown.__dict__["bounds"] = dataclasses.replace(problem.bounds, smallest_eigenvalue=brackets)
    assert (unknown.condition.meaningful(2.0**-53) > 0) is judged


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_gradient_of_what_is_solved_for_is_measured_by_its_frobenius_norm(
    optimiser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NGD: ``J^T r``. K-FAC: ``S^T diag(r) X (X^T X)^+``."""
    problem = hand_problem(SIMPLE, optimiser)
    asked: list[float] = []

    def recorded(**numbers: Any) -> allowance.Solved:
        asked.append(numbers["gradient"])
        return allowance.Solved(**numbers)

    monkeypatch.setattr(condition, "Solved", recorded)
    assert problem.condition.meaningful(2.0**-53) > 0
    net = problem.exact
    S, X, r = (rounding.floats(matrix) for matrix in (net.features, net.inputs, net.residual))
    right = X if optimiser == "ngd" else X @ np.linalg.pinv(X.T @ X)
    expected = math.sqrt(sum(float(entry) ** 2 for entry in (S.T @ (r * right)).ravel()))
    assert len(asked) == 1
    # a handful of roundings of numbers below 100, by a pseudo-inverse with condition number below 100
    assert abs(asked[0] - expected) <= 2.0**-30 * expected
    assert expected > np.abs(S.T @ (r * right)).max() * (1 + 2.0**-20)
