"""A report, a replay and a baseline through every name and every way; tests/properties/engine/test_paths.py runs a sample."""

from collections.abc import Callable

import pytest

from tests.properties.engine.path_names import CASES, NAMES, check_baseline, check_dataset, check_replay, check_report
from tests.properties.engine.run.plugin_suite import Suite

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.usefixtures("profile_restored")


@pytest.mark.parametrize(("name", "way"), CASES)
@pytest.mark.parametrize("check", [check_report, check_replay, check_baseline])
def test_runs_through_every_name_and_way(
    suite: Suite, name: str, way: str, check: Callable[[Suite, str, str], None]
) -> None:
    suite.pytester.chdir()
    check(suite, name, way)


@pytest.mark.parametrize("name", NAMES)
def test_data_of_every_name(suite: Suite, name: str) -> None:
    suite.pytester.chdir()
    check_dataset(suite, name, "parent")
