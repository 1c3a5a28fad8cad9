"""The pattern of a moving Z and its exact products, however they are counted."""

import numpy as np
import pytest
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.network import pattern
from theory.network.blocks import Blocks
from theory.network.pattern import ROWS_WORTH_COMPARING, ActivationPattern
from theory.network.two_layer import exact_products


@pytest.fixture(autouse=True)
def _short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theory.network.blocks.LEAST_COLUMNS", 17)
    monkeypatch.setattr("theory.network.blocks.BLOCK_ENTRIES", 1)


def empty(rows: int, width: int) -> ActivationPattern:
    """With signs that alternate."""
    return ActivationPattern(Blocks(rows, width), np.where(np.arange(width) % 2, -1.0, 1.0))


def sweep(kept: ActivationPattern, Z: FloatArray, count: bool = True) -> None:
    kept.begin(count)
    for number, columns in enumerate(Blocks(*Z.shape).slices):
        block = Z[:, columns].copy()
        signed = np.empty(block.shape, dtype=np.int8)
        kept.renew(number, block, signed)
        assert np.array_equal(signed, kept.signed[number])
    kept.end()


def assert_right(kept: ActivationPattern, Z: FloatArray) -> None:
    active = (Z >= 0).astype(int)
    assert np.array_equal(kept.matrix, Z >= 0)
    assert np.array_equal(np.concatenate(kept.signed, axis=1), active * np.where(np.arange(Z.shape[1]) % 2, -1, 1))
    assert kept.counts is not None
    assert np.array_equal(kept.counts, active @ active.T)


@pytest.mark.parametrize("rows", [3, ROWS_WORTH_COMPARING])
@pytest.mark.parametrize("moving", [0, 1, 40, 100])
def test_products_follow_any_number_of_moving_columns(rows: int, moving: int) -> None:
    rng = np.random.default_rng(moving)
    Z = rng.standard_normal((rows, 100))
    kept = empty(rows, 100)
    sweep(kept, Z)
    assert_right(kept, Z)
    for _ in range(3):
        columns = rng.choice(100, moving, replace=False)
        Z[:, columns] += rng.standard_normal((rows, moving))
        sweep(kept, Z)
        assert_right(kept, Z)


def test_zero_is_active_and_so_is_minus_zero() -> None:
    kept = empty(1, 3)
    sweep(kept, np.array([[0.0, -0.0, -5e-324]]))
    assert kept.matrix.tolist() == [[True, True, False]]


def test_zero_is_active_also_where_columns_are_compared() -> None:
    rows = ROWS_WORTH_COMPARING
    Z = -np.ones((rows, 40))
    kept = empty(rows, 40)
    sweep(kept, Z)
    Z[0, 3], Z[1, 3], Z[2, 30] = 0.0, -0.0, -5e-324
    sweep(kept, Z)
    assert_right(kept, Z)
    assert np.argwhere(kept.matrix).tolist() == [[0, 3], [1, 3]]


def test_a_pass_without_counting_leaves_no_products_and_the_next_one_counts_anew() -> None:
    rng = np.random.default_rng(0)
    rows = ROWS_WORTH_COMPARING
    Z = rng.standard_normal((rows, 60))
    kept = empty(rows, 60)
    sweep(kept, Z)
    Z[:, 5] *= -1
    sweep(kept, Z, count=False)
    assert kept.counts is None
    assert np.array_equal(kept.matrix, Z >= 0)
    sweep(kept, Z)
    assert_right(kept, Z)


def test_only_changed_entries_are_counted_where_few_change(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    rows = ROWS_WORTH_COMPARING
    Z = rng.standard_normal((rows, 100))
    kept = empty(rows, 100)
    sweep(kept, Z)
    counted: list[int] = []

    def products(signed: NDArray[np.int8]) -> NDArray[np.float32]:
        counted.append(signed.shape[1])
        return exact_products(signed, signed).astype(np.float32)

    monkeypatch.setattr(pattern, "_counts_anew", products)
    Z[3, [2, 50]] *= -1
    sweep(kept, Z)
    assert_right(kept, Z)
    assert counted == []
    Z[:, 19] *= -1  # more than a hundredth of the entries of the second block
    sweep(kept, Z)
    assert_right(kept, Z)
    assert counted == [17, 17]  # as they were and as they are
    counted.clear()
    Z[:, 5] *= -1  # in the first block, so that the next pass compares nothing
    sweep(kept, Z)
    sweep(kept, Z)
    assert_right(kept, Z)
    assert counted == [17, 17, *(5 * [17]), 15]
    counted.clear()
    Z[5, 6] *= -1  # few again, as the last pass found
    sweep(kept, Z)
    assert_right(kept, Z)
    assert counted == []


def test_products_of_two_different_matrices() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.integers(-1, 2, (3, 50)), rng.integers(0, 2, (4, 50)).astype(bool)
    assert np.array_equal(exact_products(first, second), first @ second.T.astype(int))


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 130])
@pytest.mark.parametrize("changed", [0, 1, 2, 30, 300])
def test_counts_follow_changed_entries_of_one_block_wherever_they_are(rows: int, changed: int) -> None:
    """Fewer than the block has neurons and more, several of one row and of one neuron, from and to all three values."""
    rng = np.random.default_rng(changed)
    before = rng.integers(-1, 2, (rows, 40)).astype(np.int8)
    after = before.copy()
    places = rng.choice(before.size, min(changed, before.size), replace=False)
    after.reshape(-1)[places] = rng.integers(-1, 2, len(places))
    change = pattern._change_of_counts(before, after, True).astype(int)
    old, new = before.astype(int), after.astype(int)
    assert np.array_equal(change + change.T, 2 * (new @ new.T - old @ old.T))
