"""Every obligation that says a thousandth less, of which tests/theory/theorems/test_ranges.py tries a sample; both provers on every range."""

from collections.abc import Iterator

import pytest

from tests.theory.narrowing import MARGIN, Narrower, Side, narrower, not_proved, scaled_limits, sides
from tests.theory.theorems.test_ranges import WIDER
from theory.catalogue import obligations, ranges
from theory.proof.provers import PROVERS, Prover
from theory.proof.range import Range


@pytest.fixture(scope="module", params=PROVERS)
def prover(request: pytest.FixtureRequest) -> Iterator[Prover]:
    with Prover(request.param, 60.0) as found:
        yield found


@pytest.fixture(scope="module")
def z3() -> Iterator[Prover]:
    with Prover("z3", 60.0) as found:
        yield found


@pytest.mark.parametrize("one", ranges, ids=lambda one: f"{one.theorem} {one.cases}")
def test_obligations_are_proved_for_all_that_a_theorem_needs(one: Range, prover: Prover) -> None:
    assert not_proved(one, obligations, prover) == []


@pytest.mark.parametrize("less", list(narrower()), ids=lambda less: less.name)
def test_a_hypothesis_stronger_by_a_thousandth_is_noticed(less: Narrower, prover: Prover) -> None:
    assert less.noticed(prover) is (less.name not in WIDER)


@pytest.mark.parametrize("less", list(scaled_limits()), ids=lambda less: less.name)
def test_a_limit_shorter_by_a_thousandth_is_noticed(less: Narrower, prover: Prover) -> None:
    assert less.noticed(prover)


@pytest.mark.parametrize("side", list(sides()), ids=lambda side: side.name)
def test_a_conclusion_weaker_by_a_thousandth_is_not_tight(side: Side, z3: Prover) -> None:
    """The other prover takes long with some, which no proof needs."""
    assert side.holds_by(f"1001/1000*(1 - {MARGIN})", z3)


def test_what_is_wider_than_needed_is_there() -> None:
    assert set(WIDER) <= {less.name for less in narrower()}
