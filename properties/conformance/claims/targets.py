"""What targets have to do with curvature: L-type2 (nothing, where H has not) and L-empirical (docs/conformance.md, 8 and 9)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from properties.conformance.claims.convolution import same_matrices
from properties.conformance.instances import (
    Instance,
    allowance,
    broken,
    curvature_of,
    due_matrix,
    entrywise,
    judged_curvature,
    setting_of,
)
from properties.conformance.library import Library
from properties.conformance.networks import Description, problem_of, simple
from properties.conformance.statement import Statement, both, source
from properties.engine.claim import Bound, Evidence, Verdict, at_most
from theory.conformance.damping import places_of
from theory.conformance.problem import Problem
from theory.inputs import FloatArray

SAMPLES = 1024

TAIL = 30.0
"""Of chi-square forms: each side is exceeded with probability ``exp(-30)``, 1e-13, at most."""


def other_targets(d: Description, library: Library) -> Instance:
    """A problem, and the same with other targets."""
    problem = problem_of(d)
    other = {"softmax": [np.roll(y, 1, 1) for y in problem.targets], "logistic": [1 - y for y in problem.targets]}
    moved = other.get(problem.loss, [y + 5 for y in problem.targets])
    return Instance(problem, library, other=problem.changed(targets=tuple(moved)), note="targets")


def class_weights(d: Description, library: Library) -> Instance:
    """Beyond: the loss of a datum is multiplied by a weight of its class, 1, 2, ..."""
    return _weighed(other_targets({**d, "loss": "softmax"}, library), lambda y: 1.0 + float(y.argmax()))


def ignored_labels(d: Description, library: Library) -> Instance:
    """Beyond: of two or more data those of the first class do not count."""
    found = other_targets({**d, "loss": "softmax"}, library)
    first = np.eye(found.problem.outputs)[:1]
    targets = (first, *(np.roll(first, 1, 1) for _ in found.problem.targets[1:]))
    problem = found.problem.changed(targets=targets)
    other = problem.changed(targets=tuple(np.roll(y, 1, 1) for y in targets[:1]) + targets[1:])
    return _weighed(Instance(problem, library, other=other, note="targets"), lambda y: float(y.argmax() > 0))


def _weighed(instance: Instance, weight: Callable[[FloatArray], float]) -> Instance:
    assert instance.other is not None
    one, two = (
        problem.changed(weights=tuple(weight(y) for y in problem.targets))
        for problem in (instance.problem, instance.other)
    )
    return dataclasses.replace(instance, problem=one, other=two)


def empirical(d: Description, library: Library) -> Instance:
    """Beyond: the empirical Fisher matrix with other targets."""
    found = other_targets(d, library)
    assert found.other is not None
    changed = {"fisher": "empirical"}
    return dataclasses.replace(found, problem=found.problem.changed(**changed), other=found.other.changed(**changed))


def uneven_odds(d: Description, library: Library) -> Instance:
    """Beyond: four draws at odds that are not even."""
    problem = problem_of({**d, "loss": "logistic"})
    sampled = problem.changed(fisher="sampled", samples=4, seed=d["seed"])
    return Instance(sampled, library, judged=(len(problem.parameters) - 1,), note="even odds")


def even_odds(d: Description, library: Library) -> Instance:
    """The logistic loss at outputs that are 0: every draw has the square 1/4, so that nothing is left to chance in a row of outputs."""
    problem = problem_of({**d, "loss": "logistic"})
    weights = (*problem.parameters[:-1], np.zeros_like(problem.parameters[-1]))
    last = len(weights) - 1
    sampled = problem.changed(parameters=weights, fisher="sampled", samples=4, seed=d["seed"])
    return Instance(sampled, library, judged=(last,), note="even odds")


def many_draws(d: Description, library: Library) -> Instance:
    """A squared loss with many draws for each term."""
    problem = problem_of(d).changed(fisher="sampled", samples=SAMPLES, seed=d["seed"])
    return Instance(problem, library, note="draws")


def independent_of_targets(instance: Instance) -> Sequence[Bound]:
    """The same matrices with other targets; the diagonal blocks of each output at even odds; a form of many draws is bounded apart."""
    if instance.note == "targets":
        return same_matrices(instance)
    if instance.answer.problem:
        return [broken(instance.answer.problem)]
    if instance.note == "draws":
        return [at_most("entries are finite", 0.0, 0.0, 0.0)]
    bounds = []
    for piece, M in zip(instance.answer.pieces, instance.answer.matrices, strict=True):
        if not instance.speaks_of(piece.parameter):
            continue
        due, size, slack = due_matrix(instance.due, piece, setting_of(instance.problem))
        rows = len(instance.problem.parameters[piece.parameter])
        mask = np.kron(np.eye(rows), np.ones((len(piece.columns),) * 2))
        allowed = allowance(instance.due, size, M, slack, instance.answer.unit_roundoff)
        bounds.append(
            entrywise(
                f"|M - G (x) A| of parameter {piece.parameter}, each output by itself", M * mask, due * mask, allowed
            )
        )
    return bounds


def chi_square_form(instance: Instance, trials: Any) -> Sequence[Bound]:
    """``v^T M v`` of one draw against its law ``sum w_j chi^2_1`` (Laurent and Massart 2000, lemma 1), for every parameter."""
    if instance.note != "draws" or instance.answer.problem:
        return []
    problem = instance.problem.changed(seed=int(trials.rng.integers(2**31)))
    answer = curvature_of(instance.library, problem)
    if answer.problem:
        return [broken(answer.problem)]
    bounds: list[Bound] = []
    for piece, M in zip(answer.pieces, answer.matrices, strict=True):
        if len(bounds) == 2:
            break
        weights, v, scale = form_weights(instance, piece.parameter, piece.columns)
        w = np.array(weights) / SAMPLES
        many = np.repeat(w, SAMPLES)
        mean, spread = many.sum(), float(np.sqrt((many**2).sum()))
        above, below = 2 * spread * math.sqrt(TAIL) + 2 * many.max() * TAIL, 2 * spread * math.sqrt(TAIL)
        measured = float(v @ M @ v)
        rounding = float(instance.due.rounding(answer.unit_roundoff)) * scale
        difference = measured - mean
        share = above if difference > 0 else below
        excess = abs(difference) / share if share > 0 else float(abs(difference) > rounding)
        verdict = (
            Verdict.REFUTED if abs(difference) > (above if difference > 0 else below) + rounding else Verdict.HOLDS
        )
        label = f"deviation of v^T M v from its mean {mean:.6g}, parameter {piece.parameter}, {SAMPLES} draws a term, as a share of what has probability exp(-{TAIL:g})"
        bounds.append(Bound(label, float(excess), 1.0, 0.0, verdict, Evidence.ESTIMATED))
    return bounds


def form_weights(instance: Instance, parameter: int, columns: Sequence[int]) -> tuple[list[float], FloatArray, float]:
    """Weights of the squares in ``v^T G_MC (x) A v`` for v = e (x) f: those of ``e^T G e`` times ``f^T A f``; v; a size for rounding."""
    problem, due = instance.problem, instance.due
    rows, all_columns = problem.parameters[parameter].shape
    _, A = due.exact.factors(parameter, problem.approximation)
    e, f = np.eye(rows)[0], np.eye(all_columns)[columns[0]]
    sizes = [r.product(parameter, problem.approximation).floats for r in (due.exact, due.magnitude)]
    weights = due.exact.form(parameter, problem.approximation, 0)
    inner = float(f @ A.floats @ f)
    places = np.array(places_of(rows, all_columns, tuple(columns)))
    v = np.kron(e, f)[places]
    return [w * inner for w in weights], v, float(np.abs(sizes[1]).sum())


L_TYPE2 = Statement(
    "L-type2",
    ": exact curvature does not depend on targets, and drawn labels give the same on average",
    "8",
    sources=(
        source(
            "other targets",
            "the same problem with other targets",
            both(
                simple(),
                simple(net="deep", activation="relu", data=2, bias=True, loss="softmax"),
                simple(data=2, loss="logistic"),
            ),
            build=other_targets,
            net=("linear", "deep", "pooled"),
            loss=("half squared", "squared", "softmax", "logistic"),
            approximation=("expand", "reduce", "blocks"),
            examples=(6, 300, 1500),
        ),
        source(
            "even odds",
            "labels drawn at even odds",
            both(
                simple(outputs=1),
                simple(outputs=2),
                simple(outputs=2, data=2, reduction="outputs"),
                simple(net="deep", outputs=2, data=2),
            ),
            build=even_odds,
            net=("linear", "deep"),
            activation=("identity", "relu"),
            loss=("logistic",),
            examples=(4, 180, 900),
        ),
        source(
            "draws",
            "labels drawn from the model of a squared loss, 1024 for every term",
            both(simple(outputs=2), simple(outputs=2, data=2, reduction="outputs"), simple(outputs=3, loss="squared")),
            build=many_draws,
            net=("linear", "deep"),
            activation=("identity",),
            data=(1, 2),
            examples=(2, 60, 300),
        ),
    ),
    hypotheses=judged_curvature,
    conclusion=independent_of_targets,
    sampled=chi_square_form,
    faults=("sampled-by-outputs", "divided-by-data", "empirical-for-exact"),
    borders=(
        source("class weights", "softmax with weights of the classes", both(simple(loss="softmax")), build=class_weights, loss=("softmax",)),
        source("ignored labels", "softmax with a class that does not count", both(simple(data=2, loss="softmax")), build=ignored_labels, loss=("softmax",), data=(2, 3)),
        source("empirical", "the empirical Fisher matrix", both(simple()), build=empirical),
        source("uneven odds", "four labels drawn at odds that are not even", both(simple(outputs=2)), build=uneven_odds, net=("linear", "deep"), loss=("logistic",)),
    ),
)  # fmt: skip


# --- the empirical Fisher matrix -------------------------------------------------------------------------------------


def factor_of(library: Library, problem: Problem) -> float:
    """What the meaning that the library declares multiplies the empirical Fisher matrix by; all terms have one coefficient."""
    c = problem.coefficient(0)
    return {"terms": 1.0, "scaled": float(int(c.p) / int(c.q)), "mean": 1.0 / problem.outputs}[
        library.declared("empirical")
    ]


ROWS = {
    1: np.array([[1.0, 1.0], [1.0, -1.0]]),
    2: np.array([[1.0, 1.0, 0.0, 0.0], [-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, -1.0, 1.0]]),
}
"""By h: R with ``R^T R = (m/h) I``, m its rows."""


def with_residuals(problem: Problem, residuals: FloatArray) -> Problem:
    """The problem with targets ``u - r``: u is rational, and a float64 number here."""
    from theory.conformance.curvature import Reference

    outputs = Reference(problem).outputs
    return problem.changed(targets=tuple(u - r for u, r in zip(outputs, residuals, strict=True)))


def one_output(d: Description, library: Library) -> Instance:
    """E1: one output, residuals of +1 and -1."""
    problem = problem_of({**d, "outputs": 1, "loss": "half squared"})
    signs = np.where(np.arange(len(problem.inputs)) % 2, -1.0, 1.0)
    return Instance(with_residuals(problem, signs[:, None, None]).changed(fisher="empirical"), library, note="E1")


def repeated(d: Description, library: Library) -> Instance:
    """E2: each input with all rows of R for residuals."""
    h = 2 if d["loss"] == "squared" else 1
    R = ROWS[h][:, : min(d["outputs"], len(ROWS[h]))]
    problem = problem_of({**d, "outputs": R.shape[1]})
    inputs = tuple(x for x in problem.inputs for _ in R)
    many = problem.changed(inputs=inputs, targets=tuple(y for y in problem.targets for _ in R))
    residuals = np.concatenate([R] * len(problem.inputs))[:, None, :]
    return Instance(with_residuals(many, residuals).changed(fisher="empirical"), library, note="E2")


def distinct(d: Description, library: Library) -> Instance:
    """E3: other inputs, affine maps after the layer, residuals the rows of R."""
    h = 2 if d["loss"] == "squared" else 1
    R = ROWS[h][:, : min(d["outputs"], len(ROWS[h]))]
    problem = problem_of({**d, "outputs": R.shape[1], "data": len(R)})
    return Instance(with_residuals(problem, R[:, None, :]).changed(fisher="empirical"), library, note="E3")


def one_datum(d: Description, library: Library) -> Instance:
    """E4: one datum, whatever its residual is."""
    return Instance(problem_of(d).changed(fisher="empirical"), library, note="E4")


def two_data(d: Description, library: Library) -> Instance:
    """Beyond E4: factors of two data."""
    return one_datum({**d, "data": 2}, library)


def fewer_rows(d: Description, library: Library) -> Instance:
    """Beyond: as many residuals as there are data, of a sum that is none."""
    found = distinct(d, library)
    last = found.problem.changed(inputs=found.problem.inputs[:-1], targets=found.problem.targets[:-1])
    return Instance(last, library, note="E3")


def signs_with_squared(d: Description, library: Library) -> Instance:
    """Beyond: residuals of +1 and -1 with ``||u-y||^2``."""
    problem = problem_of({**d, "outputs": 1, "loss": "squared"})
    return Instance(
        with_residuals(problem, np.ones((len(problem.inputs), 1, 1))).changed(fisher="empirical"), library, note="E1"
    )


def is_gauss_newton(instance: Instance) -> Sequence[Bound]:
    """The empirical matrix is the exact one: of blocks E1 and E2, of Kronecker factors E3 too; in E4 it is ``c J^T g g^T J``."""
    answer = instance.answer
    if answer.problem:
        return [broken(answer.problem)]
    outer = instance.note == "E4"
    wanted = instance.due if outer else Instance(instance.problem.changed(fisher="exact"), instance.library).due
    factor = factor_of(instance.library, instance.problem)
    bounds, setting = [], "block" if outer else setting_of(instance.problem)
    for piece, M in zip(answer.pieces, answer.matrices, strict=True):
        due, size, slack = due_matrix(wanted, piece, setting)
        _, larger, _ = due_matrix(instance.due, piece, setting)
        size = larger if outer else size + larger
        allowed = allowance(instance.due, factor * size, M, slack, answer.unit_roundoff)
        name = "c J^T g g^T J" if outer else "M_exact"
        bounds.append(
            entrywise(f"|M_empirical - {factor:g} {name}| of parameter {piece.parameter}", M, factor * due, allowed)
        )
    return bounds


EMPIRICAL: dict[str, Any] = {"reduction": ("batch", "sum", "outputs")}

L_EMPIRICAL = Statement(
    "L-empirical",
    ": where residuals r have the mean of r r^T equal to I/h, the empirical Fisher matrix is the Gauss-Newton matrix; "
    "of one datum it is c J^T g g^T J, whatever r is",
    "9",
    sources=(
        source(
            "one output",
            "one output, residuals +1 and -1, any network",
            both(simple(), simple(data=2), simple(net="deep", activation="relu", data=2, bias=True, approximation="blocks")),
            build=one_output,
            net=("linear", "deep"),
            activation=("identity", "relu"),
            approximation=("expand", "blocks"),
            examples=(5, 220, 1000),
            **EMPIRICAL,
        ),
        source(
            "repeated inputs",
            "each input with all rows of a matrix of orthogonal columns for residuals",
            both(simple(outputs=2), simple(outputs=2, reduction="outputs"), simple(net="deep", outputs=2, activation="relu", loss="squared", approximation="blocks")),
            build=repeated,
            net=("linear", "deep"),
            activation=("identity", "relu"),
            data=(1, 2),
            approximation=("expand", "blocks"),
            examples=(5, 200, 1000),
            **EMPIRICAL,
        ),
        source(
            "distinct inputs",
            "other inputs, affine maps after the layer, factors",
            both(simple(outputs=2), simple(net="deep", outputs=2, loss="squared", bias=True)),
            build=distinct,
            net=("linear", "deep"),
            activation=("identity",),
            examples=(5, 180, 900),
            **EMPIRICAL,
        ),
        source(
            "one datum",
            "one datum with any residual",
            both(simple(outputs=2), simple(outputs=2, approximation="blocks"), simple(net="deep", outputs=2, loss="softmax", activation="tanh", bias=True)),
            build=one_datum,
            net=("linear", "deep"),
            data=(1,),
            loss=("half squared", "squared", "softmax"),
            approximation=("expand", "blocks"),
            examples=(5, 160, 800),
            **EMPIRICAL,
        ),
    ),
    hypotheses=judged_curvature,
    conclusion=is_gauss_newton,
    faults=("divided-by-data", "empirical-by-batch", "squared-mean-gradient", "empirical-diagonal"),
    borders=(
        source("two data", "factors of two data with any residuals", both(simple(net="deep", activation="relu", outputs=2, hidden=3, seed=1)), build=two_data, net=("deep",), activation=("relu",), outputs=(2,)),
        source("signs with the square", "residuals +1 and -1 with the loss (u-y)^2", both(simple()), build=signs_with_squared),
        source("fewer rows", "fewer residuals than the matrix has rows", both(simple(outputs=2)), build=fewer_rows, outputs=(2,)),
        source("distinct inputs, dense", "the dense block of other inputs", both(simple(outputs=2, approximation="blocks")), build=distinct, outputs=(2,), approximation=("blocks",)),
    ),
)  # fmt: skip

STATEMENTS = (L_TYPE2, L_EMPIRICAL)
