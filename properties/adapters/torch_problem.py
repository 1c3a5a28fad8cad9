"""PyTorch: a problem of the conformance kit as a module with its data, and matrices and vectors back from PyTorch's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from properties.adapters import needed
from theory.conformance.problem import Problem, Stage

Array = np.ndarray[Any, Any]


class TorchProblem:
    """The network as ``torch.nn.Sequential`` of ``Linear``, ``Conv1d``, ``ReLU``, ``Tanh`` and pools, with loss and data.

    A stage of positions takes (N, T, d), as ``Linear`` does; around a ``Conv1d`` axes are exchanged by modules of their own. Data of one
    position through linear layers alone are (N, d). A layer that is applied twice is the same module twice.
    """

    def __init__(self, problem: Problem) -> None:
        """Build it. Raises ImplementationError when PyTorch is not installed."""
        self._torch = needed("torch", "PyTorch")
        self.problem = problem
        self.dtype = self._torch.float32 if problem.single else self._torch.float64
        self.flat = all(len(x) == 1 for x in problem.inputs) and all(s.kind == "linear" for s in problem.stages)
        self.layers: dict[int, Any] = {}
        modules: list[Any] = []
        for stage in problem.stages:
            modules += self._modules(stage)
        self.model = self._torch.nn.Sequential(*modules)

    def _modules(self, stage: Stage) -> list[Any]:
        torch = self._torch
        if stage.parameter < 0:
            if stage.kind == "flatten":
                return [torch.nn.Flatten(1)]
            return [_positions(torch, stage.mean)]
        layer = self.layers.setdefault(stage.parameter, self._layer(stage))
        act = {"identity": [], "relu": [torch.nn.ReLU()], "tanh": [torch.nn.Tanh()]}[stage.activation]
        if stage.kind == "convolution":
            return [_exchanged(torch), layer, _exchanged(torch), *act]
        return [layer, *act]

    def _layer(self, stage: Stage) -> Any:
        torch, W = self._torch, self.problem.parameters[stage.parameter]
        bias = self.problem.biases[stage.parameter]
        rows, columns = W.shape[0], W.shape[1] - bias
        if stage.kind == "convolution":
            options = {"stride": stage.stride, "dilation": stage.dilation, "padding": stage.padding, "bias": bias}
            layer = torch.nn.Conv1d(columns // stage.kernel, rows, stage.kernel, dtype=self.dtype, **options)
        else:
            layer = torch.nn.Linear(columns, rows, bias=bias, dtype=self.dtype)
        with torch.no_grad():
            layer.weight.copy_(torch.as_tensor(W[:, :columns].copy()).reshape(layer.weight.shape))
            if bias:
                layer.bias.copy_(torch.as_tensor(W[:, -1].copy()))
        layer.requires_grad_(self.problem.trained[stage.parameter])
        return layer

    # --- data ---

    def batches(self) -> list[tuple[Any, Any]]:
        """``(X, y)`` of each batch; of softmax y holds classes. Raises NotImplementedError for data of different lengths."""
        sizes = self.problem.split or (len(self.problem.inputs),)
        found, start = [], 0
        for size in sizes:
            part = slice(start, start + size)
            found.append((self._stacked(self.problem.inputs[part]), self._targets(self.problem.targets[part])))
            start += size
        return found

    def batch(self) -> tuple[Any, Any]:
        """The only batch. Raises NotImplementedError where there are several, or lengths differ."""
        if self.problem.split:
            raise NotImplementedError("several batches")
        return self.batches()[0]

    def _stacked(self, arrays: Sequence[Array]) -> Any:
        if len({len(one) for one in arrays}) > 1:
            raise NotImplementedError("data of different lengths in one batch")
        X = self._torch.as_tensor(np.stack([np.asarray(one) for one in arrays]))
        return X[:, 0] if self.flat else X

    def _targets(self, arrays: Sequence[Array]) -> Any:
        y = self._stacked(arrays)
        if not self.flat and self.one_term:
            y = y[:, 0]
        return y.argmax(-1) if self.problem.loss == "softmax" else y

    @property
    def one_term(self) -> bool:
        """Whether the last stage is one, or after one, that leaves a row without an axis of positions."""
        return any(stage.kind in ("pool", "flatten") for stage in self.problem.stages)

    def loss(self) -> Any:
        """``MSELoss``, ``CrossEntropyLoss`` or ``BCEWithLogitsLoss`` of the reduction. Raises NotImplementedError where PyTorch has none."""
        nn, problem = self._torch.nn, self.problem
        kinds = {"squared": nn.MSELoss, "softmax": nn.CrossEntropyLoss, "logistic": nn.BCEWithLogitsLoss}
        if problem.loss not in kinds or problem.weights or problem.scale != 1:
            raise NotImplementedError(f"PyTorch has no module for the loss {problem.loss!r}, scaled or weighted losses")
        mean: tuple[str, ...] = {"softmax": ("tokens",)}.get(problem.loss, ("outputs",))
        one = all(len(y) == 1 for y in problem.targets)
        if problem.loss == "softmax" and not one:
            raise NotImplementedError("PyTorch's CrossEntropyLoss has classes before positions")
        if one and (problem.loss == "softmax" or problem.outputs == 1):
            mean = (*mean, "batch", "each", "tokens")
        if problem.reduction == "sum":
            return kinds[problem.loss](reduction="sum")
        if problem.reduction not in mean:
            raise NotImplementedError(f"PyTorch's {problem.loss} loss has no reduction {problem.reduction!r}")
        return kinds[problem.loss](reduction="mean")

    def loss_value(self) -> Any:
        """The whole loss of any problem, as a tensor to differentiate, term by term."""
        torch, problem = self._torch, self.problem
        total = torch.zeros((), dtype=self.dtype)
        for n, (x, y) in enumerate(zip(problem.inputs, problem.targets, strict=True)):
            X = torch.as_tensor(np.asarray(x))
            u = self.model(X if self.flat else X[None])
            u, t = u.reshape(len(y), -1), torch.as_tensor(np.asarray(y))
            each = {
                "half squared": lambda u=u, t=t: ((u - t) ** 2).sum() / 2,
                "squared": lambda u=u, t=t: ((u - t) ** 2).sum(),
                "softmax": lambda u=u, t=t: (torch.logsumexp(u, 1) - (u * t).sum(1)).sum(),
                "logistic": lambda u=u, t=t: (torch.nn.functional.softplus(u) - u * t).sum(),
            }[problem.loss]()
            c = problem.coefficient(n)
            total = total + each * (int(c.p) / int(c.q))
        return total

    # --- parameters ---

    @property
    def learned(self) -> list[Any]:
        """The trained layers, in the problem's order."""
        return [self.layers[p] for p in self.problem.learned]

    def parameters(self) -> list[Any]:
        """Weight and, where there is one, bias of every trained layer, in the problem's order."""
        return [one for layer in self.learned for one in (layer.weight, layer.bias) if one is not None]

    def to_tensors(self, arrays: Sequence[Array]) -> list[Any]:
        """Tensors shaped as ``parameters()``, of arrays shaped as the trained parameters."""
        found = []
        for layer, array in zip(self.learned, arrays, strict=True):
            columns = layer.weight[0].numel()
            found.append(self._torch.as_tensor(np.asarray(array)[:, :columns].copy()).reshape(layer.weight.shape))
            if layer.bias is not None:
                found.append(self._torch.as_tensor(np.asarray(array)[:, -1].copy()))
        return found

    def to_arrays(self, tensors: Sequence[Any]) -> list[Array]:
        """Arrays shaped as the trained parameters, of tensors shaped as ``parameters()``."""
        rest, found = list(tensors), []
        for layer in self.learned:
            parts = [rest.pop(0).reshape(len(layer.weight), -1)]
            if layer.bias is not None:
                parts.append(rest.pop(0).reshape(-1, 1))
            found.append(self._torch.cat(parts, 1).detach().numpy())
        return found

    def blocks(self, matrix: Any) -> list[Array]:
        """The block of every trained parameter from a dense matrix over ``parameters()``, flattened one after another."""
        M, start, found = np.asarray(matrix), 0, []
        for layer in self.learned:
            rows, columns = len(layer.weight), layer.weight[0].numel()
            places = start + np.arange(rows * columns).reshape(rows, columns)
            start += rows * columns
            if layer.bias is not None:
                places = np.hstack([places, start + np.arange(rows)[:, None]])
                start += rows
            order = places.reshape(-1)
            found.append(M[np.ix_(order, order)])
        return found

    def updated(self, directions: Sequence[Any], step_size: float) -> list[Array]:
        """All parameters less the step size times directions shaped as ``parameters()``: what ``update`` returns."""
        steps = iter(self.to_arrays(directions))
        return [
            W - W.dtype.type(step_size) * next(steps) if trained else W
            for W, trained in zip(self.problem.parameters, self.problem.trained, strict=True)
        ]

    def gradients(self) -> list[Any]:
        """Of the whole loss in ``parameters()``."""
        return list(self._torch.autograd.grad(self.loss_value(), self.parameters()))


def _exchanged(torch: Any) -> Any:
    """A module that exchanges positions and channels."""

    class Exchanged(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x.transpose(1, 2)

    return Exchanged()


def _positions(torch: Any, mean: bool) -> Any:
    """A module that leaves the mean or the sum of the positions."""

    class Positions(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x.mean(1) if mean else x.sum(1)

    return Positions()
