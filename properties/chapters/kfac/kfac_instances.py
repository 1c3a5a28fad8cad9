"""Instances of K-FAC: feature maps (F3, F4) and two-layer networks (F1, F2) on inputs of every leverage structure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.instances import MAP_PARTS, DescentInstance, NetworkInstance, Run, descending, exhausted
from properties.descent.strategies import INSIDE, Description, Dial, least_of_rows, orthogonal_matrix, spike_steps
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.geometry import InputGeometry
from theory.maps.affine import PerturbedAffine, spike_map
from theory.maps.feature_maps import FeatureCertificate, FeatureMap, certify_features
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.enclosed_step import EnclosedStep
from theory.rigour.feature_step import feature_step, feature_steps_enclosed
from theory.rigour.input_bounds import InputBounds, input_bounds
from theory.rigour.one_step import OneStep
from theory.stability import BallCertificate, certify_ball
from theory.stability.flips import flip_costs

EXTREME_KINDS = ("one leverage near 1", "ill-conditioned", "deficient")
INPUT_KINDS = ("uniform", "clustered", "equal leverage", "shared direction", *EXTREME_KINDS)
TINY = float(np.finfo(float).tiny)
SPREAD = 1e-3
"""The other inputs' share of a dominant input's direction, and the smallest column of an ill-conditioned X."""


@dataclass(frozen=True)
class InputNumbers:
    """What T4's constants take of the inputs, each bounded to the side on which the theorems are weaker."""

    h_min: float
    h_max: float
    mean: float
    """The mean leverage score rank/n: for mutants."""
    mu_min: float
    mu_max: float

    @classmethod
    def of(cls, bounds: InputBounds) -> InputNumbers:
        """From certified brackets; 0 and inf without a certified rank."""
        mean = bounds.rank / len(bounds.leverage[0])
        return cls(bounds.h_min[0], bounds.h_max[1], mean, bounds.smallest_eigenvalue[0], bounds.largest_eigenvalue[1])


class KroneckerInstance(DescentInstance, Protocol):
    """What the claims of T4 and its relatives need of an instance."""

    @property
    def inputs(self) -> FloatArray:
        """X, shape (n, d)."""
        ...

    @property
    def bounds(self) -> InputBounds:
        """Certified rank, leverage scores and eigenvalues of X."""
        ...


@stored_as("kfac-feature-run")
@dataclass(frozen=True)
class FeatureInstance:
    """K-FAC on a feature map from W(0) = 0."""

    roundable: ClassVar[tuple[str, ...]] = ("targets", "eta", *(f"model.model.{part}" for part in MAP_PARTS))

    model: FeatureMap
    inputs: FloatArray
    targets: FloatArray
    eta: float
    steps: int

    @cached_property
    def geometry(self) -> InputGeometry:
        """What the optimiser needs of X."""
        return InputGeometry.of(self.inputs)

    @cached_property
    def bounds(self) -> InputBounds:
        """Certified rank, leverage scores and eigenvalues of X."""
        return input_bounds(self.geometry)

    @cached_property
    def certificate(self) -> FeatureCertificate:
        """Conditions K1 and K2."""
        return certify_features(self.model, self.geometry, self.targets)

    @property
    def rank_deficient(self) -> bool:
        """False: nothing is known of the rank of J(0)."""
        return False

    @cached_property
    def _course(self) -> tuple[list[FloatArray], list[OneStep]]:
        """Every stored iterate Z(k), and every step with its rounding bounds."""
        iterates, taken = [np.zeros((len(self.targets), self.model.width))], []
        for _ in range(self.steps):
            moved, step = feature_step(self.model, self.geometry, self.bounds, iterates[-1], self.targets, self.eta)
            iterates.append(moved)
            taken.append(step)
            if exhausted(step):
                break
        return iterates, taken

    @cached_property
    def run(self) -> Run:
        """The float64 run with its rounding bounds."""
        return Run(tuple(self._course[1]), 0)

    def _enclosed(self, Z: FloatArray, steps: int) -> list[EnclosedStep]:
        return feature_steps_enclosed(self.model, self.inputs, Z, self.targets, self.eta, steps)

    def enclosed_step(self, k: int) -> EnclosedStep:
        """The exact step from the stored iterate k, in balls."""
        return self._enclosed(self._course[0][k], 1)[0]

    def enclosed_trajectory(self) -> list[EnclosedStep]:
        """The exact trajectory, in balls."""
        return self._enclosed(self._course[0][0], len(self.run.steps))


@stored_as("kfac-network-run")
@dataclass(frozen=True)
class KroneckerNetwork(NetworkInstance):
    """K-FAC on a two-layer network."""

    @cached_property
    def certificate(self) -> BallCertificate:
        """Conditions K1 and K2 by the ball certificates."""
        return certify_ball(self.net, self.inputs, self.targets, condition="K2")

    @cached_property
    def bounds(self) -> InputBounds:
        """Certified rank, leverage scores and eigenvalues of X."""
        return input_bounds(InputGeometry.of(self.inputs))


# --- inputs ----------------------------------------------------------------------------------------------------------


def equal_leverage_rows(n: int, d: int) -> FloatArray:
    """n unit rows whose leverage scores are all d/n for n > d (harmonic frames), orthonormal rows for n <= d."""
    if n <= d:
        return np.eye(n, d)
    columns = [np.ones(n) / np.sqrt(d)] if d % 2 else []
    for k in range(d // 2):
        # half turns keep the rows of a plane pairwise independent
        angles = np.arange(n) * np.pi * (1 if d == 2 else 2 * (k + 1)) / n
        columns += [np.cos(angles) / np.sqrt(d / 2), np.sin(angles) / np.sqrt(d / 2)]
    return np.stack(columns, axis=1)


def draw_inputs(n: int, d: int, kind: str, rng: np.random.Generator) -> FloatArray:
    """Unit rows X (n, d) of a kind; "deficient" has rank below d exactly, by a column that repeats another or is zero."""
    rows = rng.standard_normal((n, d))
    if kind == "equal leverage":
        rows = equal_leverage_rows(n, d) @ orthogonal_matrix(d, d, rng)
    elif kind == "one leverage near 1" and d > 1:
        rows[0] = np.eye(d)[0]
        rows[1:, 0] *= SPREAD
    elif kind == "clustered":
        rows = rows[:1] + 0.3 * rows
    elif kind == "shared direction":
        # all but d - 1 inputs lie close to the last axis and share its leverage
        rows = np.where(np.arange(n)[:, None] < d - 1, np.eye(n, d), np.eye(d)[-1] + 0.05 * rows)
    elif kind == "ill-conditioned" and d > 1:
        rows[:, -1] *= SPREAD
    elif kind == "deficient" and d > 1:
        rows[:, -1] = rows[:, 0] if rng.integers(2) else 0.0
    elif d == 1:
        rows = np.where(np.arange(n) % 2, -1.0, 1.0)[:, None]
    return normalise_rows(rows)


# --- F3: perturbed affine feature maps -------------------------------------------------------------------------------

AnyInstance = TypeVar("AnyInstance", FeatureInstance, KroneckerNetwork)

StepLimit = Callable[[float, InputNumbers], float]
"""``(C, numbers of X)`` -> the largest step size."""


def with_step(found: AnyInstance, dial: Dial, limit: StepLimit, description: Description) -> AnyInstance:
    """The instance with the step size that the description asks for: a share of the limit at the certified C."""
    if not (found.bounds.rank_certified and found.certificate.lambda_min > 0):
        return found
    allowed = limit(min(found.certificate.constant, 2.99), InputNumbers.of(found.bounds))
    eta = dial.step_size(description, 0.0) * allowed
    return descending(found, eta=max(eta, TINY))


def input_descriptions(kinds: Sequence[str], most: int, dimensions: tuple[int, int]) -> dict[str, SearchStrategy[Any]]:
    """How many inputs, of which dimension and kind."""
    return {
        "inputs": st.integers(1, most),
        "dimension": st.integers(*dimensions),
        "kind": st.sampled_from(tuple(kinds)),
    }


def shape_of(description: Description, tall: bool) -> tuple[int, int]:
    """``(n, d)``; n at least d when asked for."""
    n, d = description["inputs"], description["dimension"]
    return max(n, d) if tall else n, d


def perturbed_descriptions(
    dial: Dial, kinds: Sequence[str], dimensions: tuple[int, int]
) -> SearchStrategy[Description]:
    """Inputs, features, spectrum, frequencies, and the angle ``R max ||q_i||`` that the ball's radius spans."""
    return dial.descriptions(
        **input_descriptions(kinds, 5, dimensions),
        extra_features=st.integers(0, 3),
        condition_exponent=st.integers(0, 2),
        orthogonal=st.booleans(),
        aligned=st.booleans(),
        angle_percent=st.integers(5, 320),
    )


def build_perturbed(description: Description, dial: Dial, limit: StepLimit, tall: bool = False) -> FeatureInstance:
    """A map whose certified C is the one asked for, to rounding: the amplitude follows from C, R and Q."""
    rng = np.random.default_rng(description["seed"])
    n, d = shape_of(description, tall)
    m = n + description["extra_features"]
    inputs = draw_inputs(n, d, description["kind"], rng)
    numbers = InputNumbers.of(input_bounds(InputGeometry.of(inputs)))
    spectrum = np.geomspace(1.0, 10.0 ** description["condition_exponent"], num=n)
    initial = (orthogonal_matrix(n, n, rng) * spectrum) @ orthogonal_matrix(n, m, rng)
    scales = np.asarray(rng.uniform(0.5, 1.0, size=n))
    frequencies = orthogonal_matrix(n, m, rng) if description["orthogonal"] else rng.standard_normal((n, m))
    frequencies = frequencies / np.linalg.norm(frequencies, axis=1, keepdims=True) * scales[:, None]
    frequencies *= description["angle_percent"] / 100 / scales.max()
    leverage = InputGeometry.of(inputs).leverage
    direction = np.eye(n)[int(leverage.argmin())] if description["aligned"] else rng.standard_normal(n)
    # R = 3 ||y||/(sigma (h_min mu_min)^{1/2}) = 1, as the smallest singular value of S(0) is 1
    targets = -direction / np.linalg.norm(direction) * np.sqrt(numbers.h_min * numbers.mu_min) / 3
    unit = PerturbedAffine(initial, frequencies, 1.0).deviation(1.0)
    amplitude = dial.constant(description) / 3 / unit
    model = FeatureMap(PerturbedAffine(initial - amplitude * frequencies, frequencies, amplitude))
    return with_step(FeatureInstance(model, inputs, targets, 1.0, dial.steps), dial, limit, description)


# --- F4: spikes ------------------------------------------------------------------------------------------------------


def spike_descriptions(dial: Dial, kinds: Sequence[str], dimensions: tuple[int, int]) -> SearchStrategy[Description]:
    """Inputs, and whether the residual is concentrated on an input of the smallest leverage."""
    return dial.descriptions(
        **input_descriptions(kinds, 10, dimensions),
        extra_features=st.integers(0, 2),
        rotated=st.booleans(),
        aligned=st.booleans(),
    )


def build_spike(description: Description, dial: Dial, limit: StepLimit, tall: bool = False) -> FeatureInstance:
    """T1-tight's worst case for each output: its recursion is ``r_i+ = (1 - eta h_i s/s') r_i``, s the mean slope of a step.

    Features are orthogonal, ``S = diag(slopes) V``, hence ``S' S^+`` is diagonal. C and step size as for spike maps.
    """
    rng = np.random.default_rng(description["seed"])
    n, d = shape_of(description, tall)
    m = n + (description["extra_features"] if description["rotated"] else 0)
    inputs = draw_inputs(n, d, description["kind"], rng)
    geometry = InputGeometry.of(inputs)
    constant = dial.constant(description)
    numbers = InputNumbers.of(input_bounds(geometry))
    eta = dial.step_size(description, 0.0) * limit(min(constant / INSIDE, 2.99), numbers)
    residuals = np.asarray(rng.uniform(0.2, 1.0, size=n))
    if description["aligned"]:
        residuals[geometry.leverage > geometry.leverage.min() * (1 + SPREAD)] *= SPREAD
    features = orthogonal_matrix(n, m, rng) if description["rotated"] else np.eye(n)
    slopes = np.full((n,), 2.0 ** int(rng.integers(-2, 3)))
    effective = np.maximum(eta * geometry.leverage, TINY)
    steps = min(dial.steps, spike_steps(constant, float(effective.max())))
    model = spike_map(constant / 3, slopes, effective, steps, residuals, parameter_rotation=features)
    return FeatureInstance(FeatureMap(model), inputs, -residuals, max(eta, TINY), steps)


# --- F1 and F2: two-layer networks -----------------------------------------------------------------------------------

WIDE_SHAPES, TALL_SHAPES = ((1, 1), (2, 2), (2, 3), (3, 3)), ((2, 1), (3, 2), (4, 2))
"""(n, d) of inputs for ReLU networks, n <= d and n > d; n = 2, d = 1 is the pair x, -x."""


def relu_descriptions(
    dial: Dial,
    kinds: Sequence[str],
    dimensions: tuple[int, int],
    shapes: Sequence[tuple[int, int]] = WIDE_SHAPES,
    **parts: SearchStrategy[Any],
) -> SearchStrategy[Description]:
    """Networks wide enough for flips, and the given parts."""
    own = {
        "shape": st.sampled_from([shape for shape in shapes if dimensions[0] <= shape[1] <= dimensions[1]]),
        "kind": st.sampled_from(tuple(kinds)),
        "half_width": st.sampled_from([24000, 40000]),
        "scale": st.sampled_from([1, 4, 100]),
    }
    return dial.descriptions(**{**own, **parts})


def build_relu(description: Description, dial: Dial, limit: StepLimit, tall: bool = False) -> KroneckerNetwork:
    """Symmetric initialisation, so that r(0) = -y; the length of y follows from the number of flips that C allows."""
    rng = np.random.default_rng(description["seed"])
    n, d = description["shape"]
    d = min(n, d) if tall else d
    inputs = draw_inputs(n, d, description["kind"], rng)
    numbers = InputNumbers.of(input_bounds(InputGeometry.of(inputs)))
    width = 2 * description["half_width"]
    net = TwoLayerNetwork.initialise(width, d, float(description["scale"]), rng, symmetric=True)
    sigma_squared = max(float(np.linalg.eigvalsh(net.pattern_gram(inputs))[0]), 0.0)
    flips = max(1, int((dial.constant(description) / 3) ** 2 * sigma_squared * width))
    costs = np.cumsum(least_of_rows(flip_costs(net, inputs), flips + 1), axis=1)
    radius = float(np.sqrt(0.5 * (costs[:, flips - 1] + costs[:, flips]).min()))
    direction = rng.standard_normal(n)
    targets = (
        direction / np.linalg.norm(direction) * radius * np.sqrt(sigma_squared * numbers.h_min * numbers.mu_min) / 3
    )
    found = KroneckerNetwork(net, inputs, targets, 1.0, dial.steps, optimiser="kfac")
    return with_step(found, dial, limit, description)


def smooth_descriptions(
    dial: Dial, kinds: Sequence[str], dimensions: tuple[int, int], **parts: SearchStrategy[Any]
) -> SearchStrategy[Description]:
    """Small smooth networks, and the given parts."""
    own = {
        **input_descriptions(kinds, 4, dimensions),
        "half_width": st.integers(10, 200),
        "scale": st.sampled_from([1, 2]),
        "activation": st.sampled_from(["softplus", "tanh", "erf", "sin"]),
    }
    return dial.descriptions(**{**own, **parts})


def build_smooth(description: Description, dial: Dial, limit: StepLimit, tall: bool = False) -> KroneckerNetwork:
    """Symmetric initialisation; the length of y inverts K2-smooth."""
    rng = np.random.default_rng(description["seed"])
    n, d = shape_of(description, tall)
    inputs = draw_inputs(n, d, description["kind"], rng)
    numbers = InputNumbers.of(input_bounds(InputGeometry.of(inputs)))
    width = 2 * description["half_width"]
    activation = description["activation"]
    net = TwoLayerNetwork.initialise(width, d, float(description["scale"]), rng, symmetric=True, activation=activation)
    sigma_squared = max(float(np.linalg.eigvalsh(net.pattern_gram(inputs))[0]), 0.0)
    curvature = net.phi.curvature
    assert curvature is not None
    radius = dial.constant(description) * np.sqrt(sigma_squared * width) / (3 * curvature * np.linalg.norm(inputs, 2))
    direction = rng.standard_normal(n)
    targets = (
        direction / np.linalg.norm(direction) * radius * np.sqrt(sigma_squared * numbers.h_min * numbers.mu_min) / 3
    )
    found = KroneckerNetwork(net, inputs, targets, 1.0, dial.steps, optimiser="kfac")
    return with_step(found, dial, limit, description)
