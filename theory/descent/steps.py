"""NGD, K-FAC and GD on the two-layer network: one step in parameters, trajectories in function space (n x m).

Every update moves the pre-activations by ``dZ = M S`` with an n x n matrix M, so d never enters after K and P
(docs/theory.md, I-dual). One step costs two products of sizes n x m x n and an n x n solve; less where 2 d < n, as
M is then applied in two factors, and where few activations change, as the products of these alone are counted again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from theory.errors import ChoiceError, DivergenceError, NotFiniteError, RankDeficientError
from theory.inputs import FloatArray, enough_parameters, positive, positive_count, target_vector
from theory.kernels.geometry import InputGeometry
from theory.losses import LossMaker, SquaredLoss
from theory.network.pattern import ActivationPattern
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.activation_accuracy import STEEPEST_SLOPE
from theory.rigour.euclidean import euclidean_norm, form_root

BLOCK_ENTRIES = 2**17
"""Entries of an n x block slice handled at a time: 1 MiB of float64, which stays in the second-level cache."""

BLOCK_COLUMNS = 2**12
"""Neurons handled at a time at most: sums over short blocks, and then over blocks, keep rounding errors small."""

SHIFTED = 60
"""Binary exponents below which moves are scaled before they are taken in float32, whose smallest number is 2^-149."""

Factors = tuple[FloatArray, ...]
"""Matrices whose product M (n, n) moves the pre-activations: ``dZ = M S``; applied from the right, one after the other."""


def solve_gram(gram: FloatArray, right: FloatArray, name: str = "the matrix") -> FloatArray:
    """Solve with a symmetric positive definite n x n matrix by Cholesky; ``name`` says in errors which one it is.

    Raises RankDeficientError when a pivot is below ``n eps`` times the largest, the factorisation's backward error. That does
    not say whether the matrix is singular: theory/network/definiteness.py does, where it can be known.
    """
    failed = f"{name} ({len(gram)} x {len(gram)}) cannot be solved with in float64"
    try:
        factor, lower = linalg.cho_factor(gram, lower=True)
    except linalg.LinAlgError as error:
        raise RankDeficientError(f"{failed} (a pivot is not positive)") from error
    pivots = np.diag(factor) ** 2
    if pivots.min() <= len(gram) * np.finfo(float).eps * pivots.max():
        raise RankDeficientError(f"{failed} (pivots {pivots.min():.3g} to {pivots.max():.3g})")
    return np.asarray(linalg.cho_solve((factor, lower), right))


def _named_at(symbol: str, condition: str, steps: int) -> str:
    """A Gram matrix of iterate ``steps``: Conditions 1 and K1 are about the initial ones."""
    return f"{symbol}(0) of {condition}" if steps == 0 else f"{symbol}({steps}), after step {steps},"


def natural_gradient_step(
    net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike, step_size: float, loss: LossMaker = SquaredLoss
) -> TwoLayerNetwork:
    """One NGD step ``dW = -eta S^T diag(G^{-1} g) X`` (exact Fisher, pseudo-inverse; I-pinv).

    g is the gradient, in the outputs, of ``loss`` for the labels y: the residual for the squared loss. A loss with other
    parameters: ``loss=partial(PseudoHuberLoss, ridge=0.1)``. Raises InputError for bad input, RankDeficientError when G is
    singular.
    """
    rows, gradient = _output_gradient(net, inputs, y, loss)
    coefficients = solve_gram(net.gram(rows), gradient, "the Gram matrix G")
    return _moved(net, -positive(step_size, "step_size") * coefficients[:, None] * rows, rows)


def kfac_step(
    net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike, step_size: float, loss: LossMaker = SquaredLoss
) -> TwoLayerNetwork:
    """One exact K-FAC step ``dW = -eta S^T H^{-1} diag(g) X (X^T X)^+`` (no damping; I-kfac), g as for NGD.

    Raises InputError for bad input, RankDeficientError when H is singular.
    """
    rows, gradient = _output_gradient(net, inputs, y, loss)
    direction = gradient[:, None] * InputGeometry(rows).dual_inputs
    return _moved(
        net,
        -positive(step_size, "step_size") * solve_gram(net.pattern_gram(rows), direction, "the pattern Gram matrix H"),
        rows,
    )


def gradient_step(
    net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike, step_size: float, loss: LossMaker = SquaredLoss
) -> TwoLayerNetwork:
    """One gradient descent step ``dW = -eta S^T diag(g) X`` on the loss: ``||u - y||^2 / 2`` by default.

    Raises InputError.
    """
    rows, gradient = _output_gradient(net, inputs, y, loss)
    return _moved(net, -positive(step_size, "step_size") * gradient[:, None] * rows, rows)


def _output_gradient(
    net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike, loss: LossMaker
) -> tuple[FloatArray, FloatArray]:
    rows = InputGeometry.of(inputs).inputs
    labels = target_vector(y, len(rows))
    enough_parameters(len(rows), net.width, net.dim)
    return rows, loss(labels).gradient(net.outputs(rows))


def _moved(net: TwoLayerNetwork, direction: FloatArray, rows: FloatArray) -> TwoLayerNetwork:
    moved = net.weights + net.pattern_features(rows).T @ direction
    return TwoLayerNetwork(weights=moved, signs=net.signs, activation=net.activation)


class FunctionSpaceDescent:
    """The state of an optimiser in function space: pre-activations Z (n, m), updated in place, block by block.

    At the current Z: ``outputs`` u (n,), ``residual`` r = u - y (n,) for the loss's minimiser y, ``output_gradient`` g (n,)
    for its gradient at u (g = r for the squared loss), ``pattern_gram`` H = S S^T and ``gram`` G = K o H (n, n).
    Raises InputError for bad input; ``advance`` raises RankDeficientError when the matrix to invert is singular and
    DivergenceError when the new iterate, or its squared residual norm, is not finite: the state is of no use then.
    """

    def __init__(
        self,
        net: TwoLayerNetwork,
        inputs: ArrayLike,
        y: ArrayLike,
        measure_steps: bool = True,
        loss: LossMaker = SquaredLoss,
        single_precision: bool = False,
    ) -> None:
        """Evaluate the pre-activations of ``net`` once; afterwards the weights are not needed.

        ``measure_steps=False`` spares GD the Gram matrix that only the length of its step needs (nan then).
        ``single_precision`` multiplies the pattern of a ReLU network in float32: every move dZ is off by some 2^-24 of
        itself, while Z, outputs, counts and solutions stay as they are. For curves, not for certificates.
        """
        self.geometry = InputGeometry.of(inputs)
        self.measure_steps = measure_steps
        self.targets = target_vector(y, len(self.geometry.inputs))
        self.objective = loss(self.targets)
        enough_parameters(len(self.targets), net.width, net.dim)
        self.signs = net.signs
        self.phi = net.phi
        self.pre_activations = net.pre_activations(self.geometry.inputs)
        self.coefficients: FloatArray | None = None
        """The vector c of the last NGD or GD step, ``dW = -eta S^T diag(c) X``; None before it and after K-FAC's."""
        self._shift = 0
        self.steps = 0
        """Steps taken: the index k of the iterate."""
        self.last_step_norm = 0.0
        """``||dW||_F`` of the last step (not squared)."""
        n, m = self.pre_activations.shape
        self._width = m
        self._reach = float(max(self.pre_activations.max(), -self.pre_activations.min()))
        self._scaled_signs = net.signs / np.sqrt(m)
        self._block = max(1, min(m, BLOCK_COLUMNS, BLOCK_ENTRIES // n))
        self._pattern = ActivationPattern(n, m) if self.phi.curvature is None else None
        self._dtype = np.dtype(np.float32 if single_precision and self._pattern is not None else np.float64)
        self._features = np.empty((n, self._block), self._dtype)
        self._moves = np.empty((n, self._block), self._dtype)
        self._rectified = np.empty((n, self._block))
        self._pattern_gram: FloatArray | None = None
        self.outputs = np.zeros(n)
        with np.errstate(over="ignore"):
            self._sweep((), count=True)
            if not np.isfinite(self.residual @ self.residual):
                raise NotFiniteError(
                    "the squared norm of the residual u(0) - y overflows; scale weights and targets down"
                )

    @property
    def kernel(self) -> FloatArray:
        """``K = X X^T``, shape (n, n)."""
        return self.geometry.kernel

    @property
    def pattern_gram(self) -> FloatArray:
        """``H = S S^T`` at the current iterate, shape (n, n)."""
        if self._pattern_gram is None:
            self._sweep((), count=True)
        assert self._pattern_gram is not None
        return self._pattern_gram

    @property
    def gram(self) -> FloatArray:
        """``G = K o H`` at the current iterate, shape (n, n)."""
        return np.asarray(self.kernel * self.pattern_gram)

    @property
    def summation_length(self) -> int:
        """Additions that one output goes through at most: within a block of neurons, then over the blocks."""
        return int(self._block + -(-self.pre_activations.shape[1] // self._block))

    def advance(self, step_size: float, optimiser: str = "ngd") -> None:
        """Take one step. Raises ScaleError, ChoiceError, RankDeficientError, DivergenceError."""
        eta = positive(step_size, "step_size")
        with np.errstate(over="ignore", invalid="ignore"):
            (*others, last), self.coefficients, norm = _optimiser(optimiser)(self)
            self.last_step_norm = eta * norm
            last = -eta * last
            self._shift = self._shift_of(last)
            factors = tuple(
                factor.astype(self._dtype, copy=False) for factor in (*others, np.ldexp(last, -self._shift))
            )
            representable = self._stays_representable(factors)
            self._sweep(factors, count=self.measure_steps or optimiser != "gd")
            representable = representable or bool(np.isfinite(self.pre_activations).all())
            finite = representable and np.isfinite(self.residual @ self.residual) and not np.isinf(norm)
        self.steps += 1
        if not finite:
            raise DivergenceError(
                f"a step of {optimiser} with step size {eta:.3g} leaves the range of float64; take a smaller one, "
                f"or scale the targets down"
            )

    def _shift_of(self, factor: FloatArray) -> int:
        """The power of two by which a factor is divided before it is rounded to float32, where it would vanish there."""
        exponent = int(np.frexp(np.abs(factor).max())[1])
        return exponent if self._dtype == np.float32 and exponent < -SHIFTED else 0

    def parameter_direction(self) -> FloatArray:
        """``B`` with ``dW = -eta S^T B`` for the last NGD or GD step, shape (n, d)."""
        if self.coefficients is None:
            raise ChoiceError("the last step was not one of NGD or GD")
        return self.coefficients[:, None] * self.geometry.inputs

    def features(self) -> FloatArray:
        """``S`` at the current iterate, shape (n, m): a new array."""
        return np.asarray(self.phi.derivative(self.pre_activations) * self._scaled_signs)

    def _stays_representable(self, movement: Factors) -> bool:
        """Whether a bound of all entries, from |M| and the steepest slope, shows that a step overflows nowhere."""
        entries = np.full(movement[-1].shape[1], STEEPEST_SLOPE / np.sqrt(self._width))
        largest = 0.0
        for factor in reversed(movement):
            entries = np.abs(factor) @ entries
            largest = max(largest, float(entries.max()))
        self._reach += float(entries.max())
        limit = np.finfo(np.float32 if self._dtype == np.float32 else np.float64).max
        return bool(self._reach + largest < float(limit) / 2)

    def _sweep(self, movement: Factors, count: bool) -> None:
        """Move Z by the factors' product with S and evaluate outputs, and H if ``count``: one pass over blocks of neurons."""
        n, m = self.pre_activations.shape
        outputs, products = np.zeros(n), np.zeros((n, n))
        if self._pattern is not None:
            self._pattern.begin(count)
        for start in range(0, m, self._block):
            columns = slice(start, min(start + self._block, m))
            block, signs = self.pre_activations[:, columns], self._scaled_signs[columns]
            features, moves = self._features[:, : block.shape[1]], self._moves[:, : block.shape[1]]
            if movement:
                self._block_features(block, columns, features)
                moved = _applied(movement, features, moves)
                np.add(block, np.ldexp(moved.astype(np.float64), self._shift) if self._shift else moved, out=block)
            if self._pattern is not None:
                self._pattern.renew(block, columns)
                rectified = np.maximum(block, 0.0, out=self._rectified[:, : block.shape[1]])
                outputs += rectified @ signs
            else:
                outputs += self.phi.function(block) @ signs
                if count:
                    self._block_features(block, columns, features)
                    products += features @ features.T
        if self._pattern is not None:
            self._pattern.end()
            if count:
                assert self._pattern.counts is not None
                products = self._pattern.counts / self._width
        self._finish(outputs, products if count else None)

    def _finish(self, outputs: FloatArray, pattern_gram: FloatArray | None) -> None:
        """Take the outputs u (n,) and H (n, n) of a pass."""
        self.outputs = outputs
        self.residual = outputs - self.objective.minimiser
        self.output_gradient = self.objective.gradient(outputs)
        self._pattern_gram = pattern_gram

    def _block_features(self, block: FloatArray, columns: slice, out: FloatArray) -> None:
        """``S`` of a block: from the stored pattern for ReLU, from the derivative else."""
        slopes = self._pattern.matrix[:, columns] if self._pattern is not None else self.phi.derivative(block)
        np.multiply(slopes, self._scaled_signs[columns].astype(self._dtype, copy=False), out=out)


def _applied(movement: Factors, features: FloatArray, out: FloatArray) -> FloatArray:
    """The product of all factors and S."""
    first, *others = movement
    for factor in reversed(others):
        features = factor @ features
    return np.matmul(first, features, out=out)


_Movement = tuple[Factors, FloatArray | None, float]
"""Factors of ``dZ = -M S`` for the step size 1, the vector c where there is one, ``||dW||_F``."""


def _natural_gradient(state: FunctionSpaceDescent) -> _Movement:
    gram = state.gram
    c = solve_gram(gram, state.output_gradient, _named_at("G", "Condition 1", state.steps))
    return _weighted_kernel(state.geometry, c), c, form_root(c, gram)


def _weighted_kernel(geometry: InputGeometry, c: FloatArray) -> Factors:
    """``K diag(c) = X (X^T diag(c))``, in two factors where they cost less."""
    rows = geometry.inputs
    return (rows, rows.T * c) if 2 * rows.shape[1] < len(c) else (geometry.kernel * c,)


def _kfac(state: FunctionSpaceDescent) -> _Movement:
    name = _named_at("H", "Condition K1", state.steps)
    inverse_times = solve_gram(
        state.pattern_gram, np.diag(state.output_gradient), name
    )  # H^{-1} diag(g), transposed below
    direction = inverse_times @ state.geometry.dual_inputs
    length = form_root(direction, state.pattern_gram)
    basis = state.geometry.basis
    if 2 * basis.shape[1] < len(basis):
        return (basis, basis.T @ inverse_times.T), None, length
    return (state.geometry.projection @ inverse_times.T,), None, length


def _gradient(state: FunctionSpaceDescent) -> _Movement:
    g = state.output_gradient
    norm = form_root(g, state.gram) if state.measure_steps else float("nan")
    return _weighted_kernel(state.geometry, g), g, norm


OPTIMISERS: Mapping[str, Callable[[FunctionSpaceDescent], _Movement]] = MappingProxyType(
    {"ngd": _natural_gradient, "kfac": _kfac, "gd": _gradient}
)


def _optimiser(name: str) -> Callable[[FunctionSpaceDescent], _Movement]:
    if name not in tuple(OPTIMISERS):
        raise ChoiceError(f"unknown optimiser {name!r}; known: {', '.join(OPTIMISERS)}")
    return OPTIMISERS[name]


@dataclass(frozen=True)
class Trajectory:
    """What ``trajectory`` returns; norms are Euclidean, not squared."""

    residual_norms: FloatArray
    """``||r(k)||``, shape (steps + 1,)."""
    step_norms: FloatArray
    """``||W(k+1) - W(k)||_F``, shape (steps,); their sum bounds the distance from W(0)."""
    residual: FloatArray
    """``r(steps)``, shape (n,)."""
    pre_activations: FloatArray
    """``Z`` at the last iterate, shape (n, m)."""
    weights: FloatArray | None
    """``W`` at the last iterate, shape (m, d), when asked for."""


def trajectory(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    step_size: float,
    steps: int,
    optimiser: str = "ngd",
    parameters: bool = False,
    measure_steps: bool = True,
    loss: LossMaker = SquaredLoss,
) -> Trajectory:
    """Run ``steps`` steps in function space; ``parameters`` adds the weights at the end (I-dual).

    ``measure_steps=False`` makes GD cheaper and leaves its ``step_norms`` nan. ``loss`` takes the labels y; r is the
    distance of the outputs from its minimiser.

    Raises InputError for bad input, RankDeficientError when the matrix to invert becomes singular, DivergenceError when an
    iterate leaves the range of float64.
    """
    state = FunctionSpaceDescent(net, inputs, y, measure_steps, loss)
    _optimiser(optimiser)
    count = positive_count(steps, "steps")
    norms, lengths = [euclidean_norm(state.residual)], []
    weights = net.weights.copy() if parameters else None
    for _ in range(count):
        if weights is not None:
            features, gradient = state.features(), state.output_gradient
            pattern_gram = state.pattern_gram if optimiser == "kfac" else None
        state.advance(step_size, optimiser)
        if weights is not None:
            if pattern_gram is not None:
                direction = solve_gram(pattern_gram, gradient[:, None] * state.geometry.dual_inputs)
            else:
                direction = state.parameter_direction()
            weights -= step_size * (features.T @ direction)
        norms.append(euclidean_norm(state.residual))
        lengths.append(state.last_step_norm)
    return Trajectory(np.array(norms), np.array(lengths), state.residual, state.pre_activations, weights)
