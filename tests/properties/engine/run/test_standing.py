"""Where the standing of a run goes."""

import io
import os
import re
import sys
import termios
import time
from typing import TextIO

import pytest

from properties.engine.run.standing import LogLines, Standing, TerminalLine, terminal_stream


class Terminal(io.StringIO):
    """Keeps what was written when it is closed."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def close(self) -> None:
        pass


def standing_of(done: int, said: str = "N-a holds") -> Standing:
    return Standing([("claims", done, 16), ("a name that is too long", 1, 2)], 3_725.0, said)


@pytest.mark.parametrize(
    ("encoding", "bars"),
    [("utf-8", ("█▌      ", "████    ")), ("ascii", ("##      ", "####    ")), ("", ("##      ",))],
)
def test_bars_are_drawn_in_the_characters_of_the_terminal(encoding: str, bars: tuple[str, ...]) -> None:
    stream = Terminal(encoding)
    line = TerminalLine(stream)
    line.tell(standing_of(3), ended=True)
    line.close()
    assert (
        f"claims {bars[0]} 3/16  a name that  {bars[-1]} 1/2  1:02:05 left  N-a holds" in stream.getvalue()
        or not bars[1:]
    )
    assert bars[0] in stream.getvalue()


def test_a_line_is_drawn_ten_times_a_second_and_whenever_something_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stream = Terminal("ascii")
    line = TerminalLine(stream)
    told = [(0.0, False), (0.05, False), (0.06, True), (0.15, False), (0.17, False)]
    for seconds, ended in told:
        now[0] = 100.0 + seconds
        line.tell(standing_of(1, f"<after {seconds}>"), ended)
    assert re.findall("<after (.*?)>", stream.getvalue()) == ["0.0", "0.06", "0.17"]
    line.clear()
    assert stream.getvalue().rpartition("<after 0.17>")[2].strip("\r ") == ""
    assert stream.getvalue().endswith("\r")
    line.close()
    assert stream.getvalue().endswith("\r")


def test_a_line_of_a_log_comes_at_once_then_every_ten_seconds_and_only_of_what_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    lines: list[str] = []
    log = LogLines(lines.append)
    log.tell(standing_of(0, "N-a: 3 instances"), ended=False)
    assert lines == []
    for seconds in (0.0, 9.9, 10.0):
        now[0] = 100.0 + seconds
        log.tell(standing_of(int(seconds), f"after {seconds} seconds"), ended=True)
    assert lines == [
        "after 0.0 seconds; claims 0 of 16, a name that is too long 1 of 2; about 1:02:05 left",
        "after 10.0 seconds; claims 10 of 16, a name that is too long 1 of 2; about 1:02:05 left",
    ]


def test_nothing_is_said_of_the_time_left_where_nobody_knows() -> None:
    unknown = Standing([("claims", 0, 2)], None, "")
    lines: list[str] = []
    LogLines(lines.append).tell(unknown, ended=True)
    assert lines == ["claims 0 of 2"]
    stream = Terminal("ascii")
    line = TerminalLine(stream)
    line.tell(unknown, ended=True)
    assert re.search(r"claims +0/2\s*$", stream.getvalue())
    line.close()


@pytest.mark.parametrize(("kind", "draws"), [("xterm", True), ("dumb", False), (None, False)])
def test_a_terminal_is_drawn_on_unless_it_cannot_go_back(
    monkeypatch: pytest.MonkeyPatch, kind: str | None, draws: bool
) -> None:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (10, 60))
    monkeypatch.delenv("TERM", raising=False)
    if kind is not None:
        monkeypatch.setenv("TERM", kind)
    with os.fdopen(theirs, "w", encoding="ascii") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        found = terminal_stream()
        assert (found is not None) is draws
        if found is not None:
            found.write("é: what the terminal has no character for")
            found.flush()
            assert os.read(ours, 3) == b"?: "
            os.read(ours, 1000)
            line = TerminalLine(found)
            line.tell(standing_of(3, "what is longer than the terminal is wide"), ended=True)
            assert len(os.read(ours, 1000).decode().strip("\r\n")) <= 60
            line.close()
            assert found.closed
        assert terminal.isatty()  # still open
    os.close(ours)


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_no_terminal_no_line(monkeypatch: pytest.MonkeyPatch, stream: TextIO | None) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    assert terminal_stream() is None
