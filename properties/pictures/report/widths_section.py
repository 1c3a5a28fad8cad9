"""The widths of the report, after its claims: what is seen, what is certified, what the theorems ask for."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files

from properties.engine.part import Content, Section
from properties.engine.report.entries import Entry
from properties.engine.report.isolated import Isolated
from properties.pictures.all_widths import stored
from properties.pictures.report.all_widths_figure import TITLE, figures, sentence
from properties.pictures.report.pictures_entry import KIND


def _content(entry: Entry, isolated: Isolated, claim_ids: Collection[str]) -> Content:
    rows = stored()
    drawn = isolated.listed("the widths", lambda: figures(rows))
    return Content(
        {"widths": drawn, "widths_title": TITLE, "widths_sentence": sentence(rows)}, [one.data for one in drawn]
    )


SECTION = Section(
    kind=KIND,
    title="Widths",
    before="slack",
    template=files(__package__).joinpath("widths.html").read_text(encoding="utf-8"),
    content=_content,
    own_id="widths",
)
