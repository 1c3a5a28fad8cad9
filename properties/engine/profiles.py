"""Hypothesis profiles for a developer, for CI and for a long run.

Every setting is given, so that nothing is inherited: Hypothesis activates its own "ci" profile when it sees a CI
machine, and a profile registered there would silently take ``derandomize=True`` and ``database=None`` from it.

The search of the claims fixes its own settings and seeds (properties/engine/search.py); these profiles rule the suite's
other tests that use ``@given``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from properties.engine.claim import Depth

EXAMPLE_DATABASE = ".hypothesis/examples"
"""Where a developer's failing examples are kept, relative to the working directory."""

PROFILES = ("developer", "ci", "long")
"""The profiles registered here."""

_COMMON: Mapping[str, Any] = {
    "verbosity": Verbosity.normal,
    "phases": tuple(Phase),
    "stateful_step_count": 50,
    "report_multiple_bugs": True,
    "deadline": None,  # linear algebra on a shared machine has no steady time
    "print_blob": True,
    "backend": "hypothesis",
}


def register_profiles() -> None:
    """Register the three profiles, replacing Hypothesis' own "ci"; loads none of them."""
    settings.register_profile(
        "developer",
        max_examples=100,
        derandomize=False,
        database=DirectoryBasedExampleDatabase(EXAMPLE_DATABASE),
        suppress_health_check=(),
        **_COMMON,
    )
    settings.register_profile(
        "ci",
        max_examples=100,
        derandomize=True,
        database=None,
        suppress_health_check=(HealthCheck.too_slow,),
        **_COMMON,
    )
    settings.register_profile(
        "long",
        max_examples=2000,
        derandomize=False,
        database=DirectoryBasedExampleDatabase(EXAMPLE_DATABASE),
        suppress_health_check=(HealthCheck.too_slow,),
        **_COMMON,
    )


def under_ci(environment: Mapping[str, str]) -> bool:
    """Whether the environment variable CI is set, to anything but nothing, "0" or "false"."""
    return environment.get("CI", "").lower() not in ("", "0", "false")


def profile_name(depth: Depth, environment: Mapping[str, str]) -> str:
    """The profile a run loads by itself: "ci" under CI, "long" for a thorough run, else "developer"."""
    if under_ci(environment):
        return "ci"
    return "long" if depth is Depth.THOROUGH else "developer"
