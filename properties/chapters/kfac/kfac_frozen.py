"""T4-frozen: while activation patterns do not change, K-FAC's residual is ``(I - eta diag(h))^k r(0)``.

With rank X = n that is NGD's, ``(1-eta)^k r(0)``. On tiny ReLU networks both runs are exact rational numbers, their patterns
are compared exactly; on wide ones they are computed, and the difference stays within the derived rounding, which has to
be below 1e-6 of the residual.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from properties.chapters.kfac.kfac_instances import INPUT_KINDS, draw_inputs, input_descriptions
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Hypothesis,
    Provenance,
    Verdict,
    as_float,
    equal_exactly,
    require,
    technical,
    within_rounding,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, Stated, mutant
from properties.engine.stable_names import stored_as
from properties.exact.exact_network import MOVEMENTS, FunctionState, function_step
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import DescentError
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import diagonal, pseudo_inverse, rational_matrix
from theory.rigour.input_bounds import input_bounds
from theory.rigour.one_step import network_steps
from theory.theorems.kfac_frozen import frozen_factor

AGREEMENT = 1e-6
"""Up to this share of ||r(0)|| K-FAC's and NGD's residuals must be seen to agree."""

Factors = Callable[[fmpq, Sequence[fmpq]], list[fmpq]]
"""``(eta, leverage scores)`` -> factor of each residual in one K-FAC step, as the claim or a mutant states it."""


# --- exact runs ------------------------------------------------------------------------------------------------------


@stored_as("frozen-exact-runs")
@dataclass(frozen=True)
class ExactRuns:
    """A tiny ReLU network at integer weights on integer inputs; K-FAC and NGD run from it in rationals."""

    inputs: FloatArray
    weights: FloatArray
    signs: tuple[int, ...]
    residual: FloatArray
    eta: fmpq
    steps: int

    @cached_property
    def start(self) -> FunctionState:
        """The state at W(0); the targets are those that leave the residual asked for."""
        inputs, weights = rational_matrix(self.inputs), rational_matrix(self.weights)
        projection = inputs * pseudo_inverse(inputs)
        residual = rational_matrix(self.residual[:, None])
        state = FunctionState(
            inputs * weights.transpose(), inputs * inputs.transpose(), projection, self.signs, residual * 0
        )
        return FunctionState(state.pre_activations, state.kernel, projection, self.signs, state.residual - residual)

    @cached_property
    def runs(self) -> Mapping[str, list[FunctionState]] | None:
        """All states of both runs; None when a matrix to invert is singular."""
        found = {}
        for optimiser in ("kfac", "ngd"):
            states = [self.start]
            try:
                for _ in range(self.steps):
                    states.append(function_step(states[-1], MOVEMENTS[optimiser], self.eta))
            except ZeroDivisionError:
                return None
            found[optimiser] = states
        return found

    @property
    def frozen(self) -> bool:
        """Whether S is the same at all iterates, hence on all segments: each side of an activation is convex."""
        assert self.runs is not None
        return all(state.features == self.start.features for run in self.runs.values() for state in run)

    @property
    def leverage(self) -> list[fmpq]:
        """The leverage scores, exactly."""
        return [self.start.projection[i, i] for i in range(len(self.inputs))]

    @property
    def independent(self) -> bool:
        """Whether rank X = n."""
        return bool(rational_matrix(self.inputs).rref()[1] == len(self.inputs))


def _build_exact(description: Mapping[str, Any]) -> ExactRuns:
    rng = np.random.default_rng(description["seed"])
    n, d, m = description["inputs"], description["dimension"], description["root_width"] ** 2
    if description["more_inputs"]:
        n, d = max(n, 3), min(d, max(n, 3) - 1)
    inputs = rng.integers(-3, 4, (n, d)).astype(float)
    inputs[~inputs.any(axis=1), 0] = 1.0
    weights = rng.integers(-4, 5, (m, d)).astype(float) + 0.5
    flipped = rng.choice([-1.0, 1.0], n)
    residual = (flipped * rng.integers(1, 4, n)).astype(float) * 2.0 ** -description["scale"]
    signs = tuple(int(sign) for sign in rng.choice([-1, 1], m))
    eta = fmpq(description["step_tenths"], 10)
    return ExactRuns(inputs, weights, signs, residual, eta, description["steps"])


def _same(label: str, left: fmpq_mat, right: fmpq_mat) -> Bound:
    difference = left - right
    return equal_exactly(label, left == right, max(abs(as_float(entry)) for entry in difference.entries()))


def exact_family(least_inputs: int = 1, scales: Sequence[int] = (8, 12)) -> Family[Any]:
    """Tiny networks; the larger the scale, the smaller the residual."""
    return described_family(
        "exact",
        "tiny ReLU networks, both runs in rationals",
        _build_exact,
        (30, 260, 1500),
        inputs=st.integers(least_inputs, 4),
        dimension=st.integers(1, 4),
        more_inputs=st.booleans(),
        root_width=st.integers(3, 5),
        scale=st.sampled_from(list(scales)),
        step_tenths=st.integers(1, 15),
        steps=st.integers(1, 3),
        seed=st.integers(0, 2**20),
    )


# --- computed runs ---------------------------------------------------------------------------------------------------


@stored_as("frozen-computed-runs")
@dataclass(frozen=True)
class ComputedRuns:
    """A ReLU network with independent inputs; K-FAC and NGD run from it in float64."""

    roundable: ClassVar[tuple[str, ...]] = ("targets", "eta", "net.weights")

    net: TwoLayerNetwork
    inputs: FloatArray
    targets: FloatArray
    eta: float
    steps: int

    @cached_property
    def _runs(self) -> Mapping[str, tuple[list[FloatArray], float, bool]] | None:
        """Residuals, the sum of the steps' error bounds, and whether the patterns stayed; None when a run breaks off."""
        found = {}
        for optimiser in ("kfac", "ngd"):
            state = FunctionSpaceDescent(self.net, self.inputs, self.targets)
            initial, residuals, error, frozen = state.pattern, [], 0.0, True
            steps = network_steps(state, self.eta, optimiser)
            for _ in range(self.steps):
                try:
                    step = next(steps)
                except DescentError:
                    return None
                residuals.append(step.moved_residual)
                # a pre-activation within the step's error of 0 may lie on the other side: that doubles the error
                error += 2 * step.after_error + step.before_error
                frozen = frozen and bool(np.array_equal(state.pattern, initial))
            found[optimiser] = residuals, error, frozen
        return found

    def hypotheses(self) -> Sequence[Hypothesis]:
        """rank X = n, regular matrices, unchanged patterns."""
        bounds, n = input_bounds(InputGeometry.of(self.inputs)), len(self.inputs)
        rank = require("rank X = n, certified", 1.0 if bounds.rank_certified and bounds.rank == n else -1.0)
        if rank.verdict is not Verdict.HOLDS or self._runs is None:
            regular = -1.0 if self._runs is None else 1.0
            return [rank, technical(require("H and G are regular at all iterates", regular))]
        frozen = all(run[2] for run in self._runs.values())
        fine = technical(
            require("the derived rounding at most 1e-6 ||r(0)||", AGREEMENT * self._initial - self._rounding)
        )
        if fine.verdict is not Verdict.HOLDS:
            fine = dataclasses.replace(fine, verdict=Verdict.UNDECIDED)
        return [rank, require("no activation changes at the iterates", 1.0 if frozen else -1.0), fine]

    @property
    def _initial(self) -> float:
        return float(np.linalg.norm(self.net.outputs(self.inputs) - self.targets))

    @property
    def _rounding(self) -> float:
        assert self._runs is not None
        return sum(run[1] for run in self._runs.values())

    def conclusion(self) -> Sequence[Bound]:
        """The residuals differ by no more than the derived rounding."""
        assert self._runs is not None
        pairs = zip(self._runs["kfac"][0], self._runs["ngd"][0], strict=True)
        largest = max(float(np.linalg.norm(kfac - natural)) for kfac, natural in pairs)
        return [within_rounding("K-FAC's r(k) = NGD's for every k", largest, self._rounding)]


def _build_computed(description: Mapping[str, Any]) -> ComputedRuns:
    rng = np.random.default_rng(description["seed"])
    n, d = min(description["inputs"], description["dimension"]), description["dimension"]
    inputs = draw_inputs(n, d, description["kind"], rng)
    net = TwoLayerNetwork.initialise(description["width"], d, 1.0, rng)
    targets = net.outputs(inputs) - rng.standard_normal(n) * 10.0 ** -description["scale"]
    return ComputedRuns(net, inputs, targets, description["step_percent"] / 100, description["steps"])


COMPUTED: Family[Any] = described_family(
    "F1",
    "ReLU networks with independent inputs",
    _build_computed,
    (15, 100, 900),
    **input_descriptions([kind for kind in INPUT_KINDS if kind != "deficient"], 4, (1, 4)),
    width=st.integers(50, 2000),
    scale=st.integers(2, 6),
    step_percent=st.integers(5, 150),
    steps=st.integers(1, 6),
    seed=st.integers(0, 2**20),
)


# --- the claim -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FrozenRule(Stated):
    """The factors of a step while no activation changes, as stated or as a mutant states them."""

    factors: Factors = lambda eta, leverage: [frozen_factor(eta, h) for h in leverage]
    frozen: bool = True
    """Whether the statement asks that no activation changes."""
    whole_rank: bool = True
    """Whether K-FAC's residual is NGD's for independent inputs only."""
    scales: Sequence[int] = (8, 12)
    """Of the residuals on which a mutant is tested."""

    def mutated(self) -> Families:
        """Tiny networks with several inputs."""
        return (exact_family(2, self.scales),)

    def hypotheses(self, instance: ExactRuns | ComputedRuns) -> Sequence[Hypothesis]:
        """Of exact runs: H and G are regular, and no activation changes."""
        if isinstance(instance, ComputedRuns):
            return instance.hypotheses()
        singular = instance.runs is None
        regular = technical(require("H and G are regular at all iterates (exact)", -1.0 if singular else 1.0))
        if regular.verdict is not Verdict.HOLDS or not self.frozen:
            return [regular]
        return [regular, require("no activation changes on either path (exact)", 1.0 if instance.frozen else -1.0)]

    def conclusion(self, instance: ExactRuns | ComputedRuns) -> Sequence[Bound]:
        """Of exact runs: both closed forms at every iterate, and their equality where rank X = n."""
        if isinstance(instance, ComputedRuns):
            return instance.conclusion()
        assert instance.runs is not None
        once = diagonal(self.factors(instance.eta, instance.leverage))
        kfac, natural = instance.start.residual, instance.start.residual
        bounds = []
        for k in range(1, instance.steps + 1):
            kfac, natural = once * kfac, natural * (1 - instance.eta)
            found = {optimiser: run[k].residual for optimiser, run in instance.runs.items()}
            bounds += [
                _same(f"K-FAC's r({k}) = (I - eta diag(h))^{k} r(0)", found["kfac"], kfac),
                _same(f"NGD's r({k}) = (1-eta)^{k} r(0)", found["ngd"], natural),
            ]
            if instance.independent or not self.whole_rank:
                bounds.append(_same(f"K-FAC's r({k}) = NGD's", found["kfac"], found["ngd"]))
        return bounds

    def features(self, instance: ExactRuns | ComputedRuns) -> Sequence[str]:
        """Whether the inputs are independent."""
        return ["rank X = n" if isinstance(instance, ComputedRuns) or instance.independent else "rank X < n"]


T4_FROZEN = FrozenRule().claim(
    "T4-frozen",
    "while no activation changes, K-FAC's residual is (I - eta diag(h))^k r(0); "
    "with rank X = n it is NGD's, (1-eta)^k r(0)",
    Provenance.DERIVED,
    mutant("rank-dropped", "K-FAC's residual is NGD's for every X", "rank X = n", whole_rank=False),
    mutant("frozen-dropped", "activations may change", "no activation changes", frozen=False, scales=(-2, -4)),
    mutant(
        "mean-leverage",
        "the factor 1 - eta rank/n",
        factors=lambda eta, h: [1 - eta * sum(h, fmpq(0)) / len(h)] * len(h),
    ),
    mutant("largest-leverage", "the factor 1 - eta h_max", factors=lambda eta, h: [1 - eta * max(h)] * len(h)),
    mutant(
        "leverage-squared",
        "the factor 1 - eta h_i^2",
        factors=lambda eta, h: [1 - eta * value * value for value in h],
    ),
    source="docs/theory.md, T4-frozen and I-kfac-fn",
    families=(exact_family(), COMPUTED),
    formulas=Formulas(
        hypotheses=("no activation changes",),
        conclusion=(
            r"The residual of K-FAC is $(I-\eta\,\mathrm{diag}(h))^k\,r(0)$.",
            r"With $\mathrm{rank}\,X=n$ it is that of NGD, $(1-\eta)^k\,r(0)$.",
        ),
    ),
    also=("no activation changes", "rank X = n"),
)

CLAIMS: tuple[Claim[Any], ...] = (T4_FROZEN,)
