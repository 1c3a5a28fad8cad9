"""What the process that asks knows of a run after each step: kept in one file, beside the chunks, that the next step's replaces.

It is of iterate k only when every chunk is (kept.py), and a file that is written is there whole or not at all: so the record and the chunks that
are found belong together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

import numpy as np

from theory.descent.optimiser import Optimiser
from theory.direction import LowerBound, UpperBound
from theory.inputs import FloatArray
from theory.rigour.one_step import OneStep
from theory.stability.conditions import factor_rows
from theory.stability.path import initial_eigenvalue
from theory.streaming.archive import Arrays, Named
from theory.streaming.descent import StoredIterate, StreamedDescent
from theory.streaming.kept import Keeper
from theory.streaming.path import StreamedPath
from theory.streaming.stream import NeuronStream

PARTS = 64
"""In which a segment is divided at most."""

STEP, ITERATE = "step-", "iterate-"
"""How the names of arrays begin that are a field of all steps, and of the iterate."""


@dataclass(frozen=True)
class Rule:
    """What a run's numbers depend on besides the stream: targets y (n,), step size and the optimiser's name. Not how many steps are asked for."""

    targets: FloatArray
    step_size: float
    optimiser: str
    parts: int = PARTS


@dataclass
class Record:
    """A run as far as it has come: the iterate, the steps to it, and the path on which they lie."""

    iterate: StoredIterate
    path: StreamedPath
    gram: FloatArray
    """G(0) (n, n)."""
    lambda_min: LowerBound
    """Of G(0), for K2 of H(0)."""
    steps: list[OneStep] = field(default_factory=list)
    changes: list[UpperBound] = field(default_factory=list)
    """Of ``sup ||J - J(0)||_2`` on the segment of each step."""
    reached: float = 0.0
    """What that is certainly, over all of them."""

    @classmethod
    def begun(cls, optimiser: Optimiser, state: StreamedDescent) -> Record:
        """At the first iterate."""
        lambda_min = initial_eigenvalue(optimiser.condition, state)
        return cls(state.stored, _path(optimiser, state.stream), state.gram, lambda_min)

    def took(self, step: OneStep, state: StreamedDescent) -> None:
        """Add the step that the state has taken."""
        self.iterate = state.stored
        self.steps.append(step)
        lower, upper = self.path.supremum(state.flips, PARTS, self.reached)
        self.reached = max(self.reached, lower)
        self.changes.append(upper)

    def arrays(self) -> Iterator[Named]:
        """All of it, for a file."""
        yield "gram", self.gram
        yield "known", [self.lambda_min, self.reached]
        yield "changes", np.array(self.changes, dtype=np.float64)
        yield from ((STEP + each.name, [getattr(step, each.name) for step in self.steps]) for each in fields(OneStep))
        yield from ((ITERATE + each.name, getattr(self.iterate, each.name)) for each in fields(StoredIterate))
        yield from self.path.arrays()

    @classmethod
    def left(cls, keeper: Keeper, optimiser: Optimiser, stream: NeuronStream) -> Record | None:
        """What a run that was killed has left, if it has; and nothing else stays there. Raises StreamError (damaged)."""
        if keeper.record is None:
            return None
        with keeper.record.opened() as file:
            found = None if file is None else cls.of(file, optimiser, stream)
        keeper.tidy(0 if found is None else found.iterate.steps)
        return found

    @classmethod
    def of(cls, file: Arrays, optimiser: Optimiser, stream: NeuronStream) -> Record:
        """What ``arrays`` has written. Raises StreamError (damaged)."""
        path = _path(optimiser, stream)
        path.begin(file)
        # numbers, and rows of the residuals
        columns = [file[STEP + each.name] for each in fields(OneStep)]
        values = (column.tolist() if column.ndim == 1 else column for column in columns)
        steps = [OneStep(*step) for step in zip(*values, strict=True)]
        lambda_min, reached = file["known"].tolist()
        changes = list(map(UpperBound, file["changes"].tolist()))
        found = {each.name: file[ITERATE + each.name] for each in fields(StoredIterate)}
        iterate = StoredIterate(int(found["steps"]), found["counts"], found["sums"])
        return cls(iterate, path, file["gram"], LowerBound(lambda_min), steps, changes, reached)


def _path(optimiser: Optimiser, stream: NeuronStream) -> StreamedPath:
    return StreamedPath(factor_rows(optimiser.condition, stream.rows), stream.width)
