"""NGD on a strongly convex loss of the outputs, one width an input: T2-tube, T2-tube-q, T2-tube-strong."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from theory.direction import UNBOUNDED, LowerBound, UpperBound
from theory.losses import Loss
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube.bounds import TubeBounds
from theory.stability.tube.rule import Asked, Reach, Tube, TubeRule, input_widths
from theory.stability.tube.start import Start, sum_above, tube_start
from theory.stability.tube.widths import InputWidths
from theory.theorems import tube_loss


def loss_start(net: TwoLayerNetwork, inputs: ArrayLike, loss: Loss) -> Start:
    """The start on unit rows X (n, d), with ``r(0) = u(0) - y``, y the minimiser of the loss. Raises InputError.

    Its coefficients ``G(0)^{-1} r(0)`` are those of no step of the loss: their error says that nothing is known.
    """
    found = tube_start(net, inputs, loss.minimiser)
    error = float(sum_above(found.residual_error, loss.minimiser_error))
    return dataclasses.replace(found, residual_error=error, coefficients_error=UNBOUNDED)


@dataclass(frozen=True)
class LossTube(TubeRule):
    """``b_i = m^{-1/2} ||K_i|| S`` for a loss with the constants mu and L; the contraction is the ratio's part in the factor.

    T2-tube-q, T2-tube: q; T2-tube-strong: ``kappa q``, the factor being ``1 - eta mu (1 - kappa q)``.
    """

    start: Start
    strong_convexity: float
    smoothness: float
    theorem: str = "T2-tube-q"

    @classmethod
    def asked(cls, asked: Asked) -> Self | None:
        """For NGD on a loss that is not the squared one."""
        if asked.optimiser.name != "ngd" or asked.squared or asked.damping:
            return None
        loss = asked.loss(asked.targets)
        return cls(loss_start(asked.net, asked.rows, loss), loss.strong_convexity, loss.smoothness)

    def first(self, start: Start) -> InputWidths:
        """S as for the ratio 0."""
        if not start.lambda_min > 0:
            return InputWidths(np.zeros(len(start.rows)))
        return input_widths(start, self._path(start, UpperBound(0.0), start.lambda_min))

    def reach(self, tube: Tube, bounds: TubeBounds) -> Reach | None:
        """Of the theorem, where it speaks of the ratio."""
        start = tube.start
        mu, L = self.strong_convexity, self.smoothness
        if not (bounds.lambda_min > 0 and tube_loss.applies(bounds.ratio, mu, L, self.theorem)):
            return None
        path = self._path(start, bounds.ratio, bounds.lambda_min)
        contraction = UpperBound(tube_loss.contraction(bounds.ratio, mu, L, self.theorem))
        progress = LowerBound(tube_loss.progress(bounds.ratio, mu, L, self.theorem))
        limit = LowerBound(tube_loss.step_limit(bounds.ratio, mu, L, self.theorem))
        return Reach(contraction, path, progress, limit, input_widths(start, path))

    def _path(self, start: Start, ratio: UpperBound, lambda_b: float) -> UpperBound:
        constants = self.strong_convexity, self.smoothness, self.theorem
        return UpperBound(tube_loss.path_sum(start.residual_norm, ratio, lambda_b, *constants))


RULE = LossTube
