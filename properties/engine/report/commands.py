"""The commands that repeat a part of a run, for the terminal, the page and the files of counterexamples alike.

Each is to be given where the run was started, and works wherever the package is installed.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any

from properties.engine.paths import printable
from verified_natural_gradient.options import PREFIX


@dataclass(frozen=True)
class Commands:
    """What the commands of one run share."""

    options: Sequence[str] = ()
    """Those of the user's step or library, ``--implementation NAME ...``; none where the claims are those of the paper."""
    report: str = ""
    """The report's directory as it was given, relative to where pytest was started."""
    part_options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By kind, what a part depends on besides its name, depth and seed."""
    console: str = ""
    """The console command; where there is none, commands are pytest's."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Commands:
        """The commands whose ``to_json`` is ``content``. Raises KeyError, TypeError."""
        parts = content.get("part_options", {})
        return cls(
            tuple(str(option) for option in content["options"]),
            str(content["report"]),
            {str(kind): tuple(str(option) for option in options) for kind, options in parts.items()},
            str(content.get("console", "")),
        )

    def to_json(self) -> dict[str, Any]:
        """What claims.json holds of them."""
        return asdict(self)

    def replay(self, file: str) -> str:
        """Evaluate a counterexample again; the file is named from the report's directory."""
        path = PurePath(self.report, file).as_posix()
        path = f"./{path}" if path.startswith("-") else path
        if not self.console:
            return _line("pytest", f"{PREFIX}replay={path}")
        return _line(self.console, "replay", path, *self.options)

    def claim(self, id: str, depth: str, root: int | None) -> str:
        """Repeat one claim and its mutants."""
        seed = [] if root is None else [f"--hypothesis-seed={root}"]
        if not self.console:
            return _line("pytest", f"{PREFIX}claim={id}", f"{PREFIX}depth={depth}", *seed)
        called = {"--implementation": "guard", "--conformance": "conform"}
        command = [called[self.options[0]], *self.options[1:]] if self.options else ["verify"]
        return _line(self.console, *command, "--claim", id, "--depth", depth, *seed)

    def part(self, kind: str, name: str, depth: str, root: int | None) -> str:
        """Repeat a part: the console command is called as the kind is."""
        seed = [] if root is None else [f"--hypothesis-seed={root}"]
        if not self.console:
            return _line("pytest", f"{PREFIX}{kind}={name}", f"{PREFIX}depth={depth}", *seed)
        return _line(self.console, kind, name, *self.part_options.get(kind, ()), "--depth", depth, *seed)


def _line(*words: str) -> str:
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    r"""A word as shells read it; bytes that are not UTF-8 and ends of lines as $'\xe9' and $'\n', on one line."""
    if word.isprintable():
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{printable(escaped)}'"
