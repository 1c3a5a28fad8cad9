"""L-solve: what is solved is the damped matrix of the kind, at every call (docs/conformance.md, paragraph 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from properties.conformance.library import Library
from properties.conformance.networks import Description, problem_of, simple, whole
from properties.conformance.statement import Build, Statement, both, source
from properties.conformance.steps import Solving, judged_solve, judged_update, moves, solves
from properties.engine.claim import Bound, Hypothesis

DAMPINGS = (1.0, 0.25, 4.0, 1024.0)
"""With the last one the residuals of an iterative solver fall step by step, and end at its tolerance."""


def solving(kind: str, note: str = "", **changes: object) -> Build:
    """Instances with whole vectors."""

    def build(d: Description, library: Library) -> Solving:
        problem = problem_of({**d, **changes})
        rng = np.random.default_rng(d["seed"] + 2)
        vectors = tuple(whole(rng, *problem.parameters[p].shape, most=3) for p in problem.learned)
        return Solving(problem, library, damping=d.get("damping", 1.0), kind=kind, arrays=vectors, note=note)

    return build


def vanishing(d: Description, library: Library) -> Solving:
    """A last layer of zeros: the gradients before it vanish, and G with them."""
    found = solving("pi", "vanishing", net="deep", loss="half squared")(d, library)
    assert isinstance(found, Solving)
    weights = (*found.problem.parameters[:-1], np.zeros_like(found.problem.parameters[-1]))
    return Solving(
        found.problem.changed(parameters=weights),
        library,
        damping=1.0,
        kind="pi",
        arrays=found.arrays,
        note="vanishing",
    )


def stepping(kind: str, undamped: bool = False) -> Build:
    """Updates."""

    def build(d: Description, library: Library) -> Solving:
        damping = 0.0 if undamped else d.get("damping", 1.0)
        return Solving(problem_of(d), library, damping=damping, kind=kind, step_size=0.5, note="update")

    return build


def hypotheses(instance: Solving) -> Sequence[Hypothesis]:
    """Of a solve or an update."""
    return judged_update(instance) if instance.note == "update" else judged_solve(instance)


def conclusion(instance: Solving) -> Sequence[Bound]:
    """Of a solve or an update."""
    return moves(instance) if instance.note == "update" else solves(instance)


DRAWN: dict[str, Any] = {
    "net": ("linear", "deep", "tokens"),
    "loss": ("half squared", "squared", "softmax"),
    "hidden": (1, 2),
    "outputs": (2, 1, 3),
    "data": (1, 2, 3),
    "damping": DAMPINGS,
}
SIX = tuple(
    simple(net=net, data=n, outputs=2, damping=1.0, bias=bias)
    for net, n, bias in (("linear", 1, False), ("linear", 2, False), ("deep", 2, True))
)
LARGE = simple(net="deep", data=3, hidden=2, outputs=3, bias=True, damping=1024.0)

L_SOLVE = Statement(
    "L-solve",
    ": M x = v for M = G (x) A + lambda I (product) or (G + sqrt(lambda)/pi I) (x) (A + pi sqrt(lambda) I) (pi), at every call",
    "11",
    sources=(
        source("product", "damping of the product", both(*SIX, LARGE), build=solving("product"), approximation=("expand",), examples=(6, 220, 1000), **DRAWN),
        source("pi", "damping of both factors, by the ratio of their traces", both(*SIX), build=solving("pi"), approximation=("expand", "reduce"), examples=(6, 220, 1000), **DRAWN),
        source(
            "blocks",
            "damped dense blocks",
            both(*({**one, "approximation": "blocks"} for one in SIX)),
            build=solving("product"),
            approximation=("blocks",),
            examples=(4, 120, 600),
            **DRAWN,
        ),
        source(
            "convolution",
            "vectors of a convolution",
            both(simple(net="convolution", convolution=0, positions=3, outputs=2, damping=1.0)),
            build=solving("product"),
            approximation=("expand",),
            examples=(3, 60, 300),
            **{**DRAWN, "net": ("convolution",), "loss": ("half squared",), "width": (2,), "convolution": (0, 1)},
        ),
        source("vanishing", "a gradient factor that is 0", both(simple(net="deep", outputs=2)), build=vanishing, examples=(2, 20, 100), activation=("identity",), bias=(False,)),
        source("updates", "steps with damping", both(*SIX), build=stepping("product"), approximation=("expand", "blocks"), examples=(4, 120, 600), **DRAWN),
        source("updates with pi", "steps with damping of both factors", both(*SIX), build=stepping("pi"), approximation=("expand",), examples=(4, 120, 600), **DRAWN),
        source(
            "undamped",
            "steps without damping, by the pseudo-inverse where M is singular",
            both(
                simple(width=1, outputs=2, data=2),
                simple(width=2, outputs=2, data=1),
                simple(width=2, outputs=2, data=1, approximation="blocks"),
            ),
            build=stepping("product", undamped=True),
            net=("linear",),
            approximation=("expand", "blocks"),
            width=(2, 1),
            outputs=(2, 1),
            bias=(False,),
            examples=(4, 160, 800),
        ),
    ),
    hypotheses=hypotheses,  # type: ignore[arg-type]
    conclusion=conclusion,  # type: ignore[arg-type]
    faults=(
        "damping-accumulates", "default-tolerance", "convolution-shapes", "damping-in-one-term", "ratio-of-sums", "without-effect",
        "triangle-twice", "old-residual", "wrong-start", "not-a-number", "singular-solved", "root-damping", "low-precision",
        "damping-by-reduction",
    ),
    borders=(
        source("the plain matrix", "(G (x) A + lambda I) x = v for damping of both factors", both(simple(net="linear", data=2, outputs=2)), build=solving("product", "asked for pi"), examples=(1, 1, 1)),
    ),
)  # fmt: skip

STATEMENTS = (L_SOLVE,)
