"""Packed patterns: what they hold, and counts that are those of plain integers, for any number of neurons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.stability.tube import packed as module
from theory.stability.tube.packed import WORD, WORDS, Pattern, common, no_neurons, only, packed, put, unpacked


def drawn(seed: int, inputs: int, neurons: int) -> Pattern:
    """A pattern, half of it active."""
    return np.random.default_rng(seed).random((inputs, neurons)) < 0.5


@given(st.integers(0, 99), st.integers(1, 9), st.integers(1, 9), st.integers(1, 400))
def test_counts_are_those_of_integers(seed: int, first: int, second: int, neurons: int) -> None:
    left, right = drawn(seed, first, neurons), drawn(seed + 1, second, neurons)
    np.testing.assert_array_equal(common(packed(left), packed(right)), left.astype(int) @ right.T)
    itself = packed(left)
    np.testing.assert_array_equal(common(itself, itself), left.astype(int) @ left.T)


@pytest.mark.parametrize("neurons", [WORD * WORDS - 1, WORD * WORDS, WORD * WORDS + 1, 3 * WORD * WORDS])
def test_counts_of_several_sums(neurons: int) -> None:
    pattern = np.ones((2, neurons), dtype=bool)
    pattern[1, ::3] = False
    words = packed(pattern)
    np.testing.assert_array_equal(common(words, words), pattern.astype(int) @ pattern.T)


def test_with_one_word_more_a_sum_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = []
    for length in (WORDS, WORDS + 1):
        words = packed(np.ones((1, WORD * length), dtype=bool))
        monkeypatch.setattr(module, "WORDS", length)
        wrong.append(common(words, words)[0, 0] != WORD * length)
    assert wrong == [False, True]


def test_nothing_is_active_beyond_the_last_neuron() -> None:
    pattern = np.ones((2, WORD + 1), dtype=bool)
    words = packed(pattern)
    assert words.shape == (2, 2 * WORD // 8)
    assert np.bitwise_count(words).sum() == pattern.sum()
    np.testing.assert_array_equal(unpacked(words, WORD + 1), pattern)
    np.testing.assert_array_equal(unpacked(words[1], 2 * WORD), [True] * (WORD + 1) + [False] * (WORD - 1))


@given(st.integers(0, 99), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_parts_together_are_the_whole(seed: int, octets: list[int]) -> None:
    pattern = drawn(seed, 3, 8 * sum(octets) + 5)
    found, first = no_neurons(*pattern.shape), 0
    for length in [*(8 * one for one in octets), 5]:
        put(found, first, pattern[:, first : first + length])
        first += length
    np.testing.assert_array_equal(found, packed(pattern))


@given(st.integers(0, 99), st.integers(1, 200), st.integers(0, 8))
def test_some_neurons_of_a_pattern(seed: int, neurons: int, eighths: int) -> None:
    pattern = drawn(seed, 3, neurons)
    columns = np.flatnonzero(np.random.default_rng(seed).random(neurons) < eighths / 8)
    np.testing.assert_array_equal(only(packed(pattern), columns), packed(pattern[:, columns]))
