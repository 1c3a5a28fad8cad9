"""What was never judged: float32 beyond 4 inputs, singular G and H, absolute cut-offs that no seed happened to meet."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from properties.engine.claim import Depth, Verdict
from properties.engine.results import Result
from properties.engine.search import run_claim
from properties.exact.exact_network import ExactNetwork
from properties.guard import controls, special_steps
from properties.guard.allowance import residual_error
from properties.guard.claims import own_claims
from properties.guard.implementation import OPTIMISERS, Implementation
from properties.guard.instances import StepInstance, direction_of, pseudo_direction
from properties.guard.judgements import telling
from properties.guard.larger_instances import FIRST as FIRST_LARGER
from properties.guard.larger_instances import larger_problem
from properties.guard.parallel_instances import FIRST, parallel_problem
from properties.guard.singular_instances import SingularInstance, first_singular, singular_problem
from tests.properties.guard import guard_algorithms as algorithms
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import pseudo_inverse

IDENTITY = {"ngd": "own-I-pinv", "kfac": "own-I-kfac"}


def no_more_inputs(most: int, net: controls.Dense) -> bool:
    return len(net.targets) <= most


def judged(optimiser: str, step: Callable[..., Any], seed: int, *families: str, singular: str = "pinv") -> Result:
    claim = own_claims(Implementation.of("step", optimiser, step, None, singular))[IDENTITY[optimiser]]
    chosen = tuple(family for family in claim.families if not families or family.id in families)
    return run_claim(dataclasses.replace(claim, families=chosen), Depth.QUICK, seed)


@pytest.mark.parametrize(
    ("optimiser", "name", "kind"),
    [
        ("ngd", "least squares", np.float32),
        ("ngd", "Cholesky", np.float32),
        ("ngd", "pseudo-inverse of G", np.float64),
        ("kfac", "factors", np.float32),
        ("kfac", "pseudo-inverses", np.float64),
    ],
)
def test_right_steps_pass_on_every_family(optimiser: str, name: str, kind: type) -> None:
    """A sample of tests/deep/test_guard_steps.py."""
    singular = "pinv" if name in algorithms.REVEALING else "unjudged"
    families = ("larger", "nearly parallel", "singular")
    result = judged(optimiser, algorithms.step(optimiser, name, kind), 1, *families, singular=singular)
    assert result.verdict is Verdict.HOLDS, (result.refutation, result.unjudged)
    assert {family for family, count in result.families.items() if count.instances} == {
        family for family in families if family != "singular" or singular == "pinv"
    }


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_float32_step_that_stands_still_beyond_a_size_is_refuted(optimiser: str, seed: int) -> None:
    for most in (4, 5, 8, 11):
        step = special_steps.single(optimiser, partial(no_more_inputs, most))
        refutation = judged(optimiser, step, seed, "larger").refutation
        assert refutation is not None
        assert refutation.description["rows"] > most
    step = special_steps.single(optimiser, lambda net: len(net.signs) <= 144)
    assert judged(optimiser, step, seed, "larger").verdict is Verdict.REFUTED


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_what_every_run_has_is_judged_in_float32(optimiser: str) -> None:
    own = Implementation.of("single", optimiser, special_steps.single(optimiser, lambda net: True))
    for description in FIRST_LARGER[optimiser]:
        found = telling(StepInstance(larger_problem(description, optimiser), own))
        assert all(one.verdict is Verdict.HOLDS for one in found), (description, found)
    for description in first_singular(optimiser):
        found = telling(SingularInstance(singular_problem(description, own), own))
        assert all(one.verdict is Verdict.HOLDS for one in found), (description, found)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_angles_reach_down_to_what_float64_can_judge(optimiser: str) -> None:
    name = "factors" if optimiser == "kfac" else "least squares"
    own = Implementation.of("double", optimiser, algorithms.step(optimiser, name, np.float64))
    problems = [parallel_problem(description, own) for description in FIRST]
    for problem in problems:
        assert all(one.verdict is Verdict.HOLDS for one in telling(StepInstance(problem, own)))
    smallest = [
        problem.lambda_min if optimiser == "ngd" else problem.bounds.smallest_eigenvalue[0] for problem in problems
    ]
    assert smallest == sorted(smallest, reverse=True)
    assert smallest[0] > 1e-3
    assert smallest[-1] < 1e-11


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("cut_off", [1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10])
def test_an_absolute_cut_off_is_refuted_whatever_the_seed(optimiser: str, cut_off: float) -> None:
    for seed in (0, 1, 2):
        result = judged(optimiser, special_steps.absolute(cut_off, optimiser), seed, "nearly parallel")
        assert result.verdict is Verdict.REFUTED
        assert result.refutation is not None
        assert result.refutation.description in FIRST


def raising(error: type[Exception]) -> Callable[..., Any]:
    def step(*given: object) -> Any:
        raise error("singular")

    return step


class _LinAlgError(RuntimeError):
    """What PyTorch raises is of such a type."""


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize(
    ("there", "accepted"),
    [
        (raising(np.linalg.LinAlgError), True),
        (raising(ValueError), True),
        (raising(ZeroDivisionError), True),
        (raising(_LinAlgError), True),
        (raising(RuntimeError), False),
        (raising(AttributeError), False),
        (lambda weights, *rest: weights + 1.0, False),
        (lambda weights, *rest: weights * np.nan, False),
        (lambda weights, *rest: weights, False),
        (lambda *given: None, False),
    ],
)
def test_what_a_step_may_do_where_the_matrix_is_singular(
    optimiser: str, there: Callable[..., Any], accepted: bool
) -> None:
    step = special_steps.elsewhere(optimiser, there)
    for singular, passes in (("pinv", False), ("raises", accepted)):
        verdict = judged(optimiser, step, 0, "singular", singular=singular).verdict
        assert verdict is (Verdict.HOLDS if passes else Verdict.REFUTED)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_without_a_promise_singular_matrices_are_left_out(optimiser: str) -> None:
    own = Implementation.of("unjudged", optimiser, controls.stepping(controls.natural), None, "unjudged")
    claim = own_claims(own)[IDENTITY[optimiser]]
    assert "singular" not in [family.id for family in claim.families]
    assert not any(mutant.id.endswith("/garbage") for mutant in claim.mutants)
    assert "singular G or H not judged" in own.text
    assert own.options[-2:] == ("--singular", "unjudged")


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_step_of_a_singular_matrix_is_that_of_the_dense_pseudo_inverses(optimiser: str) -> None:
    own = Implementation("none", optimiser)
    for description in first_singular(optimiser):
        problem = singular_problem(description, own)
        assert not problem.regular
        assert problem.direction == problem.exact.dense_direction(optimiser)
        assert problem.inverse == pseudo_inverse(problem.matrix)
    for description in FIRST[:3]:
        net = parallel_problem(description, own).exact
        assert pseudo_direction(net, optimiser) == direction_of(net, optimiser)


def test_a_family_without_a_judged_instance_leaves_the_claim_undecided() -> None:
    right = algorithms.step("ngd", "least squares", np.float64)

    def late(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        found = right(weights, signs, X, y, step_size)
        return found.astype(np.float16) if len(y) > 4 else found

    result = judged("ngd", late, 0, "hand-sized", "larger")
    assert result.verdict is Verdict.UNDECIDED
    (line,) = result.unjudged
    assert line.startswith("family larger: no instance was judged, of 17 (")
    assert "times not: G well enough conditioned for float16" in line
    assert judged("ngd", late, 0, "hand-sized").verdict is Verdict.HOLDS


def test_a_float32_step_that_raises_is_judged_in_float32() -> None:
    """Cholesky in float32 breaks where float64 does not: no instance for float32."""
    step = algorithms.step("ngd", "Cholesky", np.float32)
    own = Implementation.of("Cholesky", "ngd", step)
    instance = StepInstance(parallel_problem(FIRST[-1], own), own)
    assert instance.answer.weights is None
    assert instance.dtype == "float32"
    assert any(one.verdict is Verdict.REFUTED for one in telling(instance))


@pytest.mark.parametrize(("width", "target", "allowed"), [(1, 0, 10.0), (4, 0, 26.0), (9, 0, 54.0), (4, -3, 65.0)])
def test_the_residual_of_equal_neurons_is_off_by_a_sum_over_them(width: int, target: int, allowed: float) -> None:
    """One input 1, all weights 1: ``u`` adds m terms of ``1/m^{1/2}``, and each of m + d + 8 roundings takes ``m^{1/2} + |y|``."""
    net = TwoLayerNetwork(np.ones((width, 1)), np.ones(width))
    exact = ExactNetwork.of(net, np.ones((1, 1)), np.array([float(target)]))
    assert residual_error(exact) == pytest.approx(allowed, rel=1e-12)
