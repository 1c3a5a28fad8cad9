"""K-FAC in a tube, on networks that are followed in balls: the tube of activation patterns, and the runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, reduce

import numpy as np
from flint import arb, arb_mat, fmpq
from numpy.typing import NDArray

from properties.chapters.tube.enclosed_tube import EnclosedTube, entries
from properties.chapters.tube.instances import Recorder, TubeNetwork
from properties.engine.stable_names import stored_as
from theory.descent.damped_kfac import DampedKroneckerFactored
from theory.descent.optimiser import as_optimiser
from theory.inputs import FloatArray
from theory.rigour.enclosed_step import norm_enclosed
from theory.rigour.exact import AnyArray, diagonal, pseudo_inverse, rational, rational_matrix
from theory.theorems import tube_kfac

KRONECKER_FORMS = ("plain", "neuron")
"""Which bound of ``||H(k)^{-1} A_r(k)||`` says how wide the tube has to be: one for all neurons, or one for each."""


def exact_leverage(inputs: FloatArray, eps: float = 0.0) -> list[fmpq]:
    """The leverage scores of X (n, d) exactly as given: the diagonal of ``X X^+``, with damping of ``K (K + eps)^{-1}``."""
    x = rational_matrix(inputs)
    n = len(inputs)
    if eps:
        kernel = x * x.transpose()
        projection = kernel * (kernel + diagonal([rational(eps)] * n)).inv()
    else:
        projection = x * pseudo_inverse(x)
    return [projection[i, i] for i in range(n)]


def dampings(optimiser: str) -> tuple[float, float]:
    """``(eps_S, eps_X)`` of K-FAC, by its name."""
    found = as_optimiser(optimiser)
    return (found.eps_S, found.eps_X) if isinstance(found, DampedKroneckerFactored) else (0.0, 0.0)


@dataclass(frozen=True)
class Solution:
    """What is known of ``q = (H(0) + eps_S)^{-1} A_r(0)`` for one neuron of a ReLU network."""

    norm: arb
    """That of q."""
    flips: int
    """``|B_r|``: inputs on which it may flip."""
    changed: arb
    """``||D_N |q|||``."""


@dataclass(frozen=True)
class PatternTube(EnclosedTube):
    """With ones for K, so that G is H, M is N, D is D_N, lambda_b is sigma_b^2 and mu is K-FAC's; for ReLU networks."""

    eps_S: float = 0.0
    eps_X: float = 0.0

    @cached_property
    def kernel(self) -> AnyArray:
        """Ones (n, n)."""
        n = len(self.inputs)
        return np.array([[arb(1)] * n for _ in range(n)], dtype=object)

    @cached_property
    def exact_leverage(self) -> list[fmpq]:
        """h."""
        return exact_leverage(self.inputs, self.eps_X)

    @property
    def contraction(self) -> arb:
        """``1 - theta``: mu without damping; needs sigma_b^2 > 0 and mu < 1."""
        return arb(tube_kfac.damped_contraction(self.ratio, self.lambda_min, self.eps_S)) if self.eps_S else self.ratio

    @property
    def h_min(self) -> arb:
        """The smallest leverage score."""
        return arb(min(self.exact_leverage))

    @property
    def h_max(self) -> arb:
        """The largest."""
        return arb(max(self.exact_leverage))

    @cached_property
    def solutions(self) -> tuple[list[Solution], NDArray[np.int64]]:
        """What is known of some neurons, and which of them each of the m is like. ``H(0) + eps_S`` has to be regular."""
        bits = 2 ** np.arange(len(self.inputs))
        keys = np.stack([bits @ self.active, self.near.sum(axis=0)])
        alike, first, which = np.unique(keys, axis=1, return_index=True, return_inverse=True)
        shifted = arb_mat(self.gram.tolist()) + arb_mat(diagonal([rational(self.eps_S)] * len(self.inputs)))
        inverse = np.array(shifted.inv().tolist(), dtype=object)
        found = []
        for neuron, flips in zip(first.tolist(), alike[1].tolist(), strict=True):
            q = entries(inverse @ self.slopes[:, neuron])
            found.append(Solution(norm_enclosed(q), flips, norm_enclosed(self.gram_change @ q)))
        return found, np.asarray(which.ravel(), dtype=np.int64)


@stored_as("tube-kfac-network")
@dataclass(frozen=True)
class KroneckerTubeNetwork(TubeNetwork):
    """K-FAC, damped or not, on a ReLU network of few neurons, and the widths of a tube, (n,) or (n, m), all positive."""

    form: str = "plain"
    """One of ``KRONECKER_FORMS``, for the widths as given, or of ``CERTIFIED``, which does not look at them."""
    optimiser: str = field(default="kfac", kw_only=True)

    @cached_property
    def tube(self) -> PatternTube:
        """What is known of the tube, evaluated at the working precision of whoever asks first."""
        return PatternTube(self.net, self.inputs, self.targets, self.widths, *dampings(self.optimiser))

    def lengths(self, recorder: Recorder) -> list[arb]:
        """``(r^T diag(h) r)^{1/2}`` of each step: S bounds the sum of eta times these."""
        scores = [arb(one) for one in self.tube.exact_leverage]
        return [
            reduce(arb.__add__, (h * one * one for h, one in zip(scores, gradient, strict=True))).sqrt()
            for gradient in recorder.gradients
        ]
