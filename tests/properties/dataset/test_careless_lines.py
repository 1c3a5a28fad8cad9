"""The kinds of bounds stop the programs that hand a number of one kind to what prints, decides or allows on another."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import properties
from properties.chapters.kfac.kfac_instances import InputNumbers
from properties.dataset.contribution import Prediction
from properties.dataset.natural_gradient_numbers import NaturalGradientNumbers
from properties.dataset.report.dataset_view import reason
from properties.dataset.rung import RungContext
from properties.dataset.topics import gradient_data, kfac_real, real_data, width_data
from properties.engine.claim import Verdict
from properties.engine.decision import below
from tests.properties.dataset.data_line_cases import CASES, SEED
from theory.direction import Attained, CertifiedSteps, LowerBound, UpperBound, as_upper_bound, digits
from theory.errors import DirectionError, ShapeError
from theory.network.definiteness import Definiteness
from theory.network.gram import condition_number
from theory.rigour.input_bounds import input_bounds
from theory.stability import BallAttack, BallCertificate, PathCertificate, attack_ball, certify_ball


class Known:
    """What is at hand where a line is written."""

    @cached_property
    def context(self) -> RungContext:
        """A network for which Condition 2 is not decided."""
        case = CASES["undecided"]
        return RungContext(case.dataset, case.rung, SEED)

    @cached_property
    def attack(self) -> BallAttack:
        """Weights found in its ball."""
        one = self.context
        return attack_ball(one.net, one.inputs, one.y, rng=one.generator("attack"))

    @property
    def ball(self) -> BallCertificate:
        """Its certificate."""
        return self.context.ball

    @cached_property
    def path(self) -> PathCertificate:
        """That of NGD's path."""
        return self.context.path("ngd", 0.5, self.context.ngd_steps)

    @cached_property
    def numbers(self) -> InputNumbers:
        """Certified ones of X."""
        return InputNumbers.of(input_bounds(self.context.geometry))

    def half(self) -> BallCertificate:
        """The certificate of a smaller ball."""
        one = self.context
        return certify_ball(one.net, one.inputs, one.y, radius=float(one.radius) / 2)


def number(value: Any) -> Any:
    """A number as no type checker would let it pass."""
    return value


@pytest.fixture(scope="module")
def known() -> Known:
    return Known()


COMPUTED = InputNumbers(0.5, 1.0, 1.0, 1.0, 2.0)

CARELESS: dict[str, Callable[[Known], Any]] = {
    "Condition 2 decided by the attack": lambda one: below(0.5, number(one.attack.constant)),
    "Condition 2 decided by an estimate": lambda _: below(0.5, number(0.3)),
    "Condition 2 refuted by the certificate": lambda one: below(0.5, one.ball.constant, number(one.ball.constant)),
    "Condition 2 refuted by an estimate": lambda one: below(0.5, one.ball.constant, number(0.55)),
    "certificate and attack swapped": lambda one: below(
        0.5, UpperBound(float(one.attack.constant)), number(one.ball.constant)
    ),
    "the table's reason from swapped numbers": lambda one: reason(
        number(one.ball.constant), number(one.attack.constant), one.path.constant
    ),
    "a width's line from an attack": lambda one: width_data._certified(
        number(one.attack.constant), one.path.constant, "NGD"
    ),
    "step sizes from the attack": lambda one: real_data.step_limits(number(one.attack.constant)),
    "step sizes from an estimate": lambda _: real_data.step_limits(number(0.25)),
    "K-FAC's step sizes from the attack": lambda one: kfac_real.step_limits(number(one.attack.constant), one.numbers),
    "K-FAC's step sizes from computed leverage scores": lambda one: kfac_real.step_limits(one.path.constant, COMPUTED),
    "K-FAC's factor at a step size that nobody allowed": lambda one: kfac_real.rate(
        "T4", number(0.5), one.path.constant, one.numbers
    ),
    "GD's step size with a computed norm": lambda one: gradient_data.step_limit(one.path, number(1.0), "T0"),
    "a prediction for many steps": lambda _: Prediction("T1", UpperBound(0.5), number(10**6)),
    "a prediction from an estimated factor": lambda one: Prediction("T1", number(0.5), one.path.steps),
    "a path of more steps than it has": lambda one: replace(one.path, steps=CertifiedSteps(10**6)),
    "a path with a computed constant": lambda one: replace(one.path, constant=number(2 * one.path.constant)),
    "a ball with the attack's constant": lambda one: replace(one.ball, constant=number(one.attack.constant)),
    "an attack with the ball's constant": lambda one: replace(one.attack, constant=number(one.ball.constant)),
    "lambda from above": lambda one: replace(one.ball, lambda_min=number(UpperBound(0.5))),
    "definiteness from a computed eigenvalue": lambda _: Definiteness(2, None, number(0.1), UpperBound(0.2)),
    "kappa from the wrong ends": lambda _: condition_number(number(LowerBound(0.5)), LowerBound(0.25)),
    "the radius of a smaller ball": lambda one: as_upper_bound(one.half().radius, "the radius"),
    "an estimate printed as a bound": lambda one: digits(number(one.context.residual_norm)),
    "the attack written down as the certificate": lambda one: NaturalGradientNumbers(
        ball_constant=number(one.attack.constant)
    ),
}


@pytest.mark.parametrize("name", CARELESS)
def test_a_number_of_another_kind_is_refused(name: str, known: Known) -> None:
    with pytest.raises((DirectionError, ShapeError)):
        CARELESS[name](known)


def test_the_same_calls_with_the_right_kinds_are_not(known: Known) -> None:
    one = known
    below(0.5, one.ball.constant, one.attack.constant)
    reason(one.attack.constant, one.ball.constant, one.path.constant)
    allowed = kfac_real.step_limits(one.path.constant, one.numbers)["T4"]
    Prediction("T4", kfac_real.rate("T4", allowed, one.path.constant, one.numbers), one.path.steps)
    NaturalGradientNumbers(ball_constant=one.ball.constant, attack_constant=one.attack.constant)
    assert real_data.step_limits(one.ball.constant)["T1-sharp"] > 0
    assert digits(one.context.radius)


VOUCHES = re.compile(r"\b(?:UpperBound|LowerBound|Attained|CertifiedSteps)\((?!\))")
"""A number is called a bound; a pattern of a match, without one, is none."""

READERS = {
    "dataset/natural_gradient_numbers.py",
    "dataset/report/dataset_view.py",
    "pictures/report/picture_texts.py",
}
"""They read again what certificates have written."""

RATIONAL = {"guard/instances.py", "chapters/tube/width_instances.py"}
"""Eigenvalues of rational matrices, from their exact inverses; a form ``r^T G^{-1} r`` from its defect, rounded up."""


def test_only_the_theory_vouches_for_numbers() -> None:
    """What prints and decides passes bounds on, and makes none: a calculation in it gives a plain number."""
    root = Path(properties.__file__).parent
    found = {str(file.relative_to(root)) for file in root.rglob("*.py") if VOUCHES.search(file.read_text("utf-8"))}
    assert found == READERS | RATIONAL


def test_at_the_limit_itself_an_attained_value_refutes_and_a_certificate_says_nothing() -> None:
    """A condition asks for C below its limit."""
    assert below(0.5, UpperBound(0.6), Attained(0.5)) is Verdict.REFUTED
    assert below(0.5, UpperBound(0.5)) is below(0.5, UpperBound(0.5), Attained(0.4)) is Verdict.UNDECIDED
    assert below(0.5, UpperBound(math.nextafter(0.5, 0)), Attained(0.4)) is Verdict.HOLDS
    with pytest.raises(DirectionError, match="one of the two is no bound"):
        below(0.5, UpperBound(0.4), Attained(0.45))
