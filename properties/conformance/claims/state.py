"""L-state: averages, rejected steps, clips and refreshes (docs/conformance.md, paragraph 15)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from properties.conformance.instances import (
    Curvature,
    Instance,
    allowance,
    broken,
    decided,
    due_matrix,
    entrywise,
    offered,
    read_curvature,
    setting_of,
)
from properties.conformance.library import Answer, Library
from properties.conformance.networks import Description, problem_of, simple
from properties.conformance.statement import Build, Statement, both, source
from properties.conformance.steps import Arrays, Pieces, differences, read_arrays, telling
from properties.engine.claim import Bound, Hypothesis, equal_exactly, require, technical, within_rounding
from properties.engine.stable_names import stored_as
from theory.conformance.damping import Piece, norm, piece_gradient, pieces


@stored_as("conformance-run")
@dataclass(frozen=True)
class Running(Instance):
    """A library asked for a run of a few steps."""

    steps: int = 1
    decay: float = 0.0
    refresh_every: int = 1
    clip: float = 0.0
    """0 for none."""
    reject: tuple[bool, ...] = ()

    @property
    def batches(self) -> list[list[int]]:
        """All data at every step; where they are refreshed at every second one, one datum after another."""
        N = len(self.problem.inputs)
        return [[k % N] if self.note == "refresh" else list(range(N)) for k in range(self.steps)]

    def options(self, clip: float | None = None) -> Mapping[str, Any]:
        """What the run is asked for."""
        return {
            "decay": self.decay,
            "refresh_every": self.refresh_every,
            "clip": self.clip if clip is None else clip,
            "reject": list(self.reject) or [False] * self.steps,
            "step_size": self.step_size,
            "damping": self.damping,
            "kind": self.kind,
        }

    @cached_property
    def answer_of_run(self) -> Answer:
        """What came back."""
        return self.library.ask("run", self.problem, self.batches, self.options())

    @cached_property
    def states(self) -> tuple[State, ...]:
        """The states that came back, or one that says what is wrong."""
        return states_of(self.answer_of_run, self)


@dataclass(frozen=True)
class State:
    """What a run says after one step."""

    parameters: Arrays
    damping: float
    curvature: Curvature | None
    """None where it tells of none."""
    problem: str = ""


def states_of(answer: Answer, run: Running) -> tuple[State, ...]:
    """The states of an answer."""

    def wrong(text: str) -> tuple[State, ...]:
        return (State(Arrays(), 0.0, None, text),)

    if answer.problem or answer.missing:
        return wrong(answer.problem)
    try:
        entries = [tuple(state) for state in answer.value]
    except TypeError:
        return wrong(f"run returned a {type(answer.value).__name__}, not a list of states")
    if len(entries) != run.steps or any(len(state) != 3 for state in entries):
        return wrong(
            f"run returned {len(entries)} states for {run.steps} batches, each to be (parameters, damping, factors or None)"
        )
    found = []
    parts = tuple(pieces(run.problem, run.apart))
    for parameters, damping, factors in entries:
        arrays = read_arrays(Answer(parameters), [W.shape for W in run.problem.parameters], run.problem, "run")
        curvature = None if factors is None else read_curvature(Answer(factors), run.problem, parts)
        text = arrays.problem or ("" if curvature is None else curvature.problem)
        try:
            number = float(damping)
        except (TypeError, ValueError):
            return wrong(f"run returned the damping {damping!r}, not a number")
        found.append(State(arrays, number, curvature, text))
    return tuple(found)


def hypotheses(run: Running) -> Sequence[Hypothesis]:
    """The library runs, and tells what the case needs."""
    answer = run.answer_of_run
    if answer.missing:
        return [offered(answer)]
    told = run.note not in ("average", "refresh") or bool(run.states[0].problem) or run.states[0].curvature is not None
    found = [offered(answer if told else Answer(missing="run tells of no factors"))]
    u = run.states[0].parameters.unit_roundoff
    found += decided(run.due, u)
    if run.note == "clip":
        parts = Pieces(run.due, run.apart, run.damping, run.kind)
        steps = {piece: parts.step(piece, u)[0] for piece in parts.matrices}
        moves = technical(require("there is a step", sum(float(np.abs(v).sum()) for v in steps.values()) - 0.01))
        found += [telling(parts, u), moves]
    return found


def conclusion(run: Running) -> Sequence[Bound]:
    """By the case."""
    wrong = [state.problem for state in run.states if state.problem]
    if wrong:
        return [broken(wrong[0])]
    return {"average": averages, "rejected": restored, "accepted": accepted, "clip": clipped, "refresh": refreshed}[
        run.note
    ](run)


def averages(run: Running) -> Sequence[Bound]:
    """``(1 - rho^k) F`` of constant data from zero, F where the average begins with the first; of both factors, squared."""
    bounds, setting = [], setting_of(run.problem)
    for k, state in enumerate(run.states, 1):
        share = 1 - run.decay**k if run.library.declared("start") == "zero" else 1.0
        assert state.curvature is not None
        for piece, M in zip(state.curvature.pieces, state.curvature.matrices, strict=True):
            due, size, slack = due_matrix(run.due, piece, setting)
            factor = share if setting == "block" else share**2
            u = state.curvature.unit_roundoff
            allowed = allowance(run.due, size, M, slack, u) + 16 * run.steps * u * size
            label = f"|average after {k} steps - {factor:.6g} F| of parameter {piece.parameter}"
            bounds.append(entrywise(label, M, factor * due, allowed))
    return bounds


def restored(run: Running) -> Sequence[Bound]:
    """A rejected step leaves parameters and factors, bit by bit."""
    before = run.problem.given().parameters
    first, second = run.states[0], run.states[1]
    bounds = []
    if run.reject[0]:
        same = all(np.array_equal(a, b) for a, b in zip(first.parameters.arrays, before, strict=True))
        bounds.append(equal_exactly("parameters after a rejected first step are what they were", holds=same))
    if run.reject[1]:
        same = all(np.array_equal(a, b) for a, b in zip(second.parameters.arrays, first.parameters.arrays, strict=True))
        bounds.append(equal_exactly("parameters after a rejected second step are what they were", holds=same))
        if first.curvature is not None and second.curvature is not None:
            kept = all(map(np.array_equal, first.curvature.matrices, second.curvature.matrices))
            bounds.append(equal_exactly("factors after a rejected second step are what they were", holds=kept))
    return bounds


def accepted(run: Running) -> Sequence[Bound]:
    """The damping is not raised by steps that were not rejected."""
    dampings = [run.damping, *(state.damping for state in run.states)]
    raised = [b - a for a, b in itertools.pairwise(dampings)]
    return [equal_exactly("the damping is not raised by a step that was not rejected", max(raised) <= 0, max(raised))]


def clipped(run: Running) -> Sequence[Bound]:
    """The clipped step is one number times the step: of ``kl`` ``min(1, (bound / (eta^2 v.g))^(1/2))``."""
    state = run.states[0]
    parts, u = Pieces(run.due, run.apart, run.damping, run.kind), state.parameters.unit_roundoff
    steps = differences(run.problem, state.parameters.arrays, run.step_size)
    due = {piece: parts.step(piece, u, run.step_size) for piece in parts.matrices}
    found = {piece: parts.part(steps, piece) for piece in due}
    product, slack = _product(parts, due)
    if run.library.declared("clip") == "kl":
        factor = min(1.0, (run.clip / (run.step_size**2 * product)) ** 0.5)
        loose = factor * slack / product
    else:
        squares = sum(float((v * v).sum()) for v, _ in due.values())
        factor, loose = sum(float((found[p] * v).sum()) for p, (v, _) in due.items()) / squares, 0.0
    bounds = []
    for piece, (v, allowed) in due.items():
        distance = float(np.linalg.norm(found[piece] - factor * v))
        room = 2 * allowed + loose * float(np.linalg.norm(v)) + (0.0 if loose else sum(a for _, a in due.values()))
        bounds.append(
            within_rounding(f"||clipped step - {factor:.6g} step|| of parameter {piece.parameter}", distance, room)
        )
    return bounds


def _product(parts: Pieces, due: Mapping[Piece, tuple[Any, float]]) -> tuple[float, float]:
    """``v.g`` over all pieces, and how far it may be off."""
    total = slack = 0.0
    for piece, (v, allowed) in due.items():
        g, size = piece_gradient(parts.due, piece)
        entries = np.array([int(e.p) / int(e.q) for e in g.entries()]).reshape(v.shape)
        total += float((v * entries).sum())
        slack += allowed * norm(g) + 64 * 2.0**-50 * size * float(np.linalg.norm(v))
    return total, slack


def refreshed(run: Running) -> Sequence[Bound]:
    """Factors are kept until they are due again."""
    first, second = run.states[0].curvature, run.states[1].curvature
    assert first is not None
    same = second is not None and all(map(np.array_equal, first.matrices, second.matrices))
    return [equal_exactly("factors are kept between refreshes", holds=same)]


def running(note: str, **options: Any) -> Build:
    """Runs of one case."""

    def build(d: Description, library: Library) -> Running:
        reject = tuple(d["reject"]) if "reject" in d and note == "rejected" else options.get("reject", ())
        given = {**options, "reject": reject}
        if note == "average":
            given["decay"] = d.get("decay", 0.9)
        if note == "clip":
            given["clip"] = d.get("clip", 2.0**-10)
        return Running(problem_of(d), library, damping=1.0, kind="product", note=note, **given)

    return build


USUAL: dict[str, Any] = {
    "net": ("linear", "deep"),
    "activation": ("identity", "relu"),
    "hidden": (1, 2),
    "outputs": (2, 1),
    "data": (2, 1, 3),
    "approximation": ("expand", "blocks"),
}
FIRST = both(simple(outputs=2, data=2), simple(net="deep", outputs=2, data=2, bias=True))
MOVING = both(simple(net="deep", outputs=2, data=2, bias=True))

L_STATE = Statement(
    "L-state",
    ": averages have weights of sum 1, a rejected step leaves no trace, a clip is one number for all, factors are kept until due",
    "15",
    sources=(
        source("averages", "three steps of size 0 with constant data", FIRST, build=running("average", steps=3, step_size=0.0), decay=(0.9, 0.5, 0.75), examples=(4, 160, 800), **USUAL),
        source("rejected", "two steps, one or both of them rejected", tuple({**d, "reject": (True, True)} for d in FIRST), build=running("rejected", steps=2, step_size=0.5), reject=((True, True), (False, True), (True, False)), examples=(4, 120, 600), **USUAL),
        source("accepted", "two steps that are not rejected", FIRST, build=running("accepted", steps=2, step_size=0.5), examples=(4, 120, 600), **USUAL),
        source("clip", "one step with a clip", FIRST, build=running("clip", steps=1, step_size=0.5), clip=(2.0**-10, 2.0**-6, 2.0**-14), examples=(4, 160, 800), **USUAL),
        source("refresh", "two steps with other data, factors refreshed at every second", FIRST, build=running("refresh", steps=2, step_size=0.5, refresh_every=2), examples=(4, 120, 600), **{**USUAL, "data": (2, 3)}),
    ),
    hypotheses=hypotheses,  # type: ignore[arg-type]
    conclusion=conclusion,  # type: ignore[arg-type]
    faults=("damping-raised", "wrong-clip", "not-restored", "weights-of-average", "clipped-by-layer", "always-refreshed"),
    borders=(
        source("moving", "averages while the parameters move", MOVING, build=running("average", steps=3, step_size=0.5), decay=(0.9, 0.5), **{**USUAL, "net": ("deep",)}),
        source("damping after a rejected step", "the damping is raised by no step, rejected ones included", FIRST, build=running("accepted", steps=2, step_size=0.5, reject=(True, False)), **USUAL),
        source("clip with averages", "a clip of the step with this batch's factors, where the library's are averaged", FIRST, build=running("clip", steps=1, step_size=0.5, decay=0.9), **USUAL),
        source("refreshed at once", "factors are kept where they are due at every step", FIRST, build=running("refresh", steps=2, step_size=0.5), **{**USUAL, "data": (2, 3)}),
    ),
)  # fmt: skip

STATEMENTS = (L_STATE,)
