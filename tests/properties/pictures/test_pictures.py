"""The data of the paper's pictures: measured against independent computations, small where the whole would take long."""

import math
from typing import Any

import numpy as np
import pytest

from properties.chapters.kfac.kfac_instances import InputNumbers
from properties.dataset.rung import RungContext
from properties.engine.claim import Depth
from properties.pictures import held_out, output_space, phases, training, widths
from theory.descent.steps import trajectory
from theory.direction import CertifiedSteps, LowerBound, UpperBound
from theory.errors import DivergenceError, RankDeficientError
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.geometry import InputGeometry
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.input_bounds import input_bounds
from theory.stability import PathCertificate


def network(width: int = 64, dim: int = 3) -> TwoLayerNetwork:
    return TwoLayerNetwork.initialise(width, dim, 1.0, np.random.default_rng(3), symmetric=True)


def test_errors_are_shares_of_wrong_signs_and_means_of_losses() -> None:
    net = network(dim=2)
    rows = normalise_rows(np.random.default_rng(5).standard_normal((7, 2)))
    outputs = net.outputs(rows) + np.array(
        [1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0]
    )  # u(0) = 0: nothing is learnt from two rows
    train, test = np.array([0, 1]), np.arange(2, 7)
    found = held_out.errors(net, rows, outputs, train, test, "gd", 0.05, 3)
    moved = trajectory(net, rows[train], outputs[train], 0.05, 3, "gd", parameters=True)
    assert moved.weights is not None
    predicted = TwoLayerNetwork(moved.weights, net.signs).outputs(rows)
    wrong = np.sign(predicted) != np.sign(outputs)
    assert 0 < wrong[test].sum() < 5
    assert (found["train_error"], found["test_error"]) == (wrong[train].sum() / 2, wrong[test].sum() / 5)
    losses = np.minimum(1, np.abs(predicted - outputs))
    assert found["train_loss"] == pytest.approx(losses[train].sum() / 2, rel=1e-12)
    assert found["test_loss"] == pytest.approx(losses[test].sum() / 5, rel=1e-12)


def test_angles_are_those_between_steps_and_lines() -> None:
    turned = np.array([[0.0, 0.0], [1.0, 0.2], [1.0, 0.2]])
    assert output_space.largest_angle(turned) == pytest.approx(0.0, abs=1e-15)
    outputs = np.array([[0.0, 0.0], 0.5 * (output_space.TARGETS @ [[0, 1], [-1, 0]])])
    assert output_space.largest_angle(outputs) == pytest.approx(math.pi / 2, rel=1e-12)
    diagonal = np.array([[0.0, 0.2], [0.5, 0.7]])
    assert output_space.largest_angle(diagonal) == pytest.approx(math.pi / 4, rel=1e-12)


def test_the_angle_s_bound_is_arcsin_q_below_one() -> None:
    assert output_space.angle_bound(0.6) == pytest.approx(math.pi / 6, rel=1e-14)  # q = 1/2
    assert output_space.angle_bound(1.0) is None


def test_natural_gradient_is_straighter_than_gradient_descent_and_within_its_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output_space, "WIDTHS", (32, 8192))
    found = output_space.data(seed=5)["widths"]
    narrow, wide = found
    assert wide["angle"] <= wide["angle_bound"]
    assert wide["angle"] < narrow["angle"]
    assert wide["angle"] < 0.1 * wide["gd_angle"]
    for row in found:
        np.testing.assert_allclose(row["ngd"][0], 0, atol=1e-14)
        left = [np.linalg.norm(np.array(row[name][-1]) - output_space.TARGETS) for name in ("ngd", "gd")]
        assert max(left) < 0.1 * np.linalg.norm(output_space.TARGETS)


def test_the_jacobian_s_change_is_that_of_dense_jacobians() -> None:
    net = TwoLayerNetwork.initialise(200, 4, 1.0, np.random.default_rng(0))
    inputs = normalise_rows(np.random.default_rng(1).standard_normal((5, 4)))
    y = np.arange(5.0)
    run = trajectory(net, inputs, y, widths.STEP, widths.STEPS, "ngd", parameters=True)
    assert run.weights is not None
    before, after = net.jacobian(inputs), TwoLayerNetwork(run.weights, net.signs).jacobian(inputs)
    expected = np.linalg.norm(after - before, 2) / np.linalg.norm(before, 2)
    assert expected > 0.1
    assert widths.moved_jacobian(net, inputs, y) == pytest.approx(expected, rel=1e-12)


def test_a_network_whose_run_breaks_off_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([RankDeficientError("singular"), DivergenceError("too far")])

    def moved(net: TwoLayerNetwork, inputs: FloatArray, y: FloatArray) -> float:
        for failure in failures:
            raise failure
        return float(net.width**-0.5)

    monkeypatch.setattr(widths, "moved_jacobian", moved)
    monkeypatch.setattr(widths, "_powers", lambda *_: [256, 512])
    monkeypatch.setattr(widths, "gram_eigenvalue", lambda *_: LowerBound(0.1))
    found = widths.moved_jacobians(Depth.NORMAL, seed=0)
    assert [point["width"] for point in found["points"]] == [256, 512, 512, 512]
    assert found["exponent"] == pytest.approx(-0.5, rel=1e-12)


@pytest.mark.parametrize("failure", [RankDeficientError("singular"), DivergenceError("too far")])
def test_another_initialisation_takes_the_place_of_one_that_breaks_off(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, failures = output_space.path, [failure]

    def path(*arguments: Any) -> FloatArray:
        if failures:
            raise failures.pop()
        return original(*arguments)

    monkeypatch.setattr(output_space, "path", path)
    monkeypatch.setattr(output_space, "WIDTHS", (512,))
    assert output_space.data(seed=5)["widths"][0]["width"] == 512
    monkeypatch.setattr(output_space, "ATTEMPTS", 1)
    failures.append(failure)
    with pytest.raises(RankDeficientError, match="no initialisation"):
        output_space.data(seed=5)


def test_the_exponent_of_a_power_law() -> None:
    m = [256, 512, 1024, 4096]
    slope, error = widths.fitted_exponent(m, [3 * w**-0.25 for w in m])
    assert slope == pytest.approx(-0.25, rel=1e-12)
    assert error == pytest.approx(0.0, abs=1e-8)
    assert widths.fitted_exponent(m, [1.0, 0.8, 0.75, 0.5])[1] > 0.01


def test_the_certified_constant_of_a_network_is_above_the_attacked_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widths, "FEW_ROWS", 2)
    monkeypatch.setattr(widths, "_powers", lambda *_: [64, 128])
    found = widths.constants(Depth.NORMAL, seed=0)
    assert [point["width"] for point in found["points"]] == [64, 128]
    for point in found["points"]:
        assert point["path"] < point["attacked"] < point["certified"]  # NGD stays well inside the ball


def test_widths_are_powers() -> None:
    assert widths._powers(256, 2048, 2) == [256, 512, 1024, 2048]
    assert widths._powers(4096, 65536, 4) == [4096, 16384, 65536]


def path(constant: float, lambda_min: float = 0.5) -> PathCertificate:
    known = UpperBound(constant), CertifiedSteps(3), LowerBound(lambda_min)
    return PathCertificate(*known, np.zeros(3), np.zeros(3), np.array([2.0, 1.0, 0.5, 0.25]))


@pytest.mark.parametrize(
    ("optimiser", "eta", "constant", "theorem"),
    [
        ("ngd", 0.5, 0.3, "T1-sharp"),
        ("ngd", 1.0, 0.6, "T1-q"),
        ("ngd", 0.5, 1.5, None),
        ("kfac", 0.5, 0.3, "T4-least"),
        ("kfac", 0.5, 1.5, None),
        ("gd", 0.1, 0.3, "T0-sharp"),
        ("gd", 0.1, 1.5, None),
    ],
)
def test_the_fastest_theorem_that_applies_predicts(
    optimiser: str, eta: float, constant: float, theorem: str | None
) -> None:
    geometry = InputGeometry.of(normalise_rows(np.random.default_rng(2).standard_normal((5, 3))))
    numbers, norm = InputNumbers.of(input_bounds(geometry)), UpperBound(math.sqrt(2.0))
    found = training.prediction(optimiser, eta, path(constant), numbers, norm)
    assert (None if found is None else found.source) == theorem
    if found is not None:
        assert 0 < found.factor < 1
        assert len(found.bound(2.0)) == 4


def test_the_linearised_norms() -> None:
    from properties.dataset.ladder import Rung
    from properties.reading.datasets import load_dataset

    context = RungContext(load_dataset("digits-4-9"), Rung(4, 64, 1.0, True, 4), 0)
    initial = np.linalg.norm(context.residual)
    np.testing.assert_allclose(
        training.linearised_norms("ngd", 0.5, context, 3), initial * 0.5 ** np.arange(4), rtol=1e-12
    )
    values, vectors = np.linalg.eigh(context.gram)
    expected = np.linalg.norm((1 - 0.3 * values) ** 3 * (vectors.T @ context.residual))
    assert training.linearised_norms("gd", 0.3, context, 3)[-1] == pytest.approx(expected, rel=1e-10)
    factors = 1 - 0.7 * context.geometry.leverage
    expected = np.linalg.norm(factors**2 * context.residual)
    assert training.linearised_norms("kfac", 0.7, context, 2)[-1] == pytest.approx(expected, rel=1e-12)


def test_the_bound_is_vacuous_on_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "WIDTH", 64)
    monkeypatch.setattr(held_out, "GD_STEPS", 50)
    found: dict[str, Any] = held_out.data(seed=1)
    whole, part = found["bounds"]
    assert whole["bound"] == pytest.approx(1.2409, abs=2e-4)
    assert whole["bound"] == whole["complexity"] + whole["confidence"]
    assert whole["vacuous"]
    assert part["n"] == found["train"]
    assert found["train"] + found["test"] == whole["n"] == 361
    ngd = found["optimisers"]["ngd"]
    assert ngd["train_error"] == 0.0
    assert ngd["residual"] < 1e-3
    assert ngd["test_error"] < 0.1
    assert 0 < ngd["test_loss"] < 0.5
    assert found["optimisers"]["gd"]["train_loss"] > ngd["train_loss"]


def test_phases_are_certified_constants_of_each_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phases, "ROWS", (2, 40))
    monkeypatch.setattr(phases, "WIDTHS", (16, 64))
    points = {(one["n"], one["width"]): one for one in phases.data(Depth.NORMAL, 5)["points"]}
    assert list(points) == [(2, 16), (2, 64), (40, 16), (40, 64)]
    singular = points[40, 16]  # 8 pairs of neurons with 4 weights each: at most 32 independent rows
    assert (singular["lambda_min"], singular["ball"], singular["path"]) == (0.0, None, None)
    rng = np.random.default_rng([5, 2, 64])
    inputs = normalise_rows(rng.standard_normal((2, phases.DIMENSION)))
    rng.choice([-1.0, 1.0], 2)
    net = TwoLayerNetwork.initialise(64, phases.DIMENSION, phases.SCALE, rng, symmetric=True)
    assert 0 < points[2, 64]["lambda_min"] <= np.linalg.eigvalsh(net.gram(inputs))[0]
    assert points[2, 64]["path"] < points[2, 64]["ball"]
