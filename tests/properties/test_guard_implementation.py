"""A step is found by its name; whatever is wrong with the name is said by name."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from properties.guard.implementation import ask, load_implementation
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
    assert found.step(5, 1, 1, 1, 1) == 5
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
        ("own_steps:stop", "has no attribute 'stop'; callables there: Optimiser, generous, keyword, short, step"),
        ("own_steps:number", "own_steps:number is a int, not callable"),
        ("own_steps:Optimiser", "own_steps:Optimiser is a class; wrap it"),
        ("own_steps:short", r"signature \(weights, X, y\) \(too many positional arguments\); wanted: step\(weights,"),
        ("own_steps:keyword", "signature"),
    ],
)
def test_what_is_wrong_is_said(directory: Path, name: str, said: str) -> None:
    with pytest.raises(ImplementationError, match=said):
        load_implementation(name, "ngd", directory)


@pytest.mark.parametrize(
    "leave", [lambda: sys.exit(0), lambda: pytest.skip("not today"), lambda: pytest.exit("enough")]
)
def test_a_call_that_leaves_is_an_answer(leave: Callable[[], None]) -> None:
    def step(*_: object) -> None:
        leave()

    answer = ask(step, np.eye(2), np.ones(2), np.eye(2), np.ones(2), 0.5)
    assert answer.weights is None
    assert answer.problem.startswith("raised ")
