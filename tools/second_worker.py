"""What a second worker gains: the same claims by one worker and by two, in turn, by the clock.

    python tools/second_worker.py                                    # every claim at depth quick, -n 1 and -n 2
    python tools/second_worker.py --by executor --rounds 3           # --executor processes, 1 and 2 workers
    python tools/second_worker.py --claim T1 --claim C2-fro --depth normal

The clock tells only on a machine that does nothing else: beside the seconds of a run stands the processor time that its processes took. One worker that has a
core to itself takes about as much as the clock says, and a line says where it did not. Start and collection count; a thread of linear algebra to each worker.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

BY = {
    "xdist": lambda workers: ["-n", str(workers), "--maxschedchunk", "1"],
    "executor": lambda workers: ["--executor", "processes", "--workers", str(workers)],
}

IDLE = 0.9
"""Of the time of a run with one worker, its processes have a core for at least this share on a machine that does nothing else."""


@dataclass(frozen=True)
class Timed:
    """A run."""

    seconds: float
    processor: float
    """Seconds of all its processes."""


def command(by: str, workers: int, claims: Sequence[str], depth: str) -> list[str]:
    """The run of these claims by so many workers."""
    chosen = [f"--claim={one}" for one in claims or ["all"]]
    return [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--depth={depth}",
        *chosen,
        *BY[by](workers),
    ]


def timed(words: Sequence[str]) -> Timed:
    """Run it. Raises CalledProcessError where a claim does not hold."""
    before, started = os.times(), time.monotonic()
    subprocess.run(
        words, cwd=ROOT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, check=True, stdout=subprocess.DEVNULL
    )
    seconds, after = time.monotonic() - started, os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return Timed(seconds, used)


def report(rounds: Sequence[tuple[Timed, Timed]]) -> list[str]:
    """A line a round, with how many times sooner two workers are done; the median; whether the machine was busy."""
    gains = [one.seconds / two.seconds for one, two in rounds]
    lines = [
        f"one worker {one.seconds:.1f} s ({one.processor:.1f} s of processors), two {two.seconds:.1f} s ({two.processor:.1f} s): {gain:.2f} times"
        for (one, two), gain in zip(rounds, gains, strict=True)
    ]
    lines.append(f"median: two workers are done {statistics.median(gains):.2f} times sooner")
    if any(one.processor < IDLE * one.seconds for one, _ in rounds):
        lines.append("other work ran beside: one worker did not have a core to itself, and the clock says nothing")
    return lines


def main(arguments: Sequence[str]) -> None:
    """Run the rounds and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--by", choices=sorted(BY), default="xdist")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--claim", action="append", default=[], metavar="ID")
    parser.add_argument("--depth", choices=["quick", "normal", "thorough"], default="quick")
    asked = parser.parse_args(arguments)
    rounds = []
    for number in range(asked.rounds):
        found = {
            workers: timed(command(asked.by, workers, asked.claim, asked.depth))
            for workers in ((1, 2) if number % 2 == 0 else (2, 1))
        }
        rounds.append((found[1], found[2]))
    print("\n".join(report(rounds)))


if __name__ == "__main__":
    main(sys.argv[1:])
