"""Right steps by many algorithms, in float32 throughout or in float64: what the guard must let pass."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import linalg

Array = Any
"""Of float32 or float64."""


def quantities(given: tuple[Any, ...], kind: Any) -> tuple[Array, Array, Array, Array, Array]:
    """W, S, X, r, J, all of one type."""
    W, a, X, y = [np.asarray(value, dtype=kind) for value in given]
    Z = X @ W.T
    S = np.where(Z >= 0, a, kind(0)) / kind(np.sqrt(len(a)))
    r = np.maximum(Z, 0) @ a / kind(np.sqrt(len(a))) - y
    return W, S, X, r, (S[:, :, None] * X[:, None, :]).reshape(len(y), -1)


def cut(matrix: Array) -> float:
    """A relative cut-off of the usual size."""
    return float(4 * max(matrix.shape) * np.finfo(matrix.dtype).eps)


def orthogonal(J: Array, r: Array) -> Array:
    Q, R = np.linalg.qr(J.T)
    return Q @ linalg.solve_triangular(R.T, r, lower=True)


def singular_values(J: Array, r: Array) -> Array:
    U, s, V = np.linalg.svd(J, full_matrices=False)
    kept = s > s[0] * cut(J) / 4
    return V[kept].T @ ((U[:, kept].T @ r) / s[kept])


def least_squares(J: Array, r: Array) -> Array:
    return np.linalg.lstsq(J, r, rcond=None)[0]


def pseudo_inverse(J: Array, r: Array) -> Array:
    return np.linalg.pinv(J, rcond=cut(J) / 4) @ r


def gram_pseudo_inverse(J: Array, r: Array) -> Array:
    return J.T @ (np.linalg.pinv(J @ J.T, rcond=cut(np.eye(len(r), dtype=J.dtype)), hermitian=True) @ r)


def fisher_pseudo_inverse(J: Array, r: Array) -> Array:
    return np.linalg.pinv(J.T @ J, rcond=cut(J), hermitian=True) @ (J.T @ r)


def gram_solve(J: Array, r: Array) -> Array:
    return J.T @ np.linalg.solve(J @ J.T, r)


def gram_inverse(J: Array, r: Array) -> Array:
    return J.T @ (np.linalg.inv(J @ J.T) @ r)


def cholesky(J: Array, r: Array) -> Array:
    return J.T @ linalg.cho_solve(linalg.cho_factor(J @ J.T), r)


def conjugate_gradients(J: Array, r: Array) -> Array:
    """On ``J^T J D = J^T r``, which has a solution whatever the rank, down to 1e-14."""
    D, rest = np.zeros(J.shape[1], J.dtype), r.copy()
    s = J.T @ rest
    p, size = s.copy(), s @ s
    enough = size * 1e-28
    for _ in range(20 * len(r)):
        if size <= enough:
            break
        image = J @ p
        length = size / (image @ image)
        D += length * p
        rest -= length * image
        s = J.T @ rest
        p, size = s + (s @ s) / size * p, s @ s
    return D


NGD: Mapping[str, Callable[[Array, Array], Array]] = {
    "QR": orthogonal,
    "singular values": singular_values,
    "least squares": least_squares,
    "pseudo-inverse of J": pseudo_inverse,
    "pseudo-inverse of G": gram_pseudo_inverse,
    "pseudo-inverse of the Fisher matrix": fisher_pseudo_inverse,
    "solve": gram_solve,
    "inverse": gram_inverse,
    "Cholesky": cholesky,
    "conjugate gradients": conjugate_gradients,
}

REVEALING = (
    *("singular values", "least squares", "pseudo-inverse of J", "pseudo-inverse of G"),
    *("pseudo-inverse of the Fisher matrix", "factors", "Kronecker product", "pseudo-inverses"),
)
"""Those that are right where G, or H, is singular."""


def inverted(matrix: Array) -> Array:
    return np.linalg.pinv(matrix, rcond=cut(matrix), hermitian=True)


def factors(S: Array, X: Array, r: Array) -> Array:
    return inverted(S.T @ S) @ (S.T @ (r[:, None] * X)) @ inverted(X.T @ X)


def kronecker(S: Array, X: Array, r: Array) -> Array:
    gradient = (S.T @ (r[:, None] * X)).ravel()
    return (np.kron(inverted(S.T @ S), inverted(X.T @ X)) @ gradient).reshape(S.shape[1], -1)


def pseudo_inverses(S: Array, X: Array, r: Array) -> Array:
    return np.linalg.pinv(S, rcond=cut(S) / 4) @ (r[:, None] * np.linalg.pinv(X, rcond=cut(X) / 4).T)


def small_inverse(S: Array, X: Array, r: Array) -> Array:
    return S.T @ np.linalg.inv(S @ S.T) @ (r[:, None] * (X @ inverted(X.T @ X)))


KFAC: Mapping[str, Callable[[Array, Array, Array], Array]] = {
    "factors": factors,
    "Kronecker product": kronecker,
    "pseudo-inverses": pseudo_inverses,
    "inverse of H": small_inverse,
}


def step(optimiser: str, name: str, kind: Any) -> Callable[..., Array]:
    """The step by an algorithm, in a type."""

    def stepped(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Array:
        W, S, inputs, r, J = quantities((weights, signs, X, y), kind)
        moved = KFAC[name](S, inputs, r) if optimiser == "kfac" else NGD[name](J, r)
        return W - kind(step_size) * moved.reshape(W.shape)

    return stepped


RIGHT = [(optimiser, name) for optimiser, names in (("ngd", NGD), ("kfac", KFAC)) for name in names]
