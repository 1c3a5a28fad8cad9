"""K-FAC on the squared loss: T4, T4-lev, T4-sharp (docs/theory.md).

Setting. Pattern features ``S(W)`` (n, m), ``H = S S^T``, ``sigma^2 = lambda_min(H(0))``; update
``W(k+1) = W(k) - eta S(k)^+ diag(r(k)) (X^+)^T``. ``P = X X^+``, leverage scores ``h_i = P_ii`` from h_min to h_max,
eigenvalues of X^T X from mu_min (the smallest nonzero one) to mu_max; ``1/mu_max <= h_i <= min(1, 1/mu_min)`` for unit rows.
Condition K1: sigma > 0. Condition K2(C): ``||S(W) - S(0)||_2 <= (C/3) sigma`` for all W with
``||W - W(0)||_F <= 3 ||r(0)|| / (sigma (h_min mu_min)^{1/2})``. ``c = C/3``, ``q = 2C/(3-C)``, ``rho = (3+C)/(3-C)``.

T4 [paper]. rank X = d, C < 1/2 and 0 < eta <= mu_min (1-2C)/(1+C)^2 give ||r(k)||^2 <= (1 - eta/mu_max)^k ||r(0)||^2.
T4-lev [derived]. Any rank, C < 3/5 and 0 < eta <= (1-2q)/(h_max (1-q)^2) give ||r(k)||^2 <= (1 - eta h_min)^k ||r(0)||^2.
T4-sharp [derived]. Any rank, C < 1 and 0 < eta <= rho(2-rho)/h_max give the same, and even
    ||r(k+1)||^2 <= (1 - eta h_min (2/rho - eta h_max/rho^2)) ||r(k)||^2.

The path of all is at most ``2/(1-c) ||r(0)||/(sigma (h_min mu_min)^{1/2})`` long, the radius of K2's ball at C = 1. Proofs:
docs/proofs/kfac.md, P8.1 to P8.8. T4-least stands in kfac_least.py, T4-frozen in kfac_frozen.py; the functions of T4, T4-lev, T4-sharp and
T4-least are called here, by the theorem's name. In the obligations ``h = t = eta h_max``; T4-sharp's own squares are O-sharp-rate.

What is sharp: rho(2-rho)/h_max is attained when all leverage scores are equal. Every function of real
numbers takes floats or balls (arb), and answers in kind. Floats are taken as the numbers that they are, and answered by the next float
on the side on which the statement stays true (theory/directed.py).
"""

from collections.abc import Mapping
from types import MappingProxyType

from flint import fmpq

from theory.directed import at_least_exact, at_most_exact, float_below
from theory.direction import LowerBound, UpperBound, bounding
from theory.errors import ScaleError
from theory.inputs import known_theorem
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import Range, constants, needs
from theory.reals import finite, magnitude, positive_real, real, shown, square_root
from theory.theorems.condition import DEFICIT, DEFICIT_BELOW_C, PAPER_BALL, STEP, TELESCOPE, Q, deficit
from theory.theorems.identities import KRONECKER_MOVE
from theory.theorems.ngd_sharp import GOAL, ONE_STEP, RATE, contraction_ratio, one_step_ranges, rate_ranges
from theory.theorems.segments import INDUCTION, INTEGRAL, SCHUR

SECTION = 7

THEOREMS = ("T4", "T4-lev", "T4-sharp", "T4-least")


CONSTANT_LIMITS: Mapping[str, fmpq] = MappingProxyType(
    {"T4": fmpq(1, 2), "T4-lev": fmpq(3, 5), "T4-sharp": fmpq(1), "T4-least": fmpq(1)}
)
"""The C below which each theorem speaks, exactly."""


def constant_limit(theorem: str = "T4-lev") -> float:
    """The C below which the theorem speaks: T4 1/2, T4-lev 3/5 (rounded down), T4-sharp and T4-least 1. Raises ChoiceError."""
    return float_below(CONSTANT_LIMITS[known_theorem(theorem, THEOREMS)])


@bounding(LowerBound, C=UpperBound, h_max=UpperBound, mu_min=LowerBound)
@at_most_exact
def step_limit(C: float, *, h_max: float | None = None, mu_min: float | None = None, theorem: str = "T4-lev") -> float:
    """The largest step size that the theorem allows; 0 when C is out of its range.

    T4: ``mu_min (1-2C)/(1+C)^2``. T4-lev: ``(1-2q)/(h_max (1-q)^2)``. T4-sharp, T4-least: ``rho(2-rho)/h_max``.
    Raises ChoiceError, ScaleError (a constant that the theorem needs is missing or not positive).
    """
    q, rho = deficit(C), contraction_ratio(C)
    if C >= CONSTANT_LIMITS[known_theorem(theorem, THEOREMS)]:
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
    if known_theorem(theorem, THEOREMS) == "T4":
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


SPEAKS = {theorem: constants(limit, included=False) for theorem, limit in CONSTANT_LIMITS.items()}
"""The C of which each theorem speaks."""

STEP_LIMITS = {
    "T4": "mu_min*(1-2*C)/(1+C)**2",
    "T4-lev": "(3-C)*(3-5*C)/(9*(1-C)**2)/h_max",
    "T4-sharp": "3*(3+C)*(1-C)/(3-C)**2/h_max",
    "T4-least": "3*(3+C)*(1-C)/(3-C)**2/h_max",
}
_LEVERAGE_LIMIT = "(1-2*q)/(1-q)**2"
_CONTAINED = {"q": DEFICIT, "paper": "mu*(1-2*C)/(1+C)**2", "leverage": "(1-2*q)/(h_max*(1-q)**2)"}
_SCORES = ("0 < h_max", "0 < mu")

CALCULATED = (
    Calculated(STEP_LIMITS["T4"], lambda C, mu_min: step_limit(C, mu_min=mu_min, theorem="T4"), (SPEAKS["T4"],)),
    *(
        Calculated(
            STEP_LIMITS[theorem],
            lambda C, h_max, theorem=theorem: step_limit(C, h_max=h_max, theorem=theorem),
            (SPEAKS[theorem],),
        )
        for theorem in ("T4-lev", "T4-sharp", "T4-least")
    ),
    Calculated(_CONTAINED["paper"], lambda C, mu: step_limit(C, mu_min=mu, theorem="T4"), (SPEAKS["T4"],)),
    Calculated(_CONTAINED["leverage"], lambda q, h_max: step_limit(3 * q / (2 + q), h_max=h_max), ("0 <= q < 1/2",)),
    Calculated(_LEVERAGE_LIMIT, lambda q: step_limit(3 * q / (2 + q), h_max=1), ("0 <= q < 1/2",)),
    *(
        Calculated(
            "rho*(2-rho)",
            lambda rho, theorem=theorem: step_limit(3 * (rho - 1) / (rho + 1), h_max=1, theorem=theorem),
            ("1 <= rho < 2",),
        )
        for theorem in ("T4-sharp", "T4-least")
    ),
    Calculated("2/(1-C/3)", lambda C: radius(C, 1, 1, 1, 1), ("0 <= C <= 1",)),
)

_STEP = "0 < h <= limit"

LEVERAGE_RATE = Obligation(
    "O-t4",
    "T4-lev: within the step limit h <= 1 and the square of 1 - h(1-q) is at most 1 - h",
    (
        Implication(("0 <= q < 1/2", _STEP), "h <= 1", {"limit": _LEVERAGE_LIMIT}),
        Implication(("0 <= q < 1/2", _STEP), "(1 - h*(1-q))**2 <= 1 - h", {"limit": _LEVERAGE_LIMIT}),
    ),
    (
        Mutation("below-1", "h <= 0.999", {"h <= 1": "h <= 999/1000"}),
        Mutation("longer-step", "the step limit times 1.001", {_STEP: "0 < h <= 1001/1000*limit"}, part=1),
        Mutation("doubled-step", "the step limit doubled", {_STEP: "0 < h <= 2*limit"}, part=1),
    ),
)

CONTAINED = Obligation(
    "O-t4-contained",
    "T4 is contained in T4-lev: its step limit is smaller since h_max <= 1/mu_min and q <= C, its rate slower since h_min >= 1/mu_max",
    (
        Implication(("0 <= C < 1/2", "0 < mu", "0 < h_max", "h_max*mu <= 1"), "paper <= leverage", _CONTAINED),
        Implication(("0 < mu_max", "1/mu_max <= h_min", "0 < eta"), "1 - eta*h_min <= 1 - eta/mu_max"),
        Implication(("0 < eta*h_max <= 1", "0 < h_min <= h_max", "0 <= r"), "eta**2*h_max*r**2 <= r**2/h_min"),
    ),
    (
        Mutation("larger-h", "h_max mu_min up to 1.001", {"h_max*mu <= 1": "h_max*mu <= 1001/1000"}),
        Mutation("larger-C", "C from -0.001 on", {"0 <= C < 1/2": "-1/1000 <= C < 1/2"}),
        Mutation("smaller-h", "h_min >= 0.999/mu_max", {"1/mu_max <= h_min": "999/1000/mu_max <= h_min"}, part=1),
        Mutation("longer-step", "eta h_max up to 1.001", {"0 < eta*h_max <= 1": "0 < eta*h_max <= 1001/1000"}, part=2),
    ),
)

LEVERAGE = Obligation(
    "O-leverage",
    "T4: a summand sigma^2 u^2 of ||x_i||^2 lies between mu_min and mu_max times the summand u^2 of h_i; so for a unit row "
    "h_i mu_min <= 1 <= h_i mu_max",
    (
        Implication(("0 < mu_min <= square <= mu_max",), "mu_min*u**2 <= square*u**2 <= mu_max*u**2"),
        Implication(("0 < mu_min", "h*mu_min <= length <= h*mu_max", "length == 1"), "h*mu_min <= 1"),
        Implication(("0 < mu_max", "h*mu_min <= length <= h*mu_max", "length == 1"), "h*mu_max >= 1"),
    ),
    (
        Mutation("larger", "mu_max times 0.999", {"<= mu_max*u": "<= 999/1000*mu_max*u"}),
        Mutation("longer-row", "a row of squared length 1.001", {"length == 1": "length == 1001/1000"}, part=1),
        Mutation("shorter-row", "a row of squared length 0.999", {"length == 1": "length == 999/1000"}, part=2),
    ),
)

OBLIGATIONS = (LEVERAGE_RATE, CONTAINED, LEVERAGE)

SCORES = ("0 < mu_min <= mu_max", "1 <= h_min*mu_max", "h_min <= h_max", "h_max <= 1", "h_max*mu_min <= 1")
"""Leverage scores lie between 1/mu_max and min(1, 1/mu_min)."""


def leverage_ranges(theorem: str) -> list[Range]:
    """What bounds of leverage scores by eigenvalues need."""
    unit = ("0 < mu_min <= mu_max", "h*mu_min <= length <= h*mu_max", "length == 1")
    return [
        *needs(theorem, LEVERAGE, (0,), "0 < mu_min <= square <= mu_max"),
        *needs(theorem, LEVERAGE, (1, 2), *unit),
    ]


def ball_ranges(theorem: str) -> list[Range]:
    """What keeps the path in K2's ball."""
    given = (SPEAKS[theorem], STEP, *SCORES)
    return [
        *needs(theorem, TELESCOPE, (0,), "0 < a", "0 <= b", "b**2 <= a**2 - x"),
        *needs(theorem, PAPER_BALL, (1,), SPEAKS[theorem]),
        *needs(theorem, PAPER_BALL, (0,), "0 <= s", "s**2 == 1 - x", "0 < x <= 1"),
        *needs(theorem, CONTAINED, (2,), *given, "0 <= r", step=STEP_LIMITS[theorem]),
    ]


def _leverage_rate(theorem: str) -> list[Range]:
    given, step = (SPEAKS[theorem], STEP, *SCORES), STEP_LIMITS[theorem]
    return [
        *ball_ranges(theorem),
        *needs(theorem, DEFICIT_BELOW_C, (0, 1), SPEAKS[theorem]),
        *needs(theorem, LEVERAGE_RATE, (0, 1), *given, step=step, **Q, h="eta*h_max"),
    ]


RANGES = (
    *_leverage_rate("T4"),
    *leverage_ranges("T4"),
    *needs("T4", CONTAINED, (0,), SPEAKS["T4"], *SCORES, mu="mu_min"),
    *needs("T4", CONTAINED, (1,), SPEAKS["T4"], STEP, *SCORES, step=STEP_LIMITS["T4"]),
    *_leverage_rate("T4-lev"),
    *ball_ranges("T4-sharp"),
    *one_step_ranges("T4-sharp"),
    *rate_ranges("T4-sharp"),
)

_HERE = "docs/proofs/kfac.md: "

LEVERAGE_BOUNDS = argued("h_i mu_min <= ||x_i||^2 <= h_i mu_max, and h_i <= 1", f"{_HERE}P8.1")

MOVE = argued("one step is r+ = (I - eta M o P) r, M = mean(S) S(k)^+", f"{_HERE}P8.2")
STEP_LINKS = (
    INTEGRAL,
    *KRONECKER_MOVE,
    checked("J(W') vec(dW) = -eta ((S' S^+) o P) r", "I-kfac-fn"),
    MOVE,
    SCHUR,
    argued("||I - t M o Q|| <= ||I - t M||", f"{_HERE}P8.3"),
    argued("||I - t M||^2 <= 1 - t a gives ||r+||^2 <= ||r||^2 - eta a r'Dr", f"{_HERE}P8.4"),
)
BALL_LINKS = (
    proved("a decrease x of the squared norm a^2 takes at least x/(2a) off the norm", TELESCOPE),
    proved("eta^2 h_max r^2 <= r^2/h_min for eta h_max <= 1, 0 < h_min <= h_max: the current segment", CONTAINED),
    argued("the path is at most 2/(1-c) long in K2's unit", f"{_HERE}P8.7"),
    proved("2/(1-C/3) <= 3 for C <= 1", PAPER_BALL),
    INDUCTION,
)
_LEVERAGE_LINKS = (
    *STEP_LINKS,
    proved("2c/(1-c) = q at c = C/3, for C <= 1", DEFICIT_BELOW_C),
    argued("||I - t M|| <= 1 - t(1-q) for t <= 1", f"{_HERE}P8.5"),
    proved(
        "for q < 1/2, t = eta h_max is at most 1 within T4-lev's step limit, and (1 - t(1-q))^2 at most 1 - t",
        LEVERAGE_RATE,
    ),
)
SHARP_LINKS = (
    *STEP_LINKS,
    *ONE_STEP,
    argued("the same for S(k), mean(S) and S(0): ||I - t M|| <= 1 - t/rho", f"{_HERE}P8.6"),
    proved("2/rho - t/rho^2 >= 1 up to rho(2-rho), which is within the factor's limit; c < 1/3", RATE),
    proved("t <= 1 within the factor's limit, c < 1/3", GOAL),
)

CHAINS = (
    Chain(
        "T4",
        (
            *_LEVERAGE_LINKS,
            proved("q <= C for C <= 1", DEFICIT_BELOW_C),
            LEVERAGE_BOUNDS,
            proved("for a unit row h mu_min <= 1 and h mu_max >= 1, from h mu_min <= ||x_i||^2 <= h mu_max", LEVERAGE),
            proved(
                "with h_max mu_min <= 1 T4's step limit is within T4-lev's, C < 1/2; with h_min >= 1/mu_max its rate is slower",
                CONTAINED,
            ),
            argued("so T4 is contained in T4-lev", f"{_HERE}P8.8"),
            *BALL_LINKS,
            checked("the conclusion on instances", "T4"),
        ),
    ),
    Chain("T4-lev", (*_LEVERAGE_LINKS, *BALL_LINKS, checked("the conclusion on instances", "T4-lev"))),
    Chain("T4-sharp", (*SHARP_LINKS, *BALL_LINKS, checked("the conclusion on instances", "T4-sharp"))),
)
