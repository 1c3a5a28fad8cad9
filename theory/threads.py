"""The threads that the libraries of linear algebra may use.

The libraries are looked for once: to look again takes a millisecond, as long as a small chunk.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def allowed() -> int:
    """What the libraries are set to, the least of them; 1 without any that is known."""
    return min((library.num_threads or 1 for library in _libraries().lib_controllers), default=1)


_LOCK = Lock()
_INSIDE: list[object] = []
_LIMIT = ExitStack()


@contextmanager
def one_thread() -> Iterator[None]:
    """All products of the process by one thread each while it lasts, in whichever of its threads it began first or ends last."""
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
