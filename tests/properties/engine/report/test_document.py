"""The document of a run: what claims.json holds, what is due, and the way back."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from properties.engine.claim import Depth
from properties.engine.report import terminal, wording
from properties.engine.report.claim_view import claim_views
from properties.engine.report.commands import Commands
from properties.engine.report.document import Document
from properties.engine.report.entries import claim_entry, tightest_entry
from properties.engine.report.html import pages
from properties.engine.report.outlook import outlook
from properties.engine.report.plain import json_text
from properties.formulas import mathematics
from properties.pictures.report.pictures_entry import pictures_entry
from properties.suite import presented
from tests.properties.engine import fake_claims
from tests.properties.engine.report.page_parser import ParsedPage
from tests.properties.engine.report.sample import SLACK, Certificate
from tests.properties.pictures.report.picture_data import picture_data
from theory.errors import DataFileError


def test_pictures_that_broke_off_are_shown_and_leave_the_run_undecided(document: Document) -> None:
    claims = {"N-small": document.claims["N-small"]}
    found = Document(
        {}, claims=dict(claims), parts={"pictures": pictures_entry("Traceback\nValueError: no ink", 1.0)}, expected=2
    )
    assert found.complete
    assert found.verdict == "undecided"
    assert wording.verdict_sentence(found) == "The 1 claim holds; the pictures broke off with an error."
    assert "ValueError: no ink" in ParsedPage(pages(found, presented()).text).text
    assert terminal.part_lines(found, judged=False)["pictures"] == ["broke off: ValueError: no ink"]
    found.parts = {"pictures": pictures_entry({}, 1.0)}
    assert found.verdict == "holds"


def test_slack_and_pictures_in_the_json(document: Document) -> None:
    content = json.loads(json_text(document.to_json()))
    assert content["slack"][0] == {
        "claim": "N-small",
        "quantity": SLACK[0].quantity,
        "paper": 20.0,
        "proved": 30.0,
        "refuted": 30.5,
        "witness": "N-small/above",
        "remark": "sharp",
    }
    assert content["not_executable"]["N-all"] == "a statement about all numbers"
    assert content["pictures"]["data"] == picture_data()
    assert content["pictures"]["error"] is None
    assert content["claims"][0]["tightest"]["seed"] is None


def test_the_witness_s_seed_stands_beside_the_ratio(document: Document) -> None:
    evaluation = replace(Certificate.results[0][1], description={"m": 8, "seed": 77})
    entry = tightest_entry(evaluation)
    assert entry is not None
    assert entry["seed"] == 77
    check = {**document.parts["dataset"]["checks"][0], "description": {"seed": 5}}
    claims = {"N-small": {**document.claims["N-small"], "tightest": None}}
    merged = Document(
        {}, claims=claims, parts={"dataset": {**document.parts["dataset"], "checks": [check]}}
    ).merged_claims()
    assert merged[0]["tightest"]["seed"] == 5


def test_claims_json_is_standard(document: Document, tmp_path: Path) -> None:
    path = document.write(tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    content = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert content["schema"] == 1
    assert content["complete"] is True
    assert [claim["id"] for claim in content["claims"]] == ["N-small", "N-hostile"]
    claim = content["claims"][0]
    expected = {
        "id",
        "status",
        "verdict",
        "evidence",
        "evidence_counts",
        "instances",
        "vacuous",
        "undecided_hypotheses",
        "sampled_evaluations",
        "tightest",
        "families",
        "mutants",
        "statement",
        "provenance",
        "source",
        "seconds",
        "seed",
    }
    assert expected <= set(claim)
    assert set(claim["tightest"]) == {
        "ratio",
        "label",
        "measured",
        "predicted",
        "rounding",
        "family",
        "description",
        "seed",
        "precision",
    }
    assert [mutant["verdict"] for mutant in claim["mutants"]] == ["refuted", "refuted", "holds"]
    assert claim["families"]["F5"]["instances"] == claim["families"]["F5"]["vacuous"] == 1
    own = document.claims["N-small"]
    assert claim["instances"] == own["instances"] + 1
    assert claim["vacuous"] == own["vacuous"] + 1
    assert "F5" not in own["families"]
    assert content["dataset"]["certificate"]["rungs"][0]["limits"]["T1"] == "inf"


def test_the_document_knows_what_is_due(document: Document) -> None:
    partial = Document({}, claims=dict(document.claims), expected=3)
    assert not partial.complete
    assert partial.verdict == "undecided"
    assert wording.verdict_sentence(partial).endswith("the run stopped early, with 2 of 3 items done.")
    partial.expected = 2
    assert partial.verdict == "holds"
    assert wording.verdict_sentence(partial) == "All 2 claims hold."
    assert document.verdict == "undecided"  # a mutant survives
    with pytest.raises(ValueError, match="known are claim, mutant, obligation, replay"):
        partial.add({"kind": "unknown"})


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("refuted", "refuted"), ("undecided", "undecided"), ("vacuous", "holds"), ("undecided hypothesis", "holds")],
)
def test_a_check_on_data_decides_the_claim(document: Document, verdict: str, expected: str) -> None:
    check = {**document.parts["dataset"]["checks"][0], "verdict": verdict}
    dataset = {**document.parts["dataset"], "checks": [check]}
    found = Document({}, claims=dict(document.claims), parts={"dataset": dataset})
    assert [entry["verdict"] for entry in found.merged_claims()] == [expected, "holds"]


def test_the_tightest_ratio_and_the_weakest_evidence_win(document: Document) -> None:
    claims = {"N-small": {**document.claims["N-small"], "evidence": "enclosed", "evidence_counts": {"enclosed": 3}}}
    claims["N-small"]["tightest"] = {**claims["N-small"]["tightest"], "ratio": 0.5}
    found = Document({}, claims=claims, parts={"dataset": document.parts["dataset"]}).merged_claims()[0]
    assert found["tightest"]["family"] == "F5"
    assert found["tightest"]["ratio"] == 1.0
    assert found["evidence"] == "tested"
    assert found["evidence_counts"] == {"enclosed": 3, "tested": 1}
    assert wording.evidence_text(found) == "tested, 3 enclosed"
    claims["N-small"]["tightest"]["ratio"] = "inf"
    found = Document({}, claims=claims, parts={"dataset": document.parts["dataset"]}).merged_claims()[0]
    assert found["tightest"]["ratio"] == "inf"


def test_depths_are_named_in_entries() -> None:
    claim = fake_claims.claim()
    entry = claim_entry(claim, "Traceback\nValueError: x", Depth.NORMAL.value, 9)
    assert (entry["verdict"], entry["depth"], entry["seed"], entry["instances"]) == ("undecided", "normal", 9, 0)
    assert "ValueError: x" in wording.claim_failure(entry, [], ["again: x"])


def test_entries_are_shown_in_the_order_asked_for_whichever_comes_first() -> None:
    document = Document({}, order=("N-first", "N-second"))
    for id in ("N-other", "N-second", "N-first"):
        document.add({"kind": "claim", "id": id})
        document.add({"kind": "mutant", "id": id})
    assert list(document.claims) == list(document.mutants) == ["N-first", "N-second", "N-other"]


def test_a_document_is_read_back_as_it_was_written(full: Document, tmp_path: Path) -> None:
    document = replace(full, parts={"dataset": full.parts["dataset"]})
    read = Document.read(document.write(tmp_path))
    assert json_text(read.to_json()) == json_text(document.to_json())
    assert (read.complete, read.expected, read.verdict) == (False, document.expected, document.verdict)
    assert wording.verdict_sentence(read) == wording.verdict_sentence(document)
    assert outlook(read) == outlook(document)
    assert claim_views(read, mathematics()) == claim_views(document, mathematics())
    older = {
        key: value for key, value in document.to_json().items() if key not in ("expected", "proofs", "obligations")
    }
    assert not Document.from_json(older).complete
    without_commands = {key: value for key, value in older.items() if key != "commands"}
    assert Document.from_json(without_commands).commands == Commands()
    assert Document.from_json({**older, "complete": True}).complete


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a claims.json"),
        ("[]", "not the content of a claims.json"),
        ('{"schema": 2}', "claims.json of schema 2; this version reads 1"),
        ('{"schema": 1}', "not the content of a claims.json .KeyError..environment"),
    ],
)
def test_what_is_no_claims_json_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "claims.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataFileError, match=message):
        Document.read(path)


def test_ratios_of_a_data_set_count_in_the_histogram(document: Document) -> None:
    family = document.merged_claims()[0]["families"]["F5"]
    assert family["ratios"] == {"1": 1}
    assert "F5" not in document.claims["N-small"]["families"]
    counted = document.claims["N-small"]["families"]["F1"]
    assert sum(counted["ratios"].values()) == counted["instances"]
