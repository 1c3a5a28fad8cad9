"""The claims on a step of the user's own: the identities as the sharp check, the theorems' one-step rates as consequences.

Everything is judged from the W that the step was given and the W' that it returned, in exact rational arithmetic; what rounding
may do to a backward stable implementation is in allowance.py. A wrong step may well contract fast enough for T1: the identity
tells it from NGD, the rates say what that costs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq_mat

from properties.claim import (
    Bound,
    Claim,
    Evaluation,
    Family,
    Hypothesis,
    Mutant,
    Provenance,
    Verdict,
    at_most,
    certified,
    equal_exactly,
    require,
    within_rounding,
)
from properties.claims import identity_rounding as rounding
from properties.claims.exact_network import vec
from properties.guard import controls
from properties.guard.allowance import frobenius, pattern_margin
from properties.guard.controls import ArrayStep
from properties.guard.diagnosis import explanation
from properties.guard.implementation import Answer, Implementation
from properties.guard.instances import (
    Description,
    Problem,
    StepInstance,
    examples,
    hand_descriptions,
    hand_family,
    hand_problem,
    wide_descriptions,
    wide_family,
    wide_problem,
)
from theory.network import TwoLayerNetwork
from theory.rigour.exact import hadamard
from theory.rigour.rounding import gamma
from theory.stability import certify_ball
from theory.theorems import kfac, ngd

ROOM = 1 + 2.0**-20
"""For unit rows that are rounded, and the evaluation of the bounds themselves."""


# --- hypotheses ------------------------------------------------------------------------------------------------------


def solvable(instance: StepInstance) -> Sequence[Hypothesis]:
    """The matrix to invert is regular, no activation can come out wrong, and the allowance says something."""
    problem, u = instance.problem, instance.unit_roundoff
    name = "H" if problem.optimiser == "kfac" else "G"
    found = [require(f"{name} is regular, exactly", problem.matrix.rank() - problem.matrix.nrows())]
    if not problem.regular:
        return found
    found.append(certified(f"lambda_min({name}) > 0", problem.lambda_min))
    if problem.optimiser == "kfac":
        found.append(certified("the rank of X is certified", problem.bounds.smallest_eigenvalue[0]))
    if any(hypothesis.verdict is not Verdict.HOLDS for hypothesis in found):
        return found
    dtype = instance.answer.dtype
    return [
        *found,
        require(f"no pre-activation is 0 within the rounding of {dtype}", pattern_margin(problem.exact, u)),
        require(f"{name} well enough conditioned for {dtype}", problem.condition.meaningful(u)),
    ]


def features(instance: StepInstance) -> Sequence[str]:
    """The shapes that matter, and the type returned."""
    n, d = instance.problem.given.inputs.shape
    weights = instance.problem.given.weights
    labels = ["n > d" if n > d else "n <= d", instance.answer.dtype]
    labels += ["n = 1"] if n == 1 else []
    labels += ["equal neurons"] if len(np.unique(weights, axis=0)) < len(weights) else []
    return labels


def _broken(answer: Answer) -> Bound:
    return within_rounding(f"the step {answer.problem}", math.inf, 0.0)


Conclusion = Callable[[StepInstance], Sequence[Bound]]


def _answered(conclusion: Conclusion) -> Conclusion:
    """The conclusion where there is an answer to judge, else that there is none: a violation."""

    def judged(instance: StepInstance) -> Sequence[Bound]:
        return [_broken(instance.answer)] if instance.returned is None else conclusion(instance)

    return judged


# --- identities ------------------------------------------------------------------------------------------------------


def _precision(instance: StepInstance) -> str:
    condition = instance.problem.condition
    return f"{instance.answer.dtype}, p = {condition.backward}, condition {condition.number:.3g}"


@_answered
def identity_conclusion(instance: StepInstance) -> Sequence[Bound]:
    """``||W' - W*||_F``, W* after the exact step."""
    assert instance.returned is not None
    distance = frobenius(instance.returned.weights - instance.problem.after.weights)
    label = f"||W' - W*||_F of W' as returned and W* exact, within rounding ({_precision(instance)})"
    return [within_rounding(label, distance, instance.allowance)]


@_answered
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


def _at_most(label: str, measured: float, predicted: float, size: float) -> Bound:
    """Norms of exact vectors, each off by some roundings of itself and of ``size``."""
    return at_most(label, measured, predicted, gamma(64) * (measured + predicted + size))


@_answered
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
    return [_at_most(label, distance, eta * variation * size + _output_allowance(instance), size)]


Rate = Callable[[Problem, float], float]
"""``(problem, C)`` -> the factor on ``||r||`` of one step."""


def _constant(problem: Problem) -> float:
    """C of Condition 2, or K2, by the ball certificate; inf where it certifies nothing."""
    given = problem.given
    net = TwoLayerNetwork(weights=given.weights, signs=given.signs)
    condition = "K2" if problem.optimiser == "kfac" else "2"
    return float(certify_ball(net, given.inputs, given.targets, condition=condition).constant)


def rate_hypotheses(limit: float, instance: StepInstance) -> Sequence[Hypothesis]:
    """Those of the step, and a C that is certified to lie below the theorem's limit."""
    found = solvable(instance)
    if any(hypothesis.verdict is not Verdict.HOLDS for hypothesis in found):
        return found
    return [*found, certified(f"C < {limit:.3g} is certified", limit - _constant(instance.problem))]


def rate_conclusion(rate: Rate, instance: StepInstance) -> Sequence[Bound]:
    """``||r'|| <= rate ||r||``."""
    size, factor = frobenius(instance.problem.exact.residual), rate(instance.problem, _constant(instance.problem))
    label = f"||r'|| <= rate ||r||, and rounding (rate {factor:.6g})"
    measured = frobenius(_moved_residual(instance))
    return [_at_most(label, measured, factor * size + _output_allowance(instance), size)]


Limit = Callable[[Problem, float], float]
"""``(problem, C)`` -> the step limit; 0 where the theorem does not speak."""


def rate_family(implementation: Implementation, limit: Limit, counts: Mapping[Any, int]) -> Family[StepInstance]:
    """Networks of family F1 whose step size is a share of the theorem's limit."""

    def build(description: Description) -> StepInstance:
        problem = wide_problem(description, implementation.optimiser)
        C = _constant(problem)
        largest = limit(problem, C) if math.isfinite(C) else 0.0
        if largest > 0:
            share = problem.given.step_size * largest * (1 - 2.0**-40)
            problem = Problem(dataclasses.replace(problem.given, step_size=share))
        return StepInstance(problem, implementation)

    return Family(
        "F1", "ReLU networks of 16 to 64 neurons at initialisation", lambda: wide_descriptions(2), build, counts
    )


def _kfac_limit(problem: Problem, C: float) -> float:
    if not (problem.bounds.rank_certified and C < kfac.constant_limit("T4-lev")):
        return 0.0
    return float(kfac.step_limit(C, h_max=problem.bounds.h_max[1], theorem="T4-lev"))


def _kfac_rate(problem: Problem, C: float) -> float:
    return float(kfac.rate(problem.given.step_size, C, h_min=problem.bounds.h_min[0], theorem="T4-lev"))


# --- contracts -------------------------------------------------------------------------------------------------------


def contract_conclusion(instance: StepInstance) -> Sequence[Bound]:
    """Real finite weights of shape (m, d); nothing that was passed changes; the same input gives the same step."""
    answer = instance.answer
    if answer.weights is None:
        return [_broken(answer)]
    problem = instance.problem
    elsewhere = Problem(dataclasses.replace(problem.given, weights=problem.given.other_weights))
    elsewhere.answer(instance.implementation)  # whatever it is, it must not change the next one
    again = problem.answer(instance.implementation)
    mutated = ", ".join(answer.mutated)
    bounds = [
        equal_exactly("W' is real, finite, of shape (m, d)", holds=True),
        equal_exactly(f"the step changes its argument {mutated}" if mutated else "no argument is changed", not mutated),
    ]
    if again.weights is None:
        return [*bounds, within_rounding(f"called again, the step {again.problem}", math.inf, 0.0)]
    distance = float(np.linalg.norm(answer.weights - again.weights)) * ROOM
    label = "the same input again, after a call with other weights, gives the same W' to rounding"
    return [*bounds, within_rounding(label, distance, 2 * instance.allowance)]


@dataclasses.dataclass(frozen=True)
class FixedInstance(StepInstance):
    """A problem whose residual is exactly 0, and the targets it had before."""

    moving: Problem


def _fixed(description: Description, implementation: Implementation) -> FixedInstance:
    problem = hand_problem(description, implementation.optimiser)
    targets = rounding.floats(problem.exact.outputs)[:, 0]
    return FixedInstance(Problem(dataclasses.replace(problem.given, targets=targets)), implementation, problem)


def fixed_hypotheses(instance: FixedInstance) -> Sequence[Hypothesis]:
    """Those of the step, and outputs that are float64 numbers, so that the residual is 0."""
    zero = all(entry == 0 for entry in instance.problem.exact.residual.entries())
    return [*solvable(instance), require("the residual is exactly 0", 0.0 if zero else -1.0)]


@_answered
def _fixed_conclusion(instance: StepInstance) -> Sequence[Bound]:
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
    still = instance.moving.answer(instance.implementation, 0.0)
    label = "W' = W with the step size 0, to rounding"
    if still.refused:
        return [*bounds, equal_exactly("the step size 0 is refused by a ValueError", holds=True)]
    if still.weights is None:
        return [*bounds, within_rounding(f"with the step size 0, the step {still.problem}", math.inf, 0.0)]
    distance = float(np.linalg.norm(still.weights - weights)) * ROOM
    return [*bounds, within_rounding(label, distance, instance.moving.condition.allowance(still.unit_roundoff, 0.0))]


# --- the claims ------------------------------------------------------------------------------------------------------


def _mutants(claim: Claim[Any], families: Callable[[Implementation], Any], wrong: Mapping[str, Any]) -> Claim[Any]:
    """The claim with the same claim about each wrong step as a mutant."""
    found: list[Mutant] = []
    for id, (description, step, optimiser) in wrong.items():
        implementation = Implementation.of(f"control {id}", optimiser, step)
        found.append(claim.neighbour(id, description, families=families(implementation), features=lambda _: ()))
    return claim.with_mutants(*found)


def _hand_and_wide(hand: tuple[int, int, int], wide: tuple[int, int, int]) -> Callable[[Implementation], Any]:
    return lambda found: (hand_family(found, examples(*hand)), wide_family(found, examples(*wide)))


def _explained(implementation: Implementation) -> Callable[[Evaluation], Sequence[str]]:
    def explain(evaluation: Evaluation) -> Sequence[str]:
        description, optimiser = evaluation.description, implementation.optimiser
        build = hand_problem if "width" in description else wide_problem
        return explanation(implementation, StepInstance(build(description, optimiser), implementation))

    return explain


def own_claims(implementation: Implementation) -> Mapping[str, Claim[Any]]:
    """The claims on one implementation, by id."""
    claims = [_contract(implementation), _fixed_point(implementation), _identity(implementation)]
    if implementation.optimiser == "kfac":
        largest = kfac.constant_limit("T4-lev")
        claims += [_function_space(implementation), _rate(implementation, "T4-lev", largest, _kfac_limit, _kfac_rate)]
    else:
        claims += [_one_step(implementation)]
        for theorem in ("T1", "T1-sharp"):
            limit = partial(_ngd_limit, theorem)
            claims.append(
                _rate(implementation, theorem, ngd.constant_limit(theorem), limit, partial(_ngd_rate, theorem))
            )
    return {claim.id: claim for claim in claims}


def _ngd_limit(theorem: str, problem: Problem, C: float) -> float:
    del problem
    return float(ngd.step_limit(C, theorem)) if C < ngd.constant_limit(theorem) else 0.0


def _ngd_rate(theorem: str, problem: Problem, C: float) -> float:
    return float(ngd.rate(problem.given.step_size, C, theorem))


def _contract(implementation: Implementation) -> Claim[Any]:
    families = _hand_and_wide((30, 170, 1500), (10, 60, 500))
    claim: Claim[Any] = Claim(
        id="own-contract",
        statement=f"{implementation.name} returns real finite weights, changes no argument, keeps no state",
        provenance=Provenance.DERIVED,
        source="docs/guard.md",
        families=families(implementation),
        hypotheses=solvable,
        conclusion=contract_conclusion,
        features=features,
        explain=_explained(implementation),
    )
    right = controls.stepping(controls.kronecker if implementation.optimiser == "kfac" else controls.natural)

    def in_place(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        weights[:] = right(weights, signs, X, y, step_size)
        return weights

    named = implementation.optimiser
    return _mutants(
        claim,
        families,
        {
            "in-place": ("a step that overwrites its weights", in_place, named),
            "state": ("a step whose damping is added again at every call", controls.accumulating(1e-3), named),
            "transposed": ("a step that returns (d, m)", lambda *given: right(*given).T, named),
            "complex": ("a step that returns complex numbers", lambda *given: right(*given) + 0j, named),
            "nothing": ("a step that returns None", lambda *given: None, named),
        },
    )


def _fixed_point(implementation: Implementation) -> Claim[Any]:
    def families(found: Implementation) -> Any:
        return (
            Family(
                "fixed points",
                "hand-sized ReLU networks with a residual that is exactly 0",
                hand_descriptions,
                lambda description: _fixed(description, found),
                examples(100, 800, 5000),
            ),
        )

    claim: Claim[Any] = Claim(
        id="own-fixed-point",
        statement=f"{implementation.name} does not move where the residual is 0, nor with the step size 0",
        provenance=Provenance.DERIVED,
        source="docs/guard.md",
        families=families(implementation),
        hypotheses=fixed_hypotheses,
        conclusion=_fixed_conclusion,
        features=features,
    )
    right = controls.stepping(controls.kronecker if implementation.optimiser == "kfac" else controls.natural)

    def decaying(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        return right(weights, signs, X, y, step_size) - 1e-6 * step_size * weights

    def unit_step(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        return right(weights, signs, X, y, 1.0)

    named = implementation.optimiser
    return _mutants(
        claim,
        families,
        {
            "decay": ("a step with weight decay 1e-6", decaying, named),
            "unit-step": ("a step that ignores the step size", unit_step, named),
        },
    )


def _wrong_steps(optimiser: str) -> Mapping[str, tuple[str, ArrayStep, str]]:
    right = controls.kronecker if optimiser == "kfac" else controls.natural
    other = controls.natural if optimiser == "kfac" else controls.kronecker
    wrong: dict[str, tuple[str, controls.Direction]] = {
        "mean": ("1/n of the step: a mean where a sum is meant", controls.times(controls.per_sample, right)),
        "sign": ("the opposite sign", controls.times(lambda _: -1.0, right)),
        "gradient": ("the gradient step", controls.gradient),
        "other-optimiser": ("K-FAC's step for NGD's, or conversely", other),
        "column-major": ("the update unflattened column by column", controls.column_major(right)),
        "unscaled": ("m^{-1/2} missing in the network", controls.unscaled(right)),
    }
    if optimiser == "kfac":
        wrong |= {
            "factors-damped": ("1e-8 I added to both factors", lambda net: controls.kronecker(net, 1e-8, 1e-8)),
            "product-damped": ("1e-8 I added to the Kronecker product", controls.damped_product(1e-8)),
            "factors-swapped": ("the factors in the other order", controls.swapped),
        }
    else:
        wrong |= {
            "damped": ("1e-8 I added to the Fisher matrix", controls.damped_fisher(1e-8)),
            "cut-off": ("a pseudo-inverse with cut-off 0.2", controls.cut_off(0.2)),
        }
    return {id: (text, controls.stepping(direction), optimiser) for id, (text, direction) in wrong.items()}


def _identity(implementation: Implementation) -> Claim[Any]:
    families = _hand_and_wide((40, 300, 2500), (15, 80, 800))
    kronecker = implementation.optimiser == "kfac"
    formula = "((S^T S)^+ (x) (X^T X)^+) J^T r" if kronecker else "J^+ r"
    claim: Claim[Any] = Claim(
        id="own-I-kfac" if kronecker else "own-I-pinv",
        statement=f"{implementation.name} moves the weights by -eta {formula}, to what rounding may do",
        provenance=Provenance.PAPER,
        source="THEORY section 1; properties/guard/allowance.py",
        families=families(implementation),
        hypotheses=solvable,
        conclusion=identity_conclusion,
        features=features,
        explain=_explained(implementation),
    )
    return _mutants(claim, families, _wrong_steps(implementation.optimiser))


def _some(optimiser: str, *ids: str) -> Mapping[str, Any]:
    return {id: wrong for id, wrong in _wrong_steps(optimiser).items() if id in ids}


def _function_space(implementation: Implementation) -> Claim[Any]:
    families = _hand_and_wide((40, 300, 2500), (10, 40, 400))
    claim: Claim[Any] = Claim(
        id="own-I-kfac-fn",
        statement=f"{implementation.name}: J(V) vec(W' - W) = -eta ((S(V) S(W)^+) o P) r for every V; -eta diag(h) r at W",
        provenance=Provenance.DERIVED,
        source="THEORY section 1",
        families=families(implementation),
        hypotheses=solvable,
        conclusion=function_conclusion,
        features=features,
    )
    wrong = _some("kfac", "mean", "sign", "other-optimiser", "factors-damped", "factors-swapped")
    return _mutants(claim, families, wrong)


def _one_step(implementation: Implementation) -> Claim[Any]:
    families = _hand_and_wide((40, 300, 2500), (15, 80, 800))
    claim: Claim[Any] = Claim(
        id="own-T1-step",
        statement=f"{implementation.name}: ||r' - (1-eta) r|| <= eta eps ||r||, eps = (#flips / (m lambda_min(G)))^(1/2)",
        provenance=Provenance.DERIVED,
        source="THEORY section 4",
        families=families(implementation),
        hypotheses=solvable,
        conclusion=step_conclusion,
        features=features,
    )
    return _mutants(claim, families, _some("ngd", "mean", "sign", "gradient", "other-optimiser", "damped"))


def _rate(implementation: Implementation, theorem: str, constant_limit: float, limit: Limit, rate: Rate) -> Claim[Any]:
    def families(found: Implementation) -> Any:
        return (rate_family(found, limit, examples(60, 330, 3000)),)

    squared = {
        "T1": "C < 1/2, eta <= (1-2C)/(1+C)^2 give ||r'||^2 <= (1-eta) ||r||^2",
        "T1-sharp": "C < 1, eta <= rho(2-rho) give ||r'|| <= (1 - eta/rho) ||r||",
        "T4-lev": "C < 3/5, eta <= (1-2q)/(h_max (1-q)^2) give ||r'||^2 <= (1 - eta h_min) ||r||^2",
    }
    claim: Claim[Any] = Claim(
        id=f"own-{theorem}",
        statement=f"{implementation.name}: {squared[theorem]}, one step from W(0)",
        provenance=Provenance.PAPER if theorem == "T1" else Provenance.DERIVED,
        source="THEORY section 4" if theorem != "T4-lev" else "THEORY section 7",
        families=families(implementation),
        hypotheses=partial(rate_hypotheses, constant_limit),
        conclusion=_answered(partial(rate_conclusion, rate)),
        features=features,
    )
    ids = ("sign",) if theorem == "T4-lev" else ("sign", "mean")
    return _mutants(claim, families, _some(implementation.optimiser, *ids))
