"""Natural gradient descent at the sharp rate: T1-sharp, T1-tight, T1-lemma-S, T1-sharp-adversary (docs/theory.md).

Setting, Conditions 1 and 2(C): theory/theorems/condition.py. ``c = C/3``, ``rho = (1+c)/(1-c) = (3+C)/(3-C)``.

T1-sharp [derived]. C < 1 and 0 < eta <= rho(2-rho) give ||r(k)|| <= (1 - eta/rho)^k ||r(0)||, hence T1's rate; the path is at most
(1+c)/(1-c)^2 ||r(0)||/sqrt(lambda) long. The factor holds up to (1+c)(1-3c)/(1-2c-c^2).
T1-lemma-S [derived]. For ``J0 J0^T >= I``, ``||A - J0||_2 <= c < 1`` and a unit vector z in the row space of A, ``w = Az``, ``v = J0 z``,
``e = w - v``, ``s = ||w||``: ``||v||^2 - ||e||^2 >= c/(1+c) s^2 + (1+c)(1-2c)``.
T1-sharp-adversary [derived]. One step of T1-sharp for any matrices A, B within c of J0.
T1-tight [derived]. The factor 1 - eta/rho is attained (n = 1); for eta > rho(2-rho) it exceeds T1's sqrt(1-eta).

Proof: docs/proofs/ngd.md, P5.7 to P5.11, P5.14; Lemma S is P5.8 and P5.9. Notation there: lambda = 1, unit z, ``w = Az``, ``v = J(0)z``,
``e = w - v``, ``s = ||w||``, ``k = 2/rho - 1 - eta/rho^2``; here ``v2 = ||v||^2`` and ``e2 = ||e||^2``. ``limit`` is the step limit of
the rate ``(1-eta)^{1/2}``, ``rho(2-rho)``, and ``factor_limit`` that of the factor ``1 - eta/rho``.

Every function of real numbers here takes floats or balls (arb), and answers in kind; floats as theory/theorems/ngd.py says, where the
functions of T1, T1-q and T1-sharp stand together.
"""

from flint import fmpq

from theory.directed import at_least_exact, at_most_exact
from theory.errors import ScaleError
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import Range, constants, needs, shares
from theory.reals import positive_part, positive_real, real, shown
from theory.theorems.condition import STEP, THIRD, checked_constant, unit_length
from theory.theorems.identities import PSEUDO_INVERSE
from theory.theorems.segments import INDUCTION, INTEGRAL

SECTION = 4

CONSTANT_LIMIT = fmpq(1)
"""T1-sharp speaks of smaller C."""


@at_least_exact
def contraction_ratio(C: float) -> float:
    """``rho = (1+c)/(1-c) = (3+C)/(3-C)``, c = C/3 (T1-sharp). Raises ScaleError."""
    return (3 + checked_constant(C)) / (3 - C)


@at_most_exact
def step_limit(C: float) -> float:
    """``rho(2-rho)``, up to which T1-sharp gives T1's rate; 0 when there is no such step. Raises ScaleError."""
    rho = contraction_ratio(C)
    return positive_part(rho * (2 - rho))


@at_least_exact
def rate(eta: float, C: float) -> float:
    """``1 - eta/rho``, the factor on ``||r||``. Raises ScaleError."""
    return 1 - positive_real(eta, "the step size eta") / contraction_ratio(C)


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
def radius(C: float, residual_norm: float, lambda_min: float) -> float:
    """``(1+c)/(1-c)^2 ||r(0)||/sqrt(lambda)``, how long the path can get. Raises ScaleError."""
    c = checked_constant(C) / 3
    return (1 + c) / (1 - c) ** 2 * unit_length(residual_norm, lambda_min)


RATIO = "(1+c)/(1-c)"
SHARP = {"rho": RATIO, "limit": "rho*(2-rho)"}
FACTOR_LIMIT = "(1+c)*(1-3*c)/(1-2*c-c**2)"

ALONG, CONSTANT = "c/(1+c)", "(1+c)*(1-2*c)"
"""Lemma S: ``||v||^2 - ||e||^2 >= along s^2 + constant``."""

SPEAKS = constants(CONSTANT_LIMIT, included=False)
STEP_LIMIT = "3*(3+C)*(1-C)/(3-C)**2"
OWN_LIMIT = "(3+C)*3*(1-C)/(9-6*C-C**2)"
"""The limits of the rate and of the factor, in C."""

CALCULATED = (
    Calculated(RATIO, lambda c: contraction_ratio(3 * c), ("0 <= c < 1",)),
    Calculated("rho*(2-rho)", lambda rho: step_limit(3 * (rho - 1) / (rho + 1)), ("1 <= rho <= 2",)),
    Calculated(STEP_LIMIT, lambda C: step_limit(C), (SPEAKS,)),
    Calculated(OWN_LIMIT, lambda C: factor_limit(C), (SPEAKS,)),
    Calculated(FACTOR_LIMIT, lambda c: factor_limit(3 * c), ("0 <= c < 1/3",)),
    Calculated(ALONG, lambda c: lemma_constants(c)[0], ("0 < c < 1",)),
    Calculated(CONSTANT, lambda c: lemma_constants(c)[1], ("0 < c < 1",)),
    Calculated("(1+c)/(1-c)**2", lambda c: radius(3 * c, 1, 1), ("0 <= c <= 1/3",)),
)

_STEP = "0 < eta <= factor_limit"

_LIMITED = {"rho": RATIO, "factor_limit": FACTOR_LIMIT}

_FACTOR = {**_LIMITED, "k": "2/rho - 1 - eta/rho**2"}

_PHI = "(1-eta)*v2 - e2 - k*s**2 - 2*c*(1-eta/rho)*s + eta*c**2"

_LONGER_STEP = {_STEP: "0 < eta <= 1001/1000*factor_limit"}

COORDINATE = Obligation(
    "O-sharp-S",
    "Lemma S, coordinate by coordinate: what Cauchy-Schwarz needs; q is an eigenvalue of Q",
    (Implication(("0 < c < 1", "0 <= q < c**2"), "(1-q)/(c-q) + (c**2-q)/(c**2+q) <= (1+c)/c"),),
    (
        Mutation("smaller", "0.999 (1+c)/c", {"<= (1+c)/c": "<= 999/1000*(1+c)/c"}),
        Mutation("larger-q", "q up to 1.001 c^2", {"0 <= q < c**2": "0 <= q <= 1001/1000*c**2"}),
    ),
)

LEMMA = Obligation(
    "O-sharp-lemma",
    "Lemma S: each coordinate's inequality (at q = c^2 it has e = 0), and what its sum comes to when v'(I-Q)^{-1}v >= 1 and e'(c^2 I - Q)^{-1}e <= 1",
    (
        Implication(
            ("0 < c < 1", "0 <= q < c**2"),
            "v**2 - e**2 - along*(v+e)**2 >= (1-c)*v**2/(1-q) - 2*c**2*e**2/(c**2-q)",
            {"along": ALONG},
        ),
        Implication(("0 <= c < 1",), "v**2 - along*v**2 >= (1-c)*v**2/(1-c**2)", {"along": ALONG}),
        Implication(("0 < c < 1", "x >= 1", "y <= 1"), "(1-c)*x - 2*c**2*y >= constant", {"constant": CONSTANT}),
    ),
    (
        Mutation("smaller-weight", "1.999 c^2 in place of 2 c^2", {"- 2*c": "- 1999/1000*c"}),
        Mutation("no-rank", "v'(I-Q)^{-1}v >= 0.999 only", {"x >= 1": "x >= 999/1000"}, part=2),
        Mutation(
            "at-c^2",
            "1.001 (1-c) in a coordinate with q = c^2, where e = 0",
            {">= (1-c)": ">= 1001/1000*(1-c)"},
            part=1,
        ),
    ),
)

GOAL = Obligation(
    "O-sharp-goal",
    "the goal ||w - eta v|| + eta c <= (1 - eta/rho) s, squared, is eta Phi >= 0; the root's sign for s >= 1-c",
    (
        Implication(
            ("0 <= c < 1/3",),
            f"((1-eta/rho)*s - eta*c)**2 - (s**2 - eta*(s**2+v2-e2) + eta**2*v2) == eta*({_PHI})",
            {"rho": RATIO, "k": "2/rho - 1 - eta/rho**2"},
        ),
        Implication(("0 <= c < 1/3", _STEP, "1-c <= s"), "(1-eta/rho)*s >= eta*c", _LIMITED),
        Implication(("0 <= c < 1/3", _STEP), "eta <= 1", {"factor_limit": FACTOR_LIMIT}),
    ),
    (
        Mutation("k", "k without its 1", {"2/rho - 1 - eta/rho**2": "2/rho - eta/rho**2"}),
        Mutation("shorter", "s from 0 on", {"1-c <= s": "0 <= s"}, part=1),
        Mutation("limit-plus-c", "the limit plus c", {FACTOR_LIMIT: f"{FACTOR_LIMIT} + c"}, part=2),
    ),
)

BELOW = Obligation(
    "O-sharp-lo",
    "Phi >= 0 for s <= 1+c, by Lemma S and ||e|| <= c",
    (
        Implication(
            ("0 <= c < 1/3", _STEP, "0 < s <= 1+c"),
            "(1-eta)*(along*s**2 + constant) - k*s**2 - 2*c*(1-eta/rho)*s >= 0",
            {**_FACTOR, "along": ALONG, "constant": CONSTANT},
        ),
        Implication(
            ("0 < eta <= 1", "0 <= e2 <= c**2", "v2 - e2 >= lemma"), "(1-eta)*v2 - e2 + eta*c**2 >= (1-eta)*lemma"
        ),
    ),
    (
        Mutation("e-above-c", "||e||^2 up to 1.001 c^2", {"0 <= e2 <= c**2": "0 <= e2 <= 1001/1000*c**2"}, part=1),
        Mutation("smaller-lemma", "Lemma S's constant times 0.999", {"+ constant": "+ 999/1000*constant"}),
        Mutation("longer-s", "s up to 1.001 (1+c)", {"0 < s <= 1+c": "0 < s <= 1001/1000*(1+c)"}),
    ),
)

ABOVE = Obligation(
    "O-sharp-hi",
    "Phi >= 0 for s >= 1+c, by ||v|| >= s - ||e|| and ||e|| <= c",
    (
        Implication(
            ("0 <= c < 1/3", _STEP, "s >= 1+c"),
            "(1-eta)*(s-c)**2 - c**2 + eta*c**2 - k*s**2 - 2*c*(1-eta/rho)*s >= 0",
            _FACTOR,
        ),
        Implication(("0 < eta <= 1", "0 <= e <= c", "1+c <= s"), "(1-eta)*(s-e)**2 - e**2 >= (1-eta)*(s-c)**2 - c**2"),
    ),
    (
        Mutation("longer-step", "the limit of the factor times 1.001", _LONGER_STEP),
        Mutation("shorter-s", "s from 1 on", {"s >= 1+c": "s >= 1"}),
        Mutation("e-above-c", "||e|| up to 1.001 c", {"0 <= e <= c": "0 <= e <= 1001/1000*c"}, part=1),
    ),
)

RATE = Obligation(
    "O-sharp-rate",
    "T1-sharp, T4-sharp: up to rho(2-rho) the square of the factor 1 - eta/rho is at most 1 - eta, and that is within its limit",
    (
        Implication(("0 <= c < 1/3", "0 < eta <= limit"), "(1 - eta/rho)**2 <= 1 - eta", SHARP),
        Implication(("0 <= c < 1/3",), "limit <= factor_limit", {**SHARP, "factor_limit": FACTOR_LIMIT}),
        Implication(("0 <= c < 1/3", "0 < eta <= limit"), "2/rho - eta/rho**2 >= 1", SHARP),
    ),
    (
        Mutation("longer-step", "the step limit times 1.001", {"0 < eta <= limit": "0 < eta <= 1001/1000*limit"}),
        Mutation("doubled-step", "the step limit doubled", {"0 < eta <= limit": "0 < eta <= 2*limit"}),
        Mutation(
            "same-limit", "the two limits the other way round", {"limit <= factor_limit": "limit >= factor_limit"}, 1
        ),
        Mutation("longer-step-3", "the step limit times 1.001", {"0 < eta <= limit": "0 < eta <= 1001/1000*limit"}, 2),
    ),
)

BALL = Obligation(
    "O-sharp-ball",
    "T1-sharp: the path is at most rho/(1-c) = (1+c)/(1-c)^2 long, and that at most 3, with equality at C = 1",
    (
        Implication(("0 <= c <= 1/3",), "rho/(1-c) == radius", {"rho": RATIO, "radius": "(1+c)/(1-c)**2"}),
        Implication(("0 <= c <= 1/3",), "radius <= 3", {"radius": "(1+c)/(1-c)**2"}),
    ),
    (
        Mutation("cube", "the divisor's exponent 3", {"(1+c)/(1-c)**2": "(1+c)/(1-c)**3"}),
        Mutation("smaller-ball", "a ball of radius 2.999", {"radius <= 3": "radius <= 2999/1000"}, part=1),
        Mutation("larger-c", "c up to 0.334", {"0 <= c <= 1/3": "0 <= c <= 334/1000"}, part=1),
    ),
)

ATTAINED = Obligation(
    "O-tight",
    "T1-tight: a slope 1+c followed by a slope 1-c multiplies r by 1 - eta/rho, which breaks T1's rate beyond rho(2-rho)",
    (
        Implication(("0 <= c < 1",), "1 - eta*(1-c)/(1+c) == 1 - eta/rho", {"rho": RATIO}),
        Implication(("0 <= c < 1/3", "eta > limit"), "(1 - eta/rho)**2 > 1 - eta", SHARP),
    ),
    (
        Mutation("flatter", "slope 1 - 2c after the iterate", {"eta*(1-c)": "eta*(1-2*c)"}),
        Mutation("at-the-limit", "the rate breaks at the limit itself", {"eta > limit": "eta >= limit"}, part=1),
    ),
)

OBLIGATIONS = (COORDINATE, LEMMA, GOAL, BELOW, ABOVE, RATE, BALL, ATTAINED)

_IN_RANGE = (SPEAKS, STEP)
_LIMIT = {**THIRD, "step": STEP_LIMIT}
_OWN = {**THIRD, "step": OWN_LIMIT}


def lemma_ranges(theorem: str, bounds: str, **where: str) -> list[Range]:
    """What Lemma S needs."""
    return [
        *needs(theorem, COORDINATE, (0,), bounds, "0 <= q < c**2", **where),
        *needs(theorem, LEMMA, (0,), bounds, "0 <= q < c**2", **where),
        *needs(theorem, LEMMA, (1,), bounds, **where),
        *needs(theorem, LEMMA, (2,), bounds, "x >= 1", "y <= 1", **where),
    ]


def one_step_ranges(theorem: str) -> list[Range]:
    """T1-sharp's step, also that of T4-sharp, where ``eta`` stands for eta h_max; Lemma S is for c > 0."""
    large = "s >= 1-c"
    return [
        *lemma_ranges(theorem, "0 < C < 1", **THIRD),
        *needs(theorem, GOAL, (0,), SPEAKS, **THIRD),
        *needs(theorem, GOAL, (1,), *_IN_RANGE, large, **_OWN),
        *needs(theorem, GOAL, (2,), *_IN_RANGE, **_OWN),
        shares(theorem, (BELOW, 0), (ABOVE, 0), "s - (1+c)", *_IN_RANGE, large, **_OWN),
        *needs(theorem, BELOW, (1,), *_IN_RANGE, "0 <= e2 <= c**2", "v2 - e2 >= lemma", **_OWN),
        *needs(theorem, ABOVE, (1,), *_IN_RANGE, "0 <= e <= c", "s >= 1+c", **_OWN),
    ]


def rate_ranges(theorem: str) -> list[Range]:
    """What T1-sharp's step limit gives, as well where it is one of eta h_max."""
    return [*needs(theorem, RATE, (0, 2), *_IN_RANGE, **_LIMIT), *needs(theorem, RATE, (1,), SPEAKS, **THIRD)]


RANGES = (
    *needs("T1-tight", ATTAINED, (0,), SPEAKS, **THIRD),
    *needs("T1-tight", ATTAINED, (1,), SPEAKS, "eta > step", **_LIMIT),
    *lemma_ranges("T1-lemma-S", "0 < c < 1"),
    *one_step_ranges("T1-sharp-adversary"),
    *one_step_ranges("T1-sharp"),
    *rate_ranges("T1-sharp"),
    *needs("T1-sharp", BALL, (0, 1), SPEAKS, **THIRD),
)

_HERE = "docs/proofs/ngd.md: "

_LEMMA = (
    argued(
        "the row-space step: a symmetric Q, 0 <= Q <= c^2 I, with v'(I-Q)^{-1}v >= 1 and e'(c^2 I - Q)^{-1}e <= 1",
        f"{_HERE}P5.8",
    ),
    proved(
        "by hand: what Cauchy-Schwarz needs in a coordinate of Q's eigenbasis, "
        "(1-q)/(c-q) + (c^2-q)/(c^2+q) <= (1+c)/c for 0 <= q < c^2, 0 < c < 1",
        COORDINATE,
    ),
    proved(
        "the inequality of a coordinate with eigenvalue q < c^2, and with q = c^2 and e = 0; the constant; 0 < c < 1",
        LEMMA,
    ),
    argued("the sum over the coordinates is Lemma S", f"{_HERE}P5.9"),
)

LEMMA_S = (*_LEMMA, checked("Lemma S on random and adversarial Jacobians", "T1-lemma-S"))

_ONE_STEP = (
    argued("||r+|| <= ||w - eta v|| + eta c", f"{_HERE}P5.7"),
    *LEMMA_S,
    proved(
        "for c < 1/3 the difference of the goal's squares is eta Phi; within the factor's limit (1 - eta/rho) s >= eta c for s >= 1-c, "
        "and eta <= 1",
        GOAL,
    ),
    proved(
        "within that limit, c < 1/3: what bounds Phi below for 0 < s <= 1+c, by Lemma S and ||e|| <= c, is not negative",
        BELOW,
    ),
    proved(
        "within that limit, c < 1/3: what bounds Phi below for s >= 1+c, by ||v|| >= s - ||e|| and ||e|| <= c, is not negative",
        ABOVE,
    ),
    argued("so ||w - eta Bz|| <= (1 - eta/rho) ||w|| for all A, B within c of J0", f"{_HERE}P5.10"),
)

ONE_STEP = (
    *_ONE_STEP,
    checked(
        "the one-step factor against gradient ascent over J(0), J(k), the segment's Jacobians and r",
        "T1-sharp-adversary",
    ),
)

SHARP_LINKS = (
    INTEGRAL,
    PSEUDO_INVERSE,
    argued("inside the ball a step is at most eta ||r||/((1-c) sqrt(lambda)) long", f"{_HERE}P5.1"),
    *ONE_STEP,
    proved("up to rho(2-rho), which is within the factor's limit, (1 - eta/rho)^2 <= 1 - eta; c < 1/3", RATE),
    argued("the rate, and the lengths of the steps as a geometric sum", f"{_HERE}P5.11"),
    proved("rho/(1-c) = (1+c)/(1-c)^2 <= 3 for c <= 1/3", BALL),
    INDUCTION,
    checked("the conclusion on instances", "T1-sharp"),
)
"""T1-sharp, which also keeps the segments of T1-line and T1-line-sharp in the ball."""

CHAINS = (
    Chain("T1-lemma-S", LEMMA_S),
    Chain("T1-sharp-adversary", (INTEGRAL, PSEUDO_INVERSE, *ONE_STEP)),
    Chain("T1-sharp", SHARP_LINKS),
    Chain(
        "T1-tight",
        (
            INTEGRAL,
            argued("the spike map: slope 1+c at the iterate, 1-c on the rest of the segment", f"{_HERE}P5.14"),
            proved("1 - eta(1-c)/(1+c) = 1 - eta/rho; its square exceeds 1 - eta beyond rho(2-rho), c < 1/3", ATTAINED),
            checked("the maps satisfy Conditions 1 and 2(C), and the factor is attained to 1e-9", "T1-tight"),
        ),
    ),
)
