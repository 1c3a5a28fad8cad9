"""Decide by syntax what a mutant changes: mathematics, a rounding bound only, or the wording of an error only.

A mutant is *rounding bound* when both versions become the same code once the unit roundoff is set to 0: every
``gamma(k)`` and every other pure rounding bound is 0, ``rounded_up(x)`` and ``nextafter(x, y)`` are x, terms with a
factor 0 vanish, and names that only ever held 0 or are no longer read go with them.
"""

import ast
from collections import Counter
from typing import TypeVar

from mutation_testing.model import Scope

ZERO_NAMES = {
    "UNIT_ROUNDOFF",
    "UNDERFLOW",
    "DERIVATIVE_ERROR",
    "FEATURE_ERROR",
    "CROSSING_ERROR",
    "COUNTED_ROUNDINGS",
    "FUNCTION_ROUNDINGS",
    "output_error",
    "jacobian_error",
    "moved_error",
    "defect",
    "displacement",
    "rest",
    "defect_left",
    "defect_right",
    "projection_error",
    "dual_error",
    "gram_error",
    "features_error",
    "residual_error",
    "pattern_gram_error",
}
"""Names that hold rounding bounds wherever they occur: ``defect`` of a computed solution, ``displacement`` by it."""

ZERO_ATTRIBUTES = {
    "solve_error",
    "before_error",
    "after_error",
    "length_error",
    "displacement",
    "pattern_gram_error",
    "projection_error",
    "dual_error",
}
ZERO_FUNCTIONS = {
    "gamma",
    "squared_norm_excess",
    "cholesky_error",
    "pattern_entry_error",
    "gram_entry_error",
    "pre_activation_error",
    "_row_norm",
    "rounding",
    "smallest_root",
    "over_root",
    "root_error",
    "smallest_eigenvalue_estimate",
    "orthonormality_defect",
    "movement_error",
    "length_error",
    "feature_error",
    "solve_defect",
    "movement_rounding",
    "form_error",
    "product_error",
}
"""Functions whose value is a rounding bound, or serves nothing else; what they do inside is rounding too."""

KEPT_ARGUMENT = {"rounded_up", "rounded_down", "_rounded_up", "outward", "nextafter", "float", "asarray"}
"""Calls that return their first argument up to rounding or type."""

NAMING_ARGUMENTS = {
    "finite_array": (1,),
    "direction_rows": (1,),
    "unit_rows": (1,),
    "normalise_rows": (1,),
    "sign_vector": (1,),
    "positive": (1,),
    "positive_distance": (1,),
    "positive_count": (1,),
    "real": (1,),
    "positive_real": (1,),
    "nonnegative_real": (1,),
    "magnitude": (1,),
    "probability": (1,),
    "solve_gram": (2,),
    "_not_negative": (1,),
    "_given": (1, 2),
}
"""Functions that complain about a value, with the places of the arguments that only name it in the complaint."""

SEPARATOR = "ǁ"
"""Between the parts of the name that mutmut gives to a method."""

N = TypeVar("N", bound=ast.AST)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _is(node: ast.AST, value: float) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value == value


class _AtZeroRoundoff(ast.NodeTransformer):
    """Evaluate what the unit roundoff 0 decides; ``known`` are local names that hold 0 or 1 and nothing else."""

    def __init__(self, known: dict[str, int]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A rounding constant is 0, a known name its value."""
        if not isinstance(node.ctx, ast.Load):
            return node
        value = 0 if node.id in ZERO_NAMES else self.known.get(node.id)
        return node if value is None else ast.Constant(value)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A stored rounding bound is 0."""
        self.generic_visit(node)
        return ast.Constant(0) if isinstance(node.ctx, ast.Load) and node.attr in ZERO_ATTRIBUTES else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """An entry of 0 is 0."""
        self.generic_visit(node)
        return ast.Constant(0) if _is(node.value, 0) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A rounding bound is 0, an outward rounding is its argument."""
        self.generic_visit(node)
        name = _called(node)
        if name in ZERO_FUNCTIONS or (isinstance(node.func, ast.Attribute) and _is(node.func.value, 0)):
            return ast.Constant(0)
        if name in KEPT_ARGUMENT and node.args:
            return node.args[0]
        if name in ("sqrt", "norm", "abs") and len(node.args) == 1 and _is(node.args[0], 0):
            return ast.Constant(0)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function that returns a rounding bound has nothing else in it."""
        if node.name.split(SEPARATOR)[-1].removeprefix("x_") in ZERO_FUNCTIONS:  # mutmut's names of methods, functions
            return ast.Pass()
        self.generic_visit(node)
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        """A rounding bound that is stored is 0."""
        self.generic_visit(node)
        if node.arg in ZERO_ATTRIBUTES:
            node.value = ast.Constant(0)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Drop factors 1 and terms 0; a factor 0 makes 0."""
        self.generic_visit(node)
        left, right = node.left, node.right
        if isinstance(node.op, ast.Mult | ast.MatMult):
            if _is(left, 0) or _is(right, 0):
                return ast.Constant(0)
            if _is(left, 1):
                return right
            return left if _is(right, 1) else node
        if isinstance(node.op, ast.Div):
            return left if _is(left, 0) or _is(right, 1) else node
        if isinstance(node.op, ast.Add):
            if _is(left, 0):
                return right
            return left if _is(right, 0) else node
        if isinstance(node.op, ast.Sub):
            return left if _is(right, 0) else node
        return left if isinstance(node.op, ast.Pow) and _is(left, 0) else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Minus 0 is 0."""
        self.generic_visit(node)
        return node.operand if isinstance(node.op, ast.USub) and _is(node.operand, 0) else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """The value of a rounding constant does not matter."""
        self.generic_visit(node)
        names = {name for name, _ in _assigned(node)}
        return ast.Pass() if names and names <= ZERO_NAMES else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | None:
        """Adding 0 or multiplying by 1 is nothing."""
        self.generic_visit(node)
        nothing = 0 if isinstance(node.op, ast.Add | ast.Sub) else 1
        return ast.Pass() if _is(node.value, nothing) else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """A docstring is nothing."""
        self.generic_visit(node)
        return ast.Pass() if isinstance(node.value, ast.Constant) else node


class _WithoutNames(ast.NodeTransformer):
    """Drop plain assignments to names that are never read."""

    def __init__(self, unread: set[str]) -> None:
        self.unread = unread

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """Drop an assignment to one such name."""
        target = node.targets[0]
        dropped = len(node.targets) == 1 and isinstance(target, ast.Name) and target.id in self.unread
        return ast.Pass() if dropped else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """Drop what is added to one such name."""
        return ast.Pass() if isinstance(node.target, ast.Name) and node.target.id in self.unread else node


def _assigned(node: ast.Assign) -> list[tuple[str, ast.expr]]:
    """The names that an assignment binds one by one, with their values."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        pairs = zip(target.elts, value.elts, strict=True)
    else:
        pairs = zip([target], [value], strict=True)
    return [(place.id, held) for place, held in pairs if isinstance(place, ast.Name)]


def _at_zero_roundoff(tree: N) -> N:
    known: dict[str, int] = {}
    while True:
        tree = _AtZeroRoundoff(known).visit(tree)
        stored = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load))
        assigned = [pair for node in ast.walk(tree) if isinstance(node, ast.Assign) for pair in _assigned(node)]
        found = {name: n for name, value in assigned for n in (0, 1) if _is(value, n) and stored[name] == 1}
        if found.keys() <= known.keys():
            break
        known |= found
    if isinstance(tree, ast.FunctionDef | ast.ClassDef):
        read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        tree = _WithoutNames({name for name in stored if name not in read}).visit(tree)
    return tree


class _WithoutMessages(ast.NodeTransformer):
    """Drop the arguments of raised exceptions, and those that only name a value in them."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Keep what decides, not the names."""
        self.generic_visit(node)
        for place in NAMING_ARGUMENTS.get(_called(node), ()):
            if place < len(node.args):
                node.args[place] = ast.Constant("")
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Keep the exception's type only."""
        if isinstance(node.exc, ast.Call):
            node.exc.args, node.exc.keywords = [], []
        return node


def scope_of(before: str, after: str) -> Scope:
    """Compare two versions of one statement (a function, a class, an assignment)."""

    def dumped(source: str, transform: type[_WithoutMessages] | None) -> str:
        (statement,) = ast.parse(source).body
        return ast.dump(transform().visit(statement) if transform else _at_zero_roundoff(statement))

    if dumped(before, _WithoutMessages) == dumped(after, _WithoutMessages):
        return Scope.MESSAGE
    return Scope.ROUNDING if dumped(before, None) == dumped(after, None) else Scope.ORDINARY
