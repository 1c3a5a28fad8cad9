"""How a wheel differs from the checkout: ``theory`` and ``properties`` lie in ``verified_natural_gradient``.

A wheel puts one name into site-packages. In the checkout the two packages stand beside it and are imported by their plain names, so
the wheel's copies import ``verified_natural_gradient.theory.x`` where the sources say ``theory.x``.
"""

from __future__ import annotations

import ast
import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HOME = "verified_natural_gradient"
PACKAGES = ("theory", "properties")

STATEMENT = re.compile(rf"^(\s*from )({'|'.join(PACKAGES)})(?=[. ])", re.MULTILINE)


def rewritten(text: str, path: str) -> str:
    """The source with its imports of the two packages as they are in a wheel. Raises ValueError for one of another form."""
    tree = ast.parse(text, path)
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    ours = {node.lineno for node in imported if str(node.module).partition(".")[0] in PACKAGES}
    plain = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    found = {text.count("\n", 0, match.start(2)) + 1 for match in STATEMENT.finditer(text)}
    if found != ours or any(name.partition(".")[0] in PACKAGES for name in plain):
        raise ValueError(
            f"{path}: import from {' and '.join(PACKAGES)} by `from package.module import name` alone, on a line of its own"
        )
    return STATEMENT.sub(rf"\1{HOME}.\2", text)


class Hook(BuildHookInterface[Any]):
    """Called by hatchling before it builds a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the two packages to a wheel; an editable one shows the checkout as it is."""
        if version == "editable":
            return
        self._made = tempfile.TemporaryDirectory()
        root, made = Path(self.root), Path(self._made.name)
        for source in [root / HOME, *(root / package for package in PACKAGES)]:
            for path in sorted(source.rglob("*")):
                if path.is_dir() or path.suffix == ".pyc":
                    continue
                inside = path.relative_to(root) if source.name == HOME else Path(HOME, path.relative_to(root))
                target = made / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                if path.suffix == ".py":
                    target.write_text(rewritten(path.read_text(encoding="utf-8"), str(path)), encoding="utf-8")
                else:
                    target.write_bytes(path.read_bytes())
        build_data["force_include"][str(made / HOME)] = HOME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was written for the wheel."""
        if version != "editable":
            self._made.cleanup()
