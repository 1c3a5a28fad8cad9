"""The one place where the working precision of ball arithmetic is set and restored."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from flint import ctx

_LOCK = RLock()


@contextmanager
def working_precision(bits: int) -> Iterator[None]:
    """Work at ``bits`` of precision and restore the old value at the end, also after an exception.

    The precision of the ball library belongs to the whole process, so a second thread waits until the first has left.
    Raises ValueError when ``bits`` < 2.
    """
    if bits < 2:
        raise ValueError(f"precision is {bits} bits; it must be at least 2")
    with _LOCK:
        before = ctx.prec
        ctx.prec = bits
        try:
            yield
        finally:
            ctx.prec = before
