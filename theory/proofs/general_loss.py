"""Scalar obligations of T2 and T2-q (theory/theorems/general_loss.py; the proof: docs/general-losses.md).

``mu`` and ``L`` are the loss's constants, ``q = 2C/(3-C)``, ``kappa = L/mu``. ``limit`` is the step limit of T2's rate,
``factor_limit`` that of T2-q's own factor, ``radius`` in units of ``||r(0)||/sqrt(lambda)``.
"""

from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proofs.ngd import DEFICIT, DEFICIT_BELOW_C, PAPER_BALL
from theory.proofs.segments import INDUCTION, INTEGRAL

LOSS = "0 < mu <= L"
FACTOR_LIMIT = "(2/(mu+L) - q/mu)/(1-q)"
RATE_LIMIT = "2/(mu+L)*(1 - (1+L/mu)*q)/(1-q)**2"

_STEP = "0 < eta <= limit"
_FACTOR_STEP = "0 < eta <= factor_limit"
_SPECTRUM = "g2 == mu**2 + t*(L**2 - mu**2)"

PAPER_RATE = Obligation(
    "O-t2",
    "T2: within the step limit the bracket that multiplies ||g||^2 is not positive",
    (
        Implication(
            (LOSS, "0 <= C", "C*(mu+L) < mu", _STEP),
            "eta**2*(1+C)**2 <= 2*eta/(mu+L) - 2*eta*C/mu",
            {"limit": "2/(mu+L)*(1 - (1+L/mu)*C)/(1+C)**2"},
        ),
    ),
    (
        Mutation("longer-step", "the step limit times 1.001", {_STEP: "0 < eta <= 1001/1000*limit"}),
        Mutation("doubled-step", "the step limit doubled", {_STEP: "0 < eta <= 2*limit"}),
        Mutation(
            "kappa",
            "kappa C in place of (1+kappa) C",
            {"(1+L/mu)": "L/mu"},
        ),
    ),
)

COERCIVITY = Obligation(
    "O-t2-coercive",
    "T2, T2-q: equation (2), with s^2 = g2 = mu^2 + t(L^2 - mu^2) as the two ends of a segment",
    (
        Implication(
            (LOSS,),
            "1 - 2*eta*(mu*L+g2)/(mu+L) + eta**2*g2 == 1 - 2*eta*mu*L/(mu+L) - (2/(mu+L) - eta)*eta*g2",
        ),
        Implication((LOSS, _SPECTRUM), "(mu*L + g2)/(mu+L) == mu + t*(L-mu)"),
        Implication(
            (LOSS, _SPECTRUM),
            "1 - 2*eta*(mu*L+g2)/(mu+L) + eta**2*g2 == (1-eta*mu)**2 - t*eta*(L-mu)*(2 - eta*(mu+L))",
        ),
    ),
    (
        Mutation(
            "sign",
            "2/(mu+L) + eta in the bracket",
            {"(2/(mu+L) - eta)": "(2/(mu+L) + eta)"},
        ),
        Mutation("linear", "s^2 = mu + t(L - mu)", {_SPECTRUM: "g2 == mu + t*(L - mu)"}, part=1),
        Mutation(
            "eta-L",
            "1 - eta L at t = 0",
            {"(1-eta*mu)": "(1-eta*L)"},
            part=2,
        ),
    ),
)

FACTOR = Obligation(
    "O-t2q-factor",
    "T2-q: within its limit eta mu <= 1, and f(t) <= f(0): for eta mu < 1 the roots are below their tangents, whose sum does not increase; "
    "the limit reaches 1/mu for L = mu only, where f does not depend on t",
    (
        Implication((LOSS, "0 <= q < 1", _FACTOR_STEP), "eta*mu <= 1", {"factor_limit": FACTOR_LIMIT}),
        Implication(("0 < x", "0 <= y", "y**2 <= x**2 + d"), "y <= x + d/(2*x)"),
        Implication(
            (LOSS, "0 <= q < 1", _FACTOR_STEP, "eta*mu < 1"),
            "eta*q*(L**2-mu**2)/(2*mu) <= eta*(L-mu)*(2 - eta*(mu+L))/(2*(1-eta*mu))",
            {"factor_limit": FACTOR_LIMIT},
        ),
        Implication((LOSS, "0 <= q < 1", "mu*factor_limit >= 1"), "L <= mu", {"factor_limit": FACTOR_LIMIT}),
    ),
    (
        Mutation(
            "earlier", "the limit from 0.999/mu on", {"mu*factor_limit >= 1": "mu*factor_limit >= 999/1000"}, part=3
        ),
        Mutation("longer-step", "the limit times 1.001", {_FACTOR_STEP: "0 < eta <= 1001/1000*factor_limit"}),
        Mutation("steeper", "a slope of 1/(2.001 x)", {"y <= x + d/(2*x)": "y <= x + d/(2001/1000*x)"}, part=1),
        Mutation("longer-step-3", "the limit times 1.001", {_FACTOR_STEP: "0 < eta <= 1001/1000*factor_limit"}, part=2),
    ),
)

OWN_RATE = Obligation(
    "O-t2q-rate",
    "T2-q: within its step limit the square of the factor is at most T2's rate; that limit is within the factor's",
    (
        Implication(
            (LOSS, "0 <= q < 1", _STEP), "(1 - eta*mu*(1-q))**2 <= 1 - 2*eta*mu*L/(mu+L)", {"limit": RATE_LIMIT}
        ),
        Implication(
            (LOSS, "0 <= q", "(mu+L)*q < mu"),
            "limit <= factor_limit",
            {"limit": RATE_LIMIT, "factor_limit": FACTOR_LIMIT},
        ),
        Implication((LOSS, "0 <= C", "(3*mu + 2*L)*C < 3*mu"), "q*(mu+L)/mu < 1", {"q": DEFICIT}),
    ),
    (
        Mutation("longer-step", "the step limit times 1.001", {_STEP: "0 < eta <= 1001/1000*limit"}),
        Mutation("doubled-step", "the step limit doubled", {_STEP: "0 < eta <= 2*limit"}),
        Mutation(
            "smaller", "limit <= 0.999 factor_limit", {"limit <= factor_limit": "limit <= 999/1000*factor_limit"}, 1
        ),
        Mutation("larger-C", "C up to 3/(3+2kappa)", {"(3*mu + 2*L)*C < 3*mu": "(3*mu + 2*L)*C <= 3*mu"}, part=2),
    ),
)

BALL = Obligation(
    "O-t2-ball",
    "T2: the radius (1+kappa)/(1-C/3) is at most 6/5 (1+kappa) as C < 1/(1+kappa) <= 1/2; T2-q: kappa/(1-C) is at most 3/2 (1+kappa)",
    (
        Implication(
            ("kappa >= 1", "0 <= C", "C*(1+kappa) < 1"), "radius <= 6/5*(1+kappa)", {"radius": "(1+kappa)/(1-C/3)"}
        ),
        Implication(
            ("kappa >= 1", "0 <= C", "C*(3+3*kappa) <= 3+kappa"), "radius <= 3/2*(1+kappa)", {"radius": "kappa/(1-C)"}
        ),
        Implication(
            ("kappa >= 1", "0 <= C < 1", "0 < eta", "0 < mu"),
            "eta*kappa*mu/((1-C/3)*(eta*mu*(1-q))) == kappa/(1-C)",
            {"q": DEFICIT},
        ),
    ),
    (
        Mutation("smaller", "1.199", {"radius <= 6/5*(1+kappa)": "radius <= 1199/1000*(1+kappa)"}),
        Mutation(
            "larger-C",
            "C up to (3.001+kappa)/(3+3kappa)",
            {"C*(3+3*kappa) <= 3+kappa": "C*(3+3*kappa) <= 3001/1000+kappa"},
            part=1,
        ),
        Mutation(
            "smaller-ball", "1.499 (1+kappa)", {"radius <= 3/2*(1+kappa)": "radius <= 1499/1000*(1+kappa)"}, part=1
        ),
        Mutation(
            "C/2",
            "1 - C/2 in place of 1 - C/3",
            {"C/3": "C/2"},
            part=2,
        ),
    ),
)

OBLIGATIONS = (PAPER_RATE, COERCIVITY, FACTOR, OWN_RATE, BALL)

_HERE = "docs/general-losses.md: "
_STEP_LINKS = (
    INTEGRAL,
    argued("r+ = r - eta (I+E) g with ||E|| <= 2c/(1-c), so ||r+|| <= ||r - eta g|| + eta q ||g||", f"{_HERE}P6.1"),
    proved("2c/(1-c) = q at c = C/3, and q <= C, for C <= 1", DEFICIT_BELOW_C),
    argued("||g|| lies between mu ||r|| and L ||r||, and g is co-coercive", f"{_HERE}P6.2"),
)

CHAINS = (
    Chain(
        "T2",
        (
            *_STEP_LINKS,
            argued("the square, expanded, is 1 - 2 eta mu L/(mu+L) plus a bracket times ||g||^2", f"{_HERE}P6.3"),
            proved("the bracket is not positive within the step limit, C (mu+L) < mu", PAPER_RATE),
            proved("(1-b^2)/(1-b) <= 2 for 0 <= b < 1", PAPER_BALL),
            argued("the path is at most (1+kappa)/(1-C/3) long", f"{_HERE}P6.5"),
            proved("(1+kappa)/(1-C/3) <= 6/5 (1+kappa) for C (1+kappa) < 1", BALL),
            INDUCTION,
            checked("the conclusion on instances", "T2"),
        ),
    ),
    Chain(
        "T2-q",
        (
            *_STEP_LINKS,
            proved("equation (2) with s^2 = mu^2 + t(L^2 - mu^2)", COERCIVITY),
            proved(
                "for q < 1, within the limit of the factor eta mu <= 1; a root is below its tangent, and for eta mu < 1 the tangents' sum does not "
                "increase; the limit reaches 1/mu for L = mu only",
                FACTOR,
            ),
            argued("so ||r+|| <= f(t) <= f(0) = 1 - eta mu (1-q), with ||r|| = 1, in both cases", f"{_HERE}P6.4"),
            proved(
                "f(0)^2 is at most T2's rate within its step limit, which is within the factor's where (1+kappa) q < 1; that is so for C < 3/(3+2kappa)",
                OWN_RATE,
            ),
            argued("the path is at most kappa/((1-C/3)(1-q)) long", f"{_HERE}P6.6"),
            proved("that is kappa/(1-C), at most 3/2 (1+kappa) for C (3+3kappa) <= 3+kappa", BALL),
            INDUCTION,
            checked("the conclusion on instances", "T2-q"),
        ),
    ),
)
