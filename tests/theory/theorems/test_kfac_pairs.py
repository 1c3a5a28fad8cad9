"""T4-least on the class of matrices that its proof speaks of, not on networks alone: one step ``I - eta M o P`` of K-FAC.

``M = B A^+`` with A and B within c of a matrix whose least singular value is at least 1, P any orthogonal projection.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from theory.inputs import FloatArray
from theory.rigour.rounding import gamma
from theory.theorems import kfac, ngd

ROUNDING = gamma(2000)
"""Pseudo-inverse, product and singular values of matrices of at most four rows and condition below 10."""


def orthogonal(size: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.linalg.qr(rng.standard_normal((size, size)))[0])


def bent(matrix: FloatArray, c: float, rng: np.random.Generator) -> FloatArray:
    """The matrix plus one whose singular values are c or c/2, along its own singular directions or along random ones."""
    left, _, right = np.linalg.svd(
        matrix if rng.random() < 0.5 else rng.standard_normal(matrix.shape), full_matrices=False
    )
    return np.asarray(matrix + left @ np.diag(c * rng.choice([-1.0, 1.0, 0.5], len(left))) @ right)


def ratios(stretch: float, seed: int, count: int) -> Iterator[tuple[float, float, float, FloatArray]]:
    """``||I - eta M o P||``, eta, C and the leverage scores, at T4-least's step limit; ``stretch`` times c is what A and B are from J0."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n, C = int(rng.integers(2, 5)), float(rng.uniform(0.05, 0.99))
        start = orthogonal(n, rng) @ np.diag(1 + rng.integers(0, 2, n) * rng.exponential(0.3, n)) @ orthogonal(n, rng)
        start = np.hstack([start, np.zeros((n, int(rng.integers(0, 3))))])
        c = stretch * C / 3
        A = bent(start, c, rng)
        B = bent(start, c, rng) if rng.random() < 0.5 else 2 * start - A
        inputs = rng.standard_normal((n, int(rng.integers(1, n + 1)))) * np.exp(rng.standard_normal((n, 1)))
        basis = np.linalg.qr(inputs)[0]
        P = basis @ basis.T
        h = np.diag(P)
        eta = kfac.step_limit(C, h_max=float(h.max()), theorem="T4-least")
        yield float(np.linalg.norm(np.eye(n) - eta * (B @ np.linalg.pinv(A)) * P, 2)), eta, C, h


@pytest.mark.parametrize("seed", [1, 2])
def test_no_pair_of_matrices_exceeds_the_factor_of_T4_least(seed: int) -> None:
    tight = 0
    for norm, eta, C, h in ratios(1.0, seed, 300):
        factor = 1 - eta * float(h.min()) / ngd.contraction_ratio(C)
        assert norm <= factor + ROUNDING
        tight += norm > factor - 1e-3
    assert tight > 10


def test_pairs_that_are_further_away_exceed_it() -> None:
    excess = [norm - (1 - eta * float(h.min()) / ngd.contraction_ratio(C)) for norm, eta, C, h in ratios(1.1, 1, 300)]
    assert max(excess) > 100 * ROUNDING


def test_the_same_pairs_exceed_a_factor_with_a_larger_leverage_score() -> None:
    """The least leverage score cannot be replaced by the next larger one."""
    excess = [
        norm - (1 - eta * float(np.sort(h)[1]) / ngd.contraction_ratio(C)) for norm, eta, C, h in ratios(1.0, 1, 300)
    ]
    assert max(excess) > 100 * ROUNDING
