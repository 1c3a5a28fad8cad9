"""Writes the tables of docs/speed.md: steps of the project beside what they are compared with, in pairs, in one run.

``python -m tests.benchmarks.speed_table [--threads N] [--clock wall|cpu] [--slow] [--rounds N] [--against NAME]``. ``--slow`` has the Jacobians, at the first size,
and the memory of each, in a process of its own (Linux). ``--clock cpu`` counts the processor's time of all threads: with ``--threads 1`` it is what an idle core would take.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from tests.benchmarks.contestants import CONTESTANTS, SIZES, SLOW, STEP_SIZE, Problem, checked
from theory.descent.solving import solve_gram
from theory.descent.steps import FunctionSpaceDescent, gradient_step, kfac_step

Clock = Callable[[], float]
Run = Callable[[], object]

OURS = "natural_gradient_step"

PAUSE = 0.3
"""Seconds before a run: after a product OpenBLAS's threads keep their cores busy for about a tenth of a second, which would be charged to what comes next."""


RUNS, SLOW_RUNS = 6, 2
"""Of each at a time, and of what takes seconds; the first is not counted."""


def paired(ours: Run, other: Run, rounds: int, clock: Clock, runs: int = RUNS) -> tuple[float, float, float]:
    """The least of both in ms, and the ratio of ours to the other: a few runs of each in turn, as steps follow each other; ``runs`` of the other.

    What other programs do to the caches only ever adds, so that the least says most on a machine that is not idle.
    """

    def milliseconds(run: Run, runs: int) -> float:
        time.sleep(PAUSE)
        times = [clock()]
        for _ in range(runs):
            run()
            times.append(clock())
        return 1e3 * float(np.diff(times)[1:].min())

    found = [(milliseconds(ours, RUNS), milliseconds(other, runs)) for _ in range(rounds)]
    first, second = (min(times) for times in zip(*found, strict=True))
    return first, second, first / second


class Parts:
    """What steps cannot do without, alone, on what is already there: the products, and memory for what is returned."""

    def __init__(self, p: Problem) -> None:
        self.problem, Z = p, p.inputs @ p.weights.T
        self.ones, self.features = (Z >= 0).astype(np.float32), (Z >= 0) * p.scaled
        self.kernel, self.movement = p.inputs @ p.inputs.T, np.empty_like(Z)
        self.direction = STEP_SIZE * p.targets[:, None] * p.inputs
        self.pattern_gram, self.gradient = p.network.pattern_gram(p.inputs), np.diag(p.targets)

    def function_space(self, counts: bool) -> None:
        """``A A^T`` in float32 and ``K S`` in float64."""
        if counts:
            self.ones @ self.ones.T
        np.matmul(self.kernel, self.features, out=self.movement)

    def parameters(self, counts: bool) -> None:
        """``X W^T``, ``A A^T`` in float32, ``S^T B``, a copy of W."""
        self.problem.inputs @ self.problem.weights.T
        if counts:
            self.ones @ self.ones.T
        self.features.T @ self.direction
        self.problem.weights.copy()

    def kfac_function_space(self) -> None:
        """The two products, and ``P diag(g) H^{-1}``."""
        self.function_space(True)
        self.kernel @ solve_gram(self.pattern_gram, self.gradient)

    def kfac_parameters(self) -> None:
        """The products and the copy, the decomposition of X, and ``H^{-1} diag(g) Y``."""
        np.linalg.svd(self.problem.inputs, full_matrices=False)
        solve_gram(self.pattern_gram, self.direction)
        self.parameters(True)


def function_steps(p: Problem, parts: Parts) -> list[tuple[str, Run, Run]]:
    """The project's steps in function space, and their parts."""
    found: list[tuple[str, Run, Run]] = []
    for name, measured in (("ngd", True), ("kfac", False), ("gd", False)):
        state = FunctionSpaceDescent(p.network, p.inputs, p.targets, measure_steps=measured)
        step_size = STEP_SIZE if name != "gd" else STEP_SIZE / 100

        alone = parts.kfac_function_space if name == "kfac" else partial(parts.function_space, measured)
        found.append((name, partial(state.advance, step_size, name), alone))
    return found


def parameter_steps(p: Problem, parts: Parts) -> list[tuple[str, Run, Run]]:
    """The project's steps in parameters, and their parts."""
    net = p.network
    return [
        ("ngd", checked(OURS, p).step, partial(parts.parameters, True)),
        ("kfac", lambda: kfac_step(net, p.inputs, p.targets, STEP_SIZE), parts.kfac_parameters),
        ("gd", lambda: gradient_step(net, p.inputs, p.targets, STEP_SIZE), partial(parts.parameters, False)),
    ]


def own_parts(rounds: int, clock: Clock) -> None:
    """Every step beside its own parts."""
    print("| (n, d, m) | step | in | step, ms | its parts alone, ms | step / parts |\n|---|---|---|---|---|---|")
    for size in SIZES:
        p = Problem.of(*size)
        parts = Parts(p)
        for space, steps in (("function space", function_steps), ("parameters", parameter_steps)):
            for name, step, alone in steps(p, parts):
                ours, other, ratio = paired(step, alone, rounds, clock)
                print(f"| {size} | {name} | {space} | {ours:.3g} | {other:.3g} | {ratio:.2f} |", flush=True)


def others(rounds: int, clock: Clock, slow: bool, names: Sequence[str]) -> None:
    """NGD in parameters beside these contestants."""
    print("| (n, d, m) | compared with | natural_gradient_step, ms | that, ms | that / ours |\n|---|---|---|---|---|")
    for size in SIZES[:1] if slow else SIZES:
        p = Problem.of(*size)
        for name in names:
            try:
                other = checked(name, p)
            except ImportError as error:
                print(f"| {size} | {name} | | {error} | |", flush=True)
                continue
            runs = SLOW_RUNS if slow else RUNS
            ours, its, ratio = paired(checked(OURS, p).step, other.step, rounds, clock, runs)
            print(f"| {size} | {name} | {ours:.3g} | {its:.3g} | {1 / ratio:.3g} |", flush=True)
            del other


def memory(names: Sequence[str]) -> None:
    """What the first step adds at most to the memory that a process of its own has when the step is made."""
    print(f"\n| {SIZES[0]} | MiB above set-up |\n|---|---|")
    for name in (OURS, *names):
        command = [sys.executable, "-m", "tests.benchmarks.speed_table", "--memory-of", name]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        said = found.stdout.strip() or found.stderr.strip().splitlines()[-1]
        print(f"| {name} | {said} |", flush=True)


def _memory_of(name: str) -> None:
    """Prints it; the largest memory so far, of set-up too, is forgotten before the step (proc_pid_clear_refs)."""
    contestant = CONTESTANTS[name](Problem.of(*SIZES[0]))
    Path("/proc/self/clear_refs").write_text("5")
    before = _kibibytes("VmRSS")
    contestant.step()
    print(f"{(_kibibytes('VmHWM') - before) / 1024:.0f}")


def _kibibytes(of: str) -> int:
    found = re.search(rf"^{of}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def _limit_torch(threads: int) -> None:
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(threads)


def main() -> None:
    """Print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--against", action="append", choices=tuple(CONTESTANTS), metavar="NAME", help="only this one")
    parser.add_argument("--memory-of", choices=tuple(CONTESTANTS), help="of one step, in this process")
    asked = parser.parse_args()
    if asked.memory_of:
        _memory_of(asked.memory_of)
        return
    clock = time.perf_counter if asked.clock == "wall" else time.process_time
    if asked.threads:
        _limit_torch(asked.threads)
    with threadpool_limits(asked.threads):
        kernels = sorted(
            {str(library.get("architecture")) for library in threadpool_info() if library["user_api"] == "blas"}
        )
        print(
            f"{asked.clock} clock, {asked.threads or 'all'} threads, kernels of linear algebra: {', '.join(kernels)}\n"
        )
        fast = [name for name in CONTESTANTS if name not in (OURS, *SLOW)]
        if not (asked.slow or asked.against):
            own_parts(asked.rounds, clock)
            print()
        others(asked.rounds, clock, asked.slow, asked.against or (SLOW if asked.slow else fast))
    if asked.slow:
        memory(asked.against or [name for name in CONTESTANTS if name != OURS])


if __name__ == "__main__":
    main()
