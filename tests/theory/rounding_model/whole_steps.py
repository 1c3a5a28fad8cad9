"""Cases for what a step makes of the errors that it is told: the state is off by exactly one of them."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from tests.theory.rounding_model.case import Case, Measured
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.products import exchanged, network
from tests.theory.rounding_model.steps import ONE_STEP, optimiser_of, watches_of

WIDTH = 4


@dataclass(frozen=True)
class Told:
    """One input, four active neurons, so that G = H = 1 and outputs are 2 z: how the state is wrong, and what is said of it."""

    optimiser: str
    gram: float = 1.0
    """What the state takes for H."""
    gram_error: float = 0.0
    features: float = 1.0
    """The state's features over the exact ones."""
    features_error: float = 0.0
    gradient_off: float = 0.0
    """What the state's gradient and the accurate one are off by, and the latter says so."""
    movement: float = 0.0
    """How far a row of Z ends beside where the step put it."""
    size: float = 0.9
    """Of the weights."""
    eta: float = 0.5
    spread: float = 0.7
    """The residual."""
    plain_off: float = 0.0
    """What the state's gradient alone is off by."""


def told(case: Told) -> Case:
    """The step against the exact one, ``z' = z - eta r/2`` for NGD and K-FAC, ``z - 2 eta r/4`` for GD: these are the same here."""

    (bounding,) = {
        f"theory.{name.partition(':')[0]}" for name in watches_of(case.optimiser) if name.endswith(".rounding")
    }

    def measure(theory: Theory) -> Measured:
        module = theory.module(ONE_STEP)
        net = network(theory, np.full((WIDTH, 1), case.size), np.ones(WIDTH))
        target = 2 * case.size - case.spread
        state = theory.function("theory.descent.steps", "FunctionSpaceDescent")(
            net, np.ones((1, 1)), np.array([target])
        )
        z = float(state.pre_activations[0, 0])
        state._pattern_gram = np.array([[case.gram]])
        state._unit *= case.features
        state.output_gradient = state.output_gradient + case.gradient_off + case.plain_off
        advance = state.advance

        def advanced(eta: float, optimiser: object) -> None:
            advance(eta, optimiser)
            state.pre_activations += case.movement / np.sqrt(WIDTH)

        state.advance = advanced
        rounding = SimpleNamespace(
            row_norms=np.ones(1),
            absolute=case.features_error,
            frobenius=case.gram_error,
            of_product=lambda sizes: case.gram_error * float(sizes[0]),
            of_form=lambda sizes: case.gram_error * float(sizes[0]) ** 2,
        )
        known = SimpleNamespace(of=lambda state, dim: rounding)
        values: dict[str, object] = {"GramRounding": known}
        if case.movement:
            values["movement_rounding"] = lambda *_: case.movement / case.eta
        theory.sum_errors = [case.gradient_off * np.sqrt(WIDTH)]
        with exchanged(theory.module(bounding), values):
            step = module.network_step(state, case.eta, optimiser_of(theory, case.optimiser))
        theory.sum_errors = []
        residual = 2 * z - target
        after = residual - case.eta * residual
        yield abs(step.before - abs(residual)), step.before_error
        yield abs(step.after - abs(after)), step.after_error
        yield abs(step.length - case.eta * abs(residual)), step.length_error

    watches = ("rigour.one_step:network_step", "rigour.one_step:_row_norm", *watches_of(case.optimiser))
    said = {name: value for name, value in vars(case).items() if value != getattr(Told, name, None)}
    return Case(f"told {said}", watches, measure)


CASES = tuple(
    told(case)
    for case in (
        *(Told(optimiser, gram=4.0, gram_error=3.0) for optimiser in ("ngd", "gd", "kfac")),
        *(Told(optimiser, plain_off=off) for optimiser in ("ngd", "gd", "kfac") for off in (0.25, -0.25)),
        *(Told(optimiser, gradient_off=gradient) for optimiser in ("ngd", "gd", "kfac") for gradient in (0.25, -0.25)),
        *(Told(optimiser, movement=0.25) for optimiser in ("ngd", "gd")),
        Told("kfac", features=1.25, features_error=0.25),
        *(Told(optimiser, size=300.0, eta=2.0**-30, spread=0.5) for optimiser in ("gd", "kfac")),
    )
)
