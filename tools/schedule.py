"""How well the items of a run share processors: their greedy schedule, from the times in JUnit's file of the run.

    pytest --claim all --depth normal --dataset digits-4-9 --junit-xml=items.xml
    python tools/schedule.py items.xml --workers 8
    python tools/schedule.py items.xml --write        # renews properties/item_seconds.json, which orders the next run

Only runs that choose what to verify have items whose order is kept: those of claims, mutants, obligations and parts.
"""

from __future__ import annotations

import argparse
import heapq
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

KEPT = Path(__file__).parent.parent / "properties" / "item_seconds.json"
"""Seconds of the longest items, by name."""

LONG = 1.0
"""Seconds from which an item is in that file."""


def seconds_of(junit: Path) -> dict[str, float]:
    """Seconds of each item of a run, by name."""
    cases = ElementTree.parse(junit).getroot().iter("testcase")
    return {str(case.get("name")): float(case.get("time", "0")) for case in cases}


def greedy(seconds: Sequence[float], workers: int) -> float:
    """When the last worker ends, where the longest item left goes to the first worker that is free."""
    ends = [0.0] * workers
    for one in sorted(seconds, reverse=True):
        heapq.heappush(ends, heapq.heappop(ends) + one)
    return max(ends)


def report(seconds: Mapping[str, float], workers: int) -> list[str]:
    """The sum, the longest items, and the greedy schedule beside the sum."""
    total, end = sum(seconds.values()), greedy(list(seconds.values()), workers)
    longest = sorted(seconds.items(), key=lambda one: -one[1])[:10]
    return [
        f"{len(seconds)} items, {total:.1f} s in all; the longest:",
        *(f"  {time:7.2f} s  {name}" for name, time in longest),
        f"greedy schedule on {workers} workers: {end:.1f} s, {total / end if end else 1:.2f} times shorter than their sum",
    ]


def kept(seconds: Mapping[str, float]) -> str:
    """What the file of the longest items holds, the longest first."""
    long = sorted(((name, round(time, 1)) for name, time in seconds.items() if time >= LONG), key=lambda one: -one[1])
    return json.dumps(dict(long), indent=1) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Print the schedule of a run; ``--write`` keeps its times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("junit", type=Path)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--write", action="store_true", help=f"keep the times in {KEPT.name}")
    asked = parser.parse_args(arguments)
    seconds = seconds_of(asked.junit)
    print("\n".join(report(seconds, asked.workers)))
    if asked.write:
        KEPT.write_text(kept(seconds), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
