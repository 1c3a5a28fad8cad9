"""The width from which Conditions K1 and K2(C) have high probability: T4-width (docs/theory.md).

Setting and letters: theory/theorems/width.py, whose functions give its constants (``theorem="T4-width"``).

T4-width [derived]. The same for Conditions K1 and K2(C) with lambda_S for lambda0, n for ``||X||_2^2``, and kappa_X =
mu_max/mu_min times the second width, for either initialisation: ``R^2 = 36 E/(delta lambda_S h_min mu_min)``, symmetric
``12 ||y||^2/(lambda_S h_min mu_min)``, and ``h_min >= 1/mu_max``. A rank decided in floating point is not enough: for the rows (1, 0) and (-1, 1e-17) kappa_X is 4e34, and 1 when the singular value 7e-18 is dropped.

Proof: docs/proofs/width.md, P7.8.
"""

from flint import fmpq

from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
from theory.theorems.flip_probability import CHANGE_LINKS, CUBE, KAPPA
from theory.theorems.initial_residual import LINKS as START_LINKS
from theory.theorems.kfac import LEVERAGE, LEVERAGE_BOUNDS, leverage_ranges
from theory.theorems.width import (
    BY_CUBES,
    CHERNOFF_LINKS,
    COMPOSITION,
    CUBES,
    FIRST_SHARE,
    GIVEN,
    HALF_CHERNOFF,
    KEPT,
    PAIRS_CHERNOFF,
    PLAIN,
    PLAIN_SYMMETRIC,
    POSITIVE,
    SHARES,
    SYMMETRIC_WIDTH,
    UNION,
    WIDTH,
    composition_ranges,
    squared_condition_radius,
)

SECTION = 6

SQUARED_RADIUS = "36*E/(delta*eigenvalue*h*mu_min)"
PAIRS_SQUARED_RADIUS = "12*E/(eigenvalue*h*mu_min)"

CALCULATED = (
    Calculated(
        SQUARED_RADIUS,
        lambda E, delta, eigenvalue, h, mu_min: squared_condition_radius(E - 1, 2, 1, delta, eigenvalue * h * mu_min),
        ("0 < delta < 1", "E >= 1"),
    ),
    Calculated(
        PAIRS_SQUARED_RADIUS,
        lambda E, eigenvalue, h, mu_min: squared_condition_radius(E, 2, 1, fmpq(1, 2), eigenvalue * h * mu_min, True),
    ),
)

PATTERN = Obligation(
    "O-t4-width",
    "T4-width: the same with K2's ball, R^2 = 36 E/(delta lambda_S h_min mu_min), and h_min >= 1/mu_max: a factor kappa_X = mu_max/mu_min",
    (
        Implication(
            ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 < share", "0 < h", "0 < mu_min", "0 <= r2 <= E/share"),
            "9*r2/(smallest*h*mu_min) <= R2",
            {"delta": "3*share", "R2": "36*E/(delta*eigenvalue*h*mu_min)"},
        ),
        Implication(
            (
                *POSITIVE,
                "0 < mu_min",
                "0 < mu_max",
                "h*mu_max >= 1",
                "m >= mu_max/mu_min*limit",
            ),
            "cube <= (C**2/9*(3/4*eigenvalue))**3",
            {
                **KAPPA,
                "limit": WIDTH,
                "share": "delta/3",
                "R2": "36*E/(delta*eigenvalue*h*mu_min)",
                "cube": CUBE,
            },
        ),
    ),
    (
        Mutation("ball-35", "35.9 in place of 36", {"36*E": "359/10*E"}),
        Mutation("smaller-h", "h_min >= 0.999/mu_max", {"h*mu_max >= 1": "h*mu_max >= 999/1000"}, part=1),
        Mutation("no-kappa", "without kappa_X", {"mu_max/mu_min*limit": "limit"}, part=1),
    ),
)

PATTERN_SYMMETRIC = Obligation(
    "O-t4-width-symmetric",
    "T4-width under symmetric initialisation: R^2 = 12 ||y||^2/(lambda_S h_min mu_min) bounds K2's radius; "
    "with h_min >= 1/mu_max the second width is kappa_X times the symmetric one of T3; E is ||y||^2 here; the first width is enough for m/2 pairs",
    (
        Implication(
            ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 < h", "0 < mu_min", "0 <= E"),
            "9*E/(smallest*h*mu_min) <= R2",
            {"R2": "12*E/(eigenvalue*h*mu_min)"},
        ),
        Implication(
            (*POSITIVE, "0 < mu_min", "0 < mu_max", "h*mu_max >= 1", "m >= mu_max/mu_min*limit"),
            "cube <= (C**2/9*(3/4*eigenvalue))**3",
            {
                **KAPPA,
                "limit": SYMMETRIC_WIDTH,
                "share": "delta/2",
                "R2": "12*E/(eigenvalue*h*mu_min)",
                "cube": CUBE,
            },
        ),
        PAIRS_CHERNOFF,
    ),
    (
        Mutation("ball-11", "11.9 in place of 12", {"12*E": "119/10*E"}),
        Mutation("smaller-h", "h_min >= 0.999/mu_max", {"h*mu_max >= 1": "h*mu_max >= 999/1000"}, part=1),
        Mutation("no-kappa", "without kappa_X", {"mu_max/mu_min*limit": "limit"}, part=1),
        Mutation("delta/3", "C2-prob at delta/3", {"delta/2": "delta/3"}, part=1),
        HALF_CHERNOFF,
    ),
)

OBLIGATIONS = (PATTERN, PATTERN_SYMMETRIC)

_SCORES = ("0 < mu_min <= mu_max", "h*mu_max >= 1", "h*mu_min <= 1")
_WIDE = "m >= mu_max/mu_min*width"

RANGES = (
    *composition_ranges("T4-width"),
    *needs("T4-width", PATTERN, (0,), *KEPT, *_SCORES, "0 < share < 1", "0 <= r2 <= E/share"),
    *needs("T4-width", PATTERN, (1,), *GIVEN, *_SCORES, _WIDE, width=PLAIN),
    *needs("T4-width", PATTERN_SYMMETRIC, (0,), *KEPT, *_SCORES, "0 <= E"),
    *needs("T4-width", PATTERN_SYMMETRIC, (1,), *GIVEN, *_SCORES, _WIDE, width=PLAIN_SYMMETRIC),
    *needs("T4-width", PATTERN_SYMMETRIC, (2,), *SHARES, "beta*eigenvalue*m >= 2*norm2*log"),
    *leverage_ranges("T4-width"),
)


_HERE = "docs/proofs/width.md: "

CHAINS = (
    Chain(
        "T4-width",
        (
            *CHERNOFF_LINKS,
            *START_LINKS,
            *CHANGE_LINKS,
            UNION,
            proved(
                "independent neurons: the exponent at the first width; for pairs too, x <= (C^2/9)(3/4 lambda_S) gives "
                "x <= (C^2/9) sigma^2 where sigma^2 > 3/4 lambda_S",
                COMPOSITION,
            ),
            proved("numbers that are not negative are ordered as their cubes", CUBES),
            FIRST_SHARE,
            BY_CUBES,
            LEVERAGE_BOUNDS,
            proved("h mu_max >= 1 for a unit row, from h mu_min <= ||x_i||^2 <= h mu_max", LEVERAGE),
            proved(
                "independent neurons: R^2 above K2's squared radius, and the cube at kappa_X times the second width",
                PATTERN,
            ),
            proved(
                "pairs: the exponent at the first width, R^2 above K2's squared radius, the cube at kappa_X times the second width "
                "where y is not 0",
                PATTERN_SYMMETRIC,
            ),
            argued("so the width is enough, with either initialisation", f"{_HERE}P7.8"),
            checked("the conclusion on instances", "T4-width"),
        ),
    ),
)
