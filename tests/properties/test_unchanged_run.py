"""Where nothing of this suite is asked for, a test run is the same with it installed and without: output, files, exit code."""

from pathlib import Path

import pytest

from tests.properties.ordinary_project import differences, run_tests

PLUGIN = "verified_natural_gradient.plugin"
WITHOUT_BENCHMARK = ("-p", "no:benchmark")
"""That plugin, which comes with development alone, fails on their fixture of its name."""


def test_an_ordinary_run_is_the_same(tmp_path: Path) -> None:
    assert differences(tmp_path / "project", PLUGIN, *WITHOUT_BENCHMARK) == []


def test_the_run_that_is_compared_has_every_outcome_and_leaves_files(tmp_path: Path) -> None:
    done = run_tests(tmp_path / "project", *WITHOUT_BENCHMARK)
    assert "2 failed, 4 passed, 1 skipped, 1 xfailed, 1 error in " in done.output, done.output
    assert done.code == 1
    assert {"made.txt", ".pytest_cache/v/cache/lastfailed"} <= done.files.keys()
    assert "their report: theirs" in done.output
    assert "1 error in TIME" in done.without_times().output
    (plugins,) = [line for line in done.output.splitlines() if line.startswith("plugins: ")]
    assert "verified-natural-gradient-" in plugins  # so the package is installed here, and loaded


LINES = ("-v", "-o", "console_output_style=classic")
"""One a test, without its share of all."""

MEDDLING = """
import pathlib

def pytest_report_header():
    return "hello"

def pytest_sessionfinish(session):
    session.exitstatus = 3

def pytest_configure():
    pathlib.Path("mine.txt").touch()
"""

REVERSING = """
def pytest_collection_modifyitems(items):
    items.reverse()
"""


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (MEDDLING, ["exit code 0, beside it 3", "output gained: hello", "file gained: mine.txt"]),
        (REVERSING, ["output in another order"]),
    ],
)
def test_a_plugin_that_changes_a_run_is_found_out(tmp_path: Path, plugin: str, said: list[str]) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "meddling.py").write_text(plugin)
    environment = {
        "PYTEST_PLUGINS": "meddling",
        "PYTHONPATH": str(tmp_path / "plugins"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    files = {"test_theirs.py": "def test_one():\n    pass\n\n\ndef test_two():\n    pass\n"}
    assert differences(tmp_path / "project", "meddling", *LINES, files=files, environment=environment) == said
