"""What is said of a refuted step: what it was given and what came back, as Python expressions, and the cause where it is known."""

from __future__ import annotations

import numpy as np

from properties.claim import Evaluation, Verdict
from properties.claims import identity_rounding as rounding
from properties.guard.diagnosis import cause_sentences
from properties.guard.fresh import AfterCalls
from properties.guard.implementation import Answer, Call, Implementation
from properties.guard.instances import StepInstance
from properties.guard.judgements import STILL, FixedInstance
from properties.guard.state_causes import state_sentences
from properties.report.wording import CAUSE
from theory.errors import ImplementationError
from theory.inputs import FloatArray

PRINTED = 512
"""Arrays with more entries than this are told by their shapes."""


def explanation(evaluation: Evaluation) -> list[str]:
    """The instance in full where it is small, and a sentence for every cause that fits."""
    instance: StepInstance = evaluation.instance
    return [*instance_lines(evaluation), *(f"{CAUSE}{sentence}" for sentence in _causes(instance))]


def _causes(instance: StepInstance) -> list[str]:
    implementation = instance.implementation
    known = Implementation(implementation.name, implementation.optimiser)
    try:
        stateful = state_sentences(known, instance.unit_roundoff)
    except ImplementationError as error:
        return [f"not looked for, as {error}"]
    if stateful:
        return stateful
    if isinstance(instance, FixedInstance):
        instance = StepInstance(instance.moving, known)
    return cause_sentences(known, instance)


# --- arrays ----------------------------------------------------------------------------------------------------------


def instance_lines(evaluation: Evaluation) -> list[str]:
    """What was given, returned and expected; the calls that came first where they matter."""
    instance: StepInstance = evaluation.instance
    call, answer, problem = instance.problem.call(), instance.answer, instance.problem
    if isinstance(instance, FixedInstance) and any(
        STILL in bound.label for bound in evaluation.bounds if bound.verdict is Verdict.REFUTED
    ):
        call, answer = instance.moving.call(0.0), instance.still
        expected: FloatArray | None = call.weights
    else:
        expected = rounding.floats(problem.after.weights) if problem.regular else None
    earlier = instance.implementation.before if isinstance(instance.implementation, AfterCalls) else ()
    lines = ["on this instance:"] if not earlier else ["on these calls, the first ones in a fresh process:"]
    for number, one in enumerate(earlier, 1):
        lines += [f"call {number}: {line}" for line in _given(one)]
    prefix = f"call {len(earlier) + 1}: " if earlier else ""
    lines += [prefix + line for line in [*_given(call), *_came_back(answer)]]
    if expected is not None:
        lines.append(f"exact_weights = {_text(expected)}")
    return lines


def _given(call: Call) -> list[str]:
    arrays = {"X": call.inputs, "y": call.targets, "weights": call.weights, "signs": call.signs}
    return [*(f"{name} = {_text(array)}" for name, array in arrays.items()), f"step_size = {call.step_size!r}"]


def _came_back(answer: Answer) -> list[str]:
    if answer.weights is not None:
        return [f"returned_weights = {_text(answer.weights)}"]
    said = [f"the step {answer.problem}"]
    return [*said, f"what came back: {answer.returned}"] if answer.returned else said


def _text(array: FloatArray) -> str:
    if array.size > PRINTED:
        return f"an array of shape {array.shape}, in full in the counterexample file that --report=DIR writes"
    return str((np.asarray(array) + 0.0).tolist())  # -0.0 reads as 0.0
