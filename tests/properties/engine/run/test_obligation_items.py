"""Obligations in a run: items, selection, the closing lines, claims.json, and the proofs whose links they are."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from properties.catalogue import registry
from properties.engine.claim import Status
from properties.engine.obligations import run_obligation
from properties.engine.report import terminal, wording
from properties.engine.report.document import NOT_RUN, Document
from properties.engine.report.entries import chain_entry, obligation_entry
from properties.engine.report.html import pages
from properties.engine.run import request
from properties.engine.selection import selected_obligations
from tests.properties.engine import fake_claims
from tests.properties.engine.fake_obligations import CHAIN, FALSE, SLACK, SMALLER_CHAIN, SQUARES
from tests.properties.engine.run.plugin_suite import Suite
from theory.catalogue import chains, obligations
from theory.proof.chain import Basis, Chain
from theory.proof.obligation import Obligation, Standing
from theory.proof.provers import Prover

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[4]
KNOWN = {one.id: one for one in (SQUARES, FALSE, SLACK)}


def silent() -> Prover:
    reply = json.dumps({"answer": "unknown", "model": {}, "reason": "too <hard>"})
    text = f"import sys\nfor line in sys.stdin:\n    print({reply!r}, flush=True)"
    return Prover("silent", 5.0, [sys.executable, "-I", "-c", text])


@pytest.fixture
def document(provers: Sequence[Prover]) -> Document:
    found = Document({}, chains=[chain_entry(CHAIN)], expected=3)
    for obligation in (SQUARES, FALSE, SLACK):
        found.add(obligation_entry(run_obligation(obligation, provers)))
    return found


@pytest.mark.parametrize("theorem", ["T3", "T4-width"])
def test_the_logarithm_of_the_first_width_becomes_a_probability_by_an_argument(theorem: str) -> None:
    """O-t3 ends at ``beta m lambda0/||X||_2^2 >= log``; no obligation says what exp makes of it."""
    argued = [link for link in chains[theorem].links if link.basis is Basis.ARGUED]
    assert sum("n exp(-log) = share" in link.step for link in argued) == 1


@pytest.mark.parametrize("theorem", chains)
def test_every_reference_of_a_proof_resolves(theorem: str) -> None:
    assert theorem in registry
    for link in chains[theorem].links:
        assert link.references
        assert link.step
        for reference in link.references:
            if link.basis is Basis.PROVED:
                assert reference in obligations
            elif link.basis is Basis.CHECKED:
                assert reference in registry
            else:
                path, _, phrase = reference.partition(": ")
                assert phrase in " ".join((ROOT / path).read_text(encoding="utf-8").split()), reference


def test_every_claim_but_a_conjecture_has_a_chain_and_every_obligation_is_needed() -> None:
    conjectures = {id for id, claim in registry.items() if claim.status is not Status.THEOREM}
    assert conjectures == {"T5"}
    assert set(chains) == set(registry) - conjectures
    assert {id for chain in chains.values() for id in chain.obligations} == set(obligations)
    assert not set(obligations) & set(registry)
    for chain in chains.values():
        assert chain.links[-1].basis is Basis.CHECKED
        assert any(chain.theorem in link.references for link in chain.links if link.basis is Basis.CHECKED)
        assert Basis.ARGUED in {link.basis for link in chain.links}


@pytest.mark.parametrize(
    ("requested", "dataset_only", "selected"),
    [
        ((), False, ["O-squares", "O-false", "O-slack"]),
        (("all",), True, ["O-squares", "O-false", "O-slack"]),
        ((), True, []),
        (("N-small",), False, ["O-squares", "O-false"]),
        (("N-other",), False, []),
        (("O-slack",), True, ["O-slack"]),
        (("O-slack", "N-small"), False, ["O-squares", "O-false", "O-slack"]),
    ],
)
def test_selection(requested: Sequence[str], dataset_only: bool, selected: Sequence[str]) -> None:
    found = selected_obligations(KNOWN, {"N-small": CHAIN}, requested, dataset_only)
    assert [obligation.id for obligation in found] == selected


def test_one_prover_alone_proves_nothing(provers: Sequence[Prover]) -> None:
    assert run_obligation(SQUARES, provers).standing is Standing.PROVED
    assert run_obligation(SQUARES, provers[:1]).standing is Standing.UNDECIDED
    with silent() as prover:
        result = run_obligation(SQUARES, [provers[0], prover])
    assert result.standing is Standing.UNDECIDED
    assert result.by_prover == {"z3": Standing.PROVED, "silent": Standing.UNDECIDED}
    assert all(finding.standing is Standing.REFUTED for _, finding in result.mutants)


def test_a_counterexample_of_one_prover_refutes(provers: Sequence[Prover]) -> None:
    with silent() as prover:
        assert run_obligation(FALSE, [prover, provers[1]]).standing is Standing.REFUTED


def test_entries(document: Document) -> None:
    written = json.loads(json.dumps(document.to_json()["obligations"]))
    squares, false, slack = written
    assert (squares["id"], squares["status"]) == ("O-squares", "proved")
    assert squares["provers"]["z3"]["status"] == squares["provers"]["cvc5"]["status"] == "proved"
    assert 0 < squares["provers"]["z3"]["seconds"] <= squares["seconds"]
    assert squares["parts"][1]["where"] == {"limit": "1/x"}
    assert [mutant["id"] for mutant in squares["mutants"]] == ["O-squares/up-to-2", "O-squares/halved"]
    assert all(mutant["status"] == "refuted" and mutant["model"] for mutant in squares["mutants"])
    assert false["status"] == "refuted"
    assert false["parts"][0]["findings"][0]["model"].keys() == {"x"}
    assert slack["status"] == "proved"
    assert slack["mutants"][0]["status"] == "proved"


def test_links_know_their_standing(document: Document) -> None:
    (proof,) = document.proofs()
    assert [link["known"] for link in proof["links"]] == [["argued"], ["proved", "refuted"], [NOT_RUN, NOT_RUN]]
    document.add({"kind": "claim", **fake_claims_entry("N-small", "holds")})
    document.add({"kind": "claim", **fake_claims_entry("N-other", "undecided")})
    assert document.proofs()[0]["links"][2]["known"] == ["enclosed", "undecided"]
    assert Document({}, chains=[chain_entry(CHAIN)]).proofs()[0]["links"][1]["known"] == [NOT_RUN, NOT_RUN]


def fake_claims_entry(id: str, verdict: str) -> Mapping[str, Any]:
    return {"id": id, "verdict": verdict, "evidence": "enclosed"}


@pytest.mark.parametrize(
    ("ids", "verdict"),
    [
        (["O-squares"], "holds"),
        (["O-squares", "O-slack"], "undecided"),
        (["O-squares", "O-slack", "O-false"], "refuted"),
    ],
)
def test_obligations_decide_the_run(document: Document, ids: Sequence[str], verdict: str) -> None:
    found = Document({}, obligations={id: document.obligations[id] for id in ids}, expected=len(ids))
    assert found.complete
    assert found.verdict.value == verdict


def test_lines(document: Document) -> None:
    assert terminal.obligation_lines(document) == [
        "obligations: 2 of 3 proved by z3 and cvc5; mutants 2 of 3 refuted",
        "not settled: O-false (refuted)",
        "not settled: O-slack/signs (proved)",
    ]
    assert terminal.obligation_lines(Document({})) == []
    sentence = "Obligations: 2 of 3 proved by z3 and cvc5, mutants 2 of 3 refuted."
    assert wording.verdict_sentence(document) == sentence
    failure = wording.obligation_failure(document.obligations["O-false"], ["again"])
    assert "O-false is refuted: squares are at most their roots" in failure
    assert "z3: refuted: 0 <= x <= 2 => x**2 <= x; x = " in failure
    assert "mutant O-slack/signs survives (proved): x <= 9 => x**2 >= 0; none" in wording.obligation_failure(
        document.obligations["O-slack"], []
    )
    assert wording.implication_text({"hypotheses": [], "conclusion": "1 < 2", "where": {}}) == "1 < 2"


def test_the_page_shows_proofs_and_obligations(document: Document) -> None:
    text = pages(document).text
    assert "<h1>Of claims that are not in this run</h1>" in text
    assert '<a href="obligations.html#obligation-O-squares">O-squares</a>' in text
    assert '<details class="claim" id="obligation-O-squares">' in text
    assert "squares &lt;are&gt; at most their roots &amp; more" in text
    assert "2 of 3 proved by z3 and cvc5; mutants 2 of 3 refuted" in text
    assert "not in this run" in text
    assert "Proof of N-small" in text
    assert {"pages/unclaimed.html", "pages/obligations.html"} <= pages(document).texts.keys()
    assert "Proof" not in pages(Document({"numpy": "2.0"})).text


def run(
    suite: Suite, obligations: Sequence[Obligation], *arguments: str, chain: Chain | None = None
) -> pytest.RunResult:
    suite.obligations = {one.id: one for one in obligations}
    suite.chains = {} if chain is None else {chain.theorem: chain}
    return suite.run([fake_claims.claim()], *arguments)


def test_items_of_a_run(suite: Suite) -> None:
    outcome = run(suite, [SQUARES], "--claim", "all", "--report", "out", chain=SMALLER_CHAIN)
    outcome.assert_outcomes(passed=4)
    outcome.stdout.fnmatch_lines(["obligations: 1 of 1 proved by z3 and cvc5; mutants 2 of 2 refuted"])
    written = suite.written()
    assert written["verdict"] == "holds"
    assert written["complete"] is True
    assert [entry["id"] for entry in written["obligations"]] == ["O-squares"]
    assert [proof["theorem"] for proof in written["proofs"]] == ["N-small"]
    assert written["proofs"][0]["links"][2]["known"] == ["tested", NOT_RUN]


@pytest.mark.parametrize(
    ("obligation", "said"),
    [(FALSE, "O-false is refuted: squares are"), (SLACK, "mutant O-slack/signs survives (proved)")],
)
def test_what_is_not_settled_fails(suite: Suite, obligation: Obligation, said: str) -> None:
    outcome = run(suite, [SQUARES, obligation], "--claim", obligation.id)
    outcome.assert_outcomes(failed=1)
    assert outcome.ret == 1
    assert said in outcome.stdout.str()
    assert f"again: natural-gradient verify --claim {obligation.id}" in outcome.stdout.str()


def test_a_prover_that_is_missing_leaves_it_undecided(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "PROVERS", ("z3", "absent"))
    outcome = run(suite, [SQUARES], "--claim", "O-squares")
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*absent: undecided:*"])


def test_a_claim_takes_the_obligations_of_its_proof(suite: Suite) -> None:
    run(suite, [SQUARES, SLACK], "--claim", "N-small", chain=SMALLER_CHAIN).assert_outcomes(passed=4)


def test_unknown_ids_list_obligations_too(suite: Suite) -> None:
    outcome = run(suite, [SQUARES], "--claim", "O-nothing")
    assert outcome.ret == 4
    outcome.stderr.fnmatch_lines(["*unknown claim O-nothing; known: all, N-small, O-squares*"])
