"""A data set in a run, with a certificate of known outcome: exit codes, the table of claims, what is recorded of one that breaks off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from properties.engine.claim import Evaluation, InstanceVerdict
from tests.properties.dataset.one_share import certified_by
from tests.properties.engine import fake_claims
from tests.properties.engine.report.page_parser import report_text
from tests.properties.engine.run.plugin_suite import Suite

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.usefixtures("profile_restored")


@dataclass
class FakeCertificate:
    """A certificate whose one check came out as told."""

    verdict: InstanceVerdict
    complete = True
    unexpected: Sequence[str] = ()
    reasons = "its only hypothesis is not met"

    @property
    def results(self) -> Sequence[tuple[str, Evaluation]]:
        point = fake_claims.Point(29.0)
        bounds = tuple(fake_claims.below(30.0)(point))
        return [("N-small", Evaluation("F5", {"width": 8}, (), bounds, self.verdict, ("flips",), point))]

    @property
    def curves(self) -> Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float] | None]]]:
        return {"n = 2, m = 8": {"ngd": ([1.0, 0.5, 0.25], [1.0, 0.75, 0.5]), "gd": ([1.0, 0.9, 0.0], None)}}

    @property
    def spectra(self) -> Mapping[str, Mapping[str, Sequence[float]]]:
        return {}

    def to_json(self) -> dict[str, Any]:
        return {"lambda0": np.float64(0.25), "unreachable": np.inf}

    def lines(self) -> list[str]:
        return ["lambda0 0.25, certified"]


def with_dataset(suite: Suite, verdict: InstanceVerdict) -> None:
    certified_by(suite.monkeypatch, lambda _: FakeCertificate(verdict))
    np.savez(suite.pytester.path / "mine.npz", X=[[3.0, 4.0], [0.0, 2.0]], y=[1.0, 2.0])


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (InstanceVerdict.HOLDS, 0),
        (InstanceVerdict.VACUOUS, 0),
        (InstanceVerdict.UNDECIDED_HYPOTHESIS, 0),
        (InstanceVerdict.UNDECIDED, 1),
        (InstanceVerdict.REFUTED, 1),
    ],
)
def test_a_data_set_fails_only_when_a_claim_fails_on_it(suite: Suite, verdict: InstanceVerdict, code: int) -> None:
    with_dataset(suite, verdict)
    limit = 28.0 if verdict is InstanceVerdict.REFUTED else 30.0
    outcome = suite.run([fake_claims.claim(limit=limit)], "--dataset", "mine.npz", "--report", "out")
    assert outcome.ret == code
    outcome.assert_outcomes(passed=1 - code, failed=code)
    outcome.stdout.fnmatch_lines(
        [
            "data set mine.npz: n = 2, d = 2; read from .npz; rows normalised to unit Euclidean norm",
            "lambda0 0.25, certified",
            f"N-small on mine.npz: 1 {verdict}",
        ]
    )
    written = suite.written()
    assert written["claims"] == []
    assert written["dataset"]["certificate"] == {"lambda0": 0.25, "unreachable": "inf"}
    assert written["dataset"]["curves"]["n = 2, m = 8"]["ngd"] == {
        "observed": [1.0, 0.5, 0.25],
        "bound": [1.0, 0.75, 0.5],
    }
    assert len(written["dataset"]["counterexamples"]) == (verdict is InstanceVerdict.REFUTED)
    page = report_text(suite.pytester.path / "out")
    assert page.count("<svg") == 1
    checked = verdict not in (InstanceVerdict.VACUOUS, InstanceVerdict.UNDECIDED_HYPOTHESIS)
    expected = "uncertified" if verdict is InstanceVerdict.HOLDS else verdict.value if checked else "unchecked"
    assert written["verdict"] == written["dataset"]["verdict"] == expected
    assert written["dataset"]["counts"][verdict.value] == sum(written["dataset"]["counts"].values()) == 1
    said = "Nothing could be checked on the data set mine.npz, because its only hypothesis is not met."
    assert (said in outcome.stdout.str()) == (said in page) == (not checked)


def test_checks_on_a_data_set_count_in_the_claims_table(suite: Suite) -> None:
    with_dataset(suite, InstanceVerdict.HOLDS)
    outcome = suite.run([fake_claims.claim()], "--claim", "all", "--dataset", "mine.npz", "--report", "out")
    assert outcome.ret == 0
    outcome.assert_outcomes(passed=4)
    (claim,) = suite.written()["claims"]
    assert claim["families"]["F5"]["instances"] == 1
    assert claim["families"]["F5"]["features"] == {"flips": 1}
    assert claim["instances"] == sum(family["instances"] for family in claim["families"].values())


def test_a_certificate_that_breaks_off_fails_and_is_recorded(suite: Suite) -> None:
    with_dataset(suite, InstanceVerdict.HOLDS)
    certified_by(suite.monkeypatch, fake_claims.broken)
    outcome = suite.run([fake_claims.claim()], "--dataset", "mine.npz", "--report", "out")
    assert outcome.ret == 1
    assert suite.written()["dataset"]["error"].endswith("ZeroDivisionError: a programming error")
