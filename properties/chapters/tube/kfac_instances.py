"""Networks for K-FAC in a tube that closes: widths first, for a ratio that is asked for, and then the longest r(0) for which they are wide enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.chapters.tube.closing import Closing
from properties.chapters.tube.instances import TubeNetwork
from properties.chapters.tube.pattern_tube import PatternTube, projection_of
from properties.descent.inputs import draw_inputs
from properties.engine.claim import Family
from properties.engine.descriptions import described_family
from properties.engine.stable_names import stored_as
from theory.descent.optimiser import as_optimiser
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import TubeCertificate, certify_tube

Description = Mapping[str, Any]

PLAIN, NEURON = "plain", "neuron"
KRONECKER_FORMS = (PLAIN, NEURON)
"""One width an input, or one a pair."""

INSIDE = 1 - 2.0**-20
"""Keeps r(0) and the step size inside their limits."""

FAR, NEAR = 2.0**10, 2.0**-12
"""Planted pre-activations that stay on their side, and those that change it at once, in units of the widths."""

SMALLEST = 2.0**-60
"""Where no tube closes."""


def dampings(optimiser: str) -> tuple[float, float]:
    """``(eps_S, eps_X)`` of K-FAC."""
    found = as_optimiser(optimiser)
    return float(getattr(found, "eps_S", 0.0)), float(getattr(found, "eps_X", 0.0))


@stored_as("kronecker-tube-network")
@dataclass(frozen=True)
class KroneckerTubeNetwork(TubeNetwork):
    """K-FAC, damped or not, on a network of few neurons in a tube."""

    form: str = PLAIN
    optimiser: str = field(default="kfac", kw_only=True)

    @cached_property
    def tube(self) -> PatternTube:
        """With ones for the kernel."""
        return PatternTube(self.net, self.inputs, self.targets, self.widths, *dampings(self.optimiser))

    @cached_property
    def certificate(self) -> TubeCertificate:
        """The tube that is certified."""
        per_neuron = self.form == "certified neurons"
        return certify_tube(self.net, self.inputs, self.targets, self.optimiser, per_neuron=per_neuron)


class PatternClosing(Closing):
    """A network at its start in float64, with ones for the kernel."""

    def __init__(self, net: TwoLayerNetwork, inputs: FloatArray, optimiser: str) -> None:
        """Everything that does not depend on the widths."""
        super().__init__(net, inputs)
        self.eps_S, eps_X = dampings(optimiser)
        self.kernel = self.sizes = np.ones((len(inputs), len(inputs)))
        self.gram = self.slopes @ self.slopes.T / self.m
        self.first = float(np.linalg.eigvalsh(self.gram)[0])
        self.scores = np.diag(projection_of(inputs, eps_X))
        shifted = self.gram + self.eps_S * np.eye(len(inputs))
        self.solutions = np.asarray(np.linalg.lstsq(shifted, self.slopes, rcond=None)[0])

    def unit(self, form: str) -> FloatArray:
        """What the widths are in proportion to, (n,) or (n, m); its largest entry is 1."""
        found = np.sqrt(self.scores)
        if form == NEURON:
            found = found[:, None] * np.linalg.norm(self.solutions, axis=0)
        return np.asarray(found / found.max())

    def length(self, b: FloatArray, form: str) -> float:
        """How long r(0) may be for the tube of these widths to close; 0 where none may."""
        _, D, near, eigenvalue, _, ratio = self._rectified(b)
        if not (eigenvalue > 0 and ratio < 1):
            return 0.0
        whole = eigenvalue + self.eps_S
        plain = min(np.sqrt(len(D)) / whole, np.sqrt(self.m / eigenvalue))
        solution: Any = plain
        if form == NEURON:
            moved = np.sqrt(near.sum(axis=0)) + np.linalg.norm(D @ np.abs(self.solutions), axis=0)
            solution = np.minimum(plain, np.linalg.norm(self.solutions, axis=0) + moved / whole)
        roots = np.sqrt(self.scores)
        needed = roots[:, None] * solution if form == NEURON else roots * plain
        share = float((b[needed > 0] * np.sqrt(self.m) / needed[needed > 0]).min())
        return share * (1 - ratio) * eigenvalue / whole * float(np.sqrt(self.scores.min())) * INSIDE

    def widened(self, ratio: float, form: str) -> FloatArray:
        """The widest tube with at most this ratio (bisection over the pairs that come into it one by one)."""
        unit = self.unit(form)
        wide = np.broadcast_to(unit if unit.ndim == 2 else unit[:, None], self.z.shape)
        costs = np.sort(np.abs(self.z[wide > 0]) / wide[wide > 0])  # a neuron that is never active does not move
        least, most = 0, len(costs) - 1
        while most - least > 1:
            middle = (least + most) // 2
            within = self._rectified(unit * (costs[middle - 1] + costs[middle]) / 2)
            if within[3] > 0 and within[5] <= ratio:
                least = middle
            else:
                most = middle
        return np.asarray(unit * ((costs[least - 1] + costs[least]) / 2 if least else costs[0] / 2))


def closed(
    net: TwoLayerNetwork, inputs: FloatArray, direction: FloatArray, widths: FloatArray | None, d: Description
) -> KroneckerTubeNetwork:
    """The network with the widths given, or those of the ratio asked for, and r(0) as long as they allow, times a share."""
    form, optimiser = d["form"], d.get("optimiser", "kfac")
    closing = PatternClosing(net, inputs, optimiser)
    b = closing.widened(d["ratio_percent"] / 100, form) if widths is None else widths
    if form == NEURON and b.ndim == 1:
        b = np.broadcast_to(b[:, None], closing.z.shape).copy()
    b = np.maximum(b, SMALLEST)
    length = max(closing.length(b, form) * d["share_percent"] / 100, SMALLEST)
    eta = d["step_percent"] / 100 / float(closing.scores.max())
    if d["step_percent"] <= 100:
        eta *= INSIDE
    targets = net.outputs(inputs) - length * direction
    steps, said = d["steps"], d.get("certified") or form
    return KroneckerTubeNetwork(net, inputs, targets, b / d.get("narrowed", 1), eta, steps, said, optimiser=optimiser)


def directed(scores: FloatArray, kind: str, rng: np.random.Generator) -> FloatArray:
    """A unit vector (n,): the input of least or largest leverage alone, the last one, all alike, or any."""
    n = len(scores)
    if kind in ("least", "largest"):
        place = int(scores.argmin() if kind == "least" else scores.argmax())
        return np.asarray(np.eye(n)[place])
    if kind == "last":
        return np.asarray(np.eye(n)[-1])
    if kind == "even":
        return np.full(n, 1 / np.sqrt(n))
    return np.asarray(normalise_rows(rng.standard_normal((1, n)))[0])


def build_drawn(description: Description) -> KroneckerTubeNetwork:
    """A random network; mu is dialled."""
    d, rng = description, np.random.default_rng(description["seed"])
    n, dimension = d["shape"]
    inputs = draw_inputs(n, dimension, d["kind"], rng)
    net = TwoLayerNetwork.initialise(2 * d["half_width"], dimension, 1.0, rng, symmetric=d["symmetric"])
    scores = np.diag(projection_of(inputs, dampings(d.get("optimiser", "kfac"))[1]))
    return closed(net, inputs, directed(scores, d["direction"], rng), None, d)


def build_planted(description: Description) -> KroneckerTubeNetwork:
    """As many independent inputs as dimensions, so that Z is chosen: neurons near 0 on an input, with signs for which they cross it.

    Groups: ``own`` neurons of each input alone, ``more`` times as many of the first one, ``joint`` ones of all; of ``vanishing`` ones, active on all inputs or on one, each loses an
    input; ``appearing`` ones of the first input come to the second.
    """
    d, rng = description, np.random.default_rng(description["seed"])
    n = d["inputs"]
    inputs = draw_inputs(n, n, "orthogonal", rng)
    patterns: list[FloatArray] = [
        np.eye(n)[:, [i]] for i in range(n) for _ in range(d["own"] * (1 if i else d["more"]))
    ]
    patterns += [np.ones((n, 1))] * d["joint"]
    near: list[FloatArray] = [np.zeros((n, 1))] * len(patterns)
    for i in range(n):
        active = np.ones((n, 1)) if d["shared"] else np.eye(n)[:, [i]]
        patterns += [active] * d["vanishing"]
        near += [np.eye(n)[:, [i]]] * d["vanishing"]
    if n > 1:
        patterns += [np.eye(n)[:, [0]]] * d["appearing"]
        near += [np.eye(n)[:, [1]]] * d["appearing"]
    pattern, close = np.hstack(patterns), np.hstack(near)
    z = np.where(close > 0, NEAR, FAR) * np.where(pattern > 0, 1.0, -1.0)
    gram = pattern @ pattern.T / pattern.shape[1]
    direction = directed(np.ones(n), d["direction"], rng)
    if d["eigenvector"]:
        direction = np.linalg.eigh(gram)[1][:, 0]
    moved = direction[:, None] * np.linalg.lstsq(gram, pattern, rcond=None)[0]  # dZ = -a m^{-1/2} diag(r) H^{-1} A
    wanted = np.sum(close * np.sign(z) * moved, axis=0)
    signs = np.where(wanted >= 0, 1.0, -1.0)
    still = ~close.any(axis=0)
    signs[still] = np.where(np.arange(still.sum()) % 2, -1.0, 1.0)
    net = TwoLayerNetwork(np.linalg.solve(inputs, z).T, signs)
    return closed(net, inputs, direction, np.ones(n), d)


# --- families --------------------------------------------------------------------------------------------------------

SHAPES = ((1, 2), (2, 3), (2, 2), (3, 4), (4, 4), (3, 2), (4, 3), (2, 1))
"""(n, d): with n > d not all leverage scores are 1."""
TALL = ((3, 2), (4, 3), (4, 2))


def drawn(counts: tuple[int, int, int], id: str = "tubes", **changes: Any) -> Family[KroneckerTubeNetwork]:
    """Random networks of some hundred neurons."""
    parts = {
        "shape": st.sampled_from(SHAPES),
        "kind": st.sampled_from(["uniform", "uniform", "orthogonal", "clustered"]),
        "half_width": st.sampled_from([64, 128, 256]),
        "symmetric": st.booleans(),
        "ratio_percent": st.sampled_from([95, 80, 65, 50, 35, 20, 5]),
        "direction": st.sampled_from(["any", "even", "least", "largest"]),
        "share_percent": st.sampled_from([50, 90, 100, 100]),
        "step_percent": st.sampled_from([10, 30, 50, 80, 100, 100]),
        "steps": st.integers(2, 12),
        "form": st.sampled_from(KRONECKER_FORMS),
        "seed": st.integers(0, 2**20),
    }
    title = "small ReLU networks in a tube that closes, K-FAC in balls"
    return described_family(id, title, build_drawn, counts, **{**parts, **changes})


def planted(counts: tuple[int, int, int], id: str = "planted", **changes: Any) -> Family[KroneckerTubeNetwork]:
    """Neurons so near 0 that they cross it in the first step; all others far from it."""
    parts = {
        "inputs": st.integers(1, 3),
        "own": st.integers(4, 20),
        "more": st.just(1),
        "joint": st.sampled_from([0, 0, 4]),
        "vanishing": st.integers(0, 4),
        "appearing": st.sampled_from([0, 1, 3]),
        "shared": st.booleans(),
        "eigenvector": st.booleans(),
        "direction": st.sampled_from(["any", "even", "least"]),
        "ratio_percent": st.just(100),
        "share_percent": st.sampled_from([10, 50, 100]),
        "step_percent": st.sampled_from([10, 30, 50, 100, 100]),
        "steps": st.sampled_from([2, 4, 12]),
        "form": st.sampled_from(KRONECKER_FORMS),
        "seed": st.integers(0, 2**20),
    }
    title = "ReLU networks with neurons that cross 0 in K-FAC's first step"
    return described_family(id, title, build_planted, counts, **{**parts, **changes})
