"""Matrices (n, m) in blocks of neurons, and passes over the blocks that are shared by as many threads as linear algebra may use.

A block is contiguous, and its products are taken by one thread: what is entrywise is shared too, on numbers that are still in its cache.
What a pass adds up does not depend on the number of threads: blocks make up panels, a panel's blocks are taken in order, and so are the sums
of the panels.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from theory.inputs import FloatArray
from theory.threads import one_thread, threads_allowed

BLOCK_ENTRIES = 2**17
"""Entries of a block: 1 MiB of float64, which stays in the second-level cache."""

LEAST_COLUMNS = 2**11
"""Products of an n x n matrix with fewer columns lose time at their edges, so that with many rows blocks have more entries."""

BLOCK_COLUMNS = 2**12
"""Neurons handled at a time at most: sums over short blocks, and then over blocks, keep rounding errors small."""

MOST_PANELS = 32
"""Their sums of size n x n are held at once."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Blocks:
    """How m neurons of an (n, m) matrix are divided; m may be 0."""

    rows: int
    width: int

    @cached_property
    def columns(self) -> int:
        """The neurons of a block; the last one may have fewer."""
        return max(1, min(self.width, BLOCK_COLUMNS, max(LEAST_COLUMNS, BLOCK_ENTRIES // self.rows)))

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """The neurons of each block."""
        width, columns = self.width, self.columns
        return tuple(slice(start, min(start + columns, width)) for start in range(0, width, columns))

    @cached_property
    def panels(self) -> tuple[range, ...]:
        """Numbers of successive blocks, at most ``MOST_PANELS`` times as many; the last panel may have fewer."""
        count = len(self.slices)
        share = max(1, -(-count // MOST_PANELS))
        return tuple(range(start, min(start + share, count)) for start in range(0, count, share))

    @property
    def summation_length(self) -> int:
        """Additions that one sum over the neurons goes through at most: in a block, over a panel's blocks, over the panels."""
        return self.columns + max(map(len, self.panels), default=0) + len(self.panels)

    def zeros(self, kind: DTypeLike = np.float64) -> list[NDArray[Any]]:
        """The blocks of a matrix of zeros: one piece of memory, for which a system finds large pages."""
        flat = np.zeros(self.rows * self.width, kind)
        bounds = ((self.rows * columns.start, self.rows * columns.stop) for columns in self.slices)
        return [flat[start:stop].reshape(self.rows, -1) for start, stop in bounds]

    def split(self, matrix: NDArray[Any]) -> list[NDArray[Any]]:
        """The blocks of a matrix: new arrays."""
        found = self.zeros(matrix.dtype)
        for block, columns in zip(found, self.slices, strict=True):
            np.copyto(block, matrix[:, columns])
        return found

    def joined(self, blocks: Sequence[FloatArray]) -> FloatArray:
        """The matrix of these blocks, a new array."""
        return np.concatenate(blocks, axis=1) if blocks else np.empty((self.rows, 0))

    def each_panel(self, work: Callable[[int, range], Result]) -> list[Result]:
        """``work(thread, blocks)`` for every panel, in their order; threads are numbered from 0."""
        return share_out(lambda thread, item: work(thread, self.panels[item]), len(self.panels))

    @contextmanager
    def undivided(self) -> Iterator[None]:
        """All products by one thread each while it lasts, where passes are shared by several: switching between the two ways costs more."""
        if len(self.panels) < 2 or (threads := _threads_to_share()) < 2:
            yield
            return
        token = _SHARING.set(threads)
        try:
            with one_thread():
                yield
        finally:
            _SHARING.reset(token)

    def products(self, rows: FloatArray, weights: FloatArray) -> list[FloatArray]:
        """The blocks of ``X W^T`` for X (n, d) and W (m, d)."""
        if len(self.slices) == 1:
            return [rows @ weights.T]
        found = self.zeros()

        def multiply(_: int, panel: range) -> None:
            for block in panel:
                np.matmul(rows, weights[self.slices[block]].T, out=found[block])

        self.each_panel(multiply)
        return found


def share_out(work: Callable[[int, int], Result], count: int) -> list[Result]:
    """``work(thread, item)`` for so many items, in their order; threads are numbered from 0, more than two only with two items for each.

    While several of them work, each takes its products by itself. An error of one item is raised when the others are done.
    """
    threads = min(_threads_to_share(), max(2, count // 2)) if count > 1 else 1
    if threads < 2:
        return [work(0, item) for item in range(count)]
    results: dict[int, Result] = {}
    items = iter(range(count))

    def take(thread: int) -> None:
        for item in items:
            results[item] = work(thread, item)

    with nullcontext() if _SHARING.get() else one_thread():
        # settings such as those of np.errstate belong to a context
        others = [_others(os.getpid(), threads).submit(copy_context().run, take, k) for k in range(1, threads)]
        try:
            take(0)
        finally:
            errors = [other.exception() for other in others]
    for error in errors:
        if error is not None:
            raise error
    return [results[item] for item in range(count)]


_SHARING: ContextVar[int] = ContextVar("threads that share passes while products are undivided", default=0)


def _threads_to_share() -> int:
    """As many as the libraries of linear algebra are allowed, or were before ``undivided``."""
    return _SHARING.get() or threads_allowed()


@cache
def _others(process: int, threads: int) -> ThreadPoolExecutor:
    """The threads beside the caller's: those of a process, which a fork of it does not have."""
    return ThreadPoolExecutor(threads - 1, thread_name_prefix=f"blocks of {process}")
