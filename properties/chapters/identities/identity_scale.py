"""I-scale: a ReLU network's Jacobian does not see the scale of its weights, and its outputs are proportional to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from properties.chapters.identities.identity_checks import equal, pattern_decided
from properties.engine.claim import Bound, Claim, Mutant, Provenance
from properties.engine.formulas import Formulas
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import outputs, pattern_features
from properties.exact.identity_instances import ExactInstance, network_family, network_features
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork


def conclusion(
    instance: ExactInstance,
    sign: int = 1,
    power: int = 1,
    bias: int = 0,
    program: Callable[[TwoLayerNetwork, FloatArray], FloatArray] = TwoLayerNetwork.gram,
) -> Sequence[Bound]:
    """``S(cW) = S(W)``, so ``J(cW) = J(W)``, and ``u(cW) = c u(W)``, for c the step size and its inverse; net.gram at 2W.

    2W is exact in float64. With a bias the pre-activations are ``c Z + bias``.
    """
    net = instance.exact
    n, m = net.pre_activations.nrows(), net.pre_activations.ncols()
    shift = fmpq_mat(n, m, [fmpq(bias)] * (n * m))
    bounds = []
    for name, c in (("c", sign * instance.eta), ("1/c", sign / instance.eta)):
        scaled, unscaled = net.at(c * net.weights).pre_activations + shift, net.pre_activations + shift
        bounds += [
            equal(f"S({name} W) = S(W)", *(pattern_features(z, net.signs) for z in (scaled, unscaled))),
            equal(f"u({name} W) = {name} u(W)", outputs(scaled, net.signs), c**power * outputs(unscaled, net.signs)),
        ]
    doubled = TwoLayerNetwork(weights=2 * instance.weights, signs=instance.signs)
    return [
        *bounds,
        rounding.close("gram at 2W", program(doubled, instance.inputs), net.gram, rounding.gram(net).error),
    ]


def _gram_from_a_threshold(net: TwoLayerNetwork, inputs: FloatArray) -> FloatArray:
    pattern = (net.pre_activations(inputs) >= 1).astype(np.float64)
    return np.asarray((inputs @ inputs.T) * (pattern @ pattern.T) / net.width)


_CLAIM = Claim(
    id="I-scale",
    statement="J(cW) = J(W) and u(cW) = c u(W) for c > 0: the Gram matrix G does not see the scale of the weights",
    provenance=Provenance.DERIVED,
    source="docs/theory.md, I-scale",
    families=(network_family("scale", "tiny ReLU networks", ("ngd",), (4, 9, 16)),),
    hypotheses=lambda instance: [pattern_decided(rounding.start(instance.exact))],
    conclusion=conclusion,
    features=network_features,
    formulas=Formulas(
        hypotheses=("$c>0$",),
        conclusion=("$J(cW)=J(W)$ and $u(cW)=c\\,u(W)$: the Gram matrix $G$ does not see the scale of the weights.",),
    ),
    assumes=("c > 0", "neurons without bias"),
)


def _neighbour(id: str, description: str, drops: str = "", **wrong: Any) -> Mutant:
    return _CLAIM.neighbour(id, description, drops, conclusion=partial(conclusion, **wrong))


I_SCALE = _CLAIM.with_mutants(
    _neighbour("negative", "c < 0", drops="c > 0", sign=-1),
    _neighbour("biases", "neurons with a bias of 1", drops="neurons without bias", bias=1),
    _neighbour("squared", "u(cW) = c^2 u(W)", power=2),
    _neighbour("threshold", "a program whose neurons are active from 1 on", program=_gram_from_a_threshold),
)

CLAIMS: tuple[Claim[Any], ...] = (I_SCALE,)
