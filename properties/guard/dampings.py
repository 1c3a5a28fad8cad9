"""Conventions with a parameter eps, dampings and decay, each as a formula; damping_fit.py looks for the eps.

By the push-through identity ``(J^T J + eps I)^{-1} J^T = J^T (G + eps I)^{-1}`` damping on the Fisher matrix and on the Gram matrix
are the same. K-FAC's factors are ``S^T S``, which carries 1/m, and ``X^T X``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from properties.guard.conventions import exact
from properties.guard.damping import Damping
from properties.guard.kronecker_conventions import eigenbasis, features, inputs, scalings
from properties.guard.matrix_conventions import diagonal_empirical, diagonal_fisher
from properties.guard.remedies import EKFAC, NO_DECAY, OUTPUTS, UNCENTRED, WHOLE
from properties.guard.workings import LEAST, NEGLIGIBLE, Formula, UndefinedError, Workings
from theory.inputs import FloatArray

Damped = Callable[[Workings, float], FloatArray]
"""A formula with a damping eps > 0."""


def solved(matrix: FloatArray, eps: float, right: FloatArray) -> FloatArray:
    """``(M + eps I)^{-1} b``."""
    return np.asarray(np.linalg.solve(matrix + eps * np.eye(len(matrix)), right), dtype=np.float64)


def ridge(A: FloatArray, eps: float, right: FloatArray) -> FloatArray:
    """``(A^T A + eps I)^{-1} b`` by singular values, ``(A^T A)^+ b`` for eps = 0.

    What b has outside the range of A^T is divided by eps, unless it is rounding. Raises UndefinedError for eps = 0 where it
    cannot be told whether a singular value is 0.
    """
    _, values, rows = np.linalg.svd(A, full_matrices=False)
    squares = values**2
    kept = squares > NEGLIGIBLE * squares[0]
    if eps == 0 and not (squares[0] > 0 and squares[kept][-1] > LEAST * squares[0]):
        raise UndefinedError
    rows, squares = rows[kept], squares[kept]
    inside = rows @ right
    outside = right - rows.T @ inside
    found = rows.T @ (inside.T / (squares + eps)).T
    if eps > 0 and np.linalg.norm(outside) > NEGLIGIBLE * np.linalg.norm(right):
        found = found + outside / eps
    return np.asarray(found, dtype=np.float64)


def gram(scale: Callable[[Workings], float] = lambda w: 1.0) -> Damped:
    """``J^T (G + eps s I)^{-1} r``."""
    return lambda w, eps: w.J.T @ solved(w.J @ w.J.T, eps * scale(w), w.r)


def gram_diagonal(w: Workings, eps: float) -> FloatArray:
    """``J^T (G + eps diag(G))^{-1} r``."""
    G = w.J @ w.J.T
    return w.J.T @ np.linalg.solve(G + eps * np.diag(np.diag(G)), w.r)


def marquardt(w: Workings, eps: float) -> FloatArray:
    """``(F + eps diag(F))^+ B``: with ``R = diag(F)^{-1/2}`` it is ``R (R F R + eps I)^{-1} R B``."""
    root = np.sqrt(diagonal_fisher(w))
    w.share = float((root[root > 0] ** 2).min(initial=1.0))
    scaled = np.divide(w.J, root, out=np.zeros_like(w.J), where=root > 0)
    direction = scaled.T @ solved(scaled @ scaled.T, eps, w.r)
    return np.asarray(np.divide(direction, root, out=np.zeros_like(direction), where=root > 0), dtype=np.float64)


def marquardt_ridge(A: FloatArray, eps: float, right: FloatArray) -> FloatArray:
    """``(A^T A + eps diag(A^T A))^+ b``."""
    root = np.linalg.norm(A, axis=0)
    inverse_root = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
    found: FloatArray = inverse_root[:, None] * ridge(A * inverse_root, eps, inverse_root[:, None] * right)
    return found


def marquardt_factors(w: Workings, eps: float) -> FloatArray:
    """Each factor with eps times its diagonal."""
    return marquardt_ridge(w.X, eps, marquardt_ridge(w.S, eps, w.B).T).T


def fisher(jacobian: Callable[[Workings], FloatArray]) -> Damped:
    """``(A^T A + eps I)^{-1} B`` for another A than J."""

    return lambda w, eps: ridge(jacobian(w), eps, w.g)


def entrywise(below: Callable[[Workings], FloatArray], root: bool = False) -> Damped:
    """``B / (v + eps)``, or ``B / (v^{1/2} + eps)``."""
    return lambda w, eps: w.g / ((np.sqrt(below(w)) if root else below(w)) + eps)


def blocks(w: Workings, eps: float) -> FloatArray:
    """The Fisher matrix's blocks of one neuron, each with eps."""
    J = w.J.reshape(w.n, w.m, w.d)
    return np.array([ridge(J[:, index], eps, w.B[index]) for index in range(w.m)])


def factors(
    left: Callable[[Workings, float], float],
    right: Callable[[Workings, float], float],
    root: Callable[[Workings], FloatArray] = lambda w: w.S,
) -> Damped:
    """``(S^T S + l I)^{-1} B (X^T X + r I)^{-1}``, the pseudo-inverse where a damping is 0; another ``A^T A`` for S^T S."""
    return lambda w, eps: ridge(w.X, right(w, eps), ridge(root(w), left(w, eps), w.B).T).T


def none(w: Workings, eps: float) -> float:
    """No damping."""
    return 0.0


def plain(w: Workings, eps: float) -> float:
    """eps."""
    return eps


def by_rows(w: Workings, eps: float) -> float:
    """n eps, as for a factor that is a mean."""
    return w.n * eps


def product(w: Workings, eps: float) -> FloatArray:
    """``(S^T S (x) X^T X + eps I)^{-1} vec(B)``, in the factors' eigenbases."""
    (a, P), (b, Q) = np.linalg.eigh(features(w)), np.linalg.eigh(inputs(w))
    return np.asarray(
        P @ ((P.T @ w.B @ Q) / (np.outer(np.maximum(a, 0), np.maximum(b, 0)) + eps)) @ Q.T, dtype=np.float64
    )


def ekfac(empirical: bool) -> Damped:
    """EKFAC with eps added to its eigenvalues."""

    def formula(w: Workings, eps: float) -> FloatArray:
        left, right = eigenbasis(features(w))[1], eigenbasis(inputs(w))[1]
        # in the null spaces the gradient has no coordinates
        return np.asarray(left @ ((left.T @ w.B @ right) / (scalings(w, left, right, empirical) + eps)) @ right.T)

    return formula


Norm = Callable[[FloatArray], float]

PI_NORMS: dict[str, Norm] = {
    "pi^2 = (tr A / dim A) / (tr G / dim G)": lambda M: float(np.trace(M)) / len(M),
    "pi^2 from the sums of all entries over the dimensions": lambda M: float(M.sum()) / len(M),
    "pi^2 from the means of all entries": lambda M: float(M.mean()),
    "pi^2 from the sums of all entries": lambda M: float(M.sum()),
    "pi^2 from the traces without the dimensions": lambda M: float(np.trace(M)),
    "pi^2 from the Frobenius norms": lambda M: float(np.linalg.norm(M)),
    "pi^2 from the spectral norms": lambda M: float(np.linalg.norm(M, 2)),
}
"""What ``pi^2`` is the ratio of, for ``A = X^T X`` and ``G = S^T S``; the first is K-FAC's own."""


def pi_damped(norm: Norm, inverted: bool = False, root: bool = True) -> Damped:
    """``sqrt(eps) pi`` on ``X^T X`` and ``sqrt(eps) / pi`` on ``S^T S``, or conversely; without root eps itself."""

    def formula(w: Workings, eps: float) -> FloatArray:
        above, below = norm(inputs(w)), norm(features(w))
        if not (above > 0 and below > 0):
            raise UndefinedError
        pi, size = math.sqrt(above / below), math.sqrt(eps) if root else eps
        if inverted:
            pi = 1 / pi
        return factors(lambda w, eps: size / pi, lambda w, eps: size * pi)(w, eps)

    return formula


def decayed(optimiser: str, of_gradient: bool = False) -> Damped:
    """``D + eps W``: weight decay; or the step with the gradient ``B + eps W``, where that lies in the range."""

    def formula(w: Workings, eps: float) -> FloatArray:
        if not of_gradient:
            return exact(optimiser)(w) + eps * w.W
        if optimiser == "kfac":
            return w.inverse(features(w)) @ (w.B + eps * w.W) @ w.inverse(inputs(w))
        return w.inverse(w.J.T @ w.J) @ (w.g + eps * w.W.ravel())

    return formula


INTENDED: dict[str, Damped] = {
    "gram": gram(),
    "factors": factors(plain, plain),
    "product": product,
    "pi": pi_damped(next(iter(PI_NORMS.values()))),
}
"""The step of each kind of damping."""


def intended(optimiser: str, damping: Damping | None) -> Formula:
    """The step that is meant: the optimiser's, damped where damping is meant."""
    if damping is None:
        return exact(optimiser)
    formula, eps = INTENDED[damping.kind], damping.eps
    return lambda w: formula(w, eps)


@dataclass(frozen=True)
class Family:
    """A convention with a parameter."""

    name: str
    """With ``{eps}`` where the parameter is named."""
    formula: Damped
    remedy: str = ""
    """What to change beside the damping, as ``Meant.told`` (remedies.py) takes it; empty where that is all."""
    kind: str = ""
    """The kind of damping that may be declared, with an eps in its range; empty where there is none."""
    optimiser: str = ""
    """The optimiser that is to be declared with it, where it is not the one that is meant."""
    damps: bool = True
    """Whether it is a damping, which may be meant."""


def _ngd() -> Iterator[Family]:
    named: dict[str, Damped] = {
        "damping eps tr(G)/n on G": gram(lambda w: float(np.trace(w.J @ w.J.T)) / w.n),
        "damping eps tr(G)/(m d) on the Fisher matrix": gram(lambda w: float(np.trace(w.J @ w.J.T)) / (w.m * w.d)),
        "damping eps lambda_max(G) on G": gram(lambda w: float(np.linalg.norm(w.J @ w.J.T, 2))),
        "damping eps ||r||^2 on G": gram(lambda w: float(w.r @ w.r)),
        "damping eps ||r|| on G": gram(lambda w: float(np.linalg.norm(w.r))),
        "damping eps ||B|| on G": gram(lambda w: float(np.linalg.norm(w.g))),
    }
    yield Family("damping on G (or on the Fisher matrix) with {eps}", gram(), kind="gram")
    for name, formula in named.items():
        yield Family(f"{name} with {{eps}}", formula)
    yield Family("Marquardt's scaling (eps times the diagonal of the Fisher matrix) with {eps}", marquardt, WHOLE)
    yield Family("Marquardt's scaling on G (eps times its diagonal) with {eps}", gram_diagonal, WHOLE)
    for name, formula, remedy in _damped_matrices():
        yield Family(f"{name} with damping {{eps}}", formula, remedy)


def _damped_matrices() -> Iterator[tuple[str, Damped, str]]:
    """Other matrices than F, each with damping, and what to change in them."""
    empirical = fisher(lambda w: w.r[:, None] * w.J)
    covariance = fisher(lambda w: w.r[:, None] * w.J - (w.r[:, None] * w.J).mean(axis=0))
    centred = fisher(lambda w: w.J - w.J.mean(axis=0))
    adam = entrywise(lambda w: w.g**2, root=True)
    yield "the empirical Fisher matrix (sum of r_i^2 J_i J_i^T, the gradients of the loss)", empirical, OUTPUTS
    yield "the covariance of the gradients (the empirical Fisher matrix, centred)", covariance, OUTPUTS
    yield "the outer product of the mean gradient for Fisher matrix", fisher(lambda w: w.g[None, :]), OUTPUTS
    yield "the centred Jacobian in the Fisher matrix", centred, UNCENTRED
    yield "the diagonal of the Fisher matrix", entrywise(diagonal_fisher), WHOLE
    yield "the diagonal of the empirical Fisher matrix", entrywise(diagonal_empirical), OUTPUTS
    yield "the square of the mean gradient, entry by entry, for Fisher matrix", entrywise(lambda w: w.g**2), OUTPUTS
    yield "the root of the square of the mean gradient (as Adam's first step)", adam, OUTPUTS
    yield "the root of the diagonal of the Fisher matrix", entrywise(diagonal_fisher, root=True), WHOLE
    yield "the root of the diagonal of the empirical Fisher matrix", entrywise(diagonal_empirical, root=True), OUTPUTS
    yield "the block-diagonal Fisher matrix, a block a neuron,", blocks, WHOLE


def _kfac() -> Iterator[Family]:
    both = "damping in both factors"
    less = f"{both}, n times as much in the input factor (the mean in it alone) with {{eps}}"
    more = f"{both}, n times as much in the feature factor (the mean in it alone) with {{eps}}"
    yield Family(f"{both} (S^T S + eps I and X^T X + eps I) with {{eps}}", factors(plain, plain), kind="factors")
    yield Family(less, factors(plain, by_rows))
    yield Family(more, factors(by_rows, plain))
    yield Family("damping in the feature factor (S^T S + eps I) with {eps}", factors(plain, none))
    yield Family("damping in the input factor (X^T X + eps I) with {eps}", factors(none, plain))
    on_product = "damping on the product of the factors (S^T S (x) X^T X + eps I) with {eps}"
    yield Family(on_product, product, kind="product")
    scaling = "Marquardt's scaling of both factors (eps times their diagonals) with {eps}"
    yield Family(scaling, marquardt_factors, WHOLE)
    traces = factors(
        lambda w, eps: eps * float(np.trace(features(w))) / w.m,
        lambda w, eps: eps * float(np.trace(inputs(w))) / w.d,
    )
    yield Family("damping eps tr/dim in each factor with {eps}", traces)
    empirical = "the empirical feature factor (S^T diag(r)^2 S, from the gradients of the loss)"
    scaled = factors(plain, plain, lambda w: w.r[:, None] * w.S)
    yield Family(f"{empirical} and {both} with {{eps}}", scaled, OUTPUTS)
    values = "and damping on its eigenvalues with {eps}"
    yield Family(f"EKFAC (the Fisher matrix's diagonal in K-FAC's eigenbasis) {values}", ekfac(False), EKFAC)
    yield Family(f"EKFAC with the empirical Fisher matrix {values}", ekfac(True), OUTPUTS)
    for index, (name, norm) in enumerate(PI_NORMS.items()):
        kind = "damping by factors" if index == 0 else "damping by factors with a wrong pi"
        yield Family(
            f"{kind} (sqrt(eps) pi on X^T X, sqrt(eps)/pi on S^T S, {name}) with {{eps}}",
            pi_damped(norm),
            kind="" if index else "pi",
        )
        yield Family(
            f"damping by factors with pi inverted (sqrt(eps)/pi on X^T X, sqrt(eps) pi on S^T S, {name}) with {{eps}}",
            pi_damped(norm, inverted=True),
        )


def families(optimiser: str) -> Iterator[Family]:
    """Conventions with a parameter, the optimiser's own first."""
    if optimiser == "kfac":
        yield from _kfac()
    for family in _ngd():
        yield replace(family, name=f"NGD, {family.name}", optimiser="ngd") if optimiser == "kfac" else family
    beside, inside = decayed(optimiser), decayed(optimiser, of_gradient=True)
    yield Family("weight decay beside the step with {eps}", beside, NO_DECAY, damps=False)
    yield Family("weight decay in the gradient with {eps}", inside, NO_DECAY, damps=False)
