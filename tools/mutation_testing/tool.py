"""The well-kept tool: mutmut, run by its command line in a copy of the project.

It makes one copy of every function with all of its mutants side by side, forks a child for each mutant and runs only the
tests that reach the function. It leaves alone module constants, class bodies and decorated functions (see ``own``).
"""

import ast
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

from mutation_testing.copying import copy_project, environment
from mutation_testing.model import Mutant, Outcome
from mutation_testing.scope import SEPARATOR, scope_of

SMALLEST_MODULE = "theory.rigour.rounding.*"
"""Its few mutants are run first, so that the tool generates all mutants and times the tests."""


class ToolRunner:
    """Generates and runs the tool's mutants in a copy of the project."""

    def __init__(self, root: Path, directory: Path, workers: int) -> None:
        """Copy the project and let the tool generate its mutants. Raises RuntimeError when it fails."""
        self.place = directory / "tool"
        self.workers = workers
        copy_project(root, self.place)
        self._call([SMALLEST_MODULE], time.monotonic() + 600)
        if all(code is None for code in self._codes().values()):
            raise RuntimeError(f"mutmut made no mutants, or a test fails without any:\n{self._log()}")

    def _log(self) -> str:
        return (self.place / "log").read_text(encoding="utf-8")[-4000:]

    def _call(self, names: list[str], deadline: float) -> bool:
        """Run mutmut on these mutants; whether it came to its end before the deadline."""
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(self.workers), *names]
        with (self.place / "log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, cwd=self.place, env=environment(), stdout=log, stderr=log, start_new_session=True
            )
            try:
                process.wait(max(1.0, deadline - time.monotonic()))
                return True
            except subprocess.TimeoutExpired:
                return False
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def _codes(self) -> dict[str, int | None]:
        """The exit codes of the tool's mutants so far; None for one that was not run."""
        codes: dict[str, int | None] = {}
        for path in self.place.glob("mutants/theory/**/*.meta"):
            codes |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        return codes

    def mutants(self) -> list[Mutant]:
        """All mutants of the tool, in the order of the files."""
        files = sorted((self.place / "theory").rglob("*.py"))
        return [mutant for path in files for mutant in self._mutants_of(path)]

    def _mutants_of(self, path: Path) -> Iterator[Mutant]:
        name = path.relative_to(self.place).as_posix()
        generated = self.place / "mutants" / name
        if not generated.with_name(generated.name + ".meta").exists():
            return
        original = path.read_text(encoding="utf-8")
        lines = dict(_function_lines(ast.parse(original)))
        text = generated.read_text(encoding="utf-8")
        sources = {key: textwrap.dedent(source) for key, source in _functions(text)}
        module = name.removesuffix(".py").replace("/", ".")
        for key, source in sources.items():
            base, marker, number = key.rpartition("__mutmut_")
            if not marker or not number.isdigit():
                continue
            before = sources[f"{base}__mutmut_orig"].replace(f"{base}__mutmut_orig", base)
            after = source.replace(key, base)
            changed = _changed_lines(before, after)
            offset = changed[0]
            yield Mutant(
                identifier=f"{module}.{key}",
                file=name,
                line=lines.get(base.split(SEPARATOR)[-1].removeprefix("x_"), 1) + offset,
                before=changed[1],
                after=changed[2],
                scope=scope_of(before, after),
            )

    def run(self, mutants: list[Mutant], deadline: float) -> Iterator[tuple[Mutant, Outcome]]:
        """The outcomes; what has not ended by ``deadline`` (monotonic seconds) is not run.

        Raises RuntimeError when the tool ends early without them, because a test fails without any mutant, say.
        """
        ended = bool(mutants) and self._call([mutant.identifier for mutant in mutants], deadline)
        codes = self._codes()
        if ended and all(codes.get(mutant.identifier) is None for mutant in mutants):
            raise RuntimeError(f"mutmut ran no mutant:\n{self._log()}")
        for mutant in mutants:
            yield mutant, _outcome(codes.get(mutant.identifier))


def _outcome(code: int | None) -> Outcome:
    """mutmut's exit codes: 0 survived, 5 and 33 no test reaches it, 24, 36, 152, 255 and -24 timeout, None not run."""
    if code is None or code == 2:
        return Outcome.NOT_RUN
    if code in (0, 5, 33):
        return Outcome.SURVIVED
    return Outcome.TIMEOUT if code in (24, 36, 152, 255, -24) else Outcome.KILLED


def _function_lines(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Each function's and method's name with the line of its ``def``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node.lineno


def _functions(text: str) -> Iterator[tuple[str, str]]:
    """The name and text of each function and method of a file."""
    lines = text.splitlines(keepends=True)
    tree = ast.parse(text)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in [*tree.body, *(inner for outer in classes for inner in outer.body)]:
        if isinstance(node, ast.FunctionDef):
            yield node.name, "".join(lines[node.lineno - 1 : node.end_lineno])


def _changed_lines(before: str, after: str) -> tuple[int, str, str]:
    """The offset of the first line that differs, and the lines that differ in both versions, stripped."""
    old, new = before.splitlines(), after.splitlines()
    first = next((k for k, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)) - 1)
    same = next(
        (k for k, (a, b) in enumerate(zip(reversed(old[first:]), reversed(new[first:]), strict=False)) if a != b), 0
    )
    return first, "\n".join(old[first : len(old) - same]).strip(), "\n".join(new[first : len(new) - same]).strip()
