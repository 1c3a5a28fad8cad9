"""Adaptive division against tabulated functions whose supremum is known, and its economy."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from theory.inputs import FloatArray
from theory.stability.division import Division


@dataclass
class Tabulated:
    """A function on 0 ... N, known to within 1/100, with the exact bound of each open part."""

    values: FloatArray
    slack: float = 0.0
    """What the bound of an open part adds for each position in it."""
    asked: list[int] = field(default_factory=list)

    def evaluate(self, position: int) -> tuple[float, float]:
        self.asked.append(position)
        return float(self.values[position]) - 0.01, float(self.values[position]) + 0.01

    def between(self, left: int, left_value: float, right: int, right_value: float) -> float:
        assert left_value == self.values[left] + 0.01
        assert right_value == self.values[right] + 0.01
        inside = self.values[left + 1 : right]
        return float(inside.max()) + 0.01 + self.slack * len(inside) if len(inside) else -np.inf

    @staticmethod
    def middle(left: int, right: int) -> int | None:
        return (left + right) // 2 if right - left > 1 else None

    def supremum(self, parts: int, floor: float = 0.0) -> tuple[float, float]:
        return Division(self.evaluate, self.between, self.middle).supremum(0, len(self.values) - 1, parts, floor)


@pytest.mark.parametrize("peak", [0, 1, 13, 31, 32])
def test_enough_parts_give_the_supremum(peak: int) -> None:
    values = np.linspace(0, 0.5, 33)
    values[peak] = 2.0
    table = Tabulated(values, slack=0.1)
    assert table.supremum(100) == (1.99, 2.01)
    assert len(set(table.asked)) == len(table.asked)
    assert set(table.asked) >= {0, 32, peak}


def test_one_part_is_the_bound_between_the_ends() -> None:
    values = np.array([1.0, 5.0, 3.0, 2.0])
    table = Tabulated(values, slack=0.5)
    lower, upper = table.supremum(1)
    assert lower == 2.0 - 0.01
    assert upper == 5.0 + 0.01 + 2 * 0.5
    assert table.asked == [0, 3]
    assert Tabulated(np.array([4.0, 1.0, 2.0])).supremum(1) == (3.99, 4.01)
    assert Tabulated(np.array([1.0, 1.0, 2.0])).supremum(1) == (1.99, 2.01)


def test_no_more_parts_than_asked_for() -> None:
    for parts in (1, 2, 3, 7):
        table = Tabulated(np.arange(33.0) % 7, slack=10.0)
        lower, upper = table.supremum(parts)
        assert len(table.asked) == parts + 1
        assert lower <= 5.99 < 6.01 <= upper


def test_the_part_with_the_largest_bound_is_divided_first() -> None:
    values = np.zeros(17)
    values[11] = 1.0
    table = Tabulated(values)
    assert table.supremum(100) == (0.99, 1.01)
    assert table.asked == [0, 16, 8, 12, 10, 11]


def test_division_ends_when_the_values_reach_the_bounds() -> None:
    values = np.zeros(65)
    values[32] = 3.0
    table = Tabulated(values)
    assert table.supremum(100) == (2.99, 3.01)
    assert table.asked == [0, 64, 32]


def test_below_the_floor_nothing_is_divided() -> None:
    values = np.zeros(33)
    values[5] = 1.0
    table = Tabulated(values)
    assert table.supremum(100, floor=1.01) == (-0.01, 1.01)
    assert table.asked == [0, 32]
    assert Tabulated(values).supremum(100, floor=1.0) == (0.99, 1.01)


def test_a_part_that_cannot_be_divided_keeps_its_bound() -> None:
    def between(left: float, _: float, right: float, __: float) -> float:
        return 9.0 if left < 0.5 else 7.0

    division: Division[float] = Division(
        lambda position: (position, position), between, lambda left, right: 0.5 if left < 0.5 < right else None
    )
    assert division.supremum(0.0, 1.0, 50) == (1.0, 9.0)
    assert division.supremum(0.5, 1.0, 50) == (1.0, 7.0)
