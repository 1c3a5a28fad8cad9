"""The workflows to copy: what they run exists here, and they ask for no more than they need."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from properties.engine.extras import DISTRIBUTION
from properties.engine.report.together import HOME, write_together
from verified_natural_gradient.options import CHECKOUT, OPTIONS, PREFIX

WORKFLOWS = CHECKOUT / "docs" / "workflows"
NAMES = ("verify", "guard")
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
PINNED = re.compile(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
COPYING = re.compile(r"cp -rL (\S+) artifact")


def text(name: str) -> str:
    return (WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8")


def parsed(name: str) -> Any:
    return yaml.safe_load(text(name))


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = parsed(name)["jobs"]
    return found


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in jobs(name).values():
        yield from job["steps"]


def commands(name: str) -> list[str]:
    return [step["run"] for step in steps(name) if "run" in step]


def words(name: str) -> list[str]:
    """The words of the command that starts pytest."""
    (command,) = [command for command in commands(name) if "bin/pytest" in command]
    return shlex.split(command)


def value(name: str, option: str) -> str:
    """What one option of that command is joined to, by its name in a checkout or in other projects' runs."""
    names = (f"--{option}", f"{PREFIX}{option}")
    (found,) = [text for before, _, text in (word.partition("=") for word in words(name)) if before in names]
    return found


def test_other_projects_have_the_options_by_their_long_names() -> None:
    assert not {f"--{option.name}" for option in OPTIONS} & {word.partition("=")[0] for word in words("guard")}


@pytest.mark.parametrize("name", NAMES)
def test_every_option_exists(pytestconfig: pytest.Config, name: str) -> None:
    options = [word.partition("=")[0] for word in words(name) if word.startswith("-")]
    missing = object()
    assert len(options) >= 4
    assert [option for option in options if pytestconfig.getoption(option, missing) is missing] == []
    assert pytestconfig.getoption("--no-such-option", missing) is missing


@pytest.mark.parametrize("name", NAMES)
def test_every_step_does_one_thing(name: str) -> None:
    assert "\t" not in text(name)
    assert all(("uses" in step) != ("run" in step) for step in steps(name))
    assert all(job["timeout-minutes"] <= 240 for job in jobs(name).values())


@pytest.mark.parametrize("name", NAMES)
def test_it_may_read_and_no_more(name: str) -> None:
    assert parsed(name)["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in jobs(name).values())
    checkouts = [step for step in steps(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) >= len(jobs(name))
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned_by_commit_and_named_by_version(name: str) -> None:
    lines = [
        line.strip().removeprefix("- ").removeprefix("uses: ") for line in text(name).splitlines() if "uses: " in line
    ]
    assert lines
    assert [line for line in lines if not PINNED.fullmatch(line)] == []
    assert len({line.partition("@")[0] for line in lines}) == len(set(lines))  # one version of each


@pytest.mark.parametrize("name", NAMES)
def test_a_later_push_ends_the_earlier_run_and_no_scheduled_one(name: str) -> None:
    concurrency = parsed(name)["concurrency"]
    assert concurrency["cancel-in-progress"] is True
    assert {"github.workflow", "github.ref", "github.event_name"} <= set(
        re.findall(r"github\.\w+", concurrency["group"])
    )


@pytest.mark.parametrize("name", NAMES)
def test_once_a_week_it_is_thorough(name: str) -> None:
    triggers = parsed(name)[True]  # YAML 1.1 reads the key "on" so
    (schedule,) = triggers["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])
    assert {"push", "pull_request", "workflow_dispatch"} <= set(triggers)
    thorough = [line for line in text(name).splitlines() if "'schedule'" in line]
    assert len(thorough) == 1
    assert "make thorough" in text(name) or "'thorough' || 'normal'" in thorough[0]


@pytest.mark.parametrize(("name", "job"), [("verify", "versions"), ("guard", "guard")])
def test_every_python_is_in_the_matrix(name: str, job: str) -> None:
    strategy = jobs(name)[job]["strategy"]
    assert strategy["fail-fast"] is False
    assert strategy["matrix"]["python"] == PYTHONS
    settings = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r'"Programming Language :: Python :: (3\.\d+)"', settings) == PYTHONS


def test_the_lowest_and_the_newest_dependencies_are_in_the_matrix() -> None:
    assert jobs("verify")["versions"]["strategy"]["matrix"]["dependencies"] == ["lowest", "newest"]


@pytest.mark.parametrize("name", NAMES)
def test_downloads_are_kept_for_the_next_run(name: str) -> None:
    setups = [step["with"] for step in steps(name) if step.get("uses", "").startswith("actions/setup-python@")]
    assert len(setups) == len(jobs(name))
    for setup in setups:
        assert setup["cache"] == "pip"
        files = [line.removeprefix(f"{DISTRIBUTION}/") for line in setup["cache-dependency-path"].splitlines()]
        assert [file for file in files if not (CHECKOUT / file).is_file()] == []


def test_every_file_and_goal_that_it_names_exists() -> None:
    assert (CHECKOUT / value("verify", "baseline")).is_file()
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    goals = [shlex.split(command)[1] for command in commands("verify") if command.startswith("make ")]
    wanted = {goal for goal in goals if "$" not in goal} | {"lowest", "newest"}
    assert wanted == {"install", "thorough", "lowest", "newest"}
    assert [goal for goal in wanted if not re.search(rf"^{goal}:", makefile, re.MULTILINE)] == []
    for named in re.findall(r"\bdocs/\S+\.md\b", "".join(map(text, NAMES))):
        assert (CHECKOUT / named).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_report_is_kept_as_plain_files(tmp_path: Path, name: str) -> None:
    report = value(name, "report")
    copying = {command for command in commands(name) if "artifact" in command}
    (source,) = {found for command in copying for found in COPYING.findall(command)}
    assert source == report
    (command,) = copying
    assert subprocess.run(["bash", "-ec", command], cwd=tmp_path, check=False).returncode == 0
    assert list(tmp_path.iterdir()) == []  # a run that ended before its report
    write_together(tmp_path / report, {"claims.json": b"{}", "index.html": b"<html>"})
    (tmp_path / report / "junit.xml").write_text("<xml/>")
    assert (tmp_path / report / "index.html").is_symlink()
    subprocess.run(["bash", "-ec", command], cwd=tmp_path, check=True)
    kept = {path.name: path for path in (tmp_path / "artifact").rglob("*")}
    assert kept.keys() == {"claims.json", "index.html", "junit.xml"}
    assert not any(path.is_symlink() for path in kept.values())
    assert kept["index.html"].read_text() == "<html>"
    assert (tmp_path / report / HOME).is_dir()


@pytest.mark.parametrize("name", NAMES)
def test_whatever_the_outcome_the_report_is_uploaded(name: str) -> None:
    uploads = [step for step in steps(name) if step.get("uses", "").startswith("actions/upload-artifact@")]
    copies = [step for step in steps(name) if "artifact" in step.get("run", "")]
    assert len(uploads) == len(copies) >= 1
    assert {step["if"] for step in (*uploads, *copies)} == {"always()"}
    assert {step["with"]["path"] for step in uploads} == {"artifact"}
    names = [step["with"]["name"] for step in uploads]
    assert len(set(names)) == len(names)
    assert all(("matrix" in job) == ("matrix" in upload) for job, upload in zip(_uploading(name), names, strict=True))


def _uploading(name: str) -> list[str]:
    """The strategies of the jobs that upload, as text: those of a matrix need a name each."""
    return [str(job.get("strategy", "")) for job in jobs(name).values() if "artifact" in str(job["steps"])]


def test_the_guide_leads_to_both() -> None:
    guide = (CHECKOUT / "docs" / "continuous-integration.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"(workflows/{name}.yml)" in guide
    assert "(workflows/guard.yml)" in (CHECKOUT / "docs" / "guard.md").read_text(encoding="utf-8")
