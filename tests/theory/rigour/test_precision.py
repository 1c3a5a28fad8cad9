"""The working precision: restored whatever happens, raised until settled, and one thread at a time."""

from threading import Event, Thread
from unittest.mock import Mock

import pytest
from flint import ctx

from theory.rigour import precision
from theory.rigour.precision import at_rising_precision, working_precision

A_WHILE = 0.2
"""Seconds that a thread is given to come in although it must not; one that may come in needs far less."""

LONG = 30.0
"""Seconds after which a test stops waiting for what must happen."""


def two_threads() -> tuple[list[int], bool]:
    """What two threads with 100 and 1000 bits find, each twice, and whether the second came in while the first was inside."""
    inside, entered, left = Event(), Event(), Event()
    found: list[int] = []

    def first() -> None:
        with working_precision(100):
            found.append(ctx.prec)
            inside.set()
            entered.wait(A_WHILE)
            found.append(ctx.prec)
            overtaken.append(entered.is_set())
        left.set()

    def second() -> None:
        inside.wait(LONG)
        with working_precision(1000):
            entered.set()
            found.append(ctx.prec)
            left.wait(LONG)
            found.append(ctx.prec)

    overtaken: list[bool] = []
    threads = [Thread(target=first), Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()
    return found, overtaken[0]


def test_two_threads_do_not_disturb_each_other() -> None:
    before = ctx.prec
    assert two_threads() == ([100, 100, 1000, 1000], False)
    assert ctx.prec == before


def test_without_the_lock_they_would(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ctx.prec
    monkeypatch.setattr(precision, "_LOCK", Mock())
    found, overtaken = two_threads()
    ctx.prec = before  # the threads have restored each other's
    assert overtaken
    assert found != [100, 100, 1000, 1000]


def test_a_thread_outside_sees_the_precision_of_the_one_inside() -> None:
    """What the lock does not protect: the precision belongs to the process."""
    seen: list[int] = []
    with working_precision(1000):
        thread = Thread(target=lambda: seen.append(ctx.prec))
        thread.start()
        thread.join(LONG)
    assert seen == [1000]


def test_a_thread_may_enter_again_and_an_exception_restores() -> None:
    before = ctx.prec
    with working_precision(100):
        assert at_rising_precision(lambda: ctx.prec, lambda bits: True, 300) == (300, 300)
        assert ctx.prec == 100
    with pytest.raises(RuntimeError), working_precision(100):
        raise RuntimeError
    assert ctx.prec == before
    others: list[int] = []  # the lock is free again

    def enter() -> None:
        with working_precision(70):
            others.append(ctx.prec)

    thread = Thread(target=enter)
    thread.start()
    thread.join(LONG)
    assert others == [70]


def test_too_few_bits_are_named() -> None:
    with pytest.raises(ValueError, match="precision is 1 bits"), working_precision(1):
        pass


def test_a_precision_that_cannot_be_set_leaves_nobody_inside() -> None:
    before, found = ctx.prec, []

    def other() -> None:
        with working_precision(99):
            found.append(ctx.prec)

    with pytest.raises(OverflowError), working_precision(2**100):
        raise AssertionError
    thread = Thread(target=other, daemon=True)
    thread.start()
    thread.join(LONG)
    assert found == [99], "it does not wait for one that never was inside"
    assert ctx.prec == before


def test_one_precision_may_be_entered_again() -> None:
    before, wide = ctx.prec, working_precision(100)
    with wide, working_precision(200):
        with wide:
            assert ctx.prec == 100
        assert ctx.prec == 200
    assert ctx.prec == before
