"""Data files from the outside: exit code 4 and one line for those that are refused, and notes beside those that are read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from properties.engine.claim import Evaluation
from tests.properties.dataset.one_share import certified_by
from tests.properties.engine import fake_claims
from tests.properties.engine.report.page_parser import report_text
from tests.properties.engine.run.plugin_suite import Suite
from tests.properties.reading.npz_files import archive, header, npy, with_header

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.usefixtures("profile_restored")

TARGETS = npy(np.ones(2))

WARNINGS = ("-W", "error", "-W", "ignore::pytest.PytestAssertRewriteWarning")
"""All are errors, but that a plugin was imported before: by the run that runs this one, when that does not rewrite assertions."""

REFUSED = {
    "members that are no arrays": ("mine.npz", archive([("X", b"abc"), ("y", b"d")]), "mine.npz: holds X and y as plain bytes*"),
    "beyond float64": ("mine.npz", archive([("X.npy", npy(np.full((2, 2), np.longdouble(2)) ** 2000)), ("y.npy", TARGETS)]), "mine.npz: X[[]0, 0[]] is *"),
    "10^12 rows": ("mine.npz", archive([("X.npy", with_header(header("(1000000000000, 2)"), bytes(32))), ("y.npy", TARGETS)]), "mine.npz: X has 32 bytes, but *"),
    "another separator": ("mine.csv", b"a:b\n1:2\n3:4\n", "mine.csv: its columns seem to be separated by ':'*"),
    "another encoding": ("mine.csv", "a,ü\n1,2\n".encode("cp1252"), "mine.csv: is not text in UTF-8*"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_refused_is_a_usage_error_in_one_line(kind: str, suite: Suite) -> None:
    name, content, said = REFUSED[kind]
    (suite.pytester.path / name).write_bytes(content)
    outcome = suite.run([fake_claims.claim()], *WARNINGS, "--dataset", name)
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines([f"ERROR: {said}"])
    assert len([line for line in outcome.errlines if line.strip()]) == 1


class NothingKnown:
    """A certificate without content."""

    results: Sequence[tuple[str, Evaluation]] = ()
    complete = True
    unexpected: Sequence[str] = ()
    reasons = "nothing is known"
    curves: dict[str, Any]
    spectra: dict[str, Any]

    def __init__(self) -> None:
        self.curves, self.spectra = {}, {}

    def to_json(self) -> dict[str, Any]:
        return {}

    def lines(self) -> list[str]:
        return ["data set", "lambda0 unknown"]


READ = {
    "Python 2": ("mine.npz", archive([("X.npy", with_header(header("(2L, 2L)"), np.eye(2).tobytes())), ("y.npy", TARGETS)]), ()),
    "semicolons": ("mine.csv", b"a;b\n1,5;2\n3;4\n", ("columns separated by semicolons", "decimal commas read as points")),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_a_file_that_is_read_shows_what_was_decided(kind: str, suite: Suite) -> None:
    name, content, remarks = READ[kind]
    (suite.pytester.path / name).write_bytes(content)
    certified_by(suite.monkeypatch, lambda _: NothingKnown())
    outcome = suite.run([fake_claims.claim()], *WARNINGS, "--dataset", name, "--report", "out")
    assert outcome.ret == 0
    assert suite.written()["dataset"]["remarks"] == list(remarks)
    last = outcome.outlines.index("data set", len(outcome.outlines) // 3)
    assert outcome.outlines[last + 1 :][: len(remarks) + 1] == [
        *(f"  note: {text}" for text in remarks),
        "lambda0 unknown",
    ]
    (source,) = [line for line in outcome.outlines if line.startswith(f"data set {name}")]
    assert source.endswith("; ".join(["rows normalised to unit Euclidean norm", *remarks]))
    page = report_text(suite.pytester.path / "out")
    assert all(f"Note: {text}." in page for text in remarks)
