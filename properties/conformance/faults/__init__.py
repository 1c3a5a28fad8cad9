"""Wrong libraries in plain NumPy, each with one fault of a kind that trackers of public libraries tell of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from properties.conformance.faults import convolutions, factors, fishers, solves, states
from properties.conformance.plain_steps import PlainSteps

MODULES = (factors, convolutions, fishers, solves, states)


@dataclass(frozen=True)
class Fault:
    """One wrong program."""

    id: str
    number: int
    """In the list of docs/conformance.md; 0 for one that is not in it."""
    title: str
    program: Callable[[], Any]


def _found() -> Mapping[str, Fault]:
    classes = [
        one
        for module in MODULES
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, PlainSteps) and one.__module__ == module.__name__
    ]
    faults = [
        Fault(id, vars(one)["number"], str(one.__doc__).partition("\n")[0].rstrip("."), one)
        for one in classes
        if (id := vars(one)["id"])
    ]
    return MappingProxyType(
        {fault.id: fault for fault in sorted(faults, key=lambda fault: (fault.number == 0, fault.number))}
    )


FAULTS = _found()
"""All of them, by id."""
