"""Natural gradient descent in a tube around the initial pre-activations: C2-tube and T1-tube (docs/theory.md, The tube).

Setting. The tube: all W with ``|x_i . (w_r - w_r(0))| <= b_i`` (or ``b_ir``). In it ``|G(W) - G(0)| <= D`` entry by entry,
``||X|| <= xi`` for what a segment changes, ``lambda_min(G(W)) >= lambda_b`` and ``||X G^{-1}|| <= mu`` (theory/theorems/tube_ratio.py).
``c0 = G(0)^{-1} r(0)``; ``K_i`` is row i of ``K = X X^T``; a path sum S is at least the sum of ``eta ||G(t)^{-1} r(t)||`` over all steps.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

from theory.directed import at_least_exact, at_most_exact
from theory.direction import LowerBound, UpperBound, bounding
from theory.errors import ScaleError
from theory.reals import finite, magnitude, positive_real, real, shown, square_root

SECTION = 13


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
    UpperBound, first_coefficients=UpperBound, changed=UpperBound, residual_norm=UpperBound, mu=UpperBound, lambda_b=LowerBound
)
@at_least_exact
def path_by_both(first_coefficients: float, changed: float, residual_norm: float, mu: float, lambda_b: float) -> float:
    """``||c0|| + ||D|c0|||/lambda_b + mu ||r(0)||/((1-mu) lambda_b)``: the third form. Raises ScaleError."""
    left = contraction(mu) * magnitude(residual_norm, "||r(0)||") / ((1 - mu) * tube_eigenvalue(lambda_b))
    return _turned(first_coefficients, changed, lambda_b) + left


def _turned(first_coefficients: float, changed: float, lambda_b: float) -> float:
    """``||c0|| + ||D|c0|||/lambda_b``, which bounds ``||G(t)^{-1} r(0)||``."""
    return magnitude(first_coefficients, "||c0||") + magnitude(changed, "||D|c0|||") / tube_eigenvalue(lambda_b)


@bounding(
    UpperBound,
    residual_norm=UpperBound,
    first_coefficients=UpperBound,
    changed=UpperBound,
    mu=UpperBound,
    first_ratio=UpperBound,
    lambda_b=LowerBound,
)
@at_least_exact
def path_sum(
    residual_norm: float, first_coefficients: float, changed: float, mu: float, first_ratio: float, lambda_b: float
) -> float:
    """``S``: the least of the three forms that speak. Raises ScaleError (mu outside [0, 1), lambda_b not positive)."""
    found = [
        path_by_rate(residual_norm, mu, lambda_b),
        path_by_both(first_coefficients, changed, residual_norm, mu, lambda_b),
    ]
    if first_ratio < 1:
        found.append(path_by_coefficients(first_coefficients, changed, first_ratio, lambda_b))
    return _least(found)


@bounding(
    UpperBound,
    changed=UpperBound,
    product_norm=UpperBound,
    path_sum=UpperBound,
    residual_norm=UpperBound,
    mu=UpperBound,
    lambda_b=LowerBound,
)
@at_least_exact
def later_path(
    changed: float, product_norm: float, path_sum: float, residual_norm: float, mu: float, lambda_b: float
) -> float:
    """What the steps add to c0 at most: ``(||D|c0||| + min(xi S, mu ||r(0)||/(1-mu)))/lambda_b``. Raises ScaleError."""
    left = contraction(mu) * magnitude(residual_norm, "||r(0)||") / (1 - mu)
    by_sum = magnitude(product_norm, "xi") * magnitude(path_sum, "S")
    return (magnitude(changed, "||D|c0|||") + _least([left, by_sum])) / tube_eigenvalue(lambda_b)


@bounding(UpperBound, row_norm=UpperBound, path_sum=UpperBound)
@at_least_exact
def width(row_norm: float, path_sum: float, neurons: int, slope: float = 1) -> float:
    """``b_i = m^{-1/2} ||K_i||_2 S L_1``: how far a pre-activation of input i moves at most. Raises ScaleError.

    ``slope`` is L_1, the largest |phi'|; 1 for ReLU.
    """
    moved = magnitude(row_norm, "||K_i||") * magnitude(path_sum, "S") * positive_real(slope, "L_1")
    return moved / square_root(positive_real(neurons, "m"))


@bounding(UpperBound, row_norm=UpperBound, path_sum=UpperBound, start=UpperBound, turned=UpperBound, later=UpperBound)
@at_least_exact
def neuron_width(
    row_norm: float, path_sum: float, start: float, turned: float, later: float, neurons: int, slope: float = 1
) -> float:
    """``b_ir``: the lesser of ``width`` and ``m^{-1/2} (|K_i . (A_r(0) c0)| + |K_i| . (B_r |c0|) + ||K_i|| L_1 later)``.

    ``start`` and ``turned`` are the first two terms, ``later`` is ``later_path``. Raises ScaleError.
    """
    moved = magnitude(start, "the start") + magnitude(turned, "its change")
    moved += magnitude(row_norm, "||K_i||") * positive_real(slope, "L_1") * magnitude(later, "the later path")
    return _least([moved / square_root(positive_real(neurons, "m")), width(row_norm, path_sum, neurons, slope)])


@bounding(UpperBound, mu=UpperBound)
@at_least_exact
def rate(eta: float, mu: float) -> float:
    """The factor ``1 - eta(1-mu)`` on ``||r||`` (not squared) of one step, for every ``0 < eta <= 1``. Raises ScaleError."""
    if not 0 < real(eta, "the step size eta") <= 1:
        raise ScaleError(f"eta is {shown(eta)}; T1-tube speaks of step sizes in (0, 1]")
    return 1 - eta * (1 - contraction(mu))


def _least(numbers: list[float]) -> float:
    least = numbers[0]
    for other in numbers[1:]:
        if other < least:
            least = other
    return least
