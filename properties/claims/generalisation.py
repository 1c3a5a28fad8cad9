"""The claims about generalisation: T5 (estimated), T5-dist and T5-rad (exact and ball arithmetic)."""

from __future__ import annotations

from typing import Any

from properties.claim import Claim
from properties.claims import population_loss, rademacher
from properties.claims.interpolants import T5_DIST
from properties.slack import SlackRow

CLAIMS: tuple[Claim[Any], ...] = (population_loss.T5, T5_DIST, rademacher.T5_RAD)
SLACK: tuple[SlackRow, ...] = (*population_loss.SLACK, *rademacher.SLACK)
