"""T4-tube: its numbers against fractions and the optimiser itself, what attains its rate, and what its families reach."""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

from properties.chapters.tube.kfac import T4_TUBE, of_kernel
from properties.chapters.tube.kronecker import KroneckerTubeNetwork, exact_leverage
from properties.chapters.tube.kronecker_families import PatternClosing, build_drawn, build_planned, fan, step_size
from properties.chapters.tube.kronecker_rule import CLOSES, KroneckerRule
from properties.engine.claim import Bound, Verdict
from theory.descent.steps import FunctionSpaceDescent
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.precision import working_precision
from theory.stability import bounds_at, certify_tube, tube_start
from theory.stability.tube.kfac import KroneckerWidths, pattern_start
from theory.theorems import tube_kfac

BITS = 128
RULE = KroneckerRule()
DRAWN: Mapping[str, Any] = {
    "inputs": 3,
    "dimension": 3,
    "kind": "uniform",
    "half_width": 128,
    "symmetric": False,
    "direction": "random",
    "ratio_percent": 50,
    "step_percent": 50,
    "steps": 5,
    "form": "plain",
    "seed": 1,
}
MORE_INPUTS: Mapping[str, Any] = {
    "dimension": 2,
    "half_width": 256,
    "ratio_percent": 70,
    "step_percent": 100,
    "seed": 5,
}


def planned(plan: str, fixed: int, flipping: int, **changes: Any) -> KroneckerTubeNetwork:
    usual = {"step_percent": 100, "steps": 4, "form": "plain"}
    return build_planned({"plan": plan, "fixed": fixed, "flipping": flipping, **usual, **changes})


def checked(instance: KroneckerTubeNetwork) -> list[Bound]:
    """The bounds of an instance all of whose hypotheses and bounds hold."""
    assert {one.verdict for one in T4_TUBE.hypotheses(instance)} == {Verdict.HOLDS}
    assert T4_TUBE.confirm is not None
    with working_precision(2 * BITS):
        bounds = [*T4_TUBE.conclusion(instance), *T4_TUBE.confirm(instance, 2 * BITS)]
    assert {one.verdict for one in bounds} == {Verdict.HOLDS}
    return bounds


def ratio(bounds: list[Bound], start: str) -> float:
    return next(one.ratio for one in bounds if one.label.startswith(start))


def test_alpha_and_S_are_what_the_statement_says() -> None:
    eta, h_max, mu, h_min = Fraction(1, 2), Fraction(3, 4), Fraction(1, 4), Fraction(1, 4)
    alpha = (1 - mu) * (2 - eta * h_max * (1 - mu))
    assert tube_kfac.gain(0.5, 0.75, 0.25) == pytest.approx(float(alpha), rel=1e-14)
    assert tube_kfac.rate(0.5, 0.25, 0.25) == pytest.approx(float(1 - eta * h_min * (1 - mu)), rel=1e-14)
    assert tube_kfac.rate(0.5, 0.25, 0.25) ** 2 <= 1 - eta * alpha * h_min
    assert tube_kfac.path_sum(3.0, 0.25, 0.25) == pytest.approx(float(3 / ((1 - mu) / 2)), rel=1e-14)
    assert tube_kfac.leverage_limit(0.25, 0.75) == pytest.approx(float((1 - 2 * mu) / (1 - mu) ** 2 / h_max), rel=1e-14)
    assert tube_kfac.leverage_limit(0.5, 0.75) == 0
    assert tube_kfac.step_limit(0.75) == pytest.approx(4 / 3, rel=1e-14)
    assert tube_kfac.damped_contraction(0.25, 2.0, 1.0) == 0.5
    assert tube_kfac.plain_solution(4, 16, 0.25) == 8.0
    assert tube_kfac.plain_solution(400, 16, 0.25) == 8.0
    assert tube_kfac.neuron_solution(1.0, 4, 0.5, 0.25) == 11.0
    assert tube_kfac.width(2.0, 0.25, 3.0, 9) == pytest.approx(1.0, rel=1e-14)


def test_leverage_scores_are_those_of_fractions() -> None:
    """Two inputs that are opposite share a direction; a third has its own."""
    scores = exact_leverage(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]))
    assert scores == [fmpq(1, 2), fmpq(1, 2), fmpq(1)]
    for n in range(3, 8):
        rows = fan(n)
        found = [float(one) for one in exact_leverage(rows)]
        assert found == pytest.approx(InputGeometry.of(rows).leverage.tolist(), rel=1e-9)
        assert sum(exact_leverage(rows), fmpq(0)) == 2
        assert found[0] > 0.9


@pytest.mark.parametrize("changes", [{}, MORE_INPUTS, {"form": "neuron"}], ids=["n <= d", "n > d", "neuron"])
def test_the_run_is_that_of_the_optimiser(changes: Mapping[str, Any]) -> None:
    instance = build_drawn({**DRAWN, **changes})
    state = FunctionSpaceDescent(instance.net, instance.inputs, instance.targets)
    start, h = state.pre_activations.copy(), [float(one) for one in exact_leverage(instance.inputs)]
    followed = instance.first_run
    assert len(followed.moved) > 2
    for k, motion in enumerate(followed.moved):
        weighted = np.sqrt(np.sum(h * state.residual**2))
        assert float(followed.coefficients[k]) == pytest.approx(weighted, rel=1e-7)
        state.advance(instance.eta, "kfac")
        moved = np.abs(state.pre_activations - start)
        enclosed = np.array([[abs(float(one)) for one in row] for row in motion.ways])[:, motion.group]
        assert np.abs(enclosed - moved).max() <= 1e-7 * moved.max()


@pytest.mark.parametrize("changes", [{}, MORE_INPUTS, {"form": "neuron"}, {"inputs": 1}])
def test_drawn_tubes_close_have_flips_and_are_not_left(changes: Mapping[str, Any]) -> None:
    instance = build_drawn({**DRAWN, **changes})
    checked(instance)
    assert instance.first_run.flips > 0
    with working_precision(BITS):
        assert 0.2 < float(instance.tube.ratio) <= 0.01 * {**DRAWN, **changes}["ratio_percent"]


@pytest.mark.parametrize("step_percent", [20, 100])
def test_one_input_attains_the_rate(step_percent: int) -> None:
    bounds = checked(planned("single", 8, 4, step_percent=step_percent))
    assert ratio(bounds, "||r(1)|| <= factor ||r(0)||") > 0.999


def test_the_path_of_one_input_is_nearly_S() -> None:
    """By ``1 - mu^2``, mu = 1/3, at eta = 1; 1 + mu of what it would be without the ratio."""
    bounds = checked(planned("single", 8, 4))
    assert ratio(bounds, "sum") == pytest.approx(8 / 9, rel=1e-3)


def test_the_residual_falls_as_fast_as_the_theorem_says_where_scores_differ() -> None:
    """Nothing flips, and the residual is along the input of the least score: the fall is attained, and the rate with it."""
    bounds = checked(build_drawn({**DRAWN, **MORE_INPUTS, "kind": "fan", "direction": "lowest", "ratio_percent": 0}))
    assert ratio(bounds, "||r(1)|| <= ||r(0)|| - eta") == pytest.approx(1, rel=1e-12)
    assert ratio(bounds, "||r(1)||^2 <= ||r(0)||^2 - eta alpha") < 0.999


def test_the_width_of_a_neuron_that_moves_over_is_not_that_of_the_start() -> None:
    """A neuron of 160 others joins an input of 16: it moves by more than the start and D_N alone would allow."""
    instance = planned("joining", 8, 1, step_percent=20, steps=20, form="neuron")
    checked(instance)
    with working_precision(BITS):
        at = instance.tube
        known, which = at.solutions
        without = [tube_kfac.neuron_solution(one.norm, 0, one.changed, at.lambda_min) for one in known]
        path = tube_kfac.path_sum(at.residual_norm, at.ratio, at.h_min)
        allowed = float(tube_kfac.width(path, arb(1), without[int(which[-1])], at.neurons))
        motion = instance.first_run.moved[-1]
        moved = max(abs(float(one)) for one in motion.ways[:, motion.group[-1]])
    assert moved > 2 * allowed


def test_for_one_input_the_ratio_makes_up_for_D_N() -> None:
    """One input that loses as much as it keeps, and a step of a thousandth: all of the width for q alone, and no more."""
    instance = planned("single", 8, 8, step_percent=0.1, steps=1)
    with working_precision(BITS):
        at = instance.tube
        known, which = at.solutions
        path = tube_kfac.path_sum(at.residual_norm, at.ratio, at.h_min)
        allowed = float(tube_kfac.width(path, arb(1), known[int(which[0])].norm, at.neurons))
        step = instance.first_run.steps[0]
        later = float(step.after) * at.neurons / 8 / np.sqrt(at.neurons)  # the sum of eta r, over H = 8/m
    assert 0.999 < later / allowed < 1


def test_orthonormal_inputs_refute_the_tube_of_the_kernel() -> None:
    """mu of K's own M and lambda_b is too small where inputs share neurons."""
    instance = planned("joint", 8, 4)
    checked(instance)
    with working_precision(BITS):
        step, kernel = instance.first_run.steps[0], of_kernel(instance)
        assert float(step.after / step.before) > 1.2 * float(kernel.ratio)
        assert float(step.after / step.before) < float(instance.tube.ratio)


@pytest.mark.parametrize("per_neuron", [False, True])
@pytest.mark.parametrize("changes", [{}, MORE_INPUTS], ids=["n <= d", "n > d"])
def test_certificates_are_tubes_of_the_claim(per_neuron: bool, changes: Mapping[str, Any]) -> None:
    """The certificate of float64 and the numbers in balls, written apart, agree that its tube closes; and that a narrower one does not."""
    form = "neuron" if per_neuron else "plain"
    found = build_drawn({**DRAWN, **changes, "ratio_percent": 30, "form": form})
    known = certify_tube(found.net, found.inputs, found.targets, "kfac", per_neuron=per_neuron)
    assert known.certified
    tight = dataclasses.replace(found, widths=np.array(known.widths))
    checked(tight)
    again = bounds_at(pattern_start(tube_start(found.net, found.inputs, found.targets)), known.widths)
    with working_precision(BITS):
        at = tight.tube
        assert float(again.ratio) == pytest.approx(float(at.ratio), rel=0.02)
        assert float(again.lambda_min) == pytest.approx(float(at.lambda_min), rel=0.02)
        # what is certified was found in a tube that is wider than it has to be
        assert float(known.contraction) >= float(at.ratio) * (1 - 1e-9)
        assert float(known.path_sum) >= float(RULE.path(at)) * (1 - 1e-9)
    narrower = dataclasses.replace(found, widths=np.array(known.widths) * 0.5)
    verdicts = {one.name: one.verdict for one in T4_TUBE.hypotheses(narrower)}
    assert verdicts[CLOSES] is Verdict.REFUTED


def test_what_is_not_assumed_is_refuted() -> None:
    narrow = build_drawn({**DRAWN, "narrowed": 1000})
    assert {one.name: one.verdict for one in T4_TUBE.hypotheses(narrow)}[CLOSES] is Verdict.REFUTED
    longer = build_drawn({**DRAWN, "step_percent": 101})
    verdicts = {one.name: one.verdict for one in T4_TUBE.hypotheses(longer)}
    assert verdicts["step size 0 < eta h_max <= 1 (exact)"] is Verdict.REFUTED


@pytest.mark.parametrize("n", [3, 4, 7])
def test_the_longest_step_is_within_its_limit_exactly(n: int) -> None:
    rows = fan(n)
    eta, largest = step_size(rows, 100), max(exact_leverage(rows))
    assert Fraction(eta) * Fraction(int(largest.p), int(largest.q)) <= 1
    assert eta * float(largest) > 1 - 2.0**-50


def test_by_neuron_is_never_wider_than_for_all() -> None:
    instance = build_drawn({**DRAWN, "form": "neuron"})
    with working_precision(BITS):
        single, common = RULE.needed(instance.tube, "neuron"), RULE.needed(instance.tube, "plain")
        shares = np.array([[float(one / other) for one in row] for row, other in zip(single, common, strict=True)])
    assert shares.max() <= 1
    assert np.median(shares) < 0.9


def test_ratios_are_dialled() -> None:
    for percent in (10, 30, 60):
        instance = build_drawn({**DRAWN, "inputs": 2, "half_width": 256, "ratio_percent": percent, "seed": 2})
        closing = PatternClosing(instance.net, instance.inputs)
        found = closing.closed(instance.net.outputs(instance.inputs) - instance.targets, "plain")
        assert found is not None
        assert 0.5 * percent / 100 < found[0].ratio <= percent / 100


def test_widths_that_are_remembered_are_those_of_the_pairs_that_are_asked_for() -> None:
    """Others of the same block are other ones, and so are those of another tube."""
    asked: list[int] = []

    class Counted(KroneckerWidths):
        def _at(self, entries: Any) -> FloatArray:
            asked.append(entries.name)
            return np.array([10.0 * entries.name + self.error])

    def pairs(name: int, block: int) -> Any:
        return SimpleNamespace(name=name, neurons=slice(block, block + 1))

    widths: Any = Counted
    one, other = (widths(*[None] * 6, error, {}, {}) for error in (0.0, 1.0))
    first, second, elsewhere = pairs(1, 0), pairs(2, 0), pairs(3, 64)
    assert [one.at(it)[0] for it in (first, first, elsewhere, first, elsewhere)] == [10, 10, 30, 10, 30]
    assert asked == [1, 3]
    assert [one.at(it)[0] for it in (second, elsewhere, first)] == [20, 30, 10]
    assert other.at(first)[0] == 11
