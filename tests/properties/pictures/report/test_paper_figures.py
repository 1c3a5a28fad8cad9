"""The paper's pictures as drawings, words and tables."""

from unittest.mock import MagicMock
from xml.etree import ElementTree

import pytest

from properties.engine.report.data_files import Table
from properties.engine.report.typeset import numbers
from properties.pictures.report import paper_figures, picture_tables, picture_texts
from tests.properties.engine.report.sample import texts
from tests.properties.pictures.report.picture_data import picture_data


@pytest.fixture(scope="module")
def drawn() -> dict[str, paper_figures.Picture]:
    return {one.title: one for one in paper_figures.pictures(picture_data())}


def test_every_picture_is_drawn_labelled_and_tabulated(drawn: dict[str, paper_figures.Picture]) -> None:
    assert list(drawn) == list(paper_figures.TITLES.values())
    seen: set[str | None] = set()
    for picture in drawn.values():
        assert picture.text.endswith(".")
        assert picture.table.rows
        assert all(len(row) == len(picture.table.headings) for row in picture.table.rows)
        for figure in picture.figures:
            drawing = figure.svg
            root = ElementTree.fromstring(drawing)
            assert len(figure.data.text.splitlines()) > 2
            assert root.get("role") == "img"
            assert numbers(picture.text) in (root.get("aria-label") or "")
            ids = {element.get("id") for element in root.iter() if element.get("id")}
            assert not ids & seen
            seen |= ids
            assert "#010203" not in drawing
            assert "currentColor" in drawing


@pytest.mark.parametrize(
    ("name", "index", "labels"),
    [
        ("output_space", 0, ("NGD, m = 32", "NGD, m = 8,192", "GD, m = 8,192", "targets y")),
        ("output_space", 1, ("NGD, largest", "GD, largest", "arcsin q (T1-line)", "width m", "8,192")),
        ("moved_jacobians", 0, ("slope -0.357 ± 0.012", "256", "1,024", "‖J(k) − J(0)‖₂ / ‖J(0)‖₂")),
        ("moved_jacobians", 1, ("λ_min(G(0)), certified", "λ₀, certified", "¾ λ₀")),
        ("training", 0, ("NGD, observed", "NGD, T1-sharp", "K-FAC, observed", "GD, T0-sharp", "iteration k")),
        ("constants", 0, ("ball, certified", "ball, attacked", "NGD's path, certified", "C = ½ (T1)", "4,096")),
        ("phases", 0, ("Condition 1 alone", "C < ½ on NGD's path (T1)", "rows n", "width m", "16")),
        ("held_out", 0, ("T5's bound", "NGD, loss", "GD, error", "vacuous from 1 on", "1.24", "0.00833")),
    ],
)
def test_what_a_drawing_says(
    drawn: dict[str, paper_figures.Picture], name: str, index: int, labels: tuple[str, ...]
) -> None:
    found = texts(drawn[paper_figures.TITLES[name]].figures[index]).replace("\N{MINUS SIGN}0.357", "-0.357")
    for label in labels:
        assert label in found


def test_no_bound_is_drawn_where_no_theorem_speaks(drawn: dict[str, paper_figures.Picture]) -> None:
    assert "K-FAC, None" not in texts(drawn[paper_figures.TITLES["training"]].figures[0])


def test_pictures_in_words() -> None:
    found = picture_texts.summaries(picture_data())
    assert found["output_space"] == (
        "In output space NGD's steps turn away from the straight line to the target by at most 0.58 degrees at m = 8,192 "
        "(T1-line allows 30), GD's by up to 28.7."
    )
    assert "m^(-0.357 ± 0.012)" in found["moved_jacobians"]
    assert "between 0.0211 and 0.02189 over 2 initialisations; lambda0 is at least 0.02259" in found["moved_jacobians"]
    assert "NGD from 2 to 0.5 in 2 steps (T1-sharp allows 1.13); K-FAC from 2 to 0.5 in 2 steps;" in found["training"]
    assert "21.5 to 12.6 certified, 11 to 5.51 attacked; along NGD's path from 1.06 to 0.479" in found["constants"]
    assert "is 1.25 (n = 361, delta = 0.1): vacuous. Held-out errors on 120 rows: NGD 0.83%, GD 0%" in found["held_out"]


def test_an_output_space_without_a_bound_says_so() -> None:
    data = picture_data()
    data["output_space"]["widths"] = data["output_space"]["widths"][:1]
    assert "(no bound)" in picture_texts.summaries(data)["output_space"]


def test_only_what_is_there_is_shown() -> None:
    data = {"constants": picture_data()["constants"]}
    assert list(picture_texts.summaries(data)) == list(picture_tables.tables(data)) == ["constants"]
    assert [one.title for one in paper_figures.pictures(data)] == [paper_figures.TITLES["constants"]]
    assert paper_figures.pictures({}) == []


def test_tables_hold_the_numbers() -> None:
    found = picture_tables.tables(picture_data())
    assert found["output_space"].rows[0][:3] == (32, 2.5, None)
    assert found["output_space"].rows[1][2] == pytest.approx(
        30.0, rel=2.0**-50
    )  # degrees: one product of rounded numbers
    assert found["training"].rows[3] == (3, None, None, None, None, None, None, 1.7, None, None)
    assert found["training"].headings[:4] == ("k", "NGD", "NGD, linearised", "NGD, T1-sharp")
    assert found["held_out"].rows[0] == ("NGD", 40, 0.0, 0.00833, 1e-5, 0.0974)


def test_every_iterate_is_beside_the_paths() -> None:
    found = picture_tables.output_paths(picture_data()["output_space"])
    assert found.headings == ("optimiser", "m", "k", "u1", "u2")
    assert found.rows[1] == ("NGD", 32, 1, 0.5, 0.1)
    assert len(found.rows) == 8


def test_a_long_table_is_shortened_evenly() -> None:
    table = Table(("k",), [(k,) for k in range(100)])
    assert [row[0] for row in picture_tables.shortened(table, 10).rows] == [*range(0, 100, 10), 99]
    assert picture_tables.shortened(table, 100).rows == table.rows


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ({"lambda_min": 0.0, "ball": None, "path": None}, "Condition 1 not certified"),
        ({"lambda_min": 0.1, "ball": 5.0, "path": None}, "Condition 1 alone"),
        ({"lambda_min": 0.1, "ball": "inf", "path": 1.0}, "Condition 1 alone"),
        ({"lambda_min": 0.1, "ball": 5.0, "path": 0.5}, "C < 1 on NGD's path (T1-sharp)"),
        ({"lambda_min": 0.1, "ball": 5.0, "path": 0.4}, "C < ½ on NGD's path (T1)"),
        ({"lambda_min": 0.1, "ball": 0.9, "path": 0.4}, "C < 1 in the whole ball (T1-sharp)"),
        ({"lambda_min": 0.1, "ball": 0.4, "path": 0.4}, "C < ½ in the whole ball (T1)"),
    ],
)
def test_the_strongest_condition_certified(point: dict[str, object], expected: str) -> None:
    assert picture_texts.PHASES[picture_texts.phase(point)] == expected


@pytest.mark.parametrize("count", range(1, 14))
def test_at_most_so_many_widths_are_labelled_the_first_among_them(count: int) -> None:
    axes = MagicMock()
    widths = [2**k for k in range(count)]
    paper_figures._against_width(axes, 2 * widths, labelled=4)
    labelled = axes.set_xticks.call_args_list[0].args[0]
    assert labelled[0] == 1
    assert min(count, 3) <= len(labelled) <= 4
    assert set(labelled) <= set(widths)
