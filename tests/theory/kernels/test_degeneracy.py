"""The exact decision of K-pd: directions, dependent pairs, and the reasons that are given."""

from fractions import Fraction

import numpy as np
import pytest

from theory.kernels.degeneracy import dependent_indices, primitive_directions
from theory.kernels.limiting import degeneracy, limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue


def test_primitive_directions_are_exact() -> None:
    rows = [[0.1, 0.2, 0.0], [0.5, 1.0, 0.0], [-6.0, 4.0, 0.0], [5e-324, 0.0, 1e300], [3.0, 6.0, -0.0]]
    directions = primitive_directions(rows)
    assert directions[1] == (1, 2, 0) == directions[4]
    assert directions[2] == (-3, 2, 0)
    assert directions[0] == (1, 2, 0)  # 0.2 is exactly twice 0.1
    assert Fraction(directions[3][2], directions[3][0]) == Fraction(1e300) / Fraction(5e-324)


THREE_PAIRS = [(0, 1), (2, 3), (4, 5)]
THREE_IN_THE_PLANE = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]]
FOUR_IN_SPACE = [[*row, 0] for row in THREE_IN_THE_PLANE] + [[0, 0, 1], [0, 0, -1]]
BASIS_PAIRS = [[1, 0, 0], [-2, 0, 0], [0, 3, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]


@pytest.mark.parametrize(
    ("rows", "gram_positive", "pattern_positive", "coincident", "antiparallel", "dependent"),
    [
        ([[1, 0], [1, 1]], True, True, [], [], []),
        ([[2, 3]], True, True, [], [], []),
        ([[1], [-2]], True, True, [], [(0, 1)], []),
        ([[1, 2, 3], [0, 1, 0], [5, 10, 15]], False, False, [(0, 2)], [], []),
        ([[1, 0], [1, 0], [2, 0]], False, False, [(0, 1), (0, 2), (1, 2)], [], []),
        ([[-1, 0], [1, 0]], True, True, [], [(0, 1)], []),
        ([[1, 0], [0, 1], [-3, 0]], True, True, [], [(0, 2)], []),
        ([[1, 0], [0, 1], [-3, 0], [0, -1]], True, False, [], [(0, 2), (1, 3)], []),
        (BASIS_PAIRS, True, False, [], THREE_PAIRS, []),
        (THREE_IN_THE_PLANE, False, False, [], THREE_PAIRS, THREE_PAIRS),
        (FOUR_IN_SPACE, False, False, [], [*THREE_PAIRS, (6, 7)], THREE_PAIRS),
        ([[1, 0], [1, 0], [-1, 0]], False, False, [(0, 1)], [(0, 2), (1, 2)], []),
    ],
)
def test_the_decision_and_its_reasons(
    rows: list[list[int]],
    gram_positive: bool,
    pattern_positive: bool,
    coincident: list[tuple[int, int]],
    antiparallel: list[tuple[int, int]],
    dependent: list[tuple[int, int]],
) -> None:
    result = degeneracy(rows)
    assert result.gram_positive_definite is gram_positive
    assert result.pattern_gram_positive_definite is pattern_positive
    assert result.coincident == tuple(coincident)
    assert result.antiparallel == tuple(antiparallel)
    assert result.dependent_directions == tuple(dependent)
    assert (limiting_gram_eigenvalue(rows) > 0) is gram_positive
    assert (limiting_pattern_gram_eigenvalue(rows) > 0) is pattern_positive


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([[1, 0], [0, 1]], "G_inf and S_inf are positive definite: no two rows are parallel"),
        ([[1, 0], [-1, 0]], "G_inf and S_inf are positive definite; rows 0 and 1 are antiparallel"),
        ([[1, 0], [2, 0]], "G_inf and S_inf are singular: rows 0 and 1 point the same way; remove one of each"),
        (
            BASIS_PAIRS,
            "G_inf is positive definite, S_inf is singular: rows 0 and 1, 2 and 3, 4 and 5 are more than one",
        ),
        (THREE_IN_THE_PLANE, "antiparallel pairs with linearly dependent directions"),
        ([[1, 0]] * 4, "rows 0 and 1, 0 and 2, 0 and 3, 1 and 2, 1 and 3, and 1 more pairs point the same way"),
    ],
)
def test_the_reason_names_the_rows(rows: list[list[int]], text: str) -> None:
    assert text in degeneracy(rows).reason()


def test_a_last_bit_decides() -> None:
    row = np.array([0.1, 0.2, 0.3])
    for sign in (1, -1):
        other = sign * row
        assert degeneracy([row, other]).coincident == (((0, 1),) if sign == 1 else ())
        other[2] = np.nextafter(other[2], 1)
        assert degeneracy([row, other]).coincident == () == degeneracy([row, other]).antiparallel


def test_dependent_indices_are_those_of_some_combination() -> None:
    assert dependent_indices([]) == set()
    assert dependent_indices([(1, 0), (0, 1)]) == set()
    assert dependent_indices([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 2, 5)]) == {1, 2, 3}
