"""Instances of descent: a parameter map or a two-layer network, with targets, step size, certificate and its run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import numpy as np
from flint import arb

from properties.descent.losses import SQUARED_LOSS, LossRecipe
from properties.engine.claim import TooLargeToConfirmError
from properties.engine.stable_names import stored_as
from theory.descent.steps import FunctionSpaceDescent, parameter_step
from theory.direction import LowerBound, UpperBound
from theory.inputs import FloatArray
from theory.losses import Loss
from theory.maps.affine import MapCertificate, ParameterMap, certify_map, operator_norm
from theory.network.gram import largest_gram_eigenvalue
from theory.network.rank import jacobian_rank_deficient
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.enclosed_step import EnclosedStep, map_steps_enclosed
from theory.rigour.exact import float_at_least
from theory.rigour.one_step import OneStep, map_steps, network_steps
from theory.rigour.precision import FIRST_BITS, working_precision
from theory.rigour.rounding import gamma
from theory.rigour.trajectory import network_steps_enclosed, steps_from_weights
from theory.stability import certify_ball, change_bounds
from theory.stability.norms import stability_constant
from theory.theorems import ngd

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ROUNDING_MARGIN = 1000
"""A run stops once the residual is below this multiple of its error bound, where float64 could not decide any more."""


MOST_PRODUCTS, ENTRY_PRODUCTS = 2**23, 16
"""Networks are enclosed in balls up to so many products, one entry's own functions counted as 16: 2 s at 106 bits."""

MOST_FLOAT_PRODUCTS = 2**28
"""ReLU networks take products of floats instead: so many in about as long."""


class Certificate(Protocol):
    """What Conditions 1 and 2 come down to."""

    @property
    def lambda_min(self) -> LowerBound:
        """Certified lower bound of lambda_min(G(0))."""
        ...

    @property
    def radius(self) -> float:
        """``(3/2)(1+kappa) ||r(0)||/sqrt(lambda)``, 3 for the squared loss."""
        ...

    @property
    def constant(self) -> UpperBound:
        """Upper bound of C in Condition 2(C), or 3(C) for a general loss."""
        ...


@dataclass(frozen=True)
class Run:
    """The steps that were taken, each evaluated from its stored iterate."""

    steps: tuple[OneStep, ...]
    flips: int
    """Activations that differ from those at initialisation at some iterate, counted at each iterate; 0 for maps."""


class DescentInstance(Protocol):
    """What the claims of T1 and its relatives need of an instance."""

    @property
    def eta(self) -> float:
        """The step size."""
        ...

    @property
    def certificate(self) -> Certificate:
        """Conditions 1 and 2."""
        ...

    @property
    def rank_deficient(self) -> bool:
        """Whether J(0) has linearly dependent rows for certain, so that Condition 1 fails; False says nothing."""
        ...

    @property
    def run(self) -> Run:
        """The float64 run with its rounding bounds."""
        ...

    def enclosed_step(self, k: int) -> EnclosedStep:
        """The exact step from the stored iterate k, in balls at the working precision."""
        ...

    def enclosed_trajectory(self) -> list[EnclosedStep]:
        """The exact trajectory from theta(0), in balls at the working precision, as long as the run."""
        ...


class GradientInstance(DescentInstance, Protocol):
    """What the claims on gradient descent need besides."""

    @property
    def operator_norm(self) -> float:
        """Certified upper bound of ``||J(0)||_2`` (not squared)."""
        ...


def _as_floats(step: EnclosedStep) -> OneStep:
    """A step in balls as float64 with error bounds."""
    norms = (step.before, step.after, step.length)
    values = [float(ball) for ball in norms]
    errors = [float_at_least(abs(ball - arb(value))) for ball, value in zip(norms, values, strict=True)]
    residual, moved = (np.array([float(ball) for ball in balls]) for balls in (step.residual, step.moved_residual))
    return OneStep(
        before=values[0],
        after=values[1],
        before_error=errors[0],
        after_error=errors[1],
        length=values[2],
        length_error=errors[2],
        residual=residual,
        moved_residual=moved,
    )


def exhausted(step: OneStep) -> bool:
    """Whether the residual has fallen so far that float64 could not decide the next step."""
    return step.after <= ROUNDING_MARGIN * step.after_error


class LossInstance(DescentInstance, Protocol):
    """An instance that says which loss it descends."""

    @property
    def objective(self) -> Loss:
        """The loss, with its constants and its minimiser."""
        ...


LOSS_PARTS = ("loss.ridge", "loss.scale", "loss.weights")
MAP_PARTS = ("amplitude", "linear", "frequencies", "direction", "slopes", "knots")
"""What of a loss and of a map may be rounded (properties/engine/replay/rounder.py): not rotations, which are orthogonal."""


@stored_as("map-run")
@dataclass(frozen=True)
class MapInstance:
    """An optimiser, by its name, on a parameter map from theta(0) = 0 (families F3 and F4); ``targets`` are the labels of ``loss``."""

    roundable: ClassVar[tuple[str, ...]] = (
        "targets", "eta", *LOSS_PARTS, *(f"model.{part}" for part in MAP_PARTS),
    )  # fmt: skip

    model: ParameterMap
    targets: FloatArray
    eta: float
    steps: int
    optimiser: str = field(default="ngd", kw_only=True)
    loss: LossRecipe = field(default=SQUARED_LOSS, kw_only=True)

    @cached_property
    def objective(self) -> Loss:
        """The loss of the targets."""
        return self.loss(self.targets)

    @cached_property
    def certificate(self) -> MapCertificate:
        """Conditions 1 and 3; Condition 2 for the squared loss."""
        return certify_map(self.model, self.targets, self.loss)

    def constant_within(self, radius: float) -> float:
        """A C for which Condition 2(C) is certified on the ball of this radius around theta(0)."""
        return ngd.stability_constant(self.model.deviation(radius), self.certificate.lambda_min) * (1 + gamma(4))

    @property
    def rank_deficient(self) -> bool:
        """False: J(0) is chosen to have full row rank."""
        return False

    @cached_property
    def operator_norm(self) -> float:
        """Certified upper bound of ``||J(0)||_2``."""
        return operator_norm(self.model)

    @cached_property
    def iterates(self) -> list[FloatArray]:
        """The stored iterates, one more than steps taken."""
        self.run  # noqa: B018  fills the list
        return self._iterates

    @cached_property
    def _iterates(self) -> list[FloatArray]:
        return [np.zeros(self.model.parameters)]

    @cached_property
    def run(self) -> Run:
        """The float64 run with its rounding bounds."""
        taken: list[OneStep] = []
        steps = map_steps(self.model, self._iterates[0], self.objective, self.eta, self.optimiser)
        for moved, step in islice(steps, self.steps):
            self._iterates.append(moved)
            taken.append(step)
            if exhausted(step):
                break
        return Run(tuple(taken), 0)

    def enclosed_step(self, k: int) -> EnclosedStep:
        """The exact step from the stored iterate k, in balls."""
        return map_steps_enclosed(self.model, self.iterates[k], self.objective, self.eta, 1, self.optimiser)[0]

    def enclosed_trajectory(self) -> list[EnclosedStep]:
        """The exact trajectory, in balls."""
        steps = len(self.run.steps)
        return map_steps_enclosed(self.model, self.iterates[0], self.objective, self.eta, steps, self.optimiser)


@stored_as("network-run")
@dataclass(frozen=True)
class NetworkInstance:
    """An optimiser, by its name, on a two-layer network (families F1, F2 and F5); ``targets`` are the labels of ``loss``."""

    roundable: ClassVar[tuple[str, ...]] = ("targets", "eta", "net.weights", *LOSS_PARTS)

    net: TwoLayerNetwork
    inputs: FloatArray
    targets: FloatArray
    eta: float
    steps: int
    optimiser: str = field(default="ngd", kw_only=True)
    loss: LossRecipe = field(default=SQUARED_LOSS, kw_only=True)
    enclosed: bool = field(default=False, kw_only=True)
    """Whether it is followed in balls from the start: ``steps`` exact steps."""
    stored: int = field(default=0, kw_only=True)
    """The iterate that the balls start from: W(0), or the float64 weights after so many steps, exact as given."""

    @cached_property
    def objective(self) -> Loss:
        """The loss of the targets."""
        return self.loss(self.targets)

    @cached_property
    def certificate(self) -> Certificate:
        """Conditions 1 and 3 by the ball certificates; Condition 2 for the squared loss."""
        return certify_ball(self.net, self.inputs, self.targets, condition="3", loss=self.loss)

    def constant_within(self, radius: float) -> float:
        """A C for which Condition 2(C) is certified on the ball of this radius around W(0)."""
        return stability_constant(change_bounds(self.net, self.inputs, radius).best, self.certificate.lambda_min)

    @cached_property
    def rank_deficient(self) -> bool:
        """Whether J(0) has linearly dependent rows for certain."""
        return jacobian_rank_deficient(self.net, self.inputs)

    def _initial_state(self) -> FunctionSpaceDescent:
        return FunctionSpaceDescent(self.net, self.inputs, self.targets, loss=self.loss)

    @cached_property
    def operator_norm(self) -> float:
        """Certified upper bound of ``||J(0)||_2``."""
        return float(np.sqrt(largest_gram_eigenvalue(self.net, self.inputs))) * (1 + gamma(2))

    @cached_property
    def run(self) -> Run:
        """The float64 run with its rounding bounds; the balls rounded to float64 where it is followed in balls."""
        if self.enclosed:
            balls = self.first_balls
            return Run(tuple(_as_floats(step) for step in balls), sum(step.flips for step in balls))
        state = self._initial_state()
        initial = state.pattern if self.net.activation == "relu" else None
        taken: list[OneStep] = []
        flips = 0
        for step in islice(network_steps(state, self.eta, self.optimiser), self.steps):
            taken.append(step)
            if initial is not None:
                flips += int(np.count_nonzero(state.pattern != initial))
            if exhausted(step):
                break
        return Run(tuple(taken), flips)

    @cached_property
    def start(self) -> TwoLayerNetwork:
        """The network that the balls start from."""
        net = self.net
        for _ in range(self.stored):
            net = parameter_step(net, self.inputs, self.targets, self.eta, self.optimiser, self.loss)
        return net

    @cached_property
    def distance(self) -> float:
        """Upper bound of the distance (Frobenius norm) of the weights that the balls start from to W(0)."""
        difference = self.start.weights - self.net.weights
        return float(np.linalg.norm(difference)) * (1 + gamma(difference.size + 8))

    def followed(self) -> list[EnclosedStep]:
        """The exact steps from ``start``, in balls at the working precision."""
        return steps_from_weights(self.start, self.inputs, self.objective, self.eta, self.steps, self.optimiser)

    @cached_property
    def first_balls(self) -> list[EnclosedStep]:
        """The same at the lowest precision, which mostly decides."""
        with working_precision(FIRST_BITS):
            return self.followed()

    def stored_iterate(self, k: int) -> FloatArray:
        """``Z(k)``, shape (n, m), by running again: the same operations in the same order."""
        state = self._initial_state()
        for _ in range(k):
            state.advance(self.eta, self.optimiser)
        return state.pre_activations

    def _confirmable(self, steps: int) -> None:
        """Raise TooLargeToConfirmError where the step's matrix products have too many terms."""
        (n, d), m = self.inputs.shape, self.net.width
        relu = self.net.activation == "relu"
        products = n * m * max(n, d if relu else ENTRY_PRODUCTS) * steps
        if products > (MOST_FLOAT_PRODUCTS if relu else MOST_PRODUCTS):
            raise TooLargeToConfirmError(f"{steps} steps in balls at n = {n}, m = {m} take too long")

    def _enclosed(self, pre_activations: FloatArray, steps: int) -> list[EnclosedStep]:
        net = self.net
        return network_steps_enclosed(
            pre_activations, self.inputs, net.signs, net.activation, self.objective, self.eta, steps, self.optimiser
        )

    def enclosed_step(self, k: int) -> EnclosedStep:
        """The exact step from the stored iterate k, in balls."""
        self._confirmable(1)
        return self._enclosed(self.stored_iterate(k), 1)[0]

    def enclosed_trajectory(self) -> list[EnclosedStep]:
        """The exact trajectory from W(0), in balls."""
        steps = len(self.run.steps)
        self._confirmable(steps)
        return steps_from_weights(self.net, self.inputs, self.objective, self.eta, steps, self.optimiser)


AnyDescent = TypeVar("AnyDescent", bound="DataclassInstance")

INITIAL = ("certificate", "bounds", "operator_norm", "objective", "rank_deficient")
"""What belongs to theta(0), the data and the loss: the same for every step size and optimiser."""


def descending(found: AnyDescent, **changes: Any) -> AnyDescent:
    """The instance with another ``eta`` or ``optimiser``; what was computed about its start is not computed again."""
    changed = dataclasses.replace(found, **changes)
    vars(changed).update({name: value for name, value in vars(found).items() if name in INITIAL})
    return changed
