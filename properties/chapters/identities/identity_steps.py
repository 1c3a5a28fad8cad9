"""The optimisers' identities of docs/theory.md: I-pinv, I-kfac, I-kfac-fn.

Each exactly by two independent routes, and for the float64 programs of theory.descent.steps within a derived rounding bound.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from flint import fmpq_mat

from properties.chapters.identities.identity_checks import (
    PAPER,
    Identity,
    decomposable,
    equal,
    full_rank,
    pattern_decided,
    solvable,
)
from properties.engine.claim import Bound, Hypothesis, Provenance, require
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant, replaced
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork, unvec, vec, vector
from properties.exact.identity_instances import ExactInstance, network_family
from theory.descent.steps import gradient_step, kfac_step, natural_gradient_step
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import diagonal, hadamard, kronecker, pseudo_inverse, rational_matrix

Step = Callable[[TwoLayerNetwork, FloatArray, FloatArray, float], TwoLayerNetwork]


# Steps: I-pinv, I-kfac


def step_bound(instance: ExactInstance, after: ExactNetwork, optimiser: str, program: Step) -> Bound:
    """The weights after one step of a float64 program against ``after``, the exact network after the exact step."""
    moved, _ = rounding.advance(rounding.start(instance.exact), after, optimiser, instance.step_size)
    computed = program(instance.net, instance.inputs, instance.targets, instance.step_size).weights
    return rounding.close("weights after one step", computed, after.weights, moved.weights.error)


@dataclass(frozen=True)
class StepIdentity(Identity, ABC):
    """An identity of an optimiser's step, and the program that takes it."""

    program: Step
    optimiser: ClassVar[str]

    @abstractmethod
    def regular(self, exact: ExactNetwork) -> Hypothesis:
        """What has to be regular, exactly."""

    def hypotheses(self, instance: ExactInstance) -> Sequence[Hypothesis]:
        """What is inverted is regular; float64 sees the pattern, and solves far from singular."""
        start = rounding.start(instance.exact)
        first = [self.regular(instance.exact), pattern_decided(start)]
        if self.optimiser == "kfac":
            first.append(decomposable(instance.exact))
        if any(hypothesis.margin < 0 for hypothesis in first):
            return first
        return [*first, solvable(rounding.advance(start, instance.exact, self.optimiser, instance.step_size)[1])]


@dataclass(frozen=True)
class PseudoInverse(StepIdentity):
    """``(J^T J)^+ J^T = J^T (J J^T)^{-1} = J^+``."""

    program: Step = natural_gradient_step
    formula: Callable[[ExactNetwork], fmpq_mat] = lambda net: net.jacobian.transpose() * net.gram.inv()
    optimiser = "ngd"

    def regular(self, exact: ExactNetwork) -> Hypothesis:
        """J."""
        return full_rank("J", exact.jacobian)

    def conclusion(self, instance: ExactInstance) -> Sequence[Bound]:
        """With the four Penrose equations; natural_gradient_step."""
        J = instance.exact.jacobian
        candidate = self.formula(instance.exact)
        fisher = J.transpose() * J
        bounds = [
            equal("J^T (J J^T)^{-1} = J^+", candidate, pseudo_inverse(J)),
            equal("J^T (J J^T)^{-1} = (J^T J)^+ J^T", candidate, pseudo_inverse(fisher) * J.transpose()),
            equal("J M J = J", J * candidate * J, J),
            equal("M J M = M", candidate * J * candidate, candidate),
            equal("J M symmetric", J * candidate, (J * candidate).transpose()),
            equal("M J symmetric", candidate * J, (candidate * J).transpose()),
        ]
        return [*bounds, step_bound(instance, instance.exact.moved("ngd", instance.eta), "ngd", self.program)]


def _step_through_pattern_gram(net: TwoLayerNetwork, X: FloatArray, y: FloatArray, eta: float) -> TwoLayerNetwork:
    coefficients = np.linalg.lstsq(net.pattern_gram(X), net.outputs(X) - y, rcond=None)[0]
    moved = net.weights - eta * net.pattern_features(X).T @ (coefficients[:, None] * X)
    return TwoLayerNetwork(weights=moved, signs=net.signs)


I_PINV = PseudoInverse().claim(
    "I-pinv",
    "(J^T J)^+ J^T = J^T (J J^T)^{-1} = J^+ when rank J = n: the natural gradient step",
    Provenance.PAPER,
    mutant("transpose", "J^T in place of the pseudo-inverse", formula=lambda net: net.jacobian.transpose()),
    mutant(
        "pattern-gram",
        "H^{-1} in place of G^{-1}",
        formula=lambda net: net.jacobian.transpose() * pseudo_inverse(net.pattern_gram),
    ),
    mutant("gradient-step", "a program that takes the gradient step", program=gradient_step),
    mutant("pattern-gram-step", "a program that solves with H in place of G", program=_step_through_pattern_gram),
    source=PAPER,
    families=(network_family("pseudo-inverse", "tiny ReLU networks", ("ngd",), (4, 9)),),
    formulas=Formulas(
        hypotheses=(r"$\mathrm{rank}\,J=n$",),
        conclusion=(r"$(J^\top J)^\dagger J^\top=J^\top(JJ^\top)^{-1}=J^\dagger$: the natural gradient step.",),
    ),
    also=("rank J = n",),
)


def kfac_formula(net: ExactNetwork) -> fmpq_mat:
    """``S^T H^{-1} diag(r) X (X^T X)^+``, shape (m, d): the K-FAC step divided by -eta, structured."""
    return _product(net.features, net.pattern_gram, net, net.dual_inputs)


def _product(features: fmpq_mat, gram: fmpq_mat, net: ExactNetwork, inputs: fmpq_mat) -> fmpq_mat:
    return features.transpose() * gram.inv() * diagonal(vector(net.residual)) * inputs


def _pattern(net: ExactNetwork) -> fmpq_mat:
    """S without its signs."""
    return fmpq_mat(net.features.nrows(), net.features.ncols(), [abs(entry) for entry in net.features.entries()])


@dataclass(frozen=True)
class KroneckerIdentity(StepIdentity):
    """An identity of the K-FAC step."""

    program: Step = kfac_step
    optimiser = "kfac"

    def regular(self, exact: ExactNetwork) -> Hypothesis:
        """H."""
        return full_rank("H", exact.pattern_gram)


@dataclass(frozen=True)
class KroneckerStep(KroneckerIdentity):
    """The structured K-FAC step is the dense one."""

    formula: Callable[[ExactNetwork], fmpq_mat] = kfac_formula

    def conclusion(self, instance: ExactInstance) -> Sequence[Bound]:
        """Against the dense step, from ``(S^T S)^+ (x) (X^T X)^+``; the program kfac_step.

        For m = 4 the pseudo-inverse of the Kronecker product itself is formed as well.
        """
        exact = instance.exact
        structured = self.formula(exact)
        dense = exact.dense_direction("kfac")
        bounds = [equal("structured step = ((S^T S)^+ (x) (X^T X)^+) J^T r", structured, dense)]
        if len(exact.signs) == 4:
            fisher = kronecker(exact.features.transpose() * exact.features, exact.inputs.transpose() * exact.inputs)
            column = pseudo_inverse(fisher) * exact.jacobian.transpose() * exact.residual
            bounds.append(equal("structured step = (S^T S (x) X^T X)^+ J^T r", structured, unvec(column, 4)))
        return [*bounds, step_bound(instance, exact.at(exact.weights - instance.eta * dense), "kfac", self.program)]


def _signless_kfac_step(net: TwoLayerNetwork, X: FloatArray, y: FloatArray, eta: float) -> TwoLayerNetwork:
    step = kfac_step(net, X, y, eta).weights - net.weights
    return TwoLayerNetwork(weights=net.weights + net.signs[:, None] * step, signs=net.signs)


I_KFAC = KroneckerStep().claim(
    "I-kfac",
    "unvec(((S^T S)^+ (x) (X^T X)^+) J^T r) = S^T H^{-1} diag(r) X (X^T X)^+: the K-FAC step",
    Provenance.PAPER,
    mutant(
        "signs",
        "S without its signs",
        formula=lambda net: _product(_pattern(net), net.pattern_gram, net, net.dual_inputs),
    ),
    mutant(
        "inputs",
        "X in place of X (X^T X)^+",
        formula=lambda net: _product(net.features, net.pattern_gram, net, net.inputs),
    ),
    mutant(
        "order",
        "diag(r) on the wrong side of H^{-1}",
        formula=lambda net: (
            net.features.transpose() * diagonal(vector(net.residual)) * net.pattern_gram.inv() * net.dual_inputs
        ),
    ),
    mutant(
        "gram", "G^{-1} in place of H^{-1}", formula=lambda net: _product(net.features, net.gram, net, net.dual_inputs)
    ),
    mutant("signs-step", "a program without the signs", program=_signless_kfac_step),
    source=PAPER,
    families=(network_family("K-FAC step", "tiny ReLU networks", ("kfac",), (4, 9, 16)),),
    formulas=Formulas(
        conclusion=(
            r"$\mathrm{unvec}\left(\left((S^\top S)^\dagger\otimes(X^\top X)^\dagger\right)J^\top r\right)$ $=S^\top H^{-1}\mathrm{diag}(r)\,X(X^\top X)^\dagger$: the K-FAC step.",
        )
    ),
    also=("rank H = n",),
)


# I-kfac-fn


def _moved(instance: ExactInstance, left: fmpq_mat, projection: fmpq_mat) -> fmpq_mat:
    """``-((S' S^+) o P) r`` with ``left`` for S', shape (n, 1)."""
    return -hadamard(left * pseudo_inverse(instance.exact.features), projection) * instance.exact.residual


def _leverage(net: ExactNetwork) -> fmpq_mat:
    """diag(h)."""
    return diagonal([net.projection[i, i] for i in range(net.projection.nrows())])


@dataclass(frozen=True)
class KroneckerOutputs(KroneckerIdentity):
    """``J(W') vec(dW_kfac) = -eta ((S' S^+) o P) r``."""

    formula: Callable[[ExactInstance], fmpq_mat] = lambda one: _moved(one, one.other.features, one.exact.projection)

    def conclusion(self, instance: ExactInstance) -> Sequence[Bound]:
        """At W' = W ``-eta diag(h) r``; kfac_step seen through J(W')."""
        net, eta = instance.exact, instance.eta
        here, there = net.jacobian, instance.other.jacobian
        step = -eta * vec(kfac_formula(net))
        right = eta * self.formula(instance)
        after = net.at(net.weights + unvec(step, len(net.signs)))
        moved, _ = rounding.advance(rounding.start(net), after, "kfac", instance.step_size)
        computed = self.program(instance.net, instance.inputs, instance.targets, instance.step_size).weights
        seen = there * vec(rational_matrix(computed) - net.weights)
        error = rounding.magnitudes(there) @ moved.weights.error.reshape(-1, 1)
        return [
            equal("J(W') vec(dW) = -eta ((S' S^+) o P) r", there * step, right),
            equal("J(W) vec(dW) = -eta diag(h) r", here * step, -eta * _leverage(net) * net.residual),
            rounding.close_exactly_known("J(W') vec(dW) of the program", seen, right, error),
        ]


def _singular_features(instance: ExactInstance) -> Sequence[Hypothesis]:
    """H is singular: what the claim's own hypothesis keeps out."""
    return [require("rank H < n", instance.exact.features.nrows() - 1 - instance.exact.pattern_gram.rank())]


def _leverage_conclusion(instance: ExactInstance) -> Sequence[Bound]:
    """The second identity alone, for the dense step, which needs no inverse."""
    net = instance.exact
    moved = net.jacobian * vec(net.dense_direction("kfac"))
    return [equal("J(W) vec(dW) = -eta diag(h) r", moved, _leverage(net) * net.residual)]


I_KFAC_FN = KroneckerOutputs().claim(
    "I-kfac-fn",
    "J(W') vec(dW_kfac) = -eta ((S' S^+) o P) r for every W'; at W' = W it is -eta diag(h) r",
    Provenance.DERIVED,
    mutant(
        "other-iterate",
        "S in place of S': J of the wrong iterate",
        formula=lambda one: _moved(one, one.exact.features, one.exact.projection),
    ),
    mutant("kernel", "K in place of P", formula=lambda one: _moved(one, one.other.features, one.exact.kernel)),
    mutant(
        "transpose",
        "S^T in place of S^+",
        formula=lambda one: (
            -hadamard(one.other.features * one.exact.features.transpose(), one.exact.projection) * one.exact.residual
        ),
    ),
    replaced(
        "rank-dropped",
        "-eta diag(h) r at W' = W also where H is singular: there S S^+ is a projection, not the identity",
        "rank H = n",
        hypotheses=_singular_features,
        conclusion=_leverage_conclusion,
    ),
    mutant("signs-step", "a program without the signs", program=_signless_kfac_step),
    families=(network_family("K-FAC outputs", "tiny ReLU networks", ("kfac",), (4, 9, 16)),),
    formulas=Formulas(
        conclusion=(
            r"$J(W^\prime)\,\mathrm{vec}(\Delta W_{\mathrm{kfac}})=-\eta\left((S^\prime S^\dagger)\circ P\right)r$ for every $W^\prime$ with features $S^\prime$.",
            r"At $W^\prime=W$ it is $-\eta\,\mathrm{diag}(h)\,r$.",
        )
    ),
    also=("rank H = n",),
)
