"""Every small data set gives a report, whatever cannot be computed on it: a wide sweep."""

import pytest

from tests.properties.dataset.small_data_sets import complaints, data_set, report


@pytest.mark.parametrize("seed", range(1000, 1288))
def test_every_small_data_set_gives_a_report(seed: int) -> None:
    dataset = data_set(seed)
    if dataset is not None:
        assert complaints(report(dataset, seed, wide=True)) == []
