"""Run a claim: draw descriptions, check hypotheses, evaluate, aim at the tightest ratio, confirm and shrink violations."""

from __future__ import annotations

import dataclasses
import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, given, settings, target
from hypothesis import seed as with_seed

from properties.engine.claim import (
    Bound,
    Claim,
    Depth,
    Evaluation,
    Evidence,
    Family,
    Hypothesis,
    InstanceVerdict,
    TooLargeToConfirmError,
    Verdict,
)
from properties.engine.local_constants import without_local_constants
from properties.engine.results import Result
from properties.engine.statistics import EVALUATIONS, BudgetError, Trials, description_key
from theory.rigour.precision import working_precision

PRECISIONS = (106, 212, 424, 848)
"""Bits at which an undecided or violated bound is evaluated again; the last is the cap."""

SHRINK_EVALUATIONS = 200
"""Evaluations spent on shrinking a violation at most; afterwards the one found last stands."""


class _Spent(KeyboardInterrupt):
    """Ends Hypothesis' search at once: the evaluations for shrinking are spent, and the violation found last stands."""


class _Violation(AssertionError):
    """Tells Hypothesis that the drawn description violates the claim."""


def run_claim(
    claim: Claim[Any],
    depth: Depth,
    seed: int,
    observe: Callable[[Result], None] | None = None,
    shrinking: int = SHRINK_EVALUATIONS,
) -> Result:
    """Search every family of the claim; stop at the first confirmed violation, shrunk by at most so many evaluations.

    The result depends on ``claim``, ``depth`` and ``seed`` alone, of ``shrinking`` nothing but the violation; ``observe`` sees it grow, instance by instance.
    Errors raised by an instance are programming errors and propagate, with the description as a note.
    """
    result = Result(claim=claim, depth=depth.value, seed=seed)
    started = time.perf_counter()
    for family in claim.families:
        _search_family(claim, family, depth, result, observe, shrinking)
        if result.refutation is not None:
            break
    result.seconds = time.perf_counter() - started
    return result


def evaluate(claim: Claim[Any], family: Family[Any], description: Mapping[str, Any], seed: int = 0) -> Evaluation:
    """One instance's way through: build, hypotheses, conclusion, confirmation of whatever float64 did not settle.

    ``seed`` is that of the search: the trials of a sampled claim depend on it.
    """
    try:
        instance = family.build(description)
    except Exception as error:
        _annotate(error, claim, family.id, description)
        raise
    return evaluate_instance(claim, family.id, description, instance, seed)


def _family_seed(seed: int, family: str) -> int:
    sequence = np.random.SeedSequence([seed, zlib.crc32(family.encode())])
    return int(sequence.generate_state(1)[0])


def _search_family(
    claim: Claim[Any],
    family: Family[Any],
    depth: Depth,
    result: Result,
    observe: Callable[[Result], None] | None,
    shrinking: int,
) -> None:
    """Search one family; every description is evaluated and counted once, however often it is drawn; a listed one is not drawn."""
    known: dict[str, Evaluation] = {}
    failing: list[str] = []
    before_failing = 0

    def check(description: Mapping[str, Any]) -> Evaluation:
        nonlocal before_failing
        key = description_key(description)  # Hypothesis may draw a description twice, its keys in another order
        evaluation = known.get(key)
        if evaluation is None:
            if failing and len(known) - before_failing >= shrinking:
                raise _Spent
            if claim.sampled is not None:
                if result.sampled_evaluations == EVALUATIONS:
                    raise BudgetError(f"more than {EVALUATIONS} evaluations of {claim.id}")
                result.sampled_evaluations += 1
            evaluation = known[key] = evaluate(claim, family, description, result.seed)
            if not failing:
                result.record(evaluation)
                if observe is not None:
                    observe(result)
                before_failing = len(known)
        if evaluation.verdict is InstanceVerdict.REFUTED:
            failing[:] = [key]
            raise _Violation(str(description))
        return evaluation

    def drawn(description: Mapping[str, Any]) -> None:  # Hypothesis reads its source before it draws: so it is short
        _aim(check(description))

    search = with_seed(_family_seed(result.seed, family.id))(
        settings(
            max_examples=family.examples[depth],
            deadline=None,
            database=None,
            derandomize=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            phases=(
                Phase.generate,
                Phase.target,
                Phase.shrink,
            ),  # an error that is found first may shrink to a violation
        )(given(family.descriptions())(drawn))
    )
    try:
        for description in (*family.first, *family.listed[: family.examples[depth]]):
            check(description)
        if family.listed:
            return
        with without_local_constants():
            search()
    except (_Violation, _Spent):
        result.refutation = known[failing[0]]


def _aim(evaluation: Evaluation) -> None:
    """Tell Hypothesis to look for larger ratios, or for larger values of what a bound says is worth aiming at.

    Counts of trials are left out: the largest of them are noise.
    """
    known = [bound for bound in evaluation.bounds if bound.evidence is not Evidence.ESTIMATED]
    goals = [bound.ratio if bound.aim is None else bound.aim for bound in known]
    finite = [goal for goal in goals if math.isfinite(goal)]
    if finite:
        target(max(finite), label="tightness")


def evaluate_instance(
    claim: Claim[Any], family: str, description: Mapping[str, Any], instance: Any, seed: int = 0
) -> Evaluation:
    """Evaluate a claim on an instance that is built already, which comes along when it is refuted."""
    try:
        hypotheses = tuple(claim.hypotheses(instance))
        verdict = _hypotheses_verdict(hypotheses)
        if verdict is not None:
            return Evaluation(family, dict(description), hypotheses, (), verdict, ())
        bounds = tuple(claim.conclusion(instance))
        if claim.confirm is not None and not _settled(bounds):
            bounds = _confirmed(claim, instance, bounds)
        features = tuple(claim.features(instance))
        if claim.sampled is not None:
            trials = Trials(seed, family, description)
            bounds += tuple(claim.sampled(instance, trials))
            features += tuple(sorted(trials.features))
    except Exception as error:
        _annotate(error, claim, family, description)
        raise
    if any(bound.verdict is Verdict.REFUTED for bound in bounds):
        outcome = InstanceVerdict.REFUTED
    elif not bounds or any(bound.verdict is Verdict.UNDECIDED for bound in bounds):
        outcome = InstanceVerdict.UNDECIDED
    else:
        outcome = InstanceVerdict.HOLDS
    kept = instance if outcome is InstanceVerdict.REFUTED else None
    return Evaluation(family, dict(description), hypotheses, bounds, outcome, features, kept)


def _annotate(error: Exception, claim: Claim[Any], family: str, description: Mapping[str, Any]) -> None:
    error.add_note(f"{claim.id}, family {family}, instance {dict(description)}")


def _hypotheses_verdict(hypotheses: Sequence[Hypothesis]) -> InstanceVerdict | None:
    if any(hypothesis.verdict is Verdict.REFUTED for hypothesis in hypotheses):
        return InstanceVerdict.VACUOUS
    if any(hypothesis.verdict is Verdict.UNDECIDED for hypothesis in hypotheses):
        return InstanceVerdict.UNDECIDED_HYPOTHESIS
    return None


def _confirmed(claim: Claim[Any], instance: Any, bounds: tuple[Bound, ...]) -> tuple[Bound, ...]:
    """The bounds after confirmation at growing precision; those too large to confirm are undecided, and say so."""
    assert claim.confirm is not None
    try:
        for precision in PRECISIONS:
            with working_precision(precision):
                bounds = _merged(bounds, claim.confirm(instance, precision))
            if _settled(bounds, confirmed=True):
                break
    except TooLargeToConfirmError as error:
        return tuple(
            bound
            if bound.verdict is Verdict.HOLDS
            else dataclasses.replace(bound, verdict=Verdict.UNDECIDED, label=f"{bound.label} (not confirmed: {error})")
            for bound in bounds
        )
    return bounds


def _settled(bounds: Sequence[Bound], confirmed: bool = False) -> bool:
    """Whether nothing is left to decide; a violation seen in float64 only is not settled before its confirmation."""
    return not any(
        bound.verdict is Verdict.UNDECIDED
        or (bound.verdict is Verdict.REFUTED and bound.evidence is Evidence.TESTED and not confirmed)
        for bound in bounds
    )


def _merged(bounds: Sequence[Bound], confirmed: Sequence[Bound]) -> tuple[Bound, ...]:
    """Replace every bound that float64 did not show to hold by its confirmation, found by label."""
    by_label = {bound.label: bound for bound in confirmed}
    return tuple(bound if bound.verdict is Verdict.HOLDS else by_label[bound.label] for bound in bounds)
