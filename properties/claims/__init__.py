"""The registry of claims, id -> Claim in the order in which the table shows them, and the slack table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from properties.claim import Claim
from properties.claims import (
    general_loss,
    generalisation,
    gradient_advantage,
    gradient_descent,
    gradient_linear,
    identities,
    kernel_bounds,
    kernels,
    kfac,
    kfac_frozen,
    ngd,
    ngd_adversary,
    ngd_line,
    ngd_radius,
    ngd_step,
    ngd_tight,
    pattern_stability,
    probability,
    stability,
    step_errors,
    width,
)
from properties.slack import SlackRow
from properties.stored_theory import name_theory

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
