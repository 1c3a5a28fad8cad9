"""Write a report again from its claims.json, without running anything: ``python tools/report_pages.py report/claims.json DIRECTORY``."""

import argparse
from pathlib import Path

from properties.engine.report.document import Document
from properties.engine.report.publication import occupy, publish
from properties.suite import presented


def main() -> None:
    """Read the record, and publish its pages in the directory; counterexamples stay where the run wrote them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", type=Path)
    parser.add_argument("directory", type=Path)
    given = parser.parse_args()
    document = Document.read(given.record)
    given.directory.mkdir(parents=True, exist_ok=True)
    lock = occupy(given.directory)
    publish(document, given.directory, presented)
    lock.release()


if __name__ == "__main__":
    main()
