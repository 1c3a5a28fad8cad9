"""With the core alone what needs no extra works, and what needs one says which, before anything is computed."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

import verified_natural_gradient
from properties.catalogue import registry
from properties.engine.extras import DISTRIBUTION, MODULES, Extra, installation, missing_from, require_extra
from properties.engine.selection import feasible
from properties.reading.csv_table import read_csv
from properties.reading.datasets import load_dataset
from tests.properties.engine import fake_claims
from tests.properties.engine.fake_obligations import SMALLER_CHAIN, SQUARES
from tests.properties.engine.run.plugin_suite import Suite, long
from theory.errors import DataFileError, MissingExtraError
from verified_natural_gradient.options import CHECKOUT

pytest_plugins = ["pytester"]

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULE_OF = {"python-flint": "flint"}
"""Modules of the core whose distribution has another name."""

OWN = ("theory", "properties", "verified_natural_gradient", "_typeshed")
"""This project's own packages, and what only type checkers know."""

PEERS = ("torch", "jax")
"""What adapters import, and only adapters."""


def without(monkeypatch: pytest.MonkeyPatch, *extras: Extra) -> None:
    for extra in extras:
        for module in MODULES[extra]:
            monkeypatch.setitem(sys.modules, module, None)


def distributions(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=\[; ]", requirement)[0] for requirement in requirements}


@cache
def imported() -> set[tuple[Path, str]]:
    """Every module from elsewhere that a shipped file imports, wherever in it."""
    entry = Path(verified_natural_gradient.__file__)
    files = [
        *CHECKOUT.glob("theory/**/*.py"),
        *CHECKOUT.glob("properties/**/*.py"),
        *((entry,) if entry.name != "__init__.py" else entry.parent.rglob("*.py")),
    ]
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in OWN:
                    found.add((file, top))
    return found


# --- what is declared ------------------------------------------------------------------------------------------------


def test_the_core_is_what_shipped_code_imports_beside_the_extras() -> None:
    found = {name for _, name in imported()}
    core = {MODULE_OF.get(name, name) for name in distributions(PROJECT["dependencies"])}
    brought = {module for modules in MODULES.values() for module in modules}
    assert not core & brought
    assert found - set(PEERS) == core | brought


def test_only_adapters_import_the_peers() -> None:
    assert {file.parent.name for file, name in imported() if name in PEERS} <= {"adapters"}


def test_the_extras_are_what_the_settings_declare() -> None:
    declared = PROJECT["optional-dependencies"]
    for extra, modules in MODULES.items():
        assert distributions(declared[extra]) == set(modules.values())
    on_one_machine = [extra for extra in Extra if extra is not Extra.DASK]
    assert declared["all"] == [f"{DISTRIBUTION}[{','.join(on_one_machine)}]"]
    assert f"{DISTRIBUTION}[all,dask]" in declared["dev"]
    assert PROJECT["name"] == DISTRIBUTION


# --- is it there -----------------------------------------------------------------------------------------------------


def test_everything_is_there_in_development() -> None:
    for extra in Extra:
        assert missing_from(extra) == ()
        require_extra(extra, "this")


def test_an_absent_module_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cvc5", None)
    assert missing_from(Extra.PROOFS) == ("cvc5",)
    said = r"^a proof needs cvc5, which is not installed: pip install 'verified-natural-gradient\[proofs\]'$"
    with pytest.raises(MissingExtraError, match=said):
        require_extra(Extra.PROOFS, "a proof")
    without(monkeypatch, Extra.PROOFS)
    with pytest.raises(MissingExtraError, match=r"^a proof needs z3-solver and cvc5, which are not installed: "):
        require_extra(Extra.PROOFS, "a proof")


def test_a_directory_of_that_name_is_no_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "z3_of_theirs" / "data").mkdir(parents=True)
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "__init__.py").write_text("raise RuntimeError('not to be imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(MODULES[Extra.PROOFS], "z3_of_theirs", "absent-one")
    monkeypatch.setitem(MODULES[Extra.PROOFS], "whole", "whole-one")
    assert missing_from(Extra.PROOFS) == ("absent-one",)


# --- what a run makes of it ------------------------------------------------------------------------------------------

CORE_ALONE = """
import contextlib, io, json, sys
names = {names!r}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
sys.path[:0] = ["", {checkout!r}]
import pytest
found = []
for arguments in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(["-p", "verified_natural_gradient.plugin", "-p", "no:cacheprovider", *arguments])
    found.append([int(code), said.getvalue()])
print(json.dumps(found))
"""

STEP = """
from theory.descent import natural_gradient_step
from theory.network import TwoLayerNetwork

def step(weights, signs, X, y, step_size):
    return natural_gradient_step(TwoLayerNetwork(weights=weights, signs=signs), X, y, step_size).weights
"""


def test_guard_and_replay_need_the_core_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(STEP)
    guard = ["--implementation=mine:step", "--claim=own-fixed-point"]
    stored = sorted((CHECKOUT / "docs" / "counterexamples").glob("T0-*.json"))
    runs = [long(one) for one in (guard, [f"--replay={stored[0]}"], [*guard, "--report=out"])]
    names = sorted(
        {"pytest_benchmark", "pytest_cov", "xdist", *(one for modules in MODULES.values() for one in modules)}
    )
    code = CORE_ALONE.format(names=names, checkout=str(CHECKOUT))
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(runs),
        cwd=tmp_path,
        env={"PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (guarded, guard_text), (replayed, replay_text), (reported, report_text) = json.loads(done.stdout)
    assert guarded == 0, guard_text
    assert "The 1 claim holds; 3 of 3 mutants refuted." in guard_text
    assert "left out" not in guard_text
    assert replayed == 1, replay_text
    assert "Of 1 replayed: 1 refuted again." in replay_text
    assert reported == 4, report_text
    needs = "--ngd-report needs matplotlib, jinja2, markupsafe and latex2mathml, which are not installed: "
    assert f"{needs}{installation(Extra.REPORT)}" in report_text
    assert "Traceback" not in report_text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("extra", "arguments", "said"),
    [
        (Extra.REPORT, ("--report=out",), "--report needs matplotlib, jinja2, markupsafe and latex2mathml"),
        (Extra.DATA, ("--dataset=digits-4-9",), "the data set digits-4-9 needs scikit-learn"),
        (Extra.DATA, ("--dataset=diabetes",), "the data set diabetes needs scikit-learn"),
        (
            Extra.DATA,
            ("--claim=all", "--depth=normal", "--report=out"),
            "with the paper's pictures, needs scikit-learn",
        ),
        (Extra.PROOFS, ("--claim=O-squares",), "the proof of O-squares needs z3-solver and cvc5"),
        (Extra.PROOFS, ("--claim=all", "--claim=O-squares"), "the proof of O-squares needs z3-solver and cvc5"),
    ],
)
def test_what_needs_an_extra_ends_before_it_begins(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, extra: Extra, arguments: tuple[str, ...], said: str
) -> None:
    without(monkeypatch, extra)
    suite.obligations, suite.chains = {SQUARES.id: SQUARES}, {SMALLER_CHAIN.theorem: SMALLER_CHAIN}
    done = suite.run([fake_claims.claim()], *arguments)
    assert done.ret == 4
    (line,) = [line for line in done.stderr.str().splitlines() if line.strip()]
    assert said in line
    assert line.endswith(installation(extra))


def test_a_file_of_data_needs_none(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    without(monkeypatch, *Extra)
    np.savez(suite.pytester.path / "mine.npz", X=np.eye(2), y=np.ones(2))
    assert suite.run([fake_claims.claim()], "--dataset=mine.npz", "--collect-only").ret == 0
    with pytest.raises(MissingExtraError, match="scikit-learn"):
        load_dataset("diabetes")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b,y\n1,2,3\n4,,5\n", "line 3, column 2 .b. is empty: a missing number"),
        ("a,b,species\n1,2,setosa\n4,5,virginica\n", "holds 'setosa'"),
        ('a,b,y\n"1,234.5",2,3\n2,3,4\n', "thousands"),
    ],
)
def test_a_fault_of_a_table_with_commas_is_told_without_detection(
    content: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without(monkeypatch, Extra.DATA)
    (tmp_path / "mine.csv").write_text(content)
    with pytest.raises(DataFileError, match=said):
        read_csv(tmp_path / "mine.csv", None)


@pytest.mark.parametrize("separator", [";", "\t", "|", " ", ":"])
def test_another_separator_asks_for_the_extra(separator: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without(monkeypatch, Extra.DATA)
    (tmp_path / "mine.csv").write_text("\n".join(separator.join(row) for row in ("ab", ("1,5", "2"), ("3", "4,25"))))
    with pytest.raises(MissingExtraError, match="clevercsv"):
        read_csv(tmp_path / "mine.csv", None)


@pytest.mark.parametrize("arguments", [("--claim=all",), ("--claim=N-small",), ()])
def test_claims_run_without_their_proofs_and_the_run_says_so(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    without(monkeypatch, Extra.PROOFS)
    suite.obligations, suite.chains = {SQUARES.id: SQUARES}, {SMALLER_CHAIN.theorem: SMALLER_CHAIN}
    done = suite.run([fake_claims.claim()], *arguments, "--report=out")
    assert done.ret == 0
    line = (
        "left out: 1 obligation, not run, so that nothing in this run proves or refutes them (O-squares), "
        f"for want of z3-solver and cvc5: {installation(Extra.PROOFS)}"
    )
    assert done.stdout.str().count(line) == 2  # before the items, and below the table
    done.stdout.fnmatch_lines(["*; 1 obligation left out, as the extra proofs is not installed."])
    assert "proved" not in done.stdout.str()
    written = suite.written()
    assert written["left_out"] == {"proofs": ["O-squares"]}
    assert written["obligations"] == []
    assert written["proofs"][0]["links"][1]["known"] == ["not in this run"]
    assert (
        "1 obligation left out, as the extra proofs is not installed"
        in (suite.pytester.path / "out" / "index.html").read_text()
    )


def test_a_baseline_misses_what_is_left_out(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.obligations, suite.chains = {SQUARES.id: SQUARES}, {SMALLER_CHAIN.theorem: SMALLER_CHAIN}
    arguments = ("--claim=N-small", "--baseline=earlier.json")
    assert suite.run([fake_claims.claim()], *arguments, "--update-baseline").ret == 0
    without(monkeypatch, Extra.PROOFS)
    done = suite.run([fake_claims.claim()], *arguments)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["*O-squares: no such obligation in this run"])


def test_a_family_that_needs_data_is_left_out_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    needing = {id for id, claim in registry.items() for family in claim.families if family.extra is not None}
    assert needing == {"T3", "T4-width"}
    mutants = [mutant for claim in registry.values() for mutant in claim.mutants]
    assert all(family.extra is None for mutant in mutants for family in mutant.claim.families)
    whole = feasible([registry["T3"], registry["T1"]], [], ())
    assert whole.claims == (registry["T3"], registry["T1"])
    assert whole.left_out == {}
    without(monkeypatch, Extra.DATA)
    found = feasible([registry["T3"], registry["T1"]], [], ())
    assert found.left_out == {"data": ("T3 digits",)}
    assert found.claims[1] is registry["T1"]
    kept = [family.id for family in found.claims[0].families]
    assert kept == [family.id for family in registry["T3"].families if family.id != "digits"]
    assert found.claims[0].mutants == registry["T3"].mutants
