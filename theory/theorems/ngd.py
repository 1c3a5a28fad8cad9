"""Natural gradient descent on the squared loss: T1, T1-q, T1-first, T1-step (docs/theory.md).

Setting. Residual ``r(k) = u(theta(k)) - y``, update ``theta(k+1) = theta(k) - eta J(k)^+ r(k)``, ``lambda = lambda_min(G(0))``.
Condition 1: lambda > 0. Condition 2(C): ``||J(theta) - J(0)||_2 <= (C/3) sqrt(lambda)`` for all theta with
``||theta - theta(0)||_2 <= 3 ||r(0)|| / sqrt(lambda)``. ``c = C/3``.

T1 [paper, Theorem 1]. C < 1/2 and 0 < eta <= (1-2C)/(1+C)^2 give ||r(k)||^2 <= (1-eta)^k ||r(0)||^2.
T1-q [derived]. C <= 2/3 and 0 < eta <= 1 give ||r(k)|| <= (1 - eta(1-q))^k ||r(0)||, q = 2C/(3-C).
T1-first [derived]. eta <= 3 gives ||r(1)|| <= (|1-eta| + eta C/3) ||r(0)||.
T1-step [derived]. Full rank alone gives ||r(k+1)|| <= (|1-eta| + eta eps_k) ||r(k)||.
Proofs: docs/proofs/ngd.md, P5.1 to P5.5. Here ``limit`` is a step limit, ``radius`` one in units of ``||r(0)||/sqrt(lambda)``.

T1-sharp and T1-tight stand in ngd_sharp.py, the angles of T1-line in ngd_line.py, T1-radius in ngd_radius.py; the functions of T1, T1-q and
T1-sharp are called here, by the theorem's name.

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
from theory.errors import ScaleError
from theory.inputs import known_theorem
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import constants, needs
from theory.reals import ceiling, logarithm, magnitude, positive_part, positive_real, real, shown, square_root
from theory.rigour.precision import at_rising_precision
from theory.theorems import ngd_sharp, tube
from theory.theorems.condition import DEFICIT, DEFICIT_BELOW_C, PAPER_BALL, STEP
from theory.theorems.condition import checked_constant as checked_constant
from theory.theorems.condition import condition_radius as condition_radius
from theory.theorems.condition import deficit as deficit
from theory.theorems.condition import stability_constant as stability_constant
from theory.theorems.condition import unit_length as unit_length
from theory.theorems.identities import PSEUDO_INVERSE
from theory.theorems.ngd_sharp import contraction_ratio as contraction_ratio
from theory.theorems.segments import INDUCTION, INTEGRAL

SECTION = 4

THEOREMS = ("T1", "T1-q", "T1-sharp")

TUBE = "T1-tube"
"""``step_limit``, ``validity_limit`` and ``rate`` answer for it too, the ratio mu of a tube (tube.py) in the place of C."""

CONSTANT_LIMITS: Mapping[str, fmpq] = MappingProxyType(
    {"T1": fmpq(1, 2), "T1-q": fmpq(2, 3), "T1-sharp": ngd_sharp.CONSTANT_LIMIT}
)
"""The C up to which each theorem speaks, exactly."""


def constant_limit(theorem: str) -> float:
    """The C up to which the theorem speaks: T1 below 1/2, T1-q up to 2/3 (rounded down), T1-sharp below 1. Raises ChoiceError."""
    return float_below(CONSTANT_LIMITS[known_theorem(theorem, THEOREMS)])


@decided_exactly
def applies(C: float, theorem: str) -> bool:
    """Whether Condition 2(C) with this C, exactly, is among the theorem's hypotheses. Raises ChoiceError, ScaleError."""
    limit, C = CONSTANT_LIMITS[known_theorem(theorem, THEOREMS)], checked_constant(C)
    return bool(C <= limit if theorem == "T1-q" else C < limit)


@bounding(LowerBound, C=UpperBound)
@at_most_exact
def step_limit(C: float, theorem: str = "T1-sharp") -> float:
    """The largest step size eta for which the theorem gives ``||r(k)||^2 <= (1-eta)^k ||r(0)||^2``; 0 when there is none.

    T1: ``(1-2C)/(1+C)^2`` for C < 1/2. T1-q: ``(1-2q)/(1-q)^2`` for C < 3/5. T1-sharp: ``rho(2-rho)`` for C < 1. A float C
    gives the largest float that is not above the limit; a ball C gives an enclosure. T1-tube: ``(1-2mu)/(1-mu)^2`` for mu < 1/2.
    Raises ChoiceError, ScaleError.
    """
    if theorem == TUBE:
        return tube.step_limit(C)
    checked_constant(C)
    if known_theorem(theorem, THEOREMS) == "T1":
        return positive_part((1 - 2 * C) / (1 + C) ** 2)
    if theorem == "T1-q":
        q = deficit(C)
        return positive_part((1 - 2 * q) / (1 - q) ** 2) if C < 1 else 0.0
    return ngd_sharp.step_limit(C)


@bounding(LowerBound, C=UpperBound)
@at_most_exact
def validity_limit(C: float, theorem: str = "T1-sharp") -> float:
    """The largest step size for which the theorem's own factor ``rate`` holds; 0 when C is out of its range.

    T1: its step limit. T1-q, T1-tube: 1. T1-sharp: ``rho(2-rho)``. Raises ChoiceError, ScaleError.
    """
    if theorem == TUBE:
        return 1.0 if real(C, "mu") < 1 else 0.0
    if not applies(C, theorem):
        return 0.0
    return 1.0 if theorem == "T1-q" else step_limit(C, theorem)


@bounding(UpperBound, within=validity_limit, C=UpperBound)
@at_least_exact
def rate(eta: float, C: float, theorem: str = "T1-sharp") -> float:
    """The factor on ``||r||`` (not squared) of one step. T1: ``sqrt(1-eta)``; T1-q: ``1-eta(1-q)``; T1-sharp: ``1-eta/rho``;
    T1-tube: ``1-eta(1-mu)``.

    A bound up to ``validity_limit`` only; beyond it the formula is evaluated all the same.
    Raises ChoiceError, ScaleError (eta not positive; eta > 1 for T1, whose factor does not exist then, and for T1-tube).
    """
    positive_real(eta, "the step size eta")
    if theorem == TUBE:
        return tube.rate(eta, C)
    if known_theorem(theorem, (*THEOREMS, TUBE)) == "T1":
        if eta > 1:
            raise ScaleError(f"eta is {shown(eta)}; the factor sqrt(1 - eta) of T1 needs eta <= 1")
        checked_constant(C)
        return square_root(1 - eta)
    if theorem == "T1-q":
        return 1 - eta * (1 - deficit(C))
    return ngd_sharp.rate(eta, C)


@at_least_exact
def radius(C: float, residual_norm: float, lambda_min: float, theorem: str = "T1-sharp") -> float:
    """How long the path from theta(0) can get, hence how far the iterates, in the norm of the parameters.

    T1: ``2/(1-C/3)``; T1-q: ``1/(1-C)``; T1-sharp: ``(1+c)/(1-c)^2``; each times ``||r(0)||/sqrt(lambda)``, and at most
    ``condition_radius`` where the theorem applies. Raises ChoiceError, ScaleError.
    """
    c = checked_constant(C) / 3
    unit = unit_length(residual_norm, lambda_min)
    if known_theorem(theorem, THEOREMS) == "T1-q":
        return unit / (1 - C) if C < 1 else math.inf
    return 2 / (1 - c) * unit if theorem == "T1" else ngd_sharp.radius(C, residual_norm, lambda_min)


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


SPEAKS = {
    theorem: constants(CONSTANT_LIMITS[theorem], applies(CONSTANT_LIMITS[theorem], theorem)) for theorem in THEOREMS
}
"""The C of which each theorem speaks."""

PAPER_LIMIT = "(1-2*C)/(1+C)**2"
OWN_LIMIT = "(3-C)*(3-5*C)/(9*(1-C)**2)"
"""Of the step size, where T1-q gives T1's rate."""

CALCULATED = (
    Calculated(PAPER_LIMIT, lambda C: step_limit(C, "T1"), (SPEAKS["T1"],)),
    Calculated(OWN_LIMIT, lambda C: step_limit(C, "T1-q"), ("0 <= C < 3/5",)),
    Calculated("1", lambda C: validity_limit(C, "T1-q"), (SPEAKS["T1-q"],)),
    Calculated("(1-2*q)/(1-q)**2", lambda q: step_limit(3 * q / (2 + q), "T1-q"), ("0 <= q < 1/2",)),
    Calculated("2/(1-C/3)", lambda C: radius(C, 1, 1, "T1"), (SPEAKS["T1"],)),
    Calculated("1/(1-C)", lambda C: radius(C, 1, 1, "T1-q"), (SPEAKS["T1-q"],)),
)

_STEP = "0 < eta <= limit"

_LONGER_STEP = {_STEP: "0 < eta <= 1001/1000*limit"}

PAPER_RATE = Obligation(
    "O-t1",
    "T1: the square of the paper's factor 1 - eta(1-C) with its second order term is at most 1 - eta",
    (
        Implication(
            ("0 <= C < 1/2", _STEP), "1 - 2*eta*(1-C) + eta**2*(1+C)**2 <= 1 - eta", {"limit": "(1-2*C)/(1+C)**2"}
        ),
    ),
    (
        Mutation("longer-step", "the step limit times 1.001", _LONGER_STEP),
        Mutation("doubled-step", "the step limit doubled", {_STEP: "0 < eta <= 2*limit"}),
        Mutation("1-C", "(1 - C) in place of 1 - 2C in the step limit", {"(1-2*C)/(1+C)**2": "(1-C)/(1+C)**2"}),
    ),
)

PAPER_SQUARE = Obligation(
    "O-t1-square",
    "T1: a step r - eta (I+E) r with ||E|| <= C, where (I+E) r = (1+x, y) along r and across it, has at most this square",
    (
        Implication(
            ("0 <= C", "0 < eta", "x**2 + y**2 <= C**2"),
            "(1 - eta*(1+x))**2 + eta**2*y**2 <= 1 - 2*eta*(1-C) + eta**2*(1+C)**2",
        ),
    ),
    (
        Mutation("larger", "||E|| up to 1.001 C", {"<= C**2": "<= 1002001/1000000*C**2"}),
        Mutation("no-cross-term", "1 + C^2 in place of (1+C)^2", {"eta**2*(1+C)**2": "eta**2*(1+C**2)"}),
    ),
)

OWN_RATE = Obligation(
    "O-tq",
    "T1-q: (1-C/3)(1-q) = 1-C, the radius 1/(1-C) is at most 3, and the square of its factor at most 1 - eta",
    (
        Implication(("0 <= C <= 2/3",), "(1-C/3)*(1-q) == 1-C", {"q": DEFICIT}),
        Implication(("0 <= C <= 2/3",), "radius <= 3", {"radius": "1/(1-C)"}),
        Implication(
            ("0 <= C < 3/5", _STEP), "(1 - eta*(1-q))**2 <= 1 - eta", {"q": DEFICIT, "limit": "(1-2*q)/(1-q)**2"}
        ),
    ),
    (
        Mutation("C/2", "1 - C/2 in place of 1 - C/3", {"(1-C/3)*(1-q) == 1-C": "(1-C/2)*(1-q) == 1-C"}),
        Mutation("larger-C", "C up to 0.667", {"0 <= C <= 2/3": "0 <= C <= 667/1000"}, part=1),
        Mutation("longer-step", "the step limit times 1.001", _LONGER_STEP, part=2),
        Mutation("doubled-step", "the step limit doubled", {_STEP: "0 < eta <= 2*limit"}, part=2),
    ),
)

FIRST_BALL = Obligation(
    "O-first",
    "T1-first: the first step is no longer than the radius 3 of Condition 2's ball for eta <= 3",
    (Implication(("0 < eta <= 3", "0 <= r", "0 < s"), "eta*r/s <= 3*r/s"),),
    (Mutation("eta-above-3", "eta up to 3.001", {"0 < eta <= 3": "0 < eta <= 3001/1000"}),),
)

OBLIGATIONS = (PAPER_RATE, PAPER_SQUARE, OWN_RATE, FIRST_BALL)

_PAPER = (SPEAKS["T1"], STEP)

RANGES = (
    *needs("T1", DEFICIT_BELOW_C, (0, 1), SPEAKS["T1"]),
    *needs("T1", PAPER_SQUARE, (0,), SPEAKS["T1"], "0 < eta", "x**2 + y**2 <= C**2"),
    *needs("T1", PAPER_RATE, (0,), *_PAPER, step=PAPER_LIMIT),
    *needs("T1", PAPER_BALL, (0,), *_PAPER, "0 <= s", "s**2 == 1 - eta", step=PAPER_LIMIT),
    *needs("T1", PAPER_BALL, (1,), SPEAKS["T1"]),
    *needs("T1-q", DEFICIT_BELOW_C, (0, 1), SPEAKS["T1-q"]),
    *needs("T1-q", OWN_RATE, (0, 1), SPEAKS["T1-q"]),
    *needs("T1-q", OWN_RATE, (2,), "0 <= C < 3/5", STEP, step=OWN_LIMIT),
    *needs("T1-first", FIRST_BALL, (0,), "0 < eta <= 3", "0 <= r", "0 < s"),
)

_HERE = "docs/proofs/ngd.md: "

STEP_OPERATOR = (
    INTEGRAL,
    PSEUDO_INVERSE,
    argued(
        "inside the ball a step is r+ = r - eta (I+E) r with ||E|| <= 2c/(1-c): Jacobians there differ by at most 2c sqrt(lambda), "
        "and sigma_min(J(k)) >= (1-c) sqrt(lambda)",
        f"{_HERE}P5.1",
    ),
    proved("2c/(1-c) = q at c = C/3, and q <= C, for C <= 1", DEFICIT_BELOW_C),
    checked("the step's error relative to r, where eps_k is known", "T1-step"),
)

CHAINS = (
    Chain(
        "T1",
        (
            *STEP_OPERATOR,
            proved(
                "(1 - eta(1+x))^2 + eta^2 y^2 <= 1 - 2 eta (1-C) + eta^2 (1+C)^2 for x^2 + y^2 <= C^2, eta > 0",
                PAPER_SQUARE,
            ),
            proved("that is at most 1 - eta within the step limit, C < 1/2", PAPER_RATE),
            argued("so it bounds ||r+||^2/||r||^2, and the lengths of the steps are a geometric sum", f"{_HERE}P5.2"),
            proved("(1-s^2)/(1-s) <= 2 for 0 <= s < 1, and 2/(1-C/3) <= 3 for C <= 1", PAPER_BALL),
            INDUCTION,
            checked("the conclusion on instances", "T1"),
        ),
    ),
    Chain(
        "T1-q",
        (
            *STEP_OPERATOR,
            argued(
                "||r+|| <= (1 - eta(1-q)) ||r|| for eta <= 1, and the path is at most 1/((1-c)(1-q)) long",
                f"{_HERE}P5.3",
            ),
            proved(
                "(1-c)(1-q) = 1-C and 1/(1-C) <= 3 for C <= 2/3; the factor's square is at most 1 - eta for C < 3/5 within the limit",
                OWN_RATE,
            ),
            INDUCTION,
            checked("the conclusion on instances", "T1-q"),
        ),
    ),
    Chain(
        "T1-first",
        (
            INTEGRAL,
            PSEUDO_INVERSE,
            proved("eta r/s <= 3 r/s for eta <= 3, r the residual's norm and s the root of lambda", FIRST_BALL),
            argued("J(0) J(0)^+ = I, so that the step's error is at most c ||r(0)||", f"{_HERE}P5.4"),
            checked("the conclusion on instances", "T1-first"),
        ),
    ),
    Chain(
        "T1-step",
        (
            INTEGRAL,
            PSEUDO_INVERSE,
            argued("r+ = (1-eta) r - eta [mean of J(theta_s) - J(k)] J(k)^+ r", f"{_HERE}P5.5"),
            checked("the conclusion on instances", "T1-step"),
        ),
    ),
)
