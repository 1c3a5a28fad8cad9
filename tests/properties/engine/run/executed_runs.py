"""Runs of a small suite whose claim is slow the first time, for what an executor's workers may meet."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from properties.engine.replay.archive import counterexamples_in, gathered
from verified_natural_gradient.options import CHECKOUT

EXAMPLE = CHECKOUT / "docs" / "another-suite"

SLOW_ONCE = """

def _slow_once(conclusion):
    import os, time
    from pathlib import Path

    def slow(one):
        if not Path("started").exists():
            Path("starting").write_text(str(os.getpid()))
            os.rename("starting", "started")
            time.sleep(600)
        return conclusion(one)

    return slow


import dataclasses
from properties.engine.replay.archive import counterexamples_in, gathered

CLAIMS = (CLAIMS[0], dataclasses.replace(CLAIMS[1], conclusion=_slow_once(CLAIMS[1].conclusion)))
"""

ANY_RUN = ("seconds", "environment", "made", "digest")
"""What of a document differs between runs that found the same: times, and threads of linear algebra."""


def small_suite(directory: Path, changed: tuple[str, str] = ("", ""), more: str = "") -> Path:
    """The suite of docs/another-suite in a directory of its own, its module changed."""
    place = directory / "suite"
    shutil.copytree(EXAMPLE, place, ignore=shutil.ignore_patterns("__pycache__", "out"))
    text = (place / "quadratics.py").read_text(encoding="utf-8")
    assert changed[0] in text
    (place / "quadratics.py").write_text(text.replace(*changed) + more, encoding="utf-8")
    return place


def heed_interrupts() -> None:
    """A shell's background jobs ignore the signal, and so would all that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def begun(place: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """A run of all claims of the suite there."""
    words = ["-v", "-p", "no:cacheprovider", "--ngd-claim=all", "--ngd-depth=normal", "--ngd-report=out", *options]
    with (place / "output").open("w") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *words],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=heed_interrupts,
        )


def ended(run: subprocess.Popen[bytes], place: Path) -> tuple[int, str]:
    """Its exit code and what it said."""
    try:
        run.wait(timeout=300)
    finally:
        run.kill()
    return run.returncode, (place / "output").read_text(encoding="utf-8")


def wait_until_slow(place: Path, run: subprocess.Popen[bytes], items: int = 3) -> int:
    """Wait until the slow claim is at work and so many other items are recorded; the process that is at work."""
    deadline = time.monotonic() + 300  # a busy machine takes its time
    while run.poll() is None and time.monotonic() < deadline:
        recorded = (place / "output").read_text(encoding="utf-8").count("PASSED")
        if recorded >= items and (place / "started").exists():
            break
        time.sleep(0.02)
    return int((place / "started").read_text())


def results(report: Path) -> dict[str, Any]:
    """What a report holds that is the same whoever did the items: claims.json, and the counterexamples by name."""
    texts = gathered([report / "claims.json", *counterexamples_in(report / "counterexamples")])
    documents = {name: json.loads(text) for name, text in texts.items()}
    return {name: without(document) for name, document in documents.items()}


def without(value: Any) -> Any:
    """A document without what differs between runs."""
    if isinstance(value, dict):
        return {key: without(one) for key, one in value.items() if key not in ANY_RUN}
    return [without(one) for one in value] if isinstance(value, list) else value
