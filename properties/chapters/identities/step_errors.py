"""E-step: float64 steps against balls. Every number that a claim rests on is within its stated bound of the exact one.

The stored iterate is exact as given; the exact step from it is enclosed. What is compared: both residual norms, the length of
the step and the Gram matrix, each with the bound of theory/rigour (one_step, gram_rounding). The ratio that the table shows
is the largest observed error over its bound: how much the bounds give away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from flint import arb, arb_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.kfac.kfac_instances import INPUT_KINDS as KRONECKER_KINDS
from properties.chapters.kfac.kfac_instances import FeatureInstance, build_perturbed, perturbed_descriptions
from properties.descent.families import examples
from properties.descent.inputs import draw_inputs
from properties.descent.instances import MapInstance, descending
from properties.descent.strategies import Description, Dial, build_perturbed_affine, perturbed_affine_descriptions
from properties.engine.claim import (
    Bound,
    Family,
    Hypothesis,
    Provenance,
    at_most_enclosed,
    require,
    technical,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant, replaced
from properties.engine.stable_names import stored_as
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import DescentError
from theory.inputs import FloatArray
from theory.network.two_layer import ACTIVATIONS, TwoLayerNetwork
from theory.rigour.enclosed_step import BALL_ACTIVATIONS, EnclosedStep, norm_enclosed
from theory.rigour.exact import ball_matrix, entrywise_product
from theory.rigour.gram_rounding import GramRounding
from theory.rigour.one_step import OneStep, network_step
from theory.rigour.precision import working_precision
from theory.rigour.trajectory import network_steps_enclosed, steps_from_weights

BITS = 128
"""Balls are this precise at first."""

KINDS = ("uniform", "uniform", "orthogonal", "integer", "clustered", "angle 1e-2", "angle 1e-4")


@dataclass(frozen=True)
class Taken:
    """A float64 step, the iterate that it was taken from, and the Gram matrix there."""

    iterate: FloatArray
    step: OneStep
    gram: FloatArray
    gram_error: float
    initial: float
    """``||r(0)||``."""
    plain: float
    """``||r||`` before the step by plain sums: what the bounds are not about."""


@stored_as("stored-step")
@dataclass(frozen=True)
class StoredStep:
    """One step of a network from a float64 iterate."""

    roundable: ClassVar[tuple[str, ...]] = ("targets", "eta", "net.weights")

    net: TwoLayerNetwork
    inputs: FloatArray
    targets: FloatArray
    eta: float
    optimiser: str
    index: int
    """How many steps led to the iterate."""
    miscounted: bool = False
    """Whether the float64 step has a planted fault."""

    @cached_property
    def taken(self) -> Taken | None:
        """None when a matrix to invert is singular to rounding, or the run diverges."""
        try:
            descent = Miscounted if self.miscounted else FunctionSpaceDescent
            state = descent(self.net, self.inputs, self.targets)
            initial = float(np.linalg.norm(state.residual))
            for _ in range(self.index):
                state.advance(self.eta, self.optimiser)
            rounding = GramRounding.of(state, self.inputs.shape[1])
            iterate, gram, plain = state.pre_activations.copy(), state.gram, float(np.linalg.norm(state.residual))
            step = network_step(state, self.eta, self.optimiser)
            return Taken(iterate, step, gram, rounding.frobenius, initial, plain)
        except DescentError:
            return None

    def enclosed(self, iterate: FloatArray) -> EnclosedStep:
        """The exact step from Z (n, m), in balls."""
        net = self.net
        return network_steps_enclosed(
            iterate, self.inputs, net.signs, net.activation, self.targets, self.eta, 1, self.optimiser
        )[0]


def exact_gram(instance: StoredStep, iterate: FloatArray) -> arb_mat:
    """G (n, n) at Z (n, m), entry by entry in balls."""
    slope = BALL_ACTIVATIONS[instance.net.activation][1]
    n, m = iterate.shape
    features = arb_mat(n, m, [slope(z) for z in ball_matrix(iterate).entries()])
    rows = ball_matrix(instance.inputs)
    return entrywise_product(rows * rows.transpose(), features * features.transpose() / m)


AnyStep = StoredStep | MapInstance | FeatureInstance
"""One step of a network, or a run of a map."""


Compared = dict[str, tuple[arb, float]]
"""What is computed: its error in balls, and the stated bound."""


def _step_compared(exact: EnclosedStep, step: OneStep, where: str = "") -> Compared:
    return {
        f"the residual norm before the step{where}": (exact.before - arb(step.before), step.before_error),
        f"the residual norm after the step{where}": (exact.after - arb(step.after), step.after_error),
        f"the length of the step{where}": (exact.length - arb(step.length), step.length_error),
    }


def _compared(instance: AnyStep) -> Compared:
    found: Compared = {}
    if not isinstance(instance, StoredStep):
        for k, step in enumerate(instance.run.steps):
            found |= _step_compared(instance.enclosed_step(k), step, f" from iterate {k}")
        return found
    taken = instance.taken
    assert taken is not None
    difference = (exact_gram(instance, taken.iterate) - ball_matrix(taken.gram)).entries()
    gram = norm_enclosed(np.array(difference, dtype=object)), taken.gram_error
    return _step_compared(instance.enclosed(taken.iterate), taken.step) | {"the Gram matrix, in Frobenius norm": gram}


@dataclass(frozen=True)
class Errors(Stated):
    """What is computed is off by no more than its stated bound."""

    scale: float = 1.0
    """What the bounds are multiplied by."""

    def hypotheses(self, instance: AnyStep) -> Sequence[Hypothesis]:
        """A step was taken, and its bounds are finite: an infinite one promises nothing."""
        if isinstance(instance, StoredStep):
            if instance.taken is None:
                return [technical(require("every matrix to invert is regular", -1.0))]
            steps: Sequence[OneStep] = [instance.taken.step]
        else:
            steps = instance.run.steps
        errors = [error for step in steps for error in (step.before_error, step.after_error, step.length_error)]
        finite = all(math.isfinite(error) for error in errors)
        return [technical(require("the stated bounds are finite", 1.0 if finite else -1.0))]

    def conclusion(self, instance: AnyStep) -> Sequence[Bound]:
        """Each computed number is within ``scale`` times its bound of the exact one."""
        with working_precision(BITS):
            return self.confirm(instance, BITS)

    def confirm(self, instance: AnyStep, bits: int) -> Sequence[Bound]:
        """The same at the working precision."""
        del bits  # set already
        return [
            at_most_enclosed(f"{name}: error within its bound", abs(error), arb(bound) * arb(self.scale))
            for name, (error, bound) in _compared(instance).items()
        ]

    def features(self, instance: AnyStep) -> Sequence[str]:
        """Activation kind, optimiser, and the decimal digits to which the float64 run and the ball trajectory agree."""
        if not isinstance(instance, StoredStep):
            return [instance.optimiser if isinstance(instance, MapInstance) else "kfac"]
        taken = instance.taken
        assert taken is not None
        found = ["ReLU" if instance.net.activation == "relu" else "smooth", instance.optimiser]
        if instance.net.activation == "relu":
            steps = instance.index + 1
            with working_precision(BITS):
                path = steps_from_weights(
                    instance.net, instance.inputs, instance.targets, instance.eta, steps, instance.optimiser
                )
                found.append(agreement(path[-1].after - arb(taken.step.after), taken.initial))
        return found


def agreement(difference: arb, unit: float) -> str:
    """How many decimal digits of ``unit`` two numbers share: of the run from W(0), whose errors add up."""
    error = float(abs(difference).upper()) / unit
    if math.isnan(error):
        return "the trajectory is undecided at first"
    digits = math.inf if error == 0 else -math.log10(error)
    edge = next((edge for edge in (15, 12, 9, 6) if digits >= edge), 0)
    return f"agrees to {edge}+ digits" if edge else "agrees to fewer than 6 digits"


# --- family ----------------------------------------------------------------------------------------------------------


def build(description: Description, miscounted: bool = False) -> StoredStep:
    """The network and its data; what became of it is found out on demand."""
    rng = np.random.default_rng(description["seed"])
    n, d = description["inputs"], description["dimension"]
    inputs = draw_inputs(n, d, description["kind"], rng)
    net = TwoLayerNetwork.initialise(
        2 * description["half_width"],
        d,
        10.0 ** description["scale_exponent"],
        rng,
        symmetric=description["symmetric"],
        activation=description["activation"],
    )
    targets = net.outputs(inputs) + rng.standard_normal(n) * 10.0 ** description["target_exponent"]
    step_size, optimiser = description["step_percent"] / 100, description["optimiser"]
    return StoredStep(net, inputs, targets, step_size, optimiser, description["index"], miscounted)


def _family(counts: tuple[int, int, int], miscounted: bool = False, **parts: SearchStrategy[Any]) -> Family[StoredStep]:
    """Networks of every activation: sizes, inputs, optimiser, scales, and which iterate."""
    own = {
        "inputs": st.sampled_from([1, 2, 2, 3, 4, 6]),
        "dimension": st.sampled_from([1, 2, 3, 3, 4, 6]),
        "kind": st.sampled_from(KINDS),
        "half_width": st.sampled_from([4, 8, 20, 60]),
        "scale_exponent": st.integers(-3, 3),
        "target_exponent": st.integers(-3, 3),
        "symmetric": st.booleans(),
        "activation": st.sampled_from(["relu", "relu", *(name for name in ACTIVATIONS if name != "relu")]),
        "optimiser": st.sampled_from(["ngd", "kfac", "gd", "damped-kfac:0.05,0.2"]),
        "step_percent": st.integers(1, 150),
        "index": st.integers(0, 3),
        "seed": st.integers(0, 2**20),
    }
    title = "float64 steps of networks against balls"
    return described_family("steps", title, partial(build, miscounted=miscounted), counts, **{**own, **parts})


MAP_DIAL = Dial(0.95, lambda C: 1.0, steps=3)


def _map_steps(counts: tuple[int, int, int]) -> Family[AnyStep]:
    """NGD and GD on perturbed affine maps."""
    return Family(
        "map steps",
        "float64 steps of perturbed affine maps against balls",
        lambda: perturbed_affine_descriptions(MAP_DIAL, optimiser=st.sampled_from(["ngd", "gd"])),
        lambda found: descending(build_perturbed_affine(found, MAP_DIAL), optimiser=found["optimiser"]),
        examples(*counts),
    )


def _feature_map_steps(counts: tuple[int, int, int]) -> Family[AnyStep]:
    """K-FAC on perturbed affine feature maps; its step size is a share of ``1/h_max``."""
    return Family(
        "feature map steps",
        "float64 steps of K-FAC on perturbed affine feature maps against balls",
        lambda: perturbed_descriptions(MAP_DIAL, KRONECKER_KINDS, (1, 4)),
        lambda found: build_perturbed(found, MAP_DIAL, lambda C, numbers: 1 / numbers.h_max),
        examples(*counts),
    )


class Miscounted(FunctionSpaceDescent):
    """A planted fault: one count of ``A A^T`` is wrong by 1, on both sides of the diagonal."""

    @property
    def pattern_gram(self) -> FloatArray:
        """H with the fault."""
        found = super().pattern_gram.copy()
        if len(found) > 1:
            found[0, 1] += 1 / len(self.signs)
            found[1, 0] += 1 / len(self.signs)
        return found


def plain_conclusion(instance: StoredStep) -> Sequence[Bound]:
    """A planted fault: the residual by plain sums under the bound of the accurate ones."""
    taken = instance.taken
    assert taken is not None
    with working_precision(BITS):
        error = abs(instance.enclosed(taken.iterate).before - arb(taken.plain))
        label = "the residual norm by plain sums: error within the bound"
        return [at_most_enclosed(label, error, arb(taken.step.before_error))]


_FEW = (60, 120, 300)
_RELU = st.just("relu")
_CANCELLING = _family(
    _FEW,
    activation=_RELU,
    inputs=st.just(1),
    symmetric=st.just(True),
    optimiser=st.just("ngd"),
    scale_exponent=st.just(3),
    target_exponent=st.just(-3),
    index=st.integers(1, 3),
)
"""Outputs that cancel: the gradient that is used is off, the bound of the length counts just that."""

E_STEP = Errors().claim(
    "E-step",
    "one float64 step of NGD, K-FAC or GD from a stored iterate: both residual norms, the length of the step and "
    "the Gram matrix are within their stated error bounds of the exact ones",
    Provenance.DERIVED,
    mutant("bounds-halved", "half of each bound", families=(_CANCELLING,), scale=0.5),
    mutant(
        "one-wrong-count",
        "one count of A A^T is wrong by 1",
        families=(_family(_FEW, miscounted=True, activation=_RELU, inputs=st.integers(2, 4)),),
    ),
    replaced(
        "plain-residual",
        "residuals by plain sums, with the bounds of the accurate ones",
        families=(_family(_FEW, activation=_RELU, half_width=st.just(60), scale_exponent=st.integers(2, 4)),),
        conclusion=plain_conclusion,
        confirm=None,
        features=lambda _: (),
    ),
    source="theory/rigour/one_step.py, theory/rigour/gram_rounding.py",
    families=(_family((90, 740, 7000)), _map_steps((10, 60, 600)), _feature_map_steps((10, 60, 600))),
    formulas=Formulas(
        hypotheses=("one float64 step of NGD, K-FAC or GD from a stored iterate",),
        conclusion=(
            "Both residual norms, the length of the step and the Gram matrix are within their stated error bounds of the exact ones.",
        ),
    ),
    unconditional="every stored iterate from which a step is taken",
)

CLAIMS = (E_STEP,)
