"""Counterexamples in an archive are read as if they lay beside it."""

import html
import io
import json
import re
import shlex
import shutil
import tarfile
from pathlib import Path

import pytest

from properties.catalogue import registry
from properties.engine.claim import Depth
from properties.engine.replay.archive import (
    ARCHIVE,
    MUTANTS,
    counterexamples_in,
    gathered,
    members,
    packed,
    placed,
    stored,
)
from properties.engine.replay.counterexample import INLINE_ENTRIES, read_counterexample
from properties.engine.report.commands import Commands
from properties.engine.report.document import Document
from properties.engine.report.entries import claim_entry, mutant_entry
from properties.engine.report.publication import publish
from properties.engine.search import run_claim
from properties.engine.seeds import claim_seed
from tests.properties.engine.replay.stored_mutants import THE_SAME, write_refuted
from tests.properties.processes import here, started
from theory.errors import CounterexampleError, EditedFileError

pytest_plugins = ["pytester"]

WITH_ARRAYS = ("C2-path/first-step-only", "T1/rate-squared", "I-gram/sum")


def test_the_same_files_are_the_same_bytes() -> None:
    files = {"b.json": b"{}", "a.npz": bytes(range(256)), f"{'long-' * 40}.json": b"[]"}
    assert packed(files) == packed(dict(reversed(files.items())))


def test_files_come_back_as_they_were(tmp_path: Path) -> None:
    files = {"b.json": b"{}", "a.npz": bytes(range(256)), f"{'long-' * 40}.json": b"[]"}
    (tmp_path / ARCHIVE).write_bytes(packed(files))
    assert members(tmp_path / ARCHIVE) == files
    assert [path.name for path in counterexamples_in(tmp_path)] == ["b.json", f"{'long-' * 40}.json"]
    assert gathered([tmp_path / "b.json", tmp_path / "absent.json"]) == {"b.json": b"{}"}
    (tmp_path / ARCHIVE).write_bytes(packed({"b.json": b"[1]"}))
    assert members(tmp_path / ARCHIVE) == {"b.json": b"[1]"}, "another archive in its place"


def test_a_file_goes_before_a_member_of_its_name(tmp_path: Path) -> None:
    (tmp_path / ARCHIVE).write_bytes(packed({"a.json": b"{}"}))
    assert stored(placed(tmp_path / "a.json")) == b"{}"
    assert stored(tmp_path / "a.json") is None
    (tmp_path / "a.json").write_bytes(b"[]")
    assert stored(placed(tmp_path / "a.json")) == b"[]"
    assert [stored(path) for path in counterexamples_in(tmp_path)] == [b"[]"]


@pytest.mark.parametrize("kept", [0, 30, -9])
def test_an_archive_that_is_not_whole_is_refused_by_name(tmp_path: Path, kept: int) -> None:
    (tmp_path / ARCHIVE).write_bytes(packed({"a.json": b"{}" * 1000})[:kept])
    with pytest.raises(CounterexampleError, match=rf"{ARCHIVE} cannot be read as an archive of counterexamples"):
        stored(tmp_path / ARCHIVE / "a.json")
    with pytest.raises(CounterexampleError, match="take the file as it was written"):
        placed(tmp_path / "a.json")


def test_nothing_but_files_of_plain_names_is_read(tmp_path: Path) -> None:
    """Neither paths nor links nor devices of an archive that somebody else made."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in ("../up.json", "/etc/passwd", "a/b.json"):
            archive.addfile(tarfile.TarInfo(name))
        link, device = tarfile.TarInfo("link.json"), tarfile.TarInfo("device.json")
        link.type, link.linkname, device.type = tarfile.SYMTYPE, "/etc/passwd", tarfile.CHRTYPE
        archive.addfile(link)
        archive.addfile(device)
    (tmp_path / ARCHIVE).write_bytes(stream.getvalue())
    assert members(tmp_path / ARCHIVE) == {}
    assert list(tmp_path.iterdir()) == [tmp_path / ARCHIVE]


# --- a report's ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on three claims and a mutant of each, moved away from where it was written."""
    place = tmp_path_factory.mktemp("archive")
    report = place / "report"
    found = Document({}, commands=Commands(report="a report", console="natural-gradient"))
    for id in WITH_ARRAYS:
        claim = registry[id.partition("/")[0]]
        mutant = next(one for one in claim.mutants if one.id == id)
        seed = claim_seed(20191, claim.id)
        result = run_claim(mutant.claim, Depth.NORMAL, seed)
        path = write_refuted(report, mutant, result, seed)
        found.add(claim_entry(claim, run_claim(claim, Depth.QUICK, seed), "quick", seed))
        entry = mutant_entry(mutant, result, "normal", seed)
        found.add(entry | {"counterexample": path.relative_to(report).as_posix()})
    publish(found, report)
    (place / "elsewhere").mkdir()
    return Path(shutil.move(report, place / "elsewhere" / "a report"))


def test_a_report_has_them_in_the_archive_alone(moved: Path) -> None:
    assert [path.name for path in (moved / "counterexamples").iterdir()] == [ARCHIVE]
    assert {json.loads(text)["claim"] for name, text in members(moved / MUTANTS).items() if name.endswith("json")} == {
        *WITH_ARRAYS
    }


def test_the_command_on_each_page_replays_it(
    moved: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, profile_restored: None
) -> None:
    """As it stands there, in the directory that the report was moved to."""
    monkeypatch.chdir(moved.parent)
    for id in WITH_ARRAYS:
        page = (moved / "pages" / f"claim-{id.partition('/')[0]}.html").read_text(encoding="utf-8")
        (command,) = re.findall("<code>(natural-gradient replay .*?)</code>", page)
        done = here(pytester, shlex.split(html.unescape(command)))
        assert done.ret == 1
        assert done.stdout.str().count(THE_SAME) == 1
        assert "Of 1 replayed: 1 refuted again." in done.stdout.str()


def test_all_are_replayed_by_several_processes(moved: Path) -> None:
    done = started(moved.parent, ["natural-gradient", "replay", f"{moved.name}/counterexamples", "-n", "2"])
    assert done.stdout.count(THE_SAME) == len(WITH_ARRAYS), done.stdout + done.stderr
    assert [path.name for path in (moved / "counterexamples").iterdir()] == [ARCHIVE]


def test_arrays_lie_in_the_archive_too(tmp_path: Path) -> None:
    files = with_arrays(tmp_path)
    path = tmp_path / ARCHIVE / next(name for name in files if name.endswith(".json"))
    (tmp_path / ARCHIVE).write_bytes(packed(files))
    assert read_counterexample(path).claim == "T1/rate"
    (tmp_path / ARCHIVE).write_bytes(packed({path.name: files[path.name]}))
    with pytest.raises(CounterexampleError, match="which must lie beside it and does not"):
        read_counterexample(path)
    edited = {**files, path.name: files[path.name].replace(b"a statement", b"a staTement")}
    (tmp_path / ARCHIVE).write_bytes(packed(edited))
    with pytest.raises(EditedFileError, match=rf"{ARCHIVE}/{path.name}: its digest is not that of its content"):
        read_counterexample(path)


def with_arrays(directory: Path) -> dict[str, bytes]:
    """A counterexample with more entries than stand in its file, and the arrays beside it."""
    import numpy as np

    from tests.properties.engine.replay.test_counterexample import linear, refutation, write

    rng = np.random.default_rng(7)
    path = write(directory / "written", refutation(linear(rng.standard_normal((INLINE_ENTRIES, 1)))))
    found = gathered([path])
    assert found.keys() == {path.name, path.with_suffix(".npz").name}
    return found
