"""A report's directory is the old report or the new one at any moment, and keeps what it did not write."""

import hashlib
import json
import os
import posixpath
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from properties.engine.claim import Depth
from properties.engine.replay.archive import ARCHIVE, MUTANTS, members, packed, placed, stored
from properties.engine.replay.counterexample import content_digest
from properties.engine.report import atomic
from properties.engine.report.document import INDEX, Document
from properties.engine.report.entries import claim_entry, mutant_entry
from properties.engine.report.publication import PARTIAL, foreign, occupy, publish, write_partial
from properties.engine.report.together import HOME
from properties.engine.search import run_claim
from tests.properties.engine import fake_claims
from theory.errors import DataFileError


def document(name: str) -> Document:
    claim = fake_claims.claim(name)
    found = Document({"root_seed": 3, "depth": "quick"}, expected=3)
    found.add(claim_entry(claim, fake_claims.result(claim), "quick", 3))
    for mutant in claim.mutants:
        entry = mutant_entry(mutant, run_claim(mutant.claim, Depth.QUICK, 3), "quick", 3)
        found.add(
            entry | {"counterexample": f"counterexamples/{mutant.id.replace('/', '-')}-{len(mutant.id):010x}.json"}
        )
    return found


def with_counterexamples(found: Document, directory: Path) -> Document:
    """As a run does: its counterexamples are there before it ends."""
    for mutant in found.mutants.values():
        content: dict[str, Any] = {"claim": mutant["id"], "arrays": {}}
        content["digest"] = content_digest(content)
        atomic.write_text_atomically(directory / mutant["counterexample"], json.dumps(content))
    return found


def states(directory: Path) -> set[str]:
    """Which report claims.json and index.html are of; everything that they refer to must be there."""
    recorded = (directory / "claims.json").read_bytes()
    content, digest = json.loads(recorded), hashlib.sha256(recorded).hexdigest()
    page = (directory / "index.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    assert digest in page
    assert replayed(directory) == [mutant["id"] for mutant in content["mutants"]]
    referred = links(page, INDEX)
    for path in [one for one in referred if one.startswith("pages/")]:
        below = (directory / path).read_text(encoding="utf-8")
        assert digest in below or path == "pages/style.css"
        referred |= links(below, path)
    assert [path for path in referred if not (directory / path).is_file()] == []
    names = {name for name in ("N-old", "N-new") if f">{name}<" in page}
    return {content["claims"][0]["id"], *names}


def replayed(directory: Path) -> list[str]:
    """What the counterexamples of the report's mutants are about, each in an archive or by itself."""
    mutants = json.loads((directory / "claims.json").read_bytes())["mutants"]
    found = [stored(placed(directory / mutant["counterexample"])) for mutant in mutants]
    return [json.loads(content)["claim"] for content in found if content is not None]


def links(page: str, path: str) -> set[str]:
    """What the page of this path refers to, from the report's directory."""
    found = {target for target in re.findall(r'(?:href|src)="([^"#:]+)[^"]*"', page) if not target.startswith("#")}
    return {posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) for target in found}


def plain_files(directory: Path) -> None:
    """Make the files what they were before they were links, or after a copy that follows links."""
    for path in [
        *(directory / name for name in ("claims.json", "index.html", MUTANTS)),
        *(directory / "pages").iterdir(),
    ]:
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    shutil.rmtree(directory / HOME)


def test_a_report_can_be_copied_and_moved(tmp_path: Path) -> None:
    publish(with_counterexamples(document("N-old"), tmp_path / "one"), tmp_path / "one")
    for number, links in enumerate((True, False)):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(tmp_path / "one", copy, symlinks=links)
        moved = copy.rename(tmp_path / f"moved{number}")
        publish(with_counterexamples(document("N-new"), moved), moved)
        assert states(moved) == {"N-new"}
        assert states(tmp_path / "one") == {"N-old"}


def test_pages_of_an_earlier_report_go_and_others_stay(tmp_path: Path) -> None:
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    (tmp_path / "pages" / "mine.html").write_text("mine")
    publish(with_counterexamples(document("N-new"), tmp_path), tmp_path)
    names = {path.name for path in (tmp_path / "pages").iterdir()}
    assert {"claim-N-new.html", "mine.html", "style.css"} <= names
    assert "claim-N-old.html" not in names
    assert (tmp_path / "pages" / "claim-N-new.html").is_symlink()
    assert foreign(tmp_path) == ["pages/mine.html"]


def test_without_symbolic_links_each_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    plain_files(tmp_path)

    def refused(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refused)
    publish(with_counterexamples(document("N-new"), tmp_path), tmp_path)
    assert states(tmp_path) == {"N-new"}
    assert not any((tmp_path / name).is_symlink() for name in ("claims.json", "index.html"))
    assert list((tmp_path / HOME).iterdir()) == []


def test_results_so_far_stand_beside_the_report_and_go_when_it_is_published(tmp_path: Path) -> None:
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    write_partial(document("N-new"), tmp_path)
    assert states(tmp_path) == {"N-old"}
    assert json.loads((tmp_path / PARTIAL).read_text())["claims"][0]["id"] == "N-new"
    publish(with_counterexamples(document("N-new"), tmp_path), tmp_path)
    assert states(tmp_path) == {"N-new"}
    assert not (tmp_path / PARTIAL).exists()


def test_counterexamples_to_mutants_of_an_earlier_report_go_and_all_else_stays(tmp_path: Path) -> None:
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    others = {
        "counterexamples/T1-1234567890.json": json.dumps({"claim": "T1", "arrays": {}}),
        "counterexamples/notes.json": json.dumps({"claim": "T1/notes"}),
        "counterexamples/broken.json": "{",
        "counterexamples/notes.txt": "mine",
        "mine.txt": "mine",
        "data/measurements-20240115.csv": "mine",
        "data/measurements-20240115.npz": "mine",
        "counterexamples/T1-rate-squared-0123456789.json": json.dumps({"claim": "T1/rate-squared", "arrays": {}}),
    }
    for name, text in others.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    publish(with_counterexamples(document("N-new"), tmp_path), tmp_path)
    assert {name: (tmp_path / name).read_text() for name in others} == others
    names = {path.name for path in (tmp_path / "counterexamples").iterdir()}
    assert names == {ARCHIVE, *(Path(name).name for name in others if name.startswith("counterexamples/"))}
    assert {name.partition("-below")[0] for name in members(tmp_path / MUTANTS)} == {"N-new"}


def test_counterexamples_stay_when_the_same_report_is_written_again(tmp_path: Path) -> None:
    """As tools/report_pages.py does: they lie in the archive alone by then."""
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    before = (tmp_path / MUTANTS).read_bytes()
    publish(Document.read(tmp_path / "claims.json"), tmp_path)
    assert states(tmp_path) == {"N-old"}
    assert (tmp_path / MUTANTS).read_bytes() == before


def test_without_counterexamples_there_is_no_archive(tmp_path: Path) -> None:
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    new = document("N-new")
    for mutant in new.mutants.values():
        mutant["counterexample"] = None
    publish(new, tmp_path)
    assert not os.path.lexists(tmp_path / MUTANTS)
    assert MUTANTS not in (tmp_path / "pages" / "claim-N-new.html").read_text()


def test_counterexamples_of_an_earlier_version_go_too(tmp_path: Path) -> None:
    """Which lay beside each other, in no archive."""
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    with_counterexamples(document("N-old"), tmp_path)
    (tmp_path / MUTANTS).unlink()
    publish(with_counterexamples(document("N-new"), tmp_path), tmp_path)
    assert {path.name for path in (tmp_path / "counterexamples").iterdir()} == {ARCHIVE}


def files_below(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_what_a_run_did_not_make_stays_below_the_hidden_directory(tmp_path: Path) -> None:
    """Whatever its name: directories, files and links of the user's, and generations to which something was added."""
    report, elsewhere = tmp_path / "report", tmp_path / "elsewhere"
    publish(with_counterexamples(document("N-old"), report), report)
    home = report / HOME
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "deep" / "mine.txt").write_text("mine")
    for name in ("archive", "generation-mine", "generation-000000", "tmpabcdefgh", "generation-000000-kept"):
        shutil.copytree(elsewhere, home / name)
    (home / "generation-0000001").mkdir()
    (home / "generation-0000001" / "index.html").mkdir()  # a directory of that name
    (home / "generation-00000000").symlink_to(elsewhere)
    (home / "notes.txt").write_text("mine")
    (generation,) = [path for path in home.iterdir() if re.fullmatch(r"generation-\d{6}", path.name) and _shows(path)]
    (generation / "mine.txt").write_text("mine")
    before = {**files_below(home), **files_below(elsewhere)}
    for name in ("N-new", "N-old", "N-new"):
        publish(with_counterexamples(document(name), report), report)
    after = {**files_below(home), **files_below(elsewhere)}
    assert {name: after.get(name) for name in before} == before
    assert (home / "generation-0000001" / "index.html").is_dir()
    assert (
        len([path for path in home.iterdir() if path.is_dir() and _shows(path)]) == 3
    )  # that one, the new one, its link
    assert states(report) == {"N-new"}


def _shows(generation: Path) -> bool:
    return (generation / "index.html").is_file()


def test_generations_in_a_directory_elsewhere(tmp_path: Path) -> None:
    """Two reports through the same directory, which holds files of the user's too, do not remove each other's."""
    report, shared = tmp_path / "report", tmp_path / "shared"
    (shared / "photographs").mkdir(parents=True)
    (shared / "photographs" / "index.html").write_text("mine")
    report.mkdir()
    (report / HOME).symlink_to(shared)
    for name in ("N-old", "N-new"):
        publish(with_counterexamples(document(name), report), report)
        assert states(report) == {name}
    assert (shared / "photographs" / "index.html").read_text() == "mine"


def test_a_copy_whose_link_became_a_directory_is_replaced_file_by_file(tmp_path: Path) -> None:
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    current = tmp_path / HOME / "current"
    target = current.resolve()
    current.unlink()
    shutil.copytree(target, current)
    publish(with_counterexamples(document("N-new"), tmp_path), tmp_path)
    assert states(tmp_path) == {"N-new"}
    assert (current / "index.html").is_file()


def test_what_was_edited_since_it_was_written_stays(tmp_path: Path) -> None:
    """A table, and a counterexample to a mutant with arrays beside it; arrays that it does not name stay too."""
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    (table,) = (tmp_path / "data").glob("*.csv")
    table.write_text(table.read_text() + "a line of mine\n")
    with_counterexamples(document("N-old"), tmp_path)
    edited, whole = sorted((tmp_path / "counterexamples").glob("*.json"))
    content = json.loads(edited.read_text())
    edited.write_text(json.dumps({**content, "note": "mine"}))
    for one in (edited, whole):
        one.with_suffix(".npz").write_bytes(b"mine")
    publish(with_counterexamples(document("N-new"), tmp_path), tmp_path)
    left = files_below(tmp_path)
    assert b"a line of mine" in left[str(table.relative_to(tmp_path))]
    assert b"mine" in left[f"counterexamples/{edited.name}"]
    assert f"counterexamples/{whole.name}" not in left
    kept = {f"counterexamples/{one.with_suffix('.npz').name}" for one in (edited, whole)}
    assert {name for name in left if name.endswith(".npz")} == kept


@pytest.mark.parametrize("kind", ["file", "link", "directory"])
def test_a_lock_that_is_not_ours_is_not_emptied(tmp_path: Path, kind: str) -> None:
    lock, mine = tmp_path / HOME / "lock", tmp_path / "mine.txt"
    lock.parent.mkdir()
    mine.write_text("mine")
    if kind == "file":
        lock.write_text("mine")
    elif kind == "link":
        lock.symlink_to(mine)
    else:
        lock.mkdir()
    with pytest.raises(DataFileError, match="name another directory"):
        occupy(tmp_path)
    assert mine.read_text() == "mine"
    assert lock.is_dir() or lock.read_text() == "mine"


def test_a_page_that_cannot_be_made_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    page = (tmp_path / "index.html").read_text()
    monkeypatch.setattr("properties.engine.report.html.pages", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish(document("N-new"), tmp_path)
    assert (tmp_path / "index.html").read_text() == page


def test_a_second_run_into_the_same_directory_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    first = occupy(tmp_path)
    with pytest.raises(DataFileError, match="another run is writing its report to"):
        occupy(tmp_path)
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    first.release()
    occupy(tmp_path).release()
    assert states(tmp_path) == {"N-old"}


def test_files_that_no_run_wrote_are_not_replaced(tmp_path: Path) -> None:
    assert foreign(tmp_path) == []
    publish(with_counterexamples(document("N-old"), tmp_path), tmp_path)
    assert foreign(tmp_path) == []
    (tmp_path / "index.html").write_text("<title>my own page</title>")
    (tmp_path / "claims.json").write_text('{"claims": "of my own"}')
    assert foreign(tmp_path) == ["index.html", "claims.json"]
    for content in (b"mine", packed({"mine.txt": b"mine"})):
        (tmp_path / MUTANTS).unlink()
        (tmp_path / MUTANTS).write_bytes(content)
        assert foreign(tmp_path) == ["index.html", "claims.json", MUTANTS]
    for name in (PARTIAL, "pages", "data", "counterexamples"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        (tmp_path / name).write_text("mine")
    assert foreign(tmp_path) == ["index.html", "claims.json", PARTIAL, "pages", "data", "counterexamples"]
