"""What a page must satisfy in a real browser; each check lists what is wrong."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")

QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Where the browser is, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright, executable: str) -> Browser:
    """The browser without a window; as root it runs without its sandbox."""
    unboxed = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return playwright.chromium.launch(executable_path=executable, args=[*QUIET, *unboxed])


class Visit:
    """An opened page, and what went wrong on the way: messages of the console, errors, requests of other things than files."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", lambda request: self._requested(request.url))
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        page.goto(path.as_uri())

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"console: {text}")

    def _requested(self, url: str) -> None:
        if urlsplit(url).scheme not in ("file", "data"):
            self.complaints.append(f"request: {url}")


IDS = re.compile(r'\bid="([^"]+)"')


def broken_links(page: Page, directory: Path) -> list[str]:
    """Links to no file of the report or to no id of a page, and references to ids that are not there.

    ``directory`` is the report's; the page lies there or below.
    """
    here = Path(unquote(urlsplit(page.url).path)).parent
    found: dict[str, list[str]] = page.evaluate(
        """() => {
          const all = [...document.querySelectorAll('*')];
          const named = (attribute) => all.flatMap((one) => (one.getAttribute(attribute) ?? '').split(/\\s+/).filter(Boolean));
          const styled = all.flatMap((one) => [...one.attributes].flatMap(
            (a) => [...a.value.matchAll(/url\\(#([^)]+)\\)/g)].map((m) => m[1])));
          return {
            ids: all.map((one) => one.id).filter(Boolean),
            links: all.flatMap((one) => ['href', 'xlink:href', 'src'].map((a) => one.getAttribute(a)).filter((v) => v !== null)),
            references: [...named('aria-labelledby'), ...named('aria-describedby'), ...styled],
          };
        }"""
    )
    ids = set(found["ids"])
    wrong = [f"twice: {id}" for id in ids if found["ids"].count(id) > 1]
    wrong += [f"reference: {id}" for id in found["references"] if id not in ids]
    for link in found["links"]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            wrong.append(f"elsewhere: {link}")
        elif parts.path:
            target = here / unquote(parts.path)
            if not target.is_file():
                wrong.append(f"no file: {link}")
            elif not target.resolve().is_relative_to(directory.resolve()):
                wrong.append(f"outside: {link}")
            elif parts.fragment and unquote(parts.fragment) not in IDS.findall(target.read_text(encoding="utf-8")):
                wrong.append(f"no id: {link}")
        elif unquote(parts.fragment) not in ids:
            wrong.append(f"no id: {link}")
    return wrong


def undrawn(page: Page) -> list[str]:
    """Drawings without an alternative text, a size, or anything in them."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('svg[role], img')].filter((one) => {
          const box = one.getBoundingClientRect();
          const name = one.getAttribute('aria-label') ?? one.getAttribute('alt') ?? '';
          return !name.trim() || box.width < 50 || box.height < 30 || (one.tagName !== 'IMG' && !one.querySelector('path, rect'));
        }).map((one) => one.outerHTML.slice(0, 80))"""
    )
    return found


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe that look at colours, and so at all that a theme changes."""


def inaccessible(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds by these rules, or by all; with everything unfolded that can be, but not inside drawings, which are images with a text of their own.

    axe fetches nothing, and reports violations alone: to describe what passes takes it most of its time.
    """
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    chosen = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    # that a drawing has a text of its own is no matter of colours
    left_out = "figure svg" if rules == COLOURS else "figure svg > *"
    found: dict[str, Any] = (
        Axe()
        .run(
            page,
            context={"exclude": [[left_out]]},
            options={"preload": False, "resultTypes": ["violations"], **chosen},
        )
        .response
    )
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


WIDTHS = (390, 1280)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def everywhere(page: Page) -> list[str]:
    """What axe finds at both widths, its rules on colours in both themes and in print too; where the theme is not followed, where the page overflows."""
    wrong = []
    papers = set()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for theme, rules in zip(THEMES, ((), COLOURS), strict=True):  # all rules in the first
            page.emulate_media(color_scheme=theme)
            papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            wrong += [f"{width} {theme}: {one}" for one in inaccessible(page, rules)]
        if overflow(page):
            wrong.append(f"{width}: {overflow(page)} pixels too wide")
    if len(papers) != len(THEMES):
        wrong.append(f"one paper in both themes: {papers}")
    page.emulate_media(media="print", color_scheme="light")
    return wrong + [f"print: {one}" for one in inaccessible(page, COLOURS)]
