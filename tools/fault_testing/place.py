"""A node of a file's syntax tree with what surrounds it, and the names that the project knows."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from mutation_testing.source import Source, wrapped

Function = ast.FunctionDef | ast.AsyncFunctionDef
UNCHANGED_FIELDS = ("annotation", "returns", "type_comment")
"""Parts of the syntax that do nothing when a program runs."""

SUMMANDS_OF_TEXT = (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp, ast.Dict, ast.Set, ast.Starred)


@dataclass(frozen=True)
class Vocabulary:
    """What names mean something: attributes of any class of the project, and the definitions of each of its modules."""

    attributes: frozenset[str] = frozenset()
    definitions: Mapping[str, frozenset[str]] = field(default_factory=dict)


class File:
    """A file with the relations between its nodes."""

    def __init__(self, source: Source, vocabulary: Vocabulary | None = None) -> None:
        """Relate the nodes of a parsed file."""
        self.source = source
        self.vocabulary = vocabulary or Vocabulary()
        self._names: dict[Function, frozenset[str]] = {}
        self.parents = {child: node for node in ast.walk(source.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def bound(self) -> frozenset[str]:
        """Names that the module binds: imports, functions, classes, constants."""
        return frozenset(names_of(self.source.tree.body))

    def names_in(self, function: Function) -> frozenset[str]:
        """Names that a function binds: its parameters, and what it assigns."""
        if function not in self._names:
            arguments = function.args
            everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            self._names[function] = frozenset(argument.arg for argument in everything) | {
                node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
        return self._names[function]

    @cached_property
    def balls(self) -> bool:
        """Whether the file imports ball arithmetic."""
        return "arb" in self.bound

    def places(self) -> Iterator["Place"]:
        """All places where a program may differ: no annotations, texts of errors, docstrings."""
        for statement in self.source.tree.body:
            for node in _below(statement):
                yield Place(self, statement, node)


@dataclass(frozen=True)
class Place:
    """One node, in the statement of the module that holds it."""

    file: File
    statement: ast.stmt
    node: ast.AST

    def code(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        return self.file.source.code(node)

    def wrapped(self, node: ast.expr) -> str:
        """The text of an operand, in parentheses where it needs them."""
        return wrapped(self.file.source, node)

    @property
    def parent(self) -> ast.AST | None:
        """The node above."""
        return self.file.parents.get(self.node)

    def above(self) -> Iterator[ast.AST]:
        """The nodes above, from the nearest."""
        node = self.parent
        while node is not None:
            yield node
            node = self.file.parents.get(node)

    @property
    def function(self) -> Function | None:
        """The innermost function around the node."""
        return next((node for node in self.above() if isinstance(node, Function)), None)

    @property
    def counts_roundings(self) -> bool:
        """Whether the node stands in ``gamma(k)``, where k is a number of roundings that was rounded up."""
        return any(called(node) == "gamma" for node in self.above())

    def knows(self, name: str) -> bool:
        """Whether a name is bound here: by the module, or by the function around."""
        function = self.function
        return name in self.file.bound or (function is not None and name in self.file.names_in(function))

    @property
    def is_verdict(self) -> bool:
        """Whether the node helps to decide something: in a condition or an answer of a function that answers or judges."""
        function = self.function
        if function is None:
            return False
        answers = function.returns is not None and self.code(function.returns) in ("bool", "NDArray[np.bool_]")
        words = self.code(function)
        judges = any(word in words for word in ("Verdict", "Standing", "raise ", "certif", "decided_exactly", "holds"))
        deciding = any(
            isinstance(node, ast.If | ast.IfExp | ast.Return | ast.While | ast.Call) for node in self.above()
        )
        return deciding and (answers or judges)

    @property
    def is_number(self) -> bool:
        """Whether a sum is one of numbers, as far as the syntax tells."""
        return not any(
            isinstance(node, SUMMANDS_OF_TEXT)
            or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
            for operand in ast.iter_child_nodes(self.node)
            for node in _outermost(operand)
        )


def _outermost(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if isinstance(node, ast.BinOp):
        yield from _outermost(node.left)
        yield from _outermost(node.right)


def _is_text(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _below(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import) or _is_text(node):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name not in UNCHANGED_FIELDS:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _below(child)


def names_of(body: Iterable[ast.stmt]) -> Iterator[str]:
    """The names that statements of a module bind."""
    for statement in body:
        if isinstance(statement, Function | ast.ClassDef):
            yield statement.name
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).split(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.If | ast.Try):
            yield from names_of(statement.body)
        else:
            yield from (n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))


def called(node: ast.AST) -> str:
    """The last name of what a call calls; empty for what is no call of a name."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def function_called(node: ast.AST) -> str:
    """The name of the function that a call calls; empty for methods, which may mean something else by it."""
    return called(node) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def whole_number(node: ast.AST) -> int | None:
    """The value of a literal whole number."""
    is_number = isinstance(node, ast.Constant) and type(node.value) is int
    return node.value if is_number else None  # type: ignore[attr-defined]
