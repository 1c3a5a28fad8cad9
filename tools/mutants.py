"""Mutation testing of theory/ on a seeded sample: ``make mutants``.

Mutants come from mutmut and from a syntax pass of our own for what mutmut skips and for every factor deleted
(``mutation_testing/``). They live in copies of the project in a temporary directory; the working tree is only read. The
quick tests of ``tests/theory`` judge them. Exit code 0 when under 10% of the sampled ordinary mutants survive that are
not on the reviewed list of equivalent ones (``equivalent_mutants.toml``); mutants of rounding bounds are counted apart,
those of the wording of errors are left out of the sample.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mutation_testing.model import Mutant, Outcome, Run, Scope
from mutation_testing.own import own_mutants
from mutation_testing.own_runner import OwnRunner
from mutation_testing.reviewed import Review, review_of, reviews
from mutation_testing.tool import ToolRunner

ROOT = Path(__file__).resolve().parent.parent
LARGEST_SHARE = 0.1
"""Of the ordinary mutants that are not equivalent this share may survive."""

TOOL_SHARE = 0.5
"""The share of the sample that is the tool's; the rest is our own."""


def drawn(mutants: list[Mutant], number: int, generator: random.Random) -> list[Mutant]:
    """A sample without the wording of errors, in random order."""
    eligible = [mutant for mutant in mutants if mutant.scope is not Scope.MESSAGE]
    return generator.sample(eligible, min(number, len(eligible)))


def followed(outcomes: Iterator[tuple[Mutant, Outcome]], run: Run, total: int) -> None:
    """Record outcomes and say how far it is."""
    for mutant, outcome in outcomes:
        run.outcomes[mutant] = outcome
        if outcome in (Outcome.SURVIVED, Outcome.TIMEOUT):
            print(f"[{len(run.outcomes)}/{total}] {outcome.value}: {mutant.file}:{mutant.line}", flush=True)


def printed(mutant: Mutant, note: str = "") -> None:
    """One survivor with its place and change."""
    print(f"\n{mutant.file}:{mutant.line}  ({mutant.identifier}){note}")
    for mark, text in (("-", mutant.before), ("+", mutant.after)):
        for line in text.splitlines():
            print(f"  {mark} {line.strip()}")


def report(run: Run, entries: list[Review], available: dict[str, list[Mutant]]) -> bool:
    """Print the result; whether few enough mutants survive."""
    reviewed = {mutant: review_of(mutant, entries) for mutant in run.outcomes}
    equivalent = {m for m, r in reviewed.items() if r and r.kind == "equivalent"}
    rounding = {
        m
        for m, r in reviewed.items()
        if m not in equivalent and (m.scope is Scope.ROUNDING or (r and r.kind == "rounding"))
    }
    ordinary = [m for m in run.outcomes if m not in equivalent | rounding]

    def count(mutants: set[Mutant] | list[Mutant], outcome: Outcome) -> int:
        return sum(run.outcomes[m] is outcome for m in mutants)

    survivors = run.of(Outcome.SURVIVED)
    print("\n== survivors: ordinary")
    for mutant in survivors:
        if mutant in ordinary:
            review = reviewed[mutant]
            printed(mutant, f"  {review.reason}" if review else "")
    print("\n== survivors: rounding bounds")
    for mutant in survivors:
        if mutant in rounding:
            review = reviewed[mutant]
            printed(mutant, f"  {review.reason}" if review else "")
    print("\n== survivors: equivalent, as reviewed")
    for mutant in survivors:
        if mutant in equivalent:
            review = reviewed[mutant]
            printed(mutant, f"  {review.reason}" if review else "")
    for mutant in sorted(equivalent, key=lambda m: m.identifier):
        if run.outcomes[mutant] is Outcome.KILLED:
            printed(mutant, "  KILLED, though the list calls it equivalent: correct the list")
    print("\n== numbers")
    for origin, mutants in available.items():
        messages = sum(m.scope is Scope.MESSAGE for m in mutants)
        sampled = sum(m in run.outcomes for m in mutants)
        print(f"{origin}: {len(mutants)} mutants, {messages} of them wording of errors (left out), {sampled} sampled")
    for name, group in (("ordinary", ordinary), ("rounding bounds", rounding), ("equivalent", equivalent)):
        counts = ", ".join(f"{count(group, outcome)} {outcome.value}" for outcome in Outcome)
        print(f"{name}: {len(group)}: {counts}")
    decided = len(ordinary) - count(ordinary, Outcome.NOT_RUN)
    share = count(ordinary, Outcome.SURVIVED) / decided if decided else 1.0
    good = share < LARGEST_SHARE
    print(
        f"survivors among the non-equivalent: {count(ordinary, Outcome.SURVIVED)} of {decided} = {share:.1%} "
        f"({'under' if good else 'not under'} {LARGEST_SHARE:.0%}), {run.seconds:.0f} s"
    )
    return good


def main() -> int:
    """Run and report; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default 0)")
    parser.add_argument("--sample", type=int, default=400, help="number of mutants (default 400)")
    parser.add_argument("--minutes", type=float, default=27.0, help="no mutant is started after these (default 27)")
    parser.add_argument("--workers", type=int, default=2, help="mutants at a time (default 2)")
    parser.add_argument("--file", default="", help="only mutants of files whose path contains this text")
    options = parser.parse_args()
    entries = reviews(ROOT / "tools" / "equivalent_mutants.toml")
    started = time.monotonic()
    deadline = started + 60 * options.minutes
    generator, run = random.Random(options.seed), Run()
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        tool = ToolRunner(ROOT, Path(directory), options.workers)
        available = {"mutmut": tool.mutants(), "our own": own_mutants(ROOT)}
        wanted = {name: [m for m in found if options.file in m.file] for name, found in available.items()}
        tools_part = drawn(wanted["mutmut"], round(TOOL_SHARE * options.sample), generator)
        own_part = drawn(wanted["our own"], options.sample - round(TOOL_SHARE * options.sample), generator)
        total = len(tools_part) + len(own_part)
        print(f"{total} mutants, seed {options.seed}, generated after {time.monotonic() - started:.0f} s", flush=True)
        followed(OwnRunner(ROOT, Path(directory), options.workers).run(own_part, deadline), run, total)
        followed(tool.run(tools_part, deadline), run, total)
    run.seconds = time.monotonic() - started
    return 0 if report(run, entries, available) else 1


if __name__ == "__main__":
    sys.exit(main())
