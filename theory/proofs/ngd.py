"""Scalar obligations of T1, T1-q, T1-sharp and their relatives (theory/theorems/ngd.py): O-t1 ... O-line.

``c = C/3``, ``q = 2C/(3-C)``, ``rho = (1+c)/(1-c)``; ``limit`` is a step limit, ``radius`` a radius in units of
``||r(0)||/sqrt(lambda)``.
"""

from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proofs.identities import PSEUDO_INVERSE
from theory.proofs.segments import INDUCTION, INTEGRAL

RATIO = "(1+c)/(1-c)"
DEFICIT = "2*C/(3-C)"
SHARP = {"rho": RATIO, "limit": "rho*(2-rho)"}

_STEP = "0 < eta <= limit"
_LONGER_STEP = {_STEP: "0 < eta <= 1001/1000*limit"}

PAPER_RATE = Obligation(
    "O-t1",
    "T1: the square of the paper's factor 1 - eta(1-C) with its second order term is at most 1 - eta",
    (
        Implication(
            ("0 <= C < 1/2", _STEP),
            "1 - 2*eta*(1-C) + eta**2*(1+C)**2 <= 1 - eta",
            {"limit": "(1-2*C)/(1+C)**2"},
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

OWN_RATE = Obligation(
    "O-tq",
    "T1-q: (1-C/3)(1-q) = 1-C, the radius 1/(1-C) is at most 3, and the square of its factor at most 1 - eta",
    (
        Implication(("0 <= C <= 2/3",), "(1-C/3)*(1-q) == 1-C", {"q": DEFICIT}),
        Implication(("0 <= C <= 2/3",), "radius <= 3", {"radius": "1/(1-C)"}),
        Implication(
            ("0 <= C < 3/5", _STEP),
            "(1 - eta*(1-q))**2 <= 1 - eta",
            {"q": DEFICIT, "limit": "(1-2*q)/(1-q)**2"},
        ),
    ),
    (
        Mutation("C/2", "1 - C/2 in place of 1 - C/3", {"(1-C/3)*(1-q) == 1-C": "(1-C/2)*(1-q) == 1-C"}),
        Mutation("larger-C", "C up to 0.667", {"0 <= C <= 2/3": "0 <= C <= 667/1000"}, part=1),
        Mutation("longer-step", "the step limit times 1.001", _LONGER_STEP, part=2),
        Mutation("doubled-step", "the step limit doubled", {_STEP: "0 < eta <= 2*limit"}, part=2),
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
        Mutation(
            "flatter",
            "slope 1 - 2c after the iterate",
            {"eta*(1-c)": "eta*(1-2*c)"},
        ),
        Mutation("at-the-limit", "the rate breaks at the limit itself", {"eta > limit": "eta >= limit"}, part=1),
    ),
)

FIRST_BALL = Obligation(
    "O-first",
    "T1-first: the first step is no longer than the radius 3 of Condition 2's ball for eta <= 3",
    (Implication(("0 < eta <= 3", "0 <= r", "0 < s"), "eta*r/s <= 3*r/s"),),
    (Mutation("eta-above-3", "eta up to 3.001", {"0 < eta <= 3": "0 < eta <= 3001/1000"}),),
)

LINE = Obligation(
    "O-line",
    "T1-line: a relative perturbation (x, y) of length q <= 1 turns a vector by an angle with sine |y|/sqrt((1+x)^2 + y^2) <= q, "
    "and with a cosine that is not negative, so that it is the arcsine of its sine",
    (
        Implication(("0 <= q <= 1", "x**2 + y**2 <= q**2"), "y**2 <= q**2*((1+x)**2 + y**2)"),
        Implication(("0 <= q <= 1", "x**2 + y**2 <= q**2"), "1 + x >= 0"),
    ),
    (
        Mutation("larger-q", "q up to 1.001: the angle may be obtuse", {"0 <= q <= 1": "0 <= q <= 1001/1000"}, part=1),
        Mutation(
            "smaller-angle",
            "0.999 q^2",
            {"y**2 <= q**2*((1+x)**2 + y**2)": "y**2 <= 999/1000*q**2*((1+x)**2 + y**2)"},
        ),
    ),
)

OBLIGATIONS = (
    PAPER_RATE,
    PAPER_SQUARE,
    DEFICIT_BELOW_C,
    PAPER_BALL,
    TELESCOPE,
    OWN_RATE,
    ATTAINED,
    FIRST_BALL,
    LINE,
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
        "T1-tight",
        (
            INTEGRAL,
            argued("the spike map: slope 1+c at the iterate, 1-c on the rest of the segment", f"{_HERE}P5.14"),
            proved("1 - eta(1-c)/(1+c) = 1 - eta/rho; its square exceeds 1 - eta beyond rho(2-rho), c < 1/3", ATTAINED),
            checked("the maps satisfy Conditions 1 and 2(C), and the factor is attained to 1e-9", "T1-tight"),
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
