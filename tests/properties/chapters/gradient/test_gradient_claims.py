"""Instances of the claims on GD: what they reach, what makes them vacuous, and what the comparison says of data."""

import dataclasses
import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from properties.chapters.gradient import gradient_advantage as advantage
from properties.chapters.gradient import gradient_descent, gradient_linear, linear_models
from properties.dataset.ladder import Rung
from properties.dataset.rung import RungContext
from properties.dataset.topics import gradient_data
from properties.descent import gradient_singular
from properties.descent.instances import MapInstance
from properties.descent.numbers import Numbers
from properties.descent.rule import Rule, guaranteed_share, root
from properties.descent.singular import SingularRun
from properties.engine.claim import InstanceVerdict, Verdict
from properties.engine.search import evaluate, evaluate_instance
from properties.reading.datasets import Dataset
from theory.inputs import normalise_rows
from theory.rigour.precision import working_precision
from theory.theorems import gradient_descent as gd

KINK: Mapping[str, Any] = {
    "directions": 2,
    "extra_parameters": 1,
    "condition_exponent": 2,
    "residual": "lowest",
    "steeper": False,
    "rotated": True,
    "constant_tenth": 5,
    "constant_percent": 50,
    "step_percent": 50,
    "seed": 1,
}


def kink(rule: Rule, **changes: Any) -> MapInstance:
    found = gradient_descent.kinks(rule).build({**KINK, **changes})
    assert isinstance(found, MapInstance)
    return found


@pytest.mark.parametrize("theorem", gd.THEOREMS)
def test_kinks_have_the_constant_and_the_share_of_the_step_limit_that_were_asked_for(theorem: str) -> None:
    rule = gradient_descent.rule_of(theorem)
    instance = kink(rule)
    asked = gd.constant_limit(theorem) * 0.55
    assert instance.certificate.constant == pytest.approx(asked, rel=1e-9)
    limit = gd.step_limit(asked, 100.0, 1.0, theorem)
    assert instance.operator_norm == pytest.approx(100.0, rel=1e-9)
    assert instance.eta == pytest.approx(0.5 * limit, rel=1e-7)
    assert instance.optimiser == "gd"
    for hypothesis in rule.hypotheses(instance):
        assert hypothesis.verdict is Verdict.HOLDS


def test_the_lowest_direction_moves_at_the_lowest_slope() -> None:
    """From the first iterate on the residual shrinks by ``1 - eta (1-c)^2 lambda``, T0-sharp's rate for small steps."""
    instance = kink(gradient_descent.T0_SHARP_RULE, step_percent=1)
    c = instance.certificate.constant / 3
    for step in instance.run.steps[1:]:
        assert step.after / step.before == pytest.approx(1 - instance.eta * (1 - c) ** 2, rel=1e-10)
    assert "decrease within 10% of the guarantee" in gradient_descent.features(gradient_descent.T0_SHARP_RULE, instance)
    at = Numbers(instance)
    factor = gradient_descent.T0_SHARP_RULE.factor(at)
    share = guaranteed_share(at, factor, 1.0, instance.run.steps[3].after / instance.run.steps[3].before)
    assert 0.99 < share <= 1


def test_residuals_point_where_they_are_asked_to() -> None:
    for kept, expected in (("lowest", [True, False]), ("highest", [False, True]), ("all", [True, True])):
        instance = kink(gradient_descent.T0_RULE, residual=kept, rotated=False)
        assert list(instance.targets != 0) == expected
    steeper = kink(gradient_descent.T0_RULE, steeper=True, rotated=False)
    slopes = steeper.model.jacobian(np.full(steeper.model.parameters, -1.0))
    c = steeper.certificate.constant / 3
    assert np.diag(slopes) == pytest.approx([1 - c, 100 + c])


def test_a_step_beyond_the_limit_is_vacuous_and_a_constant_beyond_it_undecided() -> None:
    claim, instance = gradient_descent.T0, kink(gradient_descent.T0_RULE)
    beyond = dataclasses.replace(instance, eta=2.1 * instance.eta)
    assert evaluate_instance(claim, "F4", KINK, beyond).verdict is InstanceVerdict.VACUOUS
    moving = kink(gradient_descent.T0_SHARP_RULE, constant_tenth=9, constant_percent=90)
    assert evaluate_instance(claim, "F4", KINK, moving).verdict is InstanceVerdict.UNDECIDED_HYPOTHESIS


@pytest.mark.parametrize(("share", "tight"), [(0.95, True), (0.8, False)])
def test_one_step_near_the_guarantee_makes_a_run_tight(share: float, tight: bool) -> None:
    """``||r||^2`` is to fall by 0.19: by 0.19/share in one step, and by nearly everything in the other."""
    steps = [SimpleNamespace(before=1.0, after=after) for after in (math.sqrt(1 - 0.19 / share), 0.01)]
    rule: Any = SimpleNamespace(factor=lambda *_: 0.9)
    run = SimpleNamespace(steps=steps, flips=0)
    instance: Any = SimpleNamespace(eta=1.0, certificate=SimpleNamespace(constant=0.5), run=run)
    found = gradient_descent.features(rule, instance)
    assert ("decrease within 10% of the guarantee" in found) is tight


def test_a_wrong_optimiser_is_caught() -> None:
    """A step along J^T J J^T r in the place of J^T r is too long in the highest direction."""
    instance = kink(gradient_descent.T0_RULE, residual="all", rotated=False, step_percent=100)
    wrong = dataclasses.replace(instance, eta=instance.eta * 1e4, optimiser="gd")
    bounds = gradient_descent.T0_RULE.conclusion(dataclasses.replace(wrong, steps=1))
    assert bounds[0].measured > instance.run.steps[0].before


def test_singular_maps_break_the_rate_of_the_smallest_nonzero_eigenvalue() -> None:
    null = SingularRun(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([0.0, 1.0]), fmpq(1, 2))
    assert gradient_singular.conclusion(lambda share: share, null)[0].verdict is Verdict.REFUTED
    along = SingularRun(np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([1.0, 0.0]), fmpq(1, 2))
    found = gradient_singular.conclusion(lambda share: share, along)[0]
    assert (found.measured, found.predicted) == (0.25, 0.5)
    sharp = gradient_singular.conclusion(lambda share: share * (2 - share), along)[0]
    assert (sharp.measured, sharp.predicted, sharp.verdict) == (0.25, 0.25, Verdict.HOLDS)


def test_the_linear_claim_sees_a_wrong_power_and_a_wrong_kernel() -> None:
    instance = gradient_linear.LinearInstance(np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([1.0, -1.0]), fmpq(1, 3), 3)
    assert all(bound.verdict is Verdict.HOLDS for bound in gradient_linear.LinearRule().conclusion(instance))
    wrong = gradient_linear.LinearRule(lambda gram, r, eta, k: r * (1 - eta) ** k)
    verdicts = [bound.verdict for bound in wrong.conclusion(instance)]
    assert verdicts == [Verdict.REFUTED] * 3 + [Verdict.HOLDS] * 3
    singular = dataclasses.replace(instance, jacobian=np.ones((2, 2)))
    assert gradient_linear.LinearRule().hypotheses(singular)[1].verdict is Verdict.REFUTED


# --- T0-advantage ----------------------------------------------------------------------------------------------------

SPECTRUM: Mapping[str, Any] = {
    "outputs": 3,
    "residual": "lowest",
    "step_percent": 100,
    "natural_percent": 50,
    "constant_percent": 30,
    "steps_percent": 50,
    "reduction_exponent": 3,
    "seed": 2,
    "extra_parameters": 1,
    "condition_exponent": 1,
}


def test_both_families_build_the_gram_matrix_of_their_jacobian() -> None:
    for family, description in zip(
        linear_models.FAMILIES,
        (SPECTRUM, {**SPECTRUM, "extra_dimensions": 1, "width": 60, "kind": "uniform"}),
        strict=True,
    ):
        model = family.build(description)
        with working_precision(linear_models.BITS):
            exact = model.gram
            gram = np.array([[float(exact[i, j]) for j in range(3)] for i in range(3)])
        values = np.linalg.eigvalsh(gram)
        below, above = model.eigenvalue_bounds
        assert values[0] * (1 - 1e-9) <= below <= values[0] * (1 + 1e-13)
        assert values[-1] * (1 - 1e-13) <= above <= values[-1] * (1 + 1e-9)
        if not model.width:
            assert values == pytest.approx([1, 10, 100], rel=1e-12)


def test_the_rates_are_attained_at_the_largest_and_at_the_best_step() -> None:
    at_limit = evaluate(advantage.T0_ADVANTAGE, linear_models.FAMILIES[0], SPECTRUM)
    assert at_limit.verdict is InstanceVerdict.HOLDS
    by_label = {bound.label[:3]: bound for bound in at_limit.bounds}
    assert next(bound for bound in at_limit.bounds if "at least (1 - 2w" in bound.label).ratio > 1 - 1e-9
    assert by_label["(c)"].ratio < 1
    best = evaluate(advantage.T0_ADVANTAGE, linear_models.FAMILIES[0], {**SPECTRUM, "step_percent": 50})
    assert best.bounds[-1].label.startswith("(c)")
    assert best.bounds[-1].ratio > 1 - 1e-9


@pytest.mark.parametrize(
    ("constant", "verdict"), [(0.01, Verdict.HOLDS), (0.59, Verdict.HOLDS), (0.6, Verdict.REFUTED)]
)
def test_every_constant_below_three_fifths_is_admitted(constant: float, verdict: Verdict) -> None:
    instance = dataclasses.replace(linear_models.FAMILIES[0].build(SPECTRUM), constant=constant)
    (found,) = (one for one in advantage.AdvantageRule().hypotheses(instance) if one.name == "C < 3/5")
    assert found.verdict is verdict


@pytest.mark.parametrize(("fall", "factor"), [(0.0, 1.0), (0.75, 0.5), (fmpq(15, 16), 0.25), (1.0, 0.0), (3.0, 0.0)])
def test_the_factor_of_a_residual_is_the_root_of_that_of_its_square(fall: Any, factor: float) -> None:
    numbers: Any = None  # the fall is a constant
    assert float(root(lambda at: fall)(numbers)) == factor


@pytest.mark.parametrize("C", [0.1, 0.49])
def test_the_proved_step_limit_of_gradient_descent_is_the_larger_theorem_s(C: float) -> None:
    """``(1 - 2c)/(1 - c)``, c = C/3, of T0-sharp, where lambda is nothing beside ``||J(0)||_2^2 = 1``."""
    row = gradient_descent._slack(C)
    assert row.proved == pytest.approx((1 - 2 * C / 3) / (1 - C / 3), rel=1e-12)


def test_what_the_statement_does_not_cover_is_vacuous() -> None:
    claim, family = advantage.T0_ADVANTAGE, linear_models.FAMILIES[0]
    model = family.build(SPECTRUM)
    for changes in ({"share": 1.5}, {"constant": 0.7}, {"low": model.high}):
        moved = dataclasses.replace(model, **changes)
        assert evaluate_instance(claim, "spectrum", SPECTRUM, moved).verdict is InstanceVerdict.VACUOUS


# --- data ------------------------------------------------------------------------------------------------------------


def context(width: int, scale: float) -> RungContext:
    rng = np.random.default_rng(0)
    raw = rng.standard_normal((3, 4))
    dataset = Dataset("drawn", normalise_rows(raw), np.array([1.0, -1.0, 1.0]), raw, "drawn")
    return RungContext(dataset, Rung(3, width, scale, True, 32), seed=1)


def test_the_topic_checks_T0_and_compares_the_optimisers() -> None:
    seen = context(20_000, 30.0)
    found = gradient_data.gradient_descent(seen)
    assert {claim for claim, _ in found.results} == {"T0", "T0-sharp"}
    assert all(evaluation.verdict is InstanceVerdict.HOLDS for _, evaluation in found.results)
    values = np.linalg.eigvalsh(seen.gram)
    comparison = found.values["comparison"]
    assert comparison["condition_number"] == pytest.approx(values[-1] / values[0], rel=1e-6)
    assert comparison["rows_over_lambda_min"] == pytest.approx(3 / values[0], rel=1e-6)
    observed = {name: seen.run(name).iterations for name in ("gd", "ngd")}
    assert observed["gd"] is not None
    assert observed["ngd"] is not None
    assert comparison["least_linearised_iterations"] <= observed["gd"] <= found.values["theorems"]["T0"]["iterations"]
    assert comparison["least_linearised_iterations"] <= comparison["least_linearised_iterations_of_the_worst_target"]
    assert observed["ngd"] < observed["gd"]
    assert "T0-sharp allows eta = " in found.lines[0]


def test_the_topic_says_so_when_no_theorem_applies() -> None:
    found = gradient_data.gradient_descent(context(40, 0.1))
    assert found.results == ()
    assert "no step size that T0 allows" in found.lines[0]
    twice = context(40, 1.0)
    twice.inputs = twice.inputs[[0, 0, 1]]
    (reason,) = gradient_data.gradient_descent(twice).unavailable.values()
    assert reason.startswith("Condition 1 fails: G(0) is singular: inputs 0 and 1 are equal")


def test_condition_1_is_the_certified_eigenvalue_itself_however_small() -> None:
    tiny = np.diag([1.0, 2.0**-12])
    model = linear_models.LinearModel(
        {"J": tiny}, 0, np.array([0.0, 1.0]), np.array([1.0, 0.0]), 0.5, 0.5, 0.1, 0.5, 0.5
    )
    asked = advantage.AdvantageRule().hypotheses(model)
    assert 0 < asked[0].margin == model.eigenvalue_bounds[0] < 2.0**-24
    assert asked[0].verdict is Verdict.HOLDS
