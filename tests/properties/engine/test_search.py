"""The search: counting, aiming, confirming, shrinking, and what it must never let pass."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import strategies as st

from properties.descent import instances
from properties.descent.instances import NetworkInstance
from properties.engine import search
from properties.engine.claim import (
    Bound,
    Claim,
    Depth,
    Evidence,
    Family,
    Hypothesis,
    InstanceVerdict,
    Provenance,
    TooLargeToConfirmError,
    Verdict,
    at_most,
    at_most_enclosed,
    require,
)
from properties.engine.search import PRECISIONS, SHRINK_EVALUATIONS, evaluate, run_claim
from theory.network.two_layer import TwoLayerNetwork


@dataclass(frozen=True)
class Number:
    """An instance that is one integer."""

    value: int


def family(most: int = 1000, quick: int = 200, id: str = "numbers") -> Family[Number]:
    return Family(
        id,
        "integers",
        lambda: st.fixed_dictionaries({"value": st.integers(0, most)}),
        lambda description: Number(description["value"]),
        {Depth.QUICK: quick, Depth.NORMAL: 2 * quick, Depth.THOROUGH: 4 * quick},
    )


def claim(
    conclusion: Callable[[Number], Sequence[Bound]],
    hypotheses: Callable[[Number], Sequence[Hypothesis]] = lambda _: (),
    **changes: Any,
) -> Claim[Number]:
    made: Claim[Number] = Claim(
        id="fake",
        statement="a statement",
        provenance=Provenance.DERIVED,
        source="none",
        families=(family(),),
        hypotheses=hypotheses,
        conclusion=conclusion,
    )
    return dataclasses.replace(made, **changes)


def below(limit: float) -> Callable[[Number], Sequence[Bound]]:
    return lambda number: [at_most("value", number.value, limit, 0.0)]


def test_a_true_claim_holds_and_its_instances_are_counted() -> None:
    result = run_claim(claim(below(1000)), Depth.QUICK, 1)
    assert result.verdict is Verdict.HOLDS
    assert result.instances == 200
    assert result.vacuous == result.undecided == result.undecided_hypotheses == 0
    assert result.evidence is Evidence.TESTED
    assert result.refutation is None


def test_the_search_aims_at_the_largest_ratio() -> None:
    result = run_claim(claim(below(2.0**20), families=(family(2**20),)), Depth.QUICK, 1)
    assert result.tightest is not None
    assert result.tightest.tightest is not None
    assert result.tightest.tightest.ratio == 1.0  # found by hill climbing; a uniform draw reaches it once in 5,000 runs


def test_the_search_aims_at_the_largest_of_several_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    aimed: list[float] = []
    monkeypatch.setattr(search, "target", lambda value, label: aimed.append(value))
    bounds = lambda number: [at_most("half", 0.5, 1.0, 0.0), at_most("most", 0.9, 1.0, 0.0)]  # noqa: E731
    run_claim(claim(bounds), Depth.QUICK, 1)
    assert set(aimed) == {0.9}


def test_the_search_counts_no_instance_of_the_shrinking() -> None:
    """All that was evaluated up to the first violation, that one included, and nothing of what followed."""
    seen = []

    def conclusion(number: Number) -> Sequence[Bound]:
        seen.append(number.value)
        return [at_most("value", number.value, 437, 0.0)]

    result = run_claim(claim(conclusion), Depth.QUICK, 1)
    first = next(place for place, value in enumerate(seen) if value > 437)
    assert result.instances == first + 1 < len(seen)


def test_a_failed_hypothesis_makes_an_instance_vacuous_and_never_a_pass() -> None:
    result = run_claim(claim(below(-1), lambda number: [require("never", -1.0)]), Depth.QUICK, 1)
    assert result.vacuous == 200
    assert result.instances == 0
    assert result.verdict is Verdict.UNDECIDED


def test_an_undecided_hypothesis_is_counted_apart() -> None:
    undecided = lambda number: [require("close", 0.5, 1.0)]  # noqa: E731
    result = run_claim(claim(below(-1), undecided), Depth.QUICK, 1)
    assert (result.undecided_hypotheses, result.vacuous, result.instances) == (200, 0, 0)
    assert result.verdict is Verdict.UNDECIDED
    both = lambda number: [require("close", 0.5, 1.0), require("never", -1.0)]  # noqa: E731
    assert run_claim(claim(below(-1), both), Depth.QUICK, 1).vacuous == 200


def test_not_a_number_decides_nothing() -> None:
    assert require("nan", float("nan")).verdict is Verdict.UNDECIDED
    assert at_most("nan", float("nan"), 1.0, 0.0).verdict is Verdict.UNDECIDED


def test_a_conclusion_without_bounds_decides_nothing() -> None:
    result = run_claim(claim(lambda _: ()), Depth.QUICK, 3)
    assert result.verdict is Verdict.UNDECIDED
    assert (result.instances, result.evidence) == (0, None)
    assert result.undecided_example is not None
    assert result.undecided_example.evidence is Evidence.TESTED


def test_a_violation_is_shrunk_to_the_least_counterexample() -> None:
    result = run_claim(claim(below(437)), Depth.QUICK, 1)
    assert result.verdict is Verdict.REFUTED
    assert result.refutation is not None
    assert result.refutation.description == {"value": 438}
    assert result.refutation.instance.value == 438
    assert result.refutation.verdict is InstanceVerdict.REFUTED


def test_the_search_stops_at_the_first_family_that_refutes() -> None:
    families = (family(10, id="harmless"), family(id="harmful"), family(id="never reached"))
    result = run_claim(claim(below(437), families=families), Depth.QUICK, 1)
    assert set(result.families) == {"harmless", "harmful"}


def test_the_shrinking_budget_ends_the_search_with_a_counterexample() -> None:
    """Violations everywhere in a large space: more evaluations than the budget are never made after the first."""
    seen = []

    def conclusion(number: Number) -> Sequence[Bound]:
        seen.append(number.value)
        return [at_most("digits", bin(number.value).count("1"), 9, 0.0)]

    result = run_claim(claim(conclusion, families=(family(2**60),)), Depth.QUICK, 3)
    assert result.refutation is not None
    assert bin(result.refutation.description["value"]).count("1") > 9
    first = next(k for k, value in enumerate(seen) if bin(value).count("1") > 9)
    assert len(seen) - first <= SHRINK_EVALUATIONS + 2


def test_a_float_violation_that_balls_deny_is_no_refutation() -> None:
    precisions = []

    def confirm(number: Number, bits: int) -> Sequence[Bound]:
        precisions.append((bits, ctx.prec))
        return [at_most_enclosed("value", arb(number.value), arb(1000))]

    result = run_claim(claim(below(437), confirm=confirm), Depth.QUICK, 1)
    assert result.verdict is Verdict.HOLDS
    assert set(precisions) == {(PRECISIONS[0], PRECISIONS[0])}
    assert result.evidence is Evidence.TESTED  # the weakest among the instances
    assert ctx.prec == 53


def test_a_confirmed_violation_is_a_refutation_with_its_precision() -> None:
    confirm = lambda number, bits: [at_most_enclosed("value", arb(number.value), arb(437))]  # noqa: E731
    result = run_claim(claim(below(437), confirm=confirm), Depth.QUICK, 1)
    assert result.refutation is not None
    assert result.refutation.precision == PRECISIONS[0]
    assert result.refutation.bounds[0].evidence is Evidence.ENCLOSED


def test_precision_doubles_until_decided_or_the_cap_says_undecided() -> None:
    asked = []

    def confirm(number: Number, bits: int) -> Sequence[Bound]:
        asked.append(bits)
        radius = 0.0 if bits >= 424 else 2.0
        return [at_most_enclosed("value", arb(number.value), arb(437, radius))]

    undecided = lambda number: [at_most("value", number.value, 437, 1e9)]  # noqa: E731
    evaluation = evaluate(claim(undecided, confirm=confirm), family(), {"value": 437})
    assert evaluation.verdict is InstanceVerdict.HOLDS
    assert evaluation.precision == 424
    assert asked == [106, 212, 424]

    never = lambda number, bits: [at_most_enclosed("value", arb(number.value), arb(437, 2.0))]  # noqa: E731
    evaluation = evaluate(claim(undecided, confirm=never), family(), {"value": 437})
    assert evaluation.verdict is InstanceVerdict.UNDECIDED
    assert evaluation.precision == PRECISIONS[-1]
    fixed = dataclasses.replace(family(), descriptions=lambda: st.just({"value": 437}))
    result = run_claim(claim(undecided, confirm=never, families=(fixed,)), Depth.QUICK, 1)
    assert result.verdict is Verdict.UNDECIDED
    assert result.undecided == 1
    assert result.undecided_example is not None


def test_bounds_that_float64_settles_are_not_asked_again() -> None:
    def conclusion(number: Number) -> Sequence[Bound]:
        return [at_most("easy", 0.0, 1.0, 0.0), at_most("hard", 0.0, 1.0, 5.0)]

    confirm = lambda number, bits: [at_most_enclosed("hard", arb(0), arb(1))]  # noqa: E731
    easy, hard = evaluate(claim(conclusion, confirm=confirm), family(), {"value": 1}).bounds
    assert (easy.evidence, hard.evidence) == (Evidence.TESTED, Evidence.ENCLOSED)


def test_a_confirmation_that_forgets_a_bound_is_an_error() -> None:
    with pytest.raises(KeyError, match="value"):
        evaluate(claim(below(437), confirm=lambda number, bits: []), family(), {"value": 500})


def test_the_run_depends_on_the_seed_alone() -> None:
    def tightest(seed: int) -> Mapping[str, Any]:
        result = run_claim(claim(lambda number: [at_most("value", number.value % 97, 96.5, 0)]), Depth.QUICK, seed)
        assert result.tightest is not None
        return result.tightest.description

    assert tightest(5) == tightest(5)
    assert len({str(tightest(seed)) for seed in range(6)}) > 1


def test_an_error_names_claim_family_and_instance() -> None:
    def broken(number: Number) -> Sequence[Bound]:
        raise ZeroDivisionError("broken")

    with pytest.raises(ZeroDivisionError) as caught:
        run_claim(claim(broken), Depth.QUICK, 1)
    assert any("fake, family numbers, instance {'value': " in note for note in caught.value.__notes__)


def test_depth_chooses_the_number_of_draws() -> None:
    assert run_claim(claim(below(10**6), families=(family(10**6),)), Depth.NORMAL, 1).instances == 400


def test_a_description_drawn_twice_counts_once() -> None:
    """Two draws that differ in the order of their keys only are one instance."""
    evaluated = []

    def build(description: Mapping[str, Any]) -> Number:
        evaluated.append(sorted(description.items()))
        return Number(description["value"])

    few = dataclasses.replace(
        family(),
        descriptions=lambda: st.permutations([("value", 1), ("a", 2), ("b", 3)]).map(dict),
        build=build,
    )
    result = run_claim(claim(below(10), families=(few,)), Depth.QUICK, 1)
    assert result.instances == len(evaluated) == 1


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_is_too_large_to_confirm_is_undecided_and_says_so(verdict: Verdict) -> None:
    def confirm(instance: Number, bits: int) -> Sequence[Bound]:
        raise TooLargeToConfirmError("n = 8, m = 100000")

    def conclusion(instance: Number) -> Sequence[Bound]:
        known = Bound("known", 1.0, 2.0, 0.0, Verdict.HOLDS, Evidence.TESTED)
        return [known, Bound("open", 1.0, 1.0, 0.1, verdict, Evidence.TESTED)]

    found = evaluate(claim(conclusion, confirm=confirm), family(), {"value": 1})
    first, second = found.bounds
    assert (first.label, first.verdict) == ("known", Verdict.HOLDS)
    if verdict is Verdict.HOLDS:
        assert (second.label, found.verdict) == ("open", InstanceVerdict.HOLDS)
    else:
        assert second.label == "open (not confirmed: n = 8, m = 100000)"
        assert second.verdict is Verdict.UNDECIDED
        assert found.verdict is InstanceVerdict.UNDECIDED


def test_networks_are_confirmed_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    rectifier = NetworkInstance(
        TwoLayerNetwork.initialise(20, 2, 1.0, np.random.default_rng(0)), np.eye(2), np.ones(2), 0.5, 3
    )
    instance = dataclasses.replace(rectifier, net=dataclasses.replace(rectifier.net, activation="tanh"))
    monkeypatch.setattr(instances, "MOST_PRODUCTS", 2 * 20 * instances.ENTRY_PRODUCTS)
    monkeypatch.setattr(instances, "MOST_FLOAT_PRODUCTS", 3 * 2 * 20 * 2)
    assert len(rectifier.enclosed_trajectory()) == 3
    with pytest.raises(TooLargeToConfirmError, match="4 steps in balls at n = 2, m = 20"):
        dataclasses.replace(rectifier, steps=4).enclosed_trajectory()
    assert instance.enclosed_step(1).after < instance.enclosed_step(0).after
    with pytest.raises(TooLargeToConfirmError, match="3 steps in balls at n = 2, m = 20"):
        instance.enclosed_trajectory()
    monkeypatch.setattr(instances, "MOST_PRODUCTS", 2 * 20 * instances.ENTRY_PRODUCTS - 1)
    with pytest.raises(TooLargeToConfirmError, match="1 steps"):
        instance.enclosed_step(0)


@pytest.mark.parametrize("evaluations", [0, 3, 1000])
def test_a_violation_is_shrunk_by_so_many_evaluations_and_the_counts_do_not_depend_on_it(evaluations: int) -> None:
    seen: list[int] = []

    def conclusion(number: Number) -> Sequence[Bound]:
        seen.append(number.value)
        return below(437)(number)

    whole = run_claim(claim(below(437), families=(family(2**40),)), Depth.QUICK, 1)
    found = run_claim(claim(conclusion, families=(family(2**40),)), Depth.QUICK, 1, shrinking=evaluations)
    assert found.verdict is whole.verdict is Verdict.REFUTED
    assert (found.instances, found.families) == (whole.instances, whole.families)
    assert found.refutation is not None
    first = next(index for index, value in enumerate(seen) if value > 437)
    assert len(seen) <= first + 1 + evaluations
    value = found.refutation.description["value"]
    assert value in seen
    assert value == min(one for one in seen if one > 437)
    assert (value == 438) == (evaluations == 1000)


def test_draws_do_not_depend_on_the_modules_that_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis takes numbers from the code of those that it calls local: without the guard it draws others."""
    place = tmp_path / "local_module.py"
    place.write_text("NUMBER = 123_456_789\n")
    drawn: list[list[int]] = []

    def conclusion(number: Number) -> Sequence[Bound]:
        drawn[-1].append(number.value)
        return [at_most("value", 0.0, 1.0, rounding=0.0)]

    one = claim(conclusion, families=(family(10**9),))
    module = ModuleType("local_module")
    module.__file__ = str(place)
    for loaded in (False, True):
        if loaded:
            monkeypatch.setitem(sys.modules, "local_module", module)
        drawn.append([])
        run_claim(one, Depth.QUICK, 1)
    assert drawn[0] == drawn[1]
    with monkeypatch.context() as patched:
        patched.setattr(search, "without_local_constants", nullcontext)
        drawn.append([])
        run_claim(one, Depth.QUICK, 1)
    assert drawn[2] != drawn[0], "the rest of this project is loaded"
