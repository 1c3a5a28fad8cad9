"""K-bernstein: Bernstein's inequality, which T5-width takes from the literature, against exact tails of binomials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq
from hypothesis import strategies as st

from properties.engine.claim import Bound, Claim, Family, Provenance, at_most_enclosed
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from theory.rigour.precision import working_precision
from theory.theorems.finite_width import bernstein_deviation

BITS = 192


@stored_as("binomial-deviation")
@dataclass(frozen=True)
class BinomialDeviation:
    """N independent terms that are 1 with probability p, else 0, and the exponent L."""

    count: int
    chance: fmpq
    exponent: fmpq

    def tail(self, deviation: arb) -> arb:
        """``P(the sum exceeds its mean by at least the deviation)``, exactly but for where the deviation ends."""
        least = self.count * arb(self.chance) + deviation
        found = [self._at_least(int(end.ceil().unique_fmpz())) for end in (least.lower(), least.upper())]
        return found[0].union(found[1])

    def _at_least(self, successes: int) -> arb:
        if successes <= 0:
            return arb(1)
        if successes > self.count:
            return arb(0)
        p = arb(self.chance)
        return p.beta_lower(arb(successes), arb(self.count - successes + 1), regularized=True)


@dataclass(frozen=True)
class Bernstein(Stated):
    """How far the sum may exceed its mean."""

    deviation: Callable[[arb, arb], arb] = lambda V, L: arb(bernstein_deviation(V, arb(1), L))
    """``(V, L)`` -> by how much."""

    def conclusion(self, instance: BinomialDeviation) -> Sequence[Bound]:
        """The exact tail at most ``e^{-L}``."""
        with working_precision(BITS):
            L = arb(instance.exponent)
            measured = instance.tail(self.deviation(instance.count * arb(instance.chance), L))
            return [at_most_enclosed("P(sum - mean >= (2 V L)^{1/2} + 2L/3) <= e^{-L}", measured, (-L).exp())]


def _binomials(**changes: Any) -> Family[BinomialDeviation]:
    parts = {
        "count": st.integers(1, 3000),
        "chance_of_a_million": st.integers(1, 500_000),
        "exponent_tenths": st.integers(1, 200),
    }
    return described_family(
        "binomials",
        "binomials of any size and probability up to 1/2",
        lambda d: BinomialDeviation(d["count"], fmpq(d["chance_of_a_million"], 10**6), fmpq(d["exponent_tenths"], 10)),
        (60, 500, 4000),
        **{**parts, **changes},
    )


_RARE = _binomials(chance_of_a_million=st.integers(1, 300), count=st.integers(1, 200))
_LARGE = _binomials(
    count=st.integers(2000, 3000),
    chance_of_a_million=st.integers(100_000, 300_000),
    exponent_tenths=st.integers(20, 60),
)

K_BERNSTEIN = Bernstein().claim(
    "K-bernstein",
    "independent terms in [0, b] with second moments of sum V exceed their mean by at least (2 V L)^{1/2} + 2 b L/3 with probability at most e^{-L}",
    Provenance.LITERATURE,
    mutant("linear-term-dropped", "(2 V L)^{1/2} alone", families=(_RARE,), deviation=lambda V, L: (2 * V * L).sqrt()),
    mutant("root-dropped", "2 L/3 alone", deviation=lambda V, L: 2 * L / 3),
    mutant(
        "variance-halved",
        "(V L)^{1/2} + 2 L/3",
        "second moments of sum V",
        (_LARGE,),
        deviation=lambda V, L: (V * L).sqrt() + 2 * L / 3,
    ),
    source="Bernstein's inequality; docs/generalisation.md, K-bernstein",
    families=(_binomials(),),
    formulas=Formulas(
        hypotheses=("independent terms in $[0,b]$, the sum of their second moments $V$",),
        conclusion=(
            r"The sum exceeds its mean by at least $(2VL)^{1/2}+\dfrac{2bL}{3}$ with probability at most $e^{-L}$.",
        ),
    ),
    also=("second moments of sum V",),
)

SLACK = (
    SlackRow(
        claim="K-bernstein",
        quantity="the factor 2/3 of b L",
        remark="from the literature; 1/3 is known to suffice for bounded centred terms (Bennett), and is not proved here",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (K_BERNSTEIN,)
