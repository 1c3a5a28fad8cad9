"""An item as a worker of an executor is told of it, and what the worker does; of pytest it knows nothing.

Claims, mutants and obligations go by their ids, which the worker looks up in the suite; of a part, its task goes along, with its data.
"""

from __future__ import annotations

import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis.errors import HypothesisDeprecationWarning
from threadpoolctl import threadpool_limits

from properties.engine.claim import Claim, Mutant
from properties.engine.extension import Suite
from properties.engine.part import Piece, Setting, Share, Task
from properties.engine.report.commands import Commands
from properties.engine.report.environment import environment
from properties.engine.run.claim_shares import ClaimShare, claim_shares
from properties.engine.run.verification import Conditions, Outcome, Verification
from theory.errors import ChoiceError
from theory.proof.obligation import Obligation
from theory.proof.provers import PROVERS, Prover
from verified_natural_gradient import __version__

WarningFilter = tuple[str, str, type[Warning], str, int]
"""What ``warnings.filterwarnings`` takes."""


@dataclass(frozen=True)
class Warned:
    """A warning, as text: what it is about may not be known to who reads it."""

    text: str
    category: type[Warning]
    file: str
    line: int


@dataclass(frozen=True)
class Terms:
    """What all orders of a run share."""

    run: str
    """Tells it from other runs that the same workers serve."""
    suite: Callable[[], Suite]
    """A function of a module, which workers import."""
    setting: Setting
    report: Path | None
    commands: Commands
    filters: tuple[WarningFilter, ...] = ()
    """Which warnings are errors in an item; the first that fits counts."""
    version: str = __version__


@dataclass(frozen=True)
class Order:
    """One item."""

    number: int
    """Its place among the items."""
    kind: type[Claim[Any] | Mutant | Obligation | Piece]
    name: str
    """The id, or the name of the share."""
    terms: Terms
    families: tuple[str, ...] = ()
    """Those of the claim or mutant that are searched: not all where an extra is missing."""
    task: Task | None = None
    """What the share belongs to."""
    share: str = ""
    """What of the claim is searched; empty for all of it."""


@dataclass(frozen=True)
class Answer:
    """What came of an order."""

    outcome: Outcome | None
    """None where it broke off."""
    error: str
    """The traceback then."""
    seconds: float
    warned: tuple[Warned, ...]
    """Each once."""


def order(number: int, subject: object, terms: Terms) -> Order:
    """The order for a claim or a share of it, a mutant, an obligation or a piece of a part. Raises TypeError for anything else."""
    match subject:
        case Claim():
            return Order(number, Claim, subject.id, terms, _families(subject))
        case ClaimShare():
            return Order(number, Claim, subject.claim.id, terms, _families(subject.claim), share=subject.name)
        case Mutant():
            return Order(number, Mutant, subject.id, terms, _families(subject.claim))
        case Obligation():
            return Order(number, Obligation, subject.id, terms)
        case Piece():
            return Order(number, Piece, subject.share.name, terms, task=subject.task)
    raise TypeError(f"no order for {type(subject).__name__}")


_ALONE = threading.Lock()
"""Held by the item at work: the precision of ball arithmetic, and what a search changes, belong to the process."""


def carried_out(one: Order) -> Answer:
    """What the item comes to, in one thread; an error of the item is in the answer. Raises ChoiceError: another version is installed here."""
    if one.terms.version != __version__:
        raise ChoiceError(
            f"version {__version__} is installed where the worker is, the run is of version {one.terms.version}; install the same"
        )
    with _ALONE, threadpool_limits(1), _warnings_kept(one.terms.filters) as kept:
        started = time.perf_counter()
        try:
            outcome, error = _outcome(one), ""
        except Exception as broken:
            outcome, error = None, "".join(traceback.format_exception(broken)).rstrip()
        seconds = time.perf_counter() - started
        warned = dict.fromkeys(Warned(str(it.message), it.category, it.filename, it.lineno) for it in kept)
        return Answer(outcome, error, seconds, tuple(warned))


def filters_in_force() -> tuple[WarningFilter, ...]:
    """Those of this process at this moment."""

    def pattern(found: object) -> str:
        return "" if found is None else str(getattr(found, "pattern", found))

    return tuple(
        (action, pattern(message), category, pattern(module), line)  # type: ignore[misc]
        for action, message, category, module, line in warnings.filters
    )


@contextmanager
def _warnings_kept(filters: Sequence[WarningFilter]) -> Iterator[list[warnings.WarningMessage]]:
    """Where the filters say what becomes of a warning, and those that are shown are kept instead."""
    with warnings.catch_warnings(record=True) as kept:
        warnings.resetwarnings()
        for action, message, category, module, line in filters:
            warnings.filterwarnings(action, message, category, module, line, append=True)  # type: ignore[arg-type]
        # another thread of the process used it, as Dask's do; a strategy that did fails without executor
        warnings.filterwarnings("ignore", "Do not use the `random` module", HypothesisDeprecationWarning)
        yield kept


def _outcome(one: Order) -> Outcome:
    terms, setting, suite = one.terms, one.terms.setting, one.terms.suite()
    here = {**environment(), "root_seed": setting.root}
    verification = Verification(
        Conditions(setting, suite.claims, suite, suite.ties, _provers(), terms.report, here, terms.commands)
    )
    if one.kind is Obligation:
        return verification.obligation(suite.obligations[one.name])
    if one.task is not None:
        (share,) = (share for share in _shares(one, one.task) if share.name == one.name)
        return verification.part(Piece(one.task, share))
    claim = suite.claims[one.name.partition("/")[0]]
    if one.share:
        (part,) = (part for part in claim_shares(claim, setting.depth) if part.name == one.share)
        return verification.claim_share(part)
    if one.kind is Claim:
        return verification.claim(_with_families(claim, one.families))
    (mutant,) = (mutant for mutant in claim.mutants if mutant.id == one.name)
    return verification.mutant(replace(mutant, claim=_with_families(mutant.claim, one.families)))


@cache
def _provers() -> tuple[Prover, ...]:
    """They start at their first question, and end with the worker."""
    return tuple(Prover(name) for name in PROVERS)


_LATEST: dict[tuple[str, str, str], Sequence[Share]] = {}
"""The shares of the task that was worked on last: what one finds on the way, the next may use."""


def _shares(one: Order, task: Task) -> Sequence[Share]:
    key = (one.terms.run, task.kind, task.name)
    if key not in _LATEST:
        _LATEST.clear()
        _LATEST[key] = task.shares(one.terms.setting)
    return _LATEST[key]


def _families(claim: Claim[Any]) -> tuple[str, ...]:
    return tuple(family.id for family in claim.families)


def _with_families(claim: Claim[Any], ids: Sequence[str]) -> Claim[Any]:
    found = tuple(family for family in claim.families if family.id in ids)
    return claim if len(found) == len(claim.families) else replace(claim, families=found)
