"""A sample of tests/deep/test_tube_widths.py."""

from dataclasses import replace

import pytest

from tests.theory.stability.tube.widths_that_people_use import SETTINGS, Setting, follow
from theory.direction import UpperBound
from theory.stability import certify_tube

SMALL = tuple(one for one in SETTINGS if not one.large and one.width <= 10_000)


@pytest.mark.parametrize("setting", SMALL, ids=lambda one: one.name)
def test_one_network_of_each_small_setting_is_certified_and_followed(setting: Setting) -> None:
    net, rows, y = setting.problem(0)
    found = certify_tube(net, rows, y, setting.optimiser)
    assert found.certified, str(found.failure)
    run = follow(net, rows, y, found, 0.5, setting.optimiser)
    assert run.steps > 10
    assert 0 < run.decided <= run.steps
    assert 0 < run.worst < 1


def test_a_run_that_exceeds_the_factor_is_caught() -> None:
    net, rows, y = SMALL[0].problem(0)
    found = certify_tube(net, rows, y)
    faster = replace(found, contraction=UpperBound(found.contraction / 20))
    with pytest.raises(AssertionError):
        follow(net, rows, y, faster, 1.0, "ngd")
