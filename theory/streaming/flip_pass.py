"""The pass that a ball needs: histograms of what flips cost, whose bins count each flip at the cost of the bin's lower edge.

A bin is an interval of distances, ``[k step, (k+1) step)``, step a power of 2, so that edges and the choice of a bin are exact. Whatever is
beyond the last bin counts at that bin's upper edge, so that the histogram bounds the flips in a ball of any radius.

One input alone: its pairs by ``|z_ir|``. All inputs together: a neuron that flips j inputs moves by its j-th smallest distance ``d_j`` at
least, ``s_j = d_j^2``. From ``(0, 0)`` on, the next point of the lower hull of ``(j, s_j)`` is ``dj`` flips more at ``c`` each: items of a knapsack
with the same dual function as C2-fro's (docs/proofs/stability.md, P4.9, P4.10). They are counted by ``c^{1/2}``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.rigour.rounding import UNIT_ROUNDOFF
from theory.streaming.stream import Block, NeuronStream


@dataclass(frozen=True)
class FlipPass:
    """``single`` (n, bins): pairs of each input; ``joint`` (joint_bins,): flips of all inputs. Of distinct neurons, below the last edge."""

    step: float
    """The width of a bin, a power of 2; a distance."""
    bins: int
    joint_bins: int

    name = "flips"

    def counter(self, stream: NeuronStream) -> _FlipCounter:
        """For one chunk."""
        return _FlipCounter(self, len(stream.rows))


class _FlipCounter:
    def __init__(self, work: FlipPass, inputs: int) -> None:
        self._work = work
        self._single, self._joint = np.zeros((inputs, work.bins)), np.zeros(work.joint_bins)
        # a pair beyond both has no flip below the last edges: P4.10
        self._reach = max(work.bins, math.ceil(math.sqrt(inputs) * work.joint_bins) + 1) * work.step

    def add(self, block: Block) -> None:
        near = np.flatnonzero(block.sizes < np.nextafter(self._reach + block.error, np.inf))
        inputs, neurons = np.divmod(near, len(block.signs))
        distances = distances_below(block, near)
        bins, size = np.floor(distances / self._work.step), self._work.bins  # exact, the step being a power of 2
        within = bins < size
        places = inputs[within] * size + bins[within].astype(np.int64)
        self._single += np.bincount(places, minlength=self._single.size).reshape(self._single.shape)
        for roots, flips in unit_costs(distances, PairsByNeuron.of(distances, neurons, len(block.signs))):
            joint, last = np.floor(roots / self._work.step), self._work.joint_bins
            below = joint < last
            self._joint += np.bincount(joint[below].astype(np.int64), flips[below], minlength=last)

    def found(self) -> tuple[dict[str, FloatArray], FloatArray]:
        return {"single": self._single, "joint": self._joint}, np.empty(0)


def distances_below(block: Block, places: NDArray[np.integer]) -> FloatArray:
    """``|z|`` less its error, rounded down and not below 0, of entries by their places in Z laid out row by row."""
    sizes = block.sizes.ravel()[places]
    return np.asarray(np.maximum(np.nextafter(sizes - block.error, -np.inf), 0.0) if block.error else sizes)


def unit_costs(distances: FloatArray, pairs: PairsByNeuron) -> Iterator[tuple[FloatArray, NDArray[np.int64]]]:
    """The items of a joint knapsack, from the near pairs (k,): roots of what a flip costs, rounded down, and flips."""
    yield distances[pairs.alone], np.ones(len(pairs.alone), dtype=np.int64)
    yield from hull_items(pairs.costs)


def weight_costs(
    distances: FloatArray, inputs: NDArray[np.integer], pairs: PairsByNeuron
) -> Iterator[tuple[NDArray[np.integer], FloatArray, NDArray[np.int64]]]:
    """The items of K2-spec's knapsacks (P4.13), from the near pairs (k,): whose they are, roots of what a flip costs, flips.

    A pair of rank t among its neuron's has the items of the choices ``j >= t``.
    """
    yield inputs[pairs.alone], distances[pairs.alone], np.ones(len(pairs.alone), dtype=np.int64)
    several = pairs.costs.shape[1]
    costs, following = pairs.costs.ravel(), hull_successors(pairs.costs).ravel()
    further = pairs.costs / np.arange(1, several + 1)
    known = np.flatnonzero(np.isfinite(costs))
    owners, first, point = inputs[pairs.places.ravel()[known]], known - known % several, least_from(further)[known]
    slope, flips = further.ravel()[first + point], point + 1
    while len(first):
        yield owners, np.sqrt(np.maximum(slope, 0.0)) * (1 - 8 * UNIT_ROUNDOFF), flips
        after = following[first + point]
        going = np.flatnonzero(after < several)
        owners, first, before, point = owners[going], first[going], point[going], after[going]
        flips = point - before
        slope = (costs[first + point] - costs[first + before]) / flips


def least_from(values: FloatArray) -> NDArray[np.int64]:
    """For each place of rows (k, j) where the least of the row's values from there on is; the first of equal ones; row after row."""
    found = np.tile(np.arange(values.shape[1]), (len(values), 1))
    least = values.copy()
    for place in range(values.shape[1] - 2, -1, -1):
        later = least[:, place + 1] < least[:, place]
        found[later, place], least[later, place] = found[later, place + 1], least[later, place + 1]
    return found.ravel()


def hull_successors(costs: FloatArray) -> NDArray[np.int64]:
    """For each point ``(j, s_j)``, s (neurons, j), the place of the later one to which the slope is least; j where all later ones are inf."""
    several = costs.shape[1]
    found = np.full(costs.shape, several)
    with np.errstate(invalid="ignore"):  # from points that are inf themselves, and of no use
        for place in range(several - 1):
            slopes = (costs[:, place + 1 :] - costs[:, place, None]) / np.arange(1, several - place)
            best = slopes.argmin(axis=1)
            known = np.isfinite(slopes[np.arange(len(slopes)), best])
            found[known, place] = place + 1 + best[known]
    return found


@dataclass(frozen=True)
class PairsByNeuron:
    """The near pairs of neurons, those of neurons that have several in a row each."""

    alone: NDArray[np.int64]
    """The places, among all near pairs, of those that are their neuron's only one."""
    costs: FloatArray
    """Squared distances of the others, rounded down, shape (neurons, j): in ascending order, inf where there are no more."""
    places: NDArray[np.int64]
    """Where they are among all near pairs, of the same shape."""

    @classmethod
    def of(cls, distances: FloatArray, neurons: NDArray[np.integer], count: int) -> PairsByNeuron:
        """From the near pairs (k,) of ``count`` neurons."""
        sizes = np.bincount(neurons, minlength=count)
        single = sizes[neurons] == 1
        several = np.flatnonzero(~single)
        # numbers of 16 bits are sorted in a time that does not grow with their logarithm
        kind = np.min_scalar_type(count)
        several = several[np.argsort(neurons[several].astype(kind), kind="stable")]
        sizes = sizes[sizes > 1]
        starts, shape = np.cumsum(sizes) - sizes, (len(sizes), int(sizes.max(initial=0)))
        at = np.arange(len(several)) + np.repeat(np.arange(len(sizes)) * shape[1] - starts, sizes)
        costs, places = np.full(shape, np.inf), np.zeros(shape, dtype=np.int64)
        costs.ravel()[at], places.ravel()[at] = distances[several], several
        order = np.argsort(costs, axis=1, kind="stable")
        costs, places = np.take_along_axis(costs, order, 1), np.take_along_axis(places, order, 1)
        costs = costs**2 * (1 - 4 * UNIT_ROUNDOFF)
        return cls(np.flatnonzero(single), costs, places)


def hull_items(costs: FloatArray) -> Iterator[tuple[FloatArray, NDArray[np.int64]]]:
    """Along the lower hulls of ``(0, 0)`` and ``(j, s_j)``, for s (neurons, j), inf where there is no such choice.

    Roots of the slopes, rounded down, and how many flips further each hull's next point is.
    """
    numbers = np.arange(1, costs.shape[1] + 1)
    flipped, paid = np.zeros(len(costs), dtype=np.int64), np.zeros(len(costs))
    while costs.size:
        further = numbers - flipped[:, None]
        slopes = np.where(further > 0, (costs - paid[:, None]) / np.maximum(further, 1), np.inf)
        best = slopes.argmin(axis=1)
        slope = slopes[np.arange(len(costs)), best]
        going = np.isfinite(slope)
        costs, best, slope = costs[going], best[going], slope[going]
        yield np.sqrt(np.maximum(slope, 0.0)) * (1 - 8 * UNIT_ROUNDOFF), best + 1 - flipped[going]
        flipped, paid = best + 1, costs[np.arange(len(costs)), best]
