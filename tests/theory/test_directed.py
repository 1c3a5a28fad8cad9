"""Float answers lie on the stated side of the exact value, and next to it: against rational arithmetic, at every limit."""

import math
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

from theory.directed import at_least_exact, at_most_exact, exact, float_above, float_below
from theory.errors import ScaleError
from theory.rigour.precision import working_precision
from theory.theorems import (
    chernoff,
    general_loss,
    generalisation,
    gradient_advantage,
    gradient_descent,
    initial_residual,
    kernels,
    kfac,
    ngd,
    ngd_line,
    ngd_sharp,
    width,
)

Q = Fraction
BELOW, ABOVE = -1, 1


@pytest.fixture(autouse=True)
def precise() -> Iterator[None]:
    """The balls that tests compute themselves are narrow."""
    with working_precision(300):
        yield


ENDS = (0.5, 2 / 3, 0.6, 0.75, 1.0)
"""The limits of C of all theorems, as floats."""


def neighbours(end: float) -> tuple[float, ...]:
    """A float, the ones next to it, and the ones next to these."""
    below, above = math.nextafter(end, 0), math.nextafter(end, 4)
    return math.nextafter(below, 0), below, end, above, math.nextafter(above, 4)


def constants() -> Iterator[float]:
    """C around every limit, and anywhere."""
    for end in ENDS:
        yield from neighbours(end)
    yield from np.random.default_rng(0).uniform(0, 1.2, 20).tolist()
    yield from (0.0, 5e-324, 1e-300, 0.1, 0.3, 2.9)


def next_to(value: float, exact_value: Fraction, side: int, power: int = 1) -> bool:
    """Whether the float is the nearest on one side of an exact nonnegative number, of its root for ``power = 2``."""
    assert exact_value >= 0
    if value == math.inf:
        return side == ABOVE and Q(sys.float_info.max) ** power < exact_value
    inwards = math.nextafter(value, -side * math.inf)
    if side == ABOVE:
        return Q(value) ** power >= exact_value and (value == 0 or Q(inwards) ** power < exact_value)
    return Q(value) ** power <= exact_value and (inwards == math.inf or Q(inwards) ** power > exact_value)


def deficit(C: Fraction) -> Fraction:
    return 2 * C / (3 - C)


def ratio(C: Fraction) -> Fraction:
    return (3 + C) / (3 - C)


def positive(value: Fraction) -> Fraction:
    return max(value, Q(0))


STEP_LIMITS: dict[str, Callable[[Fraction], Fraction]] = {
    "T1": lambda C: positive((1 - 2 * C) / (1 + C) ** 2),
    "T1-q": lambda C: positive((1 - 2 * deficit(C)) / (1 - deficit(C)) ** 2) if C < 1 else Q(0),
    "T1-sharp": lambda C: positive(ratio(C) * (2 - ratio(C))),
}


@pytest.mark.parametrize(
    ("module", "theorem", "limit", "inclusive"),
    [
        (ngd, "T1", Q(1, 2), False),
        (ngd, "T1-q", Q(2, 3), True),
        (ngd, "T1-sharp", Q(1), False),
        (gradient_descent, "T0", Q(3, 5), False),
        (gradient_descent, "T0-sharp", Q(3, 4), True),
    ],
)
def test_the_range_of_C_is_decided_exactly(module: Any, theorem: str, limit: Fraction, inclusive: bool) -> None:
    for C in constants():
        inside = Q(C) <= limit if inclusive else Q(C) < limit
        assert module.applies(C, theorem) is inside, C
    assert next_to(module.constant_limit(theorem), limit, BELOW)
    assert module.applies(limit, theorem) is inclusive is module.applies(exact(limit), theorem)


@pytest.mark.parametrize("theorem", ngd.THEOREMS)
def test_step_limits_of_natural_gradient_descent_are_rounded_down(theorem: str) -> None:
    for C in constants():
        assert next_to(ngd.step_limit(C, theorem), STEP_LIMITS[theorem](Q(C)), BELOW), C
        limit = STEP_LIMITS[theorem](Q(C)) if theorem != "T1-q" else Q(1)
        inside = ngd.applies(C, theorem)
        assert next_to(ngd.validity_limit(C, theorem), limit if inside else Q(0), BELOW)
        for share in ("T4", "T4-lev", "T4-sharp", "T4-least") if theorem == "T1" else ():
            end = {"T4": Q(1, 2), "T4-lev": Q(3, 5), "T4-sharp": Q(1), "T4-least": Q(1)}[share]
            law = {"T4": "T1", "T4-lev": "T1-q", "T4-sharp": "T1-sharp", "T4-least": "T1-sharp"}[share]
            by_law = STEP_LIMITS[law](Q(C)) if Q(C) < end else Q(0)
            expected = by_law * Q(0.3) if share == "T4" else by_law / Q(0.7)
            assert next_to(kfac.step_limit(C, h_max=0.7, mu_min=0.3, theorem=share), expected, BELOW)


def test_factors_and_radii_of_natural_gradient_descent_are_rounded_up() -> None:
    residual, smallest = 0.7, 0.03
    unit = Q(residual) ** 2 / Q(smallest)
    assert next_to(ngd.condition_radius(residual, smallest), 9 * unit, ABOVE, 2)
    assert next_to(ngd.stability_constant(residual, smallest), 9 * unit, ABOVE, 2)
    for C in (value for value in constants() if value <= 1):
        c, q, rho = Q(C) / 3, deficit(Q(C)), ratio(Q(C))
        assert next_to(ngd.deficit(C), q, ABOVE)
        assert next_to(ngd.contraction_ratio(C), rho, ABOVE)
        assert next_to(ngd_sharp.factor_limit(C), (1 + c) * (1 - 3 * c) / (1 - 2 * c - c**2) if C < 1 else Q(0), BELOW)
        for eta in (0.1, 1 / 3, 1 - 2**-53, 2**-60):
            assert next_to(ngd.rate(eta, C, "T1"), 1 - Q(eta), ABOVE, 2)
            assert next_to(ngd.rate(eta, C, "T1-q"), 1 - Q(eta) * (1 - q), ABOVE)
            assert next_to(ngd.rate(eta, C), 1 - Q(eta) / rho, ABOVE)
            assert next_to(ngd.first_step_rate(eta, C), 1 - Q(eta) + Q(eta) * c, ABOVE)
            assert next_to(ngd.step_rate(eta, C), 1 - Q(eta) + Q(eta) * Q(C), ABOVE)
            share = Q(eta) * Q(0.2) * (2 / rho - Q(eta) * Q(0.9) / rho**2)
            assert next_to(kfac.rate(eta, C, h_min=0.2, h_max=0.9, theorem="T4-sharp"), 1 - share, ABOVE, 2)
            assert next_to(kfac.rate(eta, C, h_min=0.2, theorem="T4-least"), 1 - Q(eta) * Q(0.2) / rho, ABOVE)
        assert next_to(ngd.radius(C, residual, smallest, "T1"), unit * (2 / (1 - c)) ** 2, ABOVE, 2)
        assert next_to(ngd.radius(C, residual, smallest), unit * ((1 + c) / (1 - c) ** 2) ** 2, ABOVE, 2)
        if C < 1:
            assert next_to(ngd.radius(C, residual, smallest, "T1-q"), unit / (1 - Q(C)) ** 2, ABOVE, 2)
        sine = 4 * c**2 * (1 - 4 * c**2) / (1 - 3 * c**2) ** 2
        assert next_to(ngd_line.line_sine(C, "T1-line-sharp"), sine, ABOVE, 2)
        product = Q(smallest) * Q(0.2) * Q(0.3)
        assert next_to(
            kfac.radius(C, residual, smallest, 0.2, 0.3), (2 / (1 - c) * Q(residual)) ** 2 / product, ABOVE, 2
        )
    with pytest.raises(ScaleError, match=r"3\.0; a stability constant"):
        ngd.step_limit(3.0)


def test_limits_and_factors_of_gradient_descent() -> None:
    norm, smallest, eta = 1.7, 0.25, 0.05  # the root of the eigenvalue is rational
    for C in constants():
        c, q = Q(C) / 3, deficit(Q(C))
        bound = Q(norm) + c / 2
        assert next_to(gradient_descent.jacobian_bound(C, norm, smallest), bound, ABOVE)
        plain = (1 - 2 * q) / bound**2 if Q(C) < Q(3, 5) else Q(0)
        sharp = (1 - 2 * c) / (1 - c) / bound**2 if Q(C) <= Q(3, 4) else Q(0)
        assert next_to(gradient_descent.step_limit(C, norm, smallest), plain, BELOW)
        assert next_to(gradient_descent.step_limit(C, norm, smallest, "T0-sharp"), sharp, BELOW)
        share = Q(eta) * (1 - c) ** 2 * Q(smallest)
        assert next_to(gradient_descent.decrease(eta, C, norm, smallest), share, BELOW)
        assert next_to(gradient_descent.rate(eta, C, norm, smallest), 1 - share, ABOVE, 2)
        assert next_to(gradient_descent.radius(C, 0.7, 0.03), (2 / (1 - c) * Q(0.7)) ** 2 / Q(0.03), ABOVE, 2)
    assert next_to(gradient_advantage.linear_step_limit(norm), 2 / Q(norm) ** 2, BELOW)
    assert next_to(gradient_advantage.linear_rate(0.1, 0.3), 1 - Q(0.1) * Q(0.3), BELOW)
    assert next_to(gradient_advantage.fastest_rate(0.3, norm), 1 - 2 * Q(0.3) / Q(norm) ** 2, BELOW)
    assert next_to(gradient_advantage.worst_target_rate(0.1, 0.3), (Q(0.3) - Q(0.1)) / (Q(0.3) + Q(0.1)), BELOW)
    for bad in (math.nan, math.inf):
        with pytest.raises(ScaleError):
            gradient_advantage.linear_rate(bad, 1.0)
        with pytest.raises(ScaleError):
            kernels.pair_limit(bad)


def test_limits_and_factors_of_general_losses() -> None:
    for mu, L in ((1.0, 1.0), (0.3, 0.7), (0.1, 30.0)):
        strong, smooth = Q(mu), Q(L)
        kappa = smooth / strong
        ends = {"T2": 1 / (1 + kappa), "T2-q": min((3 + kappa) / (3 + 3 * kappa), 3 / (2 + kappa))}
        for theorem, end in ends.items():
            limit = general_loss.constant_limit(mu, L, theorem)
            assert next_to(limit, end, BELOW)
            for C in neighbours(limit):
                reached = Q(C) <= (3 + kappa) / (3 + 3 * kappa) and Q(C) < 3 / (2 + kappa)
                assert general_loss.applies(C, mu, L, theorem) is (Q(C) < end if theorem == "T2" else reached)
        for C in constants():
            q = deficit(Q(C))
            paper = positive(2 / (strong + smooth) * (1 - (1 + kappa) * Q(C)) / (1 + Q(C)) ** 2)
            assert next_to(general_loss.step_limit(C, mu, L, "T2"), paper, BELOW)
            sharp = positive(2 / (strong + smooth) * (1 - (1 + kappa) * q) / (1 - q) ** 2) if C < 1 else Q(0)
            assert next_to(general_loss.step_limit(C, mu, L), sharp, BELOW)
            assert next_to(general_loss.rate(0.01, C, mu, L), 1 - Q(0.01) * strong * (1 - q), ABOVE)
            own = (2 / (strong + smooth) - q / strong) / (1 - q) if general_loss.applies(C, mu, L) else Q(0)
            assert next_to(general_loss.validity_limit(C, mu, L), own, BELOW)
            rho = ratio(Q(C))
            breaking = 2 * rho / strong * (1 - rho * smooth / (strong + smooth))
            found = Q(general_loss.breaking_step(C, mu, L))
            assert breaking <= found <= breaking + abs(breaking) / 2**52
            if C < 1:
                unit = Q(0.7) ** 2 / Q(0.03)
                assert next_to(general_loss.radius(C, 0.7, 0.03, mu, L), (kappa / (1 - Q(C))) ** 2 * unit, ABOVE, 2)
                squared = ((1 + kappa) / (1 - Q(C) / 3)) ** 2 * unit
                assert next_to(general_loss.radius(C, 0.7, 0.03, mu, L, "T2"), squared, ABOVE, 2)
        squared = 1 - 2 * Q(0.01) * strong * smooth / (strong + smooth)
        assert next_to(general_loss.rate(0.01, 0.1, mu, L, "T2"), squared, ABOVE, 2)
        assert next_to(general_loss.radius_factor(mu, L), Q(3, 2) * (1 + kappa), ABOVE)
        assert next_to(
            general_loss.condition_radius(0.7, 0.03, mu, L), (Q(3, 2) * (1 + kappa) * Q(0.7)) ** 2 / Q(0.03), ABOVE, 2
        )


def test_an_integer_constant_of_a_loss_is_no_integer_division() -> None:
    assert general_loss.radius_factor(2, 3) == 3.75
    assert next_to(general_loss.constant_limit(2, 3, "T2"), Q(2, 5), BELOW)


@pytest.mark.parametrize("factor", [0.5, 0.9, 0.99, 1 / 3, 2**-30, 1 - 2**-8])
def test_iterations_are_never_too_few_and_never_too_many(factor: float) -> None:
    for power in (1, 2, 3, 20, 100):
        for reduction in neighbours(factor**power):
            if reduction > 0:
                k = ngd.iterations(factor, reduction)
                assert Q(factor) ** k <= Q(reduction) < Q(factor) ** (k - 1)


def test_iterations_of_a_factor_next_to_1() -> None:
    factor = 1 - 2.0**-53
    count = ngd.iterations(factor, 0.5)
    assert count == math.ceil(math.log(2) * 2**53 - 0.5 * math.log(2)) or abs(count - math.log(2) * 2**53) < 4
    ball = arb(factor)
    assert ngd.iterations(ball, arb(0.5)) >= count
    third, ninth = exact(Q(1, 3)), exact(Q(1, 9))
    assert ngd.iterations(third, ninth) == 2
    assert ngd.iterations(third, ninth - fmpq(1, 10**40)) == 3


def test_the_iterations_that_gradient_descent_needs_are_never_too_many() -> None:
    """``(1/2)^k <= reduction``: w/Lambda = 1/4, one component of length 1."""
    for power in (1, 5, 52):
        for reduction in neighbours(2.0**-power):
            k = gradient_advantage.least_iterations(np.array([0.25]), np.array([1.0]), 1.0, reduction)
            assert Q(1, 2) ** k <= Q(reduction) < Q(1, 2) ** (k - 1)
    assert gradient_advantage.least_iterations(np.array([0.25]), np.array([0.1]), 1.0, 0.5) == 0


def contains(value: float, formula: Callable[[], arb], side: int) -> bool:
    """Whether the float is on its side of the number in the ball, and not further away than two floats."""
    ball = formula()
    distance = (arb(value) - ball) * side
    return bool(distance > -ball.rad() * 4) and bool(abs(distance) <= arb(2 * math.ulp(value)))


def test_probabilities_and_widths_are_rounded_up() -> None:
    def beta() -> arb:
        return arb(0.25) + arb(0.75) * arb(0.75).log()

    assert contains(chernoff.chernoff_exponent(), beta, BELOW)
    for lambda0, squared in ((0.1, 3.0), (0.02, 30.0), (1e-9, 7.0)):
        assert contains(
            chernoff.chernoff_failure(lambda0, squared, 5, 1001),
            lambda: 5 * (-beta() * arb(lambda0) * 1001 / arb(squared)).exp(),  # noqa: B023
            ABOVE,
        )
        exact_width = arb(squared) * (arb(5) / arb(0.01)).log() / (beta() * arb(lambda0))
        assert chernoff.chernoff_width(lambda0, squared, 5, 0.01) == int(exact_width.ceil().unique_fmpz())
        assert chernoff.chernoff_width(lambda0, squared, 5, 0.01, True) == 2 * int(exact_width.ceil().unique_fmpz())
    assert next_to(initial_residual.mean_squared_residual(0.1, 3, 0.3), Q(0.1) + 3 * Q(0.3) ** 2 / 2, ABOVE)
    assert next_to(
        initial_residual.squared_residual_bound(0.1, 3, 0.3, 0.7), (Q(0.1) + 3 * Q(0.3) ** 2 / 2) / Q(0.7), ABOVE
    )
    constant = 1728 * 324 * 27 / (2 * arb.pi())
    assert contains(width.composition_constant(), lambda: constant, ABOVE)
    found = width.stability_width(0.1, 3, 0.3, 0.7, 0.5, 0.2)
    residual = arb(0.1) + 3 * arb(0.3) ** 2 / 2
    below = arb(0.5) ** 6 * arb(0.2) ** 4 * arb(0.3) ** 2 * arb(0.7) ** 3
    assert contains(found, lambda: constant * 27 * residual / below, ABOVE)
    assert contains(kernels.pattern_deviation_failure(0.1, 7), lambda: 2 * (-14 * arb(0.1) ** 2).exp(), ABOVE)
    assert kernels.pattern_deviation_failure(1e9, 7) == 5e-324  # a bound of a probability is not 0
    assert next_to(kernels.pair_limit(0.1), Q(1, 2) - Q(0.1), ABOVE)


@pytest.mark.parametrize("form", kernels.SEPARATION_FORMS)
def test_separation_bounds_are_rounded_down(form: str) -> None:
    for n, rho in ((1, 0.3), (2, 0.5), (2, 0.999), (5, 0.1), (9, 0.9), (3, 1 - 2**-53), (4, 0.0)):
        ball = kernels.separation_bound(arb(rho), n, form)
        found = kernels.separation_bound(rho, n, form)
        assert type(found) is float
        assert arb(found) <= arb(ball).upper()
        assert arb(found) >= arb(ball).lower() - arb(2 * math.ulp(found))


def test_generalisation_bounds_are_rounded_up() -> None:
    assert next_to(generalisation.complexity_term(0.3, 7), 2 * Q(0.3) / 7, ABOVE, 2)
    assert next_to(generalisation.rademacher_bound(0.3, 0.7, 7), Q(0.3) ** 2 * Q(0.7) / 49, ABOVE, 2)
    assert contains(generalisation.confidence_term(7, 0.3), lambda: 3 * ((arb(6) / arb(0.3)).log() / 14).sqrt(), ABOVE)
    assert generalisation.limiting_trace(7) == 3.5
    for eta in (0.1, 1.0, 2**-40):
        start = 3 * (arb(1.5) + arb(0.2) ** 2 / 2) / (arb(0.1) * arb(0.01) ** 2)
        steps = int((start.log() / arb(eta)).ceil().unique_fmpz())
        assert generalisation.training_steps(eta, 1.5, 0.2, 0.1, 0.01) == steps


def test_rational_numbers_and_balls_are_answered_in_kind() -> None:
    assert ngd.step_limit(fmpq(1, 4), "T1") == fmpq(8, 25)
    assert isinstance(ngd.radius(fmpq(1, 4), fmpq(1), fmpq(2)), arb)
    assert isinstance(ngd.step_limit(arb(0.25)), arb)
    assert type(ngd.step_limit(np.float64(0.25))) is float
    assert type(ngd.step_limit(0)) is float


def test_ends_of_the_range_of_float64() -> None:
    tiny, huge = fmpq(1, 10**400), fmpq(10**400)
    assert (float_below(tiny), float_above(tiny)) == (0.0, 5e-324)
    assert (float_below(-tiny), float_above(-tiny)) == (-5e-324, 0.0)
    assert (float_below(huge), float_above(huge)) == (sys.float_info.max, math.inf)
    assert (float_below(-huge), float_above(-huge)) == (-math.inf, -sys.float_info.max)
    small, large = arb(-(10**30)).exp(), arb(10**30).exp()
    assert (float_below(small), float_above(small)) == (0.0, 5e-324)
    assert (float_below(large), float_above(large)) == (sys.float_info.max, math.inf)
    assert (float_below(-large), float_above(-large)) == (-math.inf, -sys.float_info.max)
    assert (float_below(arb.nan()), float_above(arb.nan())) == (-math.inf, math.inf)
    assert (float_below(arb.pos_inf()), float_above(arb.neg_inf())) == (sys.float_info.max, -sys.float_info.max)
    assert (float_above(arb.pos_inf()), float_below(arb.neg_inf())) == (math.inf, -math.inf)
    assert (float_below(arb(0)), float_above(arb(0))) == (0.0, 0.0)
    assert float_below(fmpq(1, 3)) < Q(1, 3) < float_above(fmpq(1, 3)) == math.nextafter(float_below(fmpq(1, 3)), 1)


def test_a_formula_rounded_in_the_other_direction_is_told_apart() -> None:
    def third(value: float) -> float:
        return value / 3

    assert next_to(at_most_exact(third)(1.0), Q(1, 3), BELOW)
    assert next_to(at_least_exact(third)(1.0), Q(1, 3), ABOVE)
    assert not next_to(at_least_exact(third)(1.0), Q(1, 3), BELOW)
    assert not next_to(at_most_exact(third)(1.0), Q(1, 3), ABOVE)
    assert not next_to(math.nextafter(third(1.0), 0), Q(1, 3), BELOW)
