"""The table of options: names, values as one word each, and paths elsewhere that do not lead pytest away from the checkout."""

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from properties.catalogue import registry
from properties.engine.claim import Depth
from properties.engine.selection import selected_claims
from theory.errors import ChoiceError
from verified_natural_gradient import console
from verified_natural_gradient.options import (
    CHECKOUT,
    OPTIONS,
    add_options,
    arguments,
    asked_for,
    joined,
    spoken,
    whole_number,
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        (["-q", "tests", "--dataset", "/a/b.csv", "-x"], ["-q", "tests", "--dataset=/a/b.csv", "-x"]),
        (["--claim", "T1", "--claim", "T1-q"], ["--claim=T1", "--claim=T1-q"]),
        (["--report=out", "--depth", "quick"], ["--report=out", "--depth=quick"]),
        (["--target"], ["--target"]),
        (["--dataset", "--claim", "x"], ["--dataset=--claim", "x"]),
        (["--maxfail", "2"], ["--maxfail", "2"]),
    ],
)
def test_option_and_value_become_one_word(given: list[str], expected: list[str]) -> None:
    assert joined(given) == expected
    assert joined(expected) == expected


def test_data_and_report_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)  # it takes the entry point
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n-1,3\n")
    (tmp_path / "out").mkdir()
    options = ["--dataset", f"{tmp_path}/mine.csv", f"--report={tmp_path}/out"]  # both ways to write a value
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", *options],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"rootdir: {CHECKOUT}\nconfigfile: pyproject.toml\n" in done.stdout
    assert "10 tests collected" in done.stdout


def test_every_option_has_its_long_name_and_the_depths_are_those_of_claims() -> None:
    assert all(option.long == f"--ngd-{option.name}" and option.short == f"--{option.name}" for option in OPTIONS)
    assert len({option.dest for option in OPTIONS}) == len(OPTIONS)
    (depth,) = (option for option in OPTIONS if option.name == "depth")
    assert depth.settings["choices"] == [one.value for one in Depth]


def test_values_become_arguments_that_pytest_cannot_misread() -> None:
    values = {"ngd_claim": ["T1", "T1-q"], "ngd_symmetric": True, "ngd_update_baseline": False, "ngd_scale": 0.0}
    assert arguments(values) == ["--ngd-claim=T1", "--ngd-claim=T1-q", "--ngd-scale=0.0", "--ngd-symmetric"]


def test_messages_name_options_as_the_user_calls_them() -> None:
    text = "--update-baseline writes what --baseline names; --hypothesis-seed and my--claim stay"
    assert spoken(text, short=True) == text
    assert spoken(text, short=False) == (
        "--ngd-update-baseline writes what --ngd-baseline names; --hypothesis-seed and my--claim stay"
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("verify", ["--ngd-claim=all", "--ngd-depth=quick"]),
        ("verify --claim T1 -n 2 -q", ["--ngd-claim=T1", "--ngd-depth=quick", "-n", "2", "-q"]),
        ("dataset --depth normal a.csv --target y", ["--ngd-depth=normal", "--ngd-dataset=a.csv", "--ngd-target=y"]),
        ("replay a.json b.json -v", ["--ngd-replay=a.json", "--ngd-replay=b.json", "-v"]),
        ("replay a.json --implementation m:s", ["--ngd-implementation=m:s", "--ngd-replay=a.json"]),
        ("conform m:s --claim L-one", ["--ngd-claim=L-one", "--ngd-depth=quick", "--ngd-conformance=m:s"]),
        ("guard m:s --optimiser kfac -k x", ["--ngd-depth=quick", "--ngd-implementation=m:s", "--ngd-optimiser=kfac", "-k", "x"]),
    ],
)  # fmt: skip
def test_the_console_command_is_thin_over_pytest(given: str, expected: list[str]) -> None:
    found = console.command_line(given.split())
    ours = [word for word in found if word.startswith("--ngd-")]
    assert sorted(ours) == sorted(word for word in expected if word.startswith("--ngd-"))
    rest = [word for word in expected if not word.startswith("--ngd-")]
    assert found[len(found) - len(rest) :] == rest
    assert ("--noconftest" in found) == ("m:s" not in given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "are required"),
        ("verfy", "'certify'); did you mean verify?"),
        ("guard", "are required: MODULE:STEP; see natural-gradient guard --help"),
        ("conform", "are required: MODULE; see natural-gradient conform --help"),
        ("dataset", "are required: FILE; see natural-gradient dataset --help"),
        ("replay", "are required: FILE; see natural-gradient replay --help"),
        ("dataset --depth norml a.csv", "'thorough'); did you mean normal?"),
        ("certify --inputs orthonormal:4 --widht 9", "unrecognized arguments: --widht; did you mean --width?"),
        (
            "certify --only=tub --width 9 --inputs orthonormal:4",
            "(choose from 'ball', 'tube', 'trajectory'); did you mean tube?",
        ),
        ("certify --width 9", "is required"),
    ],
)
def test_what_the_console_command_does_not_understand_ends_with_one_line(
    given: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        console.main(given.split())
    assert ended.value.code == pytest.ExitCode.USAGE_ERROR
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("natural-gradient")
    assert said.replace("'", "") in line.replace("'", "")


@pytest.mark.parametrize(
    "option", ["--dataset", "--target", "--scale", "--report", "--baseline", "--implementation", "--conformance"]
)
def test_a_second_value_does_not_hide_the_first(option: str) -> None:
    parser = pytest.Parser(_ispytest=True)
    add_options(parser, short=True)
    name = f"ngd_{option.removeprefix('--')}"
    for given in ([option, "1"], [f"{option}=1"], [option, "1", f"{option}=1"]):
        assert str(getattr(parser.parse(given), name)).startswith("1")
    with pytest.raises(
        pytest.UsageError, match=f"argument {option}.*: given twice, as 1.* and as 2.*; a run takes one"
    ):
        parser.parse([option, "1", option, "2"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--ngd-claim T1", True),
        ("-q --ngd-report=out", True),
        ("--ngd-steps=3", False),
        ("--ngd-claims", False),
        ("-k --ngd-", False),
        ("-q", False),
    ],
)
def test_only_its_own_options_ask_for_the_suite(given: str, expected: bool) -> None:
    assert asked_for(given.split(), argparse.Namespace(ngd_steps="1")) is expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("verify --claim T1 --depht quick", "--depht; did you mean --depth?"),
        ("dataset diabetes --standardize", "--standardize; did you mean --standardise?"),
        ("guard os:path --optimizer ngd", "--optimizer; did you mean --optimiser?"),
        ("guard os:path --dataset diabetes", "--dataset; --dataset is an option of verify"),
        ("conform os --damping 1", "--damping; --damping is an option of guard and replay"),
        ("replay a.json --optimizer=kfac", "--optimizer=kfac; did you mean --optimiser?"),
        ("verify --maxfial 2", "--maxfial; did you mean --maxfail?"),
        ("verify --xyzzy", "--xyzzy"),
    ],
)
def test_a_mistyped_option_is_refused_in_the_name_of_the_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    profile_restored: None,
    given: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(console, "RUNNING", replace(console.RUNNING))
    assert console.main(given.split()) == pytest.ExitCode.USAGE_ERROR
    assert capsys.readouterr().err.strip() == f"ERROR: natural-gradient: error: unrecognized arguments: {said}"


def test_a_command_calls_its_argument_as_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    message = "--implementation m:s: it has none; --implementation-like and --conformance stay"
    for command, expected in (
        ("guard", "MODULE:STEP m:s: it has none; --implementation-like and --conformance stay"),
        ("replay", message),
        ("", message),
    ):
        monkeypatch.setattr(console.RUNNING, "command", command)
        assert console.as_called(message) == expected


def test_the_nearest_claim_is_named() -> None:
    with pytest.raises(ChoiceError, match=r"^unknown claim T1-shrp; did you mean T1-sharp\? known: all, "):
        selected_claims(registry, ["T1-shrp"], False)
    with pytest.raises(ChoiceError, match=r"^unknown claim xyzzy; known: all, "):
        selected_claims(registry, ["xyzzy"], False)


@pytest.mark.parametrize(
    ("text", "number"), [("1000", 1000), ("1e5", 100_000), ("-3", -3), ("9007199254740993", 2**53 + 1)]
)
def test_a_whole_number_may_have_an_exponent(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["1.5", "1e-3", "many", "inf", "nan", ""])
def test_another_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"whole number|could not convert"):
        whole_number(text)
