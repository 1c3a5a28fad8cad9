"""The stored widths: what is cheap is computed again, and compared."""

import math
from pathlib import Path

import numpy as np
import pytest

from properties.pictures import all_widths
from properties.pictures.all_widths import CERTIFIED, ESTIMATED, NOT_REACHED, PROVED, SEEN, Found, Sample
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import certify_ball


@pytest.fixture(scope="module")
def stored() -> list[Found]:
    return all_widths.stored()


def test_formulas_and_estimates_are_those_of_today(stored: list[Found]) -> None:
    fresh = [row for sample in all_widths.samples() for row in (*all_widths.formulas(sample), all_widths.ball(sample))]
    assert [row for row in stored if row.known in (PROVED, ESTIMATED)] == fresh


def test_the_tube_of_four_orthonormal_inputs_and_what_is_seen_of_them(stored: list[Found]) -> None:
    sample = all_widths.orthonormal(4)
    for of in ("seen", "tube"):
        assert all_widths.least_width(sample, of) in stored


def test_every_number_says_how_it_was_found(stored: list[Found]) -> None:
    known = {"seen": {SEEN}, "tube": {CERTIFIED, NOT_REACHED}, "path": {CERTIFIED, NOT_REACHED}, "ball": {ESTIMATED}}
    assert all(row.known in known.get(row.of, {PROVED}) for row in stored)
    assert all((row.seeds > 0) == (row.of in all_widths.TRIED) for row in stored)
    names = [sample.name for sample in all_widths.samples()]
    assert [row.data for row in stored] == [name for name in names for _ in range(len(stored) // len(names))]


def test_the_file_holds_what_is_written(stored: list[Found]) -> None:
    text = Path(all_widths.__file__).with_name(all_widths.STORED).read_text(encoding="utf-8")
    assert all_widths.written(stored) == text


def test_the_estimate_of_the_ball_is_where_certificates_begin() -> None:
    """Targets so small that the networks can be drawn."""
    X, y = np.eye(3), np.array([0.02, -0.02, 0.02])
    m = 2 * math.ceil(all_widths.ball_width(X, y, 1.0) / 2)

    def certified(width: int) -> list[bool]:
        return [
            certify_ball(
                TwoLayerNetwork.initialise(width, 3, 1.0, np.random.default_rng(seed), symmetric=True), X, y
            ).constant
            < all_widths.CONSTANT
            for seed in range(3)
        ]

    assert all(certified(2 * m))
    assert not any(certified(m // 4 * 2))


def test_no_ball_could_be_certified_at_a_width_that_is_drawn() -> None:
    assert all(all_widths.ball(sample).width > sample.widest for sample in all_widths.samples())


def test_one_success_among_failures_is_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certified at 4 and 8, not at 16, and from 32 on: 32 is told, not 4."""
    sample = Sample("any", np.eye(2), np.array([1.0, -1.0]), 1.0, 3)
    monkeypatch.setitem(all_widths.TRIED, "tube", lambda net, _: net.width in (4, 8) or net.width >= 32)
    assert all_widths.least_width(sample, "tube") == Found("any", 2, 1.0, "tube", 32, CERTIFIED, 3)


def test_what_is_never_certified_tells_the_largest_width_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_widths, "LARGEST", 200)
    monkeypatch.setitem(all_widths.TRIED, "tube", lambda net, _: False)
    sample = Sample("any", np.eye(2), np.array([1.0, -1.0]), 1.0, 3)
    assert all_widths.least_width(sample, "tube") == Found("any", 2, 1.0, "tube", 64, NOT_REACHED, 3)


def test_half_of_the_seeds_are_not_most() -> None:
    sample = Sample("any", np.eye(2), np.array([1.0, -1.0]), 1.0, 5)
    answers = iter([True, False, True, False, False])
    assert not all_widths._most(lambda net, _: next(answers), sample, 4)
    answers = iter([True, False, True, False, True])
    assert all_widths._most(lambda net, _: next(answers), sample, 4)
