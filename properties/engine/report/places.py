"""The pages of a report: their places in its directory, their order in the table of contents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from properties.engine.report.entries import Entry

DIRECTORY = "pages"
"""Beside index.html."""


STYLE = f"{DIRECTORY}/style.css"
"""What the pages below index.html share; index.html has it within, so that it can be sent alone."""


def page_path(name: str) -> str:
    """Where the page of this name lies, from the report's directory; characters that file names may not have become underscores."""
    return f"{DIRECTORY}/{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.html"


def seen_from(path: str, here: str) -> str:
    """What leads to a file of the report from the page ``here``, both given from the report's directory."""
    if path.startswith(f"{DIRECTORY}/") and here.startswith(f"{DIRECTORY}/"):
        return path.removeprefix(f"{DIRECTORY}/")
    return "../" * here.count("/") + path


def claim_page(id: str) -> str:
    """Where the page of a claim lies."""
    return page_path(f"claim-{id}")


def chapter_page(name: str) -> str:
    """Where the page of a chapter lies."""
    return page_path(f"chapter-{name}")


@dataclass(frozen=True)
class Place:
    """A page: where it lies, its title, the template of what it shows and the template's own values."""

    path: str
    title: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    chapter: str = ""
    """Of a claim's page and of a chapter's: the path of the chapter, under which the contents unfold its claims."""
    claims: Sequence[Entry] = ()
    """Of a chapter."""
    listed: bool = True
    """Whether it stands in the table of contents by itself; the pages of claims stand under their chapter's."""

    @property
    def failing(self) -> int:
        """How many claims of a chapter do not hold."""
        return sum(claim["verdict"] != "holds" for claim in self.claims)

    @property
    def root(self) -> str:
        """What leads from the page to the report's directory."""
        return "../" * self.path.count("/")
