"""Pictures of a report for the documents: ``python tools/screenshots.py report`` writes docs/screens/*.png. Needs Chromium."""

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.properties.engine.report.browser_checks import chromium, launch

SCREENS = Path(__file__).resolve().parents[1] / "docs" / "screens"

PICTURES = {"first": "index.html", "claim": "pages/claim-T1.html", "dataset": "pages/dataset.html"}
"""By name, the page whose first screen is shown."""

SIZE = {"width": 1280, "height": 800}


def main() -> None:
    """Photograph the first screen of each page that the report has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    report = parser.parse_args().report.resolve()
    executable = chromium()
    if executable is None:
        parser.error("no Chromium found; apt-get install chromium")
    SCREENS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright, executable)
        page = browser.new_page(viewport={"width": SIZE["width"], "height": SIZE["height"]})
        for name, path in PICTURES.items():
            if (report / path).is_file():
                page.goto((report / path).as_uri())
                page.screenshot(path=SCREENS / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
