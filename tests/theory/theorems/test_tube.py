"""T1-tube, T1-damped-tube: their numbers against fractions, each form of S where it is the least, and what they refuse."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from theory.direction import LowerBound, UpperBound
from theory.errors import ScaleError
from theory.theorems import ngd, tube, tube_damped

Q = Fraction
RATIOS = (0.0, 0.125, 0.3, 0.49, 0.75, 1 - 2**-53)
ETAS = (2.0**-60, 0.1, 0.5, 1.0)


def just_above(found: float, exact: Fraction) -> bool:
    """The least float that is not below."""
    return Q(found) >= exact > Q(math.nextafter(found, -math.inf))


def just_below(found: float, exact: Fraction) -> bool:
    """The largest float that is not above."""
    return Q(found) <= exact < Q(math.nextafter(found, math.inf))


@pytest.mark.parametrize("mu", RATIOS)
@pytest.mark.parametrize("eta", ETAS)
def test_rates_and_limits_are_those_of_exact_arithmetic_rounded_to_the_safe_side(mu: float, eta: float) -> None:
    m, h = Q(mu), Q(eta)
    assert just_above(tube.rate(eta, mu), 1 - h * (1 - m))
    assert just_below(tube.step_limit(mu), max(1 - 2 * m, Q(0)) / (1 - m) ** 2)
    for lam, eps in ((0.3, 0.0), (0.3, 0.7), (2.0, 1e-9), (1e-9, 3.0)):
        progress = Q(lam) * (1 - m) / (Q(lam) + Q(eps))
        assert just_below(tube_damped.progress(mu, eps, lam), progress)
        assert just_above(tube_damped.rate(eta, mu, eps, lam), 1 - h * progress)
    assert tube_damped.rate(eta, mu, 0.0, 0.7) == tube.rate(eta, mu)


@pytest.mark.parametrize("mu", RATIOS)
def test_sums_are_those_of_exact_arithmetic_rounded_up(mu: float) -> None:
    c, d, p, r, lam = 0.7, 0.3, 0.2, 1.1, 0.9
    C, D, P, R, L, M = (Q(one) for one in (c, d, p, r, lam, mu))
    assert just_above(tube.path_by_rate(r, mu, lam), R / ((1 - M) * L))
    assert just_above(tube.path_by_coefficients(c, d, mu, lam), (C + D / L) / (1 - M))
    assert just_above(tube.path_by_both(c, d, r, mu, lam), C + D / L + M * R / ((1 - M) * L))
    assert just_above(tube.path_by_products(c, d, p, mu, lam), C + (D + P) / ((1 - M) * L))
    assert just_above(tube_damped.path_sum(r, mu, lam), R / ((1 - M) * L))
    assert just_above(tube.later_residual(lam, d, p), (L + D) * P)


def test_no_form_of_the_sum_is_above_the_one_by_products_with_the_first_ratio() -> None:
    """``||M|c0||| <= xi ||c0||``: with mu_1 for mu it is never above the form by coefficients."""
    for c, d, xi, lam in ((0.7, 0.3, 0.2, 0.9), (1.0, 0.0, 0.5, 0.6), (0.1, 2.0, 0.01, 0.02)):
        mu_1 = xi / lam
        assert tube.path_by_products(c, d, xi * c, mu_1, lam) <= tube.path_by_coefficients(c, d, mu_1, lam) * (
            1 + 1e-15
        )


@pytest.mark.parametrize(
    ("residual", "changed", "products", "xi", "least"),
    [
        (0.2, 0.9, 0.9, 0.8, "rate"),
        (1.0, 0.3, 0.6, 0.1, "coefficients"),
        (0.9, 0.1, 0.8, 0.8, "both"),
        (9.0, 0.1, 0.05, 0.8, "products"),
    ],
)
def test_the_least_form_of_the_sum_is_taken(
    residual: float, changed: float, products: float, xi: float, least: str
) -> None:
    c, lam, mu = 0.7, 0.9, 0.5
    mu_1 = xi / lam
    forms = {
        "rate": tube.path_by_rate(residual, mu, lam),
        "coefficients": tube.path_by_coefficients(c, changed, mu_1, lam),
        "both": tube.path_by_both(c, changed, residual, mu, lam),
        "products": tube.path_by_products(c, changed, products, mu, lam),
    }
    assert min(forms, key=lambda name: forms[name]) == least
    assert tube.path_sum(residual, c, changed, products, mu, mu_1, lam) == forms[least]


@pytest.mark.parametrize(("residual", "products", "xi"), [(9.0, 9.0, 0.1), (0.2, 9.0, 9.0), (9.0, 0.1, 9.0)])
def test_what_the_steps_add_is_the_least_of_its_forms(residual: float, products: float, xi: float) -> None:
    """Each of the three is the least once."""
    d, s, mu, lam = 0.3, 1.5, 0.25, 0.9
    D, S, M, L, R, P, X = (Q(one) for one in (d, s, mu, lam, residual, products, xi))
    exact = (D + min(X * S, M * R / (1 - M), (P + M * D) / (1 - M))) / L
    assert just_above(tube.later_path(d, products, xi, s, residual, mu, lam), exact)


@pytest.mark.parametrize("views", [(9.0, 9.0), (0.1, 0.2), (0.0, 0.0), (0.1, 9.0)])
@pytest.mark.parametrize("path", [0.05, 9.0])
def test_the_width_of_a_neuron_is_the_least_of_its_forms(views: tuple[float, float], path: float) -> None:
    row, start, turned, later, m, slope, residual = 1.25, 0.1, 0.2, 0.3, 16.0, 1.5, 0.4
    K, A, B, L, W, F = (Q(one) for one in (row, start, turned, later, residual, slope))
    seen, flips = (Q(one) for one in views)
    exact = min(A + B + min(K * F * L, seen * W + flips * L), K * Q(path) * F) / 4
    assert just_above(tube.neuron_width(row, path, start, turned, later, m, slope, views[0], residual, views[1]), exact)


def test_the_ratio_that_is_certified_certifies_what_follows() -> None:
    mu, lam, r = UpperBound(0.25), LowerBound(0.5), UpperBound(1.0)
    assert isinstance(ngd.rate(0.5, mu, theorem="T1-tube"), UpperBound)
    assert isinstance(ngd.step_limit(mu, "T1-tube"), LowerBound)
    assert isinstance(tube_damped.rate(0.5, mu, 1.0, lam), UpperBound)
    assert isinstance(tube_damped.progress(mu, 1.0, lam), LowerBound)
    assert isinstance(tube_damped.path_sum(r, mu, lam), UpperBound)
    assert isinstance(tube.path_by_products(r, r, r, mu, lam), UpperBound)
    assert not isinstance(ngd.rate(0.5, 0.25, theorem="T1-tube"), UpperBound)
    assert ngd.validity_limit(0.9, "T1-tube") == 1
    assert ngd.validity_limit(1.0, "T1-tube") == 0


@pytest.mark.parametrize(
    ("formula", "given", "said"),
    [
        (tube.rate, (1.5, 0.25), "eta is 1.5"),
        (tube.rate, (0.5, 1.0), "mu is 1.0"),
        (tube.step_limit, (-0.1,), "mu is -0.1"),
        (tube.path_by_rate, (1.0, 0.5, 0.0), "lambda_b is 0.0"),
        (tube.path_by_products, (1.0, 1.0, -1.0, 0.5, 1.0), "||M|c0|||"),
        (tube_damped.rate, (1.01, 0.25, 0.0, 1.0), "eta is 1.01"),
        (tube_damped.progress, (0.25, -1.0, 1.0), "the damping eps is -1"),
        (ngd.rate, (1.5, 0.25, "T1-tube"), "eta is 1.5"),
    ],
)
def test_what_a_theorem_does_not_speak_of_is_refused(
    formula: Callable[..., Any], given: tuple[Any, ...], said: str
) -> None:
    with pytest.raises(ScaleError) as caught:
        formula(*given)
    assert said in str(caught.value)


def test_coefficients_do_not_bound_a_damped_path() -> None:
    """P13.15's example, the path of a frozen G = diag(1, 1/100), r(0) = (1, 1/100), eps = 100, eta = 1, from below: its first terms."""
    total, left = 0.0, (1.0, 0.01)
    for _ in range(30_000):
        steps = left[0] / 101, left[1] / 100.01
        total += math.hypot(*steps)
        left = left[0] - steps[0], left[1] - 0.01 * steps[1]
    assert 1.9 < total < 1.96
    assert total > math.sqrt(2)
    assert total <= tube_damped.path_sum(math.hypot(1, 0.01), 0.0, 0.01)
