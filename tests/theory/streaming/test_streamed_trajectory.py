"""Streamed steps are those in memory and those in balls, within their bounds; G(0) and path constants are the same to the last bit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb

from tests.theory.streaming.streams import into, small
from tests.theory.streaming.test_running import Unordered
from theory import neurons
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import DivergenceError, InputError, RankDeficientError
from theory.inputs import FloatArray
from theory.network.two_layer import pattern_counts
from theory.rigour.one_step import OneStep, network_steps
from theory.rigour.pre_activations import pre_activation_error
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNIT_ROUNDOFF
from theory.rigour.trajectory import network_steps_enclosed
from theory.stability import certify_path
from theory.stability.conditions import factor_rows
from theory.stability.path import PatternSegments
from theory.streaming import chunk_step, descent
from theory.streaming.chunk_step import ChunkStep, Flips, Step, next_iterate, with_exact_signs
from theory.streaming.descent import StreamedDescent
from theory.streaming.executors import executor_named
from theory.streaming.kept import Change, Counted, InMemory, KeptChunk
from theory.streaming.path import StreamedPath
from theory.streaming.stream import Block, NeuronStream, neuron_stream
from theory.streaming.trajectory import StreamedTrajectory, factor_bounds, followed

OPTIMISERS = ("ngd", "gd", "kfac")
STREAM, Y = small(7, 4, 4, 8000, 2.0, chunk=1000)
ETA, STEPS = 0.4, 4
SMALL = 2.0**-36
"""More than any bound of these steps' errors: a step from numbers that are not the iterate's own is not within its bound, or that is large."""
TINY = 2.0**-1074
EXPECTED = followed(STREAM, Y, ETA, STEPS)


def whole(state: StreamedDescent) -> FloatArray:
    """Z (n, m), neurons in the order of the network in memory."""
    stream, n = state.stream, len(state.stream.rows)
    found = np.full((stream.copies, n, stream.distinct), np.nan)
    for chunk, kept in state._chunks.items():
        first = chunk * stream.chunk
        for block in kept.blocks():
            copies = np.split(block, stream.copies, axis=1)
            found[:, :, first : first + copies[0].shape[1]] = copies
            first += copies[0].shape[1]
    return np.concatenate(list(found), axis=1)


def check(stream: NeuronStream, y: FloatArray, optimiser: str = "ngd", steps: int = STEPS) -> None:
    """Each step against the one in memory and the exact one, both from the Z that memory had before it."""
    state, net = StreamedDescent(stream, y), stream.network()
    before = whole(state)
    memory = FunctionSpaceDescent(net, stream.rows, y)
    assert (np.abs(before - memory.pre_activations) <= 2 * pre_activation_error(net)).all()
    np.testing.assert_array_equal(state.gram, memory.gram)
    for step in islice(network_steps(state, ETA, optimiser), steps):
        memory.pre_activations = before
        expected = next(network_steps(memory, ETA, optimiser))
        with working_precision(128):
            exact = network_steps_enclosed(before, stream.rows, net.signs, "relu", y, ETA, 1, optimiser)[0]
            for name in ("before", "after", "length"):
                found, allowed = getattr(step, name), getattr(step, f"{name}_error")
                assert abs(found - getattr(expected, name)) <= allowed + getattr(expected, f"{name}_error"), name
                assert abs(arb(found) - getattr(exact, name)) <= allowed <= SMALL, name
            least, most = factor_bounds(step)
            assert least <= exact.after / exact.before <= most
        before = whole(state)
        np.testing.assert_array_equal(state.pattern_gram, pattern_counts(before >= 0) / stream.width)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("symmetric", [False, True])
def test_steps_are_those_in_memory_and_those_in_balls(symmetric: bool, optimiser: str) -> None:
    check(*small(5, 3, 4, 6000, 1.5, symmetric, chunk=1301), optimiser)


@pytest.mark.parametrize("chunk", [1, 29, 700, 5000])
def test_in_chunks_of_any_size(chunk: int) -> None:
    """Also of one neuron, and one chunk that is larger than the network."""
    check(*small(1, 2, 3, 120 if chunk < 100 else 1401, 2.0, False, chunk))


def test_of_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theory.streaming.stream.LARGEST_BLOCK", 37)
    monkeypatch.setattr("theory.streaming.stream.SMALLEST_BLOCK", 37)
    check(*small(1, 2, 3, 1200, 2.0, True, 271))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("symmetric", [False, True])
def test_path_constants_are_those_in_memory_to_the_last_bit(symmetric: bool, optimiser: str) -> None:
    stream, y = small(5, 3, 4, 2000, 0.7, symmetric, chunk=301)
    state = StreamedDescent(stream, y)
    rows = factor_rows("K2" if optimiser == "kfac" else "2", stream.rows)
    streamed, before = StreamedPath(rows, stream.width), whole(state)
    memory, reached = PatternSegments(before, rows), 0.0
    flipped = 0
    for _ in islice(network_steps(state, 1.9, optimiser), 8):
        after = whole(state)
        found = streamed.supremum(state.flips, 16, reached)
        assert found == memory.supremum(before, after, 16, reached)
        np.testing.assert_array_equal(streamed.counts, memory.change.counts)
        flipped += len(state.flips.rows)
        reached, before = max(reached, found[0]), after
    different = np.count_nonzero((before >= 0) != memory.initial)
    assert flipped > different > 0 or optimiser == "kfac"  # some have flipped back, but where H^{-1} holds them


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_certificate_of_a_path_is_the_one_in_memory(optimiser: str) -> None:
    found = followed(STREAM, Y, ETA, STEPS, optimiser).path
    expected = certify_path(STREAM.network(), STREAM.rows, Y, ETA, STEPS, optimiser)
    assert (found.constant, found.steps, found.lambda_min) == (expected.constant, expected.steps, expected.lambda_min)
    np.testing.assert_array_equal(found.step_changes, expected.step_changes)
    np.testing.assert_allclose(found.residual_norms, expected.residual_norms, rtol=1e-9)
    np.testing.assert_allclose(found.step_norms, expected.step_norms, rtol=1e-9)


def test_a_pair_that_ends_at_0_has_switched_on() -> None:
    """The first input's neuron goes to 0, and later the second one's beyond: both are active now, and were not."""
    path = StreamedPath(np.ones((2, 1)), 3)
    for row, end in ((0, 0.0), (1, 0.5)):
        path.supremum(Flips(np.array([row]), np.array([1]), np.array([-1.0]), np.array([end])), 4)
    np.testing.assert_array_equal(path.counts, np.ones((2, 2)))


def numbers(found: StreamedTrajectory) -> list[Any]:
    """All of them, for comparison to the last bit."""
    steps = [[*step.residual, *step.moved_residual, step.after_error, step.length] for step in found.steps]
    return [steps, found.factors, found.path.constant, found.path.step_changes.tolist(), found.gram.tolist()]


@pytest.mark.parametrize("files", [False, True])
def test_the_same_bits_whoever_works(files: bool, tmp_path: Path) -> None:
    directory = tmp_path / "new" if files else None
    assert numbers(followed(STREAM, Y, ETA, STEPS, directory=directory)) == numbers(EXPECTED)
    assert numbers(followed(STREAM, Y, ETA, STEPS, "ngd", directory, Unordered(1))) == numbers(EXPECTED)
    with executor_named("processes", 2) as executor:
        assert numbers(followed(STREAM, Y, ETA, STEPS, "ngd", directory, executor)) == numbers(EXPECTED)
    assert not files or list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("files", [False, True])
def test_the_same_bits_on_a_dask_cluster(files: bool, tmp_path: Path) -> None:
    with executor_named("dask", 2) as executor:
        found = followed(STREAM, Y, ETA, STEPS, "ngd", tmp_path if files else None, executor)
    assert numbers(found) == numbers(EXPECTED)


def test_progress_tells_of_each_neuron_once_a_pass() -> None:
    seen: list[int] = []
    followed(STREAM, Y, ETA, STEPS, progress=into(seen))
    assert sum(seen) == (STEPS + 1) * STREAM.distinct


def test_the_public_name() -> None:
    found = neurons.stream_trajectory(STREAM.rows, Y, STREAM.width, ETA, STEPS, 2.0, 7, chunk=1000)
    assert numbers(found) == numbers(EXPECTED)


def test_a_first_iterate_has_the_pattern_of_the_exact_one() -> None:
    """Products that round to the other side of 0, and to 0."""
    rows, weights = np.array([[0.6, 0.8]]), np.array([[4.0, -3.0], [-4.0, 3.0], [4.0, -3.0], [1.0, 1.0]])
    computed = np.array([[-1e-17, 1e-17, 0.0, 1.4]])
    exact = [sum(Fraction(x) * Fraction(w) for x, w in zip(rows[0], one, strict=True)) for one in weights]
    assert [float(z) > 0 for z in exact] == [False, True, False, True]
    stored = with_exact_signs(Block(computed, 1e-15, np.ones(4), rows, weights))
    assert [bool(z >= 0) for z in stored[0]] == [z >= 0 for z in exact]
    assert all(abs(Fraction(z) - true) <= Fraction(1e-15) for z, true in zip(stored[0][:3], exact[:3], strict=True))
    assert stored[0, 3] == 1.4
    swapped = with_exact_signs(Block(np.array([[1e-17, -1e-17, 0.0, 1.4]]), 1e-15, np.ones(4), rows, weights))
    assert swapped[0, :3].tolist() == [
        -TINY,
        0.0,
        -TINY,
    ]  # P11.9: the nearest to what was computed that has the exact sign


@pytest.mark.parametrize("symmetric", [False, True])
def test_a_step_of_neurons_at_0(symmetric: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neuron by neuron and pair by pair: 0 is active, also -0, at the start and at the end of a step, and as a feature."""
    monkeypatch.setattr("theory.streaming.stream.LARGEST_BLOCK", 5)
    monkeypatch.setattr("theory.streaming.stream.SMALLEST_BLOCK", 5)
    stream = neuron_stream(np.eye(2), 72, 1.0, 3, symmetric, 9)
    state, matrix = StreamedDescent(stream, [1.0, -1.0]), np.array([[1.0, -0.5], [0.5, 1.0]])
    start = np.random.default_rng(0).choice([-1.0, -0.5, -TINY, -0.0, 0.0, TINY, 0.5, 1.0], (2, stream.width))
    signs = stream.network().signs
    put(state, start)
    parts = [next_iterate(stream, InMemory(), Step(0, (matrix,)), kept) for kept in state._chunks.values()]
    state._chunks = {part.kept.chunk: part.kept for part in parts}
    end, found = whole(state), Flips.together([part.flips for part in parts][::-1], stream.width)
    expected, change = list[tuple[float, ...]](), np.zeros((2, 2))
    for i in range(2):
        for r in range(stream.width):
            z = start[i, r] + sum(matrix[i, j] * signs[r] for j in range(2) if start[j, r] >= 0)
            assert end[i, r] == z
            if (start[i, r] >= 0) != (z >= 0):
                expected.append((i, r, start[i, r], z))
            for j in range(2):
                change[i, j] += (end[i, r] >= 0) * (end[j, r] >= 0) * 1.0 - (start[i, r] >= 0) * (start[j, r] >= 0)
    assert list(zip(found.rows, found.neurons, found.start, found.end, strict=True)) == expected
    assert {0.0} < {abs(number) for pair in expected for number in pair[2:]}
    np.testing.assert_array_equal(sum(part.tally.counts["counts"] for part in parts), change)


def put(state: StreamedDescent, z: FloatArray) -> None:
    """Let the chunks hold this Z (n, m)."""
    stream, n = state.stream, len(state.stream.rows)
    copies = z.reshape(n, stream.copies, stream.distinct)
    for chunk, kept in state._chunks.items():
        first = chunk * stream.chunk
        for block in kept.blocks():
            block[:] = copies[:, :, first : first + block.shape[1] // stream.copies].reshape(n, -1)
            first += block.shape[1] // stream.copies


@pytest.mark.parametrize("error", [0.0, 1.0])
@pytest.mark.parametrize(
    "sums", [[1.0, 1.5 * UNIT_ROUNDOFF, -1.0, 0.0], [1.0, 0.75 * UNIT_ROUNDOFF, 0.75 * UNIT_ROUNDOFF, 0.0]]
)
def test_sums_of_sums_round_once_a_chunk_and_once_in_all(
    sums: list[float], error: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P11.9, in fractions: two chunks of two blocks, whose sums and errors are these; one sum of a chunk rounds, or that of the chunks besides."""
    monkeypatch.setattr("theory.streaming.stream.LARGEST_BLOCK", 50)
    monkeypatch.setattr("theory.streaming.stream.SMALLEST_BLOCK", 50)
    left = iter(sums)
    monkeypatch.setattr(
        chunk_step, "accurate_row_sums", lambda rows: (np.full(len(rows), next(left)), np.full(len(rows), error))
    )
    found, allowed = StreamedDescent(replace(STREAM, width=200, chunk=100), Y).accurate_sums()
    exact, inherited = sum(map(Fraction, sums)), 4 * Fraction(error)
    for total, bound in zip(found, allowed, strict=True):
        assert total != exact
        assert abs(Fraction(total) - exact) + inherited <= Fraction(bound)


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_longest_row_is_that_of_all_neurons(symmetric: bool) -> None:
    state = StreamedDescent(*small(7, 4, 4, 8000, 2.0, symmetric, chunk=1000))
    for _ in range(2):
        assert state.longest_row() == pytest.approx(np.linalg.norm(whole(state), axis=1).max(), rel=1e-13)
        state.advance(ETA)


def test_residuals_at_their_rounding() -> None:
    """They cannot be told from 0, and no quotient is said to be known."""
    found = followed(STREAM, Y, 0.999, 12)
    assert found.factors[0][1] < 0.1
    assert found.factors[-1] == (0.0, np.inf)
    nothing = followed(small(3, symmetric=True)[0], np.zeros(3), 0.5, 2)  # r(0) = 0
    assert nothing.factors == ((0.0, np.inf),) * 2
    assert nothing.path.step_norms.tolist() == [0.0, 0.0]


def test_bounds_of_quotients_contain_them() -> None:
    step = replace(EXPECTED.steps[0], before=3.0, before_error=1.0, after=1.0, after_error=0.5)
    assert factor_bounds(step) == pytest.approx((0.125, 0.75))
    least, most = factor_bounds(step)
    assert least < 0.125
    assert most > 0.75
    assert factor_bounds(replace(step, before_error=3.0)) == (0.0, np.inf)
    assert factor_bounds(replace(step, before=TINY, before_error=0.0)) == (0.0, np.inf)
    assert factor_bounds(replace(step, after_error=np.inf)) == (0.0, np.inf)


def test_a_run_that_leaves_float64_ends_with_what_it_had() -> None:
    found = followed(STREAM, Y, 1e100, 5, "gd")
    assert len(found.steps) == found.path.steps == 1
    assert isinstance(found.broken, DivergenceError)
    with pytest.raises(DivergenceError, match="leaves the range of float64"):
        followed(STREAM, Y, 1e200, 5, "gd")


def test_a_singular_gram_matrix_is_said_to_be_one() -> None:
    stream = neuron_stream(np.vstack([np.eye(2), np.eye(2)[:1]]), 500, 1.0, 0)
    with pytest.raises(RankDeficientError, match="is singular"):
        followed(stream, [1.0, -1.0, 1.0], ETA, 2)


@pytest.mark.parametrize(("eta", "steps"), [(ETA, 0), (ETA, -1), (0.0, 2), (-1.0, 2), (np.nan, 2), (ETA, 1.5)])
def test_bad_input_is_refused(eta: float, steps: Any) -> None:
    with pytest.raises(InputError):
        followed(STREAM, Y, eta, steps)


class Faulty(InMemory):
    """Wrong programs: chunk 3 is not moved, or is moved twice, and what is counted of it is what belongs to the right one."""

    def __init__(self, times: int) -> None:
        self.times = times

    def moved(self, kept: KeptChunk, change: Change, counted: Counted) -> KeptChunk:
        if kept.chunk != 3:
            return super().moved(kept, change, counted)
        trial = replace(kept, values=tuple(map(np.array, kept.blocks())))
        found = super().moved(trial, change, counted)
        if self.times == 0:
            return replace(kept, steps=found.steps)
        before = list(kept.blocks())
        return super().moved(found, lambda number, z: np.copyto(z, 2 * z - before[number]), counted)


@pytest.mark.parametrize("times", [0, 2])
def test_a_chunk_that_is_silently_not_stepped_once_is_caught(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descent, "InMemory", lambda: Faulty(times))
    with pytest.raises(AssertionError):
        check(STREAM, Y)


@pytest.mark.parametrize(
    ("fault", "said"), [("forgotten", "missing"), ("twice", "twice"), ("behind", "is at iterate 0")]
)
def test_tasks_that_are_not_each_chunk_once_are_caught(fault: str, said: str) -> None:
    state = StreamedDescent(STREAM, Y)
    chunks = state._chunks
    old = chunks[3]
    steps = network_steps(state, ETA)
    if fault == "forgotten":
        del chunks[3]
    elif fault == "twice":
        chunks[len(chunks)] = old
    else:
        next(steps)
        chunks[3] = old
    with pytest.raises(InputError, match=said):
        next(steps)


@pytest.mark.parametrize("fault", ["stale G", "stale residual", "a flip too few", "neurons of another chunk"])
def test_wrong_numbers_are_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if fault == "stale G":
        first: dict[int, FloatArray] = {}
        monkeypatch.setattr(
            StreamedDescent,
            "pattern_gram",
            property(lambda state: first.setdefault(id(state), state._counts / state.width)),
        )
    elif fault == "stale residual":
        took = StreamedDescent._took
        monkeypatch.setattr(
            StreamedDescent, "_took", lambda state, outputs: took(state, outputs) if state.steps < 2 else None
        )
    elif fault == "a flip too few":

        def fewer(*given: Any) -> ChunkStep:
            found = next_iterate(*given)
            counts = found.tally.counts["counts"].copy()
            counts[0, 0] -= counts[0, 0] != 0
            return replace(found, tally=replace(found.tally, counts={"counts": counts}))

        monkeypatch.setattr(descent, "next_iterate", fewer)
    else:
        monkeypatch.setattr(NeuronStream, "signs", lambda stream, chunk: NeuronStream.__dict__["_signs_of"](stream, 0))
        monkeypatch.setattr(NeuronStream, "_signs_of", lambda stream, chunk: np.ones(stream.size(chunk)), raising=False)
    with pytest.raises(AssertionError):
        check(STREAM, Y)


@pytest.mark.parametrize("fault", ["a chunk's flips", "since each start"])
def test_wrong_paths_are_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if fault == "since each start":
        monkeypatch.setattr(StreamedPath, "_flip", lambda path, flips: None)
    else:
        together = Flips.together
        monkeypatch.setattr(Flips, "together", classmethod(lambda kind, parts, width: together(parts[:-1], width)))
    with pytest.raises(AssertionError):
        test_path_constants_are_those_in_memory_to_the_last_bit(False, "ngd")


def test_a_step_is_what_one_step_says() -> None:
    assert all(isinstance(step, OneStep) for step in EXPECTED.steps)
    assert len(EXPECTED.steps) == EXPECTED.path.steps == STEPS
    assert EXPECTED.broken is None
