"""I-scale: a ReLU network's Jacobian does not see the scale of its weights, and its outputs are proportional to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpq_mat

from properties.chapters.identities.identity_checks import Identity, equal
from properties.engine.claim import Bound, Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import outputs, pattern_features
from properties.exact.identity_instances import ExactInstance, network_family
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork


@dataclass(frozen=True)
class Scale(Identity):
    """``S(cW) = S(W)``, so ``J(cW) = J(W)``, and ``u(cW) = c u(W)``, for c > 0."""

    sign: int = 1
    """Of c."""
    power: int = 1
    """Of c, in the outputs."""
    bias: int = 0
    """Added to every pre-activation."""
    program: Callable[[TwoLayerNetwork, FloatArray], FloatArray] = TwoLayerNetwork.gram

    def conclusion(self, instance: ExactInstance) -> Sequence[Bound]:
        """For c the step size and its inverse, exactly; the program's Gram matrix at 2W, which is exact in float64."""
        net = instance.exact
        n, m = net.pre_activations.nrows(), net.pre_activations.ncols()
        shift = fmpq_mat(n, m, [fmpq(self.bias)] * (n * m))
        bounds = []
        for name, c in (("c", self.sign * instance.eta), ("1/c", self.sign / instance.eta)):
            scaled, unscaled = net.at(c * net.weights).pre_activations + shift, net.pre_activations + shift
            expected = c**self.power * outputs(unscaled, net.signs)
            bounds += [
                equal(f"S({name} W) = S(W)", *(pattern_features(z, net.signs) for z in (scaled, unscaled))),
                equal(f"u({name} W) = {name} u(W)", outputs(scaled, net.signs), expected),
            ]
        doubled = TwoLayerNetwork(weights=2 * instance.weights, signs=instance.signs)
        gram = self.program(doubled, instance.inputs)
        return [*bounds, rounding.close("gram at 2W", gram, net.gram, rounding.gram(net).error)]


def _gram_from_a_threshold(net: TwoLayerNetwork, inputs: FloatArray) -> FloatArray:
    pattern = (net.pre_activations(inputs) >= 1).astype(np.float64)
    return np.asarray((inputs @ inputs.T) * (pattern @ pattern.T) / net.width)


I_SCALE = Scale().claim(
    "I-scale",
    "J(cW) = J(W) and u(cW) = c u(W) for c > 0: the Gram matrix G does not see the scale of the weights",
    Provenance.DERIVED,
    mutant("negative", "c < 0", drops="c > 0", sign=-1),
    mutant("biases", "neurons with a bias of 1", drops="neurons without bias", bias=1),
    mutant("squared", "u(cW) = c^2 u(W)", power=2),
    mutant("threshold", "a program whose neurons are active from 1 on", program=_gram_from_a_threshold),
    families=(network_family("scale", "tiny ReLU networks", ("ngd",), (4, 9, 16)),),
    also=("c > 0", "neurons without bias"),
    formulas=Formulas(
        hypotheses=("$c>0$",),
        conclusion=("$J(cW)=J(W)$ and $u(cW)=c\\,u(W)$: the Gram matrix $G$ does not see the scale of the weights.",),
    ),
)

CLAIMS = (I_SCALE,)
