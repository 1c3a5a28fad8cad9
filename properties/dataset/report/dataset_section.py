"""The data set's section of the report."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files

from properties.dataset.report.dataset_figures import dataset_figures
from properties.dataset.report.dataset_texts import KIND
from properties.dataset.report.dataset_view import rung_rows, theorems
from properties.engine.part import Content, Section
from properties.engine.report.entries import Entry
from properties.engine.report.figures import Figure
from properties.engine.report.isolated import Isolated


def _content(entry: Entry, isolated: Isolated, claim_ids: Collection[str]) -> Content:
    figures = isolated.listed("the figures", lambda: list(dataset_figures(entry)))
    values = {
        "dataset": entry,
        "theorems": theorems(claim_ids),
        "rungs": isolated.listed("the networks", lambda: rung_rows(entry["certificate"])),
        "figures": figures,
    }
    return Content(values, [one.data for one in figures if isinstance(one, Figure)])


SECTION = Section(
    kind=KIND,
    title="Data set",
    template=files(__package__).joinpath("dataset.html").read_text(encoding="utf-8"),
    content=_content,
)
