"""The threads that the libraries of linear algebra may use.

The libraries are looked for once, as to look again takes a millisecond, as long as a small chunk. Whoever asks has imported NumPy's and
SciPy's; one that is loaded after the first look is not limited.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import Lock, get_ident

from threadpoolctl import ThreadpoolController


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def threads_allowed() -> int:
    """How many threads the libraries are set to use, the least of them; 1 without any that is known."""
    if _INSIDE:  # asked for every product, where each library would be asked in its turn
        return 1
    return min((library.num_threads or 1 for library in _libraries().lib_controllers), default=1)


_LOCK = Lock()
_INSIDE: list[int] = []
"""The thread of each that has begun and not ended."""
_BEFORE: list[int | None] = []
"""What the libraries were set to before the first of them."""


def _limit() -> None:
    _BEFORE[:] = [library.num_threads for library in _libraries().lib_controllers]
    _set([1] * len(_BEFORE))


def _set(counts: Sequence[int | None]) -> None:
    """Whichever thread asks: threadpoolctl lets one alone set OpenBLAS in its newer versions, and what another asks for is passed over."""
    for library, count in zip(_libraries().lib_controllers, counts, strict=True):
        if count is not None:
            getattr(library, "_real_set_num_threads", library.set_num_threads)(count)


@contextmanager
def one_thread() -> Iterator[None]:
    """All products of the process by one thread each while it lasts.

    The limit belongs to the process: where several of its threads ask for it, it lasts from the first who begins to the last who ends.
    """
    entered = get_ident()
    with _LOCK:
        if not _INSIDE:
            _limit()
        _INSIDE.append(entered)
    try:
        yield
    finally:
        with _LOCK:
            _INSIDE.remove(entered)
            if not _INSIDE:
                _set(_BEFORE)


def _after_fork() -> None:
    """In a fork only the thread goes on that forked: what others began ends with them."""
    begun = len(_INSIDE)
    _INSIDE[:] = [entered for entered in _INSIDE if entered == get_ident()]
    if begun and not _INSIDE:
        _set(_BEFORE)
    _LOCK.release()


if hasattr(
    os, "register_at_fork"
):  # a fork would have the lock as another thread of its parent held it, and wait for ever
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_after_fork)
