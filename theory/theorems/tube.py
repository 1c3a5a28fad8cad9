"""The tube, and natural gradient descent in it: C2-tube and T1-tube (docs/theory.md).

Setting. ``Z = X W^T``, widths ``b >= 0``, one an input or one a pair (i, r). The tube: all W with ``|Z_ir - Z_ir(0)| <= b_ir``, a convex set.
``A~`` is what may be active in it, ``B`` what may flip, ``A_`` what is active for sure, ``A0`` what is active at W(0), all 0/1 (n, m);
``|K|`` the sizes of the entries of ``K = X X^T``, ``K_i`` row i of it, ``c0 = G(0)^{-1} r(0)``.

C2-tube [derived]. For W, W' in the tube, entry by entry
    ``|J(W')J(W)^T - J(W)J(W)^T| <= M = |K| o B A~^T/m``
    ``|G(W) - G(0)| <= D = |K| o max(A~ A~^T - A0 A0^T, A0 A0^T - A_ A_^T)/m``
and ``||J(W') - J(W)||_2^2 <= tau = || |K| o B B^T/m ||_2``, ``lambda_min(G(W)) >= lambda_b = max(lambda - ||D||, lambda_c)``, ``lambda_c`` the
smallest eigenvalue of what neurons without a pair in B contribute. Smooth activations, ``|phi''| <= L``, ``|phi'| <= L_1``, b_i the mean width:
``M_ij = 2 |K_ij| L L_1 b_i``, ``D_ij = |K_ij| L L_1 (b_i + b_j)``, ``tau = || |K| o 4 L^2 b b^T/m ||``.

T1-tube [derived]. ``xi`` bounds ``||X||`` and mu the ratio ``||X p|| ||p||/p^T G p`` for all p, X the mean of ``(J(theta_s) - J) J^T`` over a segment
(tube_ratio.py; for smooth activations M/4 is enough for it). lambda_b > 0, mu < 1, 0 < eta <= 1, and ``sqrt(m) b_i >= L_1 ||K_i|| S`` (L_1 = 1 for
ReLU), S one of

    by the rate          ``||r(0)||/((1-mu) lambda_b)``
    by the coefficients  ``(||c0|| + ||D|c0|||/lambda_b)/(1-mu_1)``,  mu_1 = xi/lambda_b < 1
    by both              ``||c0|| + ||D|c0|||/lambda_b + mu ||r(0)||/((1-mu) lambda_b)``
    by the products      ``||c0|| + (||D|c0||| + ||M|c0|||)/((1-mu) lambda_b)``

or, neuron by neuron, ``sqrt(m) b_ir >= |sum_j K_ij phi'_jr c0_j| + sum_j |K_ij| delta_jr |c0_j| + L_1 ||K_i|| (||D|c0||| + e)/lambda_b``, phi' at
W(0), ``delta >= |phi'(Z) - phi'(Z(0))|`` in the tube (B for ReLU; another last term: ``neuron_width``), ``e = min(xi S, mu ||r(0)||/(1-mu), (||M|c0||| + mu ||D|c0|||)/(1-mu))``; give for
all k: ``||r(k+1)|| <= (1 - eta(1-mu)) ||r(k)||``, no iterate and no segment leaves the tube, ``sum_k eta ||G(k)^{-1} r(k)|| <= S``. Hence T1's own
rate ``||r(k)||^2 <= (1-eta)^k ||r(0)||^2`` for mu < 1/2 and ``eta <= (1-2mu)/(1-mu)^2``.

Proofs: docs/proofs/tube.md, P13.1 to P13.12. That no neuron moves far is Du et al. (2019), for gradient descent. Sharp: M and D; the rate for one
input at eta = 1. That eta <= 1 is needed is shown for mu -> 0 only.

The scalar steps of the proofs stand in tube_steps.py.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

from theory.directed import at_least_exact, at_most_exact
from theory.direction import LowerBound, UpperBound, bounding
from theory.errors import ScaleError
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.range import needs
from theory.reals import finite, magnitude, positive_part, positive_real, real, shown, square_root
from theory.theorems.condition import STEP
from theory.theorems.segments import INTEGRAL, SCHUR
from theory.theorems.tube_steps import (
    BY_BOTH,
    BY_COEFFICIENTS,
    BY_PRODUCTS,
    BY_RATE,
    ETA,
    MU,
    ONE_STEP,
    OWN_LIMIT,
    OWN_RATE,
    SMOOTH,
    SUM_BY_RATE,
    SUM_BY_START,
    SUM_OF_ERRORS,
    TUBE,
)

SECTION = 11


@bounding(LowerBound, lambda_min=LowerBound, gram_change=UpperBound, frozen=LowerBound)
@at_most_exact
def lambda_b(lambda_min: float, gram_change: float, frozen: float) -> float:
    """``max(lambda - ||D||, lambda_c)``; not positive where no eigenvalue is kept. Raises ScaleError.

    ``frozen`` is ``lambda_c``, -inf where nothing is known of it; ``gram_change`` is ``||D||_2``.
    """
    kept = real(lambda_min, "lambda") - magnitude(gram_change, "||D||")
    return frozen if finite(real(frozen, "lambda_c")) and frozen > kept else kept


def tube_eigenvalue(lambda_b: float) -> float:
    """lambda_b itself. Raises ScaleError unless it is finite and positive."""
    if not (real(lambda_b, "lambda_b") > 0 and finite(lambda_b)):
        raise ScaleError(
            f"lambda_b is {shown(lambda_b)}; in the tube it must be positive: take a narrower one, or more neurons"
        )
    return lambda_b


def contraction(mu: float) -> float:
    """mu itself. Raises ScaleError outside [0, 1)."""
    if not 0 <= real(mu, "mu") < 1:
        raise ScaleError(f"mu is {shown(mu)}; in the tube it must lie in [0, 1): take a narrower one, or more neurons")
    return mu


@bounding(UpperBound, residual_norm=UpperBound, mu=UpperBound, lambda_b=LowerBound)
@at_least_exact
def path_by_rate(residual_norm: float, mu: float, lambda_b: float) -> float:
    """``||r(0)||/((1-mu) lambda_b)``: the first form of S, for any damping too (with mu_1). Raises ScaleError."""
    return magnitude(residual_norm, "||r(0)||") / ((1 - contraction(mu)) * tube_eigenvalue(lambda_b))


@bounding(UpperBound, first_coefficients=UpperBound, changed=UpperBound, first_ratio=UpperBound, lambda_b=LowerBound)
@at_least_exact
def path_by_coefficients(first_coefficients: float, changed: float, first_ratio: float, lambda_b: float) -> float:
    """``(||c0|| + ||D|c0|||/lambda_b)/(1-mu_1)``: the second form; ``changed`` is ``||D|c0|||``. Raises ScaleError."""
    return _turned(first_coefficients, changed, lambda_b) / (1 - contraction(first_ratio))


@bounding(
    UpperBound,
    first_coefficients=UpperBound,
    changed=UpperBound,
    residual_norm=UpperBound,
    mu=UpperBound,
    lambda_b=LowerBound,
)
@at_least_exact
def path_by_both(first_coefficients: float, changed: float, residual_norm: float, mu: float, lambda_b: float) -> float:
    """``||c0|| + ||D|c0|||/lambda_b + mu ||r(0)||/((1-mu) lambda_b)``: the third form. Raises ScaleError."""
    left = contraction(mu) * magnitude(residual_norm, "||r(0)||") / ((1 - mu) * tube_eigenvalue(lambda_b))
    return _turned(first_coefficients, changed, lambda_b) + left


@bounding(
    UpperBound,
    first_coefficients=UpperBound,
    changed=UpperBound,
    products=UpperBound,
    mu=UpperBound,
    lambda_b=LowerBound,
)
@at_least_exact
def path_by_products(first_coefficients: float, changed: float, products: float, mu: float, lambda_b: float) -> float:
    """``||c0|| + (||D|c0||| + ||M|c0|||)/((1-mu) lambda_b)``: the fourth form; ``products`` is ``||M|c0|||``. Raises ScaleError."""
    both = magnitude(changed, "||D|c0|||") + magnitude(products, "||M|c0|||")
    return magnitude(first_coefficients, "||c0||") + both / ((1 - contraction(mu)) * tube_eigenvalue(lambda_b))


def _turned(first_coefficients: float, changed: float, lambda_b: float) -> float:
    """``||c0|| + ||D|c0|||/lambda_b``, which bounds ``||G(t)^{-1} r(0)||``."""
    return magnitude(first_coefficients, "||c0||") + magnitude(changed, "||D|c0|||") / tube_eigenvalue(lambda_b)


@bounding(
    UpperBound,
    residual_norm=UpperBound,
    first_coefficients=UpperBound,
    changed=UpperBound,
    products=UpperBound,
    mu=UpperBound,
    first_ratio=UpperBound,
    lambda_b=LowerBound,
)
@at_least_exact
def path_sum(
    residual_norm: float,
    first_coefficients: float,
    changed: float,
    products: float,
    mu: float,
    first_ratio: float,
    lambda_b: float,
) -> float:
    """``S``: the least of the four forms that speak. Raises ScaleError (mu outside [0, 1), lambda_b not positive)."""
    found = [
        path_by_rate(residual_norm, mu, lambda_b),
        path_by_both(first_coefficients, changed, residual_norm, mu, lambda_b),
        path_by_products(first_coefficients, changed, products, mu, lambda_b),
    ]
    if real(first_ratio, "mu_1") < 1:
        found.append(path_by_coefficients(first_coefficients, changed, first_ratio, lambda_b))
    return _least(found)


@bounding(
    UpperBound,
    changed=UpperBound,
    products=UpperBound,
    product_norm=UpperBound,
    path_sum=UpperBound,
    residual_norm=UpperBound,
    mu=UpperBound,
    lambda_b=LowerBound,
)
@at_least_exact
def later_path(
    changed: float,
    products: float,
    product_norm: float,
    path_sum: float,
    residual_norm: float,
    mu: float,
    lambda_b: float,
) -> float:
    """What the steps add to c0 at most: ``(||D|c0||| + e)/lambda_b``. Raises ScaleError.

    ``e = min(xi S, mu ||r(0)||/(1-mu), (||M|c0||| + mu ||D|c0|||)/(1-mu))``.
    """
    turned = magnitude(changed, "||D|c0|||")
    left = contraction(mu) * magnitude(residual_norm, "||r(0)||") / (1 - mu)
    by_sum = magnitude(product_norm, "xi") * magnitude(path_sum, "S")
    by_products = (magnitude(products, "||M|c0|||") + mu * turned) / (1 - mu)
    return (turned + _least([left, by_sum, by_products])) / tube_eigenvalue(lambda_b)


@bounding(UpperBound, row_norm=UpperBound, path_sum=UpperBound)
@at_least_exact
def width(row_norm: float, path_sum: float, neurons: float, slope: float = 1) -> float:
    """``b_i = m^{-1/2} ||K_i||_2 S L_1``: how far a pre-activation of input i moves at most. Raises ScaleError.

    ``slope`` is L_1, the largest |phi'|; 1 for ReLU.
    """
    moved = magnitude(row_norm, "||K_i||") * magnitude(path_sum, "S") * positive_real(slope, "L_1")
    return moved / square_root(positive_real(neurons, "m"))


@bounding(UpperBound, gram_change=UpperBound, later=UpperBound)
@at_least_exact
def later_residual(lambda_b: float, gram_change: float, later: float) -> float:
    """``(lambda_b + ||D||) later``: what ``G(0)^{-1}`` acts on where the later path is seen from the start. Raises ScaleError."""
    whole = tube_eigenvalue(lambda_b) + magnitude(gram_change, "||D||")
    return whole * magnitude(later, "the later path")


@at_least_exact
def neuron_width(
    row_norm: float,
    path_sum: float,
    start: float,
    turned: float,
    later: float,
    neurons: float,
    slope: float = 1,
    inverse_norm: float | None = None,
    later_residual: float | None = None,
    flipping_norm: float | None = None,
) -> float:
    """``b_ir``: the least of ``width`` and ``m^{-1/2} (|K_i . (A_r(0) c0)| + |K_i| . (B_r |c0|) + R later)``, R being ``L_1 ||K_i||``.

    ``start`` and ``turned`` are the first two terms, ``later`` is ``later_path``. With ``inverse_norm``, a bound of
    ``||G(0)^{-1} (K_i A_r(0))||``, and ``flipping_norm``, one of ``||K_i B_r||``, the last term may be
    ``inverse_norm later_residual + flipping_norm later`` instead. Raises ScaleError.
    """
    last = magnitude(row_norm, "||K_i||") * positive_real(slope, "L_1") * magnitude(later, "the later path")
    if inverse_norm is not None and later_residual is not None and flipping_norm is not None:
        last = _least([last, inverse_norm * later_residual + flipping_norm * later])
    moved = magnitude(start, "the start") + magnitude(turned, "its change") + last
    return _least([moved / square_root(positive_real(neurons, "m")), width(row_norm, path_sum, neurons, slope)])


@bounding(UpperBound, mu=UpperBound)
@at_least_exact
def rate(eta: float, mu: float) -> float:
    """The factor ``1 - eta(1-mu)`` on ``||r||`` (not squared) of one step, for every ``0 < eta <= 1``. Raises ScaleError."""
    if not 0 < real(eta, "the step size eta") <= 1:
        raise ScaleError(f"eta is {shown(eta)}; T1-tube speaks of step sizes in (0, 1]")
    return 1 - eta * (1 - contraction(mu))


@bounding(LowerBound, mu=UpperBound)
@at_most_exact
def progress(mu: float) -> float:
    """``1 - mu``: a step's factor is ``1 - eta`` times it. Raises ScaleError."""
    return 1 - contraction(mu)


@bounding(LowerBound, mu=UpperBound)
@at_most_exact
def step_limit(mu: float) -> float:
    """The largest eta with T1's own rate ``||r(k)||^2 <= (1-eta)^k ||r(0)||^2``: ``(1-2mu)/(1-mu)^2``; 0 for mu >= 1/2. Raises ScaleError."""
    return positive_part(1 - 2 * contraction(mu)) / (1 - mu) ** 2


def _least(numbers: list[float]) -> float:
    least = numbers[0]
    for other in numbers[1:]:
        if other < least:
            least = other
    return least


CALCULATED = (
    Calculated(OWN_LIMIT, lambda mu: step_limit(mu), ("0 <= mu < 1/2",)),
    Calculated("1-eta*(1-mu)", lambda eta, mu: rate(eta, mu), (MU, ETA)),
    Calculated(BY_RATE, lambda r, mu, lb: path_by_rate(r, mu, lb), (MU, TUBE, "0 <= r")),
    Calculated(
        BY_COEFFICIENTS,
        lambda c, d, mu1, lb: path_by_coefficients(c, d, mu1, lb),
        ("0 <= mu1 < 1", TUBE, "0 <= c", "0 <= d"),
    ),
    Calculated(
        BY_BOTH, lambda c, d, r, mu, lb: path_by_both(c, d, r, mu, lb), (MU, TUBE, "0 <= c", "0 <= d", "0 <= r")
    ),
    Calculated(
        BY_PRODUCTS,
        lambda c, d, p, mu, lb: path_by_products(c, d, p, mu, lb),
        (MU, TUBE, "0 <= c", "0 <= d", "0 <= p"),
    ),
)

_SPEAKS = (MU, TUBE, ETA)

RANGES = (
    *needs("C2-tube", SMOOTH, (0, 1), "-l <= f <= l", "-l <= g0 <= l", "-x <= f - f0 <= x", "-y <= g - g0 <= y"),
    *needs(
        "T1-tube", ONE_STEP, (0,), *_SPEAKS, "0 <= r", "0 <= a", "a**2 == (1-eta)**2", "x <= mu*r", "rp <= a*r + eta*x"
    ),
    *needs("T1-tube", SUM_BY_RATE, (0,), *_SPEAKS, "0 <= r", "g <= r/lb", "rp <= (1-eta*(1-mu))*r"),
    *needs("T1-tube", SUM_OF_ERRORS, (0,), *_SPEAKS, "E <= (1-eta)*P + eta*F", "P <= E"),
    *needs("T1-tube", SUM_BY_START, (0,), TUBE, "0 <= mu1 < 1", "S <= c + d/lb + e/lb", "e <= mu1*lb*S"),
    *needs("T1-tube", SUM_BY_START, (1,), TUBE, MU, "S <= c + d/lb + e/lb", "(1-mu)*e <= mu*r"),
    *needs("T1-tube", SUM_BY_START, (2,), TUBE, MU, "S <= c + d/lb + e/lb", "e <= p + mu*d + mu*e"),
    *needs("T1-tube", OWN_RATE, (0,), "0 <= mu < 1/2", STEP, step=OWN_LIMIT),
    *needs("T1-tube", OWN_RATE, (1,), "0 <= mu < 1/2"),
)

_HERE = "docs/proofs/tube.md: "

IN_THE_TUBE = (
    argued("the tube is convex: with both ends a segment lies in it", f"{_HERE}P13.1"),
    argued("M, D and tau bound what changes between two points of the tube, entry by entry", f"{_HERE}P13.2"),
    argued("||Y||_2 <= ||M||_2 whenever |Y| <= M, and lambda_min(G(W)) >= lambda_b", f"{_HERE}P13.3"),
)

RATIO_OF_FORMS = argued("the ratio bounds ||X p|| ||p||/p^T G p, not only ||X G^{-1}||", f"{_HERE}P13.6")

CHAINS = (
    Chain(
        "C2-tube",
        (
            *IN_THE_TUBE,
            SCHUR,
            argued("M and D are attained", f"{_HERE}P13.4"),
            proved("what a product of two slopes changes by", SMOOTH),
            argued("the same for smooth activations", f"{_HERE}P13.5"),
            checked("the bounds on patterns, corners and points of tubes", "C2-tube"),
        ),
    ),
    Chain(
        "T1-tube",
        (
            INTEGRAL,
            *IN_THE_TUBE,
            SCHUR,
            checked("M, D, tau and lambda_b", "C2-tube"),
            RATIO_OF_FORMS,
            argued(
                "a step in the tube is r+ = (1-eta) r - eta X c, and moves a pre-activation by eta L_1 ||K_i|| ||c||/sqrt(m) at most",
                f"{_HERE}P13.7",
            ),
            proved("its residual is at most (1 - eta(1-mu)) ||r||", ONE_STEP),
            proved("the first form of S, by telescoping", SUM_BY_RATE),
            argued("||G(t)^{-1} r(0)|| <= ||c0|| + ||D|c0|||/lambda_b, and the errors' recursion", f"{_HERE}P13.8"),
            proved("their sum is at most that of what X adds", SUM_OF_ERRORS),
            proved("the other forms of S", SUM_BY_START),
            argued("what one neuron moves at most", f"{_HERE}P13.9"),
            argued("M/4 for smooth activations", f"{_HERE}P13.10"),
            argued("no iterate leaves the tube: induction over k", f"{_HERE}P13.11"),
            proved("T1's own rate within the limit", OWN_RATE),
            argued("what is attained, and where eta <= 1 is needed", f"{_HERE}P13.12"),
            checked("the conclusion on instances", "T1-tube"),
        ),
    ),
)
