"""What is said of a refuted library: the smallest problem, what came back, what was due, and the wrong program that does the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from properties.conformance import faults
from properties.conformance.claims.state import Running
from properties.conformance.instances import Curvature, Instance, due_matrix, refuted, setting_of
from properties.conformance.library import Library
from properties.conformance.statement import Statement
from properties.conformance.steps import Arrays, Solving
from properties.engine.claim import Evaluation, Verdict
from properties.engine.report.causes import CAUSE
from theory.conformance.problem import Problem

PRINTED = 40
"""Arrays with more entries are told by their shapes."""

LONGEST = 240
"""Characters of a line."""

MOST = 4
"""Causes that are told."""

CLOSE = 2.0**-20
"""Relative difference within which an answer is called that of a wrong program: a hint, and no verdict rests on it."""


def explanation(statement: Statement, evaluation: Evaluation) -> list[str]:
    """At most a screen: the problem, the matrices where something differs, and a sentence of every cause that fits."""
    instance: Instance = evaluation.instance
    lines = [*problem_lines(instance), *answer_lines(instance, evaluation)]
    causes = [f"{CAUSE}{sentence}" for sentence in cause_sentences(statement, instance)]
    return [line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..." for line in [*lines, *causes]]


def problem_lines(instance: Instance) -> Iterator[str]:
    """What the library was given."""
    problem = instance.problem
    yield f"network: {problem.text()}"
    extra = [
        f"loss {problem.loss}",
        f"reduction {problem.reduction}",
        f"Fisher {problem.fisher}",
        f"approximation {problem.approximation}",
    ]
    if isinstance(instance, Solving):
        extra += [f"damping {instance.damping:g}", f"kind {instance.kind}", f"step_size {instance.step_size:g}"]
    if isinstance(instance, Running):
        extra += [f"options {dict(instance.options())}"]
    yield f"with: {', '.join(extra)}, {'float32' if problem.single else 'float64'}"
    for p, W in enumerate(problem.parameters):
        yield f"parameters[{p}] = {shown(W)}"
    yield f"inputs = {listed(problem.inputs)}"
    yield f"targets = {listed(problem.targets)}"
    if isinstance(instance, Solving) and instance.arrays and instance.note not in ("update",):
        yield f"vectors = {listed(instance.arrays)}"
    if instance.other is not None:
        yield f"and the same with {_difference(problem, instance.other)}"


def _difference(problem: Problem, other: Problem) -> str:
    found = []
    for one in dataclasses.fields(problem):
        a, b = getattr(problem, one.name), getattr(other, one.name)
        if one.name in ("inputs", "targets", "parameters"):
            if len(a) != len(b) or any(not np.array_equal(x, y) for x, y in zip(a, b, strict=True)):
                found.append(f"{one.name} = {listed(b)}")
        elif one.name == "stages":
            if a != b:
                found.append(f"network: {other.text()}")
        elif a != b:
            found.append(f"{one.name} = {b!r}")
    return ", ".join(found)


def answer_lines(instance: Instance, evaluation: Evaluation) -> Iterator[str]:
    """What came back and what was due."""
    if isinstance(instance, Running):
        yield f"run returned {str(instance.answer_of_run.value)[:LONGEST]}"
        return
    if isinstance(instance, Solving):
        yield from _solve_lines(instance)
        return
    found = instance.answer
    for one in [found] if instance.other is None else [found, instance.other_answer]:
        if one.problem or not one.matrices:
            if one.answer.where:
                yield f"raised at: {one.answer.where}"
            return
    violated = [bound.label for bound in evaluation.bounds if bound.verdict is Verdict.REFUTED]
    piece_number = next(
        (
            i
            for i, piece in enumerate(found.pieces)
            if any(f"of parameter {piece.parameter}" in label for label in violated)
        ),
        0,
    )
    piece = found.pieces[piece_number]
    for name, array in zip(
        ("G", "A", "D") if len(found.raw[piece_number]) > 1 else ("block",), found.raw[piece_number], strict=False
    ):
        yield f"returned {name} of parameter {piece.parameter} = {shown(array)}"
    if instance.other is not None:
        yield f"returned M of the other problem = {shown(instance.other_answer.matrices[piece_number])}"
        return
    due, _, _ = due_matrix(instance.due, piece, setting_of(instance.problem))
    block, _, _ = due_matrix(instance.due, piece, "block")
    yield (
        f"due: G (x) A = {shown(due)}"
        if np.array_equal(due, block) or instance.problem.fisher != "exact"
        else f"due: the block {shown(block)}"
    )


def _solve_lines(instance: Solving) -> Iterator[str]:
    update = "moved" in instance.__dict__
    arrays = instance.moved[1] if update else instance.calls[0]
    if arrays.problem:
        answer = instance.moved[0] if update else instance.answers[0]
        if answer.where:
            yield f"raised at: {answer.where}"
        return
    yield f"returned = {listed(arrays.arrays)}"
    for piece, matrix in instance.parts.matrices.items():
        if not update and matrix.regular:
            v = instance.parts.part(instance.arrays, piece)
            from theory.conformance.curvature import floats

            yield f"due for parameter {piece.parameter}: {shown(np.linalg.solve(floats(matrix.matrix), v.reshape(-1)).reshape(v.shape))}"
        elif update:
            step, _ = instance.parts.step(piece, 2.0**-53, instance.step_size)
            yield f"due step (theta - theta')/eta of parameter {piece.parameter}: {shown(step)}"


def shown(array: Any) -> str:
    """An array as text."""
    a = np.asarray(array)
    return f"an array of shape {a.shape}" if a.size > PRINTED else str((a.astype(np.float64) + 0.0).tolist())


def listed(arrays: Sequence[Any]) -> str:
    """Several of them."""
    return f"[{', '.join(shown(a) for a in arrays)}]"


# --- causes ----------------------------------------------------------------------------------------------------------


def cause_sentences(statement: Statement, instance: Instance) -> list[str]:
    """The wrong programs that answer as the library does, here and on every instance that each run has of the claim.

    Without any, what is wrong with its answer where that is no array of numbers: what it raised, or of which shape it was.
    """
    library = instance.library
    if _keeps_state(instance):
        said = "the same solve has another answer at the second call: something is kept between calls"
        return [f"{said}, as the wrong program damping-accumulates does (fault 4)"]
    mine = outcome(instance)
    fitting = [fault for fault in faults.FAULTS.values() if _does_so(statement, fault, instance, mine)]
    panel = [(source, d) for source in statement.sources for d in source.first]
    for source, description in panel:
        if not fitting:
            break
        description = source.offered(description, library)
        asked = source.build(description, library)
        if not _judged(statement, asked):
            continue
        due = outcome(asked)
        fitting = [f for f in fitting if same(due, outcome(source.build(description, _program(f))))]
    return [_sentence(fault) for fault in fitting[:MOST]] or (
        [f"no answer that can be judged: {mine[0]}"] if mine[0] else []
    )


def _sentence(fault: faults.Fault) -> str:
    number = f" (fault {fault.number})" if fault.number else ""
    return f"does what the wrong program {fault.id} does{number}: {fault.title}"


def _does_so(statement: Statement, fault: faults.Fault, instance: Instance, mine: Outcome) -> bool:
    """Whether a wrong program answers so, and is wrong in that: it may have another convention, in which it is right."""
    other = _of(instance, _program(fault))
    return same(mine, outcome(other)) and refuted(statement.conclusion(other))


def _keeps_state(instance: Instance) -> bool:
    """Whether both solves of an instance have an answer, and not the same."""
    if not isinstance(instance, Solving) or "answers" not in instance.__dict__:
        return False
    first, second = instance.calls
    if first.problem or second.problem:
        return False
    return not same(("", first.arrays), ("", second.arrays))


def _judged(statement: Statement, instance: Instance) -> bool:
    return all(h.verdict is Verdict.HOLDS for h in statement.hypotheses(instance))


def _program(fault: faults.Fault) -> Library:
    return Library.of(f"wrong program {fault.id}", fault.program())


def _of(instance: Instance, library: Library) -> Instance:
    return dataclasses.replace(instance, library=library)


Outcome = tuple[str, tuple[Any, ...]]


def outcome(instance: Instance) -> Outcome:
    """What is wrong with the answers as text, or their arrays."""
    if isinstance(instance, Running):
        parts: list[Any] = [s.parameters for s in instance.states]
        parts += [s.curvature for s in instance.states if s.curvature is not None]
        wrong = [s.problem for s in instance.states if s.problem]
        dampings = tuple(np.array([s.damping]) for s in instance.states)
        return (wrong[0], ()) if wrong else ("", (*dampings, *_arrays(parts)))
    if isinstance(instance, Solving):
        if instance.note in ("update", "scale", "sum") or not instance.arrays or "Omega" in instance.note:
            parts = [instance.moved[1], *([] if instance.other is None else [instance.other_moved[1]])]
        else:
            parts = list(instance.calls)
    else:
        parts = [instance.answer, *([] if instance.other is None else [instance.other_answer])]
    wrong = [part.problem for part in parts if part.problem]
    return (wrong[0], ()) if wrong else ("", _arrays(parts))


def _arrays(parts: Sequence[Any]) -> tuple[Any, ...]:
    found: list[Any] = []
    for part in parts:
        found += part.matrices if isinstance(part, Curvature) else part.arrays if isinstance(part, Arrays) else ()
    return tuple(found)


def same(mine: Outcome, other: Outcome) -> bool:
    """Whether two outcomes agree but for rounding."""
    if mine[0] or other[0]:
        return mine[0] == other[0]
    if [a.shape for a in mine[1]] != [b.shape for b in other[1]]:
        return False
    largest = max((float(np.abs(b).max(initial=0)) for b in other[1]), default=0.0)
    return all(
        float(np.abs(a - b).max(initial=0)) <= CLOSE * (largest + 1e-300)
        for a, b in zip(mine[1], other[1], strict=True)
    )
