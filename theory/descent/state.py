"""The state of an optimiser in function space: pre-activations Z (n, m) and what follows from them, moved by ``dZ = M S``.

Every update is such a move with an n x n matrix M, so d never enters after K and P (docs/theory.md, I-dual). One step
costs two products of sizes n x m x n; less where M is applied in two factors of fewer columns, and where few activations
change, as the products of these alone are counted again. Which M it is, the optimisers say: theory/descent/optimiser.py.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.descent.iterate import Factors, Iterate, Movement
from theory.errors import ChoiceError, DivergenceError, NotFiniteError, ShapeError
from theory.inputs import FloatArray, finite_array
from theory.losses import LossMaker, SquaredLoss
from theory.network.blocks import BLOCK_ENTRIES, Blocks
from theory.network.pattern import ActivationPattern, SignedPattern
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.activation_accuracy import STEEPEST_SLOPE
from theory.rigour.summation import accurate_row_sums, accurate_sum

FEW_BLOCKS = 4
"""So many blocks have memory of their own for intermediate results, in which their features are still there for the next step."""

SHIFTED = 60
"""Binary exponents below which moves are scaled before they are taken in float32, whose smallest number is 2^-149."""


class FunctionSpaceState(Iterate):
    """The state of an optimiser in function space: pre-activations Z (n, m), updated in place, block by block.

    At the current Z: ``outputs`` u (n,), ``residual`` r = u - y (n,) for the loss's minimiser y, ``output_gradient`` g (n,)
    for its gradient at u (g = r for the squared loss), ``pattern_gram`` H = S S^T and ``gram`` G = K o H (n, n).
    Raises InputError for bad input; ``move`` raises DivergenceError when the new iterate, or its squared residual norm, is
    not finite: the state is of no use then.
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

        ``measure_steps=False`` spares GD the Gram matrix, and K-FAC two products of n x n matrices, that only the lengths of their
        steps need (nan then); others evaluate H later.
        ``single_precision`` multiplies the pattern of a ReLU network in float32: every move dZ is off by some 2^-24 of
        itself, while Z, outputs, counts and solutions stay as they are. For curves, not for certificates.
        """
        super().__init__(inputs, y, net.width, net.dim, net.phi, measure_steps, loss)
        self.signs = net.signs
        self._direction: Callable[[], FloatArray] | None = None
        self._shift = 0
        n, m = len(self.targets), net.width
        self._unit = float(1 / np.sqrt(m))
        self._dtype = np.dtype(np.float32 if single_precision and self.phi.curvature is None else np.float64)
        self._put(Blocks(n, m), net.signs, net.pre_activation_blocks(self.geometry.inputs))
        self._reach: float | None = None
        self._pattern_gram: FloatArray | None = None
        with np.errstate(over="ignore"):
            self._sweep((), count=measure_steps)
            if not np.isfinite(self.residual @ self.residual):
                raise NotFiniteError(
                    "the squared norm of the residual u(0) - y overflows; scale weights and targets down"
                )

    def _put(self, blocks: Blocks, signs: FloatArray, moving: list[FloatArray]) -> None:
        """Hold these neurons, with no workspaces yet; their pattern is that of the next pass."""
        self.blocks, self._signs, self._moving = blocks, signs, moving
        self._workspaces: dict[tuple[int, int], Workspace] = {}
        self._pattern = ActivationPattern(blocks, signs) if self.phi.curvature is None else None

    @property
    def pre_activations(self) -> FloatArray:
        """Z, shape (n, m): a new array. What is assigned is evaluated as a step's end is. Raises NotFiniteError, ShapeError."""
        return self.blocks.joined(self._moving)

    @pre_activations.setter
    def pre_activations(self, values: FloatArray) -> None:
        given, expected = finite_array(values, "the pre-activations", 2), (self.blocks.rows, self.blocks.width)
        if given.shape != expected:
            raise ShapeError(f"the pre-activations have shape {given.shape}; it must be {expected}")
        self._moving, self._reach = self.blocks.split(given), None
        self._sweep((), count=self.measure_steps)

    @property
    def pattern(self) -> NDArray[np.bool_]:
        """``1[Z >= 0]``, shape (n, m): a new array."""
        return self.pre_activations >= 0 if self._pattern is None else self._pattern.matrix

    @property
    def pattern_gram(self) -> FloatArray:
        """``H = S S^T`` at the current iterate, shape (n, n)."""
        if self._pattern_gram is None:
            self._sweep((), count=True)
        assert self._pattern_gram is not None
        return self._pattern_gram

    @property
    def summation_length(self) -> int:
        """Additions that one output goes through at most: within a block of neurons, then over the blocks."""
        return self.blocks.summation_length

    def undivided(self) -> AbstractContextManager[None]:
        """All products by one thread each while it lasts, where passes are shared by several."""
        return self.blocks.undivided()

    def accurate_sums(self) -> tuple[FloatArray, FloatArray]:
        """``sum_r a_r phi(z_r)`` at the stored Z as given, shape (n,), and bounds of the errors: of summation alone."""
        if len(self._moving) == 1:
            terms = self.phi.function(self._moving[0])
            terms *= self.signs
            return accurate_row_sums(terms)
        sums = [self._accurate_sum(i) for i in range(self.blocks.rows)]
        return np.array([total for total, _ in sums]), np.array([error for _, error in sums])

    def _accurate_sum(self, i: int) -> tuple[float, float]:
        """``sum_r a_r phi(z_r)`` of input i, and the bound of its error; its row of Z alone is joined, which spares a copy of Z."""
        terms = self.phi.function(np.concatenate([block[i] for block in self._moving]))
        terms *= self.signs
        return accurate_sum(terms)

    def longest_row(self) -> float:
        """``max_i ||Z_i||_2`` as computed, not squared."""
        squares = sum((np.einsum("ij,ij->i", block, block) for block in self._moving), np.zeros(self.blocks.rows))
        return float(np.sqrt(squares.max()))

    def move(self, movement: Movement, eta: float, count: bool, optimiser: str) -> None:
        """Take a step of an optimiser of this name; ``count`` evaluates H with it. Raises DivergenceError."""
        *others, last = movement.factors
        self.coefficients, self._direction = movement.coefficients, movement.direction
        self.last_step_norm = eta * movement.length
        last = -eta * self._unit * last
        self._shift = self._shift_of(last)
        if self._shift:
            last = np.ldexp(last, -self._shift)
        factors = tuple(factor.astype(self._dtype, copy=False) for factor in (*others, last))
        representable = self._stays_representable(factors)
        self._sweep(factors, count=count)
        representable = representable or all(bool(np.isfinite(block).all()) for block in self._moving)
        self.steps += 1
        if not (representable and np.isfinite(self.residual @ self.residual) and not np.isinf(movement.length)):
            raise DivergenceError(
                f"a step of {optimiser} with step size {eta:.3g} leaves the range of float64; take a smaller one, "
                f"or scale the targets down"
            )

    def _shift_of(self, factor: FloatArray) -> int:
        """The power of two by which a factor is divided before it is rounded to float32, where it would vanish there."""
        if self._dtype != np.float32:
            return 0
        exponent = int(np.frexp(np.abs(factor).max())[1])
        return exponent if exponent < -SHIFTED else 0

    def parameter_direction(self) -> FloatArray:
        """``B`` with ``dW = -eta S^T B`` for the last step, S from before it, shape (n, d). Raises ChoiceError before a step."""
        if self._direction is None:
            raise ChoiceError("no step was taken yet: it has no direction")
        return self._direction()

    def moved_weights(self, weights: FloatArray, direction: FloatArray) -> FloatArray:
        """``W + S^T B`` for W (m, d) and B (n, d), shape (m, d): a new array, block by block. Raises NotFiniteError."""
        scaled, moved = self._unit * direction, np.empty_like(weights)
        short = max(1, BLOCK_ENTRIES // weights.shape[1])

        def add(thread: int, panel: range) -> bool:
            finite = True
            for number in panel:
                features = self._block_features(thread, number)
                first = self.blocks.slices[number].start
                for start in range(0, features.shape[1], short):
                    part = features[:, start : start + short]
                    rows = slice(first + start, first + start + part.shape[1])
                    np.matmul(part.T, scaled, out=moved[rows])
                    np.add(moved[rows], weights[rows], out=moved[rows])
                    flat = moved[rows].reshape(-1)
                    # one pass where the squares do not overflow
                    finite = finite and bool(np.isfinite(np.vdot(flat, flat)) or np.isfinite(flat).all())
            return finite

        return moved if all(self.blocks.each_panel(add)) else finite_array(moved, "the weights after the step", 2)

    def features(self) -> FloatArray:
        """``S`` at the current iterate, shape (n, m): a new array."""
        return np.asarray(self.phi.derivative(self.pre_activations) * (self._signs * self._unit))

    def _stays_representable(self, movement: Factors) -> bool:
        """Whether a bound of all entries, from |M| and the steepest slope, shows that a step overflows nowhere."""
        entries = np.full(movement[-1].shape[1], STEEPEST_SLOPE)
        largest = 0.0
        for factor in reversed(movement):
            entries = np.abs(factor) @ entries
            largest = max(largest, float(entries.max()))
        if self._reach is None:
            self._reach = max((float(np.abs(block).max()) for block in self._moving), default=0.0)
        self._reach += float(entries.max())
        limit = np.finfo(np.float32 if self._dtype == np.float32 else np.float64).max
        return bool(self._reach + largest < float(limit) / 2)

    def _sweep(self, movement: Factors, count: bool) -> None:
        """Move Z by the factors' product with S and evaluate outputs, and H if ``count``: one pass over blocks of neurons."""
        n = self.blocks.rows
        if self._pattern is not None:
            self._pattern.begin(count)
        sums = self.blocks.each_panel(lambda thread, panel: self._sweep_panel(movement, count, thread, panel))
        outputs = sum((outputs for outputs, _ in sums), np.zeros(n)) * self._unit
        counts: FloatArray | None
        if self._pattern is not None:
            self._pattern.end()
            counts = self._pattern.counts
        else:
            counts = sum((products for _, products in sums), np.zeros((n, n))) if count else None
        self._finish(outputs, None if counts is None else counts / self.width)

    def _sweep_panel(self, movement: Factors, count: bool, thread: int, panel: range) -> tuple[FloatArray, FloatArray]:
        """Move the neurons of some blocks; their ``sum_r a_r phi(z_r)`` (n,) and, of a smooth activation if ``count``, ``m S S^T``."""
        n = self.blocks.rows
        outputs, products = np.zeros(n), np.zeros((n, n) if self._pattern is None else ())
        for number in panel:
            block, signs = self._moving[number], self._signs[self.blocks.slices[number]]
            space = self._workspace(thread, number)
            if movement:
                moved = _applied(movement, self._block_features(thread, number), space.moves)
                np.add(block, np.ldexp(moved.astype(np.float64), self._shift) if self._shift else moved, out=block)
            if self._pattern is not None:
                self._pattern.renew(number, block, space.signed)
                np.copyto(space.slopes, space.signed)
                outputs += np.vecdot(block, space.slopes)
            else:
                outputs += self.phi.function(block) @ signs
                if count:
                    features = self._block_features(thread, number)
                    products += features @ features.T
        return outputs, products

    @property
    def _keeps_features(self) -> bool:
        """Whether every block has a workspace, in which a pass leaves the features of its end."""
        return self._pattern is not None and self._dtype == np.float64 and len(self.blocks.slices) <= FEW_BLOCKS

    def _workspace(self, thread: int, number: int) -> Workspace:
        """That of a thread for blocks of this one's shape, or of the block itself where features are kept."""
        shape = self._moving[number].shape
        key = number if self._keeps_features else thread, shape[1]
        if key not in self._workspaces:
            self._workspaces[key] = Workspace.of(self._dtype, shape)
        return self._workspaces[key]

    def _finish(self, outputs: FloatArray, pattern_gram: FloatArray | None) -> None:
        """Take the outputs u (n,) and H (n, n) of a pass."""
        self._took(outputs)
        self._pattern_gram = pattern_gram

    def _block_features(self, thread: int, number: int) -> FloatArray:
        """``m^{1/2} S`` of a block, in the workspace: from the stored pattern for ReLU, from the derivative else."""
        found = self._workspace(thread, number).features
        if self._pattern is None:
            slopes = self.phi.derivative(self._moving[number])
            np.multiply(slopes, self._signs[self.blocks.slices[number]], out=found)
        elif not self._keeps_features:
            np.copyto(found, self._pattern.signed[number])
        return found


class Workspace(NamedTuple):
    """What one thread writes a block's intermediate results to."""

    features: FloatArray
    moves: FloatArray
    slopes: FloatArray
    """The features in float64; the same memory where these are in float64 too."""
    signed: SignedPattern

    @classmethod
    def of(cls, kind: np.dtype[Any], shape: tuple[int, ...]) -> Workspace:
        """For blocks of this shape, moved in float64 or float32."""
        features = np.empty(shape, kind)
        slopes = features if kind == np.float64 else np.empty(shape)
        return cls(features, np.empty(shape, kind), slopes, np.empty(shape, np.int8))


def _applied(movement: Factors, features: FloatArray, out: FloatArray) -> FloatArray:
    """The product of all factors and ``m^{1/2} S``."""
    first, *others = movement
    for factor in reversed(others):
        features = factor @ features
    return np.matmul(first, features, out=out)
