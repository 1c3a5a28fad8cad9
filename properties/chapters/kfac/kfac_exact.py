"""T4 and its relatives without Condition K1, or with the factors of the step exchanged: linear feature maps, exactly.

``u_i = s_i . (W x_i)`` with whole numbers s_i and inputs ``x_i = +e_j`` or ``-e_j``: S never moves, so C = 0; X^T X is diagonal,
its entries mu_j count the inputs along axis j, and ``h_i = 1/mu_j``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.engine.claim import Bound, Depth, Family, Hypothesis, at_most_exactly, require
from properties.engine.descriptions import described
from properties.engine.rule import Stated, replaced
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray
from theory.rigour.exact import diagonal, pseudo_inverse, rational_matrix

Direction = Callable[[fmpq_mat, fmpq_mat, fmpq_mat], fmpq_mat]
"""``(S, X, r)`` -> the (m, d) update divided by -eta."""


@stored_as("linear-features")
@dataclass(frozen=True)
class LinearFeatures:
    """Constant features S (n, m), inputs X (n, d) along the axes, a residual r (n,), and the step size."""

    features: FloatArray
    inputs: FloatArray
    residual: FloatArray
    eta: fmpq

    @property
    def eigenvalues(self) -> list[int]:
        """The nonzero eigenvalues of X^T X."""
        counts = np.abs(self.inputs).sum(axis=0)
        return [int(count) for count in counts if count]


def _descriptions(singular: bool) -> SearchStrategy[Mapping[str, Any]]:
    small = st.integers(-2, 2)
    return described(
        {
            "features": st.tuples(small, small) if singular else st.tuples(small, small, small, small),
            "factor": small,
            "axes": st.tuples(st.integers(0, 1), st.integers(0, 1)),
            "flipped": st.booleans(),
            "r": st.tuples(small, small),
            "step_tenths": st.integers(1, 10),
        }
    )


def _build(description: Mapping[str, Any]) -> LinearFeatures:
    values = np.array(description["features"], dtype=float)
    features = np.stack([values, description["factor"] * values]) if len(values) == 2 else values.reshape(2, 2)
    inputs = np.zeros((2, 2))
    inputs[[0, 1], list(description["axes"])] = [1.0, -1.0 if description["flipped"] else 1.0]
    instance = LinearFeatures(features, inputs, np.array(description["r"], dtype=float), fmpq(0))
    # T4's step limit at C = 0 is mu_min, T4-lev's 1/h_max: the same here
    eta = fmpq(description["step_tenths"] * min(instance.eigenvalues), 10)
    return LinearFeatures(features, inputs, instance.residual, eta)


def exact_direction(features: fmpq_mat, inputs: fmpq_mat, residual: fmpq_mat) -> fmpq_mat:
    """K-FAC's own: ``S^+ diag(r) X^{+T}``, whatever the rank of S."""
    return pseudo_inverse(features) * diagonal(list(residual.entries())) * pseudo_inverse(inputs).transpose()


def transposed_direction(features: fmpq_mat, inputs: fmpq_mat, residual: fmpq_mat) -> fmpq_mat:
    """``S^T diag(r) H^{-1} X^{+T}``: H^{-1} on the wrong side of diag(r)."""
    inverse = pseudo_inverse(features * features.transpose())
    scaled = features.transpose() * diagonal(list(residual.entries())) * inverse
    return scaled * pseudo_inverse(inputs).transpose()


@dataclass(frozen=True)
class LinearStep(Stated):
    """T4's rate at C = 0, of K-FAC's step or another, with Condition K1 or without it."""

    direction: Direction
    regular: bool = True

    def hypotheses(self, instance: LinearFeatures) -> Sequence[Hypothesis]:
        """Something to learn; Condition K1 only where the mutant does not drop it."""
        found = [require("r(0) is not zero", float(np.abs(instance.residual).max()) - 1.0)]
        if self.regular:
            rank = rational_matrix(instance.features).rref()[1]
            found.append(require("Condition K1: rank S = n (exact)", float(rank - len(instance.residual))))
        return found

    def conclusion(self, instance: LinearFeatures) -> Sequence[Bound]:
        """``||r(1)||^2 <= (1 - eta/mu_max) ||r(0)||^2``, where ``1/mu_max = h_min``, exactly."""
        features, inputs = rational_matrix(instance.features), rational_matrix(instance.inputs)
        residual = rational_matrix(instance.residual[:, None])
        moved = features * self.direction(features, inputs, residual) * inputs.transpose()
        after = [residual[i, 0] - instance.eta * moved[i, i] for i in range(2)]
        measured = sum((value * value for value in after), fmpq(0))
        squared = sum((residual[i, 0] ** 2 for i in range(2)), fmpq(0))
        predicted = (1 - instance.eta / max(instance.eigenvalues)) * squared
        return [at_most_exactly("||r(1)||^2 <= (1 - eta/mu_max) ||r(0)||^2", measured, predicted)]

    def parts(self) -> dict[str, Any]:
        """Those of a claim of this step."""
        title = "linear feature maps" if self.regular else "linear feature maps with dependent features"
        own = Family("exact", title, partial(_descriptions, not self.regular), _build, dict.fromkeys(Depth, 60))
        return {**self.checks(), "families": (own,), "features": lambda _: ()}


WITHOUT_K1 = replaced(
    "condition-K1-dropped",
    "a singular H(0), with the pseudo-inverse step",
    "Condition K1",
    **LinearStep(exact_direction, regular=False).parts(),
)
"""The claim without Condition K1: a singular H(0), with pseudo-inverses."""

EXCHANGED = replaced(
    "factors-exchanged", "the step S^T diag(r) H^{-1} X^{+T}", **LinearStep(transposed_direction).parts()
)
"""The claim for a step with its factors exchanged."""
