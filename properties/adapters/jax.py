"""JAX: a function of JAX arrays, or a gradient transformation as optax has them, as a step; in float64 unless told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from properties.adapters import needed
from properties.guard.implementation import Step
from theory.inputs import FloatArray


def residual(weights: Any, signs: Any, X: Any, y: Any) -> Any:
    """``r = u - y`` (n,) in JAX, of W (m, d), signs (m,), X (n, d), y (n,): to differentiate."""
    numpy = needed("jax.numpy", "JAX")
    return numpy.maximum(X @ weights.T, 0) @ signs / len(signs) ** 0.5 - y


def from_function(function: Callable[..., Any], double: bool = True) -> Step:
    """The step of ``function(weights, signs, X, y, step_size) -> weights`` of JAX arrays.

    Without ``double`` arrays are float32, as JAX has them by default. Raises ImplementationError when JAX is not installed.
    """
    jax = needed("jax", "JAX")

    def step(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> Any:
        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", double)
        try:
            arrays = [jax.numpy.asarray(array) for array in (weights, signs, X, y)]
            return jax.device_get(function(*arrays, step_size))
        finally:
            jax.config.update("jax_enable_x64", before)

    return step


def from_transformation(make: Callable[[float], Any], double: bool = True) -> Step:
    """The step of a gradient transformation ``make(step_size)``: ``init(weights)``, then one ``update(gradient, state, weights)``.

    The gradient is that of ``||u - y||^2 / 2``; the returned update is added to the weights. Raises ImplementationError when
    JAX is not installed.
    """
    jax = needed("jax", "JAX")

    def moved(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        transformation = make(step_size)
        gradient = jax.grad(lambda W: 0.5 * (residual(W, signs, X, y) ** 2).sum())(weights)
        update, _ = transformation.update(gradient, transformation.init(weights), weights)
        return weights + update

    return from_function(moved, double)
