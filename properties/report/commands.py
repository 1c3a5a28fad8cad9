"""The commands that repeat a part of a run, for the terminal, the page and the files of counterexamples alike.

Each is to be given where pytest was started for the run. A path is joined to its option by ``=``: pytest takes the value of an
option that it does not know yet for a test path, and its settings from there.
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
    """Those that every command needs besides its own, such as the user's step."""
    report: str = ""
    """The report's directory as it was given, relative to where pytest was started."""
    dataset_options: Sequence[str] = ()
    """What a data set's certificate depends on besides its name, depth and seed."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Commands:
        """The commands whose ``to_json`` is ``content``. Raises KeyError, TypeError."""
        dataset = content.get("dataset_options", ())
        return cls(
            tuple(str(option) for option in content["options"]),
            str(content["report"]),
            tuple(str(option) for option in dataset),
        )

    def to_json(self) -> dict[str, Any]:
        """What claims.json holds of them."""
        return asdict(self)

    def replay(self, file: str) -> str:
        """Evaluate a counterexample again; the file is named from the report's directory."""
        return self._command(f"--replay={PurePath(self.report, file).as_posix()}")

    def claim(self, id: str, depth: str, root: int | None) -> str:
        """Repeat one claim and its mutants."""
        seed = [] if root is None else [f"--hypothesis-seed={root}"]
        return self._command("--claim", id, "--depth", depth, *seed)

    def dataset(self, name: str, depth: str, root: int | None) -> str:
        """Certify a data set again."""
        seed = [] if root is None else [f"--hypothesis-seed={root}"]
        return self._command(f"--dataset={name}", *self.dataset_options, "--depth", depth, *seed)

    def _command(self, *arguments: str) -> str:
        return shlex.join(["pytest", *self.options, *arguments])
