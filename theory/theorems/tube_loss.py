"""Natural gradient descent on a strongly convex loss of the outputs, in a tube: T2-tube, T2-tube-q, T2-tube-strong (docs/theory.md).

Setting. As in general_loss.py: ``ell`` is mu-strongly convex with an L-Lipschitz gradient g, ``kappa = L/mu``, y minimises it,
``r(k) = u(W(k)) - y``, update ``W(k+1) = W(k) - eta J(k)^T c(k)``, ``c = G^{-1} g``. The tube, ``lambda_b`` and the ratio as in
theory/theorems/tube.py; the ratio, ``||X G^{-1}|| <= q``, is called q here, as mu is the loss's. ``K_i`` is row i of ``X X^T``. Each
theorem asks for ``b_i >= m^{-1/2} ||K_i|| S`` for all i, and says that the sum of ``eta ||c(t)||`` up to t = k is at most S and that W(k)
lies in the tube.

T2-tube [derived]. q < 1/(1+kappa), 0 < eta <= (2/(mu+L)) (1-(1+kappa)q)/(1+q)^2 and ``S = (1+kappa) ||r(0)||/lambda_b`` give
||r(k)||^2 <= (1 - 2 eta mu L/(mu+L))^k ||r(0)||^2.
T2-tube-q [derived]. q < 2/(1+kappa), 0 < eta <= [2/(mu+L) - q/mu]/(1-q) and ``S = kappa ||r(0)||/((1-q) lambda_b)`` give
||r(k)|| <= (1 - eta mu (1-q))^k ||r(0)||. Hence T2's own rate for q < 1/(1+kappa) and ``eta <= (2/(mu+L)) (1-(1+kappa)q)/(1-q)^2``: more
steps than T2-tube's in a narrower tube.
T2-tube-strong [derived]. q kappa < 1, 0 < eta <= 2/(mu+L) and ``S = kappa ||r(0)||/((1 - q kappa) lambda_b)`` give
||r(k)|| <= (1 - eta (mu - q L))^k ||r(0)||.

At mu = L = 1 the last two are T1-tube. Proofs: docs/proofs/tube.md, P13.20 to P13.25. Sharp: T2-tube-q's factor and T2's rate
beyond ``(2/(mu+L)) (1-(1+kappa)q)/(1-q)^2``, for orthonormal inputs, r along mu and activations that vanish at once. In the obligations r
and R are norms of residuals, g that of the gradient at ``||r|| = 1``.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

from theory.directed import at_least_exact, at_most_exact, decided_exactly
from theory.direction import LowerBound, UpperBound, bounding
from theory.errors import ScaleError
from theory.inputs import known_theorem
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
from theory.reals import finite, magnitude, nonnegative_real, positive_part, positive_real, real, shown, square_root
from theory.theorems.condition import STEP
from theory.theorems.general_loss import COERCIVITY, FACTOR, FACTOR_LIMIT, LOSS, OWN_RATE, PAPER_RATE, RATE_LIMIT
from theory.theorems.segments import INTEGRAL

SECTION = 11

THEOREMS = ("T2-tube", "T2-tube-q", "T2-tube-strong")


@decided_exactly
def applies(q: float, mu: float, L: float, theorem: str) -> bool:
    """Whether a tube with the ratio q is one of which the theorem speaks. Raises ChoiceError, ScaleError."""
    nonnegative_real(q, "the ratio q")
    curvatures(mu, L)
    if known_theorem(theorem, THEOREMS) == "T2-tube":
        return bool(q * (mu + L) < mu)
    return bool(q * L < mu) if theorem == "T2-tube-strong" else bool(q * (mu + L) < 2 * mu)


@at_most_exact
def ratio_limit(mu: float, L: float, theorem: str) -> float:
    """The ratio below which the theorem speaks: ``1/(1+kappa)``, ``2/(1+kappa)``, ``1/kappa``. Raises ChoiceError, ScaleError."""
    curvatures(mu, L)
    if known_theorem(theorem, THEOREMS) == "T2-tube-strong":
        return mu / L
    return (1 if theorem == "T2-tube" else 2) * mu / (mu + L)


@bounding(LowerBound, q=UpperBound)
@at_most_exact
def step_limit(q: float, mu: float, L: float, theorem: str) -> float:
    """The largest step size of the theorem; 0 where it does not speak of q. Raises ChoiceError, ScaleError.

    T2-tube: ``(2/(mu+L)) (1-(1+kappa)q)/(1+q)^2``; T2-tube-q: ``[2/(mu+L) - q/mu]/(1-q)``; T2-tube-strong: ``2/(mu+L)``.
    """
    if not applies(q, mu, L, theorem):
        return 0 * mu
    if theorem == "T2-tube":
        return 2 / (mu + L) * (1 - (1 + L / mu) * q) / (1 + q) ** 2
    return 2 / (mu + L) if theorem == "T2-tube-strong" else (2 / (mu + L) - q / mu) / (1 - q)


@bounding(LowerBound, q=UpperBound)
@at_most_exact
def own_rate_limit(q: float, mu: float, L: float) -> float:
    """``(2/(mu+L)) (1-(1+kappa)q)/(1-q)^2``: up to it T2-tube-q gives T2's rate; 0 where there is none. Raises ScaleError."""
    if not applies(q, mu, L, "T2-tube"):
        return 0 * mu
    return positive_part(2 / (mu + L) * (1 - (1 + L / mu) * q) / (1 - q) ** 2)


@at_least_exact
def rate(eta: float, q: float, mu: float, L: float, theorem: str) -> float:
    """The factor on ``||r||`` (not squared) of one step: ``(1 - 2 eta mu L/(mu+L))^{1/2}``, ``1 - eta mu(1-q)``, ``1 - eta(mu - q L)``.

    Raises ChoiceError, ScaleError (eta not positive, or too large for T2's root to exist).
    """
    positive_real(eta, "the step size eta")
    nonnegative_real(q, "the ratio q")
    curvatures(mu, L)
    if known_theorem(theorem, THEOREMS) == "T2-tube":
        squared = 1 - 2 * eta * mu * L / (mu + L)
        if squared < 0:
            raise ScaleError(f"eta is {shown(eta)}; the factor of T2 needs eta <= (mu+L)/(2 mu L)")
        return square_root(squared)
    return 1 - eta * (mu - q * L) if theorem == "T2-tube-strong" else 1 - eta * mu * (1 - q)


@at_least_exact
def contraction(q: float, mu: float, L: float, theorem: str) -> float:
    """The share of ``eta mu`` that a tube takes off the progress of a step: q, or ``kappa q`` for T2-tube-strong.

    Raises ChoiceError, ScaleError (q that the theorem does not speak of).
    """
    _spoken_of(q, mu, L, theorem)
    return q * L / mu if theorem == "T2-tube-strong" else q


@bounding(LowerBound, q=UpperBound)
@at_most_exact
def progress(q: float, mu: float, L: float, theorem: str) -> float:
    """What a step takes off: ``||r||`` falls to at most ``1 - eta`` times it. ``mu(1-q)``, ``mu - q L``, ``mu L/(mu+L)`` for T2's rate.

    Raises ChoiceError, ScaleError (q that the theorem does not speak of).
    """
    _spoken_of(q, mu, L, theorem)
    if theorem == "T2-tube":
        return mu * L / (mu + L)  # the root of 1 - 2x is at most 1 - x
    return mu - q * L if theorem == "T2-tube-strong" else mu * (1 - q)


def _spoken_of(q: float, mu: float, L: float, theorem: str) -> None:
    if not applies(q, mu, L, theorem):
        raise ScaleError(f"q is {shown(q)}; {theorem} speaks of ratios below {shown(ratio_limit(mu, L, theorem))}")


@bounding(UpperBound, residual_norm=UpperBound, q=UpperBound, lambda_b=LowerBound)
@at_least_exact
def path_sum(residual_norm: float, q: float, lambda_b: float, mu: float, L: float, theorem: str) -> float:
    """``S``, which the sum of ``eta ||G(t)^{-1} g(t)||`` never exceeds. Raises ChoiceError, ScaleError (q that is not spoken of).

    ``||r(0)||/lambda_b`` times ``1+kappa`` (T2-tube), ``kappa/(1-q)`` (T2-tube-q), ``kappa/(1 - q kappa)`` (T2-tube-strong).
    """
    _spoken_of(q, mu, L, theorem)
    unit = magnitude(residual_norm, "||r(0)||") / positive_real(lambda_b, "lambda_b")
    if theorem == "T2-tube":
        return (1 + L / mu) * unit
    return L / (mu - q * L) * unit if theorem == "T2-tube-strong" else L / (mu * (1 - q)) * unit


def curvatures(mu: float, L: float) -> None:
    """Raises ScaleError unless ``0 < mu <= L``, both finite."""
    if not (finite(real(mu, "mu")) and finite(real(L, "L")) and 0 < mu <= L):
        raise ScaleError(f"mu = {shown(mu)}, L = {shown(L)}; a loss needs 0 < mu <= L, both finite")


PAPER_LIMIT = "2/(mu+L)*(1 - (1+L/mu)*q)/(1+q)**2"
STRONG_LIMIT = "2/(mu+L)"

_PAPER = (LOSS, "0 <= q", "q*(mu+L) < mu")
_OWN = (LOSS, "0 <= q", "q*(mu+L) < 2*mu")
_STRONG = (LOSS, "0 <= q", "q*L < mu")
_STEP = "0 < eta <= limit"
_FACTOR_STEP = "0 < eta <= factor_limit"
_SHRUNK = ("0 <= s", "s**2 == 1 - 2*eta*mu*L/(mu+L)")

CALCULATED = (
    Calculated(PAPER_LIMIT, lambda q, mu, L: step_limit(q, mu, L, "T2-tube"), _PAPER),
    Calculated(
        "2/(mu+L)*(1 - (1+L/mu)*C)/(1+C)**2",
        lambda C, mu, L: step_limit(C, mu, L, "T2-tube"),
        (LOSS, "0 <= C", "C*(mu+L) < mu"),
    ),
    Calculated(FACTOR_LIMIT, lambda q, mu, L: step_limit(q, mu, L, "T2-tube-q"), _OWN),
    Calculated(RATE_LIMIT, lambda q, mu, L: own_rate_limit(q, mu, L), _PAPER),
    Calculated(STRONG_LIMIT, lambda mu, L: step_limit(0, mu, L, "T2-tube-strong"), (LOSS,)),
    Calculated("1+L/mu", lambda mu, L: path_sum(1, 0, 1, mu, L, "T2-tube"), (LOSS,)),
    Calculated("L/(mu*(1-q))", lambda q, mu, L: path_sum(1, q, 1, mu, L, "T2-tube-q"), _OWN),
    Calculated("L/(mu - q*L)", lambda q, mu, L: path_sum(1, q, 1, mu, L, "T2-tube-strong"), _STRONG),
)

PATH = Obligation(
    "O-tube-t2-path",
    "T2-tube, T2-tube-q, T2-tube-strong: a step that obeys the rate has eta L ||r|| <= share (||r|| - ||r+||), the share 1+kappa, "
    "kappa/(1-q), kappa/(1 - q kappa)",
    (
        Implication((LOSS, "0 < eta", *_SHRUNK, "0 <= r", "R <= s*r"), "eta*L*r <= share*(r - R)", {"share": "1+L/mu"}),
        Implication(
            (LOSS, "0 <= q < 1", "R <= (1 - eta*mu*(1-q))*r"), "eta*L*r <= share*(r - R)", {"share": "L/(mu*(1-q))"}
        ),
        Implication((*_STRONG, "R <= (1 - eta*(mu - q*L))*r"), "eta*L*r <= share*(r - R)", {"share": "L/(mu - q*L)"}),
    ),
    (
        Mutation("smaller", "0.999 (1+kappa)", {"1+L/mu": "999/1000*(1+L/mu)"}),
        Mutation("one", "1 in place of 1+kappa", {"1+L/mu": "1"}),
        Mutation("without-q", "kappa in place of kappa/(1-q)", {"L/(mu*(1-q))": "L/mu"}, part=1),
        Mutation("smaller-q", "0.999 kappa/(1-q)", {"L/(mu*(1-q))": "999/1000*L/(mu*(1-q))"}, part=1),
        Mutation("without-q-kappa", "kappa in place of kappa/(1 - q kappa)", {"L/(mu - q*L)": "L/mu"}, part=2),
        Mutation(
            "without-kappa",
            "1/(1 - q kappa) in place of kappa/(1 - q kappa)",
            {"L/(mu - q*L)": "mu/(mu - q*L)"},
            part=2,
        ),
    ),
)

LAST = Obligation(
    "O-tube-t2-last",
    "T2-tube, T2-tube-q, T2-tube-strong: within the step limits eta L is at most the share (half of it, kappa/(1-q), kappa/(1 - q kappa)), so that the last step is within the sum as well",
    (
        Implication((*_PAPER, _STEP), "eta*L <= share/2", {"limit": PAPER_LIMIT, "share": "1+L/mu"}),
        Implication((*_OWN, _FACTOR_STEP), "eta*L <= share", {"factor_limit": FACTOR_LIMIT, "share": "L/(mu*(1-q))"}),
        Implication((*_STRONG, _STEP), "eta*L <= share", {"limit": STRONG_LIMIT, "share": "L/(mu - q*L)"}),
    ),
    (
        Mutation("smaller", "0.999 of half the share", {"share/2": "999/2000*share"}),
        Mutation("smaller-q", "0.999 of the share", {"eta*L <= share": "eta*L <= 999/1000*share"}, part=1),
        Mutation("smaller-strong", "0.999 of the share", {"eta*L <= share": "eta*L <= 999/1000*share"}, part=2),
    ),
)

STRONG = Obligation(
    "O-tube-t2-strong",
    "T2-tube-strong: within 2/(mu+L) equation (2) is at most (1 - eta mu)^2 where ||g|| >= mu; with eta q L that is 1 - eta (mu - q L), below 1",
    (
        Implication(
            (LOSS, _STEP, "g >= mu"),
            "1 - 2*eta*mu*L/(mu+L) - (2/(mu+L) - eta)*eta*g**2 <= (1 - eta*mu)**2",
            {"limit": STRONG_LIMIT},
        ),
        Implication((LOSS, _STEP), "eta*mu <= 1", {"limit": STRONG_LIMIT}),
        Implication((*_STRONG, "0 < eta", "g <= L"), "1 - eta*mu + eta*q*g <= 1 - eta*(mu - q*L)"),
        Implication((*_STRONG, "0 < eta"), "1 - eta*(mu - q*L) < 1"),
    ),
    (
        Mutation("longer-step", "the limit times 1.001", {_STEP: "0 < eta <= 1001/1000*limit"}),
        Mutation("longer-step-1", "the limit times 1.001", {_STEP: "0 < eta <= 1001/1000*limit"}, part=1),
        Mutation("smaller-g", "g from 0.999 mu on", {"g >= mu": "999/1000*mu <= g"}),
        Mutation("without-L", "q mu in place of q L", {"1 - eta*(mu - q*L)": "1 - eta*(mu - q*mu)"}, part=2),
        Mutation("larger-q", "q kappa up to 1 itself", {"q*L < mu": "q*L <= mu"}, part=3),
    ),
)

NARROWER = Obligation(
    "O-tube-t2-narrower",
    "T2-tube-q contains T2-tube: for q (1+kappa) < 1 its share kappa/(1-q) is below 1+kappa, and its limit for T2's rate is no smaller",
    (
        Implication(_PAPER, "share < 1+L/mu", {"share": "L/(mu*(1-q))"}),
        Implication(_PAPER, "limit <= own", {"limit": PAPER_LIMIT, "own": RATE_LIMIT}),
    ),
    (
        Mutation("larger-q", "q (1+kappa) up to 1 itself", {"q*(mu+L) < mu": "q*(mu+L) <= mu"}),
        Mutation("smaller", "0.999 of its limit", {"limit <= own": "limit <= 999/1000*own"}, part=1),
    ),
)

OBLIGATIONS = (PATH, LAST, STRONG, NARROWER)

_SPECTRUM = "g2 == mu**2 + t*(L**2 - mu**2)"
_ROOT = ("eta*mu < 1", "0 <= t <= 1", "y >= 0", "y**2 == x**2 + d")
_FIRST = {"x": "1 - eta*mu", "d": "-t*eta*(L-mu)*(2 - eta*(mu+L))"}
_IN_OWN = (*_OWN, STEP)
_WITHIN_OWN = {"step": FACTOR_LIMIT}
_WITHIN_STRONG = {"step": STRONG_LIMIT}

RANGES = (
    *needs("T2-tube", PAPER_RATE, (0,), *_PAPER, STEP, C="q", step=PAPER_LIMIT),
    *needs("T2-tube", PATH, (0,), *_PAPER, STEP, *_SHRUNK, "0 <= r", "R <= s*r", step=PAPER_LIMIT),
    *needs("T2-tube", LAST, (0,), *_PAPER, STEP, step=PAPER_LIMIT),
    *needs("T2-tube-q", COERCIVITY, (0,), *_OWN),
    *needs("T2-tube-q", COERCIVITY, (1, 2), *_OWN, _SPECTRUM),
    *needs("T2-tube-q", FACTOR, (0,), *_IN_OWN, **_WITHIN_OWN),
    *needs("T2-tube-q", FACTOR, (1,), *_IN_OWN, *_ROOT, **_WITHIN_OWN, **_FIRST),
    *needs("T2-tube-q", FACTOR, (1,), *_OWN, *_ROOT[1:], x="mu", d="t*(L**2 - mu**2)"),
    *needs("T2-tube-q", FACTOR, (2,), *_IN_OWN, "eta*mu < 1", **_WITHIN_OWN),
    *needs("T2-tube-q", FACTOR, (3,), *_OWN, "mu*step >= 1", **_WITHIN_OWN),
    *needs("T2-tube-q", OWN_RATE, (0,), *_PAPER, STEP, step=RATE_LIMIT),
    *needs("T2-tube-q", OWN_RATE, (1,), *_PAPER),
    *needs("T2-tube-q", PATH, (1,), *_IN_OWN, "R <= (1 - eta*mu*(1-q))*r", **_WITHIN_OWN),
    *needs("T2-tube-q", LAST, (1,), *_IN_OWN, **_WITHIN_OWN),
    *needs("T2-tube-q", NARROWER, (0, 1), *_PAPER),
    *needs("T2-tube-strong", STRONG, (0,), *_STRONG, STEP, "mu <= g <= L", **_WITHIN_STRONG),
    *needs("T2-tube-strong", STRONG, (1,), *_STRONG, STEP, **_WITHIN_STRONG),
    *needs("T2-tube-strong", STRONG, (2,), *_STRONG, STEP, "mu <= g <= L", **_WITHIN_STRONG),
    *needs("T2-tube-strong", STRONG, (3,), *_STRONG, STEP, **_WITHIN_STRONG),
    *needs("T2-tube-strong", PATH, (2,), *_STRONG, STEP, "R <= (1 - eta*(mu - q*L))*r", **_WITHIN_STRONG),
    *needs("T2-tube-strong", LAST, (2,), *_STRONG, STEP, **_WITHIN_STRONG),
)

_HERE = "docs/proofs/tube.md: "
_LOSSES = "docs/general-losses.md: "

_STEP_LINKS = (
    argued("while the segment lies in the tube, ||r+|| <= ||r - eta g|| + eta q ||g||", f"{_HERE}P13.20"),
    argued("||g|| lies between mu ||r|| and L ||r||, and g is co-coercive", f"{_LOSSES}P6.2"),
)

_STAYS = argued("no iterate and no segment leaves the tube", f"{_HERE}P13.24")

CHAINS = (
    Chain(
        "T2-tube",
        (
            INTEGRAL,
            *_STEP_LINKS,
            argued("the square, expanded, is T2's, with q in place of C", f"{_HERE}P13.21"),
            proved("the bracket that multiplies ||g||^2 is not positive within the step limit", PAPER_RATE),
            proved("eta L ||r|| <= (1+kappa) (||r|| - ||r+||)", PATH),
            proved("eta L <= (1+kappa)/2", LAST),
            _STAYS,
            checked("the conclusion on instances", "T2-tube"),
        ),
    ),
    Chain(
        "T2-tube-q",
        (
            INTEGRAL,
            *_STEP_LINKS,
            proved("equation (2) with s^2 = mu^2 + t(L^2 - mu^2)", COERCIVITY),
            proved(
                "within the limit of the factor eta mu <= 1; a root is below its tangent, and the tangents' sum does not increase",
                FACTOR,
            ),
            argued("so the residual shrinks by 1 - eta mu (1-q)", f"{_HERE}P13.22"),
            proved(
                "its square is at most T2's rate within own_rate_limit, which is within the factor's limit", OWN_RATE
            ),
            proved("eta L ||r|| <= kappa/(1-q) (||r|| - ||r+||)", PATH),
            proved("eta L <= kappa/(1-q)", LAST),
            _STAYS,
            proved("more steps in a narrower tube than T2-tube", NARROWER),
            argued("what attains the factor", f"{_HERE}P13.25"),
            checked("the conclusion on instances", "T2-tube-q"),
        ),
    ),
    Chain(
        "T2-tube-strong",
        (
            INTEGRAL,
            *_STEP_LINKS,
            proved("||r - eta g|| <= (1 - eta mu) ||r|| and eta q ||g|| <= eta q L ||r||", STRONG),
            argued("so the residual shrinks by 1 - eta (mu - q L)", f"{_HERE}P13.23"),
            proved("eta L ||r|| <= kappa/(1 - q kappa) (||r|| - ||r+||)", PATH),
            proved("eta L <= kappa/(1 - q kappa)", LAST),
            _STAYS,
            checked("the conclusion on instances", "T2-tube-strong"),
        ),
    ),
)
