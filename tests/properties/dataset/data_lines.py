"""What is wrong with the lines, the values and the table that a data set's certificate shows for one network: compared with the truth.

``complaints`` takes what a program printed and an ``ExactRung``, and calls nothing of the program. Every number is compared: a bound
must lie on its side of the true value, and no farther from it than the digits shown and the rounding of a certificate explain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

from flint import arb, fmpq

from tests.properties.dataset import exact_theorems as theorems
from tests.properties.dataset.exact_rung import ExactRung, Run, norm, rational
from tests.properties.dataset.exact_theorems import GD, KFAC, NGD, REDUCTION, Inputs, largest, smallest

SLACK = arb(2) ** -30
"""What the rounding of a certificate costs at most, relatively: here fewer than 2^12 roundings of 2^-53 each, of terms that
are at most 2^11 times the result (outputs beside a small residual)."""

PRECISE = arb(2) ** -20
"""How far a norm that is found without an eigenvalue may be off, relatively, where the share of it in a number is below 1."""

EXACTLY = 1 + fmpq(1, 2**100)
"""Two balls of 192 bits that are the same number compare as such up to this factor."""

VANISHED = arb(2) ** -400
"""A bound of what is 0 may be as large as the root of what underflows."""

HALF = fmpq(1, 2)
STEPS, ATTEMPTS, KFAC_ATTEMPTS, GD_STEPS, CAPS, KFAC_CAP = 20, 3, 4, 10, {"ngd": 80, "kfac": 150, "gd": 500}, 400
SHARE = rational(0.9)
"""Of a limit at which theorems are tried on a path."""


def cut(value: arb, digits: int, rounding: str) -> Fraction:
    """A ball's middle in so many significant digits."""
    exact = rational(value)
    wide = Context(prec=60)
    quotient = wide.divide(Decimal(int(exact.p)), Decimal(int(exact.q)))
    return Fraction(Context(prec=digits, rounding=rounding).plus(quotient))


STORED = 1 + fmpq(1, 2**48)
"""How much larger a step size ``1/(2 h_max)`` may be as a float, of a leverage score as computed."""


@dataclass
class Comparison:
    """Numbers as printed against what they are about; complaints are collected."""

    found: list[str] = field(default_factory=list)

    def upper(self, name: str, printed: Any, true: arb, digits: int = 17, noise: arb = VANISHED) -> None:
        """A number printed as an upper bound; ``noise`` is what it may lie above the true one, besides its rounding."""
        self._bound(name, printed, true, true * (1 + SLACK) + noise, digits, ROUND_CEILING)

    def lower(self, name: str, printed: Any, true: arb, digits: int = 17) -> None:
        """A number printed as a lower bound."""
        self._bound(name, printed, true, true * (1 - SLACK) - VANISHED, digits, ROUND_FLOOR)

    def _bound(self, name: str, printed: Any, true: arb, loosest: arb, digits: int, rounding: str) -> None:
        try:
            value = Fraction(str(printed))
        except ValueError:
            self.found.append(f"{name} is {printed}, no number")
            return
        ends = sorted((Fraction(str(rational(true))), cut(loosest, digits, rounding)))
        if not ends[0] <= value <= ends[1]:
            self.found.append(f"{name} is {printed}, but must lie in {float(ends[0]):.17g} ... {float(ends[1]):.17g}")

    def progress(self, name: str, printed: Any, true: arb, digits: int) -> None:
        """A tube's ``1 - mu``, whose norms are known to ``2^-20``."""
        self._bound(name, printed, true * (1 + PRECISE), true * (1 - PRECISE), digits, ROUND_FLOOR)

    def near(self, name: str, printed: str, true: arb, digits: int) -> None:
        """A number printed to so many digits without a direction."""
        low, high = (
            cut(true * (1 + sign * SLACK) + sign * VANISHED, digits, rounding)
            for sign, rounding in ((-1, ROUND_FLOOR), (1, ROUND_CEILING))
        )
        if not low <= Fraction(printed) <= high:
            self.found.append(f"{name} is {printed}, but the number is {float(true.mid()):.9g}")

    def same(self, name: str, printed: Any, expected: Any) -> None:
        """What must agree to the letter."""
        if printed != expected:
            self.found.append(f"{name} is {printed!r}, but must be {expected!r}")

    def line(self, lines: Sequence[str], pattern: str, name: str) -> tuple[str, ...]:
        """The groups of the one line that matches; empty, with a complaint, where none does or several do."""
        hits = [hit for line in lines if (hit := re.fullmatch(pattern, line.strip()))]
        if len(hits) != 1:
            self.found.append(f"{len(hits)} lines say {name}")
            return ()
        return tuple(group or "" for group in hits[0].groups())


@dataclass
class Admitted:
    """A theorem at a step size that its own path allows."""

    eta: fmpq
    constant: arb
    run: Run
    first: bool
    """Whether that is the first step size tried."""


@dataclass
class Truth:
    """One network with what is true of it, computed when first asked for."""

    exact: ExactRung
    scale: float
    symmetric: bool
    attacked: tuple[Any, Any]
    """Weights (m, 2) that the attacks on Condition 2 and K2 found: their changes are computed anew here."""
    tube: arb | None = None
    """``1 - mu`` of NGD's tube, from below; None where none is certified."""
    pattern_tube: arb | None = None
    """The same of K-FAC's."""
    known_runs: bool = True
    """Whether the single precision in which runs move their weights is known to show in no number."""

    @property
    def low(self) -> arb:
        """lambda_min(G(0))."""
        return self.exact.eigenvalues[0]

    @property
    def inputs(self) -> Inputs:
        """Leverage scores and eigenvalues of X."""
        scores, values = self.exact.leverage, self.exact.input_eigenvalues
        return Inputs(min(scores), max(scores), values[0], values[-1])

    def constant(self, change: arb, on_inputs: bool = True) -> arb:
        """``3 change/lambda^{1/2}``, or over sigma."""
        return 3 * change / (self.low if on_inputs else self.exact.pattern_eigenvalues[0]).sqrt()

    @cached_property
    def ball(self) -> tuple[arb, arb]:
        """The certified constants of Conditions 2 and K2."""
        return self.constant(self.exact.certified_change()), self.constant(self.exact.certified_change(False), False)

    @cached_property
    def attack(self) -> tuple[arb, arb]:
        """The constants at the weights attacked, which must lie in the ball."""
        found = []
        for on_inputs, weights in zip((True, False), self.attacked, strict=True):
            moved = [[rational(x) for x in row] for row in weights.tolist()]
            distance = sum(
                (
                    (a - b) ** 2
                    for new, old in zip(moved, self.exact.weights, strict=True)
                    for a, b in zip(new, old, strict=True)
                ),
                fmpq(0),
            )
            assert arb(distance) <= self.exact.radius(on_inputs) ** 2
            found.append(self.constant(self.exact.change(self.pattern_at(moved), on_inputs), on_inputs))
        return found[0], found[1]

    def pattern_at(self, weights: list[list[fmpq]]) -> list[list[int]]:
        """Which neurons are active."""
        return [[int(x[0] * w[0] + x[1] * w[1] >= 0) for w in weights] for x in self.exact.rows]

    @cached_property
    def suprema(self) -> tuple[arb | None, arb | None]:
        """The true constants, where few enough patterns are in the balls."""
        found = [self.exact.supremum(on_inputs, 2000) for on_inputs in (True, False)]
        return tuple(
            None if one is None else self.constant(one, kind) for one, kind in zip(found, (True, False), strict=True)
        )  # type: ignore[return-value]

    def on_path(self, optimiser: str, eta: fmpq, steps: int = STEPS) -> tuple[arb, Run]:
        """C along a path."""
        run = self.exact.run(optimiser, eta, steps)
        return self.constant(run.change, optimiser != "kfac"), run

    def first_step(self, optimiser: str) -> fmpq:
        """The step size of an optimiser's run."""
        if optimiser == "ngd":
            return HALF
        return HALF / max(self.exact.leverage) if optimiser == "kfac" else 1 / rational(self.exact.eigenvalues[-1])

    def limit(self, optimiser: str, theorem: str, C: arb) -> arb:
        """The largest step size that a theorem allows."""
        if optimiser == "ngd":
            return theorems.ngd_limit(theorem, C)
        if optimiser == "kfac":
            return self.inputs.limit(theorem, C)
        return theorems.gd_limit(theorem, C, self.exact.eigenvalues[-1], self.low)

    @cached_property
    def admitted(self) -> dict[str, Admitted | None]:
        """By theorem the first step size tried whose own path allows it."""
        return {
            **{theorem: self._admitted("ngd", theorem, ATTEMPTS, False) for theorem in NGD},
            **{theorem: self._admitted("kfac", theorem, KFAC_ATTEMPTS, True) for theorem in KFAC},
            **{theorem: self._admitted("gd", theorem, 1, False, GD_STEPS) for theorem in GD},
        }

    def _admitted(
        self, optimiser: str, theorem: str, attempts: int, itself: bool, steps: int = STEPS
    ) -> Admitted | None:
        eta = self.first_step(optimiser)
        if not itself:
            eta = SHARE * rational(self.limit(optimiser, theorem, self.on_path(optimiser, eta, steps)[0]))
        for attempt in range(attempts):
            if not eta > 0:
                break
            C, run = self.on_path(optimiser, eta, steps)
            allowed = self.limit(optimiser, theorem, C)
            if allowed >= eta:
                return Admitted(eta, C, run, itself and attempt == 0)
            eta = SHARE * rational(allowed)
        return None

    @cached_property
    def observed(self) -> dict[str, int | None]:
        """Steps to the reduction."""
        runs = {name: self.exact.run(name, self.first_step(name), cap, REDUCTION) for name, cap in CAPS.items()}
        return {name: run.first_below(REDUCTION) for name, run in runs.items()}

    @cached_property
    def linearised(self) -> dict[str, int]:
        """The same with J frozen."""
        squares = [r * r for r in self.exact.residual]
        eta = {name: self.first_step(name) for name in CAPS}
        along = theorems.squared_shares(self.exact)
        return {
            "ngd": theorems.count(arb(HALF)),
            "kfac": theorems.decayed([1 - eta["kfac"] * h for h in self.exact.leverage], squares),
            "gd": theorems.decayed([1 - eta["gd"] * v for v in self.exact.eigenvalues], along),
        }

    @cached_property
    def predicted(self) -> dict[str, dict[str, arb]]:
        """The factors of the theorems that apply to each optimiser's own run."""
        factors = {
            id: self.inputs.factor(id, one.eta, one.constant)
            for id in KFAC
            if (one := self.admitted[id]) is not None and one.first
        }
        known = theorems.ngd_factors(HALF, self.on_path("ngd", HALF)[0])
        tube = {} if self.tube is None else {"T1-tube": 1 - HALF * self.tube}
        return {"ngd": {**known, **tube}, "kfac": factors, "gd": {}}

    @property
    def halving_noise(self) -> arb:
        """What the rounding of outputs, of size nu beside a residual that has fallen to 1e-6, may add to ``halving_error``."""
        return arb(2) ** -44 * (1 + rational(self.scale)) / (arb(REDUCTION) * self.residual_norm)

    @cached_property
    def single(self) -> arb:
        """What single precision of the movements adds to a step's factor, at the step whose factor is farthest from 1/2."""
        if self.known_runs:
            return arb(0)
        norms = self.exact.run("ngd", HALF, CAPS["ngd"], REDUCTION).residuals
        errors = [abs(after / before / HALF - 1) for before, after in pairwise(norms)]
        before = norms[errors.index(largest(errors))]
        return arb(2) ** -24 * (1 + rational(self.scale)) / before

    @cached_property
    def halving_error(self) -> arb:
        """By how much a step's factor differs from 1/2, relatively, until the reduction."""
        norms = self.exact.run("ngd", HALF, CAPS["ngd"], REDUCTION).residuals
        return largest([abs(after / before / HALF - 1) for before, after in pairwise(norms)])

    @cached_property
    def step_ratio(self) -> arb | None:
        """T1-step's measured over predicted, at most, on the steps on which J changes."""
        _, run = self.on_path("ngd", HALF)
        pairs = zip(run.residuals, run.residuals[1:], run.deviations, strict=False)
        found = [after / (before * (HALF + HALF * eps)) for before, after, eps in pairs if eps > 0]
        return largest(found) if found else None

    def kind(self, C: arb, attack: arb) -> str:
        """What is to be said of Condition 2 over the ball."""
        return "holds" if arb(HALF) > C else "fails" if attack >= HALF else "not decided"

    @property
    def residual_norm(self) -> arb:
        """``||r(0)||``."""
        return norm(self.exact.residual)

    def smallest_factor(self, factors: dict[str, arb]) -> arb:
        """The fastest of some theorems."""
        return smallest(list(factors.values()))
