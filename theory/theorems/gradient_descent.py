"""Gradient descent on the squared loss, for comparison: T0, T0-sharp, T0-linear, T0-advantage (docs/theory.md).

Setting. ``r(k) = u(theta(k)) - y``, update ``theta(k+1) = theta(k) - eta J(k)^T r(k)``, ``lambda = lambda_min(G(0))``,
``Lambda = ||J(0)||_2^2``. Conditions 1 and 2(C) as in theory/theorems/ngd.py, on the same ball. ``c = C/3``,
``q = 2C/(3-C)``, ``L = ||J(0)||_2 + c sqrt(lambda)``, which bounds ``||J(theta)||_2`` on the ball.

T0 [derived]. q < 1/2 (C < 3/5) and 0 < eta <= (1-2q)/L^2 give ||r(k)||^2 <= (1 - eta (1-c)^2 lambda)^k ||r(0)||^2, and the
path stays within 2/(1-c) ||r(0)||/sqrt(lambda).
T0-sharp [derived]. C <= 3/4 and 0 < eta <= (1-2c)/((1-c) L^2) give
||r(k)||^2 <= (1 - eta (2 - eta L^2) (1-c)^2 lambda)^k ||r(0)||^2, and the path stays within
2(1-c)/(1-3c+4c^2) ||r(0)||/sqrt(lambda). It contains T0's rate, up to a step (1-2c)/(1-5c) times as long.

Proofs: docs/proofs/gradient-descent.md, P9.1 to P9.8. The radius is at most the paper's 3 for c < 1/5 (T0) and c <= 1/4 (T0-sharp;
equality at 1/4).

T0-linear [derived]. With J frozen GD's residual is (I - eta G)^k r(0), NGD's (1-eta)^k r(0).
T0-advantage [paper, explicit constants]. The paper compares guarantees; so does (a). (b) and (c) are about GD itself.
(a) At the step limits, T0's (and T0-sharp's) guaranteed decrease of ||r||^2 in a step is at most lambda/Lambda times that of
T1-sharp, so that GD's guaranteed count is at least Lambda/lambda times NGD's; for a ReLU network on n unit rows, where
lambda <= Lambda <= n, T0's is at least (1-5c)(1-c)/(1+c)^2 lambda/n: the O(lambda/n) of the paper.
(b) In the linearised model every eta and k has ||r(k)|| >= |1 - eta w|^k ||r(0)||, w = r(0)^T G r(0)/||r(0)||^2. For 0 < eta <= 2/Lambda, beyond which GD
diverges for some r(0), and w <= Lambda/2 this is at least (1 - 2w/Lambda)^k: GD needs ln(1/eps)/(-ln(1 - 2w/Lambda)) >=
(Lambda/(2w) - 1) ln(1/eps) steps to a residual of eps ||r(0)||, and w = lambda when r(0) is in the lowest eigenspace. Equality
there at eta = 2/Lambda. A component of length g ||r(0)|| along one eigenvector does the same with ln(g/eps) and its eigenvalue.
NGD needs ln(1/eps)/(-ln|1-eta|).
(c) For two residuals with quotients w < W and any eta > 0 one of them has ||r(k)|| >= ((W-w)/(W+w))^k ||r(0)||: for some
targets no constant step size does better than (kappa-1)/(kappa+1), kappa = Lambda/lambda. Equality at eta = 2/(W+w).

Sharp: (b), (c), and the (1-c)^2 of T0-sharp as eta -> 0 (n = 1, slope (1-c) sqrt(lambda)). T0 gives up a factor 2 there.
Every function of real numbers here takes floats or balls (arb), and answers in kind. Floats are taken as the numbers that they are,
and answered by the next float on the side on which the statement stays true (theory/directed.py).
"""

from collections.abc import Mapping
from types import MappingProxyType

from flint import arb, fmpq

from theory.directed import at_least_exact, at_most_exact, decided_exactly, exact, float_below
from theory.direction import Bound, LowerBound, UpperBound, bounding
from theory.errors import ChoiceError, ScaleError
from theory.inputs import FloatArray, finite_array
from theory.reals import finite, logarithm, positive_real, real, shown, square_root
from theory.rigour.precision import at_rising_precision
from theory.theorems.ngd import checked_constant as _constant
from theory.theorems.ngd import deficit, eigenvalue, unit_length

THEOREMS = ("T0", "T0-sharp")

BOUNDS: Mapping[str, type[Bound]] = MappingProxyType(
    {"C": UpperBound, "operator_norm": UpperBound, "lambda_min": LowerBound}
)
"""The kinds of numbers that give a certified step size and rate. C and lambda belong together: Condition 2(C) is one on
``||J - J(0)||_2 <= (C/3) lambda^{1/2}``, and the theorems hold for every positive lambda up to lambda_min(G(0)) with a C for it."""

CONSTANT_LIMITS: Mapping[str, fmpq] = MappingProxyType({"T0": fmpq(3, 5), "T0-sharp": fmpq(3, 4)})
"""The C up to which each theorem speaks, exactly."""


def constant_limit(theorem: str) -> float:
    """The C up to which the theorem speaks: T0 below 3/5 (rounded down), T0-sharp up to 3/4. Raises ChoiceError."""
    return float_below(CONSTANT_LIMITS[_theorem(theorem)])


@decided_exactly
def applies(C: float, theorem: str) -> bool:
    """Whether Condition 2(C) with this C, exactly, is among the theorem's hypotheses. Raises ChoiceError, ScaleError."""
    limit = CONSTANT_LIMITS[_theorem(theorem)]
    return bool(_constant(C) < limit if theorem == "T0" else _constant(C) <= limit)


@at_least_exact
def jacobian_bound(C: float, operator_norm: float, lambda_min: float) -> float:
    """``L = ||J(0)||_2 + (C/3) sqrt(lambda)``, a bound of ``||J||_2`` on the ball (not squared). Raises ScaleError."""
    return _norm(operator_norm) + _constant(C) / 3 * square_root(eigenvalue(lambda_min))


@bounding(LowerBound, **BOUNDS)
@at_most_exact
def step_limit(C: float, operator_norm: float, lambda_min: float, theorem: str = "T0") -> float:
    """The largest step size eta of the theorem; 0 when C is out of its range.

    T0: ``(1-2q)/L^2``. T0-sharp: ``(1-2c)/((1-c) L^2)``. ``operator_norm`` is ``||J(0)||_2`` or an upper bound.
    Raises ChoiceError, ScaleError.
    """
    bound = jacobian_bound(C, operator_norm, lambda_min)
    if not applies(C, theorem):
        return 0.0
    c = C / 3
    return (1 - 2 * deficit(C) if theorem == "T0" else (1 - 2 * c) / (1 - c)) / bound**2


@at_most_exact
def decrease(eta: float, C: float, operator_norm: float, lambda_min: float, theorem: str = "T0") -> float:
    """What one step takes off ``||r||^2``, as a share of it. T0: ``eta (1-c)^2 lambda``; T0-sharp: ``(2 - eta L^2)`` times that.

    Raises ChoiceError, ScaleError (eta not positive).
    """
    positive_real(eta, "the step size eta")
    bound, share = jacobian_bound(C, operator_norm, lambda_min), eta * (1 - C / 3) ** 2 * lambda_min
    return share if _theorem(theorem) == "T0" else share * (2 - eta * bound**2)


@bounding(UpperBound, within=step_limit, **BOUNDS)
@at_least_exact
def rate(eta: float, C: float, operator_norm: float, lambda_min: float, theorem: str = "T0") -> float:
    """The factor on ``||r||`` (not squared) of one step, ``sqrt(1 - decrease)``. Raises what ``decrease`` raises."""
    share = decrease(eta, C, operator_norm, lambda_min, theorem)
    if share > 1:
        raise ScaleError(f"eta is {shown(eta)}; the theorem's step limit keeps eta (1-C/3)^2 lambda below 1")
    return square_root(1 - share)


@at_least_exact
def radius(C: float, residual_norm: float, lambda_min: float, theorem: str = "T0") -> float:
    """How long the path from theta(0) can get: ``2/(1-c)`` (T0) or ``2(1-c)/(1-3c+4c^2)`` times ``||r(0)||/sqrt(lambda)``.

    Raises ChoiceError, ScaleError.
    """
    c = _constant(C) / 3
    factor = 2 / (1 - c) if _theorem(theorem) == "T0" else 2 * (1 - c) / (1 - 3 * c + 4 * c**2)
    return factor * unit_length(residual_norm, lambda_min)


@at_most_exact
def linear_step_limit(operator_norm: float) -> float:
    """``2/||J(0)||_2^2``, beyond which the linearised model diverges for some residual. Raises ScaleError."""
    return 2 / _norm(operator_norm) ** 2


@at_most_exact
def linear_rate(eta: float, quotient: float) -> float:
    """``|1 - eta w|``, a lower bound of the linearised factor on ``||r||``, w the Rayleigh quotient of r(0) (T0-advantage, b).

    Raises ScaleError.
    """
    return abs(1 - _bounded(eta, "eta") * _bounded(quotient, "the Rayleigh quotient"))


@at_most_exact
def fastest_rate(quotient: float, operator_norm: float) -> float:
    """``1 - 2w/Lambda``, which no ``eta <= 2/Lambda`` gets below when ``2w <= Lambda`` (T0-advantage, b).

    Raises ScaleError when ``2w > Lambda``: then some step reaches ``w``'s residual faster.
    """
    share = 2 * _bounded(quotient, "the Rayleigh quotient") / _norm(operator_norm) ** 2
    if share > 1:
        raise ScaleError(
            f"the Rayleigh quotient {shown(quotient)} is above half of ||J(0)||_2^2: no lower bound of the rate"
        )
    return 1 - share


@decided_exactly
def least_iterations(eigenvalues: FloatArray, components: FloatArray, largest: float, reduction: float) -> int:
    """Steps that the linearised GD needs at least, whatever ``eta <= 2/Lambda``: ``||r(k)|| <= reduction ||r(0)||`` not before.

    ``max_i ln(reduction/g_i)/ln(1 - 2 mu_i/Lambda)`` over the eigenvalues ``mu_i < Lambda/2`` of G (n,), ``components`` g
    (n,) being the shares of r(0) along their eigenvectors; as good as these are (T0-linear). 0 when no g_i is above
    ``reduction``. Raises ScaleError (Lambda or an eigenvalue not positive, reduction not in (0, 1)), ShapeError.
    """
    values, shares = finite_array(eigenvalues, "eigenvalues", 1), finite_array(components, "components", 1)
    if not (
        0 < real(reduction, "reduction") and reduction < 1 and _bounded(largest, "Lambda") > 0 and values.min() > 0
    ):
        raise ScaleError("eigenvalues and Lambda must be positive, the reduction strictly between 0 and 1")
    slow = [
        (exact(value), exact(share))
        for value, share in zip(values.tolist(), shares.tolist(), strict=True)
        if 2 * exact(value) < largest and exact(share) > reduction
    ]
    return max((_steps_needed(1 - 2 * value / largest, reduction / share) for value, share in slow), default=0)


def _steps_needed(factor: float, reduction: float) -> int:
    """``ceil(ln(reduction)/ln(factor))``, and never more, also where no precision tells the quotient from a whole number."""
    found, _ = at_rising_precision(
        lambda: arb(logarithm(reduction) / logarithm(factor)).ceil(), lambda count: count.unique_fmpz() is not None
    )
    return int(found.lower().ceil().unique_fmpz())


@at_most_exact
def worst_target_rate(low: float, high: float) -> float:
    """``(W-w)/(W+w)``, which for every eta some of two residuals with quotients w <= W does not beat (T0-advantage, c)."""
    if not 0 < _bounded(low, "w") <= _bounded(high, "W"):
        raise ScaleError(
            f"the Rayleigh quotients are {shown(low)} and {shown(high)}; they must be positive and in this order"
        )
    return (high - low) / (high + low)


@at_most_exact
def least_guarantee(C: float) -> float:
    """``(1-5c)(1-c)/(1+c)^2``: T0's decrease at its step limit is at least this times lambda/n (T0-advantage, a).

    Raises ScaleError.
    """
    c = _constant(C) / 3
    return (1 - 5 * c) * (1 - c) / (1 + c) ** 2


def _theorem(name: str) -> str:
    if name not in THEOREMS:
        raise ChoiceError(f"unknown theorem {name!r}; known: {', '.join(THEOREMS)}")
    return name


def _norm(operator_norm: float) -> float:
    if not (real(operator_norm, "||J(0)||_2") > 0 and finite(operator_norm)):
        raise ScaleError(
            f"||J(0)||_2 is {shown(operator_norm)}; a norm of a Jacobian of full rank is finite and positive"
        )
    return operator_norm


def _bounded(value: float, name: str) -> float:
    if not finite(real(value, name)):
        raise ScaleError(f"{name} is {value}; it must be finite")
    return value
