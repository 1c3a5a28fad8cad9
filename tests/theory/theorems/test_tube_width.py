"""T3-tube, T3-tube-ratio and R0-tail: constants against rationals and quadrature, widths against the statement's own formula."""

import math

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import optimize, stats

from theory.errors import ChoiceError, DegenerateInputsError, ScaleError
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.limiting import limiting_gram
from theory.theorems.residual_tail import output_tail, residual_tail
from theory.theorems.tube_plan import FORMS, SPLITS, TubeInputs, tube_plan
from theory.theorems.tube_width import BEST_RATIO, allowed_share, counting_width, movement_width, path_factor
from theory.theorems.tube_width_ratio import allowed_sum, overlap, root_factor, root_path, root_ratio
from theory.theorems.width import tube_width

BETA = 0.25 + 0.75 * math.log(0.75)


def rows_of(n: int, dim: int, seed: int = 0) -> FloatArray:
    return normalise_rows(np.random.default_rng(seed).standard_normal((n, dim)))


def by_hand(X: FloatArray, y: FloatArray, scale: float, delta: float, mu: float, form: str) -> float:
    """The statement in float64, from its own numbers, symmetric initialisation."""
    n, K, G = len(X), X @ X.T, limiting_gram(X)
    lambda0, norm2 = np.linalg.eigvalsh(G)[0], np.linalg.eigvalsh(K)[-1]
    row2, kappa = (K**2).sum(axis=1).max(), np.linalg.eigvalsh(abs(K))[-1]
    target = float(y @ np.linalg.solve(G, y))
    first = 2 * norm2 * math.log(2 * n / delta) / (BETA * lambda0)
    constant = 8 / math.pi * 256 / 81 * row2 / scale**2
    if form == "ratio":
        a = 0.75 * lambda0 * (mu / (1 + mu)) ** 2
        near = [
            sum(abs(K[i, j]) * min(1, a / 2 / math.sqrt(1 - K[i, j] ** 2)) for j in range(n) if j != i)
            for i in range(n)
        ]
        second = constant * ((1 + mu) ** 4 / (mu**2 * (1 - mu)) * (1 + max(near))) ** 2 * target / lambda0**3
        third = 16 * abs(K).sum(axis=1).max() * (1 + mu) ** 2 * math.log(2 * n / delta) / (mu**2 * lambda0)
        return float(max(first, second, third))
    plain = form == "plain"
    growth = 1 + (2 if plain else 1) * mu
    length = target / lambda0**3 if form == "target" else float(y @ y) / lambda0**4
    second = constant * growth**4 / (mu * (1 - mu)) ** 2 * kappa**2 * length
    third = (16 * math.log(2 * n / delta) if plain else 32 * math.log(4 * n / delta)) * kappa * growth / (mu * lambda0)
    return float(max(first, second, third))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("n", "dim", "length"), [(3, 4, 1.0), (5, 20, 0.01), (1, 2, 3.0)])
@pytest.mark.parametrize("ratio", [0.1, 0.25, 0.7])
def test_the_width_is_that_of_the_statement(form: str, n: int, dim: int, length: float, ratio: float) -> None:
    X, y = rows_of(n, dim), np.linspace(-1, 1, n) * length + length / 3
    found, expected = tube_width(X, y, 2.0, 0.1, ratio, form), by_hand(X, y, 2.0, 0.1, ratio, form)
    assert found % 2 == 0
    assert expected <= found <= expected * (1 + 1e-9) + 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("length", [1e-4, 0.05, 1.0])
def test_no_ratio_asks_for_less_than_the_best(form: str, symmetric: bool, length: float) -> None:
    X, y = rows_of(3, 5), np.full(3, length)
    best = tube_width(X, y, 1.0, 0.1, None, form, symmetric)
    others = [tube_width(X, y, 1.0, 0.1, mu / 20, form, symmetric) for mu in range(1, 20)]
    assert best <= min(others) * (1 + 1e-3)


def test_the_best_constants_are_1159_and_516_and_12660() -> None:
    for form, constant in (("plain", 1159), ("two-sided", 516)):
        mu = BEST_RATIO[form]
        allowed = allowed_share(mu, fmpq(1), fmpq(1), form)
        found = float(movement_width(1, 1, 1, float(allowed), float(path_factor(mu, form))))
        assert constant - 1 < found <= constant
    best = optimize.minimize_scalar(
        lambda mu: movement_width(1.0, 1.0, 1.0, allowed_sum(mu, 1.0), root_factor(mu)),
        bounds=(0.1, 0.9),
        method="bounded",
    )
    assert best.x == pytest.approx((5 - math.sqrt(17)) / 2, abs=1e-4)
    assert 12650 < best.fun < 12660


def test_chernoffs_step_bounds_binomial_tails() -> None:
    """``P(Bin(N, p) >= a N) <= epsilon`` at the third width, where ``2p <= a``; 2 for its 3 would be too little."""
    broken = False
    for a in (0.02, 0.1, 0.4):
        for epsilon in (1e-1, 1e-4, 1e-9):
            neurons = math.ceil(counting_width(math.log(1 / epsilon), a, symmetric=False))
            tail = stats.binom.sf(math.ceil(a * neurons) - 1, neurons, a / 2)
            assert tail <= epsilon
            fewer = math.ceil(neurons / 3)
            broken |= stats.binom.sf(math.ceil(a * fewer) - 1, fewer, a / 2) > epsilon
    assert broken  # a third of it is not enough


def test_r0_tail_is_the_statement_and_delta_enters_by_a_logarithm() -> None:
    n, nu, squared, delta = 5, 0.3, 2.5, 0.1
    expected = 2 + nu * math.sqrt(n * (math.pi - 1 + 2 * math.log(4 / delta)) / (2 * math.pi))
    expected += nu * math.sqrt(squared * 2 * math.log(2 / delta))
    assert residual_tail(4.0, n, nu, squared, delta) == pytest.approx(expected, rel=1e-14)
    assert output_tail(n, nu, squared, 1e-12) < 5 * output_tail(n, nu, squared, 0.1)


def test_few_of_delta_are_spent_on_what_enters_little() -> None:
    """Independent neurons: any split is one of the theorem's; the best of many is near the one that leaves R0-tail nearly all."""
    X, y = np.eye(4), np.ones(4)
    plan = tube_plan(X, y, 1.0, 0.1, symmetric=False)
    shares = plan.shares
    assert shares.start is not None
    assert shares.first + shares.counts + shares.start == fmpq(*(0.1).as_integer_ratio())
    assert shares.start > shares.first
    assert len(SPLITS) == len(set(SPLITS))


def test_the_tube_of_a_plan_is_known_before_the_draw() -> None:
    X, y = rows_of(4, 6), np.ones(4)
    plan = tube_plan(X, y, 2.0, 0.1, 0.25)
    K, lambda0 = X @ X.T, np.linalg.eigvalsh(limiting_gram(X))[0]
    expected = np.linalg.norm(K, axis=1) * 4 / 3 * 2 / lambda0 * 1.5 / 0.75 / math.sqrt(plan.width)
    assert plan.tube() == pytest.approx(expected, rel=1e-9)
    assert (plan.tube() >= expected * (1 - 1e-12)).all()


def test_norms_and_overlaps_are_bounds() -> None:
    X = rows_of(6, 3, 1)
    inputs = TubeInputs.of(X, np.ones(6))
    K = X @ X.T
    assert (inputs.row_norms >= np.linalg.norm(K, axis=1)).all()
    assert inputs.largest_sum >= abs(K).sum(axis=1).max()
    for allowed in (1e-4, 0.1, 5.0):
        entries = inputs.correlations
        exact = max(
            overlap(arb(entries[i, i]), [arb(entries[i, j]) for j in range(6) if j != i], arb(allowed))
            for i in range(6)
        )
        assert arb(inputs.overlap(allowed)) >= exact
        assert float(inputs.overlap(allowed)) <= float(exact) * (1 + 1e-9)
    antiparallel = TubeInputs.of(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.ones(2))
    assert 2 <= antiparallel.overlap(0.1) < 2 + 1e-9  # both are near the boundary at once


def test_the_root_form_at_a_quarter_of_lambda() -> None:
    assert root_ratio(1 / 16, 1.0) == pytest.approx(1 / 3)
    assert root_path(4.0, 1 / 16, 1.0) == pytest.approx(2 / (1 / 2 * 3 / 4))
    assert root_ratio(1.0, 1.0) == math.inf == root_path(1.0, 0.25, 1.0)


def test_correlated_inputs_gain_by_the_root_form() -> None:
    """|K| has a norm near n where inputs are correlated; the root form does not see it."""
    X = normalise_rows(np.eye(40) + 1.0 * np.ones((40, 40)) / math.sqrt(40))
    y = np.where(np.arange(40) % 2, 1.0, -1.0)
    assert 10 * tube_width(X, y, 100.0, 0.1, form="ratio") < tube_width(X, y, 100.0, 0.1, form="target")


def test_what_is_wrong_is_named() -> None:
    X, y = np.eye(2), np.ones(2)
    with pytest.raises(ChoiceError, match="sided"):
        tube_width(X, y, 1.0, 0.1, form="sided")
    for ratio in (0.0, 1.0, -1.0, math.nan):
        with pytest.raises(ScaleError, match="mu"):
            tube_width(X, y, 1.0, 0.1, ratio)
    for scale, delta in ((0.0, 0.1), (1.0, 0.0), (1.0, 1.0)):
        with pytest.raises(ScaleError):
            tube_width(X, y, scale, delta)
    with pytest.raises(DegenerateInputsError, match="lambda0"):
        tube_width(np.array([[1.0, 0.0], [1.0, 0.0]]), y, 1.0, 0.1)
    with pytest.raises(ScaleError, match="width"):
        tube_width(X, y, 1e-200, 0.1)


def test_no_targets_need_only_what_the_counts_ask_for() -> None:
    assert tube_width(np.eye(2), np.zeros(2), 1.0, 0.1) < 1000
