"""From a wheel, without any extra: what works, what says which extra it needs, and how large each installation is."""

from pathlib import Path

import pytest

from properties.engine.extras import Extra, installation
from tests.deep.building import done, megabytes, succeeded, virtual_environment
from tests.properties.engine.test_extras import STEP
from tests.properties.ordinary_project import differences
from tests.properties.wheels import build_wheel

LIMIT = 300
"""Megabytes of the core."""

STORED = "T0-linear-diagonal-kernel-c2754f853b.json"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the core alone."""
    return virtual_environment(tmp_path_factory.mktemp("core") / "venv", str(wheel))


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A directory with a right step."""
    (tmp_path / "mine.py").write_text(STEP.replace("from theory", "from verified_natural_gradient.theory"))
    return tmp_path


def test_the_guard_runs(core: Path, theirs: Path) -> None:
    finished = done(core, "-m", "pytest", "--ngd-implementation=mine:step", "--ngd-claim=own-fixed-point", cwd=theirs)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "The 1 claim holds; 2 of 2 mutants refuted." in finished.stdout


def test_a_replay_runs(core: Path, theirs: Path) -> None:
    stored = Path(__file__).parents[2] / "docs" / "counterexamples" / STORED
    finished = done(core, "-m", "pytest", f"--ngd-replay={stored}", cwd=theirs)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "Of 1 replayed: 1 refuted again." in finished.stdout


def test_a_report_says_what_it_needs(core: Path, theirs: Path) -> None:
    finished = done(core, "-m", "pytest", "--ngd-implementation=mine:step", "--ngd-report=out", cwd=theirs)
    assert finished.returncode == 4, finished.stdout + finished.stderr
    assert finished.stderr.strip().endswith(installation(Extra.REPORT))
    assert not (theirs / "out").exists()


def test_an_ordinary_run_is_the_same(core: Path, tmp_path: Path) -> None:
    assert differences(tmp_path / "project", "verified_natural_gradient.plugin", python=str(core)) == []


def test_sizes(wheel: Path, tmp_path: Path) -> None:
    """The numbers of docs/install.md; -rP prints them."""
    sizes = {}
    for extra in ("", *Extra, "all"):
        directory = tmp_path / (extra or "core")
        python = virtual_environment(directory, f"{wheel}[{extra}]" if extra else str(wheel))
        succeeded(python, "-m", "pip", "uninstall", "--quiet", "--yes", "pip", "setuptools")
        sizes[extra or "core"] = megabytes(directory)
    for name, size in sizes.items():
        print(f"{name}: {size} MB")
    assert sizes["core"] <= LIMIT
    assert all(sizes["core"] < sizes[extra] < sizes["all"] for extra in Extra)
