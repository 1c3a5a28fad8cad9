"""Rounding bounds of the project's float64 functions on one instance, propagated from exact quantities.

Everything here is a sum of products of nonnegative numbers, so its own evaluation in float64 is off by a relative error
below 2^-40, which ``allowance`` adds. No intermediate underflows on the instances used: nonzero entries of X, W, y are
far above 2^-500. References: Higham, Accuracy and Stability of Numerical Algorithms, sections 3.1 (products), 10.1
(Cholesky), 20.1 (pseudo-inverses); Wedin 1973.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq_mat

from properties.engine.claim import Bound, within_rounding
from properties.exact.exact_network import ExactNetwork, vector
from theory.inputs import FloatArray
from theory.rigour.exact import diagonal, pseudo_inverse, rational_matrix
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma

SINGULARITY = 2.0**-10
"""Largest relative perturbation of a matrix, in units of its distance to singularity, at which a solve is judged."""


def floats(matrix: fmpq_mat) -> FloatArray:
    """The entries rounded to nearest, shape (n, k): the division of two Python integers is."""
    whole, common = matrix.numer_denom()
    denominator = int(common)
    entries = [int(entry) / denominator for entry in whole.entries()]
    return np.array(entries, dtype=np.float64).reshape(matrix.nrows(), matrix.ncols())


def magnitudes(matrix: fmpq_mat) -> FloatArray:
    """Absolute values of the entries, rounded to nearest, shape (n, k)."""
    return np.abs(floats(matrix))


@dataclass(frozen=True)
class Computed:
    """An array that the program computes: ``size`` bounds the exact |value|, ``error`` bounds |computed - exact|."""

    size: FloatArray
    error: FloatArray

    @property
    def total(self) -> FloatArray:
        """Bound of the computed absolute value."""
        return self.size + self.error

    @property
    def transposed(self) -> Computed:
        """The transpose."""
        return Computed(self.size.T, self.error.T)

    def rounded(self, roundings: int) -> Computed:
        """The same after further relative errors ``1 + delta``, ``roundings`` of them."""
        return Computed(self.size, self.error + gamma(roundings) * self.total)


def given(matrix: fmpq_mat) -> Computed:
    """An array that the program is given: no error."""
    size = magnitudes(matrix)
    return Computed(size, np.zeros_like(size))


def product(left: Computed, right: Computed) -> Computed:
    """The entrywise product (broadcasting), one rounding."""
    exact = Computed(left.size * right.size, left.error * right.total + left.size * right.error)
    return exact.rounded(1)


def matmul(left: Computed, right: Computed) -> Computed:
    """The matrix product, in any order of summation, with or without fused multiply-add."""
    inner = left.size.shape[1]
    sums = Computed(left.size @ right.size, left.error @ right.total + left.size @ right.error)
    return Computed(sums.size, sums.error + gamma(inner) * (left.total @ right.total))


def plus(left: Computed, right: Computed, exact: fmpq_mat) -> Computed:
    """The sum or difference, one rounding; ``exact`` is its exact value."""
    size = magnitudes(exact)
    carried = left.error + right.error
    return Computed(size, carried + gamma(1) * (size + carried))


def linear_solve(matrix: Computed, exact_inverse: fmpq_mat, right: Computed, exact: fmpq_mat) -> tuple[Computed, float]:
    """Cholesky solve of an n x n system with several right-hand sides; ``exact`` is the exact solution (n, k).

    The computed solution solves ``(A + F) c^ = b + db`` with ``|F| <= E + gamma(4n + 4) d d^T / (1 - gamma(n + 1))``, E
    the error of A as computed and d the roots of its diagonal (Higham, theorems 10.4 and 10.5; n more roundings for
    kernels that multiply by reciprocals). Hence ``|c^ - c| <= |A^{-1}| (|db| + |F| |c|) + N |c^ - c|`` with
    ``N = |A^{-1}| |F|``. Also returns ``||N||_inf``;
    the bound holds when that is below 1.
    """
    n = len(matrix.size)
    roots = np.sqrt(np.diag(matrix.total))
    perturbation = matrix.error + gamma(4 * n + 4) / (1 - gamma(n + 1)) * np.outer(roots, roots)
    inverse, solution = magnitudes(exact_inverse), magnitudes(exact)
    distance = float((inverse @ perturbation).sum(axis=1).max())
    first = inverse @ (right.error + perturbation @ solution)
    amplified = distance / (1 - distance) if distance < 1 else 1.0  # no bound from 1 on: the caller refuses it
    return Computed(solution, first + amplified * first.max(axis=0)), distance


def pre_activations(net: ExactNetwork) -> Computed:
    """``X @ W.T`` of float64 X, W; a sum with t nonzero products has at most t roundings, none when t = 0."""
    inputs, weights = magnitudes(net.inputs), magnitudes(net.weights)
    products = inputs[:, None, :] * weights[None, :, :]
    terms = np.count_nonzero(products, axis=2)
    growth = np.array([gamma(t) for t in range(inputs.shape[1] + 1)])[terms]
    return Computed(magnitudes(net.pre_activations), growth * products.sum(axis=2))


def decided(net: ExactNetwork, computed: Computed) -> float:
    """``min |Z| - error``: nonnegative when the program sees the exact activation pattern."""
    return float((magnitudes(net.pre_activations) - computed.error * (1 + 2.0**-20)).min())


def features(net: ExactNetwork) -> Computed:
    """``S`` from the exact pattern: a square root and a division."""
    return given(net.features).rounded(2)


def jacobian(net: ExactNetwork) -> Computed:
    """``J``: entries of S times entries of X."""
    return given(net.jacobian).rounded(3)


def outputs(net: ExactNetwork, computed: Computed) -> Computed:
    """``u`` (n, 1) from computed pre-activations: m terms, a square root and a division; ReLU is 1-Lipschitz."""
    m = len(net.signs)
    active = magnitudes(net.pre_activations) * (floats(net.pre_activations) > 0)
    relu = Computed(active, computed.error)
    summed = matmul(relu, Computed(np.full((m, 1), m**-0.5), np.zeros((m, 1)))).rounded(2)
    return Computed(magnitudes(net.outputs), summed.error)


def residual(net: ExactNetwork, computed: Computed) -> Computed:
    """``r = u - y`` (n, 1) from computed pre-activations."""
    return plus(outputs(net, computed), given(net.targets), net.residual)


def pattern_gram(net: ExactNetwork) -> Computed:
    """``H``: exact integer counts and one division."""
    return given(net.pattern_gram).rounded(1)


def kernel(net: ExactNetwork) -> Computed:
    """``K = X X^T``: sums of d products."""
    summed = matmul(given(net.inputs), given(net.inputs.transpose()))
    return Computed(magnitudes(net.kernel), summed.error)


def gram(net: ExactNetwork) -> Computed:
    """``G = K o H``, entrywise."""
    return product(kernel(net), pattern_gram(net))


def spread(net: ExactNetwork) -> float:
    """``omega = 2 p u ||X||_F ||X^+||_F``: the relative perturbation of X behind a computed SVD, over its distance to
    lower rank.

    A backward stable SVD of an n x d matrix has ``p = 16 (n + d) max(n, d)``: at most n + d reflections on vectors of
    at most max(n, d) entries with a small constant each (Higham, lemma 19.3), and as much for the iteration.
    """
    n, d = net.inputs.nrows(), net.inputs.ncols()
    norms = np.linalg.norm(floats(net.inputs)) * np.linalg.norm(floats(pseudo_inverse(net.inputs)))
    return float(2 * 16 * (n + d) * max(n, d) * UNIT_ROUNDOFF * norms)


def dual_inputs(net: ExactNetwork) -> Computed:
    """``(X^+)^T`` (n, d) through an SVD of the right rank.

    Wedin's bound ``||X~^+ - X^+|| <= 1.62 ||X~^+|| ||X^+|| ||X~ - X||`` with ``||X~^+|| <= ||X^+|| / (1 - omega)`` is below
    ``2 omega ||X^+||``; factors that are orthonormal to p u add ``3 omega``, the products ``2 gamma(d + 2)``.
    """
    d = net.inputs.ncols()
    norm = float(np.linalg.norm(floats(pseudo_inverse(net.inputs))))
    size = magnitudes(net.dual_inputs)
    return Computed(size, np.full_like(size, norm * (5 * spread(net) + 2 * gamma(d + 2))))


def projection(net: ExactNetwork) -> Computed:
    """``P`` (n, n) through the same SVD: ``||P~ - P|| = ||(I - P)(X~ - X) X~^+|| <= 2 omega``, and the product."""
    d = net.inputs.ncols()
    size = magnitudes(net.projection)
    return Computed(size, np.full_like(size, 4 * spread(net) + 2 * gamma(d + 2)))


@dataclass(frozen=True)
class Iterate:
    """What the program holds at one iterate: weights (m, d) and pre-activations (n, m), with their errors."""

    net: ExactNetwork
    weights: Computed
    pre_activations: Computed

    @property
    def residual(self) -> Computed:
        """``r`` (n, 1)."""
        return residual(self.net, self.pre_activations)

    @property
    def margin(self) -> float:
        """Nonnegative when the program sees the exact activation pattern."""
        return decided(self.net, self.pre_activations)


def start(net: ExactNetwork) -> Iterate:
    """The first iterate: weights as given, pre-activations computed from them."""
    return Iterate(net, given(net.weights), pre_activations(net))


def advance(before: Iterate, after: ExactNetwork, optimiser: str, step_size: float) -> tuple[Iterate, float]:
    """One step of the program, in parameters and in function space, and the distance of its solve to singularity.

    ``after`` is the exact network after the exact step. The activation pattern of ``before`` must be decided.
    """
    net = before.net
    eta = Computed(np.array([[step_size]]), np.zeros((1, 1)))
    rows, targets = given(net.inputs), before.residual
    if optimiser == "kfac":
        inverse = net.pattern_gram.inv()
        exact_residual = diagonal(vector(net.residual))
        right = product(targets, dual_inputs(net))
        exact = inverse * exact_residual * net.dual_inputs
        direction, distance = linear_solve(pattern_gram(net), inverse, right, exact)
        spread_residual = Computed(np.diagflat(targets.size), np.diagflat(targets.error))
        mixed, _ = linear_solve(pattern_gram(net), inverse, spread_residual, inverse * exact_residual)
        movement = matmul(projection(net), mixed.transposed)
    else:
        distance = 0.0
        coefficients = targets
        if optimiser == "ngd":
            inverse = net.gram.inv()
            coefficients, distance = linear_solve(gram(net), inverse, targets, inverse * net.residual)
        direction = product(coefficients, rows)
        movement = product(kernel(net), coefficients.transposed)
    change = product(eta, matmul(features(net).transposed, direction)).rounded(1)
    weights = plus(before.weights, change, after.weights)
    shift = matmul(product(eta, movement), features(net))
    return Iterate(after, weights, plus(before.pre_activations, shift, after.pre_activations)), distance


def allowance(error: FloatArray) -> FloatArray:
    """The bound with room for its own evaluation."""
    return error * (1 + 2.0**-40)


def norms(exact: list[fmpq_mat], computed: list[Computed]) -> tuple[FloatArray, FloatArray]:
    """Euclidean norms of columns (n, 1) and the bounds of their errors, each of shape (len,).

    n squares, n - 1 sums, a root: at most n + 2 roundings, for the program's norm and for the one evaluated here.
    """
    values = np.array([np.linalg.norm(floats(column)) for column in exact])
    errors = [
        np.linalg.norm(column.error) + 2 * gamma(len(column.size) + 2) * np.linalg.norm(column.total)
        for column in computed
    ]
    return values, np.array(errors)


def close_to_floats(label: str, computed: FloatArray, expected: FloatArray, error: FloatArray) -> Bound:
    """``|computed - expected| <= error`` entry by entry, (k,), where ``error`` covers that of ``expected`` too."""
    if computed.shape != expected.shape:
        return within_rounding(f"{label}: shape {computed.shape}", np.inf, 0.0)
    return _worst(label, np.abs(computed - expected), error)


def close(label: str, computed: FloatArray, exact: fmpq_mat, error: FloatArray) -> Bound:
    """``|computed - exact| <= error`` entry by entry, all of shape (n, k)."""
    if computed.shape != (exact.nrows(), exact.ncols()) or not np.isfinite(computed).all():
        return within_rounding(f"{label}: not a finite array of shape {error.shape}", np.inf, 0.0)
    return close_exactly_known(label, rational_matrix(computed), exact, error)


def close_exactly_known(label: str, computed: fmpq_mat, exact: fmpq_mat, error: FloatArray) -> Bound:
    """The same for a computed value known as a rational matrix."""
    return _worst(label, magnitudes(computed - exact), error)


def _worst(label: str, difference: FloatArray, error: FloatArray) -> Bound:
    """The entry that comes nearest to its bound, or exceeds it most."""
    allowed = allowance(error)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(difference == 0, 0.0, difference / allowed)
    where = np.unravel_index(np.argmax(ratio), ratio.shape)
    return within_rounding(label, difference[where], allowed[where])
