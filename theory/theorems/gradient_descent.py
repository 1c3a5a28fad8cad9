"""Gradient descent on the squared loss, for comparison: T0, T0-sharp (docs/theory.md).

Setting. ``r(k) = u(theta(k)) - y``, update ``theta(k+1) = theta(k) - eta J(k)^T r(k)``, ``lambda = lambda_min(G(0))``,
``Lambda = ||J(0)||_2^2``. Conditions 1 and 2(C) as in theory/theorems/condition.py, on the same ball. ``c = C/3``,
``q = 2C/(3-C)``, ``L = ||J(0)||_2 + c sqrt(lambda)``, which bounds ``||J(theta)||_2`` on the ball.

T0 [derived]. q < 1/2 (C < 3/5) and 0 < eta <= (1-2q)/L^2 give ||r(k)||^2 <= (1 - eta (1-c)^2 lambda)^k ||r(0)||^2, and the
path stays within 2/(1-c) ||r(0)||/sqrt(lambda).
T0-sharp [derived]. C <= 3/4 and 0 < eta <= (1-2c)/((1-c) L^2) give
||r(k)||^2 <= (1 - eta (2 - eta L^2) (1-c)^2 lambda)^k ||r(0)||^2, and the path stays within
2(1-c)/(1-3c+4c^2) ||r(0)||/sqrt(lambda). It contains T0's rate, up to a step (1-2c)/(1-5c) times as long.

Proofs: docs/proofs/gradient-descent.md, P9.1 to P9.4. The radius is at most the paper's 3 for c < 1/5 (T0) and c <= 1/4 (T0-sharp;
equality at 1/4).

Sharp: the (1-c)^2 of T0-sharp as eta -> 0 (n = 1, slope (1-c) sqrt(lambda)). T0 gives up a factor 2 there. T0-linear and T0-advantage
stand in gradient_advantage.py. Units of the obligations: lambda = 1, ``||r|| = 1``, ``x = eta L^2``, ``t = ||J(k)^T r||``; ``limit`` bounds
x, ``lower`` and ``upper`` are the two pieces of m(t).
Every function of real numbers here takes floats or balls (arb), and answers in kind. Floats are taken as the numbers that they are,
and answered by the next float on the side on which the statement stays true (theory/directed.py).
"""

from collections.abc import Mapping
from types import MappingProxyType

from flint import fmpq

from theory.directed import at_least_exact, at_most_exact, decided_exactly, float_below
from theory.direction import Bound, LowerBound, UpperBound, bounding
from theory.errors import ScaleError
from theory.inputs import known_theorem
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import constants, needs, shares
from theory.reals import finite, positive_real, real, shown, square_root
from theory.theorems.condition import PAPER_BALL, TELESCOPE, THIRD, deficit, eigenvalue, unit_length
from theory.theorems.condition import checked_constant as _constant
from theory.theorems.segments import INDUCTION, INTEGRAL

SECTION = 8

THEOREMS = ("T0", "T0-sharp")


BOUNDS: Mapping[str, type[Bound]] = MappingProxyType(
    {"C": UpperBound, "operator_norm": UpperBound, "lambda_min": LowerBound}
)
"""The kinds of numbers that give a certified step size and rate. C and lambda belong together: Condition 2(C) is one on
``||J - J(0)||_2 <= (C/3) lambda^{1/2}``, and the theorems hold for every positive lambda up to lambda_min(G(0)) with a C for it."""


CONSTANT_LIMITS: Mapping[str, fmpq] = MappingProxyType({"T0": fmpq(3, 5), "T0-sharp": fmpq(3, 4)})
"""The C up to which each theorem speaks, exactly."""


def constant_limit(theorem: str) -> float:
    """The C up to which the theorem speaks: T0 below 3/5 (rounded down), T0-sharp up to 3/4. Raises ChoiceError."""
    return float_below(CONSTANT_LIMITS[known_theorem(theorem, THEOREMS)])


@decided_exactly
def applies(C: float, theorem: str) -> bool:
    """Whether Condition 2(C) with this C, exactly, is among the theorem's hypotheses. Raises ChoiceError, ScaleError."""
    limit = CONSTANT_LIMITS[known_theorem(theorem, THEOREMS)]
    return bool(_constant(C) < limit if theorem == "T0" else _constant(C) <= limit)


@at_least_exact
def jacobian_bound(C: float, operator_norm: float, lambda_min: float) -> float:
    """``L = ||J(0)||_2 + (C/3) sqrt(lambda)``, a bound of ``||J||_2`` on the ball (not squared). Raises ScaleError."""
    return norm(operator_norm) + _constant(C) / 3 * square_root(eigenvalue(lambda_min))


@bounding(LowerBound, **BOUNDS)
@at_most_exact
def step_limit(C: float, operator_norm: float, lambda_min: float, theorem: str = "T0") -> float:
    """The largest step size eta of the theorem; 0 when C is out of its range.

    T0: ``(1-2q)/L^2``. T0-sharp: ``(1-2c)/((1-c) L^2)``. ``operator_norm`` is ``||J(0)||_2`` or an upper bound.
    Raises ChoiceError, ScaleError.
    """
    bound = jacobian_bound(C, operator_norm, lambda_min)
    if not applies(C, theorem):
        return 0.0
    c = C / 3
    return (1 - 2 * deficit(C) if theorem == "T0" else (1 - 2 * c) / (1 - c)) / bound**2


@at_most_exact
def decrease(eta: float, C: float, operator_norm: float, lambda_min: float, theorem: str = "T0") -> float:
    """What one step takes off ``||r||^2``, as a share of it. T0: ``eta (1-c)^2 lambda``; T0-sharp: ``(2 - eta L^2)`` times that.

    Raises ChoiceError, ScaleError (eta not positive).
    """
    positive_real(eta, "the step size eta")
    bound, share = jacobian_bound(C, operator_norm, lambda_min), eta * (1 - C / 3) ** 2 * lambda_min
    return share if known_theorem(theorem, THEOREMS) == "T0" else share * (2 - eta * bound**2)


@bounding(UpperBound, within=step_limit, **BOUNDS)
@at_least_exact
def rate(eta: float, C: float, operator_norm: float, lambda_min: float, theorem: str = "T0") -> float:
    """The factor on ``||r||`` (not squared) of one step, ``sqrt(1 - decrease)``. Raises what ``decrease`` raises."""
    share = decrease(eta, C, operator_norm, lambda_min, theorem)
    if share > 1:
        raise ScaleError(f"eta is {shown(eta)}; the theorem's step limit keeps eta (1-C/3)^2 lambda below 1")
    return square_root(1 - share)


@at_least_exact
def radius(C: float, residual_norm: float, lambda_min: float, theorem: str = "T0") -> float:
    """How long the path from theta(0) can get: ``2/(1-c)`` (T0) or ``2(1-c)/(1-3c+4c^2)`` times ``||r(0)||/sqrt(lambda)``.

    Raises ChoiceError, ScaleError.
    """
    c = _constant(C) / 3
    factor = 2 / (1 - c) if known_theorem(theorem, THEOREMS) == "T0" else 2 * (1 - c) / (1 - 3 * c + 4 * c**2)
    return factor * unit_length(residual_norm, lambda_min)


def norm(operator_norm: float) -> float:
    """``||J(0)||_2`` itself. Raises ScaleError unless it is finite and positive."""
    if not (real(operator_norm, "||J(0)||_2") > 0 and finite(operator_norm)):
        raise ScaleError(
            f"||J(0)||_2 is {shown(operator_norm)}; a norm of a Jacobian of full rank is finite and positive"
        )
    return operator_norm


SHARP_LIMIT = "(1-2*c)/(1-c)"

SHARP_RADIUS = "2*(1-c)/(1-3*c+4*c**2)"

SPEAKS = {
    theorem: constants(CONSTANT_LIMITS[theorem], applies(CONSTANT_LIMITS[theorem], theorem)) for theorem in THEOREMS
}
"""The C of which each theorem speaks."""

STEP_LIMITS = {"T0": "(3-5*C)/(3-C)", "T0-sharp": "(3-2*C)/(3-C)"}
"""Of x, in C."""


def _limit(C: float, theorem: str) -> float:
    """The step limit times L^2, for ``||J(0)||_2 = 2`` and lambda = 1."""
    return step_limit(C, 2, 1, theorem) * (2 + C / 3) ** 2


CALCULATED = (
    Calculated(STEP_LIMITS["T0"], lambda C: _limit(C, "T0"), (SPEAKS["T0"],)),
    Calculated(STEP_LIMITS["T0-sharp"], lambda C: _limit(C, "T0-sharp"), (SPEAKS["T0-sharp"],)),
    Calculated("1-2*q", lambda q: _limit(3 * q / (2 + q), "T0"), ("0 <= q < 1/2",)),
    Calculated(SHARP_LIMIT, lambda c: _limit(3 * c, "T0-sharp"), ("0 <= c <= 1/4",)),
    Calculated("2/(1-C/3)", lambda C: radius(C, 1, 1, "T0"), (SPEAKS["T0"],)),
    Calculated(SHARP_RADIUS, lambda c: radius(3 * c, 1, 1, "T0-sharp"), ("0 <= c <= 1/4",)),
)

_SHARP = ("0 <= c <= 1/4", "0 < x <= limit")

_LONGER = {"0 < x <= limit": "0 < x <= 1001/1000*limit"}

_LOWER = {"limit": SHARP_LIMIT, "lower": "(1-x)*t**2 - 2*c*t + 1 - c**2"}

_UPPER = {"limit": SHARP_LIMIT, "upper": "(2-x)*t**2 - 4*c*t"}

RATE = Obligation(
    "O-t0",
    "T0: 2c <= q t for t >= 1-c, and 2(1-q) - x >= 1 within the step limit",
    (
        Implication(("0 <= c < 1/5", "t >= 1-c"), "2*c <= q*t", {"q": "2*c/(1-c)"}),
        Implication(("0 <= c < 1/5", "0 < x <= limit"), "2*(1-q) - x >= 1", {"q": "2*c/(1-c)", "limit": "1-2*q"}),
    ),
    (
        Mutation("shorter-t", "t from 0.999 (1-c) on", {"t >= 1-c": "t >= 999/1000*(1-c)"}),
        Mutation("longer-step", "the step limit times 1.001", _LONGER, part=1),
        Mutation("doubled-step", "the step limit doubled", {"0 < x <= limit": "0 < x <= 2*limit"}, part=1),
    ),
)

SHARP_RATE = Obligation(
    "O-t0-sharp",
    "T0-sharp: m(t) >= (2-x)(1-c)^2 on both pieces; T0's rate and step limit are contained",
    (
        Implication((*_SHARP, "1-c <= t <= 1+c"), "lower >= (2-x)*(1-c)**2", _LOWER),
        Implication((*_SHARP, "t >= 1+c"), "upper >= (2-x)*(1-c)**2", _UPPER),
        Implication((*_SHARP,), "2 - x >= 1", {"limit": SHARP_LIMIT}),
        Implication(("0 <= c < 1/5",), "1 - 2*q <= limit", {"q": "2*c/(1-c)", "limit": SHARP_LIMIT}),
    ),
    (
        Mutation("longer-step", "the step limit times 1.001", _LONGER),
        Mutation("shorter-t", "t from 0.999 (1-c) on", {"1-c <= t <= 1+c": "999/1000*(1-c) <= t <= 1+c"}),
        Mutation("from-1-c", "the second piece from 1-c on", {"t >= 1+c": "t >= 1-c"}, part=1),
        Mutation("longer-step-3", "the step limit times 1.001", _LONGER, part=2),
        Mutation("q/3", "1 - q/3 in place of 1 - 2q", {"1 - 2*q <= limit": "1 - q/3 <= limit"}, part=3),
    ),
)

BALL = Obligation(
    "O-t0-ball",
    "T0-sharp: t/m(t) is at most (1-c)/(1-3c+4c^2) on both pieces, and twice that at most 3, with equality at c = 1/4",
    (
        Implication((*_SHARP, "1-c <= t <= 1+c"), "2*t/lower <= radius", {**_LOWER, "radius": SHARP_RADIUS}),
        Implication((*_SHARP, "t >= 1+c"), "2*t/upper <= radius", {**_UPPER, "radius": SHARP_RADIUS}),
        Implication(("0 <= c <= 1/4",), "radius <= 3", {"radius": SHARP_RADIUS}),
        Implication(("0 <= c <= 1/4",), "radius >= 1", {"radius": SHARP_RADIUS}),
    ),
    (
        Mutation("longer-step", "the step limit times 1.001", _LONGER),
        Mutation("longer-step-2", "the step limit times 1.001", _LONGER, part=1),
        Mutation("larger-c", "c up to 0.251", {"0 <= c <= 1/4": "0 <= c <= 251/1000"}, part=2),
        Mutation("smaller-ball", "a ball of radius 2.999", {"radius <= 3": "radius <= 2999/1000"}, part=2),
        Mutation("two", "the radius is at least 2.001", {"radius >= 1": "radius >= 2001/1000"}, part=3),
    ),
)

OBLIGATIONS = (RATE, SHARP_RATE, BALL)

_LIMITED = "0 < x <= step"
_PAPER_LIMIT = {**THIRD, "step": STEP_LIMITS["T0"]}
_SHARP_LIMIT = {**THIRD, "step": STEP_LIMITS["T0-sharp"]}
_PIECES = ("t - (1+c)", SPEAKS["T0-sharp"], _LIMITED, "t >= 1-c")

RANGES = (
    *needs("T0", TELESCOPE, (0,), "0 < a", "0 <= b", "b**2 <= a**2 - x"),
    *needs("T0-sharp", TELESCOPE, (0,), "0 < a", "0 <= b", "b**2 <= a**2 - x"),
    *needs("T0", RATE, (0,), SPEAKS["T0"], "t >= 1-c", **THIRD),
    *needs("T0", RATE, (1,), SPEAKS["T0"], _LIMITED, **_PAPER_LIMIT),
    *needs("T0", PAPER_BALL, (0,), "0 <= s", "s**2 == 1 - x", "0 < x <= 1"),
    *needs("T0", PAPER_BALL, (1,), SPEAKS["T0"]),
    shares("T0-sharp", (SHARP_RATE, 0), (SHARP_RATE, 1), *_PIECES, **_SHARP_LIMIT),
    *needs("T0-sharp", SHARP_RATE, (2,), SPEAKS["T0-sharp"], _LIMITED, **_SHARP_LIMIT),
    *needs("T0-sharp", SHARP_RATE, (3,), SPEAKS["T0"], **THIRD),
    shares("T0-sharp", (BALL, 0), (BALL, 1), *_PIECES, **_SHARP_LIMIT),
    *needs("T0-sharp", BALL, (2, 3), SPEAKS["T0-sharp"], **THIRD),
)

_HERE = "docs/proofs/gradient-descent.md: "

_STEP_LINKS = (
    INTEGRAL,
    argued("||r+||^2 <= 1 - eta (2 a.b - x t^2), a = A'r, b = B'r, t = ||a||, ||r|| = 1", f"{_HERE}P9.1"),
)

_LENGTHS = (
    proved("a decrease x of the squared norm a^2 takes at least x/(2a) off the norm", TELESCOPE),
    argued(
        "the lengths sum up to at most 2 sup t/m(t), the current one included, where that is at least 1",
        f"{_HERE}P9.2",
    ),
)

CHAINS = (
    Chain(
        "T0",
        (
            *_STEP_LINKS,
            proved("2c <= q t for t >= 1-c, and 2(1-q) - x >= 1 within the step limit, c < 1/5", RATE),
            argued("so the decrease is at least eta t^2, and sup t/m(t) at most 1/(1-c)", f"{_HERE}P9.3"),
            *_LENGTHS,
            proved("2/(1-C/3) <= 3 for C <= 1", PAPER_BALL),
            INDUCTION,
            checked("the conclusion on instances", "T0"),
        ),
    ),
    Chain(
        "T0-sharp",
        (
            *_STEP_LINKS,
            argued("2 a.b - x t^2 >= m(t), in two pieces", f"{_HERE}P9.4"),
            proved(
                "within the step limit m(t) >= (2-x)(1-c)^2 on both pieces and 2 - x >= 1, c <= 1/4; T0's step limit is within it, c < 1/5",
                SHARP_RATE,
            ),
            *_LENGTHS,
            proved(
                "within the step limit 2t/m(t) <= 2(1-c)/(1-3c+4c^2) on both pieces, and that lies between 1 and 3, c <= 1/4",
                BALL,
            ),
            INDUCTION,
            checked("the conclusion on instances", "T0-sharp"),
        ),
    ),
)
