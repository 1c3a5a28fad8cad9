"""Initialisation with high probability: K-chernoff, R0, C2-prob, and the widths of T3 and T4 (docs/theory.md).

Proofs: docs/proofs/width.md, P7.1 to P7.8, and for K-chernoff docs/proofs/kernels.md, P3.10.

Setting. Independent neurons ``w_r ~ N(0, nu^2 I)``, signs uniform on -1, +1; unit rows X (n, d), targets y,
``lambda0 = lambda_min(G_inf)``, ``lambda_S = lambda_min(S_inf)``, ``E = ||y||^2 + n nu^2/2``. Symmetric initialisation:
m / 2 independent pairs (w, a), (w, -a), so that u(0) = 0.

K-chernoff [paper, with constants]. ``P(lambda_min(G(0)) <= 3/4 lambda0) <= n exp(-beta m lambda0 / ||X||_2^2)``,
``beta = 1/4 + 3/4 ln 3/4``; for H(0) with lambda_S and n in place of lambda0 and ``||X||_2^2``; m / 2 for m under
symmetric initialisation. Source: Tropp 2012, theorem 1.1. Not sharp: for n = 1, where ``m lambda_min`` is Binomial(m, 1/2),
the exponent could be 2 KL(3/8, 1/2) = 1.84 beta.

R0 [paper, with constants]. ``E ||r(0)||^2 = E``, hence ``||r(0)||^2 <= E/delta`` with probability at least 1 - delta.
Symmetric initialisation: ``r(0) = -y``.

C2-prob [paper, with constants]. For a radius R fixed before the draw, with probability at least 1 - delta, for all W with
``||W - W(0)||_F <= R``: ``||J(W) - J(0)||_F^2 = ||S(W) - S(0)||_F^2 <= kappa_3 n R^{2/3} / (nu delta sqrt(m))^{2/3}``,
``kappa_3 = (3/2)(4/pi)^{1/3}`` (paper: 2). The same under symmetric initialisation. Not sharp: for n = 1, delta -> 1,
m -> inf the supremum is that with ``(6/pi)^{1/3} = 1.24`` for kappa_3. For n = 1 the bound holds for all R at once
[derived: Daniels 1945, ``P(F_m(t) <= t/delta for all t) = 1 - delta``].

T3 [paper, Theorem 3; constants derived]. If ``m >= max(||X||_2^2 ln(3n/delta)/(beta lambda0), M n^3 E/(C^6 nu^2 lambda0^4 delta^3))``,
``M = 1728*324*27/(2 pi)``, then with probability at least 1 - delta Conditions 1 and 2(C) hold: K-chernoff, R0 and C2-prob
at delta/3 each, ``R^2 = 36 E/(delta lambda0)``.

T3 under symmetric initialisation [derived]. ``m >= max(2 ||X||_2^2 ln(2n/delta)/(beta lambda0),
M' n^3 ||y||^2/(C^6 nu^2 lambda0^4 delta^2))``, ``M' = 1728*48*27/(2 pi)``: K-chernoff and C2-prob at delta/2 each,
``R^2 = 12 ||y||^2/lambda0``. Here a large nu always helps.

T4-width [derived]. The same for Conditions K1 and K2(C) with lambda_S for lambda0, n for ``||X||_2^2``, and kappa_X =
mu_max/mu_min times the second width, for either initialisation: ``R^2 = 36 E/(delta lambda_S h_min mu_min)``, symmetric
``12 ||y||^2/(lambda_S h_min mu_min)``, and ``h_min >= 1/mu_max``. A rank decided in floating point is not enough: for the rows (1, 0) and (-1, 1e-17) kappa_X is 4e34, and 1 when the singular value 7e-18 is dropped.

Functions of real numbers take floats or balls (arb), and answer in kind. Floats are taken as the numbers that they are, and answered
by the next float on the side on which the statement stays true: failures and widths rounded up (theory/directed.py).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from theory.directed import at_least_exact, at_most_exact, decided_exactly, exact, float_above
from theory.direction import UpperBound
from theory.errors import ChoiceError, DegenerateInputsError, ScaleError
from theory.inputs import independent_neurons, positive_count, target_vector, unit_rows
from theory.kernels.geometry import InputGeometry
from theory.kernels.limiting import degeneracy, limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue
from theory.reals import (
    ceiling,
    circle_constant,
    cube_root,
    exponential,
    logarithm,
    nonnegative_real,
    positive_real,
    probability,
)
from theory.rigour.input_bounds import input_bounds
from theory.rigour.rounding import gamma
from theory.stability.norms import input_norm_squared, rounded_up, squared_norm_excess

THEOREMS = ("T3", "T4-width")

KEPT_SHARE = 0.75
"""The share of lambda0 that lambda_min(G(0)) keeps (K-chernoff)."""


@at_most_exact
def chernoff_exponent(kept: float = KEPT_SHARE) -> float:
    """``beta = 1 - s + s ln s`` for a share s = ``kept``: 1/4 + 3/4 ln 3/4 = 0.0342 at 3/4 (natural logarithm).

    Raises ScaleError unless 0 < kept < 1.
    """
    share = probability(kept, "kept")
    return 1 - share + share * logarithm(share)


@at_least_exact
def chernoff_failure(
    lambda0: float, spectral_norm_squared: float, n: int, width: int, symmetric: bool = False
) -> float:
    """K-chernoff's bound of ``P(lambda_min(G(0)) <= 3/4 lambda0)`` at a width m; it may exceed 1.

    ``spectral_norm_squared`` is ``||X||_2^2``; for ``H(0)`` give ``lambda_S`` and n. Raises ScaleError, WidthError.
    """
    independent = independent_neurons(width, symmetric)
    rate = chernoff_exponent(exact(KEPT_SHARE)) * positive_real(lambda0, "lambda0")
    squared = positive_real(spectral_norm_squared, "spectral_norm_squared")
    return positive_count(n, "n") * exponential(-rate * independent / squared)


@decided_exactly
def chernoff_width(lambda0: float, spectral_norm_squared: float, n: int, delta: float, symmetric: bool = False) -> int:
    """The width m from which ``lambda_min(G(0)) > 3/4 lambda0`` with probability at least ``1 - delta`` (K-chernoff).

    ``ceil(||X||_2^2 ln(n / delta) / (beta lambda0))``, twice that (even) under symmetric initialisation. For ``H(0)``
    give ``lambda_S`` and n in place of ``||X||_2^2``. Raises ScaleError, WidthError.
    """
    rate = chernoff_exponent(exact(KEPT_SHARE)) * positive_real(lambda0, "lambda0")
    squared = positive_real(spectral_norm_squared, "spectral_norm_squared")
    independent = _quotient(squared * logarithm(positive_count(n, "n") / probability(delta, "delta")), rate)
    return ceiling(independent) * (2 if symmetric else 1)


@at_least_exact
def mean_squared_residual(squared_targets: float, n: int, scale: float, symmetric: bool = False) -> float:
    """``E ||r(0)||^2 = ||y||^2 + n nu^2/2``, and ``||y||^2`` under symmetric initialisation (R0): squared norms.

    Raises ScaleError, WidthError.
    """
    outputs = positive_count(n, "n") * positive_real(scale, "scale") ** 2 / 2
    return nonnegative_real(squared_targets, "squared_targets") + (0 if symmetric else outputs)


@at_least_exact
def squared_residual_bound(squared_targets: float, n: int, scale: float, delta: float) -> float:
    """``(||y||^2 + n nu^2/2)/delta``, which ``||r(0)||^2`` exceeds with probability at most delta (R0).

    Raises ScaleError, WidthError.
    """
    return mean_squared_residual(squared_targets, n, scale) / probability(delta, "delta")


@at_least_exact
def change_constant(like: float = 1.0) -> float:
    """``kappa_3 = (3/2)(4/pi)^{1/3} = 1.6258`` (C2-prob; the paper has 2); a ball when ``like`` is one."""
    return cube_root(4 / circle_constant(like)) * 3 / 2


@at_least_exact
def squared_change_bound(radius: float, n: int, scale: float, delta: float, width: int) -> float:
    """C2-prob's bound ``kappa_3 n R^{2/3} / (nu delta sqrt(m))^{2/3}`` of ``||J(W) - J(0)||_F^2`` within the radius R.

    Squared norm; it holds for ``||S(W) - S(0)||_F^2`` as well. Raises ScaleError, WidthError.
    """
    reach = nonnegative_real(radius, "radius") / (positive_real(scale, "scale") * probability(delta, "delta"))
    ratio = reach**2 / positive_count(width, "width")
    return change_constant(radius) * positive_count(n, "n") * cube_root(ratio)


@at_least_exact
def squared_condition_radius(
    squared_targets: float, n: int, scale: float, delta: float, eigenvalue: float, symmetric: bool = False
) -> float:
    """``R^2 = 36 E/(delta lambda0)``: above the square of Condition 2's radius when K-chernoff's and R0's events occur.

    R0 at delta/3 and ``lambda > 3/4 lambda0`` (T3). Symmetric initialisation: ``12 ||y||^2/lambda0``. For T4-width,
    give ``lambda_S h_min mu_min``. Raises ScaleError, WidthError.
    """
    share = 1 if symmetric else probability(delta, "delta") / 3
    squared_residual = mean_squared_residual(squared_targets, n, scale, symmetric) / share
    squared: float = 9 * squared_residual / (exact(KEPT_SHARE) * positive_real(eigenvalue, "eigenvalue"))
    return squared


@at_least_exact
def composition_constant(like: float = 1.0, symmetric: bool = False) -> float:
    """``M = 1728*324*27/(2 pi) = 2.406e6`` (T3, T4-width), ``M' = 1728*48*27/(2 pi)`` under symmetric initialisation.

    1728 = 12^3 from ``(C^2/9)(3/4 lambda0) = C^2 lambda0/12``; 324 = 9*36 and 48 = 4*12 from the square of C2-prob's
    delta/3 (delta/2) and from R^2; ``27/(2 pi) = kappa_3^3``. A ball when ``like`` is one.
    """
    return 1728 * (48 if symmetric else 324) * 27 / (2 * circle_constant(like))


@at_least_exact
def stability_width(
    squared_targets: float, n: int, scale: float, delta: float, C: float, eigenvalue: float, symmetric: bool = False
) -> float:
    """``M n^3 E/(C^6 nu^2 lambda0^4 delta^3)``, the second width of T3, not rounded to an integer.

    Symmetric initialisation: ``M' n^3 ||y||^2/(C^6 nu^2 lambda0^4 delta^2)``. For T4-width give lambda_S and multiply by
    kappa_X. Raises ScaleError, WidthError.
    """
    squared_residual = mean_squared_residual(squared_targets, n, scale, symmetric)
    power = 2 if symmetric else 3
    allowed = positive_real(C, "C") ** 6 * positive_real(eigenvalue, "eigenvalue") ** 4
    constant = composition_constant(eigenvalue, symmetric) * n**3
    return _quotient(constant * squared_residual, allowed * scale**2 * probability(delta, "delta") ** power)


def _quotient(numerator: float, denominator: float) -> float:
    """A width. Raises ScaleError when it is beyond the range of float64."""
    found = numerator / denominator
    if not float_above(found) < math.inf:
        raise ScaleError("the width is beyond the range of float64: scale, delta, C or the eigenvalue is too small")
    return found


def input_condition(X: ArrayLike) -> UpperBound:
    """Certified upper bound of ``kappa_X = mu_max/mu_min``, X exactly as given, by which ``h_min mu_min >= 1/kappa_X`` (T4-width).

    mu_min is the smallest eigenvalue of X^T X that is not exactly 0; ``h_i >= |x_i|^2/mu_max``, and the bound covers rows that
    are units up to rounding. Raises DegenerateInputsError (the exact rank of X is not certified), and what ``unit_rows`` raises.
    """
    geometry = InputGeometry.of(X)
    found = input_bounds(geometry)
    if not found.rank_certified:
        raise DegenerateInputsError(
            "no bound of kappa_X is certified: a singular value of X is too small beside its rounding; "
            "take out rows that depend on others nearly, or round the entries"
        )
    ratio = found.largest_eigenvalue[1] / found.smallest_eigenvalue[0]
    return UpperBound(rounded_up(ratio * (1 + squared_norm_excess(geometry.inputs.shape[1]))))


def width(
    X: ArrayLike,
    y: ArrayLike,
    scale: float,
    delta: float,
    C: float,
    theorem: str = "T3",
    symmetric: bool = False,
) -> int:
    """The width m that suffices for Conditions 1 and 2(C) (T3), or K1 and K2(C) (T4-width), with probability 1 - delta.

    Unit rows X (n, d), targets y (n,), initialisation scale nu; even under symmetric initialisation. lambda0, lambda_S,
    ``||X||_2^2`` and kappa_X enter by certified bounds. Raises InputError: ScaleError, ChoiceError, DegenerateInputsError (no positive
    lower bound of lambda0 or lambda_S, no certified rank for kappa_X), and what ``unit_rows`` and ``target_vector`` raise.
    """
    if theorem not in THEOREMS:
        raise ChoiceError(f"unknown theorem {theorem!r}; known: {', '.join(THEOREMS)}")
    rows = unit_rows(X)
    targets = target_vector(y, len(rows))
    n = len(rows)
    with np.errstate(over="ignore"):
        squared_targets = float(targets @ targets) * (1 + gamma(n + 2))
    if not math.isfinite(squared_targets):
        raise ScaleError("||y||^2 is beyond the range of float64: divide the targets, and the scale nu, by a constant")
    if theorem == "T3":
        eigenvalue, squared_norm = limiting_gram_eigenvalue(rows), input_norm_squared(rows)
    else:
        eigenvalue, squared_norm = limiting_pattern_gram_eigenvalue(rows), UpperBound(n)
    if eigenvalue <= 0:
        name = "lambda0" if theorem == "T3" else "lambda_S"
        raise DegenerateInputsError(f"no positive lower bound of {name} is certified: {degeneracy(rows).reason()}")
    condition = 1.0 if theorem == "T3" else input_condition(rows)
    parts = 2 if symmetric else 3
    chernoff = chernoff_width(eigenvalue, squared_norm, n, exact(probability(delta, "delta")) / parts, symmetric)
    change = exact(stability_width(squared_targets, n, scale, delta, C, eigenvalue, symmetric)) * exact(condition)
    return max(chernoff, ceiling(change / 2) * 2 if symmetric else ceiling(change))
