"""How far a step of NGD in a tube can be off: the bounds of ``||X G^{-1}||`` (docs/theory.md, The tube).

Setting. W and W' lie in a tube (theory/theorems/tube.py), J is the Jacobian at W, ``X = (Jbar - J) J^T`` with the mean Jacobian ``Jbar``
of the segment to W', ``G = J J^T``. ``xi`` bounds ``||X||``, ``tau`` bounds ``||Jbar - J||^2``, ``tau_2`` bounds ``||J_B||^2`` for the
neurons that may flip, ``lambda_c`` is at most the least eigenvalue of the part of G that neurons which cannot flip contribute.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

from theory.directed import at_least_exact
from theory.direction import LowerBound, UpperBound, bounding
from theory.errors import ScaleError
from theory.reals import finite, magnitude, nonnegative_real, real, shown, square_root

SECTION = 13


@bounding(UpperBound, product_norm=UpperBound, lambda_b=LowerBound)
@at_least_exact
def first_ratio(product_norm: float, lambda_b: float) -> float:
    """``mu_1 = xi/lambda_b``. Raises ScaleError (lambda_b not positive)."""
    return magnitude(product_norm, "xi") / tube_eigenvalue(lambda_b)


@bounding(UpperBound, product_norm=UpperBound, lambda_b=LowerBound, change=UpperBound, active=UpperBound, frozen=LowerBound)
@at_least_exact
def ratio(product_norm: float, lambda_b: float, change: float, active: float, frozen: float) -> float:
    """``mu``: the least of ``xi/lambda_b``, ``(tau/lambda_b)^{1/2}`` and, for ``lambda_c > 0``, the forms with the frozen neurons.

    These are ``(tau/lambda_c)^{1/2}/2`` and, for ``tau_2 <= lambda_c``, ``(tau tau_2)^{1/2}/(lambda_c + tau_2)``. ``change`` is tau,
    ``active`` tau_2 (squared norms), ``frozen`` lambda_c; those that are not finite, or a lambda_c that is not positive, say nothing.
    Raises ScaleError (lambda_b not positive).
    """
    found = [first_ratio(product_norm, lambda_b)]
    if finite(change):
        nonnegative_real(change, "tau")
        found.append(square_root(change / tube_eigenvalue(lambda_b)))
        if finite(frozen) and frozen > 0:
            found.append(square_root(change / frozen) / 2)
            if finite(active) and active <= frozen:
                found.append(square_root(change * active) / (frozen + active))
    least = found[0]
    for other in found[1:]:
        if other < least:
            least = other
    return least


def tube_eigenvalue(lambda_b: float) -> float:
    """lambda_b itself. Raises ScaleError unless it is finite and positive."""
    if not (real(lambda_b, "lambda_b") > 0 and finite(lambda_b)):
        raise ScaleError(f"lambda_b is {shown(lambda_b)}; in the tube it must be positive: take a narrower one, or more neurons")
    return lambda_b
