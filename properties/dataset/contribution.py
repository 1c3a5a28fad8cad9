"""What one topic adds to a data set's certificate: claims evaluated, values for the JSON, lines for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from properties.engine.claim import Evaluation
from theory.direction import CertifiedSteps, Directed, UpperBound
from theory.theorems.ngd import iterations


@dataclass(frozen=True)
class Prediction(Directed):
    """What a theorem says of an optimiser's run whose hypotheses are certified for its first steps."""

    source: str
    """The theorem's id."""
    factor: UpperBound
    """``||r(k+1)|| <= factor ||r(k)||`` (not squared)."""
    steps: CertifiedSteps
    """The steps for which the path is certified: the theorem speaks of k <= steps."""

    def iterations(self, reduction: float) -> int | None:
        """The least k with ``factor^k <= reduction``; None when the factor is not below 1.

        Beyond ``steps`` it is what the theorem says if Condition 2 goes on to hold with the same C.
        """
        return iterations(self.factor, reduction) if 0 < self.factor < 1 else None

    def bound(self, initial: float) -> list[float]:
        """``factor^k ||r(0)||``, k = 0 ... steps."""
        return [initial * self.factor**k for k in range(self.steps + 1)]


@dataclass(frozen=True)
class Contribution:
    """A topic's share of the certificate of one rung, or of the inputs."""

    topic: str
    """The key of ``values`` in the JSON."""
    results: tuple[tuple[str, Evaluation], ...] = ()
    """Evaluations of claims on family F5: (claim id, evaluation)."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Plain values."""
    lines: tuple[str, ...] = ()
    """What the terminal shows, without indentation."""
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    """By optimiser, for its run of the rung; of several topics' the fastest is shown."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """By part, why it could not be computed."""

    def joined(self, other: Contribution) -> Contribution:
        """Both, where the same topic was asked about one optimiser and another."""
        return Contribution(
            self.topic,
            (*self.results, *other.results),
            {**self.values, **other.values},
            (*self.lines, *other.lines),
            {**self.predictions, **other.predictions},
            {**self.unavailable, **other.unavailable},
        )
