"""The claims on a step of the user's own: the identities as the sharp check, the theorems' one-step rates as consequences.

A wrong step may well contract fast enough for T1: the identity tells it from NGD, the rates say what that costs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from properties.engine.claim import Claim, Family, Provenance
from properties.guard import damped_steps, special_steps, wrong_steps
from properties.guard.controls import ArrayStep
from properties.guard.explanation import explanation
from properties.guard.implementation import OWN_PREFIX, Implementation
from properties.guard.instances import (
    FIRST_FIXED,
    FIRST_RATES,
    Description,
    Problem,
    StepInstance,
    examples,
    hand_descriptions,
    hand_family,
    wide_descriptions,
    wide_family,
    wide_problem,
)
from properties.guard.judgements import (
    Conclusion,
    Rate,
    answered,
    certified_constant,
    contract_conclusion,
    features,
    fixed_conclusion,
    fixed_hypotheses,
    fixed_instance,
    function_conclusion,
    identity_conclusion,
    rate_conclusion,
    rate_hypotheses,
    solvable,
    step_conclusion,
    telling,
)
from properties.guard.larger_instances import larger_family
from properties.guard.parallel_instances import parallel_family
from properties.guard.sequences import isolated
from properties.guard.singular_instances import singular_family
from properties.guard.wrong_steps import WrongSteps
from theory.theorems import kfac, ngd

ONLY = MappingProxyType(
    {
        **dict.fromkeys(("truncated", "low-rank", "wide", "frozen-single"), "larger"),
        **dict.fromkeys(("absolute-6", "absolute-8", "absolute-10"), "nearly parallel"),
        **dict.fromkeys(("garbage", "still", "nan", "raising"), "singular"),
    }
)
"""The family that shows what is wrong with a step which is right on most networks."""

Families = Callable[[Implementation], tuple[Family[Any], ...]]
"""The families of instances on which a claim about an implementation is tested."""


def own_claims(implementation: Implementation) -> Mapping[str, Claim[Any]]:
    """The claims on one implementation, by id; of a damped step contract, fixed point and identity only."""
    claims = [_contract(implementation), _fixed_point(implementation), _identity(implementation)]
    if implementation.damping is not None:
        return {claim.id: claim for claim in claims}
    if implementation.optimiser == "kfac":
        claims += [_function_space(implementation), _kfac_rate(implementation)]
    else:
        claims += [_one_step(implementation), _ngd_rate(implementation, "T1"), _ngd_rate(implementation, "T1-sharp")]
    return {claim.id: claim for claim in claims}


def _claim(
    implementation: Implementation,
    id: str,
    statement: str,
    source: str,
    *,
    families: Families,
    conclusion: Conclusion,
    wrong: WrongSteps,
    provenance: Provenance = Provenance.DERIVED,
    hypotheses: Callable[[Any], Any] = solvable,
    only: Mapping[str, str] = MappingProxyType({}),
) -> Claim[Any]:
    """A claim on the implementation, with the same claim on each wrong step as a mutant.

    ``only`` names, for mutants that are right elsewhere, the one family that they are drawn from.
    """
    claim: Claim[Any] = Claim(
        id=f"{OWN_PREFIX}{id}",
        statement=f"{implementation.name}{statement}",
        provenance=provenance,
        source=source,
        families=families(implementation),
        hypotheses=hypotheses,
        conclusion=conclusion,
        features=features,
        every_family=True,
        explain=explanation,
        isolate=isolated,
    )
    return claim.with_mutants(
        *(
            claim.neighbour(
                id,
                description,
                families=tuple(
                    family
                    for family in families(_control(id, implementation, step))
                    if only.get(id, family.id) == family.id
                ),
                features=lambda _: (),
            )
            for id, (description, step) in wrong.items()
        )
    )


def _control(id: str, implementation: Implementation, step: ArrayStep) -> Implementation:
    """A wrong step that claims to be what the implementation does."""
    name, of = f"control {id}", Implementation.of
    return of(name, implementation.optimiser, step, implementation.damping, implementation.singular)


def _hand_and_wide(hand: tuple[int, int, int], wide: tuple[int, int, int]) -> Families:
    """Hand-sized networks and wide ones, so many at each depth."""
    return lambda found: (hand_family(found, examples(*hand)), wide_family(found, examples(*wide)))


def _every_size(hand: tuple[int, int, int], wide: tuple[int, int, int], larger: tuple[int, int, int]) -> Families:
    """Hand-sized networks, wide ones and larger ones, so many at each depth."""
    return lambda found: (*_hand_and_wide(hand, wide)(found), larger_family(found, examples(*larger)))


# --- contracts -------------------------------------------------------------------------------------------------------


def _contract(implementation: Implementation) -> Claim[Any]:
    return _claim(
        implementation,
        "contract",
        " returns real finite weights, changes no argument, keeps no state",
        "docs/guard.md",
        families=_every_size((30, 270, 1500), (10, 110, 500), (4, 20, 80)),
        conclusion=contract_conclusion,
        wrong=wrong_steps.broken_contracts(implementation.optimiser, implementation.damping is not None),
    )


def _fixed_point(implementation: Implementation) -> Claim[Any]:
    def families(found: Implementation) -> tuple[Family[Any], ...]:
        text = "hand-sized ReLU networks with a residual that is exactly 0"
        build = partial(fixed_instance, implementation=found)
        return (Family("fixed points", text, hand_descriptions, build, examples(100, 1800, 6000), first=FIRST_FIXED),)

    return _claim(
        implementation,
        "fixed-point",
        " does not move where the residual is 0, nor with the step size 0",
        "docs/guard.md",
        families=families,
        hypotheses=fixed_hypotheses,
        conclusion=fixed_conclusion,
        wrong=wrong_steps.moving_fixed_points(implementation.optimiser),
    )


# --- identities ------------------------------------------------------------------------------------------------------


def _identity(implementation: Implementation) -> Claim[Any]:
    optimiser, damping = implementation.optimiser, implementation.damping
    kronecker = optimiser == "kfac"
    formula = "((S^T S)^+ (x) (X^T X)^+) J^T r" if kronecker else "J^+ r"
    if damping is not None:
        formula = f"{damping.formula} ({damping.text})"
        wrong = damped_steps.wrong_damping(damping)
    else:
        wrong = {
            **wrong_steps.wrong_directions(optimiser),
            **wrong_steps.wrong_when_larger(optimiser),
            **special_steps.wrong_when_nearly_singular(optimiser),
            **({} if implementation.singular == "unjudged" else special_steps.wrong_when_singular(optimiser)),
        }

    def families(found: Implementation) -> tuple[Family[Any], ...]:
        every = _every_size((40, 330, 2500), (15, 120, 800), (12, 40, 200))(found)
        nearly = parallel_family(found, examples(4, 30, 200))
        if found.damping is None and found.singular == "unjudged":
            return (*every, nearly)
        return (*every, nearly, singular_family(found, examples(6, 40, 300)))

    return _claim(
        implementation,
        "I-kfac" if kronecker else "I-pinv",
        f" moves the weights by -eta {formula}, to what rounding may do",
        f"docs/theory.md, {'I-kfac' if kronecker else 'I-pinv'}; properties/guard/allowance.py",
        families=families,
        hypotheses=telling,
        conclusion=identity_conclusion,
        wrong=wrong,
        only=ONLY,
        provenance=Provenance.PAPER if damping is None else Provenance.DERIVED,
    )


def _function_space(implementation: Implementation) -> Claim[Any]:
    named = ("mean", "long", "sign", "other-optimiser", "factors-damped", "factors-swapped")
    return _claim(
        implementation,
        "I-kfac-fn",
        ": J(V) vec(W' - W) = -eta ((S(V) S(W)^+) o P) r for every V; -eta diag(h) r at W",
        "docs/theory.md, I-kfac-fn",
        families=_hand_and_wide((40, 380, 2500), (10, 80, 400)),
        hypotheses=telling,
        conclusion=function_conclusion,
        wrong=wrong_steps.wrong_directions("kfac", *named),
    )


def _one_step(implementation: Implementation) -> Claim[Any]:
    return _claim(
        implementation,
        "T1-step",
        ": ||r' - (1-eta) r|| <= eta eps ||r||, eps = (#flips / (m lambda_min(G)))^(1/2)",
        "docs/theory.md, T1-step",
        families=_hand_and_wide((40, 330, 2500), (15, 120, 800)),
        conclusion=step_conclusion,
        wrong=wrong_steps.wrong_directions("ngd", "mean", "long", "sign", "gradient", "other-optimiser", "damped"),
    )


# --- rates -----------------------------------------------------------------------------------------------------------

Limit = Callable[[Problem, float], float]
"""``(problem, C)`` -> the step limit; 0 where the theorem does not speak."""


def _below_limit(limit: Limit) -> Families:
    """Networks of family F1 whose step size is a share of the theorem's limit."""

    def build(description: Description, implementation: Implementation) -> StepInstance:
        problem = wide_problem(description, implementation.optimiser)
        C = certified_constant(problem)
        largest = limit(problem, C) if math.isfinite(C) else 0.0
        if largest > 0:
            share = problem.given.step_size * largest * (1 - 2.0**-40)
            problem = Problem(dataclasses.replace(problem.given, step_size=share))
        return StepInstance(problem, implementation)

    def families(found: Implementation) -> tuple[Family[Any], ...]:
        text = "ReLU networks of 16 to 64 neurons at initialisation"
        made = partial(build, implementation=found)
        return (Family("F1", text, lambda: wide_descriptions(2), made, examples(60, 950, 4000), first=FIRST_RATES),)

    return families


def _ngd_rate(implementation: Implementation, theorem: str) -> Claim[Any]:
    statements = {
        "T1": "C < 1/2, eta <= (1-2C)/(1+C)^2 give ||r'||^2 <= (1-eta) ||r||^2",
        "T1-sharp": "C < 1, eta <= rho(2-rho) give ||r'|| <= (1 - eta/rho) ||r||",
    }
    largest = ngd.constant_limit(theorem)

    def limit(problem: Problem, C: float) -> float:
        del problem
        return float(ngd.step_limit(C, theorem)) if C < largest else 0.0

    def rate(problem: Problem, C: float) -> float:
        return float(ngd.rate(problem.given.step_size, C, theorem))

    return _rate(
        implementation,
        theorem,
        statements[theorem],
        f"docs/theory.md, {theorem}",
        constant_limit=largest,
        limit=limit,
        rate=rate,
        wrong=wrong_steps.wrong_directions("ngd", "mean", "long", "sign"),
        provenance=Provenance.PAPER if theorem == "T1" else Provenance.DERIVED,
    )


def _kfac_rate(implementation: Implementation) -> Claim[Any]:
    largest = kfac.constant_limit("T4-lev")

    def limit(problem: Problem, C: float) -> float:
        if not (problem.bounds.rank_certified and C < largest):
            return 0.0
        return float(kfac.step_limit(C, h_max=problem.bounds.h_max[1], theorem="T4-lev"))

    def rate(problem: Problem, C: float) -> float:
        return float(kfac.rate(problem.given.step_size, C, h_min=problem.bounds.h_min[0], theorem="T4-lev"))

    return _rate(
        implementation,
        "T4-lev",
        "C < 3/5, eta <= (1-2q)/(h_max (1-q)^2) give ||r'||^2 <= (1 - eta h_min) ||r||^2",
        "docs/theory.md, T4-lev",
        constant_limit=largest,
        limit=limit,
        rate=rate,
        wrong=wrong_steps.wrong_directions("kfac", "long", "sign"),
        provenance=Provenance.DERIVED,
    )


def _rate(
    implementation: Implementation,
    theorem: str,
    statement: str,
    source: str,
    *,
    constant_limit: float,
    limit: Limit,
    rate: Rate,
    wrong: WrongSteps,
    provenance: Provenance,
) -> Claim[Any]:
    return _claim(
        implementation,
        theorem,
        f": {statement}, one step from W(0)",
        source,
        families=_below_limit(limit),
        hypotheses=partial(rate_hypotheses, constant_limit),
        conclusion=answered(partial(rate_conclusion, rate)),
        wrong=wrong,
        provenance=provenance,
    )
