"""T3's composed width beside the widths at which a drawn network is and is not certified."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from properties.engine.slack import SlackRow
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import certify_ball
from theory.theorems.width import width

WIDEST_CERTIFIED = 2**14
"""The slack table looks for certified networks from this width down."""


def _certified(n: int, scale: float, C: float) -> tuple[int, int]:
    """Powers of 2: a width at which, as at all wider ones tried, a drawn network is certified; and the next one below, where not.

    Orthogonal rows, y = 1/n^{1/2} everywhere, symmetric initialisation, one draw a width.
    """
    targets, m = np.full(n, 1 / math.sqrt(n)), WIDEST_CERTIFIED
    while m > 2:
        net = TwoLayerNetwork.initialise(m, n, scale, np.random.default_rng(m), symmetric=True)
        if not certify_ball(net, np.eye(n), targets).constant < C:
            break
        m //= 2
    return 2 * m, m


def too_narrow(n: int, delta: float) -> int:
    """The widest symmetric network for which Condition 1 fails more often than T3 says; orthogonal rows, delta < 1/2.

    ``lambda_min(G(0))`` is the least share of active neurons of one input. All m/2 independent ones are inactive with
    probability ``2^{-m/2}``, independently for orthogonal inputs, so it is 0 with probability ``1 - (1 - 2^{-m/2})^n``.
    """
    pairs = 1
    while 1 - (1 - Fraction(1, 2 ** (pairs + 1))) ** n > Fraction(delta):
        pairs += 1
    return 2 * pairs


def _row(n: int, scale: float, C: float, delta: float) -> SlackRow:
    certified, failing = _certified(n, scale, C)
    below = "Condition 2 fails (C2-spec is exact for n = 1)" if n == 1 else "it is not"
    targets = np.full(n, 1 / math.sqrt(n))
    return SlackRow(
        claim="T3",
        quantity=f"width for Condition 2({C:g}), n = {n} orthogonal rows, ||y|| = 1, nu = {scale:g}, delta = {delta:g}, symmetric",
        paper=None,
        proved=float(width(np.eye(n), targets, scale, delta, C, symmetric=True)),
        refuted=float(too_narrow(n, delta)),
        witness="some input activates no neuron with probability above delta (exact)",
        remark=f"a lower bound is shown for n = 1 and 2 alone; of one drawn network for each power of 2, that of m = {certified} is certified; at m = {failing} {below}",
    )


def width_rows() -> tuple[SlackRow, ...]:
    """The rows of T3."""
    return _row(1, 100.0, 0.5, 0.1), _row(2, 100.0, 0.5, 0.1)


MEASURED_SLACK = {"T3": width_rows}
