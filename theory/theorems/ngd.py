"""Natural gradient descent on the squared loss: T1, T1-q, T1-sharp, T1-tight, T1-first, T1-step, T1-line (docs/theory.md).

Setting. Residual ``r(k) = u(theta(k)) - y``, update ``theta(k+1) = theta(k) - eta J(k)^+ r(k)``, ``lambda = lambda_min(G(0))``.
Condition 1: lambda > 0. Condition 2(C): ``||J(theta) - J(0)||_2 <= (C/3) sqrt(lambda)`` for all theta with
``||theta - theta(0)||_2 <= 3 ||r(0)|| / sqrt(lambda)``. ``c = C/3``.

T1 [paper, Theorem 1]. C < 1/2 and 0 < eta <= (1-2C)/(1+C)^2 give ||r(k)||^2 <= (1-eta)^k ||r(0)||^2.
T1-q [derived]. C <= 2/3 and 0 < eta <= 1 give ||r(k)|| <= (1 - eta(1-q))^k ||r(0)||, q = 2C/(3-C).
T1-sharp [derived]. C < 1 and 0 < eta <= rho(2-rho) give ||r(k)|| <= (1 - eta/rho)^k ||r(0)||, rho = (3+C)/(3-C).
T1-tight [derived]. The factor 1 - eta/rho is attained (n = 1); for eta > rho(2-rho) it exceeds T1's sqrt(1-eta).
T1-first [derived]. eta <= 3 gives ||r(1)|| <= (|1-eta| + eta C/3) ||r(0)||.
T1-step [derived]. Full rank alone gives ||r(k+1)|| <= (|1-eta| + eta eps_k) ||r(k)||.
T1-line [derived]. One step inside the ball moves the outputs by -eta (I + E) r, ||E|| <= q: the angle between the output
step and the straight line to the target is at most arcsin q (C <= 1).
T1-line-sharp [derived]. That angle is at most 2 arcsin(c/sqrt(1-3c^2)), for C <= 1.
Proofs: docs/proofs/ngd.md, P5.1 to P5.14; Lemma S, of T1-sharp's, is P5.8 and P5.9. T1-line-sharp is
attained up to a factor: 2 arcsin c, by two outputs that turn (theory/maps/ridge.py).

Every function of real numbers here takes floats or balls (arb), and answers in kind. Floats are taken as the numbers that they are,
and answered by the next float on the side on which the statement stays true: limits of C and eta rounded down, factors, radii and
angles rounded up, counts never too small (theory/directed.py).
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

from flint import arb, fmpq

from theory.directed import at_least_exact, at_most_exact, decided_exactly, exact, float_below
from theory.direction import LowerBound, UpperBound, bounding
from theory.errors import ChoiceError, ScaleError
from theory.reals import ceiling, finite, logarithm, magnitude, positive_part, positive_real, real, shown, square_root
from theory.rigour.precision import at_rising_precision

THEOREMS = ("T1", "T1-q", "T1-sharp")
LINE_THEOREMS = ("T1-line", "T1-line-sharp")

CONSTANT_LIMITS: Mapping[str, fmpq] = MappingProxyType({"T1": fmpq(1, 2), "T1-q": fmpq(2, 3), "T1-sharp": fmpq(1)})
"""The C up to which each theorem speaks, exactly."""


@at_least_exact
def deficit(C: float) -> float:
    """``q = 2C/(3-C)``, the bound of ``||(J(theta_s) - J(k)) J(k)^+||_2`` (T1-q, T1-line). Raises ScaleError."""
    return 2 * checked_constant(C) / (3 - C)


@at_least_exact
def contraction_ratio(C: float) -> float:
    """``rho = (1+c)/(1-c) = (3+C)/(3-C)``, c = C/3 (T1-sharp). Raises ScaleError."""
    return (3 + checked_constant(C)) / (3 - C)


def constant_limit(theorem: str) -> float:
    """The C up to which the theorem speaks: T1 below 1/2, T1-q up to 2/3 (rounded down), T1-sharp below 1. Raises ChoiceError."""
    return float_below(CONSTANT_LIMITS[_theorem(theorem)])


@decided_exactly
def applies(C: float, theorem: str) -> bool:
    """Whether Condition 2(C) with this C, exactly, is among the theorem's hypotheses. Raises ChoiceError, ScaleError."""
    limit, C = CONSTANT_LIMITS[_theorem(theorem)], checked_constant(C)
    return bool(C <= limit if theorem == "T1-q" else C < limit)


@bounding(LowerBound, C=UpperBound)
@at_most_exact
def step_limit(C: float, theorem: str = "T1-sharp") -> float:
    """The largest step size eta for which the theorem gives ``||r(k)||^2 <= (1-eta)^k ||r(0)||^2``; 0 when there is none.

    T1: ``(1-2C)/(1+C)^2`` for C < 1/2. T1-q: ``(1-2q)/(1-q)^2`` for C < 3/5. T1-sharp: ``rho(2-rho)`` for C < 1. A float C
    gives the largest float that is not above the limit; a ball C gives an enclosure. Raises ChoiceError, ScaleError.
    """
    checked_constant(C)
    if _theorem(theorem) == "T1":
        return positive_part((1 - 2 * C) / (1 + C) ** 2)
    if theorem == "T1-q":
        q = deficit(C)
        return positive_part((1 - 2 * q) / (1 - q) ** 2) if C < 1 else 0.0
    rho = contraction_ratio(C)
    return positive_part(rho * (2 - rho))


@bounding(LowerBound, C=UpperBound)
@at_most_exact
def validity_limit(C: float, theorem: str = "T1-sharp") -> float:
    """The largest step size for which the theorem's own factor ``rate`` holds; 0 when C is out of its range.

    T1: its step limit. T1-q: 1. T1-sharp: ``rho(2-rho)``. Raises ChoiceError, ScaleError.
    """
    if not applies(C, theorem):
        return 0.0
    return 1.0 if theorem == "T1-q" else step_limit(C, theorem)


@bounding(UpperBound, within=validity_limit, C=UpperBound)
@at_least_exact
def rate(eta: float, C: float, theorem: str = "T1-sharp") -> float:
    """The factor on ``||r||`` (not squared) of one step. T1: ``sqrt(1-eta)``; T1-q: ``1-eta(1-q)``; T1-sharp: ``1-eta/rho``.

    A bound up to ``validity_limit`` only; beyond it the formula is evaluated all the same.
    Raises ChoiceError, ScaleError (eta not positive; eta > 1 for T1, whose factor does not exist then).
    """
    positive_real(eta, "the step size eta")
    if _theorem(theorem) == "T1":
        if eta > 1:
            raise ScaleError(f"eta is {shown(eta)}; the factor sqrt(1 - eta) of T1 needs eta <= 1")
        checked_constant(C)
        return square_root(1 - eta)
    if theorem == "T1-q":
        return 1 - eta * (1 - deficit(C))
    return 1 - eta / contraction_ratio(C)


@at_most_exact
def factor_limit(C: float) -> float:
    """``(1+c)(1-3c)/(1-2c-c^2)``, the step size up to which T1-sharp's factor ``1 - eta/rho`` holds; 0 for C >= 1.

    Above ``rho(2-rho)``, from where that factor exceeds ``sqrt(1-eta)``. Raises ScaleError.
    """
    if not checked_constant(C) < 1:
        return 0.0
    c = C / 3
    return (1 + c) * (1 - 3 * c) / (1 - 2 * c - c**2)


def lemma_constants(stability: float) -> tuple[float, float]:
    """``c/(1+c)`` and ``(1+c)(1-2c)``: Lemma S of T1-sharp's proof (theory/maps/adversary.py), 0 < c < 1. Raises ScaleError."""
    if not 0 < real(stability, "c") < 1:
        raise ScaleError(f"c is {shown(stability)}; Lemma S needs 0 < c < 1")
    return stability / (1 + stability), (1 + stability) * (1 - 2 * stability)


@at_least_exact
def radius(C: float, residual_norm: float, lambda_min: float, theorem: str = "T1-sharp") -> float:
    """How long the path from theta(0) can get, hence how far the iterates, in the norm of the parameters.

    T1: ``2/(1-C/3)``; T1-q: ``1/(1-C)``; T1-sharp: ``(1+c)/(1-c)^2``; each times ``||r(0)||/sqrt(lambda)``, and at most
    ``condition_radius`` where the theorem applies. Raises ChoiceError, ScaleError.
    """
    c = checked_constant(C) / 3
    unit = unit_length(residual_norm, lambda_min)
    if _theorem(theorem) == "T1-q":
        return unit / (1 - C) if C < 1 else math.inf
    return (2 / (1 - c) if theorem == "T1" else (1 + c) / (1 - c) ** 2) * unit


@at_least_exact
def condition_radius(residual_norm: float, lambda_min: float) -> float:
    """``3 ||r(0)|| / sqrt(lambda)``, the radius of the ball in Condition 2 (paper). Raises ScaleError."""
    return 3 * unit_length(residual_norm, lambda_min)


@at_least_exact
def stability_constant(deviation: float, lambda_min: float) -> float:
    """``C = 3 sup ||J(theta) - J(0)||_2 / sqrt(lambda)``: Condition 2(C) with equality. Raises ScaleError (also for nan)."""
    return 3 * magnitude(deviation, "the deviation") / square_root(eigenvalue(lambda_min))


@at_least_exact
def first_step_rate(eta: float, C: float) -> float:
    """``|1-eta| + eta C/3``, the factor of the first step for ``0 < eta <= 3`` (T1-first). Raises ScaleError."""
    if not 0 < real(eta, "eta") <= 3:
        raise ScaleError(
            f"eta is {shown(eta)}; T1-first needs 0 < eta <= 3, so that the first segment lies in the ball"
        )
    return abs(1 - eta) + eta * checked_constant(C) / 3


@at_least_exact
def step_rate(eta: float, variation: float) -> float:
    """``|1-eta| + eta eps_k`` with ``eps_k = sup_s ||(J(theta_s) - J(k)) J(k)^+||_2`` (T1-step). Raises ScaleError."""
    return abs(1 - positive_real(eta, "eta")) + eta * magnitude(variation, "eps")


@at_least_exact
def line_sine(C: float, theorem: str = "T1-line") -> float:
    """Sine of the largest angle between the output step and the straight line to the target, for ``C <= 1``.

    T1-line: ``q = 2C/(3-C)``. T1-line-sharp: ``sin(2 arcsin(c/sqrt(1-3c^2))) = 2c sqrt(1-4c^2)/(1-3c^2)``, ``c = C/3``.
    Raises ChoiceError, ScaleError (C > 1).
    """
    if not real(C, "C") <= 1:
        raise ScaleError(f"C is {shown(C)}; T1-line needs C <= 1, where q <= 1")
    if theorem not in LINE_THEOREMS:
        raise ChoiceError(f"unknown theorem {theorem!r}; known: {', '.join(LINE_THEOREMS)}")
    if theorem == "T1-line":
        return deficit(C)
    c = checked_constant(C) / 3
    return 2 * c * square_root(1 - 4 * c**2) / (1 - 3 * c**2)


@decided_exactly
def iterations(factor: float, reduction: float) -> int:
    """The least number k of steps after which ``factor^k <= reduction``, exactly (both on the norm, not squared).

    Raises ScaleError.
    """
    if not (0 < real(factor, "factor") and factor < 1 and 0 < real(reduction, "reduction") and reduction < 1):
        raise ScaleError(f"factor {shown(factor)} and reduction {shown(reduction)} must lie strictly between 0 and 1")
    if isinstance(factor, arb) or isinstance(reduction, arb):
        return ceiling(logarithm(reduction) / logarithm(factor))
    # factor = a/b in lowest terms: factor^k = reduction makes b^k its denominator, so only a small k can be met exactly
    most, power = int(exact(reduction).q).bit_length(), exact(1)
    for k in range(1, most + 1):
        power *= factor
        if power <= reduction:
            return k
    count, _ = at_rising_precision(
        lambda: arb(logarithm(reduction) / logarithm(factor)).ceil(),
        lambda found: found.unique_fmpz() is not None,
        cap=2**16,
    )
    return ceiling(count)


def _theorem(name: str) -> str:
    if name not in THEOREMS:
        raise ChoiceError(f"unknown theorem {name!r}; known: {', '.join(THEOREMS)}")
    return name


def checked_constant(C: float) -> float:
    """C itself. Raises ScaleError outside [0, 3)."""
    if not 0 <= real(C, "C") < 3:
        raise ScaleError(f"C is {shown(C)}; a stability constant lies in [0, 3)")
    return C


def eigenvalue(lambda_min: float) -> float:
    """lambda itself. Raises ScaleError unless it is finite and positive."""
    if not (real(lambda_min, "lambda_min") > 0 and finite(lambda_min)):
        raise ScaleError(f"lambda_min is {shown(lambda_min)}; Condition 1 needs a positive one, and a finite one")
    return lambda_min


@at_least_exact
def unit_length(residual_norm: float, lambda_min: float) -> float:
    """``||r(0)|| / sqrt(lambda)``, the unit of every radius. Raises ScaleError (also for nan, or a negative norm)."""
    return magnitude(residual_norm, "||r(0)||") / square_root(eigenvalue(lambda_min))
