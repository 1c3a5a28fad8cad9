"""Networks with two nearly parallel inputs: G, or ``X^T X`` for K-FAC, is nearly singular, down to what rounding lets be judged.

The angles are fixed, half a decade apart, and every run has all of them: a cut-off or a damping of an absolute size is refuted by the angle that
is below it, whatever the seed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.engine.claim import Depth, Family
from properties.engine.descriptions import described
from properties.exact.identity_instances import ExactInstance
from properties.guard.implementation import Implementation
from properties.guard.instances import EIGHTHS, Description, Problem, StepInstance
from theory.inputs import normalise_rows

HALF_DECADES = tuple(range(2, 12))
"""k of the angles ``10^(-k/2)``: the smallest eigenvalue is a quarter of the angle's square times the largest, 2.5e-12 at least."""

SHAPES = ((2, 2, 4), (3, 3, 9), (4, 3, 16))
"""(n, d, m)."""


def parallel_problem(description: Description, implementation: Implementation) -> Problem:
    """A problem whose first two inputs are at an angle: rows, dim, width, half_decades, eighths, seed.

    For NGD no neuron tells the two apart, so that they are nearly parallel in J too; for K-FAC, whose H would be singular then, one does.
    """
    rng = np.random.default_rng(description["seed"])
    n, d, m = (description[name] for name in ("rows", "dim", "width"))
    angle = 10.0 ** (-description["half_decades"] / 2)
    inputs = np.eye(max(n - 1, d))[: n - 1, :d] if n - 1 <= d else normalise_rows(rng.standard_normal((n - 1, d)))
    second = np.cos(angle) * np.eye(d)[0] + np.sin(angle) * np.eye(d)[1]
    inputs = normalise_rows(np.vstack([inputs[:1], second[None, :], inputs[1:]]))
    weights = (rng.integers(1, 4, (m, d)) * rng.choice((-1, 1), (m, d))).astype(np.float64)
    weights[0] = np.abs(weights[0])  # one neuron at least is active on both
    if implementation.optimiser == "kfac":
        across = (inputs[1] - inputs[0]) / np.linalg.norm(inputs[1] - inputs[0])
        weights[1] = np.round(2.0**20 * across) / 2.0**20
        weights[1, 0] = -weights[1, 1] * np.sin(angle / 2)  # its boundary lies between the two
    return Problem(
        ExactInstance(
            kind="nearly parallel",
            inputs=inputs,
            weights=weights,
            other_weights=rng.integers(-2, 3, (m, d)).astype(np.float64),
            signs=np.where(rng.integers(0, 2, m) == 1, 1.0, -1.0),
            targets=(rng.integers(1, 4, n) * np.where(np.arange(n) % 2, -1, 1)).astype(np.float64),
            step_size=description["eighths"] / 8,
            optimiser=implementation.optimiser,
        ),
        implementation.damping,
    )


def _described(shape: tuple[int, int, int], half_decades: int, eighths: int, seed: int) -> Description:
    rows, dim, width = shape
    sizes = {"rows": rows, "dim": dim, "width": width}
    return {**sizes, "half_decades": half_decades, "eighths": eighths, "seed": seed}


def parallel_descriptions() -> SearchStrategy[Description]:
    """Descriptions for ``parallel_problem``."""
    drawn = described(
        {
            "shape": st.sampled_from(SHAPES),
            "half_decades": st.sampled_from(HALF_DECADES),
            "eighths": st.sampled_from(EIGHTHS),
            "seed": st.integers(0, 2**16),
        }
    )
    return drawn.map(lambda found: _described(found["shape"], found["half_decades"], found["eighths"], found["seed"]))


FIRST = tuple(_described(SHAPES[0], half_decades, 4, 0) for half_decades in HALF_DECADES)
"""What every run has."""


def parallel_family(implementation: Implementation, counts: Mapping[Depth, int]) -> Family[StepInstance]:
    """Networks with nearly parallel inputs."""
    return Family(
        "nearly parallel",
        "ReLU networks of 4 to 16 neurons with two inputs at angles of 0.1 to 3e-6",
        parallel_descriptions,
        lambda description: StepInstance(parallel_problem(description, implementation), implementation),
        counts,
        first=FIRST,
    )
