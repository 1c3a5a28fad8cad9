"""The one place where the working precision of ball arithmetic is set, raised and restored."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import TypeVar

from flint import ctx

_LOCK = RLock()

FIRST_BITS, CAP_BITS = 64, 1024
"""Where the search for a sufficient precision starts, and where it gives up."""

T = TypeVar("T")


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


def at_rising_precision(
    attempt: Callable[[], T], settled: Callable[[T], bool], first: int = FIRST_BITS, cap: int = CAP_BITS
) -> tuple[T, int]:
    """What ``attempt`` finds at ``first`` bits, twice as many, and so on, until it is settled; and the bits it took.

    ``settled`` is asked at the same precision. At the cap the last attempt is returned as it is, settled or not.
    """
    bits = min(first, cap)
    while True:
        with working_precision(bits):
            found = attempt()
            if bits >= cap or settled(found):
                return found, bits
        bits = min(2 * bits, cap)
