"""Faults of statements: hypotheses dropped or narrowed, conclusions weakened, mutants lost, links relabelled."""

import ast
import re
from collections.abc import Iterator

from fault_testing.fault import Change, Operator
from fault_testing.place import Place, called, function_called

UPPER_END = re.compile(r"(<=?) *([^<>=]+)$")
LOWER_END = re.compile(r"([-0-9/]+) *(<=? *[^<>=]+)$")
CONCLUSION = re.compile(r"(<=|>=|<|>) *([^<>=]+)$")
NOTHING = "*()"
"""What stands for an element of a sequence that is left out."""

ASSUMPTIONS = ("require", "require_enclosed", "certified")
BASES = {"argued": "checked", "checked": "argued", "proved": "argued"}


def _hypothesis_dropped(place: Place) -> Iterator[Change]:
    node = place.node
    if function_called(node) in ASSUMPTIONS and isinstance(node, ast.Call) and len(node.args) >= 2:
        yield node.args[1], f"abs({place.code(node.args[1])})"
    if called(node) == "Hypothesis" and isinstance(node, ast.Call) and len(node.args) >= 2:
        yield node.args[1], "Verdict.HOLDS"
    if isinstance(node, ast.If) and len(node.body) == 1 and isinstance(node.body[0], ast.Raise) and not node.orelse:
        yield node.test, "False"
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) and place.is_verdict:
        for value in node.values:
            yield node, f"({' and '.join(place.wrapped(one) for one in node.values if one is not value)})"


def _hypothesis_narrowed(place: Place) -> Iterator[Change]:
    node = place.node
    if function_called(node) in ASSUMPTIONS and isinstance(node, ast.Call) and len(node.args) >= 2:
        margin = place.wrapped(node.args[1])
        yield node.args[1], f"{margin} - abs({place.code(node.args[1])}) / 2 - 0.01"


def _conclusion_weakened(place: Place) -> Iterator[Change]:
    node = place.node
    bounds = ("at_most", "at_most_enclosed", "at_most_or_equal_enclosed")
    if function_called(node) in (*bounds, "Inequality") and isinstance(node, ast.Call) and len(node.args) >= 3:
        yield node.args[2], f"{place.wrapped(node.args[2])} * 1.1"
    if called(node) == "Implication" and isinstance(node, ast.Call) and len(node.args) >= 2:
        conclusion = _text(node.args[1])
        if conclusion and CONCLUSION.search(conclusion):
            yield node.args[1], repr(CONCLUSION.sub(_laxer, conclusion)).replace("'", '"')


def _laxer(found: re.Match[str]) -> str:
    slack = "+" if found[1].startswith("<") else "-"
    return f"{found[1]} {found[2]} {slack} 1/1000"


def _obligation_narrowed(place: Place) -> Iterator[Change]:
    node = place.node
    hypotheses = node.args[0] if called(node) == "Implication" and isinstance(node, ast.Call) and node.args else None
    if isinstance(hypotheses, ast.Tuple):
        for one in hypotheses.elts:
            text = _text(one)
            if text:
                yield one, _narrowed(text)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and "theorems/" in place.file.source.name:
        text = _text(node.value)
        if text.count("<") > 1:
            yield node.value, _narrowed(text)


def _narrowed(text: str) -> str:
    """A literal of a range up to half of what it was; of one without an upper end, from a little further on."""
    lower = LOWER_END.match(text)
    if lower:
        return f'"{lower[1]} + 1/100 {lower[2]}"'
    return '"' + UPPER_END.sub(r"\1 (\2)/2", text) + '"'


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _mutant_lost(place: Place) -> Iterator[Change]:
    node = place.node
    if called(node) == "with_mutants" and isinstance(node, ast.Call):
        yield from ((one, NOTHING) for one in node.args if not isinstance(one, ast.Starred))
    if called(node) == "claim" and isinstance(node, ast.Call):  # a rule's: id, statement, provenance, mutants
        yield from ((one, NOTHING) for one in node.args[3:] if not isinstance(one, ast.Starred))
    if isinstance(node, ast.Tuple):
        yield from ((one, NOTHING) for one in node.elts if called(one) == "Mutation")
    if isinstance(node, ast.Constant) and isinstance(place.parent, ast.keyword) and place.parent.arg == "drops":
        yield node, '""'


def _relabelled(place: Place) -> Iterator[Change]:
    node = place.node
    other = BASES.get(called(node), "") if "theorems/" in place.file.source.name else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and place.knows(other):
        yield node.func, other
    if isinstance(node, ast.Attribute) and place.code(node) == "Basis.PROVED":
        yield node, "Basis.CHECKED"


HYPOTHESES = (
    Operator(
        "hypothesis-dropped", "a hypothesis, a condition or a check of inputs that is always met", _hypothesis_dropped
    ),
    Operator("hypothesis-narrowed", "a hypothesis that asks for more than the theorem", _hypothesis_narrowed),
    Operator("conclusion-weakened", "a conclusion that says less than the theorem", _conclusion_weakened),
    Operator("obligation-narrowed", "an obligation for half of the range", _obligation_narrowed),
    Operator("mutant-lost", "a mutant left out, or the mutant that drops a hypothesis", _mutant_lost),
    Operator("relabelled", "a link of a proof called by another basis", _relabelled),
)
