"""T0 without Condition 1: linear maps with a Jacobian of rank one, in exact rational arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flint import fmpq

from properties.descent import singular as ngd_singular
from properties.descent.singular import SingularRun
from properties.engine.claim import Bound, Hypothesis, at_most_exactly, require
from theory.rigour.exact import rational_matrix


def hypotheses(instance: SingularRun) -> Sequence[Hypothesis]:
    """There is something to learn, and an eigenvalue that is not zero: Condition 1 is what the mutant drops."""
    size = float(abs(instance.jacobian).max())
    return [*ngd_singular.hypotheses(instance), require("J(0) is not zero", size - 1.0)]


def conclusion(decrease: Callable[[fmpq], fmpq], instance: SingularRun) -> Sequence[Bound]:
    """``||r(1)||^2 <= (1 - decrease) ||r(0)||^2`` exactly, lambda = tr G and ``x = eta lambda`` a share of 1.

    G has rank one, so that its trace is its only eigenvalue that is not zero; C = 0, and the decrease is x for T0,
    x (2 - x) for T0-sharp.
    """
    jacobian = rational_matrix(instance.jacobian)
    gram = jacobian * jacobian.transpose()
    share = instance.eta
    residual = rational_matrix(-instance.targets[:, None])
    moved = gram * residual
    trace = sum((gram[i, i] for i in range(gram.nrows())), fmpq(0))
    after = [residual[i, 0] - share / trace * moved[i, 0] for i in range(gram.nrows())]
    measured = sum((value * value for value in after), fmpq(0))
    predicted = (1 - decrease(share)) * sum((residual[i, 0] ** 2 for i in range(gram.nrows())), fmpq(0))
    return [at_most_exactly("||r(1)||^2 <= (1 - decrease) ||r(0)||^2", measured, predicted)]


def parts(decrease: Callable[[fmpq], fmpq]) -> tuple[Any, ...]:
    """What a mutant without Condition 1 is made of (``singular.without_condition_1``)."""
    return partial(conclusion, decrease), ngd_singular.SINGULAR, hypotheses
