"""C2-tube-ratio and T1-tube-sharp on their instances: worst cases, the counterexample, and that every form is reached."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from properties.chapters.tube.patterns import KERNELS, TubePatterns, adversary, build, crowded, nearly_equal, one_input
from properties.chapters.tube.ratio import SharpRatio, TubeRatio, from_above
from properties.chapters.tube.ratio_slack import SLACK, measured_rows, towards_each_other
from properties.engine.claim import Verdict, as_float
from properties.exact.eigenvalues import float_matrix
from theory.theorems import tube_ratio

WITH_ONE_AN_INPUT = "the tube of 4 orthonormal inputs, m = 2000, nu = 3, a width an input"
DRAWN = {"kinds": 3, "active_tenths": 5, "flip_tenths": 5, "alone": 4, "unequal": 4}


def exhausted(given: TubePatterns) -> float:
    """The largest ratio over all activations and means in the tube that are the same for all neurons of a kind."""
    places = np.argwhere(np.array(given.flips))
    largest = 0.0
    for states in product(((0, 0), (0, 1), (1, 0), (1, 1)), repeat=len(places)):
        pattern, mean = np.array(given.pattern), np.array(given.mean)
        for place, state in zip(places, states, strict=True):
            pattern[*place], mean[*place] = state
        rows = [tuple(tuple(int(a) for a in row) for row in one) for one in (pattern, mean)]
        largest = max(largest, replace(given, pattern=rows[0], mean=rows[1]).attained)
    return largest


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_pattern_exceeds_the_ratio_and_the_adversary_comes_close(kernel: str) -> None:
    for seed in range(4):
        given = build({**DRAWN, "inputs": 2, "kernel": kernel, "seed": seed})
        if np.sum(given.flips) > 5 or not all(one.margin > 0 for one in TubeRatio().hypotheses(given)):
            continue
        largest = exhausted(given)
        assert 0.9 * largest <= given.attained <= largest * (1 + 1e-12)
        mu = from_above(TubeRatio().least(TubeRatio().numbers(given)))
        assert mu is not None
        assert largest <= as_float(mu) * (1 + 1e-12)


def test_one_input_attains_the_third_form_exactly() -> None:
    given = one_input({"constant": 30, "flipping": 10})
    at = TubeRatio().numbers(given)
    assert TubeRatio().least(at) == fmpq(1, 4) == SharpRatio().form(at)
    assert given.product * fmpq(-4) == given.gram


def test_two_nearly_equal_inputs_attain_the_second_form_in_the_limit() -> None:
    given = nearly_equal({"nearness": 2**14, "first": 10, "second": 10**7, "both": 10})
    at = TubeRatio().numbers(given)
    half = from_above(tube_ratio.second_ratio(at.tau, at.lambda_c))
    assert half is not None
    assert 0.999 * as_float(half) < given.attained < as_float(half)


def test_above_lambda_c_the_sharp_form_is_exceeded() -> None:
    given = nearly_equal({"nearness": 2**10, "first": 10, "second": 10**5, "both": 10})
    at = TubeRatio().numbers(given)
    assert at.lambda_b == at.lambda_c
    assert 1.99 < as_float(at.xi / at.lambda_c) < 2.01
    claimed = at.xi / (at.lambda_c + at.xi)
    assert given.attained > 1.05 * as_float(claimed)
    (bound,) = replace(SharpRatio(limited=False), form=lambda at: at.xi / (at.lambda_c + at.xi)).bounds(given)
    assert bound.verdict is Verdict.REFUTED


def test_an_adversary_improves_and_stays_in_the_tube() -> None:
    given = build({**DRAWN, "inputs": 3, "kernel": "wide", "seed": 5})
    rows = given.start
    before = replace(given, pattern=rows, mean=rows)
    after = adversary(before)
    assert before.attained == 0 < after.attained
    assert after.inside
    moved = tuple(tuple(1 - a for a in row) for row in rows)
    assert not replace(given, pattern=moved).inside


def test_its_numbers_are_those_of_dense_matrices() -> None:
    given = build({**DRAWN, "inputs": 3, "kernel": "wide", "seed": 11})
    neurons = np.repeat(np.arange(len(given.counts)), given.counts)
    A, B, now, mean = (np.array(one)[neurons].T for one in (given.start, given.flips, given.pattern, given.mean))
    K, width = float_matrix(given.kernel), len(neurons)
    possible, touched = np.maximum(A, B), B.any(axis=0)
    certain = possible * (1 - B)
    gram = K * (A @ A.T) / width
    change = np.abs(K) * np.maximum(possible @ possible.T - A @ A.T, A @ A.T - certain @ certain.T) / width
    assert as_float(given.change_norm) == pytest.approx(
        np.linalg.norm(np.abs(K) * (B @ possible.T) / width, 2), rel=1e-8, abs=1e-8
    )
    assert as_float(given.tau) == pytest.approx(np.linalg.norm(np.abs(K) * (B @ B.T) / width, 2), rel=1e-8, abs=1e-8)
    some = possible[:, touched]
    assert as_float(given.tau_2) == pytest.approx(
        np.linalg.norm(np.abs(K) * (some @ some.T) / width, 2), rel=1e-8, abs=1e-8
    )
    rest = A[:, ~touched]
    assert as_float(given.constant) == pytest.approx(
        np.linalg.eigvalsh(K * (rest @ rest.T) / width)[0], rel=1e-8, abs=1e-8
    )
    assert as_float(given.smallest) == pytest.approx(np.linalg.eigvalsh(gram)[0], rel=1e-8, abs=1e-8)
    assert as_float(given.gram_change) == pytest.approx(np.linalg.norm(change, 2), rel=1e-8, abs=1e-8)
    X, G = K * ((mean - now) @ now.T) / width, K * (now @ now.T) / width
    assert given.attained == pytest.approx(np.linalg.norm(X @ np.linalg.inv(G), 2), rel=1e-10)


def test_balls_are_rounded_up_to_a_rational_number() -> None:
    assert from_above(fmpq(2, 3)) == fmpq(2, 3)
    assert from_above(float("inf")) is None
    root = from_above(tube_ratio.second_ratio(fmpq(2), fmpq(1)))
    assert root is not None
    assert root * root > fmpq(1, 2)
    assert root * root < fmpq(1, 2) + fmpq(1, 2**50)


def test_patterns_of_one_kind_sum_up_exactly() -> None:
    given = one_input({"constant": 3, "flipping": 2})
    assert given.sum(given.start, given.start) == fmpq_mat([[1]])
    assert given.constant == fmpq(3, 5)
    assert given.tau == given.tau_2 == given.change_norm == fmpq(2, 5)
    assert given.gram_change == fmpq(2, 5)


def test_above_lambda_c_the_sharp_form_is_exceeded_with_a_larger_lambda_b() -> None:
    given = crowded({"half": 18, "nearness": 4, "pair": 2, "all": 1, "first": 10**4})
    at = TubeRatio().numbers(given)
    assert given.inside
    assert fmpq(9, 5) * at.lambda_c < at.lambda_b
    assert as_float(at.xi / at.lambda_b) == pytest.approx(0.195, abs=5e-4)
    assert given.attained == pytest.approx(0.1666, abs=1e-4)
    assert as_float(at.xi / (at.lambda_b + at.xi)) == pytest.approx(0.1631, abs=1e-4)
    # P13.44: a lower bound of what is attained, with the sum of the inputs for v; in the limit of many neurons at the first input
    assert 3 / np.sqrt(333) < given.attained


def test_two_orthogonal_inputs_attain_the_sharp_form_with_a_larger_lambda_b() -> None:
    still, loses = ((1, 1), (1, 1)), ((1, 0), (0, 1))
    given = TubePatterns(fmpq_mat([[1, 0], [0, 1]]), (1, 1), still, loses, still, ((0, 1), (1, 0)))
    at = TubeRatio().numbers(given)
    assert at.lambda_c == 0 < at.lambda_b
    assert given.attained == pytest.approx(0.5, rel=1e-15)
    assert as_float(at.xi / (at.lambda_b + at.xi)) == pytest.approx(0.5, rel=1e-8)


def test_the_slack_rows_are_what_is_certified_beside_what_is_attained() -> None:
    measured = [*measured_rows("T1-tube"), *measured_rows("T4-tube")]
    for claim, tubes in (("T1-tube", 4), ("T4-tube", 2)):
        of_claim = [row for row in measured if row.claim == claim]
        for quantity in ("mu in the tube", "the largest ||", "the widths, in units of b"):
            rows = [row for row in of_claim if row.quantity.startswith(quantity)]
            assert len(rows) == tubes
            for row in rows:
                assert row.proved is not None
                assert row.refuted is not None
                assert 0.3 * row.proved < row.refuted <= row.proved <= 1
    factors = [row for row in measured if row.quantity.startswith("the largest ||")]
    assert all(0.5 < (row.refuted or 0) < (row.proved or 0) for row in factors)
    (least,) = (row for row in measured if row.quantity == "the widths, in units of b, in " + WITH_ONE_AN_INPUT)
    assert least.remark.endswith("shares 0.86, 0.90, 0.52 are used: the next factor lies in the widths beside S")
    near = towards_each_other(4)
    assert near @ near.T == pytest.approx(np.full((4, 4), 2 / 3) + np.eye(4) / 3, rel=1e-12)
    (limit,) = (row for row in SLACK if row.quantity == "the largest xi/lambda_c")
    assert limit.refuted is not None
    assert 1.45 < limit.refuted < 1.55
    given = nearly_equal({"nearness": 2**14, "first": 12, "second": 10**7, "both": 9})
    assert given.attained > limit.refuted / (1 + limit.refuted)
