"""Tubes that close, found in float64: how wide they are and how large their ratio, before anything is certified.

``dialled`` scales r(0) until the tube closes with a ratio near the one that is asked for. What it finds is evaluated again in balls
(enclosed_tube.py), so that nothing here has to be right; a tube that is wrong makes a vacuous instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork

ROOM = 1 + 2.0**-20
"""By how much widths are more than what they have to be."""

MOST_ROUNDS, HALVINGS = 60, 14

SINGULAR = 2.0**-40
"""G(0) with a smaller eigenvalue is not solved with."""


@dataclass(frozen=True)
class Sketch:
    """The numbers of a tube in float64, as EnclosedTube has them."""

    ratio: float
    lambda_min: float
    path: float
    needed: FloatArray
    """b, (n,) or (n, m), that a path of this length needs."""


class Perturbations(NamedTuple):
    """What may change within a tube, as EnclosedTube has it, and what it leaves."""

    step: FloatArray
    """M, shape (n, n)."""
    gram: FloatArray
    """D, shape (n, n)."""
    slopes: FloatArray
    """By how much phi'(z) may change, shape (n, m)."""
    lambda_min: float
    """lambda_b."""
    xi: float
    ratio: float
    """mu."""


def _norm(matrix: FloatArray) -> float:
    return float(np.linalg.svdvals(matrix)[0])


class Closing:
    """A network with inputs X (n, d) at its start."""

    def __init__(self, net: TwoLayerNetwork, inputs: FloatArray) -> None:
        """Everything that does not depend on the widths."""
        self.net, self.inputs = net, inputs
        self.kernel = inputs @ inputs.T
        self.sizes = np.abs(self.kernel)
        self.z = net.pre_activations(inputs)
        self.slopes = net.phi.derivative(self.z)
        self.rows = np.linalg.norm(self.kernel, axis=1)
        self.m = net.width
        self.gram = self.kernel * (self.slopes @ self.slopes.T) / self.m
        self.first = float(np.linalg.eigvalsh(self.gram)[0])
        self.slope = 2 / np.sqrt(np.pi) if net.activation == "erf" else 1.0
        self._latest: Perturbations | None = None

    def solved(self, residual: FloatArray) -> FloatArray:
        """``G(0)^{-1} r``."""
        return np.asarray(np.linalg.solve(self.gram, residual), dtype=np.float64)

    def sketch(self, b: FloatArray, residual: FloatArray, form: str) -> Sketch | None:
        """The tube of these widths; None where lambda_b <= 0 or mu >= 1."""
        found = self._rectified(b) if self.net.activation == "relu" else self._smooth(b)
        M, D, changes, eigenvalue, xi, ratio = found
        if not (eigenvalue > 0 and ratio < 1):
            return None
        c = np.abs(start := self.solved(residual))
        size, change, product = float(np.linalg.norm(c)), float(np.linalg.norm(D @ c)), float(np.linalg.norm(M @ c))
        r = float(np.linalg.norm(residual))
        first = r / ((1 - ratio) * eigenvalue)
        solutions = size + change / eigenvalue
        error = min(xi * solutions, ratio * r, product + ratio * change)
        rest = (change + error / (1 - ratio)) / eigenvalue
        path = first if form == "residual" else min(first, size + rest)
        needed = self.slope * self.rows * path / np.sqrt(self.m)
        if form == "neuron":
            own = np.abs((self.kernel * start) @ self.slopes) + (self.sizes * c) @ changes
            own = (own + self.slope * (self.rows * rest)[:, None]) / np.sqrt(self.m)
            needed = np.minimum(needed[:, None], own)
        return Sketch(ratio, eigenvalue, path, needed)

    def shares(self, b: FloatArray) -> tuple[float, float]:
        """Of a ReLU network ``||D||/lambda`` and mu in the tube of these widths; inf where no eigenvalue is left."""
        found = self._rectified(b)
        return (_norm(found.gram) / self.first if self.first > 0 else np.inf), found.ratio

    def _rectified(self, b: FloatArray) -> Perturbations:
        """Those of a ReLU network, which depend on the pairs within b alone: while these stay the same, so do they."""
        near = (np.abs(self.z) <= (b if b.ndim == 2 else b[:, None])).astype(float)
        if self._latest is None or not np.array_equal(near, self._latest.slopes):
            self._latest = self._of_pairs(near)
        return self._latest

    def _of_pairs(self, near: FloatArray) -> Perturbations:
        now, m = self.slopes, self.m
        possible = np.maximum(near, now)
        certain = possible - near
        counts = now @ now.T
        M = self.sizes * (near @ possible.T) / m
        D = self.sizes * np.maximum(possible @ possible.T - counts, counts - certain @ certain.T) / m
        fixed, free = now[:, ~near.any(axis=0)], possible[:, near.any(axis=0)]
        least = float(np.linalg.eigvalsh(self.kernel * (fixed @ fixed.T))[0]) / m
        eigenvalue = max(self.first - _norm(D), least)
        tau, others = _norm(self.sizes * (near @ near.T)) / m, _norm(self.sizes * (free @ free.T)) / m
        xi = min(_norm(M), float(np.sqrt(tau * others)))
        if eigenvalue <= 0:
            return Perturbations(M, D, near, eigenvalue, xi, np.inf)
        ratios = [xi / eigenvalue, np.sqrt(tau / eigenvalue)]
        if least > 0:
            ratios.append(np.sqrt(tau / least) / 2)
            if others <= least:
                ratios.append(np.sqrt(tau * others) / (least + others))
        return Perturbations(M, D, near, eigenvalue, xi, float(min(ratios)))

    def _smooth(self, b: FloatArray) -> Perturbations:
        assert self.net.phi.curvature is not None
        bend = self.net.phi.curvature
        widths = np.broadcast_to(b if b.ndim == 2 else b[:, None], self.z.shape)
        mean = widths.mean(axis=1) * bend * self.slope
        M = self.sizes * mean[:, None] / 2
        D = self.sizes * (mean[:, None] + mean[None, :])
        eigenvalue, xi = self.first - _norm(D), _norm(M)
        ratio = xi / eigenvalue if eigenvalue > 0 else np.inf
        return Perturbations(M, D, bend * widths, eigenvalue, xi, ratio)

    def closed(self, residual: FloatArray, form: str, most: float = np.inf) -> tuple[Sketch, FloatArray] | None:
        """The least tube for this r(0), with its widths; None where none closes with a ratio of at most ``most``."""
        n = len(self.kernel)
        if self.first <= SINGULAR:
            return None
        b = np.full((n, self.m) if form == "neuron" else n, 2.0**-1000)
        for _ in range(MOST_ROUNDS):
            found = self.sketch(b, residual, form)
            if found is None or found.ratio > most:  # wider tubes have larger ratios
                return None
            wider = found.needed * ROOM
            if (wider <= b * ROOM).all():
                return found, np.maximum(wider, b)
            b = np.maximum(wider, b)
        return None

    def dialled(self, direction: FloatArray, ratio: float, form: str) -> tuple[float, FloatArray] | None:
        """How far r(0) may be stretched along the direction so that a tube closes with at most this ratio, and its widths."""
        low, high, best = -30.0, 20.0, None
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            found = self.closed(2.0**middle * direction, form, ratio)
            if found is not None:
                low, best = middle, (2.0**middle, found[1])
            else:
                high = middle
        return best
