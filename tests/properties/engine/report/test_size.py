"""A report on every claim stays under 4.2 MB, and each of its pages in its budget: what a few claims need, scaled to all mutants."""

from collections.abc import Mapping
from pathlib import Path

from properties.catalogue import registry
from properties.engine.claim import Depth
from properties.engine.paths import encodable
from properties.engine.replay.archive import counterexamples_in, gathered, packed
from properties.engine.report.document import Document
from properties.engine.report.entries import claim_entry, mutant_entry
from properties.engine.report.html import pages
from properties.engine.report.plain import record_text
from properties.engine.search import run_claim
from properties.engine.seeds import claim_seed
from properties.suite import presented
from tests.properties.engine.replay.stored_mutants import write_refuted

TYPICAL = ("T0-linear", "K-schur", "I-gram", "T1-tight")
"""Of exact arithmetic, inputs, networks and maps; found fast."""

WHOLE, REST = 4_200_000, 1_500_000
"""Bytes of a report, and of those what a data set, the pictures, the slack and the obligations need."""

BUDGETS = {
    "claim-": 40_000,
    "chapter-": 20_000,
    "index": 115_000,
    "dataset": 225_000,
    "obligations": 145_000,
    "pictures": 115_000,
    "slack": 90_000,
    "": 15_000,
}
"""Bytes of a page by how its name begins, the last for any other: a tenth or more above what a run of all claims at depth normal, on the digits, has needed."""


def over_budget(sizes: Mapping[str, int]) -> dict[str, int]:
    """The pages that are larger than they may be, by name."""
    return {
        name: size
        for name, size in sizes.items()
        if size > next(most for start, most in BUDGETS.items() if name.startswith(start))
    }


def test_claims_and_their_mutants_fit_into_a_report(tmp_path: Path) -> None:
    found = Document({})
    for id in TYPICAL:
        claim, seed = registry[id], claim_seed(20191, id)
        found.add(claim_entry(claim, run_claim(claim, Depth.NORMAL, seed), "normal", seed))
        for mutant in claim.mutants:
            result = run_claim(mutant.claim, Depth.NORMAL, seed)
            path = write_refuted(tmp_path, mutant, result, seed)
            entry = mutant_entry(mutant, result, "normal", seed)
            found.add(entry | {"counterexample": path.relative_to(tmp_path).as_posix()})
    made = pages(found, presented())
    texts = {path: text for path, text in made.texts.items() if path.startswith(("pages/claim-", "pages/chapter-"))}
    kept = record_text({"claims": list(found.claims.values()), "mutants": list(found.mutants.values())})
    size = sum(len(encodable(text)) for text in (*texts.values(), kept))
    size += len(packed(gathered(counterexamples_in(tmp_path / "counterexamples"))))
    everything = sum(len(claim.mutants) for claim in registry.values())
    assert size / len(found.mutants) * everything < WHOLE - REST
    assert over_budget({Path(path).stem: len(encodable(text)) for path, text in texts.items()}) == {}


def test_a_page_beyond_its_budget_is_named() -> None:
    sizes = {"claim-T1": 40_000, "claim-T2": 40_001, "notation": 15_001, "dataset": 200_000}
    assert over_budget(sizes) == {"claim-T2": 40_001, "notation": 15_001}
