"""What gradient descent can do, beside natural gradient descent: T0-linear, T0-advantage (docs/theory.md).

Setting and letters: theory/theorems/gradient_descent.py.

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

Proofs: docs/proofs/gradient-descent.md, P9.5 to P9.8. Sharp: (b), (c).
Every function of real numbers here takes floats or balls (arb), and answers in kind. Floats are taken as the numbers that they are,
and answered by the next float on the side on which the statement stays true (theory/directed.py).
"""

from flint import arb

from theory.directed import at_most_exact, decided_exactly, exact
from theory.errors import ScaleError
from theory.inputs import FloatArray, finite_array
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
from theory.reals import finite, logarithm, real, shown
from theory.rigour.precision import at_rising_precision
from theory.theorems.condition import THIRD
from theory.theorems.condition import checked_constant as _constant
from theory.theorems.gradient_descent import SHARP_LIMIT, SPEAKS
from theory.theorems.gradient_descent import norm as _norm

SECTION = 8


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


def _bounded(value: float, name: str) -> float:
    if not finite(real(value, name)):
        raise ScaleError(f"{name} is {value}; it must be finite")
    return value


CALCULATED = (Calculated("(1-5*c)*(1-c)/(1+c)**2", lambda c: least_guarantee(3 * c), ("0 <= c < 1/5",)),)

ADVANTAGE = Obligation(
    "O-t0-advantage",
    "T0-advantage (a): at the step limits GD's decrease, in units of lambda/Lambda, is at most NGD's; T0's least share of lambda/n",
    (
        Implication(
            ("0 <= c <= 1/4",),
            "x*(2-x)*(1-c)**2 <= 1 - (1 - eta/rho)**2",
            {"x": SHARP_LIMIT, "rho": "(1+c)/(1-c)", "eta": "rho*(2-rho)"},
        ),
        Implication(
            ("0 <= c < 1/5",),
            "(1-2*q)*(1-c)**2 <= 1 - (1 - eta/rho)**2",
            {"q": "2*c/(1-c)", "rho": "(1+c)/(1-c)", "eta": "rho*(2-rho)"},
        ),
        Implication(
            ("0 <= c < 1/5", "1 <= s", "s**2 <= n"),
            "(1-2*q)*(1-c)**2/(s+c)**2 >= least/n",
            {"q": "2*c/(1-c)", "least": "(1-5*c)*(1-c)/(1+c)**2"},
        ),
    ),
    (
        Mutation("larger-c", "c up to 0.27", {"0 <= c <= 1/4": "0 <= c <= 27/100"}),
        Mutation(
            "smaller", "NGD's decrease times 0.999", {"1 - (1 - eta/rho)**2": "999/1000*(1 - (1 - eta/rho)**2)"}, part=1
        ),
        Mutation("longer-row", "Lambda up to 1.001 n", {"s**2 <= n": "s**2 <= 1001/1000*n"}, part=2),
    ),
)

TWO_TARGETS = Obligation(
    "O-t0-two",
    "T0-advantage (c): one of |1 - eta w| and |1 - eta W| is at least (W-w)/(W+w)",
    (Implication(("0 < w < W", "0 < eta", "1 - eta*w < (W-w)/(W+w)"), "eta*W - 1 >= (W-w)/(W+w)"),),
    (Mutation("more", "1.001 (W-w)/(W+w) for the second", {">= (W-w)": ">= 1001/1000*(W-w)"}),),
)

OBLIGATIONS = (ADVANTAGE, TWO_TARGETS)

RANGES = (
    *needs("T0-advantage", ADVANTAGE, (0,), SPEAKS["T0-sharp"], **THIRD),
    *needs("T0-advantage", ADVANTAGE, (1,), SPEAKS["T0"], **THIRD),
    *needs("T0-advantage", ADVANTAGE, (2,), SPEAKS["T0"], "1 <= s", "s**2 <= n", **THIRD),
    *needs("T0-advantage", TWO_TARGETS, (0,), "0 < w < W", "0 < eta", "1 - eta*w < (W-w)/(W+w)"),
)

_HERE = "docs/proofs/gradient-descent.md: "

CHAINS = (
    Chain(
        "T0-linear",
        (
            argued("J J^+ = I and J J' = G are the same at every step", f"{_HERE}P9.5"),
            checked("the identity on instances", "T0-linear"),
        ),
    ),
    Chain(
        "T0-advantage",
        (
            argued("(a): the shares that the theorems guarantee at their step limits", f"{_HERE}P9.6"),
            proved(
                "(a): x(2-x)(1-c)^2 for c <= 1/4, and T0's (1-2q)(1-c)^2 for c < 1/5, are at most 1 - (1 - eta/rho)^2 at eta = rho(2-rho); "
                "(1-2q)(1-c)^2/(s+c)^2 >= (1-5c)(1-c)/(1+c)^2/n for c < 1/5, s >= 1, s^2 <= n",
                ADVANTAGE,
            ),
            argued("the linearised residuals", f"{_HERE}P9.5"),
            argued("(b): Jensen's inequality for the spectral weights of r(0)", f"{_HERE}P9.7"),
            proved("(c): where 1 - eta w < (W-w)/(W+w), eta W - 1 >= (W-w)/(W+w)", TWO_TARGETS),
            argued("(c): so one of two residuals keeps that factor", f"{_HERE}P9.8"),
            checked("(a), (b), (c) on instances", "T0-advantage"),
        ),
    ),
)
