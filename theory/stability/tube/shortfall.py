"""Why no tube closes: what is short, and an estimate of the scale and of the width at which one does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from types import MappingProxyType
from typing import Self

from theory.direction import raised
from theory.network.shared_weights import in_order
from theory.stability.tube.bounds import TubeBounds
from theory.stability.tube.rule import Tube
from theory.stability.tube.start import Start
from theory.stability.tube.widths import Scaled

SHORTFALLS: Mapping[str, str] = MappingProxyType(
    {
        "lambda": "no positive lambda_min(G(0)), for K-FAC lambda_min(H(0)), is certified; take other inputs, or more neurons",
        "leverage": "no positive leverage score of every input is certified; take inputs of certain rank, or damping eps_X",
        "lambda_b": "no eigenvalue is left in the tube",
        "mu": "mu is not below what the theorem speaks of",
        "sample": "none closes in a sample of the neurons, so that none was tried on all; take more of them",
        "tubes": "of the tubes that were tried none closes, though a wider one may",
    }
)
"""What may be short, and how it is said."""

ATTEMPTS = 12
"""Narrower tubes that are looked at, one after the other, before nothing is estimated."""

SMALLEST_FACTOR = 1.125
"""Between the widths of one such tube and of the next."""

BETWEEN_SCALES = 1.25
"""From one scale that is tried to the next: so much too large the least one that is found may be."""


@dataclass(frozen=True)
class Shortfall:
    """Why no tube closes, and an estimate of what would be enough."""

    short: str
    """A key of ``SHORTFALLS``."""
    estimated_scale: float = math.inf
    """Estimated: the initialisation's scale nu times this, where u(0) = 0; inf where unknown."""
    vanishing: bool = False
    """Whether u(0) = 0, as under symmetric initialisation: otherwise ``||r(0)||`` grows with nu, and no nu need be enough."""

    @property
    def estimated_width(self) -> float:
        """Estimated: m times this, as widths of tubes fall as ``m^{-1/2}``."""
        return self.estimated_scale**2

    @classmethod
    def of(cls, short: str, tube: Tube, first: TubeBounds, closes: Callable[[float], bool]) -> Self:
        """A scale at which ``closes`` says that a tube does, the least or nearly, in steps of ``BETWEEN_SCALES`` from a guess.

        The guess is from the first tube, and what is lost of lambda where it is narrower: pre-activations s times as large are its 1/s.
        Where a share a of lambda is lost in it, ``S = ||c0||/(1 - a S/||c0||)`` has a solution up to a = 1/4.
        """
        start, scale, bounds = tube.start, 1.0, first
        vanishing = _vanishes(start)
        for _ in range(ATTEMPTS):
            lost = 4 * (bounds.product_norm + bounds.gram_change_norm) / start.lambda_min
            if lost <= 1:
                break
            scale *= max(lost, SMALLEST_FACTOR)
            bounds = tube.bounds(Scaled(first.widths, 1 / scale))
        else:
            return cls(short, math.inf, vanishing)
        return cls(short, _least(scale, closes), vanishing)

    def __str__(self) -> str:
        """In one line."""
        said = SHORTFALLS[self.short]
        if math.isinf(self.estimated_scale):
            return said
        scale = f"nu times {raised(self.estimated_scale, 2)}, or " if self.vanishing else ""
        return f"{said}; estimated to be enough: {scale}m times {raised(self.estimated_width, 2)}"


def _least(guess: float, closes: Callable[[float], bool]) -> float:
    """From a guess down as long as a tube closes, or else up until one does; above 1, where none did."""
    powers = [BETWEEN_SCALES**power for power in range(1, ATTEMPTS)]
    if guess > 1 and closes(guess):
        lower = takewhile(lambda scale: scale > 1 and closes(scale), (guess / power for power in powers))
        return min(lower, default=guess)
    return next(filter(closes, (guess * power for power in powers)), math.inf)


def _vanishes(start: Start) -> bool:
    """Whether neurons cancel in pairs at the start."""
    half, signs = start.net.width // 2, in_order(start.net.signs, start.order)
    return start.copies == 2 and bool((signs[:half] == -signs[half:]).all())
