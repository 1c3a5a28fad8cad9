"""The figures of a data set, drawn from small curves."""

from typing import Any
from xml.etree import ElementTree

import pytest

from properties.dataset.report import dataset_figures
from properties.engine.report import figures
from tests.properties.engine.report.sample import rung, texts

CURVES: dict[str, Any] = {
    "ngd": {"observed": [1.0, 0.5, 0.25], "bound": [1.0, 0.75, 0.5]},
    "gd": {"observed": [1.0, 0.9], "bound": None},
}


def test_a_figure_is_one_svg_element_with_every_curve() -> None:
    found = dataset_figures.residual_figure("n = 2, m = 8", CURVES, "one")
    assert found == dataset_figures.residual_figure("n = 2, m = 8", CURVES, "one")
    root = ElementTree.fromstring(found.svg)
    drawn = [path.get("style", "") for path in root.iter()]
    for index, dashed in ((0, 1), (2, 0)):
        lines = [style for style in drawn if f"var(--curve-{index + 1})" in style]
        assert sum("stroke-dasharray" in style for style in lines) >= dashed
        assert lines
    assert not any(colour in found.svg for colour in (*figures.COLOURS, "#010203"))
    assert "currentColor" in found.svg
    assert "metadata" not in found.svg


def test_the_numbers_of_a_figure_stand_beside_it() -> None:
    found = dataset_figures.residual_figure("n = 2, m = 8", CURVES, "one")
    assert found.data.path.startswith("data/one-")
    assert found.data.text == (
        'k,"NGD, observed","NGD, bound","GD, observed","GD, bound"\n0,1.0,1.0,1.0,\n1,0.5,0.75,0.9,\n2,0.25,0.5,,\n'
    )


def test_a_figure_without_drawable_values_stands() -> None:
    found = dataset_figures.residual_figure("n = 1, m = 2", {"ngd": {"observed": [0.0], "bound": None}}, "one")
    label = ElementTree.fromstring(found.svg).get("aria-label")
    assert label == "Residuals, n = 1, m = 2: NGD from 0 to 0 in 0 iterations"


def test_what_has_a_place_on_a_logarithmic_axis() -> None:
    assert dataset_figures.drawable([1.0, 0.0, "inf", "nan", -1.0, 2.0]) == ([0, 5], [1.0, 2.0])
    assert dataset_figures.drawable(None) == ([], [])


def test_eigenvalues_fall_and_those_that_vanish_are_left_out() -> None:
    found = dataset_figures.spectrum_figure("n = 2", {"G_inf": [0.25, 0.75], "G(0), m = 8": [-1e-18, 1.0]}, "spectra")
    assert found.data.text == 'index,G_inf,"G(0), m = 8"\n1,0.75,1.0\n2,0.25,-1e-18\n'
    assert "G_inf from 0.75 to 0.25; G(0), m = 8 from 1 to −10⁻¹⁸" in found.svg
    assert "G∞" in texts(found)


def test_constants_are_drawn_where_there_are_several_widths() -> None:
    rungs = [{"width": 4}, rung(8, 3.5, 12.0, 0.75), rung(16, 0.1, 0.6, 0.4), {**rung(32, 1.0, 2.0, 1.0), "rows": 3}]
    (group,) = dataset_figures.constant_groups(rungs)
    found = dataset_figures._constant_figure(*group)
    assert found.data.text == 'm,"ball, certified","ball, attacked",NGD\'s path\n8,12.0,3.5,0.75\n16,0.6,0.1,0.4\n'
    assert "C = ½ (T1)" in texts(found)
    assert list(dataset_figures.constant_groups([rung(8, 1.0, 2.0, 1.0)])) == []


def test_every_figure_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty spectrum has no curve, an unknown constant no point; one that breaks says so and costs no other."""
    known, unknown = rung(8, 3.5, 12.0, 0.75), rung(16, 0.1, 0.6, 0.4)
    unknown["ngd"]["path_constant"] = None
    data: dict[str, Any] = {
        "certificate": {"rungs": [known, unknown, {"width": 4, "rows": 2}]},
        "spectra": {"n = 2": {"G_inf": [0.25, 0.75], "G(0), m = 8": []}, "n = 3": {"G(0), m = 8": []}},
        "curves": {"n = 2, m = 8": CURVES, "n = 2, m = 16": {}},
    }
    found = list(dataset_figures.dataset_figures(data))
    assert [type(one) for one in found] == [figures.Figure, figures.Figure]
    assert found[0].data.text == "index,G_inf\n1,0.75\n2,0.25\n"  # type: ignore[union-attr]
    monkeypatch.setattr(dataset_figures, "spectrum_figure", lambda *_: 1 / 0)
    broken, drawn = dataset_figures.dataset_figures(data)
    assert isinstance(drawn, figures.Figure)
    assert broken == figures.Undrawn("Eigenvalues, n = 2", "ZeroDivisionError: division by zero")
