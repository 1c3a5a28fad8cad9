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
T2-q's C ends. Proofs: docs/general-losses.md, P6.1 to P6.6. In the obligations ``limit`` is the step limit of T2's rate, ``factor_limit``
that of T2-q's own factor, ``radius`` in units of ``||r(0)||/sqrt(lambda)``.

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
from theory.errors import ScaleError
from theory.inputs import known_theorem
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
from theory.reals import finite, positive_part, positive_real, real, shown, square_root
from theory.theorems import ngd
from theory.theorems.condition import DEFICIT, DEFICIT_BELOW_C, PAPER_BALL, STEP, Q
from theory.theorems.segments import INDUCTION, INTEGRAL

SECTION = 5

THEOREMS = ("T2", "T2-q")


@at_most_exact
def constant_limit(mu: float, L: float, theorem: str = "T2-q") -> float:
    """The C up to which the theorem speaks.

    T2: below ``1/(1+kappa)``. T2-q: up to ``(3+kappa)/(3+3kappa)`` and below ``3/(2+kappa)``. Raises ChoiceError, ScaleError.
    """
    mu, L = _curvatures(mu, L)
    if known_theorem(theorem, THEOREMS) == "T2":
        return mu / (mu + L)
    ball, step = (3 * mu + L) / (3 * (mu + L)), 3 * mu / (2 * mu + L)
    return ball if ball < step else step


@decided_exactly
def applies(C: float, mu: float, L: float, theorem: str = "T2-q") -> bool:
    """Whether Condition 3(C) with this C is among the theorem's hypotheses. Raises ChoiceError, ScaleError."""
    C, mu, L = in_kind(ngd.checked_constant(C), *_curvatures(mu, L))
    if known_theorem(theorem, THEOREMS) == "T2":
        return bool(C * (mu + L) < mu)
    return bool(3 * (mu + L) * C <= 3 * mu + L and (2 * mu + L) * C < 3 * mu)


@at_most_exact
def step_limit(C: float, mu: float, L: float, theorem: str = "T2-q") -> float:
    """The largest step size eta for which the theorem gives T2's rate; 0 when there is none.

    T2: ``(2/(mu+L)) (1-(1+kappa)C)/(1+C)^2``. T2-q: ``(2/(mu+L)) (1-(1+kappa)q)/(1-q)^2``. Raises ChoiceError, ScaleError.
    """
    C, mu, L = in_kind(ngd.checked_constant(C), *_curvatures(mu, L))
    if known_theorem(theorem, THEOREMS) == "T2":
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
    if known_theorem(theorem, THEOREMS) == "T2-q":
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
    if known_theorem(theorem, THEOREMS) == "T2":
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


LOSS = "0 < mu <= L"

FACTOR_LIMIT = "(2/(mu+L) - q/mu)/(1-q)"

RATE_LIMIT = "2/(mu+L)*(1 - (1+L/mu)*q)/(1-q)**2"

PAPER_LIMIT = "2*(mu - (mu+L)*C)/(mu*(mu+L)*(1+C)**2)"
STEP_LIMIT = "2*(3-C)*(3*mu - (3*mu+2*L)*C)/(9*mu*(mu+L)*(1-C)**2)"
OWN_LIMIT = "(2*mu*(3-C) - 2*C*(mu+L))/(3*mu*(mu+L)*(1-C))"
"""Of T2, of T2-q where it gives T2's rate, and of its own factor."""

_PAPER = (LOSS, "0 <= C", "C*(mu+L) < mu")
_OWN = (LOSS, "0 <= C", "3*(mu+L)*C <= 3*mu + L", "(2*mu+L)*C < 3*mu")
_OWN_RATE = (LOSS, "0 <= C", "(3*mu + 2*L)*C < 3*mu")
"""Of what T2 speaks, and T2-q, which gives T2's rate for smaller C."""

CALCULATED = (
    Calculated(PAPER_LIMIT, lambda C, mu, L: step_limit(C, mu, L, "T2"), _PAPER),
    Calculated("2/(mu+L)*(1 - (1+L/mu)*C)/(1+C)**2", lambda C, mu, L: step_limit(C, mu, L, "T2"), _PAPER),
    Calculated(STEP_LIMIT, lambda C, mu, L: step_limit(C, mu, L), _OWN_RATE),
    Calculated(OWN_LIMIT, lambda C, mu, L: validity_limit(C, mu, L), _OWN),
    Calculated(FACTOR_LIMIT, lambda q, mu, L: validity_limit(3 * q / (2 + q), mu, L), (LOSS, "0 <= (mu+L)*q <= mu")),
    Calculated(RATE_LIMIT, lambda q, mu, L: step_limit(3 * q / (2 + q), mu, L), (LOSS, "0 <= (mu+L)*q < mu")),
    Calculated("(1+kappa)/(1-C/3)", lambda C, kappa: radius(C, 1, 1, 1, kappa, "T2"), ("0 <= C < 1", "kappa >= 1")),
    Calculated("kappa/(1-C)", lambda C, kappa: radius(C, 1, 1, 1, kappa), ("0 <= C < 1", "kappa >= 1")),
)

_STEP = "0 < eta <= limit"

_FACTOR_STEP = "0 < eta <= factor_limit"

_SPECTRUM = "g2 == mu**2 + t*(L**2 - mu**2)"

PAPER_RATE = Obligation(
    "O-t2",
    "T2: within the step limit the bracket that multiplies ||g||^2 is not positive",
    (
        Implication(
            (LOSS, "0 <= C", "C*(mu+L) < mu", _STEP),
            "eta**2*(1+C)**2 <= 2*eta/(mu+L) - 2*eta*C/mu",
            {"limit": "2/(mu+L)*(1 - (1+L/mu)*C)/(1+C)**2"},
        ),
    ),
    (
        Mutation("longer-step", "the step limit times 1.001", {_STEP: "0 < eta <= 1001/1000*limit"}),
        Mutation("doubled-step", "the step limit doubled", {_STEP: "0 < eta <= 2*limit"}),
        Mutation("kappa", "kappa C in place of (1+kappa) C", {"(1+L/mu)": "L/mu"}),
    ),
)

COERCIVITY = Obligation(
    "O-t2-coercive",
    "T2, T2-q: equation (2), with s^2 = g2 = mu^2 + t(L^2 - mu^2) as the two ends of a segment",
    (
        Implication(
            (LOSS,), "1 - 2*eta*(mu*L+g2)/(mu+L) + eta**2*g2 == 1 - 2*eta*mu*L/(mu+L) - (2/(mu+L) - eta)*eta*g2"
        ),
        Implication((LOSS, _SPECTRUM), "(mu*L + g2)/(mu+L) == mu + t*(L-mu)"),
        Implication(
            (LOSS, _SPECTRUM), "1 - 2*eta*(mu*L+g2)/(mu+L) + eta**2*g2 == (1-eta*mu)**2 - t*eta*(L-mu)*(2 - eta*(mu+L))"
        ),
    ),
    (
        Mutation("sign", "2/(mu+L) + eta in the bracket", {"(2/(mu+L) - eta)": "(2/(mu+L) + eta)"}),
        Mutation("linear", "s^2 = mu + t(L - mu)", {_SPECTRUM: "g2 == mu + t*(L - mu)"}, part=1),
        Mutation("eta-L", "1 - eta L at t = 0", {"(1-eta*mu)": "(1-eta*L)"}, part=2),
    ),
)

FACTOR = Obligation(
    "O-t2q-factor",
    "T2-q: within its limit eta mu <= 1, and f(t) <= f(0): for eta mu < 1 the roots are below their tangents, whose sum does not increase; "
    "the limit reaches 1/mu for L = mu only, where f does not depend on t",
    (
        Implication((LOSS, "0 <= q < 1", _FACTOR_STEP), "eta*mu <= 1", {"factor_limit": FACTOR_LIMIT}),
        Implication(("0 < x", "0 <= y", "y**2 <= x**2 + d"), "y <= x + d/(2*x)"),
        Implication(
            (LOSS, "0 <= q < 1", _FACTOR_STEP, "eta*mu < 1"),
            "eta*q*(L**2-mu**2)/(2*mu) <= eta*(L-mu)*(2 - eta*(mu+L))/(2*(1-eta*mu))",
            {"factor_limit": FACTOR_LIMIT},
        ),
        Implication((LOSS, "0 <= q < 1", "mu*factor_limit >= 1"), "L <= mu", {"factor_limit": FACTOR_LIMIT}),
    ),
    (
        Mutation(
            "earlier", "the limit from 0.999/mu on", {"mu*factor_limit >= 1": "mu*factor_limit >= 999/1000"}, part=3
        ),
        Mutation("longer-step", "the limit times 1.001", {_FACTOR_STEP: "0 < eta <= 1001/1000*factor_limit"}),
        Mutation("steeper", "a slope of 1/(2.001 x)", {"y <= x + d/(2*x)": "y <= x + d/(2001/1000*x)"}, part=1),
        Mutation("longer-step-3", "the limit times 1.001", {_FACTOR_STEP: "0 < eta <= 1001/1000*factor_limit"}, part=2),
    ),
)

OWN_RATE = Obligation(
    "O-t2q-rate",
    "T2-q: within its step limit the square of the factor is at most T2's rate; that limit is within the factor's",
    (
        Implication(
            (LOSS, "0 <= q < 1", _STEP), "(1 - eta*mu*(1-q))**2 <= 1 - 2*eta*mu*L/(mu+L)", {"limit": RATE_LIMIT}
        ),
        Implication(
            (LOSS, "0 <= q", "(mu+L)*q < mu"),
            "limit <= factor_limit",
            {"limit": RATE_LIMIT, "factor_limit": FACTOR_LIMIT},
        ),
        Implication((LOSS, "0 <= C", "(3*mu + 2*L)*C < 3*mu"), "q*(mu+L)/mu < 1", {"q": DEFICIT}),
    ),
    (
        Mutation("longer-step", "the step limit times 1.001", {_STEP: "0 < eta <= 1001/1000*limit"}),
        Mutation("doubled-step", "the step limit doubled", {_STEP: "0 < eta <= 2*limit"}),
        Mutation(
            "smaller", "limit <= 0.999 factor_limit", {"limit <= factor_limit": "limit <= 999/1000*factor_limit"}, 1
        ),
        Mutation("larger-C", "C up to 3/(3+2kappa)", {"(3*mu + 2*L)*C < 3*mu": "(3*mu + 2*L)*C <= 3*mu"}, part=2),
    ),
)

BALL = Obligation(
    "O-t2-ball",
    "T2: the radius (1+kappa)/(1-C/3) is at most 6/5 (1+kappa) as C < 1/(1+kappa) <= 1/2; T2-q: kappa/(1-C) is at most 3/2 (1+kappa)",
    (
        Implication(
            ("kappa >= 1", "0 <= C", "C*(1+kappa) < 1"), "radius <= 6/5*(1+kappa)", {"radius": "(1+kappa)/(1-C/3)"}
        ),
        Implication(
            ("kappa >= 1", "0 <= C", "C*(3+3*kappa) <= 3+kappa"), "radius <= 3/2*(1+kappa)", {"radius": "kappa/(1-C)"}
        ),
        Implication(
            ("kappa >= 1", "0 <= C < 1", "0 < eta", "0 < mu"),
            "eta*kappa*mu/((1-C/3)*(eta*mu*(1-q))) == kappa/(1-C)",
            {"q": DEFICIT},
        ),
    ),
    (
        Mutation("smaller", "1.199", {"radius <= 6/5*(1+kappa)": "radius <= 1199/1000*(1+kappa)"}),
        Mutation(
            "larger-C",
            "C up to (3.001+kappa)/(3+3kappa)",
            {"C*(3+3*kappa) <= 3+kappa": "C*(3+3*kappa) <= 3001/1000+kappa"},
            part=1,
        ),
        Mutation(
            "smaller-ball", "1.499 (1+kappa)", {"radius <= 3/2*(1+kappa)": "radius <= 1499/1000*(1+kappa)"}, part=1
        ),
        Mutation("C/2", "1 - C/2 in place of 1 - C/3", {"C/3": "C/2"}, part=2),
    ),
)

OBLIGATIONS = (PAPER_RATE, COERCIVITY, FACTOR, OWN_RATE, BALL)

_SHRUNK = "s**2 == 1 - 2*eta*mu*L/(mu+L)"
_ROOT = ("eta*mu < 1", "0 <= t <= 1", "y >= 0", "y**2 == x**2 + d")
_FIRST = {"x": "1 - eta*mu", "d": "-t*eta*(L-mu)*(2 - eta*(mu+L))"}
_KAPPA = {"kappa": "L/mu"}
_IN_OWN = (*_OWN, STEP)

RANGES = (
    *needs("T2", DEFICIT_BELOW_C, (0, 1), *_PAPER),
    *needs("T2", PAPER_RATE, (0,), *_PAPER, STEP, step=PAPER_LIMIT),
    *needs("T2", PAPER_BALL, (0,), *_PAPER, STEP, "0 <= s", _SHRUNK, step=PAPER_LIMIT),
    *needs("T2", BALL, (0,), *_PAPER, **_KAPPA),
    *needs("T2-q", DEFICIT_BELOW_C, (0, 1), *_OWN),
    *needs("T2-q", COERCIVITY, (0,), *_OWN),
    *needs("T2-q", COERCIVITY, (1, 2), *_OWN, _SPECTRUM),
    *needs("T2-q", FACTOR, (0,), *_IN_OWN, **Q, step=OWN_LIMIT),
    *needs("T2-q", FACTOR, (1,), *_IN_OWN, *_ROOT, step=OWN_LIMIT, **_FIRST),
    *needs("T2-q", FACTOR, (1,), *_OWN, *_ROOT[1:], x="mu", d="t*(L**2 - mu**2)"),
    *needs("T2-q", FACTOR, (2,), *_IN_OWN, "eta*mu < 1", **Q, step=OWN_LIMIT),
    *needs("T2-q", FACTOR, (3,), *_OWN, "mu*step >= 1", **Q, step=OWN_LIMIT),
    *needs("T2-q", OWN_RATE, (0,), *_OWN_RATE, STEP, **Q, step=STEP_LIMIT),
    *needs("T2-q", OWN_RATE, (1,), *_OWN_RATE, **Q),
    *needs("T2-q", OWN_RATE, (2,), *_OWN_RATE),
    *needs("T2-q", BALL, (1,), *_OWN, **_KAPPA),
    *needs("T2-q", BALL, (2,), *_OWN, "0 < eta", **_KAPPA),
)

_HERE = "docs/general-losses.md: "

_STEP_LINKS = (
    INTEGRAL,
    argued("r+ = r - eta (I+E) g with ||E|| <= 2c/(1-c), so ||r+|| <= ||r - eta g|| + eta q ||g||", f"{_HERE}P6.1"),
    proved("2c/(1-c) = q at c = C/3, and q <= C, for C <= 1", DEFICIT_BELOW_C),
    argued("||g|| lies between mu ||r|| and L ||r||, and g is co-coercive", f"{_HERE}P6.2"),
)

CHAINS = (
    Chain(
        "T2",
        (
            *_STEP_LINKS,
            argued("the square, expanded, is 1 - 2 eta mu L/(mu+L) plus a bracket times ||g||^2", f"{_HERE}P6.3"),
            proved("the bracket is not positive within the step limit, C (mu+L) < mu", PAPER_RATE),
            proved("(1-b^2)/(1-b) <= 2 for 0 <= b < 1", PAPER_BALL),
            argued("the path is at most (1+kappa)/(1-C/3) long", f"{_HERE}P6.5"),
            proved("(1+kappa)/(1-C/3) <= 6/5 (1+kappa) for C (1+kappa) < 1", BALL),
            INDUCTION,
            checked("the conclusion on instances", "T2"),
        ),
    ),
    Chain(
        "T2-q",
        (
            *_STEP_LINKS,
            proved("equation (2) with s^2 = mu^2 + t(L^2 - mu^2)", COERCIVITY),
            proved(
                "for q < 1, within the limit of the factor eta mu <= 1; a root is below its tangent, and for eta mu < 1 the tangents' sum does not "
                "increase; the limit reaches 1/mu for L = mu only",
                FACTOR,
            ),
            argued("so ||r+|| <= f(t) <= f(0) = 1 - eta mu (1-q), with ||r|| = 1, in both cases", f"{_HERE}P6.4"),
            proved(
                "f(0)^2 is at most T2's rate within its step limit, which is within the factor's where (1+kappa) q < 1; that is so for C < 3/(3+2kappa)",
                OWN_RATE,
            ),
            argued("the path is at most kappa/((1-C/3)(1-q)) long", f"{_HERE}P6.6"),
            proved("that is kappa/(1-C), at most 3/2 (1+kappa) for C (3+3kappa) <= 3+kappa", BALL),
            INDUCTION,
            checked("the conclusion on instances", "T2-q"),
        ),
    ),
)
