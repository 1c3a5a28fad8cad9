"""Counterexamples of mutants as a run writes them, moved, and replayed from elsewhere in new processes."""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from properties.catalogue import registry
from properties.engine.claim import Depth, Mutant
from properties.engine.replay.counterexample import Circumstances, write_counterexample
from properties.engine.replay.rounder import stored_refutation
from properties.engine.report.commands import Commands
from properties.engine.report.environment import environment
from properties.engine.results import Result
from properties.engine.search import run_claim
from properties.engine.seeds import claim_seed
from tests.properties.processes import started

THE_SAME = "the same as the file: verdict, margins, and both sides of every bound to the last digit"
CHEAP = (
    *("I-gram", "I-homog", "I-pinv", "I-counts", "E-step", "K-closed", "K-schur", "R0", "T3", "T4-width", "T4-frozen"),
    *("T1", "T1-tight", "T1-line-sharp", "T1-sharp-adversary", "T1-lemma-S", "T0-linear", "T5-dist", "T5-rad"),
)
"""Claims whose mutants are found fast: identities, kernels, probabilities, maps, networks, exact arithmetic."""


def write_mutant(directory: Path, id: str, root: int = 20191, report: str = "") -> Path:
    """The counterexample of a mutant as a run writes it."""
    mutant = next(one for one in registry[id.partition("/")[0]].mutants if one.id == id)
    seed = claim_seed(root, id)
    return write_refuted(directory, mutant, run_claim(mutant.claim, Depth.NORMAL, seed), seed, report)


def write_refuted(directory: Path, mutant: Mutant, result: Result, seed: int, report: str = "") -> Path:
    """The same of what a search has found."""
    assert result.refutation is not None
    refutation = stored_refutation(mutant.claim, result.refutation, seed)
    return write_counterexample(
        directory,
        refutation,
        Circumstances(
            mutant.id,
            mutant.statement,
            "normal",
            seed,
            environment(),
            commands=Commands(report=report, console="natural-gradient"),
        ),
    )


def written_and_moved(directory: Path, mutants: Iterable[str]) -> Path:
    """A directory to which the counterexamples of these mutants were moved from where they were written."""
    written, moved = directory / "report", directory / "elsewhere" / "moved"
    for mutant in mutants:
        write_mutant(written, mutant)
    moved.parent.mkdir()
    shutil.move(written / "counterexamples", moved)
    return moved


def check_the_same_elsewhere(moved: Path, *arguments: str) -> int:
    """Started from elsewhere, with the directory given relative to there; how many there are."""
    before = {path: path.read_bytes() for path in moved.iterdir()}
    done = started(moved.parent, ["natural-gradient", "replay", moved.name, *arguments])
    assert done.returncode == 1, done.stdout + done.stderr
    count = sum(path.suffix == ".json" for path in before)
    assert f"Of {count} replayed: {count} refuted again." in done.stdout
    assert done.stdout.count(THE_SAME) == count
    for path in moved.glob("*.json"):
        content = json.loads(path.read_text())
        ratios = [bound["ratio"] for bound in content["bounds"] if bound["verdict"] == "refuted"]
        block = (
            rf"^{re.escape(path.name)}: .*: refuted again\n  statement: (?:.*\n)*?  refuted, ratio (\S+); in the file"
        )
        found = re.search(block, done.stdout, re.MULTILINE)
        assert found is not None
        assert max(map(float, ratios)) == float(found[1])
    assert before == {path: path.read_bytes() for path in moved.iterdir()}
    return count
