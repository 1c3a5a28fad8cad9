"""A step is found by its name; whatever is wrong with the name is said by name."""

import dataclasses
import gc
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from properties.guard.implementation import Call, Implementation, ask, load_implementation
from properties.guard.instances import SIMPLE, Problem, hand_problem
from theory.errors import ImplementationError

MODULE = """
class Optimiser:
    def __init__(self, weights, signs, X, y, step_size): ...

    @staticmethod
    def step(weights, signs, X, y, step_size):
        return weights

number = 3

def step(weights, signs, X, y, step_size):
    return weights

def keyword(weights, signs, X, y, *, step_size):
    return weights

def short(weights, X, y):
    return weights

def generous(*given, **more):
    return given[0]

async def awaited(weights, signs, X, y, step_size):
    return weights

def yielding(weights, signs, X, y, step_size):
    yield weights

async def streaming(weights, signs, X, y, step_size):
    yield weights

class Awaited:
    async def __call__(self, weights, signs, X, y, step_size):
        return weights

instance = Awaited()
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own_steps.py").write_text(MODULE)
    (tmp_path / "own_broken.py").write_text("import own_missing\n")
    (tmp_path / "own_failing.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_steps", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ["own_steps:step", "own_steps:generous", "own_steps:Optimiser.step", "operator:pow"])
def test_steps_are_found(directory: Path, name: str) -> None:
    if name == "operator:pow":  # a compiled function with another signature
        with pytest.raises(ImplementationError, match="signature"):
            load_implementation(name, "ngd", directory)
        return
    found = load_implementation(name, "kfac", directory)
    assert (found.name, found.optimiser) == (name, "kfac")
    assert found.loaded.step(5, 1, 1, 1, 1) == 5
    assert found.loaded.directory == directory
    assert sys.path[0] == str(directory)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_steps", "'own_steps' is not of the form module:function"),
        (":step", "not of the form module:function"),
        ("own_steps:", "not of the form module:function"),
        ("own_nothing:step", "there is no module 'own_nothing', neither installed nor in "),
        ("own_steps.inner:step", "importing own_steps.inner failed|there is no module 'own_steps.inner'"),
        ("own_broken:step", "importing own_broken failed: No module named 'own_missing'"),
        ("own_failing:step", "importing own_failing failed: RuntimeError: no licence"),
        ("own_steps:stop", "has no attribute 'stop'; callables there: Awaited, Optimiser, awaited, generous, "),
        ("own_steps:number", "own_steps:number is a int, not callable"),
        ("own_steps:Optimiser", "own_steps:Optimiser is a class; wrap it"),
        ("own_steps:short", r"signature \(weights, X, y\) \(too many positional arguments\); wanted: step\(weights,"),
        ("own_steps:keyword", "signature"),
        ("own_steps:awaited", "own_steps:awaited is a coroutine function, a call of which returns no weights; wanted"),
        ("own_steps:instance", "own_steps:instance is a coroutine function"),
        ("own_steps:yielding", "own_steps:yielding is a generator function"),
        ("own_steps:streaming", "own_steps:streaming is an asynchronous generator function"),
    ],
)
def test_what_is_wrong_is_said(directory: Path, name: str, said: str) -> None:
    with pytest.raises(ImplementationError, match=said):
        load_implementation(name, "ngd", directory)


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        ("inputs, weights, signs, targets, step_size", True),
        ("X, y, W, a, lr", True),
        ("weights, signs, y, X, eta", True),
        ("weights, signs, X, y, step_size", False),
        ("W, a, data, labels, learning_rate", False),
        ("x, a, data, b, t", False),  # x as optimisers call what they move
        ("theta, v, A, b, h, y=None", False),
        ("*given", False),
    ],
)
def test_names_in_another_order_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str, refused: bool
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_order", raising=False)
    (tmp_path / "own_order.py").write_text(f"def step({names}): ...\n")
    if refused:
        said = r"the arguments in another order; they are given by position, wanted: step\(weights, signs, X, y"
        with pytest.raises(ImplementationError, match=said):
            load_implementation("own_order:step", "ngd", tmp_path)
    else:
        load_implementation("own_order:step", "ngd", tmp_path)


CALL = Call(np.eye(2), np.ones(2), np.eye(2), np.ones(2), 0.5)


async def awaited(*given: Any) -> Any:
    return given[0]


def yielding(*given: Any) -> Iterator[Any]:
    yield given[0]


async def streaming(*given: Any) -> AsyncIterator[Any]:
    yield given[0]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (awaited, "returned a coroutine, not the new weights"),
        (yielding, "returned a generator, not the new weights"),
        (streaming, "returned an asynchronous generator, not the new weights"),
    ],
)
def test_a_call_that_is_not_run_is_an_answer_without_a_warning(step: Callable[..., Any], said: str) -> None:
    def hidden(*given: Any) -> Any:
        return step(*given)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = ask(hidden, CALL)
        gc.collect()
    assert (answer.weights, answer.problem) == (None, said)
    assert caught == []


@pytest.mark.parametrize(
    "leave", [lambda: sys.exit(0), lambda: pytest.skip("not today"), lambda: pytest.exit("enough")]
)
def test_a_call_that_leaves_is_an_answer(leave: Callable[[], None]) -> None:
    def step(*_: object) -> None:
        leave()

    answer = ask(step, CALL)
    assert answer.weights is None
    assert answer.problem.startswith("raised ")


def test_an_array_that_a_later_call_writes_to_is_noticed() -> None:
    result = np.zeros((4, 2))

    def step(weights: Any, *rest: Any) -> Any:
        result[:] = weights + 1.0
        return result

    own = Implementation.of("own", "ngd", step)
    problem = hand_problem(SIMPLE, "ngd")
    other = Problem(dataclasses.replace(problem.given, weights=problem.given.weights + 1.0))
    assert [one.answer(own).overwrites for one in (problem, problem, other, other)] == [False, False, True, False]
