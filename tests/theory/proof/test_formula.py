"""Formulas: the notation, exact values, cleared denominators, the same meaning for a prover as for exact arithmetic."""

import random
import re
from collections.abc import Iterator
from fractions import Fraction

import pytest

from theory.catalogue import obligations
from theory.errors import FormulaError
from theory.proof.formula import DivisorError, comparisons, expression, holds, names, value
from theory.proof.implication import Implication
from theory.proof.provers import Prover

IMPLICATIONS = [
    pytest.param(part, id=f"{obligation.id}-{index}")
    for obligation in obligations.values()
    for index, part in enumerate([*obligation.parts, *(mutant.implication for mutant in obligation.mutants)])
]


def exactly(text: str, **numbers: Fraction) -> Fraction:
    return value(expression(text), numbers)


def by_python(text: str, values: dict[str, Fraction]) -> Fraction | bool:
    """The same text evaluated by Python itself, every integer but an exponent made a fraction."""
    lifted = re.sub(r"(?<![\w*])(?<!\*\* )(\d+)", r"Fraction(\1)", re.sub(r"\*\*(\d+)", r"**int(\1)", text))
    lifted = lifted.replace("int(Fraction(", "int((")
    found: Fraction | bool = eval(lifted, {"Fraction": Fraction, "int": int}, dict(values))
    return found


def test_values_of_every_operation() -> None:
    x, y = Fraction(2, 3), Fraction(5, 7)
    assert exactly("x + 2*y - 1", x=x, y=y) == x + 2 * y - 1
    assert exactly("-x**3/y", x=x, y=y) == -(x**3) / y
    assert exactly("(x - y)/2/3", x=x, y=y) == (x - y) / 6
    assert exactly("1/2 - x**1", x=x) == Fraction(1, 2) - x
    assert exactly("12", x=x) == 12


def test_names_come_in_their_order_once() -> None:
    assert names("b*a <= c + a < 1") == ("b", "a", "c")


@pytest.mark.parametrize("sign", ["<=", "<", ">=", ">", "=="])
def test_comparisons_decide_as_fractions_do(sign: str) -> None:
    for x in (Fraction(1, 3), Fraction(1, 2), Fraction(2, 3)):
        assert holds(f"x {sign} 1/2", {"x": x}) is eval(f"x {sign} half", {"x": x, "half": Fraction(1, 2)})


def test_a_chain_holds_when_every_comparison_does() -> None:
    assert [sign for _, sign, _ in comparisons("0 <= x < 1")] == ["<=", "<"]
    assert [holds("0 <= x < 1", {"x": Fraction(x)}) for x in (-1, 0, 1)] == [False, True, False]


@pytest.mark.parametrize("divisor", [Fraction(0), Fraction(-1)])
def test_a_divisor_must_be_positive(divisor: Fraction) -> None:
    with pytest.raises(DivisorError, match=f"is {divisor}, not positive"):
        exactly("1/x", x=divisor)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "x**0",
            "x**-1",
            "x**y",
            "x**0.5",
            "1.5*x",
            "f(x)",
            "x/0",
            "+x",
            "x % 2",
            "True*x",
            "x if x else x",
            "x @ x",
            "[x]",
        ),
        *("'x'", "x +", ""),
    ],
)
def test_what_is_not_in_the_notation_is_refused(text: str) -> None:
    with pytest.raises(FormulaError):
        expression(text)
    with pytest.raises(FormulaError):
        comparisons(f"{text} <= 1")


@pytest.mark.parametrize("text", ["x", "x != 1", "x in y", "not x < 1", "x < 1 and x > 0"])
def test_what_is_not_a_comparison_is_refused(text: str) -> None:
    with pytest.raises(FormulaError, match=r"not a comparison|not in the notation"):
        comparisons(text)


def test_a_name_without_a_value_is_named() -> None:
    with pytest.raises(FormulaError, match="y has no value; known: x"):
        exactly("x + y", x=Fraction(1))


@pytest.mark.parametrize("implication", IMPLICATIONS)
def test_texts_mean_to_python_what_they_mean_here(implication: Implication) -> None:
    """The statements of all obligations and mutants, at random points, against Python's own evaluation of the text."""
    stream = random.Random(repr(implication))
    for _ in range(5):
        point = {name: Fraction(stream.randint(1, 40), 40) for name in implication.variables}
        try:
            found = implication.values(point)
            decided = [holds(text, found) for text in (*implication.hypotheses, implication.conclusion)]
        except DivisorError:
            continue
        independent = dict(point)
        for name, text in implication.where.items():
            independent[name] = Fraction(by_python(text, independent))
        assert independent == found
        assert decided == [by_python(text, independent) for text in (*implication.hypotheses, implication.conclusion)]


@pytest.fixture(scope="module")
def z3() -> Iterator[Prover]:
    with Prover("z3") as prover:
        yield prover


@pytest.mark.parametrize("implication", IMPLICATIONS)
def test_queries_mean_to_a_prover_what_the_texts_mean(implication: Implication, z3: Prover) -> None:
    """With every variable fixed the query is satisfiable exactly where exact arithmetic finds a counterexample."""
    stream = random.Random(repr(implication))
    for _ in range(3):
        point = {name: Fraction(stream.randint(0, 12), 12) for name in implication.variables}
        try:
            expected = "sat" if implication.refuted_at(point) else "unsat"
        except DivisorError:
            continue
        fixed = [f"(assert (= {name} (/ {x.numerator}.0 {x.denominator}.0)))" for name, x in point.items()]
        assert z3.ask("\n".join([implication.proof_query(), *fixed])).answer == expected
