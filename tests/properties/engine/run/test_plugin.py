"""The plugin from the outside: options, items, exit codes, what is printed and what is written."""

import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from properties.engine.claim import Claim, Depth
from properties.engine.replay.archive import members
from properties.engine.report.publication import occupy
from properties.engine.run import items
from properties.engine.run.suite_plugin import SuitePlugin
from properties.engine.seeds import FIXED_ROOT_SEED, claim_seed
from properties.engine.slack import SlackRow
from properties.pictures import part as pictures_part
from properties.suite import SUITE
from tests.properties.engine import fake_claims
from tests.properties.engine.report.page_parser import report_text
from tests.properties.engine.run.plugin_suite import Suite
from tests.properties.pictures.report.picture_data import picture_data

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.usefixtures("profile_restored")


def test_claims_that_hold_and_mutants_that_are_refuted_pass(suite: Suite) -> None:
    outcome = suite.run([fake_claims.claim()], "--report", "out")
    outcome.assert_outcomes(passed=4)
    assert outcome.ret == 0
    outcome.stdout.fnmatch_lines(
        [
            "verification: root seed 20191, depth quick, profile developer",
            "arithmetic: python *numpy *scipy *python-flint *hypothesis *eps 2.22e-16; BLAS *",
            "claim * verdict * evidence * from * inst. * vac. * open * tightest * time",
            "N-small * holds * tested * D * 1 * s",
            "mutants: 2 of 2 refuted",
            "The 1 claim holds; 2 of 2 mutants refuted.",
        ]
    )
    written = suite.written()
    assert written["schema"] == 1
    assert written["complete"] is True
    assert written["verdict"] == "holds"
    (claim,) = written["claims"]
    assert claim["mutants"] == [
        {"id": "N-small/below-10", "verdict": "refuted"},
        {"id": "N-small/below-20", "verdict": "refuted"},
    ]
    assert (claim["status"], claim["verdict"], claim["evidence"]) == ("theorem", "holds", "tested")
    families = claim["families"].values()
    for key in ("instances", "vacuous", "undecided_hypotheses"):
        assert claim[key] == sum(family[key] for family in families)
    assert claim["instances"] > 0 < claim["vacuous"]
    assert claim["tightest"]["ratio"] == 1.0
    assert claim["tightest"]["description"] == {"value": 30}
    assert written["environment"]["root_seed"] == FIXED_ROOT_SEED
    (archive,) = (suite.pytester.path / "out/counterexamples").iterdir()
    assert {name.split("-below")[1][:3] for name in members(archive)} == {"-10", "-20"}
    page = report_text(suite.pytester.path / "out")
    assert page.count("<svg") == 1, "the histogram of its ratios"


def test_families_are_told_where_more_is_asked_for(suite: Suite) -> None:
    outcome = suite.run([fake_claims.claim()], "-v")
    outcome.stdout.fnmatch_lines(["*instances by family*", "N-small", "    F1 *(even: *vacuous: *)", "    F2 *"])


def test_a_refuted_claim_fails_with_its_shrunk_instance(suite: Suite) -> None:
    outcome = suite.run(
        [fake_claims.claim(limit=25.0), fake_claims.claim("N-other")], "--claim", "all", "--report", "out"
    )
    assert outcome.ret == 1
    outcome.assert_outcomes(passed=5, failed=1)
    outcome.stdout.fnmatch_lines(
        [
            "N-small is refuted: numbers <are> at most 30 & small",
            "instance: family F1, value=26",
            "hypothesis value at most 30: holds, margin 4",
            "value, in metres: refuted (tested); measured 26, predicted 25, ratio 1.04, rounding 0",
            f"seed {claim_seed(FIXED_ROOT_SEED, 'N-small')}, depth quick",
            "again: natural-gradient verify --claim N-small --depth quick --hypothesis-seed=20191",
            "counterexample written to *out*counterexamples*N-small-*.json",
            "Of 2 claims: 1 holds, 1 refuted; 4 of 4 mutants refuted.",
        ]
    )
    claim = suite.written()["claims"][0]
    assert suite.written()["verdict"] == "refuted"
    stored = json.loads((suite.pytester.path / "out" / claim["counterexample"]).read_text())
    assert stored["claim"] == "N-small"
    assert stored["instance"] == {"type": "test-point", "fields": {"value": 26.0}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"conclusion": fake_claims.undecided}, "not decided up to the cap of the precision, for example"),
        ({"families": (fake_claims.family("F1", 31, 40),)}, "no instance satisfied its hypotheses and was decided"),
        ({"conclusion": fake_claims.broken}, "ZeroDivisionError: a programming error"),
    ],
)
def test_a_claim_that_is_not_decided_fails(suite: Suite, changes: Mapping[str, Any], said: str) -> None:
    whole = fake_claims.claim()
    claim = Claim(**{**vars(whole), **changes})
    outcome = suite.run([claim, fake_claims.claim("N-other")], "--report", "out")
    assert outcome.ret == 1
    assert said in outcome.stdout.str()
    verdicts = {entry["id"]: entry["verdict"] for entry in suite.written()["claims"]}
    assert verdicts == {"N-small": "undecided", "N-other": "holds"}
    assert suite.written()["verdict"] == "undecided"
    assert suite.written()["complete"] is True


def test_a_surviving_mutant_fails_and_is_named(suite: Suite) -> None:
    whole = fake_claims.claim()
    claim = whole.with_mutants(
        whole.neighbour("slack", "a limit of 35", conclusion=fake_claims.below(35.0)), *whole.mutants
    )
    outcome = suite.run([claim])
    assert outcome.ret == 1
    outcome.assert_outcomes(passed=4, failed=1)
    outcome.stdout.fnmatch_lines(
        [
            "mutant N-small/slack survives (holds): a limit of 35",
            "value, in metres: ratio 0.857143, family F1, value=30",
            "mutants: 2 of 3 refuted",
            "survivor: N-small/slack (a limit of 35)",
        ]
    )


def test_a_mutant_that_breaks_is_not_refuted(suite: Suite) -> None:
    whole = fake_claims.claim()
    claim = whole.with_mutants(whole.neighbour("broken", "an error", conclusion=fake_claims.broken))
    outcome = suite.run([claim])
    assert outcome.ret == 1
    outcome.stdout.fnmatch_lines(["*ZeroDivisionError*", "*survivor: N-small/broken (an error)"])


@pytest.mark.parametrize(
    ("arguments", "drawn"),
    [
        (["--depth", "normal", "--report", "out"], True),
        (["--claim", "all", "--depth", "normal", "--report", "out"], True),
        (["--depth", "quick", "--report", "out"], False),
        (["--depth", "normal"], False),
        (["--claim", "N-small", "--depth", "normal", "--report", "out"], False),
    ],
)
def test_pictures_belong_to_a_report_on_every_claim(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], drawn: bool
) -> None:
    constants = picture_data()["constants"]
    calls = []

    def compute(depth: Depth, seed: int) -> Mapping[str, Any]:
        calls.append((depth, seed))
        return {"constants": constants}

    monkeypatch.setattr(pictures_part, "compute_pictures", compute)
    outcome = suite.run([fake_claims.claim()], *arguments)
    assert outcome.ret == 0
    assert calls == ([(Depth.NORMAL, FIXED_ROOT_SEED)] if drawn else [])
    if drawn:
        assert suite.written()["pictures"]["data"]["constants"] == constants
        assert suite.written()["complete"] is True
        assert "<svg" in report_text(suite.pytester.path / "out")
        outcome.stdout.fnmatch_lines(["From m = 4,096 to 65,536 C over the ball falls from 21.5 to 12.6 certified*"])


def test_pictures_that_break_off_fail(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures_part, "compute_pictures", lambda depth, seed: 1 / 0)
    outcome = suite.run([fake_claims.claim()], "--depth", "normal", "--report", "out")
    assert outcome.ret == 1
    outcome.stdout.fnmatch_lines(["*the pictures broke off with an error:", "*ZeroDivisionError*"])
    assert suite.written()["verdict"] == "undecided"


def test_slack_and_statements_that_are_no_claims_are_written(suite: Suite) -> None:
    suite.slack = (
        SlackRow("N-small", "the largest value", 20.0, 30.0, 31.0),
        SlackRow("N-other", "elsewhere", None, None, None),
    )
    outcome = suite.run([fake_claims.claim()], "--report", "out")
    assert [row["quantity"] for row in suite.written()["slack"]] == ["the largest value"]
    assert suite.written()["not_executable"] == SUITE.not_executable
    outcome.stdout.fnmatch_lines(["claim * quantity * paper * proved * refuted at", "N-small * 20 * 30 * 31"])


def test_an_unknown_claim_is_a_usage_error_and_leaves_the_report(suite: Suite) -> None:
    suite.run([fake_claims.claim()], "--report", "out")
    before = {path: path.read_bytes() for path in (suite.pytester.path / "out").rglob("*") if path.is_file()}
    outcome = suite.run([fake_claims.claim()], "--claim", "N-smal", "--claim", "N-small", "--report", "out")
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["ERROR: unknown claim N-smal; did you mean N-small? known: all, N-small"])
    assert before == {path: path.read_bytes() for path in (suite.pytester.path / "out").rglob("*") if path.is_file()}


def test_claim_takes_that_claim_and_its_mutants_only(suite: Suite) -> None:
    outcome = suite.run([fake_claims.claim(), fake_claims.claim("N-other")], "--claim", "N-other", "--report", "out")
    outcome.assert_outcomes(passed=3)
    assert [entry["id"] for entry in suite.written()["claims"]] == ["N-other"]
    assert suite.written()["complete"] is True


def test_seeds_depend_on_root_and_id_alone(suite: Suite) -> None:
    claims = [fake_claims.claim(), fake_claims.claim("N-other")]
    suite.run(claims, "--report", "out")
    first = {entry["id"]: entry for entry in suite.written()["claims"]}
    suite.run(claims[::-1], "--claim", "N-other", "--report", "out")
    (again,) = suite.written()["claims"]
    assert {**again, "seconds": 0} == {**first["N-other"], "seconds": 0}
    assert first["N-other"]["seed"] != first["N-small"]["seed"]
    suite.run(claims, "--claim", "N-other", "--report", "out", "--hypothesis-seed=7")
    (other,) = suite.written()["claims"]
    assert other["seed"] == claim_seed(7, "N-other") != again["seed"]
    assert suite.written()["environment"]["root_seed"] == 7


@pytest.mark.parametrize(
    ("mutilate", "said"),
    [
        (lambda claim: claim.with_mutants(), "N-small: no mutants, so nothing shows that its test can fail"),
        (
            lambda claim: Claim(**{**vars(claim), "families": ()}),
            "N-small: no family of instances, so nothing tests it",
        ),
        (lambda claim: claim.with_mutants(*claim.mutants, claim.mutants[0]), "two mutants are called N-small/below-10"),
        (lambda claim: Claim(**{**vars(claim), "families": claim.families * 2}), "two families are called F1"),
    ],
)
def test_a_registry_unfit_to_run_fails_at_collection(suite: Suite, mutilate: Any, said: str) -> None:
    outcome = suite.run([mutilate(fake_claims.claim())])
    assert outcome.ret == pytest.ExitCode.INTERRUPTED
    outcome.assert_outcomes(errors=1)
    assert said in outcome.stdout.str()


def test_an_empty_registry_fails_at_collection(suite: Suite) -> None:
    outcome = suite.run([])
    outcome.assert_outcomes(errors=1)
    assert "the registry of claims is empty" in outcome.stdout.str()


def test_nothing_to_run_is_a_usage_error(suite: Suite) -> None:
    outcome = suite.run([fake_claims.claim()], "--claim", "N-small", "-k", "other")
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["ERROR: nothing to run: -k other leaves none of the items of --claim; *"])


def test_what_is_chosen_is_all_that_is_collected_whatever_paths_are_given(suite: Suite) -> None:
    (suite.pytester.path / "test_broken.py").write_text("raise RuntimeError('collected')")
    outcome = suite.run([fake_claims.claim()], "--claim", "N-small", ".")
    outcome.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "age"], "--target names a column of a .csv file given by --dataset"),
        (["--width", "8"], "--width is the width at which the data set of --dataset is certified"),
        (["--scale", "2"], "--scale and --symmetric say how the network of --width is initialised"),
        (["--symmetric", "--dataset", "diabetes"], "--scale and --symmetric say how the network of --width *"),
        (["--update-baseline"], "--update-baseline writes the file that --baseline names; give both"),
        (["--optimiser", "kfac"], "--optimiser says what the step of --implementation is; give both"),
        (["--implementation", "math:hypot", "--dataset", "diabetes"], "*--dataset certifies data; give one of them"),
        (["--dataset", "absent.npz"], "data file absent.npz does not exist; known are digits-4-9, diabetes*"),
        (["--dataset", "absent"], "unknown data set 'absent'; known are digits-4-9, diabetes*"),
        (["--report", "test_other.py"], "--report test_other.py: not a directory to write to*"),
        (["--report", ""], "--report is empty; name a directory*"),
        (["--depth", "deep"], "*invalid choice: 'deep'*"),
    ],
)
def test_bad_input_is_a_usage_error(suite: Suite, arguments: Sequence[str], said: str) -> None:
    outcome = suite.run([fake_claims.claim()], *arguments)
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines([f"*{said}"])


def test_a_directory_to_which_another_run_writes_is_refused(suite: Suite) -> None:
    directory = suite.pytester.path / "out"
    directory.mkdir()
    lock = occupy(directory)
    outcome = suite.run([fake_claims.claim()], "--report", "out")
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["ERROR: another run is writing its report to *"])
    lock.release()
    assert suite.run([fake_claims.claim()], "--report", "out").ret == 0
    occupy(directory).release()


def test_modules_of_another_checkout_are_refused(suite: Suite) -> None:
    for file in ("theory/errors.py", "properties/plugin.py"):
        (suite.pytester.path / file).parent.mkdir()
        (suite.pytester.path / file).touch()
    outcome = suite.run([fake_claims.claim()])
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["ERROR: the package theory was imported from *"])


def test_workers_of_a_distributed_run_take_the_root_seed() -> None:
    run = SimpleNamespace(root=17)
    node = SimpleNamespace(workerinput={}, config=SimpleNamespace(stash={items.RUN: run}))
    SuitePlugin(lambda: SUITE).pytest_configure_node(node)
    assert node.workerinput == {"verification_root": 17}
