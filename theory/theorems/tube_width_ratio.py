"""A width theorem without ``|| |K| ||_2``: T1-tube-root and T3-tube-ratio (docs/theory.md).

Setting: that of T3-tube (theory/theorems/tube_width.py), and ``|r|_0 = (r^T G(0)^{-1} r)^{1/2}``.

T1-tube-root [derived]. A tube b, and tau with ``||J(W') - J(W)||_2^2 <= tau`` in it (C2-tube), ``x = (tau/lambda)^{1/2} < 1/2``, ``mu = x/(1-x)``, ``0 < eta <= 1``,
``m^{-1/2} ||K_i|| S <= b_i`` for every i, ``S = |r(0)|_0/(lambda^{1/2} (1-mu) (1-x)^2)``. Then for all k ``||r(k)|| <= (1 - eta(1-mu))^k ||r(0)||``, the same for ``|r(k)|_0``, and all
iterates and segments are in the tube. It is T1-q's argument, which does not change when the outputs are multiplied by ``G(0)^{-1/2}``.

T3-tube-ratio [derived]. ``Y = y^T G_inf^{-1} y``, ``k = max_i sum_j |K_ij|``, ``a = (3/4) lambda0 (mu/(1+mu))^2``, ``Omega = max_i (|K_ii| + sum_{j != i} |K_ij| min(1, (a/2)(1-K_ij^2)^{-1/2}))``.
Symmetric initialisation: if m is at least

    (8/pi)(256/81) ((1+mu)^4/(mu^2 (1-mu)))^2 Omega^2 K^^2 Y/(nu^2 lambda0^3),  16 k (1+mu)^2 ln(2n/delta)/(mu^2 lambda0)

then with probability at least ``1 - delta`` T1-tube-root's hypotheses hold for ``b_i = m^{-1/2} ||K_i|| (4/3) (Y/lambda0)^{1/2} (1+mu)^2/(1-mu)`` and the ratio mu. Where pairs of inputs
are seldom near a boundary together Omega is nearly 1, where T3-tube has kappa: for correlated inputs kappa is nearly n. Best near mu = 0.4384: in all
``12660 Omega^2 K^^2 Y/(nu^2 lambda0^3)``. K-relative's width, ``2 ||X||_2^2 ln(2n/delta)/(beta lambda0)``, is below the second
of these: ``||X||_2^2 <= k`` and ``beta > 0.034``. Independent neurons: as in T3-tube.

Not sharp (slack table). Proofs: docs/proofs/tube.md, P13.50 to P13.53.

In the obligations, beside T3-tube's letters: ``g`` is lambda^{1/2}, ``t`` is tau^{1/2}, ``s`` a lower bound of sigma_min(J), ``z`` is ``||J^+ r||``, ``r`` is ``|r|_0``; ``W`` is Omega.
"""

from __future__ import annotations

from collections.abc import Iterable

from flint import fmpq

from theory.directed import at_least_exact, at_most_exact, exact
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import Range, needs
from theory.reals import circle_constant, magnitude, positive_real, probability, square_root
from theory.theorems.chernoff import CHERNOFF, FIRST_WIDTH, KEPT_SHARE
from theory.theorems.residual_tail import LINKS as START_LINKS
from theory.theorems.segments import INTEGRAL
from theory.theorems.tube_width import COUNT_LINKS, SQUARES, counting_width, movement_width

SECTION = 11

BEST_RATIO = fmpq(57, 130)
"""``(5 - 17^{1/2})/2`` to four digits: where the second width is least, Omega apart."""


@at_least_exact
def root_ratio(tau: float, lambda_min: float) -> float:
    """``mu = x/(1-x)``, ``x = (tau/lambda)^{1/2}``: T1-tube-root's ratio; inf for x >= 1. Raises ScaleError."""
    x = square_root(magnitude(tau, "tau") / positive_real(lambda_min, "lambda"))
    return x / (1 - x) if x < 1 else float("inf")


@at_least_exact
def root_path(squared_length: float, tau: float, lambda_min: float) -> float:
    """S of T1-tube-root, ``squared_length`` is ``r(0)^T G(0)^{-1} r(0)``; inf for a ratio of 1 or more. Raises ScaleError."""
    x = square_root(magnitude(tau, "tau") / positive_real(lambda_min, "lambda"))
    if not 2 * x < 1:
        return float("inf")
    return square_root(magnitude(squared_length, "the squared length") / lambda_min) / ((1 - 2 * x) * (1 - x))


@at_most_exact
def allowed_sum(ratio: float, lambda0: float) -> float:
    """a: ``(3/4) lambda0 (mu/(1+mu))^2``, up to which tau may be. Raises ScaleError."""
    mu = probability(ratio, "the ratio mu")
    return exact(KEPT_SHARE) * positive_real(lambda0, "lambda0") * (mu / (1 + mu)) ** 2


@at_least_exact
def root_factor(ratio: float) -> float:
    """g: ``(1+mu)^2/(1-mu)``; the path S is at most ``(4/3) (Y/lambda0)^{1/2} g``. Raises ScaleError."""
    mu = probability(ratio, "the ratio mu")
    return (1 + mu) ** 2 / (1 - mu)


def overlap(own: float, others: Iterable[float], allowed: float) -> float:
    """One input's ``|K_ii| + sum_j |K_ij| min(1, (a/2)(1-K_ij^2)^{-1/2})``, rational or a ball; ``others`` are bounds of ``|K_ij|``, j != i.

    Raises ScaleError.
    """
    half = positive_real(allowed, "a") / 2
    found = magnitude(own, "K_ii")
    for one in others:
        sine2 = 1 - magnitude(one, "|K_ij|") ** 2
        near = sine2 > half**2  # where the density of two pre-activations at 0 tells more than that of one
        found = found + (one * half / square_root(sine2) if near else one)
    return found


_MU = "0 < mu < 1"
_FACTOR = "(1+mu)**2/(1-mu)"
_ALLOWED = "3/4*eigenvalue*(mu/(1+mu))**2"
SECOND = "8/pi*256/81*((1+mu)**4/(mu**2*(1-mu)))**2*W**2*row2*L2/(nu**2*eigenvalue**2)"
THIRD = "16*k*(1+mu)**2*log/(mu**2*eigenvalue)"

ROOT = Obligation(
    "O-tube-root",
    "T1-tube-root: the least singular value in the tube; the ratio; ||J^+ r|| against |r|_0; the path's factor; one step; the series",
    (
        Implication(("0 < g", "0 <= x < 1/2", "t == x*g", "s >= g - t"), "s >= (1-x)*g"),
        Implication(("0 < g", "0 <= x < 1/2", "t == x*g", "s >= (1-x)*g"), "t/s <= x/(1-x)"),
        Implication(("0 < g", "0 <= x < 1/2", "t == x*g", "s >= (1-x)*g"), "1 + t/s <= 1/(1-x)"),
        Implication(("0 < g", "0 <= x < 1/2", "s >= (1-x)*g", "0 <= r", "0 <= z <= r/(1-x)"), "z/s <= r/(g*(1-x)**2)"),
        Implication(
            ("0 <= x < 1/2", "0 < eta <= 1", "0 <= r", "0 <= z <= r/(1-x)"),
            "(1-eta)*r + eta*x*z <= (1-eta*(1-x/(1-x)))*r",
        ),
        Implication(("0 <= x < 1/2",), "(1 - x/(1-x))*(1-x)**2 == (1-2*x)*(1-x)"),
    ),
    (
        Mutation("value", "1 - 0.999 x", {"(1-x)*g": "(1-999/1000*x)*g"}),
        Mutation("ratio", "x/(1-0.999 x)", {"<= x/(1-x)": "<= x/(1-999/1000*x)"}, part=1),
        Mutation("length", "1/(1-0.999 x)", {"<= 1/(1-x)": "<= 1/(1-999/1000*x)"}, part=2),
        Mutation("path", "1-x for its square", {"(g*(1-x)**2)": "(g*(1-x))"}, part=3),
        Mutation("step", "the factor 1 - eta(1-x)", {"(1-eta*(1-x/(1-x)))": "(1-eta*(1-x))"}, part=4),
        Mutation("series", "1-x for 1-2x", {"(1-2*x)*": "(1-x)*"}, part=5),
    ),
)

COMPOSITION = Obligation(
    "O-t3-tube-ratio",
    "T3-tube-ratio: at the second width twice Omega p is at most a; at the third the counts' logarithm is; then x <= mu/(1+mu), the path at most "
    "(4/3) L g; the second width's factor at its least; K-relative's width is no larger than the third",
    (
        Implication(
            (_MU, "0 < eigenvalue", "0 < nu", "0 < m", "0 < W", "0 < row2", "0 <= L2", "0 < pi", "m >= limit"),
            "4*W**2*p2 <= a**2",
            {"a": _ALLOWED, "b2": f"16/9*row2*L2*({_FACTOR})**2/m", "p2": "2/pi*b2/nu**2", "limit": SECOND},
        ),
        Implication(
            (_MU, "0 < eigenvalue", "0 < k", "0 < log", "m >= limit"),
            "6*k*log/(m/2) <= a",
            {"a": _ALLOWED, "limit": THIRD},
        ),
        Implication(
            (_MU, "0 < eigenvalue", "0 < k", "0 < log", "m >= limit/2"),
            "6*k*log/m <= a",
            {"a": _ALLOWED, "limit": THIRD},
        ),
        Implication(
            (
                _MU,
                "0 < eigenvalue",
                "smallest > 3/4*eigenvalue",
                f"0 <= t2 <= {_ALLOWED}",
                "0 <= x",
                "x**2*smallest == t2",
            ),
            "x <= mu/(1+mu)",
        ),
        Implication((_MU, "0 <= x <= mu/(1+mu)"), "1/((1-2*x)*(1-x)) <= factor", {"factor": _FACTOR}),
        Implication((_MU,), "(1+mu)**4/(mu**2*(1-mu)) >= 3965/100"),
        Implication(
            (_MU, "0 < eigenvalue", "0 < norm2 <= k", "0 < log", "beta >= 34/1000"),
            "first <= limit",
            {"first": f"2*{FIRST_WIDTH}", "limit": THIRD},
        ),
    ),
    (
        Mutation("narrower", "the second width times 0.999", {"m >= limit": "m >= 999/1000*limit"}),
        Mutation("without-overlap", "without Omega", {"*W**2*row2*": "*row2*"}),
        Mutation("narrower-third", "the third width times 0.999", {"m >= limit": "m >= 999/1000*limit"}, part=1),
        Mutation("narrower-independent", "the third width times 0.499", {"limit/2": "499/1000*limit"}, part=2),
        Mutation("ratio", "0.999 of it", {"x <= mu/": "x <= 999/1000*mu/"}, part=3),
        Mutation("path", "1+mu for its square", {_FACTOR: "(1+mu)/(1-mu)"}, part=4),
        Mutation("better", "39.67 for 39.65", {"3965/100": "3967/100"}, part=5),
        Mutation("smaller-beta", "beta >= 0.031", {"34/1000": "31/1000"}, part=6),
    ),
)

OBLIGATIONS = (ROOT, COMPOSITION)


def _second_width(pi: float, mu: float, W: float, row2: float, L2: float, nu: float, eigenvalue: float) -> float:
    """With any number for pi."""
    found = movement_width(L2, row2, nu, allowed_sum(mu, eigenvalue), root_factor(mu), W)
    return found * circle_constant(pi) / pi


CALCULATED = (
    Calculated(SECOND, _second_width, ("mu < 1",)),
    Calculated(
        THIRD,
        lambda k, mu, log, eigenvalue: counting_width(log, allowed_sum(mu, eigenvalue), largest=k),
        ("mu < 1",),
    ),
    Calculated(_FACTOR, lambda mu: root_factor(mu), ("mu < 1",)),
)

_X = ("0 < g", "0 <= x < 1/2")
_GIVEN = (_MU, "0 < eigenvalue <= 1/2", "0 < nu", "m >= 1", "W >= 1", "row2 >= 1", "0 <= L2", "3 < pi < 4")
_LIGHT = (_MU, "0 < eigenvalue", "k >= 1", "log > 0")


def _root_ranges(theorem: str) -> list[Range]:
    return [
        *needs(theorem, ROOT, (0,), *_X, "t == x*g", "s >= g - t"),
        *needs(theorem, ROOT, (1, 2), *_X, "t == x*g", "s >= (1-x)*g"),
        *needs(theorem, ROOT, (3,), *_X, "s >= (1-x)*g", "0 <= r", "0 <= z", "(1-x)*z <= r"),
        *needs(theorem, ROOT, (4,), "0 <= x < 1/2", "0 < eta <= 1", "0 <= r", "0 <= z", "(1-x)*z <= r"),
        *needs(theorem, ROOT, (5,), "0 <= x < 1/2"),
    ]


RANGES = (
    *_root_ranges("T1-tube-root"),
    *_root_ranges("T3-tube-ratio"),
    *needs("T3-tube-ratio", SQUARES, (0,), "0 <= x", "0 <= y", "x**2 <= y**2"),
    *needs("T3-tube-ratio", COMPOSITION, (0,), *_GIVEN, "m >= limit", limit=SECOND),
    *needs("T3-tube-ratio", COMPOSITION, (1,), *_LIGHT, "m >= limit", limit=THIRD),
    *needs("T3-tube-ratio", COMPOSITION, (2,), *_LIGHT, "m >= limit/2", limit=THIRD),
    *needs(
        "T3-tube-ratio",
        COMPOSITION,
        (3,),
        _MU,
        "0 < eigenvalue",
        "smallest > 3/4*eigenvalue",
        "0 <= t2",
        "t2*(1+mu)**2 <= 3/4*eigenvalue*mu**2",
        "0 <= x",
        "x**2*smallest == t2",
    ),
    *needs("T3-tube-ratio", COMPOSITION, (4,), _MU, "0 <= x", "x*(1+mu) <= mu"),
    *needs("T3-tube-ratio", COMPOSITION, (5,), _MU),
    *needs("T3-tube-ratio", COMPOSITION, (6,), *_LIGHT, "0 < norm2 <= k", "beta >= 34/1000"),
)

_HERE = "docs/proofs/tube.md: "

ROOT_LINKS = (
    INTEGRAL,
    argued("||J(W') - J(W)||_2^2 <= tau in the tube", f"{_HERE}P13.50"),
    argued("one step in both norms, the path, induction", f"{_HERE}P13.51"),
    proved("the singular value, the ratio, the norms, the factor of a step, the series", ROOT),
)

CHAINS = (
    Chain("T1-tube-root", (*ROOT_LINKS, checked("the conclusion on instances", "T1-tube-root"))),
    Chain(
        "T3-tube-ratio",
        (
            *CHERNOFF,
            checked("K-relative's frequency", "K-relative"),
            *START_LINKS,
            argued("the failures add up to at most delta; b is fixed before the draw", f"{_HERE}P13.42"),
            *COUNT_LINKS,
            argued(
                "two pre-activations near 0 at once; tau is at most the largest row sum, Chernoff's step for those",
                f"{_HERE}P13.52",
            ),
            proved("numbers that are not negative are ordered as their squares", SQUARES),
            proved("the widths, x, the path, the best mu", COMPOSITION),
            *ROOT_LINKS,
            argued("so T1-tube-root's hypotheses hold", f"{_HERE}P13.53"),
            checked("the conclusion on instances", "T3-tube-ratio"),
        ),
    ),
)
