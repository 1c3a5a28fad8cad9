"""Intended damping: the reference is the damped step, enclosed where it is irrational, and other dampings are refuted."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from properties.engine.claim import Depth, InstanceVerdict, Verdict, as_float
from properties.engine.replay.counterexample import Circumstances, read_counterexample, write_counterexample
from properties.engine.replay.replay import load_replays, replay_entry
from properties.engine.replay.rounder import stored_refutation
from properties.engine.report.causes import REMEDY
from properties.engine.search import run_claim
from properties.engine.selection import defects
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork, unvec
from properties.guard import controls
from properties.guard.claims import own_claims
from properties.guard.damped_steps import damped, pi, pi_damped, wrong_damping
from properties.guard.damping import KINDS, LEAST, MOST, Damping, damped_direction, pi_squared, root, shifted
from properties.guard.implementation import Implementation, load_implementation
from properties.guard.instances import HAND_SHAPES, Problem, hand_problem
from theory.errors import ImplementationError
from theory.rigour.exact import kronecker, rational

IDENTITY = {"ngd": "own-I-pinv", "kfac": "own-I-kfac"}

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


def dense_direction(kind: str, net: ExactNetwork, eps: fmpq) -> fmpq_mat:
    """The damped step divided by -eta from its definition: with matrices of md rows, where the reference has n."""
    gradient = net.jacobian.transpose() * net.residual
    if kind == "gram":
        matrix = shifted(net.jacobian.transpose() * net.jacobian, eps)
    else:
        S, X = net.features.transpose() * net.features, net.inputs.transpose() * net.inputs
        factors = kind == "factors"
        matrix = kronecker(shifted(S, eps), shifted(X, eps)) if factors else shifted(kronecker(S, X), eps)
    return unvec(matrix.solve(gradient), len(net.signs))


@pytest.mark.parametrize("eps", [1e-4, 0.3])
@pytest.mark.parametrize(("optimiser", "kind"), [case for case in CASES if case[1] != "pi"])
def test_the_reference_is_the_exact_one(optimiser: str, kind: str, eps: float) -> None:
    for problem in problems(optimiser, kind, eps):
        if len(problem.given.weights) > 4:
            continue
        found = damped_direction(problem.exact, Damping(kind, eps))
        off = rounding.floats(found.matrix - dense_direction(kind, problem.exact, rational(eps)))
        assert np.linalg.norm(off) <= found.error
        assert found.error <= 2.0**-100 * np.linalg.norm(rounding.floats(found.matrix))


def test_pi_is_that_of_the_factors() -> None:
    """S carries ``m^{-1/2}``: ``pi^2 = (n/d) / (tr S^T S / m)``, and roots that are rational are exact."""
    for problem in problems("kfac", "pi", 0.3):
        given = problem.given
        net = controls.Dense(given.weights, given.signs, given.inputs, given.targets)
        assert math.isclose(as_float(pi_squared(problem.exact)), pi(net) ** 2, rel_tol=1e-12)
        first, second = Damping("pi", 0.3).parts(problem.exact)
        assert math.isclose(as_float(first * second), 0.3, rel_tol=1e-15)
        assert math.isclose(as_float(second / first), pi(net) ** 2, rel_tol=1e-12)
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


@pytest.mark.parametrize(("optimiser", "kind"), [("ngd", "gram"), ("kfac", "factors")])
@pytest.mark.parametrize("eps", [0.0, MOST])
def test_broken_contracts_are_refuted_with_the_least_damping_and_the_most(
    optimiser: str, kind: str, eps: float
) -> None:
    for mutant in own_claims(own(optimiser, kind, eps or LEAST[kind]))["own-contract"].mutants:
        assert run_claim(mutant.claim, Depth.QUICK, 5).verdict is Verdict.REFUTED, mutant.id


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


MEANT = Damping("gram", 0.01)


def found_lines(step: Callable[..., Any], optimiser: str = "ngd", meant: Damping = MEANT) -> list[str]:
    """What is said of a step that is meant to be damped and is refuted."""
    claim = own_claims(Implementation.of("wrong", optimiser, step, meant))[IDENTITY[optimiser]]
    refutation = run_claim(claim, Depth.QUICK, 3).refutation
    assert refutation is not None
    assert claim.explain is not None
    return [line for line in claim.explain(refutation) if not line.startswith(REMEDY)]


def test_what_is_meant_is_said() -> None:
    lines = found_lines(controls.stepping(controls.natural))
    assert lines[-2] == "damping: meant is gram damping, eps = 0.01: -eta J^T (J J^T + eps I)^-1 r"


def halved(right: controls.Direction) -> controls.Direction:
    return controls.times(lambda net: 0.5, right)


def raising(*given: Any) -> Any:
    raise RuntimeError("not today")


CAUSES: list[tuple[str, str, controls.Direction, str]] = [
    ("ngd", "gram", controls.natural, "matches the step without damping on all "),
    ("ngd", "gram", damped("gram", 0.02), "matches damping on G (or on the Fisher matrix) with eps = 0.02 on all "),
    ("ngd", "gram", damped("gram", 1e-4), "matches damping on G (or on the Fisher matrix) with eps = 0.0001 on all "),
    ("ngd", "gram", halved(damped("gram", 0.01)), "matches 1/2 times the step (a curvature of twice"),
    ("ngd", "gram", controls.times(controls.per_sample, damped("gram", 0.01)), "matches 1/n times the step (the gradient"),
    ("ngd", "gram", controls.gradient, "matches the gradient step (plain gradient descent) on all "),
    ("ngd", "gram", lambda net: damped("gram", 0.01 * len(net.targets))(net), "matches damping on G (or on the Fisher matrix) with eps = 0.01; n eps in"),
    ("kfac", "factors", controls.kronecker, "matches the step without damping on all "),
    ("kfac", "factors", damped("product", 0.01), "matches damping on the product of the factors (S^T S (x) X^T X + eps I) with eps = 0.01 on all "),
    ("kfac", "factors", controls.times(lambda net: -1.0, damped("factors", 0.01)), "matches the opposite sign on all "),
    ("kfac", "pi", pi_damped(0.01, -1), "matches damping by factors with pi inverted (sqrt(eps)/pi on X^T X, sqrt(eps) pi on S^T S, pi^2 = (tr A"),
    ("kfac", "pi", halved(damped("pi", 0.01)), "matches 1/2 times the step ("),
    ("kfac", "product", damped("factors", 0.01), "matches damping in both factors (S^T S + eps I and X^T X + eps I) with eps = 0.01 on all "),
    ("kfac", "product", halved(damped("product", 0.01)), "matches 1/2 times the step ("),
]  # fmt: skip


@pytest.mark.parametrize(("optimiser", "kind", "direction", "said"), CAUSES)
def test_the_cause_is_named_where_damping_is_meant(
    optimiser: str, kind: str, direction: controls.Direction, said: str
) -> None:
    lines = found_lines(controls.stepping(direction), optimiser, Damping(kind, 0.01))
    assert lines[-1].startswith(f"cause: {said}")
    assert not lines[-2].startswith("cause: ")


def test_what_is_no_damping_is_not_named() -> None:
    right = damped("gram", 0.01)
    lines = found_lines(controls.stepping(lambda net: right(net) + 0.1 * controls.gradient(net)))
    assert lines[-1].startswith("cause: none of those known matches on all ")


def test_a_damped_step_that_raises_on_larger_networks_is_said_to() -> None:
    right = controls.stepping(damped("gram", 0.01))
    lines = found_lines(lambda *given: (raising if len(given[3]) > 5 else right)(*given))
    assert lines[-1].startswith("cause: the step raised RuntimeError: not today here, with n = ")


KEEPING = """
import numpy as np

kept = {}


def step(weights, signs, X, y, step_size):
    S = np.where(X @ weights.T >= 0, signs, 0.0) / np.sqrt(len(signs))
    r = np.maximum(X @ weights.T, 0) @ signs / np.sqrt(len(signs)) - y
    inverse = kept.setdefault((X.shape, weights.shape), np.linalg.inv((X @ X.T) * (S @ S.T) + 0.01 * np.eye(len(y))))
    return weights - step_size * S.T @ ((inverse @ r)[:, None] * X)


def factors(weights, signs, X, y, step_size):
    S = np.where(X @ weights.T >= 0, signs, 0.0) / np.sqrt(len(signs))
    r = np.maximum(X @ weights.T, 0) @ signs / np.sqrt(len(signs)) - y
    both = [np.linalg.inv(M + 0.01 * np.eye(len(M))) for M in (S.T @ S, X.T @ X)]
    left, right = kept.setdefault((X.shape, weights.shape), both)
    return weights - step_size * left @ S.T @ (r[:, None] * X) @ right
"""


@pytest.mark.parametrize(("name", "optimiser", "kind"), [("step", "ngd", "gram"), ("factors", "kfac", "factors")])
def test_a_damped_step_that_keeps_state_is_refuted_by_its_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, optimiser: str, kind: str
) -> None:
    """The calls are stored with the damping that is meant, and refute it when they are made again."""
    (tmp_path / "damped_and_kept.py").write_text(KEEPING)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "damped_and_kept", raising=False)
    own = load_implementation(f"damped_and_kept:{name}", optimiser, tmp_path, Damping(kind, 0.01))
    claim = own_claims(own)[IDENTITY[optimiser]]
    found = run_claim(claim, Depth.QUICK, 3).refutation
    assert found is not None
    assert claim.isolate is not None
    assert claim.explain is not None
    isolation = claim.isolate(claim, found, 3)
    assert isolation is not None
    assert "keeps state between calls: in a fresh process this instance alone does not" in isolation.remark
    (sentence,) = [line for line in claim.explain(isolation.evaluation) if line.startswith("cause: ")]
    assert "the matrix of the first call of the same shape, kept (state is kept)" in sentence
    path = write_counterexample(
        tmp_path,
        stored_refutation(claim, isolation.evaluation, 3),
        Circumstances(claim.id, claim.statement, "quick", 3, {}),
    )
    stored = read_counterexample(path).instance.implementation
    assert stored.damping == Damping(kind, 0.01)
    assert len(stored.before) == 1
    (replay,) = load_replays([str(path)], tmp_path, {claim.id: claim})
    assert replay_entry(replay)["verdict"] == InstanceVerdict.REFUTED.value
