"""The identities of docs/theory.md: each in exact rational arithmetic by two independent routes, and for the project's
float64 functions against the exact value within a derived rounding bound.

A program under test is passed to the conclusions by keyword, so that a mutant is the same conclusion with a wrong one.
The optimisers' identities are in ``identity_steps`` and ``identity_dual``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from properties.chapters.identities.identity_checks import PAPER, equal, pattern_decided
from properties.chapters.identities.identity_dual import I_DUAL
from properties.chapters.identities.identity_steps import I_KFAC, I_KFAC_FN, I_PINV
from properties.engine.claim import Bound, Claim, Provenance, equal_exactly
from properties.engine.formulas import Formulas
from properties.engine.slack import SlackRow
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork, outputs, pattern_features, vec
from properties.exact.identity_instances import (
    COUNT_FAMILIES,
    SHAPES,
    AnyPattern,
    NetworkInstance,
    integer_counts,
    network_family,
    network_features,
)
from theory.inputs import FloatArray
from theory.network.two_layer import FLOAT32_EXACT_COUNT, TwoLayerNetwork, pattern_counts
from theory.rigour.exact import hadamard

# I-gram


def gram_conclusion(
    instance: NetworkInstance,
    formula: Callable[[ExactNetwork], fmpq_mat] = lambda net: hadamard(net.kernel, net.pattern_gram),
    program: Callable[[TwoLayerNetwork, FloatArray], FloatArray] = TwoLayerNetwork.gram,
) -> Sequence[Bound]:
    """``J J^T = K o (S S^T)``; J is the derivative of u; net.gram, jacobian, pattern_features and pattern_gram."""
    net, X, exact = instance.net, instance.inputs, instance.exact
    jacobian = exact.jacobian
    return [
        equal("J J^T = K o S S^T", jacobian * jacobian.transpose(), formula(exact)),
        equal("J v = du/dt along W + t v", *_derivative(instance)),
        rounding.close("gram", program(net, X), exact.gram, rounding.gram(exact).error),
        rounding.close("jacobian", net.jacobian(X), jacobian, rounding.jacobian(exact).error),
        rounding.close("pattern features S", net.pattern_features(X), exact.features, rounding.features(exact).error),
        rounding.close("pattern Gram H", net.pattern_gram(X), exact.pattern_gram, rounding.pattern_gram(exact).error),
    ]


def _derivative(instance: NetworkInstance) -> tuple[fmpq_mat, fmpq_mat]:
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

_gram_claim = Claim(
    id="I-gram",
    statement="J J^T = K o (S S^T): the Gram matrix needs no Jacobian",
    provenance=Provenance.PAPER,
    source=PAPER,
    families=(network_family("gram", "tiny ReLU networks", ("ngd",), (4, 9, 16)), _ZEROS),
    hypotheses=lambda instance: [pattern_decided(rounding.start(instance.exact))],
    conclusion=gram_conclusion,
    features=network_features,
    formulas=Formulas(conclusion=(r"$JJ^\top=K\circ(SS^\top)$: the Gram matrix needs no Jacobian.",)),
    unconditional="every network, input and pattern, those at pre-activation 0 included",
)
I_GRAM = _gram_claim.with_mutants(
    _gram_claim.neighbour(
        "sum",
        "K added to S S^T",
        conclusion=partial(gram_conclusion, formula=lambda net: net.kernel + net.pattern_gram),
    ),
    _gram_claim.neighbour(
        "scale",
        "A A^T without its factor 1/m",
        conclusion=partial(gram_conclusion, formula=lambda net: len(net.signs) * net.gram),
    ),
    _gram_claim.neighbour(
        "product",
        "matrix product in place of the entrywise one",
        conclusion=partial(gram_conclusion, formula=lambda net: net.kernel * net.pattern_gram),
    ),
    _gram_claim.neighbour(
        "strict",
        "a program whose neurons are inactive at pre-activation exactly 0",
        families=(_ZEROS,),
        conclusion=partial(gram_conclusion, program=_strict_gram),
    ),
)


# I-homog


def homogeneity_conclusion(
    instance: NetworkInstance,
    formula: Callable[[NetworkInstance], fmpq_mat] = lambda instance: (
        instance.exact.jacobian * vec(instance.exact.weights)
    ),
    program: Callable[[TwoLayerNetwork, FloatArray], FloatArray] = TwoLayerNetwork.outputs,
) -> Sequence[Bound]:
    """``u(W) = J(W) vec(W)``; net.pre_activations and net.outputs."""
    net, X, exact = instance.net, instance.inputs, instance.exact
    computed = rounding.pre_activations(exact)
    error = rounding.outputs(exact, computed).error
    return [
        equal("u = J vec(W)", exact.outputs, formula(instance)),
        rounding.close("pre-activations Z", net.pre_activations(X), exact.pre_activations, computed.error),
        rounding.close("outputs u", program(net, X)[:, None], exact.outputs, error),
    ]


def _unscaled_outputs(net: TwoLayerNetwork, inputs: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(net.pre_activations(inputs), 0.0) @ net.signs)


def _homogeneity_with_biases(instance: NetworkInstance) -> Sequence[Bound]:
    """``u = J vec(W)`` for ``Z = X W^T + 1``, J the derivative by W."""
    net = instance.exact
    shifted = net.pre_activations + fmpq_mat(
        len(instance.inputs), len(net.signs), [1] * net.pre_activations.nrows() * net.pre_activations.ncols()
    )
    features = pattern_features(shifted, net.signs)
    rows = zip(features.tolist(), net.inputs.tolist(), strict=True)
    jacobian = fmpq_mat([[s * x for s in active for x in inputs] for active, inputs in rows])
    return [equal("u = J vec(W)", outputs(shifted, net.signs), jacobian * vec(net.weights))]


_homogeneity_claim = Claim(
    id="I-homog",
    statement="u(W) = J(W) vec(W): the network is positively homogeneous in W",
    provenance=Provenance.PAPER,
    source=PAPER,
    families=(network_family("homogeneity", "tiny ReLU networks", ("ngd",), (4, 9, 16)),),
    hypotheses=lambda instance: [pattern_decided(rounding.start(instance.exact))],
    conclusion=homogeneity_conclusion,
    features=network_features,
    formulas=Formulas(conclusion=(r"$u(W)=J(W)\,\mathrm{vec}(W)$: the network is positively homogeneous in $W$.",)),
    assumes=("neurons without bias",),
)
I_HOMOG = _homogeneity_claim.with_mutants(
    _homogeneity_claim.neighbour(
        "other-iterate",
        "J taken at another iterate",
        conclusion=partial(
            homogeneity_conclusion, formula=lambda instance: instance.other.jacobian * vec(instance.exact.weights)
        ),
    ),
    _homogeneity_claim.neighbour(
        "half",
        "the factor 1/2 of a quadratic form: homogeneity of degree 2",
        conclusion=partial(
            homogeneity_conclusion,
            formula=lambda instance: instance.exact.jacobian * vec(instance.exact.weights) / 2,
        ),
    ),
    _homogeneity_claim.neighbour(
        "biases",
        "neurons with a bias of 1, which are not homogeneous in W",
        conclusion=_homogeneity_with_biases,
        drops="neurons without bias",
    ),
    _homogeneity_claim.neighbour(
        "scale", "a program without m^{-1/2}", conclusion=partial(homogeneity_conclusion, program=_unscaled_outputs)
    ),
)


# I-counts


def _single_precision(pattern: NDArray[np.int8]) -> FloatArray:
    matrix = pattern.astype(np.float32)
    return (matrix @ matrix.T).astype(np.float64)


def _half_precision(pattern: NDArray[np.int8]) -> FloatArray:
    matrix = pattern.astype(np.float16)
    return (matrix @ matrix.T).astype(np.float64)


def counts_conclusion(
    instance: AnyPattern, program: Callable[[NDArray[np.int8]], FloatArray] = pattern_counts
) -> Sequence[Bound]:
    """``A A^T`` of theory.network.two_layer.pattern_counts against int64 sums: equal, not merely close."""
    counts, computed = integer_counts(instance.pattern), program(instance.pattern)
    difference = np.abs(computed - counts)
    return [equal_exactly("float32 counts = int64 counts", bool((difference == 0).all()), float(difference.max()))]


def _count_features(instance: AnyPattern) -> tuple[str, ...]:
    return ("m > 2^24",) if instance.pattern.shape[1] > FLOAT32_EXACT_COUNT else ("m < 2^24",)


_counts_claim = Claim(
    id="I-counts",
    statement="A A^T holds integers: float32 products of blocks below 2^24 columns are exact",
    provenance=Provenance.DERIVED,
    source="docs/theory.md, I-counts",
    families=COUNT_FAMILIES,
    hypotheses=lambda instance: [],
    conclusion=counts_conclusion,
    features=_count_features,
    formulas=Formulas(
        conclusion=(r"$AA^\top$ holds integers: float32 products of blocks below $2^{24}$ columns are exact.",)
    ),
    assumes=("blocks below 2^24 columns",),
)
I_COUNTS = _counts_claim.with_mutants(
    _counts_claim.neighbour(
        "unblocked",
        "one float32 product beyond 2^24 columns",
        families=COUNT_FAMILIES[2:],
        conclusion=partial(counts_conclusion, program=_single_precision),
        drops="blocks below 2^24 columns",
    ),
    _counts_claim.neighbour(
        "half",
        "float16 counts beyond 2^11",
        families=COUNT_FAMILIES[1:2],
        conclusion=partial(counts_conclusion, program=_half_precision),
    ),
)


def _at_every_rank(claim: str, hypothesis: str, inverse: str, drops: str) -> SlackRow:
    remark = f"no counterexample: with the pseudo-inverse of {inverse} in place of its inverse it holds at every rank"
    return SlackRow(claim, f"the hypothesis {hypothesis}", None, None, None, remark=remark, drops=drops)


SLACK = (
    _at_every_rank("I-pinv", "rank J = n", "J J^T", drops="rank J = n"),
    _at_every_rank("I-kfac", "rank H = n", "H", drops="rank H = n"),
    _at_every_rank("I-dual", "matrices that are inverted are regular", "G and H", drops="rank"),
)

CLAIMS: tuple[Claim[Any], ...] = (I_GRAM, I_HOMOG, I_PINV, I_KFAC, I_KFAC_FN, I_DUAL, I_COUNTS)
"""The identities of docs/theory.md, in the order of the table."""
