"""Scalar obligations of T4, T4-lev, T4-sharp and T4-least (theory/theorems/kfac.py), in ``h = t = eta h_max``.

T4-sharp's own squares are O-sharp-rate, its ball O-ball and O-telescope. In O-t4-least ``A = a^2``, ``B = b^2`` are squared norms,
``theta = h_min/h_max``, ``nu`` is the norm of the step at equal leverage.
"""

from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proofs.identities import KRONECKER_MOVE
from theory.proofs.ngd import DEFICIT, DEFICIT_BELOW_C, PAPER_BALL, SHARP, TELESCOPE
from theory.proofs.ngd_sharp import GOAL, ONE_STEP, RATE
from theory.proofs.segments import INDUCTION, INTEGRAL, SCHUR

_STEP = "0 < h <= limit"
_LEVERAGE_LIMIT = "(1-2*q)/(1-q)**2"

LEVERAGE_RATE = Obligation(
    "O-t4",
    "T4-lev: within the step limit h <= 1 and the square of 1 - h(1-q) is at most 1 - h",
    (
        Implication(("0 <= q < 1/2", _STEP), "h <= 1", {"limit": _LEVERAGE_LIMIT}),
        Implication(("0 <= q < 1/2", _STEP), "(1 - h*(1-q))**2 <= 1 - h", {"limit": _LEVERAGE_LIMIT}),
    ),
    (
        Mutation("below-1", "h <= 0.999", {"h <= 1": "h <= 999/1000"}),
        Mutation("longer-step", "the step limit times 1.001", {_STEP: "0 < h <= 1001/1000*limit"}, part=1),
        Mutation("doubled-step", "the step limit doubled", {_STEP: "0 < h <= 2*limit"}, part=1),
    ),
)

CONTAINED = Obligation(
    "O-t4-contained",
    "T4 is contained in T4-lev: its step limit is smaller since h_max <= 1/mu_min and q <= C, its rate slower since h_min >= 1/mu_max",
    (
        Implication(
            ("0 <= C < 1/2", "0 < mu", "0 < h_max", "h_max*mu <= 1"),
            "paper <= leverage",
            {"q": DEFICIT, "paper": "mu*(1-2*C)/(1+C)**2", "leverage": "(1-2*q)/(h_max*(1-q)**2)"},
        ),
        Implication(("0 < mu_max", "1/mu_max <= h_min", "0 < eta"), "1 - eta*h_min <= 1 - eta/mu_max"),
        Implication(("0 < eta*h_max <= 1", "0 < h_min <= h_max", "0 <= r"), "eta**2*h_max*r**2 <= r**2/h_min"),
    ),
    (
        Mutation("larger-h", "h_max mu_min up to 1.001", {"h_max*mu <= 1": "h_max*mu <= 1001/1000"}),
        Mutation("larger-C", "C from -0.001 on", {"0 <= C < 1/2": "-1/1000 <= C < 1/2"}),
        Mutation("smaller-h", "h_min >= 0.999/mu_max", {"1/mu_max <= h_min": "999/1000/mu_max <= h_min"}, part=1),
        Mutation("longer-step", "eta h_max up to 1.001", {"0 < eta*h_max <= 1": "0 < eta*h_max <= 1001/1000"}, part=2),
    ),
)

LEAST = Obligation(
    "O-t4-least",
    "T4-least: a_1 b_1 + nu a b is at most the mean of (1 - (1-nu) a^2) and (1 - (1-nu) b^2), hence at most 1 - (1-nu) theta, which is "
    "1 - eta h_min/rho at nu = 1 - eta h_max/rho >= 0; its square is at most T4-sharp's factor, and at most T4-lev's",
    (
        Implication(("0 <= nu",), "a1*b1 + nu*a*b <= (a1**2 + b1**2)/2 + nu*(a**2 + b**2)/2"),
        Implication(("0 <= nu <= 1", "theta <= A", "theta <= B"), "((1-A) + (1-B))/2 + nu*(A+B)/2 <= 1 - (1-nu)*theta"),
        Implication(
            ("0 < rho", "0 < h_max"),
            "1 - (1-nu)*theta == 1 - eta*h_min/rho",
            {"nu": "1 - eta*h_max/rho", "theta": "h_min/h_max"},
        ),
        Implication(("0 <= c < 1/3", "0 < t <= limit"), "0 <= 1 - t/rho", SHARP),
        Implication(("0 < rho", "0 < t", "0 <= theta <= 1"), "(1 - theta*t/rho)**2 <= 1 - theta*t*(2/rho - t/rho**2)"),
        Implication(
            ("0 <= c < 1/3", "0 < t <= limit", "0 <= theta <= 1"), "(1 - theta*t/rho)**2 <= 1 - theta*t", SHARP
        ),
    ),
    (
        Mutation("nu-below-0", "nu from -0.001 on", {"0 <= nu": "-1/1000 <= nu"}),
        Mutation("mean-halved", "half the mean", {"nu*(a**2 + b**2)/2": "nu*(a**2 + b**2)/4"}),
        Mutation("larger-nu", "nu up to 1.001", {"0 <= nu <= 1": "0 <= nu <= 1001/1000"}, part=1),
        Mutation("smaller-a", "a^2 >= 0.999 theta", {"theta <= A": "999/1000*theta <= A"}, part=1),
        Mutation("h_max", "h_max in the place of h_min", {"eta*h_min/rho": "eta*h_max/rho"}, part=2),
        Mutation("rho-negative", "a step twice as long", {"t <= limit": "t <= 2*limit"}, part=3),
        Mutation("larger-theta", "theta up to 1.001", {"0 <= theta <= 1": "0 <= theta <= 1001/1000"}, part=4),
        Mutation("longer-step", "the step limit times 1.001", {"t <= limit": "t <= 1001/1000*limit"}, part=5),
    ),
)

LEVERAGE = Obligation(
    "O-leverage",
    "T4: a summand sigma^2 u^2 of ||x_i||^2 lies between mu_min and mu_max times the summand u^2 of h_i; so for a unit row "
    "h_i mu_min <= 1 <= h_i mu_max",
    (
        Implication(("0 < mu_min <= square <= mu_max",), "mu_min*u**2 <= square*u**2 <= mu_max*u**2"),
        Implication(("0 < mu_min", "h*mu_min <= length <= h*mu_max", "length == 1"), "h*mu_min <= 1"),
        Implication(("0 < mu_max", "h*mu_min <= length <= h*mu_max", "length == 1"), "h*mu_max >= 1"),
    ),
    (
        Mutation("larger", "mu_max times 0.999", {"<= mu_max*u": "<= 999/1000*mu_max*u"}),
        Mutation("longer-row", "a row of squared length 1.001", {"length == 1": "length == 1001/1000"}, part=1),
        Mutation("shorter-row", "a row of squared length 0.999", {"length == 1": "length == 999/1000"}, part=2),
    ),
)

OBLIGATIONS = (LEVERAGE_RATE, CONTAINED, LEAST, LEVERAGE)

_HERE = "docs/proofs/kfac.md: "
LEVERAGE_BOUNDS = argued("h_i mu_min <= ||x_i||^2 <= h_i mu_max, and h_i <= 1", f"{_HERE}P8.1")
_STEP_LINKS = (
    INTEGRAL,
    *KRONECKER_MOVE,
    checked("J(W') vec(dW) = -eta ((S' S^+) o P) r", "I-kfac-fn"),
    argued("one step is r+ = (I - eta M o P) r, M = mean(S) S(k)^+", f"{_HERE}P8.2"),
    SCHUR,
    argued("||I - t M o Q|| <= ||I - t M||", f"{_HERE}P8.3"),
    argued("||I - t M||^2 <= 1 - t a gives ||r+||^2 <= ||r||^2 - eta a r'Dr", f"{_HERE}P8.4"),
)
_BALL_LINKS = (
    proved("a decrease x of the squared norm a^2 takes at least x/(2a) off the norm", TELESCOPE),
    proved("eta^2 h_max r^2 <= r^2/h_min for eta h_max <= 1, 0 < h_min <= h_max: the current segment", CONTAINED),
    argued("the path is at most 2/(1-c) long in K2's unit", f"{_HERE}P8.7"),
    proved("2/(1-C/3) <= 3 for C <= 1", PAPER_BALL),
    INDUCTION,
)
_LEVERAGE_LINKS = (
    *_STEP_LINKS,
    proved("2c/(1-c) = q at c = C/3, for C <= 1", DEFICIT_BELOW_C),
    argued("||I - t M|| <= 1 - t(1-q) for t <= 1", f"{_HERE}P8.5"),
    proved(
        "for q < 1/2, t = eta h_max is at most 1 within T4-lev's step limit, and (1 - t(1-q))^2 at most 1 - t",
        LEVERAGE_RATE,
    ),
)

_SHARP_LINKS = (
    *_STEP_LINKS,
    *ONE_STEP,
    argued("the same for S(k), mean(S) and S(0): ||I - t M|| <= 1 - t/rho", f"{_HERE}P8.6"),
    proved("2/rho - t/rho^2 >= 1 up to rho(2-rho), which is within the factor's limit; c < 1/3", RATE),
    proved("t <= 1 within the factor's limit, c < 1/3", GOAL),
)

CHAINS = (
    Chain(
        "T4",
        (
            *_LEVERAGE_LINKS,
            proved("q <= C for C <= 1", DEFICIT_BELOW_C),
            LEVERAGE_BOUNDS,
            proved("for a unit row h mu_min <= 1 and h mu_max >= 1, from h mu_min <= ||x_i||^2 <= h mu_max", LEVERAGE),
            proved(
                "with h_max mu_min <= 1 T4's step limit is within T4-lev's, C < 1/2; with h_min >= 1/mu_max its rate is slower",
                CONTAINED,
            ),
            argued("so T4 is contained in T4-lev", f"{_HERE}P8.8"),
            *_BALL_LINKS,
            checked("the conclusion on instances", "T4"),
        ),
    ),
    Chain("T4-lev", (*_LEVERAGE_LINKS, *_BALL_LINKS, checked("the conclusion on instances", "T4-lev"))),
    Chain("T4-sharp", (*_SHARP_LINKS, *_BALL_LINKS, checked("the conclusion on instances", "T4-sharp"))),
    Chain(
        "T4-least",
        (
            *_SHARP_LINKS,
            argued(
                "I - eta M o P = (I - F^2) + F (I - t M o Q) F, and Cauchy-Schwarz for two unit vectors",
                f"{_HERE}P8.10",
            ),
            proved(
                "a1 b1 + nu a b is at most the mean of two sums of squares, and that at most 1 - (1-nu) theta = 1 - eta h_min/rho; nu >= 0; "
                "its square is at most T4-sharp's factor, and at most T4-lev's",
                LEAST,
            ),
            *_BALL_LINKS,
            checked("the conclusion on instances", "T4-least"),
        ),
    ),
    Chain(
        "T4-frozen",
        (
            INTEGRAL,
            *KRONECKER_MOVE,
            argued("one step is r+ = (I - eta M o P) r, M = mean(S) S(k)^+", f"{_HERE}P8.2"),
            argued("M = I on such a segment, and I o P = diag(h)", f"{_HERE}P8.9"),
            checked("the conclusion on instances", "T4-frozen"),
        ),
    ),
)
