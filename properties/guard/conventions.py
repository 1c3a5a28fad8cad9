"""The conventions by which an implementation may differ from the exact step, each as an exact formula.

A convention gives W' exactly (a rational matrix) from the network as given; those with a parameter take eps as a rational
number. ``Z``, S, G, H, r are those of THEORY section 1, ``B = S^T diag(r) X`` is the gradient. By the push-through identity
``(J^T J + eps I)^{-1} J^T = J^T (G + eps I)^{-1}`` damping on the Fisher matrix and on the Gram matrix are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from flint import fmpq, fmpq_mat

from properties.claims.exact_network import ExactNetwork, exact_root, unvec, vec, vector
from properties.guard.damping import product_direction
from properties.guard.instances import Problem, direction_of
from theory.rigour.exact import diagonal, hadamard, kronecker, pseudo_inverse

LARGE = 64
"""Beyond this md an exact solve with a matrix of md x md takes long."""

Formula = Callable[[ExactNetwork], fmpq_mat]
"""From a network to the update divided by -eta, shape (m, d)."""

Damped = Callable[[ExactNetwork, fmpq], fmpq_mat]
"""The same with a damping eps > 0."""

Factor = Callable[[ExactNetwork], fmpq]


def rows(net: ExactNetwork) -> fmpq:
    """n."""
    return fmpq(net.inputs.nrows())


def root_width(net: ExactNetwork) -> fmpq:
    """``m^{1/2}``."""
    return fmpq(exact_root(len(net.signs)))


FACTORS: tuple[tuple[str, Factor], ...] = (
    ("the opposite sign", lambda net: fmpq(-1)),
    ("1/n times the step (the gradient of the mean loss with the Fisher matrix of the sum)", lambda net: 1 / rows(net)),
    ("n times the step (the mean in the Fisher matrix, or in both factors and the gradient)", rows),
    ("2 times the step (the loss without its 1/2)", lambda net: fmpq(2)),
    ("1/2 of the step (a curvature of twice the Fisher matrix)", lambda net: fmpq(1, 2)),
    ("2/n times the step (the gradient of the mean squared error)", lambda net: 2 / rows(net)),
    ("n/2 times the step (the curvature of the mean squared error)", lambda net: rows(net) / 2),
    ("n^2 times the step (the mean in both factors)", lambda net: rows(net) ** 2),
    ("m^(-1/2) times the step", lambda net: 1 / root_width(net)),
    ("m^(1/2) times the step", root_width),
)
"""Multiples of the exact step, by name."""


def gradient(net: ExactNetwork) -> fmpq_mat:
    """``B = S^T diag(r) X``, shape (m, d)."""
    return net.features.transpose() * diagonal(vector(net.residual)) * net.inputs


def without_scale(optimiser: str) -> Formula:
    """The step of the network without ``m^{-1/2}``: outputs and features times ``m^{1/2}``."""

    def formula(net: ExactNetwork) -> fmpq_mat:
        root = root_width(net)
        shifted = ExactNetwork(net.inputs, net.weights, net.signs, net.targets / root)
        return direction_of(shifted, optimiser)  # (root u - y) / root with features divided by root once more

    return formula


def column_major(formula: Formula) -> Formula:
    """The update, as a vector in row-major order, unflattened column by column."""

    def reordered(net: ExactNetwork) -> fmpq_mat:
        found = formula(net)
        return unvec(vec(found), found.ncols()).transpose()

    return reordered


def factors_swapped(net: ExactNetwork) -> fmpq_mat:
    """``((X^T X)^+ (x) (S^T S)^+) vec(B)``, the Kronecker factors in the other order."""
    m, d = len(net.signs), net.inputs.ncols()
    features = pseudo_inverse(net.features.transpose() * net.features)
    block = unvec(vec(gradient(net)), d)  # (d, m): what (A (x) B) vec(M) = vec(A M B^T) takes for M
    moved = pseudo_inverse(net.inputs.transpose() * net.inputs) * block * features
    return unvec(vec(moved), m)


def residual_right(net: ExactNetwork) -> fmpq_mat:
    """``S^T diag(r) H^{-1} X (X^T X)^+``: diag(r) on the other side of H^{-1}."""
    return net.features.transpose() * diagonal(vector(net.residual)) * net.pattern_gram.inv() * net.dual_inputs


def shifted(matrix: fmpq_mat, eps: fmpq) -> fmpq_mat:
    """``M + eps I``."""
    return matrix + eps * diagonal([fmpq(1)] * matrix.nrows())


def gram_damped(net: ExactNetwork, eps: fmpq) -> fmpq_mat:
    """``J^T (G + eps I)^{-1} r``."""
    c = shifted(net.gram, eps).solve(net.residual)
    return net.features.transpose() * diagonal(vector(c)) * net.inputs


def factors_damped(features: int, inputs: int) -> Damped:
    """``(S^T S + eps I)^{-1} B (X^T X + eps I)^{-1}``, a factor left as it is where its flag is 0."""

    def formula(net: ExactNetwork, eps: fmpq) -> fmpq_mat:
        left = shifted(net.pattern_gram, features * eps).inv()
        dual = net.dual_inputs
        if inputs:
            dual = net.inputs * shifted(net.inputs.transpose() * net.inputs, inputs * eps).inv()
        return net.features.transpose() * left * diagonal(vector(net.residual)) * dual

    return formula


def product_damped(net: ExactNetwork, eps: fmpq) -> fmpq_mat:
    """``(S^T S (x) X^T X + eps I)^{-1} vec(B)``: of large networks to ``2^-100`` of it, by n x n matrices."""
    if len(net.signs) * net.inputs.ncols() > LARGE:
        with suppress(ArithmeticError):  # of a tiny eps, which is not refined far enough
            return product_direction(net, eps).matrix
    fisher = kronecker(net.features.transpose() * net.features, net.inputs.transpose() * net.inputs)
    return unvec(shifted(fisher, eps).solve(vec(gradient(net))), len(net.signs))


@dataclass(frozen=True)
class Convention:
    """A named exact formula for W' - or for what is returned in its place."""

    name: str
    weights: Callable[[Problem], fmpq_mat]
    optimiser: str | None = None
    """Whose step it is, where that is another one with conditions of its own."""


def stepped(name: str, formula: Formula) -> Convention:
    """W' = W - eta D."""
    return Convention(name, lambda problem: problem.exact.weights - problem.given.eta * formula(problem.exact))


def conventions(optimiser: str) -> list[Convention]:
    """Every convention without a parameter, the commonest first."""
    other, other_name = ("ngd", "NGD") if optimiser == "kfac" else ("kfac", "K-FAC")

    def exact(net: ExactNetwork) -> fmpq_mat:
        return direction_of(net, optimiser)

    def multiple(factor: Factor, formula: Formula) -> Formula:
        return lambda net: factor(net) * formula(net)

    found = [stepped(name, multiple(factor, exact)) for name, factor in FACTORS]
    found += [
        stepped("the gradient step (plain gradient descent)", gradient),
        stepped("the gradient step of the mean loss", multiple(lambda net: 1 / rows(net), gradient)),
        stepped("the network without its factor m^(-1/2)", without_scale(optimiser)),
        stepped("the update unflattened column by column", column_major(exact)),
        Convention("the update itself, not the new weights", lambda problem: -problem.given.eta * exact(problem.exact)),
        Convention("the step size ignored", lambda problem: problem.exact.weights - exact(problem.exact)),
        Convention("no step at all", lambda problem: problem.exact.weights),
    ]
    step = stepped(f"the step of {other_name}", lambda net: direction_of(net, other))
    found.append(replace(step, optimiser=other))
    if optimiser == "kfac":
        found += [
            stepped("the Kronecker factors in the other order (transposed)", factors_swapped),
            stepped("diag(r) on the other side of H^(-1)", residual_right),
            stepped("X in place of X (X^T X)^+ (the input factor left out)", _without_inputs),
            stepped("S^T in place of S^+ (the feature factor left out)", _without_features),
        ]
    return found


def _without_inputs(net: ExactNetwork) -> fmpq_mat:
    return net.features.transpose() * net.pattern_gram.inv() * diagonal(vector(net.residual)) * net.inputs


def _without_features(net: ExactNetwork) -> fmpq_mat:
    return net.features.transpose() * diagonal(vector(net.residual)) * net.dual_inputs


DAMPED: dict[str, tuple[tuple[str, Damped], ...]] = {
    "ngd": (("damping on G (or on the Fisher matrix)", gram_damped),),
    "kfac": (
        ("damping in both factors (S^T S + eps I and X^T X + eps I)", factors_damped(1, 1)),
        ("damping in the feature factor (S^T S + eps I)", factors_damped(1, 0)),
        ("damping in the input factor (X^T X + eps I)", factors_damped(0, 1)),
        ("damping on the product of the factors (S^T S (x) X^T X + eps I)", product_damped),
        ("NGD with damping on G (or on the Fisher matrix)", gram_damped),
    ),
}
"""Conventions with a damping eps."""

ONE: Factor = lambda net: fmpq(1)  # noqa: E731

REDUCTIONS: tuple[tuple[str, Factor, Factor], ...] = (
    ("", ONE, ONE),
    ("; n eps in place of eps (the mean over the inputs)", rows, ONE),
    ("; and 1/n times the step (the gradient of the mean loss)", ONE, lambda net: 1 / rows(net)),
    ("; and n times the step", ONE, rows),
    ("; n eps in place of eps and n times the step (the mean in both factors)", rows, rows),
)
"""(what to add to the name, factor on eps, factor on the step)."""


def stale_direction(before: ExactNetwork, net: ExactNetwork, optimiser: str) -> fmpq_mat:
    """The step at ``net`` with the activation pattern of ``before``: r is that of ``net``."""
    S, r = before.features, net.residual
    H = S * S.transpose()
    if optimiser == "kfac":
        return S.transpose() * H.inv() * diagonal(vector(r)) * net.dual_inputs
    return S.transpose() * diagonal(vector(hadamard(net.kernel, H).solve(r))) * net.inputs
