"""The threads that the libraries of linear algebra may use.

The libraries are looked for once, as to look again takes a millisecond, as long as a small chunk. Whoever asks has imported NumPy's and
SciPy's; one that is loaded after the first look is not limited.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def threads_allowed() -> int:
    """How many threads the libraries are set to use, the least of them; 1 without any that is known."""
    return min((library.num_threads or 1 for library in _libraries().lib_controllers), default=1)


_LOCK = Lock()
_INSIDE: list[object] = []
"""One for each ``one_thread`` that has begun and not ended, in whatever thread."""
_LIMIT = ExitStack()


@contextmanager
def one_thread() -> Iterator[None]:
    """All products of the process by one thread each while it lasts.

    The limit belongs to the process: where several of its threads ask for it, it lasts from the first who begins to the last who ends.
    """
    entered = object()
    with _LOCK:
        if not _INSIDE:
            _LIMIT.enter_context(_libraries().limit(limits=1, user_api="blas"))
        _INSIDE.append(entered)
    try:
        yield
    finally:
        with _LOCK:
            _INSIDE.remove(entered)
            if not _INSIDE:
                _LIMIT.close()
