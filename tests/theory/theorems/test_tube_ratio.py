"""The forms of C2-tube-ratio against the maximum that they stand for, their order, and what they refuse."""

import math
from itertools import product

import pytest
from flint import fmpq

from theory.errors import ScaleError
from theory.theorems import tube_ratio

SHARES = (0.01, 0.2, 1.0, 3.0)
GRID = 20_000


def largest_minimum(xi: float, tau: float, lambda_b: float, lambda_c: float) -> float:
    """``min(xi s, sqrt(tau (s - lambda_c s^2)))`` at its largest on a grid of s in [0, 1/lambda_b]."""
    points = (k / GRID / lambda_b for k in range(GRID + 1))
    return max(min(xi * s, math.sqrt(max(tau * (s - lambda_c * s * s), 0.0))) for s in points)


@pytest.mark.parametrize(
    ("xi", "tau", "lambda_b", "lambda_c", "form"),
    [
        (0.1, 0.1, 3.0, 1.0, "first"),
        (5.0, 1.0, 1.5, 1.0, "second"),
        (0.5, 0.5, 1.0, 1.0, "third"),
        (5.0, 1.0, 3.0, 1.0, "fourth"),
    ],
)
def test_the_ratio_is_the_largest_minimum_and_each_form_is_the_least_somewhere(
    xi: float, tau: float, lambda_b: float, lambda_c: float, form: str
) -> None:
    forms = {
        "first": tube_ratio.first_ratio(xi, lambda_b),
        "second": tube_ratio.second_ratio(tau, lambda_c),
        "third": tube_ratio.third_ratio(xi, tau, lambda_c),
        "fourth": tube_ratio.fourth_ratio(tau, lambda_b, lambda_c),
    }
    found = tube_ratio.ratio(xi, tau, lambda_b, lambda_c)
    assert found == min(forms.values()) == forms[form]
    dense = largest_minimum(xi, tau, lambda_b, lambda_c)
    # its slope in s is at most max(xi, the root's beyond the crossing), its grid 1/(lambda_b GRID) wide
    assert dense * (1 - 1e-12) <= found <= dense + max(xi, tau) * 4 / (lambda_b * GRID)


def test_upper_bounds_from_above_and_lower_ones_from_below_leave_it_a_bound() -> None:
    for xi, tau, lambda_b, lambda_c in product(SHARES, repeat=4):
        now = tube_ratio.ratio(xi, tau, lambda_b, lambda_c)
        for other in (
            tube_ratio.ratio(1.1 * xi, tau, lambda_b, lambda_c),
            tube_ratio.ratio(xi, 1.1 * tau, lambda_b, lambda_c),
            tube_ratio.ratio(xi, tau, lambda_b / 1.1, lambda_c),
            tube_ratio.ratio(xi, tau, lambda_b, lambda_c / 1.1),
        ):
            assert other >= now * (1 - 1e-15)


def test_the_usual_forms_are_never_below_it() -> None:
    for tau, tau_2, lambda_c, above in product(SHARES, repeat=4):
        change = above * math.sqrt(tau * tau_2)
        xi = tube_ratio.product_norm(change, tau, tau_2)
        lambda_b = lambda_c * (1 + above)
        found = tube_ratio.ratio(xi, tau, lambda_b, lambda_c)
        usual = [change / lambda_b, math.sqrt(tau / lambda_c) / 2, math.sqrt(tau / lambda_b)]
        if tau_2 <= lambda_c:
            usual.append(math.sqrt(tau * tau_2) / (lambda_c + tau_2))
        assert found <= min(usual) * (1 + 1e-14)
        if tau <= xi <= lambda_c:
            assert found <= tube_ratio.sharp_ratio(xi, lambda_c) * (1 + 1e-14)


def test_rational_numbers_are_answered_exactly() -> None:
    share, constant = fmpq(1, 7), fmpq(3, 7)
    assert tube_ratio.ratio(share, share, constant, constant) == fmpq(1, 4)
    assert tube_ratio.sharp_ratio(share, constant) == fmpq(1, 4)
    assert tube_ratio.product_norm(fmpq(2), fmpq(1, 2), fmpq(2)) == 1


def test_nothing_is_known_without_a_positive_eigenvalue() -> None:
    assert tube_ratio.ratio(0.1, 0.1, 0.0, 0.0) == math.inf
    assert tube_ratio.ratio(0.1, 0.1, -1.0, -math.inf) == math.inf
    assert tube_ratio.ratio(0.1, 0.1, 1.0, -math.inf) == pytest.approx(0.1, rel=1e-15)
    assert tube_ratio.ratio(0.3, 0.1, 0.25, 0.5) == tube_ratio.ratio(0.3, 0.1, 0.5, 0.5)
    assert tube_ratio.sharp_ratio(0.5, 0.4) == math.inf
    assert tube_ratio.ratio(0.0, 0.0, 1.0, 0.5) == 0


@pytest.mark.parametrize("wrong", [-0.1, math.inf, math.nan])
def test_what_is_no_norm_is_refused(wrong: float) -> None:
    with pytest.raises(ScaleError, match="xi"):
        tube_ratio.ratio(wrong, 0.1, 1.0, 1.0)
    with pytest.raises(ScaleError, match="tau"):
        tube_ratio.ratio(0.1, wrong, 1.0, 1.0)
    with pytest.raises(ScaleError, match="lambda_b"):
        tube_ratio.ratio(0.1, 0.1, math.inf, 1.0)
    with pytest.raises(ScaleError, match="tau_2"):
        tube_ratio.product_norm(0.1, 0.1, wrong)
