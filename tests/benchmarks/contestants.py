"""One exact NGD step of a two-layer ReLU network, in parameters: the project's, and what its user would otherwise write.

Each takes the same inputs and is checked for the same result before it is timed (``checked``). A library is imported when its step is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from theory.descent.steps import natural_gradient_step
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.rounding import gamma

SIZES = ((128, 784, 4096), (256, 64, 16384), (64, 784, 65536))
"""(n, d, m)."""

STEP_SIZE = 0.05


class Problem(NamedTuple):
    """Unit rows X (n, d), weights (m, d), signs (m,), targets (n,)."""

    inputs: FloatArray
    weights: FloatArray
    signs: FloatArray
    targets: FloatArray

    @classmethod
    def of(cls, n: int, d: int, m: int) -> Problem:
        rng = np.random.default_rng(0)
        inputs = normalise_rows(rng.standard_normal((n, d)))
        net = TwoLayerNetwork.initialise(m, d, 1.0, rng)
        return cls(inputs, net.weights, net.signs, rng.choice([-1.0, 1.0], n))

    @property
    def network(self) -> TwoLayerNetwork:
        return TwoLayerNetwork(self.weights, self.signs)

    @property
    def scaled(self) -> FloatArray:
        """``a/m^{1/2}``."""
        return np.asarray(self.signs / np.sqrt(len(self.signs)))


class Contestant(NamedTuple):
    """``step`` moves its weights once; ``weights`` are those after it."""

    step: Callable[[], object]
    weights: Callable[[], Any]


def project(p: Problem) -> Contestant:
    state = {"net": p.network}

    def step() -> None:
        state["net"] = natural_gradient_step(state["net"], p.inputs, p.targets, STEP_SIZE)

    return Contestant(step, lambda: state["net"].weights)


def numpy_structured(p: Problem) -> Contestant:
    """Without J: ten lines of NumPy; the weights are changed in place."""
    X, W, scaled = p.inputs, p.weights.copy(), p.scaled
    kernel = X @ X.T

    def step() -> None:
        Z = X @ W.T
        S = (Z >= 0) * scaled
        c = np.linalg.solve(kernel * (S @ S.T), (Z * S).sum(axis=1) - p.targets)
        S *= STEP_SIZE * c[:, None]
        np.subtract(W, S.T @ X, out=W)

    return Contestant(step, lambda: W)


def numpy_jacobian(p: Problem) -> Contestant:
    """With J as a matrix of n rows and m d columns."""
    X, W, scaled = p.inputs, p.weights.copy(), p.scaled

    def step() -> None:
        Z = X @ W.T
        S = (Z >= 0) * scaled
        J = (S[:, :, None] * X[:, None, :]).reshape(len(X), -1)
        c = np.linalg.solve(J @ J.T, (Z * S).sum(axis=1) - p.targets)
        np.subtract(W, STEP_SIZE * (c @ J).reshape(W.shape), out=W)

    return Contestant(step, lambda: W)


def torch_structured(p: Problem) -> Contestant:
    """Without J, in PyTorch; the weights are changed in place."""
    import torch

    X, W, scaled, y = (torch.tensor(array) for array in (p.inputs, p.weights, p.scaled, p.targets))
    kernel = X @ X.T

    def step() -> None:
        Z = X @ W.T
        S = (Z >= 0) * scaled
        c = torch.linalg.solve(kernel * (S @ S.T), (Z * S).sum(dim=1) - y)
        S *= c[:, None]
        W.addmm_(S.T, X, alpha=-STEP_SIZE)

    return Contestant(step, W.numpy)


def torch_func(p: Problem) -> Contestant:
    """With J by ``torch.func.vmap(jacrev)``."""
    import torch

    X, W, scaled, y = (torch.tensor(array) for array in (p.inputs, p.weights, p.scaled, p.targets))

    def output(weights: Any, x: Any) -> Any:
        return scaled @ torch.relu(weights @ x)

    jacobian = torch.func.vmap(torch.func.jacrev(output), in_dims=(None, 0))
    outputs = torch.func.vmap(output, in_dims=(None, 0))

    def step() -> None:
        with torch.no_grad():
            J = jacobian(W, X).reshape(len(X), -1)
            c = torch.linalg.solve(J @ J.T, outputs(W, X) - y)
            W.sub_((J.T @ c).reshape(W.shape), alpha=STEP_SIZE)

    return Contestant(step, W.numpy)


def jax_jacobian(p: Problem) -> Contestant:
    """With J by ``jax.vmap(jax.jacrev)``, compiled."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, scaled, y = (jnp.asarray(array) for array in (p.inputs, p.scaled, p.targets))

    def output(weights: Any, x: Any) -> Any:
        return scaled @ jax.nn.relu(weights @ x)

    jacobian = jax.vmap(jax.jacrev(output), in_axes=(None, 0))

    def moved(W: Any) -> Any:
        J = jacobian(W, X).reshape(len(X), -1)
        c = jnp.linalg.solve(J @ J.T, jax.nn.relu(X @ W.T) @ scaled - y)
        return W - STEP_SIZE * (c @ J).reshape(W.shape)

    compiled, state = jax.jit(moved), {"W": jnp.asarray(p.weights)}

    def step() -> None:
        state["W"] = compiled(state["W"]).block_until_ready()

    return Contestant(step, lambda: np.asarray(state["W"]))


def neural_tangents(p: Problem) -> Contestant:
    """With the empirical kernel of neural-tangents, compiled; it needs an older JAX, such as 0.4.30, with which its structured derivatives do not run."""
    import jax
    import jax.numpy as jnp
    import neural_tangents as nt

    jax.config.update("jax_enable_x64", True)
    X, scaled, y = (jnp.asarray(array) for array in (p.inputs, p.scaled[:, None], p.targets))

    def outputs(W: Any, X: Any) -> Any:
        return jax.nn.relu(X @ W.T) @ scaled

    kernel = nt.empirical_ntk_fn(
        outputs, trace_axes=(-1,), vmap_axes=0, implementation=nt.NtkImplementation.NTK_VECTOR_PRODUCTS
    )

    def moved(W: Any) -> Any:
        u, pullback = jax.vjp(lambda W: outputs(W, X), W)
        (gradient,) = pullback(jnp.linalg.solve(kernel(X, None, W), u[:, 0] - y)[:, None])
        return W - STEP_SIZE * gradient

    compiled, state = jax.jit(moved), {"W": jnp.asarray(p.weights)}

    def step() -> None:
        state["W"] = compiled(state["W"]).block_until_ready()

    return Contestant(step, lambda: np.asarray(state["W"]))


def _module(p: Problem) -> tuple[Any, Any, Any]:
    """The network as a PyTorch module with one output, X and y."""
    import torch

    scaled = torch.tensor(p.scaled)[:, None]

    class Network(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.hidden = torch.nn.Linear(p.weights.shape[1], len(p.weights), bias=False, dtype=torch.float64)
            self.hidden.weight.data.copy_(torch.tensor(p.weights))

        def forward(self, x: Any) -> Any:
            return torch.relu(self.hidden(x)) @ scaled

    return Network(), torch.tensor(p.inputs), torch.tensor(p.targets)


def nngeometry_gram(p: Problem) -> Contestant:
    """With nngeometry's Gram matrix, which has no J either, and one backward pass."""
    import torch
    from nngeometry.gram import GramMatrix
    from nngeometry.layercollection import LayerCollection
    from torch.utils.data import DataLoader, TensorDataset

    network, X, y = _module(p)
    layers, loader = LayerCollection.from_model(network), DataLoader(TensorDataset(X), batch_size=len(X))

    def step() -> None:
        G = GramMatrix(network, loader, layer_collection=layers).to_torch().reshape(len(X), -1).detach()
        u = network(X)[:, 0]
        c = torch.linalg.solve(G, u.detach() - y)
        (gradient,) = torch.autograd.grad(u @ c, [network.hidden.weight])
        network.hidden.weight.data.sub_(gradient, alpha=STEP_SIZE)

    return Contestant(step, network.hidden.weight.data.numpy)


def curvlinops_operators(p: Problem) -> Contestant:
    """With curvlinops' operators of J and its transpose, G by its columns."""
    import torch
    from curvlinops import JacobianLinearOperator

    network, X, y = _module(p)
    weights, identity = network.hidden.weight, torch.eye(len(X), dtype=torch.float64)

    def step() -> None:
        J = JacobianLinearOperator(network, [weights], [(X, y[:, None])], check_deterministic=False, num_data=len(X))
        transpose = J.adjoint()
        G = J @ (transpose @ identity)
        with torch.no_grad():
            c = torch.linalg.solve(G, network(X)[:, 0] - y)
            weights.data.sub_((transpose @ c).reshape(weights.shape), alpha=STEP_SIZE)

    return Contestant(step, weights.data.numpy)


CONTESTANTS: dict[str, Callable[[Problem], Contestant]] = {
    "natural_gradient_step": project,
    "NumPy, ten lines": numpy_structured,
    "PyTorch, ten lines": torch_structured,
    "nngeometry, Gram matrix": nngeometry_gram,
    "NumPy, J as a matrix": numpy_jacobian,
    "torch.func, vmap(jacrev)": torch_func,
    "JAX, vmap(jacrev)": jax_jacobian,
    "neural-tangents, empirical kernel": neural_tangents,
    "curvlinops, J as an operator": curvlinops_operators,
}

BUILD_A_JACOBIAN = ("NumPy, J as a matrix", "torch.func, vmap(jacrev)", "JAX, vmap(jacrev)")
"""Those hold one or more matrices of n rows and m d columns."""

SLOW = (*BUILD_A_JACOBIAN, "neural-tangents, empirical kernel", "curvlinops, J as an operator")


def checked(name: str, p: Problem) -> Contestant:
    """A contestant that has made one step, which is the one of the Jacobian-free formula. Raises ImportError, AssertionError."""
    contestant, reference = CONTESTANTS[name](p), numpy_structured(p)
    contestant.step()
    reference.step()
    expected = reference.weights() - p.weights
    found = np.asarray(contestant.weights()) - p.weights
    (n, d), m = p.inputs.shape, len(p.weights)
    # each is off by gamma times the condition of G of the step, and W by its rounding
    allowed = gamma(n + d + m) * np.linalg.cond(p.network.gram(p.inputs)) * np.linalg.norm(expected)
    allowed += 2 * gamma(2) * np.linalg.norm(p.weights)
    assert np.linalg.norm(found - expected) <= allowed < np.linalg.norm(expected) / 100, name
    return contestant
