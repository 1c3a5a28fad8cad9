"""How far the Jacobian moves within a radius, with high probability: C2-prob (docs/theory.md).

Setting. Independent neurons ``w_r ~ N(0, nu^2 I)``, signs uniform on -1, +1; unit rows X (n, d).
Symmetric initialisation: m / 2 independent pairs (w, a), (w, -a), so that u(0) = 0.

C2-prob [paper, with constants]. For a radius R fixed before the draw, with probability at least 1 - delta, for all W with
``||W - W(0)||_F <= R``: ``||J(W) - J(0)||_F^2 = ||S(W) - S(0)||_F^2 <= kappa_3 n R^{2/3} / (nu delta sqrt(m))^{2/3}``,
``kappa_3 = (3/2)(4/pi)^{1/3}`` (paper: 2). The same under symmetric initialisation. Not sharp: for n = 1, delta -> 1,
m -> inf the supremum is that with ``(6/pi)^{1/3} = 1.24`` for kappa_3. For n = 1 the bound holds for all R at once
[derived: Daniels 1945, ``P(F_m(t) <= t/delta for all t) = 1 - delta``].

Proof: docs/proofs/width.md, P7.2, P7.3.

Functions of real numbers take floats or balls (arb), and answer in kind. Floats are taken as the numbers that they are, and answered
by the next float on the side on which the statement stays true: here rounded up (theory/directed.py).
"""

from __future__ import annotations

from flint import arb

from theory.directed import at_least_exact
from theory.inputs import positive_count
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import Range, needs
from theory.reals import (
    circle_constant,
    cube_root,
    nonnegative_real,
    positive_real,
    probability,
)
from theory.theorems.stability import FLIPS as FLIPPED

SECTION = 3


@at_least_exact
def change_constant(like: float = 1.0) -> float:
    """``kappa_3 = (3/2)(4/pi)^{1/3} = 1.6258`` (C2-prob; the paper has 2); a ball when ``like`` is one."""
    return cube_root(4 / circle_constant(like)) * 3 / 2


@at_least_exact
def squared_change_bound(radius: float, n: int, scale: float, delta: float, width: int) -> float:
    """C2-prob's bound ``kappa_3 n R^{2/3} / (nu delta sqrt(m))^{2/3}`` of ``||J(W) - J(0)||_F^2`` within the radius R.

    Squared norm; it holds for ``||S(W) - S(0)||_F^2`` as well. Raises ScaleError, WidthError.
    """
    reach = nonnegative_real(radius, "radius") / (positive_real(scale, "scale") * probability(delta, "delta"))
    ratio = reach**2 / positive_count(width, "width")
    return change_constant(radius) * positive_count(n, "n") * cube_root(ratio)


KAPPA = {"kappa": "27/2/pi"}

CUBE = "kappa*n**3*R2/(nu**2*share**2*m)"

CALCULATED = (
    Calculated(KAPPA["kappa"], lambda pi: change_constant(pi) ** 3 * arb.pi() / pi),
    Calculated(
        CUBE,
        lambda n, R2, nu, share, m, kappa: (
            squared_change_bound(R2.sqrt(), n, nu, share, m) ** 3 * kappa / change_constant(kappa) ** 3
        ),
        ("share < 1",),
    ),
)

FLIPS = Obligation(
    "O-flips",
    "C2-prob: a/t^2 + b t at the best t, where t^3 = 2a/b, is (3/2)(2 a b^2)^{1/3}; with a = nR^2 and b = nm(2/pi)^{1/2}/(nu delta) "
    "its cube over m^3 is kappa_3^3 n^3 R^2/(nu^2 delta^2 m), kappa_3^3 = 27/(2 pi)",
    (
        Implication(("0 < b", "0 < t"), "(a/t**2 + b*t)**3 == 27/8*(2*a*b**2)", {"a": "b*t**3/2"}),
        Implication(
            ("0 < n", "0 < m", "0 < nu", "0 < delta", "0 < pi", "0 <= R2"),
            "27/8*(2*a*b2)/m**3 == 27/(2*pi)*n**3*R2/(nu**2*delta**2*m)",
            {"a": "n*R2", "b2": "n**2*m**2*(2/pi)/(nu**2*delta**2)"},
        ),
    ),
    (
        Mutation("t^3", "t^3 = a/b", {"b*t**3/2": "b*t**3"}),
        Mutation(
            "1/pi",
            "1/pi in place of 2/pi",
            {"n**2*m**2*(2/pi)/(nu**2*delta**2)": "n**2*m**2*(1/pi)/(nu**2*delta**2)"},
            part=1,
        ),
    ),
)

OBLIGATIONS = (FLIPS,)


def flip_ranges(theorem: str) -> list[Range]:
    """What C2-prob needs, and whatever rests on it."""
    network = ("n >= 1", "m >= 1", "0 < nu", "0 < delta < 1", "3 < pi < 4")
    return [*needs(theorem, FLIPS, (0,), "0 < b", "0 < t"), *needs(theorem, FLIPS, (1,), *network, "0 <= R2")]


RANGES = tuple(flip_ranges("C2-prob"))

_HERE = "docs/proofs/width.md: "

_FLIP_LINKS = (
    FLIPPED,
    argued("a flip has |z| <= t or ||w_r - w_r(0)|| > t; Markov's inequality", f"{_HERE}P7.2"),
    proved("the best t gives kappa_3, cubed", FLIPS),
)

CHANGE_LINKS = (*_FLIP_LINKS, checked("C2-prob's frequency", "C2-prob"))

CHAINS = (
    Chain(
        "C2-prob",
        (
            *_FLIP_LINKS,
            argued(
                "n = 1: Doob's inequality for the empirical distribution, so that R need not be fixed", f"{_HERE}P7.3"
            ),
            checked("the frequency", "C2-prob"),
        ),
    ),
)
