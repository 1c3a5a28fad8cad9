"""NGD without Condition 1: a linear model with a rank-deficient Jacobian, in exact rational arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.engine.claim import Bound, Depth, Family, Hypothesis, at_most_exactly, require
from properties.engine.descriptions import described
from properties.engine.rule import Neighbour, replaced
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray
from theory.rigour.exact import diagonal, pseudo_inverse, rational_matrix


@stored_as("singular-run")
@dataclass(frozen=True)
class SingularRun:
    """``u(theta) = B theta`` with B of rank below n and a weighted squared loss; C = 0 as J never moves."""

    jacobian: FloatArray
    targets: FloatArray
    eta: fmpq
    weights: FloatArray = field(default_factory=lambda: np.ones(2))


def _descriptions(most_weight: int) -> SearchStrategy[Mapping[str, Any]]:
    small = st.integers(-3, 3)
    return described(
        {
            "row": st.tuples(small, small),
            "factor": small,
            "y": st.tuples(small, small),
            "step_tenths": st.integers(1, 9),
            "weights": st.tuples(*[st.integers(1, most_weight)] * 2),
        }
    )


def _build(description: Mapping[str, Any]) -> SingularRun:
    """The step size is a share of ``2/(mu+L)``."""
    row = np.array(description["row"], dtype=float)
    jacobian = np.stack([row, description["factor"] * row])
    eta = fmpq(description["step_tenths"], 10) * fmpq(2, sum(description["weights"]))
    weights = np.array(description["weights"], dtype=float)
    return SingularRun(jacobian, np.array(description["y"], dtype=float), eta, weights)


def hypotheses(instance: SingularRun) -> Sequence[Hypothesis]:
    """Only that there is something to learn: Condition 1 is what the mutant drops."""
    return [require("y is not zero", float(np.abs(instance.targets).max()) - 1.0)]


SquaredFactor = Callable[[fmpq, fmpq, fmpq], fmpq]
"""``(eta, mu, L)`` -> factor on ``||r||^2`` of one step at C = 0."""


def conclusion(
    instance: SingularRun, factor: SquaredFactor = lambda eta, mu, L: 1 - eta, formula: str = "(1-eta)"
) -> Sequence[Bound]:
    """``||r(1)||^2 <= factor ||r(0)||^2`` with the pseudo-inverse step ``r(1) = r(0) - eta B B^+ g(0)``, exactly."""
    jacobian, weights = rational_matrix(instance.jacobian), rational_matrix(instance.weights).entries()
    residual = rational_matrix(-instance.targets[:, None])
    moved = jacobian * pseudo_inverse(jacobian) * (diagonal(weights) * residual)
    after = [residual[i, 0] - instance.eta * moved[i, 0] for i in range(2)]
    measured = sum((value * value for value in after), fmpq(0))
    squared = sum((residual[i, 0] ** 2 for i in range(2)), fmpq(0))
    predicted = factor(instance.eta, min(weights), max(weights)) * squared
    return [at_most_exactly(f"||r(1)||^2 <= {formula} ||r(0)||^2", measured, predicted)]


def straight_line(instance: SingularRun) -> Sequence[Bound]:
    """``||u(1) - u(0) + eta r(0)||^2 <= 0`` exactly: C = 0 and q = 0, so that the step would be straight (T1-line)."""
    jacobian = rational_matrix(instance.jacobian)
    residual = rational_matrix(-instance.targets[:, None])
    across = (residual - jacobian * pseudo_inverse(jacobian) * residual) * instance.eta
    squared = sum((entry * entry for entry in across.entries()), fmpq(0))
    return [at_most_exactly("||u(1) - u(0) + eta r(0)||^2 <= 0", squared, fmpq(0))]


def family(most_weight: int) -> Family[SingularRun]:
    """Weights of the loss are whole numbers up to ``most_weight``."""
    title = "linear maps with a rank-deficient Jacobian"
    return Family("singular", title, partial(_descriptions, most_weight), _build, dict.fromkeys(Depth, 60))


SINGULAR = family(1)
"""The squared loss."""


def dropped(
    conclusion: Callable[[SingularRun], Sequence[Bound]] = conclusion,
    own: Family[SingularRun] = SINGULAR,
    hypotheses: Callable[[SingularRun], Sequence[Hypothesis]] = hypotheses,
) -> dict[str, Any]:
    """The parts of a claim that are other ones without Condition 1."""
    return {
        "families": (own,),
        "hypotheses": hypotheses,
        "conclusion": conclusion,
        "confirm": None,
        "features": lambda _: (),
    }


def without_condition_1(*own: Any, description: str = "a singular G(0), with the pseudo-inverse step") -> Neighbour:
    """The mutant that drops Condition 1, with the parts of ``dropped``."""
    return replaced("condition-1-dropped", description, "Condition 1", **dropped(*own))


LINEAR: Callable[[SingularRun], Sequence[Bound]] = partial(
    conclusion, factor=lambda eta, mu, L: (1 - eta) ** 2, formula="(1-eta)^2"
)
"""What T1-first, T1-q, T1-sharp and T1-step say at C = 0."""
