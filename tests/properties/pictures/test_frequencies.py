"""Replicas of instances: the same whoever draws them, taken up from files, added up with exact limits."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from properties.catalogue import registry
from properties.engine.claim import Depth
from properties.engine.statistics import Trials, confidence_limits
from properties.pictures import frequencies
from properties.pictures.frequencies import Counts, Replica, counted, filled, instances, lines, main
from theory.errors import ChoiceError, StreamError
from theory.streaming.executors import SerialExecutor


@pytest.fixture(scope="module")
def replicas() -> list[Replica]:
    """Two each of instances of R0 at which networks are drawn."""
    drawn = [one for one in instances("R0", Depth.QUICK) if one.family == "networks"][:3]
    assert len(drawn) == 3
    return [replace(one, number=number) for number in range(2) for one in drawn]


def test_a_replica_is_the_same_whoever_draws_it_and_another_one_is_another(
    replicas: list[Replica], tmp_path: Path
) -> None:
    serial = list(filled(replicas, SerialExecutor(), tmp_path / "serial"))
    with ThreadPoolExecutor(1) as thread:
        other = list(filled(pickle.loads(pickle.dumps(replicas))[::-1], thread, tmp_path / "other"))
    by_name = {replica.name: counts for replica, counts in serial}
    assert by_name == {replica.name: counts for replica, counts in other}
    assert len(by_name) == len(replicas)
    assert {replica.number for replica, counts in serial if counts} == {0, 1}
    assert len({(event, k) for counts in by_name.values() for event, _, k, _, _ in counts}) > 1


def test_replicas_that_are_there_are_taken_up(
    replicas: list[Replica], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(filled(replicas, SerialExecutor(), tmp_path / "whole"))
    list(filled(replicas[:4], SerialExecutor(), tmp_path / "kept"))
    seen: list[Replica] = []

    def counting(replica: Replica) -> Counts:
        seen.append(replica)
        return counted(replica)

    monkeypatch.setattr(frequencies, "counted", counting)
    found = list(filled(replicas, SerialExecutor(), tmp_path / "kept"))
    assert seen == replicas[4:]
    assert lines(found) == lines(whole)


def test_the_file_of_another_replica_is_caught(replicas: list[Replica], tmp_path: Path) -> None:
    list(filled(replicas[:1], SerialExecutor(), tmp_path))
    path = tmp_path / replicas[0].name
    path.write_text(json.dumps({**json.loads(path.read_text()), "number": 7}))
    with pytest.raises(StreamError, match="of another replica"):
        list(filled(replicas[:1], SerialExecutor(), tmp_path))
    path.write_text("{")
    with pytest.raises(StreamError, match="cannot be read"):
        list(filled(replicas[:1], SerialExecutor(), tmp_path))


def test_counts_add_up_and_are_set_beside_the_bound() -> None:
    one = Replica("R0", "networks", {"n": 2}, 0)
    again = replace(one, number=1)
    (line,) = lines([(one, [("it fails", 0.5, 1, 0, 1000)]), (again, [("it fails", 0.5, 2, 3, 1000)])])
    assert line.startswith("R0, networks, [('n', 2)]: it fails: 3 of 2000, 3 unknown; P within [")
    assert line.endswith("below the bound 0.5")
    (line,) = lines([(one, [("it fails", 0.5, 1, 3, 1000)]), (again, [("it fails", 0.5, 2, 0, 1000)])])
    assert "3 of 2000, 3 unknown" in line
    (line,) = lines([(one, [("it fails", 0.5, 900, 0, 1000)])])
    assert line.endswith("REFUTED: above the bound 0.5")
    (line,) = lines([(one, [("it fails", 0.5, 500, 0, 1000)])])
    assert line.endswith("not decided beside the bound 0.5")


def test_limits_are_printed_outwards_and_unknown_trials_count_on_either_side() -> None:
    one = Replica("R0", "networks", {"n": 2}, 0)
    for k, u, n, bound in ((3, 3, 2000, 0.1234567), (900, 40, 1000, 0.9876543), (17, 0, 57, 0.5)):
        (line,) = lines([(one, [("it fails", bound, k, u, n)])])
        lower, upper, printed = (float(found) for found in re.findall(r"[\d.]+(?:e-\d+)?(?=[,\]]|$)", line)[-3:])
        exact_lower, exact_upper = confidence_limits(k, n)[0], confidence_limits(k + u, n)[1]
        assert exact_lower * 0.99 < lower <= exact_lower
        assert exact_upper <= upper < exact_upper * 1.01
        assert bound <= printed < bound * 1.01


def test_each_replica_draws_from_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else their trials would not be independent, and the limits not exact."""

    def drawn(_: object, trials: Trials) -> None:
        trials.at_most("drawn", int(trials.rng.integers(0, 10**6)), 10**6, 1.0)

    families = tuple(SimpleNamespace(id=id, build=lambda description: description) for id in ("a", "b"))
    monkeypatch.setattr(
        frequencies, "registry", {id: SimpleNamespace(sampled=drawn, families=families) for id in ("R0", "R1")}
    )
    replicas = [
        Replica(claim, family, {"n": n}, number)
        for claim in ("R0", "R1")
        for family in "ab"
        for n in (1, 2)
        for number in (0, 1)
    ]
    assert len({str(counted(one)) for one in replicas}) == len({one.name for one in replicas}) == 16
    names = [one.name for one in replicas]
    monkeypatch.setattr(np, "__version__", "another")
    assert not {one.name for one in replicas}.intersection(names)


def test_so_many_replicas_are_counted_by_whom_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    seen: list[int] = []

    @contextmanager
    def noted(name: str) -> Iterator[Executor]:
        asked.append(name)
        yield SerialExecutor()

    def one_trial(replica: Replica) -> Counts:
        seen.append(replica.number)
        return [("drawn", 0.5, 0, 0, 1)]

    monkeypatch.setattr(frequencies, "executor_named", noted)
    monkeypatch.setattr(frequencies, "counted", one_trial)
    monkeypatch.setattr(frequencies, "instances", lambda claim, depth: [Replica(claim, "a", {"n": depth.value}, 0)])
    main(["--claim=R0", "--replicas=3", "--depth=normal", "--executor=tcp://here", f"--kept={tmp_path}"])
    assert (asked, sorted(seen)) == (["tcp://here"], [0, 1, 2])
    assert "R0, a, [('n', 'normal')]: drawn: 0 of 3; P within [0, " in capsys.readouterr().out


def test_a_count_is_beside_the_bound_with_its_rounding() -> None:
    trials = Trials(0, "networks", {})
    trials.at_most("it fails", 1, 1000, 0.5, rounding=0.125, unknown=2)
    assert trials.counts == [("it fails", 0.625, 1, 2, 1000)]


def test_the_instances_are_those_of_a_search_and_satisfy_its_hypotheses() -> None:
    drawn = instances("T3-tube", Depth.QUICK)
    assert {one.family for one in drawn} == {"inputs", "drawn"}
    assert len({one.instance for one in drawn}) == len(drawn)
    with pytest.raises(ChoiceError, match="T1 is no claim on probabilities; known: K-chernoff, "):
        instances("T1", Depth.QUICK)
    assert all(one.claim in registry for one in drawn)
