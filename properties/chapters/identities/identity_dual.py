"""I-dual (docs/theory.md): trajectories in function space and in parameter space are the same.

Exactly by two independent engines of this package, and for theory.descent.steps.trajectory within a derived rounding bound.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq_mat

from properties.chapters.identities.identity_checks import decomposable, equal, full_rank, pattern_decided, solvable
from properties.engine.claim import Bound, Depth, Hypothesis, Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import MOVEMENTS, FunctionState, Movement, function_step, vector
from properties.exact.identity_instances import ExactInstance, function_state, network_family, network_features
from theory.descent.optimiser import as_optimiser
from theory.descent.steps import Trajectory, trajectory
from theory.rigour.exact import diagonal, pseudo_inverse

Engine = Callable[[ExactInstance, int], Trajectory]

EXAMPLES = {Depth.QUICK: 10, Depth.NORMAL: 100, Depth.THOROUGH: 600}

_FAMILIES = {
    optimiser: dataclasses.replace(
        network_family(f"two steps of {as_optimiser(optimiser).title}", "tiny ReLU networks", (optimiser,), (4, 9, 16)),
        examples=EXAMPLES,
    )
    for optimiser in ("ngd", "kfac", "gd")
}


def _engine(instance: ExactInstance, steps: int) -> Trajectory:
    return trajectory(
        instance.net,
        instance.inputs,
        instance.targets,
        instance.step_size,
        steps,
        optimiser=instance.optimiser,
        parameters=True,
    )


def _engine_bounds(instance: ExactInstance, run: Trajectory, k: int) -> Sequence[Bound]:
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


@dataclass(frozen=True)
class Duality(Stated):
    """The step in function space, and the engine that takes it in float64."""

    step: Callable[[FunctionState, ExactInstance], FunctionState] = lambda state, one: function_step(
        state, MOVEMENTS[one.optimiser], one.eta
    )
    engine: Engine = _engine

    def hypotheses(self, instance: ExactInstance) -> Sequence[Hypothesis]:
        """What is inverted on the way is regular; float64 sees the patterns, and solves far from singular."""
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

    def conclusion(self, instance: ExactInstance) -> Sequence[Bound]:
        """Two steps in function space (n x m, only K and P) against two steps in parameter space (J, dense): Z and r.

        The same for theory.descent.steps.trajectory in float64: Z, r, its norms, and the weights.
        """
        state, bounds = function_state(instance.exact), []
        for k, net in enumerate(instance.iterates[1:], start=1):
            state = self.step(state, instance)
            bounds += [
                equal(f"Z({k}) in function space = X W({k})^T", state.pre_activations, net.pre_activations),
                equal(f"r({k}) in function space = r(W({k}))", state.residual, net.residual),
            ]
            if state.pre_activations != net.pre_activations:
                break
        return bounds + [bound for k in (1, 2) for bound in _engine_bounds(instance, self.engine(instance, k), k)]

    def features(self, instance: ExactInstance) -> Sequence[str]:
        """Those of the network, its optimiser, and flips."""
        before, after = instance.exact.features, instance.iterates[1].features
        flips = sum(p != q for p, q in zip(before.entries(), after.entries(), strict=True))
        return (*network_features(instance), instance.optimiser, "flips on the trajectory" if flips else "no flips")


def _unsigned_step(state: FunctionState, instance: ExactInstance) -> FunctionState:
    pattern = fmpq_mat(state.features.nrows(), state.features.ncols(), [abs(s) for s in state.features.entries()])
    return state.shifted(-instance.eta * MOVEMENTS[instance.optimiser](state) * pattern)


def _step_by(movement: Movement) -> Callable[[FunctionState, ExactInstance], FunctionState]:
    """A function-space step with another matrix M of ``dZ = -eta M S``."""
    return lambda state, instance: function_step(state, movement, instance.eta)


def _stale_features(instance: ExactInstance, steps: int) -> Trajectory:
    """An engine that takes its second step with everything of the first iterate: one step twice as long."""
    first = _engine(instance, 1)
    if steps == 1:
        return first
    longer = _engine(dataclasses.replace(instance, step_size=steps * instance.step_size), 1)
    norms = np.append(first.residual_norms, longer.residual_norms[-1])
    return dataclasses.replace(longer, residual_norms=norms)


I_DUAL = Duality().claim(
    "I-dual",
    "the function-space trajectory (n x m) equals the parameter-space trajectory (m x d)",
    Provenance.DERIVED,
    mutant("signs", "the function-space step without the signs", step=_unsigned_step),
    mutant(
        "kernel",
        "K in place of P in the K-FAC step",
        families=(_FAMILIES["kfac"],),
        step=_step_by(lambda state: state.kernel * diagonal(vector(state.residual)) * state.pattern_gram.inv()),
    ),
    mutant(
        "order",
        "diag(r) on the wrong side of H^{-1}",
        families=(_FAMILIES["kfac"],),
        step=_step_by(lambda state: state.projection * state.pattern_gram.inv() * diagonal(vector(state.residual))),
    ),
    mutant(
        "pattern-gram",
        "H^{-1} in place of G^{-1} in the natural gradient step",
        families=(_FAMILIES["ngd"],),
        step=_step_by(
            lambda state: state.kernel * diagonal(vector(pseudo_inverse(state.pattern_gram) * state.residual))
        ),
    ),
    mutant("stale", "an engine that does not update S, r and H for its second step", engine=_stale_features),
    families=(_FAMILIES["ngd"], _FAMILIES["kfac"], _FAMILIES["gd"]),
    formulas=Formulas(
        conclusion=(
            r"The trajectory in function space ($n\times m$) equals the trajectory of the parameters ($m\times d$).",
        )
    ),
    also=("rank",),
)
