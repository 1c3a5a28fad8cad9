"""Earlier runs beside this one."""

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from properties.engine.report.document import Document
from properties.engine.report.history import (
    KEPT,
    SHOWN,
    changes,
    columns,
    last_comparable,
    made,
    remembered,
    summary,
    trends,
)
from properties.engine.report.html import pages
from properties.engine.report.publication import publish


def content(depth: str = "quick", **ratios: float | None) -> dict[str, Any]:
    claims = [
        {"id": id, "verdict": "holds", "instances": 7, "tightest": None if ratio is None else {"ratio": ratio}}
        for id, ratio in ratios.items()
    ]
    return {
        "environment": {"depth": depth},
        "verdict": "holds",
        "claims": claims,
        "made": {"date": "2026-01-02 03:04", "commit": "abc", "seconds": 5.0},
    }


def test_what_changed_is_told_as_it_is_shown() -> None:
    before = summary(content(A=0.5, B=None, C=0.25))
    now = summary(content(A=0.5 + 1e-12, B=0.5, D=0.1))
    now["claims"]["A"]["verdict"] = "undecided"
    assert changes(before, now) == ["A: holds, now undecided", "B: tightest -, now 0.5", "D: new, holds"]
    assert changes(before, before) == []


def test_runs_of_another_depth_are_not_compared() -> None:
    runs = [summary(content("quick", A=0.5)), summary(content("normal", A=0.6))]
    now = summary(content("quick", A=0.7))
    assert last_comparable(runs, now) is runs[0]
    assert last_comparable(runs[1:], now) is None
    (trend,) = trends(runs, now)
    assert (trend.id, list(trend.ratios)) == ("A", ["0.5", "0.7"])
    assert trends(runs[:1], runs[0]) == []


def test_a_record_remembers_so_many_runs() -> None:
    record = content(A=0.5)
    for _ in range(KEPT + 2):
        record = content(A=0.5) | {"history": remembered(record)}
    assert len(record["history"]) == KEPT
    assert record["history"][-1]["date"] == "2026-01-02 03:04"


def test_a_report_has_the_runs_that_it_replaced(document: Document, tmp_path: Path) -> None:
    """The second report compares itself with the first, the third remembers both."""
    plain = replace(document, parts={})
    for number in range(3):
        publish(replace(plain, made={"date": f"2026-01-0{number + 1} 12:00", "commit": None}), tmp_path)
    record = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert [run["date"][:10] for run in record["history"]] == ["2026-01-01", "2026-01-02"]
    page = (tmp_path / "pages" / "history.html").read_text(encoding="utf-8")
    assert "this run, 2026-01-03 12:00" in page
    assert "Nothing changed in the claims." in page
    assert page.count(">2 of 2</td>") == 3
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Since the last run of this depth, 2026-01-02 12:00: no claims changed." in index
    assert "pages/history.html" not in pages(plain).texts


def test_the_commit_is_told_where_git_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(tmp_path / "absent")["commit"] is None
    named = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), (*named, "commit", "-q", "--allow-empty", "-m", "one")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    assert len(made(tmp_path)["commit"]) >= 7
    monkeypatch.setenv("PATH", "")
    assert made(tmp_path)["commit"] is None


def test_old_comes_before_new_in_every_kind_of_change() -> None:
    before, now = summary(content(A=0.5)), summary(content(A=0.25))
    now["claims"]["A"]["instances"] = 9
    now["claims"]["A"]["verdict"] = "refuted"
    assert changes(before, now) == ["A: holds, now refuted; instances 7, now 9; tightest 0.5, now 0.25"]


def test_the_last_runs_are_shown_by_their_commits_or_days() -> None:
    runs = [summary(content(A=place / 100)) for place in range(1, SHOWN + 4)]
    for place, run in enumerate(runs):
        run |= {"commit": f"c{place}", "date": f"day {place}"}
    runs[-2] |= {"commit": None}
    runs[-3] |= {"commit": None, "date": None, "name": "old/base.json"}
    *history, now = runs
    (trend,) = trends(history, now)
    assert list(trend.ratios) == [f"{place / 100:g}" for place in range(3, SHOWN + 4)]
    assert columns(history, now) == ["c2", "c3", "c4", "base.json", "day 6", "c7"]
    assert last_comparable(history, now) is history[-1]


def test_what_is_remembered_of_a_run() -> None:
    assert summary(content(A=0.5), "base.json") == {
        "name": "base.json",
        "date": "2026-01-02 03:04",
        "commit": "abc",
        "seconds": 5.0,
        "depth": "quick",
        "verdict": "holds",
        "claims": {"A": {"verdict": "holds", "instances": 7, "ratio": 0.5}},
    }


def test_a_run_is_dated_year_month_day() -> None:
    started = datetime.strptime(made(Path())["date"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - started).total_seconds() < 120
