"""Generalisation at a finite width: T5-tube, T5-new, T5-margin, K-bernstein, K-relative, T5-uniform, T5-width.

Proofs: docs/generalisation.md. ``M`` counts independent neurons: m, or the m/2 pairs of symmetric initialisation. ``|K|`` has the entries
``|K_ij|``; ``Y = y^T G_inf^{-1} y``. The failure of T5-width, delta, is split: delta/2 for T5-uniform, ``delta' = delta/10`` for each of
five events of the initialisation (``delta/12`` for six, where u(0) is not 0).

T5-tube [derived]. Let b > 0, ``0 <= g < 1/2``, and phi twice the largest share of neurons whose pre-activation of one input lies within b of 0 on
one side. If ``|| |K| ||_2 phi <= g lambda``, ``lambda = lambda_min(G(0)) > 0``, and ``b >= ||X||_2 (r(0)^T G(0)^{-1} r(0)/(m lambda))^{1/2}/(1-2g)``, then NGD with
``0 < eta <= 1`` has for all k, with ``mu = g/(1-g)``: ``||r(k)|| <= (1 - eta(1-mu))^k ||r(0)||``, ``||w_r(k) - w_r(0)|| <= b`` for every neuron, and
``||W(k) - W(0)||_F <= (r(0)^T G(0)^{-1} r(0) (1-g))^{1/2}/(1-2g)``.

T5-new [derived]. If no neuron has moved further than b, then for every unit x the output is within ``m^{-1/2} sum_r (b - |w_r(0)^T x|)_+`` of that of the
network linearised at W(0). Sharp: attained where all neurons with a = 1 have ``w_r(0)^T x = 0`` and move by -b x.

T5-margin [derived]. For ``z ~ N(0, nu^2)`` and ``p = (2/pi)^{1/2} b/nu``: ``P(|z| <= b) <= p``, ``E (b-|z|)_+ <= b p/2``, ``E (b-|z|)_+^2 <= b^2 p/3``. Sharp for
small b/nu.

K-bernstein [literature]. The sum of independent terms in [0, b] with second moments that add up to V exceeds its mean by at least
``(2 V L)^{1/2} + 2 b L/3`` with probability at most ``e^{-L}``.

K-relative [literature: Tropp 2012]. ``G(0) >= s G_inf`` fails with probability at most ``n exp(-beta M lambda0/||X||_2^2)``, ``beta = 1 - s + s ln s >= (1-s)^2/2``.

T5-uniform [literature]. Features phi(x), a loss in [0, 1], 1-Lipschitz in the output, ``E ||phi(x)||^2 <= T``: with probability at least ``1 - share``, for
all theta at once, the population loss of ``f_0 + phi^T theta`` is at most its empirical loss plus ``2 ||theta|| (T/n)^{1/2} + 1/N + (ln(N/share)/(2n))^{1/2}``.

T5-width [derived]. (x_i, y_i) independent of each other and of W(0); loss in [0, 1], 1-Lipschitz in the output, ``l(y, y) = 0``; ``0 < eta <= 1``; ``s``, ``b``, ``g`` as
below with ``|| |K| ||_2 phi(b) <= g s lambda0``, ``s > 0``, ``g < 1/2``. With probability at least ``1 - delta`` over sample and initialisation, where the sample is
such, for all k

    population loss <= 2 B (T/n)^{1/2} + 1/N + (ln(2N/delta)/(2n))^{1/2} + (1 - eta(1-mu))^k (||y|| + U)/n^{1/2} + 2 e.

``s = 1 - (2 ||X||_2^2 ln(n/delta')/(M lambda0))^{1/2}``; ``U = 0`` under symmetric initialisation, else ``nu (n/(2 delta'))^{1/2}``; ``B, b, phi, e, T`` are
``distance_bound``, ``tube_bound``, ``flip_share``, ``linearisation_error``, ``feature_trace``. For m to infinity (and nu to 0 where U is not 0) it tends to
``(2Y/n)^{1/2} + 1/N + (ln(2N/delta)/(2n))^{1/2}``. Sharpness: not known; its parts are sharp as said above.

Functions of real numbers take floats or balls (arb), and answer in kind; floats by the next float on the side on which the statement stays true
(theory/directed.py). In the obligations ``r`` is ``(r(0)^T G(0)^{-1} r(0))^{1/2}``, ``lam`` is lambda, ``Y0`` its square with G(0) and ``Y1`` with
G_inf; ``s`` in O-bernstein is ``(2 V L)^{1/2}``.
"""

from __future__ import annotations

from flint import fmpq

from theory.directed import at_least_exact, at_most_exact
from theory.errors import ScaleError
from theory.inputs import independent_neurons, positive_count
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import Range, needs
from theory.reals import (
    circle_constant,
    exponential,
    logarithm,
    nonnegative_real,
    positive_real,
    probability,
    real,
    shown,
    square_root,
)
from theory.theorems.chernoff import CHERNOFF, chernoff_exponent
from theory.theorems.generalisation import TRACE
from theory.theorems.segments import INTEGRAL

SECTION = 9


@at_most_exact
def event_share(delta: float, symmetric: bool = True) -> float:
    """``delta' = delta/10``, and delta/12 without symmetric initialisation: what each event of W(0) may cost. Raises ScaleError."""
    return probability(delta, "delta") / (10 if symmetric else 12)


@at_least_exact
def margin_probability(tube: float, scale: float) -> float:
    """``p = (2/pi)^{1/2} b/nu`` (T5-margin), which may exceed 1; b = ``tube``, nu = ``scale``. Raises ScaleError."""
    ratio = nonnegative_real(tube, "the tube's width b") / positive_real(scale, "scale")
    return square_root(2 / circle_constant(ratio)) * ratio


@at_least_exact
def bernstein_deviation(second_moments: float, largest: float, exponent: float) -> float:
    """``(2 V L)^{1/2} + 2 b L/3`` (K-bernstein): V the sum of second moments, b the largest term, L the exponent. Raises ScaleError."""
    V, b = nonnegative_real(second_moments, "V"), nonnegative_real(largest, "the largest term")
    L = nonnegative_real(exponent, "the exponent L")
    return square_root(2 * V * L) + 2 * b * L / 3


@at_least_exact
def flip_share(tube: float, scale: float, n: int, width: int, share: float, symmetric: bool = True) -> float:
    """phi: twice the share of neurons within b of 0, of one sign, for any of n inputs; exceeded with probability ``share`` at most.

    ``p + 2 (p L/M)^{1/2} + 4 L/(3 M)`` with ``L = ln(2n/share)``: K-bernstein for 2n binomials with parameters M and at most p/2. Raises ScaleError,
    WidthError.
    """
    half = margin_probability(tube, scale) / 2
    independent, L = independent_neurons(width, symmetric), _exponent(2 * positive_count(n, "n"), share)
    return 2 * (half + bernstein_deviation(independent * half, _one(half), L) / independent)


@at_least_exact
def linearisation_error(tube: float, scale: float, width: int, share: float, symmetric: bool = True) -> float:
    """e: the mean of ``m^{-1/2} sum_r (b - |w_r(0)^T x|)_+`` over any inputs fixed before W(0) is drawn; exceeded with probability ``share`` at most.

    ``m^{1/2} b (p/2 + (2 p L/(3M))^{1/2} + 2 L/(3M))``, ``L = ln(1/share)``: T5-margin and K-bernstein. Raises ScaleError, WidthError.
    """
    p = margin_probability(tube, scale)
    independent, L = independent_neurons(width, symmetric), _exponent(1, share)
    mean = p / 2 + bernstein_deviation(independent * p / 3, _one(p), L) / independent
    return square_root(fmpq(positive_count(width, "width"))) * tube * mean


@at_least_exact
def feature_trace(width: int, share: float, symmetric: bool = True, like: float = 1.0) -> float:
    """``T = 1/2 + (ln(1/share)/(2M))^{1/2}``, which the mean of ``||grad f(W(0), x)||^2`` exceeds with probability ``share`` at most (Hoeffding).

    A ball when ``like`` is one. Raises ScaleError, WidthError.
    """
    return _one(like) / 2 + square_root(_exponent(1, share) / (2 * independent_neurons(width, symmetric)))


@at_least_exact
def relative_failure(
    lambda0: float, squared_norm: float, n: int, width: int, kept: float, symmetric: bool = True
) -> float:
    """``n exp(-beta M lambda0/||X||_2^2)``, ``beta = 1 - s + s ln s``: a bound of the probability that ``G(0) >= s G_inf`` fails (K-relative).

    It may exceed 1. Raises ScaleError, WidthError.
    """
    rate = chernoff_exponent(kept) * positive_real(lambda0, "lambda0") / positive_real(squared_norm, "||X||_2^2")
    return positive_count(n, "n") * exponential(-rate * independent_neurons(width, symmetric))


@at_most_exact
def relative_share(
    lambda0: float, squared_norm: float, n: int, width: int, share: float, symmetric: bool = True
) -> float:
    """``s = 1 - (2 ||X||_2^2 ln(n/share)/(M lambda0))^{1/2}`` with ``G(0) >= s G_inf`` but for probability ``share`` (K-relative).

    Not positive where the width is too small to say anything. Raises ScaleError, WidthError.
    """
    squared = positive_real(squared_norm, "||X||_2^2") / positive_real(lambda0, "lambda0")
    exponent = _exponent(positive_count(n, "n"), share)
    return 1 - square_root(2 * squared * exponent / independent_neurons(width, symmetric))


@at_least_exact
def initial_output(n: int, scale: float, share: float, symmetric: bool = True) -> float:
    """U: a bound of ``||u(0)||``, ``nu (n/(2 share))^{1/2}`` but for probability ``share`` (Markov); 0 under symmetric initialisation. Raises ScaleError."""
    start = positive_real(scale, "scale") * square_root(positive_count(n, "n") / (2 * probability(share, "share")))
    return 0 * start if symmetric else start


@at_least_exact
def residual_size(inverse_form: float, lambda0: float, outputs: float) -> float:
    """``Y^{1/2} + U/lambda0^{1/2}``, a bound of ``(r(0)^T G_inf^{-1} r(0))^{1/2}``. Raises ScaleError."""
    start = nonnegative_real(outputs, "U") / square_root(positive_real(lambda0, "lambda0"))
    return square_root(nonnegative_real(inverse_form, "y^T G_inf^{-1} y")) + start


@at_least_exact
def tube_bound(size: float, lambda0: float, squared_norm: float, kept: float, ratio: float, width: int) -> float:
    """``b = ||X||_2 size/((m lambda0)^{1/2} s (1-2g))``: how far a neuron moves (T5-tube with ``G(0) >= s G_inf``). Raises ScaleError, WidthError."""
    squared = positive_real(squared_norm, "||X||_2^2") / positive_real(lambda0, "lambda0")
    reach = nonnegative_real(size, "the residual's size") * square_root(squared / positive_count(width, "width"))
    return reach / (positive_real(kept, "s") * (1 - 2 * _ratio(ratio)))


@at_least_exact
def distance_bound(size: float, kept: float, ratio: float) -> float:
    """``B = size ((1-g)/s)^{1/2}/(1-2g)``: how far all weights move together, a Frobenius norm (T5-tube). Raises ScaleError."""
    g = _ratio(ratio)
    return nonnegative_real(size, "the residual's size") * square_root((1 - g) / positive_real(kept, "s")) / (1 - 2 * g)


@at_least_exact
def tube_rate(eta: float, ratio: float) -> float:
    """``1 - eta(1-mu)``, ``mu = g/(1-g)``: the factor on ``||r||`` (not squared) of one step (T5-tube). Raises ScaleError."""
    g = _ratio(ratio)
    if not 0 < real(eta, "eta") <= 1:
        raise ScaleError(f"eta is {shown(eta)}; T5-tube needs 0 < eta <= 1")
    return 1 - eta * (1 - 2 * g) / (1 - g)


@at_least_exact
def uniform_complexity(distance: float, trace: float, n: int) -> float:
    """``2 B (T/n)^{1/2}`` (T5-uniform). Raises ScaleError, WidthError."""
    return 2 * nonnegative_real(distance, "B") * square_root(nonnegative_real(trace, "T") / positive_count(n, "n"))


@at_least_exact
def uniform_confidence(n: int, share: float, cells: int) -> float:
    """``1/N + (ln(N/share)/(2n))^{1/2}`` (T5-uniform): N = ``cells`` radii share the failure. Raises ScaleError, WidthError."""
    grid: float = fmpq(1, positive_count(cells, "cells"))
    return grid + square_root(_exponent(cells, share) / (2 * positive_count(n, "n")))


def _exponent(events: int, share: float) -> float:
    """``ln(events/share)``."""
    return logarithm(events / probability(share, "share"))


def _ratio(value: float) -> float:
    if not (real(value, "g") >= 0 and 2 * value < 1):
        raise ScaleError(f"g is {shown(value)}; the tube needs 0 <= g < 1/2")
    return value


def _one(like: float) -> float:
    return like * 0 + 1


_RATIO = "0 <= g < 1/2"

_MU = {"mu": "g/(1-g)"}

TUBE = Obligation(
    "O-tube",
    "T5-tube: mu < 1; one step; the sum of a geometric series, step by step; the motion of a neuron, and of all weights, squared; "
    "from G(0) to s G_inf",
    (
        Implication((_RATIO,), "mu < 1", _MU),
        Implication(
            (_RATIO, "0 < eta <= 1", "0 <= x <= mu*r"),
            "(1-eta)*r + eta*x <= rate*r",
            {**_MU, "rate": "1 - eta*(1-2*g)/(1-g)"},
        ),
        Implication((_RATIO,), "eta + (1 - eta*(1-mu))/(1-mu) == 1/(1-mu)", _MU),
        Implication(
            (_RATIO, "0 < lam"), "(r/(1-mu))**2/(lam*(1-g)**2) == motion2", {**_MU, "motion2": "r**2/(lam*(1-2*g)**2)"}
        ),
        Implication((_RATIO,), "(r/(1-mu))**2/(1-g) == distance2", {**_MU, "distance2": "r**2*(1-g)/(1-2*g)**2"}),
        Implication(("0 < s", "0 < lambda0", "lam >= s*lambda0", "0 <= Y0 <= Y1/s"), "Y0/lam <= Y1/(s**2*lambda0)"),
        Implication(("0 <= g", "0 < s", "lam >= s*lambda0", "x <= g*s*lambda0"), "x <= g*lam"),
    ),
    (
        Mutation("half", "g up to 1/2", {"g < 1/2": "g <= 1/2"}),
        Mutation("as-linear", "the factor 1 - eta", {"1 - eta*(1-2*g)/(1-g)": "1 - eta"}, part=1),
        Mutation("two-mu", "mu counted twice in the series", {"(1 - eta*(1-mu))/": "(1 - eta*(1-2*mu))/"}, part=2),
        Mutation("one-g", "1-g in place of 1-2g", {"(lam*(1-2*g)**2)": "(lam*(1-g)**2)"}, part=3),
        Mutation("no-g", "the distance without 1-g", {"r**2*(1-g)/": "r**2/"}, part=4),
        Mutation("one-s", "s in place of s^2", {"s**2*lambda0": "s*lambda0"}, part=5),
        Mutation("smaller-lambda", "lambda >= 0.999 s lambda0", {"lam >= s": "lam >= 999/1000*s"}, part=6),
    ),
)

MARGIN = Obligation(
    "O-margin",
    "T5-margin: a density of p/(2b) on [-b, b] gives b p/2 and b^2 p/3 for the integrals b^2/2 and b^3/3 of b - z and its square over [0, b]",
    (
        Implication(("0 < b",), "2*density*(b**2/2) == b*p/2", {"density": "p/(2*b)"}),
        Implication(("0 < b",), "2*density*(b**3/3) == b**2*p/3", {"density": "p/(2*b)"}),
    ),
    (
        Mutation("one-side", "one side alone", {"2*density": "density"}),
        Mutation("one-side-square", "one side alone", {"2*density": "density"}, part=1),
    ),
)

BERNSTEIN = Obligation(
    "O-bernstein",
    "K-bernstein: at t = (2 V L)^{1/2} + 2 b L/3 Bernstein's exponent t^2/(2(V + b t/3)) is at least L",
    (Implication(("0 <= s", "0 <= b", "0 <= L"), "t**2 >= s**2 + 2*L*b*t/3", {"t": "s + 2*b*L/3"}),),
    (Mutation("smaller", "0.66 in place of 2/3", {"s + 2*b*L/3": "s + 66/100*b*L"}),),
)

OBLIGATIONS: tuple[Obligation, ...] = (TUBE, MARGIN, BERNSTEIN)


CALCULATED = (
    Calculated("1 - eta*(1-2*g)/(1-g)", lambda eta, g: tube_rate(eta, g), (_RATIO, "eta <= 1")),
    Calculated("r**2/(lam*(1-2*g)**2)", lambda r, lam, g: tube_bound(r, lam, 1, 1, g, 1) ** 2, (_RATIO,)),
    Calculated("r**2*(1-g)/(1-2*g)**2", lambda r, g: distance_bound(r, 1, g) ** 2, (_RATIO,)),
    Calculated("s + 2*b*L/3", lambda s, b, L: bernstein_deviation(s**2 / (2 * L), b, L)),
)

_KEPT = ("0 < s < 1", "0 < lambda0 <= 1/2", "lam >= s*lambda0")


def _tube_ranges(theorem: str) -> list[Range]:
    return [
        *needs(theorem, TUBE, (0, 2, 4), _RATIO),
        *needs(theorem, TUBE, (1,), _RATIO, "0 < eta <= 1", "0 <= x", "x*(1-g) <= g*r"),
        *needs(theorem, TUBE, (3,), _RATIO, "0 < lam"),
        *needs(theorem, TUBE, (5,), *_KEPT, "0 <= Y0 <= Y1/s"),
        *needs(theorem, TUBE, (6,), _RATIO, *_KEPT, "x <= g*s*lambda0"),
    ]


RANGES = (
    *_tube_ranges("T5-tube"),
    *needs("T5-margin", MARGIN, (0, 1), "0 < b"),
    *needs("K-bernstein", BERNSTEIN, (0,), "0 <= s", "0 <= b", "0 <= L"),
    *_tube_ranges("T5-width"),
    *needs("T5-width", MARGIN, (0, 1), "0 < b"),
    *needs("T5-width", BERNSTEIN, (0,), "0 <= s", "0 <= b", "0 <= L"),
)

_DOCS = "docs/generalisation.md: "

_MOTION = (
    INTEGRAL,
    argued("in the tube G and the Jacobian of a segment change little, entry by entry", f"{_DOCS}P12.1"),
    argued("one step in the norms of G(0)^{-1} and of the residual", f"{_DOCS}P12.2"),
    argued("the steps add up to motions that stay in the tube; induction", f"{_DOCS}P12.3"),
    proved("mu < 1, the factor, the series, the squared motions", TUBE),
)

_UNIFORM = (
    argued("one radius: symmetrisation, contraction, McDiarmid [L]", f"{_DOCS}P12.11"),
    argued("the complexity of a ball", "docs/proofs/generalisation.md: P10.2"),
    *TRACE,
    checked("the complexity of a ball", "T5-rad"),
    argued("N radii, a loss of at most 1", f"{_DOCS}P12.12"),
)

_MARGINS = (
    argued("a Gaussian density is at most p/(2b)", f"{_DOCS}P12.5"),
    proved("its integrals", MARGIN),
)

_BERNSTEIN = (
    argued("Bernstein's inequality [L]", f"{_DOCS}P12.7"),
    proved("its exponent at the deviation", BERNSTEIN),
)

_RELATIVE = (
    *CHERNOFF,
    argued("the same for G_inf^{-1/2} G(0) G_inf^{-1/2} and a share s, and beta >= (1-s)^2/2", f"{_DOCS}P12.6"),
)

_LINEARISED = (argued("a neuron's error is at most b - |z|, and 0 unless its sign changes", f"{_DOCS}P12.4"),)

CHAINS = (
    Chain("T5-tube", (*_MOTION, checked("the conclusion on instances", "T5-tube"))),
    Chain("T5-new", (*_LINEARISED, checked("the conclusion on instances", "T5-new"))),
    Chain("T5-margin", (*_MARGINS, checked("the conclusion on instances", "T5-margin"))),
    Chain("K-bernstein", (*_BERNSTEIN, checked("the conclusion on instances", "K-bernstein"))),
    Chain("K-relative", (*_RELATIVE, checked("the conclusion on instances", "K-relative"))),
    Chain("T5-uniform", (*_UNIFORM, checked("the conclusion on instances", "T5-uniform"))),
    Chain(
        "T5-width",
        (
            *_RELATIVE,
            *_MARGINS,
            *_BERNSTEIN,
            argued("few neurons can flip on the sample", f"{_DOCS}P12.7"),
            argued("the mean error on the sample and on the population", f"{_DOCS}P12.8"),
            argued("features have length about 1/2; u(0) is small", f"{_DOCS}P12.9"),
            checked("K-relative, T5-margin, K-bernstein, R0", "K-relative", "T5-margin", "K-bernstein", "R0"),
            *_MOTION,
            argued("the tube of T5-width is one of T5-tube", f"{_DOCS}P12.10"),
            *_LINEARISED,
            *_UNIFORM,
            argued("the sum of the terms, and of the failures", f"{_DOCS}P12.13"),
            checked("its parts on instances", "T5-tube", "T5-new", "T5-uniform"),
            checked("the conclusion on instances", "T5-width"),
        ),
    ),
)
