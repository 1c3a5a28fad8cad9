"""L-mean and L-scale: what doubling, permuting, splitting and scaling do (docs/conformance.md, paragraphs 12 and 13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from properties.conformance.instances import (
    Instance,
    allowance,
    broken,
    due_matrix,
    entrywise,
    judged_curvature,
    offered,
    setting_of,
)
from properties.conformance.library import Library
from properties.conformance.networks import Description, problem_of, simple, whole
from properties.conformance.statement import Build, Statement, both, source
from properties.conformance.steps import (
    Pieces,
    Solving,
    differences,
    judged_update,
    learned_shapes,
    read_arrays,
    telling,
)
from properties.engine.claim import Bound, Hypothesis, within_rounding
from theory.conformance.problem import Problem


def doubled(d: Description, library: Library) -> Instance:
    """A problem, and the same with every datum twice: a sum doubles."""
    problem = problem_of(d)
    other = problem.changed(inputs=problem.inputs * 2, targets=problem.targets * 2)
    return Instance(
        problem, library, other=other, numbers=(2.0 if d["reduction"] == "sum" else 1.0,), note="every datum twice"
    )


def permuted(d: Description, library: Library) -> Instance:
    """A problem, and the same with its data in another order."""
    problem = problem_of(d)
    other = problem.changed(inputs=problem.inputs[::-1], targets=problem.targets[::-1])
    return Instance(problem, library, other=other, numbers=(1.0,), note="data in another order")


def split(d: Description, library: Library) -> Instance:
    """A problem, and the same in a batch of one and the rest."""
    problem = problem_of({**d, "data": max(d["data"], 3)})
    return Instance(
        problem,
        library,
        other=problem.changed(split=(1, len(problem.inputs) - 1)),
        numbers=(1.0,),
        note="data in two batches",
    )


def proportional(instance: Instance) -> Sequence[Bound]:
    """The other curvature is the first one times a number."""
    first, second, (factor,) = instance.answer, instance.other_answer, instance.numbers
    for found in (first, second):
        if found.problem:
            return [broken(found.problem)]
    bounds, setting, u = [], setting_of(instance.problem), max(first.unit_roundoff, second.unit_roundoff)
    for piece, M, other in zip(first.pieces, first.matrices, second.matrices, strict=True):
        _, size, slack = due_matrix(instance.due, piece, setting)
        relative = instance.due.rounding(u) + instance.other_due.rounding(u)
        allowed = allowance(instance.due, factor * size * relative / instance.due.rounding(u), M, factor * slack, u)
        label = f"|M' - {factor:g} M| of parameter {piece.parameter}, M' with {instance.note}"
        bounds.append(entrywise(label, other, factor * M, 2 * allowed))
    return bounds


def sum_and_mean(d: Description, library: Library) -> Solving:
    """A solve for the sum with N lambda, and for the mean with lambda: N times as large."""
    problem = problem_of({**d, "reduction": "sum"})
    rng = np.random.default_rng(d["seed"] + 2)
    vectors = tuple(whole(rng, *problem.parameters[p].shape, most=3) for p in problem.learned)
    N = len(problem.inputs)
    return Solving(
        problem, library, damping=float(N), kind="product", arrays=vectors, other=problem.changed(reduction="batch"),
        numbers=(float(N), 1.0), note="solve",
    )  # fmt: skip


def mean_hypotheses(instance: Instance) -> Sequence[Hypothesis]:
    """Of two curvatures or two solves."""
    if not isinstance(instance, Solving):
        return judged_curvature(instance)
    from properties.conformance.steps import judged_solve

    found = judged_solve(instance)
    if len(found) == 1:
        return found
    if instance.other_answer_solved.missing:
        return [offered(instance.other_answer_solved)]
    parts = Pieces(instance.other_due, instance.apart, 1.0, "product")
    return [*found, telling(parts, instance.calls[0].unit_roundoff)]


def mean_conclusion(instance: Instance) -> Sequence[Bound]:
    """Of two curvatures or two solves."""
    if not isinstance(instance, Solving):
        return proportional(instance)
    assert instance.other is not None
    answer = instance.other_answer_solved
    of_mean = read_arrays(answer, learned_shapes(instance.other), instance.other, "solve")
    of_sum = instance.calls[0]
    for found in (of_sum, of_mean):
        if found.problem:
            return [broken(found.problem)]
    u, bounds, N = max(of_sum.unit_roundoff, of_mean.unit_roundoff), [], instance.numbers[0]
    parts = Pieces(instance.other_due, instance.apart, 1.0, "product")
    for piece in instance.parts.matrices:
        length = float(np.linalg.norm(parts.part(instance.arrays, piece)))
        allowed = N * instance.parts.allowance(piece, length, length, u) + parts.allowance(piece, length, length, u)
        x, y = instance.parts.part(of_sum.arrays, piece), parts.part(of_mean.arrays, piece)
        label = f"||N x_sum - x_mean|| of parameter {piece.parameter}, damping N and 1"
        bounds.append(within_rounding(label, float(np.linalg.norm(N * x - y)), allowed))
    return bounds


ANY: dict[str, Any] = {"net": ("linear", "deep", "tokens", "pooled"), "loss": ("half squared", "softmax", "squared")}

L_MEAN = Statement(
    "L-mean",
    ": every datum twice leaves a mean and doubles a sum, their order means nothing, batches give the factors of all data",
    "12",
    sources=(
        source(
            "doubled",
            "every datum twice",
            both(*(simple(reduction=r, approximation=a, outputs=2) for r in ("batch", "sum") for a in ("expand", "blocks"))),
            build=doubled,
            approximation=("expand", "reduce", "blocks"),
            reduction=("batch", "sum", "outputs", "tokens"),
            examples=(6, 200, 1000),
            **ANY,
        ),
        source("permuted", "data in another order", both(simple(data=2, outputs=2), simple(data=3, approximation="blocks")), build=permuted, data=(2, 3, 4), approximation=("expand", "reduce", "blocks"), examples=(4, 140, 700), **ANY),
        source(
            "batches",
            "data in two batches, one of them a single datum",
            both(simple(data=3, outputs=2), simple(data=3, outputs=2, reduction="sum"), simple(net="deep", activation="relu", hidden=3, data=3, outputs=2, bias=True, seed=1), simple(net="tokens", data=3, ragged=True, reduction="tokens")),
            build=split,
            data=(3, 4),
            approximation=("expand", "reduce", "blocks"),
            reduction=("batch", "sum", "tokens", "outputs"),
            examples=(4, 140, 700),
            **ANY,
        ),
        source("sum and mean", "a sum with N lambda, a mean with lambda", both(simple(data=2, outputs=2)), build=sum_and_mean, data=(2, 3, 4), net=("linear", "deep"), hidden=(1, 2), outputs=(1, 2), examples=(4, 120, 600)),
    ),
    hypotheses=mean_hypotheses,
    conclusion=mean_conclusion,
    faults=("mean-gradients", "batch-cubed", "damping-by-reduction", "products-accumulated", "mean-of-batch-means"),
    borders=(
        source("undoubled sum", "a sum that is not doubled", both(simple(reduction="sum")), build=lambda d, library: Instance(problem_of(d), library, other=doubled(d, library).other, numbers=(1.0,), note="every datum twice"), reduction=("sum",)),
    ),
)  # fmt: skip


# --- scale -----------------------------------------------------------------------------------------------------------


def scaled(change: str, damping: float = 0.0) -> Build:
    """Two updates: of a loss, and of the loss times 4, or of its sum in place of its mean."""

    def build(d: Description, library: Library) -> Solving:
        problem = problem_of({**d, "reduction": "batch" if change == "sum" else d["reduction"]})
        other: Problem = problem.changed(reduction="sum") if change == "sum" else problem.changed(scale=4.0)
        return Solving(problem, library, damping=damping, kind="product", step_size=0.5, other=other, note=change)

    return build


def same_step(instance: Solving) -> Sequence[Bound]:
    """Both updates move the parameters by the same."""
    (first, one), (second, two) = instance.moved, instance.other_moved
    for answer, arrays in ((first, one), (second, two)):
        if arrays.problem:
            if answer.raised and instance.library.declared("singular") == "raises":
                return [within_rounding("an error is raised where M is singular, as declared", 0.0, 1.0)]
            return [broken(arrays.problem)]
    assert instance.other is not None
    u = max(one.unit_roundoff, two.unit_roundoff)
    parts = Pieces(instance.other_due, instance.apart, instance.damping, instance.kind)
    steps = [differences(p, a.arrays, instance.step_size) for p, a in ((instance.problem, one), (instance.other, two))]
    bounds = []
    for piece in instance.parts.matrices:
        allowed = instance.parts.step(piece, u, instance.step_size)[1] + parts.step(piece, u, instance.step_size)[1]
        distance = float(np.linalg.norm(instance.parts.part(steps[0], piece) - instance.parts.part(steps[1], piece)))
        label = f"||step - step of the loss {'as a sum' if instance.note == 'sum' else 'times 4'}|| of parameter {piece.parameter}"
        bounds.append(within_rounding(label, distance, allowed))
    return bounds


SCALED: dict[str, Any] = {
    "net": ("linear",),
    "width": (2, 1),
    "outputs": (2, 1, 3),
    "data": (1, 2, 3),
    "bias": (False,),
    "approximation": ("expand", "blocks"),
}

L_SCALE = Statement(
    "L-scale",
    ": the undamped step of a loss is that of every multiple of it, and that of the sum is that of the mean",
    "13",
    sources=(
        source("times four", "a loss and four times that loss", both(simple(outputs=2), simple(outputs=2, data=2, approximation="blocks")), build=scaled("scale"), examples=(6, 320, 1500), **SCALED),
        source("sum and mean", "the sum of the losses and their mean", both(simple(outputs=2, data=2), simple(outputs=2, data=3, approximation="blocks")), build=scaled("sum"), examples=(5, 240, 1200), **{**SCALED, "data": (2, 3)}),
    ),
    hypotheses=judged_update,  # type: ignore[arg-type]
    conclusion=same_step,  # type: ignore[arg-type]
    faults=("without-effect", "singular-solved"),
    borders=(source("damped", "the loss times 4 with damping 1", both(simple(outputs=2)), build=scaled("scale", 1.0), **SCALED),),
)  # fmt: skip

STATEMENTS = (L_MEAN, L_SCALE)
