"""The initial network as a stream of chunks of neurons, each drawn again whenever it is looked at.

Chunk c has a generator of its own, ``SFC64(SeedSequence(entropy, spawn_key=(c,)))``, which draws the signs of its neurons and then their
weights, neuron by neuron: so the network is a function of entropy, width, scale and size of the chunks, and of nothing else.

Drawn directly. Where ``X`` has independent rows, fewer than columns, ``Z = X W^T`` is drawn in the place of W: ``Z = nu L g`` with
``L L^T = K`` and g normal has the law of ``X W^T``, N(0, nu^2 K) for each neuron (docs/proofs/stability.md, P4.11). The numbers Z as computed are
the network's pre-activations then, without an error; W is any matrix with ``X W^T = Z``, and what is certified depends on Z, K and the signs
alone, so that it is true of each of them. The products are summed up in a stated order, entry by entry, so that every machine makes the same Z.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import ScaleError, WidthError
from theory.inputs import LARGEST_SCALE, FloatArray, enough_parameters, independent_neurons, positive, unit_rows
from theory.network.gram import decided_signs
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.definiteness import smallest_eigenvalue_lower_bound
from theory.rigour.rounding import UNDERFLOW, gamma

CHUNK = 2**20
"""Neurons of a chunk: what is drawn by one generator."""

BLOCK_ENTRIES, SMALLEST_BLOCK, LARGEST_BLOCK = 2**16, 2**10, 2**14
"""Entries of Z that are worked on at a time, as long as that makes blocks of neurons between these sizes."""

DRAWS_PER_PRODUCT = 50
"""How many times longer a normal number takes to draw than half a product with a column of numbers."""


@dataclass(frozen=True)
class Block:
    """Some neurons of a chunk."""

    pre_activations: FloatArray
    """``Z`` (n, b) as computed."""
    error: float
    """How far its entries are off at most; 0 where Z was drawn."""
    signs: FloatArray
    """a (b,)."""
    rows: FloatArray = field(repr=False)
    """X (n, d)."""
    weights: FloatArray | None = field(repr=False)
    """W (b, d); None where Z was drawn."""

    @cached_property
    def sizes(self) -> FloatArray:
        """``|Z|`` (n, b) as computed."""
        return np.abs(self.pre_activations)

    @property
    def errors(self) -> FloatArray:
        """The error of each column, shape (b,)."""
        return np.broadcast_to(np.float64(self.error), self.signs.shape)

    def only(self, columns: NDArray[np.integer]) -> Block:
        """Some of its neurons."""
        weights = None if self.weights is None else self.weights[columns]
        return Block(self.pre_activations[:, columns], self.error, self.signs[columns], self.rows, weights)

    def pattern(self) -> NDArray[np.bool_]:
        """``A = 1[Z >= 0]`` (n, b) of the exact Z; entries within the error of 0 are decided in rationals."""
        if self.weights is None:
            return self.pre_activations >= 0
        return decided_signs(self.rows, self.weights, self.pre_activations, self.errors)


@dataclass(frozen=True)
class NeuronStream:
    """A two-layer ReLU network on the unit rows X (n, d), drawn with independent neurons or, symmetric, with pairs of opposite signs."""

    rows: FloatArray = field(repr=False)
    """X (n, d)."""
    width: int
    """m."""
    scale: float
    """nu."""
    entropy: int
    symmetric: bool = False
    chunk: int = CHUNK
    root: FloatArray | None = field(default=None, repr=False)
    """L (n, n), lower triangular, where Z is drawn directly."""

    @property
    def copies(self) -> int:
        """How many neurons have the weights of one that is drawn."""
        return 2 if self.symmetric else 1

    @property
    def distinct(self) -> int:
        """The number of neurons that are drawn."""
        return self.width // self.copies

    @property
    def chunks(self) -> range:
        """The numbers of the chunks."""
        return range(-(-self.distinct // self.chunk))

    @property
    def normals(self) -> int:
        """How many normal numbers are drawn for a neuron: d, or n."""
        return int(self.rows.shape[1]) if self.root is None else len(self.rows)

    @property
    def block(self) -> int:
        """Neurons of a block."""
        entries = max(len(self.rows), self.normals)
        return min(max(BLOCK_ENTRIES // entries, SMALLEST_BLOCK), LARGEST_BLOCK)

    def size(self, chunk: int) -> int:
        """How many neurons a chunk has."""
        return min(self.chunk, self.distinct - chunk * self.chunk)

    def signs(self, chunk: int) -> FloatArray:
        """a (k,) of the neurons of a chunk that are drawn; copies have the opposite ones."""
        return _signs(self._generator(chunk), self.size(chunk))

    def _generator(self, chunk: int) -> np.random.Generator:
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(self.entropy, spawn_key=(chunk,))))

    def blocks(self, chunk: int) -> Iterator[Block]:
        """The neurons of a chunk, a block at a time."""
        size, rng = self.size(chunk), self._generator(chunk)
        all_signs = _signs(rng, size)
        for first in range(0, size, self.block):
            signs = all_signs[first : first + self.block]
            normals = rng.standard_normal((len(signs), self.normals))
            if self.scale != 1:
                normals *= self.scale
            yield self._directly(normals, signs) if self.root is not None else self._from_weights(normals, signs)

    def _from_weights(self, weights: FloatArray, signs: FloatArray) -> Block:
        largest = max(float(weights.max()), -float(weights.min()))
        d = weights.shape[1]
        # as pre_activation_errors, each norm being at most d^{1/2} times the largest entry
        error = 2 * gamma(d + 4) * (np.sqrt(d) * largest + UNDERFLOW) + UNDERFLOW
        return Block(self.rows @ weights.T, float(error), signs, self.rows, weights)

    def _directly(self, normals: FloatArray, signs: FloatArray) -> Block:
        assert self.root is not None
        independent = np.ascontiguousarray(normals.T)
        drawn = np.zeros_like(independent)
        for total, coefficients in zip(drawn, self.root, strict=True):
            for coefficient, one in zip(coefficients, independent, strict=True):
                if coefficient:
                    total += coefficient * one
        return Block(drawn, 0.0, signs, self.rows, None)

    def network(self) -> TwoLayerNetwork:
        """The whole network in memory. Raises WidthError where W is not determined."""
        if self.root is not None:
            raise WidthError("the pre-activations are drawn, and no weights: many networks have them")
        blocks = [block for chunk in self.chunks for block in self.blocks(chunk)]
        weights = np.concatenate([block.weights for block in blocks if block.weights is not None])
        signs = np.concatenate([block.signs for block in blocks])
        if self.symmetric:
            weights, signs = np.concatenate([weights, weights]), np.concatenate([signs, -signs])
        return TwoLayerNetwork(weights, signs)


def _signs(rng: np.random.Generator, size: int) -> FloatArray:
    """The first numbers of a chunk's generator."""
    bits = np.unpackbits(np.frombuffer(rng.bytes(-(-size // 8)), dtype=np.uint8), count=size)
    return np.where(bits, 1.0, -1.0)


def neuron_stream(
    inputs: ArrayLike,
    width: int,
    scale: float,
    entropy: int,
    symmetric: bool = False,
    chunk: int = CHUNK,
    direct: bool | None = None,
) -> NeuronStream:
    """The stream of m neurons, ``N(0, scale^2 I)``, on unit rows X (n, d).

    ``direct``: draw Z in the place of W; None: where that is certainly possible and takes less time.
    Raises InputError: bad arrays, WidthError (a width or a chunk, fewer parameters than rows), ScaleError (also of a direct draw for
    rows that are not certainly independent).
    """
    rows, nu = unit_rows(inputs), positive(scale, "scale")
    n, d = rows.shape
    if not 1 / LARGEST_SCALE <= nu <= LARGEST_SCALE:
        raise ScaleError(f"scale is {nu:g}; it must lie between {1 / LARGEST_SCALE:.0g} and {LARGEST_SCALE:.0g}")
    if entropy < 0:
        raise ScaleError(f"entropy is {entropy}; it must be a whole number, 0 or more")
    independent_neurons(width, symmetric)
    size = independent_neurons(chunk, False)
    enough_parameters(n, int(width), d)
    root = _root(rows) if direct or (direct is None and n + n * n / DRAWS_PER_PRODUCT < d) else None
    if direct and root is None:
        raise ScaleError("the rows of X are not certainly independent: their pre-activations cannot be drawn directly")
    return NeuronStream(rows, int(width), nu, int(entropy), symmetric, size, root)


def _root(rows: FloatArray) -> FloatArray | None:
    """L with ``L L^T = K`` up to rounding, where K is certainly positive definite.

    The computed K is off by ``2 gamma_d`` an entry at most, hence by n times that in norm.
    """
    kernel = rows @ rows.T
    kernel = (kernel + kernel.T) / 2
    if not smallest_eigenvalue_lower_bound(kernel) > 2 * len(rows) * gamma(rows.shape[1] + 4):
        return None
    return np.asarray(np.linalg.cholesky(kernel))
