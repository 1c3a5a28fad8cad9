"""Tubes around a network with a smooth activation, ``|phi''| <= L`` and ``|phi'| <= L_1``: bounds from the widths alone.

Where a pre-activation moves by b at most its slope moves by ``L b``; the mean slope over a step of length b at most differs by
``L b/2`` from that where the step starts.
"""

from __future__ import annotations

import numpy as np

from theory.inputs import FloatArray
from theory.network.shared_weights import in_order
from theory.rigour.activation_accuracy import DERIVATIVE_ERROR
from theory.rigour.rounding import gamma
from theory.stability.tube.bounds import TubeBounds, smooth_bounds
from theory.stability.tube.nonnegative import raised
from theory.stability.tube.start import Start
from theory.stability.tube.widths import InputWidths, NeuronWidths, Widths


class SmoothTube:
    """The tube of the widths that were asked for last."""

    def __init__(self, start: Start) -> None:
        """Keep the start."""
        self.start = start
        self._widths: FloatArray = np.full(len(start.rows), -1.0)

    def bounds(self, widths: Widths) -> TubeBounds:
        """Become the tube of these widths."""
        self._widths = widths.array()
        return smooth_bounds(self.start, widths)

    def within(self, widths: Widths) -> bool:
        """Whether no width is above the tube's."""
        return bool((widths.array() <= self._widths).all())


def smooth_neuron_widths(start: Start, path: InputWidths, later: InputWidths, widths: Widths | None) -> NeuronWidths:
    """``b_ir`` in the tube of some widths: the lesser of ``path`` and ``m^{-1/2}(|K_i . (phi'_r c0)| + |K_i| . (L b_r |c0|)) + later``.

    ``later`` has its factors already; ``widths`` None is the start itself, where nothing has moved.
    """
    phi, root, n = start.net.phi, float(np.sqrt(start.width)), len(start.rows)
    assert phi.curvature is not None
    sizes = np.abs(start.coefficients)
    slopes = phi.derivative(start.pre_activations)
    pulled = np.abs((start.products * start.coefficients) @ slopes)
    # what a slope is off by: of its evaluation, and where its pre-activation is off
    off = phi.curvature * start.error + DERIVATIVE_ERROR
    kernel_error = np.maximum(start.kernel - np.abs(start.products), 0.0) @ sizes * (phi.slope + DERIVATIVE_ERROR)
    rounding = gamma(n + 8) * (start.kernel @ sizes) * (phi.slope + DERIVATIVE_ERROR)
    constant = 2 * (kernel_error + rounding) + start.row_norms * start.coefficients_error * phi.slope
    moved = np.zeros_like(pulled)
    each = sizes + start.coefficients_error
    if widths is not None:
        b = widths.array()
        b = b[:, None] if b.ndim == 1 else in_order(b, start.order)[:, : pulled.shape[1]]
        moved = (start.kernel * each) @ np.broadcast_to(np.minimum(phi.curvature * b, 2 * phi.slope), pulled.shape)
    whole = (pulled + constant[:, None] + (start.kernel @ sizes)[:, None] * off + moved) / root + later.values[:, None]
    found = np.minimum(raised(whole, 2 * n + 24), path.values[:, None])
    return NeuronWidths(start.spread(found))
