"""Rounder numbers: the arrays of a shrunk refutation with as few decimal digits as it stays a refutation with.

Descriptions shrink while they are drawn; what is built from one (targets, weights, step sizes) stays ragged. Here the
numbers themselves are rounded, part by part, to the fewest digits for which every hypothesis still holds, the claim is
still refuted after confirmation, and at least ``KEPT`` of the violation is left. A class says in ``roundable`` which of its parts may be rounded: those that the
others do not depend on. Inputs keep their digits, since their rows have unit length to the last one; so do instances
of a claim that speaks of its own families only.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from properties.engine.claim import Claim, Evaluation, Family, InstanceVerdict, Verdict
from properties.engine.replay.counterexample import Refutation
from properties.engine.replay.instance_document import InstanceDocument, from_document, to_document
from properties.engine.search import evaluate_instance
from theory.threads import one_thread

DIGITS = (1, 2, 3, 6)
"""Decimal digits of the largest entry of a part that are tried, fewest first."""

KEPT = 0.5
"""Share of the violation, ``measured/predicted - 1``, that a rounding leaves at least."""

MOST_EVALUATIONS = 30
"""Roundings of one refutation that are tried: at most this many."""

MOST_ENTRIES = 400
"""Larger instances keep their digits: nobody reads so many numbers, and each evaluation takes long."""

MOST_SECONDS = 0.3
"""No further rounding is tried after so much of the processor's time."""


class NotReproducibleError(RuntimeError):
    """A refutation that is none when the claim is evaluated on the same instance again."""


def on_documents(claim: Claim[Any]) -> Claim[Any]:
    """The claim on instances as they are read back from their documents: what is found is what a file holds."""

    def read_back(family: Family[Any]) -> Family[Any]:
        return dataclasses.replace(
            family, build=lambda description: from_document(to_document(family.build(description)))
        )

    return dataclasses.replace(claim, families=tuple(map(read_back, claim.families)))


def stored_refutation(
    claim: Claim[Any], found: Evaluation, seed: int, most_seconds: float | None = None, read_back: bool = False
) -> Refutation:
    """The refutation as it is stored: rounded where it can be, and evaluated on the instance as read back from its document.

    That was done where it was found on such an instance, ``read_back``. No further rounding is tried after ``most_seconds`` of the
    processor's time, ``MOST_SECONDS`` by default.

    Raises NotReproducibleError when the claim is not refuted on what is read back: a step of the user's own that keeps
    state between calls, or a fault of the document.
    """
    with one_thread():
        document = to_document(found.instance)
        evaluation = found if read_back else _evaluated(claim, found, document, seed)
        if evaluation.verdict is not InstanceVerdict.REFUTED:
            raise NotReproducibleError(
                f"{claim.id} was refuted on an instance, but {evaluation.verdict} when evaluated on it again; "
                f"does the step keep state between calls?"
            )
        return _rounded(
            claim, Refutation(evaluation, document), seed, MOST_SECONDS if most_seconds is None else most_seconds
        )


def _evaluated(claim: Claim[Any], found: Evaluation, document: InstanceDocument, seed: int) -> Evaluation:
    return evaluate_instance(claim, found.family, found.description, from_document(document), seed)


def _rounded(claim: Claim[Any], refutation: Refutation, seed: int, most_seconds: float) -> Refutation:
    started, tried, original = time.process_time(), 0, refutation.evaluation
    entries = sum(array.size for array in refutation.document.arrays.values())
    if claim.of_its_families or entries > MOST_ENTRIES:
        return refutation
    for part in getattr(original.instance, "roundable", ()):
        for digits in DIGITS:
            candidate = rounded_document(refutation.document, part, digits)
            if candidate is None:
                break
            if tried == MOST_EVALUATIONS or time.process_time() - started > most_seconds:
                return refutation
            tried += 1
            try:
                evaluation = _evaluated(claim, original, candidate, seed)
            except Exception:  # whatever keeps it from being evaluated: this rounding is not taken
                continue
            if _as_clear(evaluation, than=original):
                refutation = Refutation(evaluation, candidate, (*refutation.rounded, part))
                break
    return refutation


def _as_clear(evaluation: Evaluation, than: Evaluation) -> bool:
    """Whether it is a refutation with most of the violation left, and no bound more that nothing decides."""
    if evaluation.verdict is not InstanceVerdict.REFUTED:
        return False
    undecided, before = (sum(bound.verdict is Verdict.UNDECIDED for bound in one.bounds) for one in (evaluation, than))
    return undecided <= before and _violation(evaluation) >= KEPT * _violation(than)


def _violation(evaluation: Evaluation) -> float:
    assert evaluation.tightest is not None
    return evaluation.tightest.ratio - 1


def rounded_document(document: InstanceDocument, part: str, digits: int) -> InstanceDocument | None:
    """The document with one part, an array or a number, rounded to decimals; None where it is as round already.

    All entries of an array get as many decimals as its largest one needs for ``digits`` significant digits, so that
    those far below it become 0.
    """
    *path, last = part.split(".")
    holder = document.tree["fields"]
    for name in path:
        holder = holder[name]["fields"] if isinstance(holder.get(name), Mapping) else {}
    value = holder.get(last)
    if isinstance(value, float):
        given = np.array(value)
    elif isinstance(value, Mapping) and value.get("array") in document.arrays:
        given = document.arrays[value["array"]]
    else:
        return None
    rounded = round_to(given, digits)
    if np.array_equal(rounded, given):
        return None
    if isinstance(value, float):
        return InstanceDocument(_replaced(document.tree, part.split("."), float(rounded)), document.arrays)
    return InstanceDocument(document.tree, {**document.arrays, value["array"]: rounded})


def round_to(values: np.ndarray[Any, Any], digits: int) -> np.ndarray[Any, Any]:
    """The nearest float64 to each entry rounded to the decimals that give the largest one so many significant digits."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0:
        return values
    decimals = digits - 1 - int(f"{largest:e}".partition("e")[2])
    rounded = np.array([round(entry, decimals) + 0.0 for entry in values.ravel().tolist()])
    return rounded.reshape(values.shape).copy(order="F" if values.flags.fnc else "C")


def _replaced(tree: Mapping[str, Any], path: list[str], value: float) -> dict[str, Any]:
    fields = tree["fields"]
    inner = value if len(path) == 1 else _replaced(fields[path[0]], path[1:], value)
    return {**tree, "fields": {**fields, path[0]: inner}}
