"""Small data sets with one network each, the certificate that the package gives, and what is true of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, fmpq
from threadpoolctl import threadpool_limits

from properties.dataset.certificate import DatasetCertificate, certify_dataset
from properties.dataset.ladder import Rung
from properties.dataset.report.dataset_answer import answer, grounds
from properties.dataset.report.dataset_entry import dataset_entry
from properties.dataset.report.dataset_view import rung_rows
from properties.dataset.rung import RungContext
from properties.dataset.transformations import standardised
from properties.engine.claim import Depth
from properties.engine.report.plain import plain
from properties.reading.datasets import NORMALISED, Dataset
from tests.properties.dataset.compared_inputs import direction, input_complaints, row_complaints
from tests.properties.dataset.compared_lines import complaints
from tests.properties.dataset.data_lines import Truth
from tests.properties.dataset.exact_rung import ExactRung, precise, rational
from tests.properties.dataset.exact_tube import pattern_tube_progress, tube_progress
from theory.inputs import FloatArray, normalise_rows
from theory.stability import attack_ball

SEED = 0

BROKEN = "it broke off:"
"""How a complaint begins where the package did not get to say anything."""


def data_set(raw: Sequence[Sequence[float]], y: Sequence[float] | FloatArray) -> Dataset:
    """Rows as given, of any norm."""
    given = np.array(raw, dtype=float)
    return Dataset("made", normalise_rows(given), np.array(y, dtype=float), given, f"drawn; {NORMALISED}")


@dataclass(frozen=True)
class Shown:
    """Everything that is shown of a data set with one network."""

    certificate: DatasetCertificate

    @cached_property
    def entry(self) -> Any:
        """What the report is made of."""
        return plain(dataset_entry(data_set([[1.0, 0.0]], [1.0]), self.certificate, 0.5))

    @property
    def lines(self) -> list[str]:
        """The terminal's."""
        return self.certificate.lines()


@dataclass(frozen=True)
class Case:
    """Rows of small integers, targets, a network, and how Condition 2 stands over its ball."""

    raw: tuple[tuple[float, ...], ...]
    targets: tuple[float, ...]
    rung: Rung
    standing: str
    near_outputs: bool = False
    """Whether the targets are added to the network's own outputs, rounded to three decimals: a small residual."""
    standardise: bool = False
    """Whether columns are centred and scaled first."""

    @property
    def rows(self) -> list[list[fmpq]]:
        """The rows on which kernels are decided, exactly but for the 192 bits of a standard deviation."""
        given = [[rational(x) for x in row] for row in self.raw]
        return standard(given) if self.standardise else given

    @property
    def dataset(self) -> Dataset:
        """The data set."""
        made = data_set(self.raw, self.targets)
        if self.standardise:
            return standardised(made)
        if not self.near_outputs:
            return made
        outputs = RungContext(made, self.rung, SEED).net.outputs(made.X)
        return data_set(self.raw, np.round(outputs, 3) + made.y)

    @cached_property
    def truth(self) -> Truth:
        """What is true of it."""
        context = RungContext(self.dataset, self.rung, SEED)
        net, rows = context.net, context.inputs
        exact = ExactRung(rows, context.y, net.weights, net.signs)
        found = [
            attack_ball(net, rows, context.y, rng=context.generator(purpose), condition=condition).weights
            for purpose, condition in (("attack", "2"), ("K2", "K2"))
        ]
        own, patterns = tube_progress(net, rows, context.y), pattern_tube_progress(net, rows, context.y)
        attacked = found[0], found[1]
        return Truth(exact, self.rung.scale, self.rung.symmetric, attacked, own, patterns, bool(self.standing))

    def shown(self) -> Shown:
        """What the package says now."""
        with threadpool_limits(1, user_api="blas"):
            return Shown(certify_dataset(self.dataset, Depth.QUICK, SEED, [self.rung]))

    def complaints(self) -> list[str]:
        """What is wrong with it."""
        shown = self.shown()
        if shown.certificate.unexpected:
            return [f"{BROKEN} {text.strip().splitlines()[-1]}" for text in shown.certificate.unexpected]
        content = shown.entry["certificate"]
        (row,) = rung_rows(content)
        wrong = [
            *row_complaints(self.dataset.X, self.rows),
            *input_complaints(shown.lines, content["inputs"], self.rows),
        ]
        return wrong + complaints(
            shown.lines, content["rungs"][0], row, (answer(content), grounds(content)), self.truth
        )


@precise
def standard(rows: list[list[fmpq]]) -> list[list[fmpq]]:
    """Every column less its mean, over the root of its mean square."""
    columns = []
    for column in zip(*rows, strict=True):
        centred = [x - sum(column, fmpq(0)) / len(column) for x in column]
        size = arb(sum((x * x for x in centred), fmpq(0)) / len(column)).sqrt()
        columns.append([rational(x / size) for x in centred])
    return [list(row) for row in zip(*columns, strict=True)]


PAIR = ((3.0, 4.0), (5.0, -12.0))
THREE = ((1.0, 2.0), (2.0, -1.0), (-3.0, 1.0))
RAW = ((1.0, 1000.0), (2.0, 3000.0), (4.0, -1000.0))
FOUR = ((1.0, 0.0), (1.0, 1.0), (-1.0, 2.0), (-2.0, -1.0))


CASES: dict[str, Case] = {
    "holds": Case(((1.0, 2.0), (-2.0, 1.0)), (0.004, 0.003), Rung(2, 96, 1.0, False, 64), "holds", True),
    "undecided": Case(THREE, (0.002, -0.0014, 0.0008), Rung(3, 192, 1.0, True, 64), "not decided"),
    "every theorem on its path": Case(PAIR, (0.6, -0.4), Rung(2, 96, 4.0, True, 64), "fails"),
    "K-FAC on smaller steps only": Case(PAIR, (0.6, -0.4), Rung(2, 32, 4.0, True, 64), "fails"),
    "no theorem": Case(FOUR, (1.0, -0.4, 0.5, 0.2), Rung(4, 32, 4.0, True, 64), "fails"),
    "standardised": Case(RAW, (1.0, -0.5, 0.25), Rung(3, 32, 4.0, True, 64), "fails", standardise=True),
    "independent": Case(THREE, (1.0, -1.0, 0.5), Rung(3, 16, 1.0, False, 64), "fails"),
}


def drawn(seed: int) -> Case | None:
    """Two to four rows of small integers with some network; None where they are all parallel, or eigenvalues may coincide."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 5))
    raw = tuple((float(a), float(b)) for a, b in rng.integers(-4, 5, (n, 2)))
    symmetric, near = bool(rng.integers(2)), bool(rng.integers(2))
    size = float(rng.choice([1e-3, 0.1, 1.0]))
    targets = tuple(size * float(k) / 4 for k in rng.integers(1, 9, n))
    rung = Rung(n, int(rng.choice([16, 32, 64])), float(rng.choice([1.0, 4.0])), symmetric, 64)
    found = [direction([rational(a), rational(b)]) for a, b in raw if a or b]
    directions = {max(one, (-one[0], -one[1])) for one in found}
    if len(directions) < n:
        return None
    return Case(raw, targets, rung, "", near and not symmetric)
