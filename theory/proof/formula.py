"""Inequalities between rational functions, written as text: exact values, cleared denominators, SMT-LIB.

The text is ordinary notation with Python's operators: names, integers, ``+ - * /``, ``**`` with an integer exponent, and
chains of comparisons such as ``0 <= C < 3/5``. Every divisor that is not an integer must be positive; who uses a formula
proves that as well (theory/proof/implication.py).
"""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

from theory.errors import FormulaError

_COMPARISONS: Mapping[type[ast.cmpop], str] = {ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">", ast.Eq: "="}

_DECISIONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "=": operator.eq,
}


class DivisorError(ArithmeticError):
    """A divisor that has to be positive is not; the message says which and its value."""


@cache
def expression(text: str) -> ast.expr:
    """The expression that ``text`` stands for. Raises FormulaError for anything but the notation of this module."""
    node = _parsed(text)
    _check(node, text)
    return node


@cache
def comparisons(text: str) -> tuple[tuple[ast.expr, str, ast.expr], ...]:
    """The comparisons of a chain, each as (left, "<=" or "<" or ">=" or ">" or "=", right). Raises FormulaError."""
    node = _parsed(text)
    if not isinstance(node, ast.Compare) or any(type(sign) not in _COMPARISONS for sign in node.ops):
        raise FormulaError(
            f"{text!r} is not a comparison; write a <= b, a < b, a >= b, a > b, a == b, or a chain of them"
        )
    sides = [node.left, *node.comparators]
    for side in sides:
        _check(side, text)
    return tuple(
        (left, _COMPARISONS[type(sign)], right) for (left, right), sign in zip(pairwise(sides), node.ops, strict=True)
    )


@cache
def names(text: str) -> tuple[str, ...]:
    """The names in a text, in the order in which they occur. Raises FormulaError."""
    found = [node for node in ast.walk(_parsed(text)) if isinstance(node, ast.Name)]
    return tuple(dict.fromkeys(node.id for node in sorted(found, key=lambda node: node.col_offset)))


def value(node: ast.expr, values: Mapping[str, Fraction]) -> Fraction:
    """The exact value of an expression. Raises DivisorError when a divisor is not positive."""

    def divide(numerator: Fraction, divisor: Fraction) -> Fraction:
        if divisor <= 0:
            raise DivisorError(f"a divisor in {ast.unparse(node)} is {divisor}, not positive")
        return numerator / divisor

    found: Fraction = _evaluate(node, values, Fraction, divide)
    return found


def holds(text: str, values: Mapping[str, Fraction]) -> bool:
    """Whether every comparison of a chain holds, in exact arithmetic. Raises DivisorError, FormulaError."""
    return all(_DECISIONS[sign](value(left, values), value(right, values)) for left, sign, right in comparisons(text))


@dataclass(frozen=True)
class Quotient:
    """A rational function as an SMT-LIB term over a product of positive divisors, each with its multiplicity."""

    term: str
    divisors: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Quotient) -> Quotient:
        """The sum, over the least product that both divide."""
        common = self.divisors | other.divisors
        return Quotient(f"(+ {self._over(common)} {other._over(common)})", common)

    def __neg__(self) -> Quotient:
        """The same with the opposite sign."""
        return Quotient(f"(- {self.term})", self.divisors)

    def __sub__(self, other: Quotient) -> Quotient:
        """The difference."""
        return self + -other

    def __mul__(self, other: Quotient) -> Quotient:
        """The product."""
        return Quotient(f"(* {self.term} {other.term})", self.divisors + other.divisors)

    def __truediv__(self, other: Quotient) -> Quotient:
        """The quotient; ``other`` is taken to be positive, and its term becomes a divisor."""
        term = _product(self.term, other.divisors - self.divisors)
        return Quotient(term, self.divisors - other.divisors + Counter([other.term]))

    def _over(self, divisors: Counter[str]) -> str:
        return _product(self.term, divisors - self.divisors)


def quotient(node: ast.expr, values: Mapping[str, Quotient], divisors: set[str]) -> Quotient:
    """An expression with its denominators collected; adds the term of everything it divides by to ``divisors``."""

    def divide(numerator: Quotient, divisor: Quotient) -> Quotient:
        divisors.add(divisor.term)
        return numerator / divisor

    found: Quotient = _evaluate(node, values, lambda constant: Quotient(_literal(constant)), divide)
    return found


def cleared(text: str, values: Mapping[str, Quotient], divisors: set[str]) -> list[tuple[str, str]]:
    """The comparisons of a chain as (sign, term to be compared with 0), the same where all divisors are positive.

    Adds the term of everything it divides by to ``divisors``; those of the ``values`` are not among them.
    """
    return [
        (sign, (quotient(left, values, divisors) - quotient(right, values, divisors)).term)
        for left, sign, right in comparisons(text)
    ]


def _product(term: str, factors: Counter[str]) -> str:
    return f"(* {' '.join([term, *factors.elements()])})" if factors else term


def _literal(constant: Fraction) -> str:
    return f"{constant}.0" if constant.denominator == 1 else f"(/ {constant.numerator}.0 {constant.denominator}.0)"


def _evaluate(
    node: ast.expr,
    values: Mapping[str, Any],
    constant: Callable[[Fraction], Any],
    divide: Callable[[Any, Any], Any],
) -> Any:
    """A checked expression in any arithmetic that has ``+ - *``."""
    match node:
        case ast.Constant(value=int(number)):
            return constant(Fraction(number))
        case ast.Name(id=name):
            if name not in values:
                raise FormulaError(f"{name} has no value; known: {', '.join(values)}")
            return values[name]
        case ast.UnaryOp(operand=operand):
            return -_evaluate(operand, values, constant, divide)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
            base = _evaluate(left, values, constant, divide)
            power = base
            for _ in range(exponent - 1):
                power = power * base
            return power
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=int(number))):
            return _evaluate(left, values, constant, divide) * constant(Fraction(1, number))
        case ast.BinOp(left=left, op=sign, right=right):
            one = _evaluate(left, values, constant, divide)
            other = _evaluate(right, values, constant, divide)
            match sign:
                case ast.Add():
                    return one + other
                case ast.Sub():
                    return one - other
                case ast.Mult():
                    return one * other
            return divide(one, other)
    raise AssertionError(ast.dump(node))


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise FormulaError(f"{text!r} cannot be read: {error.msg}") from error


def _check(node: ast.expr, text: str) -> None:
    """Refuse what is not in the notation, so that every formula means the same to Python and to a prover."""
    match node:
        case ast.Constant(value=number) if type(number) is int:
            return None
        case ast.Name():
            return None
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _check(operand, text)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(exponent))) if exponent >= 1:
            return _check(left, text)
        case ast.BinOp(op=ast.Div(), right=ast.Constant(value=0)):
            raise FormulaError(f"{text!r} divides by 0")
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div(), right=right):
            _check(left, text)
            return _check(right, text)
    raise FormulaError(
        f"{text!r}: {ast.unparse(node)!r} is not in the notation of formulas: names, integers, + - * / and ** with an "
        "integer exponent of 1 or more"
    )
