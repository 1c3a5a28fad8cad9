"""Every cause is named from a step that has it, written independently in dense NumPy; nothing else is named."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from properties.guard import controls as c
from properties.guard.controls import Dense
from properties.guard.conventions import conventions
from properties.guard.damping_fit import _deviation, at
from properties.guard.dampings import families
from properties.guard.diagnosis import causes_of, matching
from properties.guard.implementation import OPTIMISERS, Implementation, reference
from properties.guard.instances import StepInstance, hand_problem
from properties.guard.multiples import _points, fitted_multiple
from properties.guard.panel import PANEL, SHAPES, Probe, panel
from properties.guard.state_causes import _same
from properties.guard.workings import UndefinedError
from theory.inputs import FloatArray

DESCRIPTION = {"kind": "uniform", "rows": 2, "dim": 2, "width": 4, "weights": "integers", "eighths": 4, "seed": 0}


def named(step: Callable[..., Any], optimiser: str, **changes: Any) -> list[str]:
    implementation = Implementation.of("own", optimiser, step)
    problem = hand_problem({**DESCRIPTION, **changes}, optimiser)
    return [cause.said for cause in matching(implementation, StepInstance(problem, implementation))]


def reciprocal(net: Dense) -> float:
    return 1.0 / len(net.targets)


def width_root(net: Dense) -> float:
    return float(np.sqrt(len(net.signs)))


def no_inputs(net: Dense) -> FloatArray:
    return c.inverse(net.features.T @ net.features) @ net.gradient.reshape(net.weights.shape)


def no_features(net: Dense) -> FloatArray:
    return net.gradient.reshape(net.weights.shape) @ c.inverse(net.inputs.T @ net.inputs)


def reshaped(direction: c.Direction) -> c.Direction:
    """The update of weights (d, m), reshaped to (m, d)."""
    return lambda net: direction(net).reshape(net.weights.shape).T.reshape(net.weights.shape)


def residual_right(net: Dense) -> FloatArray:
    dual = net.inputs @ c.inverse(net.inputs.T @ net.inputs)
    return net.features.T @ np.diag(net.residual) @ np.linalg.inv(net.features @ net.features.T) @ dual


def mean_damped(net: Dense) -> FloatArray:
    n = len(net.targets)
    A, S = net.inputs.T @ net.inputs / n, net.features.T @ net.features / n
    return np.kron(c.inverse(S, 0.02), c.inverse(A, 0.02)) @ net.gradient / n


RIGHT = {"ngd": c.natural, "kfac": c.kronecker}

FACTORS: dict[str, tuple[Callable[[Dense], float], str]] = {
    "sign": (lambda net: -1.0, "matches the opposite sign on"),
    "1/n": (reciprocal, "matches 1/n times the step (the gradient of the mean loss"),
    "n": (lambda net: len(net.targets), "matches n times the step (the mean in "),
    "2": (lambda net: 2.0, "matches 2 times the step (the loss without its 1/2"),
    "1/2": (lambda net: 0.5, "matches 1/2 times the step (a curvature of twice the Fisher matrix"),
    "1/4": (lambda net: 0.25, "matches 1/4 times the step ("),
    "2/n": (lambda net: 2 * reciprocal(net), "matches 2/n times the step (the gradient of the mean squared error"),
    "n/2": (lambda net: len(net.targets) / 2, "matches n/2 times the step (the curvature of the mean squared error"),
    "n^2": (lambda net: len(net.targets) ** 2, "matches n^2 times the step ("),
    "n^3": (lambda net: len(net.targets) ** 3, "matches n^3 times the step on"),
    "n^(1/2)": (lambda net: len(net.targets) ** 0.5, "matches n^(1/2) times the step ("),
    "m^(-1/2)": (lambda net: 1 / width_root(net), "matches 1/m^(1/2) times the step (m^(-1/2) missing in J"),
    "m^(1/2)": (width_root, "matches m^(1/2) times the step ("),
    "1/m": (lambda net: 1 / len(net.signs), "matches 1/m times the step ("),
    "d": (lambda net: net.inputs.shape[1], "matches d times the step (the mean over the dimensions"),
    "1/d": (lambda net: 1 / net.inputs.shape[1], "matches 1/d times the step (the mean over the dimensions"),
    "3 m/(n d)": (lambda net: 3 * len(net.signs) / net.inputs.size, "matches 3 m/(n d) times the step on"),
    "1.01": (lambda net: 1.01, "matches 1.01 times the step on"),
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("factor", FACTORS)
def test_multiples_are_named(factor: str, optimiser: str) -> None:
    number, said = FACTORS[factor]
    (sentence,) = named(c.stepping(c.times(number, RIGHT[optimiser])), optimiser)
    assert sentence.startswith(said)
    assert sentence.endswith(" instances tried")


def test_every_cause_that_fits_is_listed() -> None:
    (sentence,) = named(c.stepping(c.times(lambda net: len(net.targets), c.kronecker)), "kfac")
    assert (
        "(the mean in one factor with the gradient of the sum; or the mean in both factors and the gradient)"
        in sentence
    )


FORMULAS: list[tuple[str, c.Direction, str]] = [
    ("ngd", c.gradient, "matches the gradient step (plain gradient descent) on all "),
    ("ngd", c.times(reciprocal, c.gradient), "matches 1/n times the gradient step (plain gradient descent)"),
    ("ngd", c.kronecker, "matches the step of K-FAC"),
    ("kfac", c.natural, "matches the step of NGD"),
    ("ngd", c.unscaled(c.natural), "matches the step of the network without its factor m^(-1/2)"),
    ("kfac", c.unscaled(c.kronecker), "matches the step of the network without its factor m^(-1/2)"),
    ("ngd", c.column_major(c.natural), "matches the update unflattened column by column"),
    ("kfac", c.column_major(c.kronecker), "matches the update unflattened column by column"),
    ("ngd", reshaped(c.natural), "matches the update flattened column by column, as its transpose (d, m) is row by row"),
    ("kfac", reshaped(c.kronecker), "matches the update flattened column by column, as its transpose (d, m) is row by row"),
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
    ("kfac", c.damped_fisher(1e-3), "matches NGD, damping on G (or on the Fisher matrix) with eps = 0.001"),
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


def half_single(*given: Any) -> Any:
    """The system is solved in float32, the rest is in float64."""
    net = Dense(*given[:4])
    G = net.jacobian @ net.jacobian.T
    solved = np.linalg.solve(G.astype(np.float32), net.residual.astype(np.float32)).astype(np.float64)
    return net.weights - given[4] * (net.jacobian.T @ solved).reshape(net.weights.shape)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            half_single,
            "matches the exact step to single precision (a part of it in float32, or another error of this size)",
        ),
        (c.single_precision, "matches the exact step computed in float32 and returned in float64"),
        (lambda w, *rest: c.stepping(c.natural)(w, *rest) - w, "matches the update itself, not the new weights"),
        (
            lambda w, a, X, y, eta: c.stepping(c.natural)(w, a, X, y, 1.0),
            "matches 1/eta times the step (the step size ignored)",
        ),
        (lambda w, *rest: w, "matches no step at all"),
    ],
)
def test_other_habits_are_named(step: Callable[..., Any], said: str) -> None:
    (sentence,) = named(step, "ngd")
    assert said in sentence


def partly_single(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> FloatArray:
    """Given float32, which a root of the width, a number of NumPy's, turns into float64 on the way."""
    W, a, X32, y32 = (one.astype(np.float32) for one in (weights, signs, X, y))
    root, Z = np.sqrt(len(W)), X32 @ W.T
    residual = np.maximum(Z, 0) @ a / root - y32
    J = ((Z >= 0) * a / root)[:, :, None] * X32[:, None, :]
    direction = np.linalg.pinv(J.reshape(len(X), -1)) @ residual
    return np.asarray(W - np.float32(step_size) * direction.reshape(W.shape))


def test_no_damping_is_named_that_changes_less_than_is_allowed_for() -> None:
    """The smaller eps is, the more is allowed to a solve with md rows: at 1e-9 as much as float32 takes."""
    one_row = {"kind": "axes", "rows": 1, "dim": 1, "weights": "gaussian"}
    (sentence,) = named(partly_single, "ngd", **one_row)
    assert sentence.startswith("matches the exact step to single precision ")


def squared(net: Dense) -> float:
    return float(net.targets @ net.targets)


@pytest.mark.parametrize(
    ("optimiser", "direction"),
    [
        ("ngd", c.times(lambda net: 1 + 0.01 * net.targets[0], c.natural)),
        ("kfac", c.times(lambda net: 1 + 0.01 * net.targets[0], c.kronecker)),
        ("ngd", lambda net: c.damped_fisher(1e-3 * len(net.signs) ** 2)(net)),  # an eps of its own for every width
        ("ngd", lambda net: c.damped_fisher(1e-3 * (1 + squared(net)))(net)),
        ("ngd", lambda net: c.natural(net) + 1e-3 * np.sin(np.arange(net.weights.size))),
        ("ngd", lambda net: np.abs(c.natural(net))),
        ("ngd", lambda net: c.natural(net) + 0.1 * c.gradient(net)),
        ("kfac", lambda net: c.kronecker(net) + 0.1 * c.gradient(net)),
        ("kfac", lambda net: c.kronecker(net, 0.1, 0.2)),
        ("kfac", lambda net: (c.kronecker(net) + c.natural(net)) / 2),
        ("ngd", lambda net: np.roll(c.natural(net), 1)),
        ("kfac", lambda net: np.roll(c.kronecker(net), 1)),
    ],
)
def test_what_matches_nothing_is_said_to_match_nothing(optimiser: str, direction: c.Direction) -> None:
    implementation = Implementation.of("own", optimiser, c.stepping(direction))
    instance = StepInstance(hand_problem(DESCRIPTION, optimiser), implementation)
    (cause,) = causes_of(implementation, instance)
    assert cause.said == f"none of those known matches on all {PANEL + 1} instances tried"
    assert cause.remedy == ""


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_panel_tells_shapes_apart(optimiser: str) -> None:
    found = panel(optimiser, 2.0**-53)
    assert len(found) == PANEL
    sizes = [(*problem.given.inputs.shape, len(problem.given.signs)) for problem in found]
    assert {(n, d, m) for n, d, m in sizes} == set(SHAPES)
    assert all(len({1, *size}) == 4 for size in sizes)
    assert any(n > d for n, d, _ in sizes)
    assert len({problem.given.step_size for problem in found}) >= 5
    assert all(np.abs(problem.given.weights).max() < 10 for problem in found)
    logs = np.log([(np.e, *size, problem.given.step_size) for size, problem in zip(sizes, found, strict=True)])
    assert np.linalg.cond(logs) < 100  # k, n, d, m and eta are told apart


@pytest.mark.parametrize("share", [0.9, 1.1])
@pytest.mark.parametrize("multiple", [0.0, 1.0, 2.0])
def test_what_rounding_allows_is_a_distance_over_all_weights(multiple: float, share: float) -> None:
    """Each weight is off by little, all together by 0.9 or 1.1 times what is allowed, across the direction."""
    for problem in panel("ngd", 2.0**-53)[:4]:
        exact = Probe(problem, problem.given.weights, 2.0**-53).given.exact
        direction = np.zeros_like(exact) if multiple == 0 else exact
        number = Probe(problem, problem.given.weights, 2.0**-53).along(lambda _, it=direction: it)[1]  # type: ignore[misc]
        across = np.sign(np.random.default_rng(3).standard_normal(exact.shape))
        across -= float(np.vdot(across, direction)) / max(1e-300, float(np.vdot(direction, direction))) * direction
        allowed = Probe(problem, problem.given.weights, 2.0**-53).allowed(multiple * direction, number)
        off = share * allowed / float(np.linalg.norm(across)) * across
        moved = problem.given.weights - problem.given.step_size * multiple * direction - off
        probe = Probe(problem, moved, 2.0**-53)
        assert (_points([probe], lambda _, it=direction: it) is None) is (share > 1)  # type: ignore[misc]
        if multiple == 1:
            assert probe.follows(lambda _, it=direction: it) is (share < 1)  # type: ignore[misc]


@pytest.mark.parametrize(("share", "same"), [(0.9, True), (1.1, False)])
def test_answers_are_the_same_within_a_distance_over_all_weights(share: float, same: bool) -> None:
    (problem, *_) = panel("ngd", 2.0**-53)
    weights = (
        problem.given.weights - problem.given.step_size * Probe(problem, problem.given.weights, 2.0**-53).given.exact
    )
    one = Probe(problem, weights, 2.0**-53)
    off = share * one.allowed(one.update, 1.0) / np.sqrt(weights.size)
    assert _same(one, Probe(problem, weights + off, 2.0**-53)) is same
    assert not _same(one, None)
    assert _same(None, None)


def test_how_far_a_damping_moves_a_step_does_not_depend_on_where_it_moves_it() -> None:
    (problem, *_) = panel("ngd", 2.0**-53)
    probe = Probe(problem, problem.given.weights, 2.0**-53)
    exact = probe.given.exact
    one, all_of_them = np.zeros_like(exact), np.full_like(exact, 1 / np.sqrt(exact.size))
    one[0, 0] = 1.0
    found = [
        _deviation(probe, *2 * (lambda _, eps, it=it: exact + eps * it,), eps)
        for it in (one, all_of_them)
        for eps in (1e-6, 2e-6)
    ]
    assert found == pytest.approx([found[0], 2 * found[0], found[0], 2 * found[0]], rel=1e-4)
    assert found[0] > 0


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_no_two_causes_coincide_on_the_panel(optimiser: str) -> None:
    """Nor does a multiple of one coincide with another, where multiples are tried."""
    known = [(found.name, found.formula, found.scaled) for found in conventions(optimiser)]
    known += [(family.name, at(family.formula, 0.01), False) for family in families(optimiser)]
    assert len({name for name, _, _ in known}) == len(known)
    for index, (name, formula, _) in enumerate(known):
        probes = []
        for problem in panel(optimiser, 2.0**-53):
            given = problem.given
            try:
                direction, _ = Probe(problem, given.weights, 2.0**-53).along(formula)
            except UndefinedError:
                continue
            probes.append(Probe(problem, given.weights - given.step_size * direction, 2.0**-53))
        assert len(probes) >= PANEL // 2, name
        for other, other_formula, scaled in known[:index] + known[index + 1 :]:
            multiple = fitted_multiple(probes, other_formula)
            assert multiple is None or not (scaled or multiple.one), (name, other)


@pytest.mark.parametrize(("power", "named_so"), [(4.0, True), (-4.0, True), (4.5, False), (-5.0, False)])
def test_powers_of_one_size_are_tried_up_to_the_fourth(power: float, named_so: bool) -> None:
    """A larger one is a coincidence, however small those of the other sizes are."""
    formula, probes = next(iter(conventions("ngd"))).formula, []
    for problem in panel("ngd", 2.0**-53):
        given = problem.given
        direction, _ = Probe(problem, given.weights, 2.0**-53).along(formula)
        step = given.step_size * len(given.targets) ** power * direction
        probes.append(Probe(problem, given.weights - step, 2.0**-53))
    found = fitted_multiple(probes, formula)
    assert (None if found is None else (found.k, found.exponents)) == ((1.0, (power, 0, 0, 0)) if named_so else None)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 2, 4), (2, 1, 4), (1, 1, 4), (2, 2, 1)])
def test_every_formula_says_something_or_nothing_on_the_smallest_problems(
    optimiser: str, sizes: tuple[int, int, int]
) -> None:
    rows, dim, width = sizes
    formulas = [found.formula for found in conventions(optimiser)]
    formulas += [at(family.formula, eps) for family in families(optimiser) for eps in (1e-14, 0.1)]
    for seed in range(6):
        problem = hand_problem({**DESCRIPTION, "rows": rows, "dim": dim, "width": width, "seed": seed}, optimiser)
        if not (problem.regular and problem.lambda_min > 0):
            continue
        probe = Probe(problem, problem.given.weights, 2.0**-53)
        for formula in formulas:
            try:
                direction, _ = probe.along(formula)
            except (UndefinedError, np.linalg.LinAlgError):
                continue
            assert direction.shape == (width, dim)


def test_an_exact_step_on_the_panel_matches_no_convention() -> None:
    own = reference("ngd")
    assert matching(own, StepInstance(hand_problem(DESCRIPTION, "ngd"), own)) == []
