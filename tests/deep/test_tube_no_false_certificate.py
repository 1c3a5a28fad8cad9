"""No tube that is certified is left, and no factor exceeded: a thousand of them, in balls; tests/properties/chapters/tube has a sample."""

import pytest

from tests.properties.chapters.tube.sweep import no_false_certificate

SEEDS, EACH = 8, 160


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_false_certificate(seed: int) -> None:
    counted = no_false_certificate(seed, EACH)
    print(dict(counted))
    assert counted["holds"] >= 1000 / SEEDS
    assert counted["undecided"] == 0
