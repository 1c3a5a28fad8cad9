"""The numbers that NGD's topic finds on one network: written into a data set's certificate, and read from it as bounds again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from properties.engine.report.plain import number
from theory.direction import NO_STEPS, Attained, CertifiedSteps, Directed, LowerBound, UpperBound

Limits = Mapping[str, LowerBound]
"""Step sizes by theorem; 0 where it allows none."""


@dataclass(frozen=True)
class NaturalGradientNumbers(Directed):
    """Constants of Condition 2 and the step sizes that they allow; None where nothing could be computed."""

    radius: UpperBound | None = None
    """Of Condition 2's ball, a distance (not squared)."""
    ball_constant: UpperBound | None = None
    attack_constant: Attained | None = None
    """C at weights that were found in the ball."""
    path_constant: UpperBound | None = None
    """C along the path of the rung's run."""
    path_steps: CertifiedSteps = NO_STEPS
    """How many of its steps that is."""
    path_end: str | None = None
    """Why it has no more."""
    ball_limits: Limits = field(default_factory=dict)
    """Step sizes up to which every one is allowed, as C holds over the ball."""
    path_limits: Limits = field(default_factory=dict)
    """Step sizes each of which C along its own path allows."""
    certified_steps: Mapping[str, CertifiedSteps] = field(default_factory=dict)
    """How many steps each of those paths has."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, under the keys of claims.json."""
        return {
            "radius": self.radius,
            "ball_constant": self.ball_constant,
            "attack_constant": self.attack_constant,
            "path_constant": self.path_constant,
            "path_steps": self.path_steps,
            "path_end": self.path_end,
            "step_limits": {"ball": dict(self.ball_limits), "path": dict(self.path_limits)},
            "certified_steps": dict(self.certified_steps),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> NaturalGradientNumbers:
        """What ``to_json`` gave; a key that is absent or null is None, 0 steps, or no step size."""
        limits, ends = values.get("step_limits", {}), ("ball_constant", "path_constant", "radius")
        upper = {key: None if values.get(key) is None else UpperBound(number(values[key])) for key in ends}
        attained = values.get("attack_constant")
        allowed = {
            kind: {theorem: LowerBound(number(eta)) for theorem, eta in limits.get(kind, {}).items() if eta is not None}
            for kind in ("ball", "path")
        }
        return cls(
            attack_constant=None if attained is None else Attained(number(attained)),
            path_steps=CertifiedSteps(values.get("path_steps") or 0),
            path_end=values.get("path_end"),
            ball_limits=allowed["ball"],
            path_limits=allowed["path"],
            certified_steps={id: CertifiedSteps(steps) for id, steps in values.get("certified_steps", {}).items()},
            **upper,
        )
