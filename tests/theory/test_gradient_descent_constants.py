"""T0, T0-sharp, T0-advantage: constants against exact rationals, and the inequalities that their proofs end in."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from theory.errors import ChoiceError, ScaleError
from theory.rigour.rounding import gamma
from theory.theorems import gradient_descent as gd
from theory.theorems import ngd

CONSTANTS = [Fraction(1, 1000), Fraction(1, 10), Fraction(1, 3), Fraction(49, 100), Fraction(59, 100)]
NORM, SMALLEST = Fraction(3), Fraction(1, 4)  # ||J(0)||_2 = 3, sqrt(lambda) = 1/2


def agree(value: float, exact: Fraction, roundings: int = 40) -> None:
    assert abs(Fraction(value) - exact) <= Fraction(gamma(roundings)) * max(abs(exact), Fraction(1))


@pytest.mark.parametrize("C", CONSTANTS)
def test_step_limits_and_rates_are_those_of_the_statement(C: Fraction) -> None:
    c, q = C / 3, 2 * C / (3 - C)
    bound = NORM + c / 2
    agree(gd.jacobian_bound(float(C), 3.0, 0.25), bound)
    agree(gd.step_limit(float(C), 3.0, 0.25), (1 - 2 * q) / bound**2)
    agree(gd.step_limit(float(C), 3.0, 0.25, "T0-sharp"), (1 - 2 * c) / ((1 - c) * bound**2))
    eta = Fraction(1, 20)
    agree(gd.decrease(0.05, float(C), 3.0, 0.25), eta * (1 - c) ** 2 * SMALLEST)
    agree(gd.decrease(0.05, float(C), 3.0, 0.25, "T0-sharp"), eta * (2 - eta * bound**2) * (1 - c) ** 2 * SMALLEST)
    agree(gd.rate(0.05, float(C), 3.0, 0.25) ** 2, 1 - eta * (1 - c) ** 2 * SMALLEST)
    agree(gd.rate(0.05, float(C), 3.0, 0.25, "T0-sharp") ** 2, 1 - eta * (2 - eta * bound**2) * (1 - c) ** 2 * SMALLEST)


@pytest.mark.parametrize("C", CONSTANTS)
def test_radii_are_those_of_the_statement(C: Fraction) -> None:
    c = C / 3
    agree(gd.radius(float(C), 3.0, 0.25), 6 * 2 / (1 - c))
    agree(gd.radius(float(C), 3.0, 0.25, "T0-sharp"), 6 * 2 * (1 - c) / (1 - 3 * c + 4 * c**2))


def test_radii_stay_within_the_paper_s_ball_where_the_theorem_applies() -> None:
    """T0-sharp's reaches it exactly at C = 3/4 and leaves it beyond: that is where its range ends."""
    for theorem in gd.THEOREMS:
        for k in range(1001):
            C = gd.constant_limit(theorem) * k / 1000
            assert gd.radius(C, 1.0, 1.0, theorem) <= ngd.condition_radius(1.0, 1.0) * (1 + gamma(16))
    assert gd.radius(0.75, 1.0, 1.0, "T0-sharp") == pytest.approx(3.0, rel=1e-15)
    assert gd.radius(0.76, 1.0, 1.0, "T0-sharp") > 3


def test_ranges_of_the_constant() -> None:
    assert gd.applies(0.599, "T0")
    assert not gd.applies(0.6, "T0")
    assert gd.applies(0.75, "T0-sharp")
    assert not gd.applies(0.7501, "T0-sharp")
    assert [gd.constant_limit(theorem) for theorem in gd.THEOREMS] == [0.6, 0.75]
    assert gd.step_limit(0.6, 1.0, 1.0) == 0
    assert gd.step_limit(0.7501, 1.0, 1.0, "T0-sharp") == 0
    assert gd.step_limit(0.599, 1.0, 1.0) > 0
    assert gd.step_limit(0.75, 1.0, 1.0, "T0-sharp") > 0
    assert gd.step_limit(0.0, 2.0, 1.0) == 0.25


def test_one_step_of_every_pair_of_slopes_within_c_obeys_both_rates() -> None:
    """n = 1 as in the proof: r(k+1) = (1 - eta a.b) r(k) with a and b within c of a unit vector j, ||B|| = ||b||."""
    rng = np.random.default_rng(0)
    for _ in range(4000):
        c = rng.uniform(0, 0.25)
        j = np.array([1.0, 0, 0])
        a, b = (j + c * d / np.linalg.norm(d) * rng.uniform() ** 0.1 for d in rng.standard_normal((2, 3)))
        for theorem in gd.THEOREMS:
            if gd.applies(3 * c, theorem):
                eta = gd.step_limit(3 * c, 1.0, 1.0, theorem) * rng.uniform(0.01, 1)
                assert abs(1 - eta * a @ b) <= gd.rate(eta, 3 * c, 1.0, 1.0, theorem) + 1e-14


def test_the_lower_bound_of_the_proof_of_T0_sharp_increases_from_its_value_at_1_minus_c() -> None:
    for c in (0.01, 0.1, 0.2, 0.25):
        x = (1 - 2 * c) / (1 - c)
        lower = [(1 - x) * t * t - 2 * c * t + 1 - c * c for t in np.linspace(1 - c, 1 + c, 50)]
        upper = [(2 - x) * t * t - 4 * c * t for t in np.linspace(1 + c, 9, 50)]
        assert np.diff(lower + upper).min() >= -1e-12
        assert lower[0] == pytest.approx((2 - x) * (1 - c) ** 2)
        ratio = max(t / m for t, m in zip(np.linspace(1 - c, 1 + c, 50), lower, strict=True))
        assert 2 * ratio == pytest.approx(gd.radius(3 * c, 1.0, 1.0, "T0-sharp"))


def test_frozen_jacobian_attains_the_sharp_rate_as_the_step_vanishes() -> None:
    """Slope 1-c throughout: after/before = 1 - eta (1-c)^2, and the guaranteed decrease tends to the achieved one."""
    c, eta = 0.2, 1e-6
    achieved = 1 - (1 - eta * (1 - c) ** 2) ** 2
    assert gd.decrease(eta, 3 * c, 1.0, 1.0, "T0-sharp") == pytest.approx(achieved, rel=2e-6)
    assert gd.decrease(eta, 3 * c, 1.0, 1.0) == pytest.approx(achieved / 2, rel=2e-6)


def test_linearised_rates() -> None:
    assert gd.linear_step_limit(2.0) == 0.5
    assert gd.linear_rate(0.5, 3.0) == 0.5
    assert gd.fastest_rate(0.25, 2.0) == 1 - 2 * 0.25 / 4
    assert gd.fastest_rate(2.0, 2.0) == 0
    assert gd.worst_target_rate(1.0, 3.0) == 0.5
    low, high = 0.5, 4.0
    best = min(max(gd.linear_rate(eta, low), gd.linear_rate(eta, high)) for eta in np.linspace(0.01, 1, 4000))
    assert gd.worst_target_rate(low, high) <= best <= gd.worst_target_rate(low, high) + 1e-3
    fastest = min(gd.linear_rate(eta, low) for eta in np.linspace(0.001, gd.linear_step_limit(2.0), 1000))
    assert fastest == pytest.approx(gd.fastest_rate(low, 2.0))


@pytest.mark.parametrize("C", CONSTANTS)
def test_guarantees_compare_as_the_paper_s_order(C: Fraction) -> None:
    """T0 and T0-sharp against T1-sharp at the step limits: at most lambda/Lambda; T0's at least the least guarantee."""
    c = C / 3
    agree(gd.least_guarantee(float(C)), (1 - 5 * c) * (1 - c) / (1 + c) ** 2)
    natural = ngd.step_limit(float(C), "T1-sharp")
    for norm in (1.0, 3.0, 100.0):
        for theorem in gd.THEOREMS:
            guaranteed = gd.decrease(gd.step_limit(float(C), norm, 1.0, theorem), float(C), norm, 1.0, theorem)
            assert guaranteed <= natural / norm**2
        assert gd.least_guarantee(float(C)) / norm**2 <= gd.decrease(
            gd.step_limit(float(C), norm, 1.0), float(C), norm, 1.0
        ) * (1 + gamma(40))


def test_balls_go_through_every_formula() -> None:
    C, norm, smallest = arb("0.4"), arb(3), arb("0.25")
    for theorem in gd.THEOREMS:
        value = gd.rate(arb("0.05"), C, norm, smallest, theorem)
        assert isinstance(value, arb)
        assert abs(float(value) - gd.rate(0.05, 0.4, 3.0, 0.25, theorem)) <= gamma(64)
        assert isinstance(gd.radius(C, norm, smallest, theorem), arb)
        assert isinstance(gd.step_limit(C, norm, smallest, theorem), arb)


def test_bad_input_is_refused_by_name() -> None:
    with pytest.raises(ChoiceError, match="known: T0, T0-sharp"):
        gd.step_limit(0.1, 1.0, 1.0, "T1")
    for bad in (-0.1, 3.0, math.nan):
        with pytest.raises(ScaleError, match="stability constant"):
            gd.step_limit(bad, 1.0, 1.0)
    for bad in (0.0, math.inf, math.nan):
        with pytest.raises(ScaleError, match="a norm of a Jacobian"):
            gd.linear_step_limit(bad)
    with pytest.raises(ScaleError, match="Condition 1"):
        gd.radius(0.1, 1.0, 0.0)
    for bad in (0.0, math.inf):
        with pytest.raises(ScaleError, match="step size"):
            gd.decrease(bad, 0.1, 1.0, 1.0)
    with pytest.raises(ScaleError, match="below 1"):
        gd.rate(9.0, 0.1, 1.0, 1.0)
    with pytest.raises(ScaleError, match="above half"):
        gd.fastest_rate(2.1, 2.0)
    for pair in ((0.0, 1.0), (2.0, 1.0)):
        with pytest.raises(ScaleError, match="in this order"):
            gd.worst_target_rate(*pair)


def test_least_iterations_are_attained_by_one_component_at_the_largest_step() -> None:
    """At eta = 2/Lambda a single component g falls below eps after exactly the count; two components need the slower."""
    for eigenvalue, share, reduction in ((0.1, 1.0, 1e-6), (0.03, 0.25, 1e-3), (0.4, 0.9, 0.5)):
        count = gd.least_iterations(np.array([eigenvalue]), np.array([share]), 2.0, reduction)
        factor = gd.linear_rate(gd.linear_step_limit(math.sqrt(2.0)), eigenvalue)
        assert share * factor**count <= reduction < share * factor ** (count - 1)
    pair = gd.least_iterations(np.array([0.1, 0.03]), np.array([1.0, 0.25]), 2.0, 1e-3)
    assert pair == gd.least_iterations(np.array([0.03]), np.array([0.25]), 2.0, 1e-3)
    assert gd.least_iterations(np.array([1.0, 0.1]), np.array([1.0, 1e-4]), 2.0, 1e-3) == 0
    for bad in ((np.array([0.0]), 2.0, 0.1), (np.array([0.1]), 0.0, 0.1), (np.array([0.1]), 2.0, 1.0)):
        with pytest.raises(ScaleError, match="must be positive"):
            gd.least_iterations(bad[0], np.ones(1), bad[1], bad[2])
