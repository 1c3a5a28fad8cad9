"""Scalar obligations of T1, T1-q, T1-sharp and their relatives (theory/theorems/ngd.py): O-t1 ... O-line.

``c = C/3``, ``q = 2C/(3-C)``, ``rho = (1+c)/(1-c)``; ``limit`` is a step limit, ``radius`` a radius in units of
``||r(0)||/sqrt(lambda)``. Where THEORY writes a bound with cleared denominators, the statement here has the quotient.
"""

from theory.proofs.chain import Chain, argued, checked, proved
from theory.rigour.implication import Implication
from theory.rigour.obligation import Mutation, Obligation

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

DEFICIT_BELOW_C = Obligation(
    "O-q",
    "q <= C, so that theorems with q contain those with C",
    (Implication(("0 <= C <= 1",), "q <= C", {"q": DEFICIT}),),
    (
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
    "T1-line: a relative perturbation (x, y) of length q <= 1 turns a vector by at most arcsin q: y/sqrt((1+x)^2 + y^2) <= q",
    (Implication(("0 <= q <= 1", "x**2 + y**2 <= q**2"), "y**2 <= q**2*((1+x)**2 + y**2)"),),
    (
        Mutation(
            "smaller-angle",
            "0.999 q^2",
            {"y**2 <= q**2*((1+x)**2 + y**2)": "y**2 <= 999/1000*q**2*((1+x)**2 + y**2)"},
        ),
    ),
)

OBLIGATIONS = (
    PAPER_RATE,
    DEFICIT_BELOW_C,
    PAPER_BALL,
    TELESCOPE,
    OWN_RATE,
    ATTAINED,
    FIRST_BALL,
    LINE,
)

_DOCS = "docs/theory.md: "
STEP_OPERATOR = argued(
    "inside the ball a step is r+ = r - eta (I+E) r with ||E|| <= q: Jacobians there differ by at most 2c sqrt(lambda), and "
    "sigma_min(J(k)) >= (1-c) sqrt(lambda)",
    f"{_DOCS}**T1-q [D]**",
)
SAME_OPERATOR = checked("the step's error relative to r, where eps_k is known", "T1-step")

CHAINS = (
    Chain(
        "T1",
        (
            STEP_OPERATOR,
            SAME_OPERATOR,
            proved("q <= C", DEFICIT_BELOW_C),
            argued("||r+||^2 <= (1 - 2 eta (1-C) + eta^2 (1+C)^2) ||r||^2", f"{_DOCS}the square of `r − η(I+E)r`"),
            proved("that is at most (1 - eta) ||r||^2 within the step limit", PAPER_RATE),
            proved("the steps so far, the current one included, are at most 2/(1-C/3) <= 3 long in all", PAPER_BALL),
            argued(
                "so no segment leaves the ball, and induction goes on",
                f"{_DOCS}by induction no segment leaves the ball",
            ),
            checked("the conclusion on instances", "T1"),
        ),
    ),
    Chain(
        "T1-q",
        (
            STEP_OPERATOR,
            SAME_OPERATOR,
            argued("||r+|| <= |1-eta| ||r|| + eta q ||r|| = (1 - eta(1-q)) ||r|| for eta <= 1", f"{_DOCS}**T1-q [D]**"),
            proved(
                "(1-c)(1-q) = 1-C bounds the path by 1/(1-C) <= 3; the factor's square is at most 1 - eta", OWN_RATE
            ),
            argued(
                "so no segment leaves the ball, and induction goes on",
                f"{_DOCS}by induction no segment leaves the ball",
            ),
            checked("the conclusion on instances", "T1-q"),
        ),
    ),
    Chain(
        "T1-tight",
        (
            proved(
                "the spike map's step multiplies r by 1 - eta/rho, which breaks T1's rate beyond rho(2-rho)", ATTAINED
            ),
            checked("the maps satisfy Conditions 1 and 2(C), and the factor is attained", "T1-tight"),
        ),
    ),
    Chain(
        "T1-first",
        (
            proved("the first segment lies in the ball for eta <= 3", FIRST_BALL),
            argued("J(0) J(0)^+ = I, so that the step's error is at most c ||r(0)||", f"{_DOCS}**T1-first [D]**"),
            checked("the conclusion on instances", "T1-first"),
        ),
    ),
    Chain(
        "T1-step",
        (
            argued("r+ = (1-eta) r - eta [mean of J(theta_s) - J(k)] J(k)^+ r", f"{_DOCS}**T1-step [D]**"),
            checked("the conclusion on instances", "T1-step"),
        ),
    ),
    Chain(
        "T1-line",
        (
            STEP_OPERATOR,
            SAME_OPERATOR,
            proved("a perturbation of relative size q turns a vector by at most arcsin q", LINE),
            checked("the conclusion on instances", "T1-line"),
        ),
    ),
)
