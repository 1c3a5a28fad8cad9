"""Faults in what is kept from step to step."""

from __future__ import annotations

from collections.abc import Sequence

from properties.conformance.plain import Array
from properties.conformance.plain_steps import PlainSteps


class DampingRaised(PlainSteps):
    """The damping is raised when the step was not rejected."""

    id, number = "damping-raised", 14

    def adapted(self, damping: float, rejected: bool) -> float:
        return super().adapted(damping, not rejected)


class WrongClip(PlainSteps):
    """The clip measures the gradient in place of v.g."""

    id, number = "wrong-clip", 22

    def clip(self, directions: Sequence[Array], g: Sequence[Array], bound: float, step_size: float) -> list[float]:
        return super().clip(g, g, bound, step_size)


class NotRestored(PlainSteps):
    """The parameters of a rejected step stay."""

    id, number = "not-restored", 40

    def restored(self, before: list[Array], after: list[Array]) -> list[Array]:
        return after


class WeightsOfAverage(PlainSteps):
    """The weights of the moving average do not sum to 1."""

    id, number = "weights-of-average", 42

    def average_weights(self, decay: float) -> tuple[float, float]:
        return decay, 1.0


class ClippedByLayer(PlainSteps):
    """Every layer is clipped by itself."""

    id, number = "clipped-by-layer", 0

    def clip(self, directions: Sequence[Array], g: Sequence[Array], bound: float, step_size: float) -> list[float]:
        pairs = zip(directions, g, strict=True)
        return [super(ClippedByLayer, self).clip([d], [e], bound, step_size)[0] for d, e in pairs]


class NeverRefreshed(PlainSteps):
    """Factors are computed anew at every step, whatever the options say."""

    id, number = "always-refreshed", 0

    def run(self, problem, batches, options):  # type: ignore[no-untyped-def]
        return super().run(problem, batches, {**options, "refresh_every": 1})
