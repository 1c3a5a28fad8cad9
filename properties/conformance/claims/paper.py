"""L-paper: the paper's network, on which natural gradient descent and K-FAC are I-pinv and I-kfac (docs/conformance.md, 16)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from flint import fmpq_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.conformance.instances import broken
from properties.conformance.library import Library
from properties.conformance.networks import Description, whole
from properties.conformance.statement import Build, Source, Statement
from properties.conformance.steps import Solving, differences, frozen_stay, judged_update
from properties.engine.claim import Bound, within_rounding
from properties.engine.descriptions import described
from properties.exact.exact_network import ExactNetwork, vector
from theory.conformance.curvature import floats
from theory.conformance.problem import Problem, Stage, square_root
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import diagonal, pseudo_inverse


def build(d: Description, library: Library, damping: float = 0.0) -> Solving:
    """The paper's network of a square number of neurons, its output layer frozen, ``||u - y||^2 / 2`` summed."""
    rng = np.random.default_rng(d["seed"])
    m, n = d["neurons"], d["data"]
    W, X = whole(rng, m, d["width"]) + 0.5 ** np.arange(2, 2 + d["width"]), whole(rng, n, d["width"])
    signs = np.asarray(rng.choice((-1.0, 1.0), (1, m)))
    y = np.asarray(rng.integers(-3, 4, n), dtype=np.float64)
    problem = Problem(
        stages=(Stage("linear", 0, "relu"), Stage("linear", 1)),
        parameters=(W, signs / square_root(m)),
        biases=(False, False),
        trained=(True, False),
        inputs=tuple(X[i : i + 1] for i in range(n)),
        targets=tuple(y[i : i + 1, None] for i in range(n)),
        reduction="sum",
        approximation=d["approximation"],
        single=d["single"],
    )
    return Solving(problem, library, damping=damping, kind="product", step_size=0.5)


def network(problem: Problem) -> ExactNetwork:
    """The rational network of the paper."""
    hidden, last = problem.parameters
    net = TwoLayerNetwork(weights=hidden, signs=np.sign(last[0]))
    return ExactNetwork.of(net, np.concatenate(problem.inputs), np.concatenate(problem.targets)[:, 0])


def paper_direction(problem: Problem) -> fmpq_mat:
    """``J^+ r`` (blocks), or ``N ((S^T S)^+ (x) (X^T X)^+) J^T r`` (factors), (m, d): A = X^T X / N makes the step N times the paper's."""
    net = network(problem)
    if problem.approximation == "blocks":
        return net.features.transpose() * diagonal(vector(pseudo_inverse(net.gram) * net.residual)) * net.inputs
    left = net.features.transpose() * pseudo_inverse(net.pattern_gram)
    X = net.inputs
    right = X * pseudo_inverse(X.transpose() * X)
    return left * diagonal(vector(net.residual)) * right * X.transpose().ncols()


def is_the_paper_step(instance: Solving) -> Sequence[Bound]:
    """``(W - W') / eta`` is the paper's step; the output layer stays."""
    answer, arrays = instance.moved
    if arrays.problem:
        singular = any(not m.regular for m in instance.parts.matrices.values())
        if singular and answer.raised and instance.library.declared("singular") == "raises":
            return [within_rounding("an error is raised where M is singular, as declared", 0.0, 1.0)]
        return [broken(arrays.problem)]
    (piece,) = instance.parts.matrices
    _, allowed = instance.parts.step(piece, arrays.unit_roundoff, instance.step_size)
    (step,) = differences(instance.problem, arrays.arrays, instance.step_size)
    due = floats(paper_direction(instance.problem))
    name = "J^+ r" if instance.problem.approximation == "blocks" else "N ((S^T S)^+ (x) (X^T X)^+) J^T r"
    return [
        frozen_stay(instance.problem, arrays.arrays),
        within_rounding(f"||(W - W')/eta - {name}||", float(np.linalg.norm(step - due)), allowed),
    ]


def damped(d: Description, library: Library) -> Solving:
    """Beyond: a little damping for the pseudo-inverse."""
    return build(d, library, 1e-4)


def _descriptions(approximation: str) -> Callable[[], SearchStrategy[Mapping[str, Any]]]:
    parts: dict[str, SearchStrategy[Any]] = {
        "neurons": st.sampled_from((4, 1)),
        "data": st.sampled_from((1, 2, 3)),
        "width": st.sampled_from((2, 1, 3)),
        "approximation": st.just(approximation),
        "single": st.booleans(),
        "seed": st.integers(0, 2**16),
    }
    return lambda: described(parts)


def _source(id: str, title: str, approximation: str, make: Build = build) -> Source:
    small = {"neurons": 4, "data": 1, "width": 2, "approximation": approximation, "single": False, "seed": 0}
    first = [{**small, "data": n, "seed": s, "single": single} for single in (False, True) for n, s in ((1, 0), (2, 1))]
    return Source(id, title, make, _descriptions(approximation), tuple(first), (8, 450, 2000))


L_PAPER = Statement(
    "L-paper",
    ": on the paper's network the undamped step is eta J^+ r with dense blocks, N eta ((S^T S)^+ (x) (X^T X)^+) J^T r with factors",
    "16",
    sources=(
        _source("natural gradient", "the paper's network, dense blocks", "blocks"),
        _source("K-FAC", "the paper's network, factors", "expand"),
    ),
    hypotheses=judged_update,  # type: ignore[arg-type]
    conclusion=is_the_paper_step,  # type: ignore[arg-type]
    faults=("without-effect", "batch-cubed", "mean-gradients"),
    borders=(_source("damped", "damping 1e-4 for the pseudo-inverse", "expand", damped),),
)

STATEMENTS = (L_PAPER,)
