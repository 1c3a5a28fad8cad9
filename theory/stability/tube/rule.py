"""What a theorem makes of a tube: from the bounds in a tube of some widths to how far the optimiser gets at most.

Every module of this package with a class ``RULE`` states one; a rule is found by what it is asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol, Self

from theory.descent.optimiser import Optimiser
from theory.direction import Directed, LowerBound, UpperBound
from theory.errors import ChoiceError, ScaleError
from theory.inputs import FloatArray, is_real
from theory.losses import LossMaker, SquaredLoss
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube.bounds import TubeBounds
from theory.stability.tube.nonnegative import raised
from theory.stability.tube.start import Beginning, Start
from theory.stability.tube.widths import InputWidths, Widths
from theory.theorems import tube as theorem

Damping = float | tuple[float, float]
"""Of NGD: eps. Of K-FAC: eps_S and eps_X, of the two factors."""


WHOLE_STEP = LowerBound(1.0)
"""The largest step size of NGD in a tube, with damping or without."""


class Tube(Protocol):
    """Tubes around a network, one after the other."""

    start: Start

    def bounds(self, widths: Widths) -> TubeBounds:
        """Become the tube of these widths, and bound what changes in it."""
        ...

    def within(self, widths: Widths) -> bool:
        """Whether the bounds that were given last are bounds in the tube of these widths too."""
        ...


@dataclass(frozen=True)
class Reach(Directed):
    """Where an optimiser gets to at most while it stays in a tube."""

    contraction: UpperBound
    """mu, below 1."""
    path_sum: UpperBound
    """S."""
    progress: LowerBound
    """What a step takes off: it leaves at most ``1 - eta progress`` of the residual's norm, not squared."""
    step_limit: LowerBound
    """The largest eta up to which the theorem speaks of every one; 0 where it speaks of a single one."""
    widths: Widths
    """Those that it needs: the theorem speaks where the tube's are no less."""


@dataclass(frozen=True)
class Asked:
    """What a tube is asked for."""

    net: TwoLayerNetwork
    rows: FloatArray
    """X (n, d)."""
    targets: FloatArray
    """y (n,), the labels of the loss."""
    optimiser: Optimiser
    loss: LossMaker = SquaredLoss
    damping: Damping = 0.0
    per_neuron: bool = True

    def __post_init__(self) -> None:
        """Raises ScaleError (damping that is neither a number nor a pair)."""
        if not (is_real(self.damping) or isinstance(self.damping, tuple)):
            raise ScaleError(
                f"the damping is {self.damping!r}; it is a number eps, for K-FAC a pair (eps_S, eps_X), 0 or more"
            )

    @property
    def squared(self) -> bool:
        """Whether the loss is the squared one."""
        return self.loss is SquaredLoss


class TubeRule(ABC):
    """A theorem's requirements of the widths, for one start."""

    start: Start
    per_neuron: bool = False
    """Whether it has one width a pair (input, neuron)."""

    @classmethod
    @abstractmethod
    def asked(cls, asked: Asked) -> Self | None:
        """The rule, where it is what is asked for; None for others. Raises InputError."""

    def lacking(self) -> str | None:
        """What the theorem needs whatever the tube is and does not have, by name; None where it has all."""
        return None if self.start.lambda_min > 0 else "lambda"

    def sampled(self, sample: Start) -> Self | None:
        """The rule for a start that knows some of the neurons only, for a guess; None where it needs all of them."""
        return None if self.per_neuron else self

    @abstractmethod
    def first(self, start: Start) -> Widths:
        """Widths that every tube has at least for which the theorem speaks."""

    @abstractmethod
    def reach(self, tube: Tube, bounds: TubeBounds) -> Reach | None:
        """What it needs, given the bounds in the tube; None where the theorem says nothing of such bounds."""


@cache
def rules() -> tuple[type[TubeRule], ...]:
    """The rules of this package, by the names of their modules."""
    package = __name__.rpartition(".")[0]
    modules = [import_module(f"{package}.{one.name}") for one in iter_modules([str(Path(__file__).parent)])]
    return tuple(module.RULE for module in modules if hasattr(module, "RULE"))


def rule_for(asked: Asked) -> TubeRule:
    """The first rule that is asked for. Raises ChoiceError, and what a rule raises."""
    for kind in rules():
        found = kind.asked(asked)
        if found is not None:
            return found
    damped = f" with damping {asked.damping}" if asked.damping else ""
    loss = "the squared loss" if asked.squared else "this loss"
    network = "a ReLU network" if asked.net.phi.curvature is None else f"a network with {asked.net.activation}"
    raise ChoiceError(
        f"no theorem speaks of {asked.optimiser.title}{damped} on {loss} and {network} in a tube; see docs/theory.md"
    )


def input_widths(start: Beginning, path: float) -> InputWidths:
    """``m^{-1/2} ||K_i|| S L_1``: from the width of a row of norm 1, times the norms, rounded up."""
    unit = theorem.width(1.0, path, start.width, start.slope)
    return InputWidths(raised(start.row_norms * unit, 1))
