"""What T0-advantage is evaluated on: linear models, of a Jacobian of a given spectrum or of a network, with two residuals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, arb_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.families import examples
from properties.descent.inputs import draw_inputs
from properties.descent.strategies import Description, orthogonal_matrix
from properties.engine.claim import Family
from properties.engine.descriptions import described
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.rigour import largest_eigenvalue_upper_bound, smallest_eigenvalue_lower_bound
from theory.rigour.exact import ball_matrix, entrywise_product
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma

BITS = 320
"""Precision of the balls: a power k of ``I - eta G`` loses about log2 k bits, and what is left of r(0) is not small."""


@stored_as("linear-model")
@dataclass(frozen=True)
class LinearModel:
    """J frozen: the Gram matrix of a Jacobian, or of a ReLU network, exact as given, and two residuals."""

    factors: Mapping[str, FloatArray]
    """``J`` (n, p); or ``X`` (n, d) and ``counts`` (n, n) of a ReLU network of width ``m``."""
    width: int
    """m; 0 for a Jacobian."""
    low: FloatArray
    """A residual near the lowest eigenvector, or anything else, shape (n,)."""
    high: FloatArray
    """A residual near the highest eigenvector, shape (n,)."""
    share: float
    """GD's step size as a share of ``2/Lambda``; (c) takes the share of ``4/(W+w)``."""
    natural_step: float
    """NGD's step size, in (0, 1)."""
    constant: float
    """The C of the guarantees, below 3/5."""
    steps_share: float
    """Rates are compared after this share of the steps that they need for ``LEAST_REDUCTION``."""
    reduction: float

    @property
    def gram(self) -> arb_mat:
        """G (n, n) in balls at the working precision."""
        if not self.width:
            jacobian = ball_matrix(self.factors["J"])
            return jacobian * jacobian.transpose()
        inputs = ball_matrix(self.factors["X"])
        return entrywise_product(inputs * inputs.transpose(), ball_matrix(self.factors["counts"])) * (
            1 / arb(self.width)
        )

    @cached_property
    def eigenvalue_bounds(self) -> tuple[float, float]:
        """Certified lower bound of lambda and upper bound of Lambda."""
        n = len(self.low)
        with working_precision(BITS):
            exact = self.gram
            gram = np.array([[float(exact[i, j].mid()) for j in range(n)] for i in range(n)])
        error = gamma(2) * float(np.abs(gram).sum())
        gram = (gram + gram.T) / 2
        smallest = smallest_eigenvalue_lower_bound(gram) - error
        return smallest, (largest_eigenvalue_upper_bound(gram) + error) * (1 + gamma(2))


# --- families --------------------------------------------------------------------------------------------------------


def _numbers() -> Mapping[str, SearchStrategy[Any]]:
    return {
        "outputs": st.integers(2, 6),
        "residual": st.sampled_from(["lowest", "mixed", "random"]),
        "step_percent": st.integers(1, 100),
        "natural_percent": st.integers(1, 99),
        "constant_percent": st.integers(1, 59),
        "steps_percent": st.integers(1, 100),
        "reduction_exponent": st.integers(1, 9),
        "seed": st.integers(0, 2**20),
    }


def _spectrum_descriptions() -> SearchStrategy[Description]:
    return described({**_numbers(), "extra_parameters": st.integers(0, 3), "condition_exponent": st.integers(1, 4)})


def _network_descriptions() -> SearchStrategy[Description]:
    return described(
        {
            **_numbers(),
            "extra_dimensions": st.integers(0, 2),
            "width": st.integers(50, 1000),
            "kind": st.sampled_from(["uniform", "clustered"]),
        }
    )


def _finished(
    description: Description, factors: Mapping[str, FloatArray], width: int, gram: FloatArray, rng: np.random.Generator
) -> LinearModel:
    vectors = np.linalg.eigh(gram)[1]
    other = np.asarray(rng.standard_normal(len(gram)))
    lowest = {"lowest": vectors[:, 0], "mixed": vectors[:, 0] + 0.1 * other / np.linalg.norm(other), "random": other}
    return LinearModel(
        factors,
        width,
        np.asarray(lowest[description["residual"]]),
        np.asarray(vectors[:, -1]),
        description["step_percent"] / 100,
        description["natural_percent"] / 100,
        description["constant_percent"] / 100,
        description["steps_percent"] / 100,
        10.0 ** -description["reduction_exponent"],
    )


def _build_spectrum(description: Description) -> LinearModel:
    rng = np.random.default_rng(description["seed"])
    n = description["outputs"]
    spectrum = np.geomspace(1.0, 10.0 ** description["condition_exponent"], num=n)
    right = orthogonal_matrix(n, n + description["extra_parameters"], rng)
    jacobian = (orthogonal_matrix(n, n, rng) * spectrum) @ right
    return _finished(description, {"J": jacobian}, 0, jacobian @ jacobian.T, rng)


def _build_network(description: Description) -> LinearModel:
    rng = np.random.default_rng(description["seed"])
    n = description["outputs"]
    inputs = draw_inputs(n, n + description["extra_dimensions"], description["kind"], rng)
    net = TwoLayerNetwork.initialise(description["width"], inputs.shape[1], 1.0, rng)
    counts = pattern_counts((net.pre_activations(inputs) >= 0).astype(float))
    gram = inputs @ inputs.T * counts / net.width
    return _finished(description, {"X": inputs, "counts": counts}, net.width, gram, rng)


FAMILIES = (
    Family(
        "spectrum", "Jacobians of a given spectrum", _spectrum_descriptions, _build_spectrum, examples(40, 180, 1800)
    ),
    Family("F1", "two-layer ReLU networks", _network_descriptions, _build_network, examples(30, 120, 1200)),
)
