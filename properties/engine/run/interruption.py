"""A request to terminate (SIGTERM) taken for Ctrl-C, so that a run that is stopped keeps what it has found."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType


def heed_termination() -> Callable[[], None]:
    """Raise KeyboardInterrupt on SIGTERM until the function returned is called.

    Only in the main thread, which alone may say what a signal does, and only where nobody else has said so.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return lambda: None
    signal.signal(signal.SIGTERM, _interrupt)

    def restore() -> None:
        if signal.getsignal(signal.SIGTERM) is _interrupt:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    return restore


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
