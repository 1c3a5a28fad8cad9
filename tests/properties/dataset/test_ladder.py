"""The ladder of networks on which a data set is certified: which rows and widths, and what the user may ask for in its place."""

import math

import pytest

from properties.dataset.ladder import ALL_ROWS, Rung, ladder, own_rungs
from properties.engine.claim import Depth
from theory.errors import ScaleError, WidthError


def widths(rungs: tuple[Rung, ...]) -> list[tuple[int, int]]:
    return [(rung.rows, rung.width) for rung in rungs]


def test_the_ladder_of_the_digits() -> None:
    few = [(10, 10_000), (10, 100_000)]
    assert widths(ladder(361, Depth.QUICK)) == [(361, 1024), (100, 4096), *few]
    whole = [(361, 1024), (361, 8192), (100, 4096), *few, (10, 400_000)]
    assert widths(ladder(361, Depth.NORMAL)) == [*whole, (100, 100_000)]
    assert widths(ladder(361, Depth.THOROUGH)) == [*whole, (100, 100_000), (361, 200_000)]
    for rung in ladder(361, Depth.THOROUGH):
        assert rung.tube_only is (rung.scale > 4)
        if not rung.tube_only:
            assert (rung.symmetric, rung.scale) == ((True, 4.0) if rung.rows == 10 else (False, 1.0))


def test_the_ladder_of_few_and_of_many_rows() -> None:
    assert {rows for rows, _ in widths(ladder(7, Depth.NORMAL))} == {7}
    assert not any(rung.tube_only for rung in ladder(7, Depth.THOROUGH))
    assert [rung.rows for rung in ladder(50, Depth.THOROUGH) if rung.tube_only] == [50]
    assert {rows for rows, _ in widths(ladder(50, Depth.NORMAL))} == {50, 10}
    assert max(rows for rows, _ in widths(ladder(10**6, Depth.THOROUGH))) == ALL_ROWS


def test_widths_scales_and_memory_are_checked() -> None:
    assert own_rungs(5, 3, [4], 2.0, True)[0].width == 4
    with pytest.raises(WidthError, match=r"--width 100000000000: needs about .* GiB, more than this machine has"):
        own_rungs(5, 3, [10**11])
    for neurons in (0, -4):
        for symmetric in (False, True):
            with pytest.raises(WidthError, match=rf"^--width {neurons}: a width must be positive$"):
                own_rungs(5, 3, [4, neurons], 1.0, symmetric)
    with pytest.raises(
        WidthError, match=r"^--width 5: symmetric initialisation pairs neurons and needs an even width$"
    ):
        own_rungs(5, 3, [5], 1.0, True)
    with pytest.raises(
        WidthError, match=r"^--width 2: 2 neurons of 3 weights cannot fit 7 rows; m d must be at least 7$"
    ):
        own_rungs(7, 3, [3, 2])
    assert [rung.width for rung in own_rungs(6, 3, [2])] == [2]  # m d = n is enough
    for scale in (0.0, -1.0, 1e-161, 1e153, math.inf, math.nan):
        with pytest.raises(ScaleError, match=r"--scale .*: the scale nu of the initial weights must lie between"):
            own_rungs(5, 3, [4], scale)
