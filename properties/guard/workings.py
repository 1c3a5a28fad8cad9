"""The dense quantities of one problem in float64, and inverses that note how well conditioned they were.

S, X, r and the weights are the exact ones rounded to nearest, so a formula in them is off by what one backward stable
algorithm may be off by: the allowance of allowance.py, for the condition of what the formula inverts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from properties.exact import identity_rounding as rounding
from properties.guard.damping import Damping
from properties.guard.instances import Problem
from theory.inputs import FloatArray

NEGLIGIBLE = 1e-12
"""Eigenvalues below this share of the largest are taken for 0."""

LEAST = 1e-8
"""Where one lies between that and this share, the pseudo-inverse is not known well enough to tell anything."""


class UndefinedError(ArithmeticError):
    """A formula that says nothing on one problem."""


@dataclass(frozen=True)
class Arrays:
    """What a problem gives, and what follows at once."""

    W: FloatArray
    signs: FloatArray
    X: FloatArray
    y: FloatArray
    S: FloatArray
    u: FloatArray
    step_size: float
    optimiser: str
    exact: FloatArray
    """The exact direction D (m, d), damped where damping is intended."""
    damping: Damping | None
    """That which is intended."""
    growth: float
    """What rounding may move D by, in u of D and of its condition number."""


def arrays(problem: Problem, unit_roundoff: float) -> Arrays:
    """The arrays of a problem, rounded to nearest, for a step that computes with this roundoff."""
    net, given = problem.exact, problem.given
    return Arrays(
        given.weights,
        given.signs,
        given.inputs,
        given.targets,
        rounding.floats(net.features),
        rounding.floats(net.outputs)[:, 0],
        given.step_size,
        problem.optimiser,
        rounding.floats(problem.direction),
        problem.damping,
        problem.condition.growth(unit_roundoff),
    )


class Workings:
    """One evaluation of one formula on one problem: the quantities, and the largest condition of what it inverted."""

    def __init__(self, given: Arrays) -> None:
        """Take the arrays; nothing is inverted yet."""
        self.given = given
        self.W, self.X, self.y, self.S, self.u, self.signs = given.W, given.X, given.y, given.S, given.u, given.signs
        self.r: FloatArray = given.u - given.y
        self.m, self.d = given.W.shape
        self.number = 1.0
        """The largest condition number met."""
        self.share = 1.0
        """The least share of eps that is added anywhere, where eps is scaled."""

    @property
    def n(self) -> int:
        """How many rows there are, which a formula may leave out."""
        return len(self.X)

    @cached_property
    def J(self) -> FloatArray:
        """``J``, shape (n, m d), row i being ``S_i (x) x_i``."""
        return (self.S[:, :, None] * self.X[:, None, :]).reshape(self.n, -1)

    @cached_property
    def B(self) -> FloatArray:
        """The gradient, shape (m, d)."""
        return self.S.T @ (self.r[:, None] * self.X)

    @property
    def g(self) -> FloatArray:
        """The gradient, shape (m d,)."""
        return self.B.ravel()

    def power(self, matrix: FloatArray, exponent: float) -> FloatArray:
        """``M^exponent`` of a symmetric positive semidefinite matrix, 0 on its null space; -1 is the pseudo-inverse.

        Raises UndefinedError when it cannot be told whether an eigenvalue is 0.
        """
        values, vectors = np.linalg.eigh(matrix)
        largest = values[-1]
        kept = values > NEGLIGIBLE * largest
        if not (largest > 0 and np.isfinite(largest)) or (values[kept][0] < LEAST * largest):
            raise UndefinedError
        self.number = max(self.number, float(largest / values[kept][0]) ** max(1.0, -exponent))
        part = vectors[:, kept]
        return np.asarray((part * values[kept] ** exponent) @ part.T, dtype=np.float64)

    def inverse(self, matrix: FloatArray) -> FloatArray:
        """The pseudo-inverse of a symmetric positive semidefinite matrix. Raises UndefinedError."""
        return self.power(matrix, -1.0)

    def least_norm(self, matrix: FloatArray, right: FloatArray) -> FloatArray:
        """``M^+ b`` by singular values. Raises UndefinedError when it cannot be told whether one is 0."""
        left, values, rows = np.linalg.svd(matrix, full_matrices=False)
        kept = values > np.sqrt(NEGLIGIBLE) * values[0]
        if not values[0] > 0 or values[kept][-1] < np.sqrt(LEAST) * values[0]:
            raise UndefinedError
        self.number = max(self.number, float(values[0] / values[kept][-1]) ** 2)
        return np.asarray(rows[kept].T @ ((left[:, kept].T @ right).T / values[kept]).T, dtype=np.float64)


Formula = Callable[[Workings], FloatArray]
"""From a network to the direction V in ``W' = W - eta V``, shape (m, d) or (m d,). Raises UndefinedError."""


@dataclass(frozen=True)
class Convention:
    """A named formula."""

    name: str
    formula: Formula
    remedy: str
    """What to change, as ``Meant.told`` (remedies.py) takes it."""
    scaled: bool = True
    """Whether multiples of it are tried as well."""


NOTHING = 1e-13
"""Entries below this share of the largest are taken for 0."""


def divided(above: FloatArray, below: FloatArray) -> FloatArray:
    """Entry by entry, 0 where the divisor is."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > NOTHING * below.max(initial=0.0))
