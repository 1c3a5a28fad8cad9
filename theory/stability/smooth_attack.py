"""Attacks on Condition 2 for smooth activations: power iteration on the ball, from the neurons that bend most."""

from __future__ import annotations

import math

import numpy as np

from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.pre_activations import pre_activation_error
from theory.rigour.rounding import gamma
from theory.stability.norms import feature_change_lower_bound, feature_error

DIFFERENCE = 2.0**-17
"""Step of the central difference of phi': the curvature only steers the search and needs no more digits."""

ITERATIONS, RANDOM_STARTS = 20, 3


class _SmoothSearch:
    """The change of the Jacobian (K2: of the features) as a function of a move V (m, d) of the weights.

    ``factors`` is Y (n, p): X, or ones for K2 (theory.stability.conditions).
    """

    def __init__(self, net: TwoLayerNetwork, rows: FloatArray, radius: float, factors: FloatArray) -> None:
        self.net, self.rows = net, rows
        # a margin for the rounding of the sum and of W(0) + V itself
        spread = euclidean_norm(net.weights)
        slack = 8 * gamma(net.weights.size + 64)
        self.radius = max(0.0, radius * (1 - slack) - slack * spread)
        self.limit = radius
        self.kernel = factors @ factors.T
        self.factor_dim = factors.shape[1]
        self.error = pre_activation_error(net)
        self.slopes = net.phi.derivative(net.pre_activations(rows))
        self.best_change = 0.0
        self.best_weights = net.weights

    def curvatures(self, pre_activations: FloatArray) -> FloatArray:
        """``phi''`` by a central difference, shape (n, m)."""
        derivative = self.net.phi.derivative
        return (derivative(pre_activations + DIFFERENCE) - derivative(pre_activations - DIFFERENCE)) / (2 * DIFFERENCE)

    def scaled(self, move: FloatArray) -> FloatArray:
        """The move stretched to the sphere."""
        norm = euclidean_norm(move)
        return move * (self.radius / norm) if norm > 0 else move

    def first_move(self, vector: FloatArray) -> FloatArray:
        """To first order the best move for an output direction: all of the budget on the neuron that bends most."""
        bent = self.curvatures(self.net.pre_activations(self.rows)) * vector[:, None]
        projected = self.rows.T @ bent
        neuron = int(np.square(projected).sum(axis=0).argmax())
        forms = np.einsum("id,i,ij,j,je->de", self.rows, bent[:, neuron], self.kernel, bent[:, neuron], self.rows)
        move = np.zeros_like(self.net.weights)
        move[neuron] = np.linalg.eigh(forms)[1][:, -1]
        return move

    def improve(self, move: FloatArray) -> None:
        """Iterate ``V <- R grad / ||grad||``, v the top eigenvector at V."""
        reached = 0.0
        step = self.scaled(move)
        for _ in range(ITERATIONS):
            change, vector, differences, pre_activations = self.evaluate(step)
            if change <= reached:
                return
            reached = change
            pulled = self.kernel @ (vector[:, None] * differences)
            gradient = (self.curvatures(pre_activations) * vector[:, None] * pulled).T @ self.rows
            step = self.scaled(gradient)

    def evaluate(self, move: FloatArray) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """A lower bound of the change, its top direction, ``phi'(Z') - phi'(Z)`` and Z'; remembers the best."""
        weights = self.net.weights + move
        moved = self.net.at(weights)
        pre_activations = moved.pre_activations(self.rows)
        differences = self.net.phi.derivative(pre_activations) - self.slopes
        rows = len(self.rows)
        errors = np.concatenate([self.error, pre_activation_error(moved)])
        error = feature_error(self.net, euclidean_norm(errors) * math.sqrt(rows), rows)
        scaled = differences * (self.net.signs / np.sqrt(self.net.width))
        change = feature_change_lower_bound(self.kernel, scaled, error, self.factor_dim)
        distance = euclidean_norm(weights - self.net.weights) * (1 + 2 * gamma(weights.size + 8))
        if change > self.best_change and distance <= self.limit:
            self.best_change, self.best_weights = change, weights
        vector = np.linalg.eigh(self.kernel * (scaled @ scaled.T))[1][:, -1]
        return change, np.asarray(vector), differences, pre_activations


def smooth_change(
    net: TwoLayerNetwork, rows: FloatArray, radius: float, rng: np.random.Generator, factors: FloatArray
) -> tuple[float, FloatArray]:
    """A lower bound of ``sup ||J(W) - J(0)||_2`` (K2: of S) over the ball, not squared, and weights (m, d) that show it.

    Starts: the neuron that bends most, both ways, for the top direction of K and for a random one; random moves.
    """
    search = _SmoothSearch(net, rows, radius, factors)
    directions = [np.linalg.eigh(search.kernel)[1][:, -1], rng.standard_normal(len(rows))]
    for direction in directions:
        first = search.first_move(direction / euclidean_norm(direction))
        search.improve(first)
        search.improve(-first)
    for _ in range(RANDOM_STARTS):
        search.improve(rng.standard_normal(net.weights.shape))
    return search.best_change, search.best_weights
