"""The numbers of one optimiser's tube on one network: written into a data set's certificate, and read from it as bounds again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from properties.engine.report.plain import number
from theory.direction import Directed, LowerBound, UpperBound, as_lower_bound, raised
from theory.stability import TubeCertificate
from theory.stability.tube.shortfall import SHORTFALLS
from theory.theorems import tube


@dataclass(frozen=True)
class TubeNumbers(Directed):
    """What was certified; None where no tube closes, and of what is short where one does."""

    contraction: UpperBound | None = None
    """mu, below 1."""
    progress: LowerBound | None = None
    """``1 - mu``: a step's factor is ``1 - eta`` times it; K-FAC's ``1 - eta h_min`` times it."""
    lambda_min: LowerBound | None = None
    """``lambda_b``, K-FAC's ``sigma_b^2``."""
    path_sum: UpperBound | None = None
    """S."""
    shortfall: str | None = None
    """What is short, in words."""
    estimated_scale: float | None = None
    """Estimated: times so large a scale nu, or its square times the width, a tube would close."""

    @classmethod
    def of(cls, certificate: TubeCertificate) -> Self:
        """Of a certificate."""
        if certificate.failure is not None:
            scale = certificate.failure.estimated_scale
            known = None if math.isinf(scale) else scale
            return cls(shortfall=SHORTFALLS[certificate.failure.short], estimated_scale=known)
        mu = certificate.contraction
        progress = as_lower_bound(tube.progress(mu), "1 - mu")
        return cls(mu, progress, certificate.lambda_min, certificate.path_sum)

    def enough(self, width: int, scale: float, symmetric: bool) -> str:
        """From which width on, and from which nu, a tube is estimated to close; empty where unknown.

        nu is named for symmetric networks alone, as the residual of others grows with it at the start.
        """
        if self.estimated_scale is None:
            return ""
        other = f", or from nu = {raised(scale * self.estimated_scale, 2)} on" if symmetric else ""
        return f"from m = {raised(width * self.estimated_scale**2, 2)} on{other}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "contraction": self.contraction,
            "progress": self.progress,
            "lambda_min": self.lambda_min,
            "path_sum": self.path_sum,
            "shortfall": self.shortfall,
            "estimated_scale": self.estimated_scale,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What ``to_json`` gave; a key that is absent or null is None."""

        def known(key: str, kind: type[Any]) -> Any:
            return None if values.get(key) is None else kind(number(values[key]))

        return cls(
            contraction=known("contraction", UpperBound),
            progress=known("progress", LowerBound),
            lambda_min=known("lambda_min", LowerBound),
            path_sum=known("path_sum", UpperBound),
            shortfall=values.get("shortfall"),
            estimated_scale=known("estimated_scale", float),
        )
