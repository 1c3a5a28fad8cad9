"""The paper's pictures, remade: plain data for claims.json, drawn by properties/report/paper_figures.py."""

from __future__ import annotations

from typing import Any

from properties.claim import Depth
from properties.pictures.held_out import held_out
from properties.pictures.output_space import output_space
from properties.pictures.training import training
from properties.pictures.widths import constants, moved_jacobians


def pictures(depth: Depth, seed: int) -> dict[str, Any]:
    """All of them, in the order in which the report shows them. Every array is a list, every number a float or an int."""
    return {
        "output_space": output_space(seed),
        "moved_jacobians": moved_jacobians(depth, seed),
        "training": training(seed),
        "constants": constants(depth, seed),
        "held_out": held_out(seed),
    }
