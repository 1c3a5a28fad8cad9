"""The claims about generalisation: T5 and T5-width (estimated), T5-dist, T5-rad and the lemmas of T5-width (exact and ball arithmetic)."""

from __future__ import annotations

from typing import Any

from properties.engine.claim import Claim
from properties.chapters.kernels import concentration_relative
from properties.chapters.generalisation import linearisation, population_loss, population_width, rademacher, tube, uniform_deviation
from properties.chapters.generalisation.interpolants import T5_DIST
from properties.engine.slack import SlackRow

CLAIMS: tuple[Claim[Any], ...] = (
    population_loss.T5,
    T5_DIST,
    rademacher.T5_RAD,
    *tube.CLAIMS,
    *linearisation.CLAIMS,
    *uniform_deviation.CLAIMS,
    *concentration_relative.CLAIMS,
    population_width.T5_WIDTH,
)
SLACK: tuple[SlackRow, ...] = (
    *population_loss.SLACK,
    *rademacher.SLACK,
    *tube.SLACK,
    *uniform_deviation.SLACK,
    *concentration_relative.SLACK,
    *population_width.SLACK,
)
