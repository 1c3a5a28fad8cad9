"""Families of networks in tubes of K-FAC: drawn ones, whose ratio is dialled, and those that are made to flip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.chapters.tube.closing import Closing, Sketch
from properties.chapters.tube.instances import CERTIFIED
from properties.chapters.tube.kronecker import KRONECKER_FORMS, KroneckerTubeNetwork, dampings, exact_leverage
from properties.chapters.tube.planned import FAR, NEAR, Group, emerging_groups
from properties.descent.inputs import draw_inputs
from properties.engine.claim import Family
from properties.engine.descriptions import described_family
from theory.descent.damped_kfac import DampedKroneckerFactored
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import rational
from theory.theorems import tube_kfac

Description = Mapping[str, Any]

FAN_ANGLE = 0.06
"""Between neighbours of a fan."""


class PatternClosing(Closing):
    """The tube of patterns: ones for K, and K-FAC's widths."""

    def __init__(self, net: TwoLayerNetwork, inputs: FloatArray, shares: tuple[float, float] | None = None) -> None:
        """Everything that does not depend on the widths; ``shares`` are eps_S in units of sigma^2, and eps_X."""
        super().__init__(net, inputs)
        self.kernel = self.sizes = np.ones_like(self.kernel)
        self.gram = self.slopes @ self.slopes.T / self.m
        self.first = float(np.linalg.eigvalsh(self.gram)[0])
        self.optimiser = "kfac"
        if shares is not None:
            self.optimiser = DampedKroneckerFactored(shares[0] * max(self.first, 0.0), shares[1]).name
        self.eps_S, self.eps_X = dampings(self.optimiser)
        self.leverage = np.array([float(h) for h in exact_leverage(inputs, self.eps_X)])

    def sketch(self, b: FloatArray, residual: FloatArray, form: str) -> Sketch | None:
        """The tube of these widths; None where sigma_b^2 <= 0 or mu >= 1."""
        found = self._rectified(b)
        change, flips, eigenvalue, ratio = found.gram, found.slopes, found.lambda_min, found.ratio
        if not (eigenvalue > 0 and ratio < 1):
            return None
        contraction = float(tube_kfac.damped_contraction(ratio, eigenvalue, self.eps_S))
        path = float(tube_kfac.path_sum(float(np.linalg.norm(residual)), contraction, float(self.leverage.min())))
        units = np.sqrt(self.leverage / self.m) * path
        solution = float(tube_kfac.plain_solution(len(b), self.m, eigenvalue, self.eps_S))
        if form == "plain":
            return Sketch(ratio, eigenvalue, path, units * solution)
        q = np.abs(np.linalg.solve(self.gram + self.eps_S * np.eye(len(b)), self.slopes))
        counts = np.broadcast_to(flips, q.shape).sum(axis=0)
        moved = np.sqrt(counts) + np.linalg.norm(change @ q, axis=0)
        own = np.minimum(np.linalg.norm(q, axis=0) + moved / (eigenvalue + self.eps_S), solution)
        return Sketch(ratio, eigenvalue, path, np.outer(units, own))


def step_size(inputs: FloatArray, percent: float, eps: float = 0.0) -> float:
    """So many hundredths of ``1/h_max``, not more; ``eps`` is eps_X."""
    largest = max(exact_leverage(inputs, eps))
    eta = percent / 100 / float(largest)
    while percent <= 100 and rational(eta) * largest > 1:
        eta = float(np.nextafter(eta, 0.0))
    return eta


# --- drawn networks --------------------------------------------------------------------------------------------------


def fan(n: int) -> FloatArray:
    """n unit rows in the plane, all but the first close to one direction, which share its leverage."""
    angles = np.pi / 2 + FAN_ANGLE * (np.arange(n - 1) - (n - 2) / 2)
    return np.array([[1.0, 0.0], *([np.cos(one), np.sin(one)] for one in angles)])


def directed(kind: str, inputs: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A unit vector (n,): an input of the least or of the largest leverage alone, or any."""
    scores = np.array([float(h) for h in exact_leverage(inputs)])
    if kind == "random":
        drawn = rng.standard_normal(len(inputs))
        return np.asarray(drawn / np.linalg.norm(drawn))
    place = scores.argmin() if kind == "lowest" else scores.argmax()
    return np.asarray(np.eye(len(inputs))[place])


def build_drawn(description: Description) -> KroneckerTubeNetwork:
    """A random network, and r(0) as long as a tube with the ratio that is asked for allows."""
    d, rng = description, np.random.default_rng(description["seed"])
    drawn = d["kind"] != "fan"
    inputs = draw_inputs(d["inputs"], d["dimension"], d["kind"], rng) if drawn else fan(d["inputs"])
    net = TwoLayerNetwork.initialise(2 * d["half_width"], inputs.shape[1], 1.0, rng, symmetric=d["symmetric"])
    direction = directed(d["direction"], inputs, rng)
    closing = PatternClosing(net, inputs, d.get("damping"))
    found = closing.dialled(direction, d["ratio_percent"] / 100, d["form"])
    length, widths = found if found is not None else (1.0, np.ones(len(inputs)))
    return KroneckerTubeNetwork(
        net,
        inputs,
        net.outputs(inputs) - length * direction,
        widths / d.get("narrowed", 1),
        step_size(inputs, d["step_percent"], closing.eps_X),
        d["steps"],
        d.get("certified") or d["form"],
        optimiser=closing.optimiser,
    )


def drawn(counts: tuple[int, int, int], id: str = "drawn", **changes: Any) -> Family[KroneckerTubeNetwork]:
    """Random networks; mu is dialled."""
    parts = {
        "inputs": st.sampled_from([1, 2, 2, 3, 4]),
        "dimension": st.sampled_from([2, 2, 3, 4]),
        "kind": st.sampled_from(["uniform", "uniform", "orthogonal", "clustered", "fan"]),
        "half_width": st.sampled_from([64, 128, 256]),
        "symmetric": st.booleans(),
        "direction": st.sampled_from(["random", "random", "lowest", "highest"]),
        "ratio_percent": st.sampled_from([95, 70, 50, 35, 25, 15, 5]),
        "step_percent": st.sampled_from([10, 30, 50, 80, 100, 100]),
        "steps": st.integers(2, 16),
        "form": st.sampled_from(KRONECKER_FORMS),
        "seed": st.integers(0, 2**20),
    }
    title = "small networks with a tube that closes, their runs in balls"
    return described_family(id, title, build_drawn, counts, **{**parts, **changes})


def certified_tubes(counts: tuple[int, int, int], **changes: Any) -> Family[KroneckerTubeNetwork]:
    """The same, with the tubes of certificates."""
    return drawn(counts, "certified", form=st.just("plain"), certified=st.sampled_from(CERTIFIED), **changes)


# --- networks made to measure ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planned:
    """Groups of neurons, and r(0); the inputs are orthonormal, so that ``P = I`` and each input moves by its own residual."""

    groups: tuple[Group, ...]
    residual: tuple[float, ...]


def single(fixed: int, flipping: int) -> Planned:
    """One input: all that may vanish vanishes at once."""
    return Planned((Group(fixed, (1,)), Group(flipping, (1,), (0,))), (1.0,))


def joint(fixed: int, flipping: int) -> Planned:
    """Two inputs that share most neurons; some of the first alone vanish."""
    singles = (Group(fixed, (1, 0)), Group(fixed, (0, 1)), Group(10 * fixed, (1, 1)))
    return Planned((*singles, Group(flipping, (1, 0), (0,))), (1.0, 2.0**-4))


def joining(fixed: int, flipping: int) -> Planned:
    """Three inputs, the second seen by many neurons; one of these becomes active on the first, and then moves by it too."""
    singles = (Group(fixed, (1, 0, 0)), Group(25 * fixed, (0, 1, 0)), Group(fixed, (0, 0, 1)))
    shared = (Group(fixed, (1, 0, 1)), Group(fixed, (0, 1, 1)))
    return Planned((*singles, *shared, Group(flipping, (0, 1, 0), (0,))), (1.0, 2.0**-4, 2.0**-4))


def emerging(fixed: int, flipping: int) -> Planned:
    """Five inputs and no neuron that is sure to stay: ``||D_N||`` is above sigma^2, and above ``||N||``."""
    return Planned(emerging_groups(fixed + flipping, 5), (1.0, -1.0, 1.0, -1.0, 1.0))


def parting(fixed: int, flipping: int) -> Planned:
    """Two inputs that most neurons share until they vanish on the second: ``H^{-1}`` of those that still share both grows by more than 1/(1-mu)."""
    alone = (Group(4 * fixed, (1, 0)), Group(3 * fixed, (0, 1)))
    shared = (Group(1, (1, 1)), Group(flipping * fixed, (1, 1), (1,)))
    return Planned((*alone, *shared), (2.0**-6, 1.0))


PLANS: Mapping[str, Callable[[int, int], Planned]] = {
    "single": single,
    "joint": joint,
    "joining": joining,
    "emerging": emerging,
    "parting": parting,
}

SINGLED_OUT = ("emerging",)
"""Plans for mutants, without a tube that closes."""


def realised(plan: Planned) -> tuple[TwoLayerNetwork, FloatArray, FloatArray]:
    """The network, its inputs, and r(0). A neuron gets the sign with which it moves over to the other side on the first input that is near."""
    n, residual = len(plan.residual), np.array(plan.residual)
    patterns = np.array([group.pattern for group in plan.groups for _ in range(group.count)], dtype=float).T
    nears = [group.near for group in plan.groups for _ in range(group.count)]
    solutions = np.linalg.solve(patterns @ patterns.T, patterns)
    z = np.where(patterns == 1, FAR, -FAR)
    signs = np.where(np.arange(len(nears)) % 2, 1.0, -1.0)
    for r, near in enumerate(nears):
        if near:
            z[list(near), r] *= NEAR / FAR
            first = near[0]
            moved = residual[first] * solutions[first, r]  # dZ = -a times a positive number times this
            signs[r] = float(np.sign(moved)) * (1 if patterns[first, r] else -1)
    return TwoLayerNetwork(z.T, signs), np.eye(n), residual


def build_planned(description: Description) -> KroneckerTubeNetwork:
    """A network made to flip; where no tube closes, in one of the widths that are asked for."""
    d = description
    net, inputs, residual = realised(PLANS[d["plan"]](d["fixed"], d["flipping"]))
    closing = PatternClosing(net, inputs, d.get("damping"))
    found = closing.closed(residual, d["form"])
    b = np.full(len(inputs), d.get("reach", 1.0)) if found is None else found[1]
    targets, eta = net.outputs(inputs) - residual, step_size(inputs, d["step_percent"], closing.eps_X)
    return KroneckerTubeNetwork(net, inputs, targets, b, eta, d["steps"], d["form"], optimiser=closing.optimiser)


def planned(counts: tuple[int, int, int], id: str = "planned", **changes: Any) -> Family[KroneckerTubeNetwork]:
    """Networks made to flip at once."""
    parts = {
        "plan": st.sampled_from([name for name in PLANS if name not in SINGLED_OUT]),
        "fixed": st.integers(4, 20),
        "flipping": st.integers(1, 6),
        "step_percent": st.sampled_from([10, 20, 50, 100, 100]),
        "steps": st.integers(2, 20),
        "form": st.sampled_from(KRONECKER_FORMS),
    }
    title = "networks made to flip at once, their runs in balls"
    return described_family(id, title, build_planned, counts, **{**parts, **changes})
