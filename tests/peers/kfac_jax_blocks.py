"""kfac-jax behind the contract of the conformance kit: its curvature blocks of dense layers, exact Fisher matrices, one position."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
import kfac_jax
import numpy as np

from theory.conformance.problem import Problem

LOSSES: Mapping[str, tuple[Any, float]] = {
    "half squared": (kfac_jax.register_squared_error_loss, 0.5),
    "squared": (kfac_jax.register_squared_error_loss, 1.0),
    "softmax": (kfac_jax.register_softmax_cross_entropy_loss, 1.0),
    "logistic": (kfac_jax.register_sigmoid_cross_entropy_loss, 1.0),
}
"""How a loss is registered, and its weight there."""


def in_its_type(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with JAX's default type that of the problem."""

    @wraps(function)
    def typed(problem: Problem, *rest: Any) -> Any:
        with jax.enable_x64(not problem.single):
            return function(problem, *rest)

    return typed


class Estimated:
    """kfac-jax's estimator of a problem, after one batch."""

    def __init__(self, problem: Problem) -> None:
        """Raises NotImplementedError for what is not asked for here."""
        if problem.approximation not in ("expand", "blocks") or problem.fisher != "exact" or problem.split:
            raise NotImplementedError("exact factors and dense blocks, of one batch")
        if any(stage.kind != "linear" for stage in problem.stages) or any(len(x) > 1 for x in problem.inputs):
            raise NotImplementedError("linear layers, one position")
        if len({stage.parameter for stage in problem.stages}) < len(problem.stages):
            raise NotImplementedError("layers that are applied once")
        if problem.weights or problem.scale != 1:
            raise NotImplementedError("weighted or scaled losses")
        self.problem = problem
        self.flat = self.flattened(problem.parameters)
        X, y = (np.concatenate(rows) for rows in (problem.inputs, problem.targets))
        dense = {"dense": kfac_jax.DenseFull} if problem.approximation == "blocks" else {}
        self.estimator = kfac_jax.BlockDiagonalCurvature(
            self.loss, default_estimation_mode="fisher_exact", layer_tag_to_block_ctor=dense
        )
        self.batch = jnp.asarray(X), jnp.asarray(y)
        given, key = (self.flat, self.batch), jax.random.PRNGKey(0)
        state = self.estimator.init(key, given, None, None)
        self.state = self.estimator.update_curvature_matrix_estimate(state, 0.0, 1.0, 0.0, len(X), key, given)

    def flattened(self, matrices: Sequence[Any]) -> list[Any]:
        """Of trained parameters w (d_in, d_out) and, where there is one, b (d_out,)."""
        learned = ((p, W) for p, W in zip(range(len(matrices)), matrices, strict=True) if p in self.problem.learned)
        found: list[Any] = []
        for p, W in learned:
            found += [jnp.asarray(W[:, :-1].T), jnp.asarray(W[:, -1])] if self.problem.biases[p] else [jnp.asarray(W.T)]
        return found

    def arrays(self, flat: Sequence[Any]) -> list[Any]:
        """Shaped as the trained parameters."""
        rest, found = [np.asarray(one) for one in flat], []
        for p in self.problem.learned:
            w = rest.pop(0).T
            found.append(np.hstack([w, rest.pop(0)[:, None]]) if self.problem.biases[p] else w)
        return found

    def given(self, parameter: int, rest: list[Any]) -> tuple[Any, Any]:
        """w and b (None without one) of a parameter, off the front of what is left of the trained ones, or frozen."""
        bias = self.problem.biases[parameter]
        if self.problem.trained[parameter]:
            return rest.pop(0), rest.pop(0) if bias else None
        W = self.problem.parameters[parameter]
        return (W[:, :-1].T, W[:, -1]) if bias else (W.T, None)

    def loss(self, flat: Sequence[Any], batch: tuple[Any, Any]) -> Any:
        """The whole loss, registered as a mean over the data."""
        problem, rest = self.problem, list(flat)
        u, y = batch
        for stage in problem.stages:
            p = stage.parameter
            w, b = self.given(p, rest)
            u = u @ w if b is None else u @ w + b
            u = {"identity": lambda v: v, "relu": jax.nn.relu, "tanh": jnp.tanh}[stage.activation](u)
        register, weight = LOSSES[problem.loss]
        c = problem.coefficient(0)
        scale = int(c.p) / int(c.q)
        register(u, y, weight=weight * scale * len(y))
        if problem.loss == "softmax":
            return scale * (jax.nn.logsumexp(u, 1) - (u * y).sum(1)).sum()
        if problem.loss == "logistic":
            return scale * (jnp.logaddexp(u, 0) - u * y).sum()
        return scale * weight * ((u - y) ** 2).sum()

    def blocks(self) -> list[Any]:
        """(G, A), or the dense block, of every trained parameter."""
        found: dict[int, Any] = {}
        states = zip(self.estimator.jaxpr.layer_indices, self.estimator.blocks, self.state.blocks_states, strict=True)
        for indices, block, state in states:
            place = min(indices)
            if self.problem.approximation == "expand":
                A, G = (np.asarray(factor.value) for factor in state.factors)
                found[place] = G, A
                continue
            rows = self.flat[place].shape[1]
            order = np.arange(block.dim).reshape(-1, rows).T.reshape(-1)
            found[place] = np.asarray(block.to_dense_matrix(state))[np.ix_(order, order)]
        return [found[place] for place in sorted(found)]

    def solved(self, flat: Sequence[Any], damping: float, kind: str) -> list[Any]:
        """``M^-1 v`` of vectors shaped as ``flat``."""
        exact = kind == "product"
        return self.arrays(self.estimator.multiply_inverse(self.state, list(flat), damping, exact, False, None))


@in_its_type
def curvature(problem: Problem) -> list[Any]:
    """What the kit asks for."""
    return Estimated(problem).blocks()


@in_its_type
def solve(problem: Problem, damping: float, kind: str, vectors: Sequence[Any]) -> list[Any]:
    """By eigenvectors (product), or by the ratio of the traces (pi)."""
    found = Estimated(problem)
    whole = [np.zeros(0)] * len(problem.parameters)
    for p, v in zip(problem.learned, vectors, strict=True):
        whole[p] = v
    return found.solved(found.flattened(whole), damping, kind)


@in_its_type
def update(problem: Problem, step_size: float, damping: float, kind: str) -> list[Any]:
    """One damped step."""
    if not damping:
        raise NotImplementedError("no pseudo-inverse")
    found = Estimated(problem)
    steps = iter(found.solved(jax.grad(found.loss)(found.flat, found.batch), damping, kind))
    pairs = zip(problem.parameters, problem.trained, strict=True)
    return [W - W.dtype.type(step_size) * next(steps) if trained else W for W, trained in pairs]
