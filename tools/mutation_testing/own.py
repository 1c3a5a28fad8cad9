"""Our own mutants: what the tool skips, and every single factor of every formula deleted.

Everywhere in theory/: each factor, divisor, exponent and square root deleted. Besides, in module constants, class
bodies and decorated functions, which the tool leaves alone: each number changed, each comparison and each arithmetic
operator replaced, each term deleted, min and max exchanged.
"""

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path

from mutation_testing.model import Mutant
from mutation_testing.scope import scope_of
from mutation_testing.source import Source, wrapped

SWAPPED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
}
EXCHANGED = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "all": "any", "any": "all"}
HANDLED_DECORATORS = {"staticmethod", "classmethod"}


Change = tuple[ast.expr, str, str]
"""A node, its replacement, and the kind of change."""


def _factors(source: Source, node: ast.AST) -> Iterator[Change]:
    """Each factor, divisor, exponent and square root deleted."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.Pow | ast.FloorDiv):
        yield node, wrapped(source, node.left), "factor"
        if isinstance(node.op, ast.Mult):
            yield node, wrapped(source, node.right), "factor"
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("sqrt", "square", "square_root", "abs"):
            yield node, wrapped(source, node.args[0]), "function"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield node, wrapped(source, node.operand), "sign"


def _details(source: Source, node: ast.AST) -> Iterator[Change]:
    """Numbers, terms, comparisons and names that the tool would change elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        changed = node.value * 2 if node.value not in (0, -1) else node.value + 1
        yield node, repr(changed), "number"
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield node, repr(not node.value), "number"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield node, wrapped(source, node.left), "term"
        if isinstance(node.op, ast.Add):
            yield node, wrapped(source, node.right), "term"
    if isinstance(node, ast.Compare | ast.BoolOp):
        operator = node.ops[0] if isinstance(node, ast.Compare) else node.op
        first, second = (node.left, node.comparators[0]) if isinstance(node, ast.Compare) else node.values[:2]
        if type(operator) in SWAPPED:
            left, right = source.span(first)[1], source.span(second)[0]
            start, end = source.span(node)
            swapped = source.text[left:right].replace(*SWAPPED[type(operator)], 1)
            yield node, source.text[start:left] + swapped + source.text[right:end], "comparison"
    if isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in EXCHANGED and isinstance(node.ctx, ast.Load):
            yield node, source.code(node)[: -len(name)] + EXCHANGED[name], "extremum"


def _decorated(node: ast.FunctionDef) -> bool:
    """Whether the tool skips the function for its decorators."""
    names = [getattr(decorator, "id", "") for decorator in node.decorator_list]
    return bool(names) and not (len(names) == 1 and names[0] in HANDLED_DECORATORS)


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, without annotations and raised exceptions."""
    if isinstance(node, ast.Raise | ast.arguments):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _below(child)


def _units(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, bool]]:
    """The functions, methods and other statements of a module and its classes: with whether the tool skips them."""
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _units(statement.body)
        else:
            yield statement, not isinstance(statement, ast.FunctionDef) or _decorated(statement)


def _mutants_of(source: Source) -> Iterator[Mutant]:
    for statement, skipped, node in ((s, skipped, n) for s, skipped in _units(source.tree.body) for n in _below(s)):
        changes = list(_factors(source, node)) + (list(_details(source, node)) if skipped else [])
        for number, (place, text, kind) in enumerate(changes):
            start, end = source.span(place)
            column = start - source.offsets[place.lineno - 1]
            first, last = source.offsets[place.lineno - 1], source.offsets[place.end_lineno or place.lineno]
            from_, to = source.offsets[statement.lineno - 1], source.span(statement)[1]
            decorators = getattr(statement, "decorator_list", [])
            if decorators:
                from_ = source.offsets[decorators[0].lineno - 1]
            before = textwrap.dedent(source.text[from_:to])
            after = textwrap.dedent(source.text[from_:start] + text + source.text[end:to])
            yield Mutant(
                identifier=f"own:{source.name}:{place.lineno}:{column}:{kind}:{number}",
                file=source.name,
                line=place.lineno,
                before=source.text[first:last].strip(),
                after=(source.text[first:start] + text + source.text[end:last]).strip(),
                scope=scope_of(before, after),
                start=start,
                end=end,
                text=text,
            )


def own_mutants(root: Path) -> list[Mutant]:
    """All of them, for the files of theory/ below ``root``, in the order of the files."""
    found: dict[tuple[str, int, int, str], Mutant] = {}
    for path in sorted((root / "theory").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for mutant in _mutants_of(Source(path.read_text(encoding="utf-8"), name)):
            found.setdefault((name, mutant.start, mutant.end, mutant.text), mutant)
    return list(found.values())
