"""The one place where the working precision of ball arithmetic is set, raised and restored.

Threads. The ball library has one precision for the whole process. Code inside ``working_precision`` is protected: one thread at a
time is inside, and it finds its own precision until it leaves. Code outside is not: while another thread is inside it computes at
that thread's precision, so results whose width matters belong inside. What is a ball stays an enclosure at any precision.
Inside, never wait for another thread that may need the precision itself, and do not hand control back with ``yield``: the other
thread waits for the first to leave, the first for the other, for ever. The same thread may enter again.
"""

from collections.abc import Callable
from threading import RLock
from typing import TypeVar

from flint import ctx

_LOCK = RLock()

FIRST_BITS, CAP_BITS = 64, 1024
"""Where the search for a sufficient precision starts, and where it gives up."""

T = TypeVar("T")


class working_precision:
    """Work at ``bits`` of precision and restore the old value at the end, also after an exception.

    A second thread waits at the entrance until the first has left; the module says what that protects and what not.
    Raises ValueError when ``bits`` < 2.
    """

    def __init__(self, bits: int) -> None:
        """Nothing is set before the entrance."""
        if bits < 2:
            raise ValueError(f"precision is {bits} bits; it must be at least 2")
        self._bits = bits
        self._before: list[int] = []

    def __enter__(self) -> None:
        """Wait for other threads, and set the precision; where it cannot be set, nobody is inside."""
        _LOCK.acquire()
        self._before.append(ctx.prec)
        try:
            ctx.prec = self._bits
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        """Set what was set before."""
        ctx.prec = self._before.pop()
        _LOCK.release()


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
