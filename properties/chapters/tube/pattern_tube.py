"""What K-FAC has of a tube, in balls: as an enclosed tube with ones for the kernel, so that H, N, D_N and sigma_b^2 stand where G, M, D and lambda_b do.

The inputs themselves come in by P alone: with damping eps_X it is ``K (K + eps_X)^{-1}``, without it the exact projection.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb, arb_mat

from properties.chapters.tube.enclosed_tube import EnclosedTube, max_of
from theory.rigour.exact import AnyArray, ball_matrix, pseudo_inverse, rational_matrix


@dataclass(frozen=True)
class PatternTube(EnclosedTube):
    """A ReLU network and widths, for K-FAC with damping ``eps_S`` and ``eps_X`` of its factors."""

    eps_S: float = 0.0
    eps_X: float = 0.0

    @cached_property
    def kernel(self) -> AnyArray:
        """Ones (n, n)."""
        return np.full((len(self.inputs), len(self.inputs)), arb(1), dtype=object)

    @property
    def sizes(self) -> AnyArray:  # type: ignore[override]
        """Ones (n, n)."""
        return self.kernel

    @cached_property
    def of_inputs(self) -> EnclosedTube:
        """The same tube with the kernel of the inputs."""
        return EnclosedTube(self.net, self.inputs, self.targets, self.widths)

    @cached_property
    def scores(self) -> AnyArray:
        """h (n,): the diagonal of P."""
        n = len(self.inputs)
        if self.eps_X:
            kernel = arb_mat(self.of_inputs.kernel.tolist())
            shifted = kernel + arb_mat(np.where(np.eye(n) > 0, arb(self.eps_X), arb(0)).tolist())
            projection = kernel * shifted.inv()
            return np.array([projection[i, i] for i in range(n)], dtype=object)
        exact = rational_matrix(self.inputs)
        product = exact * pseudo_inverse(exact)
        return np.array([arb(product[i, i]) for i in range(n)], dtype=object)

    @cached_property
    def least_score(self) -> arb:
        """h_min, from below."""
        return min((one.lower() for one in self.scores), key=float)

    @cached_property
    def largest_score(self) -> arb:
        """h_max, from above."""
        return max_of(list(self.scores))

    @cached_property
    def roots(self) -> AnyArray:
        """``h_i^{1/2}`` (n,)."""
        return np.array([one.sqrt() for one in self.scores], dtype=object)

    @cached_property
    def first_solutions(self) -> tuple[AnyArray, AnyArray, AnyArray]:
        """``||q_r||``, ``|B_r|`` and ``||D_N |q_r|||`` (m,), ``q_r = (H(0) + eps_S)^{-1} A_r(0)``."""
        n = len(self.inputs)
        shifted = self.gram + np.where(np.eye(n) > 0, arb(self.eps_S), arb(0))
        inverse = arb_mat(shifted.tolist()).inv()
        patterns, group = np.unique(self.active, axis=1, return_inverse=True)
        columns = inverse * ball_matrix(patterns.astype(np.float64))
        sizes = arb_mat([[abs(entry) for entry in row] for row in columns.tolist()])
        moved = arb_mat(self.gram_change.tolist()) * sizes
        group = group.ravel()

        def norms(matrix: arb_mat) -> AnyArray:
            rows = np.array(matrix.tolist(), dtype=object)
            squares = (rows * rows).sum(axis=0)
            return np.array([one.sqrt() for one in squares], dtype=object)[group]

        flips = np.array([arb(int(one)) for one in self.near.sum(axis=0)], dtype=object)
        return norms(sizes), flips, norms(moved)


def projection_of(inputs: np.ndarray[tuple[int, int], np.dtype[np.float64]], eps: float) -> AnyArray:
    """``K (K + eps)^{-1}`` or ``X X^+`` (n, n) in float64, for choosing instances."""
    if eps:
        kernel = inputs @ inputs.T
        return np.asarray(np.linalg.solve(kernel + eps * np.eye(len(inputs)), kernel))
    return np.asarray(inputs @ np.linalg.pinv(inputs))
