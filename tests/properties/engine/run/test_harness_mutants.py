"""Every wrong program of the harness makes the test fail that is named beside it, and that test passes without it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.properties.engine.run.harness_faults import FAULTS
from tests.properties.engine.run.planted import Planted, planted
from tests.properties.engine.run.test_obligation_items import document  # noqa: F401  (a fixture of the tests that are named)

pytest_plugins = ["pytester"]

PASSING = {repr((fault.caught_by.__name__, fault.arguments)): fault for fault in FAULTS}
"""One fault for every call of a test that is named."""


def call(fault: Planted, request: pytest.FixtureRequest) -> None:
    """The named test, with the arguments that stand beside it, the others being fixtures."""
    wanted = inspect.signature(fault.caught_by).parameters
    given = dict(fault.arguments)
    fault.caught_by(**{name: given[name] if name in given else request.getfixturevalue(name) for name in wanted})


def fixtures_made(fault: Planted, request: pytest.FixtureRequest) -> None:
    """Make the fixtures while everything is right."""
    for name in inspect.signature(fault.caught_by).parameters:
        if name not in fault.arguments:
            request.getfixturevalue(name)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_named_test_catches_the_fault(fault: Planted, request: pytest.FixtureRequest) -> None:
    fixtures_made(fault, request)
    failure: BaseException | None = None
    with planted(fault.target, fault.old, fault.new):
        try:
            call(fault, request)
        except (Exception, pytest.fail.Exception) as error:
            failure = error
    assert failure is not None, f"{fault.caught_by.__name__} does not notice: {fault.name}"


@pytest.mark.parametrize(
    "fault",
    [
        fault
        for fault in PASSING.values()
        if fault.arguments or "provers" in inspect.signature(fault.caught_by).parameters
    ],
    ids=lambda fault: fault.name,
)
def test_without_the_fault_the_named_test_passes(fault: Planted, request: pytest.FixtureRequest) -> None:
    """So it is the fault that it notices. Tests that are given nothing here pass by themselves."""
    call(fault, request)


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) > 100


def test_a_fault_is_gone_afterwards_and_needs_its_fragment() -> None:
    def right() -> Any:
        return "right"

    with planted(right, '"right"', '"wrong"'):
        assert right() == "wrong"
    assert right() == "right"
    with pytest.raises(ValueError, match="occurs 0 times"), planted(right, "no such text", ""):
        pass
    with pytest.raises(ValueError, match="occurs 2 times"), planted(right, "right", ""):
        pass
