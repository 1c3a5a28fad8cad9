"""Whether a supremum is below a limit: a certificate decides for it, an attack against it, and nothing else decides at all."""

from __future__ import annotations

from properties.engine.claim import Verdict
from theory.direction import Attained, UpperBound, as_attained, as_upper_bound
from theory.errors import DirectionError


def below(limit: float, certified: UpperBound, attained: Attained | None = None) -> Verdict:
    """Holds where the certified upper bound is below the limit, refuted where a value at or above it is attained; else undecided.

    Raises DirectionError for numbers of another kind, and where more is attained than is certified: one of the two is wrong then.
    """
    most = as_upper_bound(certified, "the certificate's constant")
    if attained is not None and as_attained(attained, "the attack's constant") > most:
        raise DirectionError(f"{attained} is attained, but at most {most} certified: one of the two is no bound")
    if most < limit:
        return Verdict.HOLDS
    return Verdict.REFUTED if attained is not None and attained >= limit else Verdict.UNDECIDED
