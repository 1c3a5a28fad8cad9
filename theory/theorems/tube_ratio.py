"""How tight the tube is: the bound of ``||X G^{-1}||_2`` over the patterns of a tube: C2-tube-ratio, T1-tube-sharp (docs/theory.md).

Setting (ReLU). A tube gives each pair (input, neuron) a width; ``A~`` is what may be active in it, ``B`` what may flip, both 0/1 (n, m),
K the inputs' Gram matrix, ``S = sum over neurons with a pair in B``. For weights in the tube ``G = J J^T``, and ``X = (J' - J) J^T`` for a
mean Jacobian J' of a segment in the tube. Entrywise ``|X| <= M = |K| o B A~^T/m``; ``tau = || |K| o B B^T/m ||_2``,
``tau_2 = || |K| o S A~_r A~_r^T/m ||_2``, ``xi = min(||M||_2, sqrt(tau tau_2))``, ``lambda_c`` the smallest eigenvalue of ``K o A A^T/m``
over the other neurons, ``lambda_b >= lambda_c`` a lower bound of that of every G in the tube. With 1 for each entry of K it is K-FAC's.

C2-tube-ratio [derived]. ``||X G^{-1}||_2 <= max over s in [0, 1/lambda_b] of min(xi s, sqrt(tau (s - lambda_c s^2)))``, which is the least of

    first   ``xi/lambda_b``
    second  ``sqrt(tau/lambda_c)/2``
    third   ``xi tau/(lambda_c tau + xi^2)``              where ``xi^2 <= lambda_c tau``
    fourth  ``sqrt(tau (lambda_b - lambda_c))/lambda_b``  where ``lambda_b >= 2 lambda_c``

The third is at most ``sqrt(tau tau_2)/(lambda_c + tau_2)`` where ``tau_2 <= lambda_c``, the fourth at most ``sqrt(tau/lambda_b)``.
T1-tube-sharp [derived]. ``xi <= lambda_c`` gives ``||X G^{-1}||_2 <= xi/(lambda_c + xi)``.

Proofs: docs/proofs/tube.md, P13.39 to P13.44. Sharp: the third and T1-tube-sharp for one input, where ``xi = tau`` is the share of neurons
that may flip; the second in the limit of two nearly equal inputs, the fourth of many. T1-tube-sharp is false for two inputs without
``xi <= lambda_c``, and for 37 with a larger lambda_b in the place of lambda_c.

In the obligations u is a unit vector, ``v = G^{-1} u``, ``s = ||v||``, ``x = ||X v||``.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

import math

from flint import fmpq

from theory.directed import at_least_exact
from theory.errors import ScaleError
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
from theory.reals import finite, magnitude, real, square_root

SECTION = 11


def _kept(value: float, name: str) -> float:
    """An eigenvalue that is kept, 0 where none is: where it is not certainly positive. Raises ScaleError (also for infinity)."""
    if real(value, name) == math.inf:
        raise ScaleError(f"{name} is infinite; no eigenvalue is")
    return value if finite(value) and value > 0 else fmpq(0)


@at_least_exact
def product_norm(change_norm: float, tau: float, tau_2: float) -> float:
    """``xi = min(||M||_2, sqrt(tau tau_2))``, a bound of ``||X||_2``; ``change_norm`` is ``||M||_2``. Raises ScaleError."""
    norm = magnitude(change_norm, "||M||")
    other = square_root(magnitude(tau, "tau") * magnitude(tau_2, "tau_2"))
    return other if other < norm else norm


@at_least_exact
def first_ratio(xi: float, lambda_b: float) -> float:
    """``mu_1 = xi/lambda_b``, which bounds ``||X c||/||r||`` too; infinite unless ``lambda_b > 0``. Raises ScaleError."""
    smallest, change = _kept(lambda_b, "lambda_b"), magnitude(xi, "xi")
    return change / smallest if smallest > 0 else math.inf


@at_least_exact
def second_ratio(tau: float, lambda_c: float) -> float:
    """``sqrt(tau/lambda_c)/2``; infinite unless ``lambda_c > 0``. Raises ScaleError."""
    constant, pairs = _kept(lambda_c, "lambda_c"), magnitude(tau, "tau")
    return square_root(pairs / constant) / 2 if constant > 0 else math.inf


@at_least_exact
def third_ratio(xi: float, tau: float, lambda_c: float) -> float:
    """``xi tau/(lambda_c tau + xi^2)``; infinite unless ``lambda_c > 0`` and ``xi^2 <= lambda_c tau``. Raises ScaleError."""
    change, pairs, constant = magnitude(xi, "xi"), magnitude(tau, "tau"), _kept(lambda_c, "lambda_c")
    if not (constant > 0 and change * change <= constant * pairs):
        return math.inf
    return change * pairs / (constant * pairs + change * change) if change > 0 else change


@at_least_exact
def fourth_ratio(tau: float, lambda_b: float, lambda_c: float) -> float:
    """``sqrt(tau (lambda_b - lambda_c))/lambda_b``; infinite unless ``lambda_b > 0`` and ``lambda_b >= 2 lambda_c``.

    Raises ScaleError.
    """
    constant, smallest, pairs = _kept(lambda_c, "lambda_c"), _kept(lambda_b, "lambda_b"), magnitude(tau, "tau")
    if not (smallest > 0 and smallest >= 2 * constant):
        return math.inf
    return square_root(pairs * (smallest - constant)) / smallest


@at_least_exact
def ratio(xi: float, tau: float, lambda_b: float, lambda_c: float) -> float:
    """mu, the least of the four forms of C2-tube-ratio; infinite unless ``lambda_b > 0``. Raises ScaleError.

    Monotone: upper bounds of ``xi``, ``tau`` and lower bounds of ``lambda_b``, ``lambda_c`` leave it a bound. ``lambda_b`` is raised to
    ``lambda_c``, which bounds the same.
    """
    constant, smallest = _kept(lambda_c, "lambda_c"), _kept(lambda_b, "lambda_b")
    smallest = constant if constant > smallest else smallest
    least = first_ratio(xi, smallest)
    for form in (
        second_ratio(tau, constant),
        third_ratio(xi, tau, constant),
        fourth_ratio(tau, smallest, constant),
    ):
        if finite(form) and not (finite(least) and least <= form):
            least = form
    return least


@at_least_exact
def sharp_ratio(xi: float, lambda_c: float) -> float:
    """``xi/(lambda_c + xi)`` of T1-tube-sharp; infinite unless ``0 <= xi <= lambda_c``, ``lambda_c > 0``. Raises ScaleError."""
    constant, change = _kept(lambda_c, "lambda_c"), magnitude(xi, "xi")
    return change / (constant + change) if constant > 0 and change <= constant else math.inf


THIRD = "xi*tau/(lc*tau+xi**2)"
SHARP = "xi/(lc+xi)"

_VECTOR = ("0 <= s", "0 <= x", "0 < xi", "x <= xi*s")
_ENERGY = "x**2 <= tau*(s-lc*s**2)"
_WHOLE = "lb*s <= 1"

CALCULATED = (
    Calculated(THIRD, lambda xi, tau, lc: third_ratio(xi, tau, lc), ("0 < lc", "0 < tau", "0 < xi", "xi**2 <= lc*tau")),
    Calculated(SHARP, lambda xi, lc: sharp_ratio(xi, lc), ("0 < lc", "0 < xi", "xi <= lc")),
)

FIRST_FORM = Obligation(
    "O-tube-ratio-first",
    "C2-tube-ratio, first form: x <= xi s and s <= 1/lambda_b give x <= xi/lambda_b",
    (Implication((*_VECTOR, "0 < lb", _WHOLE), "x*lb <= xi"),),
    (
        Mutation("less", "0.999 of it", {"x*lb <= xi": "x*lb <= 999/1000*xi"}),
        Mutation("longer-v", "s up to 1.001/lambda_b", {_WHOLE: "lb*s <= 1001/1000"}),
    ),
)

SECOND_FORM = Obligation(
    "O-tube-ratio-second",
    "C2-tube-ratio, second form: s - lambda_c s^2 <= 1/(4 lambda_c), so that x <= sqrt(tau/lambda_c)/2",
    (Implication(("0 < lc", "0 <= tau", _ENERGY), "4*lc*x**2 <= tau"),),
    (
        Mutation("quarter", "a quarter in place of a half", {"4*lc*x**2": "16*lc*x**2"}),
        Mutation("less", "0.999 of it", {"4*lc*x**2 <= tau": "4*lc*x**2 <= 999/1000*tau"}),
        Mutation("without-constant", "lambda_c s^2 half as large", {"lc*s**2": "1/2*lc*s**2"}),
    ),
)

THIRD_FORM = Obligation(
    "O-tube-ratio-third",
    "C2-tube-ratio, third form: for xi^2 <= lambda_c tau the largest x is at the s where xi s = sqrt(tau (s - lambda_c s^2))",
    (Implication((*_VECTOR, "0 < lc", "0 < tau", _ENERGY, "xi**2 <= lc*tau"), "x <= third", {"third": THIRD}),),
    (
        Mutation("less", "0.999 of it", {"x <= third": "x <= 999/1000*third"}),
        Mutation("any-xi", "xi^2 up to 2 lambda_c tau", {"xi**2 <= lc*tau": "xi**2 <= 2*lc*tau"}),
        Mutation("two", "lambda_c doubled", {"lc*tau+xi**2": "2*lc*tau+xi**2"}),
    ),
)

FOURTH_FORM = Obligation(
    "O-tube-ratio-fourth",
    "C2-tube-ratio, fourth form: for lambda_b >= 2 lambda_c the largest x is at s = 1/lambda_b",
    (
        Implication(
            ("0 <= s", "0 < lb", "0 <= lc", "0 <= tau", "2*lc <= lb", _ENERGY, _WHOLE),
            "x**2*lb**2 <= tau*(lb-lc)",
        ),
    ),
    (
        Mutation("less", "0.999 of its square", {"<= tau*(lb-lc)": "<= 999/1000*tau*(lb-lc)"}),
        Mutation("any-lambda_c", "lambda_c up to lambda_b", {"2*lc <= lb": "lc <= lb"}),
        Mutation("twice-lambda_c", "lambda_b - 2 lambda_c", {"<= tau*(lb-lc)": "<= tau*(lb-2*lc)"}),
    ),
)

SHARP_FORM = Obligation(
    "O-tube-sharp",
    "T1-tube-sharp: tau <= xi <= lambda_c give x <= xi/(lambda_c + xi)",
    (Implication((*_VECTOR, "0 < lc", "0 < tau <= xi", "xi <= lc", _ENERGY), "x <= sharp", {"sharp": SHARP}),),
    (
        Mutation("less", "0.999 of it", {"x <= sharp": "x <= 999/1000*sharp"}),
        Mutation("any-xi", "xi up to 2 lambda_c", {"xi <= lc": "xi <= 2*lc"}),
        Mutation("any-tau", "tau up to 2 xi", {"0 < tau <= xi": "0 < tau <= 2*xi"}),
    ),
)

ORDER = Obligation(
    "O-tube-ratio-order",
    "C2-tube-ratio: the third form is at most sqrt(tau tau_2)/(lambda_c + tau_2) where tau_2 <= lambda_c, h = sqrt(tau tau_2)",
    (
        Implication(
            ("0 < lc", "0 < tau", "0 < t2 <= lc", "0 < h", "h**2 == tau*t2", "0 < xi <= h"),
            "third <= h/(lc+t2)",
            {"third": THIRD},
        ),
    ),
    (
        Mutation("less", "0.999 of it", {"third <= h/(lc+t2)": "third <= 999/1000*h/(lc+t2)"}),
        Mutation("any-tau_2", "tau_2 up to 2 lambda_c", {"0 < t2 <= lc": "0 < t2 <= 2*lc"}),
    ),
)

OBLIGATIONS = (FIRST_FORM, SECOND_FORM, THIRD_FORM, FOURTH_FORM, SHARP_FORM, ORDER)

_OF_TUBE = ("0 < lb", "0 <= s", "0 <= x", "0 < xi", "x <= xi*s", "0 < tau", _ENERGY, _WHOLE)

RANGES = (
    *needs("C2-tube-ratio", FIRST_FORM, (0,), *_OF_TUBE),
    *needs("C2-tube-ratio", SECOND_FORM, (0,), *_OF_TUBE, "0 < lc"),
    *needs("C2-tube-ratio", THIRD_FORM, (0,), *_OF_TUBE, "0 < lc", "xi**2 <= lc*tau"),
    *needs("C2-tube-ratio", FOURTH_FORM, (0,), *_OF_TUBE, "0 <= lc", "2*lc <= lb"),
    *needs("C2-tube-ratio", ORDER, (0,), "0 < lc", "0 < tau", "0 < t2 <= lc", "0 < h", "h**2 == tau*t2", "0 < xi <= h"),
    *needs("C2-tube-ratio", SHARP_FORM, (0,), *_OF_TUBE, "0 < lc", "tau <= xi", "xi <= lc"),
    *needs("T1-tube-sharp", SHARP_FORM, (0,), *_OF_TUBE, "0 < lc", "0 < tau <= xi", "xi <= lc"),
)

_HERE = "docs/proofs/tube.md: "
_PRODUCT = argued(
    "X v = (J' - J) J_B^T v, |X| <= M, ||J' - J||^2 <= tau, ||J_B||^2 <= tau_2, G = C + J_B J_B^T, C >= lambda_c",
    f"{_HERE}P13.39",
)
_VECTORS = argued("x <= xi s, x^2 <= tau (s - lambda_c s^2) and s <= 1/lambda_b", f"{_HERE}P13.40")

CHAINS = (
    Chain(
        "C2-tube-ratio",
        (
            _PRODUCT,
            _VECTORS,
            proved("the first form", FIRST_FORM),
            proved("the second form", SECOND_FORM),
            proved("the third form, where xi^2 <= lambda_c tau", THIRD_FORM),
            proved("the fourth form, where lambda_b >= 2 lambda_c", FOURTH_FORM),
            proved("the third is at most the one with tau_2", ORDER),
            proved("where xi <= lambda_c none is above xi/(lambda_c + xi)", SHARP_FORM),
            argued("the least of the four is the largest of min(xi s, sqrt(tau (s - lambda_c s^2)))", f"{_HERE}P13.41"),
            argued("what of it a width theorem would rest on", f"{_HERE}P13.45"),
            checked("the conclusion on patterns", "C2-tube-ratio"),
        ),
    ),
    Chain(
        "T1-tube-sharp",
        (
            _PRODUCT,
            _VECTORS,
            proved("tau <= xi <= lambda_c give x <= xi/(lambda_c + xi)", SHARP_FORM),
            argued("which is the ratio for xi <= lambda_c, and what attains it", f"{_HERE}P13.42"),
            argued("the counterexample above lambda_c", f"{_HERE}P13.43"),
            argued("the counterexample where lambda_b > lambda_c", f"{_HERE}P13.44"),
            checked("the conclusion on patterns", "T1-tube-sharp"),
        ),
    ),
)
