"""K-FAC in a tube: T4-tube, and with factored damping T4-damped-tube (docs/theory.md, The tube).

Setting. ``N``, ``D_N`` are M and D of C2-tube without the kernel, ``sigma_b^2`` bounds the least eigenvalue of every ``H = A A^T/m`` in the tube
from below, mu the ratio of C2-tube-ratio with 1 for each entry of K; P projects onto the column space of X, h is its diagonal, from h_min to
h_max, ``d = (r^T diag(h) r)^{1/2}``.

T4-tube [derived]. sigma_b^2 > 0, mu < 1, 0 < eta h_max <= 1 and widths of at least ``(h_i/m)^{1/2} S s_r`` with ``S = ||r(0)||/((1-mu) h_min^{1/2})`` and
``s_r >= ||H(k)^{-1}A_r(k)||`` in the tube, one for all neurons (``plain_solution``) or one a neuron (``neuron_solution``), give for all k, no
iterate and no segment leaves the tube, and

    ||r(k+1)|| <= ||r(k)|| - eta (1-mu) h_min^{1/2} d(k) <= (1 - eta (1-mu) h_min) ||r(k)||,  sum over k of eta d(k) <= S,
    ||r(k+1)||^2 <= ||r(k)||^2 - eta alpha d(k)^2,  alpha = (1-mu)(2 - eta h_max (1-mu)), at least (1-mu)(1+mu),

and T4-lev's rate for mu < 1/2 and ``eta h_max <= (1-2mu)/(1-mu)^2``.
T4-damped-tube [derived]. ``(S^T S + eps_S) x (X^T X + eps_X)`` in the place of K-FAC's factors (theory/descent/damped_kfac.py): the same with
``theta = (1-mu) sigma_b^2/(sigma_b^2 + eps_S)`` for 1-mu, the diagonal of ``K (K + eps_X)^{-1}`` for h, and ``(H + eps_S)^{-1}`` for ``H^{-1}``.
Widths from ``plain_solution`` do not grow with eps_S: ``sigma_b^2 + eps_S`` cancels.

Proofs: docs/proofs/tube.md, P13.46 to P13.53. Sharp: for one input rate and path are attained, whatever eta is.

In the obligations ``t`` is ``eta h_max``, ``g`` and ``G`` the roots of h_min and h_max, ``r``, ``rp`` the norms before and after a step,
``sig`` sigma_b^2, ``a`` alpha, theta ``1-mu`` or T4-damped-tube's.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

from theory.directed import at_least_exact, at_most_exact
from theory.direction import LowerBound, UpperBound, bounding
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import Range, needs
from theory.reals import magnitude, nonnegative_real, positive_real, square_root
from theory.theorems.identities import KRONECKER_MOVE
from theory.theorems.kfac import LEVERAGE_RATE, MOVE, STEP_LINKS
from theory.theorems.segments import INTEGRAL, SCHUR
from theory.theorems.tube import IN_THE_TUBE, RATIO_OF_FORMS, contraction, tube_eigenvalue
from theory.theorems.tube_damped import LEFT, MIXED, PROGRESS

SECTION = 11


@bounding(LowerBound, h_max=UpperBound)
@at_most_exact
def step_limit(h_max: float) -> float:
    """``1/h_max``: one certificate serves every step size up to it. Raises ScaleError."""
    return 1 / positive_real(h_max, "h_max")


@bounding(LowerBound, mu=UpperBound, h_max=UpperBound)
@at_most_exact
def leverage_limit(mu: float, h_max: float) -> float:
    """``(1-2mu)/((1-mu)^2 h_max)``: up to it T4-lev's rate holds in the tube; 0 for mu >= 1/2. Raises ScaleError."""
    left, largest = 1 - 2 * contraction(mu), positive_real(h_max, "h_max")
    return left / ((1 - mu) ** 2 * largest) if left > 0 else 0 * largest


@bounding(UpperBound, h_min=LowerBound, mu=UpperBound)
@at_least_exact
def rate(eta: float, h_min: float, mu: float) -> float:
    """The factor ``1 - eta (1-mu) h_min`` on ``||r||`` (not squared) of one step, ``0 < eta h_max <= 1``. Raises ScaleError."""
    return 1 - positive_real(eta, "the step size eta") * least_progress(mu, h_min)


@bounding(LowerBound, mu=UpperBound, h_min=LowerBound)
@at_most_exact
def least_progress(mu: float, h_min: float) -> float:
    """``(1-mu) h_min``: a step leaves at most ``1 - eta`` times it of ``||r||``. Raises ScaleError."""
    return (1 - contraction(mu)) * positive_real(h_min, "h_min")


@bounding(LowerBound, h_max=UpperBound, mu=UpperBound)
@at_most_exact
def gain(eta: float, h_max: float, mu: float) -> float:
    """alpha, ``(1-mu)(2 - eta h_max (1-mu))``: what a step takes off ``||r||^2``, over ``eta d^2``. Raises ScaleError."""
    kept = 1 - contraction(mu)
    return kept * (2 - positive_real(eta, "the step size eta") * positive_real(h_max, "h_max") * kept)


@bounding(LowerBound, mu=UpperBound)
@at_most_exact
def progress(mu: float) -> float:
    """``(1-mu)(1+mu)``, at most alpha for every ``0 < eta h_max <= 1``. Raises ScaleError."""
    return (1 - contraction(mu)) * (1 + mu)


@bounding(UpperBound, residual_norm=UpperBound, mu=UpperBound, h_min=LowerBound)
@at_least_exact
def path_sum(residual_norm: float, mu: float, h_min: float) -> float:
    """``S = ||r(0)||/((1-mu) h_min^{1/2})``, at least the sum of ``eta (r^T diag(h) r)^{1/2}`` over all steps. Raises ScaleError."""
    least = square_root(positive_real(h_min, "h_min"))
    return magnitude(residual_norm, "||r(0)||") / ((1 - contraction(mu)) * least)


@bounding(UpperBound, mu=UpperBound, sigma_squared=LowerBound)
@at_least_exact
def damped_contraction(mu: float, sigma_squared: float, eps: float) -> float:
    """``1 - theta``, ``theta = (1-mu) sigma_b^2/(sigma_b^2 + eps_S)``: what takes mu's place with damping. Raises ScaleError."""
    least = tube_eigenvalue(sigma_squared)
    return 1 - (1 - contraction(mu)) * least / (least + nonnegative_real(eps, "eps_S"))


@bounding(UpperBound, path_sum=UpperBound, leverage=UpperBound, solution=UpperBound)
@at_least_exact
def width(path_sum: float, leverage: float, solution: float, neurons: float) -> float:
    """``b_ir = (h_i/m)^{1/2} S`` times a bound ``solution`` of all ``||H(k)^{-1} A_r(k)||``. Raises ScaleError."""
    moved = (
        magnitude(path_sum, "S") * square_root(nonnegative_real(leverage, "h_i")) * magnitude(solution, "||H^-1 A_r||")
    )
    return moved / square_root(positive_real(neurons, "m"))


@bounding(UpperBound, sigma_squared=LowerBound)
@at_least_exact
def plain_solution(inputs: float, neurons: float, sigma_squared: float, eps: float = 0) -> float:
    """``min(n^{1/2}/(sigma_b^2 + eps), m^{1/2}/sigma_b)``, at least ``||(H(k) + eps)^{-1} A_r(k)||``. Raises ScaleError."""
    least = tube_eigenvalue(sigma_squared)
    by_inputs = square_root(positive_real(inputs, "n")) / (least + nonnegative_real(eps, "eps_S"))
    by_neurons = square_root(positive_real(neurons, "m")) / square_root(least)
    return by_neurons if by_neurons < by_inputs else by_inputs


@bounding(UpperBound, first_solution=UpperBound, changed=UpperBound, sigma_squared=LowerBound)
@at_least_exact
def neuron_solution(first_solution: float, flips: float, changed: float, sigma_squared: float, eps: float = 0) -> float:
    """``||q|| + (|B_r|^{1/2} + ||D_N |q|||)/(sigma_b^2 + eps)``, ``q = (H(0) + eps)^{-1} A_r(0)``, at least ``||(H(k) + eps)^{-1} A_r(k)||``.

    ``flips`` is the number of inputs on which neuron r may flip, ``changed`` is ``||D_N |q|||``. Raises ScaleError.
    """
    moved = square_root(nonnegative_real(flips, "|B_r|")) + magnitude(changed, "||D_N |q|||")
    whole = tube_eigenvalue(sigma_squared) + nonnegative_real(eps, "eps_S")
    return magnitude(first_solution, "||H(0)^-1 A_r||") + moved / whole


_MU, _STEP, _SIGMA = "0 <= mu < 1", "0 < t <= 1", "0 < sig"
_THETA, _SCORES, _LIMITED = "0 < theta <= 1", "0 < g <= G", "0 < eta*G**2 <= 1"
_ALPHA = {"a": "(1-mu)*(2-t*(1-mu))"}
_LEVERAGE = "0 < t <= (1-2*mu)/(1-mu)**2"
_UNIT = ("u1**2 + u**2 <= 1", "v1**2 + v**2 <= 1")
_FALLS = ("0 <= nu <= 1", "0 <= u", "c <= v")
_LAST = (_SCORES, _LIMITED, _THETA, "0 <= r", "0 <= d <= G*r")
_RATIOS = ("0 < eta", "0 < theta", "0 < g", "0 <= r", "g*r <= d", "rp <= r - eta*theta*g*d")
_SOLVED = (_SIGMA, "sig*y <= f + w", "x <= q + y")
_PLACE = {"nu": "1 - eta*G**2*theta"}

GAIN = Obligation(
    "O-t4-tube-gain",
    "T4-tube: (1 - t(1-mu))^2 is 1 - t alpha, alpha >= (1-mu)(1+mu) for t <= 1, and alpha >= 1 within T4-lev's limit for mu < 1/2",
    (
        Implication((_MU, _STEP), "(1-t*(1-mu))**2 == 1 - t*a", _ALPHA),
        Implication((_MU, _STEP), "(1-mu)*(1+mu) <= a", _ALPHA),
        Implication(("0 <= mu < 1/2", _LEVERAGE), "1 <= a", _ALPHA),
    ),
    (
        Mutation("twice", "2(1-mu) for alpha", {"1 - t*a": "1 - t*2*(1-mu)"}),
        Mutation("longer-step", "t up to 1.001", {_STEP: "0 < t <= 1001/1000"}, part=1),
        Mutation("more", "1.001 (1-mu)(1+mu)", {"(1-mu)*(1+mu) <=": "1001/1000*(1-mu)*(1+mu) <="}, part=1),
        Mutation("longer-limit", "the limit times 1.001", {"<= (1-2*mu)/": "<= 1001/1000*(1-2*mu)/"}, part=2),
    ),
)

FALL = Obligation(
    "O-t4-tube-fall",
    "T4-tube: u1 v1 + nu u v <= 1 - (1-nu) u v for two vectors of length at most 1, at most 1 - (1-nu) u c for v >= c, which is the fall of ||r|| by "
    "eta theta h_min^{1/2} d; its rate is never slower than that of alpha",
    (
        Implication(_UNIT, "u1*v1 + nu*u*v <= 1 - (1-nu)*u*v"),
        Implication(_FALLS, "1 - (1-nu)*u*v <= 1 - (1-nu)*u*c"),
        Implication(("0 < G", "0 < r"), "r*(1-nu)*(d/(G*r))*(g/G) == eta*theta*g*d", _PLACE),
        Implication(_RATIOS, "rp <= (1 - eta*theta*g**2)*r"),
        Implication(
            (_SCORES, "0 < eta", "0 < theta"), "(1-eta*theta*g**2)**2 <= 1 - eta*theta*(2-eta*G**2*theta)*g**2"
        ),
    ),
    (
        Mutation("more", "1.001 times the fall", {"1 - (1-nu)*u*v": "1 - 1001/1000*(1-nu)*u*v"}),
        Mutation("longer-vector", "a vector of squared length 1.001", {_UNIT[0]: "u1**2 + u**2 <= 1001/1000"}),
        Mutation("larger-nu", "nu up to 1.001", {"0 <= nu <= 1": "0 <= nu <= 1001/1000"}, part=1),
        Mutation("smaller-v", "v from 0.999 c on", {"c <= v": "999/1000*c <= v"}, part=1),
        Mutation("largest", "h_max in the place of h_min", {"== eta*theta*g*d": "== eta*theta*G*d"}, part=2),
        Mutation("smaller-d", "d from 0.999 h_min^{1/2} r on", {"g*r <= d": "999/1000*g*r <= d"}, part=3),
        Mutation("any-order", "h_max from 0.998 h_min on", {_SCORES: "0 < 999/1000*g <= G"}, part=4),
    ),
)

PATH = Obligation(
    "O-t4-tube-path",
    "T4-tube: a step's share of the path is at most (||r|| - ||r+||)/(theta h_min^{1/2}), and at most ||r||/(theta h_min^{1/2}) whatever comes "
    "after it; with damping sigma_b^2 + eps_S cancels in S ||(H + eps_S)^{-1}A_r||",
    (
        Implication(("0 < theta", "0 < g", "rp <= r - eta*theta*g*d"), "eta*d <= (r-rp)/(theta*g)"),
        Implication(_LAST, "eta*d <= r/(theta*g)"),
        Implication(
            ("0 < lb", "0 <= eps", _MU, "0 < g"), "r/(theta*g)/(lb+eps) == r/((1-mu)*lb*g)", {"theta": PROGRESS}
        ),
    ),
    (
        Mutation("less", "0.999 of it", {"(r-rp)/(theta*g)": "999/1000*(r-rp)/(theta*g)"}),
        Mutation("longer-step", "eta h_max up to 1.001", {_LIMITED: "0 < eta*G**2 <= 1001/1000"}, part=1),
        Mutation("larger-theta", "theta up to 1.001", {_THETA: "0 < theta <= 1001/1000"}, part=1),
        Mutation("less-at-last", "0.999 of it", {"r/(theta*g)": "999/1000*r/(theta*g)"}, part=1),
        Mutation("not-damped", "sigma_b^2 alone in the solution", {"/(theta*g)/(lb+eps)": "/(theta*g)/lb"}, part=2),
    ),
)

SOLUTION = Obligation(
    "O-t4-tube-solution",
    "T4-tube: ||H^{-1}A_r|| from ||H(0)^{-1}A_r(0)||, the inputs on which neuron r may flip, and ||D_N|q|||; sig is sigma_b^2 + eps_S",
    (Implication(_SOLVED, "x <= q + (f + w)/sig"),),
    (
        Mutation("without-flips", "without the inputs that flip", {"(f + w)/sig": "w/sig"}),
        Mutation("without-change", "without D_N", {"(f + w)/sig": "f/sig"}),
        Mutation("less", "0.999 of it, q >= 0", {"q + (f + w)/sig": "999/1000*(q + (f + w)/sig)", _SIGMA: "0 < sig*q"}),
    ),
)

OBLIGATIONS = (GAIN, FALL, PATH, SOLUTION)

CALCULATED = (
    Calculated("(1-mu)*(1+mu)", lambda mu: progress(mu), (_MU,)),
    Calculated("(1-mu)*(2-t*(1-mu))", lambda mu, t: gain(t, 1, mu), (_MU, _STEP)),
    Calculated("(1-2*mu)/(1-mu)**2", lambda mu: leverage_limit(mu, 1), ("0 <= mu < 1/2",)),
    Calculated("1/h_max", lambda h_max: step_limit(h_max), ("0 < h_max",)),
    Calculated("1-eta*(1-mu)*g**2", lambda eta, mu, g: rate(eta, g**2, mu), (_MU,)),
    Calculated("r/((1-mu)*g)", lambda r, mu, g: path_sum(r, mu, g**2), (_MU,)),
    Calculated("1-lb*(1-mu)/(lb+eps)", lambda lb, mu, eps: damped_contraction(mu, lb, eps), (_MU,)),
    Calculated("q+(f+w)/(sig+eps)", lambda q, f, w, sig, eps: neuron_solution(q, f**2, w, sig, eps)),
)


def _of_steps(theorem: str, **theta: str) -> list[Range]:
    """What the fall of the residual, the path and the solutions need; ``theta`` is what theta stands for."""
    given = (_MU, *(("0 < lb", "0 <= eps") if "eps" in theta["theta"] else ()))
    limited = (*given, _SCORES, _LIMITED)
    fall = "rp <= r - eta*theta*g*d"
    return [
        *needs(theorem, FALL, (0,), *_UNIT),
        *needs(theorem, FALL, (1,), *limited, "0 <= u", "c <= v", **theta, **_PLACE),
        *needs(theorem, FALL, (2,), *limited, "0 < r"),
        *needs(theorem, FALL, (3,), *limited, "0 <= r", "g*r <= d", fall, **theta),
        *needs(theorem, FALL, (4,), *limited, **theta),
        *needs(theorem, PATH, (0,), *limited, fall, **theta),
        *needs(theorem, PATH, (1,), *limited, "0 <= r", "0 <= d <= G*r", **theta),
        *needs(theorem, SOLUTION, (0,), *_SOLVED),
    ]


_DAMPED = (_MU, "0 < lb", "0 <= eps")
_MIXED = ("0 <= r", "0 <= a", "a**2 == (1-eta)**2", "y <= (1-h)*r", "rp <= a*r + eta*y")

RANGES = (
    *needs("T4-tube", GAIN, (0, 1), _MU, _STEP),
    *needs("T4-tube", GAIN, (2,), "0 <= mu < 1/2", _LEVERAGE),
    *needs("T4-tube", LEVERAGE_RATE, (0, 1), "0 <= mu < 1/2", _LEVERAGE, q="mu", h="t"),
    *_of_steps("T4-tube", theta="1-mu"),
    *needs("T4-damped-tube", LEFT, (0,), *_DAMPED, "lb <= g", "x <= mu*g", "y <= eps + x", "g + eps <= q"),
    *needs("T4-damped-tube", MIXED, (0,), *_DAMPED, "0 < eta <= 1", *_MIXED, h=PROGRESS),
    *_of_steps("T4-damped-tube", theta=PROGRESS),
    *needs("T4-damped-tube", PATH, (2,), *_DAMPED, "0 < g"),
)

_HERE = "docs/proofs/tube.md: "

_OF_S = argued("the same with ones for the kernel: N, D_N, sigma_b^2, and the ratio of S", f"{_HERE}P13.46")
_AFTER = (
    proved("||r|| falls by eta theta h_min^{1/2} d, and its rate is never slower than that of the squares", FALL),
    argued("I - eta M o P is a mean of the identity and of a contraction: the fall of ||r||", f"{_HERE}P13.51"),
    argued("how far a step moves a pre-activation, and what (H + eps_S)^{-1}A_r is at most", f"{_HERE}P13.48"),
    proved("what it is at most, neuron by neuron", SOLUTION),
    proved("the steps' shares telescope, the last one included", PATH),
    argued("no iterate and no segment leaves the tube: induction over k", f"{_HERE}P13.49"),
)

CHAINS = (
    Chain(
        "T4-tube",
        (
            *STEP_LINKS,
            *IN_THE_TUBE,
            checked("M, D, tau and lambda_b", "C2-tube"),
            checked("the ratio's forms, for ones in the place of K as well", "C2-tube-ratio"),
            _OF_S,
            argued("||I - tM|| <= 1 - t(1-mu) in the tube", f"{_HERE}P13.47"),
            proved("its square is 1 - t alpha, and alpha is at least (1-mu)(1+mu), and 1 within T4-lev's limit", GAIN),
            proved("within that limit t <= 1 and (1 - t(1-mu))^2 <= 1 - t", LEVERAGE_RATE),
            *_AFTER,
            argued("one input attains the rate", f"{_HERE}P13.50"),
            checked("the conclusion on instances", "T4-tube"),
        ),
    ),
    Chain(
        "T4-damped-tube",
        (
            INTEGRAL,
            *KRONECKER_MOVE,
            *IN_THE_TUBE,
            checked("M, D, tau and lambda_b", "C2-tube"),
            checked("the ratio's forms, for ones in the place of K as well", "C2-tube-ratio"),
            _OF_S,
            RATIO_OF_FORMS,
            argued("one step is r+ = (I - eta M o P) r, and ||I - tM|| <= 1 - t theta", f"{_HERE}P13.52"),
            proved("eps p - Y p is at most the share 1 - theta of (H + eps) p", LEFT),
            proved("with (1-t) (H + eps) p at most 1 - t theta, for t <= 1", MIXED),
            SCHUR,
            MOVE,
            argued("||I - t M o Q|| <= ||I - tM||, Q of unit diagonal", "docs/proofs/kfac.md: P8.3"),
            argued("||I - tM||^2 <= 1 - t alpha gives the fall of the squares", "docs/proofs/kfac.md: P8.4"),
            *_AFTER,
            argued("the same of P_eps and (H + eps_S)^{-1}", f"{_HERE}P13.53"),
            checked("the conclusion on instances", "T4-damped-tube"),
        ),
    ),
)
