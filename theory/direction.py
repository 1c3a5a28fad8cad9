"""Numbers that say on which side of the truth they lie: certified upper and lower bounds, and values that were attained.

A float says nothing of what stands behind it. An ``UpperBound`` is at least the number that it is about, whatever the rounding; a
``LowerBound`` is at most that number; an ``Attained`` value is one that explicit weights are shown to reach, so that a supremum over
them is no less. Only a certificate makes one. To calculate with a bound gives a plain float again: the result has lost its
certificate, until a function that knows the direction of its rounding and of its arguments gives it back (``bounding``).
What decides, prints or allows something asks for the right kind, in its annotations and, for callers that no type checker has seen, by
``as_upper_bound``, ``as_lower_bound`` and ``as_attained``.
"""

from __future__ import annotations

import functools
import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

from theory.errors import DirectionError


class Bound(float):
    """A number that was certified in some direction; made by the kinds below only. Raises DirectionError."""

    __slots__ = ()

    relation: ClassVar[str]
    """How the number of which it is known compares with it."""
    evidence: ClassVar[str]
    """How it is known, in the word that is printed."""
    rounding: ClassVar[str]
    """How its decimals are cut, so that what is printed is of the same kind."""

    def __new__(cls, value: float) -> Self:
        """Vouch for a number. Raises DirectionError: for one of another direction, and for what is no number."""
        if cls is Bound:
            raise DirectionError(
                f"{value} bounds something, but on which side is not said; take one of the kinds of bounds"
            )
        if isinstance(value, Bound) and type(value) is not cls:
            raise DirectionError(
                f"{value} is {_named(type(value))}, and does not become {_named(cls)} by calling it one"
            )
        if math.isnan(value):
            raise DirectionError(f"nan is not {_named(cls)}; inf and -inf bound what nothing is known of")
        if float(value) != value:
            raise DirectionError(f"{value} is no float64 number; round it in the direction of {_named(cls)} first")
        return super().__new__(cls, value)


class UpperBound(Bound):
    """A number that is certainly at least the one that it is about; inf where nothing is known."""

    __slots__ = ()
    relation, evidence, rounding = "<=", "certified", ROUND_CEILING


class LowerBound(Bound):
    """A number that is certainly at most the one that it is about; -inf where nothing is known."""

    __slots__ = ()
    relation, evidence, rounding = ">=", "certified", ROUND_FLOOR


class Attained(Bound):
    """A number that something at hand certainly reaches: the supremum is no less, and may be more."""

    __slots__ = ()
    relation, evidence, rounding = ">=", "attained", ROUND_FLOOR


class CertifiedSteps(int):
    """How many steps of a run a certificate covers, counted from the first; made where the steps were certified."""

    __slots__ = ()


NO_STEPS = CertifiedSteps(0)
"""Where there is no path."""

UNBOUNDED = UpperBound(math.inf)
"""What is known from above where nothing was certified."""

NONNEGATIVE = LowerBound(0.0)
"""What is known from below of a number that is not negative: an eigenvalue of ``X^T X``, a step size where no theorem allows any."""

Kind = TypeVar("Kind", bound=Bound)
Parameters = ParamSpec("Parameters")


_NAMES: Mapping[type, str] = {
    UpperBound: "a certified upper bound",
    LowerBound: "a certified lower bound",
    Attained: "an attained value",
    CertifiedSteps: "a number of certified steps",
}


def _named(kind: type) -> str:
    return _NAMES.get(kind, f"a plain {kind.__name__}")


def _as(kind: type[Kind], value: object, name: str) -> Kind:
    if not isinstance(value, kind):
        raise DirectionError(f"{name} is {value!r}, {_named(type(value))}; {_named(kind)} is needed here")
    return value


def as_upper_bound(value: float, name: str) -> UpperBound:
    """The value itself. Raises DirectionError unless it is a certified upper bound."""
    return _as(UpperBound, value, name)


def as_lower_bound(value: float, name: str) -> LowerBound:
    """The value itself. Raises DirectionError unless it is a certified lower bound."""
    return _as(LowerBound, value, name)


def as_attained(value: float, name: str) -> Attained:
    """The value itself. Raises DirectionError unless something attains it."""
    return _as(Attained, value, name)


def as_certified_steps(value: int, name: str) -> CertifiedSteps:
    """The count itself. Raises DirectionError unless a certificate counted them."""
    if not isinstance(value, CertifiedSteps):
        raise DirectionError(f"{name} is {value!r}, {_named(type(value))}; {_named(CertifiedSteps)} is needed here")
    return value


def not_above(value: float, limit: LowerBound) -> LowerBound | None:
    """The value itself as a number that the limit's own bound allows, where it is positive and not above it; None otherwise.

    ``limit`` bounds the largest number allowed from below. Raises DirectionError (another kind of limit).
    """
    return LowerBound(float(value)) if 0 < value <= as_lower_bound(limit, "the limit") else None


def lowered(bound: LowerBound, amount: float) -> LowerBound:
    """``bound - amount`` rounded down: a lower bound of the number less the amount. Raises DirectionError."""
    return LowerBound(math.nextafter(as_lower_bound(bound, "the bound") - amount, -math.inf))


def margin(limit: float, bound: UpperBound) -> LowerBound:
    """``limit - bound`` rounded down: a lower bound of what is left to the limit. Raises DirectionError."""
    return LowerBound(math.nextafter(limit - as_upper_bound(bound, "the bound"), -math.inf))


def bounding(
    answer: type[Bound], *, within: Callable[..., float] | None = None, **needed: type[Bound]
) -> Callable[[Callable[Parameters, float]], Callable[Parameters, float]]:
    """Decorate a formula rounded to one side: given bounds of the kinds ``needed``, its float answer is one of the kind ``answer``.

    For formulas that are monotone in the parameters named, in the direction in which such bounds leave the answer true; a parameter
    left at None is none that the formula uses. ``within``, of the same parameters but the first, says up to which value of the first
    the formula is a theorem: beyond it is none. Otherwise, and for balls and rational numbers, the answer is as it was.
    """

    def decorate(formula: Callable[Parameters, float]) -> Callable[Parameters, float]:
        names = tuple(inspect.signature(formula).parameters)
        missing = needed.keys() - set(names)
        if missing:
            raise TypeError(f"{formula.__name__} has no parameter {', '.join(sorted(missing))}")

        @functools.wraps(formula)
        def directed(*args: Parameters.args, **kwargs: Parameters.kwargs) -> float:
            found = formula(*args, **kwargs)
            given: dict[str, Any] = {**dict(zip(names, args, strict=False)), **kwargs}
            used = {name: kind for name, kind in needed.items() if given.get(name) is not None}
            known = bool(used) and all(isinstance(given[name], kind) for name, kind in used.items())
            if not known or not isinstance(found, float):
                return found
            others = {name: value for name, value in given.items() if name != names[0]}
            proved = within is None or given[names[0]] <= within(**others)
            return answer(found) if proved else found

        return directed

    return decorate


class Directed:
    """A dataclass whose fields declared as bounds hold bounds of that kind, also where no type checker has seen who made it."""

    def __post_init__(self) -> None:
        """Raises DirectionError."""
        kind: Any = type(self)
        for name, hint in _bound_fields(kind).items():
            value = getattr(self, name)
            if not _conforms(value, hint):
                wanted = " or ".join(_named(one) for one in sorted(_kinds(hint), key=str))
                found = f"{value!r}, {_named(type(value))}" if isinstance(value, int | float) else repr(value)
                raise DirectionError(f"{kind.__name__}.{name} is {found}; it holds {wanted}")


@functools.cache
def _bound_fields(kind: type[Any]) -> Mapping[str, Any]:
    """The fields of a dataclass in whose declared types a bound or certified steps occur, with these types."""
    hints = typing.get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind) if _kinds(hints[one.name])}


def _kinds(hint: Any) -> set[type]:
    """The kinds of bounds that occur in a declared type: itself, in a union, or as the values of a mapping."""
    if isinstance(hint, type) and issubclass(hint, (Bound, CertifiedSteps)):
        return {hint}
    if typing.get_origin(hint) in (types.UnionType, typing.Union, Mapping):
        return set().union(*(_kinds(part) for part in typing.get_args(hint)))
    return set()


def _conforms(value: Any, hint: Any) -> bool:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return any(_conforms(value, part) for part in parts)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_conforms(one, parts[1]) for one in value.values())
    return isinstance(value, hint)


def digits(bound: UpperBound | LowerBound | Attained, count: int = 6) -> str:
    """A bound in so many significant digits, rounded so that what is printed is still a bound. Raises DirectionError."""
    if not isinstance(bound, Bound):
        raise DirectionError(f"{bound!r} is {_named(type(bound))}; only a bound is printed as one")
    return _decimal(bound, count, bound.rounding)


def raised(value: float | Decimal, count: int = 6) -> str:
    """A number of any size, a whole one too, in so many significant digits, rounded up."""
    return _decimal(value, count, ROUND_CEILING)


def reduced(value: float | Decimal, count: int = 6) -> str:
    """A number of any size, a whole one too, in so many significant digits, rounded down."""
    return _decimal(value, count, ROUND_FLOOR)


def computed(value: float, count: int = 4) -> str:
    """A number of which no direction is claimed, in so many significant digits, rounded to nearest."""
    return _decimal(value, count, ROUND_HALF_EVEN)


def _decimal(value: float | Decimal, count: int, rounding: str) -> str:
    return f"{float(Context(prec=count, rounding=rounding).create_decimal(value)):.{count}g}"


def stated(values: Mapping[str, float], count: int = 6) -> str:
    """``name >= value, other <= value (certified)``: numbers of one kind of evidence, which is printed behind them.

    A plain float is ``computed``, and says so. Raises DirectionError for numbers of several kinds of evidence.
    """
    kinds = {evidence(value) for value in values.values()}
    if len(kinds) != 1:
        raise DirectionError(
            f"{', '.join(values)} are known in different ways ({', '.join(sorted(kinds))}); state them apart"
        )
    parts = [f"{name} {_compared(value, count)}" for name, value in values.items()]
    return f"{', '.join(parts)} ({kinds.pop()})"


def _compared(value: float, count: int) -> str:
    return (
        f"{value.relation} {_decimal(value, count, value.rounding)}"
        if isinstance(value, Bound)
        else f"= {computed(value, count)}"
    )


def evidence(value: float) -> str:
    """The word for how a number is known: certified, attained, or computed."""
    return value.evidence if isinstance(value, Bound) else "computed"
