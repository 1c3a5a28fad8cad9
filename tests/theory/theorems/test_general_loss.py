"""The constants of T2 and T2-q: exact rationals, T1 at kappa = 1, the one-step worst case, the earlier candidate."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from theory.errors import ChoiceError, ScaleError
from theory.losses import WeightedSquaredLoss
from theory.maps.affine import spike_map
from theory.rigour.one_step import map_step
from theory.rigour.rounding import gamma
from theory.theorems import general_loss, ngd

CURVATURES = [
    (Fraction(1), Fraction(1)),
    (Fraction(1, 4), Fraction(1, 2)),
    (Fraction(3), Fraction(30)),
    (Fraction(1), Fraction(50)),
]
SHARES = [Fraction(1, 100), Fraction(1, 3), Fraction(3, 4), Fraction(99, 100)]
POINTS = [(mu, L, share * mu / (mu + L)) for mu, L in CURVATURES for share in SHARES]
PAIRS = [("T2", "T1"), ("T2-q", "T1-q")]


def agree(value: float, exact: Fraction, roundings: int = 64) -> None:
    assert abs(Fraction(value) - exact) <= Fraction(gamma(roundings)) * abs(exact)


def deficit(C: Fraction) -> Fraction:
    return 2 * C / (3 - C)


@pytest.mark.parametrize(("mu", "L", "C"), POINTS)
def test_limits_are_the_rational_functions_of_the_statement(mu: Fraction, L: Fraction, C: Fraction) -> None:
    q, kappa, at = deficit(C), L / mu, (float(C), float(mu), float(L))
    agree(general_loss.step_limit(*at, "T2"), 2 / (mu + L) * (1 - (1 + kappa) * C) / (1 + C) ** 2, 10**4)
    agree(general_loss.step_limit(*at, "T2-q"), 2 / (mu + L) * (1 - (1 + kappa) * q) / (1 - q) ** 2, 10**3)
    agree(general_loss.validity_limit(*at, "T2-q"), (2 / (mu + L) - q / mu) / (1 - q))
    agree(general_loss.breaking_step(*at), 2 * (3 + C) / (3 - C) / mu * (1 - (3 + C) / (3 - C) * L / (mu + L)), 10**3)
    assert general_loss.validity_limit(*at, "T2") == general_loss.step_limit(*at, "T2")
    assert general_loss.step_limit(*at) == general_loss.step_limit(*at, "T2-q")
    assert general_loss.validity_limit(*at) == general_loss.validity_limit(*at, "T2-q")


@pytest.mark.parametrize(("mu", "L"), CURVATURES)
def test_limits_of_C_are_those_of_the_statement(mu: Fraction, L: Fraction) -> None:
    kappa, at = L / mu, (float(mu), float(L))
    agree(general_loss.constant_limit(*at, "T2"), 1 / (1 + kappa))
    agree(general_loss.constant_limit(*at, "T2-q"), min((3 + kappa) / (3 + 3 * kappa), 3 / (2 + kappa)))
    assert general_loss.constant_limit(*at) == general_loss.constant_limit(*at, "T2-q")
    for theorem in general_loss.THEOREMS:
        end = general_loss.constant_limit(*at, theorem)
        assert general_loss.applies(end * (1 - 1e-9), *at, theorem)
        assert not general_loss.applies(end * (1 + 1e-9), *at, theorem)
        assert general_loss.validity_limit(end * (1 + 1e-9), *at, theorem) == 0
        assert general_loss.validity_limit(end * (1 - 1e-9), *at, theorem) > 0
    for theorem, last in (("T2", 1 / (1 + kappa)), ("T2-q", 3 / (3 + 2 * kappa))):
        assert general_loss.step_limit(float(last) * (1 - 1e-9), *at, theorem) > 0
        assert general_loss.step_limit(float(last) * (1 + 1e-9), *at, theorem) == 0
        assert general_loss.step_limit(2.9, *at, theorem) == 0
    assert general_loss.applies(0.1, *at) == general_loss.applies(0.1, *at, "T2-q")


@pytest.mark.parametrize(("mu", "L", "C"), POINTS)
def test_rates_and_radii_are_those_of_the_statement(mu: Fraction, L: Fraction, C: Fraction) -> None:
    eta, kappa, at = Fraction(1, 5) / (mu + L), L / mu, (float(C), float(mu), float(L))
    agree(general_loss.rate(float(eta), *at, "T2") ** 2, 1 - 2 * eta * mu * L / (mu + L))
    agree(general_loss.rate(float(eta), *at, "T2-q"), 1 - eta * mu * (1 - deficit(C)))
    assert general_loss.rate(float(eta), *at) == general_loss.rate(float(eta), *at, "T2-q")
    curvatures, residual, smallest = at[1:], 3.0, 0.25  # ||r(0)||/sqrt(lambda) = 6
    agree(general_loss.radius(at[0], residual, smallest, *curvatures, "T2"), 6 * (1 + kappa) / (1 - C / 3))
    agree(general_loss.radius(at[0], residual, smallest, *curvatures, "T2-q"), 6 * kappa / (1 - C))
    assert general_loss.radius(at[0], 1.0, 1.0, *curvatures) == general_loss.radius(
        at[0], 1.0, 1.0, *curvatures, "T2-q"
    )
    agree(general_loss.condition_radius(residual, smallest, *curvatures), 9 * (1 + kappa))
    assert general_loss.radius(1.5, residual, smallest, *curvatures, "T2-q") == math.inf


@pytest.mark.parametrize("L", [1.0, 1.1, 1 + 2.0**-52, 3.3, 50.0])
def test_factor_of_the_radius_is_never_rounded_down(L: float) -> None:
    for mu in (1.0, 0.3, 1.0 / 3):
        exact = Fraction(3, 2) * (1 + Fraction(max(L, mu)) / Fraction(mu))
        assert exact <= Fraction(general_loss.radius_factor(mu, max(L, mu))) <= exact * (1 + Fraction(1, 2**52))
    assert general_loss.radius_factor(0.7, 0.7) == 3.0


@pytest.mark.parametrize(("theorem", "squared"), PAIRS)
def test_at_kappa_1_the_numbers_are_those_of_T1_to_the_last_bit(theorem: str, squared: str) -> None:
    assert general_loss.constant_limit(1.0, 1.0, theorem) == ngd.constant_limit(squared)
    for k in range(200):
        C = k / 200
        assert general_loss.step_limit(C, 1.0, 1.0, theorem) == ngd.step_limit(C, squared)
        assert general_loss.validity_limit(C, 1.0, 1.0, theorem) == ngd.validity_limit(C, squared)
        assert general_loss.applies(C, 1.0, 1.0, theorem) == ngd.applies(C, squared)
        assert general_loss.rate(0.3, C, 1.0, 1.0, theorem) == ngd.rate(0.3, C, squared)
        assert general_loss.radius(C, 0.7, 0.3, 1.0, 1.0, theorem) == ngd.radius(C, 0.7, 0.3, squared)
    assert general_loss.condition_radius(0.7, 0.3, 1.0, 1.0) == ngd.condition_radius(0.7, 0.3)


@pytest.mark.parametrize("theorem", general_loss.THEOREMS)
@pytest.mark.parametrize(("mu", "L"), CURVATURES)
def test_paths_stay_within_the_ball_of_condition_3(mu: Fraction, L: Fraction, theorem: str) -> None:
    at = float(mu), float(L)
    ball = general_loss.condition_radius(1.0, 1.0, *at)
    for k in range(500):
        C = general_loss.constant_limit(*at, theorem) * k / 500
        assert general_loss.radius(C, 1.0, 1.0, *at, theorem) <= ball
    if theorem == "T2":
        assert general_loss.radius(C, 1.0, 1.0, *at, theorem) <= 0.8 * ball  # 6/5 of 3/2
    if theorem == "T2-q" and L / mu < 4:
        end = general_loss.constant_limit(*at, theorem)
        assert general_loss.radius(end, 1.0, 1.0, *at, theorem) == pytest.approx(ball, rel=1e-14)


@pytest.mark.parametrize(("mu", "L", "C"), POINTS)
def test_own_factor_gives_the_paper_s_rate_exactly_up_to_the_step_limit(mu: Fraction, L: Fraction, C: Fraction) -> None:
    """In exact rationals: ``(1 - eta mu (1-q))^2 = 1 - 2 eta mu L/(mu+L)`` at the limit, above beyond, below before."""
    q = deficit(C)
    limit = (2 / (mu + L) - 2 * q / mu) / (1 - q) ** 2
    agree(general_loss.step_limit(float(C), float(mu), float(L)), limit, 10**3)

    def excess(eta: Fraction) -> Fraction:
        return (1 - eta * mu * (1 - q)) ** 2 - (1 - 2 * eta * mu * L / (mu + L))

    assert excess(limit) == 0
    assert excess(limit * Fraction(99, 100)) < 0 < excess(limit * Fraction(101, 100))
    validity = (2 / (mu + L) - q / mu) / (1 - q)
    assert limit <= validity <= 2 / (mu + L)


@pytest.mark.parametrize(("mu", "L", "C"), POINTS)
def test_paper_s_limit_and_the_earlier_candidate_are_weaker(mu: Fraction, L: Fraction, C: Fraction) -> None:
    """The earlier candidate of docs/general-losses.md, with ``1 - q^2 - 2 q kappa/(1+kappa)``, lies between the paper's limit and T2-q's."""
    q, kappa = deficit(C), L / mu
    candidate = (2 / (mu + L) - 2 * q / mu) / (1 - q * q - 2 * q * kappa / (1 + kappa))
    at = float(C), float(mu), float(L)
    assert general_loss.step_limit(*at, "T2") < candidate < general_loss.step_limit(*at, "T2-q")
    assert general_loss.step_limit(*at, "T2-q") < general_loss.breaking_step(*at)


def worst_step(eta: float, q: float, mu: float, L: float) -> float:
    """The largest ``||r - eta g|| + eta q ||g||`` over unit r in the eigenspaces of mu and L: (cos a, sin a)."""
    angle = np.linspace(0.0, np.pi / 2, 4001)
    r = np.stack([np.cos(angle), np.sin(angle)])
    g = r * np.array([[mu], [L]])
    return float((np.linalg.norm(r - eta * g, axis=0) + eta * q * np.linalg.norm(g, axis=0)).max())


@pytest.mark.parametrize(("mu", "L", "C"), POINTS)
def test_factor_is_the_worst_step_for_a_known_q_up_to_its_limit_and_not_beyond(
    mu: Fraction, L: Fraction, C: Fraction
) -> None:
    at, q = (float(C), float(mu), float(L)), float(deficit(C))
    limit = general_loss.validity_limit(*at)
    for share in (0.1, 0.5, 0.9, 1 - 1e-12):
        assert worst_step(share * limit, q, *at[1:]) == pytest.approx(general_loss.rate(share * limit, *at), rel=1e-13)
    beyond = 1.01 * limit
    assert worst_step(beyond, q, *at[1:]) > abs(general_loss.rate(beyond, *at)) * (1 + 1e-9)


def test_random_curvatures_and_errors_do_not_exceed_the_factor() -> None:
    """``r - eta (I+E) H r`` for random symmetric H with spectrum in [mu, L] and random E of norm q, dimension 4."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        mu, L = np.sort(rng.uniform(0.1, 4.0, 2))
        C = float(rng.uniform(0, general_loss.constant_limit(mu, L)))
        eta = general_loss.validity_limit(C, mu, L) * float(rng.uniform(0, 1))
        basis = np.linalg.qr(rng.standard_normal((4, 4)))[0]
        hessian = (basis * rng.uniform(mu, L, 4)) @ basis.T
        r, error = rng.standard_normal(4), rng.standard_normal((4, 4))
        error *= ngd.deficit(C) / np.linalg.norm(error, 2)
        after = r - eta * (np.eye(4) + error) @ hessian @ r
        assert np.linalg.norm(after) <= general_loss.rate(eta, C, mu, L) * np.linalg.norm(r) * (1 + 1e-12)


@pytest.mark.parametrize("kappa", [1.0, 4.0, 20.0])
def test_spike_map_breaks_the_paper_s_rate_beyond_the_breaking_step_and_not_before(kappa: float) -> None:
    C = 0.8 / (1 + kappa)
    weights, residuals = np.array([1.0, kappa]), np.array([1.0, 1e-9])
    for share, broken in ((0.99, False), (1.01, True)):
        eta = share * general_loss.breaking_step(C, 1.0, kappa)
        stability = np.array([C / 3, 0.0])
        model = spike_map(stability, np.ones(2), eta * weights, 4, residuals)
        loss, theta = WeightedSquaredLoss(-residuals, weights), np.zeros(2)
        for k in range(4):
            theta, step = map_step(model, theta, loss, eta)
            if k >= 1:
                assert (step.after > general_loss.rate(eta, C, 1.0, kappa, "T2") * step.before) is broken


def test_every_step_breaks_the_paper_s_rate_for_large_C() -> None:
    for kappa in (1.0, 5.0, 50.0):
        end = 3 / (1 + 2 * kappa)
        assert general_loss.breaking_step(end * (1 - 1e-9), 1.0, kappa) > 0
        assert general_loss.breaking_step(end * (1 + 1e-9), 1.0, kappa) < 0


def test_balls_go_through_every_formula() -> None:
    at = arb("0.1"), 0.5, arb(2)
    for theorem in general_loss.THEOREMS:
        for function in (general_loss.step_limit, general_loss.validity_limit):
            assert isinstance(function(*at, theorem), arb)
            assert abs(float(function(*at, theorem)) - function(0.1, 0.5, 2.0, theorem)) <= gamma(64)
        factor = general_loss.rate(0.1, arb("0.1"), 0.5, 2.0, theorem)
        assert isinstance(factor, arb)
        assert abs(float(factor) - general_loss.rate(0.1, 0.1, 0.5, 2.0, theorem)) <= gamma(64)
        length = general_loss.radius(arb("0.1"), 1.0, 1.0, 0.5, 2.0, theorem)
        assert abs(float(length) - general_loss.radius(0.1, 1.0, 1.0, 0.5, 2.0, theorem)) <= 8 * gamma(64)
        assert general_loss.applies(arb("0.1"), 0.5, 2.0, theorem)
        assert abs(
            float(general_loss.constant_limit(arb("0.5"), 2.0, theorem))
            - general_loss.constant_limit(0.5, 2.0, theorem)
        ) <= gamma(64)
    assert abs(float(general_loss.radius_factor(arb("0.5"), 2.0)) - 7.5) <= gamma(64)
    assert abs(float(general_loss.breaking_step(*at)) - general_loss.breaking_step(0.1, 0.5, 2.0)) <= gamma(256)


def test_bad_constants_steps_and_names_are_refused() -> None:
    for mu, L in ((0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, math.inf), (math.nan, 1.0)):
        for call in (
            lambda mu=mu, L=L: general_loss.step_limit(0.1, mu, L),
            lambda mu=mu, L=L: general_loss.constant_limit(mu, L),
            lambda mu=mu, L=L: general_loss.applies(0.1, mu, L),
            lambda mu=mu, L=L: general_loss.rate(0.1, 0.1, mu, L),
            lambda mu=mu, L=L: general_loss.radius(0.1, 1.0, 1.0, mu, L),
            lambda mu=mu, L=L: general_loss.radius_factor(mu, L),
            lambda mu=mu, L=L: general_loss.breaking_step(0.1, mu, L),
        ):
            with pytest.raises(ScaleError, match="0 < mu <= L"):
                call()
    for bad in (-0.1, 3.0, math.nan):
        for function in (general_loss.step_limit, general_loss.applies, general_loss.breaking_step):
            with pytest.raises(ScaleError, match="stability constant"):
                function(bad, 1.0, 2.0)
        with pytest.raises(ScaleError, match="stability constant"):
            general_loss.rate(0.1, bad, 1.0, 2.0)
        with pytest.raises(ScaleError, match="stability constant"):
            general_loss.radius(bad, 1.0, 1.0, 1.0, 2.0)
    for bad in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ScaleError, match="step size"):
            general_loss.rate(bad, 0.1, 1.0, 2.0)
    assert general_loss.rate(0.75, 0.1, 1.0, 2.0, "T2") == 0.0
    with pytest.raises(ScaleError, match=r"\(mu\+L\)/\(2 mu L\)"):
        general_loss.rate(0.76, 0.1, 1.0, 2.0, "T2")
    with pytest.raises(ScaleError, match="Condition 1"):
        general_loss.condition_radius(1.0, 0.0, 1.0, 2.0)
    for theorem in ("T1", "T3"):
        with pytest.raises(ChoiceError, match="known: T2, T2-q"):
            general_loss.step_limit(0.1, 1.0, 2.0, theorem)
        with pytest.raises(ChoiceError, match="known: T2, T2-q"):
            general_loss.applies(0.1, 1.0, 2.0, theorem)
        with pytest.raises(ChoiceError, match="known: T2, T2-q"):
            general_loss.constant_limit(1.0, 2.0, theorem)
        with pytest.raises(ChoiceError, match="known: T2, T2-q"):
            general_loss.rate(0.1, 0.1, 1.0, 2.0, theorem)
        with pytest.raises(ChoiceError, match="known: T2, T2-q"):
            general_loss.radius(0.1, 1.0, 1.0, 1.0, 2.0, theorem)
