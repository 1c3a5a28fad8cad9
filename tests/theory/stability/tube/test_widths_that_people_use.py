"""A sample of tests/deep/test_tube_widths.py."""

from dataclasses import replace

import numpy as np
import pytest

from tests.theory.stability.tube.widths_that_people_use import LOOK, SETTINGS, Setting, follow, settled
from theory.descent.steps import FunctionSpaceDescent
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


def test_what_has_settled_changes_no_activation_any_more() -> None:
    """Seen to fail before, on the same run, and on one with a pre-activation of 0."""
    net, rows, y = SMALL[0].problem(0)
    run = follow(net, rows, y, certify_tube(net, rows, y), 0.5, "ngd", whole=False)
    assert run.settled
    assert run.steps % LOOK == 0
    state = FunctionSpaceDescent(net, rows, y)
    assert not settled(state, float(np.linalg.norm(state.residual)))
    for _ in range(run.steps):
        state.advance(0.5)
    norm, pattern, start = (
        float(np.linalg.norm(state.residual)),
        state.pre_activations >= 0,
        state.pre_activations.copy(),
    )
    assert settled(state, norm * (1 + 1e-9))
    for _ in range(20):
        state.advance(0.5)
    assert ((state.pre_activations >= 0) == pattern).all()
    moved = np.abs(state.pre_activations - start).max() * np.sqrt(net.width)
    least = float(np.linalg.eigvalsh(state.gram)[0])
    assert 0.1 < moved * least / norm < 1
    at_boundary = state.pre_activations
    at_boundary[0, 0] = 0.0
    state.pre_activations = at_boundary
    assert not settled(state, norm)


def test_a_run_that_exceeds_the_factor_is_caught() -> None:
    net, rows, y = SMALL[0].problem(0)
    found = certify_tube(net, rows, y)
    faster = replace(found, contraction=UpperBound(found.contraction / 20))
    with pytest.raises(AssertionError):
        follow(net, rows, y, faster, 1.0, "ngd")
