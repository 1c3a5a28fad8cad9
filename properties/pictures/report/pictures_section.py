"""The pictures' page of the report: widths, and the paper's own."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files

from properties.engine.part import Content, Section
from properties.engine.report.entries import Entry
from properties.engine.report.isolated import Isolated
from properties.pictures.all_widths import stored
from properties.pictures.report.all_widths_figure import TITLE, figures, sentence
from properties.pictures.report.paper_figures import pictures
from properties.pictures.report.pictures_entry import KIND


def _content(entry: Entry, isolated: Isolated, claim_ids: Collection[str]) -> Content:
    found = isolated.listed("the pictures", lambda: pictures(entry["data"]))
    rows = stored()
    widths = isolated.listed("the widths", lambda: figures(rows))
    values = {
        "pictures": found,
        "pictures_error": entry["error"],
        "widths": widths,
        "widths_title": TITLE,
        "widths_sentence": sentence(rows),
    }
    return Content(values, [one.data for one in (*widths, *(one for picture in found for one in picture.figures))])


SECTION = Section(
    kind=KIND,
    title="Pictures",
    template=files(__package__).joinpath("pictures.html").read_text(encoding="utf-8"),
    content=_content,
)
