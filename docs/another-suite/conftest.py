"""Run the suite of quadratics.py with the engine."""

import pytest
from quadratics import CLAIMS

from properties.engine.extension import Suite
from properties.engine.run.suite_plugin import SuitePlugin

SUITE = Suite(title="Gradient descent on quadratics", claims={claim.id: claim for claim in CLAIMS})


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register what runs the suite."""
    pluginmanager.register(SuitePlugin(lambda: SUITE), "quadratics")
