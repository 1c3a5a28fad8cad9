"""A report's directory is the old report or the new one whenever the run that writes it is killed."""

import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Sequence
from itertools import pairwise
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from properties.engine.replay.archive import MUTANTS
from properties.engine.report import atomic
from properties.engine.report.document import Document
from properties.engine.report.publication import occupy, publish
from properties.engine.report.together import HOME
from tests.properties.engine.report.test_publication import (
    document,
    plain_files,
    replayed,
    states,
    with_counterexamples,
)
from theory.errors import DataFileError


def replace_again_and_again(directory: Path, documents: Sequence[Document]) -> None:
    """Publish one report after the other until killed."""
    (directory / "working").touch()
    while True:
        for one in documents:
            publish(with_counterexamples(one, directory), directory)


def kill_at(directory: Path, found: Document, moment: int) -> None:
    """Publish the report, and die when its file number ``moment`` is about to be renamed."""
    new, left, rename = with_counterexamples(found, directory), [moment], os.replace

    def replace(source: str, target: Path) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        rename(source, target)

    atomic.os.replace = replace  # type: ignore[attr-defined]
    publish(new, directory)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that start at once: what they need is imported before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["properties.engine.report.publication", "properties.engine.search", "pytest", __name__]
    )
    return context


@pytest.mark.parametrize("before", ["links", "plain files", "nothing"])
def test_a_kill_at_every_rename_leaves_the_old_report_or_the_new_one(
    tmp_path: Path, processes: ForkServerContext, before: str
) -> None:
    new, first_report = document("N-new"), tmp_path / "before"
    if before != "nothing":
        publish(with_counterexamples(document("N-old"), first_report), first_report)
    if before == "plain files":
        plain_files(first_report)
    found: list[set[str]] = []
    exit_code: int | None = None
    while exit_code != 0:
        directory = tmp_path / str(len(found))
        if before != "nothing":  # then the directory is made, too
            shutil.copytree(first_report, directory, symlinks=True)
        process = processes.Process(target=kill_at, args=(directory, new, len(found)))
        process.start()
        process.join(60)
        exit_code = process.exitcode
        assert exit_code in (-signal.SIGKILL, 0)
        there = [(directory / name).exists() for name in ("claims.json", "index.html")]
        assert all(there) or not any(there)
        found.append(states(directory) if all(there) else set())
        if exit_code == 0:
            assert (
                len([path for path in (directory / HOME).iterdir() if path.is_dir()]) == 2
            )  # the one shown, and its link
    first = set() if before == "nothing" else {"N-old"}
    changes = [found[0], *(after for earlier, after in pairwise(found) if after != earlier)]
    assert changes == [first, {"N-new"}]
    assert len(found) > (3 if before == "links" else 7)


def test_a_kill_loses_no_counterexample_that_lay_apart(tmp_path: Path, processes: ForkServerContext) -> None:
    """Those of a report of an earlier version, which a new run finds again, under the same names."""
    earlier = tmp_path / "earlier"
    publish(with_counterexamples(document("N-old"), earlier), earlier)
    (earlier / MUTANTS).unlink()
    with_counterexamples(document("N-old"), earlier)
    exit_code, moment = None, 0
    while exit_code != 0:
        directory = tmp_path / str(moment)
        shutil.copytree(earlier, directory, symlinks=True)
        process = processes.Process(target=kill_at, args=(directory, document("N-old"), moment))
        process.start()
        process.join(60)
        exit_code, moment = process.exitcode, moment + 1
        assert exit_code in (-signal.SIGKILL, 0)
        assert replayed(directory) == ["N-old/below-10", "N-old/below-20"]
    assert moment > 5


def test_a_kill_at_twenty_moments_leaves_the_old_report_or_the_new_one(
    tmp_path: Path, processes: ForkServerContext
) -> None:
    documents = [document("N-old"), document("N-new")]
    publish(with_counterexamples(documents[0], tmp_path), tmp_path)
    for moment in range(20):
        (tmp_path / "working").unlink(missing_ok=True)
        process = processes.Process(target=replace_again_and_again, args=(tmp_path, documents))
        process.start()
        deadline = time.monotonic() + 60
        while not (tmp_path / "working").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.003 + 0.0071 * moment)
        process.kill()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        assert states(tmp_path) in ({"N-old"}, {"N-new"})


def hold(directory: Path) -> None:
    """Occupy the directory until killed."""
    lock = occupy(directory)
    (directory / "working").touch()
    time.sleep(60)
    lock.release()


def test_a_killed_run_leaves_its_directory_free(tmp_path: Path, processes: ForkServerContext) -> None:
    process = processes.Process(target=hold, args=(tmp_path,))
    process.start()
    deadline = time.monotonic() + 60
    while not (tmp_path / "working").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(DataFileError):
        occupy(tmp_path)
    process.kill()
    process.join(60)
    occupy(tmp_path).release()
