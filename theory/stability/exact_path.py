"""Every activation pattern that a piecewise straight path of pre-activations passes through, in exact arithmetic."""

import itertools
from collections.abc import Sequence

import numpy as np
from flint import fmpq

from theory.inputs import FloatArray
from theory.rigour.exact import rational
from theory.stability.patterns import ChangeMatrices


def segment_changes(start: FloatArray, end: FloatArray, initial: FloatArray) -> list[FloatArray]:
    """The changes (n, m), entries -1, 0, 1, from the pattern of ``initial`` on the closed segment, all (n, m).

    Crossing times are rational numbers. An activation that switches on does so at its crossing time, one that
    switches off just after it, as phi'(0) = 1; so each time contributes the pattern at it and the one after it.
    """
    before = start >= 0
    crossings: dict[fmpq, list[tuple[int, int]]] = {}
    for i, r in np.argwhere(before != (end >= 0)).tolist():
        z = rational(start[i, r])
        crossings.setdefault(z / (z - rational(end[i, r])), []).append((i, r))
    change = before.astype(float) - (initial >= 0)
    found = [change.copy()]
    for time in sorted(crossings):
        for switches_off in (False, True):
            for i, r in crossings[time]:
                if before[i, r] == switches_off:
                    change[i, r] += -1.0 if switches_off else 1.0
            found.append(change.copy())
    return found


def path_changes(iterates: Sequence[FloatArray], rows: FloatArray) -> ChangeMatrices:
    """All changes from the first of at least two pre-activation matrices (n, m) along the path; X (n, d) exactly."""
    initial = iterates[0]
    changes: list[FloatArray] = []
    for start, end in itertools.pairwise(iterates):
        changes += segment_changes(start, end, initial)
    stacked = np.array(changes)
    products = np.unique(np.einsum("qir,qjr->qij", stacked, stacked), axis=0)
    return ChangeMatrices.of(rows, products, initial.shape[1])
