"""Solves and updates of a library beside what is due: forward differences within what rounding may do to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from properties.conformance.instances import LARGEST_RELATIVE, Instance, broken, decided, offered
from properties.conformance.library import Answer
from properties.engine.claim import Bound, Hypothesis, equal_exactly, require, technical, within_rounding
from properties.engine.stable_names import stored_as
from theory.conformance.curvature import Due
from theory.conformance.damping import Damped, Piece, damped, direction, norm, piece_gradient, pieces
from theory.conformance.problem import Problem
from theory.inputs import FloatArray


@dataclass(frozen=True)
class Arrays:
    """A list of arrays that came back."""

    arrays: tuple[FloatArray, ...] = ()
    problem: str = ""
    unit_roundoff: float = 2.0**-53


def read_arrays(answer: Answer, shapes: Sequence[tuple[int, ...]], problem: Problem, what: str) -> Arrays:
    """The arrays of an answer, or what is wrong with them."""
    u = problem.unit_roundoff
    if answer.problem or answer.missing:
        return Arrays(problem=answer.problem, unit_roundoff=u)
    try:
        found = [np.asarray(one) for one in answer.value]
    except (TypeError, ValueError):
        return Arrays(problem=f"{what} returned a {type(answer.value).__name__}, not a list of arrays", unit_roundoff=u)
    given = [a.shape for a in found]
    if given != list(shapes):
        return Arrays(problem=f"{what} returned the shapes {given}, not {list(shapes)}", unit_roundoff=u)
    if any(a.dtype.kind != "f" or not np.isfinite(a).all() for a in found):
        return Arrays(problem=f"{what} returned entries that are not finite real numbers", unit_roundoff=u)
    u = max([u, *(float(np.finfo(a.dtype).eps) / 2 for a in found)])
    return Arrays(tuple(a.astype(np.float64) for a in found), unit_roundoff=u)


def learned_shapes(problem: Problem) -> list[tuple[int, ...]]:
    """Shapes of the trained parameters."""
    return [problem.parameters[p].shape for p in problem.learned]


class Pieces:
    """The damped matrices of a problem, piece by piece."""

    def __init__(self, due: Due, bias_apart: bool, damping: float, kind: str) -> None:
        """For one damping; what pi is not defined for is not there."""
        self.due = due
        self.matrices: dict[Piece, Damped] = {}
        self.undefined = False
        for piece in pieces(due.problem, bias_apart):
            try:
                self.matrices[piece] = damped(due, piece, damping, kind)
            except ZeroDivisionError:
                self.undefined = True

    def part(self, arrays: Sequence[FloatArray], piece: Piece) -> FloatArray:
        """Of arrays shaped as the trained parameters the part of a piece."""
        place = self.due.problem.learned.index(piece.parameter)
        return np.asarray(arrays[place][:, list(piece.columns)])

    def share(self, u: float) -> float:
        """Which part of a solve may be lost to rounding."""
        relative = self.due.rounding(u)
        return max((m.perturbation(relative, u) * m.inverse_size for m in self.matrices.values()), default=0.0)

    def step(self, piece: Piece, u: float, step_size: float = 1.0) -> tuple[FloatArray, float]:
        """``M^-1 g`` or ``M^+ g`` of a piece, shaped as the piece, and how far a program's may be from it in Frobenius' norm.

        With ``theta' = theta - eta M^-1 g`` as what came back, rounding of the parameters included.
        """
        matrix, (g, size) = self.matrices[piece], piece_gradient(self.due, piece)
        found = direction(matrix, g).reshape(g.nrows(), g.ncols())
        return found, self.allowance(piece, norm(g), size, u, step_size)

    def allowance(self, piece: Piece, length: float, size: float, u: float, step_size: float = 1.0) -> float:
        """The same for any vector of a length, and of a size of absolute values."""
        matrix, relative = self.matrices[piece], self.due.rounding(u)
        moved = 3 * matrix.inverse_size**2 * matrix.perturbation(relative, u) * length
        wide = matrix.inverse_size * (2 * relative * size + 2 * self._slack(piece))
        theta = float(np.linalg.norm(self.due.problem.parameters[piece.parameter]))
        written = u * (2 * theta / step_size + 2 * matrix.inverse_size * length)
        return float(moved + wide + written)

    def _slack(self, piece: Piece) -> float:
        slack = self.due.exact.gradient[piece.parameter].slack
        return float(int(slack.p) / int(slack.q)) * 16 if slack else 0.0


@stored_as("conformance-solve")
@dataclass(frozen=True)
class Solving(Instance):
    """A library asked to solve, twice, with whole vectors; or for an update."""

    @cached_property
    def parts(self) -> Pieces:
        """The matrices."""
        return Pieces(self.due, self.apart, self.damping, self.kind)

    @cached_property
    def calls(self) -> tuple[Arrays, Arrays]:
        """Both calls of ``solve``."""
        shapes = learned_shapes(self.problem)
        return tuple(read_arrays(a, shapes, self.problem, "solve") for a in self.answers)  # type: ignore[return-value]

    @cached_property
    def answers(self) -> tuple[Answer, Answer]:
        """What came back from both."""

        def ask() -> Answer:
            vectors = [v.astype(self.problem.dtype) for v in self.arrays]
            kind = "pi" if self.note == "asked for pi" else self.kind
            return self.library.ask("solve", self.problem, self.damping, kind, vectors)

        return ask(), ask()

    @cached_property
    def other_answer_solved(self) -> Answer:
        """What came back from ``solve`` for the other problem, with the damping ``numbers[1]``."""
        assert self.other is not None
        vectors = [v.astype(self.problem.dtype) for v in self.arrays]
        return self.library.ask("solve", self.other, self.numbers[1], self.kind, vectors)

    @cached_property
    def moved(self) -> tuple[Answer, Arrays]:
        """What came back from ``update``."""
        return moved(self, self.problem)

    @cached_property
    def other_moved(self) -> tuple[Answer, Arrays]:
        """The same of the other problem."""
        assert self.other is not None
        return moved(self, self.other)


def moved(instance: Instance, problem: Problem) -> tuple[Answer, Arrays]:
    """The parameters after an update."""
    answer = instance.library.ask("update", problem, instance.step_size, instance.damping, instance.kind)
    return answer, read_arrays(answer, [W.shape for W in problem.parameters], problem, "update")


def differences(problem: Problem, after: Sequence[FloatArray], step_size: float) -> list[FloatArray]:
    """``(theta - theta') / eta`` of the trained parameters."""
    return [(problem.parameters[p] - after[p]) / step_size for p in problem.learned]


def telling(parts: Pieces, u: float) -> Hypothesis:
    """A solve of which rounding may take more than an eighth says nothing."""
    share = parts.share(u)
    return technical(
        require("rounding leaves an answer of the solve", LARGEST_RELATIVE - share if share == share else -1.0)
    )


def judged_solve(instance: Solving) -> Sequence[Hypothesis]:
    """The hypotheses of a solve."""
    first = instance.answers[0]
    if first.missing:
        return [offered(first)]
    u = instance.calls[0].unit_roundoff
    return [offered(first), *decided(instance.due, u), telling(instance.parts, u)]


def judged_update(instance: Solving) -> Sequence[Hypothesis]:
    """The hypotheses of an update, or of two."""
    found = [(instance.moved, instance.due, instance.parts)]
    if instance.other is not None:
        parts = Pieces(instance.other_due, instance.apart, instance.damping, instance.kind)
        found.append((instance.other_moved, instance.other_due, parts))
    hypotheses: list[Hypothesis] = []
    for (answer, arrays), due, parts in found:
        hypotheses.append(offered(answer))
        if answer.missing:
            return hypotheses[-1:]
        hypotheses += [*decided(due, arrays.unit_roundoff), telling(parts, arrays.unit_roundoff)]
    return hypotheses


def solves(instance: Solving) -> Sequence[Bound]:
    """``||M x - v||`` within rounding, at the first call and the second."""
    bounds: list[Bound] = []
    for place, call in zip(("first", "second"), instance.calls, strict=True):
        if call.problem:
            declared = instance.library.declared("vanishing") == "raises" and instance.parts.undefined
            if declared and "raised" in call.problem:
                bounds.append(equal_exactly("an error is raised where a factor vanishes, as declared", holds=True))
                continue
            return [broken(f"{call.problem}, at the {place} call")]
        u, relative = call.unit_roundoff, instance.due.rounding(call.unit_roundoff)
        for piece, matrix in instance.parts.matrices.items():
            x, v = (instance.parts.part(arrays, piece) for arrays in (call.arrays, instance.arrays))
            residual = matrix.residual(x, v)
            allowed = matrix.perturbation(relative, u) * float(np.linalg.norm(x)) + 2 * u * float(np.linalg.norm(v))
            label = f"||M x - v|| of parameter {piece.parameter}, {place} call"
            bounds.append(within_rounding(label, residual, allowed))
    return bounds or [equal_exactly("the solution is finite where a factor vanishes", holds=True)]


def moves(instance: Solving) -> Sequence[Bound]:
    """``(theta - theta') / eta`` is ``M^-1 g``, by the pseudo-inverse without damping; frozen parameters stay."""
    answer, arrays = instance.moved
    singular = instance.damping == 0 and any(not m.regular for m in instance.parts.matrices.values())
    if arrays.problem:
        if singular and answer.raised and instance.library.declared("singular") == "raises":
            return [equal_exactly("an error is raised where M is singular, as declared", holds=True)]
        if instance.parts.undefined and answer.raised and instance.library.declared("vanishing") == "raises":
            return [equal_exactly("an error is raised where a factor vanishes, as declared", holds=True)]
        return [broken(arrays.problem)]
    bounds = [frozen_stay(instance.problem, arrays.arrays)]
    steps = differences(instance.problem, arrays.arrays, instance.step_size)
    for piece in instance.parts.matrices:
        due, allowed = instance.parts.step(piece, arrays.unit_roundoff, instance.step_size)
        difference = float(np.linalg.norm(instance.parts.part(steps, piece) - due))
        name = "M^+ g" if singular else "M^-1 g"
        bounds.append(
            within_rounding(f"||(theta - theta')/eta - {name}|| of parameter {piece.parameter}", difference, allowed)
        )
    return bounds


def frozen_stay(problem: Problem, after: Sequence[Any]) -> Bound:
    """Parameters that are not trained are what they were."""
    kept = all(
        np.array_equal(W, V) for W, V, t in zip(problem.parameters, after, problem.trained, strict=True) if not t
    )
    return equal_exactly("frozen parameters stay", holds=kept)
