"""The commands that repeat a part of a run, for the terminal, the page and the files of counterexamples alike.

Each is to be given where the run was started, and works wherever the package is installed.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any


@dataclass(frozen=True)
class Commands:
    """What the commands of one run share."""

    options: Sequence[str] = ()
    """Those of the user's step, ``--implementation NAME ...``; none where the claims are those of the paper."""
    report: str = ""
    """The report's directory as it was given, relative to where pytest was started."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Commands:
        """The commands whose ``to_json`` is ``content``. Raises KeyError, TypeError."""
        return cls(tuple(str(option) for option in content["options"]), str(content["report"]))

    def to_json(self) -> dict[str, Any]:
        """What claims.json holds of them."""
        return asdict(self)

    def replay(self, file: str) -> str:
        """Evaluate a counterexample again; the file is named from the report's directory."""
        return shlex.join(["natural-gradient", "replay", PurePath(self.report, file).as_posix(), *self.options])

    def claim(self, id: str, depth: str, root: int | None) -> str:
        """Repeat one claim and its mutants."""
        seed = [] if root is None else [f"--hypothesis-seed={root}"]
        command = ["guard", *self.options[1:]] if self.options else ["verify"]
        return shlex.join(["natural-gradient", *command, "--claim", id, "--depth", depth, *seed])

    def dataset(self, name: str, depth: str) -> str:
        """Certify a data set again."""
        return shlex.join(["natural-gradient", "dataset", name, "--depth", depth])
