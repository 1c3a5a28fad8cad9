"""Earlier runs beside this one: what each came to, what changed since the last, how the margins went."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from properties.engine.report.entries import Entry
from properties.engine.report.wording import ratio_text

KEPT = 10
"""So many earlier runs are remembered."""

SHOWN = 5
"""So many of them have a column in the table of margins."""

PATIENCE = 5
"""Seconds that git may take."""


@dataclass(frozen=True)
class Trend:
    """A claim's tightest ratio in several runs, the oldest first; "-" where it was not run or has none."""

    id: str
    ratios: Sequence[str]


def made(directory: Path) -> Entry:
    """When a run starts, in UTC, and the commit that the directory is at, where git has it."""
    command = ["git", "-C", str(directory), "describe", "--always", "--dirty"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
        commit = asked.stdout.strip() or None
    except (OSError, subprocess.SubprocessError, ValueError):
        commit = None
    return {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), "commit": commit}


def summary(content: Mapping[str, Any], name: str = "") -> Entry:
    """What is remembered of a run, from what its claims.json holds; ``name`` is that of a file it came from."""
    return {
        "name": name,
        **{key: content.get("made", {}).get(key) for key in ("date", "commit", "seconds")},
        "depth": content["environment"].get("depth"),
        "verdict": content.get("verdict"),
        "claims": {
            entry["id"]: {
                "verdict": entry["verdict"],
                "instances": entry["instances"],
                "ratio": None if entry["tightest"] is None else entry["tightest"]["ratio"],
            }
            for entry in content["claims"]
        },
    }


def remembered(content: Mapping[str, Any]) -> list[Entry]:
    """The run of a claims.json after those that it remembers itself."""
    return [*content.get("history", ()), summary(content)][-KEPT:]


def last_comparable(history: Sequence[Entry], now: Entry) -> Entry | None:
    """The latest earlier run of the same depth, as others draw other numbers of instances."""
    return next((run for run in reversed(history) if run["depth"] == now["depth"]), None)


def changes(before: Entry, now: Entry) -> list[str]:
    """What is different in the claims, a line each; a ratio counts as it is shown."""
    lines = []
    for id, found in now["claims"].items():
        earlier = before["claims"].get(id)
        if earlier is None:
            lines.append(f"{id}: new, {found['verdict']}")
            continue
        told = [
            f"{name} {old}, now {new}"
            for name, old, new in (
                ("", earlier["verdict"], found["verdict"]),
                ("instances", earlier["instances"], found["instances"]),
                ("tightest", _ratio(earlier), _ratio(found)),
            )
            if old != new
        ]
        if told:
            lines.append(f"{id}: {'; '.join(told).strip()}")
    return lines


def trends(history: Sequence[Entry], now: Entry) -> list[Trend]:
    """The claims whose tightest ratio is not the same in the last runs of this depth."""
    runs = [*(run for run in history if run["depth"] == now["depth"]), now][-SHOWN - 1 :]
    found = [
        Trend(id, [_ratio(run["claims"][id]) if id in run["claims"] else "-" for run in runs]) for id in now["claims"]
    ]
    return [one for one in found if len(set(one.ratios)) > 1]


def columns(history: Sequence[Entry], now: Entry) -> list[str]:
    """The headings of the trends: the runs' commits, else their days or the names of their files."""
    runs = [*(run for run in history if run["depth"] == now["depth"]), now][-SHOWN - 1 :]
    return [str(run["commit"] or run["date"] or Path(run["name"] or "earlier").name) for run in runs]


def _ratio(claim: Entry) -> str:
    return "-" if claim["ratio"] is None else ratio_text(claim["ratio"])
