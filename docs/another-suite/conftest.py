"""Run the suite of quadratics.py with the engine."""

import pytest
from quadratics import CLAIMS

from properties.engine.extension import Suite
from properties.engine.run.suite_plugin import SuitePlugin

SUITE = Suite(title="Gradient descent on quadratics", claims={claim.id: claim for claim in CLAIMS})


def suite() -> Suite:
    """The suite, for this process and for the workers of an executor."""
    return SUITE


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register what runs the suite."""
    pluginmanager.register(SuitePlugin(suite), "quadratics")
