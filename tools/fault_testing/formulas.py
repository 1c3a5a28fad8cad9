"""Faults of formulas: another extremum, power, term, range, norm or sign."""

import ast
from collections.abc import Iterator

from fault_testing.fault import MATHEMATICS, Change, Operator
from fault_testing.place import Place, called, whole_number

EXTREMA = {"min": "max", "minimum": "maximum", "argmin": "argmax", "amin": "amax", "nanmin": "nanmax"}
EXTREMA |= {right: left for left, right in EXTREMA.items()}
SPECTRA = ("eig", "svd", "singular", "leverage")
STEPS = ("eta", "step_size", "step")
COUNTS = ("n", "k", "m", "d", "steps", "count", "width", "trials", "dim", "number")
LARGEST_CONSTANT = 12
"""Larger whole numbers are sizes and precisions, no constants of theorems."""


def _mean_and_max(place: Place) -> Iterator[Change]:
    node = place.node
    if not isinstance(node, ast.Call):
        return
    text, arguments = place.code(node), [place.code(argument) for argument in node.args]
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("max", "mean"):
        other = "mean" if node.func.attr == "max" else "max"
        head = place.code(node.func)
        yield node, head[: -len(node.func.attr)] + other + text[len(head) :]
    if isinstance(node.func, ast.Name) and node.func.id == "max" and not node.keywords:
        listed = f"list({arguments[0]})" if len(arguments) == 1 else f"[{', '.join(arguments)}]"
        yield node, f"(lambda values: sum(values) / len(values))({listed})"


def _min_and_max(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in EXTREMA:
            yield node, place.code(node)[: -len(name)] + EXTREMA[name]
    if isinstance(node, ast.Subscript) and any(word in place.code(node.value) for word in SPECTRA):
        index = place.code(node.slice)
        if index in ("0", "-1"):
            yield node, f"{place.code(node.value)}[{'-1' if index == '0' else '0'}]"


def _root(place: Place) -> Iterator[Change]:
    node = place.node
    if called(node) in ("sqrt", "square_root") and isinstance(node, ast.Call) and node.args:
        yield node, place.wrapped(node.args[0])
    words = ("lambda_min", "lambda_max", "eigenvalue", "lambda_")
    if isinstance(node, ast.Name | ast.Attribute) and isinstance(place.parent, ast.BinOp):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name.startswith(words) and not isinstance(place.parent.op, ast.Pow):
            yield (
                node,
                f"square_root({place.code(node)})" if place.knows("square_root") else f"{place.code(node)} ** 0.5",
            )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and whole_number(node.right) == 2:
        yield node, place.wrapped(node.left)


def _end_dropped(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.For | ast.comprehension):
        text = place.code(node.iter)
        if called(node.iter) != "range":
            yield node.iter, f"list({text})[:-1]"
            yield node.iter, f"list({text})[1:]"
    if called(node) == "range" and isinstance(node, ast.Call) and len(node.args) < 3:
        first = place.wrapped(node.args[0]) if len(node.args) == 2 else "0"
        yield node, f"range({first} + 1, {place.code(node.args[-1])})"
        yield node, f"range({first}, {place.wrapped(node.args[-1])} - 1)"
    if isinstance(node, ast.Subscript) and place.code(node.slice) in ("1:", ":-1") and isinstance(node.ctx, ast.Load):
        yield node, place.code(node.value)


def _off_by_one(place: Place) -> Iterator[Change]:
    node = place.node
    if place.counts_roundings:
        return
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        if isinstance(node.right, ast.Name | ast.Attribute | ast.Subscript):
            yield node.right, f"({place.code(node.right)} - 1)"
            yield node.right, f"({place.code(node.right)} + 1)"
        elif isinstance(node.right, ast.BinOp) and whole_number(node.right.right) == 1:
            yield node.right, place.wrapped(node.right.left)
    if called(node) == "range" and isinstance(node, ast.Call) and len(node.args) < 3:
        yield node.args[-1], f"{place.wrapped(node.args[-1])} + 1"
    if isinstance(place.parent, ast.BinOp) and isinstance(place.parent.op, ast.Mult | ast.Div):
        if called(node) == "len":
            yield node, f"({place.code(node)} - 1)"  # type: ignore[arg-type]
        if isinstance(node, ast.Name) and node.id in COUNTS:
            yield node, f"({node.id} - 1)"


def _term_dropped(place: Place) -> Iterator[Change]:
    node = place.node
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add | ast.Sub)
        and place.is_number
        and not place.counts_roundings
    ):
        yield node, place.wrapped(node.left)
        yield node, place.wrapped(node.right) if isinstance(node.op, ast.Add) else f"(-{place.wrapped(node.right)})"


def _constant(place: Place) -> Iterator[Change]:
    parent, value = place.parent, whole_number(place.node)
    if value is None or not 1 <= value <= LARGEST_CONSTANT or not isinstance(parent, ast.BinOp):
        return
    if place.counts_roundings:
        return
    if isinstance(parent.op, ast.Pow) and (place.node is parent.left or value <= 2):
        return
    if value == 1 and isinstance(parent.op, ast.Add | ast.Sub):
        return  # 1 + a rounding: another number there is no constant of a theorem
    if isinstance(parent.op, ast.Mult | ast.Div | ast.Pow | ast.Add | ast.Sub):
        yield place.node, str(value - 1 if value > 1 else 2)


def _norm(place: Place) -> Iterator[Change]:
    node = place.node
    if called(node) != "norm" or not isinstance(node, ast.Call) or not node.args:
        return
    function, vector = place.code(node.func), place.code(node.args[0])
    kinds = [place.code(argument) for argument in node.args[1:]]
    if kinds and kinds[0] == "2":
        yield node, f"{function}({vector})"
        yield node, f"np.max({function}({vector}, axis=1))"
    elif not kinds and not node.keywords:
        yield node, f"np.max(np.abs({vector}))"
    elif not kinds and {keyword.arg for keyword in node.keywords} & {"axis"}:
        yield node, place.code(node)[:-1].rstrip().rstrip(",") + ", ord=1)"


def _transposed(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield node, place.code(node.value)
    if (
        called(node) == "transpose"
        and isinstance(node, ast.Call)
        and not node.args
        and isinstance(node.func, ast.Attribute)
    ):
        yield node, place.code(node.func.value)


def _sign_of_step(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and place.is_number:
        names = {
            n.id if isinstance(n, ast.Name) else n.attr
            for n in ast.walk(node.right)
            if isinstance(n, ast.Name | ast.Attribute)
        }
        if names & set(STEPS):
            other = "+" if isinstance(node.op, ast.Sub) else "-"
            yield node, f"{place.code(node.left)} {other} {place.wrapped(node.right)}"


FORMULAS = (
    Operator("mean-and-max", "the mean for the largest, or the largest for the mean", _mean_and_max),
    Operator("min-and-max", "the least for the largest, of numbers, eigenvalues or leverages", _min_and_max),
    Operator("root", "x for its square root or square, the root of an eigenvalue for it", _root, MATHEMATICS),
    Operator("end-dropped", "the first or the last of a sequence left out", _end_dropped, MATHEMATICS),
    Operator("off-by-one", "an exponent, a range or a count off by one", _off_by_one, MATHEMATICS),
    Operator("term-dropped", "one term of a sum left out", _term_dropped, MATHEMATICS),
    Operator("constant", "3 to 2 and so on in a formula", _constant, MATHEMATICS),
    Operator("norm", "Frobenius or a largest row for spectral, a largest entry for Euclidean", _norm),
    Operator("transposed", "a transposition left out", _transposed),
    Operator("sign-of-step", "a step in the opposite direction", _sign_of_step),
)
