"""A sample of tests/deep/test_tube_widths.py."""

import pytest

from tests.theory.stability.tube.widths_that_people_use import SETTINGS, Setting, follow
from theory.stability import certify_tube

SMALL = tuple(one for one in SETTINGS if not one.large and one.width <= 10_000)


@pytest.mark.parametrize("setting", SMALL, ids=lambda one: one.name)
def test_one_network_of_each_small_setting_is_certified_and_followed(setting: Setting) -> None:
    net, rows, y = setting.problem(0)
    found = certify_tube(net, rows, y, setting.optimiser)
    assert found.certified, str(found.failure)
    assert follow(net, rows, y, found, 0.5, setting.optimiser) > 10
