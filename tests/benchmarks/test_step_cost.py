"""What one step costs against the products that it cannot do without. Run alone by `make benchmark`; nothing is timed in CI."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from threadpoolctl import threadpool_limits

from theory.descent.solving import solve_gram
from theory.descent.steps import FunctionSpaceDescent
from theory.inputs import normalise_rows
from theory.network.two_layer import TwoLayerNetwork

INPUTS, WIDTH = 256, 20_000

DIMENSIONS = (64, 256)
"""With 64 columns K is applied in two factors, with 256 as it is."""

LIMIT, ROUNDS = 1.5, 15

pytestmark = pytest.mark.benchmark(group="one NGD step, n = 256, m = 20,000", min_rounds=15, warmup=True)


def _problem(dim: int) -> tuple[TwoLayerNetwork, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    inputs = normalise_rows(rng.standard_normal((INPUTS, dim)))
    return TwoLayerNetwork.initialise(WIDTH, dim, 1.0, rng), inputs, rng.standard_normal(INPUTS)


def _ours(dim: int, step_size: float = 0.01) -> Callable[[], object]:
    """With so small a step that the residual lasts, and patterns move, for all rounds."""
    state = FunctionSpaceDescent(*_problem(dim))
    return lambda: state.advance(step_size)


def _limit(dim: int, count_type: type[np.floating]) -> Callable[[], object]:
    """The two products of size n x m x n, with a general second factor, and the n x n solve."""
    net, inputs, y = _problem(dim)
    ones = (net.pre_activations(inputs) >= 0).astype(count_type)
    others = np.ascontiguousarray(ones.T)
    features = net.pattern_features(inputs)
    kernel, gram = inputs @ inputs.T, net.gram(inputs)
    counts, moves = np.empty((INPUTS, INPUTS), dtype=count_type), np.empty_like(features)

    def run() -> None:
        np.matmul(ones, others, out=counts)
        np.matmul(kernel, features, out=moves)
        solve_gram(gram, y)

    return run


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_function_space_step(benchmark: BenchmarkFixture, dim: int) -> None:
    """Ours."""
    benchmark(_ours(dim))


def test_two_products_and_a_solve_float64(benchmark: BenchmarkFixture) -> None:
    """The hardware limit with both products in float64."""
    benchmark(_limit(DIMENSIONS[0], np.float64))


def test_two_products_and_a_solve_counts_in_float32(benchmark: BenchmarkFixture) -> None:
    """The hardware limit with the counts in float32, as ours."""
    benchmark(_limit(DIMENSIONS[0], np.float32))


@pytest.mark.parametrize("threads", [1, None], ids=["1 thread", "all threads"])
@pytest.mark.parametrize("step_size", [0.01, 0.2])
@pytest.mark.parametrize("dim", DIMENSIONS)
def test_ratio_of_paired_runs(benchmark: BenchmarkFixture, dim: int, step_size: float, threads: int | None) -> None:
    """Ours and the limits in turn: the median ratio to two float64 products and a solve is at most 1.5 on one thread.

    A longer step moves more columns of the pattern, whose counts are then made anew.

    On all threads it is shown: a busy machine delays the many small products of ours more than a large one.
    """
    ours, limits = (
        _ours(dim, step_size),
        {"float64": _limit(dim, np.float64), "float32 counts": _limit(dim, np.float32)},
    )

    def seconds(run: Callable[[], object]) -> float:
        started = time.perf_counter()
        run()
        return time.perf_counter() - started

    def paired() -> dict[str, float]:
        with threadpool_limits(threads):
            rounds = [(seconds(ours), {name: seconds(run) for name, run in limits.items()}) for _ in range(ROUNDS)]
        return {name: float(np.median([own / peer[name] for own, peer in rounds])) for name in limits}

    ratios = benchmark.pedantic(paired, rounds=1, warmup_rounds=0)
    benchmark.extra_info.update({f"ours / {name}": round(ratio, 3) for name, ratio in ratios.items()})
    print({f"ours / limit ({name})": round(ratio, 3) for name, ratio in ratios.items()})
    assert threads is None or ratios["float64"] <= LIMIT
