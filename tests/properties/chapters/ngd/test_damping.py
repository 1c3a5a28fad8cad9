"""T1-damped: its constants against fractions, T1-q without damping, the ball for C above 2/3, and what a step attains."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from properties.chapters.ngd.damping import DAMPING, T1_DAMPED, T1_DAMPED_RULE, larger_ball
from properties.chapters.ngd.ngd import T1_Q_RULE
from properties.descent.families import perturbed_affine, smooth_networks, spikes
from properties.descent.instances import MapInstance, descending
from properties.descent.numbers import Numbers
from properties.descent.rule import Rule
from properties.engine.claim import Verdict
from theory.errors import ScaleError
from theory.inputs import FloatArray
from theory.maps.affine import kink_map
from theory.theorems import damping, ngd

Q = Fraction
CONSTANTS = (0.0, 0.1, 1 / 3, 0.7, 1 - 2**-53)
RATIOS = (0.0, 2**-60, 0.3, 1.0, 7.0, 2.0**40)
SPIKE = {
    "directions": 2,
    "extra_parameters": 1,
    "rotated": True,
    "constant_tenth": 5,
    "constant_percent": 50,
    "step_percent": 60,
    "seed": 3,
}

AFFINE = {
    "outputs": 2,
    "extra_parameters": 1,
    "condition_exponent": 1,
    "orthogonal": True,
    "aligned": False,
    "angle_percent": 60,
    "constant_tenth": 5,
    "constant_percent": 50,
    "step_percent": 60,
    "seed": 3,
}
SMOOTH = {
    "inputs": 2,
    "dimension": 3,
    "half_width": 20,
    "scale": 1,
    "kind": "orthogonal",
    "symmetric": True,
    "activation": "tanh",
    "constant_tenth": 5,
    "constant_percent": 50,
    "step_percent": 60,
    "seed": 3,
}


def exact_progress(C: Fraction, e: Fraction) -> Fraction:
    c = C / 3
    return (1 - c) * (1 - C) / ((1 - c) ** 2 + e)


def exact_limit(C: Fraction, e: Fraction) -> Fraction:
    """As it is found: where ``(eta-1)^2 = (1 - eta kappa)(1 - eta h)``, which is linear in eta but for its factor."""
    h, kappa = exact_progress(C, e), (1 - C / 3) ** 2 / ((1 - C / 3) ** 2 + e)
    return (2 - kappa - h) / (1 - kappa * h) if e else Q(1)


@pytest.mark.parametrize("C", CONSTANTS)
@pytest.mark.parametrize("e", RATIOS)
def test_constants_are_those_of_exact_arithmetic_rounded_to_the_safe_side(C: float, e: float) -> None:
    lambda_min = 0.7
    limit = exact_limit(Q(C), Q(e) / Q(lambda_min))
    found = damping.step_limit(C, e, lambda_min)
    assert Q(found) <= limit < Q(math.nextafter(found, 3))
    h = exact_progress(Q(C), Q(e) / Q(lambda_min))
    below = damping.progress(C, e, lambda_min)
    assert Q(below) <= h < Q(math.nextafter(below, 2))
    for eta in (2**-30, 1 / 3, found):
        factor = damping.rate(eta, C, e, lambda_min)
        assert Q(math.nextafter(factor, -1)) < 1 - Q(eta) * h <= Q(factor)
    own = 1 / (1 - Q(C))
    radius = damping.radius(C, 1.0, 1.0)
    assert Q(math.nextafter(radius, 0)) < own <= Q(radius)
    assert damping.condition_factor(C) == max(3.0, radius)


def test_what_is_refused() -> None:
    assert damping.step_limit(1.0, 0.5, 1.0) == 0 == damping.step_limit(2.0, 0.0, 1.0)
    with pytest.raises(ScaleError, match="the damping eps"):
        damping.step_limit(0.5, -0.001, 1.0)
    with pytest.raises(ScaleError, match="lambda_min is 0"):
        damping.rate(0.5, 0.5, 1.0, 0.0)
    with pytest.raises(ScaleError, match="step size eta"):
        damping.rate(0.0, 0.5, 1.0, 1.0)


@pytest.mark.parametrize(
    ("family", "description"), [(spikes, SPIKE), (perturbed_affine, AFFINE), (smooth_networks, SMOOTH)]
)
def test_without_damping_it_is_t1_q(family: Callable[[Rule], Any], description: Mapping[str, Any]) -> None:
    """The instances that T1-q has of the same description, and its bounds."""
    ours = dataclasses.replace(T1_DAMPED_RULE, constant_limit=ngd.constant_limit("T1-q"))
    found = family(ours).build({**description, "damping": 0.0})
    own = family(T1_Q_RULE).build(description)
    plain = descending(found, optimiser="ngd")
    assert (found.optimiser, own.optimiser) == ("damped-ngd:0.0", "ngd")
    assert found.eta == own.eta
    assert plain.run.steps[-1].after == own.run.steps[-1].after
    for one, other in zip(T1_DAMPED_RULE.conclusion(found), T1_Q_RULE.conclusion(plain), strict=True):
        assert (one.label, one.measured) == (other.label, other.measured)
        assert one.predicted == pytest.approx(other.predicted, rel=1e-14)


def test_damping_is_relative_to_lambda_and_the_step_size_to_its_limit() -> None:
    family = spikes(T1_DAMPED_RULE)
    for chosen in DAMPING:
        found = family.build({**SPIKE, "damping": chosen, "step_percent": 100})
        at = Numbers(found)
        assert at.eps / at.lambda_min == pytest.approx(chosen, rel=1e-12)
        limit = damping.step_limit(at.C, at.eps, at.lambda_min)
        assert limit * (1 - 1e-8) < found.eta <= limit
        assert (found.eta > 1) is (chosen >= 1e-6)
        assert {one.verdict for one in T1_DAMPED.hypotheses(found)} == {Verdict.HOLDS}


@pytest.mark.parametrize(("cliff", "verdict"), [(4.0, Verdict.REFUTED), (11.0, Verdict.HOLDS)])
def test_above_two_thirds_the_ball_is_larger_than_the_paper_s(cliff: float, verdict: Verdict) -> None:
    """C = 0.9 needs the ball of radius 10; a cliff at 4 is outside the paper's, and inside this one."""

    def instance(constant: float) -> MapInstance:
        model = kink_map(np.ones(1), np.array([[1 - constant / 3, 40.0]]), np.array([[0.1, cliff]]))
        return MapInstance(model, -np.ones(1), 0.5, 3, optimiser="damped-ngd:0.5")

    (found,) = larger_ball(instance(0.9))
    assert found.verdict is verdict
    assert instance(0.9).certificate.constant == pytest.approx(0.9)
    assert larger_ball(instance(0.6)) == []


# --- one step of matrices, of which sigma_min(A) >= 1-c and ||B-A|| <= 2c is known --------------------------------------


def remaining(A: FloatArray, B: FloatArray, e: float, eta: float, p: FloatArray) -> tuple[float, float]:
    """``||r+||/||r||`` and ``||a||/||r||`` for the r that has this p."""
    r = A @ (A.T @ p) + e * p
    a = A.T @ p
    size = np.linalg.norm(r)
    return float(np.linalg.norm(r - eta * B @ a) / size), float(np.linalg.norm(a) / size)


@pytest.mark.parametrize("seed", range(4))
def test_no_pair_of_matrices_leaves_more_or_goes_further(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(200):
        n, c = int(rng.integers(1, 4)), float(rng.uniform(0, 0.33))
        e = float(10 ** rng.uniform(-2, 2))
        left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
        A = (left * ((1 - c) * np.geomspace(1.0, 10 ** rng.uniform(0, 3), n))) @ right
        p = left @ (rng.standard_normal(n) * np.geomspace(1.0, 10 ** rng.uniform(-6, 0), n))
        a = A.T @ p
        eta = float(damping.step_limit(3 * c, e, 1.0) * rng.uniform(0.01, 1.0))
        x = (1 - eta) * (A @ a) + e * eta * p
        B = A - 2 * c * np.outer(x / np.linalg.norm(x), a / np.linalg.norm(a))  # the worst one
        after, moved = remaining(A, B, e, eta, p)
        assert after <= damping.rate(eta, 3 * c, e, 1.0) * (1 + 1e-9)
        assert eta * moved <= (1 - after) / (1 - 3 * c) * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize(
    ("c", "e", "eta", "left"), [("1/6", 1, 1, "46/61"), ("1/4", 3, "1/2", "37/38"), ("3/10", 0, 1, "6/7")]
)
def test_a_mean_jacobian_2c_less_attains_the_rate(c: str, e: int, eta: str | int, left: str) -> None:
    slope = 1 - Q(c)
    after = 1 - Q(eta) * (slope - 2 * Q(c)) * slope / (slope**2 + e)
    assert after == 1 - Q(eta) * exact_progress(3 * Q(c), Q(e)) == Q(left)


@pytest.mark.parametrize(("c", "e"), [(1 / 6, 1.0), (0.1, 0.5), (0.3, 10.0)])
def test_a_step_beyond_the_limit_leaves_more_where_nothing_else_is_known(c: float, e: float) -> None:
    """With one singular value of 1000 and a weight that is best there: 1.01 times the limit is too much, the limit itself is not."""

    def worst(eta: float) -> float:
        A = np.diag([1 - c, 1000.0])
        found = []
        for weight in np.geomspace(1e-2, 1e2, 200):
            p = np.array([1.0, weight / (1e6 + e)])
            a = A.T @ p
            x = (1 - eta) * (A @ a) + e * eta * p
            B = A - 2 * c * np.outer(x / np.linalg.norm(x), a / np.linalg.norm(a))
            found.append(remaining(A, B, e, eta, p)[0])
        return max(found) / damping.rate(eta, 3 * c, e, 1.0)

    limit = damping.step_limit(3 * c, e, 1.0)
    assert worst(limit) <= 1 < worst(1.01 * limit)


@pytest.mark.parametrize(("c", "e", "slope"), [("3/10", "1/10", 1), ("1/10", "1", 10), ("1/10", "0", 1)])
def test_slopes_that_rise_along_each_step_break_the_rate_below_the_step_size_of_a_fixed_jacobian(
    c: str, e: str, slope: int
) -> None:
    """S - c at each iterate after theta(0), where it is S, and S + c between (docs/proofs/ngd.md, P5.18 and P5.19)."""
    lowest, highest = slope - Q(c), slope + Q(c)
    at: tuple[Any, Any, Any] = (3 * Q(c), Q(e), 1)  # taken as the rational numbers that they are
    known = damping.progress(*at), damping.step_limit(*at)
    h, limit = (Q(str(one)) for one in known)
    f = lowest * highest / (lowest**2 + Q(e))
    first = 2 / (f + h)
    assert limit <= first < 2 / (1 + h)
    if e == "1/10":
        assert [round(float(value), 2) for value in (limit, first, 2 / (1 + h))] == [1.17, 1.20, 1.79]
    for eta, fails in ((first * Q(101, 100), True), (first * Q(99, 100), False)):
        left = [abs(1 - eta * slope * highest / (slope**2 + Q(e))) * abs(1 - eta * f) ** k for k in range(60)]
        assert any(one > (1 - eta * h) ** (k + 1) for k, one in enumerate(left)) == fails
