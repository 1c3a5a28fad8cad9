"""The report in a real browser: links, console, requests, figures, sorting, accessibility, telephone and print."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from properties.engine.report.document import Document
from properties.engine.report.entries import claim_entry
from properties.engine.report.html import pages
from tests.properties.engine import fake_claims
from tests.properties.engine.report.browser_checks import Visit, broken_links, everywhere, undrawn
from tests.properties.engine.report.sample import write_report

pytestmark = pytest.mark.browser

PHONE, DESK = 390, 1280

KINDS = (
    "index",
    "pages/chapter-small",
    "pages/claim-N-small",
    "pages/claim-T1-sharp",
    "pages/dataset",
    "pages/pictures",
    "pages/slack",
    "pages/obligations",
    "pages/unclaimed",
    "pages/history",
    "pages/notation",
    "pages/others",
    "pages/environment",
)
"""A page of every kind."""


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": DESK, "height": 800})
    yield Visit(page, report / "index.html")
    page.close()


def test_the_kinds_are_those_of_the_report(report: Path) -> None:
    found = {path.relative_to(report).with_suffix("").as_posix() for path in (report / "pages").glob("*.html")}
    assert set(KINDS) - {"index"} <= found
    assert all(name.startswith(("pages/chapter-", "pages/claim-")) for name in found - set(KINDS))


def test_every_page_is_whole_and_asks_for_nothing(opened: Visit, report: Path) -> None:
    for path in (report / "index.html", *(report / "pages").glob("*.html")):
        opened.page.goto(path.as_uri())
        assert broken_links(opened.page, report) == []
        assert undrawn(opened.page) == []
    assert opened.complaints == []


def test_the_pages_share_their_style_sheet(opened: Visit, report: Path) -> None:
    opened.page.goto((report / "pages" / "claim-N-small.html").as_uri())
    assert opened.page.evaluate("getComputedStyle(document.querySelector('nav')).position") == "sticky"


def holding(report: Path, *markup: str) -> list[Path]:
    """The pages of ``KINDS`` with some of the markup in them."""
    texts = {path: path.read_text(encoding="utf-8") for path in (report / f"{kind}.html" for kind in KINDS)}
    return [path for path, text in texts.items() if any(one in text for one in markup)]


def test_figures_and_formulas_are_drawn(opened: Visit, report: Path) -> None:
    page = opened.page
    drawn = 0
    for path in holding(report, "<svg", "<figure"):
        page.goto(path.as_uri())
        drawn += page.locator("svg[role=img]").count()
        assert page.locator("figure a[href*='data/']").count() == page.locator("figure").count()
    assert drawn > 15
    page.goto((report / "pages" / "notation.html").as_uri())
    sizes = page.evaluate("[...document.querySelectorAll('math')].map((one) => one.getBoundingClientRect().height)")
    assert len(sizes) > 20
    assert min(sizes) > 5
    page.goto((report / "pages" / "claim-T1-sharp.html").as_uri())
    fraction = page.evaluate(
        """() => { const box = (one) => one.getBoundingClientRect();
        const [above, below] = document.querySelector('mfrac').children;
        return box(below).top >= box(above).bottom - 1; }"""
    )
    assert fraction, "fractions are stacked: the browser knows MathML"
    room = page.evaluate(
        """() => { const fraction = document.querySelector('mfrac'), box = (one) => one.getBoundingClientRect();
        const [outer, inner] = [box(fraction.closest('math')), box(fraction)];
        return Math.min(inner.top - outer.top, outer.bottom - inner.bottom); }"""
    )
    assert room > 2, "one fraction does not touch that of the line above"


def column(table: Locator, index: int) -> list[str]:
    cells: list[str] = table.locator("tbody tr").evaluate_all(
        "(rows, index) => rows.map((row) => row.cells[index].dataset.key ?? row.cells[index].textContent.trim())", index
    )
    return cells


def numbers(cells: list[str]) -> list[float]:
    return [float(cell.replace("Infinity", "inf")) for cell in cells if cell]


def test_tables_sort_by_click_and_by_keyboard(opened: Visit) -> None:
    table = opened.page.locator("table.sortable").first
    before = column(table, 0)
    ratio = table.locator("thead th", has_text="Tightest ratio")
    ratio.get_by_role("button").click()
    assert ratio.get_attribute("aria-sort") == "ascending"
    rising = column(table, 2)
    assert numbers(rising) == sorted(numbers(rising))
    assert rising[-1] == "", "claims without a ratio come last"
    ratio.get_by_role("button").press("Enter")
    assert ratio.get_attribute("aria-sort") == "descending"
    assert numbers(column(table, 2)) == sorted(numbers(rising), reverse=True)
    assert column(table, 2)[-1] == ""
    claim = table.locator("thead th").first
    claim.get_by_role("button").focus()
    opened.page.keyboard.press("Space")
    assert claim.get_attribute("aria-sort") == "ascending"
    assert ratio.get_attribute("aria-sort") is None
    assert column(table, 0) == sorted(before)
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.textContent") == "Verdict"
    assert opened.complaints == []


def test_every_sortable_table_has_a_button_a_column(opened: Visit, report: Path) -> None:
    tables = 0
    for path in holding(report, "sortable"):
        opened.page.goto(path.as_uri())
        for table in opened.page.locator("table.sortable").all():
            tables += 1
            assert table.locator("thead button").count() == table.locator("thead th").count()
    assert tables == 3


def shown(page: Page) -> list[str]:
    return [row.get_attribute("id") or "" for row in page.locator(".filtered tbody tr").all() if row.is_visible()]


def test_the_claims_are_searched_and_filtered(opened: Visit) -> None:
    page = opened.page
    every = shown(page)
    assert len(every) > 8
    page.get_by_role("searchbox").fill("t1-SHARP")
    assert shown(page) == ["claim-T1-sharp"]
    assert page.locator("output").inner_text() == f"1 of {len(every)}"
    page.get_by_role("searchbox").fill("")
    page.locator(".filters label", has_text="verdict").locator("select").select_option("refuted")
    assert shown(page) == ["claim-N-refuted"]
    page.locator(".filters label", has_text="chapter").locator("select").select_option("Claims")
    assert shown(page) == []
    page.locator(".filters label", has_text="verdict").locator("select").select_option("")
    assert "claim-N-small" not in shown(page)
    page.locator(".filters label", has_text="chapter").locator("select").select_option("")
    page.locator(".filters label", has_text="family").locator("select").select_option("F5")
    assert shown(page) == ["claim-N-small"]
    page.get_by_role("searchbox").press("Enter")
    assert page.url.endswith("index.html")
    assert opened.complaints == []


def test_what_all_claims_share_is_no_filter(browser: Browser, tmp_path: Path) -> None:
    """One claim of two families, and nothing else that tells claims apart."""
    found = Document({})
    found.add(claim_entry(fake_claims.claim(), fake_claims.result(fake_claims.claim()), "quick", 3))
    write_report(pages(found), tmp_path)
    page = Visit(browser.new_page(), tmp_path / "index.html").page
    assert page.locator(".filters label").all_inner_texts()[0] == "Search"
    assert [text.split()[0] for text in page.locator(".filters label").all_inner_texts()[1:]] == ["family"]


@pytest.mark.parametrize(("width", "height"), [(DESK, 800), (PHONE, 844)])
def test_the_first_screen_says_what_matters(browser: Browser, report: Path, width: int, height: int) -> None:
    """The verdict, the picture, and a card for each theorem of the paper, whole."""
    page = browser.new_page(viewport={"width": width, "height": height})
    Visit(page, report / "index.html")
    assert page.locator(".cards > li").count() == 5
    for one in page.locator(".sentence, .opening svg, .cards > li").all():
        box = one.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height
    assert page.locator(".cards a").count() >= 5
    assert "Surviving mutants" in page.locator(".outlook").inner_text()
    page.close()


def becomes_true(page: Page, expression: str) -> None:
    """Asked from outside: the page's policy lets nothing in it evaluate a text."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(25)
    pytest.fail(f"still false: {expression}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_page_is_accessible_and_fits(browser: Browser, report: Path, kind: str) -> None:
    """In both themes, on a desk, on a telephone, and printed."""
    page = browser.new_page(viewport={"width": DESK, "height": 800})
    visit = Visit(page, report / f"{kind}.html")
    assert everywhere(page) == []
    assert visit.complaints == []
    page.close()


def test_what_is_wider_than_the_screen_scrolls_by_keyboard(browser: Browser, report: Path) -> None:
    page = browser.new_page(viewport={"width": 500, "height": 800})
    Visit(page, report / "pages" / "pictures.html")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.evaluate("document.querySelector('.scroll').style.width = '100px'")
    table = page.locator(".scroll").first
    table.focus()
    page.keyboard.press("ArrowRight")
    becomes_true(page, "document.querySelector('.scroll').scrollLeft > 0")
    page.close()


def test_the_skip_link_leads_to_the_results(opened: Visit) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    box = page.locator(".skip").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_print_unfolds_everything(opened: Visit, report: Path) -> None:
    page = opened.page
    page.goto((report / "pages" / "pictures.html").as_uri())
    page.evaluate("document.querySelector('details:not([open]) table').id = 'folded'")
    becomes_true(page, "!document.querySelector('#folded').checkVisibility()")
    page.emulate_media(media="print", color_scheme="dark")
    becomes_true(page, "document.querySelector('#folded').checkVisibility()")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    after = page.evaluate("getComputedStyle(document.querySelector('figcaption a'), '::after').content")
    assert "data/" in after or "attr(href)" in after
    assert page.pdf()[:5] == b"%PDF-"


def test_the_page_is_whole_without_its_script(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((report / "index.html").as_uri())
    assert page.locator("thead button").count() == 0
    assert page.locator("table.sortable tbody tr").count() > 5
    assert page.locator(".filters").count() == 0
    page.goto((report / "pages" / "chapter-small.html").as_uri())
    assert page.locator("summary").first.is_visible()
    context.close()


def test_nothing_of_a_data_set_lies_off_the_screen_of_a_telephone(browser: Browser, report: Path) -> None:
    """Columns become rows: every cell stands within the window, under the name of its column."""
    page = browser.new_page(viewport={"width": PHONE, "height": 800})
    Visit(page, report / "pages" / "dataset.html")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    cells = page.locator(".stack td")
    assert cells.count() > 12
    boxes = page.evaluate(
        "() => [...document.querySelectorAll('.stack td')].map((cell) => "
        "[cell.getBoundingClientRect().left, cell.getBoundingClientRect().right, cell.dataset.label])"
    )
    assert all(0 <= left < right <= PHONE and label for left, right, label in boxes)
    page.close()
