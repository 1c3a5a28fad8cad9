"""What is certified of a data set's inputs alone: limiting kernels, geometry, degeneracy."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

import numpy as np

from properties.contribution import Contribution
from properties.datasets import Dataset
from theory.geometry import InputGeometry
from theory.gram import degeneracy, limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue
from theory.inputs import FloatArray
from theory.stability.norms import input_norm_squared

MOST_ROWS, MOST_WORK = 2000, 1.6e9
"""The kernels of the first so many rows n are certified, and of fewer where n^2 d would exceed the work."""


def certified_rows(rows: int, dim: int) -> int:
    """How many rows of a data set the kernels are certified for."""
    return max(1, min(rows, MOST_ROWS, math.isqrt(int(MOST_WORK / dim))))


def kernels(dataset: Dataset) -> Contribution:
    """lambda0 and lambda_S (certified lower bounds), ``||X||_2^2`` (certified upper bound), rank, leverage, closest pair, degeneracy (K-pd).

    Of a data set too large for that the first rows only, and the lines say so: lambda0 of all rows is at most theirs.
    """
    rows = certified_rows(*dataset.X.shape)
    inputs, raw = dataset.X[:rows], dataset.raw_X[:rows]
    geometry = InputGeometry.of(inputs)
    (first, second), angle = closest_pair(inputs)
    lambda_0 = limiting_gram_eigenvalue(raw)
    lambda_S = limiting_pattern_gram_eigenvalue(raw)
    norm_squared = input_norm_squared(inputs)
    least, most = float(geometry.leverage.min()), float(geometry.leverage.max())
    reason = degeneracy(raw).reason()
    restriction = f"of the first {rows} rows: " if rows < len(dataset.X) else ""
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
        },
        lines=(
            (
                f"{restriction}rank {geometry.rank}; lambda0 >= {_digits(lambda_0, ROUND_FLOOR)}, "
                f"lambda_S >= {_digits(lambda_S, ROUND_FLOOR)}, ||X||_2^2 <= {_digits(norm_squared, ROUND_CEILING)} (certified); leverage {least:.4g} to {most:.4g}"
            ),
            f"closest pair: rows {first} and {second} at {angle:.4g} rad" if rows > 1 else "one row",
            reason,
        ),
    )


def _digits(bound: float, rounding: str) -> str:
    """Six digits of a bound, on its own side: what is printed is a bound too."""
    return f"{float(Context(prec=6, rounding=rounding).create_decimal(bound)):.6g}"


def closest_pair(inputs: FloatArray) -> tuple[tuple[int, int], float]:
    """Indices and angle (radians) of the two unit rows that are closest, ``2 atan2(|x-y|, |x+y|)``; inf for one row."""
    if len(inputs) == 1:
        return (0, 0), math.inf
    correlation = inputs @ inputs.T
    np.fill_diagonal(correlation, -np.inf)
    i, j = (int(k) for k in np.unravel_index(int(np.argmax(correlation)), correlation.shape))
    difference, total = np.linalg.norm(inputs[i] - inputs[j]), np.linalg.norm(inputs[i] + inputs[j])
    return (min(i, j), max(i, j)), 2 * math.atan2(float(difference), float(total))
