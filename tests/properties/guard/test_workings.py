"""The algebra of the guard's formulas: what is 0, what is not, and what cannot be told."""

import numpy as np
import pytest

from properties.guard.workings import LEAST, NEGLIGIBLE, Arrays, UndefinedError, Workings


@pytest.fixture
def workings() -> Workings:
    one = np.ones((1, 1))
    return Workings(Arrays(one, one[0], one, one[0], one, one[0], 0.5, "ngd", one, None, 0.0))


def test_singular_values_are_inverted_negligible_or_undefined(workings: Workings) -> None:
    right = np.array([3.0, 1.0])
    clear, negligible, between = 2 * LEAST**0.5, NEGLIGIBLE**0.5 / 2, (LEAST * NEGLIGIBLE) ** 0.25
    assert workings.least_norm(np.diag([1.0, clear]), right) == pytest.approx([3.0, 1 / clear])
    assert workings.number == pytest.approx(1 / clear**2)
    assert workings.least_norm(np.diag([1.0, negligible]), right) == pytest.approx([3.0, 0.0])
    for unclear in (between, LEAST**0.5 / 2, NEGLIGIBLE**0.5 * 2, 0.0):
        matrix = np.diag([1.0, unclear]) if unclear else np.zeros((2, 2))
        with pytest.raises(UndefinedError):
            workings.least_norm(matrix, right)


def test_eigenvalues_are_inverted_negligible_or_undefined(workings: Workings) -> None:
    clear, negligible = 2 * LEAST, NEGLIGIBLE / 2
    assert workings.inverse(np.diag([1.0, clear])) == pytest.approx(np.diag([1.0, 1 / clear]))
    assert workings.inverse(np.diag([1.0, negligible])) == pytest.approx(np.diag([1.0, 0.0]))
    for unclear in (LEAST / 2, 2 * NEGLIGIBLE, 0.0):
        matrix = np.diag([1.0, unclear]) if unclear else np.zeros((2, 2))
        with pytest.raises(UndefinedError):
            workings.power(matrix, -0.5)
