"""C2-prob, at every radius: one radius at which the bound is broken is enough."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from properties.chapters.width import flip_probability


def test_a_bound_missed_by_less_than_a_millionth_is_not_broken() -> None:
    instance: Any = SimpleNamespace(network=SimpleNamespace(scale=1.0, width=1), delta=0.1)
    one = np.ones((1, 1, 1))  # a flip of the only neuron at distance 1
    for unit, broken in ((1 + 2.0**-22, False), (1 - 2.0**-22, True)):
        assert flip_probability._broken_at_some_radius(lambda *_, u=unit: u, instance, one).tolist() == [broken]


@pytest.mark.parametrize(("unit", "broken"), [(0.24, True), (0.26, False), (0.0, True)])
def test_a_bound_broken_at_one_radius_is_broken(unit: float, broken: bool) -> None:
    instance: Any = SimpleNamespace(network=SimpleNamespace(scale=1.0, width=4), delta=0.1)
    pre_activations = np.array([[[1.0, 100.0, 100.0, 100.0]]])  # the first flip costs 1, the others are far away
    found = flip_probability._broken_at_some_radius(lambda *_: unit, instance, pre_activations)
    assert found.tolist() == [broken]
