"""attack_tube beside the certificate, against exhaustive search, and within the tube; the movement of a run."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from theory.descent import trajectory
from theory.direction import Attained
from theory.inputs import FloatArray
from theory.network import TwoLayerNetwork
from theory.stability import bounds_at, certify_tube, tube_start
from theory.stability.tube.attack import attack_tube
from theory.stability.tube.movement import movement
from theory.stability.tube.start import Start


def unit(seed: int, n: int, d: int) -> FloatArray:
    rows = np.random.default_rng(seed).standard_normal((n, d))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def start_of(seed: int, n: int, m: int, symmetric: bool = False) -> Start:
    rng = np.random.default_rng(seed)
    net = TwoLayerNetwork.initialise(width=m, dim=3, scale=1.0, rng=rng, symmetric=symmetric)
    return tube_start(net, unit(seed, n, 3), rng.standard_normal(n))


def ratio_at(start: Start, pattern: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    a, b = pattern.astype(float), other.astype(float)
    K, m = start.rows @ start.rows.T, start.net.width
    gram = K * (a @ a.T) / m
    if np.linalg.eigvalsh(gram)[0] < 1e-12:
        return 0.0
    return float(np.linalg.norm(K * ((b - a) @ a.T) / m @ np.linalg.inv(gram), 2))


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("eta", [1.0, 0.4])
def test_no_attack_exceeds_the_certified_ratio_or_factor(eta: float, symmetric: bool) -> None:
    certified = 0
    for seed in range(8):
        start = start_of(seed, 1 + seed % 3, 200, symmetric)
        for width in (0.005, 0.02):
            widths = width * (1 + np.arange(len(start.rows)))
            mu = bounds_at(start, widths).ratio
            found = attack_tube(start, widths, np.random.default_rng(seed), eta)
            assert isinstance(found.ratio, Attained)
            assert found.ratio <= mu
            if mu < 1:
                assert (1 - eta) * (1 - 1e-12) <= found.factor <= 1 - eta * (1 - mu)
                certified += 1
    assert certified > 8


def test_no_attack_exceeds_what_k_fac_s_certificate_says() -> None:
    certified = 0
    for seed in range(6):
        n = 2 + seed % 2
        rng = np.random.default_rng(seed)
        net = TwoLayerNetwork.initialise(width=2000, dim=3, scale=40.0, rng=rng, symmetric=True)
        found = certify_tube(net, unit(seed, n, 3), rng.choice([-1.0, 1.0], n), "kfac")
        if not found.certified:
            continue
        certified += 1
        attack = attack_tube(found.start, found.widths, rng, 0.5)
        a, b, m = attack.pattern.astype(float), attack.other.astype(float), net.width
        exact = (b - a) @ a.T / m @ np.linalg.inv(a @ a.T / m)
        assert 0 < attack.ratio <= found.contraction
        assert float(np.linalg.norm(exact, 2)) == pytest.approx(attack.ratio, rel=1e-9)
        assert 0.5 < attack.factor <= 1 - 0.5 * (1 - found.contraction)
        assert float(np.linalg.norm(0.5 * np.eye(n) - 0.5 * exact, 2)) >= attack.factor
    assert certified >= 3


def test_its_patterns_lie_in_the_tube_and_show_its_ratio() -> None:
    for symmetric in (False, True):
        start = start_of(3, 3, 300, symmetric)
        widths = np.full((3, 300), 0.03) * np.linspace(0, 2, 300)
        found = attack_tube(start, widths, np.random.default_rng(0))
        Z = start.rows @ start.net.weights.T
        inside = np.abs(Z) <= widths
        assert found.flips == (found.pattern != found.other).sum() > 0
        for pattern in (found.pattern, found.other):
            assert (pattern == (Z >= 0))[~inside].all()
        shown = ratio_at(start, found.pattern, found.other)
        assert shown * (1 - 1e-9) <= found.ratio <= shown * (1 + 1e-12)
        assert found.factor == found.ratio


def test_one_input_loses_all_that_may_flip() -> None:
    start = start_of(1, 1, 500)
    Z, width = np.abs(start.rows @ start.net.weights.T), 0.1
    flipping, constant = int((width >= Z).sum()), int((Z[(start.pattern & (width < Z))] > 0).sum())
    found = attack_tube(start, np.array([width]), np.random.default_rng(0))
    exact = flipping / (flipping + constant)
    assert exact * (1 - 1e-11) <= found.ratio <= exact
    assert bounds_at(start, np.array([width])).ratio == pytest.approx(exact, rel=1e-12)


def test_it_comes_close_to_what_all_patterns_reach() -> None:
    shares = []
    for seed in range(30):
        start = start_of(seed, 2, 40)
        Z = np.abs(start.rows @ start.net.weights.T)
        width = float(np.sort(Z, axis=None)[3]) * 1.001
        places = np.argwhere(width > Z)
        largest = 0.0
        for states in product(product((False, True), repeat=2), repeat=len(places)):
            pattern, other = start.pattern.copy(), start.pattern.copy()
            for place, (now, then) in zip(places, states, strict=True):
                pattern[*place], other[*place] = now, then
            largest = max(largest, ratio_at(start, pattern, other))
        found = attack_tube(start, np.full(2, width), np.random.default_rng(seed))
        assert found.ratio <= largest * (1 + 1e-12)
        shares.append(found.ratio / largest)
    assert min(shares) > 0.8
    assert np.mean(np.array(shares) > 1 - 1e-9) > 0.8


def test_in_a_tube_without_width_nothing_flips() -> None:
    start = start_of(2, 2, 50)
    found = attack_tube(start, np.zeros(2), np.random.default_rng(0), 0.5)
    assert (found.ratio, found.flips) == (0.0, 0)
    assert found.factor == pytest.approx(0.5, rel=1e-12)


def test_the_movement_is_that_of_the_run_in_units_of_the_widths() -> None:
    rng = np.random.default_rng(5)
    X, y = np.eye(3), np.array([0.1, -0.1, 0.05])
    net = TwoLayerNetwork.initialise(width=2000, dim=3, scale=1.0, rng=rng, symmetric=True)
    certificate = certify_tube(net, X, y)
    assert certificate.certified
    run = movement(net, X, y, 0.5, 20, certificate.widths)
    assert 0.3 < run.used <= 1
    assert 0.3 * certificate.path_sum < run.path <= certificate.path_sum
    widths = np.array([0.1, 0.2, 0.4])
    ends = [trajectory(net, X, y, 0.5, k).pre_activations for k in (1, 2, 3)]
    expected = max(float((np.abs(end - X @ net.weights.T) / widths[:, None]).max()) for end in ends)
    assert movement(net, X, y, 0.5, 3, widths).used == pytest.approx(expected, rel=1e-12)
    assert movement(net, X, y, 0.5, 1, np.zeros(3)).used == np.inf


def test_the_path_is_the_sum_that_S_bounds() -> None:
    """Where nothing flips r falls by 1 - eta, and ``G^{-1} r`` and ``r^T diag(h) r`` with it; h is 1 for orthonormal inputs.

    Outputs are ``m^{-1/2}`` times sums of m numbers below ``4e3``: off by ``m^{3/2} u 4e3 < 4e-9``, and ``G^{-1}`` doubles that.
    """
    net = TwoLayerNetwork.initialise(width=400, dim=3, scale=1e3, rng=np.random.default_rng(1), symmetric=True)
    X, y, eta, steps = np.eye(3), np.array([0.3, -0.4, 0.5]), 0.25, 7
    left = 1 - (1 - eta) ** steps
    first = float(np.linalg.norm(np.linalg.solve(net.gram(X), y)))
    assert movement(net, X, y, eta, steps, np.ones(3)).path == pytest.approx(first * left, abs=1e-8)
    of_kfac = movement(net, X, y, eta, steps, np.ones(3), "kfac").path
    assert of_kfac == pytest.approx(float(np.linalg.norm(y)) * left, abs=1e-8)
    more = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    net = TwoLayerNetwork.initialise(width=400, dim=2, scale=1.0, rng=np.random.default_rng(1), symmetric=True)
    leverage = np.diag(more @ np.linalg.pinv(more))
    assert leverage.max() < 0.9
    path = movement(net, more, y, eta, 1, np.ones(3), "kfac").path
    assert path == pytest.approx(eta * float(np.sqrt(leverage @ y**2)), rel=1e-12)
