"""What a pattern may become: the counts of their definitions in plain integers, for any share of pairs that may flip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory.stability.tube import rectifier
from theory.stability.tube.packed import Pattern, common, packed
from theory.stability.tube.rectifier import rectifier_counts
from theory.stability.tube.start import Neurons

NAMES = ("flipping", "gained", "lost", "pairs", "touched", "frozen")


def from_definitions(
    before: NDArray[np.int64], flips: NDArray[np.int64], held: Pattern
) -> dict[str, NDArray[np.int64]]:
    """In integers, ``held`` being the neurons that count as touched."""
    may, sure = before | flips, before & ~flips
    counts = (
        flips @ may.T,
        may @ may.T - before @ before.T,
        before @ before.T - sure @ sure.T,
        flips @ flips.T,
        may[:, held] @ may[:, held].T,
        before[:, ~held] @ before[:, ~held].T,
    )
    return dict(zip(NAMES, counts, strict=True))


def drawn(seed: int, inputs: int, neurons: int, share: float) -> tuple[Neurons, Pattern]:
    """Neurons, and the pairs of them that may flip."""
    rng = np.random.default_rng(seed)
    z, near = rng.standard_normal((inputs, neurons)), rng.random((inputs, neurons)) < share
    pattern = packed(z >= 0)
    return Neurons(z, np.zeros(neurons), pattern, common(pattern, pattern)), near


@given(st.integers(0, 99), st.integers(1, 12), st.integers(1, 300), st.floats(0, 1))
@example(0, 1, 4, 0.75)
def test_counts_are_those_of_the_definitions(seed: int, inputs: int, neurons: int, share: float) -> None:
    start, near = drawn(seed, inputs, neurons, share)
    touched = np.asarray(near.any(axis=0))
    if touched.sum() > rectifier.MOST_TOUCHED * neurons:
        touched[:] = True
    found = rectifier_counts(start, packed(near))
    expected = from_definitions(start.pattern.astype(np.int64), near.astype(np.int64), touched)
    for name in NAMES:
        np.testing.assert_array_equal(getattr(found, name), expected[name], name)


def test_only_the_frozen_part_depends_on_who_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    start, near = drawn(0, 5, 300, 0.05)
    some = rectifier_counts(start, packed(near))
    monkeypatch.setattr(rectifier, "MOST_TOUCHED", 0.0)
    every = rectifier_counts(start, packed(near))
    for name in NAMES[:4]:
        np.testing.assert_array_equal(getattr(some, name), getattr(every, name), name)
    np.testing.assert_array_equal(some.touched + some.frozen, every.touched)
    assert some.frozen.any()
    assert not every.frozen.any()
