"""Judge faults: each in a copy of the project, by its nearest units first, then by the broader ones, up to a time limit."""

import itertools
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from fault_testing.executed import executing, record
from fault_testing.fault import Fault, Judge, Judgement
from fault_testing.nearest import CLAIMS, Nearest, Unit, claims_of, units_of
from fault_testing.reach import Reach
from fault_testing.trial import Trial, prepare, trial

NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info")
MADE = ("report", "mutants", "build")
"""Directories of the root that commands make."""

HIDDEN = (".ci", ".gitignore")
"""What is hidden and belongs to the project."""

NEAREST_SECONDS = 10.0
"""The nearest units, together about so many seconds, come in a run of their own; the broader ones follow if these pass."""

LEAST_SECONDS = 5.0
"""Less time than this is not enough to collect tests and start them."""

NOTHING_TO_RUN = 5
"""Pytest's exit code when what was asked for is gone, as a mutant is that a fault took away."""

HANGING_FACTOR = 4.0
"""An item that takes so many times longer than on the unchanged code does not end."""

RECORDED_FROM = 60
"""So many faults are worth a run of everything beforehand."""

LONGEST_START = 60.0
"""Seconds for collecting and starting, on top of a limit of tests that are known to be quick."""


class UnchangedFailsError(Exception):
    """The item fails on the unchanged code; nothing that it says of a fault counts."""


def copied(root: Path, place: Path) -> None:
    """Copy the project, without what tools made."""
    place.mkdir(parents=True)
    for path in root.iterdir():
        if path.name in MADE or (path.name.startswith(".") and path.name not in HIDDEN):
            continue
        if path.is_dir():
            shutil.copytree(path, place / path.name, ignore=NOT_COPIED)
        else:
            shutil.copy2(path, place / path.name)


def collected(place: Path) -> list[str]:
    """The ids of the items of claims, mutants and obligations. Raises UnchangedFailsError when they cannot be collected."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", CLAIMS]
    # bytecode of this second would stand for sources that are changed within it
    environment = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    found = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    if found.returncode:
        raise UnchangedFailsError(f"{CLAIMS} cannot be collected on the unchanged code:\n{found.stdout}{found.stderr}")
    return [line for line in found.stdout.splitlines() if "::" in line]


class Judging:
    """Judges one fault after the other in one copy of the project."""

    def __init__(self, place: Path, nearest: Nearest, limit: float) -> None:
        """``place``: the copy; ``limit``: seconds of processor time for a fault."""
        self.place, self.nearest, self.limit = place, nearest, limit
        self.unchanged: dict[str, float] = {}
        self.failing: list[str] = []
        """Items that fail on the unchanged code: they are asked no more."""

    def judge(self, fault: Fault) -> Judgement:
        """Plant it, run, and put the file back."""
        spent, tests, stopped = 0.0, 0, False
        waiting = self._passing(self.nearest.of(fault))
        path = self.place / fault.file
        source = path.read_text(encoding="utf-8")
        try:
            while waiting and self.limit - spent > LEAST_SECONDS:
                left = self.limit - spent
                units, waiting = self._batch(waiting, left if tests else NEAREST_SECONDS)
                path.write_text(fault.applied(source), encoding="utf-8")
                found = trial(self.place, [item for unit in units for item in unit.items], left)
                path.write_text(source, encoding="utf-8")
                self._forget()
                self.nearest.learn(found.passed)
                stopped = found.code is None
                tests += len(found.passed)
                spent += found.seconds
                try:
                    judge = self._judge(found)
                except UnchangedFailsError as error:
                    self.failing.append(str(error))
                    left_over = [unit for unit in units if not found.passed.keys() >= set(unit.items)]
                    waiting = self._passing([*left_over, *waiting])
                    continue
                if judge is not Judge.NOBODY:
                    by = found.failed or found.unfinished or "pytest itself"
                    return Judgement(judge, by, spent, tests, failing=tuple(self.failing))
        finally:
            path.write_text(source, encoding="utf-8")
        out_of_time = bool(waiting) or stopped
        return Judgement(Judge.NOBODY, "", spent, tests, out_of_time=out_of_time, failing=tuple(self.failing))

    def _passing(self, units: Sequence[Unit]) -> list[Unit]:
        """Those without an item that is known to fail on the unchanged code."""
        failing = {*self.failing, *(item.partition("[")[0] for item in self.failing if not item.startswith(CLAIMS))}
        return [unit for unit in units if failing.isdisjoint(unit.items)]

    def _batch(self, waiting: Sequence[Unit], seconds: float) -> tuple[list[Unit], list[Unit]]:
        """The first units that can be expected to take so long together, one at least; and the others."""
        spent = itertools.accumulate(map(self.nearest.cost, waiting))
        number = max(1, sum(1 for _ in itertools.takewhile(lambda total: total <= seconds, spent)))
        return list(waiting[:number]), list(waiting[number:])

    def _judge(self, found: Trial) -> Judge:
        """Who caught the fault in a run. Raises UnchangedFailsError when the same happens without it."""
        if found.failed:
            if found.at_collection:
                return Judge.COLLECTION
            self._pass_unchanged(found.failed)
            return Judge.CLAIM if found.failed.startswith(CLAIMS) else Judge.TEST
        caught = Judge.CLAIM if found.unfinished.startswith(CLAIMS) else Judge.TEST
        if found.code is None and found.unfinished:
            spent = found.seconds - sum(found.passed.values())
            if spent > self.limit / 2 and spent > HANGING_FACTOR * self._pass_unchanged(found.unfinished):
                return caught
        if found.code is not None and found.code < 0 and found.unfinished:
            return caught
        if found.code not in (None, 0, NOTHING_TO_RUN) and not found.passed:
            return Judge.COLLECTION
        return Judge.NOBODY

    def _pass_unchanged(self, item: str) -> float:
        """Seconds that an item takes on the unchanged code, on which it has to pass. Raises UnchangedFailsError."""
        if item not in self.unchanged:
            found = trial(self.place, [item], self.limit + LONGEST_START)
            self._forget()
            if found.failed or found.code not in (0, NOTHING_TO_RUN):
                raise UnchangedFailsError(item)
            self.unchanged[item] = found.passed.get(item, 0.0)
        return self.unchanged[item]

    def _forget(self) -> None:
        """Remove what a run left: examples that failed would be tried first by the next."""
        shutil.rmtree(self.place / ".hypothesis", ignore_errors=True)


_judging: Judging | None = None


def _begin(places: "multiprocessing.Queue[Path]", nearest: Nearest, limit: float) -> None:
    """In a worker: take a copy of the project."""
    global _judging
    prepare()
    _judging = Judging(places.get(), nearest, limit)


def _work(fault: Fault) -> Judgement:
    assert _judging is not None
    return _judging.judge(fault)


def judgements(
    root: Path,
    directory: Path,
    faults: Sequence[Fault],
    *,
    workers: int,
    limit: float,
    deadline: float,
    recorded_from: int = RECORDED_FROM,
) -> Iterator[tuple[Fault, Judgement]]:
    """Judge faults in copies of ``root`` below ``directory``, as they are done; none starts after ``deadline`` (monotonic).

    From ``recorded_from`` faults on everything is run once without a fault, to see which lines each test executes.
    Raises UnchangedFailsError when the items of claims cannot be collected without a fault.
    """
    context = multiprocessing.get_context("fork")
    places: multiprocessing.Queue[Path] = context.Queue()
    copies = [directory / f"copy{number}" for number in range(workers)]
    for place in copies:
        copied(root, place)
        places.put(place)
    collection = collected(copies[0])
    reach = Reach(root, claims_of(collection))
    units = units_of(reach, collection)
    seconds, known = {}, {}
    if len(faults) >= recorded_from:
        seconds = record(copies, [item for unit in units for item in unit.items])
        known = executing(copies, faults)
    nearest = Nearest(reach, units, known)
    nearest.learn(seconds)
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(places, nearest, limit)
    ) as pool:
        waiting = {pool.submit(_work, fault): fault for fault in faults}
        try:
            for done in as_completed(waiting):
                if done.cancelled():
                    yield waiting[done], Judgement(Judge.NOT_RUN)
                    continue
                yield waiting[done], done.result()
                if time.monotonic() > deadline:
                    for other in waiting:
                        other.cancel()
        finally:
            pool.shutdown(cancel_futures=True)
