"""What a run of faults ends with: the survivors, then a table by operator."""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence

from mutation_testing.reviewed import Review, review_of

from fault_testing.fault import Fault, Judge, Judgement

LARGEST_SHARE = 0.03
"""Of the faults that were run, fewer than this share may survive without an explanation."""

MOST_LINES = 8
"""Lines of a change that are shown."""


def changed_lines(fault: Fault) -> list[str]:
    """The lines that differ, as ``- before`` and ``+ after``."""
    lines = difflib.ndiff(fault.before.splitlines(), fault.after.splitlines())
    return [f"{line[0]} {line[2:].strip()}" for line in lines if line[0] in "-+"][:MOST_LINES]


def shown(fault: Fault, note: str = "") -> str:
    """A fault with its place and change."""
    place = f"{fault.file}:{fault.line}  {fault.operator}{f' in {fault.definition}' if fault.definition else ''}"
    return "\n".join([f"\n{place}{note}", *(f"  {line}" for line in changed_lines(fault))])


def unexplained(found: Mapping[Fault, Judgement], entries: Sequence[Review]) -> list[Fault]:
    """Survivors of which the reviewed list says nothing."""
    survivors = [fault for fault, judgement in found.items() if judgement.judge is Judge.NOBODY]
    return [fault for fault in survivors if review_of(fault, list(entries)) is None]


def few_enough(found: Mapping[Fault, Judgement], entries: Sequence[Review]) -> bool:
    """Whether all were run and fewer than 3% of them survive without an explanation."""
    cut = any(judgement.judge is Judge.NOT_RUN for judgement in found.values())
    return not cut and len(unexplained(found, entries)) < LARGEST_SHARE * len(found)


def summary(found: Mapping[Fault, Judgement], entries: Sequence[Review]) -> str:
    """The survivors with their places, changes and explanations, the table, and the verdict."""
    lines = ["== survivors"]
    for fault, judgement in sorted(found.items(), key=lambda one: (one[0].file, one[0].line)):
        if judgement.judge is Judge.NOBODY:
            review = review_of(fault, list(entries))
            lines.append(shown(fault, f"\n  {judgement.told}; {review.reason if review else 'NOT EXPLAINED'}"))
    lines += ["", "== by operator", *_table(found)]
    run = sum(judgement.judge is not Judge.NOT_RUN for judgement in found.values())
    left = len(unexplained(found, entries))
    share = left / run if run else 1.0
    lines.append(
        f"survivors without an explanation: {left} of {run} = {share:.1%} "
        f"({'under' if share < LARGEST_SHARE else 'not under'} {LARGEST_SHARE:.0%})"
    )
    if run < len(found):
        lines.append(f"{len(found) - run} were not run, time was up: the run is not complete; raise --minutes")
    return "\n".join(lines)


def _table(found: Mapping[Fault, Judgement]) -> list[str]:
    counts: dict[str, Counter[Judge]] = {}
    for fault, judgement in found.items():
        counts.setdefault(fault.operator, Counter())[judgement.judge] += 1
    counts = dict(sorted(counts.items()))
    counts["all"] = sum(counts.values(), Counter())
    width = max(map(len, counts))
    columns = ("planted", "by claims", "by tests", "at collection", "survivors", "not run")
    lines = ["  ".join([" " * width, *columns])]
    for name, count in counts.items():
        numbers = [count.total() - count[Judge.NOT_RUN], *(count[judge] for judge in Judge)]
        cells = [f"{number:>{len(column)}}" for number, column in zip(numbers, columns, strict=True)]
        lines.append("  ".join([name.ljust(width), *cells]))
    return lines
