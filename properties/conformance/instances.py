"""What is judged: a problem, a library, and what the library is asked for; its answers as matrices beside those that are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from properties.conformance.library import Answer, Library
from properties.engine.claim import Bound, Hypothesis, Verdict, require, technical, within_rounding
from properties.engine.stable_names import stored_as
from theory.conformance.curvature import Due
from theory.conformance.damping import Piece, pieces, places_of
from theory.conformance.problem import Problem, Stage
from theory.inputs import FloatArray

stored_as("stage")(Stage)
stored_as("conformance-problem")(Problem)

LARGEST_RELATIVE = 0.125
"""Rounding that may change an entry by more than so much of its absolute value says nothing."""


@stored_as("conformance-instance")
@dataclass(frozen=True)
class Instance:
    """A problem, what the library is asked about it, and another problem where two are compared."""

    problem: Problem
    library: Library
    judged: tuple[int, ...] = ()
    """The parameters that the claim speaks of; empty for all that are trained."""
    damping: float = 0.0
    kind: str = "product"
    step_size: float = 1.0
    other: Problem | None = None
    note: str = ""
    """Which case of the claim it is."""
    numbers: tuple[float, ...] = ()
    """What else the case depends on."""
    arrays: tuple[FloatArray, ...] = ()

    @cached_property
    def due(self) -> Due:
        """The reference."""
        return Due(self.problem)

    @cached_property
    def other_due(self) -> Due:
        """That of the other problem."""
        assert self.other is not None
        return Due(self.other)

    @cached_property
    def apart(self) -> bool:
        """Whether biases have blocks of their own."""
        return self.library.declared("bias") == "apart"

    @cached_property
    def answer(self) -> Curvature:
        """The curvature that the library gives."""
        return curvature_of(self.library, self.problem)

    @cached_property
    def other_answer(self) -> Curvature:
        """That of the other problem."""
        assert self.other is not None
        return curvature_of(self.library, self.other)

    def speaks_of(self, parameter: int) -> bool:
        """Whether the claim speaks of a parameter."""
        return not self.judged or parameter in self.judged


@dataclass(frozen=True)
class Curvature:
    """What came back for the curvature: a matrix for each piece."""

    answer: Answer
    pieces: tuple[Piece, ...] = ()
    matrices: tuple[FloatArray, ...] = ()
    problem: str = ""
    unit_roundoff: float = 2.0**-53
    """u of the coarsest type among the problem's and what came back."""
    raw: tuple[Any, ...] = field(default=(), repr=False)
    """The entries as they came."""


def curvature_of(library: Library, problem: Problem) -> Curvature:
    """Ask for the curvature, and make a matrix of every entry."""
    answer = library.ask("curvature", problem)
    parts = tuple(pieces(problem, library.declared("bias") == "apart"))
    if answer.missing or answer.problem:
        return Curvature(answer, parts, problem=answer.problem, unit_roundoff=problem.unit_roundoff)
    return read_curvature(answer, problem, parts)


def read_curvature(answer: Answer, problem: Problem, parts: tuple[Piece, ...]) -> Curvature:
    """The matrices of an answer, or what is wrong with it."""

    def wrong(text: str) -> Curvature:
        return Curvature(answer, parts, problem=text, unit_roundoff=problem.unit_roundoff)

    try:
        entries = list(answer.value)
    except TypeError:
        return wrong(f"curvature returned a {type(answer.value).__name__}, not a list of factors or blocks")
    if len(entries) != len(parts):
        return wrong(
            f"curvature returned {len(entries)} entries for {len(parts)} blocks (one for each trained parameter)"
        )
    u, found, raw = problem.unit_roundoff, [], []
    for piece, entry in zip(parts, entries, strict=True):
        rows, columns = len(problem.parameters[piece.parameter]), len(piece.columns)
        given = entry if isinstance(entry, tuple | list) else (entry,)
        arrays = [np.asarray(one) for one in given]
        shapes = {
            1: [(rows * columns,) * 2],
            2: [(rows,) * 2, (columns,) * 2],
            3: [(rows,) * 2, (columns,) * 2, (rows, columns)],
        }
        due = shapes.get(len(arrays))
        if due is None or [a.shape for a in arrays] != due:
            said = " and ".join(str(a.shape) for a in arrays)
            wanted = "(d_out, d_out) and (d_in, d_in)" if len(arrays) == 2 else "the square of the block's size"
            return wrong(
                f"of parameter {piece.parameter} ({rows} x {columns}) curvature returned the shapes {said}, not {wanted}"
            )
        if any(a.dtype.kind != "f" or not np.isfinite(a).all() for a in arrays):
            return wrong(f"of parameter {piece.parameter} curvature returned entries that are not finite real numbers")
        u = max([u, *(float(np.finfo(a.dtype).eps) / 2 for a in arrays)])
        wide = [a.astype(np.float64) for a in arrays]
        raw.append(tuple(wide))
        found.append(_matrix(wide))
    return Curvature(answer, parts, tuple(found), unit_roundoff=u, raw=tuple(raw))


def _matrix(arrays: list[FloatArray]) -> FloatArray:
    if len(arrays) == 1:
        return arrays[0]
    if len(arrays) == 2:
        return np.asarray(np.kron(*arrays))
    basis = np.kron(arrays[0], arrays[1])
    return np.asarray(basis * arrays[2].reshape(-1) @ basis.T)


def due_matrix(due: Due, piece: Piece, what: str) -> tuple[FloatArray, FloatArray, float]:
    """What is due in a piece, the same of absolute values, and the slack: of the block, or of the product in a setting."""
    shape = due.problem.parameters[piece.parameter].shape
    places = np.array(places_of(shape[0], shape[1], piece.columns))
    of = [
        r.block(piece.parameter) if what == "block" else r.product(piece.parameter, what)
        for r in (due.exact, due.magnitude)
    ]
    slack = float(int(of[0].slack.p) / int(of[0].slack.q)) if of[0].slack else 0.0
    return of[0].floats[np.ix_(places, places)], of[1].floats[np.ix_(places, places)], slack


def setting_of(problem: Problem) -> str:
    """Which reference the approximation of a problem has."""
    return "block" if problem.approximation in ("blocks", "ekfac") else problem.approximation


# --- hypotheses ------------------------------------------------------------------------------------------------------


def offered(answer: Answer) -> Hypothesis:
    """What the library has not is not judged."""
    return technical(
        require(
            f"the library has it ({answer.missing})" if answer.missing else "the library has it",
            -1.0 if answer.missing else 1.0,
        )
    )


def decided(due: Due, unit_roundoff: float) -> list[Hypothesis]:
    """What rounding leaves of a problem: it is judged where entries are known to an eighth, and no ReLU may go either way."""
    room = LARGEST_RELATIVE - due.rounding(unit_roundoff)
    return [
        technical(require("rounding leaves an answer", room)),
        technical(
            require(
                "no pre-activation of a ReLU is 0, to rounding", 1.0 if due.patterns_decided(unit_roundoff) else -1.0
            )
        ),
    ]


def judged_curvature(instance: Instance) -> Sequence[Hypothesis]:
    """The hypotheses of claims on the curvature of one problem, or of two."""
    answers = [instance.answer] if instance.other is None else [instance.answer, instance.other_answer]
    for found in answers:
        if found.answer.missing:
            return [offered(found.answer)]
    dues = [instance.due] if instance.other is None else [instance.due, instance.other_due]
    u = max(found.unit_roundoff for found in answers)
    return [offered(answers[0].answer), *(h for due in dues for h in decided(due, u))]


# --- bounds ----------------------------------------------------------------------------------------------------------


def broken(text: str) -> Bound:
    """An answer that is none."""
    return within_rounding(text, float("inf"), 0.0)


def entrywise(label: str, found: FloatArray, due: FloatArray, allowed: FloatArray) -> Bound:
    """``|found - due| <= allowed`` in every entry; the one that comes nearest to it, or goes furthest beyond, is told."""
    difference = np.abs(found - due)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(difference == 0, 0.0, difference / allowed)
    place = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    where = ", ".join(str(int(i)) for i in place)
    return within_rounding(f"{label}, entry ({where})", float(difference[place]), float(allowed[place]))


def allowance(due: Due, size: FloatArray, found: FloatArray, slack: float, unit_roundoff: float) -> FloatArray:
    """How far each entry may be off: rounding in the library, in the product made here, and the reference's own slack."""
    made_here = 2.0**-50 * (np.abs(found) + size) * (found != 0)
    return np.asarray(due.rounding(unit_roundoff) * size + made_here + slack * 2)


def refuted(bounds: Sequence[Bound]) -> bool:
    """Whether one of them is."""
    return any(bound.verdict is Verdict.REFUTED for bound in bounds)
