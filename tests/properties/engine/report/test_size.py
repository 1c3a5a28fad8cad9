"""A report on every claim stays under 5 MB: what a few claims need of it, scaled to all mutants."""

from pathlib import Path

from properties.catalogue import registry
from properties.engine.claim import Depth
from properties.engine.paths import encodable
from properties.engine.report.document import Document
from properties.engine.report.entries import claim_entry, mutant_entry
from properties.engine.report.html import pages
from properties.engine.report.plain import record_text
from properties.engine.search import run_claim
from properties.engine.seeds import claim_seed
from properties.suite import presented
from tests.properties.engine.replay.stored_mutants import write_mutant

TYPICAL = ("T0-linear", "K-schur", "I-gram", "T1-tight")
"""Of exact arithmetic, inputs, networks and maps; found fast."""

WHOLE, REST = 5_000_000, 1_200_000
"""Bytes of a report, and of those what a data set, the pictures, the slack and the obligations need."""


def test_claims_and_their_mutants_fit_into_five_megabytes(tmp_path: Path) -> None:
    found = Document({})
    for id in TYPICAL:
        claim, seed = registry[id], claim_seed(20191, id)
        found.add(claim_entry(claim, run_claim(claim, Depth.NORMAL, seed), "normal", seed))
        for mutant in claim.mutants:
            path = write_mutant(tmp_path, mutant.id)
            entry = mutant_entry(mutant, run_claim(mutant.claim, Depth.NORMAL, seed), "normal", seed)
            found.add(entry | {"counterexample": path.relative_to(tmp_path).as_posix()})
    made = pages(found, presented())
    texts = [text for path, text in made.texts.items() if path.startswith(("pages/claim-", "pages/chapter-"))]
    kept = record_text({"claims": list(found.claims.values()), "mutants": list(found.mutants.values())})
    size = sum(len(encodable(text)) for text in (*texts, kept))
    size += sum(path.stat().st_size for path in (tmp_path / "counterexamples").iterdir())
    everything = sum(len(claim.mutants) for claim in registry.values())
    assert size / len(found.mutants) * everything < WHOLE - REST
