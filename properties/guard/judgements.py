"""What is required of an instance, and what is judged of the step's answer on it: identities, rates, contracts.

Everything is judged from the W that the step was given and the W' that it returned, in exact rational arithmetic; what rounding
may do to a backward stable implementation is in allowance.py.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from flint import fmpq_mat

from properties.engine.claim import (
    Bound,
    Hypothesis,
    Verdict,
    at_most,
    certified,
    equal_exactly,
    require,
    within_rounding,
)
from properties.engine.stable_names import stored_as
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import vec
from properties.guard.allowance import frobenius, pattern_margin
from properties.guard.implementation import Answer, Implementation
from properties.guard.instances import (
    Description,
    Problem,
    StepInstance,
    hand_problem,
)
from properties.guard.singular_instances import SingularInstance, singular
from theory.direction import UpperBound, margin, raised
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import hadamard
from theory.rigour.rounding import gamma
from theory.stability import certify_ball

ROOM = 1 + 2.0**-20
"""For unit rows that are rounded, and the evaluation of the bounds themselves."""


# --- hypotheses ------------------------------------------------------------------------------------------------------


def solvable(instance: StepInstance) -> Sequence[Hypothesis]:
    """The matrix to invert is regular, no activation can come out wrong, and the allowance says something.

    Where it is meant to be singular, it is, with a gap in its spectrum; with damping it is never singular.
    """
    problem, u = instance.problem, instance.unit_roundoff
    name = "H" if problem.optimiser == "kfac" else "G"
    if problem.damping is not None:
        name, pi = "the damped matrix", problem.damping.kind == "pi"
        found = [require("pi has a value", 0.0 if problem.damping.defined(problem.exact) else -1.0)] if pi else []
    elif isinstance(instance, SingularInstance):
        found = singular(instance)
    else:
        found = [require(f"{name} is regular, exactly", problem.rank - problem.matrix.nrows())]
    if any(hypothesis.verdict is Verdict.REFUTED for hypothesis in found):
        return found
    found.append(certified(f"the smallest eigenvalue of {name} is certified to be above 0", problem.lambda_min))
    if problem.optimiser == "kfac":
        found.append(certified("the rank of X is certified", problem.bounds.smallest_eigenvalue[0]))
    if any(hypothesis.verdict is not Verdict.HOLDS for hypothesis in found):
        return found
    dtype = instance.dtype
    return [
        *found,
        require(f"no pre-activation is 0 within the rounding of {dtype}", pattern_margin(problem.exact, u)),
        require(f"{name} well enough conditioned for {dtype}", problem.condition.meaningful(u)),
    ]


def telling(instance: StepInstance) -> Sequence[Hypothesis]:
    """Those of the step, and an allowance of a quarter of the step at most, so that a step that does not move is refuted."""
    found = solvable(instance)
    if any(hypothesis.verdict is not Verdict.HOLDS for hypothesis in found):
        return found
    problem = instance.problem
    margin = problem.condition.telling(instance.unit_roundoff, problem.given.step_size)
    return [*found, require(f"rounding in {instance.dtype} leaves three quarters of the step", margin)]


def features(instance: StepInstance) -> Sequence[str]:
    """The shapes that matter, and the type returned."""
    n, d = instance.problem.given.inputs.shape
    weights = instance.problem.given.weights
    labels = ["n > d" if n > d else "n <= d", instance.dtype]
    labels += ["n = 1"] if n == 1 else []
    labels += ["equal neurons"] if len(np.unique(weights, axis=0)) < len(weights) else []
    return labels


def _broken(answer: Answer) -> Bound:
    return within_rounding(f"the step {answer.problem}", math.inf, 0.0)


Conclusion = Callable[[StepInstance], Sequence[Bound]]


def answered(conclusion: Conclusion) -> Conclusion:
    """The conclusion where there is an answer to judge, else that there is none: a violation."""

    def judged(instance: StepInstance) -> Sequence[Bound]:
        return [_broken(instance.answer)] if instance.returned is None else conclusion(instance)

    return judged


# --- identities ------------------------------------------------------------------------------------------------------


def _precision(instance: StepInstance) -> str:
    condition, u = instance.problem.condition, instance.unit_roundoff
    amplified = condition.amplification(u) / condition.direction if condition.direction else 0.0
    return f"{instance.dtype}, {amplified:.3g} u of the step, condition {condition.number:.3g}"


def identity_conclusion(instance: StepInstance) -> Sequence[Bound]:
    """``||W' - W*||_F``, W* after the exact step; where G or H is singular and a refusal is declared, that will do."""
    if (
        isinstance(instance, SingularInstance)
        and instance.implementation.singular == "raises"
        and instance.answer.declined
    ):
        return [equal_exactly("the step raises where the matrix is singular, as declared", holds=True)]
    if instance.returned is None:
        return [_broken(instance.answer)]
    distance = frobenius(instance.returned.weights - instance.problem.after.weights)
    label = f"||W' - W*||_F of W' as returned and W* exact, within rounding ({_precision(instance)})"
    return [within_rounding(label, distance, instance.allowance)]


@answered
def function_conclusion(instance: StepInstance) -> Sequence[Bound]:
    """``J(V) vec(W' - W) = -eta ((S(V) S(W)^+) o P) r`` at another point V and at W itself."""
    assert instance.returned is not None
    problem, net = instance.problem, instance.problem.exact
    change = vec(instance.returned.weights - net.weights)
    inverse = net.features.transpose() * problem.matrix.inv()
    bounds = []
    for name, there in (("V", problem.given.other), ("W", net)):
        expected = -problem.given.eta * hadamard(there.features * inverse, net.projection) * net.residual
        distance = frobenius(there.jacobian * change - expected)
        label = f"J({name}) vec(W' - W) = -eta ((S({name}) S^+) o P) r, within rounding"
        bounds.append(
            within_rounding(label, distance, math.sqrt(len(net.targets.entries())) * instance.allowance * ROOM)
        )
    return bounds


# --- rates -----------------------------------------------------------------------------------------------------------


def _moved_residual(instance: StepInstance) -> fmpq_mat:
    assert instance.returned is not None
    return instance.returned.residual


def _output_allowance(instance: StepInstance) -> float:
    """Outputs move by ``||X||_2 <= n^{1/2}`` times the weights at most."""
    return math.sqrt(len(instance.problem.given.targets)) * instance.allowance * ROOM


def _at_most(label: str, measured: float, predicted: float, error: float = 0.0) -> Bound:
    """Norms of exact vectors and what is made of them, each off by some roundings of itself; ``error`` is another one."""
    return at_most(label, measured, predicted, gamma(64) * (measured + predicted) + error)


@answered
def step_conclusion(instance: StepInstance) -> Sequence[Bound]:
    """``||r' - (1-eta) r|| <= eta eps ||r||``, ``eps <= (#flips / (m lambda))^{1/2}``: T1-step for the vectors themselves.

    J does not change but by flips, each pair (i, r) flips at most once on a segment, and ``||J^+|| <= lambda^{-1/2}``.
    """
    problem, net = instance.problem, instance.problem.exact
    flips = int(np.count_nonzero(rounding.floats(problem.after.features) != rounding.floats(net.features)))
    variation = math.sqrt(flips / (len(net.signs) * problem.lambda_min)) * ROOM
    size, eta = frobenius(net.residual), problem.given.step_size
    distance = frobenius(_moved_residual(instance) - (1 - problem.given.eta) * net.residual)
    label = "||r' - (1-eta) r|| <= eta eps ||r||, and rounding"
    return [_at_most(label, distance, eta * variation * size + _output_allowance(instance))]


Rate = Callable[[Problem, float], float]
"""``(problem, C)`` -> the factor on ``||r||`` of one step."""


def certified_constant(problem: Problem) -> UpperBound:
    """C of Condition 2, or K2, by the ball certificate; inf where it certifies nothing."""
    given = problem.given
    net = TwoLayerNetwork(weights=given.weights, signs=given.signs)
    condition = "K2" if problem.optimiser == "kfac" else "2"
    return certify_ball(net, given.inputs, given.targets, condition=condition).constant


def rate_hypotheses(limit: float, instance: StepInstance) -> Sequence[Hypothesis]:
    """Those of the step, and a C that is certified to lie below the theorem's limit."""
    found = solvable(instance)
    if any(hypothesis.verdict is not Verdict.HOLDS for hypothesis in found):
        return found
    return [
        *found,
        certified(f"C < {raised(limit, 3)} is certified", margin(limit, certified_constant(instance.problem))),
    ]


def rate_conclusion(rate: Rate, instance: StepInstance) -> Sequence[Bound]:
    """``||r'|| <= rate ||r||``."""
    size, factor = (
        frobenius(instance.problem.exact.residual),
        rate(instance.problem, certified_constant(instance.problem)),
    )
    label = f"||r'|| <= rate ||r||, and rounding (rate {raised(factor)})"
    measured = frobenius(_moved_residual(instance))
    return [_at_most(label, measured, factor * size + _output_allowance(instance), gamma(64) * size)]


# --- contracts -------------------------------------------------------------------------------------------------------


def contract_conclusion(instance: StepInstance) -> Sequence[Bound]:
    """Real finite weights of shape (m, d); nothing that was passed or returned changes; the same input gives the same step."""
    answer = instance.answer
    if answer.weights is None:
        return [_broken(answer)]
    problem = instance.problem
    elsewhere = Problem(dataclasses.replace(problem.given, weights=problem.given.other_weights), problem.damping)
    other = elsewhere.answer(instance.implementation)  # whatever it is, neither this one may change nor the next
    again = problem.answer(instance.implementation)
    mutated = ", ".join(answer.mutated)
    bounds = [
        equal_exactly("W' is real, finite, of shape (m, d)", holds=True),
        equal_exactly(f"the step changes its argument {mutated}" if mutated else "no argument is changed", not mutated),
    ]
    if other.overwrites:
        bounds.append(equal_exactly("a later call writes to the array that was returned (return a copy)", holds=False))
    if again.weights is None:
        return [*bounds, within_rounding(f"called again, the step {again.problem}", math.inf, 0.0)]
    distance = float(np.linalg.norm(answer.weights - again.weights)) * ROOM
    label = "the same input again, after a call with other weights, gives the same W' to rounding"
    return [*bounds, within_rounding(label, distance, 2 * instance.allowance)]


@stored_as("step-fixed-point")
@dataclasses.dataclass(frozen=True)
class FixedInstance(StepInstance):
    """A problem whose residual is exactly 0, and the targets it had before."""

    moving: Problem

    @cached_property
    def still(self) -> Answer:
        """The answer with the step size 0."""
        return self.moving.answer(self.implementation, 0.0)


STILL = "W' = W with the step size 0"
"""How the label of the second bound begins."""


def fixed_instance(description: Description, implementation: Implementation) -> FixedInstance:
    """The hand-sized problem whose targets are its own outputs, and the one it was."""
    problem = hand_problem(description, implementation.optimiser, implementation.damping)
    targets = rounding.floats(problem.exact.outputs)[:, 0]
    fixed = Problem(dataclasses.replace(problem.given, targets=targets), problem.damping)
    return FixedInstance(fixed, implementation, problem)


def fixed_hypotheses(instance: FixedInstance) -> Sequence[Hypothesis]:
    """Those of the step, and outputs that are float64 numbers, so that the residual is 0."""
    zero = all(entry == 0 for entry in instance.problem.exact.residual.entries())
    return [*solvable(instance), require("the residual is exactly 0", 0.0 if zero else -1.0)]


@answered
def fixed_conclusion(instance: StepInstance) -> Sequence[Bound]:
    """``W' = W`` where the residual is 0, and with the step size 0."""
    assert isinstance(instance, FixedInstance)
    assert instance.answer.weights is not None
    weights, allowed = instance.problem.given.weights, instance.allowance
    bounds = [
        within_rounding(
            "W' = W where the residual is 0, to rounding",
            float(np.linalg.norm(instance.answer.weights - weights)) * ROOM,
            allowed,
        )
    ]
    still = instance.still
    label = f"{STILL}, to rounding"
    if still.refused:
        return [*bounds, equal_exactly("the step size 0 is refused by a ValueError", holds=True)]
    if still.weights is None:
        return [*bounds, within_rounding(f"{STILL}, but the step {still.problem}", math.inf, 0.0)]
    distance = float(np.linalg.norm(still.weights - weights)) * ROOM
    return [*bounds, within_rounding(label, distance, instance.moving.condition.allowance(instance.unit_roundoff, 0.0))]
