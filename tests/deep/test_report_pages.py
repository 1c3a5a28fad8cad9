"""Every page of a report in a browser: accessible, whole, and of a length that one reads."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from properties.catalogue import registry, slack_table
from properties.engine.report.document import Document
from properties.engine.report.entries import claim_entry, mutant_entry, slack_entry
from properties.engine.report.html import pages
from properties.engine.report.plain import plain
from properties.engine.report.publication import publish
from properties.suite import SUITE, presented
from tests.properties.engine.report.browser_checks import Visit, broken_links, chromium, everywhere, launch, undrawn
from tests.properties.engine.report.sample import full_document, write_report
from tests.properties.engine.report.test_size import WHOLE, over_budget
from tests.properties.processes import started

ROOT = Path(__file__).parents[2]

LONGEST = 12_000
"""Pixels, in a window that is 1280 wide."""

SUBJECTS = """
import numpy as np
from properties.conformance.plain_steps import PlainSteps


def right(weights, signs, X, y, step_size):
    active = (X @ weights.T > 0) * signs / len(signs) ** 0.5
    jacobian = (active[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    residual = (active * (X @ weights.T)).sum(1) - y
    return weights - step_size * (np.linalg.pinv(jacobian) @ residual).reshape(weights.shape)


def long(weights, signs, X, y, step_size):
    return weights + len(X) ** 2 * (right(weights, signs, X, y, step_size) - weights)


def crashing(weights, signs, X, y, step_size):
    return weights - step_size * y[:, 1]


class Crashing:
    def curvature(self, problem):
        return [problem.parameters[99]]


library = PlainSteps()
"""
"""Steps and libraries of a user's own."""

JUDGED = [
    (["guard", "subjects:right"], 0),
    (["guard", "subjects:long"], 1),
    (["guard", "subjects:crashing"], 1),
    (["conform", "subjects:library", "--claim=library-L-one", "--claim=library-L-state"], 0),
    (["conform", "subjects:Crashing"], 1),
]
"""Commands and exit codes."""


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


def wrong_pages(page: Page, report: Path) -> dict[str, list[str]]:
    """What is wrong with each page of a report."""
    wrong: dict[str, list[str]] = {}
    for path in (report / "index.html", *sorted((report / "pages").glob("*.html"))):
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1280, "height": 800})
        visit = Visit(page, path)
        height = page.evaluate("document.documentElement.scrollHeight")
        found = [*broken_links(page, report), *([f"{height} pixels long"] if height > LONGEST else [])]
        found += [*undrawn(page), *everywhere(page), *visit.complaints]
        if found:
            wrong[path.name] = found
    return wrong


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_page_is_accessible_whole_and_short(page: Page, tmp_path: Path, name: str) -> None:
    write_report(pages(DOCUMENTS[name](), presented()), tmp_path)
    assert wrong_pages(page, tmp_path) == {}


@pytest.mark.parametrize(("words", "code"), JUDGED, ids=lambda one: one[1] if isinstance(one, list) else "")
def test_pages_on_a_subject_of_the_user_s_own_are_accessible_whole_and_short(
    page: Page, tmp_path: Path, words: list[str], code: int
) -> None:
    (tmp_path / "subjects.py").write_text(SUBJECTS)
    done = started(tmp_path, ["natural-gradient", *words, "--report=report"])
    assert done.returncode == code, done.stdout + done.stderr
    assert wrong_pages(page, tmp_path / "report") == {}


def test_a_whole_report_is_small_accessible_and_the_same_when_written_again(page: Page, tmp_path: Path) -> None:
    """Of every claim at depth normal and of the digits; one test, so that a distributed run makes it once."""
    report, again = tmp_path / "report", tmp_path / "again"
    chosen = ["--claim", "all", "--depth", "normal", "--dataset", "digits-4-9", f"--report={report}"]
    assert subprocess.run([sys.executable, "-m", "pytest", "-q", *chosen], cwd=ROOT, check=False).returncode == 0
    assert sum(path.stat().st_size for path in report.rglob("*") if path.is_file() and not path.is_symlink()) < WHOLE
    shown = (report / "index.html", *(report / "pages").glob("*.html"))
    assert over_budget({path.stem: path.stat().st_size for path in shown}) == {}
    publish(Document.read(report / "claims.json"), again, presented)
    for path in (report / "index.html", *sorted((report / "pages").iterdir())):
        written = (again / path.relative_to(report)).read_text(encoding="utf-8")
        assert written == path.read_text(encoding="utf-8"), path.name
    assert wrong_pages(page, report) == {}
