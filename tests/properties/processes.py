"""Commands in processes of their own, with the packages of this checkout, from any directory; and in this one, where no other is asked for."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from verified_natural_gradient import console
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


def here(pytester: pytest.Pytester, words: Sequence[str]) -> pytest.RunResult:
    """A command that begins with ``natural-gradient``, in this process and the directory that it is in; what it imports goes with it."""
    chosen = ["-p", "verified_natural_gradient.plugin", "-p", "no:cacheprovider", "--assert=plain"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "RUNNING", replace(console.RUNNING, command=words[1]))
        return pytester.runpytest_inprocess(*chosen, *console.command_line(words[1:]), plugins=[console])
