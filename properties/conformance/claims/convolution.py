"""L-conv: a convolution is a linear layer on patches (docs/conformance.md, paragraph 7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from properties.conformance.instances import (
    Instance,
    allowance,
    broken,
    due_matrix,
    entrywise,
    judged_curvature,
    setting_of,
)
from properties.conformance.library import Library
from properties.conformance.networks import Description, problem_of, simple
from properties.conformance.statement import Statement, both, source
from properties.engine.claim import Bound
from theory.conformance.problem import Problem, Stage
from theory.inputs import FloatArray


def patches(x: FloatArray, stage: Stage) -> FloatArray:
    """(T', channels * kernel) of (T, channels): entry ``c * kernel + k`` is channel c at place k, zeros of the padding included."""
    found = np.zeros((stage.positions(len(x)), x.shape[1] * stage.kernel))
    for t in range(len(found)):
        for k, s in stage.sources(t, len(x)):
            found[t, np.arange(x.shape[1]) * stage.kernel + k] = x[s]
    return found


def on_patches(problem: Problem) -> Problem:
    """The same problem with its first convolution a linear layer on the patches of the inputs."""
    first = problem.stages[0]
    linear = Stage("linear", first.parameter, first.activation)
    return problem.changed(
        stages=(linear, *problem.stages[1:]), inputs=tuple(patches(x, first) for x in problem.inputs)
    )


def build(d: Description, library: Library) -> Instance:
    """A problem that begins with a convolution, and the one on patches."""
    problem = problem_of(d)
    return Instance(problem, library, other=on_patches(problem))


def _misordered(d: Description, library: Library) -> Instance:
    """The patches with the kernel before the channels, the weights with them."""
    problem = problem_of(d)
    other, first = on_patches(problem), problem.stages[0]
    width = problem.inputs[0].shape[1]
    order = np.arange(width * first.kernel).reshape(width, first.kernel).T.reshape(-1)
    W = other.parameters[0].copy()
    W[:, : len(order)] = W[:, order]
    return Instance(
        problem,
        library,
        other=other.changed(inputs=tuple(x[:, order] for x in other.inputs), parameters=(W, *other.parameters[1:])),
    )


def same_matrices(instance: Instance) -> Sequence[Bound]:
    """Both problems have the same curvature, entry by entry."""
    first, second = instance.answer, instance.other_answer
    for found in (first, second):
        if found.problem:
            return [broken(found.problem)]
    assert instance.other is not None
    bounds, setting, u = [], setting_of(instance.problem), max(first.unit_roundoff, second.unit_roundoff)
    for piece, M, other in zip(first.pieces, first.matrices, second.matrices, strict=True):
        _, size, slack = due_matrix(instance.due, piece, setting)
        _, other_size, _ = due_matrix(instance.other_due, piece, setting)
        allowed = allowance(instance.due, size, M, slack, u) + allowance(
            instance.other_due, other_size, other, slack, u
        )
        compared = "other targets" if instance.note == "targets" else "the linear layer on patches"
        bounds.append(entrywise(f"|M - M of {compared}| of parameter {piece.parameter}", M, other, allowed))
    return bounds


L_CONV = Statement(
    "L-conv",
    ": a convolution has the curvature of the linear layer on its patches, in any network, for any loss and approximation",
    "7",
    sources=(
        source(
            "factors",
            "a convolution, and the linear layer on its patches",
            both(
                simple(net="convolution", convolution=0, positions=2, reduction="sum"),
                simple(net="convolution", convolution=1, positions=4, reduction="sum"),
                simple(net="convolution", convolution=2, positions=4, reduction="sum"),
                simple(net="convolution", convolution=4, positions=3, bias=True, reduction="sum"),
                simple(net="pooled-convolution", convolution=0, positions=3, activation="relu", data=2, bias=True),
                simple(net="pooled-convolution", convolution=0, positions=3, approximation="reduce"),
            ),
            build=build,
            net=("convolution", "pooled-convolution", "flat-convolution"),
            positions=(2, 3, 4),
            loss=("half squared", "squared", "softmax", "logistic"),
            approximation=("expand", "reduce"),
            convolution=tuple(range(8)),
            examples=(8, 450, 2000),
        ),
        source(
            "dense blocks",
            "dense blocks of both",
            both(
                simple(
                    net="pooled-convolution",
                    convolution=1,
                    positions=4,
                    approximation="blocks",
                    activation="relu",
                    bias=True,
                )
            ),
            build=build,
            net=("convolution", "pooled-convolution", "flat-convolution"),
            positions=(2, 3, 4),
            loss=("half squared", "softmax"),
            approximation=("blocks",),
            convolution=tuple(range(8)),
            examples=(4, 120, 600),
        ),
    ),
    hypotheses=judged_curvature,
    conclusion=same_matrices,
    faults=("squared-stride", "patches-untransposed", "stride-for-dilation"),
    borders=(
        source(
            "patches with the kernel first",
            "patches in another order than the weights of the convolution",
            both(simple(net="convolution", convolution=0, positions=3)),
            build=_misordered,
            net=("convolution",),
            convolution=(0,),
        ),
    ),
)

STATEMENTS = (L_CONV,)
