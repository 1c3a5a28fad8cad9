"""The line that follows a long run: what it shows, that pytest's dots make room for it, and that it is quiet elsewhere."""

import io
import os
import pty
import re
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest

from properties.engine.run.progress import terminal_stream
from tests.properties.engine.run.plugin_suite import ITEMS

OWN_REGISTRY = """
from dataclasses import replace
from properties import plugin
from tests.properties.engine import fake_claims
plugin.SUITE = replace(plugin.SUITE, claims={"N-small": fake_claims.claim()}, obligations={}, chains={}, document=None)
"""


def seen_on_a_terminal(directory: Path, *arguments: str) -> str:
    """What a run writes to a terminal of 100 columns."""
    (directory / "conftest.py").write_text(OWN_REGISTRY)
    (directory / "test_items.py").write_text(ITEMS.read_text())
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    written: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(ours, 65536):
                written.append(chunk)
        except OSError:  # the terminal's other side is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    environment = {**os.environ, "PYTHONPATH": str(ITEMS.parents[2])}
    command = [sys.executable, "-m", "pytest", "-p", "properties.plugin", "--ngd-claim=all", *arguments]
    subprocess.run(command, cwd=directory, env=environment, stdout=theirs, stderr=theirs, check=False)
    os.close(theirs)
    reader.join(60)
    os.close(ours)
    return b"".join(written).decode()


def test_a_terminal_shows_claim_instances_tightest_and_time_left(tmp_path: Path) -> None:
    seen = seen_on_a_terminal(tmp_path)
    assert re.search(r"N-small: \d+ instances, tightest \S+ +\d+% 00:0\d gone, 00:0\d left", seen)
    assert "left" in seen
    assert "..." not in seen.partition("test_items.py")[2].partition("claims ==")[0]  # the dots
    assert "3 passed" in seen


@pytest.mark.parametrize("arguments", [("-q",), ("-v",)])
def test_other_verbosities_have_no_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert " left" not in seen_on_a_terminal(tmp_path, *arguments)


def test_no_terminal_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert terminal_stream() is None
    monkeypatch.setattr(sys, "stderr", None)
    assert terminal_stream() is None
