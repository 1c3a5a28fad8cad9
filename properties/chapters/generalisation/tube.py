"""T5-tube: how far NGD moves each neuron, all weights and the residual, while few pre-activations can change sign; in rationals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from properties.chapters.generalisation.linearised_model import squared_norm
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Hypothesis,
    Provenance,
    as_float,
    at_most_exactly,
    require,
    technical,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from properties.exact.eigenvalues import largest_eigenvalue, smallest_eigenvalue
from properties.exact.exact_network import ExactNetwork, outputs
from theory.rigour.exact import diagonal, rational, rational_matrix

Description = Mapping[str, Any]


@stored_as("tube-run")
@dataclass(frozen=True)
class TubeRun:
    """A ReLU network at rational weights on rational unit inputs, a tube's width b, and a number of NGD steps."""

    network: ExactNetwork
    tube: fmpq
    eta: fmpq
    steps: int

    @cached_property
    def smallest(self) -> fmpq:
        """lambda, from below."""
        return smallest_eigenvalue(self.network.gram)

    @cached_property
    def squared_norm(self) -> fmpq:
        """``||X||_2^2``, from above."""
        return largest_eigenvalue(self.network.kernel)

    @cached_property
    def ratio(self) -> fmpq:
        """``g = || |K| ||_2 phi/lambda``."""
        rows = [[abs(entry) for entry in row] for row in self.network.kernel.tolist()]
        return largest_eigenvalue(fmpq_mat(rows)) * self.flip_share / self.smallest

    @cached_property
    def flip_share(self) -> fmpq:
        """phi: twice the largest share of neurons within b of 0, on one side, for one input."""
        count = 0
        for row in self.network.pre_activations.tolist():
            active = sum(1 for z in row if 0 <= z <= self.tube)
            count = max(count, active, sum(1 for z in row if -self.tube <= z < 0))
        return fmpq(2 * count, len(self.network.signs))

    @cached_property
    def form(self) -> fmpq:
        """``r(0)^T G(0)^{-1} r(0)``."""
        r = self.network.residual
        return (r.transpose() * self.network.gram.solve(r))[0, 0]

    def squared_motion(self, ratio: fmpq) -> fmpq:
        """The bound of ``||w_r(k) - w_r(0)||^2`` at this g."""
        m = len(self.network.signs)
        return self.squared_norm * self.form / (m * self.smallest * (1 - 2 * ratio) ** 2)

    @cached_property
    def run(self) -> Sequence[ExactNetwork] | None:
        """The iterates from W(0) on, exactly; None when a Gram matrix is singular."""
        found = [self.network]
        try:
            for _ in range(self.steps):
                net = found[-1]
                coefficients = diagonal(list(net.gram.solve(net.residual).entries()))
                found.append(net.at(net.weights - self.eta * (net.features.transpose() * coefficients * net.inputs)))
        except ZeroDivisionError:
            return None
        return found

    @property
    def flips(self) -> bool:
        """Whether an activation of the sample changes on the way."""
        return self.run is not None and any(net.features != self.network.features for net in self.run)


@dataclass(frozen=True)
class Tube(Stated):
    """T5-tube's numbers, as stated or as a mutant states them."""

    ratio: Callable[[TubeRun], fmpq] = lambda instance: instance.ratio
    factor: Callable[[fmpq, fmpq], fmpq] = lambda eta, g: 1 - eta * (1 - 2 * g) / (1 - g)
    squared_motion: Callable[[TubeRun, fmpq], fmpq] = lambda instance, g: instance.squared_motion(g)
    squared_distance: Callable[[TubeRun, fmpq], fmpq] = lambda instance, g: instance.form * (1 - g) / (1 - 2 * g) ** 2
    closes: bool = True
    """Whether the tube has to close."""
    limited: bool = True
    """Whether eta is at most 1."""

    def hypotheses(self, instance: TubeRun) -> Sequence[Hypothesis]:
        """Condition 1, the tube closes, something to learn, the step size; all exact."""
        first = technical(require("Condition 1: lambda > 0 (exact)", as_float(instance.smallest) or -1.0))
        if not instance.smallest > 0:
            return [first]
        found = [first, technical(require("r(0) is not zero", 1.0 if instance.form > 0 else -1.0))]
        if self.limited:
            found.append(require("0 < eta <= 1 (exact)", 1.0 if 0 < instance.eta <= 1 else -1.0))
        g = self.ratio(instance)
        if self.closes:
            found.append(require("g < 1/2 (exact)", 1.0 if 2 * g < 1 else -1.0))
            if 2 * g < 1:
                wide = instance.tube**2 >= instance.squared_motion(g)
                found.append(require("b is at least the bound of a neuron's motion (exact)", 1.0 if wide else -1.0))
        found.append(
            technical(require("G(k) is regular at all iterates (exact)", 1.0 if instance.run is not None else -1.0))
        )
        return found

    def conclusion(self, instance: TubeRun) -> Sequence[Bound]:
        """Residual, motion of each neuron and of all together, at every iterate."""
        assert instance.run is not None
        g, start = self.ratio(instance), instance.network
        factor, before = self.factor(instance.eta, g), squared_norm(start.residual)
        bounds = []
        for k, net in enumerate(instance.run[1:], 1):
            moved = net.weights - start.weights
            each = [sum((entry * entry for entry in row), fmpq(0)) for row in moved.tolist()]
            bounds += [
                at_most_exactly(
                    f"||r({k})||^2 <= (1 - eta(1-mu))^{2 * k} ||r(0)||^2",
                    squared_norm(net.residual),
                    factor ** (2 * k) * before,
                ),
                at_most_exactly(f"max_r ||w_r({k}) - w_r(0)||^2 <= b^2", max(each), self.squared_motion(instance, g)),
                at_most_exactly(
                    f"||W({k}) - W(0)||_F^2 <= B^2", sum(each, fmpq(0)), self.squared_distance(instance, g)
                ),
            ]
        return bounds

    def features(self, instance: TubeRun) -> Sequence[str]:
        """Whether activations changed, and how large g is."""
        found = ["flips"] if instance.flips else []
        return [*found, "g = 0" if instance.ratio == 0 else "g > 0"]


# --- families --------------------------------------------------------------------------------------------------------


def unit_vector(rng: np.random.Generator, parts: int, spread: int = 6) -> list[fmpq]:
    """A rational unit vector of three entries: a stereographic projection, of points near 0 where ``spread`` is small."""
    s, t = (fmpq(int(value), parts) for value in rng.integers(-spread, spread + 1, 2))
    whole = 1 + s * s + t * t
    return [2 * s / whole, 2 * t / whole, (1 - s * s - t * t) / whole]


def _root_below(value: fmpq) -> fmpq:
    """A rational number just below the square root."""
    return rational(math.sqrt(as_float(value)) * (1 - 2.0**-40))


def build(description: Description) -> TubeRun:
    """r(0) as large as the tube allows, times the share; the tube's width lies between two costs, so that few pairs are within it."""
    d, rng = description, np.random.default_rng(description["seed"])
    n, m = d["inputs"], d["root_width"] ** 2
    X = fmpq_mat([unit_vector(rng, 4, 2 if d["near"] else 9) for _ in range(n)])
    weights = rational_matrix(np.round(rng.standard_normal((m, 3)) * 64) / 64)
    signs = tuple(int(sign) for sign in rng.choice([-1, 1], m))
    Z = X * weights.transpose()
    costs = sorted(abs(z) for z in Z.entries())
    tube = (costs[d["within"] - 1] + costs[d["within"]]) / 2 if d["within"] else costs[0] / 2
    direction = fmpq_mat(n, 1, [fmpq(int(value), 8) for value in rng.integers(1, 9, n) * rng.choice([-1, 1], n)])
    start = outputs(Z, signs)
    eta = fmpq(d["step_percent"], 100)
    found = TubeRun(ExactNetwork(X, weights, signs, start - direction), tube, eta, d["steps"])
    if not (found.smallest > 0 and tube > 0):
        return found
    g = min(found.ratio, fmpq(9, 20))
    largest = _root_below(tube * tube / found.squared_motion(g))
    scaled = start - fmpq(d["share_percent"], 100) * largest * direction
    return TubeRun(ExactNetwork(X, weights, signs, scaled), tube, eta, d["steps"])


def _runs(counts: tuple[int, int, int] = (60, 200, 400), id: str = "exact", **changes: Any) -> Family[TubeRun]:
    parts = {
        "inputs": st.integers(1, 3),
        "root_width": st.integers(5, 9),
        "near": st.booleans(),
        "within": st.integers(0, 4),
        "share_percent": st.integers(20, 100),
        "step_percent": st.integers(10, 100),
        "steps": st.integers(1, 4),
        "seed": st.integers(0, 2**20),
    }
    title = "tiny ReLU networks on rational unit inputs, the run in rationals"
    return described_family(id, title, build, counts, **{**parts, **changes})


_MANY: dict[str, Any] = {
    "inputs": st.integers(1, 2),
    "root_width": st.integers(10, 14),
    "within": st.integers(3, 9),
    "share_percent": st.integers(90, 100),
    "step_percent": st.integers(50, 100),
    "steps": st.integers(1, 3),
}

# --- the claim -------------------------------------------------------------------------------------------------------

_FLIPPING = _runs(within=st.integers(3, 12), share_percent=st.integers(100, 400), steps=st.integers(2, 4))
_WHOLE = st.just(100)
_TWO_STEPS = _runs(**{**_MANY, "step_percent": _WHOLE, "steps": st.just(2)})

T5_TUBE = Tube().claim(
    "T5-tube",
    "|| |K| ||_2 phi <= g lambda, g < 1/2, b >= ||X||_2 (r(0)^T G(0)^{-1} r(0)/(m lambda))^{1/2}/(1-2g) and 0 < eta <= 1 give for all k, mu = g/(1-g): "
    "||r(k)|| <= (1 - eta(1-mu))^k ||r(0)||, ||w_r(k) - w_r(0)|| <= b, ||W(k) - W(0)||_F^2 <= r(0)^T G(0)^{-1} r(0) (1-g)/(1-2g)^2",
    Provenance.DERIVED,
    mutant(
        "tube-dropped",
        "g = 0, the tube need not close",
        "g < 1/2",
        (_FLIPPING,),
        ratio=lambda _: fmpq(0),
        closes=False,
    ),
    mutant(
        "as-linear",
        "the residual shrinks by 1 - eta, whatever g",
        families=(_TWO_STEPS,),
        factor=lambda eta, g: 1 - eta,
    ),
    mutant(
        "step-limit-dropped",
        "eta up to 3",
        "0 < eta <= 1",
        (_runs(step_percent=st.integers(210, 300), within=st.just(0)),),
        limited=False,
    ),
    mutant(
        "smaller-motion",
        "0.99 times the motion",
        families=(_runs(inputs=st.just(1), step_percent=_WHOLE),),
        squared_motion=lambda instance, g: instance.squared_motion(g) * fmpq(99, 100) ** 2,
    ),
    mutant(
        "largest-eigenvalue",
        "lambda_max(G(0)) in place of lambda in the motion",
        families=(_runs(inputs=st.just(3), step_percent=_WHOLE),),
        squared_motion=lambda instance, g: (
            instance.squared_motion(g) * instance.smallest / largest_eigenvalue(instance.network.gram)
        ),
    ),
    mutant(
        "half-distance",
        "half the distance of all weights together",
        families=(_runs(step_percent=_WHOLE),),
        squared_distance=lambda instance, g: instance.form / 4,
    ),
    mutant(
        "covered-way",
        "the distance that the residual's decrease in one step alone would need",
        families=(_runs(steps=st.integers(2, 4), step_percent=st.integers(10, 60)),),
        squared_distance=lambda instance, g: instance.eta**2 * instance.form,
    ),
    source="docs/generalisation.md, T5-tube; the motion of a neuron under gradient descent: Du et al. (2019)",
    families=(_runs((20, 120, 1000)), _runs((20, 120, 800), id="exact with flips", **_MANY)),
    formulas=Formulas(
        hypotheses=(
            r"$\norm{\abs{K}}_2\,\varphi\le g\lambda$, $g<\frac{1}{2}$",
            r"$b\ge\dfrac{\norm{X}_2}{1-2g}\sqrt{\dfrac{r(0)^\top G(0)^{-1}r(0)}{m\lambda}}$",
            r"$0<\eta\le 1$",
        ),
        conclusion=(
            r"$\norm{r(k)}\le(1-\eta(1-\mu))^k\norm{r(0)}$",
            r"$\norm{w_r(k)-w_r(0)}\le b$",
            r"$\norm{W(k)-W(0)}_F^2\le r(0)^\top G(0)^{-1}r(0)\,\dfrac{1-g}{(1-2g)^2}$",
        ),
        constants=(
            r"$\mu=\dfrac{g}{1-g}$",
            r"$\varphi$: twice the largest share of neurons within $b$ of 0 on one side, for one input; $\abs{K}$ has the entries $\abs{K_{ij}}$",
        ),
    ),
    also=(
        "g < 1/2",
        "b is at least the bound",
        "0 < eta <= 1",
    ),
    shown_elsewhere={"b is at least the bound": "T5-tube/tube-dropped"},
)

SLACK = (
    SlackRow(
        claim="T5-tube",
        quantity="the factor (1-g)^{1/2}/(1-2g) of B and 1/(1-2g) of b",
        remark="1 at g = 0, where B is attained (T5-dist); how much of the growth with g is needed is not known",
    ),
    SlackRow(
        claim="T5-tube",
        quantity="||X||_2 in the motion of a neuron",
        remark="it is 1 for one input, where b is attained; no counterexample known without it",
    ),
)
CLAIMS: tuple[Claim[Any], ...] = (T5_TUBE,)
