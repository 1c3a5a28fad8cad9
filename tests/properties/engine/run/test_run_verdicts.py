"""What a run comes to, and what is said of it: one thing against it decides it, and is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from properties.dataset.report.dataset_entry import dataset_verdict
from properties.engine.claim import Depth, InstanceVerdict
from properties.engine.report import terminal
from properties.engine.report.document import Document
from properties.engine.report.outlook import outlook
from properties.engine.report.run_verdict import FAILING, RunVerdict
from properties.engine.report.wording import verdict_sentence
from properties.engine.selection import defects, selected_slack
from properties.engine.slack import SlackRow
from tests.properties.engine import fake_claims


@pytest.mark.parametrize("verdict", list(RunVerdict))
def test_a_data_set_fails_by_what_is_refuted_or_undecided_only(verdict: RunVerdict) -> None:
    assert (verdict in FAILING) is (verdict.value in ("refuted", "undecided"))
    kinds = [kind.value for kind in InstanceVerdict]
    assert dataset_verdict([{"verdict": kind} for kind in kinds]) is RunVerdict.REFUTED
    assert dataset_verdict([{"verdict": kind} for kind in kinds if kind != "refuted"]) is RunVerdict.UNDECIDED
    assert dataset_verdict([{"verdict": "holds"}, {"verdict": "vacuous"}]) is RunVerdict.HOLDS
    assert dataset_verdict([{"verdict": "vacuous"}, {"verdict": "undecided hypothesis"}]) is RunVerdict.UNCHECKED
    assert dataset_verdict([{"verdict": "holds"}, {"verdict": "vacuous"}], certified=False) is RunVerdict.UNCERTIFIED
    assert dataset_verdict([{"verdict": "vacuous"}], certified=False) is RunVerdict.UNCHECKED
    assert dataset_verdict([{"verdict": "holds"}, {"verdict": "refuted"}], certified=False) is RunVerdict.REFUTED


def entry(id: str = "N", verdict: str = "holds", **changes: Any) -> dict[str, Any]:
    counts = {"instances": 5, "vacuous": 0, "undecided_hypotheses": 0, "undecided": 0}
    found = {"id": id, "verdict": verdict, "evidence": "enclosed", "evidence_counts": {"enclosed": 5}, **counts}
    return {**found, "families": {}, "tightest": None, "error": None, **changes}


def mutant(id: str = "N/a", verdict: str = "refuted") -> dict[str, Any]:
    return {"id": id, "claim": id.partition("/")[0], "verdict": verdict, "description": "a"}


def obligation(
    id: str = "O", status: str = "proved", mutants: Sequence[str] = ("refuted", "refuted")
) -> dict[str, Any]:
    return {
        "id": id,
        "status": status,
        "mutants": [{"id": f"{id}/{k}", "status": one} for k, one in enumerate(mutants)],
    }


def document(
    claims: Sequence[Mapping[str, Any]] = (),
    mutants: Sequence[Mapping[str, Any]] = (),
    obligations: Sequence[Mapping[str, Any]] = (),
    due: int = 0,
    **changes: Any,
) -> Document:
    by_id = [{str(one["id"]): dict(one) for one in ones} for ones in (claims, mutants, obligations)]
    found = Document({}, claims=by_id[0], mutants=by_id[1], obligations=by_id[2], **changes)
    found.expected = found.recorded + due
    return found


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (document([entry()], [mutant()], [obligation()]), "holds"),
        (document(), "unchecked"),
        (document([entry()], due=1), "undecided"),
        (document([entry(), entry("M", "undecided")]), "undecided"),
        (document([entry("M", "refuted"), entry()]), "refuted"),
        (document([entry("M", "undecided"), entry(verdict="refuted")]), "refuted"),
        (document([entry()], [mutant(), mutant("N/b", "undecided")]), "undecided"),
        (document([entry()], [mutant("N/b", "holds"), mutant()]), "undecided"),
        (document([entry()], (), [obligation("P", "undecided"), obligation()]), "undecided"),
        (document([entry()], (), [obligation(), obligation("P", "refuted")]), "refuted"),
        (document([entry()], (), [obligation("P", "proved", ["refuted", "proved"])]), "undecided"),
        (document([entry()], (), [obligation("P", "proved", ["undecided", "refuted"])]), "undecided"),
        (document([entry()], baseline={"losses": ["N: less"], "update": False}), "undecided"),
        (document([entry()], baseline={"losses": ["N: less"], "update": True}), "holds"),
        (document([entry()], parts={"pictures": {"error": "broke off"}}), "undecided"),
        (document([entry()], parts={"dataset": {"verdict": "undecided", "checks": [], "error": None}}), "undecided"),
        (document([entry()], parts={"dataset": {"verdict": "refuted", "checks": [], "error": None}}), "refuted"),
    ],
)
def test_one_thing_against_a_run_decides_it(found: Document, verdict: str) -> None:
    assert found.verdict.value == verdict
    assert found.to_json()["verdict"] == verdict


@pytest.mark.parametrize(
    ("verdict", "update", "said"),
    [
        ("holds", False, "Worse than the baseline"),
        ("holds", True, "Holds"),
        ("undecided", False, "Undecided"),
        ("refuted", False, "Refuted"),
    ],
)
def test_a_run_that_is_only_worse_than_its_baseline_says_so_first(verdict: str, update: bool, said: str) -> None:
    found = document([entry("N", verdict)], baseline={"losses": ["N: less"], "update": update})
    assert found.headline == said


def test_survivors_are_all_that_is_not_refuted() -> None:
    verdicts = ["refuted", "holds", "undecided"]
    found = document([entry()], [mutant(f"N/{verdict}", verdict) for verdict in verdicts])
    assert found.survivors == ["N/holds", "N/undecided"]
    assert found.mutants_refuted == 1
    unsettled = document((), (), [obligation("O", "undecided", ["refuted", "proved", "undecided"])])
    assert [one["id"] for one in unsettled.unsettled_obligations] == ["O", "O/1", "O/2"]


def test_a_link_has_the_standing_of_what_it_rests_on() -> None:
    def chain(basis: str, *references: str) -> dict[str, Any]:
        return {"theorem": "N", "links": [{"step": "a", "basis": basis, "references": list(references)}]}

    claims = [entry("N"), entry("M", "undecided"), entry("L", evidence="tested")]
    found = document(claims, (), [obligation("O"), obligation("P", "undecided")])
    for given, known in (
        (chain("proved", "O", "P", "Q"), ["proved", "undecided", "not in this run"]),
        (chain("checked", "N", "M", "L", "K"), ["enclosed", "undecided", "tested", "not in this run"]),
        (chain("argued", "docs/theory.md: a"), ["argued"]),
    ):
        found.chains = [given]
        assert found.proofs()[0]["links"][0]["known"] == known


def test_every_claim_has_its_own_mutants() -> None:
    found = document([entry("N"), entry("M")], [mutant("N/a"), mutant("M/b", "holds"), mutant("N/c")])
    own = {claim["id"]: [one["id"] for one in claim["mutants"]] for claim in found.merged_claims()}
    assert own == {"N": ["N/a", "N/c"], "M": ["M/b"]}


def test_the_sentence_says_what_the_claims_are() -> None:
    assert verdict_sentence(document([entry("N"), entry("M")])) == "All 2 claims hold."
    mixed = document([entry("N"), entry("M", "undecided"), entry("L", "refuted")])
    assert verdict_sentence(mixed) == "Of 3 claims: 1 holds, 1 refuted, 1 undecided."
    assert verdict_sentence(document([entry("N"), entry("M", "undecided")])) == "Of 2 claims: 1 holds, 1 undecided."
    assert "2 of 3 mutants refuted" in verdict_sentence(
        document([entry()], [mutant(), mutant("N/b"), mutant("N/c", "undecided")])
    )


def test_what_is_against_a_run_is_told_first() -> None:
    found = document(
        [entry(), entry("M", "undecided"), entry("L", "refuted")],
        [mutant("N/a", "holds")],
        [obligation("O", "undecided")],
        due=1,
        parts={
            "dataset": {"verdict": "refuted", "title": "data set", "against": "a: refuted", "error": None},
            "pictures": {"error": "a", "title": "pictures", "against": "they broke off"},
        },
        baseline={"file": "a", "losses": ["N: less"], "update": False},
    )
    told = [remark.heading for remark in outlook(found) if remark.against]
    expected = ["Refuted", "Undecided", "Surviving mutants", "Obligations not settled", "Data set", "Pictures"]
    assert told == [*expected, "Worse than the baseline", "Not run"]


def test_every_number_stands_under_its_heading() -> None:
    counts = {"instances": 11, "vacuous": 22, "undecided_hypotheses": 33, "undecided": 44}
    one = entry("N", "undecided", **counts, seconds=5.0, status="theorem", provenance="paper")
    (row,) = terminal.claim_rows(document([one]))
    found = dict(zip(terminal.COLUMNS, row, strict=True))
    assert (found["claim"], found["verdict"], found["evidence"]) == ("N", "undecided", "enclosed")
    assert [found[name] for name in ("instances", "vacuous", "undecided hyp.")] == ["11", "22", "33"]


def test_the_slack_table_is_that_of_the_claims() -> None:
    rows = [SlackRow(claim, "largest step", 1.0, 2.0, 3.0) for claim in ("N", "M", "L")]
    assert [row.claim for row in selected_slack(rows, {"N", "L"})] == ["N", "L"]


def test_a_claim_that_nothing_tests_is_unfit() -> None:
    claim = fake_claims.claim()
    idle = dataclasses.replace(claim.families[0], examples={**claim.families[0].examples, Depth.THOROUGH: 0})
    unfit = {
        "no mutants": dataclasses.replace(claim, mutants=()),
        "no family": dataclasses.replace(claim, families=()),
        "draws nothing at depth thorough": dataclasses.replace(claim, families=(idle,)),
        "lists an instance twice": dataclasses.replace(
            claim, families=(dataclasses.replace(claim.families[0], listed=({"a": 1, "b": 2}, {"b": 2, "a": 1})),)
        ),
    }
    assert defects({claim.id: claim}) == []
    assert defects({}) == ["the registry of claims is empty"]
    for said, one in unfit.items():
        assert any(said in defect for defect in defects({one.id: one}))
        broken = dataclasses.replace(claim, mutants=(*claim.mutants, one.neighbour("a", "a", families=(idle,))))
        assert any("N-small/a: family F1 draws nothing" in defect for defect in defects({claim.id: broken}))


def check(verdict: str, ratio: float = 0.5, evidence: str = "tested") -> dict[str, Any]:
    one = {"ratio": ratio, "label": "a", "measured": ratio, "predicted": 1.0, "rounding": 0.0, "verdict": "holds"}
    found = {"claim": "N", "family": "F5", "verdict": verdict, "features": ["a"], "evidence": evidence}
    return {**found, "bounds": [one], "description": {}, "precision": 53}


@pytest.mark.parametrize(
    ("kind", "key", "verdict"),
    [
        ("holds", "instances", "holds"),
        ("refuted", "instances", "refuted"),
        ("undecided", "undecided", "undecided"),
        ("vacuous", "vacuous", "holds"),
        ("undecided hypothesis", "undecided_hypotheses", "holds"),
    ],
)
def test_checks_on_a_data_set_count_as_instances_do(kind: str, key: str, verdict: str) -> None:
    dataset = {"verdict": "holds", "checks": [check(kind), {**check("refuted"), "claim": "another"}]}
    (merged,) = document([entry()], parts={"dataset": dataset}).merged_claims()
    assert merged["verdict"] == verdict
    found = {name: merged[name] for name in ("instances", "vacuous", "undecided_hypotheses", "undecided")}
    assert found == {**{name: entry()[name] for name in found}, key: entry()[key] + 1}
    assert merged["families"]["F5"][key] == 1
    assert merged["evidence"] == ("tested" if key == "instances" else "enclosed")
    assert (merged["tightest"] is None) is (key != "instances")
