"""Strategies of small descriptions, and the functions that build instances of descent from them.

A description holds sizes, kinds, seeds and integers that dial the difficulty; arrays come from
``numpy.random.default_rng(seed)``. ``Dial`` says how a theorem turns the description into a constant C and a step size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.inputs import ANGLES, draw_inputs, weighted_kinds
from properties.descent.instances import MapInstance, NetworkInstance, descending
from properties.descent.losses import LossPlan
from properties.engine.descriptions import described
from theory.inputs import FloatArray, normalise_rows
from theory.maps.affine import PerturbedAffine, spike_map
from theory.network.two_layer import TwoLayerNetwork
from theory.theorems import ngd

Description = Mapping[str, Any]
INSIDE = 1 - 2.0**-30
"""Keeps a drawn constant or step size strictly inside its limit: far more than the rounding of the certificate."""


@dataclass(frozen=True)
class Dial:
    """``constant_limit``: constants C are drawn below it. ``step_limit(C)``: step sizes are drawn up to it.

    C is drawn in tenths of its limit, evenly, and within them; the tenths' limits and ``least_step_percent``
    narrow the draw to large constants and to steps close to the limit.
    """

    constant_limit: float
    step_limit: Callable[[float], float]
    least_constant_tenth: int = 0
    most_constant_tenth: int = 9
    least_step_percent: int = 1
    steps: int = 12
    """How many steps a run takes at most."""

    def descriptions(self, **parts: SearchStrategy[Any]) -> SearchStrategy[Description]:
        """Descriptions with the dial's two integers and the given parts."""
        return described(
            {
                **parts,
                "constant_tenth": st.sampled_from(range(self.least_constant_tenth, self.most_constant_tenth + 1)),
                "constant_percent": st.integers(1, 99),
                "step_percent": st.integers(self.least_step_percent, 100),
                "seed": st.integers(0, 2**20),
            }
        )

    def constant(self, description: Description) -> float:
        """The C that the description asks for."""
        share = description["constant_tenth"] / 10 + description["constant_percent"] / 1000
        return float(self.constant_limit * share)

    def step_size(self, description: Description, constant: float) -> float:
        """The step size that the description asks for, given the certified C."""
        return float(self.step_limit(constant) * INSIDE * description["step_percent"] / 100)


def orthogonal_matrix(rows: int, columns: int, rng: np.random.Generator) -> FloatArray:
    """``rows`` orthonormal rows, uniformly distributed, shape (rows, columns), rows <= columns."""
    q, r = np.linalg.qr(rng.standard_normal((columns, columns)))
    return np.asarray((q * np.sign(np.diag(r)))[:rows])


# --- F3: perturbed affine maps ---------------------------------------------------------------------------------------


SQUARED = LossPlan()
"""The loss of T1 and its relatives."""


def perturbed_affine_descriptions(dial: Dial, **parts: SearchStrategy[Any]) -> SearchStrategy[Description]:
    """Sizes, spectrum, frequency kind, the angle ``R max ||q_i||`` that the ball's radius spans, and the given parts."""
    own = {
        "outputs": st.integers(1, 4),
        "extra_parameters": st.integers(0, 4),
        "condition_exponent": st.integers(0, 3),
        "orthogonal": st.booleans(),
        "aligned": st.booleans(),
        "angle_percent": st.integers(5, 320),
    }
    return dial.descriptions(**{**own, **parts})


def build_perturbed_affine(description: Description, dial: Dial, plan: LossPlan = SQUARED) -> MapInstance:
    """A map whose certified C is the one asked for, to rounding: the amplitude follows from C, R and Q."""
    rng = np.random.default_rng(description["seed"])
    n = description["outputs"]
    p = n + description["extra_parameters"]
    spectrum = np.geomspace(1.0, 10.0 ** description["condition_exponent"], num=n)
    left = orthogonal_matrix(n, n, rng)
    initial = (left * spectrum) @ orthogonal_matrix(n, p, rng)
    scales = np.asarray(rng.uniform(0.5, 1.0, size=n))
    frequencies = orthogonal_matrix(n, p, rng) if description["orthogonal"] else rng.standard_normal((n, p))
    frequencies = frequencies / np.linalg.norm(frequencies, axis=1, keepdims=True) * scales[:, None]
    frequencies *= description["angle_percent"] / 100 / scales.max()
    direction = left[:, 0] if description["aligned"] else normalise_rows(rng.standard_normal((1, n)))[0]
    # R = (3/2)(1+kappa) ||y|| / sqrt(lambda) = 1, as the smallest singular value of J(0) is 1
    minimiser = -plan.tilted(direction) / plan.radius_factor(n)
    unit = PerturbedAffine(initial, frequencies, 1.0).deviation(1.0)
    amplitude = dial.constant(description) / 3 / unit
    model = PerturbedAffine(initial - amplitude * frequencies, frequencies, amplitude)
    labels, loss = plan.at(minimiser)
    found = MapInstance(model, labels, 1.0, dial.steps, loss=loss)
    return descending(found, eta=dial.step_size(description, min(found.certificate.constant, 2.99)))


# --- F4: spike maps --------------------------------------------------------------------------------------------------

SPIKE_STEPS = 6
SPIKE_REDUCTION = 1e-3
"""Runs end before the residual has fallen this far: spikes, narrow as they are, must stay wider than the rounding."""


def spike_steps(constant: float, eta: float) -> int:
    """2 to ``SPIKE_STEPS`` steps, as many as the worst case needs for the reduction."""
    factor = abs(1 - eta / ngd.contraction_ratio(min(constant, 2.99)))
    return int(np.clip(1 + np.log(SPIKE_REDUCTION) / np.log(np.clip(factor, 1e-3, 0.999)), 2, SPIKE_STEPS))


def spike_descriptions(dial: Dial, **parts: SearchStrategy[Any]) -> SearchStrategy[Description]:
    """One direction, or several, rotated or not, and the given parts."""
    own = {"directions": st.integers(1, 3), "extra_parameters": st.integers(0, 2), "rotated": st.booleans()}
    return dial.descriptions(**{**own, **parts})


def build_spike(description: Description, dial: Dial, plan: LossPlan = SQUARED) -> MapInstance:
    """The worst case of T1-tight for the step size asked for, block-diagonal and rotated when there are more directions.

    The step size refers to ``C (1 + 2^-30)``, above the certified C whatever its rounding; so does the Condition. A weight
    w_i of the loss makes steps of ``eta w_i``: slopes change in the directions of least weight, whose residuals last, and
    in those where the steps do not overshoot. Weights are not rotated.
    """
    rng = np.random.default_rng(description["seed"])
    n = description["directions"]
    p = n + (description["extra_parameters"] if description["rotated"] else 0)
    constant = dial.constant(description)
    eta = dial.step_size(description, min(constant / INSIDE, 2.99))
    residuals = plan.tilted(np.asarray(rng.uniform(0.2, 1.0, size=n)))
    weights = plan.weights(n)
    least = float(weights.min())
    left = orthogonal_matrix(n, n, rng) if description["rotated"] and weights.max() == least else np.eye(n)
    right = orthogonal_matrix(n, p, rng) if description["rotated"] else np.eye(n)
    slopes = np.full((n,), 2.0 ** int(rng.integers(-2, 3)))
    steps = min(dial.steps, spike_steps(constant, eta * least))
    stability = np.where((weights == least) | (eta * weights <= 1), constant / 3, 0.0)
    model = spike_map(
        stability, slopes, eta * weights, steps, residuals, output_rotation=left, parameter_rotation=right
    )
    labels, loss = plan.at(-(left @ residuals))
    return MapInstance(model, labels, eta, steps, loss=loss)


# --- F1 and F2: two-layer networks -----------------------------------------------------------------------------------


DIMENSIONS = (1, 2, 2, 3, 3, 4, 4, 5, 6)
"""Of inputs, for up to five of them: n <= d and n > d."""

WIDE_KINDS = weighted_kinds(ANGLES[:3])
"""Kinds for ReLU networks: at smaller angles lambda m is too small for flips that C allows."""


def relu_descriptions(dial: Dial, **parts: SearchStrategy[Any]) -> SearchStrategy[Description]:
    """Networks wide enough for flips: about 9e-4 C^3 m of them on a trajectory with n = 1; and the given parts."""
    own = {
        "inputs": st.sampled_from([1, 1, 2, 2, 3]),
        "dimension": st.sampled_from([1, 2, 2, 3, 3, 4]),
        "half_width": st.sampled_from([32000, 64000]),
        "scale": st.sampled_from([1, 4, 100]),
        "kind": st.sampled_from(WIDE_KINDS),
        "symmetric": st.booleans(),
    }
    return dial.descriptions(**{**own, **parts})


def build_relu(description: Description, dial: Dial, plan: LossPlan = SQUARED) -> NetworkInstance:
    """``||r(0)||`` follows from the number of flips that C allows."""
    rng = np.random.default_rng(description["seed"])
    net, inputs = _network(description, plan, rng)
    lambda_min = _usable_eigenvalue(net, inputs)
    target = dial.constant(description)
    spectral = float(np.linalg.eigvalsh(inputs @ inputs.T)[-1])
    flips = max(1, int((target / 3) ** 2 * lambda_min * net.width / spectral))
    costs = np.cumsum(least_of_rows(net.pre_activations(inputs) ** 2, flips + 1), axis=1)
    radius = float(np.sqrt(0.5 * (costs[:, flips - 1] + costs[:, flips]).min()))
    return _network_instance(net, inputs, radius * np.sqrt(lambda_min), description, dial, plan, rng)


def least_of_rows(values: FloatArray, count: int) -> FloatArray:
    """The ``count`` smallest entries of each row of an (n, m) array, in ascending order, shape (n, count); 1 <= count <= m."""
    return np.sort(np.partition(values, count - 1, axis=1)[:, :count], axis=1)


def smooth_descriptions(dial: Dial, **parts: SearchStrategy[Any]) -> SearchStrategy[Description]:
    """Small smooth networks, and the given parts."""
    own = {
        "inputs": st.integers(1, 4),
        "dimension": st.sampled_from(DIMENSIONS),
        "half_width": st.integers(10, 200),
        "scale": st.sampled_from([1, 2]),
        "kind": st.sampled_from(weighted_kinds()),
        "symmetric": st.booleans(),
        "activation": st.sampled_from(["softplus", "tanh", "erf", "sin"]),
    }
    return dial.descriptions(**{**own, **parts})


def build_smooth(description: Description, dial: Dial, plan: LossPlan = SQUARED) -> NetworkInstance:
    """``||r(0)||`` is ``C lambda sqrt(m) / (9 L ||X||_2)``, which inverts C2-smooth; 9 is ``(9/2)(1+kappa)`` in general."""
    rng = np.random.default_rng(description["seed"])
    net, inputs = _network(description, plan, rng)
    assert net.phi.curvature is not None
    spectral = float(np.linalg.norm(inputs, 2))
    length = dial.constant(description) * _usable_eigenvalue(net, inputs) * np.sqrt(net.width)
    return _network_instance(net, inputs, length / (3 * net.phi.curvature * spectral), description, dial, plan, rng)


def _network(description: Description, plan: LossPlan, rng: np.random.Generator) -> tuple[TwoLayerNetwork, FloatArray]:
    """A network and its inputs; symmetric also where a minimiser cannot be placed near u(0)."""
    d = description["dimension"]
    inputs = draw_inputs(description["inputs"], d, description["kind"], rng)
    symmetric = description["symmetric"] or not plan.places_minimiser
    net = TwoLayerNetwork.initialise(
        2 * description["half_width"],
        d,
        float(description["scale"]),
        rng,
        symmetric=symmetric,
        activation=description.get("activation", "relu"),
    )
    return net, inputs


def _usable_eigenvalue(net: TwoLayerNetwork, inputs: FloatArray) -> float:
    """lambda_min(G(0)) as computed, or 1 where it is lost in rounding: Condition 1 is not certified there anyway."""
    computed = float(np.linalg.eigvalsh(net.gram(inputs))[0])
    return computed if computed > len(inputs) * np.finfo(float).eps else 1.0


def _network_instance(
    net: TwoLayerNetwork,
    inputs: FloatArray,
    reach: float,
    d: Description,
    dial: Dial,
    plan: LossPlan,
    rng: np.random.Generator,
) -> NetworkInstance:
    """Condition 2's ball has radius ``reach/sqrt(lambda)``: a minimiser in a random direction from u(0)."""
    n = len(inputs)
    start = net.outputs(inputs) if plan.places_minimiser else np.zeros(n)
    direction = normalise_rows(rng.standard_normal((1, n)))[0]
    labels, loss = plan.at(start + direction * (reach / plan.radius_factor(n)))
    found = NetworkInstance(net, inputs, labels, 1.0, dial.steps, loss=loss)
    return descending(found, eta=dial.step_size(d, min(found.certificate.constant, 2.99)))
