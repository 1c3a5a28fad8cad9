"""Controls of the browser's checks: a page that is right passes each, and each kind of error is found by its check."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.properties.engine.report.browser_checks import (
    Visit,
    broken_links,
    everywhere,
    inaccessible,
    overflow,
    undrawn,
)

pytestmark = pytest.mark.browser

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Control</title></head>
<body><main id="main"><h1>Control</h1><p>Text with a <a href="#main">link</a>.</p>{}</main></body></html>"""

Check = Callable[[Visit, Path], list[str]]


def links(visit: Visit, directory: Path) -> list[str]:
    return broken_links(visit.page, directory)


def complaints(visit: Visit, directory: Path) -> list[str]:
    visit.page.wait_for_timeout(100)
    return visit.complaints


def drawings(visit: Visit, directory: Path) -> list[str]:
    return undrawn(visit.page)


def axe(visit: Visit, directory: Path) -> list[str]:
    return inaccessible(visit.page)


def width(visit: Visit, directory: Path) -> list[str]:
    return [f"{overflow(visit.page)} pixels"] if overflow(visit.page) else []


SQUARE = '<rect width="90" height="90"/>'
ERRORS: list[tuple[str, Check, str]] = [
    ('<a href="#nowhere">anchor</a>', links, "no id: #nowhere"),
    ('<a href="data/absent.csv">file</a>', links, "no file: data/absent.csv"),
    ('<a href="page.html#nowhere">anchor elsewhere</a>', links, "no id: page.html#nowhere"),
    ('<a href="/etc/hostname">outside</a>', links, "outside: /etc/hostname"),
    ('<a href="https://example.org/">elsewhere</a>', links, "elsewhere: https://example.org/"),
    ('<p id="main">twice</p>', links, "twice: main"),
    ('<div role="group" aria-labelledby="absent">group</div>', links, "reference: absent"),
    ('<p style="color: #ccc; background: #fff">pale</p>', axe, "color-contrast: "),
    ('<img src="square.svg" width="90" height="90">', axe, "image-alt: "),
    ("<h4>too deep</h4>", axe, "heading-order: "),
    (f'<svg role="img" width="90" height="90">{SQUARE}</svg>', axe, "svg-img-alt: "),
    (f'<svg role="img" width="90" height="90">{SQUARE}</svg>', drawings, "<svg role="),
    ('<svg role="img" aria-label="empty" width="90" height="90"></svg>', drawings, "<svg role="),
    ('<img src="http://127.0.0.1:9/x.png" alt="x">', complaints, "request: http://127.0.0.1:9/x.png"),
    ('<script>console.error("unwell")</script>', complaints, "console: unwell"),
    ("<script>absent()</script>", complaints, "error: absent is not defined"),
    ('<img src="absent.png" alt="x">', complaints, "failed: file://"),
    ('<p style="width: 500px">wide</p>', width, "118 pixels"),
]


@pytest.fixture(scope="module")
def telephone(browser: Browser) -> Page:
    """One page for all, as a new one takes longer than most checks."""
    return browser.new_page(viewport={"width": 390, "height": 800})


def visited(page: Page, directory: Path, body: str) -> Visit:
    path = directory / "page.html"
    path.write_text(PAGE.format(body), encoding="utf-8")
    (directory / "square.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{SQUARE}</svg>')
    return Visit(page, path)


@pytest.mark.parametrize("check", [links, complaints, drawings, axe, width])
def test_a_page_that_is_right_passes(telephone: Page, tmp_path: Path, check: Check) -> None:
    assert check(visited(telephone, tmp_path, ""), tmp_path) == []


@pytest.mark.parametrize(("body", "check", "found"), ERRORS)
def test_an_error_is_found(telephone: Page, tmp_path: Path, body: str, check: Check, found: str) -> None:
    wrong = check(visited(telephone, tmp_path, body), tmp_path)
    assert any(one.startswith(found) for one in wrong), wrong


PALE, SKIPPED = '<p class="some">text</p>', '<h4 class="some">too deep</h4>'
HIDDEN = ".some { display: none }"
THEMED = "@media (prefers-color-scheme: dark) { body { background: #000; color: #fff } a { color: #8cf } }"
SOMEWHERE = [
    (
        "@media (prefers-color-scheme: dark) { .some { color: #333 } }",
        PALE,
        {"390 dark: color-contrast", "1280 dark: color-contrast"},
    ),
    ("@media print { .some { color: #ccc } }", PALE, {"print: color-contrast"}),
    (f"@media (min-width: 500px) {{ {HIDDEN} }}", SKIPPED, {"390 light: heading-order"}),
    (f"@media (max-width: 500px) {{ {HIDDEN} }}", SKIPPED, {"1280 light: heading-order"}),
    ("", PALE, set()),
]


@pytest.mark.parametrize(("style", "body", "found"), SOMEWHERE)
def test_an_error_in_one_theme_at_one_width_or_in_print_is_found(
    browser: Browser, tmp_path: Path, style: str, body: str, found: set[str]
) -> None:
    page = browser.new_page()  # of other sizes, themes and media afterwards
    wrong = everywhere(visited(page, tmp_path, f"<style>{THEMED} {style}</style>{body}").page)
    page.close()
    assert {": ".join(one.split(": ")[:2]) for one in wrong} == found
