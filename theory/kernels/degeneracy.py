"""When the limiting kernels are singular (K-pd), decided exactly from the directions of the rows.

Rows are directions: any nonzero norm, taken exactly as given, be the entries whole numbers, floats of any width or rational numbers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from math import gcd, lcm

from flint import fmpz_mat
from numpy.typing import ArrayLike

from theory.entries import ratio_rows
from theory.inputs import given_rows
from theory.rigour.exact import pivot_columns

Pair = tuple[int, int]
Direction = tuple[int, ...]


def primitive_directions(inputs: ArrayLike) -> list[Direction]:
    """For each row of X (n, d) the integer vector without common factor in its direction, exactly.

    Two rows point the same way iff their vectors are equal, opposite ways iff one is the other negated.
    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    directions: list[Direction] = []
    for ratios in ratio_rows(given_rows(inputs)):
        common = lcm(*(denominator for _, denominator in ratios))
        integers = [numerator * (common // denominator) for numerator, denominator in ratios]
        divisor = gcd(*integers)
        directions.append(tuple(value // divisor for value in integers))
    return directions


def negated(direction: Direction) -> Direction:
    """The opposite direction."""
    return tuple(-value for value in direction)


def rows_by_direction(directions: list[Direction]) -> dict[Direction, list[int]]:
    """The indices of the rows of each direction, in order."""
    groups: dict[Direction, list[int]] = defaultdict(list)
    for index, direction in enumerate(directions):
        groups[direction].append(index)
    return dict(groups)


@dataclass(frozen=True)
class Degeneracy:
    """The exact decision of K-pd on the directions of the rows as given, with its reasons (pairs of row indices).

    ``coincident``: the rows of the pair point the same way. ``antiparallel``: opposite ways. ``dependent_directions``:
    those antiparallel pairs whose direction takes part in a linear dependency among such directions.
    """

    gram_positive_definite: bool
    pattern_gram_positive_definite: bool
    coincident: tuple[Pair, ...]
    antiparallel: tuple[Pair, ...]
    dependent_directions: tuple[Pair, ...]

    def reason(self) -> str:
        """Readable text: which of ``G_inf`` and ``S_inf`` is singular, and because of which rows."""
        if self.coincident:
            return (
                f"G_inf and S_inf are singular: rows {_listed(self.coincident)} point the same way; remove one of each"
            )
        if self.dependent_directions:
            return (
                f"G_inf and S_inf are singular: rows {_listed(self.dependent_directions)} are antiparallel pairs with "
                f"linearly dependent directions"
            )
        if not self.pattern_gram_positive_definite:
            return (
                f"G_inf is positive definite, S_inf is singular: rows {_listed(self.antiparallel)} are more than one "
                f"antiparallel pair, of linearly independent directions"
            )
        if self.antiparallel:
            return f"G_inf and S_inf are positive definite; rows {_listed(self.antiparallel)} are antiparallel"
        return "G_inf and S_inf are positive definite: no two rows are parallel"


def _listed(pairs: tuple[Pair, ...], shown: int = 5) -> str:
    text = ", ".join(f"{i} and {j}" for i, j in pairs[:shown])
    return text if len(pairs) <= shown else f"{text}, and {len(pairs) - shown} more pairs"


def dependent_indices(vectors: list[Direction]) -> set[int]:
    """The indices of the integer vectors that have a nonzero coefficient in some vanishing linear combination."""
    if not vectors:
        return set()
    reduced, _, rank = fmpz_mat([list(vector) for vector in vectors]).transpose().rref()
    pivots = pivot_columns(reduced, rank)
    dependent = set(range(len(vectors))) - set(pivots)
    for row, pivot in enumerate(pivots):
        if any(reduced[row, free] != 0 for free in range(len(vectors)) if free not in pivots):
            dependent.add(pivot)
    return dependent


def degeneracy(inputs: ArrayLike) -> Degeneracy:
    """Decide in exact arithmetic whether ``G_inf`` and ``S_inf`` of the rows' directions are positive definite (K-pd).

    ``G_inf > 0`` iff no two rows point the same way and the directions that occur with both signs are linearly
    independent; ``S_inf > 0`` iff no two rows point the same way and at most one direction occurs with both signs.
    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    directions = primitive_directions(inputs)
    groups = rows_by_direction(directions)
    coincident = [
        (group[a], group[b]) for group in groups.values() for a in range(len(group)) for b in range(a + 1, len(group))
    ]
    both_signs = [direction for direction in groups if direction > negated(direction) and negated(direction) in groups]
    dependent = dependent_indices(both_signs)
    antiparallel: list[Pair] = []
    dependent_pairs: list[Pair] = []
    for index, direction in enumerate(both_signs):
        pairs = [(min(i, j), max(i, j)) for i, j in product(groups[direction], groups[negated(direction)])]
        antiparallel += pairs
        if index in dependent:
            dependent_pairs += pairs
    return Degeneracy(
        gram_positive_definite=not coincident and not dependent,
        pattern_gram_positive_definite=not coincident and len(both_signs) <= 1,
        coincident=tuple(sorted(coincident)),
        antiparallel=tuple(sorted(antiparallel)),
        dependent_directions=tuple(sorted(dependent_pairs)),
    )
