"""The machinery of T5, T5-dist and T5-rad: exact models against NumPy, sign vectors one by one, limits that are limits."""

import itertools
import math

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from properties.claims import interpolants, linearised_model, population_loss, rademacher
from properties.claims.exact_network import vec
from properties.claims.identity_instances import build_network
from properties.slack import SlackRow
from theory.errors import DivergenceError, RankDeficientError
from theory.rigour.exact import diagonal, rational_matrix

NETWORK = {
    "kind": "uniform",
    "rows": 3,
    "dim": 2,
    "width": 9,
    "weights": "gaussian",
    "step_tenths": 5,
    "seed": 3,
    "ngd_share_percent": 25,
    "gd_share_percent": 60,
    "steps": 3,
}


def linear(**changes: int) -> linearised_model.LinearisedInstance:
    description = {
        "outputs": 3,
        "extra_parameters": 2,
        "ngd_share_percent": 35,
        "gd_share_percent": 50,
        "steps": 2,
        "seed": 5,
    }
    return interpolants._build_linear({**description, **changes})


def test_the_exact_steps_are_those_of_numpy() -> None:
    instance = linear()
    J, r = (linearised_model.float_matrix(matrix) for matrix in (instance.jacobian, instance.residual))
    for optimiser, matrix, eta in (
        ("ngd", np.linalg.pinv(J), 0.7),
        ("gd", J.T, float(int(instance.gd_step.p) / int(instance.gd_step.q))),
    ):
        theta = np.zeros((J.shape[1], 1))
        for _ in range(4):
            theta -= eta * matrix @ (r + J @ theta)
        found = linearised_model.float_matrix(instance.displacement(optimiser, 4))
        np.testing.assert_allclose(found, theta, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(linearised_model.float_matrix(instance.nearest), -np.linalg.pinv(J) @ r, rtol=1e-10)


def test_gd_s_contraction_is_the_spectral_norm_and_decided() -> None:
    instance = linear()
    G = linearised_model.float_matrix(instance.gram)
    eta = int(instance.gd_step.p) / int(instance.gd_step.q)
    assert eta == pytest.approx(1 / np.linalg.eigvalsh(G)[-1], rel=1e-5)
    expected = np.abs(1 - eta * np.linalg.eigvalsh(G)).max()
    assert int(instance.contraction.p) / int(instance.contraction.q) == pytest.approx(expected, rel=1e-12)
    assert instance.contracts
    assert not linear(gd_share_percent=101).contracts


def test_a_network_s_linearised_model_is_its_first_step() -> None:
    instance = interpolants._build_network(NETWORK)
    net = build_network(NETWORK)
    assert instance.residual == net.exact.residual
    moved = vec(net.exact.moved("ngd", instance.ngd_step).weights - net.exact.weights)
    assert instance.displacement("ngd", 1) == moved


def test_kfac_ends_where_its_own_steps_lead() -> None:
    net = build_network({**NETWORK, "rows": 2}).exact
    J, eta = net.jacobian, fmpq(1, 2)
    moved = fmpq_mat(J.ncols(), 1)
    residual = net.residual
    for _ in range(60):
        step = net.features.transpose() * net.pattern_gram.inv() * diagonal(residual.entries()) * net.dual_inputs
        moved -= eta * vec(step)
        moved = rational_matrix(linearised_model.float_matrix(moved))
        residual = net.residual + J * moved
    limit = linearised_model.float_matrix(linearised_model.kfac_displacement(net))
    np.testing.assert_allclose(linearised_model.float_matrix(moved), limit, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        linearised_model.float_matrix(J) @ limit, -linearised_model.float_matrix(net.residual), rtol=1e-9
    )


def test_the_forms_of_all_sign_vectors() -> None:
    rng = np.random.default_rng(0)
    factor = rng.integers(-5, 6, (5, 4))
    gram = factor @ factor.T
    expected = sorted(
        int(np.array([*signs, 1]) @ gram @ np.array([*signs, 1])) for signs in itertools.product((-1, 1), repeat=4)
    )
    assert sorted(rademacher.sign_forms(gram.tolist())) == expected
    assert rademacher.sign_forms([[7]]) == [7]


def test_the_complexity_of_a_network_is_that_of_its_jacobian() -> None:
    description = {"inputs": 3, "dim": 2, "width": 4, "kind": "uniform", "radius_tenths": 20, "seed": 1}
    instance = rademacher._build_network(description)
    assert instance.network is not None
    assert instance.inputs is not None
    J = instance.network.jacobian(instance.inputs)
    mean = np.mean([np.linalg.norm(J.T @ np.array(signs)) for signs in itertools.product((-1, 1), repeat=3)])
    assert float(rademacher.complexity(instance)) == pytest.approx(2.0 * mean / 3, rel=1e-12)


def test_equal_forms_give_the_exact_square() -> None:
    instance = rademacher._build_linear(
        {"outputs": 2, "parameters": 3, "orthogonal": True, "radius_tenths": 5, "seed": 4}
    )
    found = rademacher.complexity(instance)
    assert isinstance(found, fmpq)
    assert found == fmpq(1, 4) * instance.trace / 4


@pytest.mark.parametrize("failure", [RankDeficientError("singular"), DivergenceError("too far")])
def test_a_network_that_cannot_be_trained_is_a_failure(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(*_: object) -> None:
        raise failure

    monkeypatch.setattr(population_loss, "trained", trained)
    population = population_loss.Population(4, 5, "linear", 0.5, 8, 0.1, 0.5, 0.2)
    assert population_loss.trial(population, np.random.default_rng(0), population_loss.Rule()) == (True, math.inf)


def test_populations_have_the_targets_they_say() -> None:
    rng = np.random.default_rng(0)
    base = {
        "rows": 4,
        "dim": 3,
        "size_percent": 50,
        "width": 8,
        "scale_percent": 10,
        "step_tenths": 5,
        "delta_percent": 20,
    }
    for teacher, values in (
        ("linear", None),
        ("quadratic", None),
        ("signs", {-0.5, 0.5}),
        ("rare", {0.0, 0.5}),
        ("rare and large", {0.0, 25.0}),
    ):
        population = population_loss.build({**base, "teacher": teacher})
        inputs, y = population.draw(2000, rng)
        if values is None:
            np.testing.assert_array_equal(y, 0.5 * inputs[:, 0] ** (1 if teacher == "linear" else 2))
        else:
            assert set(y) == values
    assert (population.scale, population.eta, population.delta) == (0.1, 0.5, 0.2)


def test_the_lower_limit_is_hoeffding_s() -> None:
    losses = np.full(1800, 0.5)
    expected = 0.5 - math.sqrt(math.log(1000) / 3600)
    assert population_loss.lower_limit(losses, 1.0) == pytest.approx(expected, rel=1e-14)
    assert population_loss.lower_limit(losses, 2.0) == pytest.approx(2 * expected - 0.5, rel=1e-14)


def test_the_loss_is_bounded_lipschitz_and_vanishes_at_the_target() -> None:
    u, y = np.array([0.0, 3.0, -0.25]), np.array([0.0, 0.0, 0.25])
    np.testing.assert_array_equal(population_loss.absolute_loss(u, y), [0.0, 1.0, 0.5])


def test_coincident_inputs_give_no_bound() -> None:
    population = population_loss.build(
        {
            "rows": 2,
            "dim": 2,
            "teacher": "linear",
            "size_percent": 50,
            "width": 8,
            "scale_percent": 10,
            "step_tenths": 5,
            "delta_percent": 20,
        }
    )
    inputs = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert population_loss.sample_bound(population, inputs, np.ones(2), population_loss.Rule()) == math.inf


def test_slack_rows_are_counterexamples() -> None:
    """At the constant in the table loss and bound agree; the form of orthogonal inputs is that of G_inf = I/2."""
    from theory.gram import limiting_gram

    n, size = 6, 0.9
    y = size * np.array([1.0, -1, 1, 1, -1, 1])
    form = y @ np.linalg.solve(limiting_gram(np.eye(n)), y)
    conf = 3 * math.sqrt(math.log(60) / (2 * 10_000))
    constant = population_loss.complexity_slack(10_000, size, 0.1, 0.05)
    assert math.sqrt(constant * form / n) + conf + 0.05 == pytest.approx(size, rel=1e-12)
    constant = population_loss.confidence_slack(2, 0.1, 0.05)
    assert constant * math.sqrt(math.log(60) / 4) + 0.05 == pytest.approx(1 - math.sqrt(0.1), rel=1e-12)
    for row in (*population_loss.SLACK[:2], *rademacher.SLACK):
        assert isinstance(row, SlackRow)
        assert row.proved is not None
        assert row.refuted is not None
        assert row.refuted < row.proved
