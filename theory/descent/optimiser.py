"""What an optimiser is, and how it is found by its name. Every optimiser is one module of this package with a class ``OPTIMISER``.

Public functions take the name or the object; inside, it is the object.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import ClassVar, Self

import numpy as np
from flint import arb, arb_mat

from theory.descent.iterate import Iterate, Movement
from theory.errors import ChoiceError
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.exact import AnyArray

Move = tuple[arb_mat, arb]
"""An n x n matrix M of balls with ``dZ = M S``, and a ball around ``||dW||_F``, for the step size 1."""

MoveMaker = Callable[[AnyArray, arb_mat], Move]
"""From the loss's gradient g (n,) and H (n, n) in balls to the move of one step."""


@dataclass(frozen=True)
class StepErrors:
    """How far a computed step is from the exact one from the same iterate, at the computed iterate after it."""

    moved: float
    """Bound of the Euclidean norm of the difference of the outputs."""
    length: float
    """Bound of the error of ``||dW||_F``."""
    operations: int
    """Roundings that the evaluation of these bounds goes through at most (``one_step.outward``)."""


class Optimiser(ABC):
    """A rule for steps of a network; immutable, and equal to every optimiser of the same name."""

    kind: ClassVar[str]
    """The name, or what names look like: for messages."""
    title: ClassVar[str]
    """The name in text."""
    condition: ClassVar[str] = "2"
    """The stability condition that its theorems ask for: "2", on J, or "K2", on S."""
    inverts: ClassVar[bool] = True
    """Whether a step solves with G or H, which must then be known at every iterate."""
    explained_matrix: ClassVar[str] = "it"
    """What G, or H, is called in a sentence that follows the message that a system could not be solved."""

    @property
    def name(self) -> str:
        """What is stored and printed; ``as_optimiser`` finds an equal optimiser by it."""
        return self.kind

    @classmethod
    def named(cls, name: str) -> Self | None:
        """The optimiser of this kind that has the name; None where the name is of another kind. Raises InputError."""
        return cls() if name == cls.kind else None

    def advance(self, state: Iterate, eta: float) -> None:
        """Take one step. Raises RankDeficientError, DivergenceError."""
        with np.errstate(over="ignore", invalid="ignore"), state.undivided():
            state.move(self.movement(state), eta, state.measure_steps or self.inverts, self.name)

    @abstractmethod
    def movement(self, state: Iterate) -> Movement:
        """The step from the state's iterate in function space. Raises RankDeficientError."""

    @abstractmethod
    def parameter_step(self, state: Iterate, eta: float) -> FloatArray:
        """``B`` with ``dW = S^T B``, shape (n, d), for a step from the state's iterate. Raises RankDeficientError."""

    @abstractmethod
    def mover(self, inputs: FloatArray) -> MoveMaker:
        """What moves the pre-activations in balls, from X (n, d) exactly as given.

        A system that cannot be shown to be regular gives not-a-number.
        """

    @abstractmethod
    def rounding(
        self, state: Iterate, gradient: FloatArray, gradient_error: float
    ) -> Callable[[float, float], StepErrors]:
        """Bounds of the errors of the step that the state takes next.

        ``gradient`` is within ``gradient_error``, in the 2-norm, of the loss's exact gradient at the state's iterate. What is
        returned is asked after the step, with its step size and what a row of Z is off by as its move is added. Raises RankDeficientError.
        """

    @abstractmethod
    def linearised(self, geometry: InputGeometry, gram: FloatArray) -> FloatArray:
        """M (n, n), symmetric, with ``r(k+1) = r(k) - eta M r(k)`` while J and S stay as they are; ``gram`` is G."""


Chosen = Optimiser | str
"""An optimiser, or its name."""


@cache
def kinds() -> tuple[type[Optimiser], ...]:
    """The optimisers of this package: NGD, K-FAC and GD in this order, then others."""
    package = __name__.rpartition(".")[0]
    names = sorted((module.name for module in iter_modules([str(Path(__file__).parent)])), reverse=True)
    modules = [import_module(f"{package}.{name}") for name in names]
    return tuple(module.OPTIMISER for module in modules if hasattr(module, "OPTIMISER"))


@lru_cache(maxsize=32)
def _named(name: str) -> Optimiser | None:
    return next((found for kind in kinds() if (found := kind.named(name)) is not None), None)


def as_optimiser(optimiser: Chosen) -> Optimiser:
    """The optimiser itself, or the one of this name. Raises ChoiceError."""
    found = _named(optimiser) if isinstance(optimiser, str) else optimiser
    if isinstance(found, Optimiser):
        return found
    raise ChoiceError(f"unknown optimiser {optimiser!r}; known: {', '.join(kind.kind for kind in kinds())}")
