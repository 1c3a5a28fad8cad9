"""Claims by chapter: each once, the paper's first, what fails before what holds."""

from typing import Any

from properties.engine.report.document import Document
from properties.engine.report.groups import groups


def entry(id: str, provenance: str = "derived", verdict: str = "holds") -> dict[str, Any]:
    return {"id": id, "provenance": provenance, "verdict": verdict, "families": {}}


def test_every_claim_stands_in_one_chapter() -> None:
    claims = [entry("A"), entry("B", "paper"), entry("C", verdict="undecided"), entry("D", verdict="refuted")]
    chapters = [
        {"name": "one", "title": "One", "claims": ["A", "B", "absent"]},
        {"name": "two", "title": "Two", "claims": ["B", "C"]},
        {"name": "none", "title": "None", "claims": ["absent"]},
    ]
    found = groups(Document({}, claims={one["id"]: one for one in claims}, chapters=chapters))
    listed = {group.title: [claim["id"] for claim in group.claims] for group in found}
    assert listed == {"One": ["B", "A"], "Two": ["C"], "Claims": ["D"]}


def test_what_fails_comes_first() -> None:
    claims = [entry("A"), entry("B", verdict="undecided"), entry("C", verdict="refuted"), entry("D")]
    (group,) = groups(Document({}, claims={one["id"]: one for one in claims}))
    assert [claim["id"] for claim in group.failing_first] == ["C", "B", "A", "D"]
    assert groups(Document({})) == []
