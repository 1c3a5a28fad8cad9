"""A sample of what tests/deep/test_conformance.py runs in full: right programs stand, wrong ones are told what they do."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from properties.conformance import library
from properties.conformance.faults import FAULTS
from properties.conformance.instances import curvature_of
from properties.conformance.library import Library, load_library
from properties.conformance.networks import problem_of, simple
from properties.conformance.plain_steps import PlainSteps
from properties.engine.replay.instance_document import from_document, to_document
from tests.properties.conformance.correct_programs import CORRECT
from tests.properties.conformance.programs import named, refuted
from theory.errors import ImplementationError


@pytest.mark.parametrize("name", ["BiasApart", "SquareRoots", "SingleThroughout"])
def test_right_programs_stand(name: str) -> None:
    assert refuted(name, CORRECT[name](), 0) == {}


@pytest.mark.parametrize("fault", ["factors-exchanged", "ratio-of-sums", "not-restored", "squared-stride"])
def test_wrong_programs_are_named(fault: str) -> None:
    found = named(fault, 0)
    assert found
    assert all(found.values())


def test_the_names_of_faults_are_apart() -> None:
    numbers = [fault.number for fault in FAULTS.values() if fault.number]
    assert len(set(numbers)) == len(numbers) == 44
    assert all(fault.title and not fault.title.endswith(".") for fault in FAULTS.values())


WRONG_ANSWERS: dict[str, Any] = {
    "is no list": 3.0,
    "returned 2 entries for 1 blocks": [np.eye(6), np.eye(6)],
    "returned the shapes (2, 2)": [np.eye(2)],
    "not finite real numbers": [np.full((6, 6), np.nan)],
    "returned None": None,
}


@pytest.mark.parametrize("said", WRONG_ANSWERS)
def test_answers_that_are_none_are_told(said: str) -> None:
    class Wrong:
        @staticmethod
        def curvature(problem: Any) -> Any:
            return WRONG_ANSWERS[said]

    found = curvature_of(Library.of("wrong", Wrong), problem_of(simple()))
    assert said.replace("is no list", "not a list") in found.problem


def test_exceptions_and_changed_arguments_are_answers() -> None:
    class Wrong:
        @staticmethod
        def curvature(problem: Any) -> Any:
            problem.inputs[0][:] = 0
            return []

        @staticmethod
        def update(*given: Any) -> Any:
            raise KeyError("no such layer")

        @staticmethod
        def run(*given: Any) -> Any:
            raise NotImplementedError

    found, problem = Library.of("wrong", Wrong), problem_of(simple())
    assert found.ask("curvature", problem).problem == "curvature changes the problem's inputs"
    assert found.ask("update", problem).problem == "update raised KeyError: 'no such layer'"
    assert "no such layer" in found.ask("update", problem).where
    assert found.ask("run", problem).missing
    assert found.ask("solve", problem).missing == "it has no solve"


@pytest.mark.parametrize(
    ("declares", "said"),
    [
        ({"bias": "outside"}, "known: inside, apart"),
        ({"biases": "apart"}, "declares 'biases'; known: bias, "),
        ({"losses": ("hinge",)}, "declares losses"),
    ],
)
def test_conventions_that_are_not_known_are_refused(declares: dict[str, Any], said: str) -> None:
    with pytest.raises(ImplementationError, match=said):
        Library.of("x", type("X", (PlainSteps,), {"declares": declares})())


def test_names_that_lead_to_no_library_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty_library.py").write_text("")
    (tmp_path / "broken_library.py").write_text("1 / 0")
    for name, said in (
        ("empty_library", "has none of curvature, solve, update, run"),
        ("empty_library:thing", "no attribute 'thing'"),
        ("broken_library", "ZeroDivisionError"),
        ("no_such_library", "importing no_such_library failed"),
    ):
        with pytest.raises(ImplementationError, match=said):
            load_library(name, tmp_path)


def test_warnings_of_what_a_module_imports_are_no_errors(tmp_path: Path) -> None:
    text = "import warnings\nwarnings.warn('old', DeprecationWarning)\n\n\ndef curvature(problem):\n    return []\n"
    (tmp_path / "warning_library.py").write_text(text)
    assert load_library("warning_library", tmp_path).name == "warning_library"


def test_instances_are_documents() -> None:
    from properties.conformance.kit import statements

    given = Library.of("plain NumPy", PlainSteps())
    for statement in statements():
        for source in statement.sources:
            instance = source.build(source.first[0], given)
            again = from_document(to_document(instance))
            for one in dataclasses.fields(instance):
                assert repr(getattr(again, one.name)) == repr(getattr(instance, one.name))
    assert library.DECLARED["bias"][0] == "inside"
