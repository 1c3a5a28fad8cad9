"""Kinds of bounds: what each may stand for, what arithmetic leaves of it, and what gives a certificate back."""

import json
import math
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

from theory.direction import (
    NONNEGATIVE,
    UNBOUNDED,
    Attained,
    Bound,
    CertifiedSteps,
    Directed,
    LowerBound,
    UpperBound,
    as_attained,
    as_certified_steps,
    as_lower_bound,
    as_upper_bound,
    bounding,
    computed,
    digits,
    evidence,
    lowered,
    margin,
    not_above,
    raised,
    reduced,
    stated,
)
from theory.errors import DirectionError
from theory.theorems import gradient_descent, kfac, ngd

KINDS = (UpperBound, LowerBound, Attained)
WANTED = {UpperBound: as_upper_bound, LowerBound: as_lower_bound, Attained: as_attained}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_taken_for_itself_alone(kind: type[Bound]) -> None:
    value = kind(0.25)
    assert WANTED[kind](value, "x") is value
    for other in (*(one(0.25) for one in KINDS if one is not kind), 0.25, np.float64(0.25), Fraction(1, 4)):
        with pytest.raises(DirectionError, match=r"^x is .* is needed here$"):
            WANTED[kind](other, "x")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bound_is_a_float_and_what_is_computed_from_it_is_a_plain_one(kind: type[Bound]) -> None:
    value = kind(0.25)
    assert (value, f"{value:.2f}", repr(value), json.dumps([value])) == (0.25, "0.25", "0.25", "[0.25]")
    assert pickle.loads(pickle.dumps(value)) == value
    for result in (value + 1, 2 * value, -value, value / 2, abs(value), math.sqrt(value), max(value, 0.5), +value):
        assert type(result) is float
    assert np.array([value]).dtype == np.float64


def test_one_kind_does_not_become_another() -> None:
    for kind in KINDS:
        for other in KINDS:
            if other is not kind:
                with pytest.raises(DirectionError, match="does not become"):
                    kind(other(0.5))
        with pytest.raises(DirectionError, match="nan is not"):
            kind(math.nan)
        with pytest.raises(DirectionError, match="is no float64 number"):
            kind(2**53 + 1)
        assert type(kind(kind(0.5))) is kind
    with pytest.raises(DirectionError, match="on which side is not said"):
        Bound(0.5)


def test_certified_steps_are_counted_by_a_certificate() -> None:
    assert as_certified_steps(CertifiedSteps(20), "steps") == 20
    for wrong in (20, 10**6, UpperBound(20.0), True):
        with pytest.raises(DirectionError, match="a number of certified steps is needed here"):
            as_certified_steps(wrong, "steps")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "count", "printed"),
    [
        (UpperBound(0.91361), 3, "0.914"),
        (LowerBound(0.91379), 3, "0.913"),
        (Attained(0.91379), 3, "0.913"),
        (UpperBound(1.0), 4, "1"),
        (UpperBound(12345.1), 3, "1.24e+04"),
        (UNBOUNDED, 4, "inf"),
        (LowerBound(-0.00123), 2, "-0.0013"),
    ],
)
def test_digits_are_cut_towards_the_side_of_the_bound(value: UpperBound, count: int, printed: str) -> None:
    assert digits(value, count) == printed


def test_a_plain_number_is_not_printed_as_a_bound() -> None:
    with pytest.raises(DirectionError, match=r"0\.5 is a plain float; only a bound is printed as one"):
        digits(0.5)  # type: ignore[arg-type]
    assert (computed(0.91379, 3), raised(0.91311, 3), raised(10**30 + 1, 2)) == ("0.914", "0.914", "1.1e+30")


def test_the_word_for_the_evidence_follows_from_the_kind() -> None:
    assert stated({"a": LowerBound(0.5), "b": UpperBound(2.0)}) == "a >= 0.5, b <= 2 (certified)"
    assert stated({"C": Attained(0.5)}) == "C >= 0.5 (attained)"
    assert stated({"C": 0.5 * UpperBound(1.0)}) == "C = 0.5 (computed)"
    with pytest.raises(DirectionError, match=r"a, b are known in different ways \(certified, computed\)"):
        stated({"a": LowerBound(0.5), "b": 2.0})
    assert [evidence(one) for one in (UpperBound(1.0), LowerBound(1.0), Attained(1.0), 1.0)] == [
        "certified",
        "certified",
        "attained",
        "computed",
    ]


def test_a_number_is_allowed_up_to_a_certified_limit() -> None:
    assert not_above(0.5, LowerBound(0.5)) == 0.5
    for value, limit in ((0.5, 0.4), (0.0, 0.4), (-1.0, 0.4)):
        assert not_above(value, LowerBound(limit)) is None
    for wrong in (UpperBound(1.0), Attained(1.0), 1.0):
        with pytest.raises(DirectionError):
            not_above(0.5, wrong)  # type: ignore[arg-type]


def test_differences_of_bounds_are_rounded_down() -> None:
    rng = np.random.default_rng(5)
    for bound, other in rng.standard_normal((50, 2)).tolist():
        less, left = lowered(LowerBound(bound), other), margin(other, UpperBound(bound))
        assert (
            Fraction(less)
            <= Fraction(bound) - Fraction(other)
            <= Fraction(math.nextafter(math.nextafter(less, math.inf), math.inf))
        )
        assert (
            Fraction(left)
            <= Fraction(other) - Fraction(bound)
            <= Fraction(math.nextafter(math.nextafter(left, math.inf), math.inf))
        )
    for wrong in (UpperBound(1.0), 1.0):
        with pytest.raises(DirectionError):
            lowered(wrong, 0.5)  # type: ignore[arg-type]
    with pytest.raises(DirectionError):
        margin(0.5, LowerBound(1.0))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Found(Directed):
    constant: UpperBound
    attained: Attained | None = None
    limits: Mapping[str, LowerBound] = field(default_factory=dict)
    name: str = ""


@pytest.mark.parametrize(
    ("bound", "amount"), [(1.0, 2.0**-60), (1.0, 0.1), (3.0, 2.0), (0.7, 1e-17), (2.0**-1074, 0.25)]
)
def test_differences_of_bounds_are_below_the_exact_ones(bound: float, amount: float) -> None:
    """Also where the nearest float is not; no more than two floats below."""
    cases = (
        (lowered(LowerBound(bound), amount), Fraction(bound) - Fraction(amount)),
        (margin(amount, UpperBound(bound)), Fraction(amount) - Fraction(bound)),
    )
    for found, exact in cases:
        assert Fraction(found) < exact <= Fraction(found) + 2 * Fraction(math.ulp(found))
    with pytest.raises(DirectionError):
        lowered(UpperBound(bound), amount)  # type: ignore[arg-type]
    with pytest.raises(DirectionError):
        margin(amount, LowerBound(bound))  # type: ignore[arg-type]


def test_fields_hold_what_they_declare() -> None:
    assert Found(UpperBound(1.0), None, {"T1": NONNEGATIVE}).constant == 1.0
    wrong: list[tuple[Any, ...]] = [
        (1.0,),
        (Attained(1.0),),
        (UpperBound(1.0), UpperBound(0.5)),
        (UpperBound(1.0), None, {"T1": 0.5}),
        (UpperBound(1.0), None, {"T1": NONNEGATIVE, "T1-q": UpperBound(0.5)}),
    ]
    for arguments in wrong:
        with pytest.raises(DirectionError, match=r"Found\.(constant|attained|limits) is .*; it holds a"):
            Found(*arguments)


def test_a_formula_gives_a_certificate_for_certificates_alone() -> None:
    def half(C: float, theorem: str = "") -> float:
        return C / 2

    directed = bounding(LowerBound, C=UpperBound)(half)
    assert type(directed(UpperBound(1.0))) is type(directed(C=UpperBound(1.0), theorem="T")) is LowerBound
    for plain in (Attained(1.0), LowerBound(1.0), 1.0):
        assert type(directed(plain)) is float
    with pytest.raises(TypeError, match="half has no parameter D"):
        bounding(LowerBound, D=UpperBound)(half)


@pytest.mark.parametrize("theorem", ngd.THEOREMS)
def test_step_sizes_and_factors_of_ngd_are_certified_from_a_certified_constant(theorem: str) -> None:
    assert type(ngd.step_limit(UpperBound(0.25), theorem)) is LowerBound
    assert type(ngd.validity_limit(UpperBound(0.25), theorem)) is LowerBound
    assert type(ngd.rate(0.125, UpperBound(0.25), theorem)) is UpperBound
    assert type(ngd.rate(0.999, UpperBound(0.625), theorem)) is (UpperBound if theorem == "T1-q" else float)
    for attacked in (Attained(0.25), 0.25):
        assert type(ngd.step_limit(attacked, theorem)) is type(ngd.rate(0.125, attacked, theorem)) is float
    assert isinstance(ngd.step_limit(arb("0.25"), theorem), arb)


INPUT_NUMBERS = {"h_max": UpperBound(0.75), "mu_min": LowerBound(0.5)}


@pytest.mark.parametrize("theorem", kfac.THEOREMS)
@pytest.mark.parametrize("wrong", [None, "C", "h_max", "mu_min"])
def test_those_of_k_fac_need_every_number_certified(theorem: str, wrong: str | None) -> None:
    given: dict[str, float] = {"C": UpperBound(0.25), **INPUT_NUMBERS}
    if wrong is not None:
        given[wrong] = float(given[wrong])
    found = kfac.step_limit(**given, theorem=theorem)
    assert type(found) is (LowerBound if wrong is None else float)


@pytest.mark.parametrize("theorem", gradient_descent.THEOREMS)
def test_those_of_gd_too(theorem: str) -> None:
    known = UpperBound(0.25), UpperBound(1.5), LowerBound(0.125)
    limit = gradient_descent.step_limit(*known, theorem)
    assert type(limit) is LowerBound
    assert type(gradient_descent.rate(limit, *known, theorem)) is UpperBound
    assert type(gradient_descent.rate(2 * limit, *known, theorem)) is float
    for index in range(3):
        less = [float(one) if i == index else one for i, one in enumerate(known)]
        C, norm, least = less
        assert type(gradient_descent.step_limit(C, norm, least, theorem)) is float


SAMPLES = [k / 64 for k in range(1, 31)]


@pytest.mark.parametrize("theorem", ngd.THEOREMS)
def test_ngd_s_formulas_are_monotone_as_they_say(theorem: str) -> None:
    """A larger C allows less, and promises no faster rate."""
    for formula in (ngd.step_limit, ngd.validity_limit):
        values = [formula(C, theorem) for C in SAMPLES]
        assert values == sorted(values, reverse=True)
    factors = [ngd.rate(0.01, C, theorem) for C in SAMPLES]
    assert factors == sorted(factors)


@pytest.mark.parametrize("theorem", kfac.THEOREMS)
def test_k_fac_s_formulas_are_monotone_as_they_say(theorem: str) -> None:
    known = {"C": 0.25, "h_min": 0.25, "h_max": 0.75, "mu_min": 0.5, "mu_max": 2.0}
    for name, rising in (("C", False), ("h_max", False), ("mu_min", True)):
        used = {key: known[key] for key in ("C", "h_max", "mu_min")}
        values = [kfac.step_limit(**{**used, name: x}, theorem=theorem) for x in SAMPLES]
        assert values == sorted(values, reverse=not rising)
    for name, rising in (("C", True), ("h_max", True), ("h_min", False), ("mu_max", True)):
        used = {key: known[key] for key in ("C", "h_min", "h_max", "mu_max")}
        values = [kfac.rate(0.01, **{**used, name: x}, theorem=theorem) for x in SAMPLES]
        assert values == sorted(values, reverse=not rising)


@pytest.mark.parametrize("theorem", gradient_descent.THEOREMS)
def test_gd_s_formulas_are_monotone_as_they_say(theorem: str) -> None:
    """Beside a smaller lambda the same bound of ||J - J(0)|| is a larger C: with lambda and C of one certificate both fall."""
    constants = [(C, 1.5) for C in SAMPLES], [(0.25, norm) for norm in SAMPLES]
    for pairs in constants:
        limits = [gradient_descent.step_limit(C, norm, 0.125, theorem) for C, norm in pairs]
        factors = [gradient_descent.rate(1e-3, C, norm, 0.125, theorem) for C, norm in pairs]
        assert limits == sorted(limits, reverse=True)
        assert factors == sorted(factors)
    changed, eigenvalues = 0.02, [0.05 * k for k in range(1, 20)]
    known = [(3 * changed / math.sqrt(value), value) for value in eigenvalues]
    limits = [gradient_descent.step_limit(C, 1.5, value, theorem) for C, value in known]
    factors = [gradient_descent.rate(1e-3, C, 1.5, value, theorem) for C, value in known]
    assert limits == sorted(limits)
    assert factors == sorted(factors, reverse=True)


@pytest.mark.parametrize("value", [1 / 3, -1 / 3, 2 / 3, 123456.789, 9.99999e-7, 0.5, 10**25 + 1])
@pytest.mark.parametrize("count", [1, 2, 6])
def test_plain_numbers_are_rounded_to_the_side_that_is_asked_for(value: float, count: int) -> None:
    below, above = Fraction(reduced(value, count)), Fraction(raised(value, count))
    assert below <= Fraction(value) <= above
    assert above - below <= abs(Fraction(value)) * 10 / 10**count
