"""C2-path and K2-path: a norm against a ball is decided where both ends of the ball agree."""

from dataclasses import dataclass
from typing import Any

import pytest
from flint import arb, fmpq

from properties.chapters.stability import stability_path
from properties.engine.claim import Verdict


@dataclass(frozen=True)
class Changes:
    """Changes with a known squared norm."""

    square: fmpq

    def squares_at_most(self, limit: fmpq) -> bool:
        return bool(self.square <= limit)


@pytest.mark.parametrize(
    ("square", "verdict"),
    [
        (fmpq(3, 4) - fmpq(1, 1000), Verdict.HOLDS),
        (fmpq(3, 4) + fmpq(1, 1000), Verdict.UNDECIDED),
        (fmpq(1), Verdict.UNDECIDED),
        (fmpq(5, 4), Verdict.UNDECIDED),
        (fmpq(5, 4) + fmpq(1, 1000), Verdict.REFUTED),
    ],
)
def test_between_the_ends_of_a_ball_nothing_is_decided(square: fmpq, verdict: Verdict) -> None:
    changes: Any = Changes(square)
    between = arb(1, 0.25)
    ends = [stability_path.end_of(end) for end in (between.lower(), between.upper())]
    assert fmpq(3, 4) - fmpq(1, 1000) < ends[0] <= fmpq(3, 4) < fmpq(5, 4) <= ends[1] < fmpq(5, 4) + fmpq(1, 1000)
    assert stability_path._decided_between("label", changes, between, 1.0, 1.0).verdict is verdict
