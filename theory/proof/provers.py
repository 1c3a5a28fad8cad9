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
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

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
        # -P: no module beside the script is taken for one of a prover's; what PYTHONPATH and the user's own directory hold counts
        self._command = [sys.executable, "-P", str(_SCRIPT), name] if command is None else list(command)
        self._process: subprocess.Popen[bytes] | None = None

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
            reason = f"no answer within {self._limit:g} s"
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            reason = f"no answer that can be read ({error})"
        self.close()
        return Reply("unknown", reason=reason)

    def close(self) -> None:
        """Kill the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

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
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
            )
        return self._process


def _reply(line: bytes) -> Reply:
    found = json.loads(line)
    if found["answer"] not in ("unsat", "sat", "unknown"):
        raise ValueError(f"it said {found['answer']!r}")
    return Reply(
        found["answer"], {name: Fraction(value) for name, value in found["model"].items()}, str(found["reason"])
    )
