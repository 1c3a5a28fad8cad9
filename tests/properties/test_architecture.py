"""The floors of docs/architecture.md: nothing imports upwards, the engine knows no theorem, the picture is that of the imports."""

import shutil
from pathlib import Path

import pytest
from architecture import PICTURE, svg

from tests.properties.processes import started
from verified_natural_gradient.options import CHECKOUT

LINT = ["python", "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("theory", "properties"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_are_kept() -> None:
    outcome = started(CHECKOUT, LINT)
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("properties/engine/search.py", "from properties.chapters.ngd import ngd"),
        ("properties/engine/claim.py", "from theory.theorems import ngd"),
        ("properties/engine/claim.py", "from theory.catalogue import chains"),
        ("theory/proof/chain.py", "from theory.theorems import ngd"),
        ("properties/descent/rule.py", "from properties.guard import claims"),
        ("theory/errors.py", "from properties.engine import claim"),
        ("properties/chapters/ngd/ngd.py", "from properties.dataset import ladder"),
    ],
)
def test_an_import_upwards_breaks_them(copy: Path, module: str, line: str) -> None:
    path = copy / module
    text = path.read_text(encoding="utf-8")
    head, mark, rest = text.partition("from __future__ import annotations\n")
    path.write_text(f"{head}{mark}{line}\n{rest}" if mark else f"{text}\n{line}\n", encoding="utf-8")
    outcome = started(copy, LINT)
    assert outcome.returncode == 1
    assert "is not allowed to import" in outcome.stdout


def test_the_picture_is_that_of_the_imports() -> None:
    assert PICTURE.read_text(encoding="utf-8") == svg(), "draw it again: python tools/architecture.py"
