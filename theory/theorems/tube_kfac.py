"""K-FAC in a tube: T4-tube, and with factored damping T4-damped-tube (docs/theory.md, The tube).

Setting. ``N``, ``D_N`` are M and D of C2-tube without the kernel, ``sigma_b^2`` bounds the least eigenvalue of every ``H = A A^T/m`` in the tube
from below, mu the ratio of C2-tube-ratio with 1 for each entry of K; P projects onto the column space of X, h is its diagonal.

T4-tube [derived]. mu < 1, 0 < eta h_max <= 1: ``||r(k+1)||^2 <= ||r(k)||^2 - eta alpha r^T diag(h) r``, ``alpha = (1-mu)(2 - eta h_max (1-mu))``,
which is at least ``(1-mu)(1+mu)``. T4-damped-tube: the same with ``1-theta`` for mu, ``theta = (1-mu_1) sigma_b^2/(sigma_b^2 + eps_S)``, and
``h_eps``, the diagonal of ``K (K + eps_X)^{-1}``, for h.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

from theory.directed import at_least_exact, at_most_exact
from theory.direction import LowerBound, UpperBound, bounding
from theory.reals import magnitude, nonnegative_real, positive_real, square_root
from theory.theorems.tube import contraction, tube_eigenvalue


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
