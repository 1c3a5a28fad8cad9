"""Piecewise linear functions through the origin, as spike maps have them."""

import numpy as np
import pytest

from theory.maps.affine import SpikeMap


def test_a_spike_map_with_knots_on_both_sides_integrates_its_slopes() -> None:
    model = SpikeMap(np.array([[-1.0, 0.5, 2.0]]), np.array([[3.0, 1.0, 0.25, 5.0]]), np.eye(1), np.eye(1))
    # p(t): slope 1 around 0, 1/4 from 1/2, 5 from 2; 3 below -1
    expected = {0.0: 0.0, 0.5: 0.5, 1.0: 0.625, 2.0: 0.875, 3.0: 5.875, -1.0: -1.0, -2.0: -4.0}
    for position, value in expected.items():
        assert model.outputs(np.array([position])).tolist() == [value]
    assert [model.jacobian(np.array([t]))[0, 0] for t in (-2.0, 0.0, 1.0, 3.0)] == [3.0, 1.0, 0.25, 5.0]
    for radius, change in ((0.25, 0.0), (0.75, 0.75), (1.5, 2.0), (3.0, 4.0)):  # of the pieces that the ball meets
        assert model.deviation(radius) == pytest.approx(change, rel=1e-14)
    lower = SpikeMap(np.array([[-1.0]]), np.array([[0.25, 1.0]]), np.eye(1), np.eye(1))
    assert lower.deviation(1.5) == pytest.approx(0.75, rel=1e-14)
    two = SpikeMap(np.array([[-1.0], [1.0]]), np.array([[0.25, 1.0], [2.0, 4.0]]), np.eye(2), np.eye(2))
    assert two.deviation(1.5) == pytest.approx(2.0, rel=1e-13)
