"""The lines about the inputs of a data set, compared with what is true of rows in the plane as given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd
from typing import Any

from flint import arb, fmpq

from tests.properties.dataset.data_lines import Comparison
from tests.properties.dataset.exact_rung import precise, rational, spectrum
from tests.properties.dataset.exact_theorems import angle_kernels, largest, smallest

N = r"(\S+?)"
Rows = list[list[fmpq]]


def unit(rows: Rows) -> list[list[arb]]:
    """The rows divided by their lengths."""
    lengths = [arb(x * x + y * y).sqrt() for x, y in rows]
    return [[x / length, y / length] for (x, y), length in zip(rows, lengths, strict=True)]


@precise
def row_complaints(shown: Any, rows: Rows) -> list[str]:
    """Whether the unit rows (n, 2) that networks see are those of the rows, to 16 roundings of numbers of at most 1."""
    pairs = zip(shown.tolist(), unit(rows), strict=True)
    away = max(abs(rational(a) - b) for mine, true in pairs for a, b in zip(mine, true, strict=True))
    return [] if away < 2.0**-48 else [f"unit rows are off by {float(away.mid()):.3g}"]


def direction(row: Sequence[fmpq]) -> tuple[int, int]:
    """The primitive integer vector of a row."""
    scale = int(row[0].q) * int(row[1].q)
    x, y = (int((entry * scale).p) for entry in row)
    return x // gcd(x, y), y // gcd(x, y)


def verdict_on_kernels(rows: Rows) -> str:
    """K-pd for rows in the plane, as it is said."""
    found = [direction(row) for row in rows]
    pairs = [(i, j) for i in range(len(rows)) for j in range(i + 1, len(rows))]
    equal = [f"{i} and {j}" for i, j in pairs if found[i] == found[j]]
    opposite = [f"{i} and {j}" for i, j in pairs if found[i] == (-found[j][0], -found[j][1])]
    lines = {max(one, (-one[0], -one[1])) for one in found if (-one[0], -one[1]) in found}
    if equal:
        return f"G_inf and S_inf are singular: rows {', '.join(equal)} point the same way; remove one of each"
    if len(lines) > 2:
        return f"G_inf and S_inf are singular: rows {', '.join(opposite)} are antiparallel pairs with linearly dependent directions"
    if len(lines) == 2:
        return (
            f"G_inf is positive definite, S_inf is singular: rows {', '.join(opposite)} are more than one antiparallel pair, "
            "of linearly independent directions"
        )
    if opposite:
        return f"G_inf and S_inf are positive definite; rows {opposite[0]} are antiparallel"
    return "G_inf and S_inf are positive definite: no two rows are parallel"


@precise
def input_complaints(lines: Sequence[str], values: Mapping[str, Any], rows: Rows) -> list[str]:
    """What is wrong with the lines and values about rows that are not all parallel."""
    compared = Comparison()
    gram, pattern = angle_kernels(rows)
    low, low_S = spectrum(gram)[0], spectrum(pattern)[0]
    directions = unit(rows)
    top = spectrum([[x[0] * y[0] + x[1] * y[1] for y in directions] for x in directions])[-1]
    a, b, c = (sum((x[i] * x[j] for x in directions), arb(0)) for i, j in ((0, 0), (0, 1), (1, 1)))
    scores = [(c * x * x - 2 * b * x * y + a * y * y) / (a * c - b * b) for x, y in directions]
    pattern_of_line = (
        rf"numerical rank 2; lambda0 >= {N}, lambda_S >= {N}, \|\|X\|\|_2\^2 <= {N} \(certified\); leverage {N} to {N}"
    )
    if found := compared.line(lines, pattern_of_line, "the kernels"):
        _at_most(compared, "lambda0", found[0], low, 6)
        _at_most(compared, "lambda_S", found[1], low_S, 6)
        compared.upper("||X||_2^2", found[2], top, 6)
        compared.near("the least leverage", found[3], smallest(scores), 4)
        compared.near("the largest leverage", found[4], largest(scores), 4)
    _at_most(compared, "lambda0 (value)", values["lambda_0"], low, 17)
    _at_most(compared, "lambda_S (value)", values["lambda_S"], low_S, 17)
    angles = {}
    for i, x in enumerate(rows):
        for j, y in enumerate(rows[:i]):
            dot, cross = x[0] * y[0] + x[1] * y[1], abs(x[0] * y[1] - x[1] * y[0])
            angles[j, i] = arb.atan2(arb(cross), arb(dot)) if cross != 0 or dot < 0 else arb(0)
    if found := compared.line(lines, rf"closest pair: rows (\d+) and (\d+) at {N} rad", "the closest pair"):
        least = smallest(list(angles.values()))
        if least > 0:
            compared.near("the least angle", found[2], least, 4)
        else:
            compared.same("the least angle", found[2], "0")
        if not abs(angles[int(found[0]), int(found[1])] - least) < 2.0**-30:
            compared.found.append(f"rows {found[0]} and {found[1]} are not the closest")
    verdict = verdict_on_kernels(rows)
    if verdict not in [line.strip() for line in lines]:
        compared.found.append(f"no line says that {verdict}")
    compared.same("the verdict on the kernels (value)", values["degeneracy"], verdict)
    return compared.found


def _at_most(compared: Comparison, name: str, printed: Any, true: arb, digits: int) -> None:
    """A lower bound; of 0, or of a number that rounding hides, a certificate is a little below 0."""
    if true > 2.0**-40:
        compared.lower(name, printed, true, digits)
    elif not -(2.0**-40) <= float(printed) <= float(true.upper()):
        compared.found.append(f"{name} is {printed}, but is about the number {float(true.mid()):.3g}")
