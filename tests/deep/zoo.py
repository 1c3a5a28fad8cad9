"""A zoo of steps: faulty ones, each with the cause that it should be told, and correct ones, written as users would.

The steps share nothing with the package: quantities are those of the user's signature, matrices are dense. ``steps`` has every one
under its name, so that ``zoo:steps.NAME`` can be loaded, in a fresh process too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import linalg, sparse

from properties.claim import Depth
from properties.guard.claims import own_claims
from properties.guard.implementation import load_implementation
from properties.report.wording import CAUSE
from properties.search import run_claim

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
    return D * min(1.0, 3.0 / float(np.linalg.norm(D)))


def full_batch_bias(net: Net) -> Array:
    X = np.column_stack([net.X, np.ones(net.n)])
    J = np.einsum("ir,ij->irj", net.S, X).reshape(net.n, -1)
    return (np.linalg.pinv(J) @ net.r).reshape(net.m, net.d + 1)[:, :-1]


# --- steps that keep state -------------------------------------------------------------------------------------------


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


# --- the faulty ones -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Faulty:
    """A wrong step, and what it should be told."""

    optimiser: str
    step: Step
    said: str
    """A part of one of the cause's sentences."""
    too: str = ""
    """A part of any other sentence that is right as well."""


def _multiples() -> dict[str, Faulty]:
    factors: dict[str, tuple[Callable[[Net], float], str]] = {
        "opposite": (lambda net: -1.0, "the opposite sign"),
        "quarter": (lambda net: 0.25, "1/4 times the step ("),
        "doubled": (lambda net: 2.0, "2 times the step (the loss without its 1/2"),
        "over_d": (lambda net: 1 / net.d, "1/d times the step ("),
        "over_m": (lambda net: 1 / net.m, "1/m times the step ("),
        "over_n": (lambda net: 1 / net.n, "1/n times the step (the gradient of the mean loss"),
        "two_over_n": (lambda net: 2 / net.n, "2/n times the step (the gradient of the mean squared error"),
        "root_n": (lambda net: np.sqrt(net.n), "n^(1/2) times the step"),
        "cubed_n": (lambda net: float(net.n**3), "n^3 times the step"),
        "times_d": (lambda net: float(net.d), "d times the step ("),
        "per_entry": (lambda net: 1 / (net.n * net.d), "1/(n d) times the step ("),
    }
    found = {name: Faulty("ngd", times(factor, "ngd"), said) for name, (factor, said) in factors.items()}
    return found | {
        "kfac_mean_factors": Faulty(
            "kfac", times(lambda net: net.n**2, "kfac"), "n^2 times the step (the mean in both"
        ),
        "kfac_n": Faulty("kfac", times(lambda net: net.n, "kfac"), "n times the step (the mean in one factor"),
        "kfac_half": Faulty("kfac", times(lambda net: 0.5, "kfac"), "1/2 times the step (a curvature of twice"),
    }


def _ngd() -> dict[str, Faulty]:
    directions: dict[str, tuple[Callable[[Net], Array], str]] = {
        "empirical": (
            lambda net: pinv((net.J.T * net.r**2) @ net.J) @ net.g,
            "the step with the empirical Fisher matrix",
        ),
        "empirical_mean": (
            lambda net: pinv((net.J.T * net.r**2) @ net.J / net.n) @ net.g,
            "n times the step with the empirical Fisher matrix",
        ),
        "empirical_damped": (
            lambda net: damped((net.J.T * net.r**2) @ net.J, 1e-3, net.g),
            "the empirical Fisher matrix (sum of r_i^2 J_i J_i^T, the gradients of the loss) with damping eps = 0.001",
        ),
        "empirical_centred": (
            lambda net: damped(np.cov((net.J.T * net.r), bias=True), 1e-2, net.g / net.n),
            "the covariance of the gradients (the empirical Fisher matrix, centred) with damping",
        ),
        "square_of_mean": (lambda net: net.g / (net.g**2 + 1e-3), "the square of the mean gradient, entry by entry"),
        "adam": (lambda net: net.g / (np.abs(net.g) + 1e-3), "the root of the square of the mean gradient (as Adam's"),
        "sign_of_gradient": (lambda net: np.sign(net.g), "the signs of the gradient"),
        "diagonal": (lambda net: ratio(net.g, np.diag(net.F)), "the step with the diagonal of the Fisher matrix"),
        "diagonal_damped": (
            lambda net: net.g / (np.diag(net.F) + 0.01),
            "the diagonal of the Fisher matrix with damping eps = 0.01",
        ),
        "diagonal_empirical": (
            lambda net: net.g / (((net.J.T * net.r) ** 2).sum(axis=1) + 1e-4),
            "the diagonal of the empirical Fisher matrix with damping eps = 0.0001",
        ),
        "block_diagonal": (block_diagonal, "block-diagonal Fisher matrix, a block a neuron"),
        "columns": (columns_block_diagonal, "block-diagonal Fisher matrix, a block a column of W"),
        "outer_product": (lambda net: pinv(np.outer(net.g, net.g)) @ net.g, "the outer product of the mean gradient"),
        "outer_product_damped": (
            lambda net: damped(np.outer(net.g, net.g) / net.n**2, 0.1, net.g / net.n),
            "the outer product of the mean gradient for Fisher matrix with damping",
        ),
        "centred_matrix": (
            lambda net: pinv(centred(net.J).T @ centred(net.J)) @ net.g,
            "the centred Jacobian (less its mean over the inputs) in the Fisher matrix",
        ),
        "centred_throughout": (
            lambda net: np.linalg.pinv(centred(net.J), rcond=1e-10) @ net.r,
            "the centred Jacobian (less its mean over the inputs) throughout",
        ),
        "last_row": (lambda net: ngd(rows(net, slice(0, max(1, net.n - 1)))), "without the last row"),
        "first_row": (lambda net: ngd(rows(net, slice(min(1, net.n - 1), None))), "without the first row"),
        "last_neuron": (lambda net: masked(net, "ngd", -1), "the last neuron not moved"),
        "last_parameter": (
            lambda net: np.append(np.linalg.pinv(net.J[:, :-1]) @ net.r, 0.0),
            "the step without the last parameter",
        ),
        "first_column": (
            lambda net: ngd(net.changed(J=net.J * (np.arange(net.m * net.d) % net.d > 0))),
            "without the first column of W",
        ),
        "marquardt": (
            lambda net: marquardt(net.F, 1e-2) @ net.g,
            "Marquardt's scaling (eps times the diagonal of the Fisher matrix) with eps = 0.01",
        ),
        "relative_damping": (
            lambda net: net.J.T @ damped(net.G, 1e-2 * np.trace(net.G) / net.n, net.r),
            "damping eps tr(G)/n on G with eps = 0.01",
        ),
        "damped_by_loss": (
            lambda net: net.J.T @ damped(net.G, 1e-2 * net.r @ net.r, net.r),
            "damping eps ||r||^2 on G with eps = 0.01",
        ),
        "damped_fisher": (
            lambda net: damped(net.F, 1e-5, net.g),
            "damping on G (or on the Fisher matrix) with eps = 1e-05",
        ),
        "damped_mean": (
            lambda net: damped(net.F / net.n, 1e-3, net.g / net.n),
            "damping on G (or on the Fisher matrix) with eps = 0.001; n eps in place of eps",
        ),
        "plain_gradient": (lambda net: net.g, "the gradient step (plain gradient descent)"),
        "mean_gradient": (lambda net: net.g / net.n, "1/n times the gradient step (plain gradient descent)"),
        "unscaled": (unscaled, "the network without its factor m^(-1/2)"),
        "without_targets": (lambda net: ngd(net.changed(r=net.r + net.y)), "the targets left out"),
        "input_kernel": (lambda net: net.J.T @ damped(net.S @ net.S.T, 0, net.r), "S S^T in place of G"),
        "root_of_inverse": (lambda net: root_inverse(net.F) @ net.g, "the root of the inverse Fisher matrix"),
        "inverse_twice": (lambda net: pinv(net.F) @ pinv(net.F) @ net.g, "the inverse Fisher matrix applied twice"),
        "column_major": (
            lambda net: ngd(net).reshape(net.m, net.d, order="F"),
            "the update unflattened column by column",
        ),
        "clipped": (clipped, "clipped to the length 3"),
        "cut_off": (
            lambda net: np.linalg.pinv(net.J, rcond=0.4) @ net.r,
            "a pseudo-inverse of G with a relative cut-off",
        ),
        "truncated": (
            lambda net: net.J.T @ conjugate_gradients(net.G, net.r, 1e-14, 5),
            "it depends on the size, the step size, or the condition",
        ),
        "bias": (full_batch_bias, "a bias in the Fisher matrix (X X^T + 1 in G)"),
        "weight_decay": (
            lambda net: ngd(net) + 1e-3 * net.W.ravel(),
            "weight decay beside the step with eps = 0.001",
        ),
    }
    return {name: Faulty("ngd", moving(direction), said) for name, (direction, said) in directions.items()}


def _kfac() -> dict[str, Faulty]:
    def B(net: Net) -> Array:
        return net.g.reshape(net.m, net.d)

    directions: dict[str, tuple[Callable[[Net], Array], str]] = {
        "kfac_empirical": (
            lambda net: pinv((net.S.T * net.r**2) @ net.S) @ B(net) @ pinv(net.XX),
            "the empirical feature factor (S^T diag(r)^2 S",
        ),
        "ekfac": (lambda net: eigen_corrected(net, np.ones(net.n)), "the step of EKFAC (the Fisher matrix's diagonal"),
        "ekfac_empirical": (
            lambda net: eigen_corrected(net, net.r**2),
            "the step of EKFAC with the empirical Fisher matrix",
        ),
        "ekfac_damped": (
            lambda net: eigen_corrected(net, np.ones(net.n), 1e-3),
            "EKFAC (the Fisher matrix's diagonal in K-FAC's eigenbasis) and damping on its eigenvalues with eps = 0.001",
        ),
        "pi_right": (
            lambda net: with_pi(net, 1e-2, pi_of(net, mean_trace)),
            "damping by factors (sqrt(eps) pi on X^T X, sqrt(eps)/pi on S^T S, pi^2 = (tr A / dim A) / (tr G / dim G)) with",
        ),
        "pi_inverted": (
            lambda net: with_pi(net, 1e-2, 1 / pi_of(net, mean_trace)),
            "damping by factors with pi inverted",
        ),
        "pi_of_sums": (
            lambda net: with_pi(net, 1e-2, pi_of(net, lambda M: float(np.abs(M.sum())))),
            "pi^2 from the sums of all entries) with eps = 0.01",
        ),
        "kfac_marquardt": (
            lambda net: marquardt(net.SS, 1e-2) @ B(net) @ marquardt(net.XX, 1e-2),
            "Marquardt's scaling of both factors (eps times their diagonals) with eps = 0.01",
        ),
        "factors_damped": (
            lambda net: damped(net.SS, 0.1, np.eye(net.m)) @ B(net) @ damped(net.XX, 0.1, np.eye(net.d)),
            "damping in both factors (S^T S + eps I and X^T X + eps I) with eps = 0.1",
        ),
        "input_mean_damped": (
            lambda net: damped(net.SS, 0.1, np.eye(net.m)) @ B(net) @ damped(net.XX / net.n, 0.1, np.eye(net.d)),
            "damping in both factors, n times as much in the input factor (the mean in it alone) with eps = 0.1; n times",
        ),
        "swapped": (
            lambda net: np.kron(pinv(net.XX), pinv(net.SS)) @ net.g,
            "the Kronecker factors in the other order (transposed)",
        ),
        "no_input_factor": (lambda net: pinv(net.SS) @ B(net), "the input factor left out"),
        "centred_inputs": (
            lambda net: pinv(net.SS) @ B(net) @ pinv(centred(net.X).T @ centred(net.X)),
            "the centred input factor (X less its mean)",
        ),
        "diagonal_factors": (
            lambda net: ratio(B(net), np.outer(np.diag(net.SS), np.diag(net.XX))),
            "the step with the diagonals of both factors",
        ),
        "kfac_last_row": (lambda net: kfac(rows(net, slice(0, max(1, net.n - 1)))), "without the last row"),
        "kfac_last_neuron": (lambda net: masked(net, "kfac", -1), "the last neuron not moved"),
        "natural_for_kfac": (ngd, "the step of NGD"),
    }
    return {name: Faulty("kfac", moving(direction), said) for name, (direction, said) in directions.items()}


def _raising(weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
    net = Net(weights, signs, X, y)
    return weights - step_size * (np.linalg.cholesky(net.F) @ net.g).reshape(weights.shape)


def _step_size_ignored(weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
    return weights - ngd(Net(weights, signs, X, y)).reshape(weights.shape)


def _update_returned(weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
    return -step_size * ngd(Net(weights, signs, X, y)).reshape(weights.shape)


def _not_a_number(weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
    with np.errstate(all="ignore"):
        net = Net(weights, signs, X, y)
        return weights - step_size * (net.g / np.diag(net.F)).reshape(weights.shape)


def _single(weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
    net = Net(*(array.astype(np.float32) for array in (weights, signs, X, y)))
    J, r = net.J.astype(np.float32), net.r.astype(np.float32)
    D = J.T @ np.linalg.solve(J @ J.T, r)
    return np.asarray(net.W - np.float32(step_size) * D.reshape(weights.shape), dtype=np.float64)


def _others() -> dict[str, Faulty]:
    return {
        "step_size_ignored": Faulty("ngd", _step_size_ignored, "the step size ignored"),
        "update_returned": Faulty("ngd", _update_returned, "the update itself, not the new weights"),
        "raising": Faulty("ngd", _raising, "raised LinAlgError: Matrix is not positive definite"),
        "not_a_number": Faulty(
            "ngd", _not_a_number, "returned entries that are not finite", "the diagonal of the Fisher matrix"
        ),
        "single_inside": Faulty("ngd", _single, "computed in float32 and returned in float64"),
    }


STATEFUL: Mapping[str, Faulty] = {
    "accumulating": Faulty("ngd", Accumulating(), "eps grows by 0.001 with every call"),
    "kept_inverse": Faulty("ngd", KeptInverse(), "the matrix of the first call of the same shape"),
    "warm_start": Faulty("ngd", WarmStart(), "the previous call's"),
    "momentum": Faulty("ngd", Momentum(), "0.9 times the previous call's update is added (momentum)"),
    "counter": Faulty("ngd", Counter(), "call 3 on the same input is not"),
    "moving_average": Faulty("ngd", MovingAverage(), "moving average"),
    "stale": Faulty("ngd", Stale(), "the activation pattern of the previous call"),
    "decaying": Faulty("ngd", Decaying(), "1, 1/2, 1/3, 1/4 times the first"),
}

FAULTY: Mapping[str, Faulty] = {**_multiples(), **_ngd(), **_kfac(), **_others()}


# --- the correct ones ------------------------------------------------------------------------------------------------


def _by_qr(net: Net) -> Array:
    Q, R = np.linalg.qr(net.J.T)
    return Q @ linalg.solve_triangular(R.T, net.r, lower=True)


def _by_svd(net: Net) -> Array:
    U, s, V = np.linalg.svd(net.J, full_matrices=False)
    return V.T @ ((U.T @ net.r) / s)


def _by_cholesky(net: Net) -> Array:
    return net.J.T @ linalg.cho_solve(linalg.cho_factor(net.G), net.r)


def _by_cg(net: Net) -> Array:
    return net.J.T @ conjugate_gradients(net.G, net.r, 1e-14)


def _sparse(net: Net) -> Array:
    J = sparse.csr_array(net.J)
    return J.T @ np.linalg.solve((J @ J.T).toarray(), net.r)


def _single_throughout(weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
    return _single(weights, signs, X, y, step_size).astype(np.float32)


def _from_lists(weights: Array, signs: Array, X: Array, y: Array, step_size: float) -> Array:
    given = (np.array(array.tolist()) for array in (weights, signs, X, y))
    return np.array(moving(ngd)(*given, step_size).tolist())


def _structured_kfac(net: Net) -> Array:
    return net.S.T @ (np.linalg.solve(net.S @ net.S.T, net.r[:, None] * np.linalg.pinv(net.X).T))


CORRECT: Mapping[str, tuple[str, Step]] = {
    "right_qr": ("ngd", moving(_by_qr)),
    "right_svd": ("ngd", moving(_by_svd)),
    "right_lstsq": ("ngd", moving(ngd)),
    "right_cholesky": ("ngd", moving(_by_cholesky)),
    "right_eigh": ("ngd", moving(lambda net: net.J.T @ pinv(net.G) @ net.r)),
    "right_cg": ("ngd", moving(_by_cg)),
    "right_inverse": ("ngd", moving(lambda net: net.J.T @ np.linalg.inv(net.G) @ net.r)),
    "right_fisher": ("ngd", moving(lambda net: pinv(net.F) @ net.g)),
    "right_sparse": ("ngd", moving(_sparse)),
    "right_single": ("ngd", _single_throughout),
    "right_lists": ("ngd", _from_lists),
    "right_kfac_factors": ("kfac", moving(kfac)),
    "right_kfac_kronecker": ("kfac", moving(lambda net: np.kron(pinv(net.SS), pinv(net.XX)) @ net.g)),
    "right_kfac_structured": ("kfac", moving(_structured_kfac)),
}

# --- run -------------------------------------------------------------------------------------------------------------


def claims_of(optimiser: str, claims: Mapping[str, Any]) -> list[str]:
    """The identity, and the contract."""
    return [id for id in claims if id in ("own-I-pinv", "own-I-kfac", "own-contract")][::-1]


def causes_of(name: str, faulty: Faulty, seed: int, directory: Path) -> tuple[str, list[str]]:
    """What is said of the refutation of the identity: the remark of its first line, and its causes."""
    implementation = load_implementation(f"zoo:steps.{name}", faulty.optimiser, directory)
    claims = own_claims(implementation)
    claim = claims[claims_of(faulty.optimiser, claims)[0]]
    found = run_claim(claim, Depth.QUICK, seed).refutation
    assert found is not None
    assert claim.isolate is not None
    assert claim.explain is not None
    isolated = claim.isolate(claim, found, seed)
    lines = claim.explain(found if isolated is None else isolated.evaluation)
    causes = [line.removeprefix(CAUSE) for line in lines if line.startswith(CAUSE)]
    return "" if isolated is None else isolated.remark, causes


def told_rightly(causes: list[str], faulty: Faulty) -> bool:
    """Whether the cause is named and nothing else is."""
    others = [cause for cause in causes if faulty.said not in cause]
    return len(others) < len(causes) and all(faulty.too and faulty.too in cause for cause in others)


steps = SimpleNamespace(
    **{name: faulty.step for name, faulty in {**FAULTY, **STATEFUL}.items()},
    **{name: step for name, (_, step) in CORRECT.items()},
)
