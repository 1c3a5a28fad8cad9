"""What is said of a refuted step: what it was given, what came back and what was due, each under its name."""

from typing import Any

import numpy as np
import pytest

from properties.engine.claim import Evaluation, InstanceVerdict
from properties.guard import controls as c
from properties.guard.explanation import explanation
from properties.guard.implementation import Implementation
from properties.guard.instances import StepInstance, hand_problem
from properties.guard.panel import panel
from properties.guard.singular_instances import SingularInstance, first_singular, singular_problem
from theory.inputs import FloatArray

DESCRIPTION = {"kind": "uniform", "rows": 2, "dim": 2, "width": 4, "weights": "integers", "eighths": 4, "seed": 0}
CASES = {
    "ngd": ("G", "J^+ r"),
    "kfac": ("H", "(S^+ (x) X^+) r"),
}


def lines(instance: StepInstance) -> list[str]:
    return explanation(Evaluation("F", {}, (), (), InstanceVerdict.REFUTED, (), instance))


def half(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> FloatArray:
    net = c.Dense(weights, signs, X, y)
    return weights - step_size / 2 * c.natural(net).reshape(weights.shape)


def test_given_returned_and_exact_are_told_apart() -> None:
    implementation = Implementation.of("own", "ngd", half)
    instance = StepInstance(hand_problem(DESCRIPTION, "ngd"), implementation)
    said = dict(
        line.split(" = ", 1) for line in lines(instance) if " = " in line and not line.startswith(("cause", "remedy"))
    )
    given = instance.problem.call()
    found: dict[str, Any] = {name: np.array(eval(text)) for name, text in said.items()}
    assert (found["X"] == given.inputs).all()
    assert (found["y"] == given.targets).all()
    assert (found["weights"] == given.weights).all()
    assert (found["signs"] == given.signs).all()
    assert found["step_size"] == given.step_size
    moved = found["exact_weights"] - given.weights
    assert np.abs(moved).max() > 0
    assert found["returned_weights"] - given.weights == pytest.approx(moved / 2, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("optimiser", CASES)
def test_a_singular_matrix_has_its_rank_and_the_step_that_is_due(optimiser: str) -> None:
    name, step = CASES[optimiser]
    for description in first_singular(optimiser):
        implementation = Implementation.of("own", optimiser, half)
        problem = singular_problem(description, implementation)
        instance = SingularInstance(problem, implementation)
        matrix = np.array([[float(int(e.p)) / float(int(e.q)) for e in row] for row in problem.matrix.tolist()])
        rank = int(np.linalg.matrix_rank(matrix, hermitian=True))
        (line,) = (line for line in lines(instance) if line.startswith("singular: "))
        n = len(matrix)
        assert line.startswith(
            f"singular: {name} ({n} x {n}) has the rank {rank} on this instance; the step there is {step} by the pseudo-inverse; "
        )


def test_a_cause_says_on_how_many_instances_it_was_tried() -> None:
    """On the refuted one, and on all those of the panel."""
    implementation = Implementation.of("own", "ngd", half)
    instance = StepInstance(hand_problem(DESCRIPTION, "ngd"), implementation)
    (cause,) = (line for line in lines(instance) if line.startswith("cause: "))
    tried = 1 + len(panel("ngd", instance.unit_roundoff, None))
    assert cause.startswith("cause: matches 1/2 times the step (")
    assert cause.endswith(f" on all {tried} instances tried")
