"""The pages are well formed, say everything, need nothing but their own files, and escape."""

import base64
import hashlib
import html
import posixpath
import re
from itertools import pairwise

import pytest

from properties.engine.report import wording
from properties.engine.report.document import INDEX, Document
from properties.engine.report.entries import claim_entry
from properties.engine.report.html import Pages, pages
from properties.engine.report.places import seen_from
from properties.engine.report.typeset import typeset
from tests.properties.engine import fake_claims
from tests.properties.engine.report.page_parser import ParsedPage
from tests.properties.engine.report.sample import HOSTILE, SLACK

STYLE = "pages/style.css"


@pytest.fixture(scope="module")
def full_text(full_pages: Pages) -> str:
    return full_pages.text


def parsed(made: Pages) -> dict[str, ParsedPage]:
    """Every page by its path."""
    return {path: ParsedPage(text) for path, text in made.texts.items() if path != STYLE}


def text_of(made: Pages) -> str:
    return "\n".join(page.text for page in parsed(made).values())


ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}


def test_tables_that_stack_on_a_telephone_stay_tables_for_who_hears_them(full_pages: Pages) -> None:
    """Where cells are displayed as blocks some browsers take them for text, unless roles say what they are."""
    stacked = 0
    for page in parsed(full_pages).values():
        inside = False
        for tag, attributes in page.tags:
            if tag == "table":
                inside = not {"stack", "list"}.isdisjoint((attributes["class"] or "").split())
                stacked += inside
            if inside and tag in ROLES:
                assert attributes.get("role") == ROLES[tag]
            if inside and tag == "th":
                assert attributes.get("role") == {"col": "columnheader", "row": "rowheader"}[attributes["scope"] or ""]
    assert stacked > 5


def test_the_pages_are_well_formed_and_say_everything(document: Document, sample_pages: Pages) -> None:
    found, text = parsed(sample_pages), text_of(sample_pages)
    for entry in document.merged_claims():
        own = found[f"pages/claim-{entry['id']}.html"].text
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
            entry["status"].capitalize(),
        ):
            assert value in own
        for name, family in entry["families"].items():
            for feature, count in family["features"].items():
                assert f"{feature}: {count}" in own
            assert name in own
    for entry in document.mutants.values():
        assert entry["id"] in text
        assert entry["description"] in text
    assert "survives (holds)" in text
    assert "2 of 3 refuted" in text
    for value in ("0.0178123", "8192", "inf", "3, 5", "lambda0 >= 0.0178", "margin 1", "rows normalised", "2.0"):
        assert value in text
    assert wording.verdict_sentence(document) in found[INDEX].text
    for page in found.values():
        assert page.count("table") == page.count("caption")
        assert page.count("h1") == page.count("main") == page.count("nav") == 1
        assert ("html", {"lang": "en"}) in page.tags


def test_the_pages_need_nothing_but_their_own_files_and_escape(sample_pages: Pages) -> None:
    assert f"Note: column {HOSTILE!r} numbers the rows." in text_of(sample_pages)
    assert text_of(sample_pages).count(HOSTILE) >= 6  # statement, mutant, data set's name, line and value, legend
    assert "prefers-color-scheme: dark" in sample_pages.texts[STYLE]
    assert "prefers-color-scheme: dark" in sample_pages.texts[INDEX]
    for path, page in parsed(sample_pages).items():
        assert "@import" not in sample_pages.texts[path]
        ids = page.ids()
        known = set(ids)
        assert len(ids) == len(known)
        for tag, attributes in page.tags:
            for name in ("src", "href"):
                target, _, _ = (attributes.get(name) or "#").partition("#")
                inside = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
                assert not target or inside in sample_pages.belongings, (path, tag, target)
                assert not target or target == seen_from(inside, path)
            for value in attributes.values():
                for reference in re.findall(r"url\(#([^)]+)\)|^#(.+)$", value or ""):
                    assert "".join(reference) in known


def test_the_only_script_is_the_page_s_own(sample_pages: Pages) -> None:
    with_script = [path for path, page in parsed(sample_pages).items() if page.count("script")]
    assert INDEX in with_script
    assert "pages/claim-N-small.html" not in with_script
    for path in with_script:
        text = sample_pages.texts[path]
        assert text.count("<script") == 1
        script = text[text.index("<script>") + 8 : text.index("</script>")]
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in text
        assert "default-src 'none'; style-src" in text
        assert ("sortable" in text, "<details" in text) == ("const sort" in script, "beforeprint" in script)
    assert "script-src" not in sample_pages.texts["pages/claim-N-small.html"]


def test_figures_are_labelled_and_have_their_data_beside_them(sample_pages: Pages) -> None:
    found = parsed(sample_pages)
    tags = [tag for page in found.values() for tag in page.tags]
    drawings = [attributes for tag, attributes in tags if tag == "svg"]
    assert (
        len(drawings) == 2 + 1 + 1 + 2 + 1 + 8 + 2
    )  # widths, constants, spectra, residuals, slack, pictures, histograms
    assert all(one["role"] == "img" for one in drawings)
    labels = [one["aria-label"] for one in drawings]
    assert (
        "Residuals, n = 2, m = 8: NGD from 1 to 0.25 in 2 iterations (bound at the last: 0.5); "
        "GD from 1 to nan in 2 iterations"
    ) in labels
    figures = [sum(page.count(tag) for page in found.values()) for tag in ("figure", "figcaption")]
    assert figures == [len(drawings)] * 2
    links = [attributes["href"] or "" for tag, attributes in tags if tag == "a"]
    data = {link.removeprefix("../") for link in links if "data/" in link}
    assert len([link for link in links if "data/" in link]) == len(drawings)
    assert data == {one.path for one in sample_pages.data}
    text = text_of(sample_pages)
    for label in ("iteration k", "residual norm ‖r(k)‖₂", "NGD, observed", "NGD, bound", "GD, observed"):
        assert label in text
    assert "GD, bound" not in text.replace("NGD, bound", "")


CONTENTS = ["chapter-small", "chapter-claims", "dataset", "pictures", "slack", "notation", "others", "environment"]


def test_every_page_has_the_table_of_contents(sample_pages: Pages) -> None:
    for path, page in parsed(sample_pages).items():
        links = [attributes for tag, attributes in page.tags if tag == "a"]
        places = [one["href"] or "" for one in links if not (one["href"] or "").startswith("#")]
        own = ["pages/claim-N-small.html"] if path.endswith(("chapter-small.html", "claim-N-small.html")) else []
        expected = [INDEX, *(f"pages/{name}.html" for name in CONTENTS)]
        expected[2:2] = own
        if path.endswith(("chapter-claims.html", "claim-N-hostile.html")):
            expected[3:3] = ["pages/claim-N-hostile.html"]
        assert places[-len(expected) :] == [seen_from(place, path) for place in expected]
        current = [one["href"] for one in links if "aria-current" in one]
        assert current == [seen_from(path, path)]
    bare = pages(Document({"numpy": "2.0"}))
    assert list(bare.texts) == [INDEX, STYLE, "pages/environment.html"]
    assert parsed(bare)[INDEX].count("table") == 0


def test_the_pages_show_slack_provenance_and_what_is_no_claim(sample_pages: Pages) -> None:
    text = text_of(sample_pages)
    for row in SLACK:
        assert typeset(row.quantity) in text
        assert typeset(row.remark) in text
    for value in (
        "30.5",
        "1 − 1.0·10⁻⁹",
        "Hypotheses without a known counterexample",
        "D (conjecture)",
        "Conjecture; derived",
    ):
        assert value in text
    assert "P paper; P* paper with explicit constants; D derived; L literature" in text
    assert "N-all, N-every: a statement about all numbers." in text


def test_a_claim_s_page_has_its_proof_and_its_counterexamples(full_pages: Pages) -> None:
    text = text_of(full_pages)
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
        assert value in text
    small = full_pages.texts["pages/claim-N-small.html"]
    assert '<a href="obligations.html#obligation-O-squares">O-squares</a>' in small
    assert '<a href="../counterexamples/mutants.tar.gz">counterexamples/mutants.tar.gz</a>' in small
    assert '<p class="part"' not in small
    sharp = full_pages.texts["pages/claim-T1-sharp.html"]
    assert "<math" in sharp
    assert sharp.count('<p class="part"') == 3
    assert "numbers &lt;are&gt; at most 30 &amp; small" in sharp


PROSE = re.compile(r"<(style|script|code|pre)\b.*?</\1>|<[^>]*>", re.DOTALL)
"""What is no prose of a page: code, which is typed as it stands, and tags."""


def test_numbers_of_prose_have_no_exponents_in_ascii_and_no_hyphen_for_minus(full_pages: Pages) -> None:
    for path, text in full_pages.texts.items():
        if path.endswith(".html"):
            prose = html.unescape(PROSE.sub(" ", text)).replace(HOSTILE, "")
            assert re.findall(r".{20}(?<![\w.])\d[\d.]*e[+-]?\d+", prose) == [], path
            assert re.findall(r".{20}(?<=[\s(])-\d.{20}", prose) == [], path
            assert re.findall(r".{20}\d - \d.{20}", prose) == [], path


def test_a_counterexample_s_links_lead_to_what_one_reads(full_pages: Pages) -> None:
    """The block with what was found and the command; its file, which is none for readers, is linked from there alone."""
    block = full_pages.texts["pages/claim-N-refuted.html"].partition('<section aria-labelledby="counterexample">')[2]
    block = block.partition("</section>")[0]
    assert '<h2 id="counterexample">Counterexample' in block
    assert "<code>natural-gradient replay &#39;my report/counterexamples/N-refuted.json&#39;</code>" in block
    assert '(<a href="../counterexamples/N-refuted.json">its file, JSON</a>)' in block
    assert "<pre>cause: another one</pre>" in block
    leading = {path for path, text in full_pages.texts.items() if "claim-N-refuted.html#counterexample" in text}
    assert leading == {"pages/chapter-small.html"}
    files = {
        path: found
        for path, text in full_pages.texts.items()
        if (found := re.findall(r'href="[^"]*/[\w-]+\.json"', text))
    }
    assert files == {"pages/claim-N-refuted.html": ['href="../counterexamples/N-refuted.json"']}


def test_what_is_shown_of_a_counterexample_without_an_explanation_is_its_evaluation() -> None:
    claim = fake_claims.claim("N-refuted", limit=25.0)
    found = Document({})
    found.add(claim_entry(claim, fake_claims.result(claim), "quick", 3))
    text = pages(found).texts["pages/claim-N-refuted.html"]
    shown = html.unescape(text.partition("<pre>")[2].partition("</pre>")[0])
    assert shown.splitlines() == wording.evaluation_lines(found.claims["N-refuted"]["refutation"])


def test_claims_of_one_chapter_are_not_told_by_chapters(full_pages: Pages) -> None:
    found = Document({})
    found.add(claim_entry(fake_claims.claim(), fake_claims.result(fake_claims.claim()), "quick", 3))
    assert ">Chapter</th>" in full_pages.texts["index.html"]
    assert "Chapter</th>" not in pages(found).texts["index.html"]


def test_what_does_not_hold_comes_first_and_is_unfolded(full_pages: Pages) -> None:
    rows = re.findall(r'<tr role="row" id="claim-([\w-]+)" data-verdict="(\w+)"', full_pages.texts[INDEX])
    verdicts = [verdict for _, verdict in rows]
    assert verdicts == sorted(verdicts, key=["refuted", "undecided", "holds"].index)
    assert verdicts[0] == "refuted"
    chapter = full_pages.texts["pages/chapter-small.html"]
    folds = re.findall(r'<details class="claim" id="claim-([\w-]+)"( open)?>', chapter)
    assert folds == [("N-refuted", " open"), ("N-small", "")]
    obligations = full_pages.texts["pages/obligations.html"]
    assert '<details class="claim" id="obligation-O-false" open>' in obligations
    assert '<details class="claim" id="obligation-O-squares">' in obligations


def test_headings_go_down_one_step_at_a_time(full_pages: Pages) -> None:
    for page in parsed(full_pages).values():
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
