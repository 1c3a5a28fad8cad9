"""A step that keeps state is refuted by a sequence of calls: found, shrunk, told, stored and replayed in a fresh process."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from properties.engine.claim import Claim, Depth, InstanceVerdict
from properties.engine.replay.counterexample import Circumstances, read_counterexample, write_counterexample
from properties.engine.replay.replay import load_replays, replay_entry
from properties.engine.replay.rounder import stored_refutation
from properties.engine.report import wording
from properties.engine.results import Isolation
from properties.engine.search import run_claim
from properties.guard.claims import own_claims
from properties.guard.fresh import AfterCalls, fresh_process
from properties.guard.implementation import KEPT_BYTES, Call, Calls, Implementation, load_implementation
from theory.errors import ImplementationError

MODULE = '''
import os
import numpy as np

calls, kept = 0, {}


def right(weights, signs, X, y, step_size, scale=1.0):
    S = np.where(X @ weights.T >= 0, signs, 0.0) / np.sqrt(len(signs))
    r = np.maximum(X @ weights.T, 0) @ signs / np.sqrt(len(signs)) - y
    J = (S[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    return weights - scale * step_size * (np.linalg.pinv(J) @ r).reshape(weights.shape)


def third(*given):
    """Every third call is no step."""
    global calls
    calls += 1
    print("a step may print", calls)
    return right(*given, scale=1.0 if calls % 3 else 0.0)


def per_shape(weights, signs, X, y, step_size):
    """The inverse of G is kept for each shape."""
    S = np.where(X @ weights.T >= 0, signs, 0.0) / np.sqrt(len(signs))
    r = np.maximum(X @ weights.T, 0) @ signs / np.sqrt(len(signs)) - y
    inverse = kept.setdefault((X.shape, weights.shape), np.linalg.pinv((X @ X.T) * (S @ S.T), hermitian=True))
    return weights - step_size * S.T @ ((inverse @ r)[:, None] * X)


def shrinking(*given):
    """Each call moves less."""
    global calls
    calls += 1
    return right(*given, scale=1.0 / calls)


def random(*given):
    """Another one in every process."""
    return right(*given, scale=1.0 + int.from_bytes(os.urandom(1), "big") / 256)


def elsewhere(*given):
    """Wrong in the process that wrote this module alone."""
    return right(*given, scale=0.5 if os.getpid() == PARENT else 1.0)


def ending(*given):
    """Ends its process, where it is a fork."""
    if os.getpid() != PARENT:
        os._exit(3)
    return right(*given, scale=0.5)


def half(*given):
    return right(*given, scale=0.5)
'''


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("steps")
    (found / "keeping.py").write_text(MODULE.replace("PARENT", str(os.getpid())))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(found))
        yield found


def refuted(directory: Path, name: str, id: str = "own-I-pinv") -> tuple[Claim[object], Isolation | None]:
    claim = own_claims(load_implementation(f"keeping:{name}", "ngd", directory))[id]
    found = run_claim(claim, Depth.QUICK, 3).refutation
    assert found is not None
    assert claim.isolate is not None
    return claim, claim.isolate(claim, found, 3)


def before(isolation: Isolation) -> Sequence[Call]:
    implementation = isolation.evaluation.instance.implementation
    assert isinstance(implementation, AfterCalls)
    return implementation.before


def test_the_calls_that_a_refutation_needs_are_found_and_shrunk(directory: Path) -> None:
    claim, isolation = refuted(directory, "third")
    assert isolation is not None
    assert isolation.remark.startswith(
        "keeps state between calls: in a fresh process this instance alone does not refute it, after 2 earlier calls it does: "
        "one on the same input, one on the same input (in this run number "
    )
    last = isolation.evaluation.instance.problem.call()
    assert len(before(isolation)) == 2
    for call in before(isolation):
        assert np.array_equal(call.weights, last.weights)
        assert np.array_equal(call.inputs, last.inputs)
    assert last.weights.shape == (1, 1)
    assert claim.explain is not None
    lines = claim.explain(isolation.evaluation)
    assert lines[0] == "on these calls, the first ones in a fresh process:"
    assert [line for line in lines if line.startswith("call 2: ")][:2] == ["call 2: X = [[1.0]]", "call 2: y = [0.0]"]
    assert "call 3: returned_weights = [[3.0]]" in lines
    assert lines[-2] == (
        "cause: calls 1 to 2 on the same input are exact, call 3 on the same input is not (no step at all): every call whose "
        "number is a multiple of 3 (state is kept)"
    )
    assert lines[-1] == (
        "remedy: keep nothing from one call to the next: make matrices, buffers and optimisers anew in every call"
    )


@pytest.mark.parametrize(
    ("name", "said", "which"),
    [
        ("per_shape", "the matrix of the first call of the same shape, kept (state is kept)", "one with other "),
        ("shrinking", "1, 1/2, 1/3, 1/4 times the first (state is kept)", "one on the same input"),
    ],
)
def test_the_earlier_call_that_matters_is_told(directory: Path, name: str, said: str, which: str) -> None:
    claim, isolation = refuted(directory, name)
    assert isolation is not None
    assert f"after 1 earlier call it does: {which}" in isolation.remark
    assert len(before(isolation)) == 1
    assert claim.explain is not None
    assert said in claim.explain(isolation.evaluation)[-2]


def test_a_file_holds_the_calls_and_replays_them(directory: Path, tmp_path: Path) -> None:
    claim, isolation = refuted(directory, "third")
    assert isolation is not None
    stored = stored_refutation(claim, isolation.evaluation, 3)
    path = write_counterexample(tmp_path, stored, Circumstances(claim.id, claim.statement, "quick", 3, {}))
    read = read_counterexample(path).instance
    assert [call.weights.tolist() for call in read.implementation.before] == [[[3.0]], [[3.0]]]
    assert {"implementation.before.0.weights", "implementation.before.1.inputs"} <= json.loads(path.read_text())[
        "arrays"
    ].keys()
    for _ in range(2):  # not even a replay before it changes what it finds
        (replay,) = load_replays([str(path)], tmp_path, {claim.id: claim})
        entry = replay_entry(replay)
        assert entry["verdict"] == InstanceVerdict.REFUTED.value
        assert entry["agreement"] == [
            "the same as the file: verdict, margins, and both sides of every bound to the last digit"
        ]


def test_a_refutation_that_the_instance_reproduces_needs_no_calls(directory: Path) -> None:
    assert refuted(directory, "half")[1] is None


def test_the_contract_tells_state_by_its_own_calls(directory: Path) -> None:
    _, isolation = refuted(directory, "shrinking", "own-contract")
    assert isolation is not None
    assert isolation.remark.startswith("keeps state between calls: the same input gives another W' after one call")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "random",
            "keeps state between calls, or is random: two fresh processes return different W' for the first call",
        ),
        (
            "elsewhere",
            "keeps state between calls, or depends on what else this process did: a fresh process does not refute it",
        ),
    ],
)
def test_what_no_sequence_explains_is_said(directory: Path, name: str, said: str) -> None:
    remarks = [isolation.remark for _ in range(3) if (isolation := refuted(directory, name)[1]) is not None]
    assert name == "random" or len(remarks) == 3  # a random step may be refuted in the fresh process too
    assert all(remark.startswith(said) or "earlier call" in remark for remark in remarks)


def test_a_step_that_ends_its_process_is_an_answer(directory: Path) -> None:
    implementation = load_implementation("keeping:ending", "ngd", directory)
    call = Call(np.ones((4, 2)), np.ones(4), np.eye(2), np.ones(2), 0.5)
    for _ in range(2):
        assert AfterCalls(implementation.name, "ngd").answer(call).problem == "ended its process"
    other = load_implementation("keeping:half", "ngd", directory)
    assert AfterCalls(other.name, "ngd").answer(call).problem == ""


def test_sessions_do_not_mix(directory: Path) -> None:
    implementation = load_implementation("keeping:shrinking", "ngd", directory)
    call = Call(np.ones((4, 2)), np.ones(4), np.eye(2), np.zeros(2), 0.5)
    first, second = (AfterCalls(implementation.name, "ngd") for _ in range(2))
    moves = [first.answer(call).weights, first.answer(call).weights, second.answer(call).weights]
    assert moves[0] is not None
    assert not np.array_equal(moves[0], moves[1])  # type: ignore[arg-type]
    assert np.array_equal(moves[0], moves[2])  # type: ignore[arg-type]
    with pytest.raises(ImplementationError, match="the session of keeping:shrinking is over"):
        first.answer(call)


def test_a_step_that_was_made_here_has_no_fresh_process() -> None:
    with pytest.raises(ImplementationError, match="cannot be imported anew"):
        fresh_process().take(Implementation.of("made here", "ngd", lambda *given: given[0]))


def test_a_module_that_is_gone_is_said(directory: Path) -> None:
    module = directory / "fleeting.py"
    module.write_text(MODULE)
    implementation = load_implementation("fleeting:third", "ngd", directory)
    module.unlink()
    claim = own_claims(implementation)["own-I-pinv"]
    found = run_claim(claim, Depth.QUICK, 3).refutation
    assert found is not None
    assert claim.isolate is not None
    isolation = claim.isolate(claim, found, 3)
    assert isolation is not None
    assert isolation.remark.startswith(
        "whether it keeps state between calls is not known: a fresh process could not import fleeting:third: there is no module"
    )


def test_the_oldest_calls_are_forgotten_where_they_take_too_much() -> None:
    calls = Calls()
    large = np.zeros((2**10, 2**10))
    for number in range(2 * KEPT_BYTES // large.nbytes):
        calls.add(Call(large, large[0], large[:1], large[0, :1], float(number)))
    kept = calls.before(calls.made)
    assert 0 < len(kept) < calls.made
    assert kept[-1].step_size == calls.made - 1
    assert [call.step_size for call in calls.before(calls.made - 1)] == [call.step_size for call in kept[:-1]]
    assert calls.before(1) == ()


FAILED: dict[str, Any] = {
    "id": "own-I-pinv",
    "verdict": "refuted",
    "statement": "it moves",
    "error": "broke",
    "refutation": None,
    "undecided_example": None,
    "instances": 1,
    "vacuous": 0,
    "undecided_hypotheses": 0,
    "undecided": 0,
    "families": {},
    "seed": 1,
    "depth": "quick",
}


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"remark": "keeps state between calls: so"}, ": keeps state between calls: so; it moves"),
        (
            {"remark": "keeps state: so", "explanation": ["keeps state: so", "cause: the matrix is kept (state is kept)"]},
            ": keeps state: so; it moves",
        ),
        (
            {"explanation": ["X = [[1.0]]", "cause: matches 1/n times the step (a; or b) on all 25 instances tried"]},
            " (matches 1/n times the step (a; or b)): it moves",
        ),
        (
            {"explanation": ["cause: matches one on all 9 instances tried", "cause: matches two on all 8 instances tried"]},
            " (matches one; or matches two): it moves",
        ),
        (
            {"explanation": ["cause: it is exact on all 25 instances tried; its contract is broken"]},
            " (it is exact on all 25 instances tried; its contract is broken): it moves",
        ),
        (
            {"explanation": ["cause: the step raised E: one\ntwo on 24 of the 24 small instances tried"]},
            " (the step raised E: one two on 24 of the 24 small instances tried): it moves",
        ),
        ({"explanation": ["cause: none of those known matches on all 25 instances tried"]}, ": it moves"),
        ({"explanation": ["cause: not looked for, as the step a:b was not loaded"]}, ": it moves"),
        ({"explanation": ["X = [[1.0]]"]}, ": it moves"),
        ({}, ": it moves"),
    ],
)  # fmt: skip
def test_state_or_the_cause_stands_in_the_first_line_of_the_failure(changes: dict[str, Any], first: str) -> None:
    failure = wording.claim_failure({**FAILED, **changes}, changes.get("explanation", []), [])
    assert failure.splitlines()[0] == f"own-I-pinv is refuted{first}"
