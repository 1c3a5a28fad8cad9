"""Every page of a report in a browser: accessible, whole, and of a length that one reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from properties.catalogue import registry, slack_table
from properties.engine.report.document import Document
from properties.engine.report.entries import claim_entry, mutant_entry, slack_entry
from properties.engine.report.html import pages
from properties.engine.report.plain import plain
from properties.suite import SUITE, presented
from tests.properties.engine.report.browser_checks import Visit, broken_links, chromium, everywhere, launch
from tests.properties.engine.report.sample import full_document, write_report

LONGEST = 12_000
"""Pixels, in a window that is 1280 wide."""


def whole_document() -> Document:
    """Every claim of the suite with its mutants, none of them run: all that is long is there but their instances."""
    chapters = [{"name": one.name, "title": one.title, "claims": list(one.claims)} for one in SUITE.chapters]
    found = Document({}, slack=[slack_entry(row) for row in slack_table], chapters=plain(chapters))
    for claim in registry.values():
        found.add(claim_entry(claim, "not run", "quick", 3))
        for mutant in claim.mutants:
            found.add(mutant_entry(mutant, "not run", "quick", 3))
    return found


DOCUMENTS = {"sample": full_document, "suite": whole_document}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    executable = chromium()
    if executable is None:
        pytest.fail("no Chromium found; apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = launch(playwright, executable)
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_page_is_accessible_whole_and_short(page: Page, tmp_path: Path, name: str) -> None:
    write_report(pages(DOCUMENTS[name](), presented()), tmp_path)
    wrong: dict[str, list[str]] = {}
    for path in (tmp_path / "index.html", *sorted((tmp_path / "pages").glob("*.html"))):
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1280, "height": 800})
        visit = Visit(page, path)
        height = page.evaluate("document.documentElement.scrollHeight")
        found = [*broken_links(page, tmp_path), *([f"{height} pixels long"] if height > LONGEST else [])]
        found += [*everywhere(page), *visit.complaints]
        if found:
            wrong[path.name] = found
    assert wrong == {}
