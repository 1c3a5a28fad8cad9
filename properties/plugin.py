"""The pytest plugin of this suite.

PYTEST_DONT_REWRITE: the module holds no assertions, and the package's entry point may import it first.
"""

from __future__ import annotations

import pytest

from properties.engine.extension import Suite
from properties.engine.run.suite_plugin import SuitePlugin
from properties.suite import SUITE


def suite() -> Suite:
    """The suite, for this process and for the workers of an executor."""
    return SUITE


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register what runs the suite; pytest then asks it for its options."""
    pluginmanager.register(SuitePlugin(suite, options=None), SuitePlugin.__module__)
