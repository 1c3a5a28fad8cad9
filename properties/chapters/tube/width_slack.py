"""T3-tube's widths beside the one at which half of the drawn networks have a tube that closes."""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from properties.engine.slack import SlackRow
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import certify_tube
from theory.theorems.tube_plan import FORMS, tube_width

DRAWN = 5
"""Networks of each width, of which more than half have to be certified."""


def half_certified(X: FloatArray, y: FloatArray, scale: float, narrowest: int, widest: int) -> int:
    """Estimated: the least power of 2 from 2^narrowest to 2^widest at which most of ``DRAWN`` networks are certified, one width an input.

    Symmetric initialisation; powers are bisected, as if more neurons never did harm.
    """
    while narrowest < widest:
        middle = (narrowest + widest) // 2
        rng = np.random.default_rng(middle)
        nets = [TwoLayerNetwork.initialise(2**middle, X.shape[1], scale, rng, symmetric=True) for _ in range(DRAWN)]
        certified = sum(certify_tube(net, X, y, per_neuron=False).certified for net in nets)
        narrowest, widest = (narrowest, middle) if 2 * certified > DRAWN else (middle + 1, widest)
    return int(2**widest)


def widths(X: FloatArray, y: FloatArray, scale: float) -> dict[str, int]:
    """The theorems', form by form; delta = 0.1, symmetric initialisation."""
    return {form: tube_width(X, y, scale, 0.1, form=form) for form in FORMS}


@cache
def _half_of_orthonormal() -> int:
    """Of ten orthonormal inputs."""
    return half_certified(np.eye(10), np.ones(10), 1.0, 11, 15)


def width_rows(claim: str) -> tuple[SlackRow, ...]:
    """The rows of T3-tube or of T3-tube-ratio."""
    X, y, found = np.eye(10), np.ones(10), _half_of_orthonormal()
    remark = f"estimated: at m = {found}, a power of 2, most of {DRAWN} drawn networks have a tube that closes"
    return tuple(
        SlackRow(
            claim=claim,
            quantity=f"width, {form}, n = 10 orthonormal rows, y = 1 everywhere, nu = 1, delta = 0.1, symmetric",
            proved=float(width),
            remark=remark,
        )
        for form, width in widths(X, y, 1.0).items()
        if claim == ("T3-tube-ratio" if form == FORMS[-1] else "T3-tube")
    )


MEASURED_SLACK = {claim: partial(width_rows, claim) for claim in ("T3-tube", "T3-tube-ratio")}
