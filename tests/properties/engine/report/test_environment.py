"""What the numbers of a run depend on."""

import numpy as np

from properties.engine.report.environment import blas, environment


def test_the_environment_says_what_the_numbers_depend_on() -> None:
    found = environment()
    assert found["numpy"] == np.__version__
    assert found["eps"] == 2.0**-52
    assert {"python", "scipy", "python-flint", "hypothesis"} <= set(found)
    assert "threads" in blas()
