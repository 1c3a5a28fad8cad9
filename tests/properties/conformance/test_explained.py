"""What is said of a refuted library: each number is what its name says, computed here by hand."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from properties.conformance.faults import FAULTS
from properties.conformance.kit import kit
from properties.conformance.library import PREFIX, Library
from properties.conformance.subject import OwnLibrary
from properties.engine.claim import InstanceVerdict
from properties.engine.search import evaluate


def explained(fault: str, statement: str, family_id: str, number: int = 0) -> tuple[Any, dict[str, str]]:
    """The refuted instance, and its lines by what stands before the equals sign or the colon."""
    claim = kit(Library.of("a library", FAULTS[fault].program())).claims[PREFIX + statement]
    (family,) = (one for one in claim.families if one.id == family_id)
    found = evaluate(claim, family, family.first[number])
    assert found.verdict is InstanceVerdict.REFUTED
    assert claim.explain is not None
    lines = [re.split(r" = |: ", line, maxsplit=1) for line in claim.explain(found)]
    return found.instance, {line[0]: line[-1] for line in lines}


def array(text: str) -> Any:
    return np.array(eval(text))


@pytest.mark.parametrize(("number", "precision"), [(0, "float64"), (-1, "float32")])
def test_what_was_given_is_told_as_it_was(number: int, precision: str) -> None:
    instance, said = explained("factors-exchanged", "L-one", "one datum", number)
    problem = instance.problem
    assert said["network"] == problem.text()
    assert (
        said["with"]
        == f"loss {problem.loss}, reduction {problem.reduction}, Fisher exact, approximation expand, {precision}"
    )
    assert (array(said["parameters[0]"]) == problem.parameters[0]).all()
    assert (array(said["inputs"]) == problem.inputs[0]).all()
    assert (array(said["targets"]) == problem.targets[0]).all()


def test_what_came_back_and_what_was_due_are_told_apart() -> None:
    """One datum x, one layer, half the squared loss: G = I, A = x x^T, and the wrong program has them exchanged."""
    instance, said = explained("factors-exchanged", "L-one", "one datum")
    (x,) = instance.problem.inputs[0]
    rows = len(instance.problem.parameters[0])
    assert (array(said["due"].removeprefix("G (x) A = ")) == np.kron(np.eye(rows), np.outer(x, x))).all()
    returned = [array(text) for name, text in said.items() if name.startswith("returned ")]
    assert (np.kron(*returned) if len(returned) == 2 else returned[0]).tolist() == np.kron(
        np.outer(x, x), np.eye(rows)
    ).tolist()


def test_the_solution_that_was_due_solves() -> None:
    instance, said = explained("without-effect", "L-solve", "product")
    (x,) = instance.problem.inputs[0]
    (v,) = instance.arrays
    M = np.kron(np.eye(len(v)), np.outer(x, x)) + instance.damping * np.eye(v.size)
    assert f"damping {instance.damping:g}, kind product" in said["with"]
    assert array(said["due for parameter 0"]).reshape(-1) == pytest.approx(np.linalg.solve(M, v.reshape(-1)), rel=1e-12)
    assert (array(said["returned"])[0] == v).all()


def test_the_step_that_was_due_is_per_unit_of_step_size() -> None:
    instance, said = explained("without-effect", "L-solve", "updates")
    problem = instance.problem
    (x,), (y,), W = problem.inputs[0], problem.targets[0], problem.parameters[0]
    g = np.outer(W @ x - y, x)
    M = np.kron(np.eye(len(W)), np.outer(x, x)) + instance.damping * np.eye(W.size)
    due = array(said["due step (theta - theta')/eta of parameter 0"])
    assert due.reshape(-1) == pytest.approx(np.linalg.solve(M, g.reshape(-1)), rel=1e-12)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda problem: problem.parameters[99], "curvature raised IndexError: tuple index out of range"),
        (lambda problem: 1.5, "curvature returned a float, not a list of factors or blocks"),
    ],
)
def test_a_library_that_has_no_answer_is_told_so_as_the_cause(answer: Callable[[Any], Any], said: str) -> None:
    class Broken:
        def curvature(self, problem: Any) -> Any:
            return answer(problem)

    claim = kit(Library.of("broken", Broken())).claims[f"{PREFIX}L-one"]
    family = claim.families[0]
    assert claim.explain is not None
    lines = claim.explain(evaluate(claim, family, family.first[0]))
    assert lines[-1] == f"cause: no answer that can be judged: {said}"


def test_what_a_library_lacks_is_not_judged() -> None:
    class Curvature:
        def curvature(self, problem: Any) -> Any:
            raise NotImplementedError

    own = OwnLibrary(Library.of("mine", Curvature()))
    first, *others = own.header
    assert first.startswith("library: mine (")
    assert others
    assert all(line.startswith("not judged: ") for line in others)
    assert [line.split(": ")[1] for line in others] == own.environment["not judged"].split("; ")
