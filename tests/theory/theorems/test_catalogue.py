"""A module of a theorem is found, whole, in its place; two that say the same are noticed."""

import re
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from theory.catalogue import STATED, chains, modules, obligations, stating

ROOT = Path(__file__).parents[3]
LARGEST = 400
"""Lines of a module, which is to be read at once."""


def planted(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, **texts: str) -> str:
    package = folder / name
    package.mkdir()
    (package / "__init__.py").write_text("")
    for module, text in texts.items():
        (package / f"{module}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
    return name


def test_a_new_module_is_found_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later, first, no_theorem = "SECTION = 4\nCHAINS = ()\n", "SECTION = 3\nOBLIGATIONS = ()\n", "SECTION = 1\n"
    package = import_module(planted(tmp_path, monkeypatch, "planted_whole", a=later, b=first, c=no_theorem))
    assert [module.__name__ for module in stating(package)] == ["planted_whole.b", "planted_whole.a"]


@pytest.mark.parametrize("name", STATED)
def test_a_module_without_its_section_is_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    package = import_module(planted(tmp_path, monkeypatch, f"planted_{name.lower()}", a=f"{name} = ()\n"))
    with pytest.raises(AttributeError, match="SECTION"):
        stating(package)


def test_every_id_stands_in_one_module() -> None:
    stated = Counter(one.id for module in modules for one in getattr(module, "OBLIGATIONS", ()))
    proved = Counter(one.theorem for module in modules for one in getattr(module, "CHAINS", ()))
    assert {*stated.values(), *proved.values()} == {1}
    assert (set(stated), set(proved)) == (set(obligations), set(chains))


def test_a_module_states_what_it_proves() -> None:
    """Its docstring names its theorems, and its section is one of docs/theory.md."""
    sections = {int(number) for number in re.findall(r"(?m)^## (\d+)\.", (ROOT / "docs/theory.md").read_text("utf-8"))}
    for module in modules:
        assert module.SECTION in sections, module.__name__
        text = str(module.__doc__)
        named = [chain.theorem for chain in getattr(module, "CHAINS", ())]
        assert [theorem for theorem in named if not re.search(rf"{theorem}(?![-\w])", text)] == [], module.__name__


@pytest.mark.parametrize("module", modules, ids=lambda module: module.__name__)
def test_a_module_is_read_at_once(module: object) -> None:
    path = Path(str(module.__file__))  # type: ignore[attr-defined]
    assert len(path.read_text(encoding="utf-8").splitlines()) < LARGEST


def test_constants_need_no_prover() -> None:
    """Nor the modules of other theorems than those that a proof rests on."""
    line = "import sys; from theory.theorems import ngd; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", line], cwd=ROOT, capture_output=True, text=True, check=True)
    names = loaded.stdout.split()
    assert "theory.theorems.condition" in names
    assert not {"z3", "cvc5", "theory.catalogue", "theory.theorems.kfac", "theory.theorems.width"} & set(names)
