"""Which definitions reach which: how many uses away a test or a claim is from what a fault changes.

A definition is a function, a class or a constant of a module. It uses the definitions that its code names, its parameters
among pytest's fixtures included. What is called through an instance needs no edge of its own: whoever has the instance
names its class. A module that is only found (as by the registry of claims) counts as far away: whoever names a package may find all
of its modules. What is asked for by its name as a text is near: a definition by ``getattr``, a claim by its id in a test.
"""

import ast
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from fault_testing.place import names_of

PACKAGES = ("theory", "properties", "verified_natural_gradient", "tests")
LISTED = 4
"""How far away a module is from what names its package only."""

NAMED = 2
"""How far away a claim is from a test that has its id as a text."""


class Definition(NamedTuple):
    """A definition by module and name; the name "" stands for the module's other statements, "*" for all of it."""

    module: str
    name: str


@dataclass
class Module:
    """A module's definitions, each with the statements that make it, and what its imports bind."""

    name: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=lambda: defaultdict(list))
    imported: dict[str, Definition] = field(default_factory=dict)


def module_name(file: str) -> str:
    """The dotted name of a file of the project."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _parsed(path: Path, name: str) -> Module:
    module = Module(name)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for statement in tree.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            for one in list(names_of([statement])) or [""]:
                module.definitions[one].append(statement)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                module.imported[alias.asname or alias.name] = Definition(node.module, alias.name)
    return module


class Reach:
    """The uses between all definitions of the project below ``root``."""

    def __init__(self, root: Path, claims: Iterable[str] = ()) -> None:
        """Read every module; ``claims``: the ids of claims."""
        self.claims = tuple(claims)
        paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
        names = {path: module_name(path.relative_to(root).as_posix()) for path in paths}
        self.modules = {name: _parsed(path, name) for path, name in names.items()}

    @cached_property
    def users(self) -> Mapping[Definition, Mapping[Definition, int]]:
        """For every definition those that use it, each with its distance."""
        found: dict[Definition, dict[Definition, int]] = defaultdict(dict)
        for module in self.modules.values():
            whole = Definition(module.name, "*")
            found[whole][Definition(module.name.rpartition(".")[0], "*")] = 0
            for name, statements in module.definitions.items():
                here = Definition(module.name, name)
                found[here][whole] = 0
                if name:
                    found[Definition(module.name, "")][here] = 1
                for statement in statements:
                    for used in self._used(module, statement):
                        if used != here:
                            found[used][here] = LISTED if used.name == "*" else 1
                    for used in self._asked_for(statement):
                        found[used][here] = 1
        for id in self.claims:
            for claim in self._naming(id, ("properties.",), found):
                for test in self._literals.get(id, ()):
                    if test.module.startswith("tests."):
                        found[claim].setdefault(test, NAMED)
        return found

    def _used(self, module: Module, statement: ast.stmt) -> Iterator[Definition]:
        """What a statement names."""
        attributes = {node.value: node for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                if node.id in module.imported:
                    yield Definition(module.name, node.id)  # the import itself may change
                used = self._meant(module, node.id)
                if used and used.name == "*" and node in attributes:
                    yield self._meant(self.modules[used.module], attributes[node].attr) or used
                elif used:
                    yield used
            elif isinstance(node, ast.arg):
                yield from self._fixtures(module, node.arg)

    def _asked_for(self, statement: ast.stmt) -> Iterator[Definition]:
        """What ``getattr`` with a name as a text may find: the definitions of that name, in whatever module."""
        for node in ast.walk(statement):
            match node:
                case ast.Call(func=ast.Name("getattr"), args=[_, ast.Constant(str(name)), *_]):
                    yield from (Definition(one.name, name) for one in self.modules.values() if name in one.definitions)

    def _meant(self, module: Module, name: str) -> Definition | None:
        """The definition that a name of a module means, through imports of imports."""
        if name in module.definitions:
            return Definition(module.name, name)
        target = module.imported.get(name)
        if target is None:
            return None
        whole = f"{target.module}.{target.name}"
        if whole in self.modules:
            return Definition(whole, "*")
        if target == Definition(module.name, name):
            return None
        return self._meant(self.modules[target.module], target.name) if target.module in self.modules else None

    def _fixtures(self, module: Module, name: str) -> Iterator[Definition]:
        """Fixtures of that name, in the module or in a conftest.py above it."""
        parts = module.name.split(".")
        candidates = [module.name, *(".".join([*parts[:depth], "conftest"]) for depth in range(len(parts)))]
        if parts[0] == "tests":
            for candidate in candidates:
                if candidate in self.modules and name in self.modules[candidate].definitions:
                    yield Definition(candidate, name)

    def distances(self, changed: Definition) -> dict[Definition, int]:
        """How far each definition is that reaches the changed one."""
        known: dict[Definition, int] = {}
        waiting = [(0, changed)]
        while waiting:
            distance, definition = heapq.heappop(waiting)
            if definition in known:
                continue
            known[definition] = distance
            for user, further in self.users.get(definition, {}).items():
                if user not in known:
                    heapq.heappush(waiting, (distance + further, user))
        return known

    def tests(self) -> Iterator[tuple[str, Definition]]:
        """Every test function, by pytest's id of it without parameters."""
        for name, module in self.modules.items():
            if name.rpartition(".")[2].startswith("test_"):
                for definition in module.definitions:
                    if definition.startswith("test_"):
                        yield f"{name.replace('.', '/')}.py::{definition}", Definition(name, definition)

    def naming(self, text: str, packages: Iterable[str]) -> set[Definition]:
        """The definitions of some packages with a literal of that text, and what is made of them at once."""
        return self._naming(text, packages, self.users)

    def _naming(
        self, text: str, packages: Iterable[str], users: Mapping[Definition, Mapping[Definition, int]]
    ) -> set[Definition]:
        found = {one for one in self._literals.get(text, ()) if one.module.startswith(tuple(packages))}
        made = {user for one in found for user in users.get(one, {}) if user.module == one.module}
        return found | {
            one for one in made if one.name not in ("*", "CLAIMS", "OBLIGATIONS", "CHAINS", "RANGES", "CALCULATED")
        }

    @cached_property
    def _literals(self) -> Mapping[str, set[Definition]]:
        """The definitions that have a text in their code, by text."""
        found: dict[str, set[Definition]] = defaultdict(set)
        for module in self.modules.values():
            for name, statements in module.definitions.items():
                for node in (node for statement in statements for node in ast.walk(statement)):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        found[node.value].add(Definition(module.name, name))
        return found
