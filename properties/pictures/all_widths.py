"""From which width on NGD converges: as seen, as certified for networks (path, tube, ball), and as the theorems ask.

The certificates of wide networks take minutes, so that what was found stands in all_widths.csv, made by ``python -m properties.pictures.all_widths``.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path

import numpy as np

from properties.engine.report.atomic import write_text_atomically
from properties.reading.datasets import load_dataset
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import DescentError
from theory.inputs import FloatArray
from theory.kernels.limiting import limiting_gram_eigenvalue
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.euclidean import euclidean_norm
from theory.stability import certify_path, certify_tube
from theory.stability.norms import input_norm_squared
from theory.theorems.tube_width import FORMS
from theory.theorems.width import tube_width, width

STORED = "all_widths.csv"

STEP, STEPS, PARTS = 0.5, 60, 4
REACHED = 1e-6
"""Of the residual: ``||r(k)|| <= 1e-6 ||r(0)||`` within the steps; undisturbed, 20 of them are enough."""
PATH_STEPS = 20
BEYOND = 4
"""Doublings."""
DELTA, CONSTANT = 0.1, 0.5
LARGEST = 4 * 10**7
"""Numbers in the largest array of a network that is drawn: m n, or m d where d is larger."""

PROVED, CERTIFIED, SEEN = (
    "proved to be enough",
    "certified at a majority of the seeds",
    "seen at a majority of the seeds",
)
ESTIMATED, NOT_REACHED = "estimated", "not certified up to"


@dataclass(frozen=True)
class Sample:
    """Unit rows X (n, d), targets y (n,), and the scale nu of the weights."""

    name: str
    inputs: FloatArray
    targets: FloatArray
    scale: float
    seeds: int

    @property
    def widest(self) -> int:
        """The largest width that is drawn."""
        return LARGEST // int(max(self.inputs.shape))


@dataclass(frozen=True)
class Found:
    """A width m, and how it is known."""

    data: str
    n: int
    scale: float
    of: str
    """"seen", "path", "tube", "ball", "T3" or a form of T3-tube."""
    width: int
    known: str
    """One of the words above."""
    seeds: int
    """Networks drawn at a width; 0 for a formula."""


def orthonormal(n: int) -> Sample:
    """The n unit vectors of R^n, targets of random signs, nu = 1."""
    signs = np.random.default_rng(n).choice([-1.0, 1.0], n)
    return Sample(f"orthonormal-{n}", np.eye(n), signs, 1.0, 15 if n < 100 else 5)


def samples() -> tuple[Sample, ...]:
    """Orthonormal inputs, and ten rows of digits in the file's order, nu = 100. Raises MissingExtraError."""
    digits = load_dataset("digits-4-9")
    return (*map(orthonormal, (4, 10, 100)), Sample("digits-10", digits.X[:10], digits.y[:10], 100.0, 15))


def converges(net: TwoLayerNetwork, sample: Sample) -> bool:
    """Whether NGD's run in float64 reaches the residual."""
    try:
        state = FunctionSpaceDescent(net, sample.inputs, sample.targets)
        goal = REACHED * euclidean_norm(state.residual)
        for _ in range(STEPS):
            state.advance(STEP)
            if euclidean_norm(state.residual) <= goal:
                return True
    except DescentError:
        pass
    return False


def path_certified(net: TwoLayerNetwork, sample: Sample) -> bool:
    """Whether C < 1/2 is certified along NGD's path: T1."""
    try:
        found = certify_path(net, sample.inputs, sample.targets, STEP, PATH_STEPS, parts=PARTS)
    except DescentError:
        return False
    return found.constant < CONSTANT


def tube_certified(net: TwoLayerNetwork, sample: Sample) -> bool:
    """Whether a tube closes: every eta <= 1, every k."""
    return certify_tube(net, sample.inputs, sample.targets).certified


TRIED: dict[str, Callable[[TwoLayerNetwork, Sample], bool]] = {
    "seen": converges,
    "path": path_certified,
    "tube": tube_certified,
}


def least_width(sample: Sample, of: str) -> Found:
    """Of m = 2, 4, 8, ... the first from which on most seeds succeed, there and at the next ``BEYOND`` doublings.

    One width alone says little: a network so narrow that no neuron lies near a boundary may be certified where wider ones are not.
    """
    said, start, m = (SEEN if of == "seen" else CERTIFIED), 2, 2
    while m <= sample.widest:
        if not _most(TRIED[of], sample, m):
            start = 2 * m
        elif m == start * 2**BEYOND:
            return _found(sample, of, start, said, sample.seeds)
        m *= 2
    return _found(sample, of, m // 2, NOT_REACHED, sample.seeds)


def _most(attempt: Callable[[TwoLayerNetwork, Sample], bool], sample: Sample, m: int) -> bool:
    """Whether more than half of an odd number of seeds succeed; seeds that cannot change the answer are not drawn."""
    needed = sample.seeds // 2 + 1
    succeeded = failed = 0
    for seed in range(sample.seeds):
        one = attempt(_network(sample, m, seed), sample)
        succeeded, failed = succeeded + one, failed + (not one)
        if max(succeeded, failed) == needed:
            break
    return succeeded == needed


def _network(sample: Sample, m: int, seed: int) -> TwoLayerNetwork:
    rng = np.random.default_rng([seed, m])
    return TwoLayerNetwork.initialise(m, sample.inputs.shape[1], sample.scale, rng, symmetric=True)


def ball_width(inputs: FloatArray, targets: FloatArray, scale: float) -> float:
    """Estimated: where C2-fro's or C2-spec's count in the paper's ball falls to that of C = 1/2.

    With lambda0 for lambda_min(G(0)), and of m neurons the expected ``m (2/pi)^{1/2} t/nu`` within t of an input's boundary: to flip these costs
    ``m (2/pi)^{1/2} t^3/(3 nu)`` of ``R^2 = 9 ||y||^2/lambda0``. On all inputs together (C2-fro), or all on one, times ``||X||_2^2`` (C2-spec).
    """
    eigenvalue, n = float(limiting_gram_eigenvalue(inputs)), len(targets)
    budget, allowed = 9 * float(targets @ targets) / eigenvalue, (CONSTANT / 3) ** 2 * eigenvalue
    density = math.sqrt(2 / math.pi) / scale
    counts = ((n, allowed), (1, allowed / float(input_norm_squared(inputs))))
    return min(3 * budget / (k * density * (share / (k * density)) ** 3) for k, share in counts)


def formulas(sample: Sample) -> list[Found]:
    """What the theorems ask for, symmetric, at delta = 0.1."""
    X, y, nu = sample.inputs, sample.targets, sample.scale
    tubes = [_found(sample, f"T3-tube {form}", tube_width(X, y, nu, DELTA, form=form), PROVED, 0) for form in FORMS]
    asked = width(X, y, nu, DELTA, CONSTANT, symmetric=True)
    return [*tubes, _found(sample, "T3", asked, PROVED, 0)]


def ball(sample: Sample) -> Found:
    """Estimated: the networks are too wide to be drawn."""
    m = 2 * math.ceil(ball_width(sample.inputs, sample.targets, sample.scale) / 2)
    return _found(sample, "ball", m, ESTIMATED, 0)


def rows_of(sample: Sample) -> Iterator[Found]:
    """All widths of one sample, the cheap ones first."""
    yield from formulas(sample)
    yield ball(sample)
    for of in TRIED:
        yield least_width(sample, of)


def _found(sample: Sample, of: str, m: int, known: str, seeds: int) -> Found:
    return Found(sample.name, len(sample.targets), sample.scale, of, m, known, seeds)


def stored() -> list[Found]:
    """What all_widths.csv holds."""
    text = files(__package__).joinpath(STORED).read_text(encoding="utf-8")
    return [
        Found(
            row["data"],
            int(row["n"]),
            float(row["scale"]),
            row["of"],
            int(row["width"]),
            row["known"],
            int(row["seeds"]),
        )
        for row in csv.DictReader(text.splitlines())
    ]


def written(rows: Iterable[Found]) -> str:
    """The text of the file."""
    lines = [",".join(field.name for field in fields(Found))]
    lines += [
        ",".join(f"{value:g}" if isinstance(value, float) else str(value) for value in asdict(row).values())
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Compute all, and write the file after each number."""
    target = Path(__file__).with_name(STORED)
    rows: list[Found] = []
    for sample in samples():
        for row in rows_of(sample):
            rows.append(row)
            print(*asdict(row).values(), flush=True)
            write_text_atomically(target, written(rows))


if __name__ == "__main__":
    main()
