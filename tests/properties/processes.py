"""Commands in processes of their own, with the packages of this checkout, from any directory."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from verified_natural_gradient.options import CHECKOUT


def started(directory: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A command that begins with ``natural-gradient``, ``pytest`` or ``python``, started in a directory."""
    module = {"natural-gradient": ["-m", "verified_natural_gradient"], "pytest": ["-m", "pytest"], "python": []}
    return subprocess.run(
        [sys.executable, *module[words[0]], *words[1:]],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
