"""What is said of data sets on which little can be certified: singular kernels, nothing to learn, rows that are parallel as given."""

from __future__ import annotations

import re

import pytest

from properties.dataset.ladder import Rung
from properties.dataset.report.dataset_answer import grounds
from properties.dataset.report.dataset_view import rung_rows
from properties.dataset.rung import RungContext
from tests.properties.dataset.data_line_cases import SEED, THREE, Case
from tests.properties.dataset.exact_rung import ExactRung

NARROW = Rung(3, 16, 1.0, False, 64)
EQUAL = Case(((1.0, 2.0), (2.0, 4.0), (2.0, -1.0)), (1.0, 0.5, 0.25), NARROW, "")
"""The first two rows are equal once normalised."""
PARALLEL = Case(((1.0, 3.0), (7.0, 21.0), (2.0, -1.0)), (1.0, 0.5, 0.25), NARROW, "")
"""Here they differ by a rounding."""
ZERO = Case(THREE, (0.0, 0.0, 0.0), Rung(3, 16, 1.0, True, 64), "")


@pytest.mark.parametrize("case", [EQUAL, PARALLEL, ZERO], ids=["equal", "parallel", "zero"])
def test_no_word_of_success_stands_where_nothing_is_certified(case: Case) -> None:
    shown = case.shown()
    (row,) = rung_rows(shown.entry["certificate"])
    network = [line for line in shown.lines[4:] if "lambda_min(G(0)) >=" not in line]
    said = " ".join([*network, grounds(shown.entry["certificate"]), row.reason])
    assert not re.search(r"\bholds\b|certified over|certified along|certified for \d|proved|guarantees", said)
    assert "no step of NGD is certified" in grounds(shown.entry["certificate"])
    assert shown.entry["verdict"] == "unchecked"
    assert not any(row.steps)
    assert not any(row.ball_steps)
    assert (row.predicted, row.certified_steps) == (None, None)


def test_rows_equal_once_normalised_have_a_singular_gram_matrix() -> None:
    shown = EQUAL.shown()
    lines = "\n".join(shown.lines)
    assert "Condition 1 fails: G(0) is singular: inputs 0 and 1 are equal" in lines
    context = RungContext(EQUAL.dataset, EQUAL.rung, SEED)
    exact = ExactRung(context.inputs, context.y, context.net.weights, context.net.signs)
    assert exact.eigenvalues[0].contains(0)


def test_parallel_rows_that_a_rounding_separates_have_a_certified_eigenvalue_below_the_true_one() -> None:
    lines = "\n".join(PARALLEL.shown().lines)
    found = set(re.findall(r"G\(0\) is positive definite, lambda_min >= (\S+) \(certified\)", lines))
    (printed,) = map(float, found)
    context = RungContext(PARALLEL.dataset, PARALLEL.rung, SEED)
    exact = ExactRung(context.inputs, context.y, context.net.weights, context.net.signs)
    least = exact.eigenvalues[0]
    assert 0.99 / 3 * least < printed <= least  # the bound is 1/tr G^{-1}, at least lambda_min/n, in three digits


@pytest.mark.parametrize("case", [EQUAL, PARALLEL], ids=["equal", "parallel"])
def test_widths_say_which_rows_as_given_are_parallel(case: Case) -> None:
    """The unit rows of ``PARALLEL`` are not parallel: what is said of the user's rows must not be decided on them."""
    lines = case.shown().lines
    verdict = "G_inf and S_inf are singular: rows 0 and 1 point the same way; remove one of each"
    assert f"  {verdict}" in lines
    for theorem, name in (("T3", "lambda0"), ("T4-width", "lambda_S")):
        (line,) = [line for line in lines if line.strip().startswith(f"{theorem} ")]
        assert f"{theorem} says nothing (no positive lower bound of {name} is certified: {verdict})" in line
        assert "no two rows are parallel" not in line
    assert "  closest pair: rows 0 and 1 at 0 rad" in lines


def test_nothing_to_learn_is_not_compared() -> None:
    shown = ZERO.shown()
    assert any("nothing to learn: the outputs at initialisation equal the targets" in line for line in shown.lines)
    assert not any(line.strip().startswith(("NGD", "K-FAC", "GD", "T", "Condition 2")) for line in shown.lines)
