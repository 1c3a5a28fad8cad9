"""Gradient descent on the squared loss in a tube: T0-tube (docs/theory.md).

Setting. ``r(k) = u(W(k)) - y``, update ``W(k+1) = W(k) - eta J(k)^T r(k)``. The tube: all W with ``|x_i . (w_r - w_r(0))| <= b_i``. In it,
by C2-tube (theory/theorems/tube.py), ``lambda_min(G(W)) >= lambda_b``, and entry by entry ``|J(W') J(W)^T - G(0)| <= D`` and
``|J(W') J(W)^T - G(W)| <= M``, of norms at most ``||D||`` and xi. ``lambda <= lambda_min(G(0))``; ``K_i`` is row i of ``X X^T``.

T0-tube [derived]. ``gamma = max(lambda - ||D||, lambda_b - xi) > 0``, 0 < eta <= 2/(||G(0)|| + ||D|| + lambda_b) and, for all i,
``b_i >= m^{-1/2} ||K_i|| S`` with ``S = ||r(0)||/gamma`` give for all k: ||r(k)|| <= (1 - eta gamma)^k ||r(0)||, the sum of eta ||r(t)|| up to
t = k is at most S, and W(k) lies in the tube. For ``lambda > ||D||`` the same with ``S = lambda S_lin/(lambda - ||D||)``, where S_lin is
the sum of ``eta ||(I - eta G(0))^t r(0)||``.

With ``lambda_b = lambda - ||D||`` the rate is that of the least eigenvalue in the tube, and no bound of the change along a segment is
needed: the mean of J over the segment times ``J(k)^T`` differs from G(0) by at most D as well. The other term, ``lambda_b - xi``, is
for a lambda_b that is found in another way (neurons that cannot flip).

Proofs: docs/proofs/tube.md, P13.16 to P13.19. Sharp: the rate for n = 1, activations that vanish at once; the step limit for a fixed
pattern. In the obligations ``lam`` is lambda, ``low`` lambda_b, ``top`` ``||G(0)||``, ``delta`` ``||D||``, nu an eigenvalue, r and R are
norms of residuals.

Every function of real numbers here takes floats or balls (arb), and answers in kind (theory/directed.py).
"""

from theory.directed import at_least_exact, at_most_exact
from theory.direction import LowerBound, UpperBound, bounding
from theory.errors import ScaleError
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
from theory.reals import finite, magnitude, positive_real, real, shown
from theory.theorems.segments import INTEGRAL

SECTION = 11


@bounding(LowerBound, lambda_min=LowerBound, gram_change=UpperBound, lambda_b=LowerBound, product_norm=UpperBound)
@at_most_exact
def curvature(lambda_min: float, gram_change: float, lambda_b: float, product_norm: float) -> float:
    """``gamma = max(lambda - ||D||, lambda_b - xi)``; not positive where T0-tube says nothing.

    ``lambda_min`` is at most ``lambda_min(G(0))``, ``lambda_b`` at most that of every G in the tube, ``gram_change`` at least ``||D||``,
    ``product_norm`` at least xi. Raises ScaleError.
    """
    whole = real(lambda_min, "lambda") - magnitude(gram_change, "||D||")
    parted = real(lambda_b, "lambda_b") - magnitude(product_norm, "xi")
    return whole if whole > parted else parted


@bounding(LowerBound, largest=UpperBound, gram_change=UpperBound, lambda_b=LowerBound)
@at_most_exact
def step_limit(largest: float, gram_change: float, lambda_b: float) -> float:
    """``2/(||G(0)|| + ||D|| + lambda_b)``, the largest step size of T0-tube. Raises ScaleError.

    ``largest`` is at least ``||G(0)||_2``; lambda_b is the number that gamma was calculated from.
    """
    return 2 / (positive_real(largest, "||G(0)||") + magnitude(gram_change, "||D||") + real(lambda_b, "lambda_b"))


@at_least_exact
def rate(eta: float, gamma: float) -> float:
    """The factor ``1 - eta gamma`` on ``||r||`` (not squared) of one step. Raises ScaleError (eta or gamma not positive)."""
    return 1 - positive_real(eta, "the step size eta") * least_curvature(gamma)


@at_least_exact
def contraction(gamma: float, lambda_b: float) -> float:
    """mu with ``gamma = lambda_b (1-mu)``: 0 where lambda_b is ``lambda - ||D||``, ``xi/lambda_b`` for the other term. Raises ScaleError."""
    return 1 - least_curvature(gamma) / positive_real(lambda_b, "lambda_b")


@bounding(UpperBound, residual_norm=UpperBound, gamma=LowerBound)
@at_least_exact
def path_sum(residual_norm: float, gamma: float) -> float:
    """``S = ||r(0)||/gamma``, which the sum of ``eta ||r(t)||`` never exceeds. Raises ScaleError."""
    return magnitude(residual_norm, "||r(0)||") / least_curvature(gamma)


@bounding(UpperBound, linear_sum=UpperBound, lambda_min=LowerBound, gram_change=UpperBound)
@at_least_exact
def linear_path_sum(linear_sum: float, lambda_min: float, gram_change: float) -> float:
    """``S = lambda S_lin/(lambda - ||D||)``, the sharper one, for the step size that S_lin was summed up for. Raises ScaleError."""
    left = least_curvature(real(lambda_min, "lambda") - magnitude(gram_change, "||D||"))
    return lambda_min * magnitude(linear_sum, "S_lin") / left


def least_curvature(gamma: float) -> float:
    """gamma itself. Raises ScaleError unless it is finite and positive."""
    if not (real(gamma, "gamma") > 0 and finite(gamma)):
        raise ScaleError(f"gamma is {shown(gamma)}; T0-tube needs a positive one: a narrower tube, or more neurons")
    return gamma


STEP_LIMIT = "2/(top + delta + low)"
LINEAR_SUM = "lam*linear/(lam - delta)"

_NORMS = ("0 <= delta", "0 < low <= top + delta", "low >= lam - delta", "0 < lam <= top")
"""What is known of the numbers: a G in the tube has an eigenvalue between lambda_b and ``||G(0)|| + ||D||``."""
_STEP = "0 < eta <= limit"
_LIMIT = {"limit": STEP_LIMIT}

CALCULATED = (
    Calculated(STEP_LIMIT, lambda top, delta, low: step_limit(top, delta, low), ("0 < top", "0 <= delta", "0 < low")),
    Calculated(
        LINEAR_SUM,
        lambda lam, linear, delta: linear_path_sum(linear, lam, delta),
        ("0 <= delta < lam", "0 <= linear"),
    ),
    Calculated(
        "lam - delta",
        lambda lam, delta: curvature(lam, delta, 0, 0),
        ("0 <= delta", "delta <= lam"),
    ),
    Calculated("low - xi", lambda low, xi: curvature(0, 0, low, xi), ("0 <= xi <= low",)),
)

ENTRIES = Obligation(
    "O-tube-gd-entries",
    "T0-tube: eigenvalues nu of G(0) give |1 - eta nu| + eta ||D|| <= 1 - eta (lambda - ||D||) within the step limit",
    (
        Implication(("0 < eta", "lam <= nu"), "1 - eta*nu + eta*delta <= 1 - eta*gamma", {"gamma": "lam - delta"}),
        Implication(
            ("0 <= delta", "0 < low", "low >= lam - delta", "0 < top", _STEP, "nu <= top"),
            "eta*nu - 1 + eta*delta <= 1 - eta*gamma",
            {**_LIMIT, "gamma": "lam - delta"},
        ),
    ),
    (
        Mutation("lambda", "lambda for lambda - ||D||", {"lam - delta": "lam"}),
        Mutation("smaller-nu", "nu from 0.999 lambda on", {"lam <= nu": "999/1000*lam <= nu"}),
        Mutation("longer-step", "the limit times 1.001", {_STEP: "0 < eta <= 1001/1000*limit"}, part=1),
        Mutation("doubled-step", "twice the limit", {_STEP: "0 < eta <= 2*limit"}, part=1),
        Mutation("without-D", "a limit without ||D||", {STEP_LIMIT: "2/(top + low)"}, part=1),
        Mutation("without-lambda", "a limit without lambda_b", {STEP_LIMIT: "2/(top + delta)"}, part=1),
    ),
)

SEGMENT = Obligation(
    "O-tube-gd-segment",
    "T0-tube: eigenvalues nu of G(k) give |1 - eta nu| + eta xi <= 1 - eta (lambda_b - xi) within the step limit",
    (
        Implication(
            ("0 < eta", "0 <= xi", "0 < low <= nu"), "1 - eta*nu + eta*xi <= 1 - eta*gamma", {"gamma": "low - xi"}
        ),
        Implication(
            ("0 < top", "0 <= delta", "0 <= xi", "0 < low", _STEP, "low <= nu <= top + delta"),
            "eta*nu - 1 + eta*xi <= 1 - eta*gamma",
            {**_LIMIT, "gamma": "low - xi"},
        ),
    ),
    (
        Mutation("without-xi", "lambda_b for lambda_b - xi", {"low - xi": "low"}),
        Mutation("smaller-nu", "nu from 0.999 lambda_b on", {"0 < low <= nu": "0 < 999/1000*low <= nu"}),
        Mutation("longer-step", "the limit times 1.001", {_STEP: "0 < eta <= 1001/1000*limit"}, part=1),
        Mutation("without-D", "a limit without ||D||", {STEP_LIMIT: "2/(top + low)"}, part=1),
    ),
)

PATH = Obligation(
    "O-tube-gd-path",
    "T0-tube: a step that obeys the rate has eta ||r|| <= (||r|| - ||r+||)/gamma, and the first of a rest eta ||r|| <= ||r||/gamma",
    (
        Implication(("0 < gamma", "R <= (1 - eta*gamma)*r"), "eta*r <= (r - R)/gamma"),
        Implication(("0 < gamma", "0 <= r", "0 < eta", "eta*gamma <= 1"), "eta*r <= r/gamma"),
        Implication(("0 <= delta", "0 < low <= top + delta", "gamma <= low", _STEP), "eta*gamma <= 1", _LIMIT),
    ),
    (
        Mutation("shorter", "0.999 of it", {"(r - R)/gamma": "999/1000*(r - R)/gamma"}),
        Mutation("shorter-rest", "0.999 of it", {"<= r/gamma": "<= 999/1000*r/gamma"}, part=1),
        Mutation("longer-step", "twice the limit", {_STEP: "0 < eta <= 2*limit"}, part=2),
    ),
)

LINEAR = Obligation(
    "O-tube-gd-linear",
    "T0-tube: e(0) = 0 and ||e(t+1)|| <= (1 - eta lambda) ||e(t)|| + eta ||D|| ||r(t)||, summed up (E of eta ||e||, S of eta ||r||), bound S",
    (
        Implication(("0 < lam", "0 < eta", "E <= (1 - eta*lam)*E + eta*delta*S"), "lam*E <= delta*S"),
        Implication(
            ("0 <= delta < lam", "S <= linear + E", "lam*E <= delta*S"),
            "S <= bound",
            {"bound": LINEAR_SUM},
        ),
        Implication(
            ("0 <= delta < lam", "0 <= r", "lam*linear <= r"), "bound <= r/(lam - delta)", {"bound": LINEAR_SUM}
        ),
    ),
    (
        Mutation("halved", "half of ||D|| S", {"lam*E <= delta*S": "lam*E <= delta/2*S"}),
        Mutation("without-D", "S_lin itself", {LINEAR_SUM: "linear"}, part=1),
        Mutation("without-lambda", "S_lin (lambda - ||D||)/lambda", {LINEAR_SUM: "(lam - delta)*linear/lam"}, part=1),
        Mutation("smaller", "0.999 of the first S", {"<= r/(lam - delta)": "<= 999/1000*r/(lam - delta)"}, part=2),
    ),
)

OBLIGATIONS = (ENTRIES, SEGMENT, PATH, LINEAR)

_WITHIN = "0 < eta <= step"
_IN_TUBE = (*_NORMS, _WITHIN)
_STEPS = {"step": STEP_LIMIT}

RANGES = (
    *needs("T0-tube", ENTRIES, (0, 1), *_IN_TUBE, "lam <= nu <= top", **_STEPS),
    *needs("T0-tube", SEGMENT, (0, 1), *_IN_TUBE, "0 <= xi < low", "low <= nu <= top + delta", **_STEPS),
    *needs("T0-tube", PATH, (0,), "0 < gamma", "R <= (1 - eta*gamma)*r"),
    *needs("T0-tube", PATH, (2,), *_IN_TUBE, "0 < gamma <= low", **_STEPS),
    *needs("T0-tube", PATH, (1,), *_IN_TUBE, "0 < gamma", "eta*gamma <= 1", "0 <= r", **_STEPS),
    *needs("T0-tube", LINEAR, (0,), *_IN_TUBE, "E <= (1 - eta*lam)*E + eta*delta*S", **_STEPS),
    *needs("T0-tube", LINEAR, (1,), *_IN_TUBE, "delta < lam", "S <= linear + E", "lam*E <= delta*S", **_STEPS),
    *needs("T0-tube", LINEAR, (2,), *_IN_TUBE, "delta < lam", "0 <= r", "lam*linear <= r", **_STEPS),
)

_HERE = "docs/proofs/tube.md: "

CHAINS = (
    Chain(
        "T0-tube",
        (
            INTEGRAL,
            argued(
                "while the segment lies in the tube, r+ = (I - eta G(0) - eta E) r with |E| <= D, and r+ = (I - eta G(k) - eta X) r with |X| <= M",
                f"{_HERE}P13.16",
            ),
            proved("|1 - eta nu| + eta ||D|| <= 1 - eta (lambda - ||D||) for the eigenvalues of G(0)", ENTRIES),
            proved("|1 - eta nu| + eta xi <= 1 - eta (lambda_b - xi) for the eigenvalues of G(k)", SEGMENT),
            argued("so the residual shrinks by 1 - eta gamma", f"{_HERE}P13.17"),
            proved("eta ||r|| <= (||r|| - ||r+||)/gamma, the last one included", PATH),
            argued("no iterate and no segment leaves the tube", f"{_HERE}P13.18"),
            proved("the path by the linear one: S <= lambda S_lin/(lambda - ||D||)", LINEAR),
            argued("where the linear path is summed up", f"{_HERE}P13.19"),
            checked("the conclusion on instances", "T0-tube"),
        ),
    ),
)
