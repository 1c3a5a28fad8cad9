"""The closing lines of the terminal."""

from typing import Any

from properties.catalogue import registry
from properties.engine.report import terminal
from properties.engine.report.document import Document
from properties.engine.report.entries import claim_entry
from properties.suite import SUITE
from tests.properties.engine.report.sample import HOSTILE


def test_the_terminal_shows_slack_and_pictures_in_short(document: Document) -> None:
    lines = terminal.slack_lines(document)
    assert lines[0].split() == ["claim", "quantity", "paper", "proved", "refuted", "at"]
    assert lines[1].split()[-3:] == ["20", "30", "30.5"]
    assert max(map(len, lines)) <= terminal.WIDEST_LINE
    assert any(line.endswith("-      1 - 1.0e-09  -") for line in lines)
    assert lines[-1] == "no counterexample known for 1 dropped hypothesis; see the report"
    assert all(word in " ".join(lines) for row in document.slack[:2] for word in row["quantity"].split())
    assert terminal.slack_lines(Document({})) == []
    assert len(terminal.part_lines(document, judged=False)["pictures"]) == 6
    assert terminal.part_lines(Document({}), judged=False) == {}


def test_a_long_slack_table_is_counted_unless_it_is_asked_for(document: Document) -> None:
    row = document.slack[0]
    rows = [{**row, "claim": f"N-{number % 3}"} for number in range(terminal.MOST_SLACK + 1)]
    long = Document({}, slack=rows)
    (line,) = terminal.slack_lines(long, whole=False)
    assert line.startswith(f"{terminal.MOST_SLACK + 1} constants of 3 claims")
    assert len(terminal.slack_lines(long)) > len(rows)
    short = Document({}, slack=rows[:-1])
    assert terminal.slack_lines(short, whole=False) == terminal.slack_lines(short)


def test_the_terminal_table(document: Document) -> None:
    lines = terminal.claim_lines(document)
    column = lines[0].index("inst.")
    small, hostile = (str(entry["instances"]) for entry in document.merged_claims())
    assert lines[1] == "Small numbers"
    assert lines[2][column:].split()[0] == small
    assert lines[3] == "Claims"
    assert lines[4][column:].split()[0] == hostile
    assert lines[4].split()[1:4] == ["holds", "tested", "D?"]
    painted = terminal.claim_lines(document, lambda text, verdict: f"<{verdict}>{text}</>")
    assert painted[2] == lines[2].replace("holds", "<holds>holds</>", 1)
    assert terminal.mutant_lines(document) == ["mutants: 2 of 3 refuted", f"survivor: N-small/slack (slack {HOSTILE})"]
    assert terminal.part_lines(document, judged=True)["data set"][3] == f"  note: column {HOSTILE!r} numbers the rows"
    assert (
        terminal.part_lines(document, judged=True)["data set"][-1] == f"N-small on mine {HOSTILE}: 1 holds, 1 vacuous"
    )
    assert terminal.claim_lines(Document({})) == terminal.mutant_lines(Document({})) == []


def test_the_closing_table_fits_a_narrow_terminal() -> None:
    """With every claim of the suite, its longest evidence, a ratio near 1 and a long time; the paper's theorems come first."""
    chapters = [{"name": one.name, "title": one.title, "claims": one.claims} for one in SUITE.chapters]
    found = Document({}, chapters=chapters)
    for claim in registry.values():
        entry = claim_entry(claim, "broken", "quick", 3) | {
            "error": None,
            "verdict": "holds",
            "evidence": "estimated",
            "evidence_counts": {"estimated": 30, "enclosed": 2000},
            "instances": 7000,
            "vacuous": 300,
            "undecided_hypotheses": 200,
            "tightest": {"ratio": 1 - 2.3e-5, "family": "F4"},
            "seconds": 99.9,
        }
        found.add(entry)
    lines = terminal.claim_lines(found)
    assert max(map(len, lines)) <= terminal.WIDEST_LINE
    assert lines[1] == "The paper's theorems"
    assert [line.split()[0] for line in lines[2:7]] == ["T1", "T2", "T3", "T4", "T5"]
    assert len(lines) == 1 + len(chapters) + len(registry)


def told(**changes: Any) -> Document:
    claim = next(iter(registry.values()))
    family = {"instances": 11, "vacuous": 12, "undecided_hypotheses": 13, "undecided": 14, "features": {}}
    found = claim_entry(claim, "broken", "quick", 3) | {
        "error": None,
        "verdict": "holds",
        "evidence": "tested",
        "evidence_counts": {"tested": 11},
        "instances": 11,
        "vacuous": 12,
        "undecided_hypotheses": 13,
        "undecided": 14,
        "families": {"F1": family},
        "tightest": {"label": "a", "ratio": 0.25, "family": "F1", "description": {"m": 8}},
        "seconds": 15.0,
    }
    return Document({}, claims={claim.id: found | changes})


def test_every_number_stands_under_its_heading() -> None:
    head, line = terminal.claim_lines(told())
    assert dict(zip(head.split()[4:], line.split()[4:], strict=False)) == {
        "inst.": "11",
        "vac.": "12",
        "open": "13",
        "tightest": "0.25",
        "time": "15.0",
    }
    (row,) = terminal.claim_rows(told())
    assert dict(zip(terminal.COLUMNS, row, strict=True)) | {"claim": "", "from": ""} == {
        "claim": "",
        "verdict": "holds",
        "evidence": "tested",
        "from": "",
        "instances": "11",
        "vacuous": "12",
        "undecided hyp.": "13",
        "tightest": "0.25 in F1",
        "time": "15.0 s",
    }


def test_what_broke_off_is_an_error_in_both_tables() -> None:
    broken = told(error="Traceback", verdict="undecided", tightest=None)
    assert terminal.claim_lines(broken)[1].split()[1] == "error"
    assert terminal.claim_rows(broken)[0][1] == "undecided (error)"


def test_families_have_a_line_each_and_the_tightest_its_instance() -> None:
    (id,) = told().claims
    assert terminal.family_lines(told()) == [
        id,
        "    F1 11 (vacuous: 12, undecided hypotheses: 13, undecided: 14)",
        "    tightest: a: 0.25 in F1 at m=8",
    ]


def test_a_run_ends_with_the_answer_on_a_part_before_its_verdict(document: Document) -> None:
    (verdict,) = terminal.closing_lines(Document({}))
    assert verdict
    answer = "a sentence of many words " * 8
    found = terminal.closing_lines(
        Document({}, parts={"dataset": {"answer": answer, "clause": "", "title": "data set"}})
    )
    assert " ".join(found[:-1]) == answer.strip()
    assert max(map(len, found[:-1])) <= terminal.WIDEST_LINE
