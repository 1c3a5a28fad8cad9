"""Every number shown of small data sets drawn at random is true: the sweep of which tests/properties/dataset/test_data_lines.py has a sample."""

import pytest

from tests.properties.dataset.data_line_cases import drawn
from tests.properties.dataset.exact_rung import UncoveredError

SEEDS, BATCH = 600, 50


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_every_number_of_drawn_data_sets_is_true(first: int) -> None:
    compared = 0
    for seed in range(first, first + BATCH):
        case = drawn(seed)
        try:
            assert case is None or case.complaints() == [], f"seed {seed}: {case}"
        except UncoveredError:
            continue
        compared += case is not None
    assert compared >= BATCH // 4
