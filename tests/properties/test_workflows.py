"""The workflows to copy: they are YAML, every pytest option in them exists, and the documentation leads to them."""

import importlib
import importlib.util
import re
import shlex
import tomllib
from typing import Any

import pytest

from properties.options import CHECKOUT

WORKFLOWS = CHECKOUT / "docs" / "workflows"
NAMES = ("verify", "guard")
COMMAND = re.compile(r"^ *- run: >\n((?: {10,}.*\n)+)", re.MULTILINE)
"""A command folded over several lines, whose text is indented deeper than its key."""


def words(name: str) -> list[str]:
    """The words of the command that starts pytest."""
    (command,) = [found for found in COMMAND.findall((WORKFLOWS / f"{name}.yml").read_text()) if "bin/pytest" in found]
    return shlex.split(command)


def parsed(name: str) -> Any:
    return importlib.import_module("yaml").safe_load((WORKFLOWS / f"{name}.yml").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_every_option_exists(pytestconfig: pytest.Config, name: str) -> None:
    options = [word.partition("=")[0] for word in words(name) if word.startswith("-")]
    missing = object()
    assert len(options) >= 4
    assert [option for option in options if pytestconfig.getoption(option, missing) is missing] == []
    assert pytestconfig.getoption("--no-such-option", missing) is missing


@pytest.mark.parametrize("name", NAMES)
def test_the_lines_are_indented_by_spaces_and_hold_one_job(name: str) -> None:
    text = (WORKFLOWS / f"{name}.yml").read_text()
    assert "\t" not in text
    assert re.findall(r"^(\w+):", text, re.MULTILINE) == ["name", "on", "jobs"]
    assert len(re.findall(r"^    steps:$", text, re.MULTILINE)) == 1


if importlib.util.find_spec("yaml") is not None:

    @pytest.mark.parametrize("name", NAMES)
    def test_a_workflow_is_yaml(name: str) -> None:
        (job,) = parsed(name)["jobs"].values()
        commands = [step["run"] for step in job["steps"] if "run" in step]
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])
        assert shlex.split(next(command for command in commands if "bin/pytest" in command)) == words(name)
        assert job["steps"][-1]["if"] == "always()"
        assert f"--report={job['steps'][-1]['with']['path']}" in words(name)


def test_the_matrix_has_the_goals_of_the_makefile_and_the_pythons_allowed() -> None:
    text = (WORKFLOWS / "versions.yml").read_text()
    goals, pythons = (
        re.findall(r"[\w.]+", line)
        for line in re.findall(r"^ +(?:versions|python): \[(.*)\]$", text, re.MULTILINE)[::-1]
    )
    makefile = (CHECKOUT / "Makefile").read_text()
    assert re.search(rf"^{' '.join(goals)}: ", makefile, re.MULTILINE)
    metadata = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert metadata["requires-python"] == f">={pythons[0]}"


def test_cleaning_removes_nothing_that_an_option_names() -> None:
    """REPORT may come from the environment, and be any directory of the user's."""
    (recipe,) = re.findall(r"^clean:.*\n((?:\t.*\n)+)", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert "$" not in recipe


def test_the_guide_leads_to_all() -> None:
    text = (CHECKOUT / "docs" / "continuous-integration.md").read_text()
    for name in (*NAMES, "versions"):
        assert f"(workflows/{name}.yml)" in text
    assert "(workflows/guard.yml)" in (CHECKOUT / "docs" / "guard.md").read_text()
