"""Small data sets with one network each, the certificate that the package gives, and what is true of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from properties.claim import Depth
from properties.dataset_certificate import DatasetCertificate, certify_dataset
from properties.datasets import NORMALISED, Dataset
from properties.ladder import Rung
from properties.report.dataset_answer import answer
from properties.report.dataset_view import rung_rows
from properties.report.entries import dataset_entry
from properties.report.plain import plain
from properties.rung import RungContext
from tests.properties.compared_inputs import input_complaints
from tests.properties.compared_lines import complaints
from tests.properties.data_lines import Truth
from tests.properties.exact_rung import ExactRung, rational
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

    @cached_property
    def dataset(self) -> Dataset:
        """The data set."""
        made = data_set(self.raw, self.targets)
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
        return Truth(exact, self.rung.scale, self.rung.symmetric, (found[0], found[1]))

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
        rows = [[rational(x) for x in given] for given in self.raw]
        wrong = input_complaints(shown.lines, content["inputs"], rows)
        return wrong + complaints(shown.lines, content["rungs"][0], row, answer(content), self.truth)


PAIR = ((3.0, 4.0), (5.0, -12.0))
THREE = ((1.0, 2.0), (2.0, -1.0), (-3.0, 1.0))
FOUR = ((1.0, 0.0), (1.0, 1.0), (-1.0, 2.0), (-2.0, -1.0))


CASES: dict[str, Case] = {
    "holds": Case(((1.0, 2.0), (-2.0, 1.0)), (0.004, 0.003), Rung(2, 96, 1.0, False, 64), "holds", True),
    "undecided": Case(THREE, (0.002, -0.0014, 0.0008), Rung(3, 192, 1.0, True, 64), "not decided"),
    "every theorem on its path": Case(PAIR, (0.6, -0.4), Rung(2, 96, 4.0, True, 64), "fails"),
    "no theorem": Case(FOUR, (1.0, -0.4, 0.5, 0.2), Rung(4, 32, 4.0, True, 64), "fails"),
    "independent": Case(THREE, (1.0, -1.0, 0.5), Rung(3, 16, 1.0, False, 64), "fails"),
}
