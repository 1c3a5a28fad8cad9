"""How much the Jacobian varies along one step, relative to where the step starts: the epsilon of T1-step."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from theory.direction import LowerBound, UpperBound
from theory.errors import RankDeficientError, ScaleError, ShapeError
from theory.inputs import FloatArray, finite_array, positive_count, sign_vector
from theory.network.two_layer import activation_named, exact_products
from theory.reals import nonnegative_real
from theory.rigour.activation_accuracy import DERIVATIVE_ERROR
from theory.rigour.definiteness import (
    largest_eigenvalue_bounds,
    largest_eigenvalue_upper_bound,
    outer_eigenvalue_bounds,
)
from theory.rigour.euclidean import euclidean_norm, row_norms
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from theory.stability.crossings import (
    Crossings,
    IntArray,
    few_on_one_neuron,
    jacobian_change,
    largest_sums,
    subset_bound,
)
from theory.stability.division import Division
from theory.stability.norms import rounded_down, rounded_up
from theory.stability.path import lipschitz_bound, longest_row_move, midpoint

MOST_SHARES = 512
"""Flips on a part up to which the share of each is evaluated."""


MODERATE = 200
"""Gram matrices whose largest entries have binary exponents of such a size are not rescaled."""


class _Relative:
    """Norms of ``(K o T) G^{-1}`` for n x n matrices T, with the rounding of the solve and the errors of K and G.

    K and G of no moderate size are divided by one power of two, which changes no norm.

    With ``K' = K + dK`` and ``G' = G + dG`` at hand, ``(K o T) G^{-1} - (K' o T) G'^{-1}`` is
    ``(K' o T) G'^{-1} dG G^{-1} - (dK o T) G^{-1}``.
    """

    def __init__(self, kernel: FloatArray, gram: FloatArray, kernel_error: float, gram_error: float) -> None:
        exponent = int(np.frexp(np.abs(gram).max())[1])
        exponent = exponent if abs(exponent) > MODERATE else 0
        with np.errstate(over="ignore", under="ignore"):
            kernel, gram = np.ldexp(kernel, -exponent), np.ldexp(gram, -exponent)
            # what underflows of an entry of K is below 2^-1074
            kernel_error, gram_error = (
                rounded_up(float(np.ldexp(error, -exponent))) for error in (kernel_error, gram_error)
            )
        if not np.isfinite(kernel).all():
            raise ScaleError(
                "the kernel is larger than the Gram matrix beyond the range of float64; rescale one of them"
            )
        self.kernel, self.kernel_error = kernel, kernel_error
        symmetric = (gram + gram.T) / 2
        size = len(gram)
        # symmetrising moves the matrix by at most one rounding of its entries
        gram_error += UNIT_ROUNDOFF * euclidean_norm(gram)
        least, largest = outer_eigenvalue_bounds(symmetric)
        self.lambda_min = rounded_down(least - gram_error)
        if self.lambda_min <= 0:
            raise RankDeficientError(f"the {size} x {size} Gram matrix is not certified positive definite")
        self.factor = linalg.cho_factor(symmetric, lower=True)
        # Higham 10.4: the computed solution solves a system off by gamma_{3n+1} |R^T||R|, of norm <= n ||G||_2
        self.solve_error = 2 * gamma(3 * size + 8) * (size * largest / self.lambda_min + 1)
        self.solve_error += rounded_up(gram_error / self.lambda_min * (1 + self.solve_error))
        # symmetrising K is one more rounding of its entries
        kernel_moved = size * kernel_error + UNIT_ROUNDOFF * euclidean_norm(kernel)
        self.norm_squared = rounded_up(max(0.0, largest_eigenvalue_upper_bound((kernel + kernel.T) / 2) + kernel_moved))
        self.longest = rounded_up(max(0.0, float(np.diag(kernel).max()) + kernel_error))

    def solve(self, right: FloatArray) -> FloatArray:
        """``G^{-1} right``."""
        return np.asarray(linalg.cho_solve(self.factor, right))

    def norm(self, product: FloatArray, error: float) -> tuple[float, float]:
        """Bracket of ``||(K o T) G^{-1}||_2`` for T known up to an additive ``error`` of the final norm."""
        size = len(product)
        some = product.any(axis=1)  # the other rows of the whole are 0
        if not some.any():
            return 0.0, rounded_up(error)
        transposed = self.solve((self.kernel[some] * product[some]).T)
        exponent = int(np.frexp(np.abs(transposed).max())[1])
        scaled = np.ldexp(transposed, -exponent)  # so that squares neither vanish nor overflow
        squares = scaled.T @ scaled
        squares = (squares + squares.T) / 2
        frobenius = euclidean_norm(scaled)
        rounding = 2 * gamma(size + 4) * frobenius * frobenius + UNDERFLOW
        least, most = largest_eigenvalue_bounds(squares)
        above, below = math.sqrt(max(most + rounding, 0.0)), math.sqrt(max(least - rounding, 0.0))
        above, below = (float(np.ldexp(value, exponent)) for value in (above, below))
        kernel_moved = self.kernel_error * euclidean_norm(product) / self.lambda_min
        moved = self.solve_error * float(np.ldexp(frobenius, exponent)) + error + rounded_up(kernel_moved) + UNDERFLOW
        return rounded_down(max(0.0, below - moved)), rounded_up(above + moved)


def segment_variation(
    start_Z: FloatArray,
    end_Z: FloatArray,
    signs: FloatArray,
    kernel: FloatArray,
    gram: FloatArray,
    parts: int = 64,
    activation: str = "relu",
    exact: bool = False,
    kernel_error: float = 0.0,
    gram_error: float = 0.0,
) -> tuple[LowerBound, UpperBound]:
    """Bracket (lower, upper) of ``sup_s ||(J(theta_s) - J(k)) J(k)^+||_2`` on the segment between two iterates.

    Pre-activations have shape (n, m), ``kernel`` K = X X^T and ``gram`` G = G(k) at the start (n, n). The matrix is
    ``(K o dS S_k^T) G^{-1}``, in which the ``signs`` (m,) cancel. At most ``parts`` parts; ``exact=True`` divides until
    the two ends agree but for rounding (ReLU; every crossing if need be). Source: T1-step. Entries of K are within ``kernel_error`` of the exact ones,
    G within ``gram_error`` in the spectral norm.
    Ends of any size: where float64 does not reach the upper one is inf.
    Raises ShapeError, NotFiniteError, SignError, ChoiceError, RankDeficientError, WidthError (parts), ScaleError (an error that is
    not a number of at least 0).
    """
    start, end = finite_array(start_Z, "start_Z", 2), finite_array(end_Z, "end_Z", 2)
    if start.shape != end.shape or sign_vector(signs).shape != start.shape[1:]:
        raise ShapeError(f"segment ends {start.shape} and {end.shape} with {len(signs)} signs; they must agree")
    phi = activation_named(activation)
    kernels = finite_array(kernel, "kernel", 2), finite_array(gram, "gram", 2)
    if not kernels[0].shape == kernels[1].shape == (len(start), len(start)):
        raise ShapeError(
            f"kernel {kernels[0].shape} and gram {kernels[1].shape} for {len(start)} inputs; they must agree"
        )
    errors = nonnegative_real(kernel_error, "kernel_error"), nonnegative_real(gram_error, "gram_error")
    finest = max(positive_count(parts, "parts"), start.size + 1 if exact else 1)
    with np.errstate(over="ignore", under="ignore"):  # slopes far from 0, and bounds that end as inf
        relative = _Relative(*kernels, *errors)
        if phi.curvature is None:
            below, above = _pattern_variation(start, end, relative, finest)
        else:
            below, above = _smooth_variation(start, end, relative, finest, activation)
    return LowerBound(float(below)), UpperBound(float(above))


class _FlippedProducts:
    """``m dS S_k^T``, the counts that the flips on a segment leave (n, n), and what a single flip adds to its norm."""

    def __init__(self, crossings: Crossings, active: NDArray[np.bool_]) -> None:
        self.crossings = crossings
        touched, self.local = np.unique(crossings.neurons, return_inverse=True)
        self.columns = active[:, touched].astype(np.float32)
        self.known: dict[int, FloatArray] = {0: np.zeros((len(active), len(active)))}

    def at(self, position: int) -> FloatArray:
        """The counts at a position, from those at the nearest one before it that is known."""
        if position not in self.known:
            base = max(p for p in self.known if p < position)
            chosen = slice(base, position)
            neurons, local = np.unique(self.local[chosen], return_inverse=True)
            change = np.zeros((len(self.columns), len(neurons)), dtype=np.float32)
            change[self.crossings.rows[chosen], local] = self.crossings.directions[chosen]
            self.known[position] = self.known[base] + exact_products(change, self.columns[:, neurons])
        return self.known[position]

    def shares(self, left: int, right: int, relative: _Relative, width: int) -> FloatArray:
        """``||e_i (K_i o A_r) G^{-1}||/m`` of each flipped pair between two positions, rounded up."""
        chosen = slice(left, right)
        moved = relative.kernel[:, self.crossings.rows[chosen]] * self.columns[:, self.local[chosen]]
        own = row_norms(relative.solve(moved).T) / width
        inexact = relative.kernel_error * math.sqrt(len(moved)) / (relative.lambda_min * width)
        return np.asarray((own + inexact) * (1 + relative.solve_error + gamma(len(moved) + 4)) + UNDERFLOW)


def _pattern_variation(start: FloatArray, end: FloatArray, relative: _Relative, parts: int) -> tuple[float, float]:
    width = start.shape[1]
    crossings = Crossings.between(start, end)
    flipped = _FlippedProducts(crossings, start >= 0)
    norm_squared, longest = relative.norm_squared, relative.longest
    inverse_norm = rounded_up(1 / math.sqrt(relative.lambda_min))

    def evaluate(position: int) -> tuple[float, float]:
        return relative.norm(flipped.at(position) / width, 0.0)

    def between(left: int, left_value: float, right: int, right_value: float) -> float:
        on_one_input = crossings.counts_by_input(left, right)
        share = few_on_one_neuron(norm_squared, longest, crossings.counts_by_neuron(left, right))
        # the sum of single shares is the smaller bound for few flips only
        few = right - left <= MOST_SHARES
        sums = largest_sums(flipped.shares(left, right, relative, width)) if few else None

        def jump(numbers: IntArray) -> FloatArray:
            change = jacobian_change(numbers, on_one_input, share, longest, width) * inverse_norm
            return change if sums is None else np.minimum(change, sums[numbers])

        return subset_bound(jump, right - left, left_value, right_value)

    return Division(evaluate, between, crossings.middle).supremum(0, len(crossings), parts)


def _smooth_variation(
    start: FloatArray, end: FloatArray, relative: _Relative, parts: int, activation: str
) -> tuple[float, float]:
    phi = activation_named(activation)
    assert phi.curvature is not None
    rows, width = start.shape
    slopes = phi.derivative(start)
    norm = math.sqrt(relative.norm_squared)
    moved = longest_row_move(start, end)
    inverse_norm = rounded_up(1 / math.sqrt(relative.lambda_min))
    speed = rounded_up(phi.curvature * norm * moved / math.sqrt(width) * inverse_norm)
    evaluation = 2 * DERIVATIVE_ERROR * math.sqrt(rows)
    magnitude = float(euclidean_norm(start) + euclidean_norm(end))
    error = evaluation + phi.curvature * 4 * UNIT_ROUNDOFF * magnitude / math.sqrt(width)

    def evaluate(position: float) -> tuple[float, float]:
        change = phi.derivative((1 - position) * start + position * end) - slopes
        product = change @ slopes.T / width
        size_of_change = euclidean_norm(change)
        size = size_of_change * euclidean_norm(slopes) / width
        # errors of dS act through J(k)^+, those of S_k and of the product through G^{-1}; x_i and K as long as they are
        inexact = (
            error * math.sqrt(relative.longest) * inverse_norm
            + (size * gamma(2 * width + 8) + size_of_change * DERIVATIVE_ERROR * math.sqrt(rows / width))
            * relative.longest
            * inverse_norm**2
        )
        return relative.norm(product, rounded_up(2 * inexact))

    division = Division(evaluate, lambda *part: lipschitz_bound(part, speed), midpoint)
    return division.supremum(0.0, 1.0, parts)
