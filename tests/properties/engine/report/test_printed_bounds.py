"""No number that bounds something is cut to nearest in print: where an f-string cuts one by its format, this page says why it may.

A bound is printed by ``digits``, ``stated``, ``raised`` or ``reduced`` (theory/direction.py), which know the side; a format such as
``.3g`` does not. What an expression is about is told from the names in it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]

BOUNDING = re.compile(
    "bound|limit|constant|radius|lambda|contraction|progress|upper|lower|below|above|rate|factor|width|allowed|certified|path_sum|"
    "margin|rounding|least|most|enough|needed|budget"
)
"""Names of what bounds."""

CUTS = re.compile(r"\.\d+[gef%]|^[gef]$")

REVIEWED = {
    ("theory/direction.py", "float(Context(prec=count, rounding=rounding).create_decimal(value))"): "has that many digits already",
    ("theory/proof/provers.py", "self._limit"): "a setting, as it is written",
    ("properties/chapters/losses/general_loss_instances.py", "least"): "a condition number in a title: the range that is drawn from",
    ("properties/chapters/losses/general_loss_instances.py", "most"): "a condition number in a title: the range that is drawn from",
    ("properties/descent/rule.py", "math.floor(5 * constant) / 5"): "the end of a range of fifths",
    ("properties/descent/rule.py", "math.floor(5 * constant) / 5 + 0.2"): "the end of a range of fifths",
    ("properties/pictures/report/paper_opening.py", "context.create_decimal(repr(limit)).normalize()"): "rounded down already",
    ("properties/chapters/tube/width.py", "factor"): "a factor of a mutant, as it is written",
    ("properties/chapters/tube/width.py", "instance.plan.width"): "what was drawn, counted by size",
    ("properties/chapters/width/width.py", "instance.width"): "what was drawn, counted by size",
    ("properties/conformance/claims/invariance.py", "factor"): "a whole number or a power of two",
    ("properties/conformance/claims/state.py", "factor"): "part of a label, 1 - rho^k and a clip",
    ("properties/conformance/claims/targets.py", "factor"): "1, or 1 over a count, part of a label",
    ("properties/dataset/ladder.py", "needed / 2 ** 30"): "said to be about so much",
    ("properties/engine/report/wording.py", "number(one['margin'])"): "a difference beside its verdict; its sign is kept",
    ("properties/engine/run/baseline.py", "margins[0]"): "compared with another one, not with what is printed",
    ("properties/engine/run/baseline.py", "margins[1]"): "compared with another one, not with what is printed",
    ("properties/guard/damping.py", "least"): "a power of ten",
    ("properties/guard/state_causes.py", "factor"): "a key, not printed",
}  # fmt: skip


def cut(tree: ast.AST) -> Iterator[str]:
    """The expressions in f-strings whose format cuts digits."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            spec = "".join(
                str(one.value) if isinstance(one, ast.Constant) else "0"
                for one in ast.walk(node.format_spec)
                if isinstance(one, (ast.Constant, ast.FormattedValue))
            )
            if CUTS.search(spec):
                yield ast.unparse(node.value)


def test_bounds_are_printed_by_what_knows_their_side() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), expression)
        for directory in ("theory", "properties", "verified_natural_gradient")
        for path in (ROOT / directory).rglob("*.py")
        for expression in cut(ast.parse(path.read_text(encoding="utf-8")))
        if BOUNDING.search(expression)
    }
    assert found - REVIEWED.keys() == set(), (
        "print it by digits, raised or reduced of theory/direction.py, or say here why not"
    )
    assert REVIEWED.keys() - found == set(), "gone: take it from the list"


@pytest.mark.parametrize(
    "text", ['f"C <= {path.constant:.3g}"', 'f"{limit:g}"', 'f"at most {100 * rate:.1%}"', 'f"{bound:.{n}g}"']
)
def test_a_bound_that_is_cut_to_nearest_is_found(text: str) -> None:
    assert all(BOUNDING.search(one) for one in cut(ast.parse(text)))
    assert len(list(cut(ast.parse(text)))) == 1
    assert list(cut(ast.parse('f"{digits(limit)} {count:,} {name} {value:>8}"'))) == []
