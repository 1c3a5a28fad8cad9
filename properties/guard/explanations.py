"""What is said of a refutation where the reference is not the plain step: where G or H is singular, and with damping."""

from __future__ import annotations

from properties.guard.diagnosis import Probe, instance_lines, matching, panel
from properties.guard.implementation import Implementation
from properties.guard.instances import StepInstance


def singular_explanation(instance: StepInstance) -> list[str]:
    """The instance, and what the step is there, or what to declare."""
    problem, singular = instance.problem, instance.implementation.singular
    if problem.damping is not None:
        return damped_explanation(instance.implementation, instance)
    name, step = ("H", "(S^+ (x) X^+) r") if problem.optimiser == "kfac" else ("G", "J^+ r")
    where = f"{name} ({problem.matrix.nrows()} x {problem.matrix.nrows()}) has the rank {problem.rank} on this instance"
    declared = {
        "pinv": f"the step there is {step} by the pseudo-inverse; a step that is documented to raise there is declared by "
        f"--singular raises, one that promises nothing there by --singular unjudged",
        "raises": "--singular raises accepts a LinAlgError, ValueError or ArithmeticError there, or the step by the pseudo-inverse",
    }
    return [*instance_lines(instance), f"singular: {where}; {declared[singular]}"]


def damped_explanation(implementation: Implementation, instance: StepInstance) -> list[str]:
    """The instance, the damping that is meant, and which of the conventions known the step follows in its place."""
    damping = implementation.damping
    assert damping is not None
    lines = [*instance_lines(instance), f"damping: meant is {damping.text}: -eta {damping.formula}"]
    if instance.answer.weights is None:
        return lines
    undamped = _undamped(implementation, instance)
    found = ["matches the step without damping"] if undamped else matching(implementation, instance)
    return [*lines, *(f"convention: {sentence}" for sentence in found)]


def _undamped(implementation: Implementation, instance: StepInstance) -> bool:
    """Whether the step is the one without damping on the whole panel."""
    u = instance.unit_roundoff
    problems = panel(implementation.optimiser, u)
    answers = [(problem, problem.answer(implementation).weights) for problem in problems]
    return bool(problems) and all(
        weights is not None and Probe(problem, weights, u).agrees(problem.after.weights) for problem, weights in answers
    )
