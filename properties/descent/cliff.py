"""Maps with C = 0 on the paper's ball and a cliff beyond it: what the limit of the step size keeps steps away from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from properties.descent.families import family
from properties.descent.instances import MapInstance
from properties.descent.rule import Rule
from properties.descent.strategies import Dial
from properties.engine.rule import Families
from theory.maps.affine import kink_map


def build_cliff(description: Mapping[str, Any], dial: Dial) -> MapInstance:
    """Two outputs with slope 1 each, C = 0 on the paper's ball of radius 3; past 3.05 the first one's slope is 40.

    A step of size 4.4 or more along the diagonal goes beyond 3.05 in both directions.
    """
    eta = max(dial.step_size(description, 0.0), 4.4)
    model = kink_map(np.ones(2), np.array([[40.0], [1.0]]), np.full((2, 1), 3.05))
    return MapInstance(model, np.full(2, -np.sqrt(0.5)), eta, 1)


def cliffs(rule: Rule) -> Families:
    """Family F4 with a cliff."""
    title = "two directions, one of which has a cliff beyond the paper's ball"
    return (family(rule, "F4-cliff", title, Dial.descriptions, build_cliff, (25, 60, 600)),)


BEYOND_THE_BALL: Mapping[str, Any] = {
    "worst": cliffs,
    "constant_limit": 0.99,
    "step_limit": lambda at: 6.0,
    "least_step_percent": 70,
    "steps": 1,
}
"""What a mutant changes for steps of size 4.4 to 6, whose first segment leaves the ball of radius ``3 ||r(0)||/sqrt(lambda)``."""
