"""A step of the user's own as what the claims of a run are about: its options, its claims, what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from properties.engine.claim import Claim
from properties.engine.run.place import Place
from properties.guard.damping import Damping
from properties.guard.implementation import OWN_PREFIX, SINGULAR, Implementation, load_implementation
from properties.guard.step_place import step_place
from theory.errors import ChoiceError, ImplementationError

if TYPE_CHECKING:
    import pytest

COMPANIONS = MappingProxyType(
    {
        "--optimiser": ("--implementation", "--optimiser says what the step of --implementation is; give both"),
        "--damping": ("--implementation", "--damping says what the step of --implementation is damped by; give both"),
        "--damping-kind": ("--damping", "--damping-kind says what the eps of --damping is added to; give both"),
        "--singular": ("--implementation", "--singular says what the step of --implementation promises; give both"),
    }
)


@dataclass(frozen=True)
class OwnStep:
    """The step of ``--implementation``, with what the engine asks of it."""

    implementation: Implementation

    @cached_property
    def claims(self) -> Mapping[str, Claim[Any]]:
        """The claims on the step."""
        from properties.guard.claims import own_claims  # of which a run without a step needs nothing

        return own_claims(self.implementation)

    @property
    def place(self) -> Place | None:
        """Where the step is written."""
        return step_place(self.implementation)

    @property
    def header(self) -> Sequence[str]:
        """Its name, and what is not checked of it."""
        lines = [f"implementation: {self.implementation.text}"]
        if self.implementation.damping is not None:
            lines.append(
                "with damping: contract, fixed point and the damped step are checked, the theorems' rates are not"
            )
        return lines

    @property
    def environment(self) -> Mapping[str, str]:
        """What the step claims."""
        own = self.implementation
        found = {"implementation": own.name}
        if own.damping is not None:
            found["damping"] = own.damping.text
        if own.singular != SINGULAR[0]:
            found["singular"] = own.singular
        return found

    @property
    def options(self) -> Sequence[str]:
        """Those by which it was named."""
        return self.implementation.options


def own_step(config: pytest.Config) -> OwnStep | None:
    """The step that the options name. Raises ImplementationError."""
    name = config.getoption("ngd_implementation")
    if name is None:
        return None
    optimiser, eps = config.getoption("ngd_optimiser") or "ngd", config.getoption("ngd_damping")
    try:
        damping = None if eps is None else Damping.of(eps, config.getoption("ngd_damping_kind"), optimiser)
        singular = config.getoption("ngd_singular") or SINGULAR[0]
        found = load_implementation(name, optimiser, config.invocation_params.dir, damping, singular)
    except ImplementationError as error:
        raise ImplementationError(f"--implementation {name}: {error}") from error
    return OwnStep(found)


def elsewhere(id: str) -> str:
    """What a claim of that id is, where it is one on a step; else nothing."""
    if not id.startswith(OWN_PREFIX):
        return ""
    return (
        "a claim on a step of the user's own: name the step with --implementation, "
        "as the command under `replay` in the file does"
    )


def check_contradictions(config: pytest.Config) -> None:
    """Refuse options on a step that contradict each other. Raises ChoiceError."""
    if config.getoption("ngd_singular") and config.getoption("ngd_damping") not in (None, False):
        raise ChoiceError("--singular says nothing with --damping: a damped matrix is never singular; give one of them")
    if config.getoption("ngd_implementation") and config.getoption("ngd_dataset"):
        raise ChoiceError("--implementation runs the claims on a step, --dataset certifies data; give one of them")
