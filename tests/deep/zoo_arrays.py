"""What the steps of the zoo are written with: dense quantities of the user's signature, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg

Step = Callable[..., Any]
Array = Any
"""Arrays, typed no further than users type them."""


class Net:
    """What one call is about."""

    def __init__(self, W: Array, a: Array, X: Array, y: Array) -> None:
        self.W, self.a, self.X, self.y = W, a, X, y
        (self.m, self.d), self.n = W.shape, len(y)
        self.c = 1 / np.sqrt(self.m)
        self.Z = X @ W.T
        self.S = self.c * a * (self.Z >= 0)
        self.r = self.c * np.maximum(self.Z, 0) @ a - y
        self.J = np.einsum("ir,ij->irj", self.S, X).reshape(self.n, -1)
        self.g = self.J.T @ self.r
        self.F = self.J.T @ self.J
        self.G = self.J @ self.J.T
        self.SS, self.XX = self.S.T @ self.S, X.T @ X

    def changed(self, **what: Any) -> Net:
        net = Net(self.W, self.a, self.X, self.y)
        for name, value in what.items():
            setattr(net, name, value)
        return net


def pinv(M: Array) -> Array:
    return np.asarray(np.linalg.pinv(M, rcond=1e-12, hermitian=True))


def ngd(net: Net) -> Array:
    return np.asarray(np.linalg.lstsq(net.J, net.r, rcond=None)[0])


def kfac(net: Net) -> Array:
    return pinv(net.SS) @ net.g.reshape(net.m, net.d) @ pinv(net.XX)


RIGHT = {"ngd": ngd, "kfac": kfac}


def moving(direction: Callable[[Net], Array]) -> Step:
    def step(weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
        return weights - step_size * direction(Net(weights, signs, X, y)).reshape(weights.shape)

    return step


def times(factor: Callable[[Net], float], optimiser: str) -> Step:
    return moving(lambda net: factor(net) * RIGHT[optimiser](net))


def damped(M: Array, eps: Any, b: Array) -> Array:
    return np.asarray(np.linalg.solve(M + eps * np.eye(len(M)), b))


def rows(net: Net, keep: Any) -> Net:
    return Net(net.W, net.a, net.X[keep], net.y[keep])


def masked(net: Net, optimiser: str, *where: Any) -> Array:
    found = RIGHT[optimiser](net).reshape(net.m, net.d).copy()
    found[where] = 0
    return found


def block_diagonal(net: Net) -> Array:
    blocks = [net.F[r * net.d : (r + 1) * net.d, r * net.d : (r + 1) * net.d] for r in range(net.m)]
    return np.asarray(linalg.block_diag(*[pinv(b) for b in blocks]) @ net.g)


def columns_block_diagonal(net: Net) -> Array:
    F = net.F.reshape(net.m, net.d, net.m, net.d)
    g = net.g.reshape(net.m, net.d)
    return np.column_stack([pinv(F[:, j, :, j]) @ g[:, j] for j in range(net.d)])


def ratio(above: Array, below: Array) -> Array:
    return np.where(below > 1e-14, above / np.where(below > 1e-14, below, 1), 0)


def eigen_corrected(net: Net, weights: Array, eps: float = 0.0) -> Array:
    P, Q = np.linalg.eigh(net.SS)[1], np.linalg.eigh(net.XX)[1]
    per_input = np.array([P.T @ np.outer(s, x) @ Q for s, x in zip(net.S, net.X, strict=True)])
    scale = (weights[:, None, None] * per_input**2).sum(axis=0)
    g = P.T @ net.g.reshape(net.m, net.d) @ Q
    return P @ (g / (scale + eps) if eps else ratio(g, scale)) @ Q.T


def with_pi(net: Net, eps: float, pi: float) -> Array:
    left, right = np.sqrt(eps) / pi, np.sqrt(eps) * pi
    return damped(net.SS, left, np.eye(net.m)) @ net.g.reshape(net.m, net.d) @ damped(net.XX, right, np.eye(net.d))


def pi_of(net: Net, norm: Callable[[Array], float]) -> float:
    return float(np.sqrt(norm(net.XX) / norm(net.SS)))


def mean_trace(M: Array) -> float:
    return float(np.trace(M) / len(M))


def conjugate_gradients(M: Array, b: Array, tolerance: float, most: int = 10_000) -> Array:
    x, r = np.zeros_like(b), b.copy()
    p, size = r.copy(), float(r @ r)
    for _ in range(most):
        if np.sqrt(size) <= tolerance * np.linalg.norm(b):
            break
        q = M @ p
        alpha = size / float(p @ q)
        x, r = x + alpha * p, r - alpha * q
        size, before = float(r @ r), size
        p = r + size / before * p
    return x


def marquardt(M: Array, eps: float) -> Array:
    return pinv(M + eps * np.diag(np.diag(M)))


def root_inverse(M: Array) -> Array:
    values, vectors = np.linalg.eigh(M)
    kept = values > 1e-12 * values[-1]
    return np.asarray((vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T)


def centred(M: Array) -> Array:
    return M - M.mean(axis=0)


def unscaled(net: Net) -> Array:
    u = np.maximum(net.Z, 0) @ net.a
    return np.asarray(np.linalg.pinv(net.J / net.c) @ (u - net.y))


def clipped(net: Net) -> Array:
    D = ngd(net)
    return D * min(1.0, 3.0 / max(float(np.linalg.norm(D)), 1e-300))


def full_batch_bias(net: Net) -> Array:
    X = np.column_stack([net.X, np.ones(net.n)])
    J = np.einsum("ir,ij->irj", net.S, X).reshape(net.n, -1)
    return (np.linalg.pinv(J) @ net.r).reshape(net.m, net.d + 1)[:, :-1]
