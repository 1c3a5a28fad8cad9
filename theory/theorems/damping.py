"""Damped natural gradient descent on the squared loss: T1-damped (docs/theory.md).

Setting. ``theta(k+1) = theta(k) - eta J^T (J J^T + eps I)^{-1} r``, eps >= 0 (theory/descent/damped_ngd.py); residual, lambda, Conditions 1
and 2(C), ``c = C/3`` as in ngd.py; ``e = eps/lambda``. NGD is eps = 0.

T1-damped [derived]. 0 <= C < 1, Condition 2(C) on the ball of radius max(3, 1/(1-C)) ||r(0)||/sqrt(lambda), which for C <= 2/3 is the
paper's, and ``0 < eta <= 1 + e(e + 2c(1-c))/(e^2 + 2e(1-c)^2 + 2c(1-c)^3)`` (1 at e = 0) give ||r(k)|| <= (1 - eta h)^k ||r(0)||,
``h = (1-c)(1-C)/((1-c)^2 + e)``, and a path of at most ||r(0)||/((1-C) sqrt(lambda)) whatever eps is.

Proofs: docs/proofs/ngd.md, P5.15 to P5.19. Sharp: rate and path for a step of which only ``sigma_min(J(k)) >= (1-c) sqrt(lambda)`` and
``||J(theta_s) - J(k)|| <= 2c sqrt(lambda)`` is known; under Condition 2 itself, for c > 0 and eta <= 1, the rate at
eps = 0, eta = 1 alone (T1-q). Whether the step limit is sharp for eps > 0 under Condition 2 is open: above ``2/(1+h)`` a frozen
Jacobian breaks the rate, for c > 0 spikes above ``2/(f+h)``, ``f = sup_{S>=1} (S^2-c^2)/((S-c)^2+e)``.

In the obligations lengths in theta are in units in which lambda = 1; ``p = (J J^T + eps I)^{-1} r``, ``s = ||J^T p||/||p||``.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

from flint import fmpq

from theory.directed import at_least_exact, at_most_exact
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import constants, needs
from theory.reals import nonnegative_real, positive_real
from theory.theorems.condition import STEP, checked_constant, eigenvalue
from theory.theorems.ngd import OWN_RATE
from theory.theorems.ngd import radius as undamped_radius
from theory.theorems.segments import INDUCTION, INTEGRAL

SECTION = 4

CONSTANT_LIMIT = fmpq(1)
"""T1-damped speaks of C below it."""


@at_least_exact
def ratio(eps: float, lambda_min: float) -> float:
    """``e = eps/lambda``. Raises ScaleError."""
    return nonnegative_real(eps, "the damping eps") / eigenvalue(lambda_min)


@at_most_exact
def step_limit(C: float, eps: float, lambda_min: float) -> float:
    """The largest step size of T1-damped, in [1, 2); 0 for C >= 1. Raises ScaleError."""
    c, e = checked_constant(C) / 3, ratio(eps, lambda_min)
    if not C < 1:
        return 0.0
    if e == 0:
        return 1.0
    least = 1 - c
    return 1 + e * (e + 2 * c * least) / (e**2 + 2 * e * least**2 + 2 * c * least**3)


@at_least_exact
def rate(eta: float, C: float, eps: float, lambda_min: float) -> float:
    """The factor ``1 - eta h`` on ``||r||`` (not squared) of one step.

    A bound up to ``step_limit`` only; beyond it the formula is evaluated all the same. Raises ScaleError.
    """
    return 1 - positive_real(eta, "the step size eta") * progress(C, eps, lambda_min)


@at_most_exact
def progress(C: float, eps: float, lambda_min: float) -> float:
    """``h = (1-c)(1-C)/((1-c)^2 + eps/lambda)``. Raises ScaleError."""
    least = 1 - checked_constant(C) / 3
    return least * (1 - C) / (least**2 + ratio(eps, lambda_min))


@at_least_exact
def condition_factor(C: float) -> float:
    """``max(3, 1/(1-C))``: Condition 2's ball in units of ``||r(0)||/sqrt(lambda)``, C < 1. Raises ScaleError."""
    own = undamped_radius(C, 1, 1, "T1-q")
    return own if own > 3 else 3.0


@at_least_exact
def radius(C: float, residual_norm: float, lambda_min: float) -> float:
    """``||r(0)||/((1-C) sqrt(lambda))``, the length of the path at most, as T1-q's; infinite for C >= 1. Raises ScaleError."""
    return undamped_radius(C, residual_norm, lambda_min, "T1-q")


SPEAKS = constants(CONSTANT_LIMIT, included=False)
"""The C of which T1-damped speaks."""

LIMIT = "1 + e*(e+2*c*(1-c))/(e**2+2*e*(1-c)**2+2*c*(1-c)**3)"
RATE = "(1-c)*(1-3*c)/((1-c)**2+e)"

_CONSTANT = "0 <= c < 1/3"
_DAMPING = "0 <= e"
_DAMPED = "0 < e"
_STEP = "0 < eta <= limit"
_H = {"h": RATE}
_LIMIT = {"limit": LIMIT}
_KAPPA = {"kappa": "(1-c)**2/((1-c)**2+e)"}
_BELOW = "eta*(1-c)**2 < (1-c)**2+e"
_FORMS = {"x": "(1-c)**2+e-eta*(1-c)**2", "k": "(1-c)**2+t"}

CALCULATED = (
    Calculated(LIMIT, lambda c, e: step_limit(3 * c, e, 1), (_CONSTANT, _DAMPED)),
    Calculated(RATE, lambda c, e: progress(3 * c, e, 1), (_CONSTANT, _DAMPING)),
    Calculated(
        "1 - eta*(1-C/3)*(1-C)/((1-C/3)**2+eps/lam)",
        lambda eta, C, eps, lam: rate(eta, C, eps, lam),
        (SPEAKS, "0 <= eps", "0 < lam", "0 < eta"),
    ),
)

LEFT = Obligation(
    "O-damped-s",
    "T1-damped: what is left of p, relative to r, is largest at the least s: (e + 2cs)/(s^2 + e) <= 1 - h for s >= 1-c",
    (Implication((_CONSTANT, _DAMPING, "s >= 1-c"), "(e+2*c*s)/(s**2+e) <= 1 - h", _H),),
    (
        Mutation("faster", "h times 1.001", {"1 - h": "1 - 1001/1000*h"}),
        Mutation("undamped", "the rate of T1-q, without e", {RATE: "(1-3*c)/(1-c)"}),
        Mutation("smaller-s", "s from 0.999 (1-c) on", {"s >= 1-c": "s >= 999/1000*(1-c)"}),
        Mutation("1-c", "(1-c)^2 in place of (1-c)(1-3c)", {"(1-c)*(1-3*c)/": "(1-c)**2/"}),
        Mutation("Jacobians", "Jacobians that differ by 2.001 c", {"e+2*c*s": "e+2001/1000*c*s"}),
        Mutation("negative-e", "e down to -0.001", {_DAMPING: "-1/1000 <= e"}),
    ),
)

STEP_LENGTH = Obligation(
    "O-damped-path",
    "T1-damped: a step is at most (||r|| - U)/(1-3c) long, U = (1-eta) ||r|| + eta (e + 2cs) ||p||, whatever e is",
    (
        Implication(
            (
                _CONSTANT,
                _DAMPING,
                "s >= 1-c",
                "0 <= p",
                "(s**2+e)*p <= r",
                "0 < eta",
                "U <= (1-eta)*r + eta*(e+2*c*s)*p",
            ),
            "eta*s*p <= (r - U)/(1-3*c)",
        ),
    ),
    (
        Mutation("shorter", "0.999 of it", {"(r - U)/(1-3*c)": "999/1000*(r - U)/(1-3*c)"}),
        Mutation("1-2c", "1 - 2c in place of 1 - 3c", {"(r - U)/(1-3*c)": "(r - U)/(1-2*c)"}),
        Mutation("smaller-s", "s from 0.999 (1-c) on", {"s >= 1-c": "s >= 999/1000*(1-c)"}),
    ),
)

TIGHT = Obligation(
    "O-damped-tight",
    "T1-damped: with the Jacobian 1-c and a mean Jacobian 2c less exactly 1 - eta h is left, and the step is (r - r+)/(1-3c) long",
    (
        Implication((_CONSTANT, _DAMPING), "1 - eta*(1-3*c)*(1-c)/((1-c)**2+e) == 1 - eta*h", _H),
        Implication((_CONSTANT, _DAMPING), "eta*(1-c)/((1-c)**2+e)*(1-3*c) == 1 - (1 - eta*h)", _H),
    ),
    (
        Mutation("within", "a mean Jacobian of 1-c, as Condition 2 allows", {"eta*(1-3*c)*(1-c)/": "eta*(1-c)*(1-c)/"}),
        Mutation(
            "shorter",
            "0.999 of the step",
            {"eta*(1-c)/((1-c)**2+e)*(1-3*c)": "999/1000*eta*(1-c)/((1-c)**2+e)*(1-3*c)"},
            part=1,
        ),
    ),
)

UNDAMPED = Obligation(
    "O-damped-below",
    "T1-damped: its factor is below 1, T1-q's at e = 0, and rises with e",
    (
        Implication((_CONSTANT, _DAMPING, "0 < eta"), "1 - eta*h < 1", _H),
        Implication((_CONSTANT,), "(1-c)*(1-3*c)/((1-c)**2) == 1-q", {"q": "2*c/(1-c)"}),
        Implication((_CONSTANT, "0 <= e <= f"), "(1-c)*(1-3*c)/((1-c)**2+f) <= h", _H),
    ),
    (
        Mutation("c-at-1/3", "c up to 1/3 itself: no progress", {_CONSTANT: "0 <= c <= 1/3"}),
        Mutation("2C", "q with 2.001 c", {"2*c/(1-c)": "2001/1000*c/(1-c)"}, part=1),
        Mutation("any-order", "e above f", {"0 <= e <= f": "0 <= e <= 1001/1000*f"}, part=2),
    ),
)

LONG_LIMIT = Obligation(
    "O-damped-long-limit",
    "T1-damped: up to the step limit (eta-1)^2 <= (1 - eta kappa)(1 - eta h) and eta kappa < 1, and the limit lies in (1, 2) for e > 0",
    (
        Implication((_CONSTANT, _DAMPED, _STEP), "(eta-1)**2 <= (1-eta*kappa)*(1-eta*h)", {**_KAPPA, **_H, **_LIMIT}),
        Implication((_CONSTANT, _DAMPED, _STEP), _BELOW, _LIMIT),
        Implication((_CONSTANT, _DAMPED), "limit < 2", _LIMIT),
        Implication((_CONSTANT, _DAMPED), "1 < limit", _LIMIT),
    ),
    (
        Mutation("longer-step", "the limit times 1.001", {_STEP: "0 < eta <= 1001/1000*limit"}),
        Mutation("doubled-step", "twice the limit", {_STEP: "0 < eta <= 2*limit"}, part=1),
        Mutation("below-1.999", "the limit stays below 1.999", {"limit < 2": "limit < 1999/1000"}, part=2),
        Mutation("above-1.001", "the limit is above 1.001", {"1 < limit": "1001/1000 < limit"}, part=3),
    ),
)

LONG_RATE = Obligation(
    "O-damped-long-young",
    "T1-damped: (1 - eta h)^2 (k+e)^2 less (1+tau)(e + (1-eta)k)^2 + (1+1/tau)(2c eta)^2 k, divided by x + y, tau = y/x, "
    "x = e + (1-eta)(1-c)^2, y = 2c eta (1-c), is a polynomial in t = k - (1-c)^2 without a constant term",
    (
        Implication(
            (_CONSTANT, _DAMPED, "0 < eta", _BELOW),
            "(1-eta*h)*(k+e)**2/((1-c)**2+e) - (e+(1-eta)*k)**2/x - 2*c*eta*k/(1-c) == "
            "t*2*eta*(e*(1-2*c) + c*(1-c)**2)/((1-c)*((1-c)**2+e)) + t**2*((1-eta*h)/((1-c)**2+e) - (eta-1)**2/x)",
            {**_FORMS, **_H},
        ),
    ),
    (
        Mutation("smaller-k", "k = (1-c)^2 - 0.001 t", {"(1-c)**2+t": "(1-c)**2-1/1000*t"}),
        Mutation("linear", "another coefficient of t", {"e*(1-2*c)": "e*(1-c)"}),
    ),
)

LONG_LENGTH = Obligation(
    "O-damped-long-path",
    "T1-damped: the same with 1-c for 2c and 1 for the factor, so that ||x|| + (1-c) eta ||a|| <= ||r||",
    (
        Implication(
            (_CONSTANT, _DAMPED, "0 < eta", _BELOW, "0 <= t", "(eta-1)**2*((1-c)**2+e) <= x"),
            "(e+(1-eta)*k)**2/x + eta*k <= (k+e)**2/((1-c)**2+e)",
            _FORMS,
        ),
        Implication((_CONSTANT, _DAMPED, _STEP), "(eta-1)**2 <= 1-eta*kappa", {**_KAPPA, **_LIMIT}),
    ),
    (
        Mutation("more", "1.001 times the length", {"+ eta*k <=": "+ 1001/1000*eta*k <="}),
        Mutation("longer-step", "the limit doubled", {_STEP: "0 < eta <= 2*limit"}, part=1),
    ),
)

OBLIGATIONS = (LEFT, STEP_LENGTH, TIGHT, UNDAMPED, LONG_LIMIT, LONG_RATE, LONG_LENGTH)

_C = {"c": "C/3"}
_IN_RANGE = (SPEAKS, _DAMPING)
_AT_LEAST = (*_IN_RANGE, "s >= 1-c", "0 <= p", "(s**2+e)*p <= r")
_LONG = (SPEAKS, _DAMPED, STEP)

RANGES = (
    *needs("T1-damped", LEFT, (0,), *_IN_RANGE, "s >= 1-c", **_C),
    *needs("T1-damped", STEP_LENGTH, (0,), *_AT_LEAST, "0 < eta <= 1", "U <= (1-eta)*r + eta*(e+2*c*s)*p", **_C),
    *needs("T1-damped", OWN_RATE, (1,), "0 <= C <= 2/3"),
    *needs("T1-damped", TIGHT, (0, 1), *_IN_RANGE, **_C),
    *needs("T1-damped", UNDAMPED, (0,), *_IN_RANGE, "0 < eta", **_C),
    *needs("T1-damped", UNDAMPED, (1,), SPEAKS, **_C),
    *needs("T1-damped", UNDAMPED, (2,), SPEAKS, "0 <= e <= f", **_C),
    *needs("T1-damped", LONG_LIMIT, (0, 1), *_LONG, **_C, step=LIMIT),
    *needs("T1-damped", LONG_LIMIT, (2, 3), SPEAKS, _DAMPED, **_C),
    *needs("T1-damped", LONG_RATE, (0,), *_LONG, **_C, step=LIMIT),
    *needs("T1-damped", LONG_LENGTH, (0,), *_LONG, "0 <= t", **_C, step=LIMIT),
    *needs("T1-damped", LONG_LENGTH, (1,), *_LONG, **_C, step=LIMIT),
)

_HERE = "docs/proofs/ngd.md: "

CHAINS = (
    Chain(
        "T1-damped",
        (
            INTEGRAL,
            argued(
                "inside the ball, where lambda = 1, s >= 1-c, ||r|| >= (s^2+e) ||p||, and r+ = (1-eta) r + eta (e p - (B-A) a) with "
                "||B-A|| <= 2c",
                f"{_HERE}P5.15",
            ),
            proved("(e+2cs)/(s^2+e) <= 1-h for s >= 1-c", LEFT),
            proved(
                "eta ||a|| <= (||r|| - U)/(1-C) for eta <= 1, U a bound of ||r+|| that is known at theta(k)",
                STEP_LENGTH,
            ),
            argued(
                "so ||r+|| <= (1 - eta h) ||r||, and the path is at most ||r(0)||/((1-C) sqrt(lambda)) long, for eta <= 1",
                f"{_HERE}P5.16",
            ),
            proved("1/(1-C) <= 3 for C <= 2/3", OWN_RATE),
            proved("(eta-1)^2 <= (1 - eta kappa)(1 - eta h) and eta kappa < 1 within the step limit", LONG_LIMIT),
            proved("the squares of ||x|| + 2c eta ||a|| and (1 - eta h) ||r||, an eigenvalue at a time", LONG_RATE),
            proved("the same for ||x|| + (1-c) eta ||a|| and ||r||", LONG_LENGTH),
            argued("rate and length of steps with eta > 1, by Young's inequality", f"{_HERE}P5.17"),
            INDUCTION,
            proved("the factor is below 1, T1-q's at e = 0, and rises with e", UNDAMPED),
            argued("at eps = 0 it is T1-q", f"{_HERE}P5.18"),
            proved("J(k) = 1-c with a mean Jacobian of 1-3c attains rate and length", TIGHT),
            argued("what attains the rate under Condition 2 itself", f"{_HERE}P5.19"),
            checked("the conclusion on instances", "T1-damped"),
        ),
    ),
)
