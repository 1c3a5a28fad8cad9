"""Larger networks for a step of the user's own: more inputs and neurons than hand-sized ones, well conditioned.

They tell a step from one that is right for few inputs or few neurons only: a solver stopped early, a matrix of low rank, a block
or a batch of fixed size. Weights and targets are multiples of 1/8, which keeps the exact step cheap.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.inputs import draw_inputs
from properties.engine.claim import Depth, Family
from properties.engine.descriptions import described
from properties.exact.identity_instances import ExactInstance
from properties.guard.damping import Damping
from properties.guard.implementation import Implementation
from properties.guard.instances import EIGHTHS, Description, Problem, StepInstance
from theory.inputs import FloatArray

ROWS = (5, 16, 12, 16, 9, 16, 14, 7)
"""Numbers n of inputs, every other one the largest."""

SIZES = ((3, 9), (4, 16), (8, 11), (3, 15), (4, 16), (6, 13), (3, 16), (5, 14))
"""Dimensions d and roots of m: m of 81 to 256, and m d of 1024 at most, so that a dense (m d, m d) matrix can be inverted."""

KINDS = ("uniform", "uniform", "clustered", "rank-deficient")


def _eighths(rng: np.random.Generator, *shape: int) -> FloatArray:
    """Standard normal numbers, rounded."""
    return np.round(8 * rng.standard_normal(shape)) / 8


def larger_problem(description: Description, optimiser: str, damping: Damping | None = None) -> Problem:
    """A problem of these sizes: rows, dim, root (of m), kind, eighths, seed."""
    rng = np.random.default_rng(description["seed"])
    n, d, width = description["rows"], description["dim"], description["root"] ** 2
    inputs = draw_inputs(n, d, description["kind"], rng)
    weights = _eighths(rng, width, d)
    weights[~weights.any(axis=1), 0] = 1.0  # a neuron at 0 would have pre-activations of 0
    return Problem(
        ExactInstance(
            kind=description["kind"],
            inputs=inputs,
            weights=weights,
            other_weights=_eighths(rng, width, d),
            signs=rng.choice((-1.0, 1.0), width),
            targets=_eighths(rng, n),
            step_size=description["eighths"] / 8,
            optimiser=optimiser,
        ),
        damping,
    )


def _sized(drawn: Description) -> Description:
    dim, root = drawn["size"]
    return {"rows": drawn["rows"], "dim": dim, "root": root} | {
        key: value for key, value in drawn.items() if key not in ("rows", "size")
    }


def larger_descriptions() -> SearchStrategy[Description]:
    """Descriptions for ``larger_problem``."""
    return described(
        {
            "rows": st.sampled_from(ROWS),
            "size": st.sampled_from(SIZES),
            "kind": st.sampled_from(KINDS),
            "eighths": st.sampled_from(EIGHTHS),
            "seed": st.integers(0, 2**16),
        }
    ).map(_sized)


def _orthogonal(*sizes: tuple[int, int, int, int]) -> tuple[Description, ...]:
    """Descriptions of networks with orthonormal inputs: (rows, dim, root, seed)."""
    return tuple(
        {"rows": n, "dim": d, "root": root, "kind": "orthogonal", "eighths": 8, "seed": seed}
        for n, d, root, seed in sizes
    )


FIRST: Mapping[str, tuple[Description, ...]] = {
    "ngd": _orthogonal((5, 8, 9, 1), (8, 8, 9, 1), (12, 12, 6, 0), (16, 16, 4, 0), (5, 5, 16, 0)),
    "kfac": _orthogonal((5, 8, 9, 1), (8, 8, 9, 1), (12, 12, 6, 0), (5, 5, 16, 0)),
}
"""What every run has: orthonormal inputs, on which float32 is judged whatever the algorithm."""


def larger_family(implementation: Implementation, counts: Mapping[Depth, int]) -> Family[StepInstance]:
    """Larger networks."""
    optimiser, damping = implementation.optimiser, implementation.damping
    return Family(
        "larger",
        "ReLU networks of 81 to 256 neurons with 5 to 16 inputs of dimension 3 to 8",
        larger_descriptions,
        lambda description: StepInstance(larger_problem(description, optimiser, damping), implementation),
        counts,
        first=FIRST[optimiser],
    )
