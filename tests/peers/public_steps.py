"""Steps from public packages, in the few lines that a user would write: nngeometry (PyTorch), Optimistix and optax (JAX)."""

from __future__ import annotations

from typing import Any

import jax
import lineax
import optax
import optimistix
import torch
from nngeometry.layercollection import LayerCollection
from nngeometry.metrics import FIM
from nngeometry.object import PMatKFAC, PMatLowRank
from nngeometry.object.vector import PVector
from torch.utils.data import DataLoader, TensorDataset

from properties.adapters import jax as jax_steps
from properties.adapters import pytorch


def _fisher(model: Any, X: Any, y: Any, representation: Any) -> tuple[Any, Any]:
    """nngeometry's Fisher matrix of the mean over the inputs, and the gradient of the mean loss."""
    layers = LayerCollection.from_model(model)
    loader = DataLoader(TensorDataset(X, y), batch_size=len(y))
    fisher = FIM(
        model, loader, representation, "regression", function=lambda *d: model(d[0])[:, None], layer_collection=layers
    )
    loss = 0.5 * ((model(X) - y) ** 2).mean()
    (gradient,) = torch.autograd.grad(loss, [model.hidden.weight])
    return fisher, PVector(layers, vector_repr=gradient.reshape(-1))


def _move(model: Any, direction: Any, step_size: float) -> None:
    with torch.no_grad():
        model.hidden.weight -= step_size * direction.to_torch().reshape(model.hidden.weight.shape)


def _low_rank(regularisation: float) -> Any:
    def update(model: Any, X: Any, y: Any, step_size: float) -> None:
        fisher, gradient = _fisher(model, X, y, PMatLowRank)
        _move(model, fisher.solvePVec(gradient, regul=regularisation), step_size)

    return pytorch.from_module(update)


nngeometry_ngd = _low_rank(0.0)
"""NGD by the singular value decomposition of nngeometry's low-rank Fisher matrix, without regularisation."""

nngeometry_ngd_default = _low_rank(1e-8)
"""The same with the package's default regularisation."""


def _kfac(regularisation: float) -> Any:
    def update(model: Any, X: Any, y: Any, step_size: float) -> None:
        fisher, gradient = _fisher(model, X, y, PMatKFAC)
        _move(model, fisher.solvePVec(gradient, regul=regularisation, use_pi=False), step_size)

    return pytorch.from_module(update)


nngeometry_kfac = _kfac(0.0)
"""K-FAC by nngeometry's factors, both of them means over the inputs, without regularisation."""

nngeometry_kfac_damped = _kfac(1e-4)
"""The same with regularisation 1e-4: 1e-2 on each factor."""


def _over_inputs(step: Any) -> Any:
    """The step with its step size divided by n."""

    def divided(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        return step(weights, signs, X, y, step_size / len(y))

    return divided


nngeometry_kfac_sum = _over_inputs(nngeometry_kfac)
"""K-FAC by nngeometry's factors in this project's convention: sums over the inputs, hence 1/n of the step."""


def _gauss_newton(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
    """One iteration of Optimistix' Gauss-Newton method, which for this loss is NGD with the step size 1."""

    def residual(W: Any, _: Any) -> Any:
        return jax_steps.residual(W, signs, X, y)

    solver = optimistix.GaussNewton(rtol=1e-14, atol=1e-14, linear_solver=lineax.AutoLinearSolver(well_posed=None))
    # the first iteration evaluates at the start, the second accepts the step from it
    found = optimistix.least_squares(residual, solver, weights, max_steps=2, throw=False)
    return weights + step_size * (found.value - weights)


optimistix_gauss_newton = jax_steps.from_function(_gauss_newton)


def _least_squares(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
    J = jax.jacobian(jax_steps.residual)(weights, signs, X, y).reshape(len(y), -1)
    c = jax.numpy.linalg.lstsq(J, jax_steps.residual(weights, signs, X, y))[0]
    return weights - step_size * c.reshape(weights.shape)


jax_least_squares = jax_steps.from_function(_least_squares)
"""NGD by jax.numpy.linalg.lstsq on the Jacobian."""

jax_single = jax_steps.from_function(_least_squares, double=False)
"""The same in JAX's default precision."""

optax_sgd = jax_steps.from_transformation(optax.sgd)
"""Plain gradient descent by optax."""

torch_sgd = pytorch.from_optimiser(torch.optim.SGD)
"""Plain gradient descent by PyTorch."""
