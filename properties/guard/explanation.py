"""What is said of a refuted step: what it was given and what came back, as Python expressions, the cause where it is known, and what to change."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.engine.claim import Evaluation, Verdict
from properties.engine.report.causes import CAUSE, REMEDY
from properties.exact import identity_rounding as rounding
from properties.guard.diagnosis import causes_of
from properties.guard.fresh import AfterCalls
from properties.guard.implementation import Answer, Call
from properties.guard.instances import StepInstance
from properties.guard.judgements import STILL, FixedInstance
from properties.guard.remedies import Cause
from properties.guard.singular_instances import SingularInstance
from properties.guard.state_causes import state_causes
from theory.errors import ImplementationError
from theory.inputs import FloatArray

PRINTED = 512
"""Arrays with more entries than this are told by their shapes."""


def explanation(evaluation: Evaluation) -> list[str]:
    """The instance in full where it is small, what is meant there, and a sentence for every cause that fits, with its remedy."""
    instance: StepInstance = evaluation.instance
    return [*instance_lines(evaluation), *_meant(instance), *_told(instance)]


def _told(instance: StepInstance) -> Iterator[str]:
    """Every cause that fits, each with its remedy; one that several have is told behind the first."""
    answers = [instance.answer, *([instance.still] if isinstance(instance, FixedInstance) else [])]
    place = next((answer.returned for answer in answers if answer.weights is None), "")
    known: set[str] = set()
    for cause in _causes(instance, place):
        yield f"{CAUSE}{cause.said}"
        if cause.remedy and cause.remedy not in known:
            yield f"{REMEDY}{cause.remedy}"
            known.add(cause.remedy)


def _meant(instance: StepInstance) -> list[str]:
    """The step that is meant, where it is not the plain one, and how another one is declared."""
    problem, damping = instance.problem, instance.implementation.damping
    if damping is not None:
        return [f"damping: meant is {damping.text}: -eta {damping.formula}"]
    if not isinstance(instance, SingularInstance):
        return []
    name, step = ("H", "(S^+ (x) X^+) r") if problem.optimiser == "kfac" else ("G", "J^+ r")
    where = f"{name} ({problem.matrix.nrows()} x {problem.matrix.nrows()}) has the rank {problem.rank} on this instance"
    declared = {
        "pinv": f"the step there is {step} by the pseudo-inverse; a step that is documented to raise there is declared by "
        f"--singular raises, one that promises nothing there by --singular unjudged (--ngd-singular in a run of pytest)",
        "raises": "--singular raises accepts a LinAlgError, ValueError or ArithmeticError there, or the step by the pseudo-inverse",
    }
    return [f"singular: {where}; {declared[instance.implementation.singular]}"]


def _causes(instance: StepInstance, place: str) -> list[Cause]:
    known = instance.implementation.plain
    try:
        stateful = state_causes(known, instance.unit_roundoff)
    except ImplementationError as error:
        return [Cause(f"not looked for, as {error}", "")]
    if stateful:
        return stateful
    if isinstance(instance, FixedInstance):
        instance = StepInstance(instance.moving, known)
    return causes_of(known, instance, place)


# --- arrays ----------------------------------------------------------------------------------------------------------


def instance_lines(evaluation: Evaluation) -> list[str]:
    """What was given, returned and expected; the calls that came first where they matter."""
    instance: StepInstance = evaluation.instance
    call, answer, problem = instance.problem.call(), instance.answer, instance.problem
    if isinstance(instance, FixedInstance) and any(
        STILL in bound.label for bound in evaluation.bounds if bound.verdict is Verdict.REFUTED
    ):
        call, answer = instance.moving.call(0.0), instance.still
        expected = call.weights
    else:
        expected = rounding.floats(problem.after.weights)
    earlier = instance.implementation.before if isinstance(instance.implementation, AfterCalls) else ()
    lines = ["on this instance:"] if not earlier else ["on these calls, the first ones in a fresh process:"]
    for number, one in enumerate(earlier, 1):
        lines += [f"call {number}: {line}" for line in _given(one)]
    prefix = f"call {len(earlier) + 1}: " if earlier else ""
    lines += [prefix + line for line in [*_given(call), *_came_back(answer)]]
    return [*lines, f"exact_weights = {_text(expected)}"]


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
