"""What the identity claims share: exact equality of matrices and the hypotheses of float64 comparisons."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq_mat

from properties.engine.claim import Bound, Hypothesis, equal_exactly, require, technical
from properties.engine.rule import Stated
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork
from properties.exact.identity_instances import ExactInstance, network_features

PAPER = "Zhang, Martens, Grosse 2019, section 2 and appendix; docs/theory.md, I-*"


def equal(label: str, left: fmpq_mat, right: fmpq_mat) -> Bound:
    """``left = right`` exactly; the size shown on failure is the largest entry of the difference."""
    if (left.nrows(), left.ncols()) != (right.nrows(), right.ncols()):
        return equal_exactly(label, holds=False)
    return equal_exactly(label, left == right, float(rounding.magnitudes(left - right).max()))


def pattern_decided(iterate: rounding.Iterate, step: int = 0) -> Hypothesis:
    """The float64 program sees the exact activation pattern at this iterate."""
    return technical(require(f"the activation pattern is decided in float64 at step {step}", iterate.margin))


def solvable(distance: float, step: int = 0) -> Hypothesis:
    """The perturbation of a float64 solve is at most 2^-10 of its distance to singularity."""
    return technical(require(f"the float64 solve of step {step} is far from singular", rounding.SINGULARITY - distance))


def full_rank(name: str, matrix: fmpq_mat) -> Hypothesis:
    """An exact matrix has full row rank."""
    return require(f"rank {name} = n", matrix.rank() - matrix.nrows())


def decomposable(net: ExactNetwork) -> Hypothesis:
    """A computed singular value decomposition of X sees its exact rank."""
    return technical(require("the rank of X is decided in float64", rounding.SINGULARITY - rounding.spread(net)))


class Identity(Stated):
    """An identity at the start of a network, whose pattern float64 has to see."""

    def hypotheses(self, instance: ExactInstance) -> Sequence[Hypothesis]:
        """The pattern is decided."""
        return [pattern_decided(rounding.start(instance.exact))]

    def features(self, instance: ExactInstance) -> Sequence[str]:
        """Those of the network."""
        return network_features(instance)
