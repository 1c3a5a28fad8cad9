"""Where the standing of a run goes."""

import io
import sys
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


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_no_terminal_no_line(monkeypatch: pytest.MonkeyPatch, stream: TextIO | None) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    assert terminal_stream() is None
