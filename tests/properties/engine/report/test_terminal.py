"""The closing lines of the terminal."""

from properties.engine.report import terminal
from properties.engine.report.document import Document
from tests.properties.engine.report.sample import HOSTILE


def test_the_terminal_shows_slack_and_pictures_in_short(document: Document) -> None:
    lines = terminal.slack_lines(document)
    assert lines[0].split() == ["claim", "quantity", "paper", "proved", "refuted", "at"]
    assert lines[1].split()[-3:] == ["20", "30", "30.5"]
    assert "longest text, with much to say about the point at which its numbers are…" in lines[2]
    assert lines[2].endswith("-      1 - 1.0e-09  -")
    assert lines[3] == "no counterexample known for 1 dropped hypothesis; see the report"
    assert terminal.slack_lines(Document({})) == []
    assert len(terminal.part_lines(document, judged=False)["pictures"]) == 6
    assert terminal.part_lines(Document({}), judged=False) == {}


def test_the_terminal_table(document: Document) -> None:
    lines = terminal.claim_lines(document)
    assert len(lines) == 3
    column = lines[0].index("instances")
    assert [line[column:].split()[0] for line in lines[1:]] == [
        str(entry["instances"]) for entry in document.merged_claims()
    ]
    assert terminal.mutant_lines(document) == ["mutants: 2 of 3 refuted", f"survivor: N-small/slack (slack {HOSTILE})"]
    assert terminal.part_lines(document, judged=True)["data set"][2] == f"  note: column {HOSTILE!r} numbers the rows"
    assert (
        terminal.part_lines(document, judged=True)["data set"][-1] == f"N-small on mine {HOSTILE}: 1 holds, 1 vacuous"
    )
    assert terminal.claim_lines(Document({})) == terminal.mutant_lines(Document({})) == []
