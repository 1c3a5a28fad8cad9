"""Every convention is named from a step that follows it, written independently in dense NumPy; nothing else is named."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from properties.claim import Depth
from properties.guard import controls as c
from properties.guard.claims import own_claims
from properties.guard.controls import Dense
from properties.guard.diagnosis import PANEL, explanation, matching, panel
from properties.guard.implementation import OPTIMISERS, Implementation, reference
from properties.guard.instances import StepInstance, hand_problem
from properties.search import run_claim
from theory.inputs import FloatArray

DESCRIPTION = {"kind": "uniform", "rows": 2, "dim": 2, "width": 4, "weights": "integers", "eighths": 4, "seed": 0}


def named(step: Callable[..., Any], optimiser: str, **changes: Any) -> list[str]:
    implementation = Implementation.of("own", optimiser, step)
    problem = hand_problem({**DESCRIPTION, **changes}, optimiser)
    return matching(implementation, StepInstance(problem, implementation))


def reciprocal(net: Dense) -> float:
    return 1.0 / len(net.targets)


def width_root(net: Dense) -> float:
    return float(np.sqrt(len(net.signs)))


def no_inputs(net: Dense) -> FloatArray:
    return c.inverse(net.features.T @ net.features) @ net.gradient.reshape(net.weights.shape)


def no_features(net: Dense) -> FloatArray:
    return net.gradient.reshape(net.weights.shape) @ c.inverse(net.inputs.T @ net.inputs)


def residual_right(net: Dense) -> FloatArray:
    dual = net.inputs @ c.inverse(net.inputs.T @ net.inputs)
    return net.features.T @ np.diag(net.residual) @ np.linalg.inv(net.features @ net.features.T) @ dual


def mean_damped(net: Dense) -> FloatArray:
    n = len(net.targets)
    A, S = net.inputs.T @ net.inputs / n, net.features.T @ net.features / n
    return np.kron(c.inverse(S, 0.02), c.inverse(A, 0.02)) @ net.gradient / n


RIGHT = {"ngd": c.natural, "kfac": c.kronecker}

FACTORS: dict[str, tuple[Callable[[Dense], float], str]] = {
    "sign": (lambda net: -1.0, "matches the opposite sign"),
    "1/n": (reciprocal, "matches 1/n times the step (the gradient of the mean loss"),
    "n": (lambda net: len(net.targets), "matches n times the step (the mean in the Fisher matrix"),
    "2": (lambda net: 2.0, "matches 2 times the step (the loss without its 1/2)"),
    "1/2": (lambda net: 0.5, "matches 1/2 of the step"),
    "2/n": (lambda net: 2 * reciprocal(net), "matches 2/n times the step"),
    "n/2": (lambda net: len(net.targets) / 2, "matches n/2 times the step"),
    "n^2": (lambda net: len(net.targets) ** 2, "matches n^2 times the step"),
    "m^(-1/2)": (lambda net: 1 / width_root(net), "matches m^(-1/2) times the step"),
    "m^(1/2)": (width_root, "matches m^(1/2) times the step"),
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("factor", FACTORS)
def test_multiples_are_named(factor: str, optimiser: str) -> None:
    number, said = FACTORS[factor]
    (sentence,) = named(c.stepping(c.times(number, RIGHT[optimiser])), optimiser)
    assert sentence.startswith(said)
    assert sentence.endswith(" instances tried")


FORMULAS: list[tuple[str, c.Direction, str]] = [
    ("ngd", c.gradient, "matches the gradient step (plain gradient descent) on all "),
    ("ngd", c.times(reciprocal, c.gradient), "matches the gradient step of the mean loss"),
    ("ngd", c.kronecker, "matches the step of K-FAC"),
    ("kfac", c.natural, "matches the step of NGD"),
    ("ngd", c.unscaled(c.natural), "matches the network without its factor m^(-1/2)"),
    ("kfac", c.unscaled(c.kronecker), "matches the network without its factor m^(-1/2)"),
    ("ngd", c.column_major(c.natural), "matches the update unflattened column by column"),
    ("kfac", c.column_major(c.kronecker), "matches the update unflattened column by column"),
    ("kfac", c.swapped, "matches the Kronecker factors in the other order (transposed)"),
    ("kfac", residual_right, "matches diag(r) on the other side of H^(-1)"),
    ("kfac", no_inputs, "matches X in place of X (X^T X)^+"),
    ("kfac", no_features, "matches S^T in place of S^+"),
    ("ngd", c.damped_fisher(1e-3), "matches damping on G (or on the Fisher matrix) with eps = 0.001 on all"),
    ("ngd", c.damped_fisher(0.0123, True), "matches damping on G (or on the Fisher matrix) with eps = 0.0123; n eps"),
    ("kfac", lambda net: c.kronecker(net, 0.01, 0.01), "matches damping in both factors (S^T S + eps I and X^T X + eps"),
    ("kfac", lambda net: c.kronecker(net, 0.01, 0.0), "matches damping in the feature factor (S^T S + eps I) with eps = 0.01"),
    ("kfac", lambda net: c.kronecker(net, 0.0, 0.01), "matches damping in the input factor (X^T X + eps I) with eps = 0.01"),
    ("kfac", mean_damped, "matches damping in both factors (S^T S + eps I and X^T X + eps I) with eps = 0.02; n eps in"),
    ("kfac", c.damped_product(3e-3), "matches damping on the product of the factors (S^T S (x) X^T X + eps I) with eps = 0.003"),
    ("kfac", c.damped_fisher(1e-3), "matches NGD with damping on G (or on the Fisher matrix) with eps = 0.001"),
]  # fmt: skip


@pytest.mark.parametrize(("optimiser", "direction", "said"), FORMULAS)
def test_formulas_are_named(optimiser: str, direction: c.Direction, said: str) -> None:
    (sentence,) = named(c.stepping(direction), optimiser)
    assert sentence.startswith(said)


def test_a_cut_off_is_bracketed() -> None:
    nearly = {"kind": "clustered", "rows": 3, "dim": 2}
    (sentence,) = named(c.stepping(c.cut_off(0.2)), "ngd", **nearly)
    assert sentence.startswith("matches a pseudo-inverse of G with a relative cut-off between ")
    below, above = (float(word.strip(")")) for word in sentence.split("(of J: between ")[1].split()[:3:2])
    assert below < 0.2 < above


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (c.accumulating(1e-3), "with an eps that is added again: eps grows by 0.001 with every call (state is kept)"),
        (c.stale(), "matches the exact step with the activation pattern of the previous call (state is kept)"),
        (c.single_precision, "matches the exact step computed in float32 and returned in float64"),
        (lambda w, *rest: c.stepping(c.natural)(w, *rest) - w, "matches the update itself, not the new weights"),
        (lambda w, a, X, y, eta: c.stepping(c.natural)(w, a, X, y, 1.0), "matches the step size ignored"),
        (lambda w, *rest: w, "matches no step at all"),
    ],
)
def test_other_habits_are_named(step: Callable[..., Any], said: str) -> None:
    (sentence,) = named(step, "ngd")
    assert said in sentence


def wandering() -> Callable[..., Any]:
    rng = np.random.default_rng(0)
    right = c.stepping(c.natural)
    return lambda *given: right(*given) * (1 + 1e-3 * rng.random())


def test_a_step_that_differs_from_call_to_call_is_said_to_keep_state() -> None:
    assert named(wandering(), "ngd") == [
        "the same input does not give the same step twice (state is kept), by none of the conventions known"
    ]


@pytest.mark.parametrize(
    ("optimiser", "direction"),
    [
        ("ngd", c.times(lambda net: 1.01, c.natural)),
        ("kfac", c.times(lambda net: 1.01, c.kronecker)),
        ("ngd", lambda net: c.damped_fisher(1e-3 * len(net.signs))(net)),  # an eps of its own for every width
    ],
)
def test_what_matches_nothing_is_said_to_match_nothing(optimiser: str, direction: c.Direction) -> None:
    implementation = Implementation.of("own", optimiser, c.stepping(direction))
    instance = StepInstance(hand_problem(DESCRIPTION, optimiser), implementation)
    lines = explanation(implementation, instance)
    assert lines[-1] == f"convention: none of those known matches on all {PANEL + 1} instances tried"
    assert lines[0] == "on this instance:"
    assert "step_size = 0.5" in lines
    assert any(line.startswith("returned_weights = [[") for line in lines)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_panel_tells_shapes_apart(optimiser: str) -> None:
    found = panel(optimiser, 2.0**-53)
    assert len(found) == PANEL
    shapes = {problem.given.inputs.shape for problem in found}
    assert {n for n, _ in shapes} == {1, 2, 3, 4}
    assert any(n > d for n, d in shapes)
    assert {len(problem.given.signs) for problem in found} == {4, 9}
    assert len({problem.given.step_size for problem in found}) >= 5
    assert all(np.abs(problem.given.weights).max() < 10 for problem in found)


def test_an_exact_step_on_the_panel_matches_no_convention() -> None:
    own = reference("ngd")
    assert matching(own, StepInstance(hand_problem(DESCRIPTION, "ngd"), own)) == []


def in_place(weights: Any, *rest: Any) -> Any:
    weights[:] = c.stepping(c.natural)(weights, *rest)
    return weights


def test_a_broken_contract_is_told_from_a_wrong_step() -> None:
    claim = own_claims(Implementation.of("own", "ngd", in_place))["own-contract"]
    refutation = run_claim(claim, Depth.QUICK, 3).refutation
    assert refutation is not None
    assert claim.explain is not None
    assert claim.explain(refutation)[-1] == (
        f"convention: the step itself is exact on all {PANEL + 1} instances tried; "
        "its contract is what is broken, as it changes its argument weights"
    )


@pytest.mark.parametrize(("optimiser", "id"), [("ngd", "own-I-pinv"), ("kfac", "own-I-kfac")])
def test_a_step_that_is_wrong_on_larger_networks_only_is_said_to_be(optimiser: str, id: str) -> None:
    truncated = c.gram_solve(optimiser, lambda matrix, right: c.conjugate_gradients(matrix, right, 4))
    claim = own_claims(Implementation.of("own", optimiser, c.stepping(truncated)))[id]
    refutation = run_claim(claim, Depth.QUICK, 3).refutation
    assert refutation is not None
    assert claim.explain is not None
    (line,) = claim.explain(refutation)  # 81 neurons are not printed
    assert re.match(
        rf"convention: the step is exact on all {PANEL} small instances tried \(n <= 4, m <= 9\), and not on this one, "
        r"of n = \d+, d = 8, m = \d+, condition [\d.]+: it depends on the size, or on the condition$",
        line,
    )
