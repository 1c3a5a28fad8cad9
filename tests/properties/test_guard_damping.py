"""Intended damping: the reference is the damped step, enclosed where it is irrational, and other dampings are refuted."""

import math
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from properties.claim import Depth, Verdict
from properties.claims import identity_rounding as rounding
from properties.guard import controls, conventions
from properties.guard.claims import own_claims
from properties.guard.damped_steps import damped, pi, wrong_damping
from properties.guard.damping import KINDS, LEAST, MOST, Damping, damped_direction, pi_squared, root
from properties.guard.implementation import Implementation
from properties.guard.instances import HAND_SHAPES, Problem, hand_problem
from properties.search import run_claim
from properties.selection import defects
from theory.errors import ImplementationError
from theory.rigour.exact import rational

CASES = [(optimiser, kind) for optimiser, kinds in KINDS.items() for kind in kinds]


def own(optimiser: str, kind: str, eps: float) -> Implementation:
    found = Damping.of(eps, kind, optimiser)
    return Implementation.of(f"right {kind}", optimiser, controls.stepping(damped(kind, eps)), found)


def problems(optimiser: str, kind: str, eps: float) -> list[Problem]:
    found = []
    for seed, (inputs, rows, dim) in enumerate(HAND_SHAPES[6:]):
        sizes = {"kind": inputs, "rows": rows, "dim": dim, "width": (4, 9)[seed % 2], "eighths": 4, "seed": seed}
        found.append(hand_problem({**sizes, "weights": "gaussian"}, optimiser, Damping(kind, eps)))
    return [problem for problem in found if problem.exact.features != 0 * problem.exact.features]


@pytest.mark.parametrize("eps", [1e-4, 0.3, 20.0])
@pytest.mark.parametrize(("optimiser", "kind"), CASES)
def test_the_reference_is_the_damped_step_in_dense_numpy(optimiser: str, kind: str, eps: float) -> None:
    for problem in problems(optimiser, kind, eps):
        given = problem.given
        net = controls.Dense(given.weights, given.signs, given.inputs, given.targets)
        dense = np.asarray(damped(kind, eps)(net)).reshape(given.weights.shape)
        exact = rounding.floats(problem.direction)
        assert np.linalg.norm(dense - exact) <= 1e-15 / eps**2 + 1e-10 * np.linalg.norm(exact)


@pytest.mark.parametrize("eps", [1e-4, 0.3])
@pytest.mark.parametrize(("optimiser", "kind"), [case for case in CASES if case[1] != "pi"])
def test_the_reference_is_the_exact_one(optimiser: str, kind: str, eps: float) -> None:
    formula: Any = {
        "gram": conventions.gram_damped,
        "factors": conventions.factors_damped(1, 1),
        "product": conventions.product_damped,
    }[kind]
    for problem in problems(optimiser, kind, eps):
        if len(problem.given.weights) > 4:
            continue
        found = damped_direction(problem.exact, Damping(kind, eps))
        off = rounding.floats(found.matrix - formula(problem.exact, rational(eps)))
        assert np.linalg.norm(off) <= found.error
        assert found.error <= 2.0**-100 * np.linalg.norm(rounding.floats(found.matrix))


def test_pi_is_that_of_the_factors() -> None:
    """S carries ``m^{-1/2}``: ``pi^2 = (n/d) / (tr S^T S / m)``, and roots that are rational are exact."""
    for problem in problems("kfac", "pi", 0.3):
        given = problem.given
        net = controls.Dense(given.weights, given.signs, given.inputs, given.targets)
        assert math.isclose(rounding.nearest(pi_squared(problem.exact)), pi(net) ** 2, rel_tol=1e-12)
        first, second = Damping("pi", 0.3).parts(problem.exact)
        assert math.isclose(rounding.nearest(first * second), 0.3, rel_tol=1e-15)
        assert math.isclose(rounding.nearest(second / first), pi(net) ** 2, rel_tol=1e-12)
    assert root(fmpq(9, 4)) == fmpq(3, 2)
    for value in (fmpq(2), fmpq(1, 3), fmpq(10**40, 7), fmpq(7, 10**40)):
        found = root(value)
        assert 0 <= value - found**2 <= value * fmpq(1, 2**126)


@pytest.mark.parametrize(("optimiser", "kind"), CASES)
@pytest.mark.parametrize("eps", [0.02])
def test_the_damped_step_passes_and_others_are_refuted(optimiser: str, kind: str, eps: float) -> None:
    claims = own_claims(own(optimiser, kind, eps))
    identity = {"ngd": "own-I-pinv", "kfac": "own-I-kfac"}[optimiser]
    assert list(claims) == ["own-contract", "own-fixed-point", identity]
    assert defects(claims) == []
    assert f"{kind} damping, eps = {eps!r}" in claims[identity].statement
    for id in ("own-fixed-point", identity):
        result = run_claim(claims[id], Depth.QUICK, 5)
        assert result.verdict is Verdict.HOLDS, (result.refutation, result.unjudged)
    ids = {"undamped", "twice", "mean-eps", "root"} | ({"inverted", "without-pi"} if kind == "pi" else set())
    assert ids <= {mutant.id.rpartition("/")[2] for mutant in claims[identity].mutants}
    for mutant in claims[identity].mutants:
        assert run_claim(mutant.claim, Depth.NORMAL, 5).verdict is Verdict.REFUTED, mutant.id


def test_at_1_the_root_is_no_mutant() -> None:
    assert "root" not in wrong_damping(Damping("gram", 1.0))


@pytest.mark.parametrize("eps", [0, -1, math.nan, math.inf, "", "0.1x", 1e-9, 1e7])
def test_a_damping_out_of_range_is_an_error(eps: float | str) -> None:
    with pytest.raises(ImplementationError, match=r"--damping .* is not a number from 1e-08 to 1e\+06"):
        Damping.of(eps, None, "ngd")


@pytest.mark.parametrize(("optimiser", "kind"), CASES)
def test_options_give_the_damping_back(optimiser: str, kind: str) -> None:
    for eps in (LEAST[kind], 0.1, MOST):
        found = Damping.of(eps, kind, optimiser)
        assert found.options == ("--damping", repr(eps), "--damping-kind", kind)
        assert Damping.of(found.options[1], found.options[3], optimiser) == found


def test_a_step_of_another_damping_is_not_the_one_loaded() -> None:
    loaded = own("ngd", "gram", 0.1)
    assert loaded.step is not None
    with pytest.raises(ImplementationError, match=r"was not loaded; give .* --damping 0\.2 --damping-kind gram"):
        _ = Implementation(loaded.name, "ngd", Damping("gram", 0.2)).step


def test_kinds_belong_to_their_optimiser() -> None:
    with pytest.raises(ImplementationError, match="gram is none of the optimiser kfac, which has factors, product, pi"):
        Damping.of(0.1, "gram", "kfac")
    with pytest.raises(ImplementationError, match="--damping needs --damping-kind for kfac"):
        Damping.of(0.1, None, "kfac")


def test_an_undamped_step_is_said_to_be_undamped() -> None:
    meant = Damping("gram", 0.01)
    claims = own_claims(Implementation.of("undamped", "ngd", controls.stepping(controls.natural), meant))
    refutation = run_claim(claims["own-I-pinv"], Depth.QUICK, 3).refutation
    assert refutation is not None
    assert claims["own-I-pinv"].explain is not None
    lines = claims["own-I-pinv"].explain(refutation)
    assert lines[-2:] == [
        "damping: meant is gram damping, eps = 0.01: -eta J^T (J J^T + eps I)^-1 r",
        "convention: matches the step without damping",
    ]
