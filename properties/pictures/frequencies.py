"""Claims on probabilities with many more networks than a run draws: each of their instances again and again, on any executor.

``python -m properties.pictures.frequencies --claim T3-tube --replicas 50 --kept DIR [--depth normal] [--executor tcp://host:port]``. A replica of an instance
draws as many networks as an evaluation of the claim does, from a stream of its own, so that it is the same whoever works on it; what it counts is a
file in DIR, and a run that was killed takes it up. Printed are, for each bound of each instance, all failures among all trials with their exact limits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from properties.catalogue import registry
from properties.engine.claim import Bound, Depth, Family
from properties.engine.report.atomic import write_text_atomically
from properties.engine.search import run_claim
from properties.engine.seeds import FIXED_ROOT_SEED, claim_seed
from properties.engine.statistics import Trials, confidence_limits, description_key
from theory.direction import raised, reduced
from theory.errors import ChoiceError, StreamError
from theory.streaming.executors import executor_named, finished
from theory.threads import one_thread

Counts = list[tuple[str, float, int, int, int]]
"""Those of ``Trials``."""


@dataclass(frozen=True)
class Replica:
    """One more evaluation of a claim on an instance of it."""

    claim: str
    family: str
    description: Mapping[str, Any]
    number: int

    @property
    def instance(self) -> str:
        """The claim, the family and the description in one text."""
        return f"{self.claim}, {self.family}, {description_key(self.description)}"

    @property
    def name(self) -> str:
        """Of its file; all that its counts depend on is in it, but for the code."""
        digest = hashlib.sha256(f"1 {np.__version__} {FIXED_ROOT_SEED} {self.instance} {self.number}".encode())
        return f"{self.claim}-{self.number}-{digest.hexdigest()[:16]}.json"


def counted(replica: Replica) -> Counts:
    """What the replica counts, in one thread."""
    claim = registry[replica.claim]
    assert claim.sampled is not None
    (family,) = (one for one in claim.families if one.id == replica.family)
    seed = claim_seed(FIXED_ROOT_SEED, f"{replica.claim}, replica {replica.number}")
    trials = Trials(seed, replica.family, replica.description)
    with one_thread():
        claim.sampled(family.build(replica.description), trials)
    return trials.counts


def instances(claim_id: str, depth: Depth) -> list[Replica]:
    """The instances at which a search of this depth counts, each once, as replicas of number 0. Raises ChoiceError."""
    claim = registry.get(claim_id)
    if claim is None or claim.sampled is None:
        known = ", ".join(id for id, one in registry.items() if one.sampled is not None)
        raise ChoiceError(f"{claim_id} is no claim on probabilities; known: {known}")
    found: dict[str, Replica] = {}
    latest: list[Replica] = []

    def remembering(family: Family[Any]) -> Family[Any]:
        def built(description: Mapping[str, Any]) -> Any:
            latest[:] = [Replica(claim_id, family.id, dict(description), 0)]
            return family.build(description)

        return replace(family, build=built)

    def noted(_: Any) -> Sequence[Bound]:
        found[latest[0].instance] = latest[0]
        return ()

    bare = replace(
        claim, families=tuple(map(remembering, claim.families)), conclusion=noted, confirm=None, sampled=None
    )
    run_claim(bare, depth, claim_seed(FIXED_ROOT_SEED, claim_id))
    return list(found.values())


def filled(replicas: Sequence[Replica], executor: Executor, kept: Path) -> Iterator[tuple[Replica, Counts]]:
    """Each replica with its counts, from its file where there is one. Raises StreamError (a file of another replica)."""
    left = []
    for replica in replicas:
        if (kept / replica.name).exists():
            yield replica, _read(kept / replica.name, replica)
        else:
            left.append(replica)
    for replica, counts in finished(executor, counted, left):
        stored = {"instance": replica.instance, "number": replica.number, "counts": counts}
        write_text_atomically(kept / replica.name, json.dumps(stored))
        yield replica, counts


def _read(path: Path, replica: Replica) -> Counts:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        counts = [(str(event), float(bound), int(k), int(u), int(n)) for event, bound, k, u, n in stored["counts"]]
        same = (stored["instance"], stored["number"]) == (replica.instance, replica.number)
    except (ValueError, KeyError, TypeError) as error:
        raise StreamError(f"{path} cannot be read as a replica ({error}); remove it") from error
    if not same:
        raise StreamError(f"{path} is of another replica; remove it, or take another directory")
    return counts


def lines(found: Sequence[tuple[Replica, Counts]]) -> list[str]:
    """A line for each bound of each instance: failures of trials, exact limits of the probability, and the claim's bound; estimated.

    A trial of unknown outcome counts as no failure for the lower limit, and as one for the upper.
    """
    failures, unknown, trials = (Counter[tuple[str, str, float]]() for _ in range(3))
    for replica, counts in sorted(found, key=lambda one: (one[0].instance, one[0].number)):
        for event, bound, k, u, n in counts:
            key = (replica.instance, event, bound)
            failures[key] += k
            unknown[key] += u
            trials[key] += n
    said = []
    for (instance, event, bound), n in trials.items():
        k, u = failures[instance, event, bound], unknown[instance, event, bound]
        lower, upper = confidence_limits(k, n)[0], confidence_limits(k + u, n)[1]
        standing = "REFUTED: above" if lower > bound else "below" if upper <= bound else "not decided beside"
        said.append(
            f"{instance}: {event}: {k} of {n}{f', {u} unknown' if u else ''}; P within [{reduced(lower, 3)}, {raised(upper, 3)}], {standing} the bound {raised(bound, 3)}"
        )
    return said


def main(arguments: Sequence[str] | None = None) -> None:
    """Count, and print what was counted."""
    parser = argparse.ArgumentParser(description="Probabilities that claims bound, from many more networks.")
    parser.add_argument("--claim", required=True, metavar="ID")
    parser.add_argument("--replicas", type=int, default=10, metavar="N", help="of each instance")
    parser.add_argument("--depth", choices=[depth.value for depth in Depth], default=Depth.QUICK.value)
    parser.add_argument("--kept", type=Path, required=True, metavar="DIR", help="a file for each replica")
    parser.add_argument("--executor", default="processes", metavar="NAME")
    values = parser.parse_args(arguments)
    first = instances(values.claim, Depth(values.depth))
    replicas = [replace(one, number=number) for number in range(values.replicas) for one in first]
    with executor_named(values.executor) as executor:
        found = list(
            tqdm(filled(replicas, executor, values.kept), total=len(replicas), unit=" replicas", file=sys.stderr)
        )
    print("\n".join(lines(found)))


if __name__ == "__main__":
    main()
