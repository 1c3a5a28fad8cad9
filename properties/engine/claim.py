"""The vocabulary: Claim, Hypothesis, Bound, Verdict, Evidence, Mutant."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from flint import arb, ctx, fmpq
from hypothesis.strategies import SearchStrategy

from properties.engine.extras import Extra
from properties.engine.formulas import Formulas
from theory.direction import LowerBound, UpperBound, as_lower_bound, as_upper_bound

if TYPE_CHECKING:
    from properties.engine.results import Isolation
    from properties.engine.statistics import Trials


class Verdict(StrEnum):
    """The answer to one inequality, one instance, or one claim."""

    HOLDS = "holds"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


class Evidence(StrEnum):
    """How an answer was reached, weakest first."""

    TESTED = "tested"
    ESTIMATED = "estimated"
    ENCLOSED = "enclosed"


EVIDENCE_ORDER = (Evidence.TESTED, Evidence.ESTIMATED, Evidence.ENCLOSED)


def weakest(evidence: Iterable[Evidence]) -> Evidence:
    """The weakest of some evidence; what rests on none is enclosed."""
    return min(evidence, key=EVIDENCE_ORDER.index, default=Evidence.ENCLOSED)


class Status(StrEnum):
    """Whether the statement has a proof."""

    THEOREM = "theorem"
    CONJECTURE = "conjecture"


class Provenance(StrEnum):
    """Where a statement comes from (docs/theory.md, its marks)."""

    PAPER = "paper"
    PAPER_WITH_CONSTANTS = "paper with explicit constants"
    DERIVED = "derived"
    LITERATURE = "literature"


class Depth(StrEnum):
    """How much work a run does."""

    QUICK = "quick"
    NORMAL = "normal"
    THOROUGH = "thorough"


@dataclass(frozen=True)
class Hypothesis:
    """One named hypothesis on one instance; ``margin`` > 0 when it holds, < 0 when it fails.

    Its evidence counts for the instance: certified, exact and ball ones are enclosed, float64 with a rounding is tested.
    """

    name: str
    verdict: Verdict
    margin: float
    evidence: Evidence = Evidence.ENCLOSED
    technical: bool = False
    """Whether no theorem assumes it: an evaluation needs it, or the conclusion says nothing without it."""


def technical(hypothesis: Hypothesis) -> Hypothesis:
    """The same, as one that no theorem assumes: every other one belongs to a name in its claim's ``assumes``."""
    return dataclasses.replace(hypothesis, technical=True)


def certified(name: str, bound: LowerBound) -> Hypothesis:
    """A hypothesis ``x > 0`` for which a lower bound of x is certified; a bound that is not positive decides nothing.

    Raises DirectionError for a number that is no lower bound.
    """
    below = as_lower_bound(bound, name)
    return Hypothesis(name, Verdict.HOLDS if below > 0 else Verdict.UNDECIDED, float(below))


def certified_up_to(name: str, limit: float, bound: UpperBound) -> Hypothesis:
    """A hypothesis ``x <= limit`` for which an upper bound of x is certified; one above the limit decides nothing.

    Raises DirectionError for a number that is no upper bound.
    """
    above = as_upper_bound(bound, name)
    return Hypothesis(name, Verdict.HOLDS if above <= limit else Verdict.UNDECIDED, limit - float(above))


def established(name: str, fact: bool) -> Hypothesis:
    """A hypothesis that is decided exactly where it holds, and not at all where that is not known."""
    return Hypothesis(name, Verdict.HOLDS if fact else Verdict.UNDECIDED, 1.0 if fact else -1.0)


def require(name: str, margin: float, rounding: float = 0.0) -> Hypothesis:
    """A hypothesis ``margin >= 0`` known up to ``rounding``; undecided within it, and when either is not a number.

    Without a rounding it is exact: whole numbers, or a comparison of two floats that are exact as given.
    """
    if not math.isfinite(rounding):
        verdict = Verdict.UNDECIDED
    elif margin >= rounding:
        verdict = Verdict.HOLDS
    elif margin < -rounding:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.UNDECIDED
    return Hypothesis(name, verdict, float(margin), Evidence.TESTED if rounding > 0 else Evidence.ENCLOSED)


def require_enclosed(name: str, margin: arb) -> Hypothesis:
    """A hypothesis ``margin >= 0`` for a ball: decided only when every point of it agrees."""
    if margin >= 0:
        verdict = Verdict.HOLDS
    elif margin < 0:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.UNDECIDED
    return Hypothesis(name, verdict, float(margin))


@dataclass(frozen=True)
class Bound:
    """One inequality ``measured <= predicted`` or one identity ``|difference| = measured <= predicted = allowance``.

    ``rounding`` bounds the error of ``predicted - measured`` as computed, in the same units. ``label`` says what is
    measured, its units, and at which step.
    """

    label: str
    measured: float
    predicted: float
    rounding: float
    verdict: Verdict
    evidence: Evidence
    aim: float | None = None
    """What the search maximises instead of the ratio, where the ratio is near 1 for trivial reasons; at most 1."""
    bits: int = 53
    """The precision at which it was decided: 53 for float64, the working precision for balls, 0 for exact arithmetic."""

    @property
    def ratio(self) -> float:
        """``measured / predicted``: 1 is tight, above 1 a violation, 0 when both vanish."""
        if self.predicted > 0:
            return self.measured / self.predicted
        return 0.0 if self.measured <= self.predicted else math.inf


def at_most(label: str, measured: float, predicted: float, rounding: float, aim: float | None = None) -> Bound:
    """``measured <= predicted`` in float64, decided outside ``rounding`` on either side, undecided within."""
    if measured <= predicted - rounding:
        verdict = Verdict.HOLDS
    elif measured > predicted + rounding:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.UNDECIDED
    return Bound(label, float(measured), float(predicted), float(rounding), verdict, Evidence.TESTED, aim)


def within_rounding(label: str, difference: float, rounding: float) -> Bound:
    """An identity computed in float64: it holds when ``|difference| <= rounding``, a derived bound; else refuted.

    Undecided when one of the two is not a number, or nothing is known of the rounding.
    """
    measured = abs(float(difference))
    if not math.isfinite(rounding):
        verdict = Verdict.UNDECIDED
    elif measured <= rounding:
        verdict = Verdict.HOLDS
    elif measured > rounding:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.UNDECIDED
    return Bound(label, measured, float(rounding), 0.0, verdict, Evidence.TESTED)


def at_most_enclosed(label: str, measured: arb, predicted: arb) -> Bound:
    """``measured <= predicted`` for two balls: holds or refuted only when every pair of points agrees."""
    difference = predicted - measured
    if difference >= 0:
        verdict = Verdict.HOLDS
    elif difference < 0:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.UNDECIDED
    radius = float(difference.rad())
    return Bound(label, float(measured), float(predicted), radius, verdict, Evidence.ENCLOSED, bits=ctx.prec)


def at_most_or_equal_enclosed(label: str, measured: arb, predicted: arb, bits: int) -> Bound:
    """``measured <= predicted`` for two balls where equality occurs and no precision separates the two sides.

    Refuted when every pair of points disagrees; holds when all agree, or when the ball of the difference contains 0 with
    radius below ``2^-bits``: the inequality then fails by less than ``2^(1-bits)``, if at all.
    """
    bound = at_most_enclosed(label, measured, predicted)
    difference = predicted - measured
    if bound.verdict is Verdict.UNDECIDED and difference.rad() < arb(2) ** -bits:
        label = f"{label} (equal within 2^-{bits})"
        bound = dataclasses.replace(bound, label=label, measured=bound.predicted, verdict=Verdict.HOLDS)
    return bound


def equal_enclosed(label: str, difference: arb, bits: int) -> Bound:
    """An identity in balls: it holds when the ball of ``difference`` contains 0 with radius below ``2^-bits``."""
    allowance = 2.0**-bits
    if not difference.contains(0):
        verdict = Verdict.REFUTED
    elif difference.rad() < arb(2) ** -bits:
        verdict = Verdict.HOLDS
    else:
        verdict = Verdict.UNDECIDED
    measured, label = float(abs(difference.mid())), f"{label} (ball radius below 2^-{bits})"
    return Bound(label, measured, allowance, 0.0, verdict, Evidence.ENCLOSED, bits=ctx.prec)


def decided_exactly(label: str, holds: bool, measured: float, predicted: float) -> Bound:
    """An inequality decided in exact arithmetic; the two numbers are shown as floats."""
    verdict = Verdict.HOLDS if holds else Verdict.REFUTED
    return Bound(f"{label} (exact)", float(measured), float(predicted), 0.0, verdict, Evidence.ENCLOSED, bits=0)


def at_most_exactly(label: str, measured: fmpq, predicted: fmpq) -> Bound:
    """``measured <= predicted`` between rational numbers."""
    return decided_exactly(label, measured <= predicted, as_float(measured), as_float(predicted))


def as_float(value: fmpq) -> float:
    """The float64 nearest to a rational number: the division of two Python integers is correctly rounded."""
    return int(value.p) / int(value.q)


def equal_exactly(label: str, holds: bool, size: float = 1.0) -> Bound:
    """An identity decided in exact arithmetic; ``size`` of the difference is shown when it fails."""
    return decided_exactly(label, holds, 0.0 if holds else size, 0.0)


class TooLargeToConfirmError(Exception):
    """Ball arithmetic would take too long on this instance; the message says how large it is."""


I = TypeVar("I")  # noqa: E741
"""What a claim is evaluated on: a frozen dataclass of data that a counterexample file can hold (instance_document.py)."""


@dataclass(frozen=True)
class Family(Generic[I]):
    """A source of instances: a strategy of small descriptions and the function that builds an instance from one.

    ``descriptions`` draws mappings of sizes, kinds, seeds and simple numbers, so that they shrink and print.
    ``examples`` says how many are drawn at each depth.
    """

    id: str
    title: str
    descriptions: Callable[[], SearchStrategy[Mapping[str, Any]]]
    build: Callable[[Mapping[str, Any]], I]
    examples: Mapping[Depth, int]
    extra: Extra | None = None
    """What has to be installed to build an instance, beside the core."""
    first: tuple[Mapping[str, Any], ...] = ()
    """Descriptions that every search evaluates before it draws, at every depth, whatever its seed; not shrunk."""
    listed: tuple[Mapping[str, Any], ...] = ()
    """All that there are, the simplest first, where they are few and take long: a search takes the first ``examples`` of them and draws
    none; each has to be judged, and is an item of its own where there are several."""


@dataclass(frozen=True)
class Claim(Generic[I]):
    """A statement, where to test it, how, and the false neighbours that the same search must refute.

    ``hypotheses`` are checked first; one that fails makes the instance vacuous. ``conclusion`` returns the bounds.
    ``confirm`` evaluates the same bounds in ball or exact arithmetic at a precision in bits; None when ``conclusion``
    is exact already. ``sampled`` adds bounds of probabilities, from counts in trials drawn from a stream of the
    instance's own (properties/engine/statistics.py); the search does not aim at them, for they are noise. ``features``
    labels an instance (such as "flips on the trajectory") so that the table can count.
    """

    id: str
    statement: str
    provenance: Provenance
    source: str
    families: tuple[Family[I], ...]
    hypotheses: Callable[[I], Sequence[Hypothesis]]
    conclusion: Callable[[I], Sequence[Bound]]
    confirm: Callable[[I, int], Sequence[Bound]] | None = None
    sampled: Callable[[I, Trials], Sequence[Bound]] | None = None
    features: Callable[[I], Sequence[str]] = field(default=lambda _: ())
    mutants: tuple[Mutant, ...] = ()
    formulas: Formulas | None = None
    """The statement in mathematical notation."""
    assumes: tuple[str, ...] = ()
    """The theorem's hypotheses by name, each with a mutant or a slack row that drops it; the names of those that ``hypotheses``
    returns begin with one of these, except technical ones."""
    shown_elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Assumed name -> id of a mutant, its own or another claim's, that shows it to be needed beside what it drops."""
    unconditional: str = ""
    """Of what it speaks, where it assumes nothing that could be dropped."""
    status: Status = Status.THEOREM
    of_its_families: bool = False
    """Whether it speaks of the instances of its families only, not of all that meet its hypotheses."""
    every_family: bool = False
    """Whether it is undecided when one of its families had no instance that was judged, not only when none had."""
    explain: Callable[[Evaluation], Sequence[str]] | None = None
    """What more can be said about a refutation, in lines of text."""
    isolate: Callable[[Claim[I], Evaluation, int], Isolation | None] | None = None
    """``(claim, refutation, seed)`` -> the refutation with what it needs of what came before it; None where it needs nothing."""

    def neighbour(self, id: str, description: str, drops: str = "", **changes: Any) -> Mutant:
        """A false neighbour of this claim: the same claim with some of its parts replaced.

        ``drops`` is the name in ``assumes`` of the hypothesis that it is without.
        """
        claim = dataclasses.replace(self, id=f"{self.id}/{id}", mutants=(), formulas=None, **changes)
        return Mutant(f"{self.id}/{id}", description, claim, drops)

    def with_mutants(self, *mutants: Mutant) -> Claim[I]:
        """The claim with its mutants attached."""
        return dataclasses.replace(self, mutants=mutants)


@dataclass(frozen=True)
class Mutant:
    """A deliberately false neighbour of a claim, which the same search must refute."""

    id: str
    description: str
    claim: Claim[Any]
    drops: str = ""
    """The hypothesis that it is without, by its name in the claim's ``assumes``."""

    @property
    def statement(self) -> str:
        """What it says, and of which statement it is a neighbour."""
        return f"{self.description} (mutant of: {self.claim.statement})"


class InstanceVerdict(StrEnum):
    """What one instance says about a claim."""

    HOLDS = "holds"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    VACUOUS = "vacuous"
    UNDECIDED_HYPOTHESIS = "undecided hypothesis"


@dataclass(frozen=True)
class Evaluation:
    """One instance's way through: its description, hypotheses, bounds and verdict."""

    family: str
    description: Mapping[str, Any]
    hypotheses: tuple[Hypothesis, ...]
    bounds: tuple[Bound, ...]
    verdict: InstanceVerdict
    features: tuple[str, ...]
    instance: Any = field(default=None, compare=False, repr=False)
    """What was evaluated, kept where it is refuted."""

    @property
    def precision(self) -> int:
        """Bits at which the verdict was reached, the most that any bound took; a refutation's own. 0: exact arithmetic."""
        violated = [bound.bits for bound in self.bounds if bound.verdict is Verdict.REFUTED]
        return max(violated or [bound.bits for bound in self.bounds], default=53)

    @property
    def evidence(self) -> Evidence:
        """The weakest evidence among its hypotheses and bounds; without bounds there is none, which is called tested."""
        if not self.bounds:
            return Evidence.TESTED
        evidence = [hypothesis.evidence for hypothesis in self.hypotheses]
        return weakest([*evidence, *(bound.evidence for bound in self.bounds)])

    @cached_property
    def tightest(self) -> Bound | None:
        """The bound with the largest ``measured / predicted``, a violated one first."""
        return max(self.bounds, key=lambda bound: (bound.verdict is Verdict.REFUTED, bound.ratio), default=None)
