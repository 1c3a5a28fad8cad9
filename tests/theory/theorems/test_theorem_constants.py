"""The constants of T1 and its relatives against exact rational arithmetic and their defining equations."""

import math
from fractions import Fraction

import pytest
from flint import arb

from theory.errors import ChoiceError, ScaleError
from theory.rigour.rounding import gamma
from theory.theorems import ngd, ngd_line, ngd_sharp

CONSTANTS = [Fraction(1, 1000), Fraction(1, 10), Fraction(1, 3), Fraction(49, 100), Fraction(13, 20), Fraction(19, 20)]


def agree(value: float, exact: Fraction, roundings: int = 24) -> None:
    """``value`` is ``exact`` up to the roundings of a short formula (C itself is rounded once)."""
    assert abs(Fraction(value) - exact) <= Fraction(gamma(roundings)) * max(abs(exact), Fraction(1))


@pytest.mark.parametrize("C", CONSTANTS)
def test_deficit_and_ratio_are_the_rational_functions_of_the_statement(C: Fraction) -> None:
    agree(ngd.deficit(float(C)), 2 * C / (3 - C))
    agree(ngd.contraction_ratio(float(C)), (1 + C / 3) / (1 - C / 3))


@pytest.mark.parametrize("C", CONSTANTS)
def test_step_limits_are_the_rational_functions_of_the_statement(C: Fraction) -> None:
    q, rho = 2 * C / (3 - C), (3 + C) / (3 - C)
    agree(ngd.step_limit(float(C), "T1"), max(Fraction(0), (1 - 2 * C) / (1 + C) ** 2))
    agree(ngd.step_limit(float(C), "T1-q"), max(Fraction(0), (1 - 2 * q) / (1 - q) ** 2), 80)
    agree(ngd.step_limit(float(C), "T1-sharp"), rho * (2 - rho))
    assert ngd.step_limit(float(C)) == ngd.step_limit(float(C), "T1-sharp")


def test_the_examples_of_the_text_at_C_049() -> None:
    """At C = 0.49 the paper allows 0.0090, T1-q 0.5897, T1-sharp 0.8475 (cut off, not rounded)."""
    assert [int(ngd.step_limit(0.49, theorem) * 10**4) for theorem in ngd.THEOREMS] == [90, 5897, 8475]


@pytest.mark.parametrize(("theorem", "end"), [("T1", 0.5), ("T1-q", 0.6), ("T1-sharp", 1.0)])
def test_step_limit_is_positive_up_to_its_end_and_zero_beyond(theorem: str, end: float) -> None:
    assert ngd.step_limit(end * (1 - 1e-9), theorem) > 0
    assert ngd.step_limit(end * (1 + 1e-9), theorem) == 0
    assert ngd.step_limit(2.9, theorem) == 0
    assert ngd.step_limit(0.0, theorem) == 1


@pytest.mark.parametrize("C", CONSTANTS)
def test_rates_are_those_of_the_statement(C: Fraction) -> None:
    eta = Fraction(1, 7)
    q, rho = 2 * C / (3 - C), (3 + C) / (3 - C)
    agree(ngd.rate(float(eta), float(C), "T1") ** 2, 1 - eta)
    agree(ngd.rate(float(eta), float(C), "T1-q"), 1 - eta * (1 - q))
    agree(ngd.rate(float(eta), float(C), "T1-sharp"), 1 - eta / rho)
    assert ngd.rate(float(eta), float(C)) == ngd.rate(float(eta), float(C), "T1-sharp")
    agree(ngd.first_step_rate(float(eta), float(C)), 1 - eta + eta * C / 3)
    agree(ngd.first_step_rate(2.5, float(C)), Fraction(3, 2) + Fraction(5, 2) * C / 3)
    agree(ngd.step_rate(float(eta), float(C)), 1 - eta + eta * C)
    agree(ngd.step_rate(1.5, float(C)), Fraction(1, 2) + Fraction(3, 2) * C)


@pytest.mark.parametrize("C", CONSTANTS)
def test_radii_are_those_of_the_statement(C: Fraction) -> None:
    c = C / 3
    residual, smallest = 3.0, 0.25  # ||r(0)||/sqrt(lambda) = 6
    agree(ngd.radius(float(C), residual, smallest, "T1"), 6 * 2 / (1 - c))
    agree(ngd.radius(float(C), residual, smallest, "T1-q"), 6 / (1 - C), 400)
    agree(ngd.radius(float(C), residual, smallest, "T1-sharp"), 6 * (1 + c) / (1 - c) ** 2)
    assert ngd.radius(float(C), residual, smallest) == ngd.radius(float(C), residual, smallest, "T1-sharp")
    assert ngd.condition_radius(residual, smallest) == 18
    agree(ngd.stability_constant(float(C), smallest), 6 * C)
    assert ngd.radius(1.5, residual, smallest, "T1-q") == math.inf


@pytest.mark.parametrize("theorem", ngd.THEOREMS)
def test_radii_stay_within_the_ball_of_condition_2_where_the_theorem_applies(theorem: str) -> None:
    """O-ball, O-tq, O-sharp-ball: the path never leaves the ball on which J was assumed to be stable."""
    for k in range(1000):
        C = ngd.constant_limit(theorem) * k / 1000
        assert ngd.radius(C, 1.0, 1.0, theorem) <= ngd.condition_radius(1.0, 1.0)
    end = {"T1": 0.5, "T1-q": 2 / 3, "T1-sharp": 1.0}[theorem]
    slack = 3 - ngd.radius(end, 1.0, 1.0, theorem)
    assert (slack > 0.5) if theorem == "T1" else (abs(slack) <= 3 * gamma(64))  # equality exactly at the end


@pytest.mark.parametrize("theorem", ngd.THEOREMS)
def test_the_own_factor_gives_the_paper_s_rate_up_to_the_step_limit_and_not_beyond(theorem: str) -> None:
    """``rate^2 <= 1 - eta`` for eta up to step_limit; T1-q and T1-sharp are sharp there: beyond it fails."""
    for C in (0.01, 0.1, 0.3, 0.45):
        limit = ngd.step_limit(C, theorem)
        for share in (0.01, 0.5, 0.99, 1 - 1e-12):
            eta = share * limit
            assert ngd.rate(eta, C, theorem) ** 2 <= (1 - eta) * (1 + gamma(8))
        if theorem != "T1":
            eta = 1.001 * limit
            assert ngd.rate(eta, C, theorem) ** 2 > 1 - eta


def test_sharper_theorems_allow_larger_steps_and_T1_needs_the_smallest_constant() -> None:
    for k in range(1, 50):
        C = k / 100
        limits = [ngd.step_limit(C, theorem) for theorem in ngd.THEOREMS]
        assert limits == sorted(limits)
    assert [ngd.constant_limit(theorem) for theorem in ngd.THEOREMS] == [0.5, 2 / 3, 1.0]


@pytest.mark.parametrize(
    ("theorem", "inside", "outside"), [("T1", 0.499, 0.5), ("T1-q", 0.6666, 0.6667), ("T1-sharp", 0.999, 1.0)]
)
def test_applies_and_validity_limit_end_where_the_theorem_does(theorem: str, inside: float, outside: float) -> None:
    assert ngd.applies(inside, theorem)
    assert not ngd.applies(outside, theorem)
    assert ngd.validity_limit(outside, theorem) == 0
    expected = 1.0 if theorem == "T1-q" else ngd.step_limit(inside, theorem)
    assert ngd.validity_limit(inside, theorem) == expected > 0
    assert ngd.applies(2 / 3, "T1-q")  # its end belongs to it
    assert ngd.validity_limit(0.1) == ngd.step_limit(0.1)


def test_iterations_is_the_least_count() -> None:
    assert ngd.iterations(0.5, 1e-6) == 20
    assert ngd.iterations(0.5, 0.5) == 1
    for factor, reduction in ((0.9, 1e-6), (0.99, 1e-3), (0.3, 0.1)):
        k = ngd.iterations(factor, reduction)
        assert factor**k <= reduction < factor ** (k - 1)


def test_balls_go_through_every_formula() -> None:
    """The confirmation of a violation evaluates the same functions in ball arithmetic."""
    eta, C = arb("0.25"), arb("0.4")
    for theorem in ngd.THEOREMS:
        assert abs(float(ngd.rate(eta, C, theorem)) - ngd.rate(0.25, 0.4, theorem)) <= gamma(32)
        assert isinstance(ngd.radius(C, arb(1), arb("0.5"), theorem), arb)
    assert isinstance(ngd.first_step_rate(eta, C), arb)
    assert isinstance(ngd.step_rate(eta, C), arb)


def test_bad_constants_steps_and_names_are_refused() -> None:
    for bad in (-0.1, 3.0, math.nan, math.inf):
        with pytest.raises(ScaleError, match="stability constant"):
            ngd.step_limit(bad)
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ScaleError, match="step size"):
            ngd.rate(bad, 0.1)
    with pytest.raises(ScaleError, match="eta <= 1"):
        ngd.rate(1.5, 0.1, "T1")
    for bad in (0.0, 3.1):
        with pytest.raises(ScaleError, match="0 < eta <= 3"):
            ngd.first_step_rate(bad, 0.1)
    assert ngd.first_step_rate(3.0, 0.0) == 2
    for function in (ngd.condition_radius, ngd.radius):
        with pytest.raises(ScaleError, match="Condition 1"):
            function(*((0.1, 1.0, 0.0) if function is ngd.radius else (1.0, 0.0)))
    with pytest.raises(ScaleError, match="Condition 1"):
        ngd.stability_constant(0.1, -1.0)
    with pytest.raises(ChoiceError, match="known: T1, T1-q, T1-sharp"):
        ngd.step_limit(0.1, "T9")
    for factor, reduction in ((1.0, 0.5), (0.0, 0.5), (0.5, 1.0), (0.5, 0.0)):
        with pytest.raises(ScaleError, match="strictly between"):
            ngd.iterations(factor, reduction)


@pytest.mark.parametrize("norm", [math.nan, -1.0, math.inf, arb("nan"), arb(-2)])
def test_a_radius_needs_a_residual_norm(norm: float) -> None:
    for radius in (ngd.condition_radius, lambda r, lam: ngd.radius(0.1, r, lam)):
        with pytest.raises(ScaleError, match="0 or more"):
            radius(norm, 1.0)
    assert ngd.condition_radius(0.0, 1.0) == 0


@pytest.mark.parametrize("C", CONSTANTS)
def test_line_sines_and_the_limit_of_the_sharp_factor(C: Fraction) -> None:
    c = C / 3
    agree(ngd_line.line_sine(float(C)), 2 * C / (3 - C))
    squared = Fraction(ngd_line.line_sine(float(C), "T1-line-sharp")) ** 2
    assert abs(squared - (2 * c) ** 2 * (1 - 4 * c**2) / (1 - 3 * c**2) ** 2) <= Fraction(gamma(60))
    half = math.asin(float(c) / math.sqrt(1 - 3 * float(c) ** 2))
    assert ngd_line.line_sine(float(C), "T1-line-sharp") == pytest.approx(math.sin(2 * half), rel=1e-13)
    assert (
        math.sin(2 * math.asin(float(c)))
        <= ngd_line.line_sine(float(C), "T1-line-sharp")
        <= ngd_line.line_sine(float(C))
    )
    agree(ngd_sharp.factor_limit(float(C)), (1 + c) * (1 - 3 * c) / (1 - 2 * c - c**2), 80)
    assert ngd.step_limit(float(C)) <= ngd_sharp.factor_limit(float(C)) <= 1
    along, constant = ngd_sharp.lemma_constants(float(c))
    agree(along, c / (1 + c))
    agree(constant, (1 + c) * (1 - 2 * c))


def test_ends_of_the_line_s_and_the_factor_s_ranges() -> None:
    assert ngd_line.line_sine(1.0) == 1
    assert ngd_sharp.factor_limit(1.0) == 0
    for bad in (1.0001, math.nan):
        with pytest.raises(ScaleError, match="T1-line needs C <= 1"):
            ngd_line.line_sine(bad)
    with pytest.raises(ScaleError, match="stability constant"):
        ngd_line.line_sine(-0.1, "T1-line-sharp")
    with pytest.raises(ChoiceError, match="known: T1-line, T1-line-sharp"):
        ngd_line.line_sine(0.1, "T1")
    for bad in (0.0, 1.0, math.nan):
        with pytest.raises(ScaleError, match="0 < c < 1"):
            ngd_sharp.lemma_constants(bad)
