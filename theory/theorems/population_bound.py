"""T5-width's bound for one sample and one width, with the ratio g at which the tube closes (theory/theorems/finite_width.py)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import ArrayLike

from theory.directed import exact, float_above, float_below
from theory.direction import Directed, LowerBound, UpperBound
from theory.errors import DegenerateInputsError, ScaleError
from theory.inputs import FloatArray, is_real, target_vector, unit_rows
from theory.kernels.limiting import degeneracy, gram_entry_error, limiting_gram
from theory.reals import square_root
from theory.rigour.definiteness import smallest_eigenvalue_bounds
from theory.rigour.inverse_form import inverse_form_bounds
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.stability.norms import input_norm_squared, rounded_up, squared_norm_excess
from theory.theorems import finite_width as law

BITS = 256

SWEEPS = 200
"""The ratio g grows to its least value in so many sweeps, or the tube is said not to close."""

ROOM = 1e-9
"""What g is enlarged by in each sweep, so that it ends above its limit; only what is then certified counts."""


@dataclass(frozen=True)
class SampleNumbers(Directed):
    """What T5-width needs of a sample (X, y), each bound on its sound side."""

    n: int
    squared_norm: UpperBound
    """Of ``||X||_2^2``."""
    absolute_norm: UpperBound
    """Of ``|| |K| ||_2``."""
    lambda0: LowerBound
    inverse_form: UpperBound
    """Of ``y^T G_inf^{-1} y``."""
    squared_targets: UpperBound
    """Of ``||y||^2``."""

    @classmethod
    def of(cls, X: ArrayLike, y: ArrayLike) -> SampleNumbers:
        """Certified from unit rows X (n, d) and targets y (n,).

        Raises InputError: DegenerateInputsError (lambda0 not certified), ScaleError (squares of targets beyond float64), and others.
        """
        rows = unit_rows(X)
        targets = target_vector(y, len(rows))
        n, d = rows.shape
        limit, error = limiting_gram(rows), n * gram_entry_error(d)
        lambda0 = smallest_eigenvalue_bounds(limit, error)[0]
        if not lambda0 > 0:
            raise DegenerateInputsError(f"no positive lower bound of lambda0 is certified: {degeneracy(rows).reason()}")
        form = inverse_form_bounds(limit, targets, error)[1]
        squared = UpperBound(float_above(sum(exact(target) ** 2 for target in targets)))
        if not max(form, squared) < math.inf:
            raise ScaleError(
                f"the largest target is {np.abs(targets).max():.3g}; its square is beyond float64: change the scale"
            )
        return cls(n, input_norm_squared(rows), absolute_norm(rows), lambda0, form, squared)


def absolute_norm(rows: FloatArray) -> UpperBound:
    """Certified upper bound of ``|| |K| ||_2``: ``max_i (|K|v)_i/v_i`` for a positive v (Collatz, Wielandt); the entries of K are off by ``gamma_d`` each."""
    n, d = rows.shape
    entries = np.abs(rows @ rows.T) + 2 * gamma(d + 2) * (1 + squared_norm_excess(d))
    vector: FloatArray = np.ones(n)
    for _ in range(20):
        vector = entries @ vector
        vector = vector / vector.max()
    return UpperBound(rounded_up(float(np.max(entries @ vector / vector)) * (1 + gamma(n + 4))))


@dataclass(frozen=True)
class PopulationBound(Directed):
    """T5-width's bound and its terms; it says nothing (is vacuous) from 1 on."""

    complexity: UpperBound
    confidence: UpperBound
    """``1/N`` included."""
    training: UpperBound
    linearisation: UpperBound
    """``2e``."""
    total: UpperBound
    ratio: float
    """g."""
    kept: LowerBound
    """s."""
    tube: UpperBound
    """b."""
    distance: UpperBound
    """B."""


@dataclass(frozen=True)
class Setting:
    """Width m, scale nu, failure delta, N radii, and how the weights start."""

    width: int
    scale: float
    delta: float
    cells: int = 20
    symmetric: bool = True

    @property
    def share(self) -> fmpq:
        """delta'."""
        share: fmpq = law.event_share(exact(self.delta), self.symmetric)
        return share


def closing_ratio(sample: SampleNumbers, setting: Setting) -> float | None:
    """A ratio ``g < 1/2``, near the least, at which the tube closes: ``|| |K| ||_2 phi(b) <= g s lambda0`` (certified); None when none is found."""
    with working_precision(BITS):
        kept, size = _start(sample, setting)
        if not kept > 0:
            return None
        g = 0.0
        for _ in range(SWEEPS):
            needed = _needed(sample, setting, kept, size, exact(g))
            if needed <= exact(g):
                return g
            g = float(needed) * (1 + ROOM)
            if not g < 0.5:
                return None
    return None


def population_bound(
    sample: SampleNumbers, setting: Setting, eta: float, steps: int, ratio: float | None = None
) -> PopulationBound | None:
    """T5-width after so many steps; None where the width is too small for it. ``ratio`` is g, by default ``closing_ratio``.

    Raises ScaleError (a number out of its range, steps that are no count; a given ratio at which the tube does not close), WidthError.
    """
    if not (is_real(steps) and steps >= 0 and int(steps) == steps):
        raise ScaleError(f"steps is {steps}; it must be a whole number, 0 or more")
    g = closing_ratio(sample, setting) if ratio is None else ratio
    if g is None:
        return None
    share, n = setting.share, sample.n
    with working_precision(BITS):
        kept, size = _start(sample, setting)
        if not (kept > 0 and _needed(sample, setting, kept, size, exact(g)) <= exact(g)):
            raise ScaleError(f"g is {g}; the tube does not close at it: take closing_ratio, or a larger width")
        b = _tube(sample, setting, kept, size, exact(g))
        distance = law.distance_bound(size, kept, exact(g))
        trace = law.feature_trace(setting.width, share, setting.symmetric, like=b)
        outputs = law.initial_output(n, exact(setting.scale), share, setting.symmetric)
        norm = square_root(exact(sample.squared_targets)) + outputs
        training = law.tube_rate(exact(eta), exact(g)) ** int(steps) * norm / square_root(fmpq(n))
        error = law.linearisation_error(b, exact(setting.scale), setting.width, share, setting.symmetric)
        complexity = law.uniform_complexity(distance, trace, n)
        confidence = law.uniform_confidence(n, exact(setting.delta) / 2, setting.cells)
        return PopulationBound(
            complexity=UpperBound(float_above(complexity)),
            confidence=UpperBound(float_above(confidence)),
            training=UpperBound(float_above(training)),
            linearisation=UpperBound(float_above(2 * error)),
            total=UpperBound(float_above(complexity + confidence + training + 2 * error)),
            ratio=g,
            kept=LowerBound(float_below(kept)),
            tube=UpperBound(float_above(b)),
            distance=UpperBound(float_above(distance)),
        )


def _start(sample: SampleNumbers, setting: Setting) -> tuple[float, float]:
    """s and ``Y^{1/2} + U/lambda0^{1/2}``, as rational numbers or balls."""
    lambda0, share = exact(sample.lambda0), setting.share
    squared = exact(sample.squared_norm)
    kept = law.relative_share(lambda0, squared, sample.n, setting.width, share, setting.symmetric)
    outputs = law.initial_output(sample.n, exact(setting.scale), share, setting.symmetric)
    return kept, law.residual_size(exact(sample.inverse_form), lambda0, outputs)


def _tube(sample: SampleNumbers, setting: Setting, kept: float, size: float, g: float) -> float:
    return law.tube_bound(size, exact(sample.lambda0), exact(sample.squared_norm), kept, g, setting.width)


def _needed(sample: SampleNumbers, setting: Setting, kept: float, size: float, g: float) -> float:
    """``|| |K| ||_2 phi(b(g))/(s lambda0)``, which must not exceed g."""
    b = _tube(sample, setting, kept, size, g)
    phi = law.flip_share(b, exact(setting.scale), sample.n, setting.width, setting.share, setting.symmetric)
    needed: float = exact(sample.absolute_norm) * phi / (kept * exact(sample.lambda0))
    return needed
