"""Losses with a wanted condition number and minimiser, and losses that misstate their constants, for mutants."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from properties.engine.stable_names import stored_as
from theory.errors import ChoiceError
from theory.inputs import FloatArray
from theory.losses import LogisticLoss, Loss, PseudoHuberLoss, SquaredLoss, WeightedSquaredLoss
from theory.rigour.exact import AnyArray
from theory.theorems import general_loss

KINDS = ("squared", "weighted", "pseudo-Huber", "logistic")
"""Kinds of losses. Only "weighted" has a scale of its own; only it needs two outputs for a condition number above 1."""


@stored_as("loss-misstatement")
@dataclass(frozen=True)
class Misstatement:
    """What a mutant says of a loss: the constants of another one, or that its labels are its minimiser."""

    smoothness_share: float = 1.0
    """L as stated over L, but never below mu."""
    labels_as_minimiser: bool = False
    ridge: float | None = None
    """The ridge that the loss has instead, while mu and L are stated as before; None: it keeps its own."""
    scale_share: float = 1.0
    """Its scale over the one that it had, where the ridge is another."""

    def of(self, loss: Loss) -> Loss:
        """The loss as misstated."""
        true = loss
        if self.ridge is not None:
            assert isinstance(loss, PseudoHuberLoss)
            true = dataclasses.replace(loss, ridge=self.ridge, scale=loss.scale * self.scale_share)
        smoothness = max(loss.strong_convexity, loss.smoothness * self.smoothness_share)
        return Misstated(true, loss.strong_convexity, smoothness, self.labels_as_minimiser)


@stored_as("loss")
@dataclass(frozen=True)
class LossRecipe:
    """How to make a loss from labels (n,): its kind and parameters as data, so that an instance can be stored.

    Raises ChoiceError for an unknown kind, and what the loss itself raises.
    """

    kind: str = "squared"
    ridge: float = 1.0
    """Of "pseudo-Huber" and "logistic"."""
    scale: float = 1.0
    """Of the same."""
    weights: FloatArray | None = None
    """Of "weighted", shape (n,)."""
    misstatement: Misstatement | None = None

    def __post_init__(self) -> None:
        """Check the kind."""
        if self.kind not in KINDS:
            raise ChoiceError(f"unknown kind of loss {self.kind!r}; known: {', '.join(KINDS)}")
        if (self.kind == "weighted") is not (self.weights is not None):
            raise ChoiceError(f"a {self.kind} loss {'needs' if self.kind == 'weighted' else 'has no'} weights")

    def __call__(self, labels: FloatArray) -> Loss:
        """The loss of these labels."""
        loss = self._true(labels)
        return loss if self.misstatement is None else self.misstatement.of(loss)

    def _true(self, labels: FloatArray) -> Loss:
        if self.weights is not None:
            return WeightedSquaredLoss(labels, self.weights)
        if self.kind == "squared":
            return SquaredLoss(labels)
        made = PseudoHuberLoss if self.kind == "pseudo-Huber" else LogisticLoss
        return made(labels, ridge=self.ridge, scale=self.scale)


SQUARED_LOSS = LossRecipe()
"""The squared loss."""


@dataclass(frozen=True)
class LossPlan:
    """A kind of loss and its condition number kappa, whatever the number of outputs and the minimiser will be."""

    kind: str = "squared"
    condition: float = 1.0
    """kappa; above 1 for "pseudo-Huber" and "logistic"."""
    least_weight: float = 1.0
    """mu of the weighted squared loss."""
    saturation: float = 0.5
    """How far out on the pseudo-Huber loss the minimiser lies: the slope there as a share of the largest."""
    tilt: float = 1.0
    """Share of the last component of a residual to its first, relative to what was drawn."""
    misstatement: Misstatement | None = None
    """What a mutant says about the loss."""

    def at(self, minimiser: FloatArray) -> tuple[FloatArray, LossRecipe]:
        """Labels (n,) and a recipe, whose loss has the minimiser asked for, to rounding.

        The logistic loss takes its signs and its length only: all components of its minimiser have the same size.
        """
        if self.kind == "squared":
            return minimiser, self._recipe()
        if self.kind == "weighted":
            return minimiser, self._recipe(weights=self.weights(len(minimiser)))
        if self.kind == "pseudo-Huber":
            ridge = 1 / (self.condition - 1)  # kappa = 1 + 1/alpha
            scale = ridge * float(np.abs(minimiser).max()) / self.saturation
            slope = ridge * minimiser / scale  # of the data term, in units of its largest
            labels = minimiser + scale * slope / np.sqrt(1 - slope * slope)
            return labels, self._recipe(ridge=ridge, scale=scale)
        ridge = 1 / (4 * (self.condition - 1))  # kappa = 1 + 1/(4 alpha)
        unit = float(LogisticLoss(np.ones(1), ridge).minimiser[0])
        scale = float(np.linalg.norm(minimiser)) / (unit * np.sqrt(len(minimiser)))
        return np.where(minimiser < 0, -1.0, 1.0), self._recipe(ridge=ridge, scale=scale)

    def _recipe(self, **parameters: Any) -> LossRecipe:
        return LossRecipe(self.kind, misstatement=self.misstatement, **parameters)

    @property
    def places_minimiser(self) -> bool:
        """Whether the minimiser can be any vector."""
        return self.kind != "logistic"

    def weights(self, n: int) -> FloatArray:
        """Weights of n outputs, geometric from mu to ``kappa mu``; mu alone for n = 1, and 1 for the squared loss."""
        if self.kind == "squared":
            return np.ones(n)
        return np.asarray(self.least_weight * self.condition ** np.linspace(0.0, 1.0, n))

    def curvatures(self, n: int) -> tuple[float, float]:
        """mu and L of the loss of n outputs, as stated."""
        labels, maker = self.at(np.ones(n))
        loss = maker(labels)
        return loss.strong_convexity, loss.smoothness

    def radius_factor(self, n: int) -> float:
        """``(3/2)(1+kappa)`` for n outputs."""
        return general_loss.radius_factor(*self.curvatures(n))

    def tilted(self, residual: FloatArray) -> FloatArray:
        """A vector (n,) of the same length, its components shifted towards the last or the first one."""
        if self.tilt == 1 or len(residual) == 1:
            return residual
        shifted = residual * self.tilt ** np.linspace(0.0, 1.0, len(residual))
        return np.asarray(shifted * (np.linalg.norm(residual) / np.linalg.norm(shifted)))


@dataclass(frozen=True)
class Misstated:
    """A loss that misstates its constants, or gives its labels as its minimiser."""

    true: Loss
    strong_convexity: float
    smoothness: float
    labels_as_minimiser: bool = False

    @property
    def labels(self) -> FloatArray:
        """The true ones."""
        return self.true.labels

    @property
    def minimiser(self) -> FloatArray:
        """The labels, or the true minimiser."""
        return self.true.labels if self.labels_as_minimiser else self.true.minimiser

    @property
    def minimiser_error(self) -> float:
        """That of the minimiser given."""
        return 0.0 if self.labels_as_minimiser else self.true.minimiser_error

    def minimiser_enclosed(self) -> AnyArray:
        """The minimiser given, in balls."""
        return (
            SquaredLoss(self.labels).minimiser_enclosed()
            if self.labels_as_minimiser
            else self.true.minimiser_enclosed()
        )

    def value(self, outputs: AnyArray) -> Any:
        """The true one."""
        return self.true.value(outputs)

    def gradient(self, outputs: AnyArray) -> AnyArray:
        """The true one."""
        return self.true.gradient(outputs)

    def gradient_rounding(self, outputs: FloatArray) -> float:
        """The true one."""
        return self.true.gradient_rounding(outputs)
