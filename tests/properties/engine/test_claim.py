"""Every verdict helper, fed right, wrong and undecidable values."""

import math

import pytest
from flint import arb, fmpq

from properties.engine.claim import (
    Bound,
    Evaluation,
    Evidence,
    InstanceVerdict,
    Verdict,
    at_most,
    at_most_enclosed,
    at_most_exactly,
    at_most_or_equal_enclosed,
    certified,
    certified_up_to,
    decided_exactly,
    equal_enclosed,
    equal_exactly,
    established,
    require,
    within_rounding,
)
from theory.direction import Attained, LowerBound, UpperBound
from theory.errors import DirectionError
from theory.rigour.precision import working_precision

HOLDS, REFUTED, UNDECIDED = Verdict.HOLDS, Verdict.REFUTED, Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("measured", "expected"),
    [(0.0, HOLDS), (0.9, HOLDS), (0.95, UNDECIDED), (1.0, UNDECIDED), (1.05, UNDECIDED), (1.2, REFUTED)],
)
def test_at_most_decides_outside_the_rounding_only(measured: float, expected: Verdict) -> None:
    bound = at_most("label", measured, 1.0, 0.1)
    assert bound.verdict is expected
    assert bound.evidence is Evidence.TESTED
    assert bound.ratio == measured


def test_at_most_without_rounding_decides_equality() -> None:
    assert at_most("label", 1.0, 1.0, 0.0).verdict is HOLDS
    assert at_most("label", math.nextafter(1.0, 2), 1.0, 0.0).verdict is REFUTED


@pytest.mark.parametrize(
    ("difference", "expected"), [(0.0, HOLDS), (-0.1, HOLDS), (0.11, REFUTED), (-0.11, REFUTED), (math.nan, UNDECIDED)]
)
def test_within_rounding_is_two_sided(difference: float, expected: Verdict) -> None:
    assert within_rounding("label", difference, 0.1).verdict is expected


def test_enclosed_comparison_needs_every_pair_of_points() -> None:
    assert at_most_enclosed("label", arb(1), arb(2)).verdict is HOLDS
    assert at_most_enclosed("label", arb(2), arb(1)).verdict is REFUTED
    assert at_most_enclosed("label", arb(1, 0.6), arb(2, 0.6)).verdict is UNDECIDED
    assert at_most_enclosed("label", arb(1), arb(1)).verdict is HOLDS
    assert at_most_enclosed("label", arb("nan"), arb(1)).verdict is UNDECIDED
    assert at_most_enclosed("label", arb(1), arb(2)).evidence is Evidence.ENCLOSED
    assert at_most_enclosed("label", arb(1, 0.25), arb(2, 0.5)).rounding == pytest.approx(0.75, rel=1e-6)


def test_enclosed_identity_needs_zero_inside_and_a_small_radius() -> None:
    with working_precision(100):
        tiny = arb(2) ** -80
        assert equal_enclosed("label", arb(0, 2.0**-80), 64).verdict is HOLDS
        assert equal_enclosed("label", arb(0, 2.0**-60), 64).verdict is UNDECIDED
        assert equal_enclosed("label", tiny, 64).verdict is REFUTED
        assert equal_enclosed("label", arb("nan"), 64).verdict is UNDECIDED


def test_exact_identity() -> None:
    assert equal_exactly("label", True).verdict is HOLDS
    failed = equal_exactly("label", False, 0.25)
    assert (failed.verdict, failed.measured, failed.ratio) == (REFUTED, 0.25, math.inf)


@pytest.mark.parametrize(("margin", "expected"), [(0.0, HOLDS), (1.0, HOLDS), (-1e-300, REFUTED)])
def test_require_without_rounding(margin: float, expected: Verdict) -> None:
    assert require("name", margin).verdict is expected


@pytest.mark.parametrize(("margin", "expected"), [(0.1, HOLDS), (0.09, UNDECIDED), (-0.1, UNDECIDED), (-0.11, REFUTED)])
def test_require_with_rounding(margin: float, expected: Verdict) -> None:
    assert require("name", margin, 0.1).verdict is expected


def test_ratio_of_vanishing_and_negative_predictions() -> None:
    assert at_most("label", 0.0, 0.0, 0.0).ratio == 0
    assert at_most("label", 1.0, 0.0, 0.0).ratio == math.inf
    assert at_most("label", 1.0, -1.0, 0.0).ratio == math.inf


def test_tightest_bound_shows_a_violation_first() -> None:
    loose = Bound("violated", 0.5, 1.0, 0.0, REFUTED, Evidence.TESTED)
    tight = Bound("tight", 0.99, 1.0, 0.0, HOLDS, Evidence.TESTED)
    evaluation = Evaluation("family", {}, (), (tight, loose), InstanceVerdict.REFUTED, ())
    assert evaluation.tightest is loose
    assert Evaluation("family", {}, (), (), InstanceVerdict.VACUOUS, ()).tightest is None


def test_precision_is_that_of_the_bounds_and_a_refutation_s_own() -> None:
    tested = at_most("float64", 1.0, 2.0, 0.0)
    exact = at_most_exactly("rationals", fmpq(1, 3), fmpq(1, 2))
    with working_precision(212):
        ball = at_most_enclosed("balls", arb(1), arb(2))
        equal = equal_enclosed("balls", arb(0), 20)
    violated = decided_exactly("rationals", False, 2.0, 1.0)
    assert (tested.bits, exact.bits, ball.bits, equal.bits, violated.bits) == (53, 0, 212, 212, 0)

    def precision(*bounds: Bound) -> int:
        return Evaluation("family", {}, (), bounds, InstanceVerdict.HOLDS, ()).precision

    assert [precision(exact), precision(exact, tested), precision(tested, ball)] == [0, 53, 212]
    assert precision(tested, ball, violated) == 0
    assert precision() == 53


def test_a_lower_bound_that_is_not_positive_decides_nothing() -> None:
    assert certified("lambda > 0", LowerBound(0.5)).verdict is HOLDS
    for bound in (0.0, -1.0, -math.inf):
        assert certified("lambda > 0", LowerBound(bound)).verdict is UNDECIDED


def test_an_upper_bound_above_the_limit_decides_nothing() -> None:
    assert certified_up_to("C below 1/2", 0.5, UpperBound(0.5)).verdict is HOLDS
    for bound in (0.75, math.inf):
        assert certified_up_to("C below 1/2", 0.5, UpperBound(bound)).verdict is UNDECIDED
    assert [established("rank X = d", fact).verdict for fact in (True, False)] == [HOLDS, UNDECIDED]


def test_what_is_called_certified_is_a_bound_of_the_right_kind() -> None:
    for wrong in (0.5, UpperBound(0.5), Attained(0.5)):
        with pytest.raises(DirectionError, match=r"lambda > 0 is 0\.5, .*; a certified lower bound is needed here"):
            certified("lambda > 0", wrong)  # type: ignore[arg-type]
    for other in (0.25, LowerBound(0.25), Attained(0.25)):
        with pytest.raises(DirectionError, match="a certified upper bound is needed here"):
            certified_up_to("C below 1/2", 0.5, other)  # type: ignore[arg-type]


def test_exact_inequalities_between_rationals() -> None:
    assert at_most_exactly("label", fmpq(1, 3), fmpq(1, 3)).verdict is HOLDS
    refuted = at_most_exactly("label", fmpq(10**20 + 1, 3 * 10**20), fmpq(1, 3))
    assert (refuted.verdict, refuted.ratio) == (REFUTED, 1.0)


@pytest.mark.parametrize(
    ("measured", "radius", "expected"),
    [
        (0.5, 0.1, HOLDS),
        (1.5, 0.1, REFUTED),
        (1.0, 2.0**-100, HOLDS),
        (1.0, 0.1, UNDECIDED),
        (1.0, 2.0**-69, UNDECIDED),
    ],
)
def test_at_most_or_equal_holds_where_nothing_separates_the_sides(
    measured: float, radius: float, expected: Verdict
) -> None:
    with working_precision(128):
        bound = at_most_or_equal_enclosed("label", arb(measured, radius), arb(1), 70)
    assert bound.verdict is expected
    assert ("equal within 2^-70" in bound.label) == (radius == 2.0**-100)
    assert bound.ratio <= 1 or expected is not HOLDS


def test_equality_at_0_has_no_infinite_ratio() -> None:
    with working_precision(128):
        bound = at_most_or_equal_enclosed("label", arb(2.0**-95, 2.0**-90), arb(0), 70)
    assert bound.verdict is HOLDS
    assert bound.ratio <= 1


@pytest.mark.parametrize("rounding", [float("inf"), float("nan")])
def test_an_unknown_rounding_decides_nothing(rounding: float) -> None:
    assert require("name", 1.0, rounding).verdict is Verdict.UNDECIDED
    assert require("name", float("inf"), rounding).verdict is Verdict.UNDECIDED
    assert within_rounding("label", 0.0, rounding).verdict is Verdict.UNDECIDED
    assert at_most("label", 0.0, 1.0, rounding).verdict is Verdict.UNDECIDED
