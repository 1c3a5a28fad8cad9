"""The estimate of the time left."""

import pytest

from properties.engine.run.remaining import PRIOR, Remaining

SECONDS = {"long": 30.0, "short": 1.0, "other": 5.0}


def remaining(workers: int = 1) -> Remaining:
    found = Remaining(SECONDS.__getitem__)
    found.expect(SECONDS)
    found.workers = workers
    return found


def test_what_is_left_is_shared_but_the_longest_item_is_not() -> None:
    assert remaining().seconds(0.0) == 36.0
    assert remaining(2).seconds(0.0) == 30.0
    assert remaining(2).seconds(0.0) == max(36 / 2, 30)


def test_what_goes_on_counts_from_its_start_and_never_below_nothing() -> None:
    found = remaining()
    found.start("long", 100.0)
    assert found.seconds(110.0) == 26.0
    assert found.seconds(1_000.0) == 6.0


def test_what_has_ended_corrects_what_is_expected_of_the_rest() -> None:
    found = remaining()
    found.start("other", 0.0)
    found.end("other", 10.0)
    assert found.seconds(10.0) == pytest.approx(31 * (PRIOR + 10) / (PRIOR + 5))
    assert (found.seconds(10.0) or 50.0) < 50.0  # one that took twice as long makes no day of it
    found.end("unheard of", 1.0)
    found.end("long", 30.0)
    found.end("short", 1.0)
    assert found.seconds(50.0) == 0.0


def test_an_item_of_which_nothing_is_known_takes_what_the_others_took() -> None:
    found = Remaining(lambda node: None)
    found.expect(["first", "second", "third", "last"])
    assert found.seconds(0.0) is None
    found.end("first", 4.0)
    assert found.seconds(4.0) == 12.0
    found.end("second", 8.0)
    found.start("third", 12.0)
    found.workers = 2
    assert found.seconds(14.0) == 6.0
    found.end("third", 6.0)
    found.end("last", 6.0)
    assert found.seconds(18.0) == 0.0
