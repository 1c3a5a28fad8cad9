"""A library of the user's own as what the claims of a run are about: its option, its claims, what is not judged of it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from properties.conformance.library import DECLARED, FUNCTIONS, OFFERED, PREFIX, Library, load_library
from properties.engine.claim import Claim
from properties.engine.run.place import Place, place
from theory.errors import ImplementationError

if TYPE_CHECKING:
    import pytest

    from properties.conformance.kit import Kit


@dataclass(frozen=True)
class OwnLibrary:
    """The library of ``--conformance``, with what the engine asks of it."""

    library: Library

    @cached_property
    def _kit(self) -> Kit:
        from properties.conformance.kit import kit  # of which a run without a library needs nothing

        return kit(self.library)

    @property
    def claims(self) -> Mapping[str, Claim[Any]]:
        """The claims on the library."""
        return self._kit.claims

    @property
    def place(self) -> Place | None:
        """Where it is written: the first of its functions that tells."""
        for name in FUNCTIONS:
            function = getattr(self.library.implementation, name, None)
            if inspect.isfunction(function) or inspect.ismethod(function):
                return place(function)
        return None

    @property
    def header(self) -> Sequence[str]:
        """Its name, its conventions, and what is not judged of it."""
        declared = {name: self.library.declared(name) for name in DECLARED}
        declared |= {name: ", ".join(self.library.offers(name)) for name in OFFERED}
        said = "; ".join(f"{name} {value}" for name, value in declared.items())
        return [
            f"library: {self.library.name} ({said})",
            *(f"not judged: {what}: {reason}" for what, reason in self._kit.left_out.items()),
        ]

    @property
    def environment(self) -> Mapping[str, str]:
        """Its name, and what is not judged."""
        return {
            "library": self.library.name,
            **({"not judged": "; ".join(self._kit.left_out)} if self._kit.left_out else {}),
        }

    @property
    def options(self) -> Sequence[str]:
        """That by which it was named."""
        return "--conformance", self.library.name


def own_library(config: pytest.Config) -> OwnLibrary | None:
    """The library that the options name. Raises ImplementationError."""
    name = config.getoption("ngd_conformance")
    if name is None:
        return None
    try:
        found = OwnLibrary(load_library(name, config.invocation_params.dir))
        if not found.claims:
            raise ImplementationError(f"it has nothing that is judged: {'; '.join(found.header[1:])}")
    except ImplementationError as error:
        raise ImplementationError(f"--conformance {name}: {error}") from error
    return found


def elsewhere(id: str) -> str:
    """What a claim of that id is, where it is one on a library; else nothing."""
    if not id.startswith(PREFIX):
        return ""
    return "a claim on a library of the user's own: name it with --conformance, as the command under `replay` in the file does"
