"""The copy of the project in which mutants live."""

import compileall
import os
import shutil
from pathlib import Path

COPIED = ("theory", "tests/theory", "pyproject.toml")
"""All that the quick tests of theory/ need; they use neither the suite's plugin nor any other."""

TOO_SLOW = (
    "tests/theory/descent/test_memory.py",
    "tests/theory/rigour/test_definiteness.py::test_a_thousand_rows_take_seconds",
)
"""Tests of speed and memory: seconds each, and they say nothing about formulas."""


def copy_project(root: Path, target: Path) -> None:
    """Copy what the tests need, and compile it once for all."""
    for name in COPIED:
        source, destination = root / name, target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, destination, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy2(source, destination)
    compileall.compile_dir(target, quiet=2)


def pytest_arguments() -> list[str]:
    """What both runners give to pytest: the first failure is enough."""
    deselected = [f"--deselect={name}" for name in TOO_SLOW]
    return ["-x", "-q", "--no-header", "--assert=plain", "--noconftest", "-p", "no:cacheprovider", *deselected]


def environment() -> dict[str, str]:
    """One thread of linear algebra for each process, no byte code left behind, no plugin of pytest's loaded."""
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
