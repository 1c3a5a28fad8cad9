"""Scalar obligations of T1-sharp and T1-line-sharp (theory/theorems/ngd.py; the proof: docs/proofs/ngd.md, P5.7 to P5.12).

Notation of that proof: lambda = 1, unit z, ``w = Az``, ``v = J(0)z``, ``e = w - v``, ``s = ||w||``, ``c = C/3``,
``rho = (1+c)/(1-c)``, ``k = 2/rho - 1 - eta/rho^2``; here ``v2 = ||v||^2`` and ``e2 = ||e||^2``. ``limit`` is the step limit of
the rate ``(1-eta)^{1/2}``, ``rho(2-rho)``, and ``factor_limit`` that of the factor ``1 - eta/rho``.
"""

from collections.abc import Iterable

from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proofs import gradient_descent, ngd
from theory.proofs.identities import PSEUDO_INVERSE
from theory.proofs.ngd import RATIO, SHARP
from theory.proofs.segments import INDUCTION, INTEGRAL

FACTOR_LIMIT = "(1+c)*(1-3*c)/(1-2*c-c**2)"
ALONG, CONSTANT = "c/(1+c)", "(1+c)*(1-2*c)"
"""Lemma S: ``||v||^2 - ||e||^2 >= along s^2 + constant``."""

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
        Mutation(
            "smaller",
            "0.999 (1+c)/c",
            {"<= (1+c)/c": "<= 999/1000*(1+c)/c"},
        ),
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
        Mutation(
            "smaller-weight",
            "1.999 c^2 in place of 2 c^2",
            {"- 2*c": "- 1999/1000*c"},
        ),
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
        Mutation(
            "smaller-lemma",
            "Lemma S's constant times 0.999",
            {"+ constant": "+ 999/1000*constant"},
        ),
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

LINE = Obligation(
    "O-line-sharp",
    "T1-line-sharp: Lemma S gives w.v >= s sqrt(1-4c^2); the two bounds of the angle agree at ||v||^2 = 1-3c^2; it is below q",
    (
        Implication(
            ("0 <= c <= 1/3",),
            "((1+2*c)/(1+c)*s**2 + (1+c)*(1-2*c))**2 >= 4*s**2*(1-4*c**2)",
        ),
        Implication(("0 <= c <= 1/3",), "1 - 4*c**2 >= c**2"),
        Implication(("0 <= c <= 1/3",), "c**2/(1-3*c**2) + (1-4*c**2)/(1-3*c**2) == 1"),
        Implication(
            ("0 <= c <= 1/3",), "sine2 <= q**2", {"sine2": "4*c**2*(1-4*c**2)/(1-3*c**2)**2", "q": "2*c/(1-c)"}
        ),
    ),
    (
        Mutation(
            "more",
            "4.001 in place of 4",
            {">= 4*s": ">= 4001/1000*s"},
        ),
        Mutation("larger-c", "c up to 1/2", {"0 <= c <= 1/3": "0 <= c <= 1/2"}, part=1),
        Mutation(
            "5c^2",
            "1 - 5 c^2 for 1 - 4 c^2",
            {"1-4*c": "1-5*c"},
            part=2,
        ),
        Mutation("halved", "the sine at most 0.999 q", {"sine2 <= q**2": "sine2 <= 998001/1000000*q**2"}, part=3),
    ),
)

OBLIGATIONS = (COORDINATE, LEMMA, GOAL, BELOW, ABOVE, RATE, BALL, LINE)

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

_ON_A_SMALLER_BALL = ("T1", "T1-q", "T1-sharp", "T0", "T0-sharp")


def _radius(chains: Iterable[Chain]) -> Chain:
    """T1-radius: the theorems' own proofs, and what they say of the ball."""
    links = [link for chain in chains if chain.theorem in _ON_A_SMALLER_BALL for link in chain.links]
    return Chain(
        "T1-radius",
        (
            *dict.fromkeys(links),
            argued("the proofs use the condition on the ball of the path's radius only", f"{_HERE}P5.13"),
            checked("the conclusion on instances", "T1-radius"),
        ),
    )


_SHARP = (
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

_CHAINS = (
    Chain("T1-lemma-S", LEMMA_S),
    Chain("T1-sharp-adversary", (INTEGRAL, PSEUDO_INVERSE, *ONE_STEP)),
    Chain("T1-sharp", _SHARP),
    Chain(
        "T1-line",
        (
            *dict.fromkeys((*_SHARP, *ngd.STEP_OPERATOR)),
            proved("for x^2 + y^2 <= q^2, q <= 1: y^2 <= q^2 ((1+x)^2 + y^2), and 1 + x >= 0", ngd.LINE),
            argued(
                "so the sine is at most q and the cosine not negative: the angle is at most arcsin q", f"{_HERE}P5.6"
            ),
            checked("the conclusion on instances", "T1-line"),
        ),
    ),
    Chain(
        "T1-line-sharp",
        (
            *_SHARP,
            argued("the step is -eta Bz with ||Bz - v|| <= c, and w = r", f"{_HERE}P5.7"),
            proved(
                "for c <= 1/3: ((1+2c)/(1+c) s^2 + (1+c)(1-2c))^2 >= 4 s^2 (1-4c^2); 1-4c^2 >= c^2; both bounds of the angle agree "
                "at ||v||^2 = 1-3c^2; the square of its sine is at most q^2",
                LINE,
            ),
            argued(
                "the angle is at most that of w and v plus arcsin(c/||v||), and the first has two bounds",
                f"{_HERE}P5.12",
            ),
            checked("the conclusion on instances", "T1-line-sharp"),
        ),
    ),
)

CHAINS = (*_CHAINS, _radius((*ngd.CHAINS, *_CHAINS, *gradient_descent.CHAINS)))
