"""PyTorch: an optimiser, or a function that moves the weights of a module, as a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from properties.adapters import needed
from properties.guard.implementation import Step
from theory.inputs import FloatArray

Optimiser = Any
"""A ``torch.optim.Optimizer``."""


def from_module(update: Callable[..., None], dtype: str = "float64") -> Step:
    """The step of ``update(model, X, y, step_size)``, which changes ``model.hidden.weight`` (m, d) in place.

    ``model`` is a ``torch.nn.Module`` from X (n, d) to outputs (n,), ``hidden`` a ``torch.nn.Linear`` without bias and its only
    parameters; X and y are tensors of ``dtype``. Raises ImplementationError when PyTorch is not installed.
    """
    torch = needed("torch", "PyTorch")

    class TwoLayer(torch.nn.Module):  # type: ignore[misc, name-defined]
        """``u(x) = m^{-1/2} sum_r a_r relu(w_r . x)``."""

        def __init__(self, weights: Any, signs: Any) -> None:
            super().__init__()
            m, d = weights.shape
            self.hidden = torch.nn.Linear(d, m, bias=False, dtype=weights.dtype)
            with torch.no_grad():
                self.hidden.weight.copy_(weights)
            self.register_buffer("outer", signs / m**0.5)

        def forward(self, X: Any) -> Any:
            """The outputs, shape (n,)."""
            return torch.relu(self.hidden(X)) @ self.outer

    def step(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> Any:
        tensors = [torch.as_tensor(array, dtype=getattr(torch, dtype)) for array in (weights, signs, X, y)]
        model = TwoLayer(*tensors[:2])
        update(model, *tensors[2:], step_size)
        return model.hidden.weight.detach().numpy()

    return step


def from_optimiser(make: Callable[[Any, float], Optimiser], dtype: str = "float64") -> Step:
    """The step of an optimiser: one call of ``make([weights], step_size).step(closure)``.

    ``closure`` clears the gradients, evaluates the loss ``||u - y||^2 / 2``, calls ``backward`` and returns it. A class such as
    ``torch.optim.SGD`` takes the step size for its learning rate. Raises ImplementationError when PyTorch is not installed.
    """

    def update(model: Any, X: Any, y: Any, step_size: float) -> None:
        optimiser = make([model.hidden.weight], step_size)

        def closure() -> Any:
            optimiser.zero_grad()
            loss = 0.5 * ((model(X) - y) ** 2).sum()
            loss.backward()
            return loss

        optimiser.step(closure)

    return from_module(update, dtype)
