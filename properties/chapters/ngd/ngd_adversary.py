"""T1-sharp-adversary, T1-lemma-S: gradient ascent over Jacobians and residuals against T1-sharp and its lemma."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

import numpy as np
from flint import arb, arb_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.families import examples
from properties.descent.rule import excess
from properties.descent.strategies import INSIDE, Description
from properties.engine.claim import Bound, Claim, Family, Hypothesis, Mutant, Provenance, at_most_enclosed, require
from properties.engine.descriptions import described
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray
from theory.maps import adversary
from theory.rigour.definiteness import singular_value_bounds
from theory.rigour.enclosed_step import norm_enclosed, solve_enclosed
from theory.rigour.exact import ball_matrix
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNIT_ROUNDOFF
from theory.theorems import ngd

BITS = 160

Number = Callable[[arb], arb]


@stored_as("adversarial-point")
@dataclass(frozen=True)
class AdversarialPoint:
    """J0 = J(0), A = J(k) and the Jacobians of equal parts of the segment, each (n, p); lambda = 1."""

    initial: FloatArray
    current: FloatArray
    field: tuple[FloatArray, ...]
    residual: FloatArray
    """r(k), shape (n,)."""
    weights: FloatArray
    """y (n,): Lemma S is evaluated at ``z = A^T y``, exactly."""
    outside: FloatArray
    """What a mutant adds to z, shape (p,); zero otherwise."""
    stability: float
    """c."""
    eta: float

    @cached_property
    def smallest_initial(self) -> float:
        """Certified lower bound of the smallest singular value of J0."""
        return singular_value_bounds(self.initial)[0]

    @cached_property
    def change(self) -> float:
        """Certified upper bound of ``max ||J - J0||_2`` over A and the field."""
        found = []
        for jacobian in (self.current, *self.field):
            difference = jacobian - self.initial
            found.append(singular_value_bounds(difference, UNIT_ROUNDOFF * float(np.linalg.norm(difference)))[1])
        return max(found)


@dataclass(frozen=True)
class AdversaryRule:
    """The numbers of T1-sharp and Lemma S, as stated or as a mutant states them."""

    factor: Callable[[arb, arb], arb] = ngd.rate
    """(eta, C) -> factor on ||r||."""
    step_limit: Callable[[float], float] = ngd.factor_limit
    """C -> largest step size."""
    along: Number = lambda c: ngd.lemma_constants(c)[0]
    constant: Number = lambda c: ngd.lemma_constants(c)[1]
    shrunk: float = 1.0
    """The smallest singular value of J0 that is asked for."""
    widened: float = 1.0
    """The change of the Jacobian that is allowed, in units of c."""
    overlap: Number = lambda c: arb(1)
    """What Q is multiplied by in both inequalities of the row space."""
    slope: float = 1.0
    """Which of the two worst cases of one output the search starts from."""
    outside: float = 0.0
    """How much of z may lie outside the row space of A."""


def hypotheses(rule: AdversaryRule, instance: AdversarialPoint) -> Sequence[Hypothesis]:
    """Condition 1 with lambda = 1, Condition 2 with c, and the step size."""
    limit = rule.step_limit(3 * instance.stability)
    return [
        require("sigma_min(J0) >= 1, certified", instance.smallest_initial - rule.shrunk),
        require(
            "||J - J0||_2 <= c for J(k) and on the segment, certified",
            rule.widened * instance.stability - instance.change,
        ),
        require("0 < c < 1/3", 1 / 3 - instance.stability),
        require("step size within its limit", limit - instance.eta),
    ]


def lemma_hypotheses(rule: AdversaryRule, instance: AdversarialPoint) -> Sequence[Hypothesis]:
    """Those of Lemma S: no step, and 0 < c < 1."""
    initial, change, *_ = hypotheses(rule, instance)
    return [initial, change, require("0 < c < 1", 1 - instance.stability)]


def conclusion(rule: AdversaryRule, instance: AdversarialPoint) -> Sequence[Bound]:
    """``||r - eta B A^+ r|| <= (1 - eta/rho) ||r||`` with B the mean of the field, in balls; T1's rate; Lemma S."""
    with working_precision(BITS):
        current, eta = ball_matrix(instance.current), arb(instance.eta)
        mean = sum((ball_matrix(jacobian) for jacobian in instance.field[1:]), ball_matrix(instance.field[0]))
        gram = np.array((current * current.transpose()).tolist(), dtype=object)
        residual = ball_matrix(instance.residual)
        solved = solve_enclosed(gram, np.array(residual.entries(), dtype=object))
        direction = current.transpose() * arb_mat([[entry] for entry in solved])
        after = _norm(residual - mean * direction * (eta / len(instance.field)))
        before, C = _norm(residual), arb(instance.stability) * 3
        factor = rule.factor(eta, C)
        bounds = [at_most_enclosed("||r(k+1)|| <= (1 - eta/rho) ||r(k)||", after, factor * before)]
        if instance.eta <= INSIDE * ngd.step_limit(3 * instance.stability, "T1-sharp"):
            bounds.append(at_most_enclosed("||r(k+1)||^2 <= (1-eta) ||r(k)||^2", after**2, (1 - eta) * before**2))
        # Small steps and a single output come close to 1 trivially; the search aims at the allowed excess instead.
        aim = excess(instance.eta, float(factor), float(before), float(after)) if len(gram) > 1 else math.nan
        bounds = [*bounds, _lemma(rule, instance)]
        return [replace(bound, aim=aim if k == 0 else math.nan) for k, bound in enumerate(bounds)]


def lemma_conclusion(rule: AdversaryRule, instance: AdversarialPoint) -> Sequence[Bound]:
    """The two inequalities of the row space, and Lemma S."""
    with working_precision(BITS):
        return [_lemma(rule, instance), *_row_space(rule, instance)]


def _row_space(rule: AdversaryRule, instance: AdversarialPoint) -> Sequence[Bound]:
    """``v^T (I-Q)^{-1} v >= ||z||^2`` and ``e^T (c^2 I - Q)^{-1} e <= ||z||^2``; the search does not aim at them, which are near 1."""
    initial, current, c = ball_matrix(instance.initial), ball_matrix(instance.current), arb(instance.stability)
    z = _direction(instance)
    v, length = initial * z, _norm(z) ** 2
    crossed = initial * current.transpose()
    inside = crossed * (current * current.transpose()).solve(crossed.transpose())
    overlap = (initial * initial.transpose() - inside) * rule.overlap(c)
    identity = arb_mat(len(instance.initial), len(instance.initial), 1)
    forms = [_form(identity - overlap, v), _form(identity * c**2 - overlap, current * z - v)]
    bounds = (
        at_most_enclosed("row space: ||z||^2 <= v^T (I-Q)^{-1} v", length, forms[0]),
        at_most_enclosed("row space: e^T (c^2 I - Q)^{-1} e <= ||z||^2", forms[1], length),
    )
    return [replace(bound, aim=math.nan) for bound in bounds]


def _form(matrix: arb_mat, column: arb_mat) -> arb:
    """``x^T M^{-1} x``."""
    found: arb = (column.transpose() * matrix.solve(column))[0, 0]
    return found


def _direction(instance: AdversarialPoint) -> arb_mat:
    """z (p, 1)."""
    return ball_matrix(instance.current).transpose() * ball_matrix(instance.weights) + ball_matrix(instance.outside)


def _lemma(rule: AdversaryRule, instance: AdversarialPoint) -> Bound:
    """Lemma S at ``z = A^T y``, with all terms on the side where they are positive."""
    initial, current, c = ball_matrix(instance.initial), ball_matrix(instance.current), arb(instance.stability)
    z = _direction(instance)
    v, w = initial * z, current * z
    constant, zero = rule.constant(c) * _norm(z) ** 2, arb(0)
    return at_most_enclosed(
        "Lemma S: ||e||^2 + c/(1+c) ||w||^2 + (1+c)(1-2c) ||z||^2 <= ||v||^2",
        _norm(w - v) ** 2 + rule.along(c) * _norm(w) ** 2 + constant.max(zero),
        _norm(v) ** 2 + (-constant).max(zero),
    )


def _norm(column: arb_mat) -> arb:
    return norm_enclosed(np.array(column.entries(), dtype=object))


def features(instance: AdversarialPoint) -> Sequence[str]:
    """The size of the problem."""
    n, p = instance.current.shape
    return [f"n = {n}", *(["p > n"] if p > n else []), *(["p >= 30"] if p >= 30 else [])]


def lemma_features(instance: AdversarialPoint) -> Sequence[str]:
    """The size of the problem, and how far z leaves the row space of J0: there ``||v|| >= ||z||`` is false."""
    z = instance.current.T @ instance.weights
    outside = z - np.linalg.pinv(instance.initial) @ (instance.initial @ z)
    sine = float(np.linalg.norm(outside) / np.linalg.norm(z))
    shares = [
        f"z outside the row space of J0 by {share} c" for share in (0.5, 0.9) if sine > share * instance.stability
    ]
    short = np.linalg.norm(instance.initial @ z) < np.linalg.norm(z)
    large = [f"c >= {least}" for least in ("1/3", "9/10") if instance.stability >= float(Fraction(least))]
    return [*features(instance), *shares, *large, *(["||J0 z|| < ||z||"] if short else [])]


def ratio_features(instance: AdversarialPoint) -> Sequence[str]:
    """The size of the problem, and how much of the excess over 1 - eta that T1-sharp allows the step uses."""
    n, p = instance.current.shape
    eta, before = instance.eta, float(np.linalg.norm(instance.residual))
    direction = np.linalg.lstsq(instance.current, instance.residual)[0]
    after = float(np.linalg.norm(instance.residual - eta * np.mean(instance.field, axis=0) @ direction))
    used = excess(eta, ngd.rate(eta, 3 * instance.stability), before, after)
    wide = "n >= 2 and p > n" if n > 1 and p > n else "n = 1 or p = n"
    return [*features(instance), *(f"{wide}: {share} of the allowed excess" for share in (0.9, 0.99) if used > share)]


# --- families --------------------------------------------------------------------------------------------------------

EFFORTS = (10, 40, 120)
"""Steps of the ascent."""


def _descriptions(least_step_percent: int, starts: Sequence[str]) -> SearchStrategy[Description]:
    return described(
        {
            "outputs": st.integers(2 if "random" in starts else 1, 8),
            "extra_parameters": st.integers(1 if "turned" in starts else 0, 32),
            "constant_permille": st.integers(1, 990),
            "step_percent": st.integers(least_step_percent, 100),
            "start": st.sampled_from(list(starts)),
            "noise_exponent": st.integers(0, 12),
            "effort": st.sampled_from(EFFORTS),
            "pieces": st.integers(1, 3),
            "seed": st.integers(0, 2**20),
        }
    )


def build(rule: AdversaryRule, against_lemma: bool, description: Description) -> AdversarialPoint:
    """Ascend from the start and read off a point; c is drawn below 1/3 for T1-sharp, below 1 for Lemma S."""
    rng = np.random.default_rng(description["seed"])
    n = description["outputs"]
    p = n + description["extra_parameters"]
    stability = description["constant_permille"] / (1000 if against_lemma else 3000)
    eta = rule.step_limit(3 * stability) * INSIDE * description["step_percent"] / 100 if not against_lemma else 0.5
    wider = rule.widened * stability
    noise = 0.5 * 10.0 ** -description["noise_exponent"]
    objective = adversary.lemma_gap(stability) if against_lemma else adversary.residual_factor(eta, stability)
    if description["start"] == "worst":
        start = adversary.worst_case_configuration(n, p, wider, noise, rng, rule.slope)
    elif description["start"] == "turned":
        start, objective = adversary.turned_configuration(n, p, wider, noise, rng), adversary.image_length(stability)
    else:
        start = adversary.random_configuration(n, p, wider, rng)
    found = adversary.ascend(start, objective, description["effort"])
    found = replace(found, scales=found.scales * rule.shrunk)
    field = adversary.worst_field(found, eta, description["pieces"], rng)
    outside = rng.standard_normal(p)
    outside *= rule.outside * np.linalg.norm(found.direction) / np.linalg.norm(outside)
    return AdversarialPoint(
        found.initial,
        found.current,
        tuple(field),
        found.current @ found.direction,
        found.weights,
        outside,
        stability,
        eta,
    )


def _family(rule: AdversaryRule, against_lemma: bool, start: str, *counts: int) -> Family[AdversarialPoint]:
    title = {
        "worst": "ascent from the disturbed worst case of one output",
        "random": "ascent from a random start",
        "turned": "ascent from a row that leaves the row space of J(0)",
    }[start]
    least = 60 if rule.slope < 0 else 1
    return Family(
        f"ascent-{start}",
        title,
        partial(_descriptions, least, [start]),
        partial(build, rule, against_lemma),
        examples(*counts),
    )


def families(rule: AdversaryRule, against_lemma: bool) -> tuple[Family[AdversarialPoint], ...]:
    """The disturbed worst case first: a mutant is refuted by the cheapest family that can."""
    starts = ("worst", "random", "turned") if against_lemma else ("worst", "random")
    found = (_family(rule, against_lemma, start, 25, 110, 1500) for start in starts)
    return tuple(replace(family, first=_large(family.id)) if against_lemma else family for family in found)


def _large(family: str) -> tuple[Description, ...]:
    """Large changes of the Jacobian, of which Lemma S speaks and T1-sharp does not: every search begins there."""
    common = {"outputs": 2, "extra_parameters": 3, "step_percent": 100, "start": family.removeprefix("ascent-")}
    rest = {"noise_exponent": 1, "effort": EFFORTS[0], "pieces": 1, "seed": 1}
    return tuple({**common, **rest, "constant_permille": permille} for permille in (400, 700, 990))


# --- the claims ------------------------------------------------------------------------------------------------------

RULE = AdversaryRule()

_ADVERSARY: Claim[AdversarialPoint] = Claim(
    id="T1-sharp-adversary",
    statement="gradient ascent over J(0), J(k), the Jacobians on the segment and r(k), n <= 8 outputs and up to 40 parameters, "
    "finds no NGD step with ||r(k+1)|| > (1 - eta/rho) ||r(k)||, eta <= (1+c)(1-3c)/(1-2c-c^2)",
    provenance=Provenance.DERIVED,
    source="docs/theory.md, T1-sharp",
    families=families(RULE, False),
    hypotheses=partial(hypotheses, RULE),
    conclusion=partial(conclusion, RULE),
    features=ratio_features,
)
_LEMMA: Claim[AdversarialPoint] = Claim(
    id="T1-lemma-S",
    statement="J0 J0^T >= I, ||A - J0||_2 <= c < 1, unit z in the row space of A, Q = J0 (I - Pi) J0^T with Pi the projection onto it, "
    "v = J0 z, e = (A - J0) z: v^T (I-Q)^{-1} v >= 1, e^T (c^2 I - Q)^{-1} e <= 1, "
    "||v||^2 - ||e||^2 >= c/(1+c) ||A z||^2 + (1+c)(1-2c)",
    provenance=Provenance.DERIVED,
    source="docs/theory.md, T1-lemma-S",
    families=families(RULE, True),
    hypotheses=partial(lemma_hypotheses, RULE),
    conclusion=partial(lemma_conclusion, RULE),
    features=lemma_features,
    every_family=True,
)


def _mutant(claim: Claim[AdversarialPoint], id: str, description: str, start: str = "worst", **changes: Any) -> Mutant:
    rule, against_lemma = replace(RULE, **changes), claim is _LEMMA
    return claim.neighbour(
        id,
        description,
        families=(_family(rule, against_lemma, start, 25, 110, 1500),),
        hypotheses=partial(lemma_hypotheses if against_lemma else hypotheses, rule),
        conclusion=partial(lemma_conclusion if against_lemma else conclusion, rule),
        features=lambda _: (),
    )


def overshooting_limit(C: float) -> float:
    """``(1-c^2)/(1+c^2)``: beyond it a step from slope 1-c over slope 1+c leaves more than ``1 - eta/rho``."""
    c = C / 3
    return (1 - c**2) / (1 + c**2)


T1_SHARP_ADVERSARY = _ADVERSARY.with_mutants(
    _mutant(_ADVERSARY, "condition-1-weakened", "sigma_min(J0) >= 0.9 only", shrunk=0.9),
    _mutant(_ADVERSARY, "condition-2-weakened", "||J - J0||_2 <= 1.1 c", widened=1.1),
    _mutant(_ADVERSARY, "rho-denominator", "the factor 1 - eta/(1+c)", factor=lambda eta, C: 1 - eta / (1 + C / 3)),
    _mutant(_ADVERSARY, "rho-numerator", "the factor 1 - eta (1-c)", factor=lambda eta, C: 1 - eta * (1 - C / 3)),
    _mutant(
        _ADVERSARY,
        "step-limit-beyond",
        "eta up to 1.1 (1-c^2)/(1+c^2)",
        step_limit=lambda C: 1.1 * overshooting_limit(C),
        slope=-1.0,
    ),
)
T1_LEMMA_S = _LEMMA.with_mutants(
    _mutant(_LEMMA, "condition-1-weakened", "sigma_min(J0) >= 0.99 only", shrunk=0.99),
    _mutant(_LEMMA, "condition-2-weakened", "||A - J0||_2 <= 1.1 c", widened=1.1),
    _mutant(_LEMMA, "row-space-dropped", "z anywhere", outside=3.0),
    _mutant(
        _LEMMA, "row-space-of-J0", "||v|| >= 1, as if z lay in the row space of J0", "turned", overlap=lambda c: arb(0)
    ),
    _mutant(_LEMMA, "overlap-smaller", "0.9 Q in the place of Q", "turned", overlap=lambda c: arb(9) / 10),
    _mutant(_LEMMA, "overlap-larger", "1.1 Q in the place of Q", overlap=lambda c: arb(11) / 10),
    _mutant(_LEMMA, "along-larger", "1.1 c/(1+c) in the place of c/(1+c)", along=lambda c: 1.1 * c / (1 + c)),
    _mutant(_LEMMA, "along-without-denominator", "c in the place of c/(1+c)", along=lambda c: c),
    _mutant(_LEMMA, "constant-numerator", "(1+c)(1-1.9c)", constant=lambda c: (1 + c) * (1 - 1.9 * c)),
    _mutant(
        _LEMMA, "constant-first-factor", "(1+1.1c)(1-2c) for c < 1/2", constant=lambda c: (1 + 1.1 * c) * (1 - 2 * c)
    ),
)

CLAIMS = (T1_SHARP_ADVERSARY, T1_LEMMA_S)


def _step_slack(C: float) -> SlackRow:
    return SlackRow(
        "T1-sharp",
        f"largest step size with the paper's rate ||r(k)||^2 <= (1-eta)^k ||r(0)||^2, C = {C}",
        ngd.step_limit(C, "T1"),
        ngd.step_limit(C, "T1-sharp"),
        1.01 * ngd.step_limit(C, "T1-sharp"),
        "T1-sharp/step-beyond-sharp",
        "T1-tight's spike map breaks the rate at every larger step",
    )


def _factor_slack(C: float) -> SlackRow:
    return SlackRow(
        "T1-sharp-adversary",
        f"largest step size with the factor 1 - eta/rho, C = {C}",
        None,
        ngd.factor_limit(C),
        overshooting_limit(C),
        "T1-sharp-adversary/step-limit-beyond",
        "beyond the counterexample's value a step from slope 1-c over slope 1+c goes too far",
    )


_RANGE_SLACK = SlackRow(
    "T1-lemma-S",
    "the hypothesis c < 1",
    None,
    None,
    None,
    remark="no counterexample known; T1-sharp needs c < 1/3 only",
)

SLACK = (*(_step_slack(C) for C in (0.1, 0.49)), *(_factor_slack(C) for C in (0.1, 0.49, 0.9)), _RANGE_SLACK)
