"""The modules of theory/ executed anew at another unit roundoff, their arithmetic handed to a director; edits planted on the way."""

from __future__ import annotations

import ast
import builtins
import importlib
import itertools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tests.theory.rounding_model.arithmetic import EXACT, ROUNDING_CALLS, Arithmetic, Director, signs_of
from theory import errors

FOLDER = Path(errors.__file__).parent
"""theory/ itself."""

SHARED = (
    "theory.errors",
    "theory.inputs",
    "theory.entries",
    "theory.reals",
    "theory.rigour.exact",
    "theory.rigour.precision",
)
"""Modules that are as they are: their classes and checks round nothing that a bound is about."""

DEFINITENESS = "theory.rigour.definiteness"


def _smallest(matrix: Any) -> float:
    return float(np.linalg.eigvalsh(matrix)[0])


def _largest(matrix: Any) -> float:
    return float(np.linalg.eigvalsh(matrix)[-1])


EIGENVALUES: dict[str, Callable[..., Any]] = {
    "smallest_eigenvalue_lower_bound": _smallest,
    "smallest_eigenvalue_upper_bound": _smallest,
    "largest_eigenvalue_upper_bound": _largest,
    "largest_eigenvalue_lower_bound": _largest,
    "largest_eigenvalue_bounds": lambda matrix: (_largest(matrix), _largest(matrix)),
    "outer_eigenvalue_bounds": lambda matrix: (_smallest(matrix), _largest(matrix)),
    "smallest_eigenvalue_bounds": lambda matrix, error=0.0: (_smallest(matrix) - error, _smallest(matrix) + error),
}
"""Bounds of eigenvalues that are the eigenvalues, as accurate as float64."""

NOT_ROUNDED = frozenset(
    {
        "exact_products",
        "pattern_counts",
        "_change_of_counts",
        "_counts_anew",
        "_add_counts",
        "_exact_mean",
        "accurate_sum",
        "accurate_row_sums",
        "enclosed_sums",
        "gamma",
        "_relu",
        "_step",
        "_softplus",
        "_tanh_derivative",
        "_erf_derivative",
    }
)
"""Functions whose arithmetic is exact by another argument, or whose accuracy is assumed as a whole."""

Edit = Callable[[ast.Module], ast.Module]


class _Injected(ast.NodeTransformer):
    """Hand every arithmetic operation, and every call that rounds, to ``__fl__``."""

    def __init__(self, module: str) -> None:
        self.module = module

    def _site(self, node: ast.expr | ast.stmt, name: str) -> ast.expr:
        parts: list[str | int] = [self.module, node.lineno, node.col_offset, name]
        return ast.Tuple([ast.Constant(part) for part in parts], ast.Load())

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        # mutation testing gives copies of a function a prefix and a suffix
        if node.name.split("__mutmut_")[0].removeprefix("x_") in NOT_ROUNDED:
            return node
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return node

    def _operation(self, node: ast.expr | ast.stmt, op: ast.operator, left: ast.expr, right: ast.expr) -> ast.Call:
        name = type(op).__name__
        function = ast.Attribute(ast.Name("__fl__", ast.Load()), "binary", ast.Load())
        return ast.Call(function, [self._site(node, name), ast.Constant(name), left, right], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(self._operation(node, node.op, node.left, node.right), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        loaded: Any = ast.parse(ast.unparse(node.target), mode="eval").body
        value = self._operation(node, node.op, loaded, node.value)
        return ast.copy_location(ast.Assign([node.target], value), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in ROUNDING_CALLS or (isinstance(node.func, ast.Name) and name == "sum"):
            return node
        keywords = ast.Dict([ast.Constant(k.arg) for k in node.keywords], [k.value for k in node.keywords])
        function = ast.Attribute(ast.Name("__fl__", ast.Load()), "called", ast.Load())
        arguments = [
            self._site(node, name),
            ast.Constant(name),
            node.func,
            ast.Tuple(list(node.args), ast.Load()),
            keywords,
        ]
        return ast.copy_location(ast.Call(function, arguments, []), node)


class _Coarser(ast.NodeTransformer):
    """The unit roundoff itself, in the module that defines it."""

    def __init__(self, unit_roundoff: float) -> None:
        self.unit_roundoff = unit_roundoff

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if getattr(node.targets[0], "id", "") == "UNIT_ROUNDOFF":
            node.value = ast.copy_location(ast.Constant(self.unit_roundoff), node.value)
        return node


def source_tree(name: str) -> ast.Module:
    """The syntax tree of a module of theory/."""
    path = FOLDER.joinpath(*name.split(".")[1:]).with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


class Theory:
    """A private copy of the modules of theory/, loaded when asked for."""

    def __init__(self, unit_roundoff: float) -> None:
        """Everything exact at first: ``arithmetic.director`` may be exchanged."""
        self.unit_roundoff = unit_roundoff
        self.arithmetic = Arithmetic(Director(unit_roundoff))
        self.directors: dict[tuple[str, int], list[Director]] = {}
        """Of cases that were tried with this copy, nearest to their bounds first."""
        self.loaded: dict[str, ModuleType] = {}
        self._eigenvalues: ModuleType | None = None
        self.sum_errors: list[float] = []
        """What the next accurate sums are off by, and say so; those after them by nothing."""

    def module(self, name: str) -> ModuleType:
        """The copy of a module, without edits."""
        if name not in self.loaded:
            self.loaded[name] = self.edited(name, source_tree(name))
        return self.loaded[name]

    def edited(self, name: str, tree: ast.Module) -> ModuleType:
        """A module from another syntax tree of it, beside the copies of all others; the tree is used up."""
        if name == "theory.rigour.rounding":
            tree = _Coarser(self.unit_roundoff).visit(tree)
        importlib.import_module(name)  # dataclasses look the name of their module up
        module = ModuleType(name)
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
        module.__dict__["__fl__"] = self.arithmetic
        self.executed(name, tree, module.__dict__)
        if name == "theory.network.two_layer":
            _inaccurate_activations(module, self.arithmetic)
        if name == "theory.rigour.summation":
            _inaccurate_sums(module, self)
        return module

    def executed(self, name: str, tree: ast.Module, namespace: dict[str, Any], bound: Any = None) -> None:
        """Execute statements of a module in a namespace, their arithmetic handed over; the tree is used up.

        ``bound`` takes the names that they bind, the namespace itself by default.
        """
        injected = ast.fix_missing_locations(_Injected(name).visit(tree))
        exec(compile(injected, name, "exec", dont_inherit=True), namespace, namespace if bound is None else bound)

    def _import(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        path = FOLDER.joinpath(*name.split(".")[1:]).with_suffix(".py")
        if name.startswith("theory.") and name not in SHARED and path.is_file():
            return self.exact_eigenvalues() if name == DEFINITENESS else self.module(name)
        return builtins.__import__(name, globals, locals, fromlist, level)

    def exact_eigenvalues(self) -> ModuleType:
        """What importers see of the module of eigenvalue bounds: eigenvalues themselves, so that nothing hides behind their margin.

        The copy of the module itself is as it is.
        """
        if self._eigenvalues is None:
            self._eigenvalues = ModuleType(DEFINITENESS)
            self._eigenvalues.__dict__.update(self.module(DEFINITENESS).__dict__)
            self._eigenvalues.__dict__.update(EIGENVALUES)
        return self._eigenvalues

    def function(self, module: str, name: str) -> Any:
        """One object of a module's copy, by its dotted name."""
        found: Any = self.module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found


def _inaccurate_activations(network: ModuleType, arithmetic: Arithmetic) -> None:
    """Give smooth activations the errors that theory.rigour.activation_accuracy grants them: 8 u of phi, and of sup|phi'|."""

    def inaccurate(name: str, function: Any, absolute: bool) -> Any:
        place = f"{name} {'slope' if absolute else 'value'}"
        count = itertools.count()

        def evaluate(z: Any) -> Any:
            value = np.asarray(function(np.asarray(z, dtype=np.float64)), dtype=np.float64)
            director = arithmetic.director
            site = (
                "theory.network.two_layer",
                0,
                next(count) % 2,
                place,
            )  # two evaluations in turn may be off in two ways
            director.seen.setdefault(site)
            mode = director.modes[site] if site in director.modes else director.otherwise(site)
            off = 0.0 if mode == EXACT else 8 * director.largest * signs_of(mode, value)
            return value + off * SUPREMUM.get(name, 1.0) if absolute else value * (1 + off)

        return evaluate

    activations = {}
    for name, old in network.ACTIVATIONS.items():
        if old.curvature is None:
            activations[name] = old
        else:
            value, slope = inaccurate(name, old.function, False), inaccurate(name, old.derivative, True)
            activations[name] = network.Activation(name, value, slope, old.curvature)
    network.__dict__["ACTIVATIONS"] = activations


def _inaccurate_sums(summation: ModuleType, theory: Theory) -> None:
    """Accurate sums that are off by what the copy is told: whoever uses them must charge what they state."""
    accurate = summation.accurate_sum

    def inaccurate(values: Any) -> tuple[float, float]:
        error = theory.sum_errors.pop(0) if theory.sum_errors else 0.0
        return accurate(values)[0] + error, abs(error)

    def inaccurate_rows(rows: Any) -> tuple[Any, Any]:
        found = [inaccurate(row) for row in rows]
        return np.array([total for total, _ in found]), np.array([error for _, error in found])

    summation.__dict__.update(accurate_sum=inaccurate, accurate_row_sums=inaccurate_rows)


SUPREMUM = {"erf": float(2 / np.sqrt(np.pi))}
"""sup|phi'| where it is not 1."""
