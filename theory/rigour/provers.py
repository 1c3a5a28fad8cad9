"""Provers for real arithmetic, each in a process of its own that is killed when it outlives its limit.

z3's nlsat and cvc5's coverings solver are independent of each other. Both read the same SMT-LIB text. Whatever goes wrong,
a time-out, a crash, a prover that is not installed, an answer that cannot be read, is the answer "unknown" with a reason.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import IO

PROVERS = ("z3", "cvc5")

LIMIT = 10.0
"""Seconds for one question, the start of the process included; those of the suite take hundredths."""

_SCRIPT = Path(__file__).with_name("prover_process.py")


@dataclass(frozen=True)
class Reply:
    """What a prover said to one question: "unsat", "sat" with a model, or "unknown" with a reason."""

    answer: str
    model: Mapping[str, Fraction] = field(default_factory=dict)
    reason: str = ""


class Prover:
    """One prover, started at its first question and again after it had to be killed. Use it as a context manager."""

    def __init__(self, name: str, limit: float = LIMIT, command: Sequence[str] | None = None) -> None:
        """Take the prover's name, the limit of a question in seconds, and the command if it is not the usual one."""
        self.name = name
        self._limit = limit
        self._command = [sys.executable, "-I", str(_SCRIPT), name] if command is None else list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None

    def __enter__(self) -> Prover:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the process."""
        self.close()

    def ask(self, query: str) -> Reply:
        """The reply to an SMT-LIB text of declarations and assertions, within the limit; the process is killed at it."""
        deadline = time.monotonic() + self._limit
        try:
            line = self._exchange(json.dumps({"query": query, "limit": self._limit}).encode() + b"\n", deadline)
            return _reply(line)
        except TimeoutError:
            return self._broken(f"no answer within {self._limit:g} s")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return self._broken(f"no answer that can be read ({error})")

    def close(self) -> None:
        """Kill the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()
        if self._complaints is not None:
            self._complaints.close()
            self._complaints = None

    def _exchange(self, question: bytes, deadline: float) -> bytes:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(question)
        process.stdin.flush()
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise OSError("its process ended")
            line += chunk
        return line

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._complaints = tempfile.TemporaryFile()
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, bufsize=0
            )
        return self._process

    def _broken(self, reason: str) -> Reply:
        """An unknown answer, after which the process starts afresh; the last line it complained with belongs to the reason."""
        lines: list[bytes] = []
        if self._complaints is not None:
            self._complaints.seek(0)
            lines = self._complaints.read().split(b"\n")
        last = next((line.decode(errors="replace") for line in reversed(lines) if line.strip()), "")
        self.close()
        return Reply("unknown", reason=f"{reason}: {last}" if last else reason)


def _reply(line: bytes) -> Reply:
    found = json.loads(line)
    if found["answer"] not in ("unsat", "sat", "unknown"):
        raise ValueError(f"it said {found['answer']!r}")
    model = {str(name): Fraction(value) for name, value in found["model"].items()}
    return Reply(found["answer"], model, "the prover does not know" if found["answer"] == "unknown" else "")
