"""T0, T0-sharp, T0-advantage: the constants from extrema in the proofs and in rationals, the inequalities the proofs end in."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from theory.errors import ChoiceError, ScaleError
from theory.rigour.rounding import gamma
from theory.theorems import gradient_advantage, ngd
from theory.theorems import gradient_descent as gd

CONSTANTS = [0.0, 0.03, 0.2, 0.3, 0.55]
NORM, LAMBDA = 2.0, 0.25
"""``||J(0)||_2`` and lambda: L = 2 + c/2."""

RATIONAL_CONSTANTS = [Fraction(1, 1000), Fraction(1, 10), Fraction(1, 3), Fraction(49, 100), Fraction(59, 100)]
RATIONAL_NORM, SMALLEST = Fraction(3), Fraction(1, 4)  # ||J(0)||_2 = 3, sqrt(lambda) = 1/2


def steps(C: float) -> float:
    """``L^2``."""
    return (NORM + C / 3 * 0.5) ** 2


def gain(t: float, c: float, x: float) -> float:
    """The proof's lower bound m(t) of ``2 a.b - x t^2`` for T0-sharp, lambda = 1."""
    return (1 - x) * t * t - 2 * c * t + 1 - c * c if t <= 1 + c else (2 - x) * t * t - 4 * c * t


@pytest.mark.parametrize("C", CONSTANTS)
def test_the_bound_of_the_jacobian_adds_the_allowed_change(C: float) -> None:
    assert gd.jacobian_bound(C, NORM, LAMBDA) == pytest.approx(2 + C / 6, rel=1e-14)


@pytest.mark.parametrize("C", CONSTANTS)
def test_step_limits_are_where_the_proofs_stop(C: float) -> None:
    c = C / 3
    # T0: the change 2c is at most the share q = 2c/(1-c) of t >= 1-c, and 2(1-q) - x >= 1
    x = gd.step_limit(C, NORM, LAMBDA, "T0") * steps(C)
    assert 2 * (1 - 2 * c / (1 - c)) - x == pytest.approx(1, rel=1e-13)
    # T0-sharp: up to it, and not beyond, m increases from t = 1-c on
    x = gd.step_limit(C, NORM, LAMBDA, "T0-sharp") * steps(C)
    inside = min(1e-6, 2 * c)  # C = 0 leaves no t below 1 + c: there x = 1
    slope = (gain(1 - c + inside, c, x) - gain(1 - c, c, x)) / inside if c else x - 1
    assert slope == pytest.approx(0, abs=1e-5)
    assert gd.step_limit(C, NORM, LAMBDA) == gd.step_limit(C, NORM, LAMBDA, "T0")


@pytest.mark.parametrize("C", CONSTANTS)
@pytest.mark.parametrize("share", [0.1, 0.7, 1.0])
def test_the_decrease_is_the_least_gain_of_the_proof(C: float, share: float) -> None:
    c, places = C / 3, np.linspace(1 - C / 3, 4, 20001)
    eta = share * gd.step_limit(C, NORM, LAMBDA, "T0-sharp")
    least = min(gain(t, c, eta * steps(C)) for t in places)
    assert gd.decrease(eta, C, NORM, LAMBDA, "T0-sharp") == pytest.approx(eta * LAMBDA * least, rel=1e-10)
    eta = share * gd.step_limit(C, NORM, LAMBDA, "T0")
    assert gd.decrease(eta, C, NORM, LAMBDA, "T0") == pytest.approx(eta * LAMBDA * min(places**2), rel=1e-13)
    for theorem in gd.THEOREMS:
        rate = gd.rate(eta, C, NORM, LAMBDA, theorem)
        assert rate**2 == pytest.approx(1 - gd.decrease(eta, C, NORM, LAMBDA, theorem), rel=1e-13)
    assert gd.rate(eta, C, NORM, LAMBDA) == gd.rate(eta, C, NORM, LAMBDA, "T0")


@pytest.mark.parametrize("C", CONSTANTS)
def test_the_radius_is_the_sum_of_the_steps_at_their_worst(C: float) -> None:
    c, places = C / 3, np.linspace(1 - C / 3, 3, 200001)
    unit = 3.0 / 0.5  # ||r(0)|| = 3, sqrt(lambda) = 1/2
    assert gd.radius(C, 3.0, LAMBDA, "T0") == pytest.approx(2 * max(places / places**2) * unit, rel=1e-13)
    x = (1 - 2 * c) / (1 - c)
    gains = np.where(
        places <= 1 + c, (1 - x) * places**2 - 2 * c * places + 1 - c**2, (2 - x) * places**2 - 4 * c * places
    )
    assert gd.radius(C, 3.0, LAMBDA, "T0-sharp") == pytest.approx(2 * max(places / gains) * unit, rel=1e-4)
    assert gd.radius(C, 3.0, LAMBDA) == gd.radius(C, 3.0, LAMBDA, "T0")


def test_the_radius_of_T0_at_its_end() -> None:
    assert gd.radius(0.6, 1.0, 1.0, "T0") == pytest.approx(2.5, rel=1e-14)


@pytest.mark.parametrize(("theorem", "end", "inclusive"), [("T0", 0.6, True), ("T0-sharp", 0.75, True)])
def test_the_range_of_the_constant(theorem: str, end: float, inclusive: bool) -> None:
    assert gd.constant_limit(theorem) == end
    assert gd.applies(0.0, theorem)
    assert gd.applies(end - 1e-9, theorem)
    assert gd.applies(end, theorem) is inclusive  # the float 0.6 is below 3/5
    assert not gd.applies(math.nextafter(end, 1), theorem)
    assert not gd.applies(end + 1e-9, theorem)
    assert not gd.applies(1.5, theorem)
    assert gd.step_limit(end + 1e-9, NORM, LAMBDA, theorem) == 0.0
    assert gd.step_limit(end - 1e-3, NORM, LAMBDA, theorem) > 0
    assert gd.step_limit(0.0, 2.0, 1.0, theorem) == 0.25


def test_the_linearised_rates_are_those_of_scalar_recursions() -> None:
    assert gradient_advantage.linear_step_limit(2.0) == 0.5  # 1 - eta 4 = -1
    assert gradient_advantage.linear_rate(0.25, 3.0) == 0.25
    assert gradient_advantage.linear_rate(0.5, 3.0) == 0.5
    # no eta <= 2/Lambda brings |1 - eta w| below the rate: the best is the largest
    etas = np.linspace(1e-3, 0.5, 1001)
    assert gradient_advantage.fastest_rate(1.5, 2.0) == pytest.approx(min(abs(1 - etas * 1.5)), rel=1e-12) == 0.25
    assert gradient_advantage.fastest_rate(2.0, 2.0) == 0.0
    # the best eta for the worse of two targets
    etas = np.linspace(1e-3, 1, 200001)
    worst = np.maximum(abs(1 - etas * 1.0), abs(1 - etas * 4.0))
    assert gradient_advantage.worst_target_rate(1.0, 4.0) == pytest.approx(worst.min(), abs=1e-5) == 0.6
    assert gradient_advantage.worst_target_rate(2.0, 2.0) == 0.0
    assert gradient_advantage.fastest_rate(0.25, 2.0) == 1 - 2 * 0.25 / 4
    assert gradient_advantage.worst_target_rate(1.0, 3.0) == 0.5


@pytest.mark.parametrize("C", CONSTANTS)
def test_the_least_guarantee_is_the_decrease_at_equal_eigenvalues(C: float) -> None:
    """``lambda <= ||J(0)||_2^2 <= n``: with both equal to n the decrease at the step limit is least, in units of lambda/n."""
    n = 7.0
    found = []
    for smallest in (n, 0.5 * n, 1e-3 * n):
        eta = gd.step_limit(C, math.sqrt(n), smallest)
        found.append(gd.decrease(eta, C, math.sqrt(n), smallest) * n / smallest)
    assert gradient_advantage.least_guarantee(C) == pytest.approx(found[0], rel=1e-12)
    assert min(found) >= gradient_advantage.least_guarantee(C) * (1 - 1e-12)


def agree(value: float, exact: Fraction, roundings: int = 40) -> None:
    assert abs(Fraction(value) - exact) <= Fraction(gamma(roundings)) * max(abs(exact), Fraction(1))


@pytest.mark.parametrize("C", RATIONAL_CONSTANTS)
def test_step_limits_and_rates_are_those_of_the_statement(C: Fraction) -> None:
    c, q = C / 3, 2 * C / (3 - C)
    bound = RATIONAL_NORM + c / 2
    agree(gd.jacobian_bound(float(C), 3.0, 0.25), bound)
    agree(gd.step_limit(float(C), 3.0, 0.25), (1 - 2 * q) / bound**2)
    agree(gd.step_limit(float(C), 3.0, 0.25, "T0-sharp"), (1 - 2 * c) / ((1 - c) * bound**2))
    eta = Fraction(1, 20)
    agree(gd.decrease(0.05, float(C), 3.0, 0.25), eta * (1 - c) ** 2 * SMALLEST)
    agree(gd.decrease(0.05, float(C), 3.0, 0.25, "T0-sharp"), eta * (2 - eta * bound**2) * (1 - c) ** 2 * SMALLEST)
    agree(gd.rate(0.05, float(C), 3.0, 0.25) ** 2, 1 - eta * (1 - c) ** 2 * SMALLEST)
    agree(gd.rate(0.05, float(C), 3.0, 0.25, "T0-sharp") ** 2, 1 - eta * (2 - eta * bound**2) * (1 - c) ** 2 * SMALLEST)


@pytest.mark.parametrize("C", RATIONAL_CONSTANTS)
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


@pytest.mark.parametrize("C", RATIONAL_CONSTANTS)
def test_guarantees_compare_as_the_paper_s_order(C: Fraction) -> None:
    """T0 and T0-sharp against T1-sharp at the step limits: at most lambda/Lambda; T0's at least the least guarantee."""
    c = C / 3
    agree(gradient_advantage.least_guarantee(float(C)), (1 - 5 * c) * (1 - c) / (1 + c) ** 2)
    natural = ngd.step_limit(float(C), "T1-sharp")
    for norm in (1.0, 3.0, 100.0):
        for theorem in gd.THEOREMS:
            guaranteed = gd.decrease(gd.step_limit(float(C), norm, 1.0, theorem), float(C), norm, 1.0, theorem)
            assert guaranteed <= natural / norm**2
        assert gradient_advantage.least_guarantee(float(C)) / norm**2 <= gd.decrease(
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
    calls = (
        gd.constant_limit,
        lambda name: gd.radius(0.1, 1.0, 1.0, name),
        lambda name: gd.step_limit(0.1, 1.0, 1.0, name),
    )
    for call in calls:
        with pytest.raises(ChoiceError, match="known: T0, T0-sharp"):
            call("T1")
    for bad in (-0.1, 3.0, math.nan):
        with pytest.raises(ScaleError, match="stability constant"):
            gd.step_limit(bad, 1.0, 1.0)
        with pytest.raises(ScaleError, match="stability constant"):
            gd.applies(bad, "T0-sharp")
    for bad in (0.0, math.inf, math.nan):
        with pytest.raises(ScaleError, match="a norm of a Jacobian"):
            gradient_advantage.linear_step_limit(bad)
        with pytest.raises(ScaleError, match="a norm of a Jacobian"):
            gd.jacobian_bound(0.1, bad, 1.0)
    with pytest.raises(ScaleError, match="Condition 1"):
        gd.radius(0.1, 1.0, 0.0)
    for bad in (0.0, math.inf):
        with pytest.raises(ScaleError, match="step size"):
            gd.decrease(bad, 0.1, 1.0, 1.0)
    with pytest.raises(ScaleError, match="below 1"):
        gd.rate(9.0, 0.1, 1.0, 1.0)
    with pytest.raises(ScaleError, match="above half"):
        gradient_advantage.fastest_rate(2.1, 2.0)
    for pair in ((0.0, 1.0), (2.0, 1.0)):
        with pytest.raises(ScaleError, match="in this order"):
            gradient_advantage.worst_target_rate(*pair)


def test_least_iterations_are_attained_by_one_component_at_the_largest_step() -> None:
    """At eta = 2/Lambda a single component g falls below eps after exactly the count; two components need the slower."""
    for eigenvalue, share, reduction in ((0.1, 1.0, 1e-6), (0.03, 0.25, 1e-3), (0.4, 0.9, 0.5)):
        count = gradient_advantage.least_iterations(np.array([eigenvalue]), np.array([share]), 2.0, reduction)
        factor = gradient_advantage.linear_rate(gradient_advantage.linear_step_limit(math.sqrt(2.0)), eigenvalue)
        assert share * factor**count <= reduction < share * factor ** (count - 1)
    pair = gradient_advantage.least_iterations(np.array([0.1, 0.03]), np.array([1.0, 0.25]), 2.0, 1e-3)
    assert pair == gradient_advantage.least_iterations(np.array([0.03]), np.array([0.25]), 2.0, 1e-3)
    assert gradient_advantage.least_iterations(np.array([1.0, 0.1]), np.array([1.0, 1e-4]), 2.0, 1e-3) == 0
    for bad in ((np.array([0.0]), 2.0, 0.1), (np.array([0.1]), 0.0, 0.1), (np.array([0.1]), 2.0, 1.0)):
        with pytest.raises(ScaleError, match="must be positive"):
            gradient_advantage.least_iterations(bad[0], np.ones(1), bad[1], bad[2])
