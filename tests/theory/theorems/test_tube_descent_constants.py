"""T0-tube, T2-tube, T2-tube-q, T2-tube-strong: constants against fractions, directions, and where the theorems meet."""

import math
from fractions import Fraction

import pytest

from theory.direction import LowerBound, UpperBound
from theory.errors import ChoiceError, ScaleError
from theory.theorems import general_loss, tube_gradient, tube_loss

Q = Fraction
NUMBERS = ((0.7, 0.2, 0.55, 0.1), (0.7, 0.2, 0.5, 0.05), (2.0**-30, 0.0, 2.0**-30, 0.0), (0.1, 0.3, -0.2, 0.5))
"""lambda, ``||D||``, lambda_b, xi."""
LOSSES = ((1.0, 1.0), (0.3, 0.7), (0.1, 3.3))
"""mu, L."""


@pytest.mark.parametrize("numbers", NUMBERS)
def test_the_curvature_is_the_larger_term_rounded_down(numbers: tuple[float, float, float, float]) -> None:
    lam, delta, low, xi = numbers
    exact = max(Q(lam) - Q(delta), Q(low) - Q(xi))
    found = tube_gradient.curvature(*numbers)
    assert found <= exact < math.nextafter(found, math.inf)


def test_only_bounds_on_the_right_sides_give_bounds() -> None:
    lam, delta, low, xi = LowerBound(0.7), UpperBound(0.2), LowerBound(0.5), UpperBound(0.1)
    gamma = tube_gradient.curvature(lam, delta, low, xi)
    assert isinstance(gamma, LowerBound)
    assert not isinstance(tube_gradient.curvature(lam, LowerBound(0.2), low, xi), LowerBound)
    assert isinstance(tube_gradient.path_sum(UpperBound(1.0), gamma), UpperBound)
    assert isinstance(tube_gradient.linear_path_sum(UpperBound(1.0), lam, delta), UpperBound)
    assert isinstance(tube_loss.path_sum(UpperBound(1.0), UpperBound(0.1), low, 1.0, 2.0, "T2-tube"), UpperBound)
    assert isinstance(tube_loss.step_limit(UpperBound(0.1), 1.0, 2.0, "T2-tube"), LowerBound)


def test_constants_of_gd_are_those_of_fractions() -> None:
    top, delta, low, eta, gamma = 1.3, 0.2, 0.5, 0.9, 0.45
    limit = 2 / (Q(top) + Q(delta) + Q(low))
    found = tube_gradient.step_limit(top, delta, low)
    assert found <= limit < math.nextafter(found, math.inf)
    factor = 1 - Q(eta) * Q(gamma)
    assert math.nextafter(tube_gradient.rate(eta, gamma), 0.0) < factor <= tube_gradient.rate(eta, gamma)
    path = tube_gradient.linear_path_sum(0.3, 0.7, delta)
    exact = Q(0.7) * Q(0.3) / (Q(0.7) - Q(delta))
    assert math.nextafter(path, 0.0) < exact <= path


def test_the_path_of_gd_is_the_residual_over_the_curvature() -> None:
    assert tube_gradient.path_sum(3.0, 0.5) == 6.0


def test_the_contraction_of_gd_says_how_the_rate_compares_with_the_least_eigenvalue() -> None:
    assert tube_gradient.contraction(0.5, 0.5) == 0.0
    assert tube_gradient.contraction(0.25, 0.5) == 0.5


@pytest.mark.parametrize(("mu", "L"), LOSSES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_constants_of_losses_are_those_of_fractions(mu: float, L: float, share: float) -> None:
    kappa = Q(L) / Q(mu)
    for theorem, bound in (("T2-tube", 1 / (1 + kappa)), ("T2-tube-q", 2 / (1 + kappa)), ("T2-tube-strong", 1 / kappa)):
        q = float(share * bound)
        assert tube_loss.ratio_limit(mu, L, theorem) <= bound
        exact = {
            "T2-tube": 2 / (Q(mu) + Q(L)) * (1 - (1 + kappa) * Q(q)) / (1 + Q(q)) ** 2,
            "T2-tube-q": (2 / (Q(mu) + Q(L)) - Q(q) / Q(mu)) / (1 - Q(q)),
            "T2-tube-strong": 2 / (Q(mu) + Q(L)),
        }[theorem]
        found = tube_loss.step_limit(q, mu, L, theorem)
        assert found <= exact < math.nextafter(found, math.inf)
        factor = {
            "T2-tube": 1 + kappa,
            "T2-tube-q": kappa / (1 - Q(q)),
            "T2-tube-strong": kappa / (1 - Q(q) * kappa),
        }[theorem]
        path = tube_loss.path_sum(0.9, q, 0.4, mu, L, theorem)
        assert math.nextafter(path, 0.0) < factor * Q(0.9) / Q(0.4) <= path


@pytest.mark.parametrize("q", [0.0, 0.2, 0.6])
def test_for_the_squared_loss_two_of_them_are_the_same(q: float) -> None:
    for eta in (0.1, 1.0):
        found = {tube_loss.rate(eta, q, 1.0, 1.0, theorem) for theorem in ("T2-tube-q", "T2-tube-strong")}
        assert len(found) == 1
    sums = {tube_loss.path_sum(1.0, q, 0.5, 1.0, 1.0, theorem) for theorem in ("T2-tube-q", "T2-tube-strong")}
    assert len(sums) == 1


@pytest.mark.parametrize(("mu", "L"), LOSSES)
def test_the_limits_are_those_of_the_theorems_on_the_ball(mu: float, L: float) -> None:
    for C in (0.01, 0.05):
        q = Q(2) * Q(C) / (3 - Q(C))
        assert tube_loss.step_limit(C, mu, L, "T2-tube") == general_loss.step_limit(C, mu, L, "T2")
        own = tube_loss.own_rate_limit(float(q), mu, L)
        assert own == pytest.approx(general_loss.step_limit(C, mu, L, "T2-q"), rel=1e-12)


def test_at_its_limit_a_theorem_says_nothing() -> None:
    for theorem in tube_loss.THEOREMS:
        limit = tube_loss.ratio_limit(1.0, 1.0, theorem)
        assert not tube_loss.applies(limit, 1.0, 1.0, theorem)
        assert tube_loss.step_limit(limit, 1.0, 1.0, theorem) == 0
        for function in (tube_loss.contraction, lambda *given: tube_loss.path_sum(1.0, given[0], 0.5, *given[1:])):
            with pytest.raises(ScaleError, match="speaks of ratios below"):
                function(limit, 1.0, 1.0, theorem)
    with pytest.raises(ScaleError, match="T0-tube needs a positive one"):
        tube_gradient.path_sum(1.0, 0.0)
    with pytest.raises(ChoiceError):
        tube_loss.step_limit(0.1, 1.0, 1.0, "T2")
