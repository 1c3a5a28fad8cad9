"""Linear algebra takes one thread while something is evaluated that is stored, and as many as before afterwards."""

from threadpoolctl import threadpool_info, threadpool_limits

from properties.engine.replay.one_thread import one_thread


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_one_thread_lasts_as_long_as_asked() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        for _ in range(2):
            with one_thread():
                assert threads() == {1}
            assert threads() == before
