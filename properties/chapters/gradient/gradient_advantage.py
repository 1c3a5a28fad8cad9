"""T0-advantage: what the guarantees of GD and NGD differ by, and how slow GD really is in the linearised model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from flint import arb, arb_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.families import examples
from properties.descent.inputs import draw_inputs
from properties.descent.strategies import Description, orthogonal_matrix
from properties.engine.claim import Bound, Claim, Family, Hypothesis, Mutant, Provenance, at_most_enclosed, require
from properties.engine.descriptions import described
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.rigour import largest_eigenvalue_upper_bound, smallest_eigenvalue_lower_bound
from theory.rigour.enclosed_step import norm_enclosed
from theory.rigour.exact import ball_matrix, entrywise_product
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.theorems import gradient_descent as gd
from theory.theorems import ngd

BITS = 320
"""Precision of the balls: a power k of ``I - eta G`` loses about log2 k bits, and what is left of r(0) is not small."""

LEAST_REDUCTION = 1e-15
"""Rates are compared after a share of the steps that they need for this reduction."""


@stored_as("linear-model")
@dataclass(frozen=True)
class LinearModel:
    """J frozen: the Gram matrix of a Jacobian, or of a ReLU network, exact as given, and two residuals."""

    factors: Mapping[str, FloatArray]
    """``J`` (n, p); or ``X`` (n, d) and ``counts`` (n, n) of a ReLU network of width ``m``."""
    width: int
    """m; 0 for a Jacobian."""
    low: FloatArray
    """A residual near the lowest eigenvector, or anything else, shape (n,)."""
    high: FloatArray
    """A residual near the highest eigenvector, shape (n,)."""
    share: float
    """GD's step size as a share of ``2/Lambda``; (c) takes the share of ``4/(W+w)``."""
    natural_step: float
    """NGD's step size, in (0, 1)."""
    constant: float
    """The C of the guarantees, below 3/5."""
    steps_share: float
    """Rates are compared after this share of the steps that they need for ``LEAST_REDUCTION``."""
    reduction: float

    @property
    def gram(self) -> arb_mat:
        """G (n, n) in balls at the working precision."""
        if not self.width:
            jacobian = ball_matrix(self.factors["J"])
            return jacobian * jacobian.transpose()
        inputs = ball_matrix(self.factors["X"])
        return entrywise_product(inputs * inputs.transpose(), ball_matrix(self.factors["counts"])) * (
            1 / arb(self.width)
        )

    @cached_property
    def eigenvalue_bounds(self) -> tuple[float, float]:
        """Certified lower bound of lambda and upper bound of Lambda."""
        n = len(self.low)
        with working_precision(BITS):
            exact = self.gram
            gram = np.array([[float(exact[i, j].mid()) for j in range(n)] for i in range(n)])
        error = gamma(2) * float(np.abs(gram).sum())
        gram = (gram + gram.T) / 2
        smallest = smallest_eigenvalue_lower_bound(gram) - error
        return smallest, (largest_eigenvalue_upper_bound(gram) + error) * (1 + gamma(2))


@dataclass(frozen=True)
class AdvantageRule:
    """The numbers of the claim, as stated or as a mutant states them; balls in, balls out."""

    ratio: Callable[[arb, arb], arb] = lambda lambda_min, largest: lambda_min / largest
    """(lambda, Lambda) -> how GD's guarantee compares with NGD's, at most."""
    least: Callable[[float], float] = gd.least_guarantee
    """C -> GD's guarantee at its limit over lambda/n, at least."""
    fastest: Callable[[arb, arb], arb] = gd.fastest_rate
    """(w, ||J(0)||_2) -> a rate that no step size beats."""
    worst_target: Callable[[arb, arb], arb] = gd.worst_target_rate
    """(w, W) -> a rate that no step size beats for both residuals."""
    stretch: float = 1.0
    """How many times as many steps as proved GD is said to need."""
    both_targets: bool = True
    """Whether (c) takes the slower of two residuals."""
    largest_share: float = 1.0
    any_quotient: bool = False
    """Whether (b)'s rate is claimed for every quotient w."""


def hypotheses(rule: AdvantageRule, instance: LinearModel) -> Sequence[Hypothesis]:
    """Condition 1; a step size within the rule's share of ``2/Lambda``; ``2w <= Lambda``, or (b) says nothing."""
    smallest, largest = instance.eigenvalue_bounds
    found = [
        require("Condition 1: certified lambda_min(G(0)) > 0", smallest or -1.0),
        require("C < 3/5", 0.6 - instance.constant - 1e-9),
        require("step size within its limit", rule.largest_share - instance.share),
    ]
    with working_precision(BITS):
        low, high = (_quotient(instance.gram, _column(vector)) for vector in (instance.low, instance.high))
        margin = float((arb(largest) / 2 - low).lower())
        order = float((high - low).lower())
    if not rule.any_quotient:
        found.append(require("r(0)'s quotient w <= Lambda/2", margin))
    return [*found, require("w < W", order)]


def conclusion(rule: AdvantageRule, instance: LinearModel) -> Sequence[Bound]:
    """Guarantees, rates and counts in balls, exact as given."""
    with working_precision(BITS):
        return [*_guarantees(rule, instance), *_separation(rule, instance), *_worst_target(rule, instance)]


def _guarantees(rule: AdvantageRule, instance: LinearModel) -> list[Bound]:
    """(a), with the certified bounds in the place of lambda and Lambda: the theorems hold with them."""
    C = arb(instance.constant)
    lambda_min, largest = (arb(value) for value in instance.eigenvalue_bounds)
    norm = largest.sqrt()
    natural = ngd.step_limit(C, "T1-sharp")
    bounds = []
    for theorem in gd.THEOREMS:
        guaranteed = gd.decrease(gd.step_limit(C, norm, lambda_min, theorem), C, norm, lambda_min, theorem)
        label = f"(a) decrease of ||r||^2 guaranteed by {theorem} <= lambda/Lambda times T1-sharp's"
        bounds.append(at_most_enclosed(label, guaranteed, rule.ratio(lambda_min, largest) * natural))
        if theorem == "T0" and instance.width:
            least = rule.least(C) * lambda_min / len(instance.low)
            bounds.append(at_most_enclosed("(a) least guarantee times lambda/n <= T0's decrease", least, guaranteed))
    return bounds


def _separation(rule: AdvantageRule, instance: LinearModel) -> list[Bound]:
    """(b): the rate after some steps, and the count that it implies, against the linearised model itself."""
    gram, start = instance.gram, _column(instance.low)
    largest = arb(instance.eigenvalue_bounds[1])
    eta = instance.share * gd.linear_step_limit(largest.sqrt())
    quotient, reduction = _quotient(gram, start), arb(instance.reduction)
    fastest, initial = rule.fastest(quotient, largest.sqrt()), _norm(start)
    steps = _steps(instance, fastest)
    after = _norm(_power(gram, eta, steps) * start)
    rate = at_most_enclosed(
        "(b) ||r(k)|| of GD, eta <= 2/Lambda, is at least (1 - 2w/Lambda)^k ||r(0)||", fastest**steps * initial, after
    )
    if rule.any_quotient:
        return [rate]
    # the largest k that is certainly below ln(1/eps)/(-ln(1 - 2w/Lambda))
    needed = reduction.log() / (1 - 2 * quotient / largest).log()
    count = int(float((needed * rule.stretch * (1 - arb(2) ** -60)).lower().floor()))
    unfinished = at_most_enclosed(
        "(b) GD has not reached eps ||r(0)|| one step before the count",
        reduction * initial,
        _norm(_power(gram, eta, count) * start),
    )
    natural = arb(instance.natural_step)
    natural_steps = ngd.iterations(1 - instance.natural_step, instance.reduction)
    reached = at_most_enclosed(
        "(b) NGD has reached eps ||r(0)||", (1 - natural) ** natural_steps, reduction * (1 + arb(2) ** -40)
    )
    advantage = at_most_enclosed(
        "(b) NGD's count less one, times -ln(1-eta) (Lambda/(2w) - 1) <= GD's count",
        (natural_steps - 1) * -((1 - natural).log()) * (largest / (2 * quotient) - 1) * (1 - arb(2) ** -40),
        arb(count + 1),
    )
    return [rate, unfinished, reached, advantage]


def _worst_target(rule: AdvantageRule, instance: LinearModel) -> list[Bound]:
    """(c): the slower of two residuals, at a step size up to ``4/(W+w)``."""
    gram = instance.gram
    starts = [_column(instance.low), _column(instance.high)]
    low, high = (_quotient(gram, start) for start in starts)
    eta = instance.share * 4 / (low + high)
    rate = rule.worst_target(low, high)
    steps = _steps(instance, rate)
    power = _power(gram, eta, steps)
    ratios = [_norm(power * start) / _norm(start) for start in starts]
    slower = ratios[0].max(ratios[1]) if rule.both_targets else ratios[0]
    label = "(c) ||r(k)||/||r(0)|| of GD for the slower of two residuals is at least ((W-w)/(W+w))^k"
    return [at_most_enclosed(label, rate**steps, slower)]


def _steps(instance: LinearModel, rate: arb) -> int:
    """A share of the steps that the rate needs for ``LEAST_REDUCTION``, at least one."""
    rate_above_zero = float(rate) if rate > 0 else 0.5
    return max(1, int(instance.steps_share * np.log(LEAST_REDUCTION) / np.log(rate_above_zero)))


def _column(vector: FloatArray) -> arb_mat:
    return ball_matrix(vector)


def _norm(column: arb_mat) -> arb:
    return norm_enclosed(np.array(column.entries(), dtype=object))


def _quotient(gram: arb_mat, column: arb_mat) -> arb:
    """``w = r^T G r / ||r||^2``."""
    transpose = column.transpose()
    return (transpose * gram * column)[0, 0] / (transpose * column)[0, 0]


def _power(gram: arb_mat, eta: arb, steps: int) -> arb_mat:
    """``(I - eta G)^steps``."""
    n = gram.nrows()
    identity = arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
    return (identity - gram * eta) ** steps


def features(instance: LinearModel) -> Sequence[str]:
    """The decade of kappa, and the size of the advantage."""
    smallest, largest = instance.eigenvalue_bounds
    decade = int(np.log10(largest / smallest))
    return [f"kappa in [1e{decade}, 1e{decade + 1})", *(["networks"] if instance.width else [])]


# --- families --------------------------------------------------------------------------------------------------------


def _numbers() -> Mapping[str, SearchStrategy[Any]]:
    return {
        "outputs": st.integers(2, 6),
        "residual": st.sampled_from(["lowest", "mixed", "random"]),
        "step_percent": st.integers(1, 100),
        "natural_percent": st.integers(1, 99),
        "constant_percent": st.integers(1, 59),
        "steps_percent": st.integers(1, 100),
        "reduction_exponent": st.integers(1, 9),
        "seed": st.integers(0, 2**20),
    }


def _spectrum_descriptions() -> SearchStrategy[Description]:
    return described({**_numbers(), "extra_parameters": st.integers(0, 3), "condition_exponent": st.integers(1, 4)})


def _network_descriptions() -> SearchStrategy[Description]:
    return described(
        {
            **_numbers(),
            "extra_dimensions": st.integers(0, 2),
            "width": st.integers(50, 1000),
            "kind": st.sampled_from(["uniform", "clustered"]),
        }
    )


def _finished(
    description: Description, factors: Mapping[str, FloatArray], width: int, gram: FloatArray, rng: np.random.Generator
) -> LinearModel:
    vectors = np.linalg.eigh(gram)[1]
    other = np.asarray(rng.standard_normal(len(gram)))
    lowest = {"lowest": vectors[:, 0], "mixed": vectors[:, 0] + 0.1 * other / np.linalg.norm(other), "random": other}
    return LinearModel(
        factors,
        width,
        np.asarray(lowest[description["residual"]]),
        np.asarray(vectors[:, -1]),
        description["step_percent"] / 100,
        description["natural_percent"] / 100,
        description["constant_percent"] / 100,
        description["steps_percent"] / 100,
        10.0 ** -description["reduction_exponent"],
    )


def _build_spectrum(description: Description) -> LinearModel:
    rng = np.random.default_rng(description["seed"])
    n = description["outputs"]
    spectrum = np.geomspace(1.0, 10.0 ** description["condition_exponent"], num=n)
    right = orthogonal_matrix(n, n + description["extra_parameters"], rng)
    jacobian = (orthogonal_matrix(n, n, rng) * spectrum) @ right
    return _finished(description, {"J": jacobian}, 0, jacobian @ jacobian.T, rng)


def _build_network(description: Description) -> LinearModel:
    rng = np.random.default_rng(description["seed"])
    n = description["outputs"]
    inputs = draw_inputs(n, n + description["extra_dimensions"], description["kind"], rng)
    net = TwoLayerNetwork.initialise(description["width"], inputs.shape[1], 1.0, rng)
    counts = pattern_counts((net.pre_activations(inputs) >= 0).astype(float))
    gram = inputs @ inputs.T * counts / net.width
    return _finished(description, {"X": inputs, "counts": counts}, net.width, gram, rng)


FAMILIES = (
    Family(
        "spectrum", "Jacobians of a given spectrum", _spectrum_descriptions, _build_spectrum, examples(40, 180, 1800)
    ),
    Family("F1", "two-layer ReLU networks", _network_descriptions, _build_network, examples(30, 120, 1200)),
)

RULE = AdvantageRule()

_CLAIM: Claim[LinearModel] = Claim(
    id="T0-advantage",
    statement="(a) at their step limits T0 and T0-sharp guarantee at most lambda/Lambda times the decrease of ||r||^2 that T1-sharp does, "
    "T0 at least (1-5c)(1-c)/(1+c)^2 lambda/n for a ReLU network; (b) linearised, GD with eta <= 2/Lambda has "
    "||r(k)|| >= (1 - 2w/Lambda)^k ||r(0)||, w = r(0)^T G r(0)/||r(0)||^2, hence needs (Lambda/(2w) - 1) ln(1/eps) steps where NGD "
    "needs ln(1/eps)/(-ln(1-eta)); (c) for every eta one of two residuals keeps ((W-w)/(W+w))^k",
    provenance=Provenance.PAPER_WITH_CONSTANTS,
    source="Zhang, Martens, Grosse (2019), section 4: NGD's rate against GD's; docs/theory.md, T0-advantage",
    families=FAMILIES,
    hypotheses=partial(hypotheses, RULE),
    conclusion=partial(conclusion, RULE),
    features=features,
)


def _mutant(
    id: str,
    description: str,
    family: int = 0,
    fixed: Mapping[str, Any] | None = None,
    towards_highest: bool = False,
    **changes: Any,
) -> Mutant:
    """``fixed`` sets fields of every instance: where a step size or count other than the drawn one refutes for sure.

    ``towards_highest`` turns the first residual close to the second.
    """
    rule, chosen = replace(RULE, **changes), FAMILIES[family]
    if fixed is not None:

        def build(parts: Description) -> LinearModel:
            model = FAMILIES[family].build(parts)
            low = model.high + 0.2 * model.low / np.linalg.norm(model.low) if towards_highest else model.low
            return replace(model, low=low, **fixed)

        chosen = replace(chosen, build=build)
    return _CLAIM.neighbour(
        id,
        description,
        families=(chosen,),
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        features=lambda _: (),
    )


T0_ADVANTAGE = _CLAIM.with_mutants(
    _mutant(
        "guarantees-squared",
        "(a) T0 guarantees at most (lambda/Lambda)^2 times the decrease that T1-sharp does",
        ratio=lambda lambda_min, largest: (lambda_min / largest) ** 2,
    ),
    _mutant("least-without-C", "(a) T0 guarantees at least lambda/n whatever C is", family=1, least=lambda C: 1.0),
    _mutant(
        "half-the-limit",
        "(b) no eta <= 2/Lambda beats 1 - w/Lambda",
        fastest=lambda quotient, norm: 1 - quotient / norm**2,
    ),
    _mutant(
        "step-limit-dropped", "(b) no eta beats 1 - 2w/Lambda: eta = 4/Lambda", fixed={"share": 2.0}, largest_share=2.0
    ),
    _mutant(
        "quotient-limit-dropped",
        "(b) ||r(k)|| >= |1 - 2w/Lambda|^k ||r(0)|| for every w: eta = 1/Lambda, one step",
        fixed={"share": 0.5, "steps_share": 0.0},
        towards_highest=True,
        any_quotient=True,
        fastest=lambda quotient, norm: abs(1 - 2 * quotient / norm**2),
    ),
    _mutant("count-stretched", "(b) GD needs 1.5 times as many steps as proved", stretch=1.5),
    _mutant(
        "one-target",
        "(c) for every eta the residual of the lower quotient keeps ((W-w)/(W+w))^k: eta = 4/(W+w), one step",
        fixed={"share": 1.0, "steps_share": 0.0},
        both_targets=False,
    ),
    _mutant(
        "kappa-doubled",
        "(c) with 2 W/w in the place of W/w: eta = 2/(W+w), one step",
        fixed={"share": 0.5, "steps_share": 0.0},
        worst_target=lambda low, high: gd.worst_target_rate(low, 2 * high),
    ),
)

CLAIMS = (T0_ADVANTAGE,)
