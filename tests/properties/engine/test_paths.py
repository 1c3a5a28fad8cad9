"""Paths are compared as files, and names of any bytes are written, shown and quoted."""

import html
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from properties.engine.paths import encodable, file_key, printable, same_file, told
from properties.engine.report.commands import Commands
from tests.properties.engine import fake_claims, path_names
from tests.properties.engine.path_names import NAMES, WAYS, check_baseline, check_dataset, check_replay, check_report
from tests.properties.engine.run.plugin_suite import ITEMS, Suite
from tests.properties.processes import started

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.usefixtures("profile_restored")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("there", [True, False])
def test_every_way_leads_to_the_same_file(
    tmp_path: Path, way: str, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, other = tmp_path / NAMES["not UTF-8"], tmp_path / "other"
    other.mkdir()
    if there:
        file.mkdir()
    found = WAYS[way](file)
    assert same_file(found, file)
    assert file_key(found) == file_key(file)
    assert not same_file(found, other)
    assert file_key(found) != file_key(other)


def test_a_report_tells_no_directory_outside_the_run(tmp_path: Path) -> None:
    assert told(tmp_path / "old" / "base.json", tmp_path) == str(Path("old", "base.json"))
    assert told(tmp_path / "run" / ".." / "base.json", tmp_path) == "base.json"
    assert told(tmp_path / "base\n.json", tmp_path / "run") == "base\\n.json"


def test_another_case_is_the_same_file_where_the_system_says_so(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert same_file(tmp_path / "out", tmp_path / "OUT") is (tmp_path / "OUT").exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("résumé 2.csv", "résumé 2.csv"),
        (os.fsdecode(b"caf\xe9"), r"caf\xe9"),
        ("one\ntwo\x1b", r"one\ntwo\x1b"),
        ("a\u0085b\u202e\U000e0001", r"a\u0085b\u202e\U000e0001"),
        ("\ud800", r"\ud800"),
    ],
)
def test_a_name_is_shown_on_one_line(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert encodable(name).decode("utf-8")


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_a_shell_reads_the_command_back(name: str) -> None:
    command = Commands(report=name, console="natural-gradient").replay("counterexamples/x.json")
    assert command.isprintable()
    script = f"printf '%s' {command.removeprefix('natural-gradient replay ')}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    path = f"{'./' if name.startswith('-') else ''}{name}/counterexamples/x.json"
    assert os.fsdecode(done.stdout) == path
    if name.isprintable():
        assert shlex.split(command) == ["natural-gradient", "replay", path]


@pytest.mark.parametrize(("name", "way"), path_names.sample(2))
def test_runs_through_any_name_and_way(suite: Suite, name: str, way: str) -> None:
    """A sample; all of them are in tests/deep."""
    for check in (check_report, check_replay, check_baseline):
        suite.pytester.chdir()
        check(suite, name, way)


def test_data_whose_name_is_not_text(suite: Suite) -> None:
    suite.pytester.chdir()
    check_dataset(suite, "not UTF-8", "parent")


OWN_REGISTRY = """
from dataclasses import replace
from properties import plugin
from properties.engine.replay import instance_document
from tests.properties.engine import fake_claims
plugin.SUITE = replace(plugin.SUITE, claims={"N-small": fake_claims.claim(limit=20.0)}, obligations={}, chains={}, document=None)
instance_document.PACKAGES = ("theory", "properties", "tests")
"""


def test_a_distributed_run_in_a_directory_of_any_name(tmp_path: Path) -> None:
    """What the workers say of files there reaches the terminal, the report and the file of JUnit."""
    directory = tmp_path / "it's \n 100%s"
    directory.mkdir()
    (directory / "conftest.py").write_text(OWN_REGISTRY)
    (directory / "test_items.py").write_text(ITEMS.read_text())
    options = ["--ngd-claim=all", "--ngd-report=-o t", "--junitxml=junit.xml", "-n", "1", "--benchmark-disable"]
    done = started(directory, ["pytest", "-p", "properties.plugin", *options])
    assert done.returncode == 1, done.stdout + done.stderr
    written = f"counterexample written to {tmp_path}/it's \\n 100%s/-o t/counterexamples/N-small"
    assert written in done.stdout
    assert written in html.unescape((directory / "junit.xml").read_text(encoding="utf-8"))
    assert (directory / "-o t" / "index.html").is_file()


@pytest.mark.parametrize("place", ["directory", "report"])
def test_what_cannot_reach_the_workers_is_refused_at_once(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    name = os.fsdecode(b"caf\xe9")
    directory = suite.pytester.path / (name if place == "directory" else "cafe")
    directory.mkdir()
    monkeypatch.chdir(directory)
    report = name if place == "report" else "out"
    refused = suite.run([fake_claims.claim()], "--claim", "all", "-n", "2", "--report", report)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    said = r"caf\xe9: a name that is not UTF-8 does not reach the workers of a distributed run"
    assert said in refused.stderr.str()
    assert list(directory.iterdir()) == []
