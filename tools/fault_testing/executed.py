"""Which tests and claims execute which lines of the unchanged project."""

import ast
import itertools
import multiprocessing
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from coverage import Coverage, CoverageData
from mutation_testing.source import Source

from fault_testing.fault import Fault
from fault_testing.trial import notes_of, prepare, trial

DATA = "fault-executed.coverage"
"""In the copy: what was executed there, by item."""

LONGEST = 3600.0
"""Seconds of processor time for the tests that one copy runs."""


class _Recording:
    """A plugin of pytest's that notes the lines of theory/ and properties/ that each item executes, its set-up included.

    What an item finds in a cache counts for the item that filled it.
    """

    def __init__(self, place: Path) -> None:
        """``place``: the copy of the project."""
        self.place = place

    def pytest_sessionstart(self) -> None:
        sources = [f"{self.place}/theory/*", f"{self.place}/properties/*"]
        self.coverage = Coverage(data_file=str(self.place / DATA), config_file=False, include=sources)
        self.coverage.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.coverage.switch_context(nodeid)

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        self.coverage.save()


def _statement(fault: Fault, source: Source) -> range:
    """The lines of the innermost statement around a change, to the end of the change where it is a block.

    All of a function or class whose head or decorators change: these are executed when the module is loaded, by no item.
    """
    spans = {node: source.span_of(node) for node in ast.walk(source.tree) if isinstance(node, ast.stmt)}
    around = [node for node, (start, end) in spans.items() if start <= fault.start and fault.end <= end]
    statement = max(around, key=lambda node: spans[node][0])
    loaded = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    block = hasattr(statement, "body") and not loaded
    ends = source.text.count("\n", 0, fault.end) + 1 if block else statement.end_lineno
    return range(statement.lineno, (ends or statement.lineno) + 1)


def executing(places: Sequence[Path], faults: Sequence[Fault]) -> dict[Fault, frozenset[str]]:
    """For each fault the ids of the items that execute the statement that it changes, without their parameters too.

    From what ``record`` left in ``places``, which hold no fault now.
    """
    found: dict[Fault, frozenset[str]] = {}
    recorded = {place: CoverageData(str(place / DATA)) for place in places}
    for data in recorded.values():
        data.read()
    for file, several in itertools.groupby(sorted(faults, key=lambda fault: fault.file), lambda fault: fault.file):
        lines: dict[int, set[str]] = defaultdict(set)
        for place, data in recorded.items():
            for line, items in data.contexts_by_lineno(str(place / file)).items():
                lines[line] |= {*items, *(item.partition("[")[0] for item in items)}
        source = Source((places[0] / file).read_text(encoding="utf-8"), file)
        for fault in several:
            found[fault] = frozenset().union(*(lines[line] for line in _statement(fault, source)))
    return found


def _recorded(place: Path, items: Sequence[str]) -> None:
    """In a process of its own: run the items in a copy, to the end."""
    prepare()
    trial(place, items, LONGEST, _Recording(place))


def record(places: Sequence[Path], items: Iterable[str]) -> dict[str, float]:
    """Run all items once, shared between the copies by their files; what passed, with its seconds of processor time."""
    shares: list[list[str]] = [[] for _ in places]
    files: dict[str, list[str]] = defaultdict(list)
    for item in items:
        files[item.partition("::")[0]].append(item)
    for several in sorted(files.values(), key=len, reverse=True):
        min(shares, key=len).extend(several)
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=_recorded, args=both) for both in zip(places, shares, strict=True)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    return {item: seconds for place in places for item, seconds in notes_of(place).passed.items()}
