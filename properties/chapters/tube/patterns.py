"""What a tube lets a network's activations do, in rational numbers: kinds of neurons, and how many there are of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st

from properties.engine.claim import Family
from properties.engine.descriptions import described_family
from properties.engine.stable_names import stored_as
from properties.exact.eigenvalues import float_matrix, identity, largest_eigenvalue, norm, smallest_eigenvalue
from theory.rigour.exact import hadamard

Description = Mapping[str, Any]
Rows = tuple[tuple[int, ...], ...]
"""0 or 1 for each kind of neurons and each input."""

SINGULAR = 2.0**-40
"""An adversary leaves a G alone whose condition number is above one over it; it decides nothing."""


@stored_as("tube-patterns")
@dataclass(frozen=True)
class TubePatterns:
    """Kinds of neurons in a tube, at the start and at one point of it, with a mean of activations on a segment from there."""

    kernel: fmpq_mat
    """The inputs' K (n, n); all ones for K-FAC."""
    counts: tuple[int, ...]
    """How many neurons there are of each of the T kinds."""
    start: Rows
    """The activations at the start, (T, n)."""
    flips: Rows
    """Which of them the tube allows to flip."""
    pattern: Rows
    """The activations at a point of the tube."""
    mean: Rows
    """The mean activations on a segment; at an extreme point, all of which are 0 or 1."""

    @property
    def inside(self) -> bool:
        """Whether activations and means differ from the start's where they may."""
        rows = zip(self.start, self.flips, self.pattern, self.mean, strict=True)
        return all(f or a == p == q for start, *others in rows for a, f, p, q in zip(start, *others, strict=True))

    def sum(self, left: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> fmpq_mat:
        """``sum over neurons of left_r right_r^T / m``, shape (n, n); whole numbers in int64."""
        total = (np.array(left).T * np.array(self.counts)) @ np.array(right)
        width = sum(self.counts)
        return fmpq_mat([[fmpq(int(entry), width) for entry in row] for row in total])

    def of_kernel(self, matrix: fmpq_mat) -> fmpq_mat:
        """``K o matrix``."""
        return hadamard(self.kernel, matrix)

    def of_size(self, matrix: fmpq_mat) -> fmpq_mat:
        """``|K| o matrix``."""
        return hadamard(fmpq_mat([[abs(entry) for entry in row] for row in self.kernel.tolist()]), matrix)

    @cached_property
    def possible(self) -> Rows:
        """``A~``: what may be active."""
        return _rows(max, self.start, self.flips)

    @cached_property
    def certain(self) -> Rows:
        """What is active in all of the tube."""
        return _rows(lambda a, f: a * (1 - f), self.start, self.flips)

    @cached_property
    def difference(self) -> Rows:
        """``J' - J`` in terms of activations."""
        return _rows(lambda q, p: q - p, self.mean, self.pattern)

    def on_constant(self, rows: Rows) -> Rows:
        """The rows of the kinds none of whose activations may flip, 0 for the others."""
        return tuple(tuple(0 if any(f) else a for a in row) for row, f in zip(rows, self.flips, strict=True))

    def on_flipping(self, rows: Rows) -> Rows:
        """The rows of the other kinds."""
        return tuple(tuple(a if any(f) else 0 for a in row) for row, f in zip(rows, self.flips, strict=True))

    @cached_property
    def product_change(self) -> fmpq_mat:
        """``M``, shape (n, n)."""
        return self.of_size(self.sum(self.flips, self.possible))

    @cached_property
    def change_norm(self) -> fmpq:
        """``||M||_2``."""
        return norm(self.product_change)

    @cached_property
    def tau(self) -> fmpq:
        """``|| |K| o B B^T/m ||_2``."""
        return largest_eigenvalue(self.of_size(self.sum(self.flips, self.flips)))

    @cached_property
    def tau_2(self) -> fmpq:
        """``|| |K| o sum over neurons that may flip of A~_r A~_r^T/m ||_2``."""
        active = self.on_flipping(self.possible)
        return largest_eigenvalue(self.of_size(self.sum(active, active)))

    @cached_property
    def smallest(self) -> fmpq:
        """``lambda``, at the start."""
        return smallest_eigenvalue(self.of_kernel(self.sum(self.start, self.start)))

    @cached_property
    def constant(self) -> fmpq:
        """``lambda_c``."""
        active = self.on_constant(self.start)
        return smallest_eigenvalue(self.of_kernel(self.sum(active, active)))

    @cached_property
    def gram_change(self) -> fmpq:
        """``||D||_2``."""
        now, most, least = (self.sum(one, one).tolist() for one in (self.start, self.possible, self.certain))
        size = len(now)
        entries = [[max(most[i][j] - now[i][j], now[i][j] - least[i][j]) for j in range(size)] for i in range(size)]
        return norm(self.of_size(fmpq_mat(entries)))

    @cached_property
    def gram(self) -> fmpq_mat:
        """``G`` at the point."""
        return self.of_kernel(self.sum(self.pattern, self.pattern))

    @cached_property
    def product(self) -> fmpq_mat:
        """``X = (J' - J) J^T``."""
        return self.of_kernel(self.sum(self.difference, self.pattern))

    @property
    def attained(self) -> float:
        """``||X G^{-1}||_2``, as computed; 0 for a singular G."""
        return _ratio(float_matrix(self.product), float_matrix(self.gram))


def _rows(combined: Callable[[int, int], int], left: Rows, right: Rows) -> Rows:
    return tuple(tuple(map(combined, one, other)) for one, other in zip(left, right, strict=True))


def _ratio(product: np.ndarray[Any, Any], gram: np.ndarray[Any, Any]) -> float:
    eigenvalues = np.linalg.eigvalsh(gram)
    if not eigenvalues[0] > SINGULAR * eigenvalues[-1]:
        return 0.0
    return float(np.linalg.norm(np.linalg.solve(gram, product.T), 2))


# --- families --------------------------------------------------------------------------------------------------------

SPREAD = {"wide": 9, "near": 2}
KERNELS = ("wide", "near", "obtuse", "ones", "axes")


def kernel(kind: str, size: int, rng: np.random.Generator) -> fmpq_mat:
    """A rational K with ones on its diagonal: of unit vectors, of inputs each two of which are obtuse, all ones, or of axes."""
    if kind == "axes":
        return identity(size)
    if kind == "ones":
        return fmpq_mat([[fmpq(1)] * size for _ in range(size)])
    if kind == "obtuse":
        return fmpq_mat([[fmpq(1) if i == j else fmpq(-1, size) for j in range(size)] for i in range(size)])
    rows = []
    for _ in range(size):
        s, t = (fmpq(int(value), 4) for value in rng.integers(-SPREAD[kind], SPREAD[kind] + 1, 2))
        whole = 1 + s * s + t * t
        rows.append([2 * s / whole, 2 * t / whole, (1 - s * s - t * t) / whole])
    inputs = fmpq_mat(rows)
    return inputs * inputs.transpose()


def adversary(given: TubePatterns, sweeps: int = 2) -> TubePatterns:
    """Activations and means in the tube that one change for a kind and an input makes no worse, in so many sweeps."""
    correlations, counts = float_matrix(given.kernel), np.array(given.counts) / sum(given.counts)
    flips = np.array(given.flips)
    pattern, mean = np.array(given.pattern), np.array(given.mean)

    def reached() -> float:
        left, right = (mean - pattern).T * counts, pattern
        return _ratio(correlations * (left @ right), correlations * ((pattern.T * counts) @ right))

    best = reached()
    for _ in range(sweeps):
        for place in np.argwhere(flips):
            kept = pattern[*place], mean[*place]
            for state in ((0, 0), (0, 1), (1, 0), (1, 1)):
                pattern[*place], mean[*place] = state
                found = reached()
                if found > best:
                    best, kept = found, state
            pattern[*place], mean[*place] = kept
    return replace(given, pattern=as_rows(pattern), mean=as_rows(mean))


def as_rows(array: np.ndarray[Any, Any]) -> Rows:
    """A (T, n) array as tuples of integers."""
    return tuple(tuple(int(entry) for entry in row) for row in array)


def build(description: Description) -> TubePatterns:
    """Neurons that see one input and keep to it, others drawn; what flips is drawn, how it flips is an adversary's."""
    d, rng = description, np.random.default_rng(description["seed"])
    n, kinds = d["inputs"], d["kinds"]
    start = np.vstack([np.eye(n, dtype=int), rng.random((kinds, n)) < d["active_tenths"] / 10]).astype(int)
    flips = np.vstack([np.zeros((n, n), dtype=int), rng.random((kinds, n)) < d["flip_tenths"] / 10]).astype(int)
    alone = d["alone"] * rng.integers(1, 1 + d["unequal"], n)
    counts = np.concatenate([alone, rng.integers(1, 9, kinds)])
    drawn = rng.integers(0, 2, start.shape)
    pattern, mean = np.where(flips, drawn, start), np.where(flips, 1 - drawn, start)
    K = kernel(d["kernel"], n, rng)
    return adversary(
        TubePatterns(
            K, tuple(int(count) for count in counts), as_rows(start), as_rows(flips), as_rows(pattern), as_rows(mean)
        )
    )


def patterns(counts: tuple[int, int, int], id: str = "patterns", **changes: Any) -> Family[TubePatterns]:
    """Random kinds of neurons, with an adversary's activations."""
    parts: dict[str, Any] = {
        "inputs": st.integers(1, 4),
        "kinds": st.integers(1, 6),
        "kernel": st.sampled_from(KERNELS),
        "active_tenths": st.integers(1, 9),
        "flip_tenths": st.integers(1, 9),
        "alone": st.sampled_from((0, 1, 4, 16, 64)),
        "unequal": st.sampled_from((1, 4, 100)),
        "seed": st.integers(0, 2**20),
    }
    title = "kinds of neurons in rational numbers, the activations chosen by an adversary"
    return described_family(id, title, build, counts, **{**parts, **changes})


def one_input(description: Description) -> TubePatterns:
    """One input; all neurons that may flip are active, and go."""
    d = description
    on = ((1,), (1,))
    return TubePatterns(fmpq_mat([[1]]), (d["constant"], d["flipping"]), on, ((0,), (1,)), on, ((1,), (0,)))


def nearly_equal(description: Description) -> TubePatterns:
    """Two nearly equal inputs, few neurons that see the first alone, many the second; those that see both stop to."""
    d = description
    k = fmpq(d["nearness"] - 1, d["nearness"])
    on = ((1, 0), (0, 1), (1, 1))
    return TubePatterns(
        fmpq_mat([[fmpq(1), k], [k, fmpq(1)]]),
        (d["first"], d["second"], d["both"]),
        on,
        ((0, 0), (0, 0), (1, 1)),
        on,
        ((1, 0), (0, 1), (0, 0)),
    )


def on_one_input(counts: tuple[int, int, int], most: int = 20) -> Family[TubePatterns]:
    """``one_input`` with up to so many neurons that may flip, 20 and more that may not."""
    return described_family(
        "one input",
        "one input; all that may flip go",
        one_input,
        counts,
        constant=st.integers(20, 60),
        flipping=st.integers(1, most),
    )


def on_nearly_equal(counts: tuple[int, int, int]) -> Family[TubePatterns]:
    """``nearly_equal``, about where the second form is attained in the limit."""
    return described_family(
        "nearly equal",
        "two nearly equal inputs; those that see both go",
        nearly_equal,
        counts,
        nearness=st.sampled_from((2**6, 2**10, 2**14)),
        first=st.integers(8, 12),
        second=st.sampled_from((10**3, 10**5, 10**7)),
        both=st.integers(8, 12),
    )


def eigenvalue_lost(description: Description) -> TubePatterns:
    """Three inputs, the first and third nearly equal; what tells them apart at the start may flip, and does."""
    d = description
    k = fmpq(d["nearness"] - 1, d["nearness"])
    start = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (0, 0, 1), (1, 1, 0))
    still = ((0, 0, 0),) * 4
    return TubePatterns(
        fmpq_mat([[fmpq(1), fmpq(0), k], [fmpq(0), fmpq(1), fmpq(0)], [k, fmpq(0), fmpq(1)]]),
        (d["alone"], d["alone"], d["alone"], d["all"], d["third"], d["pair"]),
        start,
        (*still, (0, 0, 1), (1, 1, 0)),
        (*start[:4], (0, 0, 1), (0, 1, 0)),
        (*start[:4], (0, 0, 0), (1, 0, 0)),
    )


def on_eigenvalue_lost(counts: tuple[int, int, int]) -> Family[TubePatterns]:
    """``eigenvalue_lost``, where the smallest eigenvalue at the start is far above those in the tube."""
    return described_family(
        "eigenvalue lost",
        "three inputs, two of them nearly equal; what tells them apart may flip",
        eigenvalue_lost,
        counts,
        nearness=st.sampled_from((2**8, 2**10)),
        alone=st.integers(1, 3),
        all=st.integers(180, 220),
        third=st.integers(80, 120),
        pair=st.integers(80, 120),
    )


def crowded(description: Description) -> TubePatterns:
    """2h inputs close to two opposite ones, each as close to the first input; neurons that see one of either kind, and all.

    Those that see all may flip at the first input, where half of them are active at the start; all are, and go. ``k^2 h`` is large, and
    no vector has a smaller eigenvalue of G than the sum of the 2h inputs.
    """
    d = description
    h, k = d["half"], fmpq(d["nearness"], 8)
    sides = [0] + [1] * h + [-1] * h
    K = [[fmpq(1) if not s * t else k * k + (1 - k * k) * s * t for t in sides] for s in sides]
    for i in range(1, 2 * h + 1):
        K[0][i] = K[i][0] = k
    n = 2 * h + 1
    one = np.eye(n, dtype=int)
    pairs = [one[1 + i] + one[1 + h + j] for i in range(h) for j in range(h)]
    still, first = np.zeros((h * h + 1, n), dtype=int), one[:1]
    alone, rest = [one[0], *pairs], np.ones((1, n), dtype=int) - first
    start = np.vstack([alone, rest, rest + first])
    pattern, mean = np.vstack([alone, rest + first, rest + first]), np.vstack([alone, rest, rest])
    counts = (d["first"], *[d["pair"]] * (h * h), d["all"], d["all"])
    return TubePatterns(
        fmpq_mat(K), counts, as_rows(start), as_rows(np.vstack([still, first, first])), as_rows(pattern), as_rows(mean)
    )


def on_crowded(counts: tuple[int, int, int], nearness: int = 4, pair: int = 2) -> Family[TubePatterns]:
    """``crowded``, where ``lambda - ||D|| > lambda_c``; ``k`` is so many eighths, ``pair`` so many neurons see each pair."""
    return described_family(
        "crowded",
        "many inputs close to two opposite ones; those that see all flip at one more input",
        crowded,
        counts,
        half=st.just(18),
        nearness=st.just(nearness),
        first=st.sampled_from((10**4, 2 * 10**4)),
        pair=st.just(pair),
        all=st.just(1),
    )
