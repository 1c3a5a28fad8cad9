"""Whether a refutation depends on the calls before it, and the fewest and simplest calls that show it.

A refuted instance is evaluated again in a fresh process. Where that does not refute the claim, the calls that this process made before
are made first, then fewer of them (delta debugging), then simpler ones.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from properties.engine.claim import Claim, Evaluation, InstanceVerdict, Verdict
from properties.engine.results import Isolation
from properties.engine.search import evaluate_instance
from properties.guard.fresh import AfterCalls, fresh_process
from properties.guard.implementation import Call, Implementation
from properties.guard.instances import READABLE, Problem, StepInstance
from theory.errors import ImplementationError

BUDGET = 20.0
"""Seconds that are spent on shrinking; then the smallest found stands."""

STATE = "keeps state between calls"

AGAIN = "the same input again"
"""How the label of the contract's bound begins that an instance refutes by calls of its own."""

LISTED = 4
"""Earlier calls that are told one by one."""


def isolated(claim: Claim[Any], found: Evaluation, seed: int) -> Isolation | None:
    """The refutation with the calls that it needs, and what is said of it; None where the instance alone reproduces it."""
    instance = found.instance
    implementation = instance.implementation
    if isinstance(implementation, AfterCalls) or implementation.loaded.directory is None:
        return _by_its_own_calls(found)
    try:
        search = _Search(claim, found, seed)
        alone = search.refuted((), instance)
        return _by_its_own_calls(alone) if alone is not None else search.isolated(implementation)
    except ImplementationError as error:
        return Isolation(found, f"whether it {STATE} is not known: {error}")


def _by_its_own_calls(found: Evaluation) -> Isolation | None:
    """The contract's instances make further calls themselves."""
    labels = [bound.label for bound in found.bounds if bound.verdict is Verdict.REFUTED]
    if not any(label.startswith(AGAIN) for label in labels):
        return None
    return Isolation(
        found,
        f"{STATE}: the same input gives another W' after one call with other weights; the call between them matters",
    )


class _Search:
    """Sessions of one refutation."""

    def __init__(self, claim: Claim[Any], found: Evaluation, seed: int) -> None:
        self._claim, self._found, self._seed = claim, found, seed
        fresh_process().take(found.instance.implementation)
        self._started = time.monotonic()

    def refuted(
        self, before: Sequence[Call], instance: StepInstance, description: Mapping[str, Any] | None = None
    ) -> Evaluation | None:
        """The evaluation in a fresh session after these calls, where it is a refutation."""
        after = AfterCalls.on(instance.implementation, before)
        found, chosen = self._found, self._found.description if description is None else description
        moved = _with(instance, after)
        try:
            evaluation = evaluate_instance(self._claim, found.family, chosen, moved, self._seed)
        except ImplementationError:
            raise
        except Exception:  # whatever keeps a simpler instance from being evaluated: it is not taken
            return None
        return evaluation if evaluation.verdict is InstanceVerdict.REFUTED else None

    def isolated(self, implementation: Implementation) -> Isolation:
        """The shortest sequence that refutes, and what is said of it; that none does."""
        instance = self._found.instance
        earlier = implementation.loaded.calls.before(instance.calls_before)
        count = len(earlier)
        chosen = self._suffix(earlier)
        if chosen is None:
            return Isolation(self._found, self._unexplained(instance, count))
        kept = self._fewest(earlier, chosen)
        calls = [earlier[index] for index in kept]
        evaluation = self.refuted(calls, instance)
        assert evaluation is not None
        simpler, calls = self._simplest(evaluation, calls)
        return Isolation(simpler, self._said(calls, kept, count, simpler.instance))

    def _spent(self) -> bool:
        return time.monotonic() - self._started > BUDGET

    def _suffix(self, earlier: Sequence[Call]) -> list[int] | None:
        """The last 1, 2, 4, ... calls, the first such that refute."""
        size = 1
        while earlier:
            start = max(0, len(earlier) - size)
            if self.refuted(earlier[start:], self._found.instance) is not None:
                return list(range(start, len(earlier)))
            if start == 0:
                break
            size *= 2
        return None

    def _fewest(self, earlier: Sequence[Call], kept: list[int]) -> list[int]:
        """Delta debugging: no call of those kept can be dropped, unless the budget ran out."""
        parts = 2
        while len(kept) > 1 and not self._spent():
            size = -(-len(kept) // parts)
            for start in range(0, len(kept), size):
                fewer = kept[:start] + kept[start + size :]
                if self.refuted([earlier[index] for index in fewer], self._found.instance) is not None:
                    kept, parts = fewer, max(parts - 1, 2)
                    break
            else:
                if parts >= len(kept):
                    break
                parts = min(len(kept), 2 * parts)
        return kept

    def _simplest(self, found: Evaluation, calls: list[Call]) -> tuple[Evaluation, list[Call]]:
        """Each part in its simplest form that still refutes: the instance, then every call."""
        for description, instance in self._simple_instances(found):
            if self._spent():
                return found, calls
            same = [instance.problem.call()] * len(calls)
            for before in (same, calls):
                evaluation = self.refuted(before, instance, description)
                if evaluation is not None:
                    found, calls = evaluation, before
                    break
            else:
                continue
            break
        for index, call in enumerate(calls):
            for candidate in _simpler(call, found.instance.problem):
                if self._spent() or not _differing(candidate, call):  # those after it are no simpler
                    break
                tried = [*calls[:index], candidate, *calls[index + 1 :]]
                evaluation = self.refuted(tried, found.instance, found.description)
                if evaluation is not None:
                    found, calls = evaluation, tried
                    break
        return found, calls

    def _simple_instances(self, found: Evaluation) -> list[tuple[Mapping[str, Any], StepInstance]]:
        """Hand-sized instances, simplest first, where the family has them."""
        description = found.description
        if not {"kind", "rows", "dim", "width", "weights", "eighths", "seed"} <= description.keys():
            return []
        (family,) = [one for one in self._claim.families if one.id == found.family]
        chosen = [
            {
                **description,
                "kind": kind,
                "rows": n,
                "dim": d,
                "width": m,
                "weights": "integers",
                "eighths": 4,
                "seed": s,
            }
            for m in (1, 4)
            for kind, n, d in READABLE[:3]
            for s in range(3)
        ]
        return [(one, family.build(one)) for one in chosen]

    def _said(self, calls: Sequence[Call], kept: Sequence[int], count: int, instance: StepInstance) -> str:
        number = "1 earlier call" if len(calls) == 1 else f"{len(calls)} earlier calls"
        named = [_named(call, instance.problem.call()) for call in calls]
        what = named[0] if len(calls) == 1 else f"{', '.join(named[:LISTED])}{', ...' if len(calls) > LISTED else ''}"
        places = ", ".join(str(index + 1) for index in kept[:LISTED]) + (", ..." if len(calls) > LISTED else "")
        return (
            f"{STATE}: in a fresh process this instance alone does not refute it, after {number} it does: {what} "
            f"(in this run number {places} of the {count} before it)"
        )

    def _unexplained(self, instance: StepInstance, count: int) -> str:
        call = instance.problem.call()
        twice = [AfterCalls.on(instance.implementation).answer(call).weights for _ in range(2)]
        if twice[0] is not None and twice[1] is not None and not np.array_equal(twice[0], twice[1]):
            return (
                f"{STATE}, or is random: two fresh processes return different W' for the first call on the same input"
            )
        return (
            f"{STATE}, or depends on what else this process did: a fresh process does not refute it, neither on this "
            f"instance alone nor after the {count} calls before it"
        )


def _with(instance: StepInstance, implementation: Implementation) -> StepInstance:
    """The same instance of another implementation, with nothing computed of the answer."""
    return dataclasses.replace(instance, implementation=implementation)


def _simpler(call: Call, problem: Problem) -> list[Call]:
    """Calls to try in the place of one, the simplest first."""
    same = problem.call()
    return [
        same,
        dataclasses.replace(same, weights=-same.weights),
        dataclasses.replace(same, targets=same.targets + 1),
        dataclasses.replace(same, weights=problem.given.other_weights),
        *(
            dataclasses.replace(
                call,
                weights=np.round(call.weights, digits) + 0.0,
                targets=np.round(call.targets, digits) + 0.0,
                step_size=0.5,
            )
            for digits in (0, 1, 2)
        ),
    ]


def _differing(one: Call, other: Call) -> list[str]:
    """Which arguments differ."""
    names = {"weights": "weights", "signs": "signs", "inputs": "X", "targets": "y"}
    found = [text for name, text in names.items() if not np.array_equal(getattr(one, name), getattr(other, name))]
    return [*found, *(["step_size"] if one.step_size != other.step_size else [])]


def _named(call: Call, last: Call) -> str:
    differing = _differing(call, last)
    if not differing:
        return "one on the same input"
    same_shape = call.weights.shape == last.weights.shape and call.inputs.shape == last.inputs.shape
    return f"one with other {' and '.join(differing)}" + (" of the same shapes" if same_shape else "")
