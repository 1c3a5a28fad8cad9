"""Documents for the tests of the report, and the browser: without Chromium its tests are not collected, and a line says so."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from properties.engine.profiles import under_ci
from properties.engine.report.document import Document
from properties.engine.report.html import Pages, pages
from properties.suite import presented
from tests.properties.engine.report.browser_checks import chromium, launch
from tests.properties.engine.report.sample import full_document, sample_document, write_report

LEFT_OUT = pytest.StashKey[int]()
KEY = "browser_tests_left_out"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a browser where there is none; under CI it stays, and fails."""
    if chromium() is not None or under_ci(os.environ):
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    config.stash[LEFT_OUT] = len(left_out)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if (output := getattr(config, "workeroutput", None)) is not None:
        output[KEY] = len(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take the count over from a worker of a distributed run."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get(KEY, 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many were left out."""
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"browser tests: {count} not collected, no Chromium found; apt-get install chromium"
        )


@pytest.fixture(scope="module")
def document() -> Document:
    return sample_document()


@pytest.fixture(scope="module")
def sample_pages(document: Document) -> Pages:
    return pages(document, presented())


@pytest.fixture(scope="module")
def page_text(sample_pages: Pages) -> str:
    """Of all pages."""
    return sample_pages.text


@pytest.fixture(scope="session")
def full() -> Document:
    return full_document()


@pytest.fixture(scope="session")
def full_pages(full: Document) -> Pages:
    return pages(full, presented())


@pytest.fixture(scope="session")
def report(full_pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with everything in it, on disk."""
    directory = tmp_path_factory.mktemp("report")
    write_report(full_pages, directory)
    return directory


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = chromium()
    if executable is None:
        pytest.fail("no Chromium found, which CI needs; apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        found = launch(playwright, executable)
        yield found
        found.close()
