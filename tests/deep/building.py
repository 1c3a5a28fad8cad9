"""Distributions built from this checkout, and virtual environments into which they are installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from verified_natural_gradient.options import CHECKOUT


def done(
    *command: str | Path, cwd: Path = CHECKOUT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command at its end, whatever its exit code, with nothing of the calling test run in its environment."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**inherited, "OPENBLAS_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def succeeded(*command: str | Path, cwd: Path = CHECKOUT) -> str:
    """What a command prints that has to succeed."""
    finished = done(*command, cwd=cwd)
    assert finished.returncode == 0, f"{command}\n{finished.stdout}{finished.stderr}"
    return finished.stdout


def virtual_environment(directory: Path, *requirements: str) -> Path:
    """A fresh virtual environment with these and nothing else; its interpreter."""
    succeeded(sys.executable, "-m", "venv", directory)
    python = directory / "bin" / "python"
    succeeded(python, "-m", "pip", "install", "--quiet", *requirements)
    return python


def sdist(source: Path, directory: Path) -> Path:
    """The sdist of a source tree, built into a directory without network."""
    succeeded(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", directory, cwd=source)
    (found,) = directory.glob("*.tar.gz")
    return found


def committed(directory: Path) -> Path:
    """The files that git knows, as they are in the checkout now, in a directory of their own: no build leaves anything here."""
    source = directory / "source"
    for name in tracked():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((CHECKOUT / name).read_bytes())
        path.chmod((CHECKOUT / name).stat().st_mode)
    return source


def tracked() -> list[str]:
    """The files that git knows."""
    return [name for name in succeeded("git", "ls-files", "-z").split("\0") if name and (CHECKOUT / name).is_file()]


def unpacked(sdist: Path, directory: Path) -> Path:
    """The one directory of an sdist."""
    with tarfile.open(sdist) as archive:
        archive.extractall(directory, filter="data")
    (found,) = directory.iterdir()
    return found


def megabytes(directory: Path) -> int:
    """What ``du -sm`` says."""
    return int(succeeded("du", "-sm", directory).split()[0])
