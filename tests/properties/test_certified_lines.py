"""What is said of ball and tube: each number under its name, rounded to the safe side, and nothing where nothing is certified."""

import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from theory.direction import LowerBound, UpperBound, digits
from theory.streaming.certificate import StreamedCertificate, stream_certificate
from verified_natural_gradient.certified_lines import certificate_lines


@pytest.fixture(scope="module")
def small() -> StreamedCertificate:
    """Of two rows, with bounds that are easy to recognise."""
    found = stream_certificate(np.eye(2), np.array([1.0, -1.0]), 400)
    assert found.ball is not None
    start = replace(found.start, lambda_min=LowerBound(0.123456789))
    return replace(found, start=start, ball=replace(found.ball, radius=UpperBound(3.45678901)), tube=None)


def with_constant(found: StreamedCertificate, constant: float) -> StreamedCertificate:
    assert found.ball is not None
    return replace(found, ball=replace(found.ball, constant=UpperBound(constant)))


def test_every_number_stands_under_its_name_rounded_to_the_safe_side(small: StreamedCertificate) -> None:
    """T1's limit at C = 0.49 is 0.00900860321...; at C = 1/4 it is (1 - 1/2)/(5/4)^2 = 0.32."""
    assert certificate_lines(with_constant(small, 0.49)) == [
        f"Condition 1: lambda_min(G(0)) >= 0.123456 (certified), ||r(0)|| <= {digits(small.start.residual_norm)} (certified)",
        "Condition 2 on the paper's ball, radius <= 3.45679 (certified): C <= 0.49 (certified)",
        "  T1: ||r(k)||^2 <= (1-eta)^k ||r(0)||^2 for every 0 < eta <= 0.0090086 and every k (certified)",
    ]
    limit = re.fullmatch(r".* eta <= (\S+) and every k \(certified\)", certificate_lines(with_constant(small, 0.2))[2])
    assert limit is not None
    assert 0 <= Fraction(6, 10) / Fraction(12, 10) ** 2 - Fraction(limit[1]) < Fraction(2, 10**6)


@pytest.mark.parametrize("constant", [0.5, 0.75, 1.2])
def test_t1_says_nothing_from_one_half_on(small: StreamedCertificate, constant: float) -> None:
    assert certificate_lines(with_constant(small, constant))[2:] == ["  T1 asks for C < 1/2"]


def test_mu_and_the_path_sum_are_told_apart(small: StreamedCertificate) -> None:
    known = stream_certificate(np.eye(2), np.array([1.0, -1.0]), 20_000, ball=False).tube
    assert known is not None
    assert known.certified
    tube = replace(known, contraction=UpperBound(0.123456789), path_sum=UpperBound(1.23456789))
    assert certificate_lines(replace(small, ball=None, tube=tube))[1:] == [
        "Tube: mu <= 0.123457, path sum <= 1.23457 (certified)",
        "  T1-tube: ||r(k)|| <= (1-(1-mu)eta)^k ||r(0)|| for every 0 < eta <= 1 and every k (certified)",
    ]


@pytest.mark.parametrize("smallest", [0.0, -1.0])
def test_without_condition_1_nothing_is_said_of_condition_2(small: StreamedCertificate, smallest: float) -> None:
    found = replace(with_constant(small, 0.3), start=replace(small.start, lambda_min=LowerBound(smallest)))
    assert certificate_lines(found) == [
        "Condition 1 is not certified: no positive lambda_min(G(0)); take other inputs, or more neurons"
    ]
