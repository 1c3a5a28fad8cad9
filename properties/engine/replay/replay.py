"""Counterexample files evaluated again: the claim they name, on the instance they hold, beside what they tell of it."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from properties.engine.claim import Claim, Evaluation
from properties.engine.paths import file_key, printable
from properties.engine.replay.archive import counterexamples_in, is_archive, placed
from properties.engine.replay.counterexample import Counterexample, read_counterexample, told
from properties.engine.report.entries import Entry, evaluation_entry
from properties.engine.report.environment import environment
from properties.engine.report.plain import number, plain
from properties.engine.search import evaluate_instance
from theory.errors import CounterexampleError
from theory.threads import one_thread

DATASET_FAMILY = "F5"
"""Instances on a data set belong to no family of a claim."""

ARITHMETIC = ("python", "numpy", "scipy", "python-flint", "blas", "system")
"""What of the environment the digits depend on."""


@dataclass(frozen=True)
class Replay:
    """A counterexample and the claim or mutant that it is one of."""

    name: str
    counterexample: Counterexample
    claim: Claim[Any]
    statement: str
    """What the claim or mutant says now."""


def load_replays(
    paths: Sequence[str],
    directory: Path,
    registry: Mapping[str, Claim[Any]],
    elsewhere: Callable[[str], str] = lambda id: "",
) -> tuple[Replay, ...]:
    """The files at the paths, relative to a directory; a path to a directory, or to an archive, stands for all in it.

    ``elsewhere`` says of a claim that the registry has not what it is and how to replay it, where that is known.
    Raises CounterexampleError.
    """
    files = [file for path in paths for file in _files(directory / Path(path).expanduser())]
    once = {file_key(file): file for file in files}.values()
    return tuple(_load(file, name, registry, elsewhere) for file, name in zip(once, _names(list(once)), strict=True))


def _names(files: Sequence[Path]) -> list[str]:
    """A name for each file that no other has: its own, or its whole path, as text on one line."""
    found = [printable(file.name) for file in files]
    for longer in ([printable(file) for file in files], [ascii(os.fspath(file)) for file in files]):
        shared = {name for name, count in Counter(found).items() if count > 1}
        found = [other if name in shared else name for name, other in zip(found, longer, strict=True)]
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir() and not is_archive(path):
        return [placed(path)]
    files = counterexamples_in(path)
    if not files:
        raise CounterexampleError(f"{path} holds no .json file; name a counterexample, or a directory of them")
    return files


def _load(path: Path, name: str, registry: Mapping[str, Claim[Any]], elsewhere: Callable[[str], str]) -> Replay:
    counterexample = read_counterexample(path)
    claim, statement = _named(path, counterexample.claim, registry, elsewhere)
    families = [family.id for family in claim.families]
    if counterexample.family not in (*families, DATASET_FAMILY):
        raise CounterexampleError(
            f"{path} is of the family {counterexample.family!r}, which {claim.id} does not have; "
            f"known: {', '.join(families)}; replay it with the version that wrote it"
        )
    return Replay(name, counterexample, claim, statement)


def _named(
    path: Path, id: str, registry: Mapping[str, Claim[Any]], elsewhere: Callable[[str], str]
) -> tuple[Claim[Any], str]:
    """The claim or mutant of that id and its statement."""
    statements = {claim.id: (claim, claim.statement) for claim in registry.values()}
    statements |= {
        mutant.id: (mutant.claim, mutant.statement) for claim in registry.values() for mutant in claim.mutants
    }
    if id not in statements:
        if found := elsewhere(id):
            raise CounterexampleError(f"{path} is about {id!r}, {found}")
        near = get_close_matches(id, statements) or list(registry)
        raise CounterexampleError(
            f"{path} is about {id!r}, which is no claim or mutant of this version; did you mean {', '.join(near)}? "
            f"Replay it with the version that wrote it"
        )
    return statements[id]


def replay_entry(replay: Replay) -> Entry:
    """The claim evaluated on the stored instance, and how that compares with the file.

    Linear algebra runs on one thread, as it did when the file was written. Errors raised by the instance propagate.
    """
    stored = replay.counterexample
    started = time.perf_counter()
    with one_thread():
        evaluation = evaluate_instance(replay.claim, stored.family, stored.description, stored.instance, stored.seed)
    found = evaluation_entry(evaluation)
    return {
        "kind": "replay",
        "id": replay.name,
        "claim": stored.claim,
        "statement": replay.statement,
        **found,
        "ratio": _ratio(evaluation),
        "recorded": {"verdict": stored.recorded["verdict"], "ratio": _recorded_ratio(stored.recorded)},
        "rounded": list(stored.rounded),
        "agreement": [*_agreement(found, stored), *_restated(replay)],
        "error": None,
        "seconds": plain(time.perf_counter() - started),
    }


def failed_entry(replay: Replay, error: str) -> Entry:
    """What is known when the evaluation broke off."""
    return {
        "kind": "replay",
        "id": replay.name,
        "claim": replay.counterexample.claim,
        "statement": replay.statement,
        "verdict": "undecided",
        "error": error,
        "seconds": 0.0,
    }


def _ratio(evaluation: Evaluation) -> Any:
    return None if evaluation.tightest is None else plain(evaluation.tightest.ratio)


def _recorded_ratio(recorded: Entry) -> Any:
    bounds = recorded["bounds"]
    if not bounds:
        return None
    return max(bounds, key=lambda bound: (bound["verdict"] == "refuted", number(bound["ratio"])))["ratio"]


def _agreement(found: Entry, stored: Counterexample) -> list[str]:
    recorded = stored.recorded
    found = told(found, len(recorded["bounds"])) if "all_bounds" in recorded else found
    if found["verdict"] != recorded["verdict"]:
        first = f"NOT the same as the file, which says {recorded['verdict']}"
    elif all(found.get(key) == recorded[key] for key in recorded):
        return ["the same as the file: verdict, margins, and both sides of every bound to the last digit"]
    else:
        first = "the verdict is that of the file, but digits differ"
    here = environment()
    changed = [
        f"{name} {stored.environment.get(name, 'unknown')} there, {here[name]} here"
        for name in ARITHMETIC
        if stored.environment.get(name) != here[name]
    ]
    return [f"{first}; {'; '.join(changed) if changed else 'versions and BLAS are those of the file'}"]


def _restated(replay: Replay) -> list[str]:
    if replay.statement == replay.counterexample.statement:
        return []
    return [f"the statement is not that of the file any more: {replay.counterexample.statement}"]
