"""Adapters against PyTorch and JAX: steps of public packages that are exact pass, the others are refuted and named."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from properties.engine.claim import Claim, Depth, InstanceVerdict, Verdict
from properties.engine.search import evaluate, run_claim
from properties.guard.claims import own_claims
from properties.guard.diagnosis import matching
from properties.guard.implementation import Implementation
from properties.guard.instances import StepInstance, hand_problem
from tests.peers import public_steps as steps

EXACT = [
    ("ngd", "nngeometry_ngd", None),
    ("kfac", "nngeometry_kfac_sum", None),
    ("ngd", "jax_least_squares", 24),
    ("ngd", "jax_single", 24),
    ("ngd", "optimistix_gauss_newton", 16),
]
"""With how many draws from each family; None: those of depth normal. JAX compiles anew for every shape."""


def drawn(claim: Claim[Any], draws: int | None) -> Claim[Any]:
    """The claim with so many draws from each of its families, an eighth of them from that of larger networks."""
    if draws is None:
        return claim
    numbers = [draws // 8 if family.id == "larger" else draws for family in claim.families]
    families = [
        dataclasses.replace(family, examples=dict.fromkeys(Depth, number))
        for family, number in zip(claim.families, numbers, strict=True)
    ]
    return dataclasses.replace(claim, families=tuple(families))


@pytest.mark.parametrize(("optimiser", "name", "draws"), EXACT)
def test_exact_steps_pass(optimiser: str, name: str, draws: int | None) -> None:
    """Every claim there is on such a step, which promises nothing where G, or H, is singular."""
    implementation = Implementation.of(name, optimiser, getattr(steps, name), None, "unjudged")
    found = {}
    for id, claim in own_claims(implementation).items():
        result = run_claim(drawn(claim, draws), Depth.NORMAL, 5)
        assert result.verdict is Verdict.HOLDS, result.refutation
        assert result.instances >= (200 if draws is None else draws / 8)
        found[id] = result.instances
    print(f"{name}: " + ", ".join(f"{id} holds on {instances}" for id, instances in found.items()))


IDENTITIES = {"ngd": "own-I-pinv", "kfac": "own-I-kfac"}

WRONG = [
    ("ngd", "nngeometry_ngd_default", "damping on G (or on the Fisher matrix) with eps = 1e-08; n eps in place of eps"),
    (
        "kfac",
        "nngeometry_kfac",
        "n times the step (the mean in one factor with the gradient of the sum; or the mean in both factors and the gradient)",
    ),
    (
        "kfac",
        "nngeometry_kfac_damped",
        "damping in both factors (S^T S + eps I and X^T X + eps I) with eps = 0.01; n eps",
    ),
    ("ngd", "optax_sgd", "the gradient step (plain gradient descent)"),
    ("ngd", "torch_sgd", "the gradient step (plain gradient descent)"),
]


@pytest.mark.parametrize(("optimiser", "name", "cause"), WRONG)
def test_other_steps_are_refuted_and_named(optimiser: str, name: str, cause: str) -> None:
    implementation = Implementation.of(name, optimiser, getattr(steps, name))
    claim = own_claims(implementation)[IDENTITIES[optimiser]]
    description = {"kind": "uniform", "rows": 2, "dim": 2, "width": 4, "weights": "integers", "eighths": 4, "seed": 0}
    assert evaluate(claim, claim.families[0], description).verdict is InstanceVerdict.REFUTED
    (found,) = matching(implementation, StepInstance(hand_problem(description, optimiser), implementation))
    assert found.said.startswith(f"matches {cause}")
    print(f"{name}: {found.said}")


@pytest.mark.parametrize("name", ["torch_sgd", "optax_sgd"])
def test_adapters_take_the_gradient_of_half_the_squared_norm(name: str) -> None:
    """Integers and quarters, of which every product and sum is a float64: no rounding."""
    weights = np.array([[1.0, -2.0], [-1.0, 3.0], [2.0, 1.0], [-3.0, -1.0]])
    signs, X, y = np.array([1.0, -1.0, 1.0, -1.0]), np.eye(2), np.array([0.5, -1.0])
    features = np.where(X @ weights.T > 0, signs, 0.0) / 2
    residual = np.maximum(X @ weights.T, 0) @ signs / 2 - y
    found: Any = getattr(steps, name)(weights, signs, X, y, 0.25)
    assert found.dtype == np.float64
    assert np.array_equal(found, weights - 0.25 * features.T @ (residual[:, None] * X))


def test_single_precision_is_returned_as_such() -> None:
    given = (np.ones((2, 2)), np.ones(2), np.eye(2), np.zeros(2), 0.5)
    assert steps.jax_single(*given).dtype == np.float32
    assert steps.jax_least_squares(*given).dtype == np.float64
