"""index.html is well formed, says everything, needs nothing but its own files, and escapes."""

import base64
import hashlib
import re
from itertools import pairwise

import pytest

from properties.engine.report import wording
from properties.engine.report.document import Document
from properties.engine.report.html import Page, page
from tests.properties.engine.report.page_parser import ParsedPage
from tests.properties.engine.report.sample import HOSTILE, SLACK


@pytest.fixture(scope="module")
def full_text(full_page: Page) -> str:
    return full_page.text


def test_the_page_is_well_formed_and_says_everything(document: Document, page_text: str) -> None:
    parsed = ParsedPage(page_text)
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
            entry["provenance"],
            entry["source"],
            entry["status"],
        ):
            assert value in parsed.text
        for name, family in entry["families"].items():
            for feature, count in family["features"].items():
                assert f"{feature}: {count}" in parsed.text
            assert name in parsed.text
    for entry in document.mutants.values():
        assert entry["id"] in parsed.text
        assert entry["description"] in parsed.text
    assert "survives (holds)" in parsed.text
    assert "2 of 3 refuted" in parsed.text
    for value in ("0.0178123", "8192", "inf", "3, 5", "lambda0 >= 0.0178", "margin 1", "rows normalised", "2.0"):
        assert value in parsed.text
    assert wording.verdict_sentence(document) in parsed.text
    tables = 1 + 1 + 2 + 6 + 2 + 1  # claims, slack, networks and checks of the data, pictures, families, mutants
    assert parsed.count("table") == parsed.count("caption") == tables
    assert parsed.count("h1") == parsed.count("main") == 1
    assert ("html", {"lang": "en"}) in parsed.tags


def test_the_page_needs_nothing_but_its_own_files_and_escapes(page_text: str) -> None:
    parsed = ParsedPage(page_text)
    assert f"Note: column {HOSTILE!r} numbers the rows." in parsed.text
    assert parsed.text.count(HOSTILE) >= 6  # statement, mutant, data set's name, line and value, legend
    for _, attributes in parsed.tags:
        for name in ("src", "href", "xlink:href"):
            assert re.match(r"#|data/[\w-]+-[0-9a-f]{8}\.csv$", attributes.get(name) or "#")
    assert "@import" not in page_text
    assert "prefers-color-scheme: dark" in page_text
    ids = parsed.ids()
    known = set(ids)
    assert len(ids) == len(known)
    for _, attributes in parsed.tags:
        for value in attributes.values():
            for reference in re.findall(r"url\(#([^)]+)\)|^#(.+)$", value or ""):
                assert "".join(reference) in known


def test_the_only_script_is_the_page_s_own(page_text: str) -> None:
    assert ParsedPage(page_text).count("script") == 1
    text = page_text[page_text.index("<script>") + 8 : page_text.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page_text


def test_figures_are_labelled_and_have_their_data_beside_them(sample_page: Page) -> None:
    parsed = ParsedPage(sample_page.text)
    drawings = [attributes for tag, attributes in parsed.tags if tag == "svg"]
    assert (
        len(drawings) == 2 + 1 + 1 + 2 + 1 + 8 + 2
    )  # widths, constants, spectra, residuals, slack, pictures, histograms
    assert all(one["role"] == "img" for one in drawings)
    labels = [one["aria-label"] for one in drawings]
    assert (
        "Residuals, n = 2, m = 8: NGD from 1 to 0.25 in 2 iterations (bound at the last: 0.5); "
        "GD from 1 to nan in 2 iterations"
    ) in labels
    assert parsed.count("figure") == parsed.count("figcaption") == len(drawings)
    links = [attributes["href"] or "" for tag, attributes in parsed.tags if tag == "a"]
    assert len([link for link in links if link.startswith("data/")]) == len(drawings)
    assert {link for link in links if link.startswith("data/")} == {one.path for one in sample_page.data}
    for label in ("iteration k", "residual norm ‖r(k)‖₂", "NGD, observed", "NGD, bound", "GD, observed"):
        assert label in parsed.text
    assert "GD, bound" not in parsed.text.replace("NGD, bound", "")


def test_every_section_is_linked_and_there(page_text: str) -> None:
    parsed = ParsedPage(page_text)
    links = [attributes["href"] for tag, attributes in parsed.tags if tag == "a"]
    expected = [
        "main",
        "outlook",
        "claims",
        "widths",
        "dataset",
        "slack",
        "pictures",
        "statements",
        "others",
        "environment",
    ]
    assert links[: len(expected)] == [f"#{id}" for id in expected]
    bare = ParsedPage(page(Document({"numpy": "2.0"})).text)
    assert [attributes["href"] for tag, attributes in bare.tags if tag == "a"] == ["#main", "#environment"]
    assert bare.count("table") == 0


def test_the_page_shows_slack_provenance_and_what_is_no_claim(page_text: str) -> None:
    text = ParsedPage(page_text).text
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


def test_a_claim_s_section_has_its_proof_and_its_counterexamples(full_text: str) -> None:
    parsed = ParsedPage(full_text)
    for value in (
        "Proof of N-small: 1 argued, 1 refuted, 1 not in this run",
        "natural-gradient replay 'my report/counterexamples/N-refuted.json'",
        "natural-gradient replay 'my report/counterexamples/N-small-below-10.json'",
        "Mutants whose claims are not in this run",
        "ValueError: no number",
        "2 of 3 refuted",
        "natural-gradient verify --claim T1-sharp --depth quick --hypothesis-seed=1",
        "39 (T1-sharp, certified for 20 steps)",
        "cause: another one",
    ):
        assert value in parsed.text
    assert '<a href="#obligation-O-squares">O-squares</a>' in full_text
    assert '<a href="counterexamples/N-small-below-10.json">N-small-below-10.json</a>' in full_text
    begin = full_text.index('<article id="claim-T1-sharp"')
    section = full_text[begin : full_text.index("</article>", begin)]
    assert "<math " in section
    assert section.count('<p class="part"') == 3
    assert "numbers &lt;are&gt; at most 30 &amp; small" in section
    begin = full_text.index('<article id="claim-N-small"')
    assert '<p class="part"' not in full_text[begin : full_text.index("</article>", begin)]


def test_what_needs_attention_is_unfolded(full_text: str) -> None:
    begin = full_text.index('<article id="claim-N-small"')
    section = full_text[begin : full_text.index("</article>", begin)]
    assert section.count("<details open>") == 1
    assert section.index("<details open>") < section.index("N-small/slack")


def test_headings_go_down_one_step_at_a_time(full_text: str) -> None:
    levels = [int(tag[1]) for tag, _ in ParsedPage(full_text).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
