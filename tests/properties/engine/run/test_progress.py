"""What follows a long run: a line on a terminal that makes room for pytest's own, lines in a log, and nothing where more or less is asked for."""

import os
import pty
import re
import subprocess
import sys
import termios
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from properties.engine.run.claim_shares import ClaimShare
from properties.engine.run.progress import Progress
from properties.engine.run.standing import Standing
from tests.properties.engine import fake_claims
from tests.properties.engine.run.plugin_suite import ITEMS

OWN_REGISTRY = """
from dataclasses import replace
from properties import plugin
from tests.properties.engine import fake_claims
known = {id: fake_claims.claim(id) for id in ("N-small", "N-little")}
plugin.SUITE = replace(plugin.SUITE, claims=known, obligations={}, chains={}, chapters=(), durations=None, document=None)
"""

SUCCESSFUL = {"TERM": "xterm", "NO_COLOR": ""}
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def command(directory: Path, *arguments: str, registry: str = OWN_REGISTRY) -> list[str]:
    """A run of the items of two claims."""
    (directory / "conftest.py").write_text(registry)
    (directory / "test_items.py").write_text(ITEMS.read_text())
    return [sys.executable, "-m", "pytest", "-p", "properties.plugin", "--ngd-claim=all", *arguments]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ITEMS.parents[2]), **SUCCESSFUL, **changes}


def seen_on_a_terminal(directory: Path, *arguments: str, registry: str = OWN_REGISTRY, **changes: str) -> str:
    """What a run writes to a terminal of 100 columns."""
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
    subprocess.run(
        command(directory, *arguments, registry=registry),
        cwd=directory,
        env=environment(**changes),
        stdout=theirs,
        stderr=theirs,
        check=False,
    )
    os.close(theirs)
    reader.join(60)
    os.close(ours)
    return b"".join(written).decode()


def seen_in_a_log(directory: Path, *arguments: str, registry: str = OWN_REGISTRY) -> str:
    done = subprocess.run(
        command(directory, *arguments, registry=registry),
        cwd=directory,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def drawn(seen: str) -> list[str]:
    """The drawings of the line."""
    return [one.rstrip() for one in re.split(r"[\r\n]", seen) if re.match(r"claims .* \d/2 ", one)]


@pytest.mark.parametrize("distributed", [(), ("-n", "1"), ("--ngd-executor", "serial")])
def test_a_terminal_shows_a_bar_the_time_left_and_the_last_item(tmp_path: Path, distributed: tuple[str, ...]) -> None:
    seen = seen_on_a_terminal(tmp_path, *distributed, NO_COLOR="1")
    lines = drawn(seen)
    assert any(re.search(r"^claims [█▏▎▍▌▋▊▉ ]{8} [12]/2  \d\d:\d\d left  \S.*", one) for one in lines), seen
    assert any("tightest" in one or "mutant" in one for one in lines)
    if "-n" not in distributed:  # its workers say later what there is
        assert re.search(r"claims +0/2", seen), "nothing to see before the first item has ended"
    assert all(len(one) <= 100 for one in lines)
    assert "..." not in seen.partition("items")[2].partition("claims ==")[0]  # the dots
    assert "\x1b" not in seen  # NO_COLOR
    assert "6 passed" in seen


@pytest.mark.parametrize("distributed", [(), ("-n", "1"), ("--ngd-executor", "serial")])
def test_nothing_is_left_of_the_line_where_an_item_has_failed(tmp_path: Path, distributed: tuple[str, ...]) -> None:
    """Pytest writes how far it came at the end of the line that it thinks it has."""
    registry = OWN_REGISTRY.replace("claim(id)", "claim(id, limit=20.0)")
    seen = seen_on_a_terminal(tmp_path, *distributed, registry=registry, NO_COLOR="1")
    assert "2 failed" in seen
    assert "%]" in seen
    assert drawn(seen)
    assert not any("%]" in one for one in drawn(seen))


def test_a_terminal_that_draws_no_line_again_is_a_log(tmp_path: Path) -> None:
    seen = seen_on_a_terminal(tmp_path, TERM="dumb", NO_COLOR="1").replace("\r\n", "\n")
    assert not drawn(seen)
    assert "\x1b" not in seen
    assert re.search(r"(?m)^N-small holds, tightest \S+; claims 1 of 2; about \d\d:\d\d left$", seen), seen


@pytest.mark.parametrize("distributed", [(), ("-n", "1"), ("--ngd-executor=serial",)])
def test_a_log_has_the_first_verdict_in_a_plain_line(tmp_path: Path, distributed: tuple[str, ...]) -> None:
    seen = seen_in_a_log(tmp_path, *distributed)
    assert not CONTROL.search(seen)
    assert re.search(r"(?m)^N-\w+ holds, tightest \S+; claims 1 of 2; about \d\d:\d\d left$", seen), seen
    assert seen.count(" left") == 1  # not another one for ten seconds


@pytest.mark.parametrize("distributed", [(), ("-n", "2"), ("--ngd-executor=serial",)])
def test_a_log_keeps_its_lines_together(tmp_path: Path, distributed: tuple[str, ...]) -> None:
    """Nothing but the letters of items that have failed stands between them, and no line begins behind a letter."""
    registry = OWN_REGISTRY.replace("claim(id)", "claim(id, limit=20.0)")
    registry += "from properties.engine.run import standing\nstanding.BETWEEN_LINES = 0.0\n"
    seen = seen_in_a_log(tmp_path, *distributed, registry=registry).partition("= FAILURES =")[0]
    between = seen[seen.index("N-") :].splitlines()[:-1]
    told = [line for line in between if re.fullmatch(r"N-\S+ refuted.*; claims [12] of 2.*", line)]
    assert len(told) >= 2, seen
    assert "chosen" not in "".join(between)
    others = [line for line in between if line.strip() and " left" not in line and line not in told]
    assert all(re.fullmatch(r"F*( *\[ *\d+%\])?", line) for line in others), seen


@pytest.mark.parametrize("arguments", [("-q",), ("-v",)])
def test_other_verbosities_have_no_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert " left" not in seen_on_a_terminal(tmp_path, *arguments)
    assert " left" not in seen_in_a_log(tmp_path, *arguments)


class Kept:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.standings: list[Standing] = []
        self.ended: list[bool] = []

    def tell(self, standing: Standing, ended: bool) -> None:
        self.standings.append(standing)
        self.ended.append(ended)

    def clear(self) -> None:
        pass

    def close(self) -> None:
        pass


def ended(node: str, seconds: float, **entry: Any) -> Any:
    return SimpleNamespace(nodeid=node, when="call", duration=seconds, verification_entry=entry, passed=True)


def test_claims_and_the_shares_of_each_part_are_counted_of_those_that_are_run() -> None:
    def piece(share: str) -> Any:
        name = f"digits[{share}]"
        task = SimpleNamespace(kind="dataset", name="digits")
        return SimpleNamespace(
            task=task, share=SimpleNamespace(name=share), item_name=f"dataset[{name}]", own_name=name
        )

    claims = [SimpleNamespace(id=id) for id in ("N-a", "N-b", "N-deselected")]
    run: Any = SimpleNamespace(searches=claims, pieces=[piece("inputs"), piece("n = 8, ngd")])
    shown = Kept()
    progress = Progress(run, {"N-a": 4.0}, shown)
    items = [SimpleNamespace(nodeid=f"chosen::{name}") for name in ("N-a", "N-b", "N-b/mutant", "O-small")]
    items += [SimpleNamespace(nodeid=f"chosen::dataset[digits[{name}]]") for name in ("inputs", "n = 8, ngd")]
    session: Any = SimpleNamespace(items=items)
    progress.pytest_collection_finish(session)
    progress.pytest_runtest_logstart("chosen::N-a")
    progress.pytest_runtest_logreport(ended("chosen::N-a", 4.0, kind="claim", id="N-a", verdict="holds"))
    progress.pytest_runtest_logreport(
        ended("chosen::N-b/mutant", 0.1, kind="mutant", id="N-b/mutant", verdict="refuted")
    )
    progress.pytest_runtest_logreport(ended("chosen::O-small", 0.1, kind="obligation", id="O-small", status="proved"))
    name = "chosen::dataset[digits[inputs]]"
    progress.pytest_runtest_logreport(ended(name, 10.0, kind="dataset", name="digits", share="inputs"))
    assert [one.said for one in shown.standings] == [
        "N-a holds",
        "mutant N-b/mutant refuted",
        "O-small proved",
        "digits[inputs]",
    ]
    counts = [one.counts for one in shown.standings]
    assert counts[0] == counts[2] == [("claims", 1, 2), ("digits", 0, 2)]
    assert counts[3] == [("claims", 1, 2), ("digits", 1, 2)]
    left = [one.left for one in shown.standings]
    assert left == pytest.approx([20.3, 20.2, 20.1, 10.1])
    assert shown.ended == [True, False, False, True]


def test_a_claim_in_shares_counts_once_with_its_last_one() -> None:
    claim = fake_claims.claim("N-a")
    run: Any = SimpleNamespace(
        searches=[*(ClaimShare(name, claim) for name in ("F1", "few 1", "few 2")), fake_claims.claim("N-b")], pieces=[]
    )
    shown = Kept()
    progress = Progress(run, {}, shown)
    names = ["N-a[F1]", "N-a[few 1]", "N-a[few 2]", "N-b"]
    session: Any = SimpleNamespace(items=[SimpleNamespace(nodeid=f"chosen::{name}") for name in names])
    progress.pytest_collection_finish(session)
    for share in ("few 2", "F1"):
        entry = {"kind": "claim", "id": "N-a", "share": share, "verdict": "holds"}
        progress.pytest_runtest_logreport(ended(f"chosen::N-a[{share}]", 0.1, **entry))
    progress.pytest_runtest_logreport(ended("chosen::N-b", 0.1, kind="claim", id="N-b", verdict="holds"))
    entry = {"kind": "claim", "id": "N-a", "share": "few 1", "verdict": "holds"}
    progress.pytest_runtest_logreport(ended("chosen::N-a[few 1]", 0.1, **entry))
    assert [one.said for one in shown.standings] == [
        "N-a[few 2] holds",
        "N-a[F1] holds",
        "N-b holds",
        "N-a[few 1] holds",
    ]
    assert [one.counts for one in shown.standings] == [[("claims", done, 2)] for done in (0, 0, 1, 2)]
    assert shown.ended == [False, False, True, True]
