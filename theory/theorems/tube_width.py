"""The width from which the tube closes with high probability: T3-tube (docs/theory.md).

Setting. ReLU, unit rows X (n, d), targets y, ``|K|`` with the entries ``|K_ij|``, ``kappa = || |K| ||_2``, ``K^ = max_i ||K_i||_2`` over the rows of K,
``lambda0 = lambda_min(G_inf) > 0``, a ratio ``0 < mu < 1``. Symmetric initialisation: m/2 independent pairs (w, a), (w, -a), so that r(0) = -y. b is fixed before the
draw, ``b_i = m^{-1/2} ||K_i|| (4/3) L g``.

T3-tube [paper's Theorem 3 in a tube, derived; constants too]. If m is at least

    plain:      2 ||X||_2^2 ln(2n/delta)/(beta lambda0),  (8/pi)(256/81) (1+2mu)^4/(mu(1-mu))^2 kappa^2 K^^2 L^2/(nu^2 lambda0^2),  16 kappa (1+2mu) ln(2n/delta)/(mu lambda0);
    two-sided:  the same first,                           (8/pi)(256/81) (1+mu)^4/(mu(1-mu))^2 kappa^2 K^^2 L^2/(nu^2 lambda0^2),   32 kappa (1+mu) ln(4n/delta)/(mu lambda0)

with ``L = ||y||/lambda0``, then with probability at least ``1 - delta`` the tube of b closes with a ratio of at most mu (T1-tube's hypotheses, the first form of S):
``g = (1+2mu)/(1-mu)`` (plain), ``(1+mu)/(1-mu)`` (two-sided). *target*: the two-sided widths with ``L^2 = y^T G_inf^{-1} y/lambda0``, and the second form of S. The second width is
least at mu = 1/4 (plain: ``1159 kappa^2 K^^2 L^2/(nu^2 lambda0^2)``), 1/3 (516). K-chernoff (target: K-relative) and the counts of neurons near a boundary at delta/2 each.

Independent neurons. m for m/2 in the first and third width, ``s delta/2`` for ``delta/2`` with any ``0 < s < 1``, and for ``||y||`` (target:
``(y^T G_inf^{-1} y)^{1/2}``) R0-tail's bound of ``||r(0)||`` (of ``||u(0)||/lambda0^{1/2}``, added) at ``(1-s) delta``, or R0's if that is smaller. As s enters the second
width by ``ln(1/(1-s))`` and the others by ``ln(1/s)``, small s is best where the second decides: of ``s = 1/2, 1/4, ..., 2^-20`` the best one is taken.

Not sharp (slack table). Proofs: docs/proofs/tube.md, P13.42 to P13.48.

In the obligations, positive reals: ``eigenvalue`` is lambda0, ``smallest`` lambda_min(G(0)), ``row2`` K^^2, ``L2`` L^2, ``p2`` the square of ``(2/pi)^{1/2} b/nu``, ``a`` what a share of neurons
may be, ``log`` the logarithm, x a bound of ``||M||_2``; pi is any positive number.

Functions of real numbers take floats or balls (arb), and answer in kind; floats by the next float on the side on which the statement stays true
(theory/directed.py).
"""

from __future__ import annotations

from flint import fmpq

from theory.directed import at_least_exact, at_most_exact, exact
from theory.inputs import known_theorem
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import Range, needs
from theory.reals import circle_constant, nonnegative_real, positive_real, probability
from theory.theorems.chernoff import CHERNOFF, FIRST_WIDTH, KEPT_SHARE, width_quotient
from theory.theorems.residual_tail import LINKS as START_LINKS

SECTION = 11

FORMS = ("plain", "two-sided", "target")

BEST_RATIO = {"plain": fmpq(1, 4), "two-sided": fmpq(1, 3), "target": fmpq(1, 3)}
"""Where the second width is least."""

COUNTED = 3
"""Chernoff's step: ``Bin(N, p) >= 2 max(N p, 3 ln(1/epsilon))`` has a probability of at most epsilon, as ``2 ln 2 - 1 >= 1/3``."""


def sides(form: str) -> int:
    """How many counts an input has: all that may flip together, or those that may appear and those that may vanish. Raises ChoiceError."""
    return 1 if known_theorem(form, FORMS) == "plain" else 2


def _growth(ratio: float, form: str) -> float:
    """``1 + 2 mu`` (plain), ``1 + mu``."""
    mu = probability(ratio, "the ratio mu")
    return 1 + (2 * mu if sides(form) == 1 else mu)


@at_most_exact
def allowed_share(ratio: float, lambda0: float, absolute_norm: float, form: str = "plain") -> float:
    """a: ``mu (3/4) lambda0/((1+2mu) kappa)``, or with ``1+mu``: up to this share of neurons may flip an input.

    Both sides together in the plain form; of the two-sided form twice the larger side. Raises ScaleError, ChoiceError.
    """
    share = ratio / _growth(ratio, form)
    return share * exact(KEPT_SHARE) * positive_real(lambda0, "lambda0") / positive_real(absolute_norm, "kappa")


@at_least_exact
def path_factor(ratio: float, form: str = "plain") -> float:
    """g: ``(1+2mu)/(1-mu)`` (plain), ``(1+mu)/(1-mu)``: the path S is at most ``(4/3) L g``. Raises ScaleError, ChoiceError."""
    return _growth(ratio, form) / (1 - ratio)


@at_least_exact
def movement_width(
    squared_length: float, squared_row: float, scale: float, allowed: float, factor: float, overlap: float = 1
) -> float:
    """``(8/pi)(16/9) K^^2 L^2 (g/a)^2/nu^2``, the second width, not rounded: from it on ``2 (2/pi)^{1/2} b_i/nu <= a``.

    ``overlap`` multiplies the left side (1 in T3-tube). Raises ScaleError.
    """
    reach = fmpq(16, 9) * nonnegative_real(squared_length, "L^2") * positive_real(squared_row, "K^^2") * factor**2
    room = circle_constant(allowed) * positive_real(scale, "scale") ** 2 * positive_real(allowed, "a") ** 2
    return width_quotient(8 * reach * overlap**2, room)


@at_least_exact
def counting_width(log: float, allowed: float, counts: int = 1, symmetric: bool = True, largest: float = 1) -> float:
    """``6 L k sides/a`` independent neurons, twice that under symmetric initialisation: the third width, not rounded.

    ``log`` is ``ln(events/share)``, ``counts`` the sides, k = ``largest`` what a neuron adds at most to a count (1 in T3-tube). Raises ScaleError.
    """
    wide = 2 * COUNTED * counts * nonnegative_real(log, "the logarithm") * largest
    return width_quotient(wide * (2 if symmetric else 1), positive_real(allowed, "a"))


def _second(growth: str) -> str:
    return f"8/pi*256/81*{growth}**4/(mu*(1-mu))**2*kappa**2*row2*L2/(nu**2*eigenvalue**2)"


PLAIN, SIDED = "(1+2*mu)", "(1+mu)"
SECOND, SIDED_SECOND = _second(PLAIN), _second(SIDED)
THIRD, SIDED_THIRD = f"16*kappa*{PLAIN}*log/(mu*eigenvalue)", f"32*kappa*{SIDED}*log/(mu*eigenvalue)"
"""The widths of m neurons in pairs."""

_RATIO = "0 < mu < 1"
POSITIVE = ("0 < eigenvalue", "0 < nu", "0 < m", "0 < kappa", "0 < row2", "0 <= L2", "0 < pi")

SQUARES = Obligation(
    "O-squares",
    "T3-tube: numbers that are not negative are ordered as their squares",
    (Implication(("0 <= x", "0 <= y", "x**2 <= y**2"), "x <= y"),),
    (Mutation("smaller", "x <= 0.999 y", {"x <= y": "x <= 999/1000*y"}),),
)


def _composition(id: str, title: str, growth: str, widths: tuple[str, str], counts: int, change: int) -> Obligation:
    allowed = f"mu*(3/4*eigenvalue)/({growth}*kappa)"
    bound = {"p2": "2/pi*b2/nu**2", "b2": f"16/9*row2*L2*({growth}/(1-mu))**2/m"}
    kept = (_RATIO, "0 < eigenvalue", "smallest > 3/4*eigenvalue", f"0 <= x <= mu*(3/4*eigenvalue)/{growth}")
    moved = f"{change}*x" if change > 1 else "x"
    best = {2: ("144", "145"), 1: ("64", "65")}[change]
    return Obligation(
        id,
        f"T3-tube, {title}: at the second width twice p is at most a; at the third width the counts' logarithm is; then lambda_b > 0 keeps its share, the ratio "
        f"is at most mu and the path at most (4/3) L g; the best ratio; the first width is enough for m/2 pairs",
        (
            Implication(
                (_RATIO, *POSITIVE, "m >= limit"),
                "4*p2 <= a**2",
                {"a": allowed, "b2": bound["b2"], "p2": bound["p2"], "limit": widths[0]},
            ),
            Implication(
                (_RATIO, "0 < eigenvalue", "0 < kappa", "0 < log", "m >= limit"),
                f"{2 * COUNTED * counts}*log/(m/2) <= a",
                {"a": allowed, "limit": widths[1]},
            ),
            Implication(kept, f"{growth}*(smallest - {moved}) >= smallest"),
            Implication(kept, f"x <= mu*(smallest - {moved})"),
            Implication(
                (*kept, "0 <= r"),
                f"r/((1-mu)*(smallest - {moved})) <= 4/3*(r/eigenvalue)*factor",
                {"factor": f"{growth}/(1-mu)"},
            ),
            Implication((_RATIO,), f"{growth}**4/(mu*(1-mu))**2 >= {best[0]}"),
            Implication(
                ("0 < beta", "0 < eigenvalue", "0 < norm2", "m >= limit"),
                "beta*(m/2)*eigenvalue/norm2 >= log",
                {"limit": f"2*{FIRST_WIDTH}"},
            ),
        ),
        (
            Mutation("narrower", "the second width times 0.999", {"m >= limit": "m >= 999/1000*limit"}),
            Mutation("narrower-third", "the third width times 0.999", {"m >= limit": "m >= 999/1000*limit"}, part=1),
            Mutation("pairs", "m for m/2 in the third width", {"log/(m/2)": "log/(m/4)"}, part=1),
            Mutation(
                "whole-change",
                "0.999 of lambda_b's share",
                {f"{growth}*(": f"999/1000*{growth}*("},
                part=2,
            ),
            Mutation("ratio", "0.999 mu", {"x <= mu*(smallest": "x <= 999/1000*mu*(smallest"}, part=3),
            Mutation("whole-eigenvalue", "1.33 for 4/3: lambda > 3/4 lambda0", {"4/3*": "133/100*"}, part=4),
            Mutation("better", f"{best[1]} for {best[0]}", {best[0]: best[1]}, part=5),
            Mutation("as-independent", "the first width of independent neurons", {"2*norm2": "norm2"}, part=6),
        ),
    )


COMPOSITION = _composition("O-t3-tube", "plain", PLAIN, (SECOND, THIRD), 1, 2)
SIDED_COMPOSITION = _composition("O-t3-tube-sided", "two-sided and target", SIDED, (SIDED_SECOND, SIDED_THIRD), 2, 1)

TARGET = Obligation(
    "O-t3-tube-target",
    "T3-tube, target: the squared length of c0 from G(0) >= (3/4) G_inf; the second form of S, c0's length in front",
    (
        Implication(
            ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 <= Y0 <= Y1/(3/4)"),
            "Y0/smallest <= 16/9*(Y1/eigenvalue)",
        ),
        Implication(
            (_RATIO, "0 < rest", "0 <= x <= mu*rest"), "(1 + x/rest)/(1-mu) <= factor", {"factor": f"{SIDED}/(1-mu)"}
        ),
    ),
    (
        Mutation("smaller", "1.77 for 16/9", {"16/9*": "177/100*"}),
        Mutation("without-change", "c0 alone", {f"{SIDED}/(1-mu)": "1/(1-mu)"}, part=1),
    ),
)

INDEPENDENT = Obligation(
    "O-t3-tube-independent",
    "T3-tube, independent neurons: half the third widths are enough, and R0-tail's and the other failures add up to delta for every share s",
    (
        Implication(
            (_RATIO, "0 < eigenvalue", "0 < kappa", "0 < log", "m >= limit/2"),
            "6*log/m <= a",
            {"a": f"mu*(3/4*eigenvalue)/({PLAIN}*kappa)", "limit": THIRD},
        ),
        Implication(
            (_RATIO, "0 < eigenvalue", "0 < kappa", "0 < log", "m >= limit/2"),
            "12*log/m <= a",
            {"a": f"mu*(3/4*eigenvalue)/({SIDED}*kappa)", "limit": SIDED_THIRD},
        ),
        Implication(("0 < s < 1", "0 < delta < 1"), "s*delta/2 + s*delta/2 + (1-s)*delta <= delta"),
    ),
    (
        Mutation("narrower", "the third width times 0.499", {"limit/2": "499/1000*limit"}),
        Mutation("narrower-sided", "the third width times 0.499", {"limit/2": "499/1000*limit"}, part=1),
        Mutation("not-split", "R0-tail at delta", {"(1-s)*delta": "delta"}, part=2),
    ),
)

OBLIGATIONS = (SQUARES, COMPOSITION, SIDED_COMPOSITION, TARGET, INDEPENDENT)


def _second_width(
    form: str, pi: float, mu: float, kappa: float, row2: float, L2: float, nu: float, eigenvalue: float
) -> float:
    """With any number for pi."""
    allowed, factor = allowed_share(mu, eigenvalue, kappa, form), path_factor(mu, form)
    return movement_width(L2, row2, nu, allowed, factor) * circle_constant(pi) / pi


def _third_width(form: str, mu: float, kappa: float, log: float, eigenvalue: float) -> float:
    return counting_width(log, allowed_share(mu, eigenvalue, kappa, form), sides(form))


_MU = ("mu < 1",)

CALCULATED = (
    Calculated(SECOND, lambda **letters: _second_width("plain", **letters), _MU),
    Calculated(SIDED_SECOND, lambda **letters: _second_width("two-sided", **letters), _MU),
    Calculated(THIRD, lambda **letters: _third_width("plain", **letters), _MU),
    Calculated(SIDED_THIRD, lambda **letters: _third_width("two-sided", **letters), _MU),
    Calculated(f"{PLAIN}/(1-mu)", lambda mu: path_factor(mu, "plain"), _MU),
    Calculated(f"{SIDED}/(1-mu)", lambda mu: path_factor(mu, "target"), _MU),
)

_GIVEN = (_RATIO, "0 < eigenvalue <= 1/2", "0 < nu", "m >= 1", "kappa >= 1", "row2 >= 1", "0 <= L2", "3 < pi < 4")


def _composition_ranges(one: Obligation, growth: str) -> list[Range]:
    kept = (_RATIO, "0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 <= x", f"{growth}*x <= 3/4*mu*eigenvalue")
    second, third = (SECOND, THIRD) if growth == PLAIN else (SIDED_SECOND, SIDED_THIRD)
    return [
        *needs("T3-tube", one, (0,), *_GIVEN, "m >= limit", limit=second),
        *needs("T3-tube", one, (1,), _RATIO, "0 < eigenvalue", "kappa >= 1", "log > 0", "m >= limit", limit=third),
        *needs("T3-tube", one, (2, 3), *kept),
        *needs("T3-tube", one, (4,), *kept, "0 <= r"),
        *needs("T3-tube", one, (5,), _RATIO),
        *needs("T3-tube", one, (6,), "0 < beta < 1", "0 < eigenvalue", "0 < norm2", "beta*eigenvalue*m >= 2*norm2*log"),
    ]


RANGES = (
    *needs("T3-tube", SQUARES, (0,), "0 <= x", "0 <= y", "x**2 <= y**2"),
    *_composition_ranges(COMPOSITION, PLAIN),
    *_composition_ranges(SIDED_COMPOSITION, SIDED),
    *needs("T3-tube", TARGET, (0,), "0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 <= Y0", "3/4*Y0 <= Y1"),
    *needs("T3-tube", TARGET, (1,), _RATIO, "0 < rest", "0 <= x <= mu*rest"),
    *needs(
        "T3-tube", INDEPENDENT, (0,), _RATIO, "0 < eigenvalue", "kappa >= 1", "log > 0", "m >= limit/2", limit=THIRD
    ),
    *needs(
        "T3-tube",
        INDEPENDENT,
        (1,),
        _RATIO,
        "0 < eigenvalue",
        "kappa >= 1",
        "log > 0",
        "m >= limit/2",
        limit=SIDED_THIRD,
    ),
    *needs("T3-tube", INDEPENDENT, (2,), "0 < s < 1", "0 < delta < 1"),
)

_HERE = "docs/proofs/tube.md: "

COUNT_LINKS = (
    argued(
        "few neurons lie near a boundary: Chernoff's step, pairs counted twice, a union over inputs and sides",
        f"{_HERE}P13.43",
    ),
    checked("a Gaussian's margin", "T5-margin"),
)

CHAINS = (
    Chain(
        "T3-tube",
        (
            *CHERNOFF,
            checked("K-chernoff's and K-relative's frequency", "K-chernoff", "K-relative"),
            *START_LINKS,
            argued("the failures add up to at most delta; b is fixed before the draw", f"{_HERE}P13.42"),
            *COUNT_LINKS,
            argued("||M||_2 and ||D||_2 from the counts, both forms", f"{_HERE}P13.44"),
            proved("numbers that are not negative are ordered as their squares", SQUARES),
            proved("plain: the three widths, lambda_b, the ratio, the path, the best mu", COMPOSITION),
            proved("two-sided and target: the same", SIDED_COMPOSITION),
            proved("target: c0 from G(0) >= (3/4) G_inf, the second form of S", TARGET),
            proved("independent neurons: their third widths, the split of delta", INDEPENDENT),
            argued("so the tube closes: T1-tube's hypotheses", f"{_HERE}P13.45", f"{_HERE}P13.46", f"{_HERE}P13.47"),
            checked("the conclusion on instances", "T3-tube"),
        ),
    ),
)
