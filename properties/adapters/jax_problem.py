"""JAX: a problem of the conformance kit as a function of its parameters and of one datum, and its loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from properties.adapters import needed
from theory.conformance.problem import Problem, Stage


class JaxProblem:
    """``apply(parameters, x)`` of the parameters as the problem has them, biases in the last columns.

    Arrays are float32 unless JAX's ``jax_enable_x64`` is set; NotImplementedError is raised for a problem in float64 without it.
    """

    def __init__(self, problem: Problem) -> None:
        """Raises ImplementationError when JAX is not installed."""
        self._jax = needed("jax", "JAX")
        self.numpy = needed("jax.numpy", "JAX")
        if not problem.single and not self._jax.config.jax_enable_x64:
            raise NotImplementedError("float64 needs jax.config.update('jax_enable_x64', True)")
        self.problem = problem
        self.parameters = [self.numpy.asarray(np.asarray(W)) for W in problem.parameters]

    def apply(self, parameters: Sequence[Any], x: Any) -> Any:
        """The output (positions, C) for one datum (T, d)."""
        for stage in self.problem.stages:
            x = self._stage(stage, parameters, self.numpy.asarray(x))
        return x

    def _stage(self, stage: Stage, parameters: Sequence[Any], x: Any) -> Any:
        numpy = self.numpy
        if stage.kind == "flatten":
            return x.reshape(1, -1)
        if stage.kind == "pool":
            return x.mean(0, keepdims=True) if stage.mean else x.sum(0, keepdims=True)
        if stage.kind == "convolution":
            x = numpy.pad(x, ((stage.padding, stage.padding), (0, 0)))
            after = stage.positions(len(x) - 2 * stage.padding)
            places = np.arange(after)[:, None] * stage.stride + np.arange(stage.kernel) * stage.dilation
            x = x[places].transpose(0, 2, 1).reshape(after, -1)
        W = parameters[stage.parameter]
        z = x @ W[:, :-1].T + W[:, -1] if self.problem.biases[stage.parameter] else x @ W.T
        return {"identity": lambda v: v, "relu": self._jax.nn.relu, "tanh": numpy.tanh}[stage.activation](z)

    def term(self, u: Any, y: Any) -> Any:
        """The loss of one term, of u (C,) and y (C,)."""
        numpy, loss = self.numpy, self.problem.loss
        if loss in ("half squared", "squared"):
            return ((u - y) ** 2).sum() / (2 if loss == "half squared" else 1)
        if loss == "softmax":
            return self._jax.nn.logsumexp(u) - (u * y).sum()
        return (numpy.logaddexp(u, 0) - u * y).sum()

    def coefficient(self, datum: int) -> float:
        """What the terms of a datum are multiplied by."""
        c = self.problem.coefficient(datum)
        return int(c.p) / int(c.q)

    def loss(self, parameters: Sequence[Any]) -> Any:
        """The whole loss."""
        total = self.numpy.zeros((), self.problem.dtype)
        for n, (x, y) in enumerate(zip(self.problem.inputs, self.problem.targets, strict=True)):
            u = self.apply(parameters, x)
            total = total + self.coefficient(n) * sum(self.term(u[o], self.numpy.asarray(y)[o]) for o in range(len(y)))
        return total
