"""The report: claims.json is standard and whole, index.html is well formed, says everything, and escapes."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

import numpy as np
import pytest

from properties.claim import Depth, Evaluation, InstanceVerdict, Status
from properties.datasets import load_dataset
from properties.report import figures, terminal, wording
from properties.report.atomic import write_atomically, write_text_atomically
from properties.report.document import Document
from properties.report.entries import (
    claim_entry,
    dataset_entry,
    mutant_entry,
    pictures_entry,
    slack_entry,
    tightest_entry,
)
from properties.report.environment import blas, environment
from properties.report.html import page, write_page
from properties.report.plain import json_text, number, plain
from properties.slack import SlackRow
from tests.properties import fake_claims
from tests.properties.picture_data import picture_data

VOID = {"meta", "br", "link", "img", "hr", "input"}
HOSTILE = '<script>alert("x")</script>&amp;'


class Page(HTMLParser):
    """Checks nesting, and keeps text, tags, ids and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.tags)


class Certificate:
    """A small certificate with hostile names in it."""

    results: Sequence[tuple[str, Evaluation]] = [
        (
            "N-small",
            Evaluation(
                "F5",
                {"m": 8},
                tuple(fake_claims.small(fake_claims.Point(29.0))),
                tuple(fake_claims.below(29.0)(fake_claims.Point(29.0))),
                InstanceVerdict.HOLDS,
                (),
            ),
        ),
        ("N-small", Evaluation("F5", {"m": 4}, (), (), InstanceVerdict.VACUOUS, ())),
    ]
    curves: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float] | None]]] = {
        "n = 2, m = 8": {"ngd": ([1.0, 0.5, 0.25], [1.0, 0.75, 0.5]), "gd": ([1.0, 0.0, math.nan], None)},
        f"n = 2, m = 16 {HOSTILE}": {HOSTILE: ([1.0, 0.5], None)},
    }

    def to_json(self) -> dict[str, Any]:
        return {
            "lambda0": 0.0178123456,
            "rungs": [{"width": 8192, "limits": {"T1": math.inf}}, {"width": 4}],
            "pair": (3, 5),
            "bad": HOSTILE,
        }

    def lines(self) -> list[str]:
        return ["lambda0 >= 0.0178", HOSTILE]


SLACK = (
    SlackRow("N-small", f"largest value {HOSTILE}", 20.0, 30.0, 30.5, "N-small/above", "sharp"),
    SlackRow(
        "N-small", "longest text, with much to say about the point at which its numbers are taken", None, 1 - 1e-9, None
    ),
    SlackRow("N-small", "smallness", None, None, None, remark="dropped without harm"),
)


@pytest.fixture(scope="module")
def document() -> Document:
    claim = fake_claims.claim()
    hostile = replace(fake_claims.claim("N-hostile"), statement=HOSTILE, status=Status.CONJECTURE)
    found = Document(
        {"numpy": "2.0", "root_seed": 1},
        slack=[slack_entry(row) for row in SLACK],
        not_executable={"N-all": "a statement about all numbers", "N-every": "a statement about all numbers"},
    )
    for one in (claim, hostile):
        found.add(claim_entry(one, fake_claims.result(one), "quick", 3))
    for mutant in claim.mutants:
        found.add(mutant_entry(mutant, fake_claims.result(mutant.claim), "quick", 3))
    survivor = claim.neighbour("slack", f"slack {HOSTILE}", conclusion=fake_claims.below(35.0))
    found.add(mutant_entry(survivor, fake_claims.result(survivor.claim), "quick", 3))
    data = replace(load_dataset("diabetes"), name=f"mine {HOSTILE}")
    found.add(dataset_entry(data, Certificate(), 1.5))
    found.add(pictures_entry(picture_data(), 2.5))
    found.expected = found.recorded
    return found


@pytest.fixture(scope="module")
def page_text(document: Document) -> str:
    return page(document)


def test_the_page_is_well_formed_and_says_everything(document: Document, page_text: str) -> None:
    parsed = Page(page_text)
    for entry in document.merged_claims():
        for value in (
            entry["id"],
            entry["statement"],
            entry["verdict"],
            wording.ratio_text(entry["tightest"]["ratio"]),
            str(entry["instances"]),
            str(entry["vacuous"]),
            entry["tightest"]["label"],
            str(entry["seed"]),
            *wording.family_texts(entry["families"]),
            entry["provenance"],
            entry["source"],
            entry["status"],
        ):
            assert value in parsed.text
    for entry in document.mutants.values():
        assert entry["id"] in parsed.text
        assert entry["description"] in parsed.text
    assert "survives (holds)" in parsed.text
    assert "2 of 3 refuted" in parsed.text
    for value in ("0.0178123", "8192", "inf", "3, 5", "lambda0 >= 0.0178", "margin 1", "rows normalised", "2.0"):
        assert value in parsed.text
    assert wording.verdict_sentence(document) in parsed.text
    assert parsed.count("table") == parsed.count("caption") == 4 + 5  # claims, slack, checks, mutants; five pictures
    assert parsed.count("h1") == parsed.count("main") == 1
    assert ("html", {"lang": "en"}) in parsed.tags


def test_the_page_needs_nothing_but_itself_and_escapes(page_text: str) -> None:
    text = page_text
    parsed = Page(text)
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert parsed.text.count(HOSTILE) >= 6  # statement, mutant, data set's name, line and value, legend
    for _, attributes in parsed.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    known = set(ids)
    for _, attributes in parsed.tags:
        for value in attributes.values():
            if value and value.startswith("url(#"):
                assert value[5:-1] in known
            if value and value.startswith("#"):
                assert value[1:] in known


def test_figures_are_labelled_and_drawn(page_text: str) -> None:
    parsed = Page(page_text)
    drawings = [attributes for tag, attributes in parsed.tags if tag == "svg"]
    assert len(drawings) == 7 + 2
    assert all(one["role"] == "img" for one in drawings)
    assert drawings[7]["aria-label"] == (
        "Residuals, n = 2, m = 8: NGD from 1 to 0.25 in 2 iterations (bound at the last: 0.5); "
        "GD from 1 to nan in 2 iterations"
    )
    for label in (
        "Residuals, n = 2, m = 8",
        "iteration k",
        "residual norm ‖r(k)‖₂",
        "NGD, observed",
        "NGD, bound",
        "GD, observed",
    ):
        assert label in parsed.text
    assert "GD, bound" not in parsed.text.replace("NGD, bound", "")


def test_every_section_is_linked_and_there(page_text: str) -> None:
    parsed = Page(page_text)
    links = [attributes["href"] for tag, attributes in parsed.tags if tag == "a"]
    expected = ["claims", "slack", "pictures", "dataset", "statements", "others", "mutants", "environment"]
    assert links[:8] == [f"#{id}" for id in expected]
    bare = Page(page(Document({"numpy": "2.0"})))
    assert [attributes["href"] for tag, attributes in bare.tags if tag == "a"] == ["#environment"]
    assert bare.count("table") == 0


def test_the_page_shows_slack_provenance_and_what_is_no_claim(page_text: str) -> None:
    text = Page(page_text).text
    for row in SLACK:
        assert row.quantity in text
        assert row.remark in text
    for value in (
        "30.5",
        "1 - 1.0e-09",
        "Hypotheses without a known counterexample",
        "D (conjecture)",
        "Conjecture; derived",
    ):
        assert value in text
    assert "P paper; P* paper with explicit constants; D derived; L literature" in text
    assert "N-all, N-every: a statement about all numbers." in text


def test_pictures_that_broke_off_are_shown_and_leave_the_run_undecided(document: Document) -> None:
    claims = {"N-small": document.claims["N-small"]}
    found = Document({}, claims=dict(claims), pictures=pictures_entry("Traceback\nValueError: no ink", 1.0), expected=2)
    assert found.complete
    assert found.verdict == "undecided"
    assert wording.verdict_sentence(found) == "The 1 claim holds; the pictures broke off with an error."
    assert "ValueError: no ink" in Page(page(found)).text
    assert terminal.picture_lines(found) == ["broke off: ValueError: no ink"]
    found.pictures = pictures_entry({}, 1.0)
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
    assert document.dataset is not None
    check = {**document.dataset["checks"][0], "description": {"seed": 5}}
    claims = {"N-small": {**document.claims["N-small"], "tightest": None}}
    merged = Document({}, claims=claims, dataset={**document.dataset, "checks": [check]}).merged_claims()
    assert merged[0]["tightest"]["seed"] == 5


def test_the_terminal_shows_slack_and_pictures_in_short(document: Document) -> None:
    lines = terminal.slack_lines(document)
    assert lines[0].split() == ["claim", "quantity", "paper", "proved", "refuted", "at"]
    assert lines[1].split()[-3:] == ["20", "30", "30.5"]
    assert "longest text, with much to say about the point at which its numbers are…" in lines[2]
    assert lines[2].endswith("-      1 - 1.0e-09  -")
    assert lines[3] == "no counterexample known for 1 dropped hypothesis; see the report"
    assert terminal.slack_lines(Document({})) == []
    assert len(terminal.picture_lines(document)) == 5
    assert terminal.picture_lines(Document({})) == []


def test_bounds_in_short() -> None:
    bounds: list[dict[str, Any]] = [
        {"label": "a", "verdict": "holds", "ratio": 0.25},
        {"label": "b", "verdict": "refuted", "ratio": "inf"},
        {"label": "c", "verdict": "holds", "ratio": 0.5},
    ]
    assert wording.bound_texts(bounds) == ["b: refuted, ratio inf", "2 bounds hold, the tightest: c, ratio 0.5"]
    assert wording.bound_texts(bounds[:1]) == ["1 bound holds: a, ratio 0.25"]
    assert wording.bound_texts([]) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.5, "0.5"),
        (1 / 3, "0.3333"),
        (1.0, "1"),
        (1 - 1e-6, "1 - 1.0e-06"),
        (0.9997, "0.9997"),
        ("inf", "inf"),
    ],
)
def test_numbers_in_four_digits(value: Any, text: str) -> None:
    assert wording.number_text(value) == text


def test_a_figure_is_one_svg_element_with_every_curve() -> None:
    curves: dict[str, Any] = {
        "ngd": {"observed": [1.0, 0.5, 0.25], "bound": [1.0, 0.75, 0.5]},
        "gd": {"observed": [1.0, 0.9], "bound": None},
    }
    text = figures.residual_figure("n = 2, m = 8", curves, "one")
    assert text == figures.residual_figure("n = 2, m = 8", curves, "one")
    root = ElementTree.fromstring(text)
    drawn = [path.get("style", "") for path in root.iter("{http://www.w3.org/2000/svg}path")]
    for index, dashed in ((0, 1), (1, 0)):
        lines = [style for style in drawn if figures.COLOURS[index] in style]
        assert sum("stroke-dasharray" in style for style in lines) >= dashed
        assert lines
    assert "#010203" not in text
    assert "currentColor" in text
    assert "metadata" not in text


def test_a_figure_without_drawable_values_stands() -> None:
    text = figures.residual_figure("n = 1, m = 2", {"ngd": {"observed": [0.0], "bound": None}}, "one")
    assert ElementTree.fromstring(text).get("aria-label") == "Residuals, n = 1, m = 2: NGD from 0 to 0 in 0 iterations"


def test_what_has_a_place_on_a_logarithmic_axis() -> None:
    assert figures.drawable([1.0, 0.0, "inf", "nan", -1.0, 2.0]) == ([0, 5], [1.0, 2.0])
    assert figures.drawable(None) == ([], [])


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
    with pytest.raises(ValueError, match="known are claim, mutant, dataset, pictures"):
        partial.add({"kind": "unknown"})


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("refuted", "refuted"), ("undecided", "undecided"), ("vacuous", "holds"), ("undecided hypothesis", "holds")],
)
def test_a_check_on_data_decides_the_claim(document: Document, verdict: str, expected: str) -> None:
    assert document.dataset is not None
    check = {**document.dataset["checks"][0], "verdict": verdict}
    dataset = {**document.dataset, "checks": [check]}
    found = Document({}, claims=dict(document.claims), dataset=dataset)
    assert [entry["verdict"] for entry in found.merged_claims()] == [expected, "holds"]


def test_the_tightest_ratio_and_the_weakest_evidence_win(document: Document) -> None:
    assert document.dataset is not None
    claims = {"N-small": {**document.claims["N-small"], "evidence": "enclosed", "evidence_counts": {"enclosed": 3}}}
    claims["N-small"]["tightest"] = {**claims["N-small"]["tightest"], "ratio": 0.5}
    found = Document({}, claims=claims, dataset=document.dataset).merged_claims()[0]
    assert found["tightest"]["family"] == "F5"
    assert found["tightest"]["ratio"] == 1.0
    assert found["evidence"] == "tested"
    assert found["evidence_counts"] == {"enclosed": 3, "tested": 1}
    assert wording.evidence_text(found) == "tested, 3 enclosed"
    claims["N-small"]["tightest"]["ratio"] = "inf"
    found = Document({}, claims=claims, dataset=document.dataset).merged_claims()[0]
    assert found["tightest"]["ratio"] == "inf"


def test_the_terminal_table(document: Document) -> None:
    lines = terminal.claim_lines(document)
    assert len(lines) == 3
    column = lines[0].index("instances")
    assert [line[column:].split()[0] for line in lines[1:]] == [
        str(entry["instances"]) for entry in document.merged_claims()
    ]
    assert terminal.mutant_lines(document) == ["mutants: 2 of 3 refuted", f"survivor: N-small/slack (slack {HOSTILE})"]
    assert terminal.dataset_lines(document)[-1] == f"N-small on mine {HOSTILE}: 1 holds, 1 vacuous"
    assert terminal.claim_lines(Document({})) == terminal.mutant_lines(Document({})) == []


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.0, "1"),
        (1 - 1e-9, "1 - 1.0e-09"),
        (1 + 2e-6, "1 + 2.0e-06"),
        (0.5, "0.5"),
        (1.04, "1.04"),
        ("inf", "inf"),
        (0.0, "0"),
        (0.99987654321, "0.999877"),
    ],
)
def test_ratios_in_few_characters(ratio: float | str, text: str) -> None:
    assert wording.ratio_text(ratio) == text


def test_plain_values() -> None:
    class Colour(StrEnum):
        RED = "red"

    value = {
        "a": (np.float64(0.1), np.int64(3), np.bool_(True), None),
        Colour.RED: np.array([[1.5, np.inf]]),
        3: {2, 1},
        "path": Path("x"),
        "nan": math.nan,
        "low": -math.inf,
    }
    expected = {"a": [0.1, 3, True, None], "red": [[1.5, "inf"]], "3": [1, 2], "path": "x", "nan": "nan", "low": "-inf"}
    assert plain(value) == expected
    assert [type(entry) for entry in plain(value)["a"]] == [float, int, bool, type(None)]
    assert json.loads(json_text(value)) == expected
    assert number("-inf") == -math.inf


def test_a_file_is_whole_or_as_before(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_text_atomically(path, "ünchanged")

    def interrupted(stream: IO[bytes]) -> None:
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, interrupted)
    assert path.read_text(encoding="utf-8") == "ünchanged"
    assert os.listdir(path.parent) == ["file.txt"]


def test_a_page_that_cannot_be_made_leaves_the_old_one(document: Document, tmp_path: Path) -> None:
    path = write_page(Document({}), tmp_path)
    before = path.read_text(encoding="utf-8")
    broken = Document({}, claims={"N-small": {**document.claims["N-small"], "seconds": "soon"}})
    with pytest.raises(ValueError, match="soon"):
        write_page(broken, tmp_path)
    assert path.read_text(encoding="utf-8") == before


def test_the_environment_says_what_the_numbers_depend_on() -> None:
    found = environment()
    assert found["numpy"] == np.__version__
    assert found["eps"] == 2.0**-52
    assert {"python", "scipy", "python-flint", "hypothesis"} <= set(found)
    assert "threads" in blas()


def test_blas_without_the_optional_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "threadpoolctl", None)
    assert blas().endswith("threads unknown")


def test_depths_are_named_in_entries() -> None:
    claim = fake_claims.claim()
    entry = claim_entry(claim, "Traceback\nValueError: x", Depth.NORMAL.value, 9)
    assert (entry["verdict"], entry["depth"], entry["seed"], entry["instances"]) == ("undecided", "normal", 9, 0)
    assert "ValueError: x" in wording.claim_failure(entry, ["again: x"])


def test_entries_are_shown_in_the_order_asked_for_whichever_comes_first() -> None:
    document = Document({}, order=("N-first", "N-second"))
    for id in ("N-other", "N-second", "N-first"):
        document.add({"kind": "claim", "id": id})
        document.add({"kind": "mutant", "id": id})
    assert list(document.claims) == list(document.mutants) == ["N-first", "N-second", "N-other"]
