"""C2-tube-ratio, T1-tube-sharp: the bound of ||X G^{-1}|| over the patterns in a tube, in rationals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpq_mat
from hypothesis import strategies as st

from properties.chapters.tube.patterns import (
    TubePatterns,
    on_crowded,
    on_eigenvalue_lost,
    on_nearly_equal,
    on_one_input,
    patterns,
)
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Hypothesis,
    Provenance,
    as_float,
    decided_exactly,
    require,
    technical,
)
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.exact.eigenvalues import float_matrix, largest_eigenvalue
from theory.reals import finite, square_root
from theory.stability.patterns import largest_eigenvalue_at_most
from theory.theorems import tube, tube_ratio


def from_above(value: Any) -> fmpq | None:
    """A rational number as it is, a ball's upper end; None for what is infinite."""
    if isinstance(value, arb):
        mantissa, exponent = value.upper().man_exp()
        return fmpq(mantissa) * fmpq(2) ** int(exponent)
    return value if finite(value) else None


@dataclass(frozen=True)
class Numbers:
    """What the forms are made of, all rational."""

    xi: fmpq
    tau: fmpq
    tau_2: fmpq
    lambda_b: fmpq
    lambda_c: fmpq


def _reduced(matrix: fmpq_mat, limit: fmpq) -> bool:
    """Whether no eigenvalue of a symmetric matrix is above the limit, exactly."""
    return largest_eigenvalue_at_most(matrix, limit)


@dataclass(frozen=True)
class TubeRatio(Stated):
    """C2-tube-ratio's numbers and forms, as stated or as a mutant states them."""

    change_norm: Callable[[TubePatterns], fmpq] = lambda at: at.change_norm
    tau: Callable[[TubePatterns], fmpq] = lambda at: at.tau
    tau_2: Callable[[TubePatterns], fmpq] = lambda at: at.tau_2
    constant: Callable[[TubePatterns], fmpq] = lambda at: at.constant
    lambda_b: Callable[[TubePatterns, fmpq], fmpq] = lambda at, frozen: tube.lambda_b(
        at.smallest, at.gram_change, frozen
    )
    xi: Callable[[fmpq, fmpq, fmpq], Any] = tube_ratio.product_norm
    first: Callable[[Numbers], Any] = lambda at: tube_ratio.first_ratio(at.xi, at.lambda_b)
    second: Callable[[Numbers], Any] = lambda at: tube_ratio.second_ratio(at.tau, at.lambda_c)
    third: Callable[[Numbers], Any] = lambda at: tube_ratio.third_ratio(at.xi, at.tau, at.lambda_c)
    fourth: Callable[[Numbers], Any] = lambda at: tube_ratio.fourth_ratio(at.tau, at.lambda_b, at.lambda_c)
    least: Callable[[Numbers], Any] = lambda at: tube_ratio.ratio(at.xi, at.tau, at.lambda_b, at.lambda_c)

    def numbers(self, instance: TubePatterns) -> Numbers:
        """All that the forms take."""
        tau, tau_2, frozen = self.tau(instance), self.tau_2(instance), self.constant(instance)
        xi = from_above(self.xi(self.change_norm(instance), tau, tau_2))
        assert xi is not None
        return Numbers(xi, tau, tau_2, self.lambda_b(instance, frozen), frozen)

    def hypotheses(self, instance: TubePatterns) -> Sequence[Hypothesis]:
        """The pattern lies in the tube, where G keeps a positive eigenvalue; exact."""
        found = [technical(require("activations and means in the tube (exact)", 1.0 if instance.inside else -1.0))]
        kept = tube.lambda_b(instance.smallest, instance.gram_change, instance.constant)
        return [*found, technical(require("lambda_b > 0 (exact)", as_float(kept) or -1.0))]

    def conclusion(self, instance: TubePatterns) -> Sequence[Bound]:
        """What the proof says of J and X, and each of the forms."""
        return list(self.bounds(instance))

    def bounds(self, instance: TubePatterns) -> Iterator[Bound]:
        """Each decided by exact elimination; the numbers shown are floats."""
        at, X, G = self.numbers(instance), instance.product, instance.gram
        change = instance.of_kernel(instance.sum(instance.difference, instance.difference))
        active = instance.on_flipping(instance.pattern)
        moving = instance.of_kernel(instance.sum(active, active))
        for label, matrix, limit in (
            ("||J' - J||^2 <= tau", change, at.tau),
            ("||J_B||^2 <= tau_2", moving, at.tau_2),
            ("||X||^2 <= xi^2", X.transpose() * X, at.xi * at.xi),
        ):
            measured = float(np.linalg.eigvalsh(float_matrix(matrix))[-1])
            yield decided_exactly(label, _reduced(matrix, limit), measured, as_float(limit))
        reached = instance.attained
        for name in ("first", "second", "third", "fourth", "least"):
            mu = from_above(getattr(self, name)(at))
            if mu is not None:
                holds = _reduced(X.transpose() * X - mu * mu * (G * G), fmpq(0))
                yield decided_exactly(f"{name}: ||X G^-1|| <= mu", holds, reached, as_float(mu))

    def features(self, instance: TubePatterns) -> Sequence[str]:
        """Which form is the least, and which bound of lambda_b."""
        at = self.numbers(instance)
        forms = {name: from_above(getattr(self, name)(at)) for name in ("first", "second", "third", "fourth")}
        known = {name: mu for name, mu in forms.items() if mu is not None}
        least = min(known, key=lambda name: known[name])
        found = [f"{least} form least"] if at.xi > 0 else ["nothing flips"]
        return [*found, "lambda_b = lambda_c" if at.lambda_b == at.lambda_c else "lambda_b > lambda_c"]


@dataclass(frozen=True)
class SharpRatio(TubeRatio):
    """T1-tube-sharp: one form."""

    form: Callable[[Numbers], Any] = lambda at: tube_ratio.sharp_ratio(at.xi, at.lambda_c)
    limited: bool = True
    """Whether xi has to be at most lambda_c."""

    def hypotheses(self, instance: TubePatterns) -> Sequence[Hypothesis]:
        """As above, and that xi is at most lambda_c; exact."""
        at = super().numbers(instance)
        found = list(super().hypotheses(instance))
        if self.limited:
            within = at.xi <= at.lambda_c and at.lambda_c > 0
            found.append(require("xi <= lambda_c (exact)", 1.0 if within else -1.0))
        return found

    def bounds(self, instance: TubePatterns) -> Iterator[Bound]:
        """The one form, decided by exact elimination."""
        mu = from_above(self.form(self.numbers(instance)))
        if mu is not None:
            X, G = instance.product, instance.gram
            holds = _reduced(X.transpose() * X - mu * mu * (G * G), fmpq(0))
            yield decided_exactly("||X G^-1|| <= xi/(lambda_c + xi)", holds, instance.attained, as_float(mu))


def without_signs(instance: TubePatterns) -> fmpq:
    """``||K o B B^T/m||_2``, K with its signs."""
    return largest_eigenvalue(instance.of_kernel(instance.sum(instance.flips, instance.flips)))


def other_neurons(instance: TubePatterns) -> fmpq:
    """tau_2 of the neurons that may not flip."""
    active = instance.on_constant(instance.possible)
    return largest_eigenvalue(instance.of_size(instance.sum(active, active)))


def at_start(instance: TubePatterns) -> fmpq:
    """tau_2 with the activations at the start."""
    active = instance.on_flipping(instance.start)
    return largest_eigenvalue(instance.of_size(instance.sum(active, active)))


# --- the claims ------------------------------------------------------------------------------------------------------

_ACTIVE = patterns(
    (30, 200, 2000),
    id="patterns, active",
    kinds=st.integers(8, 24),
    kernel=st.sampled_from(("axes", "wide")),
    active_tenths=st.integers(8, 9),
    flip_tenths=st.integers(1, 2),
    alone=st.integers(0, 2),
    unequal=st.just(1),
)
_USUAL: tuple[Family[Any], ...] = (
    patterns((60, 400, 4000)),
    patterns((30, 200, 2000), id="patterns, constant", alone=st.sampled_from((16, 64, 256))),
    on_one_input((10, 60, 300)),
    on_nearly_equal((10, 60, 300)),
    on_eigenvalue_lost((10, 60, 300)),
    _ACTIVE,
    on_crowded((1, 2, 4), nearness=3, pair=1),
)
_ONE = (on_one_input((60, 60, 60)),)
_MANY_ON_ONE = (on_one_input((60, 60, 60), most=400),)
_NEAR = (on_nearly_equal((60, 60, 60)),)
_OBTUSE = (
    patterns(
        (300, 400, 400), inputs=st.integers(3, 4), kernel=st.just("obtuse"), kinds=st.integers(3, 8), alone=st.just(1)
    ),
)

C2_TUBE_RATIO = TubeRatio().claim(
    "C2-tube-ratio",
    "for all weights in a tube and mean Jacobians J' of segments in it X = (J'-J)J^T has ||X G^-1|| <= mu, the least of xi/lambda_b, "
    "sqrt(tau/lambda_c)/2, xi tau/(lambda_c tau + xi^2) where xi^2 <= lambda_c tau, sqrt(tau (lambda_b-lambda_c))/lambda_b where lambda_b >= 2 lambda_c",
    Provenance.DERIVED,
    mutant(
        "half-as-quarter",
        "a quarter in place of the half",
        families=_MANY_ON_ONE,
        second=lambda at: square_root(at.tau / at.lambda_c) / 4,
    ),
    mutant(
        "smaller-half",
        "0.98 times the second form",
        families=_NEAR,
        second=lambda at: fmpq(98, 100) * square_root(at.tau / at.lambda_c) / 2,
    ),
    mutant(
        "smaller-third",
        "0.999 times the third form",
        families=_ONE,
        third=lambda at: fmpq(999, 1000) * at.xi * at.tau / (at.lambda_c * at.tau + at.xi**2),
    ),
    mutant(
        "third-beyond",
        "the third form where xi^2 > lambda_c tau too",
        families=_NEAR,
        third=lambda at: at.xi * at.tau / (at.lambda_c * at.tau + at.xi**2),
    ),
    mutant(
        "third-beyond-tau_2",
        "sqrt(tau tau_2)/(lambda_c + tau_2) where tau_2 > lambda_c too",
        families=_NEAR,
        third=lambda at: square_root(at.tau * at.tau_2) / (at.lambda_c + at.tau_2),
    ),
    mutant(
        "smaller-fourth",
        "0.91 times the fourth form",
        families=(on_crowded((1, 1, 1), nearness=3, pair=1),),
        fourth=lambda at: fmpq(91, 100) * square_root(at.tau * (at.lambda_b - at.lambda_c)) / at.lambda_b,
    ),
    mutant(
        "fourth-below",
        "the fourth form where lambda_b < 2 lambda_c too",
        families=_ONE,
        fourth=lambda at: square_root(at.tau * (at.lambda_b - at.lambda_c)) / at.lambda_b,
    ),
    mutant(
        "lambda-for-lambda_c",
        "lambda of the start in place of lambda_c",
        families=_MANY_ON_ONE,
        constant=lambda at: at.smallest,
    ),
    mutant(
        "lambda-for-lambda_b",
        "lambda of the start in place of lambda_b",
        families=(on_eigenvalue_lost((60, 60, 60)),),
        lambda_b=lambda at, frozen: max(at.smallest, frozen),
    ),
    mutant(
        "xi-without-root", "min(||M||, tau tau_2) in place of xi", xi=lambda norm, tau, tau_2: min(norm, tau * tau_2)
    ),
    mutant("tau_2-of-the-others", "tau_2 of the neurons that may not flip", tau_2=other_neurons),
    mutant("tau_2-at-start", "tau_2 with the activations at the start", tau_2=at_start),
    mutant("half-tau", "half of tau", tau=lambda at: at.tau / 2),
    mutant("tau-with-signs", "K with its signs in tau", families=_OBTUSE, tau=without_signs),
    unconditional="the patterns in any tube: where no positive lambda_b is certified, mu is infinite",
    families=_USUAL,
    formulas=Formulas(
        conclusion=(
            r"$\norm{X G^{-1}}_2\le\mu$ for all weights in the tube, $X=(J'-J)J^\top$, $J'$ the mean of a segment",
        ),
        constants=(
            r"$\mu$ is the least of $\dfrac{\xi}{\lambda_b}$, $\dfrac{1}{2}\sqrt{\dfrac{\tau}{\lambda_c}}$",
            r"of $\dfrac{\xi\tau}{\lambda_c\tau+\xi^2}$ where $\xi^2\le\lambda_c\tau$",
            r"and of $\dfrac{\sqrt{\tau(\lambda_b-\lambda_c)}}{\lambda_b}$ where $\lambda_b\ge 2\lambda_c$",
            r"$\xi=\min\{\norm{M}_2,\sqrt{\tau\tau_2}\}$",
        ),
    ),
)

T1_TUBE_SHARP = SharpRatio().claim(
    "T1-tube-sharp",
    "xi <= lambda_c gives ||X G^-1|| <= xi/(lambda_c + xi) for all weights in a tube and mean Jacobians of segments in it",
    Provenance.DERIVED,
    mutant(
        "xi-unlimited",
        "xi above lambda_c too: mu_1/(1+mu_1) for every mu_1",
        "xi <= lambda_c",
        _NEAR,
        form=lambda at: at.xi / (at.lambda_c + at.xi),
        limited=False,
    ),
    mutant(
        "lambda_b-for-lambda_c",
        "lambda_b in place of lambda_c: mu_1/(1+mu_1), here below 1/5",
        families=(on_crowded((1, 1, 1)),),
        form=lambda at: at.xi / (at.lambda_b + at.xi),
        limited=False,
    ),
    mutant(
        "twice", "lambda_c + 2 xi in the denominator", families=_ONE, form=lambda at: at.xi / (at.lambda_c + 2 * at.xi)
    ),
    mutant(
        "lambda-for-lambda_c",
        "lambda of the start in place of lambda_c",
        families=_ONE,
        constant=lambda at: at.smallest,
    ),
    mutant("half-xi", "half of xi", families=_ONE, form=lambda at: at.xi / (2 * at.lambda_c + at.xi)),
    also=("xi <= lambda_c",),
    families=(
        patterns((40, 300, 3000), alone=st.sampled_from((16, 64, 256))),
        _ACTIVE,
        on_one_input((10, 60, 300)),
    ),
    formulas=Formulas(
        hypotheses=(r"$\xi\le\lambda_c$",),
        conclusion=(r"$\norm{X G^{-1}}_2\le\dfrac{\xi}{\lambda_c+\xi}$",),
        constants=(r"$\xi=\min\{\norm{M}_2,\sqrt{\tau\tau_2}\}$",),
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (C2_TUBE_RATIO, T1_TUBE_SHARP)
