"""Run the tests on our own mutants: a process forked for each, which has the third-party packages imported already."""

import importlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mutation_testing.copying import copy_project, environment, pytest_arguments
from mutation_testing.model import Mutant, Outcome
from mutation_testing.processes import ended, forked, stopped
from mutation_testing.relevance import relevant_tests

IMPORTED_ONCE = (
    "numpy",
    "scipy.linalg",
    "scipy.special",
    "scipy.stats",
    "flint",
    "pytest",
    "scipy.optimize",
)
SHORTEST_TIMEOUT, TIMEOUT_FACTOR = 20.0, 4.0
"""Seconds a mutant may take at least, and how many times the unchanged tests' time."""


def _tested(place: Path, tests: list[str]) -> int:
    """In a forked child: pytest's exit code in a copy of the project."""
    os.chdir(place)
    sys.dont_write_bytecode = True
    sys.path[0] = str(place)
    import pytest

    return int(pytest.main([*pytest_arguments(), *tests]))


@dataclass
class _Running:
    process: int
    place: Path
    source: str
    mutant: Mutant
    started: float


class OwnRunner:
    """Runs mutants in ``workers`` copies of the project below ``directory``, at once."""

    def __init__(self, root: Path, directory: Path, workers: int) -> None:
        """Copy the project, import what the tests import, and time the tests on the unchanged code."""
        self.places = [directory / f"copy{number}" for number in range(workers)]
        for place in self.places:
            copy_project(root, place)
        os.environ.update(environment())
        for name in IMPORTED_ONCE:
            importlib.import_module(name)
        started = time.monotonic()
        place = self.places[0]
        tests = ["tests/theory"]
        _, status = os.waitpid(forked(lambda: _tested(place, tests)), 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise RuntimeError("the tests of theory/ fail on the unchanged code; run: pytest tests/theory")
        self.timeout = max(SHORTEST_TIMEOUT, TIMEOUT_FACTOR * (time.monotonic() - started))

    def run(self, mutants: list[Mutant], deadline: float) -> Iterator[tuple[Mutant, Outcome]]:
        """The outcomes as they come; after ``deadline`` (monotonic seconds) no mutant is started."""
        waiting, free, running = list(reversed(mutants)), list(self.places), list[_Running]()
        self.tests = {file: relevant_tests(self.places[0], file) for file in {mutant.file for mutant in mutants}}
        try:
            while running or (waiting and time.monotonic() < deadline):
                while free and waiting and time.monotonic() < deadline:
                    running.append(self._started(waiting.pop(), free.pop()))
                time.sleep(0.02)
                for one in list(running):
                    outcome = self._outcome(one)
                    if outcome is not None:
                        running.remove(one)
                        (one.place / one.mutant.file).write_text(one.source, encoding="utf-8")
                        free.append(one.place)
                        yield one.mutant, outcome
        finally:
            for one in running:
                stopped(one.process)
        for mutant in waiting:
            yield mutant, Outcome.NOT_RUN

    def _started(self, mutant: Mutant, place: Path) -> _Running:
        path = place / mutant.file
        source = path.read_text(encoding="utf-8")
        path.write_text(mutant.applied(source), encoding="utf-8")
        tests = self.tests[mutant.file]
        return _Running(forked(lambda: _tested(place, tests)), place, source, mutant, time.monotonic())

    def _outcome(self, one: _Running) -> Outcome | None:
        code = ended(one.process)
        if code is not None:
            return Outcome.SURVIVED if code == 0 else Outcome.KILLED
        if time.monotonic() - one.started > self.timeout:
            stopped(one.process)
            return Outcome.TIMEOUT
        return None
