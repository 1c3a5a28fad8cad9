"""What differs between the claims.json of two runs, but for times: nothing is printed where the second found what the first did.

    python tools/compare_runs.py before/claims.json after/claims.json

Compared are, for each claim, mutant and obligation, the verdict, the evidence, the instances of every family and the tightest ratio.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

KINDS = ("claims", "mutants", "obligations")
COUNTS = ("instances", "vacuous", "undecided_hypotheses", "undecided")


def facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What of an entry is compared."""
    found = {name: entry.get(name) for name in ("verdict", "status", "evidence", *COUNTS)}
    found["tightest"] = None if entry.get("tightest") is None else entry["tightest"]["ratio"]
    for family, one in entry.get("families", {}).items():
        found[f"family {family}"] = {name: one[name] for name in COUNTS if name in one}
    return found


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """One line for everything that is not the same."""
    for kind in KINDS:
        first, second = ({one["id"]: facts(one) for one in run[kind]} for run in (before, after))
        for id in [*first, *(id for id in second if id not in first)]:
            if id not in first or id not in second:
                yield f"{kind}: {id} is only in the {'second' if id not in first else 'first'} run"
                continue
            for name in [*first[id], *(name for name in second[id] if name not in first[id])]:
                one, other = first[id].get(name), second[id].get(name)
                if one != other:
                    yield f"{kind}: {id}: {name}: {one} before, {other} after"


def main(paths: list[str]) -> int:
    """Print the differences; 1 where there are any."""
    before, after = (json.loads(Path(path).read_text(encoding="utf-8")) for path in paths)
    found = list(differences(before, after))
    print("\n".join(found) if found else "the same verdicts, evidence, instances and tightest ratios")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
