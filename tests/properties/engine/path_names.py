"""Names that files may have and ways that lead to one file, and a run through each: a report, a replay, a baseline."""

import itertools
import json
import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from properties.engine.claim import Claim
from properties.engine.paths import printable
from properties.engine.replay.archive import MUTANTS, members
from tests.properties.engine import fake_claims
from tests.properties.engine.run.plugin_suite import Suite

NAMES = {
    "plain": "out",
    "not UTF-8": os.fsdecode(b"caf\xe9"),
    "spaces": "two words ",
    "quotes": 'it\'s "quoted" `so`',
    "line's end": "one\ntwo\r\t",
    "dash": "-out",
    "percent": "100%s %(prog)s {x}",
    "equals and comma": "a=b,c",
    "brackets": "[a-z]*?",
    "backslash": "a\\xe9",
    "markup": "<b>&amp;",
    "escape": "\x1b[31mred",
    "accents, composed": "\u00e9\u2028\u202e",
    "accents, decomposed": "e\u0301",
    "beyond the plane": "\U0001f600",
}


def through_parent(path: Path) -> str:
    """Through the parent of a directory that is there, or is a link to elsewhere."""
    (path.parent / "beside").mkdir(exist_ok=True)
    return os.path.join(path.parent, "beside", "..", path.name)


def through_link(path: Path) -> str:
    """Through a link to it, which may lead nowhere yet."""
    link = path.parent / f"link-{len(os.listdir(path.parent))}"
    link.symlink_to(path.name)
    return str(link)


def through_linked_parent(path: Path) -> str:
    """Through a link to the directory that it is in, and back out of one."""
    link = path.parent / f"parent-{len(os.listdir(path.parent))}"
    (path.parent / "beside").mkdir(exist_ok=True)
    link.symlink_to("beside")
    return os.path.join(link, "..", path.name)


WAYS: Mapping[str, Callable[[Path], str]] = {
    "relative": lambda path: path.name,
    "absolute": str,
    "dot": lambda path: os.path.join(".", path.name),
    "slash": lambda path: f"{path.name}/",
    "slashes": lambda path: f"{path.parent}//{path.name}//",
    "parent": through_parent,
    "from the directory's parent": lambda path: os.path.join("..", path.parent.name, path.name),
    "link": through_link,
    "linked parent": through_linked_parent,
}

CASES = list(itertools.product(NAMES, WAYS))


def sample(count: int) -> list[tuple[str, str]]:
    """Some of the names and ways, each name at most once, and the one known to be hardest."""
    chosen = random.Random(20191).sample(list(NAMES), count)
    ways = random.Random(20191).sample(list(WAYS) * count, count)
    return [("plain", "from the directory's parent"), ("not UTF-8", "parent"), *zip(chosen, ways, strict=True)]


def claims() -> list[Claim[fake_claims.Point]]:
    return [fake_claims.claim()]


def generations(report: Path) -> list[Path]:
    """The directories of a report's generations."""
    return [path for path in (report / ".published").iterdir() if path.is_dir() and not path.is_symlink()]


def check_report(suite: Suite, name: str, way: str) -> None:
    """A report, replaced through another way to it, is whole, and its files are where they are said to be."""
    report = suite.pytester.path / NAMES[name]
    first = suite.run(claims(), f"--report={WAYS['relative'](report)}")
    assert first.ret == 0, first.stderr.str()
    before = json.loads((report / "claims.json").read_text(encoding="utf-8"))
    (report / "mine.txt").write_text("mine")
    second = suite.run(claims(), f"--report={WAYS[way](report)}", "--hypothesis-seed=3", "--junitxml=junit.xml")
    assert second.ret == 0, second.stderr.str()
    after = json.loads((report / "claims.json").read_text(encoding="utf-8"))
    assert (before["environment"]["root_seed"], after["environment"]["root_seed"]) == (20191, 3)
    assert (report / "index.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert len(generations(report)) == 1
    assert (report / "mine.txt").read_text() == "mine"
    assert "</testsuites>" in (suite.pytester.path / "junit.xml").read_text(encoding="utf-8")


def check_replay(suite: Suite, name: str, way: str) -> None:
    """A directory of counterexamples, and a file in it, named twice is replayed once."""
    report = suite.pytester.path / NAMES[name]
    assert suite.run(claims(), f"--report={WAYS[way](report)}").ret == 0
    moved = report / f"{NAMES[name]}.json"
    moved.write_bytes(next(iter(members(report / MUTANTS).values())))
    again = suite.run(claims(), f"--replay={WAYS[way](report)}", f"--replay={moved}", f"--replay={WAYS[way](report)}/")
    assert again.ret == 4, again.stdout.str()  # claims.json is no counterexample
    (report / "claims.json").unlink()
    again = suite.run(
        claims(),
        f"--replay={WAYS[way](report)}",
        f"--replay={moved}",
        f"--replay={WAYS[way](report)}/",
        "-p",
        "cacheprovider",
    )
    assert again.ret == 1, again.stderr.str()
    again.assert_outcomes(failed=1)
    assert "Of 1 replayed: 1 refuted again." in again.stdout.str()


def check_baseline(suite: Suite, name: str, way: str) -> None:
    """A baseline that is made through one way is found through another, and a link to it stays a link."""
    baseline = suite.pytester.path / f"{NAMES[name]}.json"
    given = WAYS[way](baseline)
    made = suite.run(claims(), f"--baseline={given}", "--update-baseline")
    assert made.ret == 0, made.stderr.str()
    assert baseline.is_file()
    assert not baseline.is_symlink()
    assert os.path.samefile(given.rstrip("/") or given, baseline)
    compared = suite.run(claims(), f"--baseline={WAYS['absolute'](baseline)}", "--report=out-of-baseline")
    assert compared.ret == 0, compared.stderr.str()
    assert "none worse" in compared.stdout.str()
    clash = suite.run(
        claims(),
        f"--report={suite.pytester.path}/r/../r",
        f"--baseline={suite.pytester.path}/r/claims.json",
        "--update-baseline",
    )
    assert clash.ret == 4


def check_dataset(suite: Suite, name: str, way: str) -> None:
    """Data of any name are certified, shown and reported."""
    data = suite.pytester.path / f"{NAMES[name]}.csv"
    data.write_text("a,b,y\n1,2,1\n-1,3,-1\n")
    given = WAYS[way](data).rstrip("/") if name != "dash" else str(data)
    named = given if given.endswith(".csv") else str(data)
    done = suite.run(claims(), f"--dataset={named}", "--width=4", "--report=of-data", "--junitxml=junit.xml")
    assert done.ret == 0, done.stdout.str() + done.stderr.str()
    assert f"data set {printable(named)}: n = 2, d = 2" in done.stdout.str()
    record = json.loads((suite.pytester.path / "of-data" / "claims.json").read_text(encoding="utf-8"))
    assert record["dataset"]["name"] == named
    assert "</testsuites>" in (suite.pytester.path / "junit.xml").read_text(encoding="utf-8")
