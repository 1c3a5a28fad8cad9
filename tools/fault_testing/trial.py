"""One run of tests in a copy of the project, in a child that has the third-party packages imported already."""

import contextlib
import importlib
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mutation_testing.processes import forked, stopped

IMPORTED_ONCE = ("numpy", "scipy.linalg", "scipy.special", "scipy.stats", "scipy.optimize", "flint", "pytest")
NOTES = "fault-trial.jsonl"
"""In the copy: what the child writes while it runs."""

PAUSE = 0.02
"""Seconds between two looks at a child."""

LONGEST_WAIT = 10.0
"""A child that waits is stopped after so many times its limit of processor time."""


@dataclass
class Trial:
    """What became of a run: seconds by item, the first failure, and the item at which time ran out.

    Seconds are those of the processor: a busy machine judges as an idle one does.
    """

    passed: dict[str, float] = field(default_factory=dict)
    failed: str = ""
    """The id of the first item that failed, or of the file that could not be collected."""
    at_collection: bool = False
    unfinished: str = ""
    seconds: float = 0.0
    code: int | None = None
    """Pytest's exit code; None when time ran out, negative when a signal ended the child."""


class _Notes:
    """A plugin of pytest's that keeps to the items and their order, and writes down what happens.

    Each note is written at once: the process may be stopped at any moment.
    """

    def __init__(self, path: Path, items: Sequence[str]) -> None:
        self.file = path.open("w", encoding="utf-8", buffering=1)
        self.order = {item: number for number, item in enumerate(items)}
        self.started = 0.0

    def _place(self, item: Any) -> int | None:
        """Where an item stands in the order, itself or its test function; None when it was not asked for."""
        return self.order.get(item.nodeid, self.order.get(item.nodeid.partition("[")[0]))

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        kept = [(place, item) for item in items if (place := self._place(item)) is not None]
        items[:] = [item for _, item in sorted(kept, key=lambda one: one[0])]

    def _note(self, **note: object) -> None:
        self.file.write(json.dumps(note) + "\n")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.started = time.process_time()
        self._note(what="start", id=nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._note(what="failed", id=report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._note(what="end", id=nodeid, seconds=time.process_time() - self.started)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._note(what="collection", id=report.nodeid)


def prepare() -> None:
    """Import what every child needs, and let it use one thread of linear algebra."""
    os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for name in IMPORTED_ONCE:
        importlib.import_module(name)


def _tested(place: Path, items: Sequence[str], limit: float, recording: object | None) -> int:
    """In the child: pytest's exit code."""
    seconds = math.ceil(time.process_time() + limit)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    os.chdir(place)
    sys.dont_write_bytecode = True
    os.environ["PYTHONPATH"] = str(place)
    sys.path.insert(0, str(place))
    import pytest

    arguments = [
        *(["-x"] if recording is None else []),
        "-q",
        "--no-header",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        f"--rootdir={place}",
    ]
    # a parametrised item may be gone: that is for tests to notice, not for the command line
    functions = dict.fromkeys(item.partition("[")[0] for item in items)
    return int(
        pytest.main(
            [*arguments, *functions], plugins=[_Notes(place / NOTES, items), *([recording] if recording else [])]
        )
    )


def trial(place: Path, items: Sequence[str], limit: float, recording: object | None = None) -> Trial:
    """Run pytest's items in the copy at ``place``, in this order, to the first failure, for so many seconds at most.

    ``recording``: one more plugin of pytest's, with which a failure does not end the run.
    """
    started = time.monotonic()
    (place / NOTES).write_text("", encoding="utf-8")
    child = forked(lambda: _tested(place, items, limit, recording))
    ended, status, spent = 0, 0, 0.0
    try:
        while not ended and time.monotonic() - started < LONGEST_WAIT * limit:
            time.sleep(PAUSE)
            ended, status, usage = os.wait4(child, os.WNOHANG)
            spent = usage.ru_utime + usage.ru_stime
    finally:
        if not ended:
            stopped(child)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what the child started: provers, servers
    found = notes_of(place)
    found.seconds = spent if ended else limit
    code = os.waitstatus_to_exitcode(status) if ended else None
    found.code = None if code in (-signal.SIGXCPU, -signal.SIGKILL) else code
    return found


def notes_of(place: Path) -> Trial:
    """What the child that ran last in a copy has written."""
    found = Trial()
    for line in (place / NOTES).read_text(encoding="utf-8").splitlines():
        try:
            note = json.loads(line)
        except ValueError:  # the child was stopped while it wrote
            break
        match note["what"]:
            case "start":
                found.unfinished = note["id"]
            case "end":
                found.unfinished = ""
                if not found.failed:
                    found.passed[note["id"]] = note["seconds"]
            case "failed" if not found.failed:
                found.failed = note["id"]
            case "collection" if not found.failed:
                found.failed, found.at_collection = note["id"], True
    return found
