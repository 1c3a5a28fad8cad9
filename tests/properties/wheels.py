"""A wheel of this checkout, and runs of Python where it is the one that is installed."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

from verified_natural_gradient.options import CHECKOUT


def build_wheel(directory: Path) -> Path:
    """The wheel, built into a directory without network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (found,) = directory.glob("*.whl")
    return found


def unpacked(wheel: Path) -> Path:
    """A directory that holds the wheel's files, in place of site-packages."""
    place = wheel.parent / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


def run_installed(
    site: Path, directory: Path, module: str, arguments: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    """A module of the installed ones, where this checkout is not installed (-S: no .pth file is read)."""
    paths = [str(directory), str(site), sysconfig.get_paths()["purelib"]]
    code = f"import sys, runpy; sys.path[:0] = {paths!r}; runpy.run_module({module!r}, run_name='__main__')"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
