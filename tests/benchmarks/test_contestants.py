"""The steps of ``contestants.py`` one by one, each checked first. Run alone by `make benchmark`; nothing is timed in CI.

``python -m tests.benchmarks.speed_table`` pairs them with the project's in one run, which is what a comparison should look at.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.benchmarks.contestants import CONTESTANTS, SIZES, SLOW, Problem, checked

pytestmark = pytest.mark.filterwarnings("default")
"""What other libraries warn of, as they are imported too, is shown."""

CASES = [(name, size) for size in SIZES for name in CONTESTANTS if size == SIZES[0] or name not in SLOW]


@pytest.mark.parametrize(("name", "size"), CASES)
def test_one_step(benchmark: BenchmarkFixture, name: str, size: tuple[int, int, int]) -> None:
    benchmark.group = f"one step in parameters, (n, d, m) = {size}"
    try:
        contestant = checked(name, Problem.of(*size))
    except ImportError as error:
        pytest.skip(str(error))
    benchmark.pedantic(contestant.step, rounds=3 if name in SLOW else 20, warmup_rounds=0 if name in SLOW else 2)
