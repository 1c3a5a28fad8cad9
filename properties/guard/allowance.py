"""How far a backward stable implementation may end from the exact step, by any of the algorithms named here.

Everything is of first order in u, the unit roundoff of the type that the step returns, and doubled: an algorithm whose matrix is
off by a share x of its distance to singularity is within 1/(1 - x) of its first-order error, twice that for two matrices, and
``x <= 1/4`` is required (``LARGEST``). Norms without an index are Frobenius'. A sum of k products is off by ``k u`` of the sum of
their absolute values, in any order. *One reflection* on k numbers costs ``6 (k + 5) u``: its vector is off by ``(k/2 + 3) u``, its
factor too, and applied it is off by ``(2k + 7) u``; so n of them, of the lengths that they really have, cost

* ``n 6 (k + 5)`` for the QR decomposition of a (k, n) matrix, relative to its norm;
* ``6 n (k + 5) + 30 n (n + 1)`` for its singular values: the reflections on the short side and 2n sweeps of n rotations besides;
* ``12 n (k + 5) + 30 n (n + 1)`` for the eigenvalues of a (k, k) matrix of rank n: after n reflections only rounding is left;
* ``4 (3n + 1)`` for a solve or an inverse of a regular (n, n) matrix M: relative to ``tr M = || |R^T| |R| ||`` by Cholesky, with elimination
  allowed a growth of 4.

**One matrix.** For ``M = A A^T`` of rank q with the smallest nonzero eigenvalue lambda, A (n, k), a right-hand side b with ``b'`` the part
outside the range of M, ``c = M^+ b`` and ``D = A^T c = A^+ b``:

* *the n x n matrix*: M is off by f while it is formed (sums of k products), which moves D by ``f ||c|| / lambda^{1/2}``, and by s while it is
  solved, inverted or decomposed, ``s ||M^+|| ||b|| / lambda^{1/2}``; of a singular M the part b' adds ``(f + s) ||b'|| / lambda^{3/2}``;
* *the n x k matrix* (QR, singular values of A): A is off by e, D by ``e (||D|| / lambda^{1/2} + ||c||)`` and ``e ||b'|| / lambda`` (Wedin 1973);
* *the k x k matrix* ``A^T A``, its eigenvalues, or its pseudo-inverse times the gradient ``A^T b``: off by e, twice that where small eigenvalues are
  cut off, D by ``e (||D|| / lambda + ||c|| / lambda^{1/2})``, and by what sums of n products do to the gradient, over lambda.

With damping M is ``A A^T + eps I``, lambda the smallest of its eigenvalues, and ``A^T A + eps I`` has the eigenvalue eps: the last item reads
``e ||D|| / eps``, and an explicit inverse, off by e, loses ``e k^{1/2} ||A^T b|| / eps^2``. These two, and an explicit inverse of ``X^T X``, lose more than the
condition of the problem; where that is more than a sixteenth of the step (``CAP``), a sixteenth is what they are allowed.

**NGD** is this with A = J and b = r. **K-FAC** is this with A = S and ``b = diag(r) X (X^T X)^+``, the gradient being ``S^T diag(r) X``, and a second time for
X: with ``L = S^+ diag(r)`` and mu the smallest nonzero eigenvalue of ``X^T X``, X off by e moves D by ``e (2 ||D|| / mu^{1/2} + ||L|| / mu)``, ``X^T X``
by ``2 e ||D|| / mu``, an inverse of it ``e ||L X|| ||(X^T X)^+|| / mu``, ``X X^T`` (of full rank) ``2 e ||L|| / mu^{3/2}``. **The damped product** is a matrix of
md x md, whose smallest eigenvalue is eps.

The residual is off by ``(m + d + 8) u`` of the sum of absolute values that it is made of, f, and D by ``f / lambda^{1/2}`` (``f / (lambda mu)^{1/2}`` for K-FAC);
of the algorithms for one matrix the worst counts, and the last rounding adds ``4 u (||W|| + eta ||D||)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq_mat

from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.definiteness import smallest_eigenvalue_lower_bound
from theory.rigour.input_bounds import InputBounds, input_bounds
from theory.rigour.rounding import gamma

LARGEST = 0.25
"""The share of its distance to singularity by which rounding may move a matrix."""

TELLING = 0.25
"""The share of the exact step that the allowance of an identity may be: a step that does not move is refuted wherever it is judged."""

CAP = 2.0**-4
"""The share of the step that an algorithm may lose which is stable for well-conditioned matrices only."""

ROOM = 1 + 2.0**-20
"""For the evaluation of the bounds themselves."""

SMALLEST = 2.0**-1000
"""So that a pre-activation that is exactly 0 is never decided: programs differ in the slope that they take there."""


def frobenius(matrix: fmpq_mat) -> float:
    """The Frobenius norm of a rational matrix, rounded."""
    return float(np.linalg.norm(rounding.floats(matrix)))


def smallest_eigenvalue(matrix: fmpq_mat) -> float:
    """A certified lower bound for a symmetric rational matrix: that of its nearest floats, each off by a rounding."""
    floats = rounding.floats(matrix)
    return smallest_eigenvalue_lower_bound(floats) - gamma(2) * float(np.linalg.norm(floats))


def reflection(length: int) -> int:
    """One Householder reflection, made and applied, in u."""
    return 6 * (length + 5)


def singular_values(short: int, long: int) -> int:
    """The singular values and vectors of a matrix of these sizes, in u of its norm; more than its QR decomposition."""
    return short * reflection(long) + 30 * short * (short + 1)


def eigenvalues(rank: int, size: int) -> int:
    """The eigenvalues and vectors of a symmetric matrix, in u of its norm."""
    return 2 * rank * reflection(size) + 30 * rank * (rank + 1)


def solve(size: int) -> int:
    """A solve with a regular positive matrix, or its inverse, in u of its trace."""
    return 4 * (3 * size + 1)


@dataclass(frozen=True)
class Route:
    """One algorithm: by how much, in u, it may move its matrix towards singularity, and the step of size 1."""

    name: str
    relative: float
    error: float
    required: bool = True
    """Whether an instance on which it may lose too much is vacuous; where not, it may lose ``CAP`` of the step at most."""


Stage = Sequence[Route]
"""The algorithms for one matrix."""


@dataclass(frozen=True)
class Condition:
    """What the allowance of one step depends on but its precision."""

    number: float
    """kappa: ``tr M / lambda``, for K-FAC the sum of that and of ``n / mu``; inf when a matrix is not certified to be regular."""
    stages: Sequence[Stage]
    always: float
    """What the residual adds, in u, for the step size 1."""
    direction: float
    """``||D||``."""
    weights: float
    """``||W||``."""
    error: float = 0.0
    """How far the direction that stands for the exact one may be from it."""

    def meaningful(self, unit_roundoff: float) -> float:
        """Nonnegative when no algorithm comes too close to a singular matrix for the bound."""
        return float(LARGEST - unit_roundoff * self._relative)

    def tells_of(self, unit_roundoff: float, number: float) -> bool:
        """Whether that is so too for a matrix of these sizes with another condition number."""
        return bool(unit_roundoff * self._relative * max(1.0, number / self.number) <= LARGEST)

    @property
    def _relative(self) -> float:
        found = [route.relative for stage in self.stages for route in stage if route.required]
        return max(found, default=np.inf)

    def growth(self, unit_roundoff: float) -> float:
        """What rounding may move the step by, in u, relative to the step and to the condition number; 1 where there is no step."""
        return self.amplification(unit_roundoff) / (self.direction * self.number) if self.direction > 0 else 1.0

    def telling(self, unit_roundoff: float, step_size: float) -> float:
        """Nonnegative when the allowance is a quarter of the step at most."""
        return TELLING * step_size * self.direction - self.allowance(unit_roundoff, step_size)

    def amplification(self, unit_roundoff: float) -> float:
        """What rounding may move the step by for the step size 1, in u, but for the last rounding."""
        cap = CAP * self.direction / (2 * unit_roundoff)
        worst = [
            max(route.error if route.required else min(route.error, cap) for route in stage) for stage in self.stages
        ]
        return 2 * (sum(worst) + self.always)

    def allowance(self, unit_roundoff: float, step_size: float) -> float:
        """How far, in the Frobenius norm, the returned weights may be from the exact ones."""
        last = 4 * unit_roundoff * (self.weights + step_size * self.direction)
        moved = unit_roundoff * self.amplification(unit_roundoff) + self.error
        return float((step_size * moved + last) * ROOM)


@dataclass(frozen=True)
class Solved:
    """One matrix ``M = A A^T + eps I`` and what it is solved for; all norms are Frobenius'."""

    shape: tuple[int, int]
    """(n, k) of A."""
    rank: int
    """Of A."""
    lambda_min: float
    """Of M, the smallest nonzero one."""
    eps: float
    norm: float
    """``||A||``."""
    gram: float
    """``||A A^T||``."""
    absolute_gram: float
    """``|| |A| |A|^T ||``."""
    inverse: float
    """``||M^+||``."""
    right: float
    """``||b||``."""
    outside: float
    """``||b'||``, of b outside the range of M."""
    solution: float
    """``||c||``."""
    direction: float
    """``||D||``."""
    gradient: float
    """``||A^T b||``."""
    absolute_gradient: float
    """``|| |A|^T |b| ||``, or what stands for it."""

    def routes(self) -> Stage:
        """The algorithms for it."""
        return [self._small(), self._rectangular(), *(self._damped() if self.eps else self._large())]

    def _small(self) -> Route:
        (n, k), root = self.shape, np.sqrt(self.lambda_min)
        cut = 2 if self.rank < n and not self.eps else 1
        formed = cut * (k + 8) * self.absolute_gram
        worked = cut * (solve(n) * (self.norm**2 + n * self.eps) + eigenvalues(n, n) * self.gram)
        error = (formed * self.solution + worked * self.inverse * self.right) / root
        error += (n + 3) * self.norm * self.inverse * self.right
        error += (formed + worked) * self.outside / root**3
        return Route("M", (formed + worked) / self.lambda_min, error)

    def _rectangular(self) -> Route:
        (n, k), root = self.shape, np.sqrt(self.lambda_min)
        moved = (singular_values(min(n, k), max(n, k) + (n if self.eps else 0)) + 8) * self.norm
        error = moved * (self.direction / root + self.solution + self.outside / self.lambda_min)
        error += 2 * (n + 4) * np.sqrt(self.rank) / root * self.right
        return Route("A", moved / root, error)

    def _large(self) -> Sequence[Route]:
        (n, k), root = self.shape, np.sqrt(self.lambda_min)
        moved = 2 * (eigenvalues(self.rank, k) * self.gram + (n + 8) * self.absolute_gram)
        if self.rank == k:
            moved += solve(k) * self.norm**2
        error = moved * (self.direction / self.lambda_min + self.solution / root)
        error += (n + 4) * self.absolute_gradient / self.lambda_min + (n + k) * self.inverse * self.gradient
        return [Route("A^T A", moved / self.lambda_min, error)]

    def _damped(self) -> Sequence[Route]:
        n, k = self.shape
        worked = solve(k) * (self.norm**2 + k * self.eps)
        moved = worked + eigenvalues(min(n, k), k) * self.gram + (n + 8) * self.absolute_gram
        gradient = (n + 4) * self.absolute_gradient / self.eps
        inverted = worked * np.sqrt(k) * self.gradient / self.eps**2
        return [
            Route("A^T A + eps I", moved / self.eps, moved * self.direction / self.eps + gradient, required=False),
            Route("its inverse", moved / self.eps, inverted + gradient, required=False),
        ]


def bounds_of(inputs: FloatArray) -> InputBounds:
    """Certified rank, leverage scores and eigenvalues of X."""
    return input_bounds(InputGeometry.of(inputs))


def residual_error(net: ExactNetwork) -> float:
    """What rounding may do to ``r = u - y``, in u: sums of d and of m products, the arguments and the result rounded."""
    absolute = rounding.magnitudes(net.inputs) @ rounding.magnitudes(net.weights).T
    terms = absolute.sum(axis=1, keepdims=True) / np.sqrt(len(net.signs)) + rounding.magnitudes(net.targets)
    return float((len(net.signs) + net.inputs.ncols() + 8) * np.linalg.norm(terms))


def pattern_margin(net: ExactNetwork, unit_roundoff: float) -> float:
    """``min |Z|`` less what computing Z with this roundoff may change: positive when no activation can come out wrong."""
    absolute = rounding.magnitudes(net.inputs) @ rounding.magnitudes(net.weights).T
    reach = 4 * (net.inputs.ncols() + 2) * unit_roundoff
    return float((rounding.magnitudes(net.pre_activations) - reach * absolute - SMALLEST).min())
