"""Instances for a step of the user's own: hand-sized networks, so that counterexamples are readable, and wider ones.

Every float64 is taken as exact and widths are perfect squares, so the exact step is a rational matrix (exact_network.py).
Shrinking leads to inputs along the axes, whole weights and targets, and step sizes that are multiples of 1/8.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.identities.identity_steps import kfac_formula
from properties.descent.inputs import draw_inputs, weighted_kinds
from properties.engine.claim import Depth, Family, as_float
from properties.engine.descriptions import described
from properties.engine.stable_names import stored_as
from properties.exact.exact_network import ExactNetwork, vector
from properties.exact.identity_instances import SHAPES, ExactInstance, build_network, with_shape
from properties.guard.allowance import Condition, bounds_of, frobenius, smallest_eigenvalue
from properties.guard.condition import kfac_condition, ngd_condition, product_condition
from properties.guard.damping import Damping, Direction, damped_direction, shifted
from properties.guard.implementation import Answer, Call, Implementation
from theory.direction import LowerBound
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import diagonal, pseudo_inverse
from theory.rigour.input_bounds import InputBounds

Description = Mapping[str, Any]

READABLE = (("axes", 1, 1), ("axes", 1, 2), ("axes", 2, 2), ("axes", 3, 2), ("integers", 2, 2), ("integers", 3, 2))
"""(kind, n, d) of the instances that shrinking leads to."""

HAND_SHAPES = (*READABLE, *(shape for shape in SHAPES if shape not in READABLE))

WEIGHTS = ("integers", "integers", "gaussian", "symmetric", "duplicate")

WIDTHS = (4, 1, 9, 16)

SIMPLE: Mapping[str, Any] = {
    "kind": "axes",
    "rows": 2,
    "dim": 2,
    "width": 4,
    "weights": "integers",
    "eighths": 4,
    "seed": 0,
}
"""Two orthonormal inputs, described for ``hand_problem``."""

FIRST_FIXED: tuple[Mapping[str, Any], ...] = (
    SIMPLE,
    {**SIMPLE, "rows": 3, "seed": 1},
    {**SIMPLE, "kind": "integers", "seed": 10},
    {**SIMPLE, "rows": 4, "dim": 3, "width": 16, "seed": 1},
)
"""What every run has of the fixed points: several inputs with a residual that is 0 in float64, as few of those drawn have."""

EIGHTHS = (4, 8, 2, 1, 6, 3, 5, 7)
"""Step sizes in eighths, the simplest first."""


def direction_of(net: ExactNetwork, optimiser: str) -> fmpq_mat:
    """The exact update divided by -eta, shape (m, d), structured. Raises ZeroDivisionError where G or H is singular."""
    if optimiser == "kfac":
        return kfac_formula(net)
    return net.features.transpose() * diagonal(vector(net.gram.solve(net.residual))) * net.inputs


def pseudo_direction(net: ExactNetwork, optimiser: str) -> fmpq_mat:
    """The same through ``G^+`` or ``H^+``: ``J^+ r = J^T G^+ r`` and ``S^+ = S^T H^+``, whatever the rank."""
    if optimiser == "kfac":
        left = net.features.transpose() * pseudo_inverse(net.pattern_gram)
        return left * diagonal(vector(net.residual)) * net.dual_inputs
    return net.features.transpose() * diagonal(vector(pseudo_inverse(net.gram) * net.residual)) * net.inputs


@stored_as("step-problem")
@dataclass(frozen=True)
class Problem:
    """What a step is given, with the exact step."""

    given: ExactInstance
    """X (n, d), W (m, d), signs (m,), y (n,), the step size and the optimiser."""
    damping: Damping | None = None
    """That of the exact step."""

    @property
    def optimiser(self) -> str:
        """What the step claims to be."""
        return self.given.optimiser

    @property
    def exact(self) -> ExactNetwork:
        """The rational network at W."""
        return self.given.exact

    @cached_property
    def matrix(self) -> fmpq_mat:
        """What the optimiser inverts, but for damping: G, or H for K-FAC."""
        return self.exact.pattern_gram if self.optimiser == "kfac" else self.exact.gram

    @cached_property
    def rank(self) -> int:
        """Its rank, exactly."""
        return int(self.matrix.rank())

    @property
    def regular(self) -> bool:
        """Whether what is inverted is regular, exactly; with damping it always is."""
        return self.damping is not None or self.rank == self.matrix.nrows()

    @cached_property
    def inverse(self) -> fmpq_mat:
        """Its inverse, with damping if there is some, else its pseudo-inverse."""
        if self.damping is not None:
            return shifted(self.matrix, self.damping.parts(self.exact)[0]).inv()
        return self.matrix.inv() if self.regular else pseudo_inverse(self.matrix)

    @cached_property
    def lambda_min(self) -> LowerBound:
        """Certified lower bound of the smallest eigenvalue that is inverted: of a singular matrix the smallest nonzero one."""
        size = frobenius(self.inverse)
        below = (1 - 2.0**-20) / size if size > 0 else 0.0  # ||M^+||_2 <= ||M^+||_F
        if not self.regular:
            return LowerBound(below)
        least = 0.0 if self.damping is None else as_float(self.damping.parts(self.exact)[0])
        return LowerBound(max(below, max(smallest_eigenvalue(self.matrix), 0.0) + least))

    @cached_property
    def bounds(self) -> InputBounds:
        """Certified rank, leverage scores and eigenvalues of X."""
        return bounds_of(self.given.inputs)

    @cached_property
    def found(self) -> Direction:
        """The exact update divided by -eta, enclosed where it is not rational; without damping through pseudo-inverses."""
        if self.damping is not None:
            return damped_direction(self.exact, self.damping)
        return Direction((direction_of if self.regular else pseudo_direction)(self.exact, self.optimiser))

    @property
    def direction(self) -> fmpq_mat:
        """The exact update divided by -eta, shape (m, d)."""
        return self.found.matrix

    @cached_property
    def after(self) -> ExactNetwork:
        """The exact network after the exact step."""
        return self.exact.at(self.exact.weights - self.given.eta * self.direction)

    @cached_property
    def condition(self) -> Condition:
        """What the allowance depends on."""
        rank_known = self.optimiser == "ngd" or self.bounds.smallest_eigenvalue[0] > 0
        if not (self.lambda_min > 0 and rank_known):
            return Condition(np.inf, (), np.inf, frobenius(self.direction), frobenius(self.exact.weights))
        net, damping = self.exact, self.damping
        if damping is not None and damping.kind == "product":
            return product_condition(net, self.found, damping)
        if self.optimiser == "ngd":
            return ngd_condition(net, self.found, self.inverse, self.lambda_min, damping)
        parts = (fmpq(0), fmpq(0)) if damping is None else damping.parts(net)
        added = (as_float(parts[0]), as_float(parts[1]))
        return kfac_condition(net, self.found, self.inverse, self.lambda_min, self.bounds, added)

    def answer(self, implementation: Implementation, step_size: float | None = None) -> Answer:
        """What an implementation makes of it, for another step size if one is given."""
        return implementation.answer(self.call(step_size))

    def call(self, step_size: float | None = None) -> Call:
        """What a step is given, with another step size if one is given."""
        given = self.given
        eta = given.step_size if step_size is None else step_size
        return Call(given.weights, given.signs, given.inputs, given.targets, eta)


@stored_as("step-answer")
@dataclass(frozen=True)
class StepInstance:
    """A problem and what an implementation makes of it."""

    problem: Problem
    implementation: Implementation

    @cached_property
    def answer(self) -> Answer:
        """The answer to the first call of this instance."""
        assert self.calls_before >= 0  # counted before the call
        return self.problem.answer(self.implementation)

    @cached_property
    def typed(self) -> Answer:
        """An answer of the type that the step computes in: where it raises, that on two orthonormal inputs."""
        if self.answer.dtype:
            return self.answer
        return hand_problem(SIMPLE, self.problem.optimiser).answer(self.implementation)

    @cached_property
    def calls_before(self) -> int:
        """How many calls of the implementation there were in this process before the first of this instance."""
        return self.implementation.calls_made

    @property
    def unit_roundoff(self) -> float:
        """u of the type that the step computes in; float64's where it never returns anything of a type."""
        return self.typed.unit_roundoff

    @property
    def dtype(self) -> str:
        """That type."""
        return self.typed.dtype or "float64"

    @property
    def allowance(self) -> float:
        """How far the returned weights may be from the exact ones."""
        return self.problem.condition.allowance(self.unit_roundoff, self.problem.given.step_size)

    @cached_property
    def returned(self) -> ExactNetwork | None:
        """The exact network at the weights as returned; None when there are none."""
        weights = self.answer.weights
        if weights is None:
            return None
        net = TwoLayerNetwork(weights=weights, signs=self.problem.given.signs)
        return ExactNetwork.of(net, self.problem.given.inputs, self.problem.given.targets)


# --- descriptions ----------------------------------------------------------------------------------------------------


def hand_problem(description: Description, optimiser: str, damping: Damping | None = None) -> Problem:
    """A hand-sized problem: kind, rows, dim, width, weights, eighths, seed; whole numbers for weights "integers"."""
    drawn = {**description, "step_tenths": 0, "optimiser": optimiser}
    given = build_network(drawn)
    rng = np.random.default_rng(description["seed"])
    changes: dict[str, Any] = {"step_size": description["eighths"] / 8}
    if description["weights"] == "integers":
        sizes = rng.integers(1, 4, given.weights.shape) * rng.choice((-1, 1), given.weights.shape)
        changes |= {
            "weights": sizes.astype(np.float64),
            "targets": rng.integers(-3, 4, len(given.targets)).astype(float),
        }
        changes |= {"other_weights": rng.integers(-2, 3, given.weights.shape).astype(float)}
    elif description["weights"] == "duplicate":
        weights = given.weights.copy()
        weights[-1] = weights[0]
        changes["weights"] = weights
    return Problem(dataclasses.replace(given, **changes), damping)


def hand_descriptions() -> SearchStrategy[Description]:
    """Descriptions for ``hand_problem``."""
    return described(
        {
            "shape": st.sampled_from(HAND_SHAPES),
            "width": st.sampled_from(WIDTHS),
            "weights": st.sampled_from(WEIGHTS),
            "eighths": st.sampled_from(EIGHTHS),
            "seed": st.integers(0, 2**16),
        }
    ).map(with_shape)


def wide_problem(description: Description, optimiser: str, damping: Damping | None = None) -> Problem:
    """A network of family F1 with a residual of ``2^-k``: inputs, dimension, kind, root (of m), scale, symmetric, ..."""
    rng = np.random.default_rng(description["seed"])
    n, d, width = description["inputs"], description["dimension"], description["root"] ** 2
    inputs: FloatArray = draw_inputs(n, d, description["kind"], rng)
    symmetric = description["symmetric"] and width % 2 == 0
    net = TwoLayerNetwork.initialise(width, d, float(description["scale"]), rng, symmetric=symmetric)
    targets = net.outputs(inputs) + rng.standard_normal(n) * 2.0 ** -description["residual_exponent"]
    return Problem(
        ExactInstance(
            kind=description["kind"],
            inputs=inputs,
            weights=net.weights,
            other_weights=rng.standard_normal(net.weights.shape),
            signs=net.signs,
            targets=targets,
            step_size=description["eighths"] / 8,
            optimiser=optimiser,
        ),
        damping,
    )


def wide_descriptions(least_residual_exponent: int = 0) -> SearchStrategy[Description]:
    """Descriptions for ``wide_problem``."""
    return described(
        {
            "inputs": st.integers(1, 4),
            "dimension": st.integers(1, 4),
            "kind": st.sampled_from(weighted_kinds()),
            "root": st.sampled_from((4, 5, 6, 8)),
            "scale": st.sampled_from((1, 2, 4)),
            "symmetric": st.booleans(),
            "residual_exponent": st.integers(least_residual_exponent, 12),
            "eighths": st.sampled_from(EIGHTHS),
            "seed": st.integers(0, 2**16),
        }
    )


def _orthogonal(n: int, d: int, root: int, exponent: int, eighths: int, seed: int) -> Description:
    """A network on orthonormal inputs, described for ``wide_problem``."""
    return {
        "inputs": n,
        "dimension": d,
        "kind": "orthogonal",
        "root": root,
        "scale": 1,
        "symmetric": False,
        "residual_exponent": exponent,
        "eighths": eighths,
        "seed": seed,
    }


FIRST_WIDE = tuple(
    _orthogonal(n, 4, root, exponent, 4, seed)
    for n, root, exponent, seed in ((2, 4, 2, 0), (4, 4, 3, 1), (3, 6, 2, 2), (4, 8, 3, 3))
)
"""What every run has: well-conditioned networks, on which float32 is judged."""

FIRST_RATES = tuple(
    _orthogonal(n, n, root, 9, eighths, seed)
    for n, root, eighths, seed in ((2, 4, 8, 0), (2, 4, 4, 1), (3, 6, 8, 1), (4, 4, 8, 0))
)
"""What every run has of the rates: several inputs on networks with C = 0 in the ball, where drawn ones seldom have a certified C."""


def examples(quick: int, normal: int, thorough: int) -> Mapping[Depth, int]:
    """How many instances at each depth."""
    return dict(zip(Depth, (quick, normal, thorough), strict=True))


def hand_family(implementation: Implementation, counts: Mapping[Depth, int]) -> Family[StepInstance]:
    """Hand-sized networks."""
    optimiser, damping = implementation.optimiser, implementation.damping
    return Family(
        "hand-sized",
        "ReLU networks of 1 to 16 neurons with 1 to 4 inputs, whole numbers first",
        hand_descriptions,
        lambda description: StepInstance(hand_problem(description, optimiser, damping), implementation),
        counts,
    )


def wide_family(
    implementation: Implementation, counts: Mapping[Depth, int], least_residual_exponent: int = 0
) -> Family[StepInstance]:
    """Networks of family F1."""
    optimiser, damping = implementation.optimiser, implementation.damping
    return Family(
        "F1",
        "ReLU networks of 16 to 64 neurons at initialisation",
        lambda: wide_descriptions(least_residual_exponent),
        lambda description: StepInstance(wide_problem(description, optimiser, damping), implementation),
        counts,
        first=FIRST_WIDE,
    )
