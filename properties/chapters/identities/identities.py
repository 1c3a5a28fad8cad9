"""The identities of docs/theory.md: each in exact rational arithmetic by two independent routes, and for the project's
float64 functions against the exact value within a derived rounding bound.

The formula and the program under test are fields of an identity, so that a mutant is the same identity with a wrong one.
The optimisers' identities are in ``identity_steps`` and ``identity_dual``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from properties.chapters.identities.identity_checks import PAPER, Identity, equal
from properties.chapters.identities.identity_dual import I_DUAL
from properties.chapters.identities.identity_steps import I_KFAC, I_KFAC_FN, I_PINV
from properties.engine.claim import Bound, Claim, Provenance, equal_exactly
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant, replaced
from properties.engine.slack import SlackRow
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork, outputs, pattern_features, vec
from properties.exact.identity_instances import (
    COUNT_FAMILIES,
    SHAPES,
    AnyPattern,
    ExactInstance,
    integer_counts,
    network_family,
)
from theory.inputs import FloatArray
from theory.network.two_layer import FLOAT32_EXACT_COUNT, TwoLayerNetwork, pattern_counts
from theory.rigour.exact import hadamard

# I-gram


@dataclass(frozen=True)
class GramIdentity(Identity):
    """``J J^T = K o (S S^T)``, and the program that computes it."""

    formula: Callable[[ExactNetwork], fmpq_mat] = lambda net: hadamard(net.kernel, net.pattern_gram)
    program: Callable[[TwoLayerNetwork, FloatArray], FloatArray] = TwoLayerNetwork.gram

    def conclusion(self, instance: ExactInstance) -> Sequence[Bound]:
        """J is the derivative of u; net.gram, jacobian, pattern_features and pattern_gram."""
        net, X, exact = instance.net, instance.inputs, instance.exact
        jacobian = exact.jacobian
        return [
            equal("J J^T = K o S S^T", jacobian * jacobian.transpose(), self.formula(exact)),
            equal("J v = du/dt along W + t v", *_derivative(instance)),
            rounding.close("gram", self.program(net, X), exact.gram, rounding.gram(exact).error),
            rounding.close("jacobian", net.jacobian(X), jacobian, rounding.jacobian(exact).error),
            rounding.close(
                "pattern features S", net.pattern_features(X), exact.features, rounding.features(exact).error
            ),
            rounding.close(
                "pattern Gram H", net.pattern_gram(X), exact.pattern_gram, rounding.pattern_gram(exact).error
            ),
        ]


def _derivative(instance: ExactInstance) -> tuple[fmpq_mat, fmpq_mat]:
    """J v and the exact difference quotient of u on the pattern's own piece: u is linear there, so they agree.

    v points to ``other_weights``; t is so small that no nonzero pre-activation changes sign. Neurons with a
    pre-activation exactly 0 stay at rest, since u has a kink there.
    """
    exact = instance.exact
    direction = (instance.other.weights - exact.weights).tolist()
    columns = exact.pre_activations.transpose().tolist()
    moving = [row if all(columns[r]) else [fmpq(0)] * len(row) for r, row in enumerate(direction)]
    move = fmpq_mat(moving)
    steps = zip(exact.pre_activations.entries(), (exact.inputs * move.transpose()).entries(), strict=True)
    t = min((abs(z / (2 * change)) for z, change in steps if change != 0), default=fmpq(1))
    quotient = (exact.at(exact.weights + t * move).outputs - exact.outputs) / t
    return exact.jacobian * vec(move), quotient


def _strict_gram(net: TwoLayerNetwork, inputs: FloatArray) -> FloatArray:
    pattern = (net.pre_activations(inputs) > 0).astype(np.float64)
    return np.asarray((inputs @ inputs.T) * (pattern @ pattern.T) / net.width)


_ZEROS = network_family(
    "exact zeros",
    "inputs along the axes, integer weights: pre-activations exactly 0",
    ("ngd",),
    (4, 9, 16),
    shapes=tuple(shape for shape in SHAPES if shape[0] == "axes"),
    weights=("integers",),
)

I_GRAM = GramIdentity().claim(
    "I-gram",
    "J J^T = K o (S S^T): the Gram matrix needs no Jacobian",
    Provenance.PAPER,
    mutant("sum", "K added to S S^T", formula=lambda net: net.kernel + net.pattern_gram),
    mutant("scale", "A A^T without its factor 1/m", formula=lambda net: len(net.signs) * net.gram),
    mutant(
        "product", "matrix product in place of the entrywise one", formula=lambda net: net.kernel * net.pattern_gram
    ),
    mutant(
        "strict",
        "a program whose neurons are inactive at pre-activation exactly 0",
        families=(_ZEROS,),
        program=_strict_gram,
    ),
    source=PAPER,
    families=(network_family("gram", "tiny ReLU networks", ("ngd",), (4, 9, 16)), _ZEROS),
    formulas=Formulas(conclusion=(r"$JJ^\top=K\circ(SS^\top)$: the Gram matrix needs no Jacobian.",)),
    unconditional="every network, input and pattern, those at pre-activation 0 included",
)


# I-homog


@dataclass(frozen=True)
class Homogeneity(Identity):
    """``u(W) = J(W) vec(W)``, and the program that computes u."""

    formula: Callable[[ExactInstance], fmpq_mat] = lambda one: one.exact.jacobian * vec(one.exact.weights)
    program: Callable[[TwoLayerNetwork, FloatArray], FloatArray] = TwoLayerNetwork.outputs

    def conclusion(self, instance: ExactInstance) -> Sequence[Bound]:
        """net.pre_activations and net.outputs."""
        net, X, exact = instance.net, instance.inputs, instance.exact
        computed = rounding.pre_activations(exact)
        error = rounding.outputs(exact, computed).error
        return [
            equal("u = J vec(W)", exact.outputs, self.formula(instance)),
            rounding.close("pre-activations Z", net.pre_activations(X), exact.pre_activations, computed.error),
            rounding.close("outputs u", self.program(net, X)[:, None], exact.outputs, error),
        ]


def _unscaled_outputs(net: TwoLayerNetwork, inputs: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(net.pre_activations(inputs), 0.0) @ net.signs)


def _homogeneity_with_biases(instance: ExactInstance) -> Sequence[Bound]:
    """``u = J vec(W)`` for ``Z = X W^T + 1``, J the derivative by W."""
    net = instance.exact
    shifted = net.pre_activations + fmpq_mat(
        len(instance.inputs), len(net.signs), [1] * net.pre_activations.nrows() * net.pre_activations.ncols()
    )
    features = pattern_features(shifted, net.signs)
    rows = zip(features.tolist(), net.inputs.tolist(), strict=True)
    jacobian = fmpq_mat([[s * x for s in active for x in inputs] for active, inputs in rows])
    return [equal("u = J vec(W)", outputs(shifted, net.signs), jacobian * vec(net.weights))]


I_HOMOG = Homogeneity().claim(
    "I-homog",
    "u(W) = J(W) vec(W): the network is positively homogeneous in W",
    Provenance.PAPER,
    mutant(
        "other-iterate",
        "J taken at another iterate",
        formula=lambda one: one.other.jacobian * vec(one.exact.weights),
    ),
    mutant(
        "half",
        "the factor 1/2 of a quadratic form: homogeneity of degree 2",
        formula=lambda one: one.exact.jacobian * vec(one.exact.weights) / 2,
    ),
    replaced(
        "biases",
        "neurons with a bias of 1, which are not homogeneous in W",
        "neurons without bias",
        conclusion=_homogeneity_with_biases,
    ),
    mutant("scale", "a program without m^{-1/2}", program=_unscaled_outputs),
    source=PAPER,
    families=(network_family("homogeneity", "tiny ReLU networks", ("ngd",), (4, 9, 16)),),
    formulas=Formulas(conclusion=(r"$u(W)=J(W)\,\mathrm{vec}(W)$: the network is positively homogeneous in $W$.",)),
    also=("neurons without bias",),
)


# I-counts


def _counted_in(kind: type[np.floating[Any]]) -> Callable[[NDArray[np.int8]], FloatArray]:
    """One product of the whole pattern in this precision."""

    def counted(pattern: NDArray[np.int8]) -> FloatArray:
        matrix = pattern.astype(kind)
        return (matrix @ matrix.T).astype(np.float64)

    return counted


@dataclass(frozen=True)
class Counts(Stated):
    """``A A^T`` as a program counts it."""

    program: Callable[[NDArray[np.int8]], FloatArray] = pattern_counts

    def conclusion(self, instance: AnyPattern) -> Sequence[Bound]:
        """The program's counts against int64 sums: equal, not merely close."""
        counts, computed = integer_counts(instance.pattern), self.program(instance.pattern)
        difference = np.abs(computed - counts)
        return [equal_exactly("float32 counts = int64 counts", bool((difference == 0).all()), float(difference.max()))]

    def features(self, instance: AnyPattern) -> Sequence[str]:
        """Whether there are more columns than float32 counts exactly."""
        return ("m > 2^24",) if instance.pattern.shape[1] > FLOAT32_EXACT_COUNT else ("m < 2^24",)


I_COUNTS = Counts().claim(
    "I-counts",
    "A A^T holds integers: float32 products of blocks below 2^24 columns are exact",
    Provenance.DERIVED,
    mutant(
        "unblocked",
        "one float32 product beyond 2^24 columns",
        "blocks below 2^24 columns",
        COUNT_FAMILIES[2:],
        program=_counted_in(np.float32),
    ),
    mutant("half", "float16 counts beyond 2^11", families=COUNT_FAMILIES[1:2], program=_counted_in(np.float16)),
    families=COUNT_FAMILIES,
    formulas=Formulas(
        conclusion=(r"$AA^\top$ holds integers: float32 products of blocks below $2^{24}$ columns are exact.",)
    ),
    also=("blocks below 2^24 columns",),
)


def _at_every_rank(claim: str, hypothesis: str, inverse: str, drops: str) -> SlackRow:
    remark = f"no counterexample: with the pseudo-inverse of {inverse} in place of its inverse it holds at every rank"
    return SlackRow(claim, f"the hypothesis {hypothesis}", remark=remark, drops=drops)


SLACK = (
    _at_every_rank("I-pinv", "rank J = n", "J J^T", drops="rank J = n"),
    _at_every_rank("I-kfac", "rank H = n", "H", drops="rank H = n"),
    _at_every_rank("I-dual", "matrices that are inverted are regular", "G and H", drops="rank"),
)

CLAIMS: tuple[Claim[Any], ...] = (I_GRAM, I_HOMOG, I_PINV, I_KFAC, I_KFAC_FN, I_DUAL, I_COUNTS)
"""The identities of docs/theory.md, in the order of the table."""
