"""What is certified of a data set's inputs alone: limiting kernels, geometry, degeneracy."""

from __future__ import annotations

import math

import numpy as np

from properties.dataset.contribution import Contribution
from properties.dataset.transformations import standardised
from properties.engine.report.plain import counted
from properties.reading.datasets import Dataset
from theory.direction import computed, stated
from theory.errors import InputError
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.kernels.limiting import degeneracy, limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue
from theory.stability.norms import input_norm_squared

MOST_ROWS, MOST_WORK = 2000, 1.6e9
"""The kernels of the first so many rows n are certified, and of fewer where n^2 d would exceed the work."""


NEARLY_PARALLEL = 0.9
"""A share of ``||X||_2^2`` in n from which inputs are said to look unscaled: raw tables have 0.95 to 0.997, images 0.7."""


def certified_rows(rows: int, dim: int) -> int:
    """How many rows of a data set the kernels are certified for."""
    return max(1, min(rows, MOST_ROWS, math.isqrt(int(MOST_WORK / dim))))


def kernels(dataset: Dataset) -> Contribution:
    """lambda0 and lambda_S (certified lower bounds), ``||X||_2^2`` (certified upper bound), rank, leverage, closest pair, degeneracy (K-pd).

    Of a data set too large for that the first rows only, and the lines say so: lambda0 of all rows is at most theirs.
    """
    rows = certified_rows(*dataset.X.shape)
    inputs, raw = dataset.X[:rows], dataset.given_X[:rows]
    geometry = InputGeometry.of(inputs)
    verdict = degeneracy(raw)
    # rows that point the same way need not do so any more once they are normalised
    (first, second), angle = (verdict.coincident[0], 0.0) if verdict.coincident else closest_pair(inputs)
    lambda_0 = limiting_gram_eigenvalue(raw)
    lambda_S = limiting_pattern_gram_eigenvalue(raw)
    norm_squared = input_norm_squared(inputs)
    least, most = float(geometry.leverage.min()), float(geometry.leverage.max())
    reason = verdict.reason()
    remark = unscaled(dataset, rows)
    restriction = f"of the first {counted(rows, 'row')}: " if rows < len(dataset.X) else ""
    return Contribution(
        topic="inputs",
        values={
            "rows": rows,
            "rank": geometry.rank,
            "lambda_0": lambda_0,
            "lambda_S": lambda_S,
            "spectral_norm_squared": norm_squared,
            "leverage": (least, most),
            "closest_pair": (first, second),
            "closest_angle": angle,
            "degeneracy": reason,
            "unscaled": remark,
        },
        lines=(
            (
                f"{restriction}numerical rank {geometry.rank}; "
                f"{stated({'lambda0': lambda_0, 'lambda_S': lambda_S, '||X||_2^2': norm_squared})}; "
                f"leverage {computed(least)} to {computed(most)}"
            ),
            f"closest pair: rows {first} and {second} at {angle:.4g} rad" if rows > 1 else "one row",
            reason,
            *([] if remark is None else [remark]),
        ),
    )


def unscaled(dataset: Dataset, rows: int) -> str | None:
    """What to say when the first rows are nearly parallel, as rows of raw columns of different sizes are; None otherwise.

    ``||X||_2^2 / n`` is the mean squared cosine between the unit rows and the direction that they have most in common: 1 when all
    are parallel, about 1/d when they point everywhere. With one column it is always 1.
    """
    n, d = dataset.X[:rows].shape
    shared = common_share(dataset.X[:rows])
    if n == 1 or d == 1 or shared < NEARLY_PARALLEL:
        return None
    found = (
        f"the inputs look unscaled: ||X||_2^2 is {shared:.3g} n, so the rows are nearly parallel (their mean squared cosine "
        f"with one direction), and G(0) is nearly singular"
    )
    try:
        after = common_share(standardised(dataset).X[:rows])
    except InputError:
        return found
    return f"{found}; --standardise makes it {after:.3g} n" if after < shared else found


def common_share(inputs: FloatArray) -> float:
    """``||X||_2^2 / n`` of unit rows X (n, d), as computed."""
    return float(np.linalg.norm(inputs, 2)) ** 2 / len(inputs)


def closest_pair(inputs: FloatArray) -> tuple[tuple[int, int], float]:
    """Indices and angle (radians) of the two unit rows that are closest, ``2 atan2(|x-y|, |x+y|)``; inf for one row."""
    if len(inputs) == 1:
        return (0, 0), math.inf
    correlation = inputs @ inputs.T
    np.fill_diagonal(correlation, -np.inf)
    i, j = (int(k) for k in np.unravel_index(int(np.argmax(correlation)), correlation.shape))
    difference, total = np.linalg.norm(inputs[i] - inputs[j]), np.linalg.norm(inputs[i] + inputs[j])
    return (min(i, j), max(i, j)), 2 * math.atan2(float(difference), float(total))
