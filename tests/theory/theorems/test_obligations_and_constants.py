"""At a step limit or a width an obligation is an equality; its squares are those of the rates; a width rounded up.

That limits as text are those that functions calculate: test_calculated.py.
"""

from fractions import Fraction

import pytest
from flint import arb, fmpq

from theory.catalogue import obligations
from theory.proof.formula import comparisons, holds, value
from theory.rigour.precision import working_precision
from theory.theorems import (
    chernoff,
    general_loss,
    ngd,
)

C, HALF_C = Fraction(3, 10), Fraction(3, 20)
c = C / 3
q = 2 * C / (3 - C)
"""The C that belongs to a deficit q is 3q/(2+q)."""

LOSS = {"mu": Fraction(2, 3), "L": Fraction(7, 5)}
WIDTH = {
    "n": Fraction(5),
    "E": Fraction(7),
    "C": Fraction(2, 5),
    "nu": Fraction(1, 3),
    "eigenvalue": Fraction(1, 7),
    "delta": Fraction(1, 10),
    "pi": Fraction(22, 7),
    "m": Fraction(1000),
}


TIGHT = [
    ("O-t1", 0, "eta", {"C": C}),
    ("O-tq", 2, "eta", {"C": C}),
    ("O-sharp-rate", 0, "eta", {"c": c}),
    ("O-sharp-rate", 2, "eta", {"c": c}),
    ("O-t2", 0, "eta", {"C": HALF_C, **LOSS}),
    ("O-t2q-rate", 0, "eta", {"q": q, **LOSS}),
    ("O-t4", 1, "h", {"q": q}),
    ("O-t0", 1, "x", {"c": c}),
    ("O-t3", 2, "m", WIDTH),
    ("O-t3-symmetric", 1, "m", WIDTH),
]


@pytest.mark.parametrize(("id", "part", "variable", "point"), TIGHT)
def test_at_the_limit_there_is_equality_and_beyond_a_violation(
    id: str, part: int, variable: str, point: dict[str, Fraction]
) -> None:
    """``eta = limit`` turns the conclusion into an equality; 1.0001 times it (0.9999, for a width) violates it."""
    implication = obligations[id].parts[part]
    at = {**dict.fromkeys(implication.variables, Fraction(1)), **point}
    limit = implication.values(at)["limit"]
    ((left, _, right),) = comparisons(implication.conclusion)

    found = implication.values({**at, variable: limit})
    assert all(holds(text, found) for text in implication.hypotheses)
    assert value(left, found) == value(right, found)

    wider = Fraction(10001 if variable != "m" else 9999, 10000)
    assert not holds(implication.conclusion, implication.values({**at, variable: limit * wider}))
    within = {**at, variable: limit / wider}
    assert holds(implication.conclusion, implication.values(within))


def test_the_chernoff_width_is_the_obligation_s_rounded_up() -> None:
    implication = obligations["O-t3"].parts[0]
    beta, log = chernoff.chernoff_exponent(), (arb(5) / arb(fmpq(1, 30))).log()
    numbers = {"beta": Fraction(beta), "eigenvalue": Fraction(1, 7), "norm2": Fraction(3), "m": Fraction(1)}
    limit = implication.values({**numbers, "log": Fraction(float(log))})["limit"]
    assert limit <= chernoff.chernoff_width(1 / 7, 3.0, 5, 1 / 30) <= limit + 2


def test_rates_are_the_factors_in_the_obligations() -> None:
    """The squares that the obligations compare are those of ``rate``."""
    eta = Fraction(1, 3)
    with working_precision(300):

        def ball(number: Fraction) -> arb:
            return arb(fmpq(number.numerator, number.denominator))

        for id, part, found, own in (
            ("O-tq", 2, {"C": C}, ngd.rate(ball(eta), ball(C), "T1-q")),
            ("O-sharp-rate", 0, {"c": c}, ngd.rate(ball(eta), ball(C), "T1-sharp")),
        ):
            implication = obligations[id].parts[part]
            ((left, _, right),) = comparisons(implication.conclusion)
            values = implication.values({**found, "eta": eta})
            assert (own**2 - ball(value(left, values))).contains(0)
            assert (ngd.rate(ball(eta), ball(C), "T1") ** 2 - ball(value(right, values))).contains(0)
        implication = obligations["O-t2q-rate"].parts[0]
        ((left, _, right),) = comparisons(implication.conclusion)
        values = implication.values({"q": q, **LOSS, "eta": eta})
        mu, L = ball(LOSS["mu"]), ball(LOSS["L"])
        for side, theorem in ((left, "T2-q"), (right, "T2")):
            rate = general_loss.rate(ball(eta), ball(C), mu, L, theorem)
            assert (rate**2 - ball(value(side, values))).contains(0)
