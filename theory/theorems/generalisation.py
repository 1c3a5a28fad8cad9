"""Generalisation of natural gradient descent: T5, T5-dist, T5-rad (docs/theory.md).

T5. Statement: inputs and targets (x_i, y_i), i <= n, independent from one distribution; NGD with step size ``0 < eta <= 1`` on
a wide network of small initial scale nu; a loss in [0, 1], 1-Lipschitz in the output, with ``l(y, y) = 0``. With probability
at least 1 - delta over data and initialisation, after ``k = Omega(eta^{-1} ln(1/(eps delta)))`` steps,

    population loss <= sqrt(2 y^T G_inf^{-1} y / n) + 3 sqrt(ln(6/delta) / (2n)) + eps.

Status: a conjecture wherever no width and scale are given for which the tube closes; T5-width (finite_width.py, docs/generalisation.md) is proved, and
docs/generalisation.md says where T5 follows from it.

Source: paper (generalisation section); the same bound as for gradient descent. The paper hides the constant of k and how
small nu and how large m must be. Here ``k = ceil(eta^{-1} ln(3 (||y||^2/n + nu^2/2) / (delta eps^2)))``: by R0 at delta/3 and
T1's rate the training loss is at most ``||r(k)||/sqrt(n) <= (1-eta)^{k/2} ||r(0)||/sqrt(n) <= eps`` then. Where the bound comes
from, in outline: T5-dist gives the distance travelled, ``B^2 = y^T G_inf^{-1} y`` for u(0) = 0; T5-rad twice the complexity of that ball,
``2 B sqrt(n/2)/n``; a union bound over the two-sided uniform deviation, at delta/3, the middle term.
Sharpness: not known; the bound says nothing once it reaches 1.

T5-dist [derived]. Statement: u linear in theta, J of full row rank. NGD (0 < eta < 2) and GD (0 < eta < 2/lambda_max(G)), both
from theta(0), converge to the interpolant nearest to theta(0), ``theta(0) - J^+ r(0)``, at squared distance
``r(0)^T G^{-1} r(0)``. Proof: docs/proofs/generalisation.md, P10.1. Sharp: an identity. K-FAC converges to another interpolant.

T5-rad [derived]. Statement: the empirical Rademacher complexity of ``{J theta : ||theta|| <= B}`` on n inputs is at most
``B sqrt(tr G)/n``; ``tr G_inf = n/2``. Proof: P10.2 there. Sharp: equality for orthogonal rows of J.

Every function of real numbers here takes floats or balls (arb), and answers in kind. Floats are taken as the numbers that they are,
and answered by the next float on the side on which the statement stays true: bounds rounded up, counts never too small (theory/directed.py).
"""

import math

from flint import fmpq
from numpy.typing import ArrayLike

from theory.descent.solving import solve_gram
from theory.directed import at_least_exact, decided_exactly
from theory.errors import ScaleError
from theory.inputs import target_vector
from theory.proof.chain import Chain, argued, checked
from theory.reals import ceiling, finite, logarithm, probability, real, shown, square_root
from theory.rigour.definiteness import symmetric_matrix
from theory.theorems.identities import GRAM, PSEUDO_INVERSE

SECTION = 9


@at_least_exact
def complexity_term(inverse_form: float, n: int) -> float:
    """``sqrt(2 y^T G_inf^{-1} y / n)``, given the quadratic form and n (T5). Raises ScaleError."""
    return square_root(2 * _not_negative(inverse_form, "y^T G_inf^{-1} y") / _rows(n))


@at_least_exact
def confidence_term(n: int, delta: float) -> float:
    """``3 sqrt(ln(6/delta) / (2n))``, natural logarithm (T5). Raises ScaleError unless 0 < delta < 1."""
    return 3 * square_root(logarithm(6 / probability(delta, "delta")) / (2 * _rows(n)))


@at_least_exact
def loss_bound(inverse_form: float, n: int, delta: float, epsilon: float) -> float:
    """T5's bound of the population loss; it says nothing (is vacuous) from 1 on. Raises ScaleError."""
    return complexity_term(inverse_form, n) + confidence_term(n, delta) + probability(epsilon, "epsilon")


@decided_exactly
def training_steps(eta: float, mean_square: float, scale: float, delta: float, epsilon: float) -> int:
    """``k = ceil(eta^{-1} ln(3 (||y||^2/n + nu^2/2) / (delta eps^2)))``, at least 1 (T5).

    ``mean_square`` is ``||y||^2/n``, ``scale`` is nu. Raises ScaleError unless 0 < eta <= 1, 0 < delta, eps < 1.
    """
    if not 0 < real(eta, "eta") <= 1:
        raise ScaleError(f"eta is {shown(eta)}; T5 needs 0 < eta <= 1")
    start = 3 * (_not_negative(mean_square, "||y||^2/n") + _not_negative(scale, "nu") ** 2 / 2)
    ratio = start / (probability(delta, "delta") * probability(epsilon, "epsilon") ** 2)
    return max(1, ceiling(logarithm(ratio) / eta)) if ratio > 0 else 1


@at_least_exact
def rademacher_bound(radius: float, trace: float, n: int) -> float:
    """``B sqrt(tr G) / n`` (T5-rad); B = ``radius`` is a norm, not squared. Raises ScaleError."""
    return _not_negative(radius, "B") * square_root(_not_negative(trace, "tr G")) / _rows(n)


@at_least_exact
def limiting_trace(n: int) -> float:
    """``tr G_inf = n/2`` for unit inputs (T5-rad, K-schur). Raises ScaleError."""
    half: float = fmpq(_rows(n), 2)
    return half


def interpolant_distance(gram: ArrayLike, residual: ArrayLike) -> float:
    """``sqrt(r^T G^{-1} r)``: how far from theta(0) NGD and GD end in the linearised model (T5-dist); in float64.

    ``gram`` (n, n) is G(0), ``residual`` (n,) is r(0). Raises ShapeError, NotFiniteError, RankDeficientError.
    """
    matrix = symmetric_matrix(gram)
    vector = target_vector(residual, len(matrix))
    return math.sqrt(max(float(vector @ solve_gram(matrix, vector)), 0.0))


def _rows(n: int) -> int:
    if not (real(n, "n") >= 1 and finite(n) and n == int(n)):
        raise ScaleError(f"n is {shown(n)}; it must be a positive integer")
    return int(n)


def _not_negative(value: float, name: str) -> float:
    if not (real(value, name) >= 0 and finite(value)):
        raise ScaleError(f"{name} is {shown(value)}; it must be finite and not negative")
    return value


TRACE = (GRAM, argued("tr G_inf = n/2, as its diagonal is 1/2", "docs/proofs/kernels.md: P3.1"))

CHAINS = (
    Chain(
        "T5-dist",
        (
            PSEUDO_INVERSE,
            argued(
                "both optimisers stay in theta(0) + row space of J and end where J theta = y",
                "docs/proofs/gradient-descent.md: P9.5",
                "docs/proofs/generalisation.md: P10.1",
            ),
            checked("the identity on instances", "T5-dist"),
        ),
    ),
    Chain(
        "T5-rad",
        (
            argued("E ||J' sigma|| <= (tr G)^{1/2} for independent signs", "docs/proofs/generalisation.md: P10.2"),
            *TRACE,
            checked("the conclusion on instances", "T5-rad"),
        ),
    ),
)
