"""Beside other plugins of pytest an ordinary project's run is what it is without this package, and the guard works.

Needs the package registry: a virtual environment with the plugins is made first. A part of it runs in the ordinary tests
(tests/properties/guard/test_guard_plugin.py, test_wheel.py) beside the plugins of the development environment.
"""

import os
import re
import subprocess
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.properties.wheels import build_wheel, unpacked

PLUGINS: Mapping[str, tuple[str, str]] = {
    "pytest-replay": ("pytest_replay", ""),
    "pytest-repeat": ("pytest_repeat", "--count=2"),
    "pytest-asyncio": ("pytest_asyncio.plugin", ""),
    "pytest-github-actions-annotate-failures": ("pytest_github_actions_annotate_failures.plugin", ""),
    "pytest-randomly": ("pytest_randomly", "--randomly-seed=1"),
    "pytest-cov": ("pytest_cov.plugin", "--cov=ours"),
    "pytest-mock": ("pytest_mock", ""),
    "pytest-timeout": ("pytest_timeout", "--timeout=300"),
    "pytest-rerunfailures": ("pytest_rerunfailures", "--reruns=1"),
    "pytest-sugar": ("pytest_sugar", ""),
    "pytest-metadata": ("pytest_metadata.plugin", ""),
    "pytest-json-report": ("pytest_jsonreport.plugin", "--json-report"),
    "pytest-order": ("pytest_order.plugin", ""),
    "pytest-bdd": ("pytest_bdd.plugin", ""),
    "pytest-instafail": ("pytest_instafail", "--instafail"),
    "pytest-picked": ("pytest_picked.plugin", ""),
    "pytest-check": ("pytest_check.plugin", ""),
    "pytest-env": ("pytest_env.plugin", ""),
    "pytest-socket": ("pytest_socket", ""),
    "anyio": ("anyio.pytest_plugin", ""),
    "pytest-regressions": ("pytest_regressions.plugin", ""),
    "syrupy": ("syrupy", ""),
    "pytest-reportlog": ("pytest_reportlog.plugin", "--report-log=log.jsonl"),
    "pytest-split": ("pytest_split.plugin", ""),
    "pytest-random-order": ("random_order.plugin", ""),
    "pytest-clarity": ("pytest_clarity.plugin", ""),
    "pytest-xdist": ("xdist.plugin", "-n1"),
    "pytest-benchmark": ("pytest_benchmark.plugin", ""),
}
"""By distribution: its module, and an option with which it does something."""

OWN = "verified_natural_gradient.plugin"

ORDINARY = """
import warnings
import pytest

@pytest.mark.parametrize("number", range(3))
def test_numbers(number, request):
    assert number < 2, "as it is"

def test_skipped():
    pytest.skip("not today")

def test_warns():
    warnings.warn("careful", UserWarning)

def test_printed(capsys):
    print("printed")
    assert capsys.readouterr().out == "printed\\n"
"""

CONFTEST = """
import pytest

def pytest_addoption(parser):
    group = parser.getgroup("ours")
    for name in NAMES:
        group.addoption(name, default=None, help="one of ours")

@pytest.fixture
def benchmark():
    return "ours"

def pytest_collection_modifyitems(items):
    for item in items:
        assert item.obj.__doc__ or True
        assert item.funcargs is not None and item.fixturenames is not None
"""

STEPS = """
import numpy as np

def step(weights, signs, X, y, step_size):
    features = np.where(X @ weights.T >= 0, signs, 0.0) / np.sqrt(len(signs))
    residual = np.maximum(X @ weights.T, 0) @ signs / np.sqrt(len(signs)) - y
    gram = (X @ X.T) * (features @ features.T)
    return weights - step_size * features.T @ ((np.linalg.pinv(gram, rcond=1e-12, hermitian=True) @ residual)[:, None] * X)

def mean(weights, signs, X, y, step_size):
    return step(weights, signs, X, y, step_size / len(y))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the plugins and what this package needs, but not this package."""
    place = tmp_path_factory.mktemp("plugins")
    venv.create(place, with_pip=True)
    found = place / "bin" / "python"
    core = ["numpy", "scipy", "hypothesis", "python-flint", "tqdm", "filelock", "threadpoolctl"]
    subprocess.run([found, "-m", "pip", "install", "--quiet", "pytest", *core, *PLUGINS], check=True)
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(build_wheel(tmp_path_factory.mktemp("wheel")))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "test_ordinary.py").write_text(ORDINARY)
    (tmp_path / "steps.py").write_text(STEPS)
    (tmp_path / "ours.py").write_text("")
    (tmp_path / "conftest.py").write_text(f"NAMES = ('--implementation', '--claim', '--depth')\n{CONFTEST}")
    return tmp_path


def pytest_run(
    python: Path, directory: Path, arguments: Sequence[str], path: Path | None, autoload: bool
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "GITHUB"))}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "GITHUB_ACTIONS": "true", "COLUMNS": "120"}
    environment |= {} if path is None else {"PYTHONPATH": str(path)}
    environment |= {} if autoload else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [str(python), "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What was printed, without the list of plugins, times, and what else differs from run to run."""
    text = re.sub(r"\d+(\.\d+)?(s|ms|us)\b", "TIME", done.stdout + done.stderr)
    return [line for line in text.splitlines() if not line.startswith("plugins:") and "seconds" not in line]


def ordinary(python: Path, project: Path, arguments: Sequence[str], path: Path | None, autoload: bool) -> object:
    """What is printed, which files are made, and the exit code."""
    before = set(project.rglob("*"))
    done = pytest_run(python, project, arguments, path, autoload)
    made = sorted(str(one.relative_to(project)) for one in set(project.rglob("*")) - before)
    for one in sorted(set(project.rglob("*")) - before, reverse=True):
        one.rmdir() if one.is_dir() else one.unlink()
    return told(done), made, done.returncode


@pytest.mark.parametrize("name", PLUGINS)
def test_an_ordinary_run_is_the_same_beside_each(python: Path, site: Path, project: Path, name: str) -> None:
    module, option = PLUGINS[name]
    chosen = ["-p", module, *option.split()]
    alone = ordinary(python, project, chosen, None, autoload=False)
    beside = ordinary(python, project, [*chosen, "-p", OWN], site, autoload=False)
    assert alone == beside


def test_an_ordinary_run_is_the_same_beside_all_of_them(python: Path, site: Path, project: Path) -> None:
    arguments = ["-p", "no:sugar", "--randomly-seed=1"]
    alone = ordinary(python, project, arguments, None, autoload=True)
    assert alone == ordinary(python, project, arguments, site, autoload=True)
    assert isinstance(alone, tuple)
    assert alone[2] == 1


@pytest.mark.parametrize("options", [(), ("--count=2",), ("-n", "2"), ("--reruns=1",), ("-c", "/dev/null")])
def test_the_guard_works_beside_all_of_them(python: Path, site: Path, project: Path, options: Sequence[str]) -> None:
    chosen = ["--ngd-claim=own-I-pinv", *options]
    done = pytest_run(python, project, ["--ngd-implementation=steps:step", *chosen], site, autoload=True)
    assert done.returncode == 0, done.stdout + done.stderr
    done = pytest_run(python, project, ["--ngd-implementation=steps:mean", *chosen], site, autoload=True)
    assert done.returncode == 1, done.stdout + done.stderr
    line = 1 + (project / "steps.py").read_text().splitlines().index("def mean(weights, signs, X, y, step_size):")
    assert re.search(rf"^::error file=steps\.py,line={line}.*1/n", done.stdout, re.MULTILINE), done.stdout
