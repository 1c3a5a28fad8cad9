"""T0-linear: with the Jacobian frozen, GD's residual is ``(I - eta G)^k r(0)`` and NGD's ``(1-eta)^k r(0)``, exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from properties.engine.claim import (
    Bound,
    Hypothesis,
    Provenance,
    as_float,
    equal_exactly,
    require,
    technical,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray
from theory.rigour.exact import diagonal, pseudo_inverse, rational_matrix


@stored_as("linear-descent")
@dataclass(frozen=True)
class LinearInstance:
    """``u(theta) = u(0) + B theta`` from theta = 0, with a residual r(0) of integers; every number is exact."""

    jacobian: FloatArray
    residual: FloatArray
    eta: fmpq
    steps: int


def _power(matrix: fmpq_mat, exponent: int) -> fmpq_mat:
    result = identity(matrix.nrows())
    for _ in range(exponent):
        result = result * matrix
    return result


def identity(size: int) -> fmpq_mat:
    """The exact identity matrix."""
    return diagonal([fmpq(1)] * size)


def _gradient_form(gram: fmpq_mat, residual: fmpq_mat, eta: fmpq, k: int) -> fmpq_mat:
    return _power(identity(gram.nrows()) - gram * eta, k) * residual


def _diagonal(matrix: fmpq_mat) -> fmpq_mat:
    return diagonal([matrix[i, i] for i in range(matrix.nrows())])


Form = Callable[[fmpq_mat, fmpq_mat, fmpq, int], fmpq_mat]
"""``(G, r(0), eta, k)`` -> residual (n, 1)."""


@dataclass(frozen=True)
class LinearRule(Stated):
    """The closed forms, as stated or as a mutant states them."""

    gradient: Form = _gradient_form
    natural: Form = lambda gram, r, eta, k: r * (1 - eta) ** k
    full_rank: bool = True
    """Whether the statement has Condition 1 among its hypotheses."""

    def hypotheses(self, instance: LinearInstance) -> Sequence[Hypothesis]:
        """Condition 1 exactly, and something to learn."""
        found = [technical(require("r(0) is not zero", float(np.abs(instance.residual).max()) - 1.0))]
        if self.full_rank:
            rank = rational_matrix(instance.jacobian).rref()[1]
            found.append(require("Condition 1: rank J(0) = n (exact)", float(rank - len(instance.residual))))
        return found

    def conclusion(self, instance: LinearInstance) -> Sequence[Bound]:
        """Both optimisers run in parameters, step by step; the residual of each iterate against its closed form."""
        jacobian, residual = rational_matrix(instance.jacobian), rational_matrix(instance.residual[:, None])
        transpose = jacobian.transpose()
        gram = jacobian * transpose
        bounds = []
        for name, direction, form in (
            ("GD", transpose, self.gradient),
            ("NGD", pseudo_inverse(jacobian), self.natural),
        ):
            theta = fmpq_mat(jacobian.ncols(), 1)
            for k in range(1, instance.steps + 1):
                theta = theta - direction * (residual + jacobian * theta) * instance.eta
                difference = residual + jacobian * theta - form(gram, residual, instance.eta, k)
                size = max(abs(as_float(entry)) for entry in difference.entries())
                zero = all(entry == 0 for entry in difference.entries())
                bounds.append(equal_exactly(f"{name}'s residual after {k} steps", zero, size))
        return bounds

    def features(self, instance: LinearInstance) -> Sequence[str]:
        """Whether GD diverges, and whether the parameters outnumber the outputs."""
        gram = rational_matrix(instance.jacobian @ instance.jacobian.T)  # products of small integers are exact
        trace = sum((gram[i, i] for i in range(gram.nrows())), fmpq(0))
        found = ["more parameters than outputs"] if instance.jacobian.shape[1] > len(instance.residual) else []
        return [*found, *(["eta above 2 n/tr G: GD diverges"] if instance.eta * trace > 2 * gram.nrows() else [])]


def _build(description: Mapping[str, Any]) -> LinearInstance:
    rng = np.random.default_rng(description["seed"])
    n, largest = description["outputs"], description["largest"]
    jacobian = rng.integers(-largest, largest + 1, size=(n, n + description["extra_parameters"])).astype(float)
    residual = rng.integers(-largest, largest + 1, size=n).astype(float)
    eta = fmpq(description["numerator"], description["denominator"])
    return LinearInstance(jacobian, residual, eta, description["steps"])


EXACT = described_family(
    "exact",
    "linear maps of small integers, rational step sizes",
    _build,
    (60, 300, 3000),
    outputs=st.integers(1, 4),
    extra_parameters=st.integers(0, 3),
    largest=st.integers(1, 4),
    numerator=st.integers(1, 12),
    denominator=st.integers(1, 40),
    steps=st.integers(1, 5),
    seed=st.integers(0, 2**20),
)

T0_LINEAR = LinearRule().claim(
    "T0-linear",
    "with J frozen at a J(0) of full row rank GD's residual is (I - eta G)^k r(0), NGD's (1-eta)^k r(0)",
    Provenance.DERIVED,
    mutant("condition-1-dropped", "NGD's residual is (1-eta)^k r(0) for every J", "Condition 1", full_rank=False),
    mutant(
        "one-power-less",
        "GD's residual is (I - eta G)^{k-1} r(0)",
        gradient=lambda gram, r, eta, k: _gradient_form(gram, r, eta, k - 1),
    ),
    mutant(
        "compounding-forgotten",
        "NGD's residual is (1 - k eta) r(0)",
        natural=lambda gram, r, eta, k: r * (1 - k * eta),
    ),
    mutant(
        "diagonal-kernel",
        "GD's residual is (I - eta diag G)^k r(0)",
        gradient=lambda gram, r, eta, k: _gradient_form(_diagonal(gram), r, eta, k),
    ),
    families=(EXACT,),
    formulas=Formulas(
        hypotheses=("$J$ frozen at a $J(0)$ of full row rank",),
        conclusion=(r"The residual of GD is $(I-\eta G)^k\,r(0)$, that of NGD $(1-\eta)^k\,r(0)$.",),
    ),
    also=("Condition 1",),
)

CLAIMS = (T0_LINEAR,)
