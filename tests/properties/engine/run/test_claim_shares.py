"""A claim whose family lists instances: an item for each, and the same entry as one search of all has, whatever order they come in."""

from __future__ import annotations

import dataclasses
import itertools
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from properties.engine.claim import Bound, Claim, Depth, at_most, require
from properties.engine.part import Finished, Setting
from properties.engine.report.commands import Commands
from properties.engine.report.entries import Entry
from properties.engine.results import FamilyCount, Result
from properties.engine.run.claim_shares import claim_shares, joined_entry
from properties.engine.run.verification import Conditions, Verification
from properties.engine.search import run_claim
from properties.engine.statistics import Trials
from tests.properties.engine import fake_claims
from tests.properties.engine.fake_claims import Point
from tests.properties.engine.run.executed_runs import begun, ended, results, small_suite, without
from tests.properties.engine.run.plugin_suite import Suite

pytest_plugins = ["pytester"]

SETTING = Setting(Depth.QUICK, 20191, every_claim=False, reported=False)
VALUES = (3, 8, 11, 6, 2)

LISTED = """

import dataclasses

_LIST = tuple({"a": 1 + k, "wider": 7, "step": 150 - 30 * k, "x": 1, "y": -2} for k in range(4))
_FAMILY = dataclasses.replace(PLANE, id="listed", listed=_LIST)
CLAIMS = (CLAIMS[0], dataclasses.replace(CLAIMS[1], families=(PLANE, _FAMILY)))
"""


def divided(
    id: str = "N-small",
    values: Sequence[int] = VALUES,
    limit: float = 30.0,
    first: Sequence[Mapping[str, Any]] = (),
    **changes: Any,
) -> Claim[Point]:
    """Drawn numbers, listed ones, and drawn ones again."""
    drawn, last = fake_claims.family("F1", largest=9), fake_claims.family("F2", 0, 5)
    listed = dataclasses.replace(drawn, id="few", listed=tuple({"value": one} for one in values), first=tuple(first))
    found = fake_claims.claim(id, limit)
    return dataclasses.replace(found, families=(drawn, listed, last), **changes)


def breaks_at(value: float, limit: float = 30.0) -> Any:
    def conclusion(point: Point) -> Sequence[Bound]:
        if point.value == value:
            raise ZeroDivisionError(f"at {value}")
        return [at_most("value", point.value, limit, 0.0)]

    return conclusion


def sampled(point: Point, trials: Trials) -> Sequence[Bound]:
    return [trials.at_most("a draw below 0.1", int((trials.rng.random(4000) < 0.1).sum()), 4000, 0.5)]


CASES: Mapping[str, Mapping[str, Any]] = {
    "holds": {},
    "sampled": {"sampled": sampled},
    "refuted in the list": {"limit": 10.0},
    "refuted before the list": {"limit": 7.0},
    "refuted, and a share behind breaks off": {"conclusion": breaks_at(2, limit=10.0)},
    "first descriptions before the list": {"first": ({"value": 5}, {"value": 7})},
    "a first description is refuted": {"first": ({"value": 5}, {"value": 12}), "limit": 11.0},
    "a listed one breaks off": {"conclusion": breaks_at(11)},
    "one breaks off before another is refuted": {"conclusion": breaks_at(11, limit=20.0), "values": (3, 11, 29)},
    "a listed one is vacuous": {"values": (3, 31, 8)},
    "all listed ones are vacuous": {"values": (31, 32)},
    "undecided": {"conclusion": fake_claims.undecided},
    "undecided hypotheses": {"hypotheses": lambda _: [require("value at most 30", 0.0, 1.0)]},
}


def conditions(report: Path | None) -> Conditions:
    return Conditions(SETTING, {}, None, lambda _: [], [], report, {}, Commands())


def performed(claim: Claim[Any], report: Path | None = None) -> dict[str, tuple[Entry, bool, frozenset[str]]]:
    """By share its entry, whether it passed, and its files."""
    shares = claim_shares(claim, SETTING.depth)
    outcomes = [Verification(conditions(report)).claim_share(share) for share in shares]
    return {one.entry["share"]: (dict(one.entry), one.passed, frozenset(one.files)) for one in outcomes}


def whole(claim: Claim[Any], entries: Sequence[Entry]) -> Entry | None:
    found = {one["share"]: Finished(one, pickle.loads(one["result"])) for one in entries}
    return joined_entry(claim, SETTING, found)


@pytest.mark.parametrize("case", CASES)
def test_the_whole_of_the_shares_is_what_one_search_finds(case: str, tmp_path: Path) -> None:
    claim = divided(**CASES[case])
    expected = Verification(conditions(tmp_path)).claim(claim)
    found = performed(claim, tmp_path)
    entries = [entry for entry, _, _ in found.values()]
    for order in (entries, entries[::-1]):
        joined = whole(claim, order)
        assert joined is not None
        assert list(joined) == list(expected.entry)
        if expected.entry["error"] is None:
            assert without(joined) == without(expected.entry)
        else:
            assert joined["error"].splitlines()[-2:] == expected.entry["error"].splitlines()[-2:]
            assert without(joined) | {"error": ""} == without(expected.entry) | {"error": ""}
    assert all(passed for _, passed, _ in found.values()) is expected.passed
    assert expected.files.keys() <= frozenset(itertools.chain.from_iterable(files for _, _, files in found.values()))


def test_shares_are_the_families_and_each_listed_instance_in_the_order_of_the_search() -> None:
    assert [one.id for one in claim_shares(divided(), Depth.QUICK)] == [
        "N-small[F1]",
        *(f"N-small[few {number}]" for number in (1, 2, 3, 4, 5)),
        "N-small[F2]",
    ]


def test_a_claim_without_a_list_and_one_of_which_a_depth_takes_one_instance_have_no_shares() -> None:
    assert claim_shares(fake_claims.claim(), Depth.QUICK) == ()
    claim = divided()
    one = {depth: 1 if depth is Depth.QUICK else 9 for depth in Depth}
    short = dataclasses.replace(
        claim, families=tuple(dataclasses.replace(family, examples=one) for family in claim.families)
    )
    assert claim_shares(short, Depth.QUICK) == ()
    assert len(claim_shares(short, Depth.NORMAL)) == 7
    assert run_claim(short, Depth.QUICK, 1).families["few"].instances == 1


def test_a_search_takes_what_is_listed_in_order_and_draws_nothing_there() -> None:
    found = run_claim(divided(limit=10.0), Depth.QUICK, 1)
    assert found.refutation is not None
    assert found.refutation.description == {"value": 11}
    assert found.families["few"].instances == 3
    assert "F2" not in found.families
    assert run_claim(divided(), Depth.QUICK, 1).families["few"].instances == len(VALUES)


def test_a_listed_instance_has_to_be_judged() -> None:
    found = run_claim(divided(values=(3, 31, 8)), Depth.QUICK, 1)
    assert found.unjudged == ["family few: 1 not judged, of 3 (once not: value at most 30)"]
    assert found.verdict.value == "undecided"
    none = run_claim(divided(values=(31, 32)), Depth.QUICK, 1)
    assert none.unjudged == ["family few: no instance was judged, of 2 (2 times not: value at most 30)"]


def test_there_is_no_verdict_before_the_last_share() -> None:
    claim = divided()
    entries = [entry for entry, _, _ in performed(claim).values()]
    for left_out in range(len(entries)):
        assert whole(claim, [*entries[:left_out], *entries[left_out + 1 :]]) is None
    assert whole(claim, entries) is not None


@pytest.mark.parametrize(
    ("changes", "verdict"), [({"limit": 10.0}, "refuted"), ({"conclusion": breaks_at(11)}, "undecided")]
)
def test_what_is_refuted_or_broke_off_is_told_though_others_are_due(changes: Any, verdict: str) -> None:
    """And where they come, the whole is what it is with all of them."""
    claim = divided(**changes)
    entries = {entry["share"]: entry for entry, _, _ in performed(claim).values()}
    against = entries.pop("few 3")
    alone = whole(claim, [against])
    assert alone is not None
    assert (alone["verdict"], alone["error"] is None) == (verdict, verdict == "refuted")
    assert whole(claim, list(entries.values())) is None
    everything = whole(claim, [against, *entries.values()])
    assert everything is not None
    assert everything["verdict"] == verdict


@pytest.mark.parametrize("options", [("-x",), ("--maxfail", "1"), ("-k", "few and 3")])
def test_a_refutation_is_in_the_report_of_a_run_that_ends_with_it(options: Sequence[str], suite: Suite) -> None:
    suite.run([divided(limit=10.0)], "--claim", "all", "--report", "out", *options)
    written = suite.written()
    (entry,) = written["claims"]
    assert (entry["verdict"], entry["refutation"]["description"]) == ("refuted", {"value": 11})
    assert written["verdict"] == "refuted"


def test_everything_that_was_counted_is_counted_in() -> None:
    """Field by field, so that one that is added later is thought of."""
    shares = [run_claim(one.claim, Depth.QUICK, 1) for one in claim_shares(divided(sampled=sampled), Depth.QUICK)]
    found, expected = Result(divided(), "quick", 1), run_claim(divided(sampled=sampled), Depth.QUICK, 1)
    for share in shares:
        found.include(share)
    for field in dataclasses.fields(Result):
        if field.name not in ("claim", "seconds"):
            assert getattr(found, field.name) == getattr(expected, field.name), field.name
    assert found.seconds == sum(share.seconds for share in shares)
    whole, part = FamilyCount(), FamilyCount(1, 2, 3, 4)
    whole.include(part)
    whole.include(part)
    assert (whole.instances, whole.vacuous, whole.undecided_hypotheses, whole.undecided) == (2, 4, 6, 8)


def test_items_of_two_claims_in_shares_are_each_its_own(suite: Suite) -> None:
    """The names of their shares are the same, and so are the families; each entry counts once in what is expected."""
    claims = [divided(), fake_claims.claim("N-other"), divided("N-more", values=(1, 2, 4, 6, 9), limit=12.0)]
    outcome = suite.run(claims, "--claim", "all", "--report", "out", "-v")
    outcome.assert_outcomes(passed=7 + 1 + 7 + 6)
    outcome.stdout.fnmatch_lines(["*N-more[[]few 5] PASSED*"])
    written = suite.written()
    assert (written["complete"], written["expected"], written["verdict"]) == (True, 9, "holds")
    assert [entry["id"] for entry in written["claims"]] == ["N-small", "N-other", "N-more"]
    for entry, claim in zip(written["claims"], claims, strict=True):
        assert entry["families"].keys() == {family.id for family in claim.families}
        assert entry["tightest"]["ratio"] == {"N-small": 11 / 30, "N-other": 1.0, "N-more": 0.75}[claim.id]


def test_a_share_that_is_refuted_fails_and_leaves_the_claims_counterexample(suite: Suite) -> None:
    outcome = suite.run([divided(limit=10.0)], "--claim", "all", "--report", "out")
    outcome.assert_outcomes(passed=8, failed=1)
    outcome.stdout.fnmatch_lines(["*N-small is refuted: *", "*counterexample written to *"])
    (entry,) = suite.written()["claims"]
    assert (entry["verdict"], entry["refutation"]["description"]) == ("refuted", {"value": 11})
    assert (suite.pytester.path / "out" / entry["counterexample"]).is_file()


def test_a_claim_of_which_a_share_was_left_out_has_no_entry_and_the_run_is_incomplete(suite: Suite) -> None:
    """It has none of another claim's shares either, which are called the same."""
    suite.run([divided(), divided("N-more")], "--claim", "all", "--report", "out", "-k", "not (N-more and few)")
    written = suite.written()
    assert [entry["id"] for entry in written["claims"]] == ["N-small"]
    assert (written["complete"], written["verdict"]) == (False, "undecided")


def test_a_claim_without_a_verdict_is_told_with_what_was_left_out(suite: Suite) -> None:
    """Also where nothing else was run, so that there is no report."""
    for options, said in (
        ("not (few and 3)", "N-small has no verdict: N-small[[]few 3] of its 7 items came to no end"),
        ("few and 3", "N-small has no verdict: N-small[[]F1] and 5 others of its 7 items came to no end"),
        ("few and (3 or 4)", "N-small has no verdict: N-small[[]F1] and 4 others of its 7 items came to no end"),
    ):
        outcome = suite.run([divided()], "--claim", "all", "-k", options)
        outcome.stdout.fnmatch_lines([said])
    for whole in ([divided()], [divided(limit=10.0)]):
        outcome = suite.run(whole, "--claim", "all", "-x")
        outcome.stdout.no_fnmatch_line("*has no verdict*")


def test_whoever_does_the_shares_the_report_is_the_same(tmp_path: Path) -> None:
    found = []
    for number, options in enumerate(([], ["-n", "2"], ["--ngd-executor=processes", "--ngd-workers=2"])):
        (tmp_path / str(number)).mkdir()
        place = small_suite(tmp_path / str(number), more=LISTED)
        code, output = ended(begun(place, options), place)
        assert code == 0, output
        assert "Q-descent[listed 4]" in output
        found.append(results(place / "out"))
    entry = next(one for one in found[0]["claims.json"]["claims"] if one["id"] == "Q-descent")
    assert entry["families"]["listed"]["instances"] == 4
    assert found[0] == found[1] == found[2]
