"""What the page shows of one claim, put together from the entries of the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from properties.engine.claim import Verdict
from properties.engine.ratios import BINS
from properties.engine.report.data_files import DataFile, Table, csv_file
from properties.engine.report.document import Document
from properties.engine.report.entries import Entry
from properties.engine.report.mathematics import Mathematics


@dataclass(frozen=True)
class Bar:
    """One bin of a histogram: how many instances, and its height and place for the drawing."""

    name: str
    place: int
    count: int
    height: float


@dataclass(frozen=True)
class ClaimView:
    """A claim's entry, with what stands beside it."""

    entry: Entry
    mathematics: Mathematics | None
    """None for a claim that has its statement in plain text only."""
    bars: Sequence[Bar]
    """Bins with instances; none where the ratios were not recorded."""
    mutants: Sequence[Entry]
    links: Sequence[Entry]
    """Of its proof."""
    slack: Sequence[Entry]
    """The rows of the slack table that are about it."""
    again: str | None
    """The command that repeats its tightest instance."""

    @property
    def histogram_text(self) -> str:
        """The histogram in words."""
        return "; ".join(f"{bar.name}: {bar.count}" for bar in self.bars)

    @property
    def survivors(self) -> int:
        """How many mutants were not refuted."""
        return sum(mutant["verdict"] != Verdict.REFUTED.value for mutant in self.mutants)


def claim_views(document: Document, formulas: Mapping[str, Mathematics]) -> list[ClaimView]:
    """Every claim of the run, with its formulas where there are any."""
    proofs = {proof["theorem"]: proof["links"] for proof in document.proofs()}
    return [
        ClaimView(
            entry=entry,
            mathematics=formulas.get(entry["id"]),
            bars=_bars(ratio_counts(entry)),
            mutants=[mutant for mutant in document.mutants.values() if mutant["claim"] == entry["id"]],
            links=proofs.get(entry["id"], ()),
            slack=[row for row in document.slack if row["claim"] == entry["id"]],
            again=None if entry["tightest"] is None else _again(document, entry),
        )
        for entry in document.merged_claims()
    ]


def ratio_counts(entry: Entry) -> Counter[str]:
    """How many instances of all families have their tightest ratio in which bin."""
    total: Counter[str] = Counter()
    for family in entry["families"].values():
        total.update(family.get("ratios", {}))
    return total


def ratio_file(claims: Sequence[Entry]) -> DataFile:
    """The histograms of all claims in one file, by family."""
    rows = [
        (entry["id"], name, one, count)
        for entry in claims
        for name, family in entry["families"].items()
        for one, count in family.get("ratios", {}).items()
    ]
    return csv_file("ratios", Table(("claim", "family", "measured/predicted", "instances"), rows))


def _bars(counts: Mapping[str, int]) -> list[Bar]:
    most = max(counts.values(), default=1)
    return [
        Bar(name, place, counts[name], round(counts[name] / most, 4))
        for place, name in enumerate(BINS)
        if counts.get(name)
    ]


def _again(document: Document, entry: Entry) -> str:
    tightest = entry["tightest"]
    wanted = {"claim": entry["id"], "family": tightest["family"], "description": tightest["description"]}
    root = document.environment.get("root_seed")
    for part in document.parts.values():
        for check in part.get("checks", ()):
            if all(check[key] == value for key, value in wanted.items()):
                return document.commands.part(part["kind"], part["name"], entry["depth"], root)
    return document.commands.claim(entry["id"], entry["depth"], root)
