"""The numbers of one network that the allowance of its step depends on: NGD, K-FAC, with damping or without (allowance.py)."""

from __future__ import annotations

import numpy as np
from flint import fmpq_mat

from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork
from properties.guard.allowance import (
    Condition,
    Route,
    Solved,
    Stage,
    eigenvalues,
    frobenius,
    residual_error,
    singular_values,
    solve,
)
from properties.guard.damping import Damping, Direction
from theory.inputs import FloatArray
from theory.rigour.input_bounds import InputBounds


def norm(matrix: FloatArray) -> float:
    """The Frobenius norm."""
    return float(np.linalg.norm(matrix))


def ngd_condition(
    net: ExactNetwork, found: Direction, inverse: fmpq_mat, lambda_min: float, damping: Damping | None
) -> Condition:
    """For NGD: ``inverse`` is that of ``G + eps I``, or ``G^+``, and ``lambda_min`` bounds its smallest nonzero eigenvalue from below."""
    S, X, r = (rounding.floats(matrix) for matrix in (net.features, net.inputs, net.residual))
    n, (m, d) = len(r), (S.shape[1], X.shape[1])
    eps = 0.0 if damping is None else damping.eps
    outside = 0.0 if eps else frobenius(net.residual - net.gram * (inverse * net.residual))
    absolute = rounding.floats(net.pattern_gram) * (np.abs(X) @ np.abs(X).T)  # a_r^2 has no sign: |S| |S|^T = S S^T
    trace = float(np.trace(rounding.floats(net.gram)))
    direction = frobenius(found.matrix)
    solved = Solved(
        shape=(n, m * d),
        rank=int(net.gram.rank()),
        lambda_min=lambda_min,
        eps=eps,
        norm=np.sqrt(trace),
        gram=frobenius(net.gram),
        absolute_gram=norm(absolute),
        inverse=frobenius(inverse),
        right=norm(r),
        outside=outside,
        solution=frobenius(inverse * net.residual),
        direction=direction,
        gradient=norm(S.T @ (r * X)),
        absolute_gradient=norm(np.abs(S).T @ (np.abs(r) * np.abs(X))),
    )
    return Condition(
        number=(trace + n * eps) / lambda_min,
        stages=[solved.routes()],
        always=residual_error(net) / np.sqrt(lambda_min),
        direction=direction,
        weights=frobenius(net.weights),
        error=found.error,
    )


def kfac_condition(
    net: ExactNetwork,
    found: Direction,
    inverse: fmpq_mat,
    lambda_min: float,
    bounds: InputBounds,
    parts: tuple[float, float],
) -> Condition:
    """For K-FAC: ``inverse`` is that of ``H + a I``, or ``H^+``; ``parts`` are what is added to ``S^T S`` and to ``X^T X``."""
    S, X, r = (rounding.floats(matrix) for matrix in (net.features, net.inputs, net.residual))
    (n, d), m = X.shape, S.shape[1]
    first, second = parts
    nonzero = bounds.smallest_eigenvalue[0]
    mu = nonzero + second  # of those that X meets
    values, vectors = np.linalg.eigh(X.T @ X)
    kept = values > nonzero / 2 if nonzero > 0 else values > 0
    inverted = np.where(kept | (second > 0), 1 / np.where(kept, values + second, second or 1.0), 0.0)
    dual = X @ (vectors * inverted) @ vectors.T
    M = rounding.floats(inverse)
    right, left = r * dual, S.T @ M * r[:, 0]
    solution = M @ right
    direction, trace = frobenius(found.matrix), float(np.trace(rounding.floats(net.pattern_gram)))
    absolute = norm(np.abs(S).T @ (np.abs(r) * np.abs(X)))
    smallest = second if second and bounds.rank < d else mu
    rank = int(net.pattern_gram.rank())
    outside = norm(right - rounding.floats(net.pattern_gram) @ solution) if rank < n and not first else 0.0
    gram = frobenius(net.pattern_gram)
    features = Solved(
        shape=(n, m),
        rank=rank,
        lambda_min=lambda_min,
        eps=first,
        norm=np.sqrt(trace),
        gram=gram,
        absolute_gram=gram,  # a_r^2 has no sign: |S| |S|^T = S S^T
        inverse=norm(M),
        right=norm(right),
        outside=outside,
        solution=norm(solution),
        direction=direction,
        gradient=norm(S.T @ right),
        absolute_gradient=absolute / smallest,
    )
    products = m * d * norm(M) * norm(inverted) * norm(S.T @ (r * X))
    inner = Route("Kronecker product of inverses", 0.0, products, required=not (first or second))
    return Condition(
        number=(trace + n * first) / lambda_min + (n + d * second) / mu,
        stages=[
            [*features.routes(), inner],
            _input_routes(X, bounds.rank, (mu, smallest), second, norm(inverted), direction, left),
        ],
        always=residual_error(net) / np.sqrt(lambda_min * mu),
        direction=direction,
        weights=frobenius(net.weights),
        error=found.error,
    )


def _input_routes(
    X: FloatArray,
    rank: int,
    smallest: tuple[float, float],
    eps: float,
    inverse: float,
    direction: float,
    left: FloatArray,
) -> Stage:
    """What X^+, or a damped ``X^T X``, may do to D; ``smallest`` are the eigenvalues that X meets and those of ``X^T X + eps I``."""
    (n, d), (mu, least) = X.shape, smallest
    root, size = np.sqrt(mu), norm(X)
    absolute, gram = norm(np.abs(X).T @ np.abs(X)), norm(X.T @ X)
    moved = (singular_values(min(n, d), max(n, d) + (d if eps else 0)) + 8) * size
    product = (n + d) * norm(left) / root
    routes = [Route("X", moved / root, moved * (2 * direction / root + norm(left) / mu) + product)]
    cut = 2 if rank < d and not eps else 1
    worked = solve(d) * (size**2 + d * eps) + eigenvalues(rank, d) * gram
    formed = cut * (worked + (n + 8) * absolute)
    explicit = cut * worked * norm(left @ X) * inverse / least
    routes.append(Route("X^T X", formed / least, 2 * formed * direction / least + product))
    routes.append(Route("its inverse", formed / least, explicit, required=False))
    if rank == n and not eps:
        dual = (solve(n) * size**2 + eigenvalues(n, n) * gram) + (d + 8) * absolute
        routes.append(Route("X X^T", dual / mu, 2 * dual * norm(left) / (mu * root)))
    return routes


def product_condition(net: ExactNetwork, found: Direction, damping: Damping) -> Condition:
    """For K-FAC with damping on the product: the matrix of md x md by itself, or through the eigenvalues of both factors."""
    S, X, r = (rounding.floats(matrix) for matrix in (net.features, net.inputs, net.residual))
    (n, d), m, eps = X.shape, S.shape[1], damping.eps
    size, direction = norm(S) ** 2 * norm(X) ** 2, frobenius(found.matrix)
    pattern_gram = frobenius(net.pattern_gram)
    products = (2 * n + 16) * pattern_gram * norm(np.abs(X) @ np.abs(X).T)
    grams = pattern_gram * norm(X @ X.T)
    gradient = (n + 4) * norm(np.abs(S).T @ (np.abs(r) * np.abs(X))) / eps
    worked = solve(m * d) * (size + m * d * eps)
    factors = (eigenvalues(min(n, m), m) + eigenvalues(min(n, d), d) + m + d) * grams
    inverted = worked * np.sqrt(m * d) * norm(S.T @ (r * X)) / eps**2
    moved = worked + products
    routes = [
        Route("product", moved / eps, moved * direction / eps + gradient),
        Route("its factors", (factors + products) / eps, (factors + products) * direction / eps + gradient),
        Route("its inverse", moved / eps, inverted + gradient, required=False),
    ]
    return Condition(
        number=(size + m * d * eps) / eps,
        stages=[routes],
        always=residual_error(net) / (2 * np.sqrt(eps)),
        direction=direction,
        weights=frobenius(net.weights),
        error=found.error,
    )
