"""The process in which steps are imported anew, each in a fork; that is forked again for every session, as it was after the import.

Run as a module by fresh.py. Frames on standard input and output are a length of 8 bytes and a pickle. What the step prints goes
nowhere. Where a process cannot be forked, one session of one step is all that it serves.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from properties.guard.implementation import Returned, ask, load_implementation

LENGTH = struct.Struct("<Q")

BEGIN, LEAVE = "begin", "leave"
"""What a step is told between sessions."""

FORKS = hasattr(os, "fork")


def write_frame(descriptor: int, value: Any) -> None:
    """Send one value. Raises OSError."""
    content = pickle.dumps(value)
    content = LENGTH.pack(len(content)) + content
    while content:
        content = content[os.write(descriptor, content) :]


def read_frame(descriptor: int) -> Any:
    """Wait for one value. Raises EOFError when the other side is gone, OSError."""
    (length,) = LENGTH.unpack(_exactly(descriptor, LENGTH.size))
    return pickle.loads(_exactly(descriptor, length))


def _exactly(descriptor: int, count: int) -> bytes:
    parts = []
    while count:
        part = os.read(descriptor, min(count, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def serve(source: int, sink: int) -> None:
    """Serve one step after the other until the other side is gone."""
    while True:
        wanted = read_frame(source)
        if not FORKS:
            _steps(wanted, source, sink)
            return
        _in_a_fork(lambda wanted=wanted: _steps(wanted, source, sink))  # type: ignore[misc]
        write_frame(sink, None)  # the step is done with, or has ended its process


def _steps(wanted: tuple[str, str, str, list[str]], source: int, sink: int) -> None:
    """Import one step and serve its sessions until it is done with."""
    name, optimiser, directory, sys.path[:] = wanted
    try:
        step = load_implementation(name, optimiser, Path(directory)).loaded.step
    except Exception as error:
        write_frame(sink, str(error))
        return
    write_frame(sink, "")
    while read_frame(source) == BEGIN:
        if not FORKS:
            _session(step, source, sink)
            return
        _in_a_fork(lambda: _session(step, source, sink))
        write_frame(sink, None)  # the session is over, or the step has ended its process


def _in_a_fork(work: Callable[[], None]) -> None:
    process = _fork()
    if process == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(process, 0)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads that libraries have started
        return os.fork()


def _session(step: Any, source: int, sink: int) -> None:
    latest = Returned()
    with threadpool_limits(1, user_api="blas"):
        while (call := read_frame(source)) is not None:
            write_frame(sink, ask(step, call, latest))


def main() -> None:
    """Keep the two channels for frames, and give the step others."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    try:
        serve(source, sink)
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    main()
