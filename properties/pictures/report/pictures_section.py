"""The pictures' section of the report."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files

from properties.engine.part import Content, Section
from properties.engine.report.entries import Entry
from properties.engine.report.isolated import Isolated
from properties.pictures.report.paper_figures import pictures
from properties.pictures.report.pictures_entry import KIND


def _content(entry: Entry, isolated: Isolated, claim_ids: Collection[str]) -> Content:
    found = isolated.listed("the pictures", lambda: pictures(entry["data"]))
    drawn = [one.data for picture in found for one in picture.figures]
    return Content({"pictures": found, "pictures_error": entry["error"]}, drawn)


SECTION = Section(
    kind=KIND,
    title="Pictures",
    before="statements",
    template=files(__package__).joinpath("pictures.html").read_text(encoding="utf-8"),
    content=_content,
)
