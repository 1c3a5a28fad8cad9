"""The sdist has what git has, and the commands of the README run in it."""

import sys
from pathlib import Path

import pytest

from tests.deep import building
from tests.deep.building import committed, done, succeeded, tracked, unpacked


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked sdist."""
    directory = tmp_path_factory.mktemp("sdist")
    return unpacked(building.sdist(committed(directory), directory), directory / "unpacked")


def test_every_file_is_in_it_as_it_is(sdist: Path) -> None:
    missing = [name for name in tracked() if not (sdist / name).is_file()]
    assert missing == []
    here = Path(__file__).parents[2]
    assert [name for name in tracked() if (sdist / name).read_bytes() != (here / name).read_bytes()] == []
    assert (sdist / ".ci" / "run").stat().st_mode & 0o111


def test_nothing_else_is_in_it(sdist: Path) -> None:
    found = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    assert found - set(tracked()) == {"PKG-INFO"}


def test_make_knows_what_to_do(sdist: Path) -> None:
    for goal in ("verify", "test", "thorough", "lint", "benchmark", "mutants"):
        assert "pip install" in succeeded("make", "-n", goal, cwd=sdist)


def test_a_claim_runs_in_it(sdist: Path) -> None:
    finished = done(
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/claims", "--claim=T1-tight", cwd=sdist
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert f"rootdir: {sdist}" in finished.stdout
    assert "The 1 claim holds; " in finished.stdout
