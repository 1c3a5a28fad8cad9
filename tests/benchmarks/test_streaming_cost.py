"""What a streamed certificate costs against drawing its normal numbers alone. Run alone by `make benchmark`; nothing is timed in CI."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from threadpoolctl import threadpool_limits

from properties.reading.datasets import load_dataset
from theory.inputs import FloatArray
from theory.streaming.ball import flip_pass, paper_ball
from theory.streaming.executors import cores, executor_named
from theory.streaming.first_pass import FirstPass, beginning
from theory.streaming.levels import estimated_path_sum, level_widths
from theory.streaming.running import Work, tally_of
from theory.streaming.stream import NeuronStream, neuron_stream
from theory.streaming.tube_pass import TubePass

ROUNDS, CHUNKS = 5, 4
"""Chunks of each task that are timed, in turn: the median ratio of the rounds."""

SHARE_OF_DRAWING = 1 / 3
"""Normal numbers a second, each counted once a pass, of what a generator draws in the same run."""

SHARE_OF_PRODUCT = 1 / 2
"""2 n^2 m operations a second, of what a float32 product does in the same run."""

TWO_WORKERS = 1.7


def draw(stream: NeuronStream, chunk: int) -> None:
    """A chunk's normal numbers, as many at a time as a block has, and nothing else."""
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(stream.entropy, spawn_key=(chunk,))))
    for _ in range(0, stream.size(chunk), stream.block):
        rng.standard_normal((stream.block, stream.normals))


def multiply(stream: NeuronStream, chunk: int) -> None:
    """A float32 product of two (n, b) matrices for each block."""
    first = np.ones((len(stream.rows), stream.block), dtype=np.float32)
    second = first.copy()
    with threadpool_limits(1):  # a worker has one core
        for _ in range(0, stream.size(chunk), stream.block):
            first @ second.T


def works(stream: NeuronStream, y: FloatArray, of: str) -> list[Work]:
    """The second pass of a certificate of the stream, its ranges from the first chunk alone."""
    one = replace(stream, width=stream.chunk * stream.copies)
    start = replace(beginning(one, y, tally_of(one, [FirstPass()], one.chunks)), width=stream.width)
    if of == "ball":
        return [flip_pass(stream, paper_ball(start))]
    path = estimated_path_sum(stream, start)
    assert path is not None
    return [TubePass(level_widths(start, path))]


def seconds(executor: Executor, task: Callable[..., object], *given: object) -> float:
    """Of a task on ``CHUNKS`` chunks, spread over the workers."""
    started = time.perf_counter()
    futures = [executor.submit(task, *given, chunk) for chunk in range(CHUNKS)]
    for future in futures:
        future.result()
    return time.perf_counter() - started


def passes(stream: NeuronStream, second: list[Work], chunk: int) -> None:
    """Both passes over one chunk."""
    task = range(chunk, chunk + 1)
    tally_of(stream, [FirstPass()], task)
    tally_of(stream, second, task)


def orthonormal(n: int, width: float) -> tuple[NeuronStream, FloatArray]:
    return neuron_stream(np.eye(n), int(width), 1.0, 0), np.ones(n)


@pytest.mark.parametrize("of", ["ball", "tube"])
@pytest.mark.parametrize(("n", "width"), [(4, 1.4e8), (10, 2.5e8)])
def test_share_of_the_rate_at_which_normal_numbers_are_drawn(
    benchmark: BenchmarkFixture, n: int, width: float, of: str
) -> None:
    stream, y = orthonormal(n, width)
    second = works(stream, y, of)
    with executor_named("processes", cores()) as executor:
        seconds(executor, passes, stream, second)  # workers start
        shares = []
        for _ in range(ROUNDS):
            drawn = seconds(executor, draw, stream)
            shares.append(2 * drawn / seconds(executor, passes, stream, second))
        benchmark.pedantic(lambda: seconds(executor, passes, stream, second), rounds=1)
    benchmark.extra_info["share of the drawing rate"] = float(np.median(shares))
    assert np.median(shares) >= SHARE_OF_DRAWING, shares


def test_share_of_the_rate_of_a_float32_product(benchmark: BenchmarkFixture) -> None:
    data = load_dataset("digits-4-9")
    stream = neuron_stream(data.X, 10**8, 1e4, 0, True, 2**17)
    second = works(stream, data.y, "tube")
    with executor_named("processes", cores()) as executor:
        seconds(executor, passes, stream, second)
        shares = []
        for _ in range(ROUNDS):
            # of each neuron that is drawn, both passes together
            multiplied = seconds(executor, multiply, stream)
            shares.append(2 * multiplied / seconds(executor, passes, stream, second))
        benchmark.pedantic(lambda: seconds(executor, passes, stream, second), rounds=1)
    benchmark.extra_info["share of the rate of a product, a pass"] = float(np.median(shares))
    assert np.median(shares) >= SHARE_OF_PRODUCT, shares


def test_two_workers(benchmark: BenchmarkFixture) -> None:
    if cores() < 2:
        pytest.skip("one core")
    stream, y = orthonormal(4, 1e9)
    second = works(stream, y, "ball")
    with executor_named("processes", 1) as one, executor_named("processes", 2) as two:
        for executor in (one, two):
            seconds(executor, passes, stream, second)
        ratios = [seconds(one, passes, stream, second) / seconds(two, passes, stream, second) for _ in range(ROUNDS)]
        benchmark.pedantic(lambda: seconds(two, passes, stream, second), rounds=1)
    benchmark.extra_info["two workers against one"] = float(np.median(ratios))
    assert np.median(ratios) >= TWO_WORKERS, ratios
