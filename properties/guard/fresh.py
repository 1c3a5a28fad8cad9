"""A step in a process of its own, in which it was never called before: the honest test of whether it keeps state.

One process, started at the first refutation, imports the step in a fork, and that is forked for every session, which costs milliseconds. A counterexample that depends on
earlier calls names its implementation ``AfterCalls``: whoever evaluates it begins a session, makes those calls, and goes on.
"""

from __future__ import annotations

import atexit
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from properties.engine.stable_names import stored_as
from properties.guard import fresh_server
from properties.guard.fresh_server import BEGIN, LEAVE, read_frame, write_frame
from properties.guard.implementation import Answer, Call, Implementation, Trouble
from theory.errors import ImplementationError

PATIENCE = 300.0
"""Seconds without an answer after which a process is given up: forked libraries may wait for ever for their threads."""


class Process:
    """A process that imports steps, each in a fork of its own, and calls them in sessions."""

    def __init__(self) -> None:
        """Start it."""
        self.sessions = 0
        """How many were begun."""
        self._open = False
        self._step: tuple[str, str, str] | None = None
        self._start()

    def _start(self) -> None:
        path = os.pathsep.join(path or os.getcwd() for path in sys.path)
        # threads do not survive a fork
        variables = {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", fresh_server.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **variables},
            start_new_session=True,
            bufsize=0,
        )

    def take(self, implementation: Implementation) -> None:
        """Import a step. Raises ImplementationError when it cannot be imported there, or was made here."""
        directory = implementation.loaded.directory
        if directory is None:
            raise ImplementationError(f"the step {implementation.name} cannot be imported anew")
        step = (implementation.name, implementation.optimiser, str(directory))
        if step == self._step:
            return
        self._leave()
        said = self._exchange((*step, [path or os.getcwd() for path in sys.path]))
        if said != "":
            self._again()
            raise ImplementationError(f"a fresh process could not import {implementation.name}: {said or 'it ended'}")
        self._step = step

    def _leave(self) -> None:
        if self._step is not None:
            self._step = None
            self.end()
            self._exchange(LEAVE)

    def _again(self) -> None:
        self.close()
        self._open, self._step = False, None
        self._start()

    def begin(self, implementation: Implementation) -> None:
        """Begin a session of a step, in which no call was made. Raises ImplementationError."""
        if self.sessions and not fresh_server.FORKS:
            self._again()
        self.take(implementation)
        self.end()
        self._send(BEGIN)
        self._open = True
        self.sessions += 1

    def call(self, call: Call) -> Answer:
        """What the step returns in the session."""
        found = self._exchange(call)
        if isinstance(found, Answer):
            return found
        self._open = False
        return Answer(None, "ended its process", trouble=Trouble.ENDED)

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


@stored_as("implementation-after-calls")
@dataclass(frozen=True)
class AfterCalls(Implementation):
    """The same step in a session of its own, in which these calls came first."""

    before: tuple[Call, ...] = ()

    @classmethod
    def on(cls, implementation: Implementation, before: Sequence[Call] = ()) -> AfterCalls:
        """An implementation, with all that it claims to be, after these calls."""
        own = implementation
        return cls(own.name, own.optimiser, own.damping, own.singular, tuple(before))

    @property
    def calls_made(self) -> int:
        """How many calls came before."""
        return len(self.before)

    @cached_property
    def _session(self) -> int:
        process = fresh_process()
        process.begin(self.plain)
        for call in self.before:
            process.call(call)
        return process.sessions

    def answer(self, call: Call) -> Answer:
        """What it returns next. Raises ImplementationError when there is no fresh process, or another session has begun."""
        session = self._session
        if fresh_process().sessions != session:
            raise ImplementationError(f"the session of {self.name} is over, as another one has begun")
        return fresh_process().call(call)


@cache
def fresh_process() -> Process:
    """The one process, which lives as long as this one; started when it is first needed."""
    process = Process()
    atexit.register(process.close)
    return process
