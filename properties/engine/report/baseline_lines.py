"""The comparison with an earlier run, in words."""

from __future__ import annotations

from properties.engine.report.entries import Entry


def baseline_lines(comparison: Entry | None) -> list[str]:
    """What got worse since the run that this one is compared with, and whether that counts."""
    if comparison is None:
        return []
    losses = comparison["losses"]
    if not comparison["compared"]:
        found = f"nothing was compared, {_nothing_compared(comparison)}"
    else:
        beside = f", {comparison['skipped']} not asked for" if comparison["skipped"] else ""
        found = (
            f"{comparison['compared']} claims, mutants and obligations compared{beside}; {len(losses) or 'none'} worse"
        )
    lines = [f"baseline {comparison['file']}: {found}", *(f"    {loss}" for loss in losses)]
    return [*lines, "the baseline is replaced by this run"] if comparison["update"] else lines


def _nothing_compared(comparison: Entry) -> str:
    """Why a comparison looked at nothing."""
    if comparison["skipped"]:
        count = comparison["skipped"]
        return f"because this run asked for none of its {count} claims, mutants and obligations; give --claim, or none at all"
    if comparison["update"]:
        return "because it held nothing before"
    return "because it holds no claims, mutants or obligations"
