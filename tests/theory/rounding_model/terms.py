"""The terms of the bounds in a function's source, each of which can be left out of a running copy of it."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.theory.rounding_model.machine import Theory, source_tree

COUNTING = frozenset({"gamma", "outward", "range", "zeros", "ones", "squared_norm_excess", "arange", "reshape"})
"""Calls in whose arguments sums are counts of roundings or shapes, not terms of a bound (``outward``: its second argument)."""


CHARGES = re.compile(
    r"(error|rounding|defect|inexact|margin|remainder|displacement|sweep|summation|evaluation|propagated)$"
)
"""Names of what is charged: such an assignment may be left out as a whole."""

CHARGED = {
    "smallest_eigenvalue": 1,
    "smallest_root": 1,
    "_root_bracket": 1,
    "_root_lower_bound": 1,
    "feature_change_norm": 2,
}
"""Functions that are told an error, and in which place: it may be forgotten there."""


@dataclass(frozen=True)
class Term:
    """One summand of one expression of a function."""

    module: str
    function: str
    """Dotted name within the module."""
    number: int
    """Its place among the summands of the function."""
    text: str
    """What is left out, and of what."""

    def __str__(self) -> str:
        return f"{self.module.removeprefix('theory.')}.{self.function}: {self.text}"


def function_node(tree: ast.Module, function: str) -> ast.FunctionDef:
    """The definition with this dotted name."""
    body: list[ast.stmt] = tree.body
    found: Any = None
    for part in function.split("."):
        found = next(node for node in body if getattr(node, "name", "") == part)
        body = found.body
    assert isinstance(found, ast.FunctionDef)
    return found


def _summands(node: ast.expr) -> list[ast.expr]:
    """The parts of a sum from left to right, each of which may be left out; what is subtracted too, a first 1 not."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        right = [node.right] if isinstance(node.op, ast.Sub) else _summands(node.right)
        return _summands(node.left) + right
    return [node]


def _places(node: ast.AST) -> Iterator[tuple[ast.AST, ast.expr | None]]:
    """Sums of a function with the summand to leave out (None: a whole statement ``x += ...``; itself: it is 0 then)."""
    if isinstance(node, ast.Raise | ast.arguments | ast.JoinedStr | ast.Slice):
        return
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        yield node, None
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and CHARGES.search(node.targets[0].id):
        yield node.value, node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CHARGED:
        argument = node.args[CHARGED[node.func.id]]
        if not isinstance(argument, ast.Name):
            yield argument, argument
    children: list[ast.AST] = [
        n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.expr_context | ast.operator)
    ]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        parts = _summands(node)
        children = [*parts]
        for number, part in enumerate(parts):
            if not (number == 0 and (_one(part) or _left_of_difference(node))):
                yield node, part
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in COUNTING:
            children = list(node.args[:1]) if name == "outward" else []
    for child in children:
        yield from _places(child)


def _one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _left_of_difference(node: ast.expr) -> bool:
    """Whether the first summand is what something is subtracted from: without it the sign changes."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        node = node.left
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)


class _Without(ast.NodeTransformer):
    """Leave a summand of one sum, or one statement, out."""

    def __init__(self, target: ast.AST, part: ast.expr | None) -> None:
        self.target, self.part = target, part

    def visit(self, node: ast.AST) -> Any:
        """Change the one node that is meant."""
        if node is not self.target:
            return self.generic_visit(node)
        if node is self.part:
            return ast.copy_location(ast.Constant(0.0), node)
        return ast.copy_location(ast.Pass(), node) if self.part is None else _remaining(node, self.part)


def _remaining(node: Any, part: ast.expr) -> Any:
    if node.right is part:
        return node.left
    if node.left is part:
        return node.right
    inside = any(inner is part for inner in ast.walk(node.left))
    side = "left" if inside else "right"
    return ast.copy_location(
        ast.BinOp(
            _remaining(node.left, part) if side == "left" else node.left,
            node.op,
            _remaining(node.right, part) if side == "right" else node.right,
        ),
        node,
    )


def _described(node: Any, part: ast.expr | None) -> str:
    if part is None or part is node:
        return f"all of {ast.unparse(node)}"
    return f"{ast.unparse(part)} in {ast.unparse(node)}"


def terms_of(module: str, function: str) -> list[Term]:
    """All summands of a function, but for those of counts and shapes."""
    node = function_node(source_tree(module), function)
    places = [place for statement in node.body for place in _places(statement)]
    return [Term(module, function, number, _described(*place)) for number, place in enumerate(places)]


@contextmanager
def left_out(theory: Theory, term: Term) -> Iterator[None]:
    """Run the copy without a term; every module of the copy that imported the function sees the other one."""
    tree = source_tree(term.module)
    node = function_node(tree, term.function)
    places = [place for statement in node.body for place in _places(statement)]
    target, part = places[term.number]
    changed = _Without(target, part).visit(node)
    module = theory.module(term.module)
    *owner, name = term.function.split(".")
    holder: Any = getattr(module, owner[0]) if owner else module
    space: dict[str, Any] = {}
    future = ast.parse("from __future__ import annotations").body
    theory.executed(term.module, ast.Module([*copy.deepcopy(future), changed], []), module.__dict__, space)
    made = space[name]
    if isinstance(made, cached_property):  # is told its name by the body of a class alone
        made.__set_name__(holder, name)
    old = holder.__dict__[name]
    places_of_it = [holder] if owner else [m for m in theory.loaded.values() if m.__dict__.get(name) is old]
    for place in places_of_it:
        setattr(place, name, made)
    try:
        yield
    finally:
        for place in places_of_it:
            setattr(place, name, old)
