"""The greedy schedule of a run's items, and the comparison of two runs."""

import json
from pathlib import Path
from typing import Any

import compare_runs
import pytest
import schedule
import second_worker

from properties.dataset.ladder import ladder
from properties.dataset.shares import INPUTS, network_share
from properties.engine.claim import Depth
from properties.engine.run.claim_shares import claim_shares
from properties.suite import SUITE

CASES = '<testsuites><testsuite><testcase name="a" time="4"/><testcase name="b" time="3"/><testcase name="c" time="0.5"/></testsuite></testsuites>'


def test_the_longest_goes_to_the_first_worker_that_is_free() -> None:
    assert schedule.greedy([2, 3, 3, 2, 2], 2) == 7  # 3, 2, 2 and 3, 2: greedy is not always the best
    assert schedule.greedy([5, 1, 1, 1], 2) == 5
    assert schedule.greedy([1, 2, 3], 1) == 6
    assert schedule.greedy([], 8) == 0


def test_a_run_is_read_and_what_took_long_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "items.xml").write_text(CASES)
    monkeypatch.setattr(schedule, "KEPT", tmp_path / "kept.json")
    schedule.main([str(tmp_path / "items.xml"), "--workers", "2", "--write"])
    said = capsys.readouterr().out
    assert "3 items, 7.5 s in all" in said
    assert "greedy schedule on 2 workers: 4.0 s, 1.88 times shorter" in said
    assert list(json.loads((tmp_path / "kept.json").read_text()).items()) == [("a", 4.0), ("b", 3.0)]


def test_the_times_that_are_kept_are_those_of_items_that_there_are() -> None:
    kept = json.loads(schedule.KEPT.read_text())
    assert SUITE.durations is not None
    assert SUITE.durations.samefile(schedule.KEPT)
    rungs = ladder(361, Depth.NORMAL)
    shares = {INPUTS, *(network_share(rung, optimiser) for rung in rungs for optimiser in rung.optimisers)}
    names = {"pictures", *(f"dataset[digits-4-9][{name}]" for name in shares), *SUITE.obligations}
    names |= {one.id for claim in SUITE.claims.values() for one in claim_shares(claim, Depth.NORMAL) or (claim,)}
    names |= {mutant.id for claim in SUITE.claims.values() for mutant in claim.mutants}
    assert set(kept) <= names
    assert len(kept) > 50
    assert list(kept.values()) == sorted(kept.values(), reverse=True)


def run_of(**changes: Any) -> dict[str, Any]:
    claim = {
        "id": "N-one",
        "verdict": "holds",
        "evidence": "enclosed",
        "instances": 5,
        "tightest": {"ratio": 0.5},
        "families": {"F1": {"instances": 5, "vacuous": 1}},
        "seconds": changes.pop("seconds", 1.0),
    }
    return {"claims": [claim | changes], "mutants": [], "obligations": []}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seconds": 2.0}, None),
        ({"verdict": "undecided"}, "claims: N-one: verdict: holds before, undecided after"),
        ({"evidence": "tested"}, "claims: N-one: evidence: enclosed before, tested after"),
        ({"tightest": {"ratio": 0.4}}, "claims: N-one: tightest: 0.5 before, 0.4 after"),
        (
            {"families": {"F1": {"instances": 4, "vacuous": 1}}},
            "claims: N-one: family F1: {'instances': 5, 'vacuous': 1} before, {'instances': 4, 'vacuous': 1} after",
        ),
        ({"families": {}}, "claims: N-one: family F1: {'instances': 5, 'vacuous': 1} before, None after"),
    ],
)
def test_every_difference_between_two_runs_is_told(changes: dict[str, Any], said: str | None) -> None:
    assert list(compare_runs.differences(run_of(), run_of(**changes))) == ([] if said is None else [said])


def test_what_only_one_run_has_is_told() -> None:
    assert list(compare_runs.differences(run_of(), {"claims": [], "mutants": [], "obligations": []})) == [
        "claims: N-one is only in the first run"
    ]


def test_the_gain_of_a_second_worker_is_told_with_what_spoils_it() -> None:
    timed = second_worker.Timed
    idle = [
        (timed(10.0, 9.8), timed(5.5, 10.0)),
        (timed(12.0, 11.0), timed(6.0, 11.0)),
        (timed(9.0, 8.9), timed(5.0, 9.0)),
    ]
    lines = second_worker.report(idle)
    assert lines[1] == "one worker 12.0 s (11.0 s of processors), two 6.0 s (11.0 s): 2.00 times"
    assert lines[-1] == "median: two workers are done 1.82 times sooner"
    busy = second_worker.report([(timed(20.0, 9.8), timed(5.5, 10.0))])
    assert busy[-1].startswith("other work ran beside")
    words = {by: second_worker.command(by, 2, (), "quick") for by in second_worker.BY}
    assert words["xdist"][-5:] == ["--claim=all", "-n", "2", "--maxschedchunk", "1"]
    assert words["executor"][-4:] == ["--executor", "processes", "--workers", "2"]
