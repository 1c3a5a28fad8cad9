"""C2-path, K2-path: no point of a trajectory's segments exceeds the path certificate."""

from __future__ import annotations

import dataclasses
import itertools
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st

from properties.chapters.stability.stability_ball_smooth import BALL_BITS, SMOOTH
from properties.chapters.stability.stability_instances import PathInstance, build_path
from properties.descent.inputs import ANGLES, weighted_kinds
from properties.engine.claim import (
    Bound,
    Claim,
    Evidence,
    Family,
    Hypothesis,
    Provenance,
    Verdict,
    at_most_enclosed,
    certified,
    decided_exactly,
    require,
    technical,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from theory.rigour.precision import working_precision
from theory.stability.crossings import Crossings
from theory.stability.norms import pattern_change_norm
from theory.stability.path import PatternSegments
from theory.stability.patterns import ChangeMatrices

EIGENVALUE_BITS = 100
"""Bits to which lambda_min(G(0)) is enclosed, below the working precision."""

POSITIONS = tuple(fmpq(k, 8) for k in range(9))
"""Positions on a segment at which a smooth network's Jacobian is compared with the path certificate."""


def _paths(id: str, title: str, activations: Sequence[str], counts: tuple[int, int, int]) -> Family[PathInstance]:
    """Few parts: the certificate has to be sound however coarse it is."""
    return described_family(
        id,
        title,
        build_path,
        counts,
        kind=st.sampled_from((*weighted_kinds(ANGLES[:6]), "orthogonal", "orthogonal")),
        activation=st.sampled_from(tuple(activations)),
        inputs=st.integers(1, 4),
        dimension=st.integers(1, 3),
        width=st.integers(4, 30),
        symmetric=st.booleans(),
        target_scale=st.integers(1, 4),
        optimiser=st.sampled_from(("ngd", "kfac", "gd")),
        step_percent=st.integers(5, 190),
        steps=st.integers(1, 4),
        parts=st.sampled_from((1, 2, 4, 64)),
        seed=st.integers(0, 2**20),
    )


RELU_PATHS = _paths(
    "relu paths",
    "n <= 4, m <= 30, up to 4 steps of NGD, K-FAC or GD: exact supremum over all crossings",
    ("relu",),
    (25, 300, 2000),
)
TURNING_PATHS = described_family(
    "turning relu paths",
    "n = 4 or 5, large targets: exact supremum over all crossings",
    build_path,
    (25, 100, 1000),
    kind=st.sampled_from(("uniform", "antiparallel")),
    activation=st.just("relu"),
    inputs=st.integers(4, 5),
    dimension=st.integers(3, 4),
    width=st.integers(20, 50),
    symmetric=st.booleans(),
    target_scale=st.integers(5, 10),
    optimiser=st.sampled_from(("ngd", "kfac")),
    step_percent=st.integers(40, 190),
    steps=st.integers(2, 4),
    parts=st.sampled_from((1, 4, 64)),
    seed=st.integers(0, 2**20),
)
"""The change of J is often largest between two iterates."""
SMOOTH_PATHS = _paths(
    "smooth paths",
    "smooth activations, nine positions on every segment in balls",
    SMOOTH,
    (15, 60, 600),
)

PathConstant = Callable[[PathInstance], float]
"""A bound of ``sup ||J - J(0)||_2`` (not squared) over the path, as the claim or a mutant states it."""


def _decided_between(label: str, passed: ChangeMatrices, square: arb, measured: float, predicted: float) -> Bound:
    """Whether all changes have a squared norm at most ``square``: decided where both ends of the ball agree."""
    holds = passed.squares_at_most(end_of(square.lower()))
    if not holds and passed.squares_at_most(end_of(square.upper())):
        return Bound(label, measured, predicted, 0.0, Verdict.UNDECIDED, Evidence.ENCLOSED)
    return decided_exactly(label, holds, measured, predicted)


def end_of(ball: arb) -> fmpq:
    """The rational number that a ball of radius 0 is."""
    mantissa, exponent = ball.man_exp()
    return fmpq(mantissa) * fmpq(2) ** int(exponent)


def largest_change(instance: PathInstance) -> float:
    """The certificate's own bound: the largest over the segments."""
    return float(instance.certificate.step_changes.max())


def at_iterates_only(instance: PathInstance) -> float:
    """The largest ``||J(k) - J(0)||_2`` (or of S) at the iterates, nothing in between: for mutants."""
    assert instance.iterates is not None
    if instance.net.activation != "relu":
        return largest_change(instance)
    changes = [(z >= 0).astype(float) - (instance.iterates[0] >= 0) for z in instance.iterates]
    kernel, dim = instance.factors @ instance.factors.T, instance.factors.shape[1]
    return max(pattern_change_norm(kernel, d @ d.T, instance.net.width, dim)[1] for d in changes)


def in_between_only(instance: PathInstance) -> float:
    """The largest in-between term at four parts a segment, without ``||J(theta_s_j) - J(0)||``: for mutants."""
    assert instance.iterates is not None
    segments = instance.segments()
    if not isinstance(segments, PatternSegments):
        return largest_change(instance)
    found = [0.0]
    for start, end in itertools.pairwise(instance.iterates):
        crossings = Crossings.between(start, end)
        cuts = [len(crossings) * k // 4 for k in range(5)]
        for left, right in itertools.pairwise(cuts):
            counts = crossings.counts_by_input(left, right), crossings.counts_by_neuron(left, right)
            found.append(float(segments.change.jump(np.array([right - left]), *counts)[0]))
    return max(found)


def from_each_start(instance: PathInstance) -> float:
    """The change since the start of each segment instead of since theta(0): for mutants."""
    assert instance.iterates is not None
    pairs = itertools.pairwise(instance.iterates)
    found = []
    for start, end in pairs:
        segment = PatternSegments(start, instance.factors)
        found.append(segment.supremum(start, end, instance.parts)[1])
    return max(found) if instance.net.activation == "relu" else largest_change(instance)


@dataclass(frozen=True)
class PathBound(Stated):
    """A bound along a path, as the claim or a mutant states it."""

    change: PathConstant = largest_change
    share: float = 1.0
    """What a mutant multiplies the certified lambda_min by that C was taken from."""

    def hypotheses(self, instance: PathInstance) -> Sequence[Hypothesis]:
        """The optimiser can take its steps, and Condition 1 is certified."""
        taken = technical(require("every matrix to invert is regular", -1.0 if instance.iterates is None else 1.0))
        if taken.verdict is not Verdict.HOLDS:
            return [taken]
        lambda_min = instance.certificate.lambda_min
        name = "K1: certified lambda_min(H(0))" if instance.condition == "K2" else "1: certified lambda_min(G(0))"
        return [taken, certified(f"Condition {name} > 0", lambda_min)]

    def conclusion(self, instance: PathInstance) -> Sequence[Bound]:
        """No state of the path exceeds the bound of ``||J - J(0)||_2``, nor the constant that follows from it.

        lambda_min(G(0)) is enclosed on its own, from the stored Z(0).
        """
        bound, constant = self.change(instance), instance.certificate.constant / math.sqrt(self.share)
        label = f"||{instance.changed} - {instance.changed}(0)||_2 along the path at most the bound"
        constant_label = "C along the path, with the enclosed lambda_min, at most the certified constant"
        with working_precision(BALL_BITS):
            exact = instance.initial_eigenvalue(EIGENVALUE_BITS)
            allowed = arb(constant) ** 2 * exact / 9
            if instance.net.activation == "relu":
                passed = instance.passed
                measured = 3 * passed.supremum / math.sqrt(max(float(exact.mid()), sys.float_info.min))
                return [
                    decided_exactly(label, passed.at_most(bound), passed.supremum, bound),
                    _decided_between(constant_label, passed, allowed, measured, constant),
                ]
            changes = [instance.change_at(k, s) for k in range(instance.steps) for s in POSITIONS]
            largest = max(changes, key=lambda ball: float(ball.mid()))
            return [
                at_most_enclosed(label, largest, arb(bound)),
                at_most_enclosed(constant_label, 3 * largest / exact.sqrt(), arb(constant)),
            ]

    def features(self, instance: PathInstance) -> Sequence[str]:
        """What the table counts: paths with flips, and optimisers."""
        found = [instance.optimiser]
        if instance.net.activation == "relu" and instance.passed.supremum > 0:
            found.append("flips on the path")
        return found


def path_claim(condition: str = "2") -> Claim[PathInstance]:
    """C2-path, or K2-path for Condition K2, with its mutants."""
    id, name, first = ("K2-path", "S", "Condition K1") if condition == "K2" else ("C2-path", "J", "Condition 1")
    return PathBound().claim(
        id,
        f"||{name}(theta_s) - {name}(0)||_2 <= ||{name}(theta_s_j) - {name}(0)||_2 + "
        "(#flips in between/m)^{1/2} on each part",
        Provenance.DERIVED,
        mutant("lambda-doubled", "C from twice the certified lambda_min", first, share=2.0),
        mutant("quarter", "C taken as C/4", change=lambda i: largest_change(i) / 4),
        mutant("iterates-only", "the in-between term dropped: only the iterates count", change=at_iterates_only),
        mutant("in-between-only", "the change at the division points dropped", change=in_between_only),
        mutant(
            "from-each-start",
            "the change since the start of the segment, not since theta(0)",
            change=from_each_start,
        ),
        mutant(
            "first-step-only",
            "the first segment's bound for all",
            "all iterates so far",
            change=lambda i: float(i.certificate.step_changes[0]),
        ),
        families=tuple(
            dataclasses.replace(family, build=partial(build_path, condition=condition))
            for family in (RELU_PATHS, TURNING_PATHS, SMOOTH_PATHS)
        ),
        formulas=Formulas(
            hypotheses=(r"a segment divided at $s_0<\dots<s_N$, and $s\in[s_j,s_{j+1}]$",),
            conclusion=(
                rf"$\norm{{{name}(\theta_s)-{name}(0)}}_2\le\norm{{{name}(\theta_{{s_j}})-{name}(0)}}_2$ $+\left(\dfrac{{\#\text{{flips in between}}}}{{m}}\right)^{{1/2}}$",
            ),
        ),
        also=(first, "all iterates so far"),
    )


CLAIMS: tuple[Claim[Any], ...] = (path_claim(),)
