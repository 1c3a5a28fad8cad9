"""Losses: gradients against differences of values in balls, constants against second differences, certified minimisers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from scipy import optimize

from theory.errors import NotFiniteError, ScaleError, ShapeError, SignError
from theory.inputs import FloatArray
from theory.losses import (
    LogisticLoss,
    Loss,
    PseudoHuberLoss,
    SquaredLoss,
    WeightedSquaredLoss,
    as_loss,
)
from theory.rigour.exact import AnyArray, lift
from theory.rigour.precision import working_precision
from theory.rigour.rounding import rounded_up_from

SIGNS = np.array([1.0, -1.0, 1.0])
LABELS = np.array([0.7, -1.3, 2.9])
WEIGHTS = np.array([0.5, 3.0, 1.25])
LOSSES: list[Loss] = [
    SquaredLoss(LABELS),
    WeightedSquaredLoss(LABELS, WEIGHTS),
    PseudoHuberLoss(LABELS, 0.1),
    PseudoHuberLoss(LABELS, 1 / 3, 0.25),
    PseudoHuberLoss(np.array([0.0, 1e-3, 40.0]), 0.02, 2.0),
    LogisticLoss(SIGNS, 0.1),
    LogisticLoss(SIGNS, 1 / 196, 0.3),
    LogisticLoss(-SIGNS, 4.0, 5.0),
]
RIDGED = LOSSES[2:]
POINTS = [np.array([0.3, -0.2, 1.1]), np.array([-4.0, 0.0, 9.0]), np.array([25.0, -31.0, 2.9])]


def name(loss: Loss) -> str:
    return f"{type(loss).__name__}-{loss.strong_convexity:.3g}"


def differences(loss: Loss, point: FloatArray) -> AnyArray:
    """The gradient by central differences of the value, 2^-120 apart, at 500 bits: off by about 2^-220."""
    h, found = arb(2) ** -120, []
    for i in range(len(point)):
        values = []
        for sign in (1, -1):
            moved = lift(point)
            moved[i] = moved[i] + sign * h
            values.append(loss.value(moved))
        found.append((values[0] - values[1]) / (2 * h))
    return np.array(found, dtype=object)


def curvature(loss: Loss, point: FloatArray) -> list[float]:
    """Second derivatives by differences of the gradient, in balls."""
    h = arb(2) ** -120
    above, below = loss.gradient(lift(point) + h), loss.gradient(lift(point) - h)
    return [float((a - b) / (2 * h)) for a, b in zip(above, below, strict=True)]


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_gradient_is_the_derivative_of_the_value(loss: Loss) -> None:
    for point in POINTS:
        with working_precision(500):
            expected = differences(loss, point)
            for found, wanted in zip(loss.gradient(lift(point)), expected, strict=True):
                assert abs(found - wanted) < 2.0**-180
        assert np.abs(loss.gradient(point) - expected.astype(float)).max() <= 1e-13 * (1 + np.abs(point).max())
        assert loss.value(point) == pytest.approx(float(loss.value(lift(point))), rel=1e-13)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_rounding_of_the_gradient_is_bounded(loss: Loss) -> None:
    for point in POINTS:
        with working_precision(200):
            errors = loss.gradient(lift(point)) - lift(loss.gradient(point))
            error = math.sqrt(sum(float(e) ** 2 for e in errors))
        assert error <= loss.gradient_rounding(point) < 1e-12


@pytest.mark.parametrize(
    "loss", [PseudoHuberLoss(1e6 * LABELS, 3.7, 1e6 / 3), LogisticLoss(SIGNS, 3.7, 1e6 / 3)], ids=["huber", "logistic"]
)
def test_rounding_bound_grows_with_the_size_of_the_gradient(loss: Loss) -> None:
    worst = 0.0
    for point in np.random.default_rng(0).normal(scale=1e7, size=(50, 3)):
        with working_precision(200):
            errors = loss.gradient(lift(point)) - lift(loss.gradient(point))
            error = math.sqrt(sum(float(e) ** 2 for e in errors))
        bound = loss.gradient_rounding(point)
        assert error <= bound <= 1e-13 * float(np.linalg.norm(point))
        assert loss.gradient_rounding(-point) == pytest.approx(bound, rel=0.5)
        worst = max(worst, error / bound)
    assert worst > 0.01


def test_rounding_bounds_of_the_quadratics_are_near_one_rounding_of_the_residual() -> None:
    point = LABELS + 1.0
    assert SquaredLoss(LABELS).gradient_rounding(point) == pytest.approx(2.0**-53 * math.sqrt(3), rel=1e-12, abs=0)
    weighted = WeightedSquaredLoss(LABELS, WEIGHTS).gradient_rounding(point)
    assert weighted == pytest.approx(4 * 2.0**-53 * float(np.linalg.norm(WEIGHTS)), rel=1e-12, abs=0)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_curvatures_fill_the_range_from_mu_to_L(loss: Loss) -> None:
    """Second derivatives never leave [mu, L], and come to within 1% of both ends."""
    scale = loss.scale if isinstance(loss, PseudoHuberLoss | LogisticLoss) else 1.0
    centre = np.zeros(3) if isinstance(loss, LogisticLoss) else loss.labels
    found = []
    with working_precision(400):
        for distance in (0.0, 0.1, 1.0, 3.0, 30.0, 3000.0):
            for sign in (1, -1):
                found += curvature(loss, centre + sign * distance * scale)
    # one rounding of a derivative to float64, one of L upwards
    assert loss.strong_convexity <= min(found) * (1 + 2.0**-52)
    assert max(found) <= loss.smoothness * (1 + 2.0**-52)
    assert min(found) <= 1.01 * loss.strong_convexity
    assert max(found) >= 0.99 * loss.smoothness


def test_constants_are_those_of_the_table() -> None:
    assert (SquaredLoss(LABELS).strong_convexity, SquaredLoss(LABELS).smoothness) == (1, 1)
    weighted = WeightedSquaredLoss(LABELS, WEIGHTS)
    assert (weighted.strong_convexity, weighted.smoothness) == (0.5, 3.0)
    huber, logistic = PseudoHuberLoss(LABELS, 0.5, 7.0), LogisticLoss(SIGNS, 0.5, 7.0)
    assert (huber.strong_convexity, huber.smoothness) == (0.5, 1.5)
    assert (logistic.strong_convexity, logistic.smoothness) == (0.5, 0.75)


@pytest.mark.parametrize("ridge", [0.1, 1 / 3, 1 / 49, 2.0**-60, 3e10])
def test_L_is_never_rounded_down(ridge: float) -> None:
    for loss, bound in ((PseudoHuberLoss(LABELS, ridge), 1), (LogisticLoss(SIGNS, ridge), Fraction(1, 4))):
        exact = Fraction(ridge) + bound
        assert exact <= Fraction(loss.smoothness) <= exact * (1 + Fraction(1, 2**52))


def test_rational_numbers_are_rounded_up_to_the_next_float() -> None:
    assert rounded_up_from(Fraction(3)) == 3.0
    for exact in (Fraction(1, 3), Fraction(2, 3), Fraction(-1, 3)):
        above = rounded_up_from(exact)
        assert Fraction(math.nextafter(above, -math.inf)) < exact <= Fraction(above)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_minimiser_is_where_a_general_optimiser_ends(loss: Loss) -> None:
    found = optimize.minimize(loss.value, np.zeros(3), method="BFGS", options={"gtol": 1e-10}).x
    assert np.abs(found - loss.minimiser).max() <= 1e-5 * (1 + np.abs(found).max())
    best = loss.value(loss.minimiser)
    for step in np.vstack([np.eye(3), -np.eye(3)]):
        assert loss.value(loss.minimiser + 0.01 * step) > best


@pytest.mark.parametrize("loss", RIDGED, ids=name)
def test_gradient_changes_its_sign_within_the_error_of_the_minimiser(loss: Loss) -> None:
    """A certificate that does not use mu: the components of the gradient increase."""
    assert loss.minimiser_error <= 2.0**-52 * float(np.linalg.norm(loss.minimiser)) + 2.0**-100
    with working_precision(300):
        below = loss.gradient(lift(loss.minimiser) - arb(loss.minimiser_error))
        above = loss.gradient(lift(loss.minimiser) + arb(loss.minimiser_error))
        assert all(value <= 0 for value in below)
        assert all(value >= 0 for value in above)
        distances = loss.minimiser_enclosed() - lift(loss.minimiser)
        exact = math.sqrt(sum(float(one) ** 2 for one in distances))
        assert exact <= loss.minimiser_error <= exact * (1 + 1e-6)
    assert np.abs(loss.minimiser - loss.labels).max() > 1e-3


@pytest.mark.parametrize("bits", [53, 106, 424, 848])
@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_balls_around_the_minimiser_shrink_with_the_precision(loss: Loss, bits: int) -> None:
    with working_precision(bits):
        balls = loss.minimiser_enclosed()
        for ball in balls:
            assert ball.rad() < arb(2) ** (20 - bits)
    with working_precision(1200):
        for ball, ends in zip(balls, loss.gradient(np.array([b.lower() for b in balls])), strict=True):
            if ball.rad() > 0:
                assert ends <= 0
        for ball, ends in zip(balls, loss.gradient(np.array([b.upper() for b in balls])), strict=True):
            if ball.rad() > 0:
                assert ends >= 0
        for ball, value in zip(balls, loss.minimiser.tolist(), strict=True):
            assert ball.overlaps(value + arb(0, 1) * loss.minimiser_error)


def test_quadratics_have_their_labels_as_exact_minimiser() -> None:
    for loss in LOSSES[:2]:
        assert np.array_equal(loss.minimiser, LABELS)
        assert loss.minimiser_error == 0
        assert all(ball == arb(value) for ball, value in zip(loss.minimiser_enclosed(), LABELS.tolist(), strict=True))


def test_logistic_minimiser_is_the_same_root_for_every_label() -> None:
    """``alpha z = sigmoid(-z)`` at alpha = (1/2)/ln 3: z = ln 3, sigmoid(-ln 3) = 1/4, so alpha = 1/(4 ln 3)."""
    loss = LogisticLoss(SIGNS, 1 / (4 * math.log(3)), 2.0)
    assert loss.minimiser == pytest.approx(SIGNS * 2 * math.log(3), rel=1e-14)


def test_pseudo_huber_minimiser_of_a_pythagorean_triple() -> None:
    """u - t = -(3/4) s has slope -3/5 s, so alpha u = 3/5 s: s = 5, u = 10 give alpha = 3/10, t = 13.75."""
    loss = PseudoHuberLoss(np.array([13.75]), 0.3, 5.0)
    assert loss.minimiser == pytest.approx(np.array([10.0]), rel=1e-14)
    assert loss.value(np.array([10.0])) == pytest.approx(25 * 0.25 + 15, rel=1e-14)


def test_values_at_chosen_points() -> None:
    assert SquaredLoss(LABELS).value(LABELS + 2.0) == pytest.approx(6.0)
    assert WeightedSquaredLoss(LABELS, WEIGHTS).value(LABELS + 2.0) == pytest.approx(2 * 4.75)
    assert LogisticLoss(SIGNS, 0.7, 3.0).value(np.zeros(3)) == pytest.approx(27 * math.log(2))
    assert LogisticLoss(SIGNS, 0.5).value(-1000 * SIGNS) == pytest.approx(3 * (1000 + 0.25e6))


@pytest.mark.parametrize(
    ("one", "stretched"),
    [
        (PseudoHuberLoss(LABELS, 0.2), PseudoHuberLoss(4 * LABELS, 0.2, 4.0)),
        (LogisticLoss(SIGNS, 0.2), LogisticLoss(SIGNS, 0.2, 4.0)),
    ],
)
def test_scale_stretches_the_loss(one: Loss, stretched: Loss) -> None:
    """``loss_s(u) = s^2 loss_1(u/s)``, the labels of pseudo-Huber stretched as well: the minimiser is s times as far."""
    for point in POINTS:
        assert stretched.value(4 * point) == pytest.approx(16 * one.value(point), rel=1e-13)
    assert stretched.minimiser == pytest.approx(4 * one.minimiser, rel=1e-14)


def test_far_points_neither_overflow_nor_lose_their_slope() -> None:
    far = np.array([1e200, -1e200, 1e200])
    assert PseudoHuberLoss(SIGNS, 1e-250, 2.0).gradient(far) == pytest.approx(2 * np.sign(far))
    assert LogisticLoss(SIGNS, 1e-250, 2.0).gradient(-1e5 * SIGNS) == pytest.approx(-2 * SIGNS)


def test_labels_stand_for_their_squared_loss() -> None:
    loss = as_loss(LABELS)
    assert isinstance(loss, SquaredLoss)
    assert np.array_equal(loss.labels, LABELS)
    assert as_loss(LOSSES[3]) is LOSSES[3]


def test_bad_labels_weights_ridges_and_scales_are_refused() -> None:
    with pytest.raises(SignError, match=r"labels\[1\] is 0.5; entries are -1 or \+1"):
        LogisticLoss(np.array([1.0, 0.5]), 0.1)
    for maker in (PseudoHuberLoss, LogisticLoss):
        for bad in (0.0, -1.0, math.nan, math.inf):
            with pytest.raises(ScaleError, match="ridge"):
                maker(SIGNS, bad)
            with pytest.raises(ScaleError, match="scale"):
                maker(SIGNS, 0.1, bad)
    with pytest.raises(NotFiniteError, match="labels"):
        SquaredLoss(np.array([1.0, math.nan]))
    with pytest.raises(ShapeError, match="labels"):
        PseudoHuberLoss(np.ones((2, 2)), 0.1)
    with pytest.raises(ShapeError, match="2 weights for 3 labels"):
        WeightedSquaredLoss(LABELS, np.ones(2))
    for wrong in (0.0, -2.0):
        with pytest.raises(ScaleError, match=r"weights\[1\]"):
            WeightedSquaredLoss(LABELS, np.array([1.0, wrong, 1.0]))
