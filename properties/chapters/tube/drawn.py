"""Networks with a tube that closes, drawn for a rule: random ones whose widths follow from a ratio, and planted ones, the worst case."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.tube.closing import Closing
from properties.chapters.tube.given import GivenTube
from properties.descent.inputs import draw_inputs
from properties.descent.losses import LossPlan
from properties.engine.claim import Family
from properties.engine.descriptions import described_family
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.precision import FIRST_BITS, working_precision
from theory.stability.tube.certificate import TubeCertificate

if TYPE_CHECKING:
    from properties.chapters.tube.statement import InTube

Description = Mapping[str, Any]
Plan = Callable[[Description], LossPlan]
Certify = Callable[[GivenTube], TubeCertificate]

INSIDE = 1 - 2.0**-30
"""Keeps widths and step sizes strictly inside their limits."""

NEAR = 2.0**-30
"""How far from 0 planted pre-activations are, as a share of the others: they change their sign at once."""

TENTHS = (6, 3, 8, 1, 9, 5, 2, 7, 4, 0)
"""Of what the theorem allows of the ratio; a search prefers the first of them."""

SMALLEST = 2.0**-200
"""A step size where the rule allows none."""


def squared(description: Description) -> LossPlan:
    """The squared loss, whatever the description."""
    del description
    return LossPlan()


def closing(rule: InTube, plan: LossPlan, unit: GivenTube, direction: FloatArray, d: Description) -> GivenTube:
    """The instance with a step size, and with the residual of this direction for which the tube closes, times a share.

    S is proportional to ``||r(0)||``, so that the largest residual follows from that of length 1.
    """

    def placed(length: float) -> GivenTube:
        start = unit.net.outputs(unit.inputs) if plan.places_minimiser else np.zeros(len(direction))
        labels, loss = plan.at(start - length * direction)
        return dataclasses.replace(unit, targets=labels, loss=loss, eta=eta)

    eta = 1.0
    found = placed(1.0)
    with working_precision(FIRST_BITS):
        at = rule.at(found)
        if not rule.speaks[1](at) > 0:
            return found
        eta = max(float(rule.step_limit(at)) * INSIDE * d["step_percent"] / 100, SMALLEST)
        found = placed(1.0)
        at = rule.at(found)
        path = rule.path(at)
        largest = min(float(b) / float(found.width(i, path)) for i, b in enumerate(found.widths))
    return placed(max(largest * INSIDE * d["share_percent"] / 100, SMALLEST))


def directed(net: TwoLayerNetwork, inputs: FloatArray, kind: str, rng: np.random.Generator) -> FloatArray:
    """A unit vector (n,): an eigenvector of G(0) for its least or its largest eigenvalue, the first or the last input alone, all alike, or any."""
    n = len(inputs)
    if kind == "even":
        return np.full(n, 1 / np.sqrt(n))
    if kind in ("first", "last"):
        return np.asarray(np.eye(n)[0 if kind == "first" else -1])
    if kind == "random":
        return np.asarray(normalise_rows(rng.standard_normal((1, n)))[0])
    vectors = np.linalg.eigh(net.gram(inputs))[1]
    return np.asarray(vectors[:, 0 if kind == "lowest" else -1])


# --- random networks -------------------------------------------------------------------------------------------------


def widened(net: TwoLayerNetwork, inputs: FloatArray, within: Callable[[FloatArray], bool]) -> FloatArray:
    """The widest tube, of widths in proportion to ``||K_i||``, that is ``within`` what is asked for (bisection)."""
    norms = np.linalg.norm(inputs @ inputs.T, axis=1)
    costs = np.sort((np.abs(net.pre_activations(inputs)) / norms[:, None]).ravel())
    least, most = 0, len(costs) - 1
    while most - least > 1:
        middle = (least + most) // 2
        if within(norms * (costs[middle - 1] + costs[middle]) / 2):
            least = middle
        else:
            most = middle
    reach = (costs[least - 1] + costs[least]) / 2 if least else costs[0] / 2
    return np.asarray(norms * reach)


def build_random(rule: InTube, optimiser: str, plans: Plan, d: Description) -> GivenTube:
    """A network whose widths are such that the ratio is about the share of its limit that is asked for."""
    rng, plan = np.random.default_rng(d["seed"]), plans(d)
    inputs = draw_inputs(d["inputs"], d["dimension"], d["kind"], rng)
    symmetric = d["symmetric"] or not plan.places_minimiser
    net = TwoLayerNetwork.initialise(2 * d["half_width"], d["dimension"], float(d["scale"]), rng, symmetric=symmetric)
    mu, L = plan.curvatures(len(inputs))
    asked = (d["ratio_tenth"] + 0.5) / 10

    closes = Closing(net, inputs)

    def within(widths: FloatArray) -> bool:
        change, ratio = closes.shares(widths)
        return bool(change <= asked if optimiser == "gd" else ratio <= asked * rule.ratio_limit(mu, L))

    direction = plan.tilted(directed(net, inputs, d["direction"], rng))
    unit = GivenTube(
        net, inputs, np.zeros(len(inputs)), widened(net, inputs, within), 1.0, d["steps"], optimiser=optimiser
    )
    return closing(rule, plan, unit, direction, d)


def random_networks(
    rule: InTube,
    optimiser: str,
    counts: tuple[int, int, int],
    id: str = "tubes",
    plans: Plan = squared,
    **parts: SearchStrategy[Any],
) -> Family[Any]:
    """ReLU networks of some hundred neurons."""
    own: dict[str, SearchStrategy[Any]] = {
        "inputs": st.sampled_from([1, 2, 2, 3, 4]),
        "dimension": st.sampled_from([2, 3, 4, 4]),
        "half_width": st.sampled_from([100, 200, 400]),
        "scale": st.sampled_from([1, 4]),
        "kind": st.sampled_from(["uniform", "orthogonal", "uniform", "orthogonal", "uniform", "clustered"]),
        "symmetric": st.booleans(),
        "ratio_tenth": st.sampled_from(TENTHS),
        "direction": st.sampled_from(["random", "lowest", "highest"]),
        "share_percent": st.integers(50, 100),
        "step_percent": st.integers(10, 100),
        "steps": st.sampled_from([3, 6, 12]),
        "seed": st.integers(0, 2**20),
    }
    title = "small ReLU networks in a tube that closes, followed in balls"
    return described_family(id, title, partial(build_random, rule, optimiser, plans), counts, **{**own, **parts})


def build_certified(rule: InTube, optimiser: str, plans: Plan, certify: Certify, d: Description) -> GivenTube:
    """As ``build_random``, in the least tube that is certified for its residual; as it is where none is."""
    found = build_random(rule, optimiser, plans, d)
    if not found.tube.lambda_min > 0:
        return found
    certificate = certify(found)
    return dataclasses.replace(found, widths=certificate.widths) if certificate.certified else found


def certified_networks(
    rule: InTube,
    optimiser: str,
    certify: Certify,
    counts: tuple[int, int, int],
    id: str = "certified",
    plans: Plan = squared,
    **parts: SearchStrategy[Any],
) -> Family[Any]:
    """Random networks in the tube of their certificate."""
    drawn = random_networks(rule, optimiser, counts, id, plans, **parts)
    title = "small ReLU networks in the least tube that is certified, followed in balls"
    return dataclasses.replace(drawn, title=title, build=partial(build_certified, rule, optimiser, plans, certify))


def build_smooth(rule: InTube, optimiser: str, plans: Plan, d: Description) -> GivenTube:
    """As ``build_random``, of a smooth activation: D and M are in proportion to the widths, so that these follow from one tube."""
    rng, plan = np.random.default_rng(d["seed"]), plans(d)
    inputs = draw_inputs(d["inputs"], d["dimension"], d["kind"], rng)
    net = TwoLayerNetwork.initialise(
        2 * d["half_width"], d["dimension"], 1.0, rng, symmetric=not plan.places_minimiser, activation=d["activation"]
    )
    n = len(inputs)
    norms = np.linalg.norm(inputs @ inputs.T, axis=1)
    direction = plan.tilted(directed(net, inputs, d["direction"], rng))
    unit = GivenTube(net, inputs, np.zeros(n), norms, 1.0, d["steps"], optimiser=optimiser)
    at = unit.tube
    change, product, least = (float(one) for one in (at.gram_change_norm, at.product_norm, at.first_eigenvalue))
    asked = (d["ratio_tenth"] + 0.5) / 10
    limit = asked * rule.ratio_limit(*plan.curvatures(n))
    reach = asked * least / change if optimiser == "gd" else limit * least / (product + limit * change)
    unit = dataclasses.replace(unit, widths=norms * max(reach, SMALLEST))
    return closing(rule, plan, unit, direction, d)


def smooth_networks(
    rule: InTube,
    optimiser: str,
    counts: tuple[int, int, int],
    id: str = "smooth",
    plans: Plan = squared,
    **parts: SearchStrategy[Any],
) -> Family[Any]:
    """Networks of few neurons with other activations."""
    own: dict[str, SearchStrategy[Any]] = {
        "inputs": st.sampled_from([1, 2, 3]),
        "dimension": st.sampled_from([2, 3, 4]),
        "half_width": st.integers(3, 12),
        "kind": st.sampled_from(["uniform", "orthogonal", "clustered"]),
        "activation": st.sampled_from(["softplus", "tanh", "erf", "sin"]),
        "ratio_tenth": st.sampled_from(TENTHS),
        "direction": st.sampled_from(["random", "lowest", "highest"]),
        "share_percent": st.integers(50, 100),
        "step_percent": st.integers(10, 100),
        "steps": st.sampled_from([2, 4]),
        "seed": st.integers(0, 2**20),
    }
    title = "small smooth networks in a tube that closes, followed in balls"
    return described_family(id, title, partial(build_smooth, rule, optimiser, plans), counts, **{**own, **parts})


# --- planted networks ------------------------------------------------------------------------------------------------

PLANTED = ("vanish", "appear", "cross")
"""On what pair a planted neuron is near 0: active and about to vanish there, or inactive and about to appear while it is active on
the others; or both, on the first input and the others."""


def planted_signs(inputs: FloatArray, z: FloatArray, near: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Signs (m,) with which a step of these coefficients c (n,) moves the near entries of Z across 0."""
    motion = (inputs @ inputs.T) @ (coefficients[:, None] * (z >= 0))
    wanted = np.sum(np.where(near, np.sign(z) * motion, 0.0), axis=0)
    return np.where(wanted >= 0, 1.0, -1.0)


def build_planted(rule: InTube, optimiser: str, plans: Plan, d: Description) -> GivenTube:
    """As many inputs as dimensions, so that Z is chosen; some neurons near 0 on one input, or all, and signs for which they cross it.

    ``mirrored``: every neuron once more with the other sign, so that u(0) = 0.
    """
    rng, plan = np.random.default_rng(d["seed"]), plans(d)
    n, pairs = d["inputs"], d["pairs"]
    inputs = draw_inputs(n, n, "orthogonal", rng)
    if n > 1 and d["correlation_percent"]:
        rho = d["correlation_percent"] / 100
        inputs = inputs.copy()
        inputs[1] = rho * inputs[0] + np.sqrt(1 - rho * rho) * inputs[1]
        inputs = normalise_rows(inputs)
    patterns = np.concatenate([np.repeat(np.eye(n), d["active"], axis=0), np.ones((d["joint"], n))])
    fixed = np.where(patterns, 1.5, -1.5).T
    planted = {"vanish": d["vanish"], "appear": d["appear"], "cross": d["cross"]}
    columns = [fixed]
    for kind, count in planted.items():
        if count and (n > 1 or kind == "vanish"):
            columns.append(_planted(kind, n, count))
    z = np.concatenate([np.concatenate(columns, axis=1)] * pairs, axis=1)
    near = np.abs(z) < 1
    weights = np.linalg.solve(inputs, z).T
    net = TwoLayerNetwork(weights, np.ones(z.shape[1]))
    direction = plan.tilted(directed(net, inputs, d["direction"], rng))
    slopes = plan.weights(n) if plan.kind == "weighted" else np.ones(n)
    gradient = slopes * direction
    solved = np.linalg.lstsq(net.gram(inputs), gradient, rcond=None)[0]
    c = np.asarray(gradient if optimiser == "gd" else solved, dtype=np.float64)
    signs = planted_signs(inputs, z, near, c)
    net = TwoLayerNetwork(weights, signs)
    if d["mirrored"]:
        net = TwoLayerNetwork(np.concatenate([weights, weights]), np.concatenate([signs, -signs]))
    unit = GivenTube(net, inputs, np.zeros(n), np.full(n, 0.5), 1.0, d["steps"], optimiser=optimiser)
    return closing(rule, plan, unit, direction, d)


def _planted(kind: str, n: int, count: int) -> FloatArray:
    """Columns (n, k) of Z: for every input so many neurons of the kind."""
    one = np.eye(n)
    if kind == "vanish":
        made = np.where(one > 0, NEAR, -1.5)
    elif kind == "appear":
        made = np.where(one > 0, -NEAR, 1.5)
    else:
        made = np.where(one > 0, NEAR, -NEAR)[:, -1:]
    return np.repeat(made, count, axis=1)


def planted_networks(
    rule: InTube,
    optimiser: str,
    counts: tuple[int, int, int],
    id: str = "planted",
    plans: Plan = squared,
    **parts: SearchStrategy[Any],
) -> Family[Any]:
    """Neurons so near 0 that they cross it in the first step; all others far from it."""
    own: dict[str, SearchStrategy[Any]] = {
        "inputs": st.integers(1, 3),
        "correlation_percent": st.sampled_from([0, 0, 50, -50, 90, -90]),
        "active": st.integers(4, 12),
        "joint": st.sampled_from([0, 1, 6]),
        "mirrored": st.just(False),
        "vanish": st.integers(0, 3),
        "appear": st.sampled_from([0, 0, 1]),
        "cross": st.sampled_from([0, 0, 1]),
        "pairs": st.integers(1, 3),
        "direction": st.sampled_from(["lowest", "highest", "first", "last", "random"]),
        "share_percent": st.integers(1, 100),
        "step_percent": st.integers(5, 100),
        "steps": st.sampled_from([2, 4, 12]),
        "seed": st.integers(0, 2**20),
    }
    title = "ReLU networks with neurons that cross 0 in the first step"
    return described_family(id, title, partial(build_planted, rule, optimiser, plans), counts, **{**own, **parts})
