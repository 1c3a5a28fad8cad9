"""Counterexample files replayed by pytest: what is printed, exit codes, damaged files, files moved elsewhere."""

import dataclasses
import json
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from properties.catalogue import registry
from properties.engine.claim import Claim, InstanceVerdict, require
from properties.engine.replay.archive import members
from properties.engine.replay.counterexample import (
    content_digest,
    read_counterexample,
)
from properties.engine.replay.replay import load_replays, replay_entry
from tests.properties.engine import fake_claims
from tests.properties.engine.replay.stored_mutants import (
    CHEAP,
    THE_SAME,
    check_the_same_elsewhere,
    write_mutant,
    written_and_moved,
)
from tests.properties.engine.report.page_parser import report_text
from tests.properties.engine.run.plugin_suite import Suite
from tests.properties.processes import started
from verified_natural_gradient.options import CHECKOUT

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.usefixtures("profile_restored")

EXAMPLES = CHECKOUT / "docs" / "counterexamples"
Change = Callable[[dict[str, Any]], None]


# --- moved elsewhere ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two counterexamples of every cheap claim; tests/deep/test_stored_mutants.py has all."""
    chosen = [mutant.id for id in CHEAP for mutant in registry[id].mutants[:2]]
    return written_and_moved(tmp_path_factory.mktemp("stored"), chosen)


def test_counterexamples_say_the_same_in_new_processes(moved: Path) -> None:
    assert check_the_same_elsewhere(moved, "-n", "1") > len(CHEAP)


def test_the_arrays_alone_are_replayed(moved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No family builds anything, and a stored number that is another one shows."""

    def build(description: Mapping[str, Any]) -> Any:
        raise AssertionError("the description was used")

    path = next(moved.glob("T1-rate-squared-*.json"))
    mutant = next(one for one in registry["T1"].mutants if one.id == "T1/rate-squared")
    families = tuple(dataclasses.replace(family, build=build) for family in mutant.claim.families)
    claim = dataclasses.replace(mutant.claim, families=families)
    whole = dataclasses.replace(registry["T1"], families=families, mutants=(dataclasses.replace(mutant, claim=claim),))
    known: dict[str, Claim[Any]] = {"T1": whole}
    (found,) = load_replays([str(path)], moved, known)
    assert replay_entry(found)["agreement"] == [THE_SAME]
    instance = dataclasses.replace(found.counterexample.instance, eta=0.25)
    other = dataclasses.replace(found, counterexample=dataclasses.replace(found.counterexample, instance=instance))
    assert replay_entry(other)["agreement"] != [THE_SAME]


def test_the_stored_command_is_safe_from_settings_beside_the_file(tmp_path: Path) -> None:
    path = write_mutant(tmp_path / "a report", "I-gram/sum", report="a report")
    (path.parent / "pytest.ini").write_text("[pytest]\naddopts = --nonexistent-option\n")
    (path.parent / "conftest.py").write_text("raise RuntimeError('not to be imported')\n")
    command = shlex.split(json.loads(path.read_text())["replay"])
    assert command[:2] == ["natural-gradient", "replay"]
    done = started(tmp_path, command)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Of 1 replayed: 1 refuted again." in done.stdout


def test_every_documented_command_joins_a_path_to_its_option() -> None:
    documents = [CHECKOUT / "README.md", CHECKOUT / "Makefile", *(CHECKOUT / "docs").glob("*.md")]
    commands = [
        line
        for document in documents
        for line in document.read_text().splitlines()
        if re.search(r"pytest |^ +--claim", line)
    ]
    assert len(commands) > 20
    assert [line for line in commands if re.search(r"--(replay|report|baseline) |--dataset \S+[./]", line)] == []


# --- what is documented ----------------------------------------------------------------------------------------------

STATED = {
    "C2-path-first-step-only-b739e564ee.json": ("C2-path/first-step-only", 0),
    "T0-linear-diagonal-kernel-c2754f853b.json": ("T0-linear/diagonal-kernel", 0),
    "T0-step-beyond-divergence-4a5c3ba34f.json": ("T0/step-beyond-divergence", 106),
}
"""The files that are shown in the documentation, with the precision of their confirmation."""


def test_the_documented_examples_are_refuted_again() -> None:
    """Digits may differ with another BLAS, the verdict may not."""
    replays = load_replays(["."], EXAMPLES, registry)
    assert {one.name: (one.counterexample.claim, one.counterexample.recorded["precision"]) for one in replays} == STATED
    page = EXAMPLES.with_suffix(".md").read_text()
    for one in replays:
        entry = replay_entry(one)
        assert entry["verdict"] == one.counterexample.recorded["verdict"] == "refuted"
        assert entry["statement"] == one.counterexample.statement
        assert f"(counterexamples/{one.name})" in page
        written = json.loads(one.counterexample.path.read_text())
        assert written["replay"] == f"pytest --replay=docs/counterexamples/{one.name}", "in the checkout, of schema 2"
        assert all(f"`{key}`" in page for key in written)


# --- what is printed, and exit codes ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the report of ``written`` is kept after the first run, if there was one."""
    return tmp_path_factory.mktemp("kept") / "out"


@pytest.fixture
def written(suite: Suite, kept: Path) -> Path:
    """The counterexample of a claim that is refuted, in a report of its own."""
    report = suite.pytester.path / "out"
    if kept.exists():
        shutil.copytree(kept, report, symlinks=True)
    else:
        suite.run([fake_claims.claim(limit=25.0)], "--claim", "all", "--report", "out")
        shutil.copytree(report, kept, symlinks=True)
    (entry,) = suite.written()["claims"]
    return suite.pytester.path / "out" / str(entry["counterexample"])


def test_a_refutation_is_told_in_full_and_exits_with_1(suite: Suite, written: Path) -> None:
    outcome = suite.run([fake_claims.claim(limit=25.0)], "--replay", str(written))
    assert outcome.ret == 1
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(
        [
            f"*replay?{written.name}?*",
            f"{written.name}: N-small: refuted again",
            "* replays *",
            f"{written.name}: N-small: refuted again",
            "  statement: numbers <are> at most 30 & small",
            "  instance: family F1, value=26",
            "  hypothesis value at most 30: holds, margin 4",
            "  value, in metres: refuted (tested); measured 26, predicted 25, ratio 1.04, rounding 0",
            "  precision: 53 bits",
            "  refuted, ratio 1.04; in the file refuted, 1.04",
            f"  {THE_SAME}",
            "Of 1 replayed: 1 refuted again.",
        ]
    )


def test_a_claim_that_was_mended_passes(suite: Suite, written: Path) -> None:
    outcome = suite.run([fake_claims.claim(limit=30.0)], "--replay", str(written))
    assert outcome.ret == 0
    outcome.assert_outcomes(passed=1)
    outcome.stdout.fnmatch_lines(
        [
            f"{written.name}: N-small: holds now: the counterexample is none any more",
            "  holds, ratio 0.86*; in the file refuted, 1.04",
            "  NOT the same as the file, which says refuted; versions and BLAS are those of the file",
            "Of 1 replayed: 1 holds.",
        ]
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"conclusion": fake_claims.undecided}, "N-small: undecided"),
        ({"hypotheses": lambda point: [require("never", -1.0)]}, "N-small: vacuous: a hypothesis fails"),
        ({"hypotheses": lambda point: [require("close", 0.5, 1.0)]}, "N-small: not known"),
        ({"conclusion": fake_claims.broken}, "N-small: the evaluation broke off with an error:"),
    ],
)
def test_what_does_not_hold_exits_with_1(suite: Suite, written: Path, changes: Any, said: str) -> None:
    claim = dataclasses.replace(fake_claims.claim(), **changes)
    outcome = suite.run([claim], "--replay", str(written))
    assert outcome.ret == 1
    outcome.stdout.fnmatch_lines([f"{written.name}: {said}*"])


def test_mutants_and_directories_and_files_named_twice(suite: Suite, written: Path) -> None:
    suite.run([fake_claims.claim()], "--report", "out2")
    (archive,) = (suite.pytester.path / "out2" / "counterexamples").iterdir()
    one, _ = members(archive)
    for names in (["", archive.name, one], [archive.name], ["", f"{archive.name}/{one}"]):
        given = [f"--replay=out2/counterexamples/{name}" for name in names]
        outcome = suite.run([fake_claims.claim()], *given)
        outcome.assert_outcomes(failed=2)
    outcome.stdout.fnmatch_lines(["  statement: a limit of 10 (mutant of: numbers <are> at most 30 & small)"])
    copy = shutil.copy(written, suite.pytester.path)
    outcome = suite.run([fake_claims.claim(limit=25.0)], "--replay", str(written), "--replay", str(copy))
    outcome.assert_outcomes(failed=2)


def test_other_digits_and_another_statement_are_told(
    suite: Suite, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = dataclasses.replace(fake_claims.claim(limit=25.0), statement="numbers are small")
    change(written, lambda content: content["bounds"][0].update(measured=26.5))
    outcome = suite.run([claim], "--replay", str(written))
    outcome.stdout.fnmatch_lines(
        [
            "  the verdict is that of the file, but digits differ; versions and BLAS are those of the file",
            "  the statement is not that of the file any more: numbers <are> at most 30 & small",
        ]
    )
    change(written, lambda content: content["environment"].update(numpy="1.0", blas="another"))
    outcome = suite.run([claim], "--replay", str(written))
    outcome.stdout.fnmatch_lines(
        [f"  the verdict is that of the file, but digits differ; numpy 1.0 there, {np.__version__} here; blas another*"]
    )


def change(path: Path, edit: Change) -> None:
    """Change a file and its digest."""
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps({**content, "digest": content_digest(content)}))


def test_a_counterexample_on_a_data_set_is_replayed(suite: Suite) -> None:
    """Family F5 belongs to no claim; the file of a data set holds the instance, not the data set."""
    from tests.properties.dataset.test_plugin_data_sets import with_dataset

    with_dataset(suite, InstanceVerdict.REFUTED)
    outcome = suite.run([fake_claims.claim(limit=28.0)], "--dataset", "mine.npz", "--report", "out")
    (path,) = (suite.pytester.path / "out" / "counterexamples").iterdir()
    command = f"natural-gradient replay out/counterexamples/{path.name}"
    outcome.stdout.fnmatch_lines([f"replay: {command}"])
    assert f"<code>{command}</code>" in report_text(suite.pytester.path / "out")
    assert read_counterexample(path).instance == fake_claims.Point(29.0)
    outcome = suite.run([fake_claims.claim(limit=28.0)], "--replay", str(path))
    outcome.stdout.fnmatch_lines(["  instance: family F5, width=8", f"  {THE_SAME}"])


# --- damaged files ---------------------------------------------------------------------------------------------------


def edited(edit: Change) -> Callable[[Path], None]:
    return lambda path: change(path, edit)


def unsigned(path: Path) -> None:
    content = json.loads(path.read_text())
    content["instance"]["fields"]["value"] = 27.0
    path.write_text(json.dumps(content))


DAMAGES: Mapping[str, tuple[Callable[[Path], Any], str]] = {
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-200]), "is not JSON, perhaps truncated"),
    "not text": (lambda path: path.write_bytes(b"\x93NUMPY\x01\x00"), "is not JSON"),
    "key missing": (edited(lambda content: content.pop("instance")), "lacks instance: it is damaged"),
    "schema": (edited(lambda content: content.update(schema=1)), "schema 1, this version reads 2 and 3"),
    "number edited": (unsigned, "its digest is not that of its content"),
    "unknown claim": (
        edited(lambda content: content.update(claim="N-smal")),
        "no claim or mutant * did you mean N-small",
    ),
    "unknown family": (
        edited(lambda content: content.update(family="F9")),
        "'F9', which N-small does not have; known: F1",
    ),
    "wrong type": (
        edited(lambda content: content["instance"]["fields"].update(value="26")),
        "value is '26', but * takes <class 'float'>",
    ),
    "foreign class": (
        edited(lambda content: content["instance"].update(type="os.system")),
        "'os.system' is the name of no class of instances here",
    ),
    "bound": (
        edited(lambda content: content["bounds"].append({})),
        "bounds?1? is not label, measured, predicted, ratio, rounding, verdict, evidence",
    ),
    "huge number": (
        edited(lambda content: content["bounds"][0].update(ratio=10**400)),
        "the number 10000000000000000000... of 401 digits",
    ),
    "a report": (
        lambda path: path.write_bytes((path.parents[1] / "claims.json").read_bytes()),
        "is the record of a run, not a counterexample",
    ),
    "missing": (lambda path: path.unlink(), "does not exist; name a .json file"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_by_name_and_nothing_is_written(suite: Suite, written: Path, damage: str) -> None:
    harm, said = DAMAGES[damage]
    harm(written)
    before = {path: path.read_bytes() for path in suite.pytester.path.rglob("*") if path.is_file()}
    outcome = suite.run([fake_claims.claim(limit=25.0)], "--replay", str(written))
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines([f"ERROR: {written}*{said}*"])
    assert before == {path: path.read_bytes() for path in suite.pytester.path.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--replay="], "--replay is empty; name a counterexample or a directory"),
        (["--replay", " "], "--replay is empty; name a counterexample or a directory"),
        (["--replay", "."], "holds no .json file; name a counterexample, or a directory of them"),
        (["--replay", "FILE", "--claim", "all"], "--replay evaluates files and nothing else; leave --claim out"),
        (["--replay", "FILE", "--report", "new", "--dataset", "x"], "leave --dataset and --report out"),
    ],
)
def test_what_cannot_be_replayed_is_a_usage_error(suite: Suite, written: Path, arguments: list[str], said: str) -> None:
    outcome = suite.run([fake_claims.claim()], *(str(written) if one == "FILE" else one for one in arguments))
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines([f"ERROR: *{said}*"])
    assert not (suite.pytester.path / "new").exists()
