"""What a wheel puts into site-packages, and that it works there beside packages of the user's that are called theory and properties."""

import json
import zipfile
from pathlib import Path

import pytest

from properties.engine.replay.archive import MUTANTS, members
from tests.properties.wheels import build_wheel, run_installed, unpacked
from tools.wheel import rewritten
from verified_natural_gradient.options import CHECKOUT

NAME = "verified_natural_gradient"

STEP = """
import numpy as np
from theory import scale

def step(weights, signs, X, y, step_size):
    features = np.where(X @ weights.T >= 0, signs, 0.0) / np.sqrt(len(signs))
    residual = np.maximum(X @ weights.T, 0) @ signs / np.sqrt(len(signs)) - y
    gram = (X @ X.T) * (features @ features.T)
    return weights - scale * step_size * features.T @ ((np.linalg.pinv(gram, rcond=1e-12, hermitian=True) @ residual)[:, None] * X)
"""

ORDINARY = """
import importlib.util
import theory

def test_ours():
    assert theory.scale == 1.0
    assert importlib.util.find_spec("properties") is None
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """Where the wheel's files lie, in place of site-packages."""
    return unpacked(wheel)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A project whose own package is called theory."""
    (tmp_path / "theory").mkdir()
    (tmp_path / "theory" / "__init__.py").write_text("scale = 1.0\n")
    (tmp_path / "steps.py").write_text(STEP)
    (tmp_path / "test_ordinary.py").write_text(ORDINARY)
    return tmp_path


def test_a_wheel_has_one_name_and_the_files_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {NAME, f"{NAME}-0.1.0.dist-info"}
    for package in ("theory", "properties"):
        sources = {
            path.relative_to(CHECKOUT).as_posix()
            for path in (CHECKOUT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert {f"{NAME}/{path}" for path in sources} == {
            name for name in names if name.startswith(f"{NAME}/{package}/")
        }
    assert f"{NAME}/py.typed" in names


def test_an_ordinary_run_keeps_its_own_package_of_the_name(site: Path, repository: Path) -> None:
    done = run_installed(site, repository, "pytest", ["-q"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(".")
    assert "verification" not in done.stdout


def test_the_guard_works_beside_a_package_of_the_name(site: Path, repository: Path) -> None:
    options = ["--ngd-implementation", "steps:step", "--ngd-claim", "own-I-pinv", "--ngd-report", "out"]
    done = run_installed(site, repository, "pytest", options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The 1 claim holds; " in done.stdout
    written = json.loads((repository / "out" / "claims.json").read_text())
    assert written["verdict"] == "holds"
    name, first = next(iter(members(repository / "out" / MUTANTS).items()))
    words = [f"out/counterexamples/{name}", "--implementation", "steps:step"]
    done = run_installed(site, repository, NAME, ["replay", *words])
    assert "Of 1 replayed: 1 refuted again." in done.stdout, done.stdout + done.stderr
    assert f"{NAME}." not in first.decode(), "files name no module path of an installation"


def test_the_console_command_replays_and_leaves_no_files(site: Path, tmp_path: Path) -> None:
    done = run_installed(
        site, tmp_path, NAME, ["replay", str(CHECKOUT / "docs" / "counterexamples"), "-p", "no:benchmark"]
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Of 3 replayed: 3 refuted again." in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_outsiders_import_below_the_one_name(site: Path, tmp_path: Path) -> None:
    (tmp_path / "outsider.py").write_text(
        f"from {NAME}.theory.theorems import ngd\nfrom {NAME}.properties import registry\n"
        "print(len(registry), ngd.step_limit(0.25, theorem='T1'))\n"
    )
    done = run_installed(site, tmp_path, "outsider", [])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == "0.31999999999999995"  # the next float, 0.32, is above 8/25


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from theory.errors import InputError\n", "from verified_natural_gradient.theory.errors import InputError\n"),
        (
            "def f():\n    from properties import x\n",
            "def f():\n    from verified_natural_gradient.properties import x\n",
        ),
        ("from theory_of import x\n'from theory of'\n", "from theory_of import x\n'from theory of'\n"),
        ("import numpy\n", "import numpy\n"),
    ],
)
def test_imports_are_rewritten(source: str, expected: str) -> None:
    assert rewritten(source, "module.py") == expected


@pytest.mark.parametrize(
    "source",
    [
        "import theory\n",
        "import numpy, properties.engine.claim\n",
        "x = 1; from theory import y\n",
        '"""\nfrom theory import z\n"""\n',
    ],
)
def test_imports_of_another_form_stop_the_build(source: str) -> None:
    with pytest.raises(ValueError, match=r"module\.py: import from theory and properties by `from package\.module"):
        rewritten(source, "module.py")
