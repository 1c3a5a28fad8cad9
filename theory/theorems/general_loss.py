"""Natural gradient descent on a strongly convex loss of the outputs: T2, T2-q (docs/theory.md).

Setting. ``ell`` is mu-strongly convex with an L-Lipschitz gradient g, ``kappa = L/mu``; y is its minimiser, not the
labels. ``r(k) = u(theta(k)) - y``, update ``theta(k+1) = theta(k) - eta J(k)^+ g(u(k))``, ``lambda = lambda_min(G(0))``.
Condition 1: lambda > 0. Condition 3(C): ``||J(theta) - J(0)||_2 <= (C/3) sqrt(lambda)`` for all theta with
``||theta - theta(0)||_2 <= (3/2)(1+kappa) ||r(0)|| / sqrt(lambda)``. ``c = C/3``, ``q = 2C/(3-C) <= C``.

T2 [paper]. C < 1/(1+kappa) and 0 < eta <= (2/(mu+L)) (1-(1+kappa)C)/(1+C)^2 give
``||r(k)||^2 <= (1 - 2 eta mu L/(mu+L))^k ||r(0)||^2``.
T2-q [derived]. C <= (3+kappa)/(3+3kappa), C < 3/(2+kappa) and 0 < eta <= [2/(mu+L) - q/mu]/(1-q) give
``||r(k)|| <= (1 - eta mu (1-q))^k ||r(0)||``. Hence T2's own rate for C < 3/(3+2kappa) and
``eta <= (2/(mu+L)) (1-(1+kappa)q)/(1-q)^2``. At mu = L = 1 they are T1 and T1-q.

The paths are at most ``(1+kappa)/(1-c)`` (T2) and ``kappa/(1-C)`` (T2-q) times ``||r(0)||/sqrt(lambda)`` long, the latter ``(3/2)(1+kappa)`` where
T2-q's C ends. Proofs: docs/general-losses.md, P6.1 to P6.6.

Sharp. With ``||E|| <= q`` alone, T2-q's factor (r along the eigenvector of mu) and both its limits are attained. On spike
maps a step multiplies r by ``1 - eta mu/rho``, rho = (3+C)/(3-C), so T2's rate fails beyond ``breaking_step``, and for
every eta when C > 3/(1+2kappa). Paths of length ``kappa ||r(0)||/sqrt(lambda)`` exist up to O(C): r along L zigzags.

Every function of real numbers here takes floats or balls (arb), and answers in
balls when one argument is a ball. Floats are taken as the numbers that they are, and answered by the next float on the side on which
the statement stays true (theory/directed.py).
"""

import math

from flint import arb

from theory.directed import at_least_exact, at_most_exact, decided_exactly
from theory.errors import ChoiceError, ScaleError
from theory.reals import finite, positive_part, positive_real, real, shown, square_root
from theory.theorems import ngd

THEOREMS = ("T2", "T2-q")


@at_most_exact
def constant_limit(mu: float, L: float, theorem: str = "T2-q") -> float:
    """The C up to which the theorem speaks.

    T2: below ``1/(1+kappa)``. T2-q: up to ``(3+kappa)/(3+3kappa)`` and below ``3/(2+kappa)``. Raises ChoiceError, ScaleError.
    """
    mu, L = _curvatures(mu, L)
    if _theorem(theorem) == "T2":
        return mu / (mu + L)
    ball, step = (3 * mu + L) / (3 * (mu + L)), 3 * mu / (2 * mu + L)
    return ball if ball < step else step


@decided_exactly
def applies(C: float, mu: float, L: float, theorem: str = "T2-q") -> bool:
    """Whether Condition 3(C) with this C is among the theorem's hypotheses. Raises ChoiceError, ScaleError."""
    C, mu, L = in_kind(ngd.checked_constant(C), *_curvatures(mu, L))
    if _theorem(theorem) == "T2":
        return bool(C * (mu + L) < mu)
    return bool(3 * (mu + L) * C <= 3 * mu + L and (2 * mu + L) * C < 3 * mu)


@at_most_exact
def step_limit(C: float, mu: float, L: float, theorem: str = "T2-q") -> float:
    """The largest step size eta for which the theorem gives T2's rate; 0 when there is none.

    T2: ``(2/(mu+L)) (1-(1+kappa)C)/(1+C)^2``. T2-q: ``(2/(mu+L)) (1-(1+kappa)q)/(1-q)^2``. Raises ChoiceError, ScaleError.
    """
    C, mu, L = in_kind(ngd.checked_constant(C), *_curvatures(mu, L))
    if _theorem(theorem) == "T2":
        return positive_part(2 / (mu + L) * (1 - (1 + L / mu) * C) / (1 + C) ** 2)
    q = ngd.deficit(C)
    return positive_part(2 / (mu + L) * (1 - (1 + L / mu) * q) / (1 - q) ** 2) if C < 1 else 0.0


@at_most_exact
def validity_limit(C: float, mu: float, L: float, theorem: str = "T2-q") -> float:
    """The largest step size for which the theorem's own factor ``rate`` holds; 0 when C is out of its range.

    T2: its step limit. T2-q: ``[2/(mu+L) - q/mu]/(1-q)``. Raises ChoiceError, ScaleError.
    """
    if not applies(C, mu, L, theorem):
        return 0.0
    if theorem == "T2":
        return step_limit(C, mu, L, theorem)
    C, mu, L = in_kind(C, mu, L)
    q = ngd.deficit(C)
    return (2 / (mu + L) - q / mu) / (1 - q)


@at_least_exact
def rate(eta: float, C: float, mu: float, L: float, theorem: str = "T2-q") -> float:
    """The factor on ``||r||`` (not squared) of one step. T2: ``sqrt(1 - 2 eta mu L/(mu+L))``; T2-q: ``1 - eta mu (1-q)``.

    Raises ChoiceError, ScaleError (eta not positive, or too large for T2's root to exist).
    """
    eta, C, mu, L = in_kind(real(eta, "eta"), ngd.checked_constant(C), *_curvatures(mu, L))
    positive_real(eta, "the step size eta")
    if _theorem(theorem) == "T2-q":
        return 1 - eta * mu * (1 - ngd.deficit(C))
    squared = 1 - 2 * eta * mu * L / (mu + L)
    if squared < 0:
        raise ScaleError(f"eta is {shown(eta)}; the factor of T2 needs eta <= (mu+L)/(2 mu L)")
    return square_root(squared)


@at_least_exact
def radius(C: float, residual_norm: float, lambda_min: float, mu: float, L: float, theorem: str = "T2-q") -> float:
    """How long the path from theta(0) can get, hence how far the iterates, in the norm of the parameters.

    T2: ``(1+kappa)/(1-C/3)``; T2-q: ``kappa/(1-C)``; each times ``||r(0)||/sqrt(lambda)``, and at most ``condition_radius``
    where the theorem applies. Raises ChoiceError, ScaleError.
    """
    C, mu, L = in_kind(ngd.checked_constant(C), *_curvatures(mu, L))
    unit = ngd.unit_length(residual_norm, lambda_min)
    if _theorem(theorem) == "T2":
        return (1 + L / mu) / (1 - C / 3) * unit
    return L / mu / (1 - C) * unit if C < 1 else math.inf


@at_least_exact
def radius_factor(mu: float, L: float) -> float:
    """``(3/2)(1+kappa)``: Condition 3's radius in units of ``||r(0)||/sqrt(lambda)`` (paper); a float is rounded up.

    Raises ScaleError.
    """
    mu, L = _curvatures(mu, L)
    return (1 + L / mu) * 3 / 2


@at_least_exact
def condition_radius(residual_norm: float, lambda_min: float, mu: float, L: float) -> float:
    """``(3/2)(1+kappa) ||r(0)|| / sqrt(lambda)``, the radius of the ball in Condition 3 (paper). Raises ScaleError."""
    return radius_factor(mu, L) * ngd.unit_length(residual_norm, lambda_min)


@at_least_exact
def breaking_step(C: float, mu: float, L: float) -> float:
    """The step size beyond which some map with Conditions 1 and 3(C) breaks T2's rate; not positive: every one does.

    ``(2 rho/mu)(1 - rho L/(mu+L))``, rho = (3+C)/(3-C): there ``1 - eta mu/rho`` is T2's factor (derived). Raises ScaleError.
    """
    C, mu, L = in_kind(ngd.checked_constant(C), *_curvatures(mu, L))
    rho = ngd.contraction_ratio(C)
    return 2 * rho / mu * (1 - rho * L / (mu + L))


def in_kind(*values: float) -> tuple[float, ...]:
    """All values as balls when one of them is a ball (a float is one of radius 0), else as they are."""
    return tuple(arb(value) for value in values) if any(isinstance(value, arb) for value in values) else values


def _curvatures(mu: float, L: float) -> tuple[float, ...]:
    if not (finite(real(mu, "mu")) and finite(real(L, "L")) and 0 < mu <= L):
        raise ScaleError(f"mu = {shown(mu)}, L = {shown(L)}; a loss needs 0 < mu <= L, both finite")
    return in_kind(mu, L)


def _theorem(name: str) -> str:
    if name not in THEOREMS:
        raise ChoiceError(f"unknown theorem {name!r}; known: {', '.join(THEOREMS)}")
    return name
