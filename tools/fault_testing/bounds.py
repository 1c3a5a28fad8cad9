"""Faults of evidence: the other end of a bound, an attack for a certificate, a radius or a rounding lost, evidence raised."""

import ast
from collections.abc import Iterator

from fault_testing.fault import Change, Operator
from fault_testing.place import Place, called, function_called

CERTIFICATES = {"certificate": "attack", "certified": "attacked", "certify": "attack", "certificates": "attacks"}
CERTIFICATES |= {right: left for left, right in CERTIFICATES.items() if left != "certify"}
DIRECTIONS = {
    "lower": "upper",
    "smallest": "largest",
    "least": "most",
    "lambda_min": "lambda_max",
    "spectral": "frobenius",
}
DIRECTIONS |= {right: left for left, right in DIRECTIONS.items()} | {"measured": "predicted", "predicted": "measured"}
ROUNDINGS = {"floor": "ceil", "up": "down", "below": "above", "at_least": "at_most"}
ROUNDINGS |= {right: left for left, right in ROUNDINGS.items()}
RAISED = {
    "Evidence.TESTED": "Evidence.ENCLOSED",
    "Evidence.ESTIMATED": "Evidence.ENCLOSED",
    "Basis.ARGUED": "Basis.PROVED",
    "Basis.CHECKED": "Basis.PROVED",
}
DECIDED = {
    "Verdict.UNDECIDED": "Verdict.HOLDS",
    "InstanceVerdict.UNDECIDED": "InstanceVerdict.HOLDS",
    "InstanceVerdict.UNDECIDED_HYPOTHESIS": "InstanceVerdict.HOLDS",
    "InstanceVerdict.VACUOUS": "InstanceVerdict.HOLDS",
    "Standing.UNDECIDED": "Standing.PROVED",
    "Verdict.REFUTED": "Verdict.UNDECIDED",
}
STRICT = {ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">")}
SIZES = ("len(", ".shape", ".size", ".ndim", "count", "depth", "round", "keys()", "set(")
"""What a comparison of whole numbers speaks of: a tolerance would not change it."""

TOLERANCE = "1e-6"


def _other(name: str, words: dict[str, str]) -> Iterator[str]:
    """A name with one of its words exchanged."""
    for word, other in words.items():
        if f"_{word}_" in f"_{name}_":
            yield f"_{name}_".replace(f"_{word}_", f"_{other}_")[1:-1]


def _renamed(place: Place, words: dict[str, str]) -> Iterator[Change]:
    """Another name that is bound where this one stands, or that its module has."""
    node = place.node
    vocabulary = place.file.vocabulary
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from ((node, other) for other in _other(node.id, words) if place.knows(other))
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        head, text_method = (
            place.code(node)[: -len(node.attr)],
            node.attr in ("lower", "upper") and _is_text_method(place),
        )
        for other in () if text_method else _other(node.attr, words):
            if other in vocabulary.attributes or node.attr in ("lower", "upper", "floor", "ceil"):
                yield node, head + other
    if isinstance(node, ast.ImportFrom) and node.module and node.module in vocabulary.definitions:
        for alias in node.names:
            for other in _other(alias.name, words):
                if other in vocabulary.definitions[node.module]:
                    yield alias, f"{other} as {alias.asname or alias.name}"


def _is_text_method(place: Place) -> bool:
    """Whether ``.lower()`` may be that of a text: balls have it too, in files that import them."""
    return called(place.parent) in ("lower", "upper") and not place.file.balls if place.parent else False


def _certificate_and_attack(place: Place) -> Iterator[Change]:
    yield from _renamed(place, CERTIFICATES)


def _direction(place: Place) -> Iterator[Change]:
    yield from _renamed(place, DIRECTIONS)
    node = place.node
    comparisons = ("at_most", "at_most_enclosed", "at_most_exactly")
    if function_called(node) in comparisons and isinstance(node, ast.Call) and len(node.args) >= 3:
        yield node.args[1], place.code(node.args[2])


def _rounding_direction(place: Place) -> Iterator[Change]:
    yield from _renamed(place, ROUNDINGS)
    node = place.node
    if called(node) == "nextafter" and isinstance(node, ast.Call) and len(node.args) == 2:
        yield node.args[1], f"-({place.code(node.args[1])})"


def _rounding_lost(place: Place) -> Iterator[Change]:
    node = place.node
    if not isinstance(node, ast.Call):
        return
    name = function_called(node)
    if name in ("at_most", "require", "within_rounding") and not isinstance(node.args[-1], ast.Constant):
        position = {"at_most": 3, "require": 2, "within_rounding": 2}[name]
        if len(node.args) > position:
            yield (
                node.args[position],
                "0.0" if name != "within_rounding" else f"2 * {place.wrapped(node.args[position])}",
            )
    if called(node) in ("rounded_up", "rounded_down", "float_below", "float_above", "nextafter") and node.args:
        yield node, f"float({place.code(node.args[0])})"


def _radius_lost(place: Place) -> Iterator[Change]:
    node = place.node
    if not isinstance(node, ast.Call) or not place.file.balls:
        return
    if isinstance(node.func, ast.Attribute) and not node.args:
        head = place.code(node.func.value)
        if node.func.attr in ("upper", "lower", "abs_upper", "abs_lower"):
            yield node, f"{head}.mid()"
        if node.func.attr == "rad":
            yield node, f"(0 * {place.code(node)})"
    if called(node) == "arb" and len(node.args) == 2:
        yield node, f"arb({place.code(node.args[0])})"


def _evidence_raised(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.Attribute) and place.code(node) in RAISED:
        yield node, RAISED[place.code(node)]


def _verdict_raised(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.Attribute) and place.code(node) in DECIDED:
        yield node, DECIDED[place.code(node)]
    if (
        isinstance(node, ast.Constant)
        and node.value == "undecided"
        and isinstance(place.parent, ast.Return | ast.IfExp)
    ):
        yield node, '"holds"'


def _compared(place: Place) -> tuple[ast.expr, type[ast.cmpop], ast.expr] | None:
    """The two sides of a comparison of numbers that decides something."""
    node = place.node
    if not isinstance(node, ast.Compare) or len(node.ops) > 1 or not place.is_verdict:
        return None
    return (node.left, type(node.ops[0]), node.comparators[0]) if type(node.ops[0]) in STRICT else None


def _strictness(place: Place) -> Iterator[Change]:
    found = _compared(place)
    if found and isinstance(place.node, ast.Compare):
        left, operator, right = found
        yield place.node, f"{place.code(left)} {STRICT[operator][1]} {place.code(right)}"


def _tolerance(place: Place) -> Iterator[Change]:
    found = _compared(place)
    if found and isinstance(place.node, ast.Compare) and not any(word in place.code(place.node) for word in SIZES):
        left, operator, right = found
        symbol, sign = STRICT[operator][0], "+" if operator in (ast.Lt, ast.LtE) else "-"
        yield place.node, f"{place.code(left)} {symbol} {place.wrapped(right)} {sign} {TOLERANCE}"


def _any_and_all(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in ("any", "all"):
            yield node, place.code(node)[:-3] + ("all" if name == "any" else "any")


BOUNDS = (
    Operator(
        "certificate-and-attack",
        "what an attack attains for what is certified, or the reverse",
        _certificate_and_attack,
    ),
    Operator("direction", "upper for lower, largest for smallest, measured for predicted", _direction),
    Operator(
        "rounding-direction", "rounded down for up, floor for ceiling, the float on the other side", _rounding_direction
    ),
    Operator("rounding-lost", "a rounding left out of a bound, a hypothesis or a float", _rounding_lost),
    Operator("radius-lost", "a ball's midpoint for its end, a radius 0", _radius_lost),
    Operator(
        "evidence-raised", "tested or estimated called enclosed, argued or checked called proved", _evidence_raised
    ),
    Operator("verdict-raised", "holds, or proved, where nothing is decided; undecided where refuted", _verdict_raised),
    Operator("strictness", "< for <=, where it decides", _strictness),
    Operator("tolerance", "a tolerance where none was", _tolerance),
    Operator("any-and-all", "any for all", _any_and_all),
)
