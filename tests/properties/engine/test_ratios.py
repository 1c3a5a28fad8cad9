"""Bins of ratios: every ratio has one, edges belong to the bin above."""

import math

import pytest

from properties.engine.ratios import BINS, EDGES, ratio_bin


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0.0, "0"),
        (1e-300, "below 0.001"),
        (0.001, "0.001 to 0.01"),
        (0.1, "0.1 to 0.2"),
        (0.3, "0.3 to 0.4"),
        (0.95, "0.9 to 0.99"),
        (0.9999, "0.9999 to 1 - 1e-6"),
        (1 - 1e-6, "1 - 1e-6 to 1"),
        (1 - 2.0**-53, "1 - 1e-6 to 1"),
        (1.0, "1"),
        (1 + 2.0**-52, "above 1"),
        (math.inf, "above 1"),
    ],
)
def test_bins(ratio: float, expected: str) -> None:
    assert ratio_bin(ratio) == expected


def test_every_bin_is_reached_in_order() -> None:
    middles = [(low + high) / 2 for low, high in zip((0.0, *EDGES), (*EDGES, 1.0), strict=True)]
    assert [ratio_bin(ratio) for ratio in (0.0, *middles, 1.0, 2.0)] == list(BINS)
    assert len(set(BINS)) == len(BINS)
