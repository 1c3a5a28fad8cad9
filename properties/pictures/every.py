"""The data of all pictures; whoever loads this module loads what computes them."""

from __future__ import annotations

from typing import Any

from properties.engine.claim import Depth
from properties.pictures import held_out, output_space, phases, training, widths


def pictures(depth: Depth, seed: int) -> dict[str, Any]:
    """All of them, in the order in which the report shows them. Every array is a list, every number a float or an int."""
    return {
        "output_space": output_space.data(seed),
        "moved_jacobians": widths.moved_jacobians(depth, seed),
        "training": training.data(seed),
        "constants": widths.constants(depth, seed),
        "phases": phases.data(depth, seed),
        "held_out": held_out.data(seed),
    }
