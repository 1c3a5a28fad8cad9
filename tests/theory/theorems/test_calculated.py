"""The constants in obligations and ranges are those that functions calculate: both are evaluated at the same rational points.

The text in fractions, the function in balls of 300 bits. The points are so many and so far from each other that two rational functions
of the degrees that occur here are the same when they agree at all of them. Modules list what belongs together (``CALCULATED``); a
constant that none of them lists is found here.
"""

from __future__ import annotations

import ast
import dataclasses
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import pytest
from flint import arb, fmpq

from theory.catalogue import calculated, obligations, ranges
from theory.proof.calculated import Calculated
from theory.proof.formula import expression, holds, value
from theory.proof.implication import Implication
from theory.proof.obligation import Obligation
from theory.proof.range import Range
from theory.rigour.precision import working_precision

POINTS, ATTEMPTS = 24, 20_000
COUNTS = ("n", "m")
GREEK = {"beta", "delta", "eta", "kappa", "lambda", "mu", "nu", "rho", "theta"}
OF_PROOFS = {"next", "even", "odd", "lower", "upper", "density", "share"}
"""Names that stand for a step of a proof, and for no number that a user asks for."""


def points(one: Calculated) -> Iterator[dict[str, Fraction]]:
    """Rational points within, of both sides of 1, drawn by a seed of its own."""
    rng = random.Random(one.text)
    found = 0
    for _ in range(ATTEMPTS):
        point = {
            name: Fraction(rng.randint(1, 9) if name in COUNTS else Fraction(rng.randint(1, 97), rng.randint(1, 97)))
            for name in one.letters
        }
        if all(holds(text, point) for text in one.within):
            yield point
            found += 1
            if found == POINTS:
                return
    raise AssertionError(f"{one.text!r}: fewer than {POINTS} of {ATTEMPTS} points are within {one.within}")


def differs(one: Calculated) -> str:
    """Where the two are not the same; "" if nowhere."""
    for point in points(one):
        expected = value(expression(one.text), point)
        with working_precision(300):
            ball = arb(fmpq(expected.numerator, expected.denominator))
            found = one.function(**{name: given(name, number) for name, number in point.items()})
            difference = arb(found) - ball
            if not (difference.contains(0) and abs(difference).upper() <= abs(ball) * arb(2) ** -250):
                return f"at {', '.join(f'{name} = {number}' for name, number in point.items())}: {found} and {expected}"
    return ""


def given(name: str, number: Fraction) -> Any:
    return int(number) if name in COUNTS else arb(fmpq(number.numerator, number.denominator))


def is_letter(name: str) -> bool:
    """Whether a name is a symbol of a formula: one letter, or Greek, and perhaps a number or an index."""
    stem = re.sub(r"\d+$", "", name)
    return len(stem) == 1 or stem in GREEK


def not_calculated(
    obligations: Mapping[str, Obligation], ranges: tuple[Range, ...], known: tuple[Calculated, ...]
) -> list[str]:
    """The definitions under a word that no module ties to a function."""
    texts = {plain(one.text) for one in known}
    definitions = [
        (f"{id}, part {part}", implication.where)
        for id, obligation in obligations.items()
        for part, implication in enumerate(obligation.parts)
    ]
    definitions += [(f"a range of {one.theorem}", one.where) for one in ranges]
    return [
        f"{place}: {name} = {text} is calculated by no function; add it to CALCULATED of the theorem's module"
        for place, where in definitions
        for name, text in where.items()
        if not is_letter(name) and name not in OF_PROOFS and plain(text) not in texts
    ]


def plain(text: str) -> str:
    return ast.unparse(expression(text))


@pytest.mark.parametrize("one", calculated, ids=lambda one: one.text)
def test_a_text_is_what_the_function_calculates(one: Calculated) -> None:
    assert differs(one) == ""


def test_every_constant_of_an_obligation_or_a_range_is_calculated() -> None:
    assert not_calculated(obligations, ranges, calculated) == []


def test_each_theorem_with_the_limit_of_another_has_a_function_of_its_own() -> None:
    """One of them left out would be calculated as something else unseen: the text would still be another's."""
    counted = Counter(plain(one.text) for one in calculated)
    shared = {
        "2*c/(1-c)": 2,
        "(1-2*q)/(1-q)**2": 2,
        "(1-2*mu)/(1-mu)**2": 2,  # T1-tube, T4-tube
        "2/(1-C/3)": 3,
        "rho*(2-rho)": 3,  # T1-sharp, T4-sharp, T4-least
        "3*(3+C)*(1-C)/(3-C)**2/h_max": 2,  # T4-sharp, T4-least
        "2/(mu+L)*(1 - (1+L/mu)*C)/(1+C)**2": 2,  # T2, T2-tube
        "2/(mu+L)*(1 - (1+L/mu)*q)/(1-q)**2": 2,  # T2-q, T2-tube-q
        "(2/(mu+L) - q/mu)/(1-q)": 2,  # T2-q, T2-tube-q
    }
    assert {text: number for text, number in counted.items() if number > 1} == {
        plain(text): number for text, number in shared.items()
    }


def test_the_points_differ_in_every_letter() -> None:
    for one in calculated:
        found = list(points(one))
        assert all(len({point[name] for point in found}) > POINTS // 4 for name in one.letters), one.text


# --- what is wrong is found ------------------------------------------------------------------------------------------


def scaled(one: Calculated, factor: Fraction) -> Calculated:
    return dataclasses.replace(one, text=f"{factor.numerator}/{factor.denominator}*({one.text})")


@pytest.mark.parametrize("one", calculated[::6], ids=lambda one: one.text)
def test_another_constant_is_noticed(one: Calculated) -> None:
    """By a millionth, or with a letter to another power; of a sample."""
    wrong = dataclasses.replace(scaled(one, Fraction(1000001, 1000000)), within=one.within)
    assert differs(dataclasses.replace(wrong, function=one.function))
    if letters := [name for name in one.letters if re.search(rf"\b{name}\b", one.text)]:
        power = re.sub(rf"\b{letters[0]}\b", f"{letters[0]}**2", one.text, count=1)
        if "**2**" not in power:
            assert differs(dataclasses.replace(one, text=power))


def test_a_new_limit_that_no_function_calculates_is_named() -> None:
    limit = "(1-3*C)/(1+C)**2"
    part = Implication(("0 <= C", "0 < eta <= limit"), "eta <= 1", {"limit": limit})
    new = {"O-new": Obligation("O-new", "a new step limit", (part,), ())}
    (message,) = not_calculated(new, (), calculated)
    assert (
        message
        == f"O-new, part 0: limit = {limit} is calculated by no function; add it to CALCULATED of the theorem's module"
    )
    (message,) = not_calculated({}, (Range("T9", (("O-new", 0),), ("0 <= C",), {"step": limit}),), calculated)
    assert message.startswith("a range of T9: step = ")
    assert not_calculated(new, (), (*calculated, Calculated(limit, lambda C: 0))) == []


def test_a_hypothesis_that_no_point_meets_is_noticed() -> None:
    with pytest.raises(AssertionError, match="fewer than"):
        differs(Calculated("C", lambda C: C, ("C < 0",)))


def test_words_and_letters() -> None:
    assert all(is_letter(name) for name in ("q", "rho", "R2", "b2", "kappa"))
    assert not any(is_letter(name) for name in ("limit", "radius", "motion2", "factor_limit"))
