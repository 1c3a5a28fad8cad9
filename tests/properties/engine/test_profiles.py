"""Hypothesis profiles: which one a run loads, and that nothing is inherited under CI."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from properties.engine.claim import Depth
from properties.engine.profiles import profile_name, under_ci

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[3]
CI_NAMES = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TEAMCITY_VERSION", "BUILDKITE")

SHOW = """
import json
from hypothesis import settings
from properties.engine.profiles import PROFILES, register_profiles

def shown(profile):
    database = profile.database
    return {
        "max_examples": profile.max_examples,
        "derandomize": profile.derandomize,
        "database": None if database is None else type(database).__name__,
        "deadline": None if profile.deadline is None else str(profile.deadline),
        "print_blob": profile.print_blob,
        "suppress": sorted(check.name for check in profile.suppress_health_check),
        "steps": profile.stateful_step_count,
        "many": profile.report_multiple_bugs,
        "verbosity": profile.verbosity.name,
        "phases": [phase.name for phase in profile.phases],
        "backend": profile.backend,
    }

naive = settings(max_examples=7)
register_profiles()
print(json.dumps({"naive": shown(naive), **{name: shown(settings.get_profile(name)) for name in PROFILES}}))
"""

PRINT_PROFILE = """
from hypothesis import settings

def test_show():
    now = settings()
    print("PROFILE", settings.get_current_profile_name(), now.max_examples, now.derandomize, now.database is None)
"""


def environment(ci: bool) -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if name not in CI_NAMES}
    return {**found, "PYTHONPATH": str(ROOT), **({"CI": "true"} if ci else {})}


def profiles(ci: bool) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment(ci), capture_output=True, text=True, check=True, cwd=ROOT
    )
    return json.loads(done.stdout)


def test_profiles_inherit_nothing_under_ci() -> None:
    here, there = profiles(ci=False), profiles(ci=True)
    # What a profile registered without care would take over there:
    assert here["naive"]["derandomize"] is False
    assert there["naive"]["derandomize"] is True
    assert there["naive"]["database"] is None
    del here["naive"], there["naive"]
    assert here == there
    for name in ("developer", "long"):
        assert here[name]["derandomize"] is False
        assert here[name]["database"] == "DirectoryBasedExampleDatabase"
    assert here["ci"]["derandomize"] is True
    assert here["ci"]["database"] is None
    assert [here[name]["max_examples"] for name in ("developer", "ci", "long")] == [100, 100, 2000]
    assert {profile["deadline"] for profile in here.values()} == {None}
    assert all(profile["print_blob"] for profile in here.values())
    assert here["developer"]["suppress"] == []


@pytest.mark.parametrize(
    ("ci", "arguments", "shown"),
    [
        (False, [], "developer 100 False False"),
        (False, ["--ngd-depth", "thorough"], "long 2000 False False"),
        (True, [], "ci 100 True True"),
        (True, ["--ngd-depth", "thorough"], "ci 100 True True"),
        (True, ["--hypothesis-profile", "long"], "long 2000 False False"),
        (False, ["--hypothesis-profile", "ci"], "ci 100 True True"),
        (False, ["--hypothesis-verbosity", "verbose"], "developer-with-verbose-verbosity 100 False False"),
    ],
)
def test_the_profile_a_run_loads(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    profile_restored: None,
    ci: bool,
    arguments: list[str],
    shown: str,
) -> None:
    for name in CI_NAMES:
        monkeypatch.delenv(name, raising=False)
    if ci:
        monkeypatch.setenv("CI", "true")
    pytester.makepyfile(PRINT_PROFILE)
    done = pytester.runpytest_inprocess("-p", "properties.plugin", "-p", "no:cacheprovider", "-s", "-q", *arguments)
    assert done.ret == 0
    assert f"PROFILE {shown}" in done.stdout.str().splitlines()


@pytest.mark.parametrize(
    ("value", "answer"), [("true", True), ("1", True), ("yes", True), ("", False), ("false", False), ("0", False)]
)
def test_what_counts_as_ci(value: str, answer: bool) -> None:
    assert under_ci({"CI": value}) is answer
    assert profile_name(Depth.QUICK, {"CI": value}) == ("ci" if answer else "developer")


def test_no_variable_is_no_ci() -> None:
    assert not under_ci({})
    assert profile_name(Depth.NORMAL, {}) == "developer"
    assert profile_name(Depth.THOROUGH, {}) == "long"
