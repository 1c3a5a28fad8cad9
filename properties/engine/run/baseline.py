"""A run against an earlier one: what got worse, claim by claim.

The earlier one is its claims.json, or the extract of it that ``--update-baseline`` writes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from properties.engine.claim import EVIDENCE_ORDER, Depth, Verdict
from properties.engine.report.atomic import write_text_atomically
from properties.engine.report.document import SCHEMA
from properties.engine.report.plain import counted, json_text, number
from theory.errors import DataFileError
from theory.proof.obligation import Standing

INSTANCES_KEPT = 0.9
"""Of a claim's instances, and of each family's, this share must be left: the search depends on last digits, which differ
between machines."""

MARGIN_KEPT = 0.5
"""Of a claim's margin, 1 minus its tightest ratio, this share must be left."""

ATTAINED = 0.01
"""A margin below this is that of a bound which the search attains; its size says how near the search came, and no more."""

VERDICTS = (Verdict.HOLDS.value, Verdict.UNDECIDED.value, Verdict.REFUTED.value)
"""From best to worst."""

EVIDENCE = tuple(evidence.value for evidence in EVIDENCE_ORDER)
"""From weakest to strongest."""

Content = Mapping[str, Any]
_COUNTS = ("instances", "vacuous", "undecided_hypotheses", "undecided")


@dataclass(frozen=True)
class Comparison:
    """What a run shows beside its baseline."""

    compared: int
    """Claims, mutants and obligations of the baseline that were looked at."""
    skipped: int
    """Those that the run did not select."""
    losses: tuple[str, ...]
    """What got worse, each in one line."""


@dataclass(frozen=True)
class BaselineFile:
    """What ``--baseline`` and ``--update-baseline`` ask for."""

    path: Path
    content: Content | None
    """None when there is none yet, and this run makes it."""
    update: bool
    """Whether this run's results replace it: what got worse is then shown, and accepted."""


def open_baseline(path: Path, update: bool, depth: Depth, selective: bool = False) -> BaselineFile:
    """What to compare a run of this depth with. Raises DataFileError.

    An update by a selective run keeps the other claims of the file, which must then be of the same depth. The record of a
    whole run, which belongs to its report, is not replaced, and a place where nothing can be written is refused now.
    """
    content = None if update and not path.exists() else read_baseline(path)
    if content is not None and (selective or not update):
        require_depth(content, path, depth)
    if update:
        if content is not None and "proofs" in json.loads(path.read_text(encoding="utf-8")):
            raise DataFileError(
                f"--baseline {path}: it belongs to a report, which --update-baseline would break; name another file"
            )
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise DataFileError(f"--baseline {path}: nothing can be written there")
    return BaselineFile(path, content, update)


def read_baseline(path: Path) -> Content:
    """The content of a claims.json or of an extract. Raises DataFileError."""
    advice = "give a claims.json that a run with --report wrote, or make one with --update-baseline"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataFileError(f"--baseline {path}: no such file; {advice}") from error
    except (OSError, ValueError) as error:
        raise DataFileError(f"--baseline {path}: cannot be read ({error}); {advice}") from error
    try:
        if content["schema"] != SCHEMA:
            raise DataFileError(f"--baseline {path}: schema {content['schema']}; this version reads {SCHEMA}")
        return _extract(content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, DataFileError):
            raise
        raise DataFileError(f"--baseline {path}: not a claims.json ({error!r}); {advice}") from error


def write_baseline(path: Path, run: Content, earlier: Content | None, selective: bool) -> None:
    """Write the extract of a run; one of some claims only replaces those in the earlier baseline. Raises OSError."""
    found = _extract(run)
    if selective and earlier is not None:
        for kind in ("claims", "mutants", "obligations"):
            new = {entry["id"]: entry for entry in found[kind]}
            kept = [new.pop(entry["id"], entry) for entry in earlier[kind]]
            found[kind] = [*kept, *new.values()]
    write_text_atomically(path, json_text(found))


def require_depth(baseline: Content, path: Path, depth: Depth) -> None:
    """Raise DataFileError when the baseline is of another depth, at which other numbers of instances are drawn."""
    found = baseline["environment"].get("depth")
    if found != depth.value:
        raise DataFileError(
            f"--baseline {path}: it is of depth {found}, this run of depth {depth.value}; "
            f"run with --depth {found}, or replace it with --update-baseline"
        )


def compared(run: Content, baseline: Content, unselected: Collection[str] = ()) -> Comparison:
    """What of the baseline got worse in the run, both as ``claims.json`` holds them.

    ``unselected`` are ids that exist but were not asked for: their absence is no loss.
    """
    now = _extract(run)
    count = skipped = 0
    losses: list[str] = []
    for kind, differences in (("claims", _claim_losses), ("mutants", _mutant_losses), ("obligations", _proof_losses)):
        found = {entry["id"]: entry for entry in now[kind]}
        for before in baseline[kind]:
            after = found.get(before["id"])
            if after is None and before["id"] in unselected:
                skipped += 1
                continue
            count += 1
            if after is None:
                losses.append(f"{before['id']}: no such {kind.removesuffix('s')} in this run")
            else:
                losses += [f"{before['id']}: {loss}" for loss in differences(before, after)]
    return Comparison(count, skipped, tuple(losses))


def _claim_losses(before: Content, after: Content) -> list[str]:
    lost = []
    if VERDICTS.index(after["verdict"]) > VERDICTS.index(before["verdict"]):
        lost.append(f"verdict {before['verdict']}, now {after['verdict']}")
    if _strength(after["evidence"]) < _strength(before["evidence"]):
        lost.append(f"evidence {before['evidence']}, now {after['evidence']}")
    for evidence, count in before["evidence_counts"].items():
        stronger = sum(n for one, n in after["evidence_counts"].items() if _strength(one) >= _strength(evidence))
        if stronger < INSTANCES_KEPT * count:
            lost.append(f"{counted(count, 'instance')} {evidence}, now {stronger} with that evidence or a stronger one")
    if after["instances"] < INSTANCES_KEPT * before["instances"]:
        lost.append(f"{counted(before['instances'], 'instance')}, now {after['instances']}")
    for family, count in before["families"].items():
        left = after["families"].get(family, {"instances": 0})["instances"]
        if left < INSTANCES_KEPT * count["instances"]:
            lost.append(f"family {family}: {counted(count['instances'], 'instance')}, now {left}")
    margins = [_margin(entry) for entry in (before, after)]
    if (
        margins[0] is not None
        and margins[0] >= ATTAINED
        and not (margins[1] is not None and margins[1] >= MARGIN_KEPT * margins[0])
    ):
        left_over = "none" if margins[1] is None else f"{margins[1]:.3g}"
        lost.append(f"margin {margins[0]:.3g}, now {left_over}")
    return lost


def _mutant_losses(before: Content, after: Content) -> list[str]:
    if before["verdict"] == Verdict.REFUTED.value != after["verdict"]:
        return [f"was refuted, now {after['verdict']}"]
    return []


def _proof_losses(before: Content, after: Content) -> list[str]:
    if before["status"] == Standing.PROVED.value != after["status"]:
        return [f"was proved, now {after['status']}"]
    return []


def _strength(evidence: str | None) -> int:
    return -1 if evidence is None else EVIDENCE.index(evidence)


def _margin(entry: Content) -> float | None:
    """1 minus the tightest ratio; None without one."""
    tightest = entry["tightest"]
    return None if tightest is None else 1.0 - number(tightest["ratio"])


def _extract(content: Content) -> dict[str, Any]:
    """What a comparison needs. Raises KeyError, TypeError, ValueError when it is not there."""
    for entry in content["claims"]:
        VERDICTS.index(entry["verdict"])
        _strength(entry["evidence"])
        for evidence in entry["evidence_counts"]:
            _strength(evidence)
    return {
        "schema": content["schema"],
        "claims": [
            {
                "id": entry["id"],
                "status": entry["status"],
                "verdict": entry["verdict"],
                "evidence": entry["evidence"],
                "evidence_counts": dict(entry["evidence_counts"]),
                **{count: int(entry[count]) for count in _COUNTS},
                "tightest": None if entry["tightest"] is None else {"ratio": entry["tightest"]["ratio"]},
                "families": {
                    name: {count: int(family[count]) for count in _COUNTS} for name, family in entry["families"].items()
                },
                "mutants": [dict(mutant) for mutant in entry["mutants"]],
            }
            for entry in content["claims"]
        ],
        "mutants": [{"id": entry["id"], "verdict": entry["verdict"]} for entry in content["mutants"]],
        "obligations": [{"id": entry["id"], "status": entry["status"]} for entry in content["obligations"]],
        "environment": dict(content["environment"]),
        **{key: content[key] for key in ("verdict", "made") if key in content},
    }
