"""L-ekfac: the diagonal of the block in the eigenbasis of the factors (docs/conformance.md, paragraph 10)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from properties.conformance.instances import Instance, broken, due_matrix, judged_curvature
from properties.conformance.library import Library
from properties.conformance.networks import Description, problem_of, simple
from properties.conformance.statement import Statement, both, source
from properties.engine.claim import Bound, at_most, within_rounding
from theory.conformance.damping import STABLE
from theory.inputs import FloatArray


def axes(d: Description, library: Library) -> Instance:
    """Inputs along the axes, each of its own length, ReLU, and a diagonal map after it: block and factors are diagonal."""
    problem = problem_of(
        {**d, "net": "deep", "activation": "relu", "outputs": d["hidden"], "data": d["width"], "bias": False}
    )
    inputs = tuple((n + 1.0) * np.eye(d["width"])[n : n + 1] for n in range(d["width"]))
    after = np.diag(np.arange(1.0, d["hidden"] + 1))
    return Instance(
        dataclasses.replace(problem, inputs=inputs, parameters=(problem.parameters[0], after)),
        library,
        judged=(0,),
        note="axes",
    )


def mixed(d: Description, library: Library) -> Instance:
    """Beyond: a map after the ReLU that is not diagonal."""
    found = axes(d, library)
    hidden, after = found.problem.parameters
    return dataclasses.replace(found, problem=found.problem.changed(parameters=(hidden, after + 1)))


def near_the_block(instance: Instance) -> Sequence[Bound]:
    """The trace of the block; not further from it than the Kronecker product, or, where all is diagonal, the block itself."""
    answer = instance.answer
    if answer.problem:
        return [broken(answer.problem)]
    bounds: list[Bound] = []
    relative, u = instance.due.rounding(answer.unit_roundoff), answer.unit_roundoff
    for piece, M in zip(answer.pieces, answer.matrices, strict=True):
        if not instance.speaks_of(piece.parameter):
            continue
        F, F_size, F_slack = due_matrix(instance.due, piece, "block")
        K, K_size, K_slack = due_matrix(instance.due, piece, "expand")
        P, norm = len(F), np.linalg.norm
        turned = STABLE * P * u * float(2 * norm(K) + norm(F)) + P * (F_slack + K_slack)
        allowed = relative * float(norm(F_size) + 2 * norm(K_size)) + turned
        name = f"of parameter {piece.parameter}"
        bounds.append(within_rounding(f"tr M - tr F {name}", float(np.trace(M) - np.trace(F)), allowed * P**0.5))
        distance = float(norm(F - M))
        if instance.note == "axes":
            bounds.append(within_rounding(f"||F - M||_F {name}, where all is diagonal", distance, allowed))
        else:
            bounds.append(
                at_most(
                    f"||F - M||_F against ||F - G (x) A||_F {name}, and rounding",
                    distance,
                    float(norm(F - K)) + 2 * allowed,
                    allowed / 2,
                )
            )
    return bounds


def trace_of_factors(instance: Instance) -> Sequence[Bound]:
    """Beyond: the trace of the Kronecker product in place of the block's."""
    return _compared(instance, "tr M - tr G (x) A", lambda M, F, K: float(np.trace(M) - np.trace(K)))


def spectrally_near(instance: Instance) -> Sequence[Bound]:
    """Beyond: not further from the block in the spectral norm."""

    def excess(M: FloatArray, F: FloatArray, K: FloatArray) -> float:
        return max(0.0, float(np.linalg.norm(F - M, 2) - np.linalg.norm(F - K, 2)))

    return _compared(instance, "||F - M||_2 less ||F - G (x) A||_2", excess)


def _compared(instance: Instance, name: str, of: Callable[..., float]) -> Sequence[Bound]:
    """A number of M, F and K that is to be 0, with more room than any of its roundings takes."""
    answer = instance.answer
    bounds = []
    for piece, M in zip(answer.pieces, answer.matrices, strict=True):
        (F, F_size, _), (K, K_size, _) = (due_matrix(instance.due, piece, what) for what in ("block", "expand"))
        room = instance.due.rounding(answer.unit_roundoff) * len(F) * float(F_size.sum() + K_size.sum())
        bounds.append(within_rounding(f"{name} of parameter {piece.parameter}", of(M, F, K), STABLE * room))
    return bounds


BEYOND: dict[str, Any] = {"net": ("deep",), "activation": ("relu",), "data": (2, 3, 4), "approximation": ("ekfac",)}
TWO_DATA = simple(approximation="ekfac", net="deep", activation="relu", data=2, hidden=3, seed=1)
FOUR_DATA = simple(approximation="ekfac", net="deep", activation="relu", data=4, outputs=1, seed=7)

L_EKFAC = Statement(
    "L-ekfac",
    ": EKFAC's matrix has the trace of the block and is not further from it than the Kronecker product",
    "10",
    sources=(
        source(
            "any network",
            "one to three data through one or two layers",
            both(
                simple(approximation="ekfac"),
                simple(approximation="ekfac", net="deep", activation="relu", data=2, bias=True),
                simple(approximation="ekfac", data=2, loss="softmax"),
            ),
            net=("linear", "deep", "pooled"),
            loss=("half squared", "squared", "softmax"),
            approximation=("ekfac",),
            data=(1, 2, 3),
            examples=(6, 450, 2000),
        ),
        source(
            "axes",
            "inputs along the axes, a diagonal map after ReLU",
            both(simple(approximation="ekfac", hidden=2)),
            build=axes,
            approximation=("ekfac",),
            width=(2, 3),
            hidden=(2, 3),
            examples=(4, 120, 600),
        ),
    ),
    hypotheses=judged_curvature,
    conclusion=near_the_block,
    faults=("eigenvalues-halved", "diagonal-averaged", "stale-basis", "eigenvalues-of-factors"),
    borders=(
        source("trace of factors", "the trace of the Kronecker product", both(TWO_DATA), conclusion=trace_of_factors, **BEYOND),
        source("spectral norm", "not further from the block in the spectral norm", both(FOUR_DATA), conclusion=spectrally_near, **BEYOND),
        source("mixed", "inputs along the axes, a map that is not diagonal", both(simple(approximation="ekfac", hidden=2)), build=mixed, approximation=("ekfac",), width=(2, 3), hidden=(2, 3)),
    ),
)  # fmt: skip

STATEMENTS = (L_EKFAC,)
