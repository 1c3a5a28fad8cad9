"""The ascent against T1-sharp and Lemma S: its gradients, its constraints, its worst cases, and what it finds."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from theory.inputs import FloatArray
from theory.maps import adversary
from theory.maps.adversary import Configuration, Objective, value_and_gradient
from theory.theorems import ngd, ngd_sharp

OBJECTIVES = [adversary.residual_factor(0.5, 0.2), adversary.lemma_gap(0.2), adversary.image_length(0.2)]


def value(point: Configuration, objective: Objective) -> float:
    return value_and_gradient(point, objective)[0]


def moved(point: Configuration, name: str, entries: FloatArray) -> Configuration:
    parts: dict[str, Any] = {name: entries}
    return dataclasses.replace(point, **parts)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(("n", "p"), [(1, 1), (2, 5), (4, 4)])
def test_gradients_agree_with_central_differences(objective: Objective, n: int, p: int) -> None:
    point = adversary.random_configuration(n, p, 0.2, np.random.default_rng(n))
    slopes = value_and_gradient(point, objective)[1]
    for name, slope in zip(("scales", "change", "weights"), slopes, strict=True):
        entries: FloatArray = getattr(point, name)
        for index in np.ndindex(entries.shape):
            shift = np.zeros(entries.shape)
            shift[index] = 1e-6
            above, below = (value(moved(point, name, entries + sign * shift), objective) for sign in (1, -1))
            assert abs((above - below) / 2e-6 - slope[index]) <= 1e-7


def test_the_gradient_of_the_worst_factor_where_the_next_residual_is_short() -> None:
    """Its first term has the direction of the next residual, not its length."""
    w, v, z = np.array([0.6, 0.8]), np.array([0.7, 0.7]), np.array([0.5, -0.5, 0.1])
    objective = adversary.residual_factor(0.9, 0.2)
    assert 0 < np.linalg.norm(w - 0.9 * v) < 0.2
    for place, slope in enumerate(objective(w, v, z)[1:]):
        for index in range(len(slope)):
            ends = []
            for sign in (1, -1):
                arguments = [w.copy(), v.copy(), z.copy()]
                arguments[place][index] += sign * 1e-6
                ends.append(objective(*arguments)[0])
            assert abs((ends[0] - ends[1]) / 2e-6 - slope[index]) <= 1e-7


def test_projection_meets_the_constraints_and_leaves_what_meets_them() -> None:
    rng = np.random.default_rng(0)
    wild = Configuration(rng.standard_normal(3), 4 * rng.standard_normal((3, 7)), rng.standard_normal(3), 0.2)
    found = adversary.feasible(wild)
    assert found.scales.min() >= 1 + adversary.MARGIN
    assert 1 - 1e-9 <= np.linalg.norm(found.change, 2) <= 1 - adversary.MARGIN / 2
    left, values, right = np.linalg.svd(wild.change, full_matrices=False)
    assert np.abs(found.change - (left * np.minimum(values, 1)) @ right).max() <= 1e-9
    again = adversary.feasible(found)
    assert np.abs(again.change - found.change).max() <= 1e-11
    assert np.linalg.norm(found.weights) == pytest.approx(1)


def test_configuration_assembles_its_matrices() -> None:
    point = Configuration(
        np.array([1.0, 2.0]), np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]), np.array([1.0, -1.0]), 0.5
    )
    assert np.array_equal(point.initial, [[1, 0, 0], [0, 2, 0]])
    assert np.allclose(point.current, [[1.05, 0.1, 0.15], [0.2, 2.25, 0.3]])
    assert np.allclose(point.direction, [0.85, -2.15, -0.15])


@pytest.mark.parametrize("c", [0.05, 0.2, 0.3])
def test_undisturbed_worst_case_attains_both_bounds(c: float) -> None:
    eta = 0.9 * ngd_sharp.factor_limit(3 * c)
    point = adversary.worst_case_configuration(3, 6, c, 0.0, np.random.default_rng(1))
    assert value(point, adversary.residual_factor(eta, c)) == pytest.approx(ngd.rate(eta, 3 * c), rel=1e-11)
    assert value(point, adversary.lemma_gap(c)) == pytest.approx(0, abs=1e-11)
    turned = adversary.turned_configuration(3, 6, c, 0.0, np.random.default_rng(1))
    assert value(turned, adversary.image_length(c)) == pytest.approx(0, abs=1e-11)
    opposite = adversary.worst_case_configuration(3, 6, c, 0.0, np.random.default_rng(1), slope=-1.0)
    expected = (abs(1 - c - eta) + eta * c) / (1 - c)
    assert value(opposite, adversary.residual_factor(eta, c)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "p"), [(2, 3), (3, 8)])
def test_ascent_from_random_starts_approaches_the_bounds_from_below(n: int, p: int) -> None:
    c, rng = 0.2, np.random.default_rng(3)
    eta = 0.5 * ngd_sharp.factor_limit(3 * c)
    factor = adversary.residual_factor(eta, c)
    best = 0.0
    for _ in range(6):
        start = adversary.random_configuration(n, p, c, rng)
        found = adversary.ascend(start, factor, 200)
        assert value(found, factor) >= value(start, factor)
        best = max(best, value(found, factor))
        lowest = adversary.ascend(start, adversary.lemma_gap(c), 200)
        assert value(lowest, adversary.lemma_gap(c)) <= 0
    assert 0.999 <= best / ngd.rate(eta, 3 * c) <= 1


def test_the_field_attains_the_value_of_the_objective() -> None:
    rng = np.random.default_rng(4)
    point = adversary.random_configuration(3, 5, 0.25, rng)
    field = adversary.worst_field(point, 0.4, 3, rng)
    z = np.linalg.pinv(point.current) @ (point.current @ point.direction)
    after = point.current @ z - 0.4 * np.mean(field, axis=0) @ z
    predicted = value(point, adversary.residual_factor(0.4, 0.25)) * np.linalg.norm(point.current @ z)
    assert np.linalg.norm(after) == pytest.approx(predicted, rel=1e-10)
    assert len({jacobian.tobytes() for jacobian in field}) == 3
    for jacobian in field:
        assert np.linalg.norm(jacobian - point.initial, 2) <= 0.25
        assert np.linalg.norm(jacobian - point.initial, 2) >= 0.25 * (1 - 1e-9)


def test_a_field_without_gap_still_has_a_direction() -> None:
    point = Configuration(np.ones(1), np.zeros((1, 1)), np.ones(1), 0.2)
    field = adversary.worst_field(point, 1.0, 1, np.random.default_rng(0))
    assert field[0][0, 0] == pytest.approx(0.8)


def test_random_configurations_have_scales_between_one_and_two_and_changes_of_norm_about_one() -> None:
    rng = np.random.default_rng(5)
    found = [adversary.random_configuration(4, 10, 0.2, rng) for _ in range(50)]
    scales = np.array([point.scales for point in found])
    assert 1 <= scales.min() <= scales.max() <= 2
    norms = [np.linalg.norm(point.change, 2) for point in found]
    assert 0.6 <= np.median(norms) <= 1
