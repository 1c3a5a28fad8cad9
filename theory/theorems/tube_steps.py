"""The scalar steps of T1-tube's proof, and of C2-tube's for smooth activations (tube.py).

``r, rp`` are norms of residuals before and after a step, ``g`` that of ``G^{-1} r``, ``x`` that of ``X G^{-1} r``; ``s`` bounds
``||G(t)^{-1} r(0)||``, ``e`` is ``eta sum_t ||e(t)||`` with ``e(t) = r(t) - (1-eta)^t r(0)``, ``c = ||c0||``, ``d = ||D|c0|||``, ``p = ||M|c0|||``.
"""

from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation

SECTION = 11

OWN_LIMIT = "(1-2*mu)/(1-mu)**2"
BY_RATE = "r/((1-mu)*lb)"
BY_COEFFICIENTS = "(c+d/lb)/(1-mu1)"
BY_BOTH = "c+d/lb+mu*r/((1-mu)*lb)"
BY_PRODUCTS = "c+(d+p)/((1-mu)*lb)"

MU = "0 <= mu < 1"
TUBE = "0 < lb"
ETA = "0 < eta <= 1"

SMOOTH = Obligation(
    "O-tube-smooth",
    "C2-tube: a product of two slopes, each at most l, changes by at most l (x + y) when they change by x and y at most",
    (
        Implication(
            ("-l <= f <= l", "-l <= g0 <= l", "-x <= f - f0 <= x", "-y <= g - g0 <= y"), "f*g - f0*g0 <= l*(x+y)"
        ),
        Implication(
            ("-l <= f <= l", "-l <= g0 <= l", "-x <= f - f0 <= x", "-y <= g - g0 <= y"), "f0*g0 - f*g <= l*(x+y)"
        ),
    ),
    (
        Mutation("one-change", "the change of one of the two", {"l*(x+y)": "l*x"}),
        Mutation("less", "0.999 of it", {"l*(x+y)": "999/1000*l*(x+y)"}, part=1),
    ),
)

ONE_STEP = Obligation(
    "O-tube-step",
    "T1-tube: ||(1-eta) r - eta X c|| <= |1-eta| ||r|| + eta x with x <= mu ||r|| is at most (1 - eta(1-mu)) ||r|| for eta <= 1",
    (
        Implication(
            (ETA, "0 <= r", "0 <= a", "a**2 == (1-eta)**2", "x <= mu*r", "rp <= a*r + eta*x"),
            "rp <= (1-eta*(1-mu))*r",
        ),
    ),
    (
        Mutation("longer-step", "eta up to 1.001", {ETA: "0 < eta <= 1001/1000"}),
        Mutation("less", "0.999 mu", {"(1-eta*(1-mu))*r": "(1-eta*(1-999/1000*mu))*r"}),
    ),
)

SUM_BY_RATE = Obligation(
    "O-tube-path",
    "T1-tube: a step's coefficients, at most ||r||/lambda_b, are at most what the residual loses over (1-mu) lambda_b: they telescope",
    (
        Implication(
            (TUBE, MU, "0 < eta", "0 <= r", "g <= r/lb", "rp <= (1-eta*(1-mu))*r"), "eta*g <= (r-rp)/((1-mu)*lb)"
        ),
    ),
    (
        Mutation("without-mu", "1 in place of 1 - mu", {"/((1-mu)*lb)": "/lb"}),
        Mutation("less", "0.999 of it", {"(r-rp)/": "999/1000*(r-rp)/"}),
        Mutation("slower", "a factor 1 - eta(1-1.001 mu)", {"(1-eta*(1-mu))": "(1-eta*(1-1001/1000*mu))"}),
    ),
)

SUM_OF_ERRORS = Obligation(
    "O-tube-errors",
    "T1-tube: E <= (1-eta) E' + eta F, E' <= E the sum without its last term, gives E <= F: errors sum up to what X adds to them",
    (Implication((ETA, "E <= (1-eta)*P + eta*F", "P <= E"), "E <= F"),),
    (
        Mutation("less", "0.999 F, F > 0", {"E <= F": "E <= 999/1000*F", "P <= E": "0 <= P <= E"}),
        Mutation("growing", "1 + eta in place of 1 - eta", {"(1-eta)*P": "(1+eta)*P"}),
    ),
)

SUM_BY_START = Obligation(
    "O-tube-start",
    "T1-tube: S <= s + e/lambda_b with s = ||c0|| + d/lambda_b and e <= xi S, e <= mu ||r(0)||/(1-mu), or e <= p + mu d + mu e",
    (
        Implication(
            (TUBE, "0 <= mu1 < 1", "S <= c + d/lb + e/lb", "e <= mu1*lb*S"), "S <= sum", {"sum": BY_COEFFICIENTS}
        ),
        Implication((TUBE, MU, "S <= c + d/lb + e/lb", "(1-mu)*e <= mu*r"), "S <= sum", {"sum": BY_BOTH}),
        Implication((TUBE, MU, "S <= c + d/lb + e/lb", "e <= p + mu*d + mu*e"), "S <= sum", {"sum": BY_PRODUCTS}),
    ),
    (
        Mutation("without-mu", "1 in place of 1 - mu_1", {"/(1-mu1)": "/1"}),
        Mutation("without-D", "D left out", {"(c+d/lb)": "c"}),
        Mutation("without-mu-both", "mu ||r(0)||/lambda_b", {"mu*r/((1-mu)*lb)": "mu*r/lb"}, part=1),
        Mutation("without-mu-products", "1 in place of 1 - mu", {"(d+p)/((1-mu)*lb)": "(d+p)/lb"}, part=2),
        Mutation("without-M", "M left out", {"(d+p)": "d"}, part=2),
    ),
)

OWN_RATE = Obligation(
    "O-tube-rate",
    "T1-tube: the square of its factor is at most 1 - eta within the limit, which is at most 1",
    (
        Implication(("0 <= mu < 1/2", "0 < eta <= limit"), "(1-eta*(1-mu))**2 <= 1-eta", {"limit": OWN_LIMIT}),
        Implication(("0 <= mu < 1/2",), "limit <= 1", {"limit": OWN_LIMIT}),
    ),
    (
        Mutation("longer-step", "the limit times 1.001", {"eta <= limit": "eta <= 1001/1000*limit"}),
        Mutation("1-mu", "1 - mu in place of 1 - 2 mu", {"(1-2*mu)/": "(1-mu)/"}),
        Mutation("below-0.999", "at most 0.999", {"limit <= 1": "limit <= 999/1000"}, part=1),
    ),
)

OBLIGATIONS = (SMOOTH, ONE_STEP, SUM_BY_RATE, SUM_OF_ERRORS, SUM_BY_START, OWN_RATE)
