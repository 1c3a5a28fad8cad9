"""Ten thousand nearly singular matrices: no bound of an eigenvalue is on the wrong side of the exact one."""

from collections.abc import Callable

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from theory.inputs import FloatArray
from theory.rigour.definiteness import smallest_eigenvalue_lower_bound, smallest_eigenvalue_upper_bound

MATRICES_OF_A_KIND = 2000


def integers(rng: np.random.Generator, size: int) -> FloatArray:
    """Positive semidefinite of deficient rank, moved by a small integer along the diagonal or not at all."""
    factor = rng.integers(-9, 10, (size, rng.integers(1, size + 1)))
    return np.asarray(factor @ factor.T + rng.integers(-1, 2) * np.eye(size), dtype=float)


def graded(rng: np.random.Generator, size: int) -> FloatArray:
    """Rows and columns scaled by powers of two down to 2^-40."""
    scale = 2.0 ** -rng.integers(0, 41, size)
    factor = rng.standard_normal((size, size))
    product = (factor @ factor.T) * np.outer(scale, scale)
    return np.asarray((product + product.T) / 2)


def rank_deficient_one_ulp_off(rng: np.random.Generator, size: int) -> FloatArray:
    """An exactly singular matrix with entries moved by one unit in the last place."""
    factor = rng.integers(-9, 10, (size, size - 1)).astype(float)
    matrix = factor @ factor.T
    ulps = np.tril(rng.integers(-1, 2, matrix.shape))
    return np.asarray(matrix + (ulps + np.tril(ulps, -1).T) * np.spacing(np.abs(matrix)))


def ill_conditioned(rng: np.random.Generator, size: int) -> FloatArray:
    """Condition numbers up to 10^16, where rounding alone decides the sign of the smallest eigenvalue."""
    basis = np.linalg.qr(rng.standard_normal((size, size)))[0]
    product = (basis * np.geomspace(1, 10.0 ** -rng.uniform(8, 16), size)) @ basis.T
    return np.asarray((product + product.T) / 2)


def clustered(rng: np.random.Generator, size: int) -> FloatArray:
    """Gram matrices of nearly coincident rows."""
    row = rng.standard_normal(size)
    rows = row + 10.0 ** -rng.uniform(1, 9) * rng.standard_normal((size, size))
    product = rows @ rows.T
    return np.asarray((product + product.T) / 2)


def exact(matrix: FloatArray, shift: float) -> fmpq_mat:
    """``A - shift I`` in exact rationals."""
    rows = [[fmpq(*value.as_integer_ratio()) for value in row] for row in matrix.tolist()]
    for i, row in enumerate(rows):
        row[i] -= fmpq(*shift.as_integer_ratio())
    return fmpq_mat(rows)


def leading_minor_signs(matrix: fmpq_mat) -> list[int]:
    """Of an exact symmetric matrix; all positive means positive definite (Sylvester)."""
    size = matrix.nrows()
    minors = [fmpq_mat(k, k, [matrix[i, j] for i in range(k) for j in range(k)]).det() for k in range(1, size + 1)]
    return [1 if minor > 0 else -1 if minor < 0 else 0 for minor in minors]


Kind = Callable[[np.random.Generator, int], FloatArray]
KINDS: tuple[Kind, ...] = (integers, graded, rank_deficient_one_ulp_off, ill_conditioned, clustered)


def below_the_smallest_eigenvalue(matrix: FloatArray, number: float) -> bool:
    """Exactly: whether ``number < lambda_min``."""
    return all(sign > 0 for sign in leading_minor_signs(exact(matrix, number)))


@pytest.mark.parametrize("kind", KINDS)
def test_no_bound_is_on_the_wrong_side(kind: Kind) -> None:
    rng = np.random.default_rng(20)
    certified = 0
    for _ in range(MATRICES_OF_A_KIND):
        matrix = kind(rng, int(rng.integers(2, 6)))
        lower, upper = smallest_eigenvalue_lower_bound(matrix), smallest_eigenvalue_upper_bound(matrix)
        assert below_the_smallest_eigenvalue(matrix, lower)
        assert not below_the_smallest_eigenvalue(matrix, upper)
        certified += lower > 0
    assert certified < MATRICES_OF_A_KIND


@pytest.mark.parametrize("kind", KINDS)
def test_floating_point_eigenvalues_are_on_either_side(kind: Kind) -> None:
    """What the bounds are for: on the same matrices LAPACK's eigenvalue is no lower bound and no upper bound."""
    rng = np.random.default_rng(20)
    matrices = [kind(rng, int(rng.integers(2, 6))) for _ in range(100)]
    sides = {below_the_smallest_eigenvalue(matrix, float(np.linalg.eigvalsh(matrix)[0])) for matrix in matrices}
    assert sides == {False, True}
