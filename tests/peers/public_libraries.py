"""Public libraries behind the contract of the conformance kit: nngeometry and curvlinops (PyTorch)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from curvlinops import (
    EKFACLinearOperator,
    GGNLinearOperator,
    KFACInverseLinearOperator,
    KFACLinearOperator,
)
from nngeometry.layercollection import LayerCollection
from nngeometry.metrics import FIM
from nngeometry.object import PMatBlockDiag, PMatEKFAC, PMatKFAC
from torch.utils.data import DataLoader, TensorDataset

from properties.adapters.torch_problem import TorchProblem
from theory.conformance.problem import Problem


class Curvlinops:
    """curvlinops' linear operators, as dense matrices."""

    DECLARES: ClassVar[Mapping[str, Any]] = {
        "losses": ("squared", "softmax", "logistic"),
        "reductions": ("sum", "outputs", "tokens"),
        "vanishing": "raises",
    }

    def _operator(self, found: TorchProblem) -> Any:
        problem = found.problem
        given: dict[str, Any] = {"check_deterministic": False}
        loss, data, parameters = found.loss(), found.batches(), found.parameters()
        if problem.approximation == "blocks":
            if problem.fisher != "exact":
                raise NotImplementedError("dense empirical and sampled matrices are not asked for here")
            return GGNLinearOperator(found.model, loss, parameters, data, **given)
        kind = {"exact": "type-2", "empirical": "empirical", "sampled": "mc"}[problem.fisher]
        given |= {"fisher_type": kind, "mc_samples": problem.samples if kind == "mc" else 1, "seed": problem.seed}
        given |= {"separate_weight_and_bias": False}
        if problem.approximation == "ekfac":
            return EKFACLinearOperator(found.model, loss, parameters, data, **given)
        return KFACLinearOperator(found.model, loss, parameters, data, kfac_approx=problem.approximation, **given)

    def curvature(self, problem: Problem) -> list[Any]:
        found = _layers_of(problem)
        operator = self._operator(found)
        return found.blocks((operator @ torch.eye(operator.shape[1], dtype=found.dtype)).numpy())

    def solve(self, problem: Problem, damping: float, kind: str, vectors: Sequence[Any]) -> list[Any]:
        found = _layers_of(problem)
        operator = self._operator(found)
        if not isinstance(operator, KFACLinearOperator):
            raise NotImplementedError("direct inverses are those of K-FAC")
        chosen = {"use_heuristic_damping": kind == "pi", "use_exact_damping": kind == "product"}
        inverse = KFACInverseLinearOperator(operator, damping=damping, **chosen)
        return found.to_arrays(inverse @ found.to_tensors(vectors))

    def update(self, problem: Problem, step_size: float, damping: float, kind: str) -> list[Any]:
        if not damping:
            raise NotImplementedError("no pseudo-inverse")
        found = _layers_of(problem)
        directions = self.solve(problem, damping, kind, found.to_arrays(found.gradients()))
        return found.updated(found.to_tensors(directions), step_size)


def _layers_of(problem: Problem) -> TorchProblem:
    if any(stage.kind == "convolution" for stage in problem.stages):
        raise NotImplementedError("Conv1d is not among its layers, which are Linear and Conv2d")
    return TorchProblem(problem)


class NNGeometry:
    """nngeometry's Fisher matrices, which are means over the data."""

    DECLARES: ClassVar[Mapping[str, Any]] = {
        "losses": ("half squared", "softmax", "logistic"),
        "reductions": ("batch",),
        "vanishing": "raises",
    }

    def _fisher(self, found: TorchProblem, kind: Any) -> Any:
        problem = found.problem
        variants = {"half squared": "regression", "softmax": "classif_logits", "logistic": "classif_binary_logits"}
        if problem.loss not in variants or (problem.loss == "logistic" and problem.outputs > 1):
            raise NotImplementedError(f"no variant for the loss {problem.loss!r} of several outputs")
        if problem.fisher != "exact" or problem.reduction != "batch" or problem.scale != 1 or problem.weights:
            raise NotImplementedError("exact Fisher matrices of the mean over the data are asked for")
        if any(len(y) > 1 for y in problem.targets) or problem.split:
            raise NotImplementedError("one term for each datum, one batch")
        if any(len(x) > 1 for x in problem.inputs) and problem.approximation != "blocks":
            raise NotImplementedError("factors of layers that share weights over positions")
        if problem.stages[0].kind == "linear" and any(len(x) > 1 for x in problem.inputs):
            raise NotImplementedError("Linear at several positions")
        X, y = found.batch()
        loader = DataLoader(TensorDataset(X, y), batch_size=len(X))
        torch.set_default_dtype(found.dtype)  # its softmax makes a matrix of the default type
        layers = LayerCollection.from_model(found.model)
        return FIM(
            found.model,
            loader,
            kind,
            variants[problem.loss],
            function=lambda *d: found.model(d[0]),
            layer_collection=layers,
        )

    def curvature(self, problem: Problem) -> list[Any]:
        if problem.approximation == "reduce":
            raise NotImplementedError("the setting reduce")
        found = TorchProblem(problem)
        kinds = {"blocks": PMatBlockDiag, "expand": PMatKFAC, "ekfac": PMatEKFAC}
        fisher = self._fisher(found, kinds[problem.approximation])
        if problem.approximation == "expand":
            return [(G.numpy(), A.numpy()) for A, G in fisher.data.values()]
        if problem.approximation == "ekfac":
            X, y = found.batch()
            fisher.update_diag(DataLoader(TensorDataset(X, y), batch_size=len(X)))
        return found.blocks(fisher.to_torch().detach().numpy())

    def solve(self, problem: Problem, damping: float, kind: str, vectors: Sequence[Any]) -> list[Any]:
        if problem.approximation != "expand" or kind != "pi":
            raise NotImplementedError("solves with the damping pi of K-FAC")
        found = TorchProblem(problem)
        return found.to_arrays(self._solved(found, found.to_tensors(vectors), damping))

    def _solved(self, found: TorchProblem, tensors: list[Any], damping: float) -> list[Any]:
        from nngeometry.object.vector import PVector

        fisher = self._fisher(found, PMatKFAC)
        layers = fisher.generator.layer_collection
        rest, parts = list(tensors), {}
        for id, layer in layers.layers.items():
            parts[id] = tuple(rest.pop(0) for _ in range(2 if layer.bias is not None else 1))
        solved = fisher.solvePVec(PVector(layers, dict_repr=parts), regul=damping, use_pi=True).to_dict()
        return [one for id in layers.layers for one in solved[id]]

    def update(self, problem: Problem, step_size: float, damping: float, kind: str) -> list[Any]:
        if problem.approximation != "expand" or kind != "pi":
            raise NotImplementedError("steps with the damping pi of K-FAC")
        found = TorchProblem(problem)
        return found.updated(self._solved(found, found.gradients(), damping), step_size)


curvlinops, nngeometry = Curvlinops(), NNGeometry()
