"""Links of the documents lead to files that exist, and to headings in them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"(?m)^#+ (.+)$")


def anchor(heading: str) -> str:
    """What a heading is called in a link: its words in small letters, dashes for spaces, no other signs."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken(text: str, place: Path) -> list[str]:
    """The links of a document that lead nowhere; links to other hosts are not followed."""
    found = []
    for link in LINK.findall(text):
        path, _, name = link.partition("#")
        if "://" in path:
            continue
        target = place.parent / path if path else place
        shown = text if not path else target.read_text(encoding="utf-8") if name and target.is_file() else ""
        if not target.exists() or (name and name not in map(anchor, HEADING.findall(shown))):
            found.append(link)
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    assert broken(path.read_text(encoding="utf-8"), path) == []


def test_links_that_lead_nowhere_are_found() -> None:
    text = "# 7. K-FAC (a)\n[a](#7-k-fac-a) [b](#8-gd) [c](absent.md) [d](theory.md#7-k-fac) [e](theory.md#9-x) [f](https://x.org/)"
    assert broken(text, ROOT / "docs" / "speed.md") == ["#8-gd", "absent.md", "theory.md#9-x"]


def test_the_contents_of_the_mathematics_name_every_section() -> None:
    text = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
    sections = re.findall(r"(?m)^## (.+)$", text)
    assert re.findall(r"(?m)^\| \[(.+?)\]\(#", text) == sections
