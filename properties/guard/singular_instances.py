"""Networks whose G, or H for K-FAC, is singular exactly: the step there goes through the pseudo-inverse.

The nonzero eigenvalues are far above any cut-off that a program may take for rounding (``GAP``), and the entries of X, W and y are few
and small, so that what is cut off is rounding and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.engine.claim import Depth, Family, Hypothesis, certified, require
from properties.engine.descriptions import described
from properties.engine.stable_names import stored_as
from properties.exact.identity_instances import ExactInstance
from properties.guard.allowance import frobenius
from properties.guard.implementation import Implementation
from properties.guard.instances import EIGHTHS, Description, Problem, StepInstance
from theory.direction import lowered
from theory.inputs import FloatArray, normalise_rows

GAP = 2.0**-8
"""The least share of the norm of G (H, ``X^T X``) that its smallest nonzero eigenvalue has."""

CASES: Mapping[str, Sequence[tuple[str, int, int, int]]] = {
    "ngd": (
        *(("duplicated", n, d, m) for n, d, m in ((2, 2, 4), (3, 2, 9), (4, 3, 16), (6, 6, 16))),
        *(("crowded", n, d, m) for n, d, m in ((2, 1, 1), (3, 2, 1), (5, 1, 4))),
        *(("silent", n, d, m) for n, d, m in ((2, 2, 4), (3, 3, 9))),
    ),
    "kfac": (
        *(("duplicated", n, d, m) for n, d, m in ((2, 2, 4), (3, 2, 9), (4, 3, 16), (6, 6, 16))),
        *(("crowded", n, d, m) for n, d, m in ((2, 2, 1), (3, 2, 1), (5, 3, 4))),
        *(("silent", n, d, m) for n, d, m in ((2, 2, 4), (3, 3, 9))),
        *(("alike", n, d, m) for n, d, m in ((2, 2, 4), (3, 3, 9))),
        *(("flat", n, d, m) for n, d, m in ((3, 3, 4), (4, 3, 9))),
    ),
}
"""(kind, n, d, m): a row twice; more rows than parameters (K-FAC: than neurons); a row that no neuron is active on; K-FAC only: two rows with
the same pattern, and a row twice in inputs that do not span their space."""


@stored_as("step-singular-answer")
@dataclass(frozen=True)
class SingularInstance(StepInstance):
    """A problem whose matrix is meant to be singular, and what an implementation makes of it."""


def singular(instance: StepInstance) -> list[Hypothesis]:
    """Whether the matrix is singular exactly, and its spectrum has a gap: what is asked of these in place of regularity."""
    problem = instance.problem
    name = "H" if problem.optimiser == "kfac" else "G"
    size = frobenius(problem.matrix)
    found = [
        require(f"{name} is singular, exactly", problem.matrix.nrows() - 1 - problem.rank),
        certified(f"the nonzero eigenvalues of {name} are far above 0", lowered(problem.lambda_min, GAP * size)),
    ]
    if problem.optimiser == "kfac":
        least = GAP * frobenius(problem.exact.kernel)
        found.append(certified("those of X^T X are", lowered(problem.bounds.smallest_eigenvalue[0], least)))
    return found


def _inputs(kind: str, n: int, d: int, rng: np.random.Generator) -> FloatArray:
    """Directions along the axes and a few others, each other one once."""
    rows = np.vstack([np.eye(d), np.ones((1, d)), -np.eye(d), rng.integers(-2, 3, (n, d))])
    order = [*rng.permutation(d), *rng.permutation(np.arange(d, len(rows)))]
    rows = rows[order][:n].astype(np.float64)
    rows[~rows.any(axis=1), 0] = 1.0
    if kind == "alike":
        rows[1] = 4 * rows[0] + rng.integers(-1, 2, d)
    if kind == "flat":
        rows[:, -1] = rows[:, 0]
        rows[~rows.any(axis=1), 0] = 1.0
        rows[:, -1] = rows[:, 0]
    if kind in ("duplicated", "flat"):
        rows[1] = rows[0]
    return normalise_rows(rows)


def singular_problem(description: Description, implementation: Implementation) -> Problem:
    """A problem of a kind: kind, rows, dim, width, eighths, seed."""
    kind, n, d, m = (description[name] for name in ("kind", "rows", "dim", "width"))
    rng = np.random.default_rng(description["seed"])
    inputs = _inputs(kind, n, d, rng)
    weights = (rng.integers(1, 4, (m, d)) * rng.choice((-1, 1), (m, d))).astype(np.float64)
    first = weights @ inputs[0]
    if kind == "silent":
        weights[first >= 0] *= -1.0
    elif kind == "alike":
        weights[first * (weights @ inputs[1]) <= 0] = 2 * np.sign(inputs[0] + 0.25)
    return Problem(
        ExactInstance(
            kind=kind,
            inputs=inputs,
            weights=weights,
            other_weights=rng.integers(-2, 3, (m, d)).astype(np.float64),
            signs=np.where(rng.integers(0, 2, m) == 1, 1.0, -1.0),
            targets=rng.integers(-3, 4, n).astype(np.float64),
            step_size=description["eighths"] / 8,
            optimiser=implementation.optimiser,
        ),
        implementation.damping,
    )


def _described(case: tuple[str, int, int, int], eighths: int, seed: int) -> Description:
    kind, rows, dim, width = case
    return {"kind": kind, "rows": rows, "dim": dim, "width": width, "eighths": eighths, "seed": seed}


def singular_descriptions(optimiser: str) -> SearchStrategy[Description]:
    """Descriptions for ``singular_problem``."""
    drawn = described(
        {
            "case": st.sampled_from(CASES[optimiser]),
            "eighths": st.sampled_from(EIGHTHS),
            "seed": st.integers(0, 2**16),
        }
    )
    return drawn.map(lambda found: _described(found["case"], found["eighths"], found["seed"]))


FIRST_SEEDS: Mapping[str, Sequence[int]] = {"ngd": (0, 0, 0, 1, 1, 0, 0, 0, 0), "kfac": (*(0,) * 12, 7)}
"""Seeds of the instances that every run has, one for each of ``CASES``: their spectra have the gap."""


def first_singular(optimiser: str) -> tuple[Description, ...]:
    """What every run has."""
    return tuple(_described(case, 4, seed) for case, seed in zip(CASES[optimiser], FIRST_SEEDS[optimiser], strict=True))


def singular_family(implementation: Implementation, counts: Mapping[Depth, int]) -> Family[StepInstance]:
    """Networks with a singular G or H."""
    optimiser = implementation.optimiser
    return Family(
        "singular",
        f"ReLU networks of 1 to 16 neurons whose {'H' if optimiser == 'kfac' else 'G'} is singular",
        lambda: singular_descriptions(optimiser),
        lambda description: SingularInstance(singular_problem(description, implementation), implementation),
        counts,
        first=first_singular(optimiser),
    )
