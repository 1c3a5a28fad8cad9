"""The width from which Conditions 1 and 2(C) have high probability: T3; and the function of T4-width (docs/theory.md).

Setting. Independent neurons ``w_r ~ N(0, nu^2 I)``, signs uniform on -1, +1; unit rows X (n, d), targets y,
``lambda0 = lambda_min(G_inf)``, ``lambda_S = lambda_min(S_inf)``, ``E = ||y||^2 + n nu^2/2``. Symmetric initialisation:
m / 2 independent pairs (w, a), (w, -a), so that u(0) = 0.

T3 [paper, Theorem 3; constants derived]. If ``m >= max(||X||_2^2 ln(3n/delta)/(beta lambda0), M n^3 E/(C^6 nu^2 lambda0^4 delta^3))``,
``M = 1728*324*27/(2 pi)``, then with probability at least 1 - delta Conditions 1 and 2(C) hold: K-chernoff, R0 and C2-prob
at delta/3 each, ``R^2 = 36 E/(delta lambda0)``.

T3 under symmetric initialisation [derived]. ``m >= max(2 ||X||_2^2 ln(2n/delta)/(beta lambda0),
M' n^3 ||y||^2/(C^6 nu^2 lambda0^4 delta^2))``, ``M' = 1728*48*27/(2 pi)``: K-chernoff and C2-prob at delta/2 each,
``R^2 = 12 ||y||^2/lambda0``. Here a large nu always helps.

Proofs: docs/proofs/width.md, P7.4 to P7.7. The lemmas stand in chernoff.py (K-chernoff), initial_residual.py (R0) and
flip_probability.py (C2-prob), T4-width in width_kfac.py.

In the obligations, positive reals: ``eigenvalue`` (lambda0, or lambda_S), ``nu``, ``delta``, ``n``, ``E``, and ``kappa = kappa_3^3 = 27/(2 pi)``. ``x`` is
C2-prob's bound of ``||J(W) - J(0)||_F^2``, of which only the cube is a polynomial, so that cubes are compared (O-cubes).
The logarithm enters as ``log``, pi as any positive number.

Functions of real numbers take floats or balls (arb), and answer in kind. Floats are taken as the numbers that they are, and answered
by the next float on the side on which the statement stays true: failures and widths rounded up (theory/directed.py).
"""

from __future__ import annotations

import math

import numpy as np
from flint import arb, fmpq
from numpy.typing import ArrayLike

from theory.directed import at_least_exact, exact
from theory.direction import UpperBound
from theory.errors import DegenerateInputsError, ScaleError
from theory.inputs import known_theorem, target_vector, unit_rows
from theory.kernels.geometry import InputGeometry
from theory.kernels.limiting import degeneracy, limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import Range, needs
from theory.reals import (
    ceiling,
    circle_constant,
    positive_real,
    probability,
)
from theory.rigour.input_bounds import input_bounds
from theory.rigour.rounding import gamma
from theory.stability.norms import input_norm_squared, rounded_up, squared_norm_excess
from theory.theorems.chernoff import CHERNOFF, FIRST_WIDTH, KEPT_SHARE, chernoff_width, width_quotient
from theory.theorems.flip_probability import CHANGE_LINKS, CUBE, KAPPA, flip_ranges
from theory.theorems.initial_residual import LINKS as START_LINKS
from theory.theorems.initial_residual import mean_squared_residual
from theory.theorems.tube_plan import tube_width as tube_width

SECTION = 6

THEOREMS = ("T3", "T4-width")


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
    return width_quotient(constant * squared_residual, allowed * scale**2 * probability(delta, "delta") ** power)


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
    known_theorem(theorem, THEOREMS)
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


POSITIVE = ("0 < eigenvalue", "0 < nu", "0 < delta", "0 < n", "0 < E", "0 < C", "0 < pi")

WIDTH = "1728*324*27/(2*pi)*n**3*E/(C**6*nu**2*eigenvalue**4*delta**3)"

SYMMETRIC_WIDTH = "1728*48*27/(2*pi)*n**3*E/(C**6*nu**2*eigenvalue**4*delta**2)"
PAIRS_WIDTH = f"2*{FIRST_WIDTH}"
PLAIN = "1728*324*27/2/pi*n**3*E/(C**6*nu**2*eigenvalue**4*delta**3)"
PLAIN_SYMMETRIC = "1728*48*27/2/pi*n**3*E/(C**6*nu**2*eigenvalue**4*delta**2)"
"""The second widths; the latter two as the ranges have them."""


def _second(n: int, E: arb, C: arb, nu: arb, eigenvalue: arb, delta: arb, pi: arb) -> arb:
    """With any number for pi."""
    return stability_width(E - n * nu**2 / 2, n, nu, delta, C, eigenvalue) * arb.pi() / pi


def _second_of_pairs(n: int, E: arb, C: arb, nu: arb, eigenvalue: arb, delta: arb, pi: arb) -> arb:
    return stability_width(E, n, nu, delta, C, eigenvalue, True) * arb.pi() / pi


CALCULATED = (
    *(Calculated(text, _second, ("0 < delta < 1", "E >= n*nu**2/2")) for text in (WIDTH, PLAIN)),
    *(Calculated(text, _second_of_pairs, ("0 < delta < 1",)) for text in (SYMMETRIC_WIDTH, PLAIN_SYMMETRIC)),
    Calculated(
        "36*E/(delta*eigenvalue)",
        lambda E, delta, eigenvalue: squared_condition_radius(E - 1, 2, 1, delta, eigenvalue),
        ("0 < delta < 1", "E >= 1"),
    ),
    Calculated(
        "12*E/eigenvalue", lambda E, eigenvalue: squared_condition_radius(E, 2, 1, fmpq(1, 2), eigenvalue, True)
    ),
)

CUBES = Obligation(
    "O-cubes",
    "T3, T4-width: cubes of numbers that are not negative are ordered as the numbers are",
    (Implication(("0 <= x", "0 <= y", "x**3 <= y**3"), "x <= y"),),
    (Mutation("smaller", "x <= 0.999 y", {"x <= y": "x <= 999/1000*y"}),),
)

_CHERNOFF = Implication(
    ("0 < beta", "0 < eigenvalue", "0 < norm2", "m >= limit"), "beta*m*eigenvalue/norm2 >= log", {"limit": FIRST_WIDTH}
)
"""``beta m lambda0/||X||_2^2`` in the exponent of K-chernoff, at the first width; ``log = ln(n/share)``.

What it means for the probability, ``n exp(-log) = share``, is no inequality of polynomials: ``FIRST_SHARE`` argues it.
"""

_CONDITION = Implication(
    ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 <= x <= C**2/9*(3/4*eigenvalue)"), "x <= C**2/9*smallest"
)
"""From C2-prob's bound to Condition 2(C) or K2(C), squared; ``smallest`` is lambda_min(G(0)) or lambda_min(H(0))."""

COMPOSITION = Obligation(
    "O-t3",
    "T3: K-chernoff, R0 and C2-prob at delta/3 each. The first width is enough for K-chernoff; R bounds Condition 2's radius; at the "
    "second width the cube of C2-prob's bound is at most that of (C^2/9)(3/4 lambda0); the squared Jacobian's change is at most (C^2/9) lambda",
    (
        _CHERNOFF,
        Implication(
            ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 < share", "0 <= r2 <= E/share"),
            "9*r2/smallest <= R2",
            {"delta": "3*share", "R2": "36*E/(delta*eigenvalue)"},
        ),
        Implication(
            (*POSITIVE, "m >= limit"),
            "cube <= (C**2/9*(3/4*eigenvalue))**3",
            {**KAPPA, "limit": WIDTH, "share": "delta/3", "R2": "36*E/(delta*eigenvalue)", "cube": CUBE},
        ),
        _CONDITION,
    ),
    (
        Mutation("narrower-chernoff", "the first width times 0.999", {"m >= limit": "m >= 999/1000*limit"}),
        Mutation("ball-35", "R^2 = 35.9 E/(delta lambda0)", {"36*E": "359/10*E"}, 1),
        Mutation("narrower", "the second width times 0.999", {"m >= limit": "m >= 999/1000*limit"}, part=2),
        Mutation("delta/4", "C2-prob at delta/4", {"delta/3": "delta/4"}, part=2),
        Mutation(
            "eigenvalue-kept",
            "lambda > 0.749 lambda0",
            {"smallest > 3/4*eigenvalue": "smallest > 749/1000*eigenvalue"},
            part=3,
        ),
    ),
)

PAIRS_CHERNOFF = Implication(
    ("0 < beta", "0 < eigenvalue", "0 < norm2", "m >= limit"),
    "beta*(m/2)*eigenvalue/norm2 >= log",
    {"limit": PAIRS_WIDTH},
)
"""``_CHERNOFF`` for m/2 independent pairs."""

HALF_CHERNOFF = Mutation("as-independent", "the first width of independent neurons", {"2*norm2": "norm2"}, part=2)

LEAST = Obligation(
    "O-t3-least",
    "T3: m is at least a width when the lemma that asks for it is satisfied; the two initialisations",
    (
        Implication(
            ("0 < beta", "0 < eigenvalue", "0 < norm2", "beta*m*eigenvalue/norm2 >= log"),
            "m >= limit",
            {"limit": FIRST_WIDTH},
        ),
        Implication(
            (*POSITIVE, "0 < m", "cube <= (C**2/9*(3/4*eigenvalue))**3"),
            "m >= limit",
            {**KAPPA, "limit": WIDTH, "share": "delta/3", "R2": "36*E/(delta*eigenvalue)", "cube": CUBE},
        ),
        Implication(
            (*POSITIVE, "0 < m", "cube <= (C**2/9*(3/4*eigenvalue))**3"),
            "m >= limit",
            {**KAPPA, "limit": SYMMETRIC_WIDTH, "share": "delta/2", "R2": "12*E/eigenvalue", "cube": CUBE},
        ),
        Implication(
            ("0 < beta", "0 < eigenvalue", "0 < norm2", "beta*(m/2)*eigenvalue/norm2 >= log"),
            "m >= limit",
            {"limit": PAIRS_WIDTH},
        ),
    ),
    (
        Mutation("wider", "the first width times 1.001", {"m >= limit": "m >= 1001/1000*limit"}),
        Mutation("wider-2", "the second width times 1.001", {"m >= limit": "m >= 1001/1000*limit"}, part=1),
        Mutation("wider-3", "the symmetric width times 1.001", {"m >= limit": "m >= 1001/1000*limit"}, part=2),
        Mutation("wider-4", "the first width of pairs times 1.001", {"m >= limit": "m >= 1001/1000*limit"}, part=3),
    ),
)

SYMMETRIC = Obligation(
    "O-t3-symmetric",
    "T3 under symmetric initialisation: K-chernoff and C2-prob at delta/2 each, r(0) = -y; E is ||y||^2 here. R bounds "
    "Condition 2's radius; at the second width the cube of C2-prob's bound is at most that of (C^2/9)(3/4 lambda0); the first width is enough for m/2 pairs",
    (
        Implication(
            ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 <= E"), "9*E/smallest <= R2", {"R2": "12*E/eigenvalue"}
        ),
        Implication(
            (*POSITIVE, "m >= limit"),
            "cube <= (C**2/9*(3/4*eigenvalue))**3",
            {**KAPPA, "limit": SYMMETRIC_WIDTH, "share": "delta/2", "R2": "12*E/eigenvalue", "cube": CUBE},
        ),
        PAIRS_CHERNOFF,
    ),
    (
        Mutation("ball-11", "R^2 = 11.9 E/lambda0", {"12*E": "119/10*E"}),
        Mutation("narrower", "the second width times 0.999", {"m >= limit": "m >= 999/1000*limit"}, part=1),
        HALF_CHERNOFF,
    ),
)

OBLIGATIONS = (CUBES, COMPOSITION, LEAST, SYMMETRIC)

GIVEN = ("n >= 1", "0 < eigenvalue", "0 < nu", "0 < delta < 1", "0 < E", "0 < C <= 1", "3 < pi < 4")
KEPT = ("0 < eigenvalue", "smallest > 3/4*eigenvalue")
SHARES = ("0 < beta < 1", "0 < eigenvalue", "0 < norm2")
"""The numbers of which both theorems speak."""


def composition_ranges(theorem: str) -> list[Range]:
    """What the composition of the lemmas needs, also that of T4-width."""
    return [
        *flip_ranges(theorem),
        *needs(theorem, CUBES, (0,), "0 <= x", "0 <= y", "x**3 <= y**3"),
        *needs(theorem, COMPOSITION, (0,), *SHARES, "beta*eigenvalue*m >= norm2*log"),
        *needs(theorem, COMPOSITION, (1,), *KEPT, "0 < share < 1", "0 <= r2 <= E/share"),
        *needs(theorem, COMPOSITION, (3,), *KEPT, "0 <= x <= C**2/12*eigenvalue"),
        *needs(theorem, COMPOSITION, (2,), *GIVEN, "m >= width", width=PLAIN),
    ]


_ENOUGH = "27/2/pi*n**3*(36*E/(delta*eigenvalue))/(nu**2*(delta/3)**2*m) <= (C**2/12*eigenvalue)**3"
_ENOUGH_OF_PAIRS = "27/2/pi*n**3*(12*E/eigenvalue)/(nu**2*(delta/2)**2*m) <= (C**2/12*eigenvalue)**3"

RANGES = (
    *composition_ranges("T3"),
    *needs("T3", SYMMETRIC, (0,), *KEPT, "0 <= E"),
    *needs("T3", SYMMETRIC, (1,), *GIVEN, "m >= width", width=PLAIN_SYMMETRIC),
    *needs("T3", SYMMETRIC, (2,), *SHARES, "beta*eigenvalue*m >= 2*norm2*log"),
    *needs("T3", LEAST, (0,), *SHARES, "beta*m*eigenvalue/norm2 >= log"),
    *needs("T3", LEAST, (1,), *GIVEN, "m >= 1", _ENOUGH),
    *needs("T3", LEAST, (2,), *GIVEN, "m >= 1", _ENOUGH_OF_PAIRS),
    *needs("T3", LEAST, (3,), *SHARES, "beta*(m/2)*eigenvalue/norm2 >= log"),
)


_HERE = "docs/proofs/width.md: "

CHERNOFF_LINKS = (*CHERNOFF, checked("K-chernoff's frequency", "K-chernoff"))

UNION = argued("the failures of the lemmas add up to at most delta; R is fixed before the draw", f"{_HERE}P7.4")

FIRST_SHARE = argued(
    "with log = ln(n/share) the exponent at the first width makes the failure at most the share: n exp(-log) = share",
    f"{_HERE}P7.5",
)

BY_CUBES = argued("C2-prob's bound is compared by its cube; Condition 2(C), or K2(C), follows", f"{_HERE}P7.6")

CHAINS = (
    Chain(
        "T3",
        (
            *CHERNOFF_LINKS,
            *START_LINKS,
            *CHANGE_LINKS,
            UNION,
            proved(
                "independent neurons: the exponent at the first width, R^2 above the squared radius, the cube at the second width; "
                "for pairs too, x <= (C^2/9)(3/4 lambda0) gives x <= (C^2/9) lambda where lambda > 3/4 lambda0",
                COMPOSITION,
            ),
            proved(
                "pairs: the exponent at the first width, R^2 above the squared radius, the cube at the second width where y is not 0",
                SYMMETRIC,
            ),
            proved("numbers that are not negative are ordered as their cubes", CUBES),
            FIRST_SHARE,
            BY_CUBES,
            proved("each lemma's requirement makes m at least its width", LEAST),
            argued("so the width is enough, and the least for which the lemmas compose", f"{_HERE}P7.7"),
            checked("the conclusion on instances", "T3"),
        ),
    ),
)
