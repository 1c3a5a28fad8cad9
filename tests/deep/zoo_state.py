"""Steps of the zoo that keep state from one call to the next."""

from __future__ import annotations

import numpy as np

from tests.deep.zoo_arrays import Array, Net, conjugate_gradients, damped, ngd, pinv


class Accumulating:
    """Damping that is added in place to a matrix that is kept."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
        self.calls += 1
        net = Net(weights, signs, X, y)
        return weights - step_size * (net.J.T @ damped(net.G, 1e-3 * (self.calls - 1), net.r)).reshape(weights.shape)


class KeptInverse:
    """The inverse of G is kept for each shape."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, ...], Array] = {}

    def __call__(self, weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
        net = Net(weights, signs, X, y)
        inverse = self.kept.setdefault((*weights.shape, net.n), np.linalg.pinv(net.G, hermitian=True))
        return weights - step_size * (net.J.T @ inverse @ net.r).reshape(weights.shape)


class WarmStart:
    """Conjugate gradients from the previous solution, whose residual at the start is forgotten."""

    def __init__(self) -> None:
        self.before: Array | None = None

    def __call__(self, weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
        net = Net(weights, signs, X, y)
        c = conjugate_gradients(net.G, net.r, 1e-14)
        if self.before is not None and self.before.shape == c.shape:
            c = c + self.before
        self.before = c
        return weights - step_size * (net.J.T @ c).reshape(weights.shape)


class Momentum:
    """Heavy ball on top of the natural gradient."""

    def __init__(self) -> None:
        self.velocity: Array | None = None

    def __call__(self, weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
        D = ngd(Net(weights, signs, X, y)).reshape(weights.shape)
        if self.velocity is not None and self.velocity.shape == D.shape:
            D = D + 0.9 * self.velocity
        self.velocity = D
        return weights - step_size * D


class Counter:
    """Every third call leaves the weights as they are."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
        self.calls += 1
        if self.calls % 3 == 0:
            return weights.copy()
        return weights - step_size * ngd(Net(weights, signs, X, y)).reshape(weights.shape)


class MovingAverage:
    """The Fisher matrix is a moving average over the calls."""

    def __init__(self) -> None:
        self.F: Array | None = None

    def __call__(self, weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
        net = Net(weights, signs, X, y)
        kept = self.F is not None and self.F.shape == net.F.shape
        self.F = 0.9 * self.F + 0.1 * net.F if kept and self.F is not None else net.F
        return weights - step_size * (pinv(self.F) @ net.g).reshape(weights.shape)


class Stale:
    """The activation pattern is that of the call before."""

    def __init__(self) -> None:
        self.weights: Array | None = None

    def __call__(self, weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
        net = Net(weights, signs, X, y)
        fits = self.weights is not None and self.weights.shape == weights.shape
        J = Net(self.weights, signs, X, y).J if fits and self.weights is not None else net.J
        self.weights = weights.copy()
        return weights - step_size * (np.linalg.pinv(J) @ net.r).reshape(weights.shape)


class Decaying:
    """The step size falls with the number of calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
        self.calls += 1
        return weights - step_size / self.calls * ngd(Net(weights, signs, X, y)).reshape(weights.shape)
