"""Where things are, and where new ones go (rooms.toml): the places are there, in rooms that docs/architecture.md has."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from verified_natural_gradient.options import CHECKOUT

PAGE = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
QUESTIONS: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("rooms.toml").read_text(encoding="utf-8")
)["question"]  # fmt: skip


def tree(page: str) -> set[str]:
    """The directories, with a slash behind, and modules of the page's tree."""
    found: set[str] = set()
    above: dict[int, str] = {}
    for line in page.split("```")[1].splitlines():
        indent = len(line) - len(line.lstrip())
        if not line.strip() or indent > 8:  # the rest of what the line before says
            continue
        above = {place: name for place, name in above.items() if place < indent}
        parent = "".join(above[place] for place in sorted(above))
        listed = re.split(r" {2,}", line.strip())[0].replace(",", "").split()
        found |= {parent + name for name in listed}
        above[indent] = listed[0]  # what is further in belongs to it: a line with such lines below names one directory
    return found


@cache
def names(file: Path) -> frozenset[str]:
    """What a module defines at its top, and the methods of its classes with the class in front."""
    return frozenset(_names(file))


def _names(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef():
                yield node.name
            case ast.ClassDef():
                yield node.name
                yield from (f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef))
            case ast.Assign():
                yield from (one.id for one in node.targets if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def faults(question: Mapping[str, Any], page: str = PAGE, root: Path = CHECKOUT) -> list[str]:
    """What is not so of an answer, in a line each."""
    room = question["room"]
    found = [] if room in tree(page) else [f"{room} is no room of the tree in docs/architecture.md; name it there"]
    for place in question.get("places", ()):
        path, _, name = place.partition(": ")
        if not path.startswith(room):
            found.append(f"{path} is not in {room}")
        elif not (root / path).is_file():
            found.append(f"{path} is not there; say where it is now")
        elif name and name not in names(root / path):
            found.append(f"{path} does not define {name}; say where it is now")
    if pattern := question.get("beside"):
        directory = root / room / question.get("in", "")
        having = [file for file in directory.glob("*.py") if any(fnmatchcase(name, pattern) for name in names(file))]
        if len(having) < 2:
            found.append(f"{room}{question.get('in', '')} has {len(having)} modules that define {pattern}, and needs 2")
    return found


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["asks"])
def test_everything_is_where_it_is_said_to_be(question: Mapping[str, Any]) -> None:
    assert question.get("places") or question.get("beside")
    assert faults(question) == []


def test_questions_are_of_every_part_and_of_new_things() -> None:
    tops = {question["room"].partition("/")[0] for question in QUESTIONS}
    assert tops == {"theory", "properties", "verified_natural_gradient", "tests", "tools", "docs"}
    assert sum("beside" in question for question in QUESTIONS) >= 6


def test_every_directory_of_the_code_is_a_room() -> None:
    rooms = tree(PAGE)
    for top in ("theory", "properties", "properties/engine"):
        inside = {f"{top}/{file.parent.name}/" for file in (CHECKOUT / top).glob("*/__init__.py")}
        assert inside <= rooms, f"the tree of docs/architecture.md lacks {sorted(inside - rooms)}"
    modules = {file.name for top in ("theory", "properties") for file in (CHECKOUT / top).glob("[!_]*.py")}
    assert modules <= set(re.findall(r"\w+\.py", PAGE.split("```")[1]))


def test_every_room_of_the_tree_is_there() -> None:
    assert [room for room in sorted(tree(PAGE)) if not (CHECKOUT / room).exists()] == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"room": "theory/kernel/"}, "theory/kernel/ is no room of the tree"),
        ({"room": "properties/"}, "theory/kernels/limiting.py is not in properties/"),
        ({"places": ["theory/kernels/limits.py: limiting_gram"]}, "theory/kernels/limits.py is not there"),
        ({"places": ["theory/kernels/limiting.py: gram"]}, "theory/kernels/limiting.py does not define gram"),
        ({"places": ["theory/kernels/limiting.py: arb_mat"]}, "does not define arb_mat"),  # imported only
        ({"beside": "limiting_gram"}, "theory/kernels/ has 1 modules that define limiting_gram"),
        ({"in": "nowhere", "beside": "*"}, "theory/kernels/nowhere has 0 modules"),
    ],
)
def test_a_wrong_answer_is_refused(changes: Mapping[str, Any], said: str) -> None:
    right: dict[str, Any] = {"room": "theory/kernels/", "places": ["theory/kernels/limiting.py: limiting_gram"]}
    assert faults(right) == []
    assert said in faults({**right, **changes})[0]


def test_the_tree_is_read_line_by_line() -> None:
    page = "```\na/    one\n  b/ c.py    two\n  d/  three\n    e/, f.py  four\n             i/ (no name)\ng/  five\n  h/\n```\nk/\n"
    assert tree(page) == {"a/", "a/b/", "a/c.py", "a/d/", "a/d/e/", "a/d/f.py", "g/", "g/h/"}
