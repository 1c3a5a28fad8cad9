"""Theorem 1 without Condition 1: a linear model with a rank-deficient Jacobian, in exact rational arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.claim import Bound, Depth, Evidence, Family, Hypothesis, Verdict, require
from properties.descriptions import described
from theory.inputs import FloatArray
from theory.rigour.exact import pseudo_inverse, rational_matrix


@dataclass(frozen=True)
class SingularInstance:
    """``u(theta) = B theta`` with B of rank below n; C = 0 as J never moves."""

    jacobian: FloatArray
    targets: FloatArray
    eta: fmpq

    def arrays(self) -> Mapping[str, np.ndarray[Any, Any]]:
        """The map, the targets and the step size."""
        return {"B": self.jacobian, "y": self.targets, "step_size": np.array([as_float(self.eta)])}


def _descriptions() -> SearchStrategy[Mapping[str, Any]]:
    small = st.integers(-3, 3)
    return described(
        {
            "row": st.tuples(small, small),
            "factor": small,
            "y": st.tuples(small, small),
            "step_tenths": st.integers(1, 9),
        }
    )


def _build(description: Mapping[str, Any]) -> SingularInstance:
    row = np.array(description["row"], dtype=float)
    jacobian = np.stack([row, description["factor"] * row])
    return SingularInstance(jacobian, np.array(description["y"], dtype=float), fmpq(description["step_tenths"], 10))


def hypotheses(instance: SingularInstance) -> Sequence[Hypothesis]:
    """Only that there is something to learn: Condition 1 is what the mutant drops."""
    return [require("y is not zero", float(np.abs(instance.targets).max()) - 1.0)]


def conclusion(instance: SingularInstance) -> Sequence[Bound]:
    """``||r(1)||^2 <= (1-eta) ||r(0)||^2`` with the pseudo-inverse step ``r(1) = r(0) - eta B B^+ r(0)``, exactly."""
    jacobian = rational_matrix(instance.jacobian)
    residual = rational_matrix(-instance.targets[:, None])
    moved = jacobian * pseudo_inverse(jacobian) * residual
    after = [residual[i, 0] - instance.eta * moved[i, 0] for i in range(2)]
    measured = sum((value * value for value in after), fmpq(0))
    predicted = (1 - instance.eta) * sum((residual[i, 0] ** 2 for i in range(2)), fmpq(0))
    verdict = Verdict.HOLDS if measured <= predicted else Verdict.REFUTED
    label = "||r(1)||^2 <= (1-eta) ||r(0)||^2 (exact)"
    return [Bound(label, as_float(measured), as_float(predicted), 0.0, verdict, Evidence.ENCLOSED)]


def as_float(value: fmpq) -> float:
    """The nearest float64 to a rational number."""
    return int(value.p) / int(value.q)


SINGULAR = Family(
    "singular", "linear maps with a rank-deficient Jacobian", _descriptions, _build, dict.fromkeys(Depth, 60)
)
