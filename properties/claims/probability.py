"""The claims about probabilities: K-chernoff, K-hoeffding, R0, C2-prob (docs/theory.md)."""

from __future__ import annotations

from typing import Any

from properties.engine.claim import Claim
from properties.chapters.kernels import concentration_chernoff, concentration_hoeffding
from properties.chapters.width import flip_probability, initial_residual

CLAIMS: tuple[Claim[Any], ...] = (
    concentration_chernoff.K_CHERNOFF,
    concentration_hoeffding.K_HOEFFDING,
    initial_residual.R0,
    flip_probability.C2_PROB,
)

SLACK = (
    *concentration_chernoff.SLACK,
    *concentration_hoeffding.SLACK,
    *initial_residual.SLACK,
    *flip_probability.SLACK,
)
