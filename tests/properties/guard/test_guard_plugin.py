"""--implementation from another repository: own items, exit codes, no trace where it is not given."""

import html
import json
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from properties.engine.replay.archive import counterexamples_in
from tests.properties.engine.report.page_parser import report_text
from tests.properties.engine.run.plugin_suite import long
from tests.properties.processes import here, started
from verified_natural_gradient.options import CHECKOUT

pytest_plugins = ["pytester"]

STEPS = """
import numpy as np

def step(weights, signs, X, y, step_size):
    features = np.where(X @ weights.T >= 0, signs, 0.0) / np.sqrt(len(signs))
    residual = np.maximum(X @ weights.T, 0) @ signs / np.sqrt(len(signs)) - y
    gram = (X @ X.T) * (features @ features.T)
    solution = np.linalg.pinv(gram, rcond=1e-12, hermitian=True) @ residual
    return weights - step_size * features.T @ (solution[:, None] * X)

def solving(weights, signs, X, y, step_size, eps=0.0):
    features = np.where(X @ weights.T >= 0, signs, 0.0) / np.sqrt(len(signs))
    residual = np.maximum(X @ weights.T, 0) @ signs / np.sqrt(len(signs)) - y
    gram = (X @ X.T) * (features @ features.T) + eps * np.eye(len(y))
    return weights - step_size * features.T @ (np.linalg.solve(gram, residual)[:, None] * X)

def damped(weights, signs, X, y, step_size):
    return solving(weights, signs, X, y, step_size, 0.01)

def mean(weights, signs, X, y, step_size):
    return step(weights, signs, X, y, step_size / len(y))

def broken(weights, signs, X, y, step_size):
    raise RuntimeError("not today")

calls = 0

def third(weights, signs, X, y, step_size):
    global calls
    calls += 1
    return step(weights, signs, X, y, step_size) if calls % 3 else weights
"""


@pytest.fixture
def repository(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, profile_restored: None) -> Path:
    """Another project, with tests of its own that must not be collected, warnings as errors, and odd patterns."""
    place = pytester.path
    (place / "mine").mkdir()
    (place / "mine" / "__init__.py").write_text("")
    (place / "mine" / "optimisers.py").write_text(STEPS)
    (place / "tests").mkdir()
    (place / "tests" / "check_mine.py").write_text("def check_mine():\n    print('their own test')\n")
    (place / "pytest.ini").write_text(
        "[pytest]\npython_files = check_*.py\npython_functions = check_*\ntestpaths = tests\nfilterwarnings = error\n"
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("mine", "mine.optimisers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delenv("CI", raising=False)
    return place


def inside(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Pytest in the other project, in this process, where plugins are imported already: it must not want to rewrite their assertions."""
    chosen = ["-p", "verified_natural_gradient.plugin", "-p", "no:cacheprovider", "--assert=plain"]
    return pytester.runpytest_inprocess(*chosen, *long(arguments))


def apart(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Pytest in the other project, in a process of its own, with this package as if installed."""
    code = (
        f"import sys; sys.path[:0] = ['']; sys.path.append({str(CHECKOUT)!r}); import pytest; sys.exit(pytest.main())"
    )
    chosen = ["-p", "verified_natural_gradient.plugin", "-p", "no:cacheprovider", *long(arguments)]
    return subprocess.run(
        [sys.executable, "-c", code, *chosen], cwd=repository, capture_output=True, text=True, check=False
    )


def test_a_right_step_passes_and_only_the_claims_run(pytester: pytest.Pytester, repository: Path) -> None:
    arguments = ("--implementation", "mine.optimisers:step", "--claim", "own-I-pinv", "--report", "out")
    done = inside(pytester, *arguments)
    assert done.ret == 0
    done.assert_outcomes(passed=21)
    done.stdout.fnmatch_lines(
        [
            "implementation: mine.optimisers:step (optimiser ngd)",
            "The 1 claim holds; 20 of 20 mutants refuted.",
        ]
    )
    done.stdout.no_fnmatch_line("*their own test*")
    written = json.loads((repository / "out" / "claims.json").read_text())
    assert written["not_executable"] == {}, "statements of the theory are none on the step"
    assert [claim["id"] for claim in written["claims"]] == ["own-I-pinv"]
    assert written["environment"]["implementation"] == "mine.optimisers:step"


def test_a_wrong_step_is_refuted_and_its_cause_named(pytester: pytest.Pytester, repository: Path) -> None:
    arguments = ("--implementation", "mine.optimisers:mean", "--claim", "own-I-pinv", "--report", "out", "-n", "1")
    done = apart(repository, *arguments)  # as in CI: by a worker of a distributed run
    assert done.returncode == 1, done.stdout + done.stderr
    sentence = (
        "matches 1/n times the step (the gradient of the mean loss with the Fisher matrix of the sum; or the step size divided "
        "by n) on all "
    )
    assert f"own-I-pinv: cause: {sentence}" in done.stdout
    cause = sentence.removesuffix(" on all ")
    assert f"\nown-I-pinv is refuted ({cause}): mine.optimisers:mean moves the weights by -eta J^+ r, " in done.stdout
    assert "X = [[0.0, 1.0], [-1.0, 0.0]]" in done.stdout
    assert (
        "again: natural-gradient guard mine.optimisers:mean --optimiser ngd --claim own-I-pinv --depth" in done.stdout
    )
    (claim,) = json.loads((repository / "out" / "claims.json").read_text())["claims"]
    stored = json.loads((repository / "out" / claim["counterexample"]).read_text())
    assert {"problem.given.inputs", "problem.given.weights", "problem.given.targets"} <= stored["arrays"].keys()
    assert any(line.startswith(f"cause: {sentence}") for line in stored["explanation"])
    words = shlex.split(stored["replay"])
    step = ["--implementation", "mine.optimisers:mean", "--optimiser", "ngd"]
    assert words == ["natural-gradient", "replay", f"out/{claim['counterexample']}", *step]
    done = started(repository, words)
    assert "Of 1 replayed: 1 refuted again." in done.stdout, done.stdout + done.stderr
    refused = here(pytester, words[:3])
    assert refused.ret == 4
    assert "a claim on a step of the user's own: name the step with --implementation" in refused.stderr.str()


def test_the_commands_on_the_page_find_the_step_and_the_files(pytester: pytest.Pytester, repository: Path) -> None:
    arguments = ("--implementation", "mine.optimisers:mean", "--claim", "own-I-pinv", "--report", "out/of the way")
    assert inside(pytester, *arguments).ret == 1
    page = report_text(repository / "out" / "of the way")
    commands = [shlex.split(html.unescape(text)) for text in re.findall("<code>(natural-gradient .*?)</code>", page)]
    replays = [words for words in commands if words[1] == "replay"]
    assert len(replays) == 21  # of the claim, and of each mutant
    assert len(counterexamples_in(repository / "out" / "of the way" / "counterexamples")) == 21
    (again,) = [words for words in commands if words not in replays]
    options = ["mine.optimisers:mean", "--optimiser", "ngd"]
    assert all(words[3:] == ["--implementation", *options] for words in replays)
    chosen = ["--claim", "own-I-pinv", "--depth", "quick", "--hypothesis-seed=20191"]
    assert again == ["natural-gradient", "guard", *options, *chosen]
    for words in (replays[0], replays[-1]):
        assert "Of 1 replayed: 1 refuted again." in here(pytester, words).stdout.str()
    assert "cause: matches 1/n times the step" in page
    assert "X = [[0.0, 1.0], [-1.0, 0.0]]" in page


def test_intended_damping_passes_and_another_one_replays(pytester: pytest.Pytester, repository: Path) -> None:
    chosen = ("--implementation", "mine.optimisers:damped", "--claim", "own-I-pinv")
    done = inside(pytester, *chosen, "--damping", "0.01", "-k", "not /")
    assert done.ret == 0
    done.stdout.fnmatch_lines(
        [
            "implementation: mine.optimisers:damped (optimiser ngd, gram damping, eps = 0.01)",
            "with damping: contract, fixed point and the damped step are checked, the theorems' rates are not",
        ]
    )
    done = inside(pytester, *chosen, "--damping", "0.02", "-k", "not /", "--report", "out")
    assert done.ret == 1
    done.stdout.fnmatch_lines(["cause: matches damping on G (or on the Fisher matrix) with eps = 0.01 on all *"])
    (file,) = (repository / "out" / "counterexamples").glob("*.json")
    words = shlex.split(json.loads(file.read_text())["replay"])
    step = ["--implementation", "mine.optimisers:damped", "--optimiser", "ngd"]
    assert words[3:] == [*step, "--damping", "0.02", "--damping-kind", "gram"]
    replayed = started(repository, words)
    assert "Of 1 replayed: 1 refuted again." in replayed.stdout, replayed.stdout + replayed.stderr
    replayed = started(repository, words[:-4])
    assert replayed.returncode == 1
    assert f"was not loaded; give {shlex.join(words[3:])}" in replayed.stdout
    done.stdout.fnmatch_lines(
        ["again: natural-gradient guard mine.optimisers:damped * --damping 0.02 --damping-kind gram *"]
    )


def test_what_a_step_promises_of_singular_matrices_is_asked_for(pytester: pytest.Pytester, repository: Path) -> None:
    chosen = ("--implementation", "mine.optimisers:solving", "--claim", "own-I-pinv", "-k", "not /")
    done = inside(pytester, *chosen)
    assert done.ret == 1
    done.stdout.fnmatch_lines(
        ["singular: G (* x *) has the rank *--singular raises*--singular unjudged (--ngd-singular *"]
    )
    assert inside(pytester, *chosen, "--singular", "unjudged").ret == 0


def test_a_step_that_keeps_state_is_refuted_by_a_sequence_that_replays(
    pytester: pytest.Pytester, repository: Path
) -> None:
    arguments = ("--implementation", "mine.optimisers:third")
    done = inside(pytester, *arguments, "--claim", "own-T1-step", "--report", "out")
    assert done.ret == 1
    done.stdout.fnmatch_lines(
        [
            "own-T1-step is refuted: keeps state between calls: in a fresh process this instance alone does not refute it, after 2 *",
            "call 3: returned_weights = *",
            "cause: calls 1 to 2 on the same input are exact, call 3 on the same input is not (no step at all): every call *",
        ]
    )
    (claim,) = json.loads((repository / "out" / "claims.json").read_text())["claims"]
    replayed = inside(pytester, *arguments, f"--replay=out/{claim['counterexample']}")
    replayed.stdout.fnmatch_lines(["  the same as the file: verdict, margins*", "Of 1 replayed: 1 refuted again."])


def test_a_step_that_raises_is_refuted_with_the_exception(pytester: pytest.Pytester, repository: Path) -> None:
    done = inside(pytester, "--implementation", "mine.optimisers:broken", "--claim", "own-T1-step")
    assert done.ret == 1
    done.stdout.fnmatch_lines(["the step raised RuntimeError: not today: refuted*"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--implementation", "mine:step"], "mine has no attribute 'step'"),
        (["--implementation", "mine.nothing:step"], "there is no module 'mine.nothing'"),
        (["--implementation", "mine.optimisers:STEPS"], "has no attribute 'STEPS'; callables there: broken, damped, mean, solving, step, third"),
        (["--implementation", "mine.optimisers:step", "--claim", "T1"], "unknown claim T1; known: all, own-contract, "),
        (["--implementation", "mine.optimisers:step", "--optimiser", "adam"], "argument --ngd-optimiser: invalid choice: 'adam'"),
        (["--implementation", "mine.optimisers:step", "--dataset", "x.csv"], "--ngd-dataset certifies data; give one of them"),
        (["--implementation", "mine.optimisers:step", "--damping", "0"], "--ngd-damping 0 is not a number from 1e-08 to 1e+06"),
        (["--implementation", "mine.optimisers:step", "--damping=-1"], "--ngd-damping -1 is not a number from"),
        (["--implementation", "mine.optimisers:step", "--damping", "nan"], "--ngd-damping nan is not a number from"),
        (["--implementation", "mine.optimisers:step", "--damping", "inf"], "--ngd-damping inf is not a number from"),
        (["--implementation", "mine.optimisers:step", "--damping", "much"], "--ngd-damping much is not a number from"),
        (["--implementation", "mine.optimisers:step", "--damping", "1", "--damping-kind", "pi"], "pi is none of the optimiser ngd"),
        (["--implementation", "mine.optimisers:step", "--damping", "1", "--optimiser", "kfac"], "--ngd-damping needs --ngd-damping-kind for kfac"),
        (["--implementation", "mine.optimisers:step", "--damping", "1", "--singular", "raises"], "a damped matrix is never singular"),
        (["--implementation", "mine.optimisers:step", "--damping-kind", "gram"], "give both"),
        (["--implementation", "mine.optimisers:step", "--damping", "1", "--claim", "own-T1"], "unknown claim own-T1"),
    ],
)  # fmt: skip
def test_bad_values_end_with_a_named_error(
    pytester: pytest.Pytester, repository: Path, arguments: list[str], said: str
) -> None:
    done = inside(pytester, *arguments)
    assert done.ret == 4
    assert said in done.stdout.str() + done.stderr.str()


THEIR_OPTION = """
def pytest_addoption(parser):
    for option in {options!r}:
        parser.addoption(option, default="theirs")
"""
THEIRS = ["--claim", "--replay", "--implementation", "--symmetric", "--ngd-theirs"]


@pytest.mark.parametrize("place", ["conftest", "plugin"])
def test_options_of_theirs_may_have_the_short_names(repository: Path, place: str) -> None:
    name = {"conftest": "conftest.py", "plugin": "their_plugin.py"}[place]
    (repository / name).write_text(THEIR_OPTION.format(options=THEIRS))
    loaded = ["-p", "their_plugin"] if place == "plugin" else []
    theirs = ["pytest", *loaded, "-p", "no:cacheprovider", *(f"{option}=x" for option in THEIRS)]
    done = started(repository, theirs)
    assert done.returncode == 0, done.stdout + done.stderr
    chosen = ["--ngd-implementation", "mine.optimisers:step", "--ngd-claim", "own-T1", "--co", "-q"]
    done = started(repository, [*theirs, *chosen])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 tests collected" in done.stdout


def test_help_lists_the_options_and_an_option_of_theirs_beside_them(repository: Path) -> None:
    (repository / "conftest.py").write_text(THEIR_OPTION.format(options=["--ngd-depth"]))
    done = started(repository, ["pytest", "--help"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verified natural gradient descent:" in done.stdout
    assert "--ngd-implementation=MODULE:FUNCTION" in done.stdout


LOOKING = """
def pytest_collection_modifyitems(items):
    for item in items:
        assert item.obj is item.function and callable(item.obj) and item.obj.__doc__
        assert (item.funcargs, item.fixturenames, item.cls, item.instance) == ({}, [], None, None)
        assert item.module.__name__ and item.originalname == item.name
        path, line, _ = item.reportinfo()
        assert path.name == "optimisers.py" and "def step(" in path.read_text().splitlines()[line]
"""


def test_a_hook_may_look_at_the_module_of_an_item(pytester: pytest.Pytester, repository: Path) -> None:
    (repository / "conftest.py").write_text(LOOKING)
    done = inside(pytester, "--implementation", "mine.optimisers:step", "--claim", "own-T1", "--collect-only", "-q")
    assert done.ret == 0
    done.stdout.fnmatch_lines(["4 tests collected*"])


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (["-k", "unit"], "-k unit"),
        (["-m", "slow"], "-m slow"),
        (["--deselect", "chosen"], "--deselect chosen"),
        (["-k", "unit", "-m", "slow"], "-k unit and -m slow"),
    ],
)
def test_filters_that_leave_nothing_are_named(
    pytester: pytest.Pytester, repository: Path, filters: list[str], said: str
) -> None:
    settings = (repository / "pytest.ini").read_text()
    (repository / "pytest.ini").write_text(f"{settings}addopts = {' '.join(filters)}\nmarkers = slow\n")
    done = inside(pytester, "--implementation", "mine.optimisers:step", "--claim", "own-T1")
    assert done.ret == 4
    text = done.stdout.str() + done.stderr.str()
    assert f"nothing to run: {said} leaves none of the items of --ngd-claim and --ngd-implementation; " in text
    done = inside(
        pytester, "--implementation", "mine.optimisers:step", "--claim", "own-T1", "-o", "addopts=", "--co", "-q"
    )
    assert done.ret == 0


def test_the_plugin_is_loaded_once_however_it_is_asked_for(pytester: pytest.Pytester, repository: Path) -> None:
    (repository / "conftest.py").write_text("pytest_plugins = ['properties.plugin']\n")
    done = inside(
        pytester,
        *("-p", "properties.plugin", "-p", "verified_natural_gradient.plugin"),
        *("--implementation", "mine.optimisers:step", "--claim", "own-T1", "--collect-only", "-q"),
    )
    assert done.ret == 0
    done.stdout.fnmatch_lines(
        ["chosen::own-T1", "chosen::own-T1/mean", "chosen::own-T1/long", "chosen::own-T1/sign", "4 tests collected*"]
    )


def test_the_entry_point_imports_nothing_of_the_suite(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.append({str(CHECKOUT)!r}); import pytest; before = set(sys.modules); "
        "import verified_natural_gradient.plugin; print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    ours = ["verified_natural_gradient", "verified_natural_gradient.options", "verified_natural_gradient.plugin"]
    assert done.stdout == f"{ours}\n"


def test_a_mistake_in_a_module_of_claims_is_named(repository: Path) -> None:
    for name in ("theory", "properties"):
        shutil.copytree(CHECKOUT / name, repository / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "verified_natural_gradient", repository / "copy" / "verified_natural_gradient")
    claims = repository / "copy" / "properties" / "chapters" / "ngd" / "ngd.py"
    claims.write_text(claims.read_text() + "\nUNKNOWN = no_such_name\n")
    line = len(claims.read_text().splitlines())
    code = "import sys; sys.path[:0] = ['copy']; import pytest; sys.exit(pytest.main())"
    options = ["-p", "verified_natural_gradient.plugin", "--ngd-claim", "T1"]
    done = started(repository, ["python", "-c", code, *options])
    assert done.returncode == 4, done.stdout + done.stderr
    said = "the suite cannot be loaded: *copy/properties/chapters/ngd/ngd.py:{}: NameError: name 'no_such_name' is not defined*"
    assert fnmatch(done.stderr, f"ERROR: {said.format(line)}")


def test_packages_of_the_same_names_beside_a_checkout_are_reported(repository: Path) -> None:
    """From a wheel the names are its own."""
    (repository / "properties").mkdir()
    (repository / "properties" / "__init__.py").write_text("")
    done = apart(repository, "--implementation", "mine.optimisers:step")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "needs the names theory and properties, but properties is found at" in done.stderr
