"""Plant semantic faults one at a time: ``make faults``.

A sample of all faults that the operators of ``fault_testing/`` make in theory/ and properties/, stratified by operator
and file, is planted in copies of the project in a temporary directory; the working tree is only read. Each runs the tests
and claims that reach the changed definition, nearest and cheapest first, to the first failure or up to a time limit.
Exit code 0 when fewer than 3% survive without an explanation in ``reviewed_faults.toml``, which also takes faults that change
nothing out of the sample; 1 when more do, when time was up before all were run, or when a test fails without any fault.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from fault_testing.fault import Fault, Judge, Judgement
from fault_testing.judging import UnchangedFailsError, judgements
from fault_testing.planting import OPERATORS, all_faults, sample
from fault_testing.summary import few_enough, shown, summary
from mutation_testing.reviewed import FAULT_KINDS, Review, review_of, reviews

ROOT = Path(__file__).resolve().parent.parent
REVIEWED = ROOT / "tools" / "reviewed_faults.toml"
SAMPLE = 216
"""Faults of a whole run: eight for each operator that has so many."""


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default 0)")
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"number of faults (default {SAMPLE})")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="faults at a time (default: one a core)"
    )
    parser.add_argument("--minutes", type=float, default=55.0, help="no fault is started after these (default 55)")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of processor time for a fault (default 60)")
    parser.add_argument("--file", default="", help="only in files whose path contains this text")
    names = [operator.name for operator in OPERATORS]
    parser.add_argument("--operator", action="append", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--list", action="store_true", help="print the sample and plant nothing")
    return parser.parse_args(given)


def drawn(options: argparse.Namespace, entries: list[Review]) -> tuple[list[Fault], int]:
    """The sample, and of how many faults."""
    operators = [one for one in OPERATORS if options.operator is None or one.name in options.operator]
    available = all_faults(ROOT, operators, re.escape(options.file))
    eligible = []
    for fault in available:
        review = review_of(fault, entries)
        if review is None or review.kind != "equivalent":
            eligible.append(fault)
    return sample(eligible, options.sample, options.seed, ROOT), len(eligible)


def judged(faults: list[Fault], options: argparse.Namespace) -> dict[Fault, Judgement]:
    """What became of each, told as it comes."""
    found: dict[Fault, Judgement] = {}
    deadline = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        running = judgements(
            ROOT, Path(directory), faults, workers=options.workers, limit=options.limit, deadline=deadline
        )
        for fault, judgement in running:
            found[fault] = judgement
            if judgement.judge is not Judge.NOT_RUN:
                place = f"{fault.operator} in {fault.file}:{fault.line}"
                told = f"{place}: {judgement.told} ({judgement.seconds:.0f} s)"
                print(f"[{len(found)}/{len(faults)}] {told}", flush=True)
    return found


def main() -> int:
    """Run and report; the exit code."""
    options = arguments()
    started = time.monotonic()
    entries = reviews(REVIEWED, FAULT_KINDS)
    faults, number = drawn(options, entries)
    print(f"{len(faults)} of {number} faults, seed {options.seed}", flush=True)
    if options.list:
        print("\n".join(map(shown, faults)))
        return 0
    try:
        found = judged(faults, options)
    except UnchangedFailsError as error:
        print(error, file=sys.stderr)
        return 1
    print(summary(found, entries))
    failing = sorted({item for judgement in found.values() for item in judgement.failing})
    if failing:
        print("these fail without any fault and catch none, mend them first:", *failing, sep="\n  ")
    print(f"{time.monotonic() - started:.0f} s, {options.workers} at a time")
    return 0 if few_enough(found, entries) and not failing else 1


if __name__ == "__main__":
    sys.exit(main())
