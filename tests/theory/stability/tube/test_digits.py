"""Counts as digits of products: those of plain integers, for any share of pairs; what the digits cannot tell is refused or split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory.errors import ShapeError
from theory.stability.tube import digits
from theory.stability.tube.digits import DigitCounter, FlipCounts, Pattern, plain_counts


def from_definitions(active: Pattern, near: Pattern) -> tuple[NDArray[np.int64], ...]:
    """The four counts, in integers."""
    before, flips = active.astype(np.int64), near.astype(np.int64)
    may, sure = before | flips, before & ~flips
    counts = flips @ may.T, may @ may.T - before @ before.T, before @ before.T - sure @ sure.T, flips @ flips.T
    return tuple(np.asarray(one) for one in counts)


def same(found: FlipCounts, active: Pattern, near: Pattern) -> bool:
    """Whether the counts are those of the definitions."""
    counts = found.flipping, found.gained, found.lost, found.pairs
    return all(np.array_equal(*both) for both in zip(counts, from_definitions(active, near), strict=True))


def drawn(seed: int, inputs: int, neurons: int, share: float) -> tuple[Pattern, Pattern]:
    """A pattern, and the pairs of it that may flip."""
    rng = np.random.default_rng(seed)
    return rng.random((inputs, neurons)) < 0.5, rng.random((inputs, neurons)) < share


@given(st.integers(0, 99), st.integers(1, 40), st.lists(st.integers(1, 700), min_size=1, max_size=3), st.integers(0, 8))
def test_digits_are_the_counts_of_the_definitions(seed: int, inputs: int, lengths: list[int], eighths: int) -> None:
    active, near = drawn(seed, inputs, sum(lengths), eighths / 8)
    counter, first = DigitCounter(inputs), 0
    for length in lengths:
        counter.add(active[:, first : first + length], near[:, first : first + length])
        first += length
    assert same(counter.counts(), active, near)
    assert same(plain_counts(active, near), active, near)


@pytest.mark.parametrize("active", [False, True])
def test_as_many_pairs_as_the_digits_hold_and_one_more(active: bool) -> None:
    for neurons in (digits.MOST_PAIRS, digits.MOST_PAIRS + 1, 2 * digits.MOST_PAIRS + 1, digits.BASE, 5000):
        pattern, near = np.full((3, neurons), active), np.ones((3, neurons), dtype=bool)
        pattern[1:, ::3] = ~pattern[1:, ::3]
        near[2, ::2] = False
        counter = DigitCounter(3)
        counter.add(pattern, near)
        assert same(counter.counts(), pattern, near)


def test_without_a_limit_of_pairs_a_digit_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is the last that is right: with an input whose pairs all appear beside one that is active for sure, X is twice the number."""
    wrong = []
    for limit in (digits.MOST_PAIRS, digits.MOST_PAIRS + 1):
        pattern, near = np.zeros((2, limit), dtype=bool), np.zeros((2, limit), dtype=bool)
        pattern[1], near[0] = True, True
        monkeypatch.setattr(digits, "MOST_PAIRS", limit)
        counter = DigitCounter(2)
        counter.add(pattern, near)
        wrong.append(not same(counter.counts(), pattern, near))
    assert wrong == [False, True]


def test_a_block_one_neuron_too_long_is_refused_and_would_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    neurons = digits.MOST_NEURONS + 1
    pattern, near = np.zeros((1, neurons), dtype=bool), np.ones((1, neurons), dtype=bool)
    counter = DigitCounter(1)
    with pytest.raises(ShapeError, match="65536 neurons at a time; their counts have digits for 65535"):
        counter.add(pattern, near)
    counter.add(pattern[:, 1:], near[:, 1:])
    assert same(counter.counts(), pattern[:, 1:], near[:, 1:])
    monkeypatch.setattr(digits, "MOST_NEURONS", neurons)
    longer = DigitCounter(1)
    longer.add(pattern, near)
    assert not same(longer.counts(), pattern, near)
