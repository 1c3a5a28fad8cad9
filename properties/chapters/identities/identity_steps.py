"""The optimisers' identities of docs/theory.md: I-pinv, I-kfac, I-kfac-fn.

Each exactly by two independent routes, and for the float64 programs of theory.descent.steps within a derived rounding bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from flint import fmpq_mat

from properties.chapters.identities.identity_checks import (
    PAPER,
    decomposable,
    equal,
    full_rank,
    pattern_decided,
    solvable,
)
from properties.engine.claim import Bound, Claim, Hypothesis, Provenance, require
from properties.engine.formulas import Formulas
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork, unvec, vec, vector
from properties.exact.identity_instances import NetworkInstance, network_family, network_features
from theory.descent.steps import gradient_step, kfac_step, natural_gradient_step
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import diagonal, hadamard, kronecker, pseudo_inverse, rational_matrix

Step = Callable[[TwoLayerNetwork, FloatArray, FloatArray, float], TwoLayerNetwork]


# Steps: I-pinv, I-kfac


def step_bound(instance: NetworkInstance, after: ExactNetwork, optimiser: str, program: Step) -> Bound:
    """The weights after one step of a float64 program against ``after``, the exact network after the exact step."""
    moved, _ = rounding.advance(rounding.start(instance.exact), after, optimiser, instance.step_size)
    computed = program(instance.net, instance.inputs, instance.targets, instance.step_size).weights
    return rounding.close("weights after one step", computed, after.weights, moved.weights.error)


def _step_distance(instance: NetworkInstance, optimiser: str) -> float:
    start = rounding.start(instance.exact)
    return rounding.advance(start, instance.exact, optimiser, instance.step_size)[1]


def _pinv_formula(net: ExactNetwork) -> fmpq_mat:
    return net.jacobian.transpose() * net.gram.inv()


def pinv_conclusion(
    instance: NetworkInstance,
    formula: Callable[[ExactNetwork], fmpq_mat] = _pinv_formula,
    program: Step = natural_gradient_step,
) -> Sequence[Bound]:
    """``(J^T J)^+ J^T = J^T (J J^T)^{-1} = J^+``, with the four Penrose equations; natural_gradient_step."""
    J = instance.exact.jacobian
    candidate = formula(instance.exact)
    fisher = J.transpose() * J
    bounds = [
        equal("J^T (J J^T)^{-1} = J^+", candidate, pseudo_inverse(J)),
        equal("J^T (J J^T)^{-1} = (J^T J)^+ J^T", candidate, pseudo_inverse(fisher) * J.transpose()),
        equal("J M J = J", J * candidate * J, J),
        equal("M J M = M", candidate * J * candidate, candidate),
        equal("J M symmetric", J * candidate, (J * candidate).transpose()),
        equal("M J symmetric", candidate * J, (candidate * J).transpose()),
    ]
    return [*bounds, step_bound(instance, instance.exact.moved("ngd", instance.eta), "ngd", program)]


def _pinv_hypotheses(instance: NetworkInstance) -> Sequence[Hypothesis]:
    first = [full_rank("J", instance.exact.jacobian), pattern_decided(rounding.start(instance.exact))]
    if any(hypothesis.margin < 0 for hypothesis in first):
        return first
    return [*first, solvable(_step_distance(instance, "ngd"))]


def _step_through_pattern_gram(net: TwoLayerNetwork, X: FloatArray, y: FloatArray, eta: float) -> TwoLayerNetwork:
    coefficients = np.linalg.lstsq(net.pattern_gram(X), net.outputs(X) - y, rcond=None)[0]
    moved = net.weights - eta * net.pattern_features(X).T @ (coefficients[:, None] * X)
    return TwoLayerNetwork(weights=moved, signs=net.signs)


_pinv_claim = Claim(
    id="I-pinv",
    statement="(J^T J)^+ J^T = J^T (J J^T)^{-1} = J^+ when rank J = n: the natural gradient step",
    provenance=Provenance.PAPER,
    source=PAPER,
    families=(network_family("pseudo-inverse", "tiny ReLU networks", ("ngd",), (4, 9)),),
    hypotheses=_pinv_hypotheses,
    conclusion=pinv_conclusion,
    features=network_features,
    formulas=Formulas(
        hypotheses=(r"$\mathrm{rank}\,J=n$",),
        conclusion=(r"$(J^\top J)^\dagger J^\top=J^\top(JJ^\top)^{-1}=J^\dagger$: the natural gradient step.",),
    ),
    assumes=("rank J = n",),
)
I_PINV = _pinv_claim.with_mutants(
    _pinv_claim.neighbour(
        "transpose",
        "J^T in place of the pseudo-inverse",
        conclusion=partial(pinv_conclusion, formula=lambda net: net.jacobian.transpose()),
    ),
    _pinv_claim.neighbour(
        "pattern-gram",
        "H^{-1} in place of G^{-1}",
        conclusion=partial(
            pinv_conclusion, formula=lambda net: net.jacobian.transpose() * pseudo_inverse(net.pattern_gram)
        ),
    ),
    _pinv_claim.neighbour(
        "gradient-step",
        "a program that takes the gradient step",
        conclusion=partial(pinv_conclusion, program=gradient_step),
    ),
    _pinv_claim.neighbour(
        "pattern-gram-step",
        "a program that solves with H in place of G",
        conclusion=partial(pinv_conclusion, program=_step_through_pattern_gram),
    ),
)


def kfac_formula(net: ExactNetwork) -> fmpq_mat:
    """``S^T H^{-1} diag(r) X (X^T X)^+``, shape (m, d): the K-FAC step divided by -eta, structured."""
    return net.features.transpose() * net.pattern_gram.inv() * diagonal(vector(net.residual)) * net.dual_inputs


def _pattern(net: ExactNetwork) -> fmpq_mat:
    """S without its signs."""
    return fmpq_mat(net.features.nrows(), net.features.ncols(), [abs(entry) for entry in net.features.entries()])


def kfac_conclusion(
    instance: NetworkInstance,
    formula: Callable[[ExactNetwork], fmpq_mat] = kfac_formula,
    program: Step = kfac_step,
) -> Sequence[Bound]:
    """The structured K-FAC step against the dense one, from ``(S^T S)^+ (x) (X^T X)^+``; the program kfac_step.

    For m = 4 the pseudo-inverse of the Kronecker product itself is formed as well.
    """
    exact = instance.exact
    structured = formula(exact)
    dense = exact.dense_direction("kfac")
    bounds = [equal("structured step = ((S^T S)^+ (x) (X^T X)^+) J^T r", structured, dense)]
    if len(exact.signs) == 4:
        fisher = kronecker(exact.features.transpose() * exact.features, exact.inputs.transpose() * exact.inputs)
        column = pseudo_inverse(fisher) * exact.jacobian.transpose() * exact.residual
        bounds.append(equal("structured step = (S^T S (x) X^T X)^+ J^T r", structured, unvec(column, 4)))
    return [*bounds, step_bound(instance, exact.at(exact.weights - instance.eta * dense), "kfac", program)]


def _kfac_hypotheses(instance: NetworkInstance) -> Sequence[Hypothesis]:
    first = [
        full_rank("H", instance.exact.pattern_gram),
        pattern_decided(rounding.start(instance.exact)),
        decomposable(instance.exact),
    ]
    if any(hypothesis.margin < 0 for hypothesis in first):
        return first
    return [*first, solvable(_step_distance(instance, "kfac"))]


def _signless_kfac_step(net: TwoLayerNetwork, X: FloatArray, y: FloatArray, eta: float) -> TwoLayerNetwork:
    step = kfac_step(net, X, y, eta).weights - net.weights
    return TwoLayerNetwork(weights=net.weights + net.signs[:, None] * step, signs=net.signs)


_kfac_claim = Claim(
    id="I-kfac",
    statement="unvec(((S^T S)^+ (x) (X^T X)^+) J^T r) = S^T H^{-1} diag(r) X (X^T X)^+: the K-FAC step",
    provenance=Provenance.PAPER,
    source=PAPER,
    families=(network_family("K-FAC step", "tiny ReLU networks", ("kfac",), (4, 9, 16)),),
    hypotheses=_kfac_hypotheses,
    conclusion=kfac_conclusion,
    features=network_features,
    formulas=Formulas(
        conclusion=(
            r"$\mathrm{unvec}\left(\left((S^\top S)^\dagger\otimes(X^\top X)^\dagger\right)J^\top r\right)$ $=S^\top H^{-1}\mathrm{diag}(r)\,X(X^\top X)^\dagger$: the K-FAC step.",
        )
    ),
    assumes=("rank H = n",),
)
I_KFAC = _kfac_claim.with_mutants(
    _kfac_claim.neighbour(
        "signs",
        "S without its signs",
        conclusion=partial(
            kfac_conclusion,
            formula=lambda net: (
                _pattern(net).transpose() * net.pattern_gram.inv() * diagonal(vector(net.residual)) * net.dual_inputs
            ),
        ),
    ),
    _kfac_claim.neighbour(
        "inputs",
        "X in place of X (X^T X)^+",
        conclusion=partial(
            kfac_conclusion,
            formula=lambda net: (
                net.features.transpose() * net.pattern_gram.inv() * diagonal(vector(net.residual)) * net.inputs
            ),
        ),
    ),
    _kfac_claim.neighbour(
        "order",
        "diag(r) on the wrong side of H^{-1}",
        conclusion=partial(
            kfac_conclusion,
            formula=lambda net: (
                net.features.transpose() * diagonal(vector(net.residual)) * net.pattern_gram.inv() * net.dual_inputs
            ),
        ),
    ),
    _kfac_claim.neighbour(
        "gram",
        "G^{-1} in place of H^{-1}",
        conclusion=partial(
            kfac_conclusion,
            formula=lambda net: (
                net.features.transpose() * net.gram.inv() * diagonal(vector(net.residual)) * net.dual_inputs
            ),
        ),
    ),
    _kfac_claim.neighbour(
        "signs-step", "a program without the signs", conclusion=partial(kfac_conclusion, program=_signless_kfac_step)
    ),
)


# I-kfac-fn


def _function_move(instance: NetworkInstance) -> fmpq_mat:
    """``-((S' S^+) o P) r`` with S' at ``other_weights``, shape (n, 1)."""
    net = instance.exact
    return -hadamard(instance.other.features * pseudo_inverse(net.features), net.projection) * net.residual


def kfac_function_conclusion(
    instance: NetworkInstance,
    formula: Callable[[NetworkInstance], fmpq_mat] = _function_move,
    program: Step = kfac_step,
) -> Sequence[Bound]:
    """``J(W') vec(dW_kfac) = -eta ((S' S^+) o P) r``, at W' = W ``-eta diag(h) r``; kfac_step seen through J(W')."""
    net, eta = instance.exact, instance.eta
    here, there = net.jacobian, instance.other.jacobian
    step = -eta * vec(kfac_formula(net))
    leverage = diagonal([net.projection[i, i] for i in range(net.projection.nrows())])
    right = eta * formula(instance)
    after = net.at(net.weights + unvec(step, len(net.signs)))
    moved, _ = rounding.advance(rounding.start(net), after, "kfac", instance.step_size)
    computed = program(instance.net, instance.inputs, instance.targets, instance.step_size).weights
    seen = there * vec(rational_matrix(computed) - net.weights)
    error = rounding.magnitudes(there) @ moved.weights.error.reshape(-1, 1)
    return [
        equal("J(W') vec(dW) = -eta ((S' S^+) o P) r", there * step, right),
        equal("J(W) vec(dW) = -eta diag(h) r", here * step, -eta * leverage * net.residual),
        rounding.close_exactly_known("J(W') vec(dW) of the program", seen, right, error),
    ]


def _other(instance: NetworkInstance, left: fmpq_mat, projection: fmpq_mat) -> fmpq_mat:
    return -hadamard(left * pseudo_inverse(instance.exact.features), projection) * instance.exact.residual


def _singular_features(instance: NetworkInstance) -> Sequence[Hypothesis]:
    """H is singular: what the claim's own hypothesis keeps out."""
    return [require("rank H < n", instance.exact.features.nrows() - 1 - instance.exact.pattern_gram.rank())]


def _leverage_conclusion(instance: NetworkInstance) -> Sequence[Bound]:
    """The second identity alone, for the dense step, which needs no inverse."""
    net = instance.exact
    leverage = diagonal([net.projection[i, i] for i in range(net.projection.nrows())])
    moved = net.jacobian * vec(net.dense_direction("kfac"))
    return [equal("J(W) vec(dW) = -eta diag(h) r", moved, leverage * net.residual)]


_kfac_function_claim = Claim(
    id="I-kfac-fn",
    statement="J(W') vec(dW_kfac) = -eta ((S' S^+) o P) r for every W'; at W' = W it is -eta diag(h) r",
    provenance=Provenance.DERIVED,
    source="docs/theory.md, I-kfac-fn",
    families=(network_family("K-FAC outputs", "tiny ReLU networks", ("kfac",), (4, 9, 16)),),
    hypotheses=_kfac_hypotheses,
    conclusion=kfac_function_conclusion,
    features=network_features,
    formulas=Formulas(
        conclusion=(
            r"$J(W^\prime)\,\mathrm{vec}(\Delta W_{\mathrm{kfac}})=-\eta\left((S^\prime S^\dagger)\circ P\right)r$ for every $W^\prime$ with features $S^\prime$.",
            r"At $W^\prime=W$ it is $-\eta\,\mathrm{diag}(h)\,r$.",
        )
    ),
    assumes=("rank H = n",),
)
I_KFAC_FN = _kfac_function_claim.with_mutants(
    _kfac_function_claim.neighbour(
        "other-iterate",
        "S in place of S': J of the wrong iterate",
        conclusion=partial(
            kfac_function_conclusion,
            formula=lambda instance: _other(instance, instance.exact.features, instance.exact.projection),
        ),
    ),
    _kfac_function_claim.neighbour(
        "kernel",
        "K in place of P",
        conclusion=partial(
            kfac_function_conclusion,
            formula=lambda instance: _other(instance, instance.other.features, instance.exact.kernel),
        ),
    ),
    _kfac_function_claim.neighbour(
        "transpose",
        "S^T in place of S^+",
        conclusion=partial(
            kfac_function_conclusion,
            formula=lambda instance: (
                -hadamard(instance.other.features * instance.exact.features.transpose(), instance.exact.projection)
                * instance.exact.residual
            ),
        ),
    ),
    _kfac_function_claim.neighbour(
        "rank-dropped",
        "-eta diag(h) r at W' = W also where H is singular: there S S^+ is a projection, not the identity",
        hypotheses=_singular_features,
        conclusion=_leverage_conclusion,
        drops="rank H = n",
    ),
    _kfac_function_claim.neighbour(
        "signs-step",
        "a program without the signs",
        conclusion=partial(kfac_function_conclusion, program=_signless_kfac_step),
    ),
)
