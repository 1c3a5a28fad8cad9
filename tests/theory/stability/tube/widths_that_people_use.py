"""Networks whose tube must be certified, and runs beside their certificates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from properties.reading.datasets import load_dataset
from theory.descent.steps import FunctionSpaceDescent
from theory.inputs import FloatArray, normalise_rows
from theory.network.gram import rectifier_gram
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.definiteness import smallest_eigenvalue_lower_bound
from theory.rigour.one_step import network_steps
from theory.rigour.rounding import gamma
from theory.stability import TubeCertificate
from theory.stability.tube.nonnegative import norm_above
from theory.stability.tube.start import absolute_kernel

STEP_SIZES = (0.1, 0.5, 1.0)

SHARE = 0.01
"""A run is followed while a step's stated rounding is below this share of the residual."""

LOOK = 5
"""Every so many steps it is asked whether a run has settled."""

MOST_STEPS = 400
"""More than any run needs to get there at the step sizes above."""

Drawn = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Setting:
    """Inputs, width m, scale nu, and how many of how many seeds are certified at least."""

    name: str
    data: Callable[[np.random.Generator], Drawn]
    width: int
    scale: float
    symmetric: bool
    optimiser: str = "ngd"

    def problem(self, seed: int) -> tuple[TwoLayerNetwork, FloatArray, FloatArray]:
        """The network, unit rows and targets of a seed."""
        rng = np.random.default_rng(seed)
        rows, y = self.data(rng)
        net = TwoLayerNetwork.initialise(self.width, rows.shape[1], self.scale, rng, symmetric=self.symmetric)
        return net, rows, y

    @property
    def large(self) -> bool:
        """Above n m = 2e6, where three seeds are drawn and all are certified."""
        return len(self.data(np.random.default_rng(0))[0]) * self.width > 2_000_000


def orthonormal(inputs: int) -> Callable[[np.random.Generator], Drawn]:
    """The unit vectors, random signs."""
    return lambda rng: (np.eye(inputs), rng.choice([-1.0, 1.0], inputs))


def random_rows(rng: np.random.Generator) -> Drawn:
    """20 unit rows in R^20, random signs."""
    return normalise_rows(rng.standard_normal((20, 20))), rng.choice([-1.0, 1.0], 20)


def digits(rows: int) -> Callable[[np.random.Generator], Drawn]:
    """The first rows of the digits 4 and 9, with their labels."""

    def first(_: np.random.Generator) -> Drawn:
        found = load_dataset("digits-4-9")
        return found.X[:rows], found.y[:rows]

    return first


SETTINGS = (
    Setting("orthonormal-4", orthonormal(4), 5_000, 1.0, False),
    Setting("orthonormal-10", orthonormal(10), 10_000, 1.0, False),
    Setting("orthonormal-20", orthonormal(20), 100_000, 1.0, False),
    Setting("symmetric-10", orthonormal(10), 4_000, 1.0, True),
    Setting("symmetric-100", orthonormal(100), 200_000, 1.0, True),
    Setting("random-20", random_rows, 300_000, 1.0, True),
    Setting("digits-10-lazy", digits(10), 4_000, 100.0, True),
    Setting("digits-10", digits(10), 100_000, 10.0, True),
    Setting("digits-100", digits(100), 400_000, 1000.0, True),
    Setting("digits-361", digits(361), 200_000, 1e5, True),
    Setting("digits-10-kfac", digits(10), 1_000_000, 100.0, True, "kfac"),
)


def factor(found: TubeCertificate, eta: float, h_min: float) -> float:
    """What the certificate says of ``||r(k+1)||/||r(k)||``; h_min is 1 for NGD."""
    return 1 - eta * (1 - found.contraction) * h_min


@dataclass(frozen=True)
class Followed:
    """A run beside its certificate."""

    steps: int
    """How many were followed: up to the last at which the stated rounding is below ``SHARE`` of the residual."""
    decided: int
    """At how many of them the rounding bound leaves no doubt that the factor is at most the certified one."""
    worst: float
    """The largest factor as computed, divided by the certified one."""
    settled: bool
    """Whether it was followed only until no activation can change any more: every later factor is 1 - eta then, for every k."""


def settled(state: FunctionSpaceDescent, residual_norm: float) -> bool:
    """Whether NGD changes no activation of a ReLU network on its way from the iterate as stored, whatever ``0 < eta <= 1`` is.

    While none has changed, ``r(k) = (1-eta)^k r`` and ``c(k) = (1-eta)^k c`` for the iterate's own r and c, so that ``Z_ir`` has moved by
    ``m^{-1/2} ||K_i|| ||c||`` at most, and ``||c|| <= ||r||/lambda_min(G)``. ``residual_norm`` is at least ``||r||``.
    """
    rows, m = state.geometry.inputs, state.pre_activations.shape[1]
    gram, error = rectifier_gram(rows, np.rint(state.pattern_gram * m), m)
    least = smallest_eigenvalue_lower_bound(gram) - error
    if not least > 0:
        return False
    kernel = absolute_kernel(rows, rows @ rows.T)
    nearest = np.array([np.abs(z).min() for z in state.pre_activations])
    farthest = np.array([norm_above(row) for row in kernel]) * residual_norm / (least * np.sqrt(m)) * (1 + gamma(8))
    return bool((farthest < nearest).all())


def follow(
    net: TwoLayerNetwork,
    rows: FloatArray,
    y: FloatArray,
    found: TubeCertificate,
    eta: float,
    optimiser: str,
    whole: bool = True,
) -> Followed:
    """The run in function space, all of it or, of NGD, until it has settled.

    Raises AssertionError where a factor is exceeded, or the residual still falls after ``MOST_STEPS``.
    """
    state = FunctionSpaceDescent(net, rows, y)
    scores = np.sum(np.linalg.svd(rows, full_matrices=False)[0] ** 2, axis=1) if optimiser == "kfac" else np.ones(1)
    bound, worst, decided = factor(found, eta, float(scores.min())), 0.0, 0
    for k, step in zip(range(MOST_STEPS), network_steps(state, eta, optimiser), strict=False):
        if not step.after_error + step.before_error < SHARE * step.after:
            return Followed(k, decided, worst, False)
        rounding = step.rounding(bound)
        assert step.after <= bound * step.before + rounding, (k, step.after / step.before, bound)
        decided += step.after + rounding <= bound * step.before
        worst = max(worst, step.after / step.before / bound)
        if not whole and optimiser == "ngd" and k % LOOK == LOOK - 1 and settled(state, step.after + step.after_error):
            return Followed(k + 1, decided, worst, True)
    raise AssertionError(f"{MOST_STEPS} steps at eta = {eta} do not reach the rounding")
