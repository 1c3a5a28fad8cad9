"""Options whose values are paths elsewhere do not lead pytest away from the checkout."""

import subprocess
import sys
from pathlib import Path

import pytest

from properties.options import CHECKOUT, joined, pytest_addoption


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


@pytest.mark.parametrize("separator", [" ", "="])
def test_data_and_report_elsewhere(tmp_path: Path, separator: str) -> None:
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n-1,3\n")
    (tmp_path / "out").mkdir()
    options = f"--dataset{separator}{tmp_path}/mine.csv --report{separator}{tmp_path}/out".split()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "properties.options", "--collect-only", *options],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"rootdir: {CHECKOUT}\nconfigfile: pyproject.toml\n" in done.stdout
    assert "1 selected" in done.stdout


@pytest.mark.parametrize("option", ["--dataset", "--target", "--scale", "--report", "--baseline"])
def test_a_second_value_does_not_hide_the_first(option: str) -> None:
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    name = option.removeprefix("--")
    for given in ([option, "1"], [f"{option}=1"], [option, "1", f"{option}=1"]):
        assert str(getattr(parser.parse(given), name)).startswith("1")
    with pytest.raises(pytest.UsageError, match=f"argument {option}: given twice, as 1.* and as 2.*; a run takes one"):
        parser.parse([option, "1", option, "2"])
