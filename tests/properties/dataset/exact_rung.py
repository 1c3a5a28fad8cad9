"""What is true of one small network on a few inputs: patterns enumerated, matrices in rational numbers, runs at 192 bits.

Written from the definitions alone, for networks of a handful of inputs in the plane. Of the package only the precision's setting is
used, so that a fault of a certificate, an attack, a theorem's formula or a run is none of these numbers' own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flint import arb, arb_mat, fmpq, fmpq_mat

from theory.rigour.precision import working_precision

BITS = 192
Answer = TypeVar("Answer")
Rationals = list[list[fmpq]]
Signs = list[list[int]]


def precise(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """Everything at the same precision."""

    @functools.wraps(method)
    def evaluated(*args: Any, **kwargs: Any) -> Answer:
        with working_precision(BITS):
            return method(*args, **kwargs)

    return evaluated


def rational(value: Any) -> fmpq:
    """A float, or the middle of a ball, as the rational number that it is."""
    if isinstance(value, arb):
        mantissa, exponent = (int(part) for part in value.mid().man_exp())
        return fmpq(mantissa * 2 ** max(exponent, 0), 2 ** max(-exponent, 0))
    return fmpq(*(int(part) for part in value.as_integer_ratio()))


@precise
def spectrum(matrix: Sequence[Sequence[Any]]) -> list[arb]:
    """The eigenvalues of a symmetric matrix in ascending order: roots of its characteristic polynomial."""
    entries = [[x if isinstance(x, fmpq) else rational(x) for x in row] for row in matrix]
    roots = fmpq_mat(entries).charpoly().numer().complex_roots()
    found = [(root if isinstance(root, arb) else root.real, count) for root, count in roots]
    return sorted((value for value, count in found for _ in range(count)), key=rational)


class UncoveredError(ArithmeticError):
    """A Gram matrix is singular, or nearly so, at initialisation or on the way: nothing is compared there."""


def inverse(matrix: Sequence[Sequence[Any]]) -> list[list[arb]]:
    """The inverse in balls. Raises UncoveredError."""
    n = len(matrix)
    try:
        solved = arb_mat(n, n, [arb(x) for row in matrix for x in row]).inv()
    except ZeroDivisionError as error:
        raise UncoveredError from error
    return [[solved[i, j] for j in range(n)] for i in range(n)]


def norm(values: Sequence[Any]) -> arb:
    """The Euclidean norm."""
    return sum((arb(x) * x for x in values), arb(0)).sqrt()


@dataclass
class Run:
    """An exact run: residual norms, and how far J (or S) got from where it began on every segment."""

    residuals: list[arb]
    changes: list[arb]
    deviations: list[arb]
    """``sup ||(J - J(k)) J(k)^+||_2`` on segment k."""

    @property
    def change(self) -> arb:
        """The supremum over all segments."""
        return max(self.changes, key=rational)

    def first_below(self, reduction: fmpq) -> int | None:
        """The first k with ``||r(k)|| <= reduction ||r(0)||``."""
        return next((k for k, r in enumerate(self.residuals) if r <= arb(reduction) * self.residuals[0]), None)


class ExactRung:
    """Unit rows X (n, 2) and weights (m, 2) exactly as given, targets (n,), signs (m,)."""

    @precise
    def __init__(self, rows: Any, targets: Any, weights: Any, signs: Any) -> None:
        """Take the numbers."""
        self.rows, self.weights = ([[rational(x) for x in row] for row in array.tolist()] for array in (rows, weights))
        self.targets = [rational(x) for x in targets.tolist()]
        self.signs = [int(a) for a in signs.tolist()]
        self.n, self.m = len(self.rows), len(self.weights)
        self.kernel = [[self._dot(x, y) for y in self.rows] for x in self.rows]
        self.ones = [[fmpq(1)] * self.n for _ in range(self.n)]
        self.start = self._pre_activations(self.weights)
        self.pattern: Signs = [[int(z >= 0) for z in row] for row in self.start]
        self.residual = self._residual(self.start)
        self._runs: dict[tuple[str, fmpq, int], Run] = {}

    @staticmethod
    def _dot(x: Sequence[Any], w: Sequence[Any]) -> Any:
        return x[0] * w[0] + x[1] * w[1]

    def _pre_activations(self, weights: Any) -> list[list[Any]]:
        return [[self._dot(x, w) for w in weights] for x in self.rows]

    def _residual(self, Z: list[list[Any]]) -> list[arb]:
        root = arb(self.m).sqrt()
        sums = [sum((a * z for a, z in zip(self.signs, row, strict=True) if z >= 0), fmpq(0)) for row in Z]
        return [arb(total) / root - y for total, y in zip(sums, self.targets, strict=True)]

    # --- matrices ------------------------------------------------------------------------------------------------

    def gram(self, pattern: Signs, on_inputs: bool = True) -> Rationals:
        """``(X X^T) o (A A^T)/m``, or ``A A^T/m``; of a change of the pattern the square of its Jacobian."""
        kernel = self.kernel if on_inputs else self.ones
        products = [[sum(a * b for a, b in zip(p, q, strict=True)) for q in pattern] for p in pattern]
        return [[kernel[i][j] * products[i][j] / self.m for j in range(self.n)] for i in range(self.n)]

    @precise
    def change(self, pattern: Signs, on_inputs: bool = True) -> arb:
        """``||J - J(0)||_2``, or ``||S - S(0)||_2``, for another pattern."""
        moved = [[b - a for a, b in zip(p, q, strict=True)] for p, q in zip(self.pattern, pattern, strict=True)]
        return max(spectrum(self.gram(moved, on_inputs))[-1], arb(0)).sqrt()

    @functools.cached_property
    def eigenvalues(self) -> list[arb]:
        """Of G(0)."""
        return spectrum(self.gram(self.pattern))

    @functools.cached_property
    def pattern_eigenvalues(self) -> list[arb]:
        """Of H(0)."""
        return spectrum(self.gram(self.pattern, False))

    @functools.cached_property
    def input_eigenvalues(self) -> list[arb]:
        """Of ``X^T X``, those that are not 0; both for rows that are not all parallel."""
        return spectrum([[sum((x[a] * x[b] for x in self.rows), fmpq(0)) for b in range(2)] for a in range(2)])

    @functools.cached_property
    def duals(self) -> Rationals:
        """``(X^+)^T``, shape (n, 2), for rank 2."""
        (a, b), (_, c) = [[sum((x[i] * x[j] for x in self.rows), fmpq(0)) for j in range(2)] for i in range(2)]
        det = a * c - b * b
        return [[(c * x - b * y) / det, (a * y - b * x) / det] for x, y in self.rows]

    @property
    def leverage(self) -> list[fmpq]:
        """``x_i^T (X^T X)^{-1} x_i``."""
        return [self._dot(x, y) for x, y in zip(self.rows, self.duals, strict=True)]

    # --- the ball ------------------------------------------------------------------------------------------------

    @precise
    def radius(self, on_inputs: bool = True) -> arb:
        """Condition 2's, or K2's. Raises UncoveredError."""
        if not (self.eigenvalues[0] > 2.0**-20 and self.pattern_eigenvalues[0] > 2.0**-20):
            raise UncoveredError
        if on_inputs:
            return 3 * norm(self.residual) / self.eigenvalues[0].sqrt()
        scale = self.pattern_eigenvalues[0] * min(self.leverage) * self.input_eigenvalues[0]
        return 3 * norm(self.residual) / scale.sqrt()

    @functools.cached_property
    def costs(self) -> Rationals:
        """The squared distance at which neuron r changes its activation on input i, shape (n, m)."""
        return [[z * z / self._dot(x, x) for z in row] for x, row in zip(self.rows, self.start, strict=True)]

    def most_on_one_input(self, budget: arb) -> int:
        """C2-spec: how many neurons can flip one input."""
        counts = []
        for row in self.costs:
            total, count = fmpq(0), 0
            for cost in sorted(row):
                total += cost
                count += not arb(total) > budget
            counts.append(count)
        return max(counts)

    def _dual(self, budget: arb, choices: list[list[tuple[int, fmpq]]]) -> int:
        """The least ``mu R^2 + sum_r max_j (j - mu s_rj)_+``, rounded down; mu where the function bends."""
        spots = {fmpq(0)}
        for options in choices:
            spots |= {fmpq(j) / s for j, s in options if s > 0}
            spots |= {fmpq(j - i) / (s - t) for j, s in options for i, t in options if j > i and s > t}
        floats = [[(j, float(arb(s).mid())) for j, s in options] for options in choices]
        reach = float(budget.mid())

        def value(mu: float) -> float:
            return mu * reach + sum(max((max(j - mu * s, 0.0) for j, s in options), default=0.0) for options in floats)

        ordered = sorted(spots)
        low, high = 0, len(ordered) - 1
        while low < high:  # the function is convex
            middle = (low + high) // 2
            if value(float(arb(ordered[middle]).mid())) <= value(float(arb(ordered[middle + 1]).mid())):
                high = middle
            else:
                low = middle + 1
        best = ordered[low]
        gains = [max((max(j - best * s, fmpq(0)) for j, s in options), default=fmpq(0)) for options in choices]
        total = (arb(best) * budget + sum(gains, fmpq(0))).floor()
        return int(total.upper().floor().unique_fmpz())

    @precise
    def certified_change(self, on_inputs: bool = True) -> arb:
        """What C2-fro and C2-spec, or K2-fro and K2-spec, say of the ball: the formulas without their rounding."""
        budget = self.radius(on_inputs) ** 2
        within = [
            [(i, cost) for i, cost in enumerate(column) if not arb(cost) > budget]
            for column in zip(*self.costs, strict=True)
        ]
        ordered = [sorted(cost for _, cost in column) for column in within]
        joint = [[(j + 1, cost) for j, cost in enumerate(column)] for column in ordered]
        frobenius = (arb(self._dual(budget, joint)) / self.m).sqrt()
        if on_inputs:
            largest = spectrum(self.kernel)[-1]
            return min(frobenius, (largest * self.most_on_one_input(budget) / self.m).sqrt(), key=rational)
        weights = []
        for i in range(self.n):
            choices = []
            for column, costs in zip(within, ordered, strict=True):
                own = next((cost for k, cost in column if k == i), None)
                choices.append([(j + 1, cost) for j, cost in enumerate(costs) if own is not None and cost >= own])
            weights.append(self._dual(budget, choices))
        return min(frobenius, (arb(max(weights)) / self.m).sqrt(), key=rational)

    def _nearest(self, w: list[fmpq], signs: tuple[int, ...]) -> fmpq:
        """The squared distance from w to the closed cone of weights with this pattern: the cone is a sector of the plane."""
        candidates = [w, [fmpq(0), fmpq(0)]]
        for x in self.rows:
            share = self._dot(x, w) / self._dot(x, x)
            candidates.append([w[0] - share * x[0], w[1] - share * x[1]])
        inside = [
            p
            for p in candidates
            if all((2 * s - 1) * self._dot(x, p) >= 0 for x, s in zip(self.rows, signs, strict=True))
        ]
        return min((w[0] - p[0]) ** 2 + (w[1] - p[1]) ** 2 for p in inside)

    @functools.cached_property
    def _patterns(self) -> list[tuple[int, ...]]:
        """The patterns of the open sectors: one between every two neighbouring boundaries."""
        ends = [[s * x[1], -s * x[0]] for x in self.rows for s in (1, -1)]
        found = set()
        for p in ends:
            for q in ends:
                inner = [p[0] + q[0], p[1] + q[1]]
                for point in (inner, [p[0] * 1000 + q[0], p[1] * 1000 + q[1]]):
                    values = [self._dot(x, point) for x in self.rows]
                    if all(value != 0 for value in values):
                        found.add(tuple(int(value > 0) for value in values))
        return sorted(found)

    @precise
    def supremum(self, on_inputs: bool = True, most: int = 20_000) -> arb | None:
        """``sup ||J - J(0)||_2`` (or of S) over the ball, by enumeration; None where more than so many patterns are in it."""
        budget = self.radius(on_inputs) ** 2
        options = []
        for w, own in zip(self.weights, zip(*self.pattern, strict=True), strict=True):
            moves = [(self._nearest(w, signs), signs) for signs in self._patterns if signs != own]
            options.append([(cost, signs) for cost, signs in moves if not arb(cost) > budget])
        movable = [r for r, moves in enumerate(options) if moves]
        products: set[tuple[int, ...]] = set()
        count = 0

        def descend(position: int, spent: fmpq, moved: dict[int, tuple[int, ...]]) -> bool:
            nonlocal count
            if position == len(movable):
                count += 1
                columns = [
                    [b - a for a, b in zip([row[r] for row in self.pattern], new, strict=True)]
                    for r, new in moved.items()
                ]
                products.add(tuple(sum(c[i] * c[j] for c in columns) for i in range(self.n) for j in range(self.n)))
                return count <= most
            r = movable[position]
            if not descend(position + 1, spent, moved):
                return False
            for cost, signs in options[r]:
                if not arb(spent + cost) > budget and not descend(position + 1, spent + cost, {**moved, r: signs}):
                    return False
            return True

        if not descend(0, fmpq(0), {}):
            return None
        kernel = self.kernel if on_inputs else self.ones
        best = arb(0)
        for product in products:
            matrix = [[kernel[i][j] * product[i * self.n + j] / self.m for j in range(self.n)] for i in range(self.n)]
            best = max(best, spectrum(matrix)[-1], key=rational)
        return best.sqrt()

    # --- runs ----------------------------------------------------------------------------------------------------

    def _direction(self, optimiser: str, Z: list[list[Any]], residual: list[arb]) -> list[list[arb]]:
        """What a step of size 1 takes off the weights, shape (m, 2)."""
        pattern = [[int(z >= 0) for z in row] for row in Z]
        if optimiser == "gd":
            parts = [[r * x for x in row] for r, row in zip(residual, self.rows, strict=True)]
        elif optimiser == "ngd":
            solved = inverse(self.gram(pattern))
            shares = [sum((g * r for g, r in zip(row, residual, strict=True)), arb(0)) for row in solved]
            parts = [[c * x for x in row] for c, row in zip(shares, self.rows, strict=True)]
        else:
            solved = inverse(self.gram(pattern, False))
            scaled = [[r * y for y in row] for r, row in zip(residual, self.duals, strict=True)]
            parts = [
                [sum((h * s[a] for h, s in zip(row, scaled, strict=True)), arb(0)) for a in range(2)] for row in solved
            ]
        root = arb(self.m).sqrt()
        return [
            [
                sum((part[a] for part, row in zip(parts, pattern, strict=True) if row[r]), arb(0)) * sign / root
                for a in range(2)
            ]
            for r, sign in enumerate(self.signs)
        ]

    @precise
    def run(self, optimiser: str, eta: fmpq, steps: int, reduction: fmpq | None = None) -> Run:
        """So many steps at 192 bits, fewer where the residual falls to its reduction before.

        Iterates are the middles of their balls, whose radii would grow with every step, though the errors do not.
        """
        key = (f"{optimiser}{reduction}", eta, steps)
        if key not in self._runs:
            self._runs[key] = self._followed(optimiser, eta, steps, reduction)
        return self._runs[key]

    def _followed(self, optimiser: str, eta: fmpq, steps: int, reduction: fmpq | None) -> Run:
        W: list[list[Any]] = [[arb(x) for x in row] for row in self.weights]
        Z: list[list[Any]] = self.start
        residual, found = self.residual, Run([norm(self.residual)], [], [])
        for _ in range(steps):
            move = self._direction(optimiser, Z, residual)
            W = [[(w - eta * v).mid() for w, v in zip(old, new, strict=True)] for old, new in zip(W, move, strict=True)]
            after = self._pre_activations(W)
            if reduction is None:
                changes, deviations = zip(*self._on_segment(Z, after, optimiser), strict=True)
                found.changes.append(max(changes, key=rational))
                found.deviations.append(max(deviations, key=rational))
            Z, residual = after, self._residual(after)
            found.residuals.append(norm(residual))
            if reduction is not None and found.residuals[-1] <= arb(reduction) * found.residuals[0]:
                break
        return found

    def _on_segment(self, before: list[list[Any]], after: list[list[Any]], optimiser: str) -> Iterator[tuple[arb, arb]]:
        """``||J - J(0)||_2`` and ``||(J - J(k)) J(k)^+||_2`` for every pattern on a segment."""
        on_inputs = optimiser != "kfac"
        first = [[int(z >= 0) for z in row] for row in before]
        pattern = [row[:] for row in first]
        flips = [
            (before[i][r] / (before[i][r] - after[i][r]), i, r)
            for i in range(self.n)
            for r in range(self.m)
            if first[i][r] != int(after[i][r] >= 0)
        ]
        yield self.change(pattern, on_inputs), arb(0)
        solved = inverse(self.gram(first)) if flips and on_inputs else []
        for _, i, r in sorted(
            flips, key=lambda flip: float(flip[0].mid()) if isinstance(flip[0], arb) else float(arb(flip[0]).mid())
        ):
            pattern[i][r] = 1 - pattern[i][r]
            yield self.change(pattern, on_inputs), self._deviation(first, pattern, solved)

    def _deviation(self, first: Signs, pattern: Signs, solved: list[list[arb]]) -> arb:
        if not solved:
            return arb(0)
        n = self.n
        products = [
            [sum((b - a) * c for a, b, c in zip(first[i], pattern[i], first[j], strict=True)) for j in range(n)]
            for i in range(n)
        ]
        mixed = [[self.kernel[i][j] * products[i][j] / self.m for j in range(n)] for i in range(n)]
        matrix = [[sum((mixed[i][k] * solved[k][j] for k in range(n)), arb(0)) for j in range(n)] for i in range(n)]
        square = [[sum((row[k] * other[k] for k in range(n)), arb(0)) for other in matrix] for row in matrix]
        symmetric = [[(square[i][j] + square[j][i]) / 2 for j in range(n)] for i in range(n)]
        return max(spectrum([[rational(x) for x in row] for row in symmetric])[-1], arb(0)).sqrt()
