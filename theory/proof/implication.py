"""An implication between inequalities for all real numbers: what a prover is asked, and what an exact counterexample is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from theory.errors import FormulaError
from theory.proof.formula import Quotient, cleared, expression, holds, names, quotient, value

_STRICT = {"<=": "<", ">=": ">", "<": "<", ">": ">", "=": "="}


@dataclass(frozen=True)
class Implication:
    """For all reals that satisfy the hypotheses the conclusion holds, and every divisor that occurs is positive.

    All of it is text in the notation of theory/proof/formula.py. ``where`` defines names, each by the variables and the
    names before it; they are substituted and denominators cleared before a prover sees them.
    """

    hypotheses: tuple[str, ...]
    conclusion: str
    where: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names that are not defined, in the order in which they occur."""
        texts = (*self.hypotheses, self.conclusion, *self.where.values())
        return tuple(dict.fromkeys(name for text in texts for name in names(text) if name not in self.where))

    def changed(self, replacements: Mapping[str, str]) -> Implication:
        """The same with fragments of its texts (hypotheses, conclusion, definitions) replaced.

        Raises FormulaError when a fragment does not occur exactly once, or would stay as it is.
        """
        texts = [*self.hypotheses, self.conclusion, *self.where.values()]
        for old, new in replacements.items():
            found = sum(text.count(old) for text in texts)
            if found != 1 or old == new:
                raise FormulaError(
                    f"{old!r} occurs {found} times in {texts}, to become {new!r}; it must occur once, and change"
                )
            texts = [text.replace(old, new) for text in texts]
        count = len(self.hypotheses)
        return Implication(tuple(texts[:count]), texts[count], dict(zip(self.where, texts[count + 1 :], strict=True)))

    def values(self, point: Mapping[str, Fraction]) -> dict[str, Fraction]:
        """The variables and, exactly, the defined names at a point. Raises DivisorError, FormulaError."""
        found = {name: point[name] for name in self.variables}
        for name, text in self.where.items():
            found[name] = value(expression(text), found)
        return found

    def refuted_at(self, point: Mapping[str, Fraction]) -> bool:
        """Whether, in exact arithmetic, the hypotheses hold at this point and the conclusion does not.

        Raises DivisorError where a divisor is not positive: there the statement says nothing.
        """
        found = self.values(point)
        return all(holds(text, found) for text in self.hypotheses) and not holds(self.conclusion, found)

    def proof_query(self) -> str:
        """SMT-LIB text that is unsatisfiable exactly when the implication holds for all reals.

        It asks for a point where the hypotheses without divisors hold and either a divisor of another hypothesis is not
        positive; or these hypotheses hold, cleared, and either a divisor of the conclusion is not positive or it fails.
        """
        found = self._cleared()
        failure = _any([*found.not_positive(found.last), _negated(found.conclusion)])
        rest = _any([*found.not_positive(found.first), _all([*found.conditional, failure])])
        return self._query([*found.plain, rest])

    def witness_query(self) -> str:
        """SMT-LIB text for a counterexample in the interior of the hypotheses, where rational ones are found if there are any."""
        found = self._cleared(strict=True)
        positive = [f"(> {divisor} 0.0)" for divisor in sorted(found.first | found.last)]
        return self._query([*found.plain, *positive, *found.conditional, _negated(found.conclusion)])

    def _cleared(self, strict: bool = False) -> _Cleared:
        values = {name: Quotient(name) for name in self.variables}
        below: dict[str, set[str]] = {}  # what a defined name divides by, its definition's names included
        for name, text in self.where.items():
            below[name] = self._divisors_of_names(text, below)
            values[name] = quotient(expression(text), values, below[name])
        result = _Cleared()
        for text in self.hypotheses:
            divisors = self._divisors_of_names(text, below)
            comparisons = cleared(text, values, divisors)
            target = result.conditional if divisors else result.plain
            target += [f"({_STRICT[sign] if strict else sign} {term} 0.0)" for sign, term in comparisons]
            result.first |= divisors
        result.last |= self._divisors_of_names(self.conclusion, below)
        result.conclusion += cleared(self.conclusion, values, result.last)
        return result

    @staticmethod
    def _divisors_of_names(text: str, below: Mapping[str, set[str]]) -> set[str]:
        return set().union(*(below[name] for name in names(text) if name in below))

    def _query(self, assertions: Sequence[str]) -> str:
        declarations = [f"(declare-const {name} Real)" for name in self.variables]
        return "\n".join([*declarations, *(f"(assert {assertion})" for assertion in assertions)])


@dataclass
class _Cleared:
    """An implication without fractions: comparisons with 0, equivalent where the divisors are positive."""

    plain: list[str] = field(default_factory=list)
    """Hypotheses in which nothing is divided."""
    conditional: list[str] = field(default_factory=list)
    """The other hypotheses."""
    conclusion: list[tuple[str, str]] = field(default_factory=list)
    first: set[str] = field(default_factory=set)
    """What hypotheses divide by."""
    last: set[str] = field(default_factory=set)
    """What the conclusion divides by."""

    @staticmethod
    def not_positive(divisors: set[str]) -> list[str]:
        return [f"(<= {divisor} 0.0)" for divisor in sorted(divisors)]


def _negated(comparisons: Sequence[tuple[str, str]]) -> str:
    return _any([f"(not ({sign} {term} 0.0))" for sign, term in comparisons])


def _any(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"(or {' '.join(parts)})"


def _all(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"(and {' '.join(parts)})"
