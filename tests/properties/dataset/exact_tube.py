"""The tubes of NGD and K-FAC on a small data set: the ratio in the tube of the widths that were certified, from counts and balls of its own.

The widths are a certificate's. What the ratio is in their tube, and for NGD that they are enough, is found by properties/chapters/tube/enclosed_tube.py, which
shares only scalar formulas with the certificate; that K-FAC's are enough is T4-tube's to check.
"""

from __future__ import annotations

from flint import arb

from properties.chapters.tube.enclosed_tube import EnclosedTube
from properties.chapters.tube.kronecker import PatternTube
from properties.chapters.tube.tube_rule import by_neuron, by_rate, by_start, later, least
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.precision import working_precision
from theory.stability import certify_tube

BITS = 192
ROUNDING = arb(2) ** -20
"""What norms cost that are found without an eigenvalue, and widths in single precision."""


def tube_progress(net: TwoLayerNetwork, rows: FloatArray, targets: FloatArray) -> arb | None:
    """``1 - mu`` in NGD's tube, from below; None where none is certified. Raises AssertionError where its widths are not enough."""
    found = certify_tube(net, rows, targets)
    if not found.certified:
        return None
    with working_precision(BITS):
        at = EnclosedTube(net, rows, targets, found.widths)
        assert at.lambda_min > 0
        assert at.ratio < 1
        path = least([by_rate(at), by_start(at)])
        needed = by_neuron(at, path, later(at, path))
        for widths, others in zip(found.widths, needed, strict=True):
            assert all(arb(float(b)) * (1 + ROUNDING) >= one for b, one in zip(widths, others, strict=True))
        return arb(1 - at.ratio)


def pattern_tube_progress(net: TwoLayerNetwork, rows: FloatArray, targets: FloatArray) -> arb | None:
    """The same in K-FAC's tube."""
    found = certify_tube(net, rows, targets, "kfac")
    if not found.certified:
        return None
    with working_precision(BITS):
        at = PatternTube(net, rows, targets, found.widths)
        assert at.lambda_min > 0
        return arb(1 - at.ratio)
