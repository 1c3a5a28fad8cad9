"""T5-new and T5-margin: how far a ReLU network is from its linearisation at a new input, exactly; and how near 0 Gaussian pre-activations are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpq_mat
from hypothesis import strategies as st

from properties.chapters.generalisation.tube import unit_vector
from properties.chapters.width.binomials import normal_within
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Hypothesis,
    Provenance,
    at_most_enclosed,
    at_most_exactly,
    require,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.engine.stable_names import stored_as
from properties.exact.exact_network import exact_root, outputs, pattern_features
from theory.rigour.exact import rational_matrix
from theory.rigour.precision import working_precision
from theory.theorems.finite_width import margin_probability

Description = Mapping[str, Any]


# --- T5-new ----------------------------------------------------------------------------------------------------------


@stored_as("moved-network")
@dataclass(frozen=True)
class MovedNetwork:
    """Weights W(0) and W (m, d), signs, one unit input (1, d), all rational, and b, at least what each neuron moved."""

    before: fmpq_mat
    after: fmpq_mat
    signs: tuple[int, ...]
    new: fmpq_mat
    tube: fmpq

    @property
    def farthest(self) -> fmpq:
        """``max_r ||w_r - w_r(0)||^2``."""
        return max(sum((e * e for e in row), fmpq(0)) for row in (self.after - self.before).tolist())

    @property
    def error(self) -> fmpq:
        """``|f(W, x) - grad f(W(0), x)^T W|``; the linearised network is that, since ``f(W(0), x) = grad f(W(0), x)^T W(0)``."""
        Z, moved = (self.new * weights.transpose() for weights in (self.before, self.after))
        linear = (pattern_features(Z, self.signs) * moved.transpose())[0, 0]
        return abs(outputs(moved, self.signs)[0, 0] - linear)

    def margins(self, tube: fmpq) -> fmpq:
        """``m^{-1/2} sum_r (b - |w_r(0)^T x|)_+``."""
        Z = (self.new * self.before.transpose()).entries()
        return sum((max(tube - abs(z), fmpq(0)) for z in Z), fmpq(0)) / exact_root(len(self.signs))


@dataclass(frozen=True)
class NewInput(Stated):
    """The bound of the linearisation's error at x, and what it asks for."""

    total: Callable[[MovedNetwork], fmpq] = lambda instance: instance.margins(instance.tube)
    unit: bool = True
    """Whether x has norm 1."""
    bounded: bool = True
    """Whether no neuron moved further than b."""

    def hypotheses(self, instance: MovedNetwork) -> Sequence[Hypothesis]:
        """x is a unit vector, no neuron moved further than b; exact."""
        found = []
        if self.unit:
            length = sum((entry * entry for entry in instance.new.entries()), fmpq(0))
            found.append(require("||x|| = 1 (exact)", 1.0 if length == 1 else -1.0))
        if self.bounded:
            within = instance.farthest <= instance.tube**2
            found.append(require("||w_r - w_r(0)|| <= b for every r (exact)", 1.0 if within else -1.0))
        return found

    def conclusion(self, instance: MovedNetwork) -> Sequence[Bound]:
        """The linearisation's error at x."""
        label = "|f(W, x) - linearised| <= m^{-1/2} sum_r (b - |w_r(0)^T x|)_+"
        return [at_most_exactly(label, instance.error, self.total(instance))]


def build_moved(description: Description) -> MovedNetwork:
    """Neurons that move by a share of b, against x or along it as their sign asks for, or anywhere; some start on the boundary."""
    d, rng = description, np.random.default_rng(description["seed"])
    m, b = d["root_width"] ** 2, fmpq(d["tube_eighths"], 8)
    x = unit_vector(rng, 4)
    before = rational_matrix(np.round(rng.standard_normal((m, 3)) * 16) / 16)
    signs = (1,) * m if d["aligned"] else tuple(int(sign) for sign in rng.choice([-1, 1], m))
    rows, moved = [], []
    for row, sign in zip(before.tolist(), signs, strict=True):
        z = sum((w * e for w, e in zip(row, x, strict=True)), fmpq(0))
        start = [w - z * e for w, e in zip(row, x, strict=True)] if d["boundary"] else row
        upward = fmpq(sign if (d["boundary"] or z >= 0) else -sign) * (-1 if d["aligned"] or d["boundary"] else 1)
        direction = [upward * e for e in x] if d["aligned"] else unit_vector(rng, 4)
        length = b * fmpq(d["moved_percent"], 100) * d["beyond"]
        rows.append(start)
        moved.append([w + length * e for w, e in zip(start, direction, strict=True)])
    return MovedNetwork(fmpq_mat(rows), fmpq_mat(moved), signs, fmpq_mat([x]), b)


def _build_longer(description: Description) -> MovedNetwork:
    found = build_moved(description)
    return replace(found, new=found.new * 3)


def _moved(
    beyond: int = 1, build: Callable[[Description], MovedNetwork] = build_moved, **changes: Any
) -> Family[MovedNetwork]:
    parts = {
        "root_width": st.integers(1, 6),
        "tube_eighths": st.integers(1, 24),
        "aligned": st.booleans(),
        "boundary": st.booleans(),
        "moved_percent": st.integers(50, 100),
        "beyond": st.just(beyond),
        "seed": st.integers(0, 2**20),
    }
    title = "rational networks whose neurons have moved"
    return described_family("exact", title, build, (40, 400, 3000), **{**parts, **changes})


_ALIGNED = st.just(True)
_FARTHEST = _moved(aligned=_ALIGNED, boundary=st.just(True), moved_percent=st.just(100))
_FAR = _moved(
    aligned=_ALIGNED,
    boundary=st.just(False),
    root_width=st.integers(4, 6),
    tube_eighths=st.integers(12, 24),
    moved_percent=st.integers(95, 100),
)

T5_NEW = NewInput().claim(
    "T5-new",
    "if ||w_r - w_r(0)|| <= b for every r, then |f(W, x) - grad f(W(0), x)^T W| <= m^{-1/2} sum_r (b - |w_r(0)^T x|)_+ for every unit x",
    Provenance.DERIVED,
    mutant("motion-dropped", "neurons that moved by 2b", "||w_r - w_r(0)|| <= b", (_moved(beyond=2),), bounded=False),
    mutant(
        "long-input",
        "an input of norm 3",
        "||x|| = 1",
        (_moved(build=_build_longer, aligned=_ALIGNED),),
        unit=False,
    ),
    mutant(
        "smaller",
        "0.99 times that",
        families=(_FARTHEST,),
        total=lambda instance: instance.margins(instance.tube) * fmpq(99, 100),
    ),
    mutant(
        "half-tube",
        "the neurons within b/2 alone, with their own margins",
        families=(_FAR,),
        total=lambda instance: instance.margins(instance.tube / 2) * 2,
    ),
    mutant(
        "mean",
        "1/m in place of m^{-1/2}",
        total=lambda instance: instance.margins(instance.tube) / exact_root(len(instance.signs)),
    ),
    source="docs/generalisation.md, T5-new",
    families=(_moved(),),
    formulas=Formulas(
        hypotheses=(
            r"$\norm{w_r-w_r(0)}\le b$ for every $r$",
            r"$\norm{x}=1$",
        ),
        conclusion=(r"$\abs{f(W,x)-\nabla f(W(0),x)^\top W}\le m^{-1/2}\sum_r(b-\abs{w_r(0)^\top x})_+$",),
    ),
    also=(
        "||w_r - w_r(0)|| <= b",
        "||x|| = 1",
    ),
)


# --- T5-margin -------------------------------------------------------------------------------------------------------

BITS = 256


@stored_as("gaussian-margin")
@dataclass(frozen=True)
class GaussianMargin:
    """b and nu of ``z ~ N(0, nu^2)``."""

    tube: fmpq
    scale: fmpq

    @property
    def moments(self) -> tuple[arb, arb, arb]:
        """``P(|z| <= b)``, ``E (b-|z|)_+``, ``E (b-|z|)_+^2``, in closed form.

        With ``t = b/nu``, ``p_t = P(|z| <= b)`` and ``d = (2/pi)^{1/2} e^{-t^2/2}``: ``E[|z|; |z| <= b] = nu ((2/pi)^{1/2} - d)`` and
        ``E[z^2; |z| <= b] = nu^2 (p_t - t d)``.
        """
        b, nu = arb(self.tube), arb(self.scale)
        t = b / nu
        within, peak = normal_within(t), (2 / arb.pi()).sqrt()
        density = peak * (-t * t / 2).exp()
        first = nu * (peak - density)
        second = nu * nu * (within - t * density)
        return within, b * within - first, b * b * within - 2 * b * first + second


@dataclass(frozen=True)
class Margin(Stated):
    """The bounds of the moments."""

    moments: Callable[[arb, arb], tuple[arb, arb, arb]] = lambda b, p: (p, b * p / 2, b * b * p / 3)
    """``(b, p)`` -> bounds of the three."""

    def conclusion(self, instance: GaussianMargin) -> Sequence[Bound]:
        """The three bounds, in balls."""
        labels = ("P(|z| <= b) <= p", "E (b-|z|)_+ <= b p/2", "E (b-|z|)_+^2 <= b^2 p/3")
        with working_precision(BITS):
            b = arb(instance.tube)
            predicted = self.moments(b, arb(margin_probability(b, arb(instance.scale))))
            return [at_most_enclosed(*parts) for parts in zip(labels, instance.moments, predicted, strict=True)]


def _margins(largest: int) -> Family[GaussianMargin]:
    return described_family(
        "balls",
        "b and nu",
        lambda d: GaussianMargin(fmpq(d["tube_thousandths"], 1000), fmpq(d["scale"])),
        (40, 400, 3000),
        tube_thousandths=st.integers(1, largest),
        scale=st.sampled_from([1, 2, 100]),
    )


_NARROW = (_margins(100),)

T5_MARGIN = Margin().claim(
    "T5-margin",
    "for z ~ N(0, nu^2) and p = (2/pi)^{1/2} b/nu: P(|z| <= b) <= p, E (b-|z|)_+ <= b p/2, E (b-|z|)_+^2 <= b^2 p/3",
    Provenance.DERIVED,
    mutant(
        "probability",
        "P(|z| <= b) <= 0.99 p",
        families=_NARROW,
        moments=lambda b, p: (p * 99 / 100, b * p / 2, b * b * p / 3),
    ),
    mutant(
        "mean",
        "E (b-|z|)_+ <= 0.99 b p/2",
        families=_NARROW,
        moments=lambda b, p: (p, b * p * 99 / 200, b * b * p / 3),
    ),
    mutant(
        "square",
        "E (b-|z|)_+^2 <= 0.99 b^2 p/3",
        families=_NARROW,
        moments=lambda b, p: (p, b * p / 2, b * b * p * 33 / 100),
    ),
    source="docs/generalisation.md, T5-margin: the density of z is at most (2 pi)^{-1/2}/nu",
    families=(_margins(3000),),
    formulas=Formulas(
        hypotheses=(r"$z$ normal with mean 0 and variance $\nu^2$",),
        conclusion=(
            r"The probability of $\abs{z}\le b$ is at most $p$.",
            r"The mean of $(b-\abs{z})_+$ is at most $\dfrac{b\,p}{2}$.",
            r"The mean of $(b-\abs{z})_+^2$ is at most $\dfrac{b^2p}{3}$.",
        ),
        constants=(r"$p=\left(\dfrac{2}{\pi}\right)^{1/2}\dfrac{b}{\nu}$",),
    ),
    unconditional="every normal variable with mean 0, and every b",
)

CLAIMS: tuple[Claim[Any], ...] = (T5_NEW, T5_MARGIN)
