"""Tubes at widths that people use: certified for so many seeds, and runs that keep to the factor.

Runs are followed until a step's rounding bound is 1% of the residual, large ones of NGD until no activation can change any more.

tests/theory/stability/tube/test_widths_that_people_use.py runs a sample.
"""

import pytest

from tests.theory.stability.tube.widths_that_people_use import SETTINGS, STEP_SIZES, Setting, follow
from theory.stability import certify_tube

SEEDS = {False: (20, 19), True: (3, 3)}
"""How many are drawn, and how many must be certified, below and above n m = 2e6."""


SETTLED = ", 1 - eta for every later k"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_tubes_are_certified_and_runs_keep_to_them(setting: Setting) -> None:
    drawn, wanted = SEEDS[setting.large]
    certified = 0
    for seed in range(drawn):
        net, rows, y = setting.problem(seed)
        found = certify_tube(net, rows, y, setting.optimiser)
        certified += found.certified
        if not found.certified:
            continue
        for eta in STEP_SIZES:
            run = follow(net, rows, y, found, eta, setting.optimiser, whole=not setting.large)
            print(
                f"{setting.name} seed {seed}: mu <= {float(found.contraction):.4g}, eta = {eta}: followed for {run.steps} steps, "
                f"{run.decided} beyond rounding, largest factor {run.worst:.6f} of the certified one{SETTLED * run.settled}"
            )
            assert run.steps > 0
    print(f"{setting.name}: {certified} of {drawn} certified")
    assert certified >= wanted
