"""What T3-tube and T3-tube-ratio ask for, given data: the width m, the ratio mu, and the tube b that is fixed before the draw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import fmpq
from numpy.typing import ArrayLike

from theory.directed import at_least_exact, exact, float_above
from theory.direction import UpperBound
from theory.inputs import FloatArray, independent_neurons, known_theorem, target_vector, unit_rows
from theory.reals import ceiling, logarithm, positive_real, probability, square_root
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.stability.norms import rounded_up, squared_norm_excess
from theory.theorems import tube_width as law
from theory.theorems import tube_width_ratio as ratio_law
from theory.theorems.chernoff import KEPT_SHARE, chernoff_width
from theory.theorems.initial_residual import squared_residual_bound
from theory.theorems.population_bound import SampleNumbers
from theory.theorems.residual_tail import output_tail

BITS = 256

RATIO_FORM = "ratio"
FORMS = (*law.FORMS, RATIO_FORM)
"""The forms of T3-tube, and T3-tube-ratio."""

SPLITS = tuple(fmpq(1, 2**power) for power in range(1, 21))
"""The shares s of delta that K-chernoff and the counts may take together, for independent neurons; the best is taken."""

HALVINGS, LARGEST_RATIO = 40, fmpq(63, 64)
"""The best ratio is found to so many binary digits where the second width does not decide, and up to this one: the third width falls by
less than a hundredth from there to 1, where the tube says nothing."""


@dataclass(frozen=True)
class TubeInputs:
    """What the width needs of unit rows X (n, d) and targets y (n,), each bound on its sound side."""

    rows: FloatArray
    targets: FloatArray
    sample: SampleNumbers

    @classmethod
    def of(cls, X: ArrayLike, y: ArrayLike) -> TubeInputs:
        """Certified from the data. Raises InputError: DegenerateInputsError, ScaleError, and what ``unit_rows`` and ``target_vector`` raise."""
        rows = unit_rows(X)
        return cls(rows, target_vector(y, len(rows)), SampleNumbers.of(X, y))

    @cached_property
    def correlations(self) -> FloatArray:
        """Bounds of ``|K_ij|``, at most 1 where i and j differ, shape (n, n); an entry is off by ``gamma_d`` and by how far rows are from units."""
        n, d = self.rows.shape
        entries = np.abs(self.rows @ self.rows.T) + (2 * gamma(d + 2) + 2 * squared_norm_excess(d))
        off = ~np.eye(n, dtype=bool)
        entries[off] = np.minimum(entries[off], 1.0)
        return entries

    @cached_property
    def row_norms(self) -> FloatArray:
        """Bounds of ``||K_i||_2``, shape (n,)."""
        n = len(self.rows)
        return np.array(
            [rounded_up(float(norm) * (1 + gamma(n + 4))) for norm in np.linalg.norm(self.correlations, axis=1)]
        )

    @property
    def squared_row(self) -> fmpq:
        """Of ``K^^2``."""
        return exact(float(self.row_norms.max())) ** 2

    @cached_property
    def largest_sum(self) -> UpperBound:
        """Of ``k = max_i sum_j |K_ij|``."""
        return UpperBound(rounded_up(float(self.correlations.sum(axis=1).max()) * (1 + gamma(len(self.rows) + 4))))

    def overlap(self, allowed: float) -> UpperBound:
        """Of ``Omega``, in float64 rounded up. Raises ScaleError."""
        half = float_above(exact(positive_real(allowed, "a")) / 2)
        n = len(self.rows)
        off = np.where(np.eye(n, dtype=bool), 0.0, self.correlations)
        sine2 = np.maximum((1 - off) * (1 + off) * (1 - gamma(8)), 0.0)
        with np.errstate(divide="ignore"):
            near = np.minimum(1.0, half / np.sqrt(sine2) * (1 + gamma(8)))
        sums = np.diag(self.correlations) + (off * near).sum(axis=1)
        return UpperBound(rounded_up(float(sums.max()) * (1 + gamma(n + 8))))


@dataclass(frozen=True)
class Shares:
    """How delta is split: K-chernoff (K-relative), the counts, and r(0)."""

    first: fmpq
    counts: fmpq
    start: fmpq | None
    """None under symmetric initialisation, where r(0) = -y for certain."""


@at_least_exact
def squared_length(
    squared_targets: float,
    inverse_form: float,
    n: int,
    scale: float,
    squared_norm: float,
    lambda0: float,
    start: float | None,
    targeted: bool,
) -> float:
    """``L^2``: at least ``||r(0)||^2/lambda0^2``, or ``r(0)^T G_inf^{-1} r(0)/lambda0`` (``targeted``), but for a probability of ``start``.

    Without ``start`` r(0) = -y. R0-tail's bound of ``||u(0)||``, or R0's, whichever gives less. Raises ScaleError, WidthError.
    """
    lambda0 = positive_real(lambda0, "lambda0")
    squared = inverse_form / lambda0 if targeted else squared_targets / lambda0**2
    if start is None:
        return squared
    reach = square_root(squared) + output_tail(n, scale, squared_norm, start) / lambda0
    outputs = squared_residual_bound(squared * 0, n, scale, start) / lambda0**2
    markov = squared / probability(start, "the share of r(0)") + outputs
    return reach**2 if reach**2 < markov else markov


@dataclass(frozen=True)
class TubePlan:
    """One split of delta and one ratio, and what follows from them."""

    inputs: TubeInputs
    scale: float
    form: str
    symmetric: bool
    shares: Shares
    ratio: fmpq

    @cached_property
    def allowed(self) -> float:
        """a."""
        if self.form == RATIO_FORM:
            return ratio_law.allowed_sum(self.ratio, exact(self.inputs.sample.lambda0))
        sample = self.inputs.sample
        return law.allowed_share(self.ratio, exact(sample.lambda0), exact(sample.absolute_norm), self.form)

    @property
    def factor(self) -> float:
        """g."""
        return ratio_law.root_factor(self.ratio) if self.form == RATIO_FORM else law.path_factor(self.ratio, self.form)

    @property
    def sides(self) -> int:
        """How many counts an input has."""
        return 1 if self.form == RATIO_FORM else law.sides(self.form)

    @property
    def squared_length(self) -> float:
        """``L^2``, rational or a ball."""
        one = self.inputs.sample
        numbers = (exact(one.squared_targets), exact(one.inverse_form))
        norms = (exact(one.squared_norm), exact(one.lambda0))
        targeted = self.form in ("target", RATIO_FORM)
        return squared_length(*numbers, one.n, exact(self.scale), *norms, self.shares.start, targeted)

    @property
    def overlap(self) -> float:
        """Omega; 1 in T3-tube."""
        return exact(self.inputs.overlap(float_above(self.allowed))) if self.form == RATIO_FORM else fmpq(1)

    @property
    def logarithm(self) -> float:
        """``ln(events/share)`` of the counts."""
        return logarithm(self.inputs.sample.n * self.sides / self.shares.counts)

    @property
    def first(self) -> int:
        """K-chernoff's (K-relative's) width."""
        one = self.inputs.sample
        return chernoff_width(one.lambda0, one.squared_norm, one.n, self.shares.first, self.symmetric)

    @property
    def second(self) -> float:
        """The width of the movements, not rounded."""
        row = self.inputs.squared_row
        return law.movement_width(self.squared_length, row, exact(self.scale), self.allowed, self.factor, self.overlap)

    @property
    def third(self) -> float:
        """The width of the counts, not rounded."""
        largest = exact(self.inputs.largest_sum) if self.form == RATIO_FORM else fmpq(1)
        return law.counting_width(self.logarithm, self.allowed, self.sides, self.symmetric, largest)

    @cached_property
    def width(self) -> int:
        """m: the largest of the three, even under symmetric initialisation. Raises ScaleError (beyond the range of float64)."""
        with working_precision(BITS):
            widest = max(ceiling(self.second), ceiling(self.third))
        return max(self.first, 2 * -(-widest // 2) if self.symmetric else widest)

    def tube(self, width: int | None = None) -> FloatArray:
        """``b_i = m^{-1/2} ||K_i|| (4/3) L g``, shape (n,), rounded up: known before the draw. Raises WidthError."""
        m = self.width if width is None else width
        independent_neurons(m, self.symmetric)
        with working_precision(BITS):
            squared = exact(self.squared_length) * exact(self.factor) ** 2 / exact(KEPT_SHARE) ** 2 / m
            reach = square_root(squared)
            return np.array([float_above(exact(float(norm)) * reach) for norm in self.inputs.row_norms])


def tube_plan(
    X: ArrayLike,
    y: ArrayLike,
    scale: float,
    delta: float,
    ratio: float | None = None,
    form: str = "plain",
    symmetric: bool = True,
) -> TubePlan:
    """The plan of the least width. Arguments and errors as for ``tube_width``."""
    known_theorem(form, FORMS)
    positive_real(scale, "scale")
    failure = exact(probability(delta, "delta"))
    if ratio is not None:
        ratio = exact(probability(ratio, "the ratio mu"))
    inputs = TubeInputs.of(X, y)
    with working_precision(BITS):
        found = [TubePlan(inputs, scale, form, symmetric, shares, fmpq(1, 2)) for shares in splits(failure, symmetric)]
        plans = [_at(one, ratio if ratio is not None else _best_ratio(one)) for one in found]
    return min(plans, key=lambda plan: plan.width)


def splits(delta: fmpq, symmetric: bool) -> Iterable[Shares]:
    """delta/2 and delta/2; for independent neurons ``s delta/2``, ``s delta/2`` and ``(1-s) delta``, s in ``SPLITS``."""
    if symmetric:
        return [Shares(delta / 2, delta / 2, None)]
    return [Shares(s * delta / 2, s * delta / 2, (1 - s) * delta) for s in SPLITS]


def _at(plan: TubePlan, ratio: fmpq) -> TubePlan:
    return TubePlan(plan.inputs, plan.scale, plan.form, plan.symmetric, plan.shares, ratio)


def _best_ratio(plan: TubePlan) -> fmpq:
    """Where the second width is least, unless the third decides there: then where that meets another, as it falls with the ratio."""
    low = ratio_law.BEST_RATIO if plan.form == RATIO_FORM else law.BEST_RATIO[plan.form]
    if not _third_decides(_at(plan, low)):
        return low
    high = LARGEST_RATIO
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _third_decides(_at(plan, middle)):
            low = middle
        else:
            high = middle
    return high


def _third_decides(plan: TubePlan) -> bool:
    return bool(plan.third > plan.second and plan.third > plan.first)


def tube_width(
    X: ArrayLike,
    y: ArrayLike,
    scale: float,
    delta: float,
    ratio: float | None = None,
    form: str = "plain",
    symmetric: bool = True,
) -> int:
    """The width m from which the tube closes with a ratio of at most mu, with probability 1 - delta (T3-tube).

    Unit rows X (n, d), targets y (n,), initialisation scale nu, ``ratio`` mu in (0, 1), by default the one of the least width; ``form`` "plain",
    "two-sided" or "target", or "ratio" for T3-tube-ratio. Even under symmetric initialisation. All norms and eigenvalues enter by certified bounds. Raises
    InputError: ScaleError (a width beyond float64), ChoiceError, DegenerateInputsError (lambda0 not certified), and what ``unit_rows`` and ``target_vector`` raise.
    """
    return tube_plan(X, y, scale, delta, ratio, form, symmetric).width
