"""A zoo of steps: faulty ones, each with the cause that it should be told, and correct ones, written as users would.

The steps share nothing with the package: quantities are those of the user's signature, matrices are dense. ``steps`` has every one
under its name, so that ``zoo:steps.NAME`` can be loaded, in a fresh process too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import numpy as np
from scipy import linalg, sparse

from tests.deep.zoo_arrays import (
    Array,
    Net,
    Step,
    block_diagonal,
    centred,
    clipped,
    columns_block_diagonal,
    conjugate_gradients,
    damped,
    eigen_corrected,
    full_batch_bias,
    kfac,
    marquardt,
    masked,
    mean_trace,
    moving,
    ngd,
    pi_of,
    pinv,
    ratio,
    root_inverse,
    rows,
    times,
    unscaled,
    with_pi,
)
from tests.deep.zoo_runs import Faulty
from tests.deep.zoo_state import Accumulating, Counter, Decaying, KeptInverse, Momentum, MovingAverage, Stale, WarmStart

# --- the faulty ones -------------------------------------------------------------------------------------------------


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
    too = {"pi_of_sums": "raised ZeroDivisionError"}  # where the entries of a factor sum up to 0
    return {
        name: Faulty("kfac", moving(direction), said, too.get(name, ""))
        for name, (direction, said) in directions.items()
    }


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

REVEALING = ("right_lstsq", "right_eigh", "right_fisher", "right_lists", "right_kfac_factors", "right_kfac_kronecker")
"""Those that are right where G, or H, is singular."""

steps = SimpleNamespace(
    **{name: faulty.step for name, faulty in {**FAULTY, **STATEFUL}.items()},
    **{name: step for name, (_, step) in CORRECT.items()},
)
