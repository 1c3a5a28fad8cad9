"""K-FAC's rate by the least leverage score: T4-least (docs/theory.md).

Setting and letters: theory/theorems/kfac.py, whose functions give its constants (``theorem="T4-least"``).

T4-least [derived]. Under the hypotheses of T4-sharp even ||r(k)|| <= (1 - eta h_min/rho)^k ||r(0)||, which is never slower.

Proof: docs/proofs/kfac.md, P8.10. Sharp: 1 - eta h_min/rho is attained whatever the leverage scores are, by a step whose ratio ``M_ii`` is
1/rho at the input of least leverage, where the residual is. In O-t4-least ``t = eta h_max``, ``A = a^2``, ``B = b^2`` are squared norms,
``theta = h_min/h_max``, ``nu`` is the norm of the step at equal leverage.
"""

from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
from theory.theorems.condition import THIRD
from theory.theorems.kfac import BALL_LINKS, SCORES, SHARP_LINKS, SPEAKS, ball_ranges
from theory.theorems.ngd_sharp import SHARP, STEP_LIMIT, one_step_ranges, rate_ranges

SECTION = 7

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

OBLIGATIONS = (LEAST,)

_RATIO = "(3+C)/(3-C)"
_SPEAKS = SPEAKS["T4-least"]
_STEP = (_SPEAKS, "0 < t <= step")
_LIMIT = {**THIRD, "step": STEP_LIMIT}

RANGES = (
    *ball_ranges("T4-least"),
    *one_step_ranges("T4-least"),
    *rate_ranges("T4-least"),
    *needs("T4-least", LEAST, (0,), "0 <= nu <= 1"),
    *needs("T4-least", LEAST, (1,), "0 <= nu <= 1", "0 < theta <= 1", "theta <= A", "theta <= B"),
    *needs("T4-least", LEAST, (2,), _SPEAKS, *SCORES, **THIRD, rho=_RATIO),
    *needs("T4-least", LEAST, (3,), *_STEP, **_LIMIT),
    *needs("T4-least", LEAST, (4,), *_STEP, "0 < theta <= 1", **_LIMIT, rho=_RATIO),
    *needs("T4-least", LEAST, (5,), *_STEP, "0 < theta <= 1", **_LIMIT),
)

_HERE = "docs/proofs/kfac.md: "

CHAINS = (
    Chain(
        "T4-least",
        (
            *SHARP_LINKS,
            argued(
                "I - eta M o P = (I - F^2) + F (I - t M o Q) F, and Cauchy-Schwarz for two unit vectors",
                f"{_HERE}P8.10",
            ),
            proved(
                "a1 b1 + nu a b is at most the mean of two sums of squares, and that at most 1 - (1-nu) theta = 1 - eta h_min/rho; nu >= 0; "
                "its square is at most T4-sharp's factor, and at most T4-lev's",
                LEAST,
            ),
            *BALL_LINKS,
            checked("the conclusion on instances", "T4-least"),
        ),
    ),
)
