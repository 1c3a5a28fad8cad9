"""Maps with C = 0 on the paper's ball and a cliff beyond it: what the limit of the step size keeps steps away from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from properties.descent.instances import DescentInstance, MapInstance
from properties.descent.rule import examples
from properties.descent.strategies import Dial
from properties.engine.claim import Family
from theory.maps.affine import kink_map


def beyond_the_ball() -> Dial:
    """Steps of size 4.4 to 6, whose first segment leaves the ball of radius ``3 ||r(0)||/sqrt(lambda)``."""
    return Dial(0.99, lambda C: 6.0, least_step_percent=70, steps=1)


def build_cliff(description: Mapping[str, Any], dial: Dial) -> MapInstance:
    """Two outputs with slope 1 each, C = 0 on the paper's ball of radius 3; past 3.05 the first one's slope is 40.

    A step of size 4.4 or more along the diagonal goes beyond 3.05 in both directions.
    """
    eta = max(dial.step_size(description, 0.0), 4.4)
    model = kink_map(np.ones(2), np.array([[40.0], [1.0]]), np.full((2, 1), 3.05))
    return MapInstance(model, np.full(2, -np.sqrt(0.5)), eta, 1)


def family(dial: Dial) -> Family[DescentInstance]:
    """Family F4 with a cliff."""
    return Family(
        "F4-cliff",
        "two directions, one of which has a cliff beyond the paper's ball",
        dial.descriptions,
        partial(build_cliff, dial=dial),
        examples(25, 60, 600),
    )
