"""An ordinary project of somebody else's, and what a test run of it prints, makes and returns, with a plugin and without."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SETTINGS = """
[pytest]
testpaths = tests
addopts = --strict-markers
filterwarnings = error
markers = slow: takes long
"""

CONFTEST = """
import pytest

def pytest_addoption(parser):
    for name in ("--replay", "--implementation", "--claim", "--depth", "--dataset", "--target", "--report", "--baseline", "--optimiser", "--verification"):
        parser.addoption(name, default="theirs")

def pytest_report_header(config):
    return f"their report: {config.getoption('--report')}"

def pytest_collection_modifyitems(items):
    for item in items:
        assert item.obj is not None
        assert item.fixturenames is not None

@pytest.fixture
def benchmark():
    return "their benchmark"

@pytest.fixture
def verification():
    return "their verification"
"""

TESTS = '''
import pathlib
import sys

import pytest

def test_passes(benchmark, verification):
    assert (benchmark, verification) == ("their benchmark", "their verification")

def test_fails():
    """Their own failure, with its difference."""
    assert {"a": [1, 2]} == {"a": [1, 3]}

@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail():
    assert False

@pytest.mark.skip(reason="theirs")
def test_is_left_out():
    raise AssertionError

@pytest.mark.slow
@pytest.mark.parametrize("registered_claim", [1, 2])
def test_of_an_argument(registered_claim):
    print("printed by", registered_claim)
    assert registered_claim < 2

def test_writes_a_file(tmp_path, request):
    pathlib.Path(request.config.rootpath, "made.txt").write_text("by their test")

def test_breaks(missing_fixture):
    pass

def test_has_modules_of_their_own():
    import properties, theory
    assert (properties.WHOSE, theory.WHOSE) == ("theirs", "theirs")
    assert not [name for name in sys.modules if name.startswith(("properties.", "theory."))]
'''

FILES: Mapping[str, str] = {
    "pytest.ini": SETTINGS,
    "conftest.py": CONFTEST,
    "tests/test_theirs.py": TESTS,
    "properties/__init__.py": "WHOSE = 'theirs'\n",
    "theory/__init__.py": "WHOSE = 'theirs'\n",
}

COMPILED = ".pyc"
"""Its bytes hold the time at which the source was written."""

_VARYING = (
    (re.compile(r"\b\d+(?:\.\d+)? ?s(?:econds)?\b"), "TIME"),
    (re.compile(r"=+(?= )|(?<= )=+(?=$)", re.MULTILINE), "="),  # the rules are as long as the time leaves room
    (re.compile(r"^plugins: .*\n", re.MULTILINE), ""),  # pytest's own list, where an installed plugin does stand
)


@dataclass(frozen=True)
class Finished:
    """What is left of a test run."""

    code: int
    output: str
    errors: str
    files: Mapping[str, bytes]
    """By path from the project's directory the content; of compiled modules the path alone."""

    def without_times(self) -> Finished:
        """The same without what differs from one run to the next, and without pytest's list of plugins."""
        output, errors = self.output, self.errors
        for pattern, text in _VARYING:
            output, errors = pattern.sub(text, output), pattern.sub(text, errors)
        return Finished(self.code, output, errors, self.files)


def write_project(directory: Path, files: Mapping[str, str] = FILES) -> None:
    """The project's files in an empty directory."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run_tests(
    directory: Path,
    *arguments: str,
    files: Mapping[str, str] = FILES,
    python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Write the project to ``directory`` anew, run its tests there in a process of its own, and see what is there then."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    write_project(directory, files)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON", "CI"))}
    settings = {**inherited, "PYTHONHASHSEED": "0", "COLUMNS": "100", **(environment or {})}
    done = subprocess.run(
        [python, "-m", "pytest", *arguments], cwd=directory, env=settings, capture_output=True, text=True, check=False
    )
    made = {
        path.relative_to(directory).as_posix(): b"" if path.suffix == COMPILED else path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    return Finished(done.returncode, done.stdout, done.stderr, made)


def differences(
    directory: Path,
    plugin: str,
    *arguments: str,
    files: Mapping[str, str] = FILES,
    python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """What a run with the installed plugin leaves otherwise than one without, each in one line; empty where nothing differs."""
    without, beside = (
        run_tests(directory, *option, *arguments, files=files, python=python, environment=environment).without_times()
        for option in (("-p", f"no:{plugin}"), ())
    )
    found = [] if without.code == beside.code else [f"exit code {without.code}, beside it {beside.code}"]
    for name, before, after in (
        ("output", without.output.splitlines(), beside.output.splitlines()),
        ("errors", without.errors.splitlines(), beside.errors.splitlines()),
    ):
        found += [f"{name} lost: {line}" for line in before if line not in after]
        found += [f"{name} gained: {line}" for line in after if line not in before]
        found += [f"{name} in another order"] if before != after and set(before) == set(after) else []
    for path in sorted(without.files.keys() | beside.files.keys()):
        if path not in beside.files or path not in without.files:
            found.append(f"file {'lost' if path not in beside.files else 'gained'}: {path}")
        elif without.files[path] != beside.files[path]:
            found.append(f"file changed: {path}")
    return found
