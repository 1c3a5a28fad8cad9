"""A step in a process of its own, in which it was never called before: the honest test of whether it keeps state.

One process for a step, started at the first refutation, imports it anew and is forked for every session, which costs milliseconds. A counterexample that depends on
earlier calls names its implementation ``AfterCalls``: whoever evaluates it begins a session, makes those calls, and goes on.
"""

from __future__ import annotations

import atexit
import os
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from properties.guard import fresh_server
from properties.guard.fresh_server import read_frame, write_frame
from properties.guard.implementation import Answer, Call, Implementation
from theory.errors import ImplementationError

PATIENCE = 300.0
"""Seconds without an answer after which a process is given up: forked libraries may wait for ever for their threads."""


class Process:
    """A process that has imported a step and never called it."""

    def __init__(self, implementation: Implementation) -> None:
        """Start it. Raises ImplementationError when the step cannot be imported there, or was made here."""
        self._implementation = implementation
        self._open = False
        self.sessions = 0
        """How many were begun."""
        self._start()

    def _start(self) -> None:
        implementation = self._implementation
        directory = implementation.loaded.directory
        if directory is None:
            raise ImplementationError(f"the step {implementation.name} cannot be imported anew")
        path = os.pathsep.join(path or os.getcwd() for path in sys.path)
        variables = {
            "PYTHONPATH": path,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }  # threads do not survive a fork
        self._process = subprocess.Popen(
            [sys.executable, "-m", fresh_server.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **variables},
            start_new_session=True,
            bufsize=0,
        )
        said = self._exchange((implementation.name, implementation.optimiser, str(directory)))
        if said != "":
            self.close()
            raise ImplementationError(f"a fresh process could not import {implementation.name}: {said or 'it ended'}")

    def begin(self) -> None:
        """Begin a session, in which no call was made. Raises ImplementationError when the process has ended."""
        if self.sessions and not fresh_server.FORKS:
            self.close()
            self._start()
        self.end()
        self._send("begin")
        self._open = True
        self.sessions += 1

    def call(self, call: Call) -> Answer:
        """What the step returns in the session."""
        found = self._exchange(call)
        if isinstance(found, Answer):
            return found
        self._open = False
        return Answer(None, "ended its process")

    def end(self) -> None:
        """End the session if there is one."""
        if self._open:
            self._open = False
            self._exchange(None)

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.close()
            self._process.stdout.close()
        self._process.kill()
        self._process.wait()

    def _exchange(self, value: Any) -> Any:
        self._send(value)
        assert self._process.stdout is not None
        source = self._process.stdout.fileno()
        try:
            if fresh_server.FORKS and not select.select([source], [], [], PATIENCE)[0]:
                self._process.kill()
            return read_frame(source)
        except (EOFError, OSError):
            return None

    def _send(self, value: Any) -> None:
        assert self._process.stdin is not None
        try:
            write_frame(self._process.stdin.fileno(), value)
        except (OSError, ValueError) as error:  # it has ended, or was closed
            raise ImplementationError("the fresh process has ended") from error


@dataclass(frozen=True)
class AfterCalls(Implementation):
    """The same step in a session of its own, in which these calls came first."""

    before: tuple[Call, ...] = ()

    @property
    def calls_made(self) -> int:
        """How many calls came before."""
        return len(self.before)

    @cached_property
    def _session(self) -> tuple[Process, int]:
        process = process_of(Implementation(self.name, self.optimiser))
        process.begin()
        for call in self.before:
            process.call(call)
        return process, process.sessions

    def answer(self, call: Call) -> Answer:
        """What it returns next. Raises ImplementationError when there is no fresh process, or another session has begun."""
        process, session = self._session
        if process.sessions != session:
            raise ImplementationError(f"the session of {self.name} is over, as another one has begun")
        return process.call(call)


_PROCESSES: dict[tuple[str, str, str], Process] = {}


def process_of(implementation: Implementation) -> Process:
    """The process of a step, which lives as long as this one. Raises ImplementationError when there is none to be had."""
    key = (implementation.name, implementation.optimiser, str(implementation.loaded.directory))
    if key not in _PROCESSES:
        _PROCESSES[key] = Process(implementation)
        atexit.register(_PROCESSES[key].close)
    return _PROCESSES[key]
