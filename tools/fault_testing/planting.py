"""All faults of the project, and a seeded sample of them, stratified by operator and file."""

import ast
import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from mutation_testing.model import Scope
from mutation_testing.source import Source

from fault_testing.bounds import BOUNDS
from fault_testing.fault import Fault, Operator
from fault_testing.formulas import FORMULAS
from fault_testing.hypotheses import HYPOTHESES
from fault_testing.place import File, Vocabulary, names_of

OPERATORS = (*BOUNDS, *FORMULAS, *HYPOTHESES)
PLANTED = ("theory", "properties")
"""The packages in which faults are planted."""


def sources(root: Path) -> list[Source]:
    """The files in which faults are planted, in the order of their paths."""
    paths = sorted(path for package in PLANTED for path in (root / package).rglob("*.py"))
    return [Source(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()) for path in paths]


def vocabulary_of(files: Iterable[Source]) -> Vocabulary:
    """The names that some files define."""
    attributes, definitions = set[str](), dict[str, frozenset[str]]()
    for source in files:
        definitions[source.name.removesuffix(".py").replace("/", ".")] = frozenset(names_of(source.tree.body))
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                attributes |= set(names_of(node.body))
    return Vocabulary(frozenset(attributes), definitions)


def faults_of(file: File, operators: Sequence[Operator] = OPERATORS) -> Iterator[Fault]:
    """All faults of one file; `is_another_program` tells which are to be run."""
    source, seen = file.source, set[tuple[int, int, str]]()
    wanted = [operator for operator in operators if source.name.startswith(operator.areas)]
    for place, operator in itertools.product(file.places(), wanted):
        for node, text in operator.changes(place):
            change = (*source.span(node), text)  # type: ignore[arg-type]
            if change not in seen:
                seen.add(change)
                yield _fault(source, place.statement, operator, change)


def is_another_program(fault: Fault, source: Source) -> bool:
    """Whether the statement of the module that changes is a program still, and another one."""
    spans = ((statement, source.span_of(statement)) for statement in source.tree.body)
    statement, (first, last) = next(one for one in spans if one[1][0] <= fault.start and fault.end <= one[1][1])
    try:
        changed = ast.parse(source.text[first : fault.start] + fault.text + source.text[fault.end : last])
    except SyntaxError:
        return False
    return list(map(ast.dump, changed.body)) != [ast.dump(statement)]


def _fault(source: Source, statement: ast.stmt, operator: Operator, change: tuple[int, int, str]) -> Fault:
    start, end, text = change
    first = source.text.rfind("\n", 0, start) + 1
    last = source.text.find("\n", end)
    last = len(source.text) if last < 0 else last
    line = source.text.count("\n", 0, start) + 1
    imported = text.partition(" as ")[2] if isinstance(statement, ast.ImportFrom) else ""
    definition = imported or next(names_of([statement]), "")
    return Fault(
        identifier=f"{operator.name}:{source.name}:{definition}:{start - source.span_of(statement)[0]}",
        file=source.name,
        line=line,
        before=source.text[first:last].strip(),
        after=(source.text[first:start] + text + source.text[end:last]).strip(),
        scope=Scope.ORDINARY,
        start=start,
        end=end,
        text=text,
        operator=operator.name,
        definition=definition,
    )


def all_faults(root: Path, operators: Sequence[Operator] = OPERATORS, file: str = "") -> list[Fault]:
    """All faults of the project below ``root`` in files whose path matches ``file``, a regular expression."""
    files = sources(root)
    vocabulary = vocabulary_of(files)
    wanted = [source for source in files if re.search(file, source.name)]
    return [fault for source in wanted for fault in faults_of(File(source, vocabulary), operators)]


def sample(faults: Sequence[Fault], number: int, seed: int, root: Path) -> list[Fault]:
    """So many faults: operators in turn, for each its files in turn, in an order that the seed draws.

    Each place in the order is drawn by the name alone, so that an edit of the project leaves the rest of the sample as it was.
    Every operator with faults is in the sample when ``number`` is at least how many there are. ``root``: of the files.
    """

    def drawn(name: str) -> bytes:
        return hashlib.sha256(f"{seed} {name}".encode()).digest()

    strata: dict[str, dict[str, list[Fault]]] = defaultdict(lambda: defaultdict(list))
    for fault in faults:
        strata[fault.operator][fault.file].append(fault)
    queues = []
    for operator in sorted(strata, key=drawn):
        files = sorted(strata[operator], key=lambda file: drawn(f"{operator} {file}"))
        queues.append(
            _in_turn([sorted(strata[operator][file], key=lambda one: drawn(one.identifier)) for file in files])
        )

    @cache
    def read(file: str) -> Source:
        return Source((root / file).read_text(encoding="utf-8"), file)

    programs = (fault for fault in _in_turn(queues) if is_another_program(fault, read(fault.file)))
    return list(itertools.islice(programs, number))


def _in_turn(queues: Sequence[Sequence[Fault]]) -> list[Fault]:
    """The first of each, then the second of each, and so on."""
    longest = max(map(len, queues), default=0)
    return [queue[place] for place in range(longest) for queue in queues if place < len(queue)]
