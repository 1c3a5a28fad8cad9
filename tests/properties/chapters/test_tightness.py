"""Every conclusion is as near to its nearest instance as it was: one that is weaker by one factor, or by a thousandth, is further away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from properties import registry
from properties.chapters.generalisation import rademacher
from properties.chapters.kernels import kernel_bounds
from properties.chapters.kernels import kernels as kernels_claims
from properties.chapters.kfac import kfac_frozen
from properties.chapters.ngd import ngd_step
from properties.chapters.width import initial_residual
from properties.descent.rule import Rule, residual_falls
from tests.properties.chapters.tightness import CLAIMS, FILE, RUNS, Nearest, known
from tests.properties.engine.run.planted import planted
from theory.theorems import general_loss, gradient_descent, kernels, kfac, ngd, ngd_line, ngd_sharp

NEAREST = known()

RUN, LENGTH = "over the run", "length of the path"
EXACT_RUN, EXACT_LENGTH = "on the exact trajectory", "length of the exact path"
"""What the labels of runs and paths say, in float64 and in balls."""


def of(claims: Sequence[str], said: str) -> list[Nearest]:
    """The nearest instances of some claims' bounds whose labels say this."""
    return [one for one in NEAREST if one.claim in claims and said in one.bound]


@pytest.mark.parametrize("nearest", NEAREST, ids=lambda one: f"{one.claim} {one.bound} {'short' * one.short}")
def test_the_nearest_instance_is_as_near_as_it_was(nearest: Nearest) -> None:
    assert nearest.is_reached(registry[nearest.claim]), nearest.reached(registry[nearest.claim])


def test_the_file_says_which_bounds_are_attained() -> None:
    """And by which family: the steps of T1-sharp, T4-sharp and T1-q by spike maps, the angle of T1-line-sharp by one that turns."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    assert [row["attained"] for row in rows] == [one.attained for one in NEAREST]
    attained = {(one.claim, one.family) for one in NEAREST if one.attained}
    expected = [
        ("T1-q", "F4"),
        ("T1-sharp", "F4"),
        ("T1-first", "F4"),
        ("T4-sharp", "F4"),
        ("T4-least", "F4"),
        ("T1-line-sharp", "F4-turn"),
    ]
    lemma = [
        ("T1-sharp-adversary", "ascent-worst"),
        ("T1-lemma-S", "ascent-worst"),
        ("K-sep", "general rows"),
        ("T5-rad", "linear"),
    ]
    assert {*expected, *lemma} <= attained


def test_every_claim_with_a_rate_has_its_nearest_instances() -> None:
    assert {one.claim for one in NEAREST} == set(CLAIMS)
    for said in (RUN, LENGTH):
        assert {one.claim for one in of(CLAIMS, said)} == {*RUNS, "T1-radius"}


def test_claims_with_a_rate_are_found() -> None:
    assert {"T1", "T1-q", "T2", "T4-least", "T0", "T1-first", "T1-step", "K-sep"} <= set(CLAIMS)
    assert {"T1-tight", "T1-first", "C2-fro"}.isdisjoint(RUNS)


Edit = tuple[Any, str, str]

STATED, CONFIRM, BALLS = Rule.conclusion, Rule.confirm, Rule._on_exact_steps


def both(here: tuple[str, str], confirmed: tuple[str, str]) -> list[Edit]:
    """The same fault in float64 and in the confirmation."""
    return [(STATED, *here), (CONFIRM, *confirmed)]


_POWER, _CONFIRMED_POWER = "factor ** len(steps) * first.before", "at.once(self.factor) ** len(exact) * first"
_LESS = both(
    (_POWER, _POWER.replace("len(steps)", "(len(steps) - 1)")),
    (_CONFIRMED_POWER, _CONFIRMED_POWER.replace("len(exact)", "(len(exact) - 1)")),
)
_MORE = both((_POWER, f"1.001 * {_POWER}"), (_CONFIRMED_POWER, f"1.001 * {_CONFIRMED_POWER}"))
_STEP: list[Edit] = [(residual_falls, "        factor * step.before,", "        1.001 * factor * step.before,")]
_PATH = both(
    ("allowed = self.radius(", "allowed = 1.001 * self.radius("),
    ("length, self.radius(", "length, 1.001 * self.radius("),
)
_SEGMENT = both(
    ("for step in steps)\n    error", "for step in steps[:-1])\n    error"),
    ("for step in exact)", "for step in exact[:-1])"),
)

FAULTS: tuple[tuple[str, list[Edit], list[Nearest]], ...] = (
    ("a run: one factor less", _LESS, of(CLAIMS, RUN)),
    ("a run: 1.001", _MORE, of(CLAIMS, RUN)),
    ("a step: 1.001", _STEP, of(CLAIMS, "<= factor ||r(k)|| from the stored iterate k")),
    ("a path: 1.001", _PATH, of(CLAIMS, LENGTH)),
    ("a path: the last segment dropped", _SEGMENT, of(CLAIMS, LENGTH)),
    ("an exact run: one factor less", [(BALLS, "allowed = [], at.once(self.factor), steps[0].before\n", "allowed = [], at.once(self.factor), steps[0].before / self.factor(at)\n")], of(CLAIMS, EXACT_RUN)),
    ("an exact path: 1.001", [(BALLS, "radius = self.radius(", "radius = 1.001 * self.radius(")], of(CLAIMS, EXACT_LENGTH)),
    ("T1's rate", [(ngd.rate, "square_root(1 - eta)", "square_root(1 - 99 * eta / 100)")], of(["T1"], RUN)),
    ("T1-q's rate", [(ngd.rate, "1 - eta * (1 - deficit(C))", "1 - 999 * eta * (1 - deficit(C)) / 1000")], of(["T1-q"], "stored iterate")),
    ("T1-sharp's rate", [(ngd_sharp.rate, "/ contraction_ratio(C)", "* 999 / 1000 / contraction_ratio(C)")], of(["T1-sharp"], "stored iterate")),
    ("T1-first's rate", [(ngd.first_step_rate, "eta * checked_constant(C) / 3", "1001 * eta * checked_constant(C) / 3000")], of(["T1-first"], "stored iterate")),
    ("T1-step's rate", [(ngd.step_rate, "eta * magnitude(variation", "1001 * eta / 1000 * magnitude(variation")], of(["T1-step"], "eps_k")),
    ("T1-q's radius", [(ngd.radius, "unit / (1 - C)", "1001 * unit / (1 - C) / 1000")], of(["T1-q"], LENGTH)),
    ("T1's radius", [(ngd.radius, "2 / (1 - c)", "1001 / (1 - c) / 500")], of(["T1"], LENGTH)),
    ("T1-sharp's radius", [(ngd_sharp.radius, "(1 + c) / (1 - c) ** 2", "1001 * (1 + c) / (1 - c) ** 2 / 1000")], of(["T1-sharp"], LENGTH)),
    ("q", [(ngd.deficit, "2 * checked_constant(C)", "2001 * checked_constant(C) / 1000")], of(["T1-line"], "eta q")),
    ("T1-line-sharp's sine", [(ngd_line.line_sine, "return 2 * c * square_root", "return 2001 * c / 1000 * square_root")], of(["T1-line-sharp"], "straight line")),
    ("Lemma S along", [(ngd_sharp.lemma_constants, "stability / (1 + stability)", "999 * stability / (1 + stability) / 1000")], of(["T1-lemma-S"], "Lemma S")),
    ("Lemma S constant", [(ngd_sharp.lemma_constants, "(1 - 2 * stability)", "(1 - 2001 * stability / 1000)")], of(["T1-lemma-S"], "Lemma S")),
    ("T2's rate", [(general_loss.rate, "1 - 2 * eta * mu * L", "1 - 198 * eta * mu * L / 100")], of(["T2"], RUN)),
    ("T2-q's rate", [(general_loss.rate, "1 - eta * mu * (1", "1 - 999 * eta * mu / 1000 * (1")], of(["T2-q"], "stored iterate")),
    ("T2's radius", [(general_loss.radius, "(1 + L / mu) / (1 - C / 3)", "1001 * (1 + L / mu) / (1 - C / 3) / 1000")], of(["T2"], LENGTH)),
    ("T2-q's radius", [(general_loss.radius, "L / mu / (1 - C)", "1001 * L / mu / (1 - C) / 1000")], of(["T2-q"], LENGTH)),
    ("T4's rate", [(kfac.rate, "fall = eta / _given(mu_max", "fall = 99 * eta / 100 / _given(mu_max")], of(["T4"], RUN)),
    ("T4-lev's rate", [(kfac.rate, "fall = eta * _given(h_min", "fall = 99 * eta / 100 * _given(h_min")], of(["T4-lev", "T4-sharp", "T4-least"], RUN)),
    ("T4-least's rate", [(kfac.rate, "fall = fall / rho", "fall = 999 * fall / rho / 1000")], of(["T4-least"], "stored iterate")),
    ("T4's radius", [(kfac.radius, "2 / (1 - C / 3)", "1001 / (1 - C / 3) / 500")], of(["T4", "T4-lev", "T4-sharp", "T4-least"], LENGTH)),
    ("T0's decrease", [(gradient_descent.decrease, "eta * (1 - C / 3) ** 2", "99 * eta / 100 * (1 - C / 3) ** 2")], of(["T0", "T0-sharp"], "stored iterate")),
    ("T0's radius", [(gradient_descent.radius, "2 / (1 - c)", "1001 / (1 - c) / 500")], of(["T0"], LENGTH)),
    ("T0-sharp's radius", [(gradient_descent.radius, "2 * (1 - c)", "2002 * (1 - c) / 1000")], of(["T0-sharp"], LENGTH)),
    ("K-sep's forms", [(kernels.separation_bound, "series = _series(rho, others, apart)", "series = 999 * _series(rho, others, apart) / 1000")], of(["K-sep"], "(series)")),
    ("T5-rad's bound", [(rademacher.Rademacher.conclusion, "predicted = radius**2", "predicted = 1001 * radius**2 / 1000")], of(["T5-rad"], "squared")),
)  # fmt: skip
"""A conclusion that says less: where, what stands there, what is planted, and the instances that are to see it."""


@pytest.mark.parametrize(
    ("edits", "claim", "nearest"),
    [
        (edits, claim, [one for one in those if one.claim == claim])
        for _, edits, those in FAULTS
        for claim in dict.fromkeys(one.claim for one in those)
    ],
    ids=[f"{name}, {claim}" for name, _, those in FAULTS for claim in dict.fromkeys(one.claim for one in those)],
)
def test_a_weaker_conclusion_is_noticed(edits: list[Edit], claim: str, nearest: list[Nearest]) -> None:
    with ExitStack() as stack:
        for edit in edits:
            stack.enter_context(planted(*edit))
        assert not all(one.is_reached(registry[claim]) for one in nearest)


def test_every_weaker_conclusion_has_an_instance() -> None:
    assert all(those for *_, those in FAULTS)


def test_equalities_in_balls_are_equalities_to_many_bits() -> None:
    """What no precision separates is called equal from so many bits on, and the labels say so."""
    bits = (kernels_claims.AGREEMENT, kernel_bounds.AGREEMENT, initial_residual.AGREEMENT, ngd_step.AGREEMENT)
    assert bits == (80, 70, 80, 40)
    assert kfac_frozen.AGREEMENT <= 1e-6  # a share of ||r(0)||
