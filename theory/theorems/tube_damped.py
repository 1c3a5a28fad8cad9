"""Damped natural gradient descent in a tube: T1-damped-tube (docs/theory.md).

Setting. As T1-tube's (tube.py), with ``theta(k+1) = theta(k) - eta J^T (J J^T + eps I)^{-1} r``, eps >= 0 (theory/descent/damped_ngd.py).

T1-damped-tube [derived]. lambda_b > 0, mu < 1, 0 < eta <= 1 and ``sqrt(m) b_i >= L_1 ||K_i|| S``, ``S = ||r(0)||/((1-mu) lambda_b)``, give for all k
``||r(k+1)|| <= (1 - eta h) ||r(k)||``, ``h = lambda_b (1-mu)/(lambda_b + eps)``, no iterate leaves the tube, and
``sum_k eta ||(G(k)+eps I)^{-1} r(k)|| <= S``. mu is the ratio that T1-tube has, not only ``mu_1 = xi/lambda_b``: every form of it bounds
``||X p|| ||p||/p^T G p`` for all p. S does not depend on eps, so one tube serves all damping.

The forms of S from c0 are not true with damping: with G = diag(1, 1/100), r(0) = (1, 1/100), eps = 100, eta = 1 and nothing that changes the
path is longer than 1.95, and ``||c0|| = sqrt(2)``.

Proofs: docs/proofs/tube.md, P13.13 to P13.15. Sharp: at eps = 0 it is T1-tube; for one input the path is attained as eps -> infinity where no
neuron can flip.

In the obligations p has length 1, ``g = p^T G p``, ``x = ||X p||``, ``q = ||(G + eps I) p||``, ``y = ||(eps I - X) p||``.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

from theory.directed import at_least_exact, at_most_exact
from theory.direction import LowerBound, UpperBound, bounding
from theory.errors import ScaleError
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
from theory.reals import nonnegative_real, real, shown
from theory.theorems.segments import INTEGRAL, SCHUR
from theory.theorems.tube import IN_THE_TUBE, RATIO_OF_FORMS, contraction, path_by_rate, tube_eigenvalue

SECTION = 11


@bounding(LowerBound, mu=UpperBound, lambda_b=LowerBound)
@at_most_exact
def progress(mu: float, eps: float, lambda_b: float) -> float:
    """``h = lambda_b (1-mu)/(lambda_b + eps)``, at most 1 - mu. Raises ScaleError."""
    least = tube_eigenvalue(lambda_b)
    return least * (1 - contraction(mu)) / (least + nonnegative_real(eps, "the damping eps"))


@bounding(UpperBound, mu=UpperBound, lambda_b=LowerBound)
@at_least_exact
def rate(eta: float, mu: float, eps: float, lambda_b: float) -> float:
    """The factor ``1 - eta h`` on ``||r||`` (not squared) of one step, for every ``0 < eta <= 1``. Raises ScaleError."""
    if not 0 < real(eta, "the step size eta") <= 1:
        raise ScaleError(f"eta is {shown(eta)}; T1-damped-tube speaks of step sizes in (0, 1]")
    return 1 - eta * progress(mu, eps, lambda_b)


@bounding(UpperBound, residual_norm=UpperBound, mu=UpperBound, lambda_b=LowerBound)
@at_least_exact
def path_sum(residual_norm: float, mu: float, lambda_b: float) -> float:
    """``S = ||r(0)||/((1-mu) lambda_b)``, whatever the damping. Raises ScaleError."""
    return path_by_rate(residual_norm, mu, lambda_b)


PROGRESS = "lb*(1-mu)/(lb+eps)"

_MU = "0 <= mu < 1"
_TUBE = "0 < lb"
_EPS = "0 <= eps"
_ETA = "0 < eta <= 1"
_H = {"h": PROGRESS}
_FALLS = f"rp <= (1-eta*{PROGRESS})*r"
_VECTOR = ("lb <= g", "x <= mu*g", "y <= eps + x", "g + eps <= q")

CALCULATED = (
    Calculated(PROGRESS, lambda lb, mu, eps: progress(mu, eps, lb), (_MU, _TUBE, _EPS)),
    Calculated("1-eta*lb*(1-mu)/(lb+eps)", lambda eta, lb, mu, eps: rate(eta, mu, eps, lb), (_MU, _TUBE, _EPS, _ETA)),
)

LEFT = Obligation(
    "O-tube-damped-left",
    "T1-damped-tube: of (G + eps) p, at least g + eps long, eps p - X p, at most eps + mu g long, leaves the share 1 - h at most, g >= lambda_b",
    (Implication((_MU, _TUBE, _EPS, *_VECTOR), "y <= (1-h)*q", _H),),
    (
        Mutation("faster", "h times 1.001", {"(1-h)*q": "(1-1001/1000*h)*q"}),
        Mutation("undamped", "the rate without eps", {PROGRESS: "1-mu"}),
        Mutation("not-relative", "eps in place of eps/lambda_b", {PROGRESS: "(1-mu)/(1+eps)"}),
        Mutation("smaller-g", "g from 0.999 lambda_b on", {"lb <= g": "999/1000*lb <= g"}),
        Mutation("mu-above-1", "mu up to 2", {_MU: "0 <= mu < 2"}),
    ),
)

STEP_LENGTH = Obligation(
    "O-tube-damped-path",
    "T1-damped-tube: ||p|| <= ||r||/(lambda_b + eps) is at most what the residual loses over (1-mu) lambda_b, whatever eps is",
    (
        Implication(
            (_MU, _TUBE, _EPS, "0 < eta", "0 <= r", "p*(lb+eps) <= r", _FALLS),
            "eta*p <= (r-rp)/((1-mu)*lb)",
        ),
    ),
    (
        Mutation("without-mu", "1 in place of 1 - mu", {"/((1-mu)*lb)": "/lb"}),
        Mutation("with-eps", "lambda_b + eps in place of lambda_b", {"/((1-mu)*lb)": "/((1-mu)*(lb+eps))"}),
        Mutation("less", "0.999 of it", {"(r-rp)/": "999/1000*(r-rp)/"}),
    ),
)

MIXED = Obligation(
    "O-tube-damped-step",
    "T1-damped-tube: (1-eta) r and eta times what is left at eta = 1 are together at most (1 - eta h) ||r||, for eta <= 1",
    (
        Implication(
            (_ETA, "0 <= r", "0 <= a", "a**2 == (1-eta)**2", "y <= (1-h)*r", "rp <= a*r + eta*y"), "rp <= (1-eta*h)*r"
        ),
    ),
    (
        Mutation("longer-step", "eta up to 1.001", {_ETA: "0 < eta <= 1001/1000"}),
        Mutation("faster", "1.001 h", {"(1-eta*h)*r": "(1-1001/1000*eta*h)*r"}),
    ),
)

OBLIGATIONS = (LEFT, STEP_LENGTH, MIXED)

_SPEAKS = (_MU, _TUBE, _EPS, _ETA)

RANGES = (
    *needs("T1-damped-tube", LEFT, (0,), *_SPEAKS, *_VECTOR),
    *needs("T1-damped-tube", STEP_LENGTH, (0,), *_SPEAKS, "0 <= r", "p*(lb+eps) <= r", _FALLS),
    *needs(
        "T1-damped-tube",
        MIXED,
        (0,),
        *_SPEAKS,
        "0 <= r",
        "0 <= a",
        "a**2 == (1-eta)**2",
        "y <= (1-h)*r",
        "rp <= a*r + eta*y",
        **_H,
    ),
)

_HERE = "docs/proofs/tube.md: "

CHAINS = (
    Chain(
        "T1-damped-tube",
        (
            INTEGRAL,
            *IN_THE_TUBE,
            SCHUR,
            RATIO_OF_FORMS,
            argued("a step is r+ = (1-eta) r + eta (eps p - X p), p = (G + eps I)^{-1} r", f"{_HERE}P13.13"),
            proved("what is left at eta = 1", LEFT),
            proved("what is left at any eta <= 1", MIXED),
            argued("no iterate leaves the tube, whatever eps is", f"{_HERE}P13.14"),
            proved("the steps telescope to S", STEP_LENGTH),
            argued("the forms of S from c0 fail, and what is attained", f"{_HERE}P13.15"),
            checked("M, D, tau and lambda_b", "C2-tube"),
            checked("the conclusion on instances", "T1-damped-tube"),
        ),
    ),
)
