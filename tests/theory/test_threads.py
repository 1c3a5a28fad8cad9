"""One thread of linear algebra, in whatever order several of a process ask for it."""

from contextlib import ExitStack

import pytest
from threadpoolctl import threadpool_limits

from tests.linear_algebra import blas_threads
from theory.threads import one_thread, threads_allowed


def test_what_is_allowed_is_what_the_libraries_are_blas_threads() -> None:
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            assert {threads_allowed()} == blas_threads() == {threads}


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
