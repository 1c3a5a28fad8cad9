"""Fixtures that the wide sweeps share with the tests that run a sample of them."""

from tests.properties.conftest import profile_restored, suite

__all__ = ["profile_restored", "suite"]
