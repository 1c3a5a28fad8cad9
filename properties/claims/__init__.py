"""The registry of claims, id -> Claim in the order in which the table shows them, and the slack table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from properties.engine.claim import Claim
from properties.chapters.losses import general_loss
from properties.claims import generalisation, probability, stability
from properties.chapters.gradient import gradient_advantage, gradient_descent, gradient_linear
from properties.chapters.identities import identities, step_errors
from properties.chapters.kernels import kernel_bounds, kernels
from properties.chapters.kfac import kfac, kfac_frozen
from properties.chapters.ngd import ngd, ngd_adversary, ngd_line, ngd_radius, ngd_step, ngd_tight
from properties.chapters.stability import pattern_stability
from properties.chapters.width import width
from properties.engine.slack import SlackRow
from properties.descent.stored_theory import name_theory

name_theory()

_MODULES = (
    identities,
    step_errors,
    kernels,
    kernel_bounds,
    stability,
    ngd,
    ngd_tight,
    ngd_step,
    ngd_line,
    ngd_radius,
    ngd_adversary,
    general_loss,
    probability,
    width,
    pattern_stability,
    kfac,
    kfac_frozen,
    gradient_descent,
    gradient_linear,
    gradient_advantage,
    generalisation,
)

registry: Mapping[str, Claim[Any]] = MappingProxyType(
    {claim.id: claim for module in _MODULES for claim in module.CLAIMS}
)

slack_table: tuple[SlackRow, ...] = tuple(row for module in _MODULES for row in getattr(module, "SLACK", ()))
"""Every module of claims may have a tuple ``SLACK``."""
