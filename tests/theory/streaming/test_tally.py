"""Tallies: joined in any order to the same bits, each chunk once and none left out."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.streaming.streams import small
from theory.errors import StreamError
from theory.streaming.first_pass import FirstPass, beginning
from theory.streaming.running import tally_of
from theory.streaming.tally import Tally

STREAM, Y = small(7, 3, 3, 4500, chunk=500)
PARTS = [tally_of(STREAM, [FirstPass()], range(chunk, chunk + 1)) for chunk in STREAM.chunks]
WHOLE = tally_of(STREAM, [FirstPass()], STREAM.chunks)


def same(first: Tally, second: Tally) -> bool:
    return (
        first.chunks == second.chunks
        and first.counts.keys() == second.counts.keys()
        and all((first.counts[name] == second.counts[name]).all() for name in first.counts)
        and bool((first.total() == second.total()).all())
    )


@given(order=st.permutations(PARTS))
def test_in_any_order(order: list[Tally]) -> None:
    assert same(reduce(Tally.joined, order), WHOLE)


def test_the_sums_of_chunks_are_rounded_once() -> None:
    big = Tally(frozenset([0]), {}, {0: np.array([2.0**60])})
    small_ones = [Tally(frozenset([c]), {}, {c: np.array([value])}) for c, value in ((1, 1.0), (2, -(2.0**60)))]
    assert reduce(Tally.joined, [big, *small_ones]).total() == [1.0]


def test_a_chunk_twice_is_caught() -> None:
    with pytest.raises(StreamError, match="chunk 0 is counted twice"):
        WHOLE.joined(PARTS[0])


def test_a_chunk_left_out_is_caught() -> None:
    with pytest.raises(StreamError, match="chunk 8 is missing"):
        beginning(STREAM, Y, reduce(Tally.joined, PARTS[:-1]))


def test_a_chunk_of_another_stream_is_caught() -> None:
    longer, _ = small(7, 3, 3, 5000, chunk=500)
    with pytest.raises(StreamError, match="chunk 9 is none of the stream"):
        beginning(STREAM, Y, WHOLE.joined(tally_of(longer, [FirstPass()], range(9, 10))))
