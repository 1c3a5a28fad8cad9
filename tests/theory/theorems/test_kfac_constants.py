"""The constants of T4 and its relatives against exact rational arithmetic and their defining equations."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from theory.errors import ChoiceError, ScaleError
from theory.rigour.rounding import gamma
from theory.theorems import kfac, kfac_frozen, ngd

CONSTANTS = [Fraction(1, 1000), Fraction(1, 10), Fraction(1, 3), Fraction(49, 100), Fraction(59, 100)]
H_MIN, H_MAX, MU_MIN, MU_MAX = Fraction(1, 8), Fraction(7, 8), Fraction(1, 2), Fraction(6)
NUMBERS = {"h_min": float(H_MIN), "h_max": float(H_MAX), "mu_max": float(MU_MAX)}
LIMITS = {"h_max": float(H_MAX), "mu_min": float(MU_MIN)}


def agree(value: float, exact: Fraction, roundings: int = 60) -> None:
    assert abs(Fraction(value) - exact) <= Fraction(gamma(roundings)) * max(abs(exact), Fraction(1))


def symbols(C: Fraction) -> tuple[Fraction, Fraction]:
    return 2 * C / (3 - C), (3 + C) / (3 - C)


@pytest.mark.parametrize("C", CONSTANTS)
def test_step_limits_are_the_rational_functions_of_the_statements(C: Fraction) -> None:
    q, rho = symbols(C)
    paper = MU_MIN * (1 - 2 * C) / (1 + C) ** 2 if Fraction(1, 2) > C else Fraction(0)
    agree(kfac.step_limit(float(C), mu_min=float(MU_MIN), theorem="T4"), paper)
    agree(kfac.step_limit(float(C), h_max=float(H_MAX), theorem="T4-lev"), (1 - 2 * q) / (H_MAX * (1 - q) ** 2), 300)
    agree(kfac.step_limit(float(C), h_max=float(H_MAX), theorem="T4-sharp"), rho * (2 - rho) / H_MAX)
    assert kfac.step_limit(float(C), h_max=0.5) == kfac.step_limit(float(C), h_max=0.5, theorem="T4-lev")


@pytest.mark.parametrize("C", CONSTANTS)
def test_rates_are_those_of_the_statements(C: Fraction) -> None:
    _, rho = symbols(C)
    eta = Fraction(1, 7)
    agree(kfac.rate(float(eta), float(C), mu_max=float(MU_MAX), theorem="T4") ** 2, 1 - eta / MU_MAX)
    agree(kfac.rate(float(eta), float(C), h_min=float(H_MIN), theorem="T4-lev") ** 2, 1 - eta * H_MIN)
    sharp = kfac.rate(float(eta), float(C), h_min=float(H_MIN), h_max=float(H_MAX), theorem="T4-sharp")
    agree(sharp**2, 1 - eta * H_MIN * (2 / rho - eta * H_MAX / rho**2))
    agree(kfac.rate(float(eta), float(C), h_min=float(H_MIN), theorem="T4-least"), 1 - eta * H_MIN / rho)
    assert kfac.rate(0.1, 0.2, h_min=0.5) == kfac.rate(0.1, 0.2, h_min=0.5, theorem="T4-lev")
    assert kfac_frozen.frozen_factor(0.5, 0.25) == 0.875


@pytest.mark.parametrize("C", CONSTANTS)
def test_radii_are_those_of_the_statements(C: Fraction) -> None:
    # sigma^2 = 1/4, h_min = 1/9, mu_min = 4: the unit is 3 ||r(0)||
    agree(kfac.radius(float(C), 2.0, 0.25, 1 / 9, 4.0), 6 * 2 / (1 - C / 3))
    agree(kfac.condition_radius(2.0, 0.25, 1 / 9, 4.0), Fraction(18))
    agree(kfac.stability_constant(float(C), 0.25), 6 * C)


def test_the_path_ends_on_the_ball_of_K2_exactly_at_C_1() -> None:
    for C in np.linspace(0.0, 0.999, 200):
        assert kfac.radius(float(C), 1.0, 1.0, 1.0, 1.0) <= kfac.condition_radius(1.0, 1.0, 1.0, 1.0)
    assert kfac.radius(1.0, 1.0, 1.0, 1.0, 1.0) == pytest.approx(3.0, rel=gamma(20))


@pytest.mark.parametrize(("theorem", "end"), [("T4", 0.5), ("T4-lev", 0.6), ("T4-sharp", 1.0), ("T4-least", 1.0)])
def test_step_limits_are_positive_up_to_their_end_and_zero_beyond(theorem: str, end: float) -> None:
    assert kfac.constant_limit(theorem) == end
    assert kfac.step_limit(end * (1 - 1e-9), **LIMITS, theorem=theorem) > 0
    assert kfac.step_limit(math.nextafter(end, 1), **LIMITS, theorem=theorem) == 0  # the float 0.6 is below 3/5
    assert kfac.step_limit(2.9, **LIMITS, theorem=theorem) == 0
    assert kfac.constant_limit() == 0.6


def test_each_theorem_contains_the_one_before_it() -> None:
    """For mu_min h_max <= 1 and mu_max h_min >= 1, as holds for unit rows."""
    for C in np.linspace(0.01, 0.49, 20):
        limits = [kfac.step_limit(float(C), **LIMITS, theorem=theorem) for theorem in kfac.THEOREMS]
        assert limits == sorted(limits)
        rates = [
            kfac.rate(limits[0], float(C), h_min=1 / 5, h_max=float(H_MAX), mu_max=6.0, theorem=theorem)
            for theorem in kfac.THEOREMS
        ]
        assert rates == sorted(rates, reverse=True)


def test_with_independent_rows_the_numbers_are_those_of_natural_gradient_descent() -> None:
    for C in (0.01, 0.2, 0.4):
        assert kfac.step_limit(C, h_max=1.0, theorem="T4-lev") == ngd.step_limit(C, "T1-q")
        limit = kfac.step_limit(C, h_max=1.0, theorem="T4-sharp")
        assert limit == ngd.step_limit(C, "T1-sharp")
        rate = kfac.rate(limit, C, h_min=1.0, h_max=1.0, theorem="T4-sharp")
        assert kfac.rate(limit, C, h_min=1.0, theorem="T4-least") == ngd.rate(limit, C, "T1-sharp")
        assert rate == pytest.approx(ngd.rate(limit, C, "T1-sharp"), rel=1e-12)
        assert kfac.rate(limit, C, h_min=1.0) == ngd.rate(limit, C, "T1")


def test_the_sharp_factor_gives_the_rate_of_T4_lev_up_to_its_limit_and_not_beyond() -> None:
    h_min, h_max = NUMBERS["h_min"], NUMBERS["h_max"]
    for C in (0.05, 0.3, 0.8):
        limit = kfac.step_limit(C, h_max=h_max, theorem="T4-sharp")
        for share in (0.1, 0.9, 1 - 1e-12, 1.001):
            eta = share * limit
            sharp = kfac.rate(eta, C, h_min=h_min, h_max=h_max, theorem="T4-sharp")
            assert (sharp <= kfac.rate(eta, C, h_min=h_min) * (1 + gamma(20))) is (share < 1)


def test_the_step_limit_of_T4_lev_is_where_its_proof_ends() -> None:
    """``(1 - t(1-q))^2 = 1 - t`` at ``t = eta h_max`` (O-t4)."""
    for C in (0.05, 0.3, 0.55):
        q = ngd.deficit(C)
        t = kfac.step_limit(C, h_max=0.5, theorem="T4-lev") * 0.5
        assert (1 - t * (1 - q)) ** 2 == pytest.approx(1 - t, rel=1e-12)
        assert t <= 1


def test_balls_go_through_every_formula() -> None:
    eta, C = arb("0.25"), arb("0.4")
    numbers = {"h_min": arb("0.5"), "h_max": arb(1), "mu_max": arb(2)}
    for theorem in kfac.THEOREMS:
        ball = kfac.rate(eta, C, **numbers, theorem=theorem)
        expected = kfac.rate(0.25, 0.4, h_min=0.5, h_max=1.0, mu_max=2.0, theorem=theorem)
        assert abs(float(ball) - expected) <= gamma(32)
    assert isinstance(kfac.radius(C, arb(1), arb("0.5"), arb("0.5"), arb(2)), arb)
    assert isinstance(kfac_frozen.frozen_factor(eta, arb("0.5")), arb)


def test_bad_constants_and_names_are_refused() -> None:
    for bad in (-0.1, 3.0, math.nan):
        with pytest.raises(ScaleError, match="stability constant"):
            kfac.step_limit(bad, h_max=1.0)
    for bad in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ScaleError, match="step size"):
            kfac.rate(bad, 0.1, h_min=0.5)
    with pytest.raises(ScaleError, match="h_max is None; T4-lev"):
        kfac.step_limit(0.1)
    with pytest.raises(ScaleError, match=r"mu_min is 0\.0; T4 "):
        kfac.step_limit(0.1, mu_min=0.0, theorem="T4")
    with pytest.raises(ScaleError, match="mu_max is None"):
        kfac.rate(0.1, 0.1, theorem="T4")
    with pytest.raises(ScaleError, match="h_min is None"):
        kfac.rate(0.1, 0.1)
    with pytest.raises(ScaleError, match="h_max is None"):
        kfac.rate(0.1, 0.1, h_min=0.5, theorem="T4-sharp")
    with pytest.raises(ScaleError, match="beyond its step limit"):
        kfac.rate(3.0, 0.1, h_min=0.5)
    for numbers in ((0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, -1.0)):
        with pytest.raises(ScaleError, match="needs a positive one"):
            kfac.condition_radius(1.0, *numbers)
        with pytest.raises(ScaleError, match="needs a positive one"):
            kfac.radius(0.1, 1.0, *numbers)
    with pytest.raises(ScaleError, match="Condition K1"):
        kfac.stability_constant(0.1, 0.0)
    with pytest.raises(ChoiceError, match="known: T4, T4-lev, T4-sharp, T4-least"):
        kfac.step_limit(0.1, h_max=1.0, theorem="T1")
    with pytest.raises(ChoiceError, match="known: T4, T4-lev, T4-sharp, T4-least"):
        kfac.rate(0.1, 0.1, h_min=1.0, theorem="T9")
