"""T5-width's constants against their definitions, its bound against a plain computation, and where it is said to be below 1."""

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq

from theory.directed import exact
from theory.direction import LowerBound, UpperBound
from theory.errors import DegenerateInputsError, DirectionError, ScaleError, WidthError
from theory.inputs import normalise_rows
from theory.kernels.limiting import limiting_gram
from theory.rigour.precision import working_precision
from theory.theorems import finite_width as law
from theory.theorems import population_bound as module
from theory.theorems.population_bound import (
    PopulationBound,
    SampleNumbers,
    Setting,
    absolute_norm,
    closing_ratio,
    population_bound,
)


def sample() -> SampleNumbers:
    rng = np.random.default_rng(0)
    return SampleNumbers.of(normalise_rows(rng.standard_normal((40, 200))), 0.1 * rng.choice([-1.0, 1.0], 40))


def plain(numbers: SampleNumbers, setting: Setting, g: float, steps: int) -> dict[str, float]:
    """The formulas of docs/generalisation.md once more, in float64, for eta = 1."""
    n, m, nu, delta = numbers.n, setting.width, setting.scale, setting.delta
    M, share = (m / 2, delta / 10) if setting.symmetric else (m, delta / 12)
    U = 0.0 if setting.symmetric else nu * math.sqrt(n / (2 * share))
    R = math.sqrt(numbers.inverse_form) + U / math.sqrt(numbers.lambda0)
    s = 1 - math.sqrt(2 * numbers.squared_norm * math.log(n / share) / (M * numbers.lambda0))
    b = math.sqrt(numbers.squared_norm) * R / (math.sqrt(m * numbers.lambda0) * s * (1 - 2 * g))
    p = math.sqrt(2 / math.pi) * b / nu
    L = math.log(2 * n / share)
    phi = p + 2 * math.sqrt(p * L / M) + 4 * L / (3 * M)
    B = R * math.sqrt((1 - g) / s) / (1 - 2 * g)
    T = 0.5 + math.sqrt(math.log(1 / share) / (2 * M))
    L = math.log(1 / share)
    e = math.sqrt(m) * b * (p / 2 + math.sqrt(2 * p * L / (3 * M)) + 2 * L / (3 * M))
    return {
        "closing": numbers.absolute_norm * phi / (s * numbers.lambda0),
        "complexity": 2 * B * math.sqrt(T / n),
        "confidence": 1 / setting.cells + math.sqrt(math.log(2 * setting.cells / delta) / (2 * n)),
        "training": (g / (1 - g)) ** steps * (math.sqrt(numbers.squared_targets) + U) / math.sqrt(n),
        "linearisation": 2 * e,
    }


@pytest.mark.parametrize(
    "setting", [Setting(2000, 1000.0, 0.1, 10), Setting(20000, 10.0, 0.05, 7), Setting(10**9, 0.01, 0.1, 10, False)]
)
def test_the_bound_is_that_of_the_text(setting: Setting) -> None:
    numbers = sample()
    found = population_bound(numbers, setting, 1.0, 3)
    assert found is not None
    expected = plain(numbers, setting, found.ratio, 3)
    assert found.ratio * (1 - 1e-6) <= expected.pop("closing") <= found.ratio * (1 + 1e-12)
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-11), name
    assert found.total == pytest.approx(sum(expected.values()), rel=1e-12)


def test_the_numbers_of_the_text_are_those_printed_there() -> None:
    found = [
        population_bound(sample(), Setting(width, scale, 0.1, 10, symmetric), 1.0, 3)
        for width, scale, symmetric in (
            (2000, 1e3, True),
            (20000, 10.0, True),
            (10**8, 0.01, False),
            (10**9, 0.01, False),
        )
    ]
    assert [None if one is None else round(one.total, 2) for one in found] == [0.74, 0.59, None, 0.91]


def test_it_tends_to_its_limit_as_the_width_grows() -> None:
    numbers = sample()
    limit = math.sqrt(2 * numbers.inverse_form / 40) + 0.1 + math.sqrt(math.log(200) / 80)
    excess = [population_bound(numbers, Setting(10**k, 1000.0, 0.1, 10), 1.0, 60) for k in (4, 6, 8, 10)]
    gaps = [one.total - limit for one in excess if one is not None]
    assert len(gaps) == 4
    for wide, wider in itertools.pairwise(gaps):
        assert 0 < wider < wide / 8  # like m^{-1/2}
    assert gaps[-1] < 1e-3


@pytest.mark.parametrize("width", [4000, 5000, 6000, 7000, 8000, 9000])
def test_what_is_told_is_rounded_outwards_by_one_float(width: int) -> None:
    """Against the same numbers in 300 bits; to the nearest float each would be within at some of the widths only."""
    numbers, setting, eta, steps = sample(), Setting(width, 1000.0, 0.1), 0.7, 5
    told = population_bound(numbers, setting, eta, steps)
    assert told is not None
    share, n, g = setting.share, numbers.n, exact(told.ratio)
    with working_precision(300):
        kept, size = module._start(numbers, setting)
        b, distance = module._tube(numbers, setting, kept, size, g), law.distance_bound(size, kept, g)
        outputs = law.initial_output(n, exact(setting.scale), share, True)
        first = arb(exact(numbers.squared_targets)).sqrt() + outputs
        above = {
            "complexity": law.uniform_complexity(distance, law.feature_trace(width, share, True, like=b), n),
            "confidence": law.uniform_confidence(n, exact(setting.delta) / 2, setting.cells),
            "training": law.tube_rate(exact(eta), g) ** steps * first / arb(n).sqrt(),
            "linearisation": 2 * law.linearisation_error(b, exact(setting.scale), width, share, True),
            "tube": b,
            "distance": distance,
        }
        for name, number in {**above, "total": sum(list(above.values())[:4])}.items():
            found = getattr(told, name)
            assert arb(number) <= arb(found), name
            assert arb(number) >= arb(math.nextafter(found, 0)), name
        assert arb(told.kept) <= arb(kept) <= arb(math.nextafter(told.kept, 1))


def test_a_ratio_of_one_half_closes_no_tube(monkeypatch: pytest.MonkeyPatch) -> None:
    """Just below it one does: the theorem asks for ``g < 1/2``."""
    room = 1 + module.ROOM
    half = next(
        x for x in (0.5 / room, math.nextafter(0.5 / room, 1), math.nextafter(0.5 / room, 0)) if x * room == 0.5
    )
    for needed, found in ((half, None), (half - 2.0**-50, (half - 2.0**-50) * room)):
        monkeypatch.setattr(module, "_needed", lambda *_, needed=needed: exact(needed))
        assert closing_ratio(sample(), Setting(2000, 1000.0, 0.1)) == found


def test_a_tube_that_does_not_close_gives_no_bound_and_a_ratio_too_small_is_an_error() -> None:
    numbers = sample()
    assert closing_ratio(numbers, Setting(200, 1000.0, 0.1)) is None
    assert closing_ratio(numbers, Setting(2000, 1.0, 0.1)) is None
    assert population_bound(numbers, Setting(2000, 1.0, 0.1), 1.0, 3) is None
    least = closing_ratio(numbers, Setting(2000, 1000.0, 0.1))
    assert least is not None
    with pytest.raises(ScaleError, match="does not close"):
        population_bound(numbers, Setting(2000, 1000.0, 0.1), 1.0, 3, ratio=0.9 * least)
    larger = population_bound(numbers, Setting(2000, 1000.0, 0.1), 1.0, 3, ratio=1.5 * least)
    smallest = population_bound(numbers, Setting(2000, 1000.0, 0.1), 1.0, 3)
    assert larger is not None
    assert smallest is not None
    assert larger.total > smallest.total


def test_the_sample_s_numbers_are_on_their_sound_sides() -> None:
    rng = np.random.default_rng(3)
    rows, y = normalise_rows(rng.standard_normal((12, 6))), rng.standard_normal(12)
    numbers = SampleNumbers.of(rows, y)
    limit, kernel = limiting_gram(rows), rows @ rows.T
    assert np.linalg.eigvalsh(limit)[0] * (1 - 1e-9) <= numbers.lambda0 <= np.linalg.eigvalsh(limit)[0]
    for value, truth in (
        (numbers.squared_norm, np.linalg.eigvalsh(kernel)[-1]),
        (numbers.absolute_norm, np.linalg.eigvalsh(np.abs(kernel))[-1]),
        (numbers.inverse_form, y @ np.linalg.solve(limit, y)),
        (numbers.squared_targets, y @ y),
    ):
        assert truth <= value <= truth * (1 + 1e-7)
    assert absolute_norm(np.eye(3)) == pytest.approx(1, rel=1e-12)
    with pytest.raises(DegenerateInputsError, match="lambda0"):
        SampleNumbers.of(np.ones((2, 1)), np.ones(2))


def test_what_the_limiting_kernel_is_off_by_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were each entry off by 1e-4, the kernel could be ``G - n 1e-4 I``."""
    rng = np.random.default_rng(3)
    rows, y = normalise_rows(rng.standard_normal((6, 12))), rng.standard_normal(6)
    monkeypatch.setattr(module, "gram_entry_error", lambda dim: 1e-4)
    numbers, worst = SampleNumbers.of(rows, y), limiting_gram(rows) - 6e-4 * np.eye(6)
    assert 0 < numbers.lambda0 <= np.linalg.eigvalsh(worst)[0] * (1 + 1e-12)
    assert numbers.inverse_form >= y @ np.linalg.solve(worst, y) * (1 - 1e-12)


def test_what_the_rows_products_are_off_by_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were ``gamma_d`` 1e-3, each entry of ``|K|`` could be larger by as much."""
    monkeypatch.setattr(module, "gamma", lambda count: 1e-3)
    assert absolute_norm(np.eye(3)) >= np.linalg.eigvalsh(np.eye(3) + 1e-3)[-1] * (1 + 1e-3)


def test_squared_targets_are_not_below_the_exact_ones() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        y = rng.standard_normal(4)
        numbers = SampleNumbers.of(np.eye(4), y)
        assert Fraction(numbers.squared_targets) >= sum(Fraction(value) ** 2 for value in y.tolist())
    spread = SampleNumbers.of(normalise_rows(np.ones((4, 4)) + 0.1 * np.eye(4)), np.full(4, 6.5e153))
    assert spread.squared_targets + spread.inverse_form == math.inf  # each is a float, and that is enough
    assert max(spread.squared_targets, spread.inverse_form) < math.inf
    tiny = SampleNumbers.of(np.eye(2), np.array([1e-170, 0.0]))
    assert Fraction(tiny.squared_targets) >= Fraction(1e-170) ** 2
    assert Fraction(tiny.inverse_form) >= 2 * Fraction(1e-170) ** 2


def test_formulas_at_points_where_they_are_rational_and_in_balls() -> None:
    assert law.bernstein_deviation(2.0, 3.0, 4.0) == 12.0
    assert law.tube_rate(0.5, 0.25) == math.nextafter(2 / 3, 1)
    assert law.distance_bound(3.0, 1.0, 0.0) == 3.0
    assert law.tube_bound(2.0, 0.25, 4.0, 0.5, 0.25, 64) == 4.0
    assert law.residual_size(4.0, 0.25, 1.0) == 4.0
    assert law.initial_output(8, 2.0, 0.25, symmetric=False) == 8.0
    assert law.initial_output(8, 2.0, 0.25) == 0.0
    assert law.uniform_complexity(3.0, 0.25, 9) == 1.0
    assert law.event_share(fmpq(1, 10)) == fmpq(1, 100)
    assert law.event_share(fmpq(3, 5), symmetric=False) == fmpq(1, 20)
    assert isinstance(law.flip_share(arb(1), arb(1000), 4, 100, fmpq(1, 10)), arb)
    assert arb(law.margin_probability(arb(1), arb(2))).overlaps((1 / (2 * arb.pi())).sqrt())


def test_the_share_that_is_kept_fails_as_rarely_as_asked_for() -> None:
    for width in (4000, 10**6):
        kept = law.relative_share(0.3, 2.0, 40, width, 0.01)
        assert 0 < kept < 1
        assert law.relative_failure(0.3, 2.0, 40, width, kept) <= 0.01
    assert law.relative_share(0.3, 2.0, 40, 100, 0.01) < 0


@pytest.mark.parametrize(("largest", "delta"), [(10**5, Fraction(1)), (10**15, Fraction(1, 10))])
def test_the_middle_term_of_T5_is_larger_up_to_the_sizes_of_the_text(largest: int, delta: Fraction) -> None:
    """Times ``(2n)^{1/2}``, at the largest n and delta: the left side grows with n, and by less than the right one as delta falls."""
    cells = math.isqrt(largest - 1) + 1
    failure = arb(fmpq(delta.numerator, delta.denominator))
    left = arb(2).sqrt() + (2 * cells / failure).log().sqrt()
    assert left < 3 * (6 / failure).log().sqrt()
    assert not left * 1.05 < 3 * (6 / failure).log().sqrt()


def test_bad_numbers_have_named_errors() -> None:
    for bad in (-0.1, 0.5, math.nan):
        with pytest.raises(ScaleError, match="0 <= g < 1/2"):
            law.distance_bound(1.0, 1.0, bad)
    for eta in (0.0, 1.5, math.nan):
        with pytest.raises(ScaleError, match="0 < eta <= 1"):
            law.tube_rate(eta, 0.1)
    with pytest.raises(ScaleError, match="delta"):
        law.event_share(1.0)
    with pytest.raises(ScaleError, match="width b"):
        law.margin_probability(-1.0, 1.0)
    with pytest.raises(WidthError):
        law.feature_trace(0, 0.1)
    with pytest.raises(ScaleError, match="s is"):
        law.tube_bound(1.0, 0.3, 2.0, 0.0, 0.1, 100)


def test_targets_whose_squares_vanish_have_a_length_and_those_whose_squares_overflow_are_refused() -> None:
    rows = np.eye(2)
    for size in (1.0, 1e-170, 5e-324):
        numbers = SampleNumbers.of(rows, np.full(2, size))
        assert 0 < 2 * exact(size) ** 2 <= exact(numbers.squared_targets)
        assert 4 * exact(size) ** 2 <= exact(numbers.inverse_form)  # G_inf = I/2
    with pytest.raises(ScaleError, match="beyond float64"):
        SampleNumbers.of(rows, np.full(2, 1e200))


def test_the_numbers_are_bounds_of_their_kinds() -> None:
    numbers = sample()
    with pytest.raises(DirectionError, match=r"SampleNumbers\.lambda0"):
        replace(numbers, lambda0=UpperBound(numbers.lambda0 + 0.0))  # type: ignore[arg-type]
    with pytest.raises(DirectionError, match=r"SampleNumbers\.squared_norm"):
        replace(numbers, squared_norm=numbers.squared_norm + 0.0)  # type: ignore[arg-type]
    found = population_bound(numbers, Setting(2000, 1000.0, 0.1, 10), 1.0, 3)
    assert found is not None
    assert type(found.total) is UpperBound
    assert type(found.kept) is LowerBound


@pytest.mark.parametrize("steps", [-1, 1.5, math.nan, True])
def test_steps_are_a_count(steps: float) -> None:
    with pytest.raises(ScaleError, match="steps is"):
        population_bound(sample(), Setting(2000, 1000.0, 0.1, 10), 1.0, steps)  # type: ignore[arg-type]


def test_a_width_of_pairs_is_even() -> None:
    with pytest.raises(WidthError, match="even width"):
        population_bound(sample(), Setting(2001, 1000.0, 0.1, 10), 1.0, 3)
    assert population_bound(sample(), Setting(2000.0, 1000.0, 0.1, 10), 1.0, 3) == population_bound(  # type: ignore[arg-type]
        sample(), Setting(2000, 1000.0, 0.1, 10), 1.0, 3
    )


def test_every_term_is_in_the_total() -> None:
    found = population_bound(sample(), Setting(2000, 1000.0, 0.1, 10), 0.5, 1)
    assert isinstance(found, PopulationBound)
    terms = found.complexity, found.confidence, found.training, found.linearisation
    assert min(terms) > 0
    assert found.total == pytest.approx(sum(terms), rel=1e-12)
