"""K-chernoff: its constant, its probability and its width, against exact values and the simplest random matrix."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat
from scipy import optimize

from theory.errors import ChoiceError, DegenerateInputsError, ScaleError, WidthError
from theory.inputs import normalise_rows
from theory.kernels.limiting import limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue
from theory.rigour.precision import working_precision
from theory.theorems import chernoff
from theory.theorems import width as width_module
from theory.theorems.chernoff import chernoff_exponent, chernoff_failure, chernoff_width
from theory.theorems.flip_probability import change_constant, squared_change_bound
from theory.theorems.initial_residual import mean_squared_residual, squared_residual_bound
from theory.theorems.width import composition_constant, input_condition, squared_condition_radius, stability_width


def test_the_exponent_is_a_quarter_and_three_quarters_of_a_logarithm() -> None:
    with working_precision(100):
        share = arb(fmpq(3, 4))
        difference = arb(chernoff_exponent()) - (arb(fmpq(1, 4)) + share * share.log())
        assert abs(difference) < arb(2) ** -53
    assert chernoff_exponent() == pytest.approx(0.0342384, abs=1e-7)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_the_exponent_is_the_least_moment_of_a_certain_count(kept: float) -> None:
    multipliers = np.linspace(0, 5, 500001)  # Chernoff: min over t of t kept + e^{-t} - 1
    assert chernoff_exponent(kept) == pytest.approx(-np.min(multipliers * kept + np.exp(-multipliers) - 1), abs=1e-9)


@pytest.mark.parametrize(
    ("lambda0", "squared", "n", "delta", "width"),
    [(0.5, 1.0, 1, 0.5, 41), (0.02, 30.0, 361, 1e-3, 560626), (0.25, 2.0, 4, 1e-9, 5167)],
)
def test_the_width_in_known_cases(lambda0: float, squared: float, n: int, delta: float, width: int) -> None:
    with working_precision(100):
        beta = arb(fmpq(1, 4)) + arb(fmpq(3, 4)) * arb(fmpq(3, 4)).log()
        exact = arb(squared) * (n / arb(delta)).log() / (beta * arb(lambda0))
        assert int(float(exact.ceil())) == width
    assert chernoff_width(lambda0, squared, n, delta) == width
    assert chernoff_width(lambda0, squared, n, delta, symmetric=True) == 2 * width


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_width_is_the_least_with_that_failure(symmetric: bool) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        lambda0, squared = float(rng.uniform(1e-3, 0.5)), float(rng.uniform(1, 50))
        n, delta = int(rng.integers(1, 100)), float(10 ** rng.uniform(-9, -0.1))
        width = chernoff_width(lambda0, squared, n, delta, symmetric=symmetric)
        fewer = width - (2 if symmetric else 1)
        assert chernoff_failure(lambda0, squared, n, width, symmetric=symmetric) <= delta
        assert fewer == 0 or chernoff_failure(lambda0, squared, n, fewer, symmetric=symmetric) > delta


def test_the_failure_of_known_cases() -> None:
    assert chernoff_failure(0.5, 1.0, 7, 1) == pytest.approx(7 * 0.983026, rel=1e-5)  # no probability, a bound of one
    expected = 7 * math.exp(-chernoff_exponent() * 1000 * 0.5 / 2)
    assert chernoff_failure(0.5, 2.0, 7, 1000) == pytest.approx(expected, rel=1e-12, abs=0)


def test_the_failure_bounds_the_binomial_of_one_input() -> None:
    """One input: ``G(0)`` is the share of active neurons, ``lambda0 = 1/2``, ``||X||^2 = 1``: an exact binomial tail."""
    for width in (8, 40, 200):
        tail = sum(math.comb(width, k) for k in range(int(0.375 * width) + 1)) / 2**width
        assert tail <= chernoff_failure(0.5, 1.0, 1, width)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: chernoff_width(0.0, 1.0, 1, 0.1), ScaleError),
        (lambda: chernoff_width(0.5, -1.0, 1, 0.1), ScaleError),
        (lambda: chernoff_width(0.5, 1.0, 0, 0.1), WidthError),
        (lambda: chernoff_width(0.5, 1.0, 1, 0.0), ScaleError),
        (lambda: chernoff_width(0.5, 1.0, 1, 1.0), ScaleError),
        (lambda: chernoff_width(0.5, 1.0, 1, math.nan), ScaleError),
        (lambda: chernoff_failure(math.inf, 1.0, 1, 1), ScaleError),
        (lambda: chernoff_failure(0.5, 0.0, 1, 1), ScaleError),
        (lambda: chernoff_failure(0.5, 1.0, 0, 1), WidthError),
        (lambda: chernoff_failure(0.5, 1.0, 1, 0), WidthError),
        (lambda: chernoff_failure(0.5, 1.0, 1, 3, symmetric=True), WidthError),
        (lambda: chernoff_exponent(1.0), ScaleError),
    ],
)
def test_bad_numbers_are_named(call: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


# --- R0, C2-prob and the widths of T3 and T4 -----------------------------------------------------------------------


def test_the_mean_residual_is_that_of_one_gaussian_neuron() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    second_moment = float(np.dot(weights, np.maximum(3.0 * nodes, 0) ** 2)) / math.sqrt(2 * math.pi)  # E relu(z)^2
    assert mean_squared_residual(5.0, 4, 3.0) == pytest.approx(5 + 4 * second_moment, rel=1e-12)
    assert mean_squared_residual(5.0, 4, 3.0, symmetric=True) == 5.0
    assert squared_residual_bound(5.0, 4, 3.0, 0.125) == pytest.approx(8 * (5 + 18), rel=1e-14)


@pytest.mark.parametrize(("radius", "n", "scale", "delta", "width"), [(2.0, 5, 3.0, 0.1, 400), (0.1, 2, 0.5, 0.9, 7)])
def test_the_change_is_bounded_by_the_best_threshold(
    radius: float, n: int, scale: float, delta: float, width: int
) -> None:
    """At most ``n R^2/t^2`` neurons move by t; ``|z| <= t`` for ``n m t (2/pi)^{1/2}/nu`` pairs in the mean (Markov)."""

    def flips(logarithm: float) -> float:
        t = math.exp(logarithm)
        return n * radius**2 / t**2 + n * width * t * math.sqrt(2 / math.pi) / (scale * delta)

    best = optimize.minimize_scalar(flips, bounds=(-15, 15), method="bounded", options={"xatol": 1e-9}).fun
    assert squared_change_bound(radius, n, scale, delta, width) == pytest.approx(best / width, rel=1e-9)
    assert squared_change_bound(0.0, n, scale, delta, width) == 0.0


def test_constants_of_the_widths_in_digits() -> None:
    assert change_constant() == pytest.approx(1.6258, abs=5e-5)
    assert composition_constant() == pytest.approx(2.406e6, rel=2e-4)
    assert composition_constant(symmetric=True) == pytest.approx(composition_constant() * 48 / 324, rel=1e-14)
    assert isinstance(composition_constant(arb(1)), arb)


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_radius_is_that_of_condition_2_when_the_events_occur(symmetric: bool) -> None:
    share = 1.0 if symmetric else 0.3 / 3
    residual = mean_squared_residual(7.0, 3, 2.0, symmetric) / share
    expected = (3 * math.sqrt(residual) / math.sqrt(0.75 * 0.2)) ** 2
    assert squared_condition_radius(7.0, 3, 2.0, 0.3, 0.2, symmetric) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("C", [0.4, 1.0])
def test_the_second_width_is_where_the_lemmas_meet(symmetric: bool, C: float) -> None:
    """C2-prob at delta/3 (symmetric: delta/2) on that radius gives exactly ``(C^2/9)(3/4 lambda0)``."""
    arguments = (7.0, 3, 2.0, 0.3)
    width = stability_width(*arguments, C, 0.2, symmetric)
    radius = math.sqrt(squared_condition_radius(*arguments, 0.2, symmetric))
    bound = squared_change_bound(radius, 3, 2.0, 0.3 / (2 if symmetric else 3), round(width))
    assert bound == pytest.approx(C**2 / 9 * 0.75 * 0.2, rel=1e-6)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("theorem", ["T3", "T4-width"])
@pytest.mark.parametrize("C", [0.5, 40.0])
def test_the_whole_width_is_the_least_at_which_all_lemmas_hold(theorem: str, symmetric: bool, C: float) -> None:
    """A large C leaves the decision to K-chernoff, a small one to C2-prob."""
    rng = np.random.default_rng(5)
    rows, y, scale, delta = normalise_rows(rng.standard_normal((3, 4))), rng.standard_normal(3), 0.7, 0.2
    if theorem == "T3":
        smallest, squared, condition = limiting_gram_eigenvalue(rows), float(np.linalg.norm(rows, 2)) ** 2, 1.0
    else:
        values = np.linalg.svd(rows, compute_uv=False) ** 2
        smallest, squared, condition = limiting_pattern_gram_eigenvalue(rows), 3.0, float(values[0] / values[-1])
    share = delta / (2 if symmetric else 3)
    residual = float(y @ y) if symmetric else (float(y @ y) + 3 * 0.7**2 / 2) / share
    radius = math.sqrt(9 * residual / (0.75 * smallest) * condition)

    def holds(m: int) -> bool:
        rare = chernoff_failure(smallest, squared, 3, m, symmetric) <= share
        return rare and squared_change_bound(radius, 3, scale, share, m) <= C**2 / 9 * 0.75 * smallest

    found = width_module.width(rows, y, scale, delta, C, theorem, symmetric)
    assert found % 2 == 0 or not symmetric
    assert holds(found)
    fewer = math.floor(found * (1 - 1e-9)) - 2
    assert not holds(fewer - fewer % 2)
    if not symmetric and theorem == "T3":
        assert found == width_module.width(rows, y, scale, delta, C)


def test_kappa_3_cubed_is_27_over_2_pi() -> None:
    with working_precision(100):
        assert abs(arb(change_constant(arb(1))) ** 3 - 27 / (2 * arb.pi())) < arb(2) ** -90


@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_width_of_orthogonal_rows_by_hand(n: int) -> None:
    """``lambda0 = 1/2``, ``||X||_2 = 1``, ``||y||^2 = n``, nu = 1, delta = 1/8, C = 1/2."""
    with working_precision(100):
        independent = arb(1728 * 324 * 27) / (2 * arb.pi()) * n**3 * (arb(3) * n / 2) * 16 * 64 * 512
        paired = arb(1728 * 48 * 27) / (2 * arb.pi()) * n**3 * n * 16 * 64 * 64
    for exact, symmetric in ((independent, False), (paired, True)):
        found = width_module.width(np.eye(n), np.ones(n), 1.0, 0.125, 0.5, symmetric=symmetric)
        assert float(exact) <= found <= float(exact) * (1 + 1e-10) + 2


def test_formulas_answer_in_kind() -> None:
    one = arb(1)
    for value in (
        chernoff_failure(one / 2, one, 2, 10),
        mean_squared_residual(one, 2, one),
        squared_residual_bound(one, 2, one, one / 2),
        squared_change_bound(one, 2, one, one / 2, 10),
        squared_condition_radius(one, 2, one, one / 2, one / 2),
        stability_width(one, 2, one, one / 2, one / 2, one / 2, True),
    ):
        assert isinstance(value, arb)
    assert chernoff_width(one / 2, one, 2, one / 8) == chernoff_width(0.5, 1.0, 2, 0.125)


def test_a_width_beyond_64_bits_is_a_whole_number() -> None:
    found = width_module.width(np.eye(5), np.ones(5), 1e-3, 0.01, 0.01)
    assert isinstance(found, int)
    assert found > 2**64
    assert squared_change_bound(1.0, 5, 1.0, 0.5, found) > 0


@pytest.mark.parametrize("theorem", ["T3", "T4-width"])
def test_inputs_that_are_nearly_parallel_have_a_width_too(theorem: str) -> None:
    """lambda0 and lambda_S are about ``angle/(2 pi)``, and the width grows with a power of their inverse."""
    widths = [
        width_module.width(
            np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]]), np.ones(2), 1.0, 0.1, 0.5, theorem
        )
        for angle in (1e-2, 1e-4, 1e-6, 1e-8)
    ]
    assert all(100 * narrower < wider for narrower, wider in itertools.pairwise(widths))


def test_bad_widths_are_named() -> None:
    rows, y = np.eye(2), np.ones(2)
    with pytest.raises(ChoiceError, match="known: T3, T4-width"):
        width_module.width(rows, y, 1.0, 0.1, 0.5, "T9")
    for theorem, name in (("T3", "lambda0"), ("T4-width", "lambda_S")):
        with pytest.raises(DegenerateInputsError, match=f"no positive lower bound of {name} is certified"):
            width_module.width(np.array([[1.0, 0.0], [1.0, 0.0]]), y, 1.0, 0.1, 0.5, theorem)
    with pytest.raises(
        DegenerateInputsError, match="no bound of kappa_X is certified"
    ):  # the exact rank is 2, kappa_X 4e34
        width_module.width(np.array([[1.0, 0.0], [-1.0, 1e-17]]), y, 1.0, 0.1, 0.5, "T4-width")
    for call in (
        lambda: width_module.width(rows, y, 0.0, 0.1, 0.5),
        lambda: width_module.width(rows, y, 1.0, 1.0, 0.5),
        lambda: width_module.width(rows, y, 1.0, 0.1, 0.0),
        lambda: squared_change_bound(-1.0, 2, 1.0, 0.1, 5),
    ):
        with pytest.raises(ScaleError):
            call()


@pytest.mark.parametrize("exponent", [0, 1, 3, 5])
def test_the_condition_of_the_inputs_is_bounded_from_above(exponent: int) -> None:
    """Two unit rows of correlation rho: ``X X^T`` has the eigenvalues 1 +- |rho|, of which the smaller is ``2 sin^2(angle/2)``."""
    angle = 10.0**-exponent
    rows = np.array([[1.0, 0.0], [-math.cos(angle), math.sin(angle)]])
    expected = 1 / math.tan(angle / 2) ** 2
    assert expected * (1 - 1e-13 / angle) <= input_condition(rows) <= expected * (1 + 1e-13 / angle)
    exact = fmpq_mat(2, 2, [fmpq(*value.as_integer_ratio()) for value in rows.ravel().tolist()])
    kernel = exact * exact.transpose()
    trace, determinant = kernel[0, 0] + kernel[1, 1], kernel.det()
    with working_precision(200):
        root = (arb(trace) ** 2 - 4 * arb(determinant)).sqrt()
        assert arb(input_condition(rows)) > (arb(trace) + root) / (arb(trace) - root)


def test_the_bound_of_the_condition_covers_rows_that_are_units_up_to_rounding() -> None:
    """One row: ``h_min mu_min = |x|^2``, which the bound must not exceed the inverse of."""
    for scale in (1 - 2.0**-51, 1.0, 1 + 2.0**-51):
        assert fmpq(*scale.as_integer_ratio()) ** -2 <= fmpq(*input_condition([[scale, 0.0]]).as_integer_ratio())
    assert input_condition(np.eye(3)) <= 1 + 1e-13


@pytest.mark.parametrize(
    "arguments",
    [
        {"scale": 1e-170, "delta": 0.1, "C": 0.5},
        {"scale": 1.0, "delta": 1e-200, "C": 0.5},
        {"scale": 1.0, "delta": 0.1, "C": 1e-60},
        {"scale": 1.0, "delta": 0.1, "C": 0.5, "targets": 1e200},
    ],
)
@pytest.mark.parametrize("theorem", width_module.THEOREMS)
def test_widths_beyond_float64_have_a_named_error(theorem: str, arguments: dict[str, float]) -> None:
    targets = np.full(2, arguments.get("targets", 1.0))
    numbers = {name: value for name, value in arguments.items() if name != "targets"}
    with pytest.raises(ScaleError, match="beyond the range of float64"):
        width_module.width(np.eye(2), targets, **numbers, theorem=theorem)  # type: ignore[arg-type]


def test_a_chernoff_width_beyond_float64_has_a_named_error() -> None:
    with pytest.raises(ScaleError, match="beyond the range of float64"):
        chernoff.chernoff_width(5e-324, 1.0, 2, 0.1)
