"""L-affine: the undamped step does not depend on affine coordinates of the inputs (docs/conformance.md, paragraph 14)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from properties.conformance.instances import broken
from properties.conformance.library import Library
from properties.conformance.networks import Description, problem_of, simple, whole
from properties.conformance.statement import Build, Statement, both, source
from properties.conformance.steps import Pieces, Solving, differences, judged_update
from properties.engine.claim import Bound, Hypothesis, require, technical, within_rounding
from theory.inputs import FloatArray


def unimodular(rng: np.random.Generator, size: int) -> FloatArray:
    """A whole matrix of determinant 1 and small entries, the identity only for size 1."""
    lower, upper = np.eye(size), np.eye(size)
    lower[np.tril_indices(size, -1)] = whole(rng, size * (size - 1) // 2, most=1)
    upper[np.triu_indices(size, 1)] = whole(rng, size * (size - 1) // 2, most=1)
    return np.asarray(lower @ upper)


def coordinates(damping: float = 0.0) -> Build:
    """A problem, and the same in other coordinates ``x' = M x + t``, with the first layer's matrix times Omega^-1."""

    def build(d: Description, library: Library) -> Solving:
        bias = d["bias"]
        width = d["width"]
        rng = np.random.default_rng(d["seed"] + 3)
        points = np.vstack([np.zeros(width), np.eye(width), whole(rng, 1, width)])[: width + 1 + d["data"] % 2]
        problem = problem_of({**d, "data": len(points)})
        problem = problem.changed(
            inputs=tuple((x + whole(rng, width))[None] if not bias else x[None] + 1 for x in points)
        )
        M = unimodular(rng, width)
        apart = library.declared("bias") == "apart"
        t = np.zeros(width) if apart or not bias else whole(rng, width, most=1)
        omega = np.eye(width + bias)
        omega[:width, :width] = M
        if bias:
            omega[:width, -1] = t
        inverse = np.round(np.linalg.inv(omega))
        first = problem.parameters[0] @ inverse
        other = problem.changed(
            inputs=tuple(x @ M.T + t for x in problem.inputs), parameters=(first, *problem.parameters[1:])
        )
        return Solving(problem, library, damping=damping, kind="product", step_size=0.5, other=other, arrays=(omega,))

    return build


def hypotheses(instance: Solving) -> Sequence[Hypothesis]:
    """Two updates, with regular matrices."""
    found = list(judged_update(instance))
    regular = all(matrix.regular for matrix in instance.parts.matrices.values())
    return [*found, technical(require("factors are regular", 1.0 if regular else -1.0))]


def same_map(instance: Solving) -> Sequence[Bound]:
    """``Delta' Omega = Delta`` of the first layer, ``Delta' = Delta`` of the others."""
    (_, one), (_, two) = instance.moved, instance.other_moved
    for arrays in (one, two):
        if arrays.problem:
            return [broken(arrays.problem)]
    assert instance.other is not None
    u, (omega,) = max(one.unit_roundoff, two.unit_roundoff), instance.arrays
    parts = Pieces(instance.other_due, instance.apart, instance.damping, instance.kind)
    steps = [differences(p, a.arrays, instance.step_size) for p, a in ((instance.problem, one), (instance.other, two))]
    bounds = []
    for place, parameter in enumerate(instance.problem.learned):
        mine = [piece for piece in instance.parts.matrices if piece.parameter == parameter]
        turned = steps[1][place] @ omega if parameter == 0 else steps[1][place]
        size = float(np.linalg.norm(omega)) if parameter == 0 else 1.0
        allowed = sum(
            instance.parts.step(piece, u, instance.step_size)[1] + size * parts.step(piece, u, instance.step_size)[1]
            for piece in mine
        )
        label = f"||Delta' {'Omega ' if parameter == 0 else ''}- Delta|| of parameter {parameter}"
        bounds.append(within_rounding(label, float(np.linalg.norm(turned - steps[0][place])), allowed))
    return bounds


L_AFFINE = Statement(
    "L-affine",
    ": in other affine coordinates of the inputs the undamped step is the same map, where the factors are regular",
    "14",
    sources=(
        source(
            "factors",
            "one or two layers, whole coordinates of determinant 1",
            both(simple(width=1, outputs=2, bias=True), simple(width=2, outputs=2, bias=True), simple(width=2, outputs=1)),
            build=coordinates(),
            net=("linear", "deep"),
            activation=("identity",),
            hidden=(1, 2),
            outputs=(2, 1),
            width=(2, 1),
            bias=(True, True, False),
            examples=(8, 1000, 3000),
        ),
        source(
            "blocks",
            "dense blocks in the same coordinates",
            both(simple(width=1, outputs=2, bias=True, approximation="blocks"), simple(width=2, outputs=1, bias=True, approximation="blocks")),
            build=coordinates(),
            net=("linear",),
            outputs=(1, 2),
            width=(2, 1),
            bias=(True, False),
            approximation=("blocks",),
            examples=(5, 200, 1000),
        ),
    ),
    hypotheses=hypotheses,  # type: ignore[arg-type]
    conclusion=same_map,  # type: ignore[arg-type]
    faults=("without-effect",),
    borders=(source("damped", "damping 1", both(simple(width=2, outputs=2, bias=True)), build=coordinates(1.0), width=(2,), outputs=(1, 2)),),
)  # fmt: skip

STATEMENTS = (L_AFFINE,)
