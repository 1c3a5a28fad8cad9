"""I-dual (docs/theory.md): trajectories in function space and in parameter space are the same.

Exactly by two independent engines of this package, and for theory.descent.steps.trajectory within a derived rounding bound.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from flint import fmpq_mat

from properties.chapters.identities.identity_checks import decomposable, equal, full_rank, pattern_decided, solvable
from properties.engine.claim import Bound, Claim, Depth, Hypothesis, Provenance
from properties.engine.formulas import Formulas
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import MOVEMENTS, FunctionState, Movement, function_step, vector
from properties.exact.identity_instances import NetworkInstance, function_state, network_family, network_features
from theory.descent.steps import Trajectory, trajectory
from theory.rigour.exact import diagonal, pseudo_inverse

Engine = Callable[[NetworkInstance, int], Trajectory]

EXAMPLES = {Depth.QUICK: 10, Depth.NORMAL: 100, Depth.THOROUGH: 600}

_FAMILIES = {
    optimiser: dataclasses.replace(
        network_family(f"two steps of {name}", "tiny ReLU networks", (optimiser,), (4, 9, 16)), examples=EXAMPLES
    )
    for optimiser, name in (("ngd", "NGD"), ("kfac", "K-FAC"), ("gd", "GD"))
}


def _engine(instance: NetworkInstance, steps: int) -> Trajectory:
    return trajectory(
        instance.net,
        instance.inputs,
        instance.targets,
        instance.step_size,
        steps,
        optimiser=instance.optimiser,
        parameters=True,
    )


def _function_step(state: FunctionState, instance: NetworkInstance) -> FunctionState:
    return function_step(state, MOVEMENTS[instance.optimiser], instance.eta)


def dual_conclusion(
    instance: NetworkInstance,
    step: Callable[[FunctionState, NetworkInstance], FunctionState] = _function_step,
    engine: Engine = _engine,
) -> Sequence[Bound]:
    """Two steps in function space (n x m, only K and P) against two steps in parameter space (J, dense): Z and r.

    The same for theory.descent.steps.trajectory in float64: Z, r, its norms, and the weights.
    """
    state, bounds = function_state(instance.exact), []
    for k, net in enumerate(instance.iterates[1:], start=1):
        state = step(state, instance)
        bounds += [
            equal(f"Z({k}) in function space = X W({k})^T", state.pre_activations, net.pre_activations),
            equal(f"r({k}) in function space = r(W({k}))", state.residual, net.residual),
        ]
        if state.pre_activations != net.pre_activations:
            break
    return bounds + [bound for k in (1, 2) for bound in _engine_bounds(instance, engine(instance, k), k)]


def _engine_bounds(instance: NetworkInstance, run: Trajectory, k: int) -> Sequence[Bound]:
    iterates = instance.computed[0]
    last = iterates[k]
    residuals = [iterate.residual for iterate in iterates[: k + 1]]
    norms = rounding.norms([iterate.net.residual for iterate in iterates[: k + 1]], residuals)
    weights = np.array([[np.nan]]) if run.weights is None else run.weights
    return [
        rounding.close(f"Z({k})", run.pre_activations, last.net.pre_activations, last.pre_activations.error),
        rounding.close(f"r({k})", run.residual[:, None], last.net.residual, residuals[-1].error),
        rounding.close(f"W({k})", weights, last.net.weights, last.weights.error),
        rounding.close_to_floats(f"norms of r(0) to r({k})", run.residual_norms, *norms),
    ]


def _dual_hypotheses(instance: NetworkInstance) -> Sequence[Hypothesis]:
    name = {"ngd": "J", "kfac": "H", "gd": "any matrix"}[instance.optimiser]
    found: list[Hypothesis] = []
    if instance.optimiser == "kfac":
        found.append(decomposable(instance.exact))
    for k, net in enumerate(instance.iterates[:2]):
        if instance.optimiser != "gd":
            matrix = net.jacobian if instance.optimiser == "ngd" else net.pattern_gram
            found.append(full_rank(f"{name} at step {k}", matrix))
    if any(hypothesis.margin < 0 for hypothesis in found):
        return found
    iterates, distances = instance.computed
    for k, distance in enumerate(distances):
        found += [pattern_decided(iterates[k], k), solvable(distance, k)]
    return found


def _dual_features(instance: NetworkInstance) -> tuple[str, ...]:
    before, after = instance.exact.features, instance.iterates[1].features
    flips = sum(p != q for p, q in zip(before.entries(), after.entries(), strict=True))
    return (*network_features(instance), instance.optimiser, "flips on the trajectory" if flips else "no flips")


def _unsigned_step(state: FunctionState, instance: NetworkInstance) -> FunctionState:
    pattern = fmpq_mat(state.features.nrows(), state.features.ncols(), [abs(s) for s in state.features.entries()])
    return state.shifted(-instance.eta * MOVEMENTS[instance.optimiser](state) * pattern)


def _step_by(**movements: Movement) -> Callable[[FunctionState, NetworkInstance], FunctionState]:
    """A function-space step with some of the matrices M of ``dZ = -eta M S`` replaced."""

    def step(state: FunctionState, instance: NetworkInstance) -> FunctionState:
        return function_step(state, (dict(MOVEMENTS) | movements)[instance.optimiser], instance.eta)

    return step


def _stale_features(instance: NetworkInstance, steps: int) -> Trajectory:
    """An engine that takes its second step with everything of the first iterate: one step twice as long."""
    first = _engine(instance, 1)
    if steps == 1:
        return first
    longer = _engine(dataclasses.replace(instance, step_size=steps * instance.step_size), 1)
    norms = np.append(first.residual_norms, longer.residual_norms[-1])
    return dataclasses.replace(longer, residual_norms=norms)


_dual_claim = Claim(
    id="I-dual",
    statement="the function-space trajectory (n x m) equals the parameter-space trajectory (m x d)",
    provenance=Provenance.DERIVED,
    source="docs/theory.md, I-dual",
    families=(_FAMILIES["ngd"], _FAMILIES["kfac"], _FAMILIES["gd"]),
    hypotheses=_dual_hypotheses,
    conclusion=dual_conclusion,
    features=_dual_features,
    formulas=Formulas(
        conclusion=(
            r"The trajectory in function space ($n\times m$) equals the trajectory of the parameters ($m\times d$).",
        )
    ),
    assumes=("rank",),
)
I_DUAL = _dual_claim.with_mutants(
    _dual_claim.neighbour(
        "signs", "the function-space step without the signs", conclusion=partial(dual_conclusion, step=_unsigned_step)
    ),
    _dual_claim.neighbour(
        "kernel",
        "K in place of P in the K-FAC step",
        families=(_FAMILIES["kfac"],),
        conclusion=partial(
            dual_conclusion,
            step=_step_by(
                kfac=lambda state: state.kernel * diagonal(vector(state.residual)) * state.pattern_gram.inv()
            ),
        ),
    ),
    _dual_claim.neighbour(
        "order",
        "diag(r) on the wrong side of H^{-1}",
        families=(_FAMILIES["kfac"],),
        conclusion=partial(
            dual_conclusion,
            step=_step_by(
                kfac=lambda state: state.projection * state.pattern_gram.inv() * diagonal(vector(state.residual))
            ),
        ),
    ),
    _dual_claim.neighbour(
        "pattern-gram",
        "H^{-1} in place of G^{-1} in the natural gradient step",
        families=(_FAMILIES["ngd"],),
        conclusion=partial(
            dual_conclusion,
            step=_step_by(
                ngd=lambda state: state.kernel * diagonal(vector(pseudo_inverse(state.pattern_gram) * state.residual))
            ),
        ),
    ),
    _dual_claim.neighbour(
        "stale",
        "an engine that does not update S, r and H for its second step",
        conclusion=partial(dual_conclusion, engine=_stale_features),
    ),
)
