"""C2-tube, T1-tube, T1-damped-tube: their evaluations against each other, what is attained, and what their families reach."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from flint import arb

from properties.chapters.tube.closing import Closing
from properties.chapters.tube.families import build_drawn, build_planned
from properties.chapters.tube.instances import TUBE_BITS, TubeNetwork
from properties.chapters.tube.ngd import T1_TUBE
from properties.chapters.tube.points import TubePoints
from properties.chapters.tube.root import T1_TUBE_ROOT
from properties.chapters.tube.stability import C2_TUBE, build_points
from properties.chapters.tube.tube_rule import TubeRule, once_a_kind
from properties.engine.claim import Bound, Verdict
from tests.properties.chapters.tube.sweep import no_false_certificate
from theory.descent.steps import FunctionSpaceDescent
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.precision import working_precision
from theory.stability import bounds_at, tube_start

DRAWN: Mapping[str, Any] = {
    "inputs": 3,
    "dimension": 4,
    "kind": "uniform",
    "half_width": 128,
    "symmetric": False,
    "activation": "relu",
    "ratio_percent": 50,
    "step_percent": 50,
    "steps": 6,
    "form": "start",
    "seed": 5,
}
POINTS: Mapping[str, Any] = {
    "inputs": 2,
    "dimension": 4,
    "kind": "uniform",
    "width": 8,
    "activation": "relu",
    "pairs": 4,
    "touching": False,
    "per_pair": False,
    "seed": 3,
}


def ratios(bounds: list[Bound] | tuple[Bound, ...], start: str) -> list[float]:
    return [one.ratio for one in bounds if one.label.startswith(start)]


def planned(plan: str, fixed: int, flipping: int, **changes: Any) -> TubeNetwork:
    usual = {"step_percent": 100, "steps": 4, "form": "residual"}
    return build_planned({"plan": plan, "fixed": fixed, "flipping": flipping, **usual, **changes})


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_neurons_of_one_kind_are_looked_at_once(activation: str) -> None:
    at = build_drawn({**DRAWN, "activation": activation, "half_width": 64}).tube
    seen: list[float] = []

    def single(row: arb, start: arb, turned: arb, view: arb, flips: arb) -> arb:
        seen.append(float(view))
        return row + 2 * start + 3 * turned + 5 * view + 7 * flips

    with working_precision(TUBE_BITS):
        columns = (*at.start_motions, *at.start_views)
        found = once_a_kind(at, single, *columns)
        rows = np.array(at.row_norms, dtype=object)[:, None]
        expected = np.frompyfunc(single, 5, 1)(rows, *columns)
    assert found.shape == (3, 128)
    assert all(str(one) == str(other) for one, other in zip(found.ravel(), expected.ravel(), strict=True))
    kinds = len(at.kinds[0])
    assert len(seen) == 3 * kinds + 3 * 128
    assert 8 < kinds < 64 if activation == "relu" else kinds == 128


@pytest.mark.parametrize("form", ["start", "neuron"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_certified_is_what_its_definition_says_rounded_outwards(seed: int, form: str) -> None:
    instance = build_drawn({**DRAWN, "seed": seed, "form": form})
    known = bounds_at(tube_start(instance.net, instance.inputs, instance.targets), instance.widths)
    with working_precision(TUBE_BITS):
        at = instance.tube
        above = [(float(known.ratio), float(at.ratio)), (float(known.product_norm), float(at.product_norm))]
        above += [(float(known.jacobian_change), float(at.changing_norm))]
        above += [(float(known.gram_change_norm), float(at.gram_change_norm))]
        for certified, exact in ((known.product_change, at.product_change), (known.gram_change, at.gram_change)):
            above += [(float(one), float(other)) for one, other in zip(certified.ravel(), exact.ravel(), strict=True)]
        least = float(at.lambda_min)
    assert np.count_nonzero(at.near) > 0
    for one, other in above:  # Collatz-Wielandt's bounds are within a percent of the norms, from different vectors
        assert other * (1 - 0.02) <= one <= other * (1 + 0.02)
    assert abs(float(known.lambda_min) - least) <= 0.02 * least


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_pre_activations_are_where_the_optimiser_puts_them(activation: str) -> None:
    """The motion that is enclosed by groups of neurons, against the float64 steps of the optimiser itself."""
    small = {"half_width": 12, "steps": 4, "activation": activation} if activation != "relu" else {"kind": "orthogonal"}
    instance = build_drawn({**DRAWN, **small})
    state = FunctionSpaceDescent(instance.net, instance.inputs, instance.targets)
    start = state.pre_activations.copy()
    followed = instance.first_run
    assert len(followed.moved) > 2
    for k, motion in enumerate(followed.moved):
        coefficients = np.linalg.solve(state.gram, state.residual)
        assert float(followed.coefficients[k]) == pytest.approx(np.linalg.norm(coefficients), rel=1e-8)
        state.advance(instance.eta, "ngd")
        moved = np.abs(state.pre_activations - start)
        enclosed = np.array([[abs(float(one)) for one in row] for row in motion.ways])[:, motion.group]
        assert np.abs(enclosed - moved).max() <= 1e-9 * moved.max()


@pytest.mark.parametrize("step_percent", [20, 100])
def test_one_input_attains_the_rate(step_percent: int) -> None:
    instance = planned("single", 8, 4, step_percent=step_percent)
    assert {one.verdict for one in T1_TUBE.hypotheses(instance)} == {Verdict.HOLDS}
    bounds = T1_TUBE.conclusion(instance)
    assert all(one.verdict is Verdict.HOLDS for one in bounds)
    assert ratios(tuple(bounds), "||r(1)|| <= factor ||r(0)||")[0] > 0.999


def test_the_path_of_one_input_is_all_that_lambda_b_allows() -> None:
    instance = planned("single", 8, 4)
    bounds = T1_TUBE.conclusion(instance)
    with working_precision(TUBE_BITS):
        share = 1 - float(instance.tube.ratio)
    assert ratios(tuple(bounds), "sum")[0] == pytest.approx(share, rel=1e-3)


def test_the_entries_of_M_and_D_are_attained() -> None:
    """All of them, where the inputs are independent; with fewer dimensions than inputs they need not be."""
    for seed in range(5):
        bounds = C2_TUBE.conclusion(build_points({**POINTS, "seed": seed}))
        entries = [one.ratio for one in bounds if " at " in one.label]
        assert len(entries) == 8
        assert min(entries) > 1 - 1e-12


def test_a_pair_on_the_tube_s_edge_may_become_active_and_not_inactive() -> None:
    """Z(0) = -b reaches 0, where a neuron is active; Z(0) = b reaches it as well, and stays active."""
    net = TwoLayerNetwork(np.array([[-1.0], [1.0], [3.0]]), np.ones(3))
    instance = TubePoints(net, np.array([[1.0]]), np.array([1.0]), 0)
    patterns = {tuple(map(bool, one[0])) for one in instance.patterns}
    assert patterns == {(False, True, True), (True, True, True)}
    assert instance.contained
    assert all(one.verdict is Verdict.HOLDS for one in C2_TUBE.conclusion(instance))


def test_weights_outside_the_tube_are_found_out() -> None:
    inside = build_points(POINTS)
    outside = build_points({**POINTS, "reach": 2})
    assert inside.contained
    assert not outside.contained


def test_a_tube_that_does_not_close_makes_a_vacuous_instance() -> None:
    instance = build_drawn({**DRAWN, "narrowed": 1000})
    verdicts = {one.name: one.verdict for one in T1_TUBE.hypotheses(instance)}
    assert verdicts["the tube closes"] is Verdict.REFUTED
    longer = build_drawn({**DRAWN, "step_percent": 101})
    verdicts = {one.name: one.verdict for one in T1_TUBE.hypotheses(longer)}
    assert verdicts["step size 0 < eta <= 1 (exact)"] is Verdict.REFUTED


def test_without_condition_1_an_instance_is_vacuous() -> None:
    """A neuron for each input at most, and one that none sees: G(0) is singular, in float64 too."""
    net = TwoLayerNetwork(-np.ones((4, 1)), np.ones(4))
    inputs = np.ones((1, 1))
    assert Closing(net, inputs).dialled(np.ones(1), 0.5, "start") is None
    instance = TubeNetwork(net, inputs, np.ones(1), np.full(1, 0.5), 1.0, 2)
    assert [one.verdict for one in T1_TUBE.hypotheses(instance)] == [Verdict.REFUTED]


@pytest.mark.parametrize("kind", ["orthogonal", "duplicated"])
def test_inputs_that_coincide_make_a_vacuous_instance(kind: str) -> None:
    """Of four orthogonal inputs in three dimensions two are the same: G(0) is singular, of float64 numbers too."""
    singular = {**DRAWN, "inputs": 4, "dimension": 3, "kind": kind, "half_width": 64, "x_percent": 5, "seed": 0}
    relu = next(family for family in T1_TUBE_ROOT.families if family.id == "relu")
    drawn = ((T1_TUBE, build_drawn(singular)), (T1_TUBE_ROOT, relu.build(singular)))
    assert all(Verdict.REFUTED in {one.verdict for one in claim.hypotheses(instance)} for claim, instance in drawn)


def test_ratios_are_dialled() -> None:
    for percent in (5, 25, 50):
        instance = build_drawn({**DRAWN, "inputs": 2, "half_width": 256, "ratio_percent": percent, "seed": 2})
        closing = Closing(instance.net, instance.inputs)
        found = closing.closed(instance.net.outputs(instance.inputs) - instance.targets, "start")
        assert found is not None
        assert 0.5 * percent / 100 < found[0].ratio <= percent / 100


def test_by_neuron_is_never_wider_than_by_input() -> None:
    instance = build_drawn({**DRAWN, "form": "neuron"})
    rule = TubeRule()
    with working_precision(TUBE_BITS):
        at = instance.tube
        single, common = rule.needed(at, "neuron"), rule.needed(at, "start")
        shares = np.array([[float(one / other) for one in row] for row, other in zip(single, common, strict=True)])
    assert shares.max() <= 1
    assert np.median(shares) < 0.8


def test_no_false_certificate_among_some() -> None:
    counted = no_false_certificate(1000, 24)
    assert counted["undecided"] == 0
    assert counted["holds"] >= 16


@pytest.mark.parametrize("form", ["start", "neuron"])
def test_a_closing_tube_is_followed_only_up_to_the_ratio_that_is_asked_for(form: str) -> None:
    instance = build_drawn({**DRAWN, "form": form})
    direction = np.ones(3) / np.sqrt(3)
    closing, kept = Closing(instance.net, instance.inputs), []
    for exponent in range(-20, 6):
        whole = Closing(instance.net, instance.inputs).closed(2.0**exponent * direction, form)
        for most in (0.1, 0.5, 0.9):
            found = closing.closed(2.0**exponent * direction, form, most)
            kept.append(found is not None)
            assert (found is None) == (whole is None or whole[0].ratio > most)
            assert found is None or whole is not None
            if found is not None and whole is not None:
                assert found[0].ratio == whole[0].ratio
                assert np.array_equal(found[1], whole[1])
    assert 10 < sum(kept) < len(kept) - 10
