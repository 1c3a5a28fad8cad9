"""Counterexample files where the packages are loaded otherwise than in the project's own tests."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from properties.descent.former_paths import FORMER_PATHS

CHECKOUT = Path(__file__).parents[2]
FILES = sorted((CHECKOUT / "docs" / "counterexamples").glob("*.json"))
STATEMENT = re.compile(r"^(\s*)from (theory|properties)\b", re.MULTILINE)


def printed(code: str, directory: Path) -> list[str]:
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=directory)
    assert found.returncode == 0, found.stderr
    return found.stdout.split()


def test_a_replay_loads_every_class() -> None:
    """Those of data sets and of steps of the user's own included, by what --replay loads."""
    names = printed(
        "import properties.plugin; from properties.engine.stable_names import *; print(*stable_names())", CHECKOUT
    )
    assert set(FORMER_PATHS.values()) <= set(names)


def test_files_are_read_and_written_inside_another_package(tmp_path: Path) -> None:
    """As when the packages are installed below one name: what is written does not tell."""
    outer = tmp_path / "outer_name"
    for package in ("theory", "properties"):
        shutil.copytree(CHECKOUT / package, outer / package, ignore=shutil.ignore_patterns("__pycache__"))
    (outer / "__init__.py").touch()
    for module in outer.rglob("*.py"):
        module.write_text(STATEMENT.sub(r"\1from outer_name.\2", module.read_text(encoding="utf-8")), encoding="utf-8")
    assert len(FILES) == 3
    code = f"""
import json
from pathlib import Path
from outer_name.properties import registry
from outer_name.properties.engine.replay.counterexample import read_counterexample
from outer_name.properties.engine.replay.instance_document import to_document
for path in {[str(path) for path in FILES]}:
    instance = read_counterexample(Path(path)).instance
    assert type(instance).__module__.startswith("outer_name."), type(instance)
    tree = json.dumps(to_document(instance).tree)
    assert "outer_name" not in tree and "properties." not in tree, tree
    print(to_document(instance).tree["type"])
"""
    assert printed(code, tmp_path) == ["stability-path", "linear-descent", "map-run"]
