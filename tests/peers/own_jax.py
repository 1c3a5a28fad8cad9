"""Dense Gauss-Newton blocks and damped steps in JAX, by its own derivatives alone, behind the contract of the conformance kit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from properties.adapters.jax_problem import JaxProblem
from theory.conformance.problem import Problem

jax.config.update("jax_enable_x64", True)


def curvature(problem: Problem) -> list[Any]:
    """Of every trained parameter ``sum c J^T H J``."""
    if problem.approximation != "blocks" or problem.fisher != "exact" or problem.split:
        raise NotImplementedError("exact dense blocks of one batch")
    found = JaxProblem(problem)
    blocks = [np.zeros((problem.parameters[p].size,) * 2, problem.dtype) for p in problem.learned]
    for n, (x, y) in enumerate(zip(problem.inputs, problem.targets, strict=True)):
        u = found.apply(found.parameters, x)
        jacobians = jax.jacrev(lambda parameters, x=x: found.apply(parameters, x))(found.parameters)
        for o in range(len(y)):
            H = jax.hessian(found.term)(u[o], jnp.asarray(y)[o]) * problem.dtype(found.coefficient(n))
            for place, p in enumerate(problem.learned):
                J = jacobians[p][o].reshape(u.shape[1], -1)
                blocks[place] = blocks[place] + np.asarray(J.T @ H @ J)
    return blocks


def solve(problem: Problem, damping: float, kind: str, vectors: Sequence[Any]) -> list[Any]:
    """``(F + damping I)^-1 v``, by Cholesky's factor."""
    if kind != "product":
        raise NotImplementedError("a dense block has no other damping")
    found = []
    for F, v in zip(curvature(problem), vectors, strict=True):
        matrix = jnp.asarray(F) + jnp.eye(len(F), dtype=F.dtype) * damping
        x = jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(matrix), jnp.asarray(v).reshape(-1))
        found.append(np.asarray(x).reshape(v.shape))
    return found


def update(problem: Problem, step_size: float, damping: float, kind: str) -> list[Any]:
    """One damped step."""
    if not damping:
        raise NotImplementedError("no pseudo-inverse")
    found = JaxProblem(problem)
    gradients = jax.grad(found.loss)(found.parameters)
    steps = iter(solve(problem, damping, kind, [np.asarray(gradients[p]) for p in problem.learned]))
    pairs = zip(problem.parameters, problem.trained, strict=True)
    return [W - W.dtype.type(step_size) * next(steps) if trained else W for W, trained in pairs]
