"""A K-FAC of a user's in PyTorch, behind the contract of the conformance kit: linear layers, one position, exact factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from properties.adapters.torch_problem import TorchProblem
from theory.conformance.problem import Problem


class KFAC:
    """Factors by hooks: A from the inputs of layers, G from gradients, one backward pass for each output."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.model = model
        self.layers = [one for one in model.modules() if isinstance(one, torch.nn.Linear)]
        self.inputs: dict[Any, torch.Tensor] = {}
        self.outputs: dict[Any, torch.Tensor] = {}
        for layer in self.layers:
            layer.register_forward_hook(self._keep)

    def _keep(self, layer: Any, inputs: Any, output: torch.Tensor) -> None:
        self.inputs[layer], self.outputs[layer] = inputs[0].detach(), output

    def factors(self, X: torch.Tensor, root: Any, scale: float) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """(G, A) of each layer; ``root(u)`` is (N, C, C), of the Hessian; ``scale`` multiplies each datum's loss."""
        u = self.model(X)
        S = root(u.detach())
        G = {layer: torch.zeros((), dtype=X.dtype) for layer in self.layers}
        for k in range(S.shape[2]):
            heads = [self.outputs[layer] for layer in self.layers]
            for layer, g in zip(
                self.layers, torch.autograd.grad((u * S[:, :, k]).sum(), heads, retain_graph=True), strict=True
            ):
                G[layer] = G[layer] + scale * g.T @ g
        found = []
        for layer in self.layers:
            a = self.inputs[layer]
            if layer.bias is not None:
                a = torch.cat([a, torch.ones_like(a[:, :1])], 1)
            found.append((G[layer], a.T @ a / len(a)))
        return found


def curvature(problem: Problem) -> list[Any]:
    """What the kit asks for."""
    if problem.approximation != "expand" or problem.fisher != "exact" or problem.split or problem.loss == "logistic":
        raise NotImplementedError("exact factors in the setting expand, of one batch")
    if any(stage.kind != "linear" for stage in problem.stages) or any(len(x) > 1 for x in problem.inputs):
        raise NotImplementedError("linear layers, one position")
    if len({stage.parameter for stage in problem.stages}) < len(problem.stages):
        raise NotImplementedError("layers that are applied once")
    found = TorchProblem(problem)
    X, _ = found.batch()

    def root(u: torch.Tensor) -> torch.Tensor:
        if problem.loss != "softmax":
            h = 2.0 if problem.loss == "squared" else 1.0
            return h**0.5 * torch.eye(u.shape[1], dtype=u.dtype).expand(len(u), -1, -1)
        p = torch.softmax(u, 1)
        return torch.diag_embed(p.sqrt()) - p[:, :, None] * p.sqrt()[:, None, :]

    c = problem.coefficient(0)
    return [(G.numpy(), A.numpy()) for G, A in KFAC(found.model).factors(X, root, int(c.p) / int(c.q))]


def solve(problem: Problem, damping: float, kind: str, vectors: Sequence[Any]) -> list[Any]:
    """Damped by the ratio of the traces."""
    if kind != "pi":
        raise NotImplementedError("damping of both factors")
    found = []
    for (G, A), v in zip(curvature(problem), vectors, strict=True):
        left, right, V = (torch.as_tensor(one) for one in (G, A, v))
        pi = ((right.trace() / len(right)) / (left.trace() / len(left))).sqrt()
        left = left + damping**0.5 / pi * torch.eye(len(left), dtype=V.dtype)
        right = right + damping**0.5 * pi * torch.eye(len(right), dtype=V.dtype)
        found.append(torch.linalg.solve(right, torch.linalg.solve(left, V).T).T.numpy())
    return found


DECLARES = {"losses": ("half squared", "squared", "softmax"), "vanishing": "raises"}
