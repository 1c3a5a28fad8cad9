"""Instances for the identities: tiny networks with float64 entries taken as exact, and 0/1 patterns to count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import hypothesis.strategies as st
import numpy as np
from flint import fmpq
from hypothesis.strategies import SearchStrategy
from numpy.typing import NDArray

from properties.engine.claim import Depth, Family
from properties.engine.descriptions import described
from properties.engine.stable_names import stored_as
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork, FunctionState
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import FLOAT32_EXACT_COUNT, TwoLayerNetwork
from theory.rigour.exact import rational

EXAMPLES: Mapping[Depth, int] = {Depth.QUICK: 20, Depth.NORMAL: 340, Depth.THOROUGH: 2500}

SHAPES: tuple[tuple[str, int, int], ...] = (
    *(("uniform", n, d) for n, d in ((1, 1), (2, 2), (3, 2), (3, 3), (4, 3))),
    *(("axes", n, d) for n, d in ((1, 2), (2, 2), (3, 2), (4, 3))),
    *(("integers", n, d) for n, d in ((2, 2), (3, 2), (3, 3), (4, 3))),
    *(("antiparallel", n, d) for n, d in ((2, 1), (2, 3), (3, 2), (4, 3))),
    *(("clustered", n, d) for n, d in ((2, 3), (3, 2), (4, 3))),
    *(("nearly parallel", n, d) for n, d in ((2, 2), (3, 2), (3, 3), (4, 3))),
    *(("rank-deficient", n, d) for n, d in ((2, 3), (3, 3), (4, 3))),
)
"""(kind, n, d): both n <= d and n > d for every kind that allows it."""

CLOSE_KINDS = ("clustered", "nearly parallel")
"""Kinds whose first two rows are so close that one neuron is placed between them, so that H can have full rank."""

NEARLY_PARALLEL_ANGLE = 1e-3
"""Angle between the first two rows of that kind, in radians."""


@stored_as("network-identity")
@dataclass(frozen=True)
class ExactInstance:
    """A network with float64 entries that are exact by decree: X (n, d) with unit rows to rounding, W (m, d), y (n,)."""

    roundable: ClassVar[tuple[str, ...]] = ("targets", "step_size", "weights", "other_weights")

    kind: str
    inputs: FloatArray
    weights: FloatArray
    other_weights: FloatArray
    """Another point of parameter space (m, d), for I-homog's mutant and I-kfac-fn."""
    signs: FloatArray
    targets: FloatArray
    step_size: float
    optimiser: str

    @cached_property
    def net(self) -> TwoLayerNetwork:
        """The project's float64 network at ``weights``."""
        return TwoLayerNetwork(weights=self.weights, signs=self.signs)

    @cached_property
    def exact(self) -> ExactNetwork:
        """The rational network at ``weights``."""
        return ExactNetwork.of(self.net, self.inputs, self.targets)

    @cached_property
    def other(self) -> ExactNetwork:
        """The rational network at ``other_weights``."""
        net = TwoLayerNetwork(weights=self.other_weights, signs=self.signs)
        return ExactNetwork.of(net, self.inputs, self.targets)

    @property
    def eta(self) -> fmpq:
        """The step size as a rational number."""
        return rational(self.step_size)

    @cached_property
    def iterates(self) -> tuple[ExactNetwork, ...]:
        """Exact parameter-space iterates: two steps, fewer when a matrix that must be inverted becomes singular."""
        path = [self.exact]
        while len(path) < 3 and regular(path[-1], self.optimiser):
            path.append(path[-1].moved(self.optimiser, self.eta))
        return tuple(path)

    @cached_property
    def computed(self) -> tuple[tuple[rounding.Iterate, ...], tuple[float, ...]]:
        """What the float64 program holds at the exact iterates, with its errors, and each solve's distance."""
        path, distances = [rounding.start(self.exact)], []
        for net in self.iterates[1:]:
            iterate, distance = rounding.advance(path[-1], net, self.optimiser, self.step_size)
            path.append(iterate)
            distances.append(distance)
        return tuple(path), tuple(distances)


def function_state(net: ExactNetwork) -> FunctionState:
    """The function-space state of an exact network."""
    return FunctionState(net.pre_activations, net.kernel, net.projection, net.signs, net.targets)


def regular(net: ExactNetwork, optimiser: str) -> bool:
    """Whether the matrix that ``optimiser`` inverts (G, H, or none) is regular, exactly."""
    if optimiser == "gd":
        return True
    matrix = net.gram if optimiser == "ngd" else net.pattern_gram
    return bool(matrix.rank() == matrix.nrows())


def _directions(kind: str, n: int, d: int, rng: np.random.Generator) -> FloatArray:
    """Rows of any nonzero norm, shape (n, d)."""
    rows = rng.standard_normal((n, d))
    match kind:
        case "axes":
            chosen = rng.permutation(2 * d)[:n]
            rows = np.where(chosen < d, 1.0, -1.0)[:, None] * np.eye(d)[chosen % d]
        case "integers":
            rows = rng.integers(-3, 4, (n, d)).astype(np.float64)
            rows[~rows.any(axis=1), 0] = 1.0
        case "antiparallel":
            rows[1] = -rows[0]
        case "clustered":
            rows = rows[0] / np.linalg.norm(rows[0]) + 0.1 * rows
        case "nearly parallel":
            first = rows[0] / np.linalg.norm(rows[0])
            across = rows[1] - (rows[1] @ first) * first
            rows[1] = first + np.tan(NEARLY_PARALLEL_ANGLE) * across / np.linalg.norm(across)
        case "rank-deficient":
            rows[:, -1] = rows[:, -2]  # equal columns stay equal when rows are normalised, so the rank is exact
    return rows


def _weights(description: Mapping[str, Any], rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Weights (m, d) and signs (m,); symmetric ones pair neurons, the last one of an odd width standing alone."""
    m, d = int(description["width"]), int(description["dim"])
    signs = np.where(rng.integers(0, 2, m) == 1, 1.0, -1.0)
    if description["weights"] == "integers":
        return rng.integers(-2, 3, (m, d)).astype(np.float64), signs
    weights = rng.standard_normal((m, d))
    if description["weights"] == "symmetric":
        half = m // 2
        weights[half : 2 * half], signs[half : 2 * half] = weights[:half], -signs[:half]
    return weights, signs


def build_network(description: Mapping[str, Any]) -> ExactInstance:
    """The instance of a description: kind, rows, dim, width (a perfect square), weights, step_tenths, seed, optimiser."""
    rng = np.random.default_rng(description["seed"])
    kind, n, d = str(description["kind"]), int(description["rows"]), int(description["dim"])
    inputs = normalise_rows(_directions(kind, n, d, rng))
    weights, signs = _weights(description, rng)
    if kind in CLOSE_KINDS:
        weights[0] = (inputs[0] - inputs[1]) / np.linalg.norm(inputs[0] - inputs[1])
    return ExactInstance(
        kind=kind,
        inputs=inputs,
        weights=weights,
        other_weights=rng.standard_normal(weights.shape),
        signs=signs,
        targets=rng.standard_normal(n),
        step_size=int(description["step_tenths"]) / 10,
        optimiser=str(description.get("optimiser", "ngd")),
    )


def with_shape(drawn: Mapping[str, Any]) -> Mapping[str, Any]:
    """The description with the parts of its shape."""
    kind, rows, dim = drawn["shape"]
    return {"kind": kind, "rows": rows, "dim": dim} | {key: value for key, value in drawn.items() if key != "shape"}


WEIGHTS = ("gaussian", "symmetric", "integers")

_Shapes = tuple[tuple[str, int, int], ...]


def network_descriptions(
    optimisers: tuple[str, ...], widths: tuple[int, ...], shapes: _Shapes, weights: tuple[str, ...]
) -> SearchStrategy[Mapping[str, Any]]:
    """Descriptions for ``build_network``."""
    return described(
        {
            "shape": st.sampled_from(shapes),
            "width": st.sampled_from(widths),
            "weights": st.sampled_from(weights),
            "step_tenths": st.integers(1, 10),
            "seed": st.integers(0, 2**32 - 1),
            "optimiser": st.sampled_from(optimisers),
        }
    ).map(with_shape)


def network_family(
    id: str,
    title: str,
    optimisers: tuple[str, ...],
    widths: tuple[int, ...],
    shapes: _Shapes = SHAPES,
    weights: tuple[str, ...] = WEIGHTS,
) -> Family[ExactInstance]:
    """Tiny networks for the optimisers and widths named; of every kind of inputs and weights unless told."""
    return Family(id, title, lambda: network_descriptions(optimisers, widths, shapes, weights), build_network, EXAMPLES)


def network_features(instance: ExactInstance) -> tuple[str, ...]:
    """Labels: the kind of inputs, n > d, exact zero pre-activations, X without full column rank."""
    n, d = instance.inputs.shape
    labels = [instance.kind, "n > d" if n > d else "n <= d"]
    if any(z == 0 for z in instance.exact.pre_activations.entries()):
        labels.append("a pre-activation exactly 0")
    if instance.exact.inputs.rank() < min(n, d):
        labels.append("rank X < min(n, d)")
    return tuple(labels)


@stored_as("pattern-counts")
@dataclass(frozen=True)
class CountInstance:
    """A pattern (n, m) of -1, 0, 1 in int8."""

    pattern: NDArray[np.int8]


@stored_as("ones-identity")
@dataclass(frozen=True)
class OnesInstance:
    """A pattern (n, m) of ones and few zeros, stored as the places of these, for m may be huge."""

    rows: int
    width: int
    zeros: NDArray[np.int64]
    """Row and column of each, shape (number of zeros, 2)."""

    @cached_property
    def pattern(self) -> NDArray[np.int8]:
        """The pattern in int8."""
        pattern = np.ones((self.rows, self.width), dtype=np.int8)
        pattern[self.zeros[:, 0], self.zeros[:, 1]] = 0
        return pattern


AnyPattern = CountInstance | OnesInstance


def build_pattern(description: Mapping[str, Any]) -> CountInstance:
    """A random pattern with entries of 0, 1, or -1, 0, 1 when ``signed``."""
    rng = np.random.default_rng(description["seed"])
    lowest = -1 if description["signed"] else 0
    pattern = rng.integers(lowest, 2, (description["rows"], description["width"])).astype(np.int8)
    return CountInstance(pattern)


def build_ones(description: Mapping[str, Any]) -> OnesInstance:
    """Rows of ones; every row after the first has an even number of zeros, so that odd counts stay odd."""
    n, m = int(description["rows"]), int(description["width"])
    zeros = np.array([(i, column) for i in range(1, n) for column in range(2 * i)], dtype=np.int64).reshape(-1, 2)
    return OnesInstance(n, m, zeros)


COUNT_FAMILIES: tuple[Family[AnyPattern], ...] = (
    Family(
        "random patterns",
        "random entries of 0, 1 or -1, 0, 1",
        lambda: described(
            {
                "rows": st.integers(1, 5),
                "width": st.integers(1, 200),
                "signed": st.integers(0, 1),
                "seed": st.integers(0, 2**32 - 1),
            }
        ),
        build_pattern,
        EXAMPLES,
    ),
    Family(
        "beyond half precision",
        "ones, odd widths above 2^11",
        lambda: described({"rows": st.integers(1, 3), "width": st.sampled_from((2049, 4095, 4097))}),
        build_ones,
        {Depth.QUICK: 5, Depth.NORMAL: 20, Depth.THOROUGH: 20},
    ),
    Family(
        "beyond single precision",
        "ones, odd widths above 2^24",
        lambda: described(
            {"rows": st.integers(1, 2), "width": st.sampled_from((FLOAT32_EXACT_COUNT + 1, FLOAT32_EXACT_COUNT + 3))}
        ),
        build_ones,
        {Depth.QUICK: 1, Depth.NORMAL: 2, Depth.THOROUGH: 2},
    ),
)


def integer_counts(pattern: NDArray[np.int8]) -> NDArray[np.int64]:
    """``A A^T`` in int64, shape (n, n), pair by pair: the oracle of I-counts."""
    n = len(pattern)
    return np.array(
        [[int(np.sum(pattern[i] * pattern[j], dtype=np.int64)) for j in range(n)] for i in range(n)], dtype=np.int64
    )
