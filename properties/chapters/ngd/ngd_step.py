"""T1-step: the one-step bound that needs full rank alone, on networks of any width and any step size up to 2."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import ClassVar

import numpy as np
from flint import arb
from hypothesis import strategies as st

from properties.descent.inputs import draw_inputs, weighted_kinds
from properties.descent.instances import NetworkInstance
from properties.descent.singular import LINEAR, dropped
from properties.descent.strategies import DIMENSIONS, Description
from properties.engine.claim import (
    Bound,
    Family,
    Hypothesis,
    Provenance,
    Verdict,
    at_most,
    at_most_enclosed,
    equal_enclosed,
    established,
    within_rounding,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant, replaced
from properties.engine.stable_names import stored_as
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import DescentError
from theory.inputs import FloatArray
from theory.network.two_layer import ACTIVATIONS, TwoLayerNetwork
from theory.rigour.gram_rounding import GramRounding, smallest_root
from theory.rigour.one_step import OneStep, network_steps
from theory.rigour.rounding import gamma
from theory.stability import segment_variation
from theory.theorems import ngd

LARGEST_ROUNDING = 2.0**-20
"""Share of the residual up to which rounding leaves an equality in float64 any meaning; with an ill-conditioned G it exceeds it."""

AGREEMENT = 40
"""Bits to which both sides of the equality agree in balls, as an absolute error."""

StepFactor = Callable[[float, float], float]
"""``(eta, eps_k)`` -> factor on ``||r||``."""


@dataclass(frozen=True)
class VaryingStep:
    """One step and an upper bound of ``eps_k = sup_s ||(J(theta_s) - J(k)) J(k)^+||_2`` on its segment."""

    step: OneStep
    variation_above: float


@stored_as("network-steps")
@dataclass(frozen=True)
class NetworkSteps:
    """A network and the steps that it takes while its Jacobian is certified to have full row rank."""

    roundable: ClassVar[tuple[str, ...]] = tuple(f"network.{part}" for part in NetworkInstance.roundable)

    network: NetworkInstance
    parts: int | None = None
    """Parts a segment is divided into for eps_k; None: until the bracket closes (ReLU), 64 otherwise."""

    @cached_property
    def steps(self) -> list[VaryingStep]:
        """The steps from each stored iterate; fewer than asked for when G is not certified to be regular any more."""
        state = FunctionSpaceDescent(self.network.net, self.network.inputs, self.network.targets)
        taken: list[VaryingStep] = []
        with suppress(DescentError):
            for _ in islice(self.followed(state, taken), self.network.steps):
                if len(taken) < state.steps or _last(taken[-1].step):
                    break
        return taken

    def followed(self, state: FunctionSpaceDescent, taken: list[VaryingStep]) -> Iterator[OneStep]:
        """The steps that a state at W(0) takes, without end; ``taken`` gets those of which G is certified to be regular up to there.

        Raises DescentError.
        """
        steps, end = network_steps(state, self.network.eta), state.pre_activations
        while True:
            start, gram = end, state.gram
            gram_error = GramRounding.of(state, self.network.net.dim).frobenius
            step = next(steps)
            # without a certified eigenvalue the errors are infinite, which spares most steps the second condition; they may be so for another reason
            if not (np.isinf(step.after_error) and smallest_root(gram, gram_error) == 0):
                end = state.pre_activations
                with suppress(DescentError):
                    above = self._variation(start, end, state, gram, gram_error)
                    taken.append(VaryingStep(step, above))
            yield step
            if len(taken) < state.steps or _last(step):
                break
        yield from steps

    def _variation(
        self, start: FloatArray, end: FloatArray, state: FunctionSpaceDescent, gram: FloatArray, gram_error: float
    ) -> float:
        """The upper end of the bracket of eps_k; exactly 0 when no activation of a ReLU network changed on the segment."""
        relu = self.network.net.activation == "relu"
        if relu and np.array_equal(start >= 0, end >= 0):
            return 0.0
        _, above = segment_variation(
            start,
            end,
            state.signs,
            state.kernel,
            gram,
            parts=self.parts or 64,
            activation=self.network.net.activation,
            exact=relu and self.parts is None,
            kernel_error=gamma(self.network.net.dim + 4),
            gram_error=gram_error,
        )
        return above


def _last(step: OneStep) -> bool:
    """Whether the residual after a step is so small that rounding is what the next one would show."""
    return step.after <= 1000 * step.after_error


@dataclass(frozen=True)
class StepRate(Stated):
    """The factor of one step, by how much J varies on its segment."""

    factor: StepFactor = ngd.step_rate

    def hypotheses(self, instance: NetworkSteps) -> Sequence[Hypothesis]:
        """The Gram matrix is certified to be regular at initialisation, or known to be singular, or neither."""
        full_rank = established("J(0) certified to have full row rank (steps taken)", bool(instance.steps))
        if full_rank.verdict is not Verdict.HOLDS and instance.network.rank_deficient:
            return [dataclasses.replace(full_rank, verdict=Verdict.REFUTED)]
        return [full_rank]

    def conclusion(self, instance: NetworkSteps) -> Sequence[Bound]:
        """``||r(k+1)|| <= (|1-eta| + eta eps_k) ||r(k)||``; without any change on the segment an equality."""
        eta = instance.network.eta
        bounds = []
        for k, varying in enumerate(instance.steps):
            step, predicted = varying.step, self.factor(eta, varying.variation_above)
            if varying.variation_above == 0:
                rounding = step.rounding(predicted)
                equality = within_rounding(_equality(k), step.after - predicted * step.before, rounding)
                if equality.verdict is Verdict.HOLDS and rounding > LARGEST_ROUNDING * step.before:
                    equality = dataclasses.replace(equality, verdict=Verdict.UNDECIDED)
                bounds.append(equality)
            else:
                bounds.append(at_most(_label(k), step.after, predicted * step.before, step.rounding(predicted)))
        return bounds

    def confirm(self, instance: NetworkSteps, bits: int) -> Sequence[Bound]:
        """The bounds that float64 does not show to hold, again in balls; eps_k is a certified upper bound.

        Where J does not change both sides of the equality are checked: the ball of the difference holds 0 and is small, or not.
        """
        del bits
        found = []
        for k, bound in enumerate(self.conclusion(instance)):
            if bound.verdict is Verdict.HOLDS:
                continue
            step = instance.network.enclosed_step(k)
            predicted = self.factor(arb(instance.network.eta), arb(instance.steps[k].variation_above)) * step.before
            if bound.label == _equality(k):
                equality = equal_enclosed(bound.label, step.after - predicted, AGREEMENT)
                found.append(dataclasses.replace(equality, label=bound.label))
            else:
                found.append(at_most_enclosed(bound.label, step.after, predicted))
        return found

    def features(self, instance: NetworkSteps) -> Sequence[str]:
        """Whether the Jacobian changed on some segment."""
        changed = any(varying.variation_above > 0 for varying in instance.steps)
        return ["J changes on a segment"] if changed else ["J does not change"]


def largest_ratio(bounds: Sequence[Bound]) -> float | None:
    """The largest measured/predicted of the steps on which J changes; None where it changes on none, and T1-step is an equality."""
    ratios = [bound.ratio for bound in bounds if " <= " in bound.label]
    return max(ratios, default=None)


def _label(k: int) -> str:
    return f"||r({k + 1})|| <= (|1-eta| + eta eps_{k}) ||r({k})|| from the stored iterate {k}"


def _equality(k: int) -> str:
    return f"||r({k + 1})|| = |1-eta| ||r({k})|| as J does not change from the stored iterate {k}"


def _build(description: Description) -> NetworkSteps:
    rng = np.random.default_rng(description["seed"])
    n, d, activation = description["inputs"], description["dimension"], description["activation"]
    inputs = draw_inputs(n, d, description["kind"], rng)
    width, scale = 2 * description["half_width"], float(description["scale"])
    net = TwoLayerNetwork.initialise(width, d, scale, rng, description["symmetric"], activation)
    targets = np.asarray(rng.standard_normal(n)) * (description["target_tenths"] / 10)
    return NetworkSteps(NetworkInstance(net, inputs, targets, description["step_percent"] / 100, 5))


def _family(id: str, title: str, activations: Sequence[str], counts: tuple[int, int, int]) -> Family[NetworkSteps]:
    return described_family(
        id,
        title,
        _build,
        counts,
        inputs=st.integers(1, 5),
        dimension=st.sampled_from(DIMENSIONS),
        half_width=st.integers(8, 60),
        scale=st.sampled_from([1, 2]),
        target_tenths=st.integers(1, 30),
        kind=st.sampled_from(weighted_kinds()),
        symmetric=st.booleans(),
        activation=st.sampled_from(activations),
        step_percent=st.integers(1, 200),
        seed=st.integers(0, 2**20),
    )


_SMOOTH = [name for name in ACTIVATIONS if name != "relu"]
_FAMILIES = (
    _family("F1", "two-layer ReLU networks", ["relu"], (44, 260, 2500)),
    _family("F2", "two-layer smooth networks", _SMOOTH, (12, 60, 600)),
)

T1_STEP = StepRate().claim(
    "T1-step",
    "G(k) invertible gives ||r(k+1)|| <= (|1-eta| + eta eps_k) ||r(k)||, "
    "eps_k = sup_s ||(J(theta_s) - J(k)) J(k)^+||_2 on the segment of the step",
    Provenance.DERIVED,
    replaced(
        "condition-1-dropped",
        "a singular G(0), with the pseudo-inverse step",
        "J(0) certified to have full row rank",
        **dropped(LINEAR),
    ),
    mutant(
        "variation-quartered",
        "the factor |1-eta| + eta eps_k/4",
        factor=lambda eta, variation: abs(1 - eta) + eta * variation / 4,
    ),
    mutant("absolute-value", "the factor (1-eta) + eta eps_k", factor=lambda eta, variation: 1 - eta + eta * variation),
    mutant(
        "variation-without-step",
        "the factor |1-eta| + eta^2 eps_k",
        factor=lambda eta, variation: abs(1 - eta) + eta * eta * variation,
    ),
    mutant("no-variation", "the factor |1-eta|", factor=lambda eta, variation: abs(1 - eta)),
    mutant(
        "generous-equality",
        "the factor |1-eta| + 2 eta eps_k + eta/1000, which is no equality where J does not change",
        factor=lambda eta, variation: abs(1 - eta) + 2 * eta * variation + eta / 1000,
    ),
    families=_FAMILIES,
    formulas=Formulas(
        hypotheses=("$G(k)$ invertible",),
        conclusion=(r"$\norm{r(k+1)}\le\left(\abs{1-\eta}+\eta\,\varepsilon_k\right)\norm{r(k)}$",),
        constants=(r"$\varepsilon_k=\sup_s\norm{(J(\theta_s)-J(k))\,J(k)^\dagger}_2$ on the segment of the step",),
    ),
    also=("J(0) certified to have full row rank",),
)

CLAIMS = (T1_STEP,)
