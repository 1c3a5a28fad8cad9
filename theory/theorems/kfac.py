"""K-FAC on the squared loss: T4, T4-lev, T4-sharp, T4-least, T4-frozen (docs/theory.md).

Setting. Pattern features ``S(W)`` (n, m), ``H = S S^T``, ``sigma^2 = lambda_min(H(0))``; update
``W(k+1) = W(k) - eta S(k)^+ diag(r(k)) (X^+)^T``. ``P = X X^+``, leverage scores ``h_i = P_ii`` from h_min to h_max,
eigenvalues of X^T X from mu_min (the smallest nonzero one) to mu_max; ``1/mu_max <= h_i <= min(1, 1/mu_min)`` for unit rows.
Condition K1: sigma > 0. Condition K2(C): ``||S(W) - S(0)||_2 <= (C/3) sigma`` for all W with
``||W - W(0)||_F <= 3 ||r(0)|| / (sigma (h_min mu_min)^{1/2})``. ``c = C/3``, ``q = 2C/(3-C)``, ``rho = (3+C)/(3-C)``.

T4 [paper]. rank X = d, C < 1/2 and 0 < eta <= mu_min (1-2C)/(1+C)^2 give ||r(k)||^2 <= (1 - eta/mu_max)^k ||r(0)||^2.
T4-lev [derived]. Any rank, C < 3/5 and 0 < eta <= (1-2q)/(h_max (1-q)^2) give ||r(k)||^2 <= (1 - eta h_min)^k ||r(0)||^2.
T4-sharp [derived]. Any rank, C < 1 and 0 < eta <= rho(2-rho)/h_max give the same, and even
    ||r(k+1)||^2 <= (1 - eta h_min (2/rho - eta h_max/rho^2)) ||r(k)||^2.
T4-least [derived]. Under the hypotheses of T4-sharp even ||r(k)|| <= (1 - eta h_min/rho)^k ||r(0)||, which is never slower.
T4-frozen [derived]. On segments where S does not change, r(k+1) = (I - eta diag(h)) r(k); with rank X = n this is
    (1-eta) r(k), natural gradient descent's residual.

The path of all is at most ``2/(1-c) ||r(0)||/(sigma (h_min mu_min)^{1/2})`` long, the radius of K2's ball at C = 1. Proofs:
docs/proofs/kfac.md, P8.1 to P8.10.

What is sharp: rho(2-rho)/h_max is attained when all leverage scores are equal; 1 - eta h_min/rho whatever they are, by a step
whose ratio ``M_ii`` is 1/rho at the input of least leverage, where the residual is. Every function of real
numbers takes floats or balls (arb), and answers in kind. Floats are taken as the numbers that they are, and answered by the next float
on the side on which the statement stays true (theory/directed.py).
"""

from collections.abc import Mapping
from types import MappingProxyType

from flint import fmpq

from theory.directed import at_least_exact, at_most_exact, float_below
from theory.direction import LowerBound, UpperBound, bounding
from theory.errors import ChoiceError, ScaleError
from theory.reals import finite, magnitude, positive_real, real, shown, square_root
from theory.theorems.ngd import contraction_ratio, deficit

THEOREMS = ("T4", "T4-lev", "T4-sharp", "T4-least")

CONSTANT_LIMITS: Mapping[str, fmpq] = MappingProxyType(
    {"T4": fmpq(1, 2), "T4-lev": fmpq(3, 5), "T4-sharp": fmpq(1), "T4-least": fmpq(1)}
)
"""The C below which each theorem speaks, exactly."""


def constant_limit(theorem: str = "T4-lev") -> float:
    """The C below which the theorem speaks: T4 1/2, T4-lev 3/5 (rounded down), T4-sharp and T4-least 1. Raises ChoiceError."""
    return float_below(CONSTANT_LIMITS[_theorem(theorem)])


@bounding(LowerBound, C=UpperBound, h_max=UpperBound, mu_min=LowerBound)
@at_most_exact
def step_limit(C: float, *, h_max: float | None = None, mu_min: float | None = None, theorem: str = "T4-lev") -> float:
    """The largest step size that the theorem allows; 0 when C is out of its range.

    T4: ``mu_min (1-2C)/(1+C)^2``. T4-lev: ``(1-2q)/(h_max (1-q)^2)``. T4-sharp, T4-least: ``rho(2-rho)/h_max``.
    Raises ChoiceError, ScaleError (a constant that the theorem needs is missing or not positive).
    """
    q, rho = deficit(C), contraction_ratio(C)
    if C >= CONSTANT_LIMITS[_theorem(theorem)]:
        return 0.0
    if theorem == "T4":
        return _given(mu_min, "mu_min", theorem) * (1 - 2 * C) / (1 + C) ** 2
    share = (1 - 2 * q) / (1 - q) ** 2 if theorem == "T4-lev" else rho * (2 - rho)
    return share / _given(h_max, "h_max", theorem)


@bounding(UpperBound, C=UpperBound, h_min=LowerBound, h_max=UpperBound, mu_max=UpperBound)
@at_least_exact
def rate(
    eta: float,
    C: float,
    *,
    h_min: float | None = None,
    h_max: float | None = None,
    mu_max: float | None = None,
    theorem: str = "T4-lev",
) -> float:
    """The factor on ``||r||`` (not squared) of one step within the step limit.

    T4: ``(1 - eta/mu_max)^{1/2}``. T4-lev: ``(1 - eta h_min)^{1/2}``. T4-sharp:
    ``(1 - eta h_min (2/rho - eta h_max/rho^2))^{1/2}``. T4-least: ``1 - eta h_min/rho``. Raises ChoiceError, ScaleError.
    """
    positive_real(eta, "the step size eta")
    rho = contraction_ratio(C)
    if _theorem(theorem) == "T4":
        fall = eta / _given(mu_max, "mu_max", theorem)
    else:
        fall = eta * _given(h_min, "h_min", theorem)
    if theorem == "T4-least":
        fall = fall / rho
    if theorem == "T4-sharp":
        fall = fall * (2 / rho - eta * _given(h_max, "h_max", theorem) / rho**2)
    if fall > 1:
        raise ScaleError(f"eta is {shown(eta)}; the factor of {theorem} does not exist beyond its step limit")
    return 1 - fall if theorem == "T4-least" else square_root(1 - fall)


@at_least_exact
def radius(C: float, residual_norm: float, sigma_squared: float, h_min: float, mu_min: float) -> float:
    """How long the path from W(0) can get: ``2/(1-C/3) ||r(0)||/(sigma (h_min mu_min)^{1/2})``, for each theorem.

    A distance (Frobenius norm, not squared); at most ``condition_radius`` for C <= 1. Raises ScaleError.
    """
    contraction_ratio(C)
    return 2 / (1 - C / 3) * _unit(residual_norm, sigma_squared, h_min, mu_min)


@at_least_exact
def condition_radius(residual_norm: float, sigma_squared: float, h_min: float, mu_min: float) -> float:
    """``3 ||r(0)||/(sigma (h_min mu_min)^{1/2})``, the radius of the ball in Condition K2. Raises ScaleError."""
    return 3 * _unit(residual_norm, sigma_squared, h_min, mu_min)


@at_least_exact
def stability_constant(deviation: float, sigma_squared: float) -> float:
    """``C = 3 sup ||S(W) - S(0)||_2/sigma``: Condition K2(C) with equality. Raises ScaleError."""
    return (
        3 * magnitude(deviation, "the deviation") / square_root(_given(sigma_squared, "sigma_squared", "Condition K1"))
    )


def frozen_factor(eta: float, leverage: float) -> float:
    """``1 - eta h_i``, by which the residual of one input changes while S does not (T4-frozen). Raises ScaleError."""
    return 1 - real(eta, "eta") * real(leverage, "the leverage score")


def _theorem(name: str) -> str:
    if name not in THEOREMS:
        raise ChoiceError(f"unknown theorem {name!r}; known: {', '.join(THEOREMS)}")
    return name


def _given(value: float | None, name: str, needed_by: str) -> float:
    """A positive constant that a formula cannot do without."""
    if value is None:
        raise ScaleError(f"{name} is None; {needed_by} needs a positive one")
    if not (real(value, name) > 0 and finite(value)):
        raise ScaleError(f"{name} is {shown(value)}; {needed_by} needs a positive one, and a finite one")
    return value


def _unit(residual_norm: float, sigma_squared: float, h_min: float, mu_min: float) -> float:
    product = _given(sigma_squared, "sigma_squared", "Condition K1")
    product = product * _given(h_min, "h_min", "K-FAC") * _given(mu_min, "mu_min", "K-FAC")
    return magnitude(residual_norm, "||r(0)||") / square_root(product)
