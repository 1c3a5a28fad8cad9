"""The comparison with an earlier run: everything that can get worse is named, and fails the run."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from properties.catalogue import registry
from properties.engine.claim import Depth
from properties.engine.run.baseline import compared, open_baseline, read_baseline, write_baseline
from tests.properties.engine import fake_claims
from tests.properties.engine.run.plugin_suite import ITEMS, Suite
from tests.properties.processes import started
from theory.errors import DataFileError

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.usefixtures("profile_restored")

COUNTS = {"instances": 100, "vacuous": 3, "undecided_hypotheses": 0, "undecided": 0}
RUN: dict[str, Any] = {
    "schema": 1,
    "claims": [
        {
            "id": "T1",
            "status": "theorem",
            "verdict": "holds",
            "evidence": "estimated",
            "evidence_counts": {"estimated": 60, "enclosed": 40},
            **COUNTS,
            "tightest": {"ratio": 0.9, "family": "F1"},
            "families": {"F1": {**COUNTS, "instances": 80}, "F2": {**COUNTS, "instances": 20}},
            "mutants": [{"id": "T1/squared", "verdict": "refuted"}],
        }
    ],
    "mutants": [{"id": "T1/squared", "verdict": "refuted"}],
    "obligations": [{"id": "O-1", "status": "proved"}],
    "environment": {"depth": "normal", "root_seed": 3},
}

Change = Callable[[dict[str, Any], dict[str, Any]], object]


def set_ratio(ratio: Any) -> Change:
    return lambda claim, run: claim.update(tightest=None if ratio is None else {"ratio": ratio})


WORSE: list[tuple[str, Change, list[str]]] = [
    ("verdict", lambda c, r: c.update(verdict="undecided"), ["T1: verdict holds, now undecided"]),
    ("refuted", lambda c, r: c.update(verdict="refuted"), ["T1: verdict holds, now refuted"]),
    (
        "evidence",
        lambda c, r: c.update(evidence="tested", evidence_counts={"tested": 60, "enclosed": 40}),
        [
            "T1: evidence estimated, now tested",
            "T1: 60 instances estimated, now 40 with that evidence or a stronger one",
        ],
    ),
    (
        "no evidence",
        lambda c, r: c.update(evidence=None, evidence_counts={}),
        [
            "T1: evidence estimated, now None",
            "T1: 60 instances estimated, now 0 with that evidence or a stronger one",
            "T1: 40 instances enclosed, now 0 with that evidence or a stronger one",
        ],
    ),
    (
        "fewer of a stronger kind",
        lambda c, r: c.update(evidence_counts={"estimated": 65, "enclosed": 35}),
        ["T1: 40 instances enclosed, now 35 with that evidence or a stronger one"],
    ),
    ("instances", lambda c, r: c.update(instances=89), ["T1: 100 instances, now 89"]),
    ("a family", lambda c, r: c["families"]["F2"].update(instances=17), ["T1: family F2: 20 instances, now 17"]),
    ("a family gone", lambda c, r: c["families"].pop("F2"), ["T1: family F2: 20 instances, now 0"]),
    ("margin", set_ratio(0.951), ["T1: margin 0.1, now 0.049"]),
    ("infinite ratio", set_ratio("inf"), ["T1: margin 0.1, now -inf"]),
    ("no ratio", set_ratio(None), ["T1: margin 0.1, now none"]),
    ("no number", set_ratio("nan"), ["T1: margin 0.1, now nan"]),
    ("a claim", lambda c, r: r.update(claims=[]), ["T1: no such claim in this run"]),
    ("a mutant", lambda c, r: r.update(mutants=[]), ["T1/squared: no such mutant in this run"]),
    (
        "a survivor",
        lambda c, r: r.update(mutants=[{"id": "T1/squared", "verdict": "holds"}]),
        ["T1/squared: was refuted, now holds"],
    ),
    ("an obligation", lambda c, r: r.update(obligations=[]), ["O-1: no such obligation in this run"]),
    (
        "a proof",
        lambda c, r: r.update(obligations=[{"id": "O-1", "status": "undecided"}]),
        ["O-1: was proved, now undecided"],
    ),
]


@pytest.mark.parametrize(("change", "losses"), [one[1:] for one in WORSE], ids=[one[0] for one in WORSE])
def test_everything_that_gets_worse_is_named(change: Change, losses: list[str]) -> None:
    run = deepcopy(RUN)
    change(run["claims"][0], run)
    assert list(compared(run, RUN).losses) == losses
    assert compared(RUN, run).losses == ()


NOT_WORSE: list[tuple[str, Change]] = [
    ("nothing", lambda c, r: None),
    ("a tenth of the instances", lambda c, r: c.update(instances=90)),
    ("half the margin", set_ratio(0.9499)),
    (
        "stronger evidence",
        lambda c, r: c.update(evidence="enclosed", evidence_counts={"enclosed": 100}, tightest={"ratio": 0.2}),
    ),
    ("more vacuous ones", lambda c, r: c.update(vacuous=50)),
    ("a claim more", lambda c, r: r["claims"].append({**c, "id": "T2"})),
]


@pytest.mark.parametrize("change", [one[1] for one in NOT_WORSE], ids=[one[0] for one in NOT_WORSE])
def test_what_is_not_worse_passes(change: Change) -> None:
    run = deepcopy(RUN)
    change(run["claims"][0], run)
    found = compared(run, RUN)
    assert (found.compared, found.skipped, found.losses) == (3, 0, ())


def test_the_margin_of_an_attained_bound_is_no_measure() -> None:
    before, after = deepcopy(RUN), deepcopy(RUN)
    before["claims"][0]["tightest"] = {"ratio": 0.991}
    after["claims"][0]["tightest"] = {"ratio": 1 - 1e-9}
    assert compared(after, before).losses == ()


def test_what_was_not_asked_for_is_skipped_and_counted() -> None:
    run = {**RUN, "claims": [], "mutants": [], "obligations": []}
    found = compared(run, RUN, {"T1", "T1/squared"})
    assert (found.compared, found.skipped) == (1, 2)
    assert found.losses == ("O-1: no such obligation in this run",)


def test_a_selective_update_keeps_the_others(tmp_path: Path) -> None:
    path, other = tmp_path / "baseline.json", deepcopy(RUN)
    other["claims"][0]["id"] = "T2"
    other["mutants"] = [{"id": "T2/squared", "verdict": "refuted"}]
    write_baseline(path, RUN, None, selective=False)
    write_baseline(path, other, read_baseline(path), selective=True)
    found = read_baseline(path)
    assert [claim["id"] for claim in found["claims"]] == ["T1", "T2"]
    assert [mutant["id"] for mutant in found["mutants"]] == ["T1/squared", "T2/squared"]
    write_baseline(path, other, found, selective=False)
    assert [claim["id"] for claim in read_baseline(path)["claims"]] == ["T2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file; give a claims.json"),
        ("{", "cannot be read"),
        ("[]", "not a claims.json"),
        ('{"schema": 99}', "schema 99; this version reads 1"),
        ('{"schema": 1}', "not a claims.json"),
        (json.dumps({**RUN, "claims": [{**RUN["claims"][0], "verdict": "fine"}]}), "not a claims.json"),
        (json.dumps({**RUN, "claims": [{**RUN["claims"][0], "evidence": "hearsay"}]}), "not a claims.json"),
        (json.dumps({**RUN, "claims": [{**RUN["claims"][0], "tightest": {}}]}), "not a claims.json"),
        (json.dumps({**RUN, "claims": [{**RUN["claims"][0], "evidence_counts": {"hearsay": 3}}]}), "not a claims.json"),
        (json.dumps({**RUN, "environment": {"depth": "thorough"}}), "of depth thorough, this run of depth normal"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "baseline.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataFileError, match=said):
        open_baseline(path, False, Depth.NORMAL)


# --- through the plugin ----------------------------------------------------------------------------------------------


def test_a_run_like_its_baseline_passes_and_a_worse_one_fails(suite: Suite) -> None:
    first = suite.run([fake_claims.claim()], "--baseline", "base.json", "--update-baseline")
    assert first.ret == 0
    first.stdout.fnmatch_lines(["the baseline is replaced by this run"])
    same = suite.run([fake_claims.claim()], "--baseline", "base.json", "--report", "out", "--junitxml", "j.xml")
    assert same.ret == 0
    same.stdout.fnmatch_lines(["baseline *base.json: 3 claims, mutants and obligations compared; none worse"])
    assert suite.written()["baseline"]["losses"] == []
    assert _junit(suite.pytester.path)["comparison"].find("failure") is None
    fewer = replace(fake_claims.claim(), families=(fake_claims.family("F1"),))
    worse = suite.run([fewer], "--baseline", "base.json", "--junitxml", "j.xml")
    assert worse.ret == 1
    worse.stdout.fnmatch_lines(["FAILED baseline::comparison*", "*1 failed, 4 passed*"])
    failure = _junit(suite.pytester.path)["comparison"].find("failure")
    assert failure is not None
    assert "N-small: family F2: 6 instances, now 0" in (failure.text or "")


OWN_REGISTRY = """
from dataclasses import replace
from properties import plugin
from tests.properties.engine import fake_claims
plugin.SUITE = replace(plugin.SUITE, claims={"N-small": fake_claims.claim()}, obligations={}, chains={}, document=None)
"""


def _assert_facts(directory: Path) -> None:
    facts = {one.get("name"): one.get("value") for one in _junit(directory)["N-small"].iter("property")}
    expected = {"id": "N-small", "verdict": "holds", "evidence": "tested", "tightest": "1.0", "instances_F2": "6"}
    assert expected.items() <= facts.items()


def test_junit_carries_the_facts(suite: Suite) -> None:
    suite.run([fake_claims.claim()], "--claim", "all", "--junitxml", "j.xml")
    _assert_facts(suite.pytester.path)


def test_junit_carries_the_facts_that_a_worker_found(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(OWN_REGISTRY)
    (tmp_path / "test_items.py").write_text(ITEMS.read_text())
    command = ["pytest", "-p", "properties.plugin", "--ngd-claim=all", "--junitxml", "j.xml"]
    done = started(tmp_path, [*command, "-n", "1", "--benchmark-disable"])
    assert done.returncode == 0, done.stdout + done.stderr
    _assert_facts(tmp_path)


def test_an_update_accepts_what_got_worse(suite: Suite) -> None:
    suite.run([fake_claims.claim()], "--baseline", "base.json", "--update-baseline")
    fewer = replace(fake_claims.claim(), families=(fake_claims.family("F1"),))
    outcome = suite.run([fewer], "--baseline", "base.json", "--update-baseline")
    assert outcome.ret == 0
    outcome.stdout.fnmatch_lines(["*N-small: family F2: 6 instances, now 0", "the baseline is replaced by this run"])
    assert suite.run([fewer], "--baseline", "base.json").ret == 0


def test_a_baseline_elsewhere_is_told_by_its_name_alone(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("elsewhere") / "base.json"
    suite.run([fake_claims.claim()], "--baseline", str(file), "--update-baseline")
    fewer = replace(fake_claims.claim(), families=(fake_claims.family("F1"),))
    outcome = suite.run([fewer], "--baseline", str(file), "--report", "out")
    outcome.stdout.fnmatch_lines(["baseline base.json: *"])
    texts = [page.read_text(encoding="utf-8") for page in (suite.pytester.path / "out").rglob("*.html")]
    texts.append((suite.pytester.path / "out" / "claims.json").read_text(encoding="utf-8"))
    assert not any(str(file.parent) in text for text in texts)


def test_a_claim_that_was_not_asked_for_is_no_loss_but_one_that_is_gone_is(suite: Suite) -> None:
    both = [fake_claims.claim("N-one"), fake_claims.claim("N-two")]
    suite.run(both, "--baseline", "base.json", "--update-baseline")
    part = suite.run(both, "--claim", "N-one", "--baseline", "base.json")
    assert part.ret == 0
    part.stdout.fnmatch_lines(["*3 claims, mutants and obligations compared, 3 not asked for; none worse"])
    gone = suite.run(both[:1], "--claim", "N-one", "--baseline", "base.json")
    assert gone.ret == 1
    gone.stdout.fnmatch_lines(["*N-two: no such claim in this run"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--baseline", "absent.json"), "*--baseline *absent.json: no such file*"),
        (("--update-baseline",), "*--update-baseline writes the file that --baseline names*"),
    ],
)
def test_bad_values_end_with_exit_code_4(suite: Suite, arguments: tuple[str, ...], said: str) -> None:
    outcome = suite.run([fake_claims.claim()], *arguments)
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines([said])


def test_a_baseline_of_another_depth_is_refused_unless_it_is_replaced(suite: Suite) -> None:
    suite.run([fake_claims.claim()], "--baseline", "base.json", "--update-baseline")
    refused = suite.run([fake_claims.claim()], "--depth", "normal", "--baseline", "base.json")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    assert (
        suite.run([fake_claims.claim()], "--depth", "normal", "--baseline", "base.json", "--update-baseline").ret == 0
    )
    assert suite.run([fake_claims.claim()], "--depth", "normal", "--baseline", "base.json").ret == 0


def _junit(directory: Path) -> dict[str, ElementTree.Element]:
    tree = ElementTree.parse(directory / "j.xml")
    return {case.get("name", ""): case for case in tree.iter("testcase")}


def test_a_selective_update_needs_the_depth_of_what_it_keeps(suite: Suite) -> None:
    both = [fake_claims.claim("N-one"), fake_claims.claim("N-two")]
    suite.run(both, "--baseline", "base.json", "--update-baseline")
    part = ("--claim", "N-one", "--depth", "normal", "--baseline", "base.json", "--update-baseline")
    assert suite.run(both, *part).ret == pytest.ExitCode.USAGE_ERROR


def test_the_record_of_a_report_is_not_replaced_by_an_extract(suite: Suite) -> None:
    suite.run([fake_claims.claim()], "--report", "out")
    record = (suite.pytester.path / "out" / "claims.json").read_bytes()
    outcome = suite.run([fake_claims.claim()], "--baseline", "out/claims.json", "--update-baseline")
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["*it belongs to a report*"])
    assert (suite.pytester.path / "out" / "claims.json").read_bytes() == record
    assert suite.run([fake_claims.claim()], "--baseline", "out/claims.json").ret == 0


@pytest.mark.parametrize("option", ["--baseline", "--replay", "--report"])
@pytest.mark.parametrize("path", ["~nobodyofthisname/x.json", "x" * 5000])
def test_what_cannot_be_a_path_has_a_named_error(suite: Suite, option: str, path: str) -> None:
    assert suite.run([fake_claims.claim()], option, path).ret == pytest.ExitCode.USAGE_ERROR


def test_no_mutant_of_the_project_s_own_baseline_is_lost() -> None:
    """A claim that loses a mutant would pass all the more easily; whoever takes one away says so in baseline.json."""
    known = json.loads((Path(__file__).resolve().parents[4] / "baseline.json").read_text(encoding="utf-8"))
    for entry in known["claims"]:
        claim = registry[entry["id"]]
        assert {one["id"] for one in entry["mutants"]} <= {mutant.id for mutant in claim.mutants}, claim.id
