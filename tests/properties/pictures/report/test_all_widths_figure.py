"""The drawing of all widths, for the page and for the README."""

import math
from pathlib import Path
from xml.etree import ElementTree

from properties.pictures.all_widths import stored
from properties.pictures.report import all_widths_figure
from tests.properties.engine.report.sample import texts

ROOT = Path(__file__).resolve().parents[4]


def test_both_drawings_name_their_marks() -> None:
    widths, phases = all_widths_figure.figures(stored())
    for drawn in (widths, phases):
        assert all(label in texts(drawn) for label in all_widths_figure.SERIES.values())
    assert "100 orthonormal" in texts(widths)
    assert "rows n" in texts(phases)
    assert len(widths.data.text.splitlines()) == 1 + len(stored())


def test_the_readme_s_drawing_is_that_of_the_stored_numbers() -> None:
    drawn, kept = all_widths_figure.standalone(), (ROOT / "docs" / "widths.svg").read_text(encoding="utf-8")
    assert "var(" not in kept
    assert "currentColor" not in kept
    told, shown = (
        [element.text for element in ElementTree.fromstring(one).iter() if element.text] for one in (drawn, kept)
    )
    assert told == shown
    assert ElementTree.fromstring(drawn).get("aria-label") == ElementTree.fromstring(kept).get("aria-label")


def test_the_sentence_tells_the_stored_numbers() -> None:
    said = all_widths_figure.sentence(stored())
    for row in stored():
        if row.data == "orthonormal-10" and row.of in ("seen", "tube", "path", "T3-tube target"):
            assert f"m = {row.width:,}" in said


def test_no_mark_covers_another_of_its_row() -> None:
    """Marks that are near stand on both sides of the line; alone a mark is on it."""
    rows = [row for row in stored() if row.of in all_widths_figure.SERIES]
    places = all_widths_figure.asides(stored())
    for one in rows:
        near = [
            other
            for other in rows
            if other.data == one.data
            and other is not one
            and abs(math.log10(other.width / one.width)) < all_widths_figure.NEAR
        ]
        height = places[one.data, one.of]
        assert bool(height) == bool(near), one
        assert all(abs(height - places[other.data, other.of]) >= all_widths_figure.ASIDE for other in near), one
    assert places["digits-10", "seen"] == -places["digits-10", "tube"] != 0
    assert places["digits-10", "path"] == 0
