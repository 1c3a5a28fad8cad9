"""One thread of linear algebra, in whatever order several of a process ask for it."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from threading import Event, Thread

import pytest
from threadpoolctl import threadpool_limits

from tests.linear_algebra import blas_threads
from theory import threads
from theory.threads import one_thread, threads_allowed


def test_what_is_allowed_is_what_the_libraries_are_blas_threads() -> None:
    for count in (1, 2):
        with threadpool_limits(count, "blas"):
            assert {threads_allowed()} == blas_threads() == {count}


def test_it_lasts_until_the_last_has_ended_and_leaves_what_was_before() -> None:
    """The second begins before the first ends, as two chunks of a pass do."""
    with threadpool_limits(2, "blas"):
        first, second = ExitStack(), ExitStack()
        first.enter_context(one_thread())
        second.enter_context(one_thread())
        first.close()
        assert blas_threads() == {1}
        second.close()
        assert blas_threads() == {2}


def test_an_error_ends_it() -> None:
    with threadpool_limits(2, "blas"):
        with pytest.raises(ZeroDivisionError), one_thread():
            raise ZeroDivisionError
        assert blas_threads() == {2}


@pytest.mark.parametrize("first", ["this thread", "another"])
def test_it_is_so_whichever_thread_begins_it_and_whichever_ends_it(first: str) -> None:
    """Another thread than the one that set the libraries before, as it does not limit them by threadpoolctl itself."""
    stack = ExitStack()

    def elsewhere(act: Callable[[], object]) -> None:
        thread = Thread(target=act)
        thread.start()
        thread.join()

    def begin() -> None:
        stack.enter_context(one_thread())

    with threadpool_limits(2, "blas"):
        for act, threads_now in ((begin, 1), (stack.close, 2)):
            here = (act == begin) == (first == "this thread")
            if here:
                act()
            else:
                elsewhere(act)
            assert blas_threads() == {threads_now}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_has_only_what_its_own_thread_began() -> None:
    """Another thread is within at the time, and holds the lock when the fork is asked for."""
    began, end = Event(), Event()

    def other() -> None:
        with one_thread():
            with threads._LOCK:
                began.set()
                end.wait(0.2)
            end.wait(60)

    thread = Thread(target=other)
    thread.start()
    assert began.wait(60)
    assert in_a_fork(lambda: threads._LOCK.acquire(timeout=10) and not threads._INSIDE)
    assert len(threads._INSIDE) == 1
    end.set()
    thread.join()
    with threadpool_limits(2, "blas"):
        with one_thread():
            assert in_a_fork(lambda: len(threads._INSIDE) == 1 and blas_threads() == {1})
        assert blas_threads() == {2}


def in_a_fork(check: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if check() else 3)
        finally:
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
