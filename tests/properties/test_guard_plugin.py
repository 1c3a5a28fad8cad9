"""--implementation from another repository: own items, exit codes, no trace where it is not given."""

import html
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import verified_natural_gradient
from properties.options import CHECKOUT, clash

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
"""

CONFTEST = """
def pytest_addoption(parser):
    for name in ("--claim", "--depth", "--dataset", "--target", "--report", "--optimiser"):
        parser.addoption(name, default="theirs")
"""


@pytest.fixture
def repository(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, profile_restored: None) -> Path:
    """Another project, with tests of its own that must not be collected, warnings as errors, and odd patterns."""
    here = pytester.path
    (here / "mine").mkdir()
    (here / "mine" / "__init__.py").write_text("")
    (here / "mine" / "optimisers.py").write_text(STEPS)
    (here / "tests").mkdir()
    (here / "tests" / "check_mine.py").write_text("def check_mine():\n    print('their own test')\n")
    (here / "pytest.ini").write_text(
        "[pytest]\npython_files = check_*.py\npython_functions = check_*\ntestpaths = tests\nfilterwarnings = error\n"
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("mine", "mine.optimisers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delenv("CI", raising=False)
    return here


def inside(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Pytest in the other project, in this process."""
    return pytester.runpytest_inprocess("-p", "verified_natural_gradient", "-p", "no:cacheprovider", *arguments)


def apart(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Pytest in the other project, in a process of its own, with this package as if installed."""
    code = (
        f"import sys; sys.path[:0] = ['']; sys.path.append({str(CHECKOUT)!r}); import pytest; sys.exit(pytest.main())"
    )
    chosen = ["-p", "verified_natural_gradient", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        [sys.executable, "-c", code, *chosen], cwd=repository, capture_output=True, text=True, check=False
    )


def test_a_right_step_passes_and_only_the_claims_run(pytester: pytest.Pytester, repository: Path) -> None:
    arguments = ("--implementation", "mine.optimisers:step", "--claim", "own-I-pinv", "--report", "out")
    done = inside(pytester, *arguments)
    assert done.ret == 0
    done.assert_outcomes(passed=20)
    done.stdout.fnmatch_lines(
        [
            "implementation: mine.optimisers:step (optimiser ngd)",
            "The 1 claim holds; 19 of 19 mutants refuted.",
        ]
    )
    done.stdout.no_fnmatch_line("*their own test*")
    written = json.loads((repository / "out" / "claims.json").read_text())
    assert [claim["id"] for claim in written["claims"]] == ["own-I-pinv"]
    assert written["environment"]["implementation"] == "mine.optimisers:step"


def test_a_wrong_step_is_refuted_and_its_convention_named(repository: Path) -> None:
    arguments = ("--implementation", "mine.optimisers:mean", "--claim", "own-I-pinv", "--report", "out", "-n", "1")
    done = apart(repository, *arguments)  # as in CI: by a worker of a distributed run
    assert done.returncode == 1, done.stdout + done.stderr
    sentence = "matches 1/n times the step (the gradient of the mean loss with the Fisher matrix of the sum) on all "
    assert f"own-I-pinv: convention: {sentence}" in done.stdout
    assert "X = [[0.0, 1.0], [-1.0, 0.0]]" in done.stdout
    assert (
        "again: pytest --implementation mine.optimisers:mean --optimiser ngd --claim own-I-pinv --depth" in done.stdout
    )
    (claim,) = json.loads((repository / "out" / "claims.json").read_text())["claims"]
    stored = json.loads((repository / "out" / claim["counterexample"]).read_text())
    assert {"problem.given.inputs", "problem.given.weights", "problem.given.targets"} <= stored["arrays"].keys()
    assert any(line.startswith(f"convention: {sentence}") for line in stored["explanation"])
    words = shlex.split(stored["replay"])
    assert words[-1] == f"--replay=out/{claim['counterexample']}"
    done = apart(repository, *words[1:])
    assert "Of 1 replayed: 1 refuted again." in done.stdout, done.stdout + done.stderr
    done = apart(repository, words[-1])
    assert done.returncode == 4
    assert "a claim on a step of the user's own: name the step with --implementation" in done.stderr


def test_the_commands_on_the_page_find_the_step_and_the_files(repository: Path) -> None:
    arguments = ("--implementation", "mine.optimisers:mean", "--claim", "own-I-pinv", "--report", "out/of the way")
    assert apart(repository, *arguments).returncode == 1
    page = (repository / "out" / "of the way" / "index.html").read_text()
    commands = [shlex.split(html.unescape(text)) for text in re.findall("<code>(pytest .*?)</code>", page)]
    replays = [words for words in commands if words[-1].startswith("--replay=")]
    assert len(replays) == 20  # the claim, and its mutants
    (again,) = [words for words in commands if words not in replays]
    options = ["pytest", "--implementation", "mine.optimisers:mean", "--optimiser", "ngd"]
    assert all(words[:5] == options for words in commands)
    assert again[5:] == ["--claim", "own-I-pinv", "--depth", "quick", "--hypothesis-seed=20191"]
    for words in (replays[0], replays[-1]):
        done = apart(repository, *words[1:])
        assert "Of 1 replayed: 1 refuted again." in done.stdout, done.stdout + done.stderr
    assert "convention: matches 1/n times the step" in page
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
    done.stdout.fnmatch_lines(["convention: matches damping on G (or on the Fisher matrix) with eps = 0.01 on all *"])
    (file,) = (repository / "out" / "counterexamples").glob("*.json")
    words = shlex.split(json.loads(file.read_text())["replay"])
    assert words[5:9] == ["--damping", "0.02", "--damping-kind", "gram"]
    done = inside(pytester, *words[1:])
    done.stdout.fnmatch_lines(["Of 1 replayed: 1 refuted again."])


def test_what_a_step_promises_of_singular_matrices_is_asked_for(pytester: pytest.Pytester, repository: Path) -> None:
    chosen = ("--implementation", "mine.optimisers:solving", "--claim", "own-I-pinv", "-k", "not /")
    done = inside(pytester, *chosen)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["singular: G (* x *) has the rank *--singular raises*--singular unjudged"])
    assert inside(pytester, *chosen, "--singular", "unjudged").ret == 0


def test_a_step_that_raises_is_refuted_with_the_exception(pytester: pytest.Pytester, repository: Path) -> None:
    done = inside(pytester, "--implementation", "mine.optimisers:broken", "--claim", "own-T1-step")
    assert done.ret == 1
    done.stdout.fnmatch_lines(["the step raised RuntimeError: not today: refuted*"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--implementation", "mine:step"], "mine has no attribute 'step'"),
        (["--implementation", "mine.nothing:step"], "there is no module 'mine.nothing'"),
        (["--implementation", "mine.optimisers:STEPS"], "has no attribute 'STEPS'; callables there: broken, damped, mean, solving, step"),
        (["--implementation", "mine.optimisers:step", "--claim", "T1"], "unknown claim T1; known: all, own-contract, "),
        (["--implementation", "mine.optimisers:step", "--optimiser", "adam"], "argument --optimiser: invalid choice: 'adam'"),
        (["--implementation", "mine.optimisers:step", "--dataset", "x.csv"], "give one of them"),
        (["--implementation", "mine.optimisers:step", "--damping", "0"], "--damping 0 is not a number from 1e-08 to 1e+06"),
        (["--implementation", "mine.optimisers:step", "--damping=-1"], "--damping -1 is not a number from"),
        (["--implementation", "mine.optimisers:step", "--damping", "nan"], "--damping nan is not a number from"),
        (["--implementation", "mine.optimisers:step", "--damping", "inf"], "--damping inf is not a number from"),
        (["--implementation", "mine.optimisers:step", "--damping", "much"], "--damping much is not a number from"),
        (["--implementation", "mine.optimisers:step", "--damping", "1", "--damping-kind", "pi"], "pi is none of the optimiser ngd"),
        (["--implementation", "mine.optimisers:step", "--damping", "1", "--optimiser", "kfac"], "needs --damping-kind for kfac"),
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
    parser.addoption({option!r}, default="theirs")
"""


@pytest.mark.parametrize("option", ["--claim", "--depth", "--report", "--symmetric"])
@pytest.mark.parametrize("place", ["conftest", "plugin"])
def test_an_option_of_the_same_name_is_a_named_error(repository: Path, option: str, place: str) -> None:
    name = {"conftest": "conftest.py", "plugin": "their_plugin.py"}[place]
    (repository / name).write_text(THEIR_OPTION.format(option=option))
    loaded = ["-p", "their_plugin"] if place == "plugin" else []
    done = apart(repository, *loaded, "--implementation", "mine.optimisers:step", "--claim", "own-T1")
    assert done.returncode == 4, done.stdout + done.stderr
    assert f"the option {option} of this run is added by a conftest.py or another plugin as well" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("option names {'--claim'} already added", "--claim"),
        ("option dest 'claim' already used by ['--theirs'] (...)", "--claim"),
        ("option dest 'update_baseline' already used by ['--theirs'] (...)", "--update-baseline"),
        ("option names {'--theirs'} already added", ""),
        ("invalid literal '--claim'", ""),
    ],
)
def test_a_clash_is_told_from_other_errors(text: str, name: str) -> None:
    said = clash(ValueError(text))
    assert said.startswith(f"the option {name} of this run") if name else said == ""


def test_two_options_of_theirs_are_their_own_error(repository: Path) -> None:
    (repository / "conftest.py").write_text(THEIR_OPTION.format(option="--theirs"))
    (repository / "their_plugin.py").write_text(THEIR_OPTION.format(option="--theirs"))
    done = apart(repository, "-p", "their_plugin", "--implementation", "mine.optimisers:step")
    assert "ValueError" in done.stderr
    assert "--implementation and --replay need" not in done.stderr


LOOKING = """
def pytest_collection_modifyitems(items):
    assert all((item.module, item.cls, item.function) == (None, None, None) for item in items)
"""


def test_a_hook_may_look_at_the_module_of_an_item(pytester: pytest.Pytester, repository: Path) -> None:
    (repository / "conftest.py").write_text(LOOKING)
    done = inside(pytester, "--implementation", "mine.optimisers:step", "--claim", "own-T1", "--collect-only", "-q")
    assert done.ret == 0
    done.stdout.fnmatch_lines(["3 tests collected*"])


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (["-k", "unit"], "-k unit"),
        (["-m", "slow"], "-m slow"),
        (["--deselect", "own"], "--deselect own"),
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
    assert f"nothing to run: {said} leaves none of the items of --implementation or --replay" in text
    assert "tests/claims" not in text
    done = inside(
        pytester, "--implementation", "mine.optimisers:step", "--claim", "own-T1", "-o", "addopts=", "--co", "-q"
    )
    assert done.ret == 0


def test_the_plugin_is_loaded_once_however_it_is_asked_for(pytester: pytest.Pytester, repository: Path) -> None:
    (repository / "conftest.py").write_text("pytest_plugins = ['properties.plugin']\n")
    done = inside(
        pytester,
        *("-p", "properties.plugin", "-p", "properties.options", "-p", "verified_natural_gradient"),
        *("--implementation", "mine.optimisers:step", "--claim", "own-T1", "--collect-only", "-q"),
    )
    assert done.ret == 0
    done.stdout.fnmatch_lines(["own::own-T1", "own::own-T1/mean", "own::own-T1/sign", "3 tests collected*"])


def test_nothing_changes_where_the_option_is_not_given(repository: Path) -> None:
    (repository / "conftest.py").write_text(CONFTEST)  # options of the same names
    (repository / "properties").mkdir()
    (repository / "properties" / "__init__.py").write_text("raise RuntimeError('another package of this name')")
    alone = apart(repository, "-p", "no:verified_natural_gradient")
    beside = apart(repository)
    assert beside.returncode == 0, beside.stdout + beside.stderr
    without_time = [text.stdout.replace(text.stdout.rsplit(" in ", 1)[1], "") for text in (alone, beside)]
    assert without_time[0] == without_time[1]
    assert "1 passed" in beside.stdout


def test_another_package_of_the_same_name_is_reported(repository: Path) -> None:
    (repository / "properties").mkdir()
    (repository / "properties" / "__init__.py").write_text("")
    done = apart(repository, "--implementation", "mine.optimisers:step")
    assert done.returncode == 4, done.stdout + done.stderr
    assert (
        "--implementation and --replay need this project's package properties, but properties is found at"
        in done.stderr
    )


def test_the_entry_point_imports_nothing_of_the_suite(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.append({str(CHECKOUT)!r}); import pytest; before = set(sys.modules); "
        "import verified_natural_gradient; print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "['verified_natural_gradient']\n"


def test_the_entry_point_is_registered_under_its_module_name() -> None:
    settings = (CHECKOUT / "pyproject.toml").read_text()
    assert '[project.entry-points.pytest11]\n"verified_natural_gradient" = "verified_natural_gradient"' in settings
    assert 'py-modules = ["verified_natural_gradient"]' in settings
    assert verified_natural_gradient.HOME == CHECKOUT
