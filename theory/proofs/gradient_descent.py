"""Scalar obligations of T0, T0-sharp and T0-advantage (theory/theorems/gradient_descent.py).

Units of the proof: lambda = 1, ``||r|| = 1``, ``c = C/3``, ``x = eta L^2``, ``t = ||J(k)^T r||``; ``limit`` bounds x, ``lower`` and
``upper`` are the two pieces of m(t).
"""

from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proofs.ngd import PAPER_BALL, TELESCOPE
from theory.proofs.segments import INDUCTION, INTEGRAL

SHARP_LIMIT = "(1-2*c)/(1-c)"
SHARP_RADIUS = "2*(1-c)/(1-3*c+4*c**2)"

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

ADVANTAGE = Obligation(
    "O-t0-advantage",
    "T0-advantage (a): at the step limits GD's decrease, in units of lambda/Lambda, is at most NGD's; T0's least share of lambda/n",
    (
        Implication(
            ("0 <= c <= 1/4",),
            "x*(2-x)*(1-c)**2 <= 1 - (1 - eta/rho)**2",
            {"x": SHARP_LIMIT, "rho": "(1+c)/(1-c)", "eta": "rho*(2-rho)"},
        ),
        Implication(
            ("0 <= c < 1/5",),
            "(1-2*q)*(1-c)**2 <= 1 - (1 - eta/rho)**2",
            {"q": "2*c/(1-c)", "rho": "(1+c)/(1-c)", "eta": "rho*(2-rho)"},
        ),
        Implication(
            ("0 <= c < 1/5", "1 <= s", "s**2 <= n"),
            "(1-2*q)*(1-c)**2/(s+c)**2 >= least/n",
            {"q": "2*c/(1-c)", "least": "(1-5*c)*(1-c)/(1+c)**2"},
        ),
    ),
    (
        Mutation("larger-c", "c up to 0.27", {"0 <= c <= 1/4": "0 <= c <= 27/100"}),
        Mutation(
            "smaller",
            "NGD's decrease times 0.999",
            {"1 - (1 - eta/rho)**2": "999/1000*(1 - (1 - eta/rho)**2)"},
            part=1,
        ),
        Mutation("longer-row", "Lambda up to 1.001 n", {"s**2 <= n": "s**2 <= 1001/1000*n"}, part=2),
    ),
)

TWO_TARGETS = Obligation(
    "O-t0-two",
    "T0-advantage (c): one of |1 - eta w| and |1 - eta W| is at least (W-w)/(W+w)",
    (Implication(("0 < w < W", "0 < eta", "1 - eta*w < (W-w)/(W+w)"), "eta*W - 1 >= (W-w)/(W+w)"),),
    (Mutation("more", "1.001 (W-w)/(W+w) for the second", {">= (W-w)": ">= 1001/1000*(W-w)"}),),
)

OBLIGATIONS = (RATE, SHARP_RATE, BALL, ADVANTAGE, TWO_TARGETS)

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
    Chain(
        "T0-linear",
        (
            argued("J J^+ = I and J J' = G are the same at every step", f"{_HERE}P9.5"),
            checked("the identity on instances", "T0-linear"),
        ),
    ),
    Chain(
        "T0-advantage",
        (
            argued("(a): the shares that the theorems guarantee at their step limits", f"{_HERE}P9.6"),
            proved(
                "(a): x(2-x)(1-c)^2 for c <= 1/4, and T0's (1-2q)(1-c)^2 for c < 1/5, are at most 1 - (1 - eta/rho)^2 at eta = rho(2-rho); "
                "(1-2q)(1-c)^2/(s+c)^2 >= (1-5c)(1-c)/(1+c)^2/n for c < 1/5, s >= 1, s^2 <= n",
                ADVANTAGE,
            ),
            argued("the linearised residuals", f"{_HERE}P9.5"),
            argued("(b): Jensen's inequality for the spectral weights of r(0)", f"{_HERE}P9.7"),
            proved("(c): where 1 - eta w < (W-w)/(W+w), eta W - 1 >= (W-w)/(W+w)", TWO_TARGETS),
            argued("(c): so one of two residuals keeps that factor", f"{_HERE}P9.8"),
            checked("(a), (b), (c) on instances", "T0-advantage"),
        ),
    ),
)
