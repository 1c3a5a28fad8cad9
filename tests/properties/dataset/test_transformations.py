"""Rows shuffled, columns standardised: what is done is what is said."""

from pathlib import Path

import numpy as np
import pytest

from properties.dataset import input_certificate
from properties.dataset.transformations import shuffled, standard_columns, standardised
from properties.reading.datasets import NORMALISED, Dataset, load_dataset
from theory.errors import ScaleError, ZeroRowError
from theory.inputs import FloatArray, normalise_rows
from theory.rigour.exact import exact_rank


def dataset(raw: FloatArray, y: FloatArray | None = None) -> Dataset:
    return Dataset(
        "made", normalise_rows(raw), np.arange(float(len(raw))) if y is None else y, raw, f"drawn; {NORMALISED}"
    )


def drawn(rows: int = 20, dim: int = 3) -> FloatArray:
    return np.random.default_rng(0).standard_normal((rows, dim))


def test_rows_are_shuffled_with_their_targets() -> None:
    data = dataset(drawn())
    found = shuffled(data, 7)
    order = np.random.default_rng(7).permutation(20)
    assert not np.array_equal(order, np.arange(20))
    for one, other in ((found.X, data.X), (found.y, data.y), (found.raw_X, data.raw_X)):
        assert np.array_equal(one, other[order])
    assert found.source == f"drawn; rows shuffled with seed 7; {NORMALISED}"
    assert not found.X.flags.writeable
    with pytest.raises(ScaleError, match="--shuffle -1"):
        shuffled(data, -1)


def test_columns_are_centred_and_scaled() -> None:
    raw = drawn() * [1.0, 1e4, 1e-3] + [5.0, 1e6, 0.0]
    found = standardised(dataset(raw))
    np.testing.assert_allclose(found.raw_X, (raw - raw.mean(axis=0)) / raw.std(axis=0), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found.X, axis=1), 1.0, rtol=1e-15)
    assert found.source == f"drawn; columns centred and scaled to unit variance; {NORMALISED}"
    both = shuffled(found, 1).source
    assert both == f"drawn; columns centred and scaled to unit variance; rows shuffled with seed 1; {NORMALISED}"


def test_constant_columns_are_left_out_and_named() -> None:
    raw = np.insert(drawn(), [0, 2], 3.0, axis=1)
    found = standardised(dataset(raw))
    assert found.X.shape == (20, 3)
    assert "2 constant columns left out (index 0, 3)" in found.source
    many = np.concatenate([drawn(20, 1), np.ones((20, 7))], axis=1)
    assert "7 constant columns left out (index 1, 2, 3, 4, 5, ...)" in standardised(dataset(many)).source


def test_sizes_at_the_ends_of_float64() -> None:
    for size in (1e-310, 1e300):
        found = standardised(dataset(drawn() * size))
        np.testing.assert_allclose(found.raw_X, standardised(dataset(drawn())).raw_X, rtol=1e-9)


def test_what_has_no_scale_or_no_direction_is_refused() -> None:
    with pytest.raises(ScaleError, match="one row has no scale"):
        standardised(dataset(np.ones((1, 2))))
    with pytest.raises(ScaleError, match="all columns are constant"):
        standardised(dataset(np.ones((3, 2))))
    with pytest.raises(ZeroRowError, match="row 1 equals the means"):
        standardised(dataset(np.array([[1.0, 1.0], [2.0, 3.0], [3.0, 5.0]])))


def test_raw_columns_are_noticed_with_what_mends_them() -> None:
    raw = np.abs(drawn()) * [1.0, 1e4, 10.0]
    found = input_certificate.kernels(dataset(raw))
    assert found.values["unscaled"] == found.lines[-1]
    assert "the inputs look unscaled: ||X||_2^2 is 0.9" in found.lines[-1]
    share = input_certificate.common_share(standardised(dataset(raw)).X)
    assert f"--standardise makes it {share:.3g} n" in found.lines[-1]
    assert input_certificate.kernels(standardised(dataset(raw))).values["unscaled"] is None
    assert input_certificate.kernels(dataset(drawn())).values["unscaled"] is None
    for nothing_to_mend in (np.ones((4, 1)), drawn(1)):
        assert input_certificate.kernels(dataset(nothing_to_mend)).values["unscaled"] is None
    assert "--standardise" not in (input_certificate.unscaled(dataset(np.ones((4, 2))), 4) or "")


def test_columns_are_standardised_before_rows_without_a_direction_are_refused(tmp_path: Path) -> None:
    raw = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [3.0, 2.0]])
    path = str(tmp_path / "mine.npz")
    np.savez(path, X=raw, y=np.arange(4.0))
    with pytest.raises(ZeroRowError, match="row 0 of X is zero"):
        load_dataset(path)
    found = load_dataset(path, prepare=standard_columns)
    np.testing.assert_allclose(found.raw_X, (raw - raw.mean(axis=0)) / raw.std(axis=0))
    assert found.source == f"read from .npz; columns centred and scaled to unit variance; {NORMALISED}"


def test_a_rank_that_is_not_certified_is_told_as_numerical() -> None:
    raw = drawn(30, 4) * [1.0, 1e4, 1e8, 1e-8]
    assert exact_rank(normalise_rows(raw)) == 4
    assert "numerical rank 3;" in input_certificate.kernels(dataset(raw)).lines[0]
