"""Which test files can notice a change of a module: those that import it, directly or through other modules."""

import ast
from collections import deque
from functools import cache
from pathlib import Path

PACKAGE = "theory"


def _file_of(root: Path, module: str) -> Path | None:
    """The file of a dotted name, None when it is not a module."""
    path = root.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@cache
def imported_files(root: Path, file: Path) -> frozenset[Path]:
    """The files of the package that a file imports itself.

    A package counts when one of its own names is asked for, and all of its modules when it is asked for as a whole: they are found in it.
    """
    found: set[Path | None] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {_file_of(root, alias.name) for alias in node.names if alias.name.split(".")[0] == PACKAGE}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            for alias in node.names:
                path = _file_of(root, f"{node.module}.{alias.name}")
                found.add(path or _file_of(root, node.module))
                if path and path.name == "__init__.py":
                    found |= set(path.parent.glob("*.py"))
    return frozenset(path for path in found if path)


def distances(root: Path, test: Path) -> dict[Path, int]:
    """How many imports away each file of the package is from a test file."""
    known, waiting = {test: 0}, deque([test])
    while waiting:
        file = waiting.popleft()
        for path in imported_files(root, file) - known.keys():
            known[path] = known[file] + 1
            waiting.append(path)
    return known


def relevant_tests(root: Path, changed: str) -> list[str]:
    """The test files of theory/ that import the changed file, nearest first, relative to ``root``; all when none does."""
    target = root / changed
    found = []
    for test in sorted((root / "tests" / "theory").rglob("test_*.py")):
        known = distances(root, test)
        if target in known:
            found.append((known[target], test.relative_to(root).as_posix()))
    return [name for _, name in sorted(found)] or ["tests/theory"]
