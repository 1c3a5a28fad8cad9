"""The constants of T0, T0-sharp and T0-advantage from what defines them: extrema in the proofs, quadratics, rationals."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from theory.errors import ChoiceError, ScaleError
from theory.theorems import gradient_descent as gd

CONSTANTS = [0.0, 0.03, 0.2, 0.3, 0.55]
NORM, LAMBDA = 2.0, 0.25
"""``||J(0)||_2`` and lambda: L = 2 + c/2."""


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


def test_step_limits_in_rationals() -> None:
    squared = Fraction(41, 20) ** 2  # C = 3/10: c = 1/10, q = 2/9, L = 2 + 1/20
    assert gd.step_limit(0.3, NORM, LAMBDA, "T0") == pytest.approx(float(Fraction(5, 9) / squared), rel=1e-14)
    assert gd.step_limit(0.3, NORM, LAMBDA, "T0-sharp") == pytest.approx(float(Fraction(8, 9) / squared), rel=1e-14)
    eta = 0.125
    assert gd.decrease(eta, 0.3, NORM, LAMBDA, "T0") == pytest.approx(0.125 * 0.81 * 0.25, rel=1e-14)
    sharp = 0.125 * (2 - 0.125 * 4.2025) * 0.81 * 0.25
    assert gd.decrease(eta, 0.3, NORM, LAMBDA, "T0-sharp") == pytest.approx(sharp, rel=1e-14)
    assert gd.decrease(eta, 0.3, NORM, LAMBDA) == gd.decrease(eta, 0.3, NORM, LAMBDA, "T0")


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


def test_the_radius_meets_the_paper_s_at_its_end() -> None:
    assert gd.radius(0.75, 1.0, 1.0, "T0-sharp") == pytest.approx(3.0, rel=1e-14)
    assert gd.radius(0.6, 1.0, 1.0, "T0") == pytest.approx(2.5, rel=1e-14)


@pytest.mark.parametrize(("theorem", "end", "inclusive"), [("T0", 0.6, False), ("T0-sharp", 0.75, True)])
def test_the_range_of_the_constant(theorem: str, end: float, inclusive: bool) -> None:
    assert gd.constant_limit(theorem) == end
    assert gd.applies(0.0, theorem)
    assert gd.applies(end - 1e-9, theorem)
    assert gd.applies(end, theorem) is inclusive
    assert not gd.applies(end + 1e-9, theorem)
    assert not gd.applies(1.5, theorem)
    assert gd.step_limit(end + 1e-9, NORM, LAMBDA, theorem) == 0.0
    assert gd.step_limit(end - 1e-3, NORM, LAMBDA, theorem) > 0


def test_the_linearised_rates_are_those_of_scalar_recursions() -> None:
    assert gd.linear_step_limit(2.0) == 0.5  # 1 - eta 4 = -1
    assert gd.linear_rate(0.25, 3.0) == 0.25
    assert gd.linear_rate(0.5, 3.0) == 0.5
    # no eta <= 2/Lambda brings |1 - eta w| below the rate: the best is the largest
    etas = np.linspace(1e-3, 0.5, 1001)
    assert gd.fastest_rate(1.5, 2.0) == pytest.approx(min(abs(1 - etas * 1.5)), rel=1e-12) == 0.25
    assert gd.fastest_rate(2.0, 2.0) == 0.0
    # the best eta for the worse of two targets
    etas = np.linspace(1e-3, 1, 200001)
    worst = np.maximum(abs(1 - etas * 1.0), abs(1 - etas * 4.0))
    assert gd.worst_target_rate(1.0, 4.0) == pytest.approx(worst.min(), abs=1e-5) == 0.6
    assert gd.worst_target_rate(2.0, 2.0) == 0.0


@pytest.mark.parametrize("C", CONSTANTS)
def test_the_least_guarantee_is_the_decrease_at_equal_eigenvalues(C: float) -> None:
    """``lambda <= ||J(0)||_2^2 <= n``: with both equal to n the decrease at the step limit is least, in units of lambda/n."""
    n = 7.0
    found = []
    for smallest in (n, 0.5 * n, 1e-3 * n):
        eta = gd.step_limit(C, math.sqrt(n), smallest)
        found.append(gd.decrease(eta, C, math.sqrt(n), smallest) * n / smallest)
    assert gd.least_guarantee(C) == pytest.approx(found[0], rel=1e-12)
    assert min(found) >= gd.least_guarantee(C) * (1 - 1e-12)


def test_balls_go_through_every_formula() -> None:
    C, eta = arb("0.3"), arb("0.1")
    for theorem in gd.THEOREMS:
        assert isinstance(gd.step_limit(C, arb(2), arb("0.25"), theorem), arb)
        assert float(gd.rate(eta, C, arb(2), arb("0.25"), theorem)) == pytest.approx(
            gd.rate(0.1, 0.3, 2.0, 0.25, theorem)
        )
        assert isinstance(gd.radius(C, arb(1), arb("0.25"), theorem), arb)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gd.applies(-0.1, "T0"), "stability constant"),
        (lambda: gd.applies(3.0, "T0-sharp"), "stability constant"),
        (lambda: gd.decrease(0.0, 0.1, 1.0, 1.0), "step size"),
        (lambda: gd.decrease(math.inf, 0.1, 1.0, 1.0), "step size"),
        (lambda: gd.rate(1.1, 0.0, 1.0, 1.0), "step limit"),
        (lambda: gd.jacobian_bound(0.1, 0.0, 1.0), "norm of a Jacobian"),
        (lambda: gd.jacobian_bound(0.1, math.inf, 1.0), "norm of a Jacobian"),
        (lambda: gd.radius(0.1, 1.0, 0.0), "Condition 1"),
        (lambda: gd.fastest_rate(2.1, 2.0), "no lower bound"),
        (lambda: gd.worst_target_rate(0.0, 1.0), "Rayleigh"),
        (lambda: gd.worst_target_rate(2.0, 1.0), "Rayleigh"),
    ],
)
def test_bad_numbers_are_named(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ScaleError, match=message):
        call()


def test_unknown_theorems_are_named() -> None:
    for call in (gd.constant_limit, lambda name: gd.radius(0.1, 1.0, 1.0, name)):
        with pytest.raises(ChoiceError, match="known: T0, T0-sharp"):
            call("T1")
