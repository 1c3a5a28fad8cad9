"""Every number that a data set's certificate shows is true, and programs that say something false of it are found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from properties.dataset import input_certificate, rung
from properties.dataset.topics import kfac_real, real_data, tube_data
from properties.engine.claim import Evaluation, InstanceVerdict
from properties.engine.search import evaluate_instance
from tests.properties.dataset.compared_inputs import input_complaints
from tests.properties.dataset.data_line_cases import BROKEN, CASES, data_set, drawn
from tests.properties.dataset.exact_rung import rational
from tests.properties.dataset.wrong_data_lines import Plant
from tests.properties.dataset.wrong_tube_lines import PLANTS
from theory.direction import UNBOUNDED
from theory.stability import TubeCertificate, attack_ball, certify_tube
from theory.stability.tube.shortfall import Shortfall


def test_the_cases_show_every_standing_of_condition_2() -> None:
    assert {case.standing for case in CASES.values()} == {"holds", "not decided", "fails"}
    assert {case.rung.symmetric for case in CASES.values()} == {True, False}
    assert {len(case.raw) for case in CASES.values()} == {2, 3, 4}


@pytest.mark.parametrize("name", CASES)
def test_every_number_is_true(name: str) -> None:
    case = CASES[name]
    assert case.complaints() == []
    assert case.truth.kind(case.truth.ball[0], case.truth.attack[0]) == case.standing


GIVEN = {
    "the same way, but not once normalised": ((1.0, 3.0), (7.0, 21.0), (2.0, -1.0)),
    "nearly, and the same once normalised": ((2.0**53, 1.0), (2.0**53 + 2, 1.0), (0.0, 1.0)),
    "one antiparallel pair": ((1.0, 2.0), (-3.0, -6.0), (1.0, 0.0)),
    "two antiparallel pairs": ((1.0, 2.0), (-3.0, -6.0), (1.0, 0.0), (-2.0, 0.0)),
    "three antiparallel pairs": ((1.0, 2.0), (-3.0, -6.0), (1.0, 0.0), (-2.0, 0.0), (1.0, -1.0), (-5.0, 5.0)),
    "of very different lengths": ((3e-200, 4e-200), (5e100, -12e100), (1.0, 1.0)),
}


def given_rows_complaints() -> list[str]:
    """On all data sets above."""
    found = []
    for raw in GIVEN.values():
        dataset = data_set(raw, np.arange(1.0, len(raw) + 1))
        contribution = input_certificate.kernels(dataset)
        found += input_complaints(contribution.lines, contribution.values, [[rational(x) for x in row] for row in raw])
    return found


def test_what_is_said_of_rows_as_given_is_true() -> None:
    assert given_rows_complaints() == []


@pytest.mark.parametrize("seed", [14, 34])
def test_every_number_of_drawn_data_sets_is_true(seed: int) -> None:
    """A sample of tests/deep/test_data_lines.py."""
    case = drawn(seed)
    assert case is not None
    assert case.complaints() == []


FOUND: dict[Any, Any] = {}
"""Attacks, and evaluations of T1-step, by what they depend on: faults are planted elsewhere."""


def once(key: Any, make: Callable[[], Any]) -> Any:
    """What was made for this key before, or is made now."""
    if key not in FOUND:
        FOUND[key] = make()
    return FOUND[key]


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the claims' evaluations that no line shows, and make attacks once for each network."""

    def attacked(net: Any, inputs: Any, y: Any, rng: Any, condition: str = "2") -> Any:
        return once(
            (net.weights.tobytes(), condition), lambda: attack_ball(net, inputs, y, rng=rng, condition=condition)
        )

    def evaluated(claim: Any, family: str, description: Any, instance: Any) -> Any:
        if claim.id != "T1-step":
            return Evaluation(family, description, (), (), InstanceVerdict.VACUOUS, ())
        network = instance.network.net.weights.tobytes()
        return once((network, claim.id), lambda: evaluate_instance(claim, family, description, instance))

    for module in (rung, real_data):
        monkeypatch.setattr(module, "evaluate_instance", evaluated)
    for module in (real_data, kfac_real):
        monkeypatch.setattr(module, "attack_ball", attacked)


@pytest.mark.parametrize("name", ["no theorem"])
def test_what_is_left_out_for_speed_shows_in_no_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)
    assert CASES[name].complaints() == []


WITHOUT_TUBE = {
    "the factor of the square is taken for that of the norm",
    "the slowest theorem predicts",
    "a prediction is certified for many more steps",
    "the answer names another theorem",
    "the answer says the ball for the path",
}
"""Faults in what is said where no tube closes."""


def no_tube_closes(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for the program nor in truth."""

    def opened(*args: Any) -> TubeCertificate:
        found = certify_tube(*args)
        lost = Shortfall("mu", float("inf"))
        return replace(found, contraction=UNBOUNDED, path_sum=UNBOUNDED, certified=False, failure=lost)

    monkeypatch.setattr(tube_data, "certify_tube", opened)
    for known in ("tube", "pattern_tube"):
        monkeypatch.setattr(CASES[case].truth, known, None)
    monkeypatch.delitem(CASES[case].truth.__dict__, "predicted", raising=False)


@pytest.mark.parametrize("case", ["every theorem on its path", "undecided"])
def test_where_no_tube_closes_the_other_theorems_answer(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)
    assert CASES[case].truth.exact.n
    no_tube_closes(case, monkeypatch)
    assert CASES[case].complaints() == []


@pytest.mark.parametrize(
    ("name", "case", "plant"), [(name, *found) for name, found in PLANTS.items()], ids=list(PLANTS)
)
def test_a_program_that_says_something_false_is_found_out(
    name: str, case: str, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch)
    if case in CASES:
        assert CASES[case].truth.exact.n  # known before anything is planted
    if name in WITHOUT_TUBE:
        no_tube_closes(case, monkeypatch)
    plant(monkeypatch)
    found = CASES[case].complaints() if case in CASES else given_rows_complaints()
    assert found, name
    assert not any(complaint.startswith(BROKEN) for complaint in found), found
