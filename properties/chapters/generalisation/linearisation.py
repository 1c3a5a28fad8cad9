"""T5-new and T5-margin: how far a ReLU network is from its linearisation at a new input, exactly; and how near 0 Gaussian pre-activations are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpq_mat
from hypothesis import strategies as st

from properties.chapters.generalisation.tube import unit_vector
from properties.chapters.width.binomials import normal_within
from properties.engine.claim import (
    Bound,
    Claim,
    Depth,
    Family,
    Hypothesis,
    Mutant,
    Provenance,
    at_most_enclosed,
    at_most_exactly,
    require,
)
from properties.engine.descriptions import described
from properties.engine.formulas import Formulas
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


Total = Callable[[MovedNetwork], fmpq]


def _stated(instance: MovedNetwork) -> fmpq:
    return instance.margins(instance.tube)


def new_hypotheses(bounded: bool, instance: MovedNetwork) -> Sequence[Hypothesis]:
    """x is a unit vector, no neuron moved further than b; exact."""
    length = sum((entry * entry for entry in instance.new.entries()), fmpq(0))
    unit = require("||x|| = 1 (exact)", 1.0 if length == 1 else -1.0)
    if not bounded:
        return [unit]
    within = instance.farthest <= instance.tube**2
    return [unit, require("||w_r - w_r(0)|| <= b for every r (exact)", 1.0 if within else -1.0)]


def new_conclusion(total: Total, instance: MovedNetwork) -> Sequence[Bound]:
    """The linearisation's error at x."""
    return [
        at_most_exactly(
            "|f(W, x) - linearised| <= m^{-1/2} sum_r (b - |w_r(0)^T x|)_+", instance.error, total(instance)
        )
    ]


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


def _new_family(beyond: int = 1, **changes: Any) -> Family[MovedNetwork]:
    parts = {
        "root_width": st.integers(1, 6),
        "tube_eighths": st.integers(1, 24),
        "aligned": st.booleans(),
        "boundary": st.booleans(),
        "moved_percent": st.integers(50, 100),
        "beyond": st.just(beyond),
        "seed": st.integers(0, 2**20),
    }
    return Family(
        "exact",
        "rational networks whose neurons have moved",
        partial(described, {**parts, **changes}),
        build_moved,
        {Depth.QUICK: 40, Depth.NORMAL: 400, Depth.THOROUGH: 3000},
    )


_NEW: Claim[MovedNetwork] = Claim(
    id="T5-new",
    statement="if ||w_r - w_r(0)|| <= b for every r, then |f(W, x) - grad f(W(0), x)^T W| <= m^{-1/2} sum_r (b - |w_r(0)^T x|)_+ for every unit x",
    provenance=Provenance.DERIVED,
    source="docs/generalisation.md, T5-new",
    families=(_new_family(),),
    hypotheses=partial(new_hypotheses, True),
    conclusion=partial(new_conclusion, _stated),
    formulas=Formulas(
        hypotheses=(
            r"$\norm{w_r-w_r(0)}\le b$ for every $r$",
            r"$\norm{x}=1$",
        ),
        conclusion=(r"$\abs{f(W,x)-\nabla f(W(0),x)^\top W}\le m^{-1/2}\sum_r(b-\abs{w_r(0)^\top x})_+$",),
    ),
    assumes=(
        "||w_r - w_r(0)|| <= b",
        "||x|| = 1",
    ),
)


def _new_mutant(
    id: str,
    description: str,
    total: Total = _stated,
    bounded: bool = True,
    beyond: int = 1,
    drops: str = "",
    **changes: Any,
) -> Mutant:
    return _NEW.neighbour(
        id,
        description,
        drops,
        families=(_new_family(beyond, **changes),),
        hypotheses=partial(new_hypotheses, bounded),
        conclusion=partial(new_conclusion, total),
    )


T5_NEW = _NEW.with_mutants(
    _new_mutant("motion-dropped", "neurons that moved by 2b", bounded=False, beyond=2, drops="||w_r - w_r(0)|| <= b"),
    _NEW.neighbour(
        "long-input",
        "an input of norm 3",
        drops="||x|| = 1",
        families=(replace(_new_family(aligned=st.just(True)), build=_build_longer),),
        hypotheses=lambda instance: new_hypotheses(True, instance)[1:],
    ),
    _new_mutant(
        "smaller",
        "0.99 times that",
        lambda instance: instance.margins(instance.tube) * fmpq(99, 100),
        aligned=st.just(True),
        boundary=st.just(True),
        moved_percent=st.just(100),
    ),
    _new_mutant(
        "half-tube",
        "the neurons within b/2 alone, with their own margins",
        lambda instance: instance.margins(instance.tube / 2) * 2,
        aligned=st.just(True),
        boundary=st.just(False),
        root_width=st.integers(4, 6),
        tube_eighths=st.integers(12, 24),
        moved_percent=st.integers(95, 100),
    ),
    _new_mutant(
        "mean",
        "1/m in place of m^{-1/2}",
        lambda instance: instance.margins(instance.tube) / exact_root(len(instance.signs)),
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


Moments = Callable[[arb, arb], tuple[arb, arb, arb]]
"""``(b, p)`` -> bounds of the three."""


def _stated_moments(b: arb, p: arb) -> tuple[arb, arb, arb]:
    return p, b * p / 2, b * b * p / 3


def margin_conclusion(moments: Moments, instance: GaussianMargin) -> Sequence[Bound]:
    """The three bounds, in balls."""
    labels = ("P(|z| <= b) <= p", "E (b-|z|)_+ <= b p/2", "E (b-|z|)_+^2 <= b^2 p/3")
    with working_precision(BITS):
        b = arb(instance.tube)
        predicted = moments(b, arb(margin_probability(b, arb(instance.scale))))
        return [at_most_enclosed(*parts) for parts in zip(labels, instance.moments, predicted, strict=True)]


def _margin_family(largest: int = 3000) -> Family[GaussianMargin]:
    return Family(
        "balls",
        "b and nu",
        lambda: described({"tube_thousandths": st.integers(1, largest), "scale": st.sampled_from([1, 2, 100])}),
        lambda d: GaussianMargin(fmpq(d["tube_thousandths"], 1000), fmpq(d["scale"])),
        {Depth.QUICK: 40, Depth.NORMAL: 400, Depth.THOROUGH: 3000},
    )


_MARGIN: Claim[GaussianMargin] = Claim(
    id="T5-margin",
    statement="for z ~ N(0, nu^2) and p = (2/pi)^{1/2} b/nu: P(|z| <= b) <= p, E (b-|z|)_+ <= b p/2, E (b-|z|)_+^2 <= b^2 p/3",
    provenance=Provenance.DERIVED,
    source="docs/generalisation.md, T5-margin: the density of z is at most (2 pi)^{-1/2}/nu",
    families=(_margin_family(),),
    hypotheses=lambda _: (),
    conclusion=partial(margin_conclusion, _stated_moments),
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


def _margin_mutant(id: str, description: str, moments: Moments) -> Mutant:
    return _MARGIN.neighbour(
        id, description, families=(_margin_family(100),), conclusion=partial(margin_conclusion, moments)
    )


T5_MARGIN = _MARGIN.with_mutants(
    _margin_mutant("probability", "P(|z| <= b) <= 0.99 p", lambda b, p: (p * 99 / 100, b * p / 2, b * b * p / 3)),
    _margin_mutant("mean", "E (b-|z|)_+ <= 0.99 b p/2", lambda b, p: (p, b * p * 99 / 200, b * b * p / 3)),
    _margin_mutant("square", "E (b-|z|)_+^2 <= 0.99 b^2 p/3", lambda b, p: (p, b * p / 2, b * b * p * 33 / 100)),
)

CLAIMS: tuple[Claim[Any], ...] = (T5_NEW, T5_MARGIN)
