"""Condition 2(C), its letters, and what several theorems need of them: q, the paper's ball, a decrease of the norm.

Condition 1: ``lambda = lambda_min(G(0)) > 0``. Condition 2(C): ``||J(theta) - J(0)||_2 <= (C/3) sqrt(lambda)`` for all theta with
``||theta - theta(0)||_2 <= 3 ||r(0)|| / sqrt(lambda)``. ``c = C/3``, ``q = 2C/(3-C)``.
"""

from theory.directed import at_least_exact
from theory.errors import ScaleError
from theory.proof.calculated import Calculated
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.reals import finite, magnitude, real, shown, square_root

SECTION = 4

DEFICIT = "2*C/(3-C)"
Q = {"q": DEFICIT}
THIRD = {"c": "C/3"}
STEP = "0 < eta <= step"
"""Of the step sizes in a theorem's range."""


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


@at_least_exact
def condition_radius(residual_norm: float, lambda_min: float) -> float:
    """``3 ||r(0)|| / sqrt(lambda)``, the radius of the ball in Condition 2 (paper). Raises ScaleError."""
    return 3 * unit_length(residual_norm, lambda_min)


@at_least_exact
def stability_constant(deviation: float, lambda_min: float) -> float:
    """``C = 3 sup ||J(theta) - J(0)||_2 / sqrt(lambda)``: Condition 2(C) with equality. Raises ScaleError (also for nan)."""
    return 3 * magnitude(deviation, "the deviation") / square_root(eigenvalue(lambda_min))


@at_least_exact
def deficit(C: float) -> float:
    """``q = 2C/(3-C)``, the bound of ``||(J(theta_s) - J(k)) J(k)^+||_2`` (T1-q, T1-line). Raises ScaleError."""
    return 2 * checked_constant(C) / (3 - C)


DEFICIT_BELOW_C = Obligation(
    "O-q",
    "q = 2c/(1-c) at c = C/3, and q <= C, so that theorems with q contain those with C",
    (
        Implication(("0 <= C <= 1",), "q <= C", {"q": DEFICIT}),
        Implication(("0 <= C <= 1",), "2*c/(1-c) == q", {"c": "C/3", "q": DEFICIT}),
    ),
    (
        Mutation("C/2", "c = C/2", {"C/3": "C/2"}, part=1),
        Mutation("smaller-C", "q <= 0.999 C", {"q <= C": "q <= 999/1000*C"}),
        Mutation("C-above-1", "C up to 1.001", {"0 <= C <= 1": "0 <= C <= 1001/1000"}),
    ),
)

PAPER_BALL = Obligation(
    "O-ball",
    "T1, T0, T4: the path stays in the paper's ball: sum of (1-eta)^{k/2} eta <= 2, and 2/(1-C/3) <= 3",
    (
        Implication(("0 <= s < 1",), "(1 - s**2)/(1 - s) <= 2"),
        Implication(("0 <= C <= 1",), "radius <= 3", {"radius": "2/(1-C/3)"}),
    ),
    (
        Mutation(
            "shorter-sum", "the sum is at most 1.999", {"(1 - s**2)/(1 - s) <= 2": "(1 - s**2)/(1 - s) <= 1999/1000"}
        ),
        Mutation("smaller-ball", "a ball of radius 2.999", {"radius <= 3": "radius <= 2999/1000"}, part=1),
        Mutation("C-above-1", "C up to 1.001", {"0 <= C <= 1": "0 <= C <= 1001/1000"}, part=1),
    ),
)

TELESCOPE = Obligation(
    "O-telescope",
    "T0, T4: when a step takes x off the squared norm a^2, it takes at least x/(2a) off the norm",
    (Implication(("0 < a", "0 <= b", "b**2 <= a**2 - x"), "x/(2*a) <= a - b"),),
    (Mutation("more", "x/(1.999 a)", {"x/(2*a) <= a - b": "x/(1999/1000*a) <= a - b"}),),
)

OBLIGATIONS = (DEFICIT_BELOW_C, PAPER_BALL, TELESCOPE)

CALCULATED = (
    Calculated(DEFICIT, lambda C: deficit(C), ("0 <= C < 3",)),
    Calculated("2*c/(1-c)", lambda c: deficit(3 * c), ("0 <= c < 1",)),
)
