"""The suite of docs/another-suite, on the engine alone."""

import json
import shutil
from pathlib import Path

import pytest

from tests.properties.engine.report.page_parser import report_text
from tests.properties.processes import started

EXAMPLE = Path(__file__).parents[3] / "docs" / "another-suite"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("another") / "suite"
    shutil.copytree(EXAMPLE, found, ignore=shutil.ignore_patterns("__pycache__", "out"))
    return found


def test_it_has_its_table_its_report_and_its_counterexamples(directory: Path) -> None:
    outcome = started(
        directory, ["pytest", "-p", "no:cacheprovider", "--ngd-claim=all", "--ngd-depth=normal", "--ngd-report=out"]
    )
    assert outcome.returncode == 0, outcome.stdout
    assert "All 2 claims hold; 2 of 2 mutants refuted." in outcome.stdout
    page = (directory / "out" / "index.html").read_text(encoding="utf-8")
    assert "<title>Gradient descent on quadratics: holds</title>" in page
    whole = report_text(directory / "out")
    assert "natural gradient" not in whole
    assert whole.count("<math") == 4  # on the page of each claim alone
    written = json.loads((directory / "out" / "claims.json").read_text(encoding="utf-8"))
    assert [(claim["id"], claim["verdict"]) for claim in written["claims"]] == [
        ("Q-rate", "holds"),
        ("Q-descent", "holds"),
    ]
    replayed = started(directory, ["pytest", "-p", "no:cacheprovider", "--ngd-replay=out/counterexamples"])
    assert "Of 2 replayed: 2 refuted again." in replayed.stdout, replayed.stdout


def test_a_false_claim_of_it_is_refuted_and_says_how_to_repeat_that(directory: Path) -> None:
    text = (directory / "quadratics.py").read_text(encoding="utf-8")
    false = text.replace("20_000 - one.step * one.b", "20_001 - one.step * one.a")
    assert false != text
    (directory / "quadratics.py").write_text(false, encoding="utf-8")
    outcome = started(directory, ["pytest", "-p", "no:cacheprovider", "--ngd-claim=Q-descent", "--ngd-depth=normal"])
    (directory / "quadratics.py").write_text(text, encoding="utf-8")
    assert outcome.returncode == 1
    assert "Q-descent is refuted: for 0 < step <= 2/b the value never increases" in outcome.stdout
    assert "again: pytest --ngd-claim=Q-descent --ngd-depth=normal --hypothesis-seed=20191" in outcome.stdout


def test_the_engine_loads_no_chapter_and_nothing_loads_what_most_runs_do_not_need(tmp_path: Path) -> None:
    """Every process of a run pays for what is imported: scipy.stats and scipy.optimize cost as much as all of ours."""
    code = "import sys, properties.engine.run.suite_plugin; print(*sys.modules); import properties.plugin; print(*sys.modules)"
    engine, everything = (line.split() for line in started(tmp_path, ["python", "-c", code]).stdout.splitlines())
    loaded = [name for name in engine if name.startswith("properties")]
    assert "properties.engine.search" in loaded
    assert not [name for name in loaded if "claims" in name or "guard" in name or "dataset" in name]
    assert "properties.chapters.ngd.ngd" in everything
    assert not {"scipy.stats", "scipy.optimize", "sklearn", "matplotlib", "z3", "cvc5"}.intersection(everything)
