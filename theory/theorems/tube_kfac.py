"""K-FAC in a tube: T4-tube, and with factored damping T4-damped-tube (docs/theory.md, The tube).

Setting. ``N``, ``D_N`` are M and D of C2-tube without the kernel, ``sigma_b^2`` bounds the least eigenvalue of every ``H = A A^T/m`` in the tube
from below, mu the ratio of C2-tube-ratio with 1 for each entry of K; P projects onto the column space of X, h is its diagonal.

T4-tube [derived]. sigma_b^2 > 0, mu < 1, 0 < eta h_max <= 1, and widths of at least ``(h_i/m)^{1/2} S s_r`` with ``S = 2 ||r(0)||/((1-mu)(1+mu) h_min^{1/2})`` and
``s_r >= ||H(k)^{-1}A_r(k)||`` in the tube, one for all neurons (``plain_solution``) or one a neuron (``neuron_solution``), give for all k
``||r(k+1)||^2 <= ||r(k)||^2 - eta alpha r^T diag(h) r <= (1 - eta alpha h_min) ||r(k)||^2``, ``alpha = (1-mu)(2 - eta h_max (1-mu))``, which is at least
``(1-mu)(1+mu)``, and at least 1 for mu < 1/2 and ``eta h_max <= (1-2mu)/(1-mu)^2`` (T4-lev's rate); ``sum eta (r^T diag(h) r)^{1/2} <= S``; no iterate and no segment leaves the tube.

With factored damping ``(S^T S + eps_S) x (X^T X + eps_X)``, not yet a claim: the same with ``1-theta`` for mu, ``theta = (1-mu_1) sigma_b^2/(sigma_b^2 + eps_S)``, and
``h_eps``, the diagonal of ``K (K + eps_X)^{-1}``, for h.

Proofs: docs/proofs/tube.md, P13.46 to P13.50. Sharp: for one input where all neurons that may flip vanish at once, ``||r(1)|| = (1 - eta(1-mu)) ||r(0)||``.

In the obligations ``t`` is ``eta h_max``, ``d`` is ``(r^T diag(h) r)^{1/2}``, ``g`` and ``G`` the roots of h_min and h_max, ``r``, ``rp`` the norms before and after a
step, ``sig`` sigma_b^2, ``a`` alpha.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

from theory.directed import at_least_exact, at_most_exact
from theory.direction import LowerBound, UpperBound, bounding
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
from theory.reals import magnitude, nonnegative_real, positive_real, square_root
from theory.theorems.kfac import STEP_LINKS
from theory.theorems.tube import IN_THE_TUBE, contraction, tube_eigenvalue

SECTION = 11


@at_most_exact
def gain(eta: float, h_max: float, mu: float) -> float:
    """alpha, ``(1-mu)(2 - eta h_max (1-mu))``: what a step takes off ``||r||^2``, over ``eta r^T diag(h) r``. Raises ScaleError."""
    kept = 1 - contraction(mu)
    return kept * (2 - positive_real(eta, "the step size eta") * positive_real(h_max, "h_max") * kept)


@at_least_exact
def rate(eta: float, h_min: float, h_max: float, mu: float) -> float:
    """The factor ``(1 - eta alpha h_min)^{1/2}`` on ``||r||`` (not squared) of one step, ``0 < eta h_max <= 1``. Raises ScaleError."""
    kept = 1 - contraction(mu)
    taken = positive_real(eta, "the step size eta") * positive_real(h_min, "h_min") * kept
    return square_root(1 - taken * (2 - eta * positive_real(h_max, "h_max") * kept))


@bounding(LowerBound, mu=UpperBound)
@at_most_exact
def progress(mu: float) -> float:
    """``(1-mu)(1+mu)``, at most alpha for every ``0 < eta h_max <= 1``. Raises ScaleError."""
    return (1 - contraction(mu)) * (1 + mu)


@bounding(UpperBound, residual_norm=UpperBound, mu=UpperBound, h_min=LowerBound)
@at_least_exact
def path_sum(residual_norm: float, mu: float, h_min: float) -> float:
    """``2 ||r(0)||/(alpha h_min^{1/2})``, at least the sum of ``eta (r^T diag(h) r)^{1/2}``. Raises ScaleError."""
    least = square_root(positive_real(h_min, "h_min"))
    return 2 * magnitude(residual_norm, "||r(0)||") / ((1 - contraction(mu)) * (1 + mu) * least)


@bounding(UpperBound, first_ratio=UpperBound, sigma_squared=LowerBound)
@at_least_exact
def damped_contraction(first_ratio: float, sigma_squared: float, eps: float) -> float:
    """``1 - (1-mu_1) sigma_b^2/(sigma_b^2 + eps_S)``. Raises ScaleError."""
    least = tube_eigenvalue(sigma_squared)
    return 1 - (1 - contraction(first_ratio)) * least / (least + nonnegative_real(eps, "eps_S"))


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
_ALPHA = {"a": "(1-mu)*(2-t*(1-mu))"}
_PATH = ("0 < eta", "0 < a", "0 < g", "0 <= r", "0 <= rp", "g*r <= d", "rp**2 <= r**2 - eta*a*d**2")
_LAST = ("0 < eta", "0 < a <= 2", "0 < g <= G", "eta*G**2 <= 1", "0 <= r", "0 <= d <= G*r")

GAIN = Obligation(
    "O-t4-tube-gain",
    "T4-tube: (1 - t(1-mu))^2 is 1 - t alpha, alpha >= (1-mu)(1+mu) for t <= 1, and alpha >= 1 within T4-lev's limit for mu < 1/2",
    (
        Implication((_MU, _STEP), "(1-t*(1-mu))**2 == 1 - t*a", _ALPHA),
        Implication((_MU, _STEP), "(1-mu)*(1+mu) <= a", _ALPHA),
        Implication(("0 <= mu < 1/2", "0 < t <= (1-2*mu)/(1-mu)**2"), "1 <= a", _ALPHA),
    ),
    (
        Mutation("twice", "2(1-mu) for alpha", {"1 - t*a": "1 - t*2*(1-mu)"}),
        Mutation("longer-step", "t up to 1.001", {_STEP: "0 < t <= 1001/1000"}, part=1),
        Mutation("more", "1.001 (1-mu)(1+mu)", {"(1-mu)*(1+mu) <=": "1001/1000*(1-mu)*(1+mu) <="}, part=1),
        Mutation("longer-limit", "the limit times 1.001", {"<= (1-2*mu)/": "<= 1001/1000*(1-2*mu)/"}, part=2),
    ),
)

PATH = Obligation(
    "O-t4-tube-path",
    "T4-tube: a step's share of the path is at most 2(||r|| - ||r+||)/(alpha h_min^{1/2}), and at most 2||r||/(alpha h_min^{1/2}) whatever comes after it",
    (
        Implication(_PATH, "eta*a*g*d <= 2*(r-rp)"),
        Implication(_LAST, "eta*a*g*d <= 2*r"),
    ),
    (
        Mutation("less", "1.999 for 2", {"2*(r-rp)": "1999/1000*(r-rp)"}),
        Mutation("largest", "the largest leverage score for the least: d <= g r", {"g*r <= d": "d <= g*r"}),
        Mutation("less-at-last", "1.999 for 2", {"2*r": "1999/1000*r"}, part=1),
        Mutation("longer-step", "eta h_max up to 1.001", {"eta*G**2 <= 1": "eta*G**2 <= 1001/1000"}, part=1),
    ),
)

SOLUTION = Obligation(
    "O-t4-tube-solution",
    "T4-tube: ||H^{-1}A_r|| from ||H(0)^{-1}A_r(0)||, the inputs on which neuron r may flip, and ||D_N|q|||",
    (Implication((_SIGMA, "sig*y <= f + w", "x <= q + y"), "x <= q + (f + w)/sig"),),
    (
        Mutation("without-flips", "without the inputs that flip", {"(f + w)/sig": "w/sig"}),
        Mutation("without-change", "without D_N", {"(f + w)/sig": "f/sig"}),
        Mutation("less", "0.999 of it, q >= 0", {"q + (f + w)/sig": "999/1000*(q + (f + w)/sig)", _SIGMA: "0 < sig*q"}),
    ),
)

OBLIGATIONS = (GAIN, PATH, SOLUTION)

CALCULATED = (
    Calculated("(1-mu)*(1+mu)", lambda mu: progress(mu), (_MU,)),
    Calculated("(1-mu)*(2-t*(1-mu))", lambda mu, t: gain(t, 1, mu), (_MU, _STEP)),
)

RANGES = (
    *needs("T4-tube", GAIN, (0, 1), _MU, _STEP),
    *needs("T4-tube", GAIN, (2,), "0 <= mu < 1/2", "0 < t <= (1-2*mu)/(1-mu)**2"),
    *needs("T4-tube", PATH, (0,), *_PATH),
    *needs("T4-tube", PATH, (1,), *_LAST),
    *needs("T4-tube", SOLUTION, (0,), _SIGMA, "sig*y <= f + w", "x <= q + y"),
)

_HERE = "docs/proofs/tube.md: "

CHAINS = (
    Chain(
        "T4-tube",
        (
            *STEP_LINKS,
            *IN_THE_TUBE,
            checked("M, D, tau and lambda_b", "C2-tube"),
            checked("the ratio's forms, for ones in the place of K as well", "C2-tube-ratio"),
            argued("the same with ones for the kernel: N, D_N, sigma_b^2, and the ratio of S", f"{_HERE}P13.46"),
            argued("||I - tM|| <= 1 - t(1-mu) in the tube", f"{_HERE}P13.47"),
            proved("its square is 1 - t alpha, and alpha is at least (1-mu)(1+mu), and 1 within T4-lev's limit", GAIN),
            argued("how far a step moves a pre-activation", f"{_HERE}P13.48"),
            proved("what H(k)^{-1}A_r is at most", SOLUTION),
            proved("the steps' shares telescope", PATH),
            argued("no iterate and no segment leaves the tube: induction over k", f"{_HERE}P13.49"),
            argued("one input attains the rate", f"{_HERE}P13.50"),
            checked("the conclusion on instances", "T4-tube"),
        ),
    ),
)
