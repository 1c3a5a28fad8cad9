"""Children forked from a process that has imported what they need."""

import contextlib
import os
import signal
from collections.abc import Callable


def forked(work: Callable[[], int]) -> int:
    """Start a child in a process group of its own, silent."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        code = work()
    finally:
        os._exit(code)


def ended(process: int) -> int | None:
    """The exit code of a child, None while it runs; a signal counts as code 1."""
    done, status = os.waitpid(process, os.WNOHANG)
    if not done:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 1


def stopped(process: int) -> None:
    """End a child and its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
