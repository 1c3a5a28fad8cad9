"""The floors of docs/architecture.md: nothing imports upwards, the engine knows no theorem, the picture is that of the imports."""

import shutil
from pathlib import Path

import pytest
from architecture import PICTURE, floors, svg

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


def test_every_room_has_a_floor() -> None:
    places = (CHECKOUT / "properties").iterdir()
    rooms = {f"properties.{one.stem}" for one in places if one.suffix == ".py" or (one / "__init__.py").exists()}
    assert {"theory", *rooms} - {"properties.__init__"} == {room for floor in floors() for room in floor}


UPWARDS = {
    "properties/engine/search.py": "properties.chapters.ngd.ngd",
    "properties/engine/claim.py": "theory.theorems.ngd",
    "properties/engine/slack.py": "theory.catalogue",
    "theory/proof/chain.py": "theory.theorems.ngd",
    "properties/descent/rule.py": "properties.guard.claims",
    "theory/errors.py": "properties.engine.claim",
    "properties/chapters/ngd/ngd.py": "properties.dataset.ladder",
}
"""What a module must not import."""


def test_every_import_upwards_breaks_them(copy: Path) -> None:
    for module, imported in UPWARDS.items():
        package, _, name = imported.rpartition(".")
        line = f"from {package} import {name}"
        path = copy / module
        text = path.read_text(encoding="utf-8")
        head, mark, rest = text.partition("from __future__ import annotations\n")
        path.write_text(f"{head}{mark}{line}\n{rest}" if mark else f"{text}\n{line}\n", encoding="utf-8")
    outcome = started(copy, LINT)
    assert outcome.returncode == 1
    said = " ".join(outcome.stdout.split())
    for module, imported in UPWARDS.items():
        importer = module.removesuffix(".py").replace("/", ".")
        assert f"{importer} -> {imported} (l." in said, said


def test_the_picture_is_that_of_the_imports() -> None:
    assert PICTURE.read_text(encoding="utf-8") == svg(), "draw it again: python tools/architecture.py"
