"""Wrong steps, and two right ones, in plain dense NumPy: what the claims on a user's step must refute.

They share nothing with the exact formulas: J is built densely, the Fisher matrix is md x md, K-FAC goes through a Kronecker
product. Each has the user's signature, ``step(weights, signs, X, y, step_size) -> weights``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory.inputs import FloatArray

ArrayStep = Callable[[FloatArray, FloatArray, FloatArray, FloatArray, float], FloatArray]

Direction = Callable[["Dense"], FloatArray]
"""From a network to the update divided by -eta, (m, d) or (m d,)."""


@dataclass(frozen=True)
class Dense:
    """The dense quantities of one network."""

    weights: FloatArray
    signs: FloatArray
    inputs: FloatArray
    targets: FloatArray

    @property
    def scale(self) -> float:
        """``m^{-1/2}``."""
        return float(1 / np.sqrt(len(self.signs)))

    @property
    def features(self) -> FloatArray:
        """S (n, m)."""
        return np.where(self.inputs @ self.weights.T >= 0, self.signs, 0.0) * self.scale

    @property
    def residual(self) -> FloatArray:
        """r (n,)."""
        return np.maximum(self.inputs @ self.weights.T, 0) @ self.signs * self.scale - self.targets

    @property
    def jacobian(self) -> FloatArray:
        """J (n, m d)."""
        return np.array([np.kron(s, x) for s, x in zip(self.features, self.inputs, strict=True)])

    @property
    def gradient(self) -> FloatArray:
        """``J^T r``, (m d,)."""
        return self.jacobian.T @ self.residual


def stepping(direction: Direction) -> ArrayStep:
    """The step of a direction."""

    def step(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> FloatArray:
        return weights - step_size * direction(Dense(weights, signs, X, y)).reshape(weights.shape)

    return step


def natural(net: Dense) -> FloatArray:
    """NGD by a least-squares solve with J."""
    return np.asarray(np.linalg.lstsq(net.jacobian, net.residual, rcond=None)[0], dtype=np.float64)


def solved(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """``M^{-1} b``."""
    return np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)


def inverse(matrix: FloatArray, damping: float = 0.0) -> FloatArray:
    """``(M + damping I)^{-1}``, the pseudo-inverse without damping."""
    if damping:
        return solved(matrix + damping * np.eye(len(matrix)), np.eye(len(matrix)))
    return np.asarray(np.linalg.pinv(matrix, rcond=1e-12, hermitian=True), dtype=np.float64)


def kronecker(net: Dense, features_damping: float = 0.0, inputs_damping: float = 0.0) -> FloatArray:
    """K-FAC by a dense Kronecker product."""
    left = inverse(net.features.T @ net.features, features_damping)
    return np.kron(left, inverse(net.inputs.T @ net.inputs, inputs_damping)) @ net.gradient


Solver = Callable[[FloatArray, FloatArray], FloatArray]
"""From an n x n matrix and n x k right-hand sides to what is taken for the solutions (n, k)."""


def gram_solve(optimiser: str, solver: Solver) -> Direction:
    """``J^T G^{-1} r``, or ``S^T H^{-1} diag(r) (X^+)^T``, by n x n systems that the solver solves."""

    def direction(net: Dense) -> FloatArray:
        S, X, r = net.features, net.inputs, net.residual[:, None]
        if optimiser == "kfac":
            found = S.T @ solver(S @ S.T, r * np.linalg.pinv(X).T)
        else:
            found = S.T @ (solver((S @ S.T) * (X @ X.T), r) * X)
        return np.asarray(found, dtype=np.float64)

    return direction


def conjugate_gradients(matrix: FloatArray, right: FloatArray, iterations: int) -> FloatArray:
    """So many iterations of conjugate gradients from 0 for each column, fewer where nothing is left to solve."""
    solutions = np.zeros_like(right)
    for column in range(right.shape[1]):
        residual = right[:, column].copy()
        direction, size = residual.copy(), float(residual @ residual)
        enough = size * np.finfo(float).eps ** 2
        for _ in range(iterations):
            if size <= enough:
                break
            image = matrix @ direction
            length = size / float(direction @ image)
            solutions[:, column] += length * direction
            residual -= length * image
            before, size = size, float(residual @ residual)
            direction = residual + size / before * direction
    return solutions


def leading_eigenvectors(matrix: FloatArray, right: FloatArray, count: int) -> FloatArray:
    """The solution in the span of the eigenvectors of the ``count`` largest eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    kept = vectors[:, -count:]
    return np.asarray(kept @ ((kept.T @ right) / values[-count:, None]), dtype=np.float64)


def damped_fisher(damping: float, per_sample: bool = False) -> Direction:
    """``(J^T J + eps I)^{-1} J^T r``; per sample ``(J^T J / n + eps I)^{-1} J^T r / n``."""

    def direction(net: Dense) -> FloatArray:
        J, n = net.jacobian, len(net.targets) if per_sample else 1
        return solved(J.T @ J / n + damping * np.eye(J.shape[1]), net.gradient / n)

    return direction


def damped_product(damping: float) -> Direction:
    """``(S^T S (x) X^T X + eps I)^{-1} J^T r``."""

    def direction(net: Dense) -> FloatArray:
        fisher = np.kron(net.features.T @ net.features, net.inputs.T @ net.inputs)
        return solved(fisher + damping * np.eye(len(fisher)), net.gradient)

    return direction


def cut_off(rcond: float) -> Direction:
    """``J^+ r`` with singular values below ``rcond`` times the largest cut off."""
    return lambda net: np.linalg.pinv(net.jacobian, rcond=rcond) @ net.residual


def swapped(net: Dense) -> FloatArray:
    """K-FAC with its two factors in the other order."""
    left = inverse(net.features.T @ net.features)
    return np.kron(inverse(net.inputs.T @ net.inputs), left) @ net.gradient


def column_major(direction: Direction) -> Direction:
    """The update unflattened column by column."""
    return lambda net: direction(net).reshape(net.weights.shape, order="F")


def times(factor: Callable[[Dense], float], direction: Direction) -> Direction:
    """A multiple of a direction."""
    return lambda net: factor(net) * direction(net)


def per_sample(net: Dense) -> float:
    """``1/n``: a mean where a sum is meant."""
    return 1.0 / len(net.targets)


def squared_count(net: Dense) -> float:
    """``n^2``: means where sums are meant, in the Fisher matrix twice or in both factors."""
    return float(len(net.targets) ** 2)


def unscaled(direction: Direction) -> Direction:
    """The same without ``m^{-1/2}`` in the network."""

    class Unscaled(Dense):
        @property
        def scale(self) -> float:
            return 1.0

    return lambda net: direction(Unscaled(net.weights, net.signs, net.inputs, net.targets))


def gradient(net: Dense) -> FloatArray:
    """Plain gradient descent."""
    return net.gradient


def accumulating(damping: float) -> ArrayStep:
    """NGD whose damping is added again at every call: a matrix of ``eps I`` that is kept and grows."""
    calls = [0]

    def step(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> FloatArray:
        calls[0] += 1
        return stepping(damped_fisher(damping * calls[0]))(weights, signs, X, y, step_size)

    return step


def stale() -> ArrayStep:
    """NGD with the activation pattern of the previous call, where that had the same shape."""
    before: list[FloatArray] = []

    def step(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> FloatArray:
        net = Dense(weights, signs, X, y)
        fits = before and before[-1].shape == weights.shape
        pattern = Dense(before[-1], signs, X, y) if fits else net
        before[:] = [weights.copy()]
        return weights - step_size * (np.linalg.pinv(pattern.jacobian) @ net.residual).reshape(weights.shape)

    return step


def single_precision(
    weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float
) -> FloatArray:
    """NGD in float32, returned as float64."""
    net = Dense(*(array.astype(np.float32) for array in (weights, signs, X, y)))  # type: ignore[arg-type]
    J = net.jacobian.astype(np.float32)
    direction = J.T @ np.linalg.solve(J @ J.T, net.residual.astype(np.float32))
    moved = net.weights - np.float32(step_size) * direction.reshape(weights.shape)
    return np.asarray(moved, dtype=np.float64)
