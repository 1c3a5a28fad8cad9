"""The fit of measured times, and the drawing of those that are kept."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.benchmarks import costs
from tests.benchmarks.costs import INPUTS, WIDTHS, Cost

DOCS = Path(__file__).resolve().parents[2] / "docs"


def planted(coefficients: list[float]) -> list[Cost]:
    """Times that are such a sum."""
    return [
        Cost("planted", n, m, float(np.dot(coefficients, [n * m, n * n * m, n**3, 1.0])))
        for n in INPUTS
        for m in WIDTHS
    ]


@pytest.mark.parametrize(
    "coefficients", [[2e-9, 2e-11, 2e-11, 3e-4], [2e-9, 2e-11, 2e-11, 0.0], [0.0, 1e-11, 0.0, 0.0]]
)
def test_a_sum_of_the_terms_is_found_again(coefficients: list[float]) -> None:
    found = costs.fitted(planted(coefficients), constant=True)
    assert found.coefficients == pytest.approx(coefficients, rel=1e-6, abs=1e-18)
    assert found.largest < 1e-9
    without = costs.fitted(planted(coefficients), constant=False)
    assert (without.largest < 1e-9) == (coefficients[3] == 0)
    assert without.coefficients[3] == 0


def test_times_that_grow_otherwise_leave_residuals() -> None:
    cubic = [Cost("planted", n, m, 1e-13 * n**2 * m**1.5) for n in INPUTS for m in WIDTHS]
    assert costs.fitted(cubic, constant=True).largest > 0.5
    falling = [Cost("planted", n, m, 1.0 / m) for n in INPUTS for m in WIDTHS]
    assert (costs.fitted(falling, constant=True).coefficients >= 0).all()


def test_residuals_are_relative_to_what_was_measured() -> None:
    late = planted([2e-9, 2e-11, 2e-11, 0.0])
    late[7] = Cost("planted", late[7].n, late[7].m, 4 * late[7].seconds)
    residuals = costs.fitted(late, constant=False).residuals
    assert np.argmin(residuals) == 7
    assert -0.8 < residuals[7] < -0.6


def test_the_drawing_and_the_text_are_those_of_the_stored_times() -> None:
    kept = costs.stored()
    drawn = ElementTree.fromstring((DOCS / "costs.svg").read_text(encoding="utf-8"))
    assert drawn.get("aria-label") == costs.sentence(kept)
    text = (DOCS / "speed.md").read_text(encoding="utf-8")
    assert all(line in text for line in costs.table(kept))
