"""Conditions 2 and K2 along a computed trajectory only: a posteriori bounds of the stability constant (C2-path, K2-path).

The proofs of T1, T4 and their sharper forms use J (K-FAC: S) on the segments between successive iterates alone (docs/proofs/segments.md, P1.5).
Everything here is about those segments as computed: between the stored pre-activations, exactly as given. For K2 a
column of ones takes the place of X in every norm (theory.stability.conditions).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.descent.iterate import Iterate
from theory.descent.optimiser import Chosen, Optimiser, as_optimiser
from theory.descent.steps import FunctionSpaceDescent
from theory.direction import CertifiedSteps, Directed, LowerBound, UpperBound, as_upper_bound
from theory.errors import DescentError, ShapeError
from theory.inputs import FloatArray, positive, positive_count, unit_rows
from theory.network.definiteness import explained
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.euclidean import euclidean_norm, row_norms
from theory.rigour.gram_rounding import GramRounding, smallest_eigenvalue
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from theory.stability.conditions import factor_rows, known_condition
from theory.stability.crossings import Crossings
from theory.stability.division import Division
from theory.stability.norms import (
    feature_change_norm,
    feature_error,
    input_norm_squared,
    rounded_up,
    stability_constant,
)
from theory.stability.pattern_change import PatternChange


@dataclass(frozen=True)
class PathCertificate(Directed):
    """Condition 2(C), or K2(C), on the segments between the first ``steps + 1`` iterates: it supports k <= steps only."""

    constant: UpperBound
    """``C``: upper bound of ``3 sup ||J - J(0)||_2 / lambda^{1/2}`` over the segments; inf without Condition 1.

    For K2 of ``3 sup ||S - S(0)||_2 / sigma``; inf without Condition K1.
    """
    steps: CertifiedSteps
    """The number N of segments."""
    lambda_min: LowerBound
    """Certified lower bound of ``lambda_min(G(0))``, for K2 of ``sigma^2 = lambda_min(H(0))``, at the stored Z(0)."""
    step_changes: FloatArray
    """Upper bounds of ``sup ||J - J(0)||_2`` (K2: of S; not squared) over segment k, shape (steps,).

    See ``step_constants``.
    """
    step_norms: FloatArray
    """``||W(k+1) - W(k)||_F`` as computed, shape (steps,)."""
    residual_norms: FloatArray
    """``||r(k)||`` as computed, shape (steps + 1,)."""

    def __post_init__(self) -> None:
        """Raises ShapeError (a number of steps that is not that of the segments bounded), DirectionError."""
        super().__post_init__()
        if self.steps != len(self.step_changes):
            raise ShapeError(
                f"{self.steps} steps are to be certified, but {len(self.step_changes)} segments are bounded"
            )

    @classmethod
    def of(
        cls,
        changes: Sequence[UpperBound],
        lambda_min: LowerBound,
        step_norms: Sequence[float],
        residual_norms: Sequence[float],
    ) -> PathCertificate:
        """From bounds of the change on each segment, of which there is one at least, and the norms."""
        constant = as_upper_bound(stability_constant(max(changes), lambda_min), "C along the path")
        return cls(
            constant,
            CertifiedSteps(len(changes)),
            lambda_min,
            np.array(changes),
            np.array(step_norms),
            np.array(residual_norms),
        )

    @property
    def step_constants(self) -> FloatArray:
        """The constant of the first k + 1 segments, shape (steps,): never decreasing, the last one is ``constant``.

        A segment is divided only as far as this running maximum needs it.
        """
        reached = np.maximum.accumulate(self.step_changes)
        return np.array([stability_constant(float(change), self.lambda_min) for change in reached])


class PatternSegments:
    """``||J - J(0)||_2`` (or S) on successive segments of a ReLU network, from the pairs that flip on them.

    ``initial`` is Z(0), shape (n, m), ``rows`` X, or a column of ones for K2; segments must be given in the order of the
    trajectory.
    """

    def __init__(self, initial: FloatArray, rows: FloatArray) -> None:
        """Remember the initial pattern and what the inputs (n, d) contribute."""
        self.initial = initial >= 0
        self.change = PatternChange(rows, initial.shape[1])

    def supremum(
        self, start: FloatArray, end: FloatArray, parts: int, floor: float = 0.0
    ) -> tuple[LowerBound, UpperBound]:
        """Bracket of ``sup ||J - J(0)||_2`` over one segment, in at most ``parts`` parts; then go to its end."""
        crossings = Crossings.between(start, end)
        touched = np.unique(crossings.neurons)
        before = (start.take(touched, axis=1) >= 0).astype(np.int8) - self.initial.take(touched, axis=1).astype(np.int8)
        return self.change.supremum(crossings, before, parts, floor)


class SmoothSegments:
    """``||J - J(0)||_2`` on the segments of a network with a smooth activation, from its Lipschitz constant.

    On a segment that moves row i of Z by dZ_i, J moves by at most ``L ||X||_2 max_i ||dZ_i|| / m^{1/2}`` (C2-smooth's
    proof; ``||dZ_i|| <= ||dW||_F``).
    """

    def __init__(self, net: TwoLayerNetwork, initial: FloatArray, rows: FloatArray) -> None:
        """Remember the initial features at Z(0) = ``initial`` (n, m) and the inputs (n, d)."""
        self.net = net
        self.rows = rows
        self.kernel = rows @ rows.T
        self.norm = math.sqrt(input_norm_squared(rows))
        self.slopes = net.phi.derivative(initial)
        self.scaled_signs = net.signs / np.sqrt(net.width)

    def speed(self, start: FloatArray, end: FloatArray) -> float:
        """Bound of ``||J(s) - J(t)||_2 / |s - t|`` on the segment (not squared), with the rounding of ``dZ``."""
        assert self.net.phi.curvature is not None
        moved = longest_row_move(start, end)
        return rounded_up(self.net.phi.curvature * self.norm * moved / math.sqrt(self.net.width))

    def supremum(
        self, start: FloatArray, end: FloatArray, parts: int, floor: float = 0.0
    ) -> tuple[LowerBound, UpperBound]:
        """Bracket of ``sup ||J - J(0)||_2`` over one segment, in at most ``parts`` parts."""
        speed = self.speed(start, end)
        magnitude = float(euclidean_norm(start) + euclidean_norm(end))
        error = feature_error(self.net, 4 * UNIT_ROUNDOFF * magnitude, len(start))

        def evaluate(position: float) -> tuple[float, float]:
            moved = (1 - position) * start + position * end
            change = (self.net.phi.derivative(moved) - self.slopes) * self.scaled_signs
            return feature_change_norm(self.kernel, change, error, self.rows.shape[1])

        division = Division(evaluate, lambda *part: lipschitz_bound(part, speed), midpoint)
        below, above = division.supremum(0.0, 1.0, parts, floor)
        return LowerBound(float(below)), UpperBound(float(above))


def longest_row_move(start: FloatArray, end: FloatArray) -> float:
    """An upper bound of ``max_i ||Z'_i - Z_i||_2`` of two matrices (n, m); inf where that is beyond the range of float64."""
    half = float(row_norms(end / 2 - start / 2).max())  # the difference of two floats may be beyond their range
    return 2 * (half * (1 + 2 * gamma(start.shape[1] + 4)) + UNDERFLOW)


def lipschitz_bound(part: tuple[float, float, float, float], speed: float) -> float:
    """Bound on a part (left, value there, right, value there) a function with a Lipschitz constant."""
    left, left_value, right, right_value = part
    growth = speed * (right - left)
    return rounded_up(min((left_value + right_value + growth) / 2, left_value + growth, right_value + growth))


def midpoint(left: float, right: float) -> float | None:
    """The middle of two dyadic numbers in [0, 1], None when they are neighbours."""
    middle = (left + right) / 2
    return middle if left < middle < right else None


def segments_of(net: TwoLayerNetwork, initial: FloatArray, rows: FloatArray) -> PatternSegments | SmoothSegments:
    """The way to bound ``||J - J(0)||_2`` on segments that the activation asks for; ``rows`` as ``factor_rows`` gives them."""
    if net.phi.curvature is None:
        return PatternSegments(initial, rows)
    return SmoothSegments(net, initial, rows)


def initial_eigenvalue(condition: str, state: Iterate) -> LowerBound:
    """Certified lower bound of ``lambda_min(G)`` (K2: of H) at the stored Z exactly as given.

    The pattern of exact products ``X W^T`` may be another one, where a product rounds to the other side of 0.
    """
    on_inputs = condition == "2"
    gram, dim = (state.gram, state.geometry.inputs.shape[1]) if on_inputs else (state.pattern_gram, 0)
    return smallest_eigenvalue(gram, GramRounding.of(state, dim).frobenius)


def certify_path(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    step_size: float,
    steps: int,
    optimiser: Chosen = "ngd",
    parts: int = 64,
    condition: str | None = None,
) -> PathCertificate:
    """Certify Condition 2(C) or K2(C) along ``steps`` steps of NGD, K-FAC or GD on unit rows X (n, d) and targets y (n,).

    ``condition=None``: the one that the optimiser's theorems ask for, K2 for K-FAC and 2 for the others. Each segment is
    divided adaptively into at most ``parts`` parts. Source: docs/theory.md, C2-path, K2-path. Raises InputError, ChoiceError
    (optimiser, condition), RankDeficientError (a Gram matrix on the way that cannot be solved with), DivergenceError.
    """
    path, broken = certify_path_until_broken(net, inputs, y, step_size, steps, optimiser, parts, condition)
    if broken is not None:
        raise broken
    return path


def certify_path_until_broken(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    step_size: float,
    steps: int,
    optimiser: Chosen = "ngd",
    parts: int = 64,
    condition: str | None = None,
    stepping: Callable[[FunctionSpaceDescent], Iterator[object]] | None = None,
) -> tuple[PathCertificate, DescentError | None]:
    """The same for the steps before the first that cannot be computed, with what that one raises; None when all can.

    ``stepping`` makes of the state at W(0) an iterator that moves it by one step whenever it is asked, in the place of
    ``advance``: for what is to be known of the same steps besides, such as ``network_steps``. Raises what ``certify_path`` raises, RankDeficientError and DivergenceError only when there is no first step.
    """
    chosen = as_optimiser(optimiser)
    asked = known_condition(condition or chosen.condition)
    eta = positive(step_size, "step_size")
    number, finest = positive_count(steps, "steps"), positive_count(parts, "parts")
    rows = unit_rows(inputs)
    state = FunctionSpaceDescent(net, rows, y)
    lambda_min = initial_eigenvalue(asked, state)
    start = state.pre_activations
    segments = segments_of(net, start, factor_rows(asked, rows))
    changes: list[UpperBound] = []
    lengths, residuals = [], [euclidean_norm(state.residual)]
    reached, broken = 0.0, None
    moves = _advancing(state, eta, chosen) if stepping is None else stepping(state)
    for _ in range(number):
        try:
            next(moves)
        except DescentError as error:
            broken = explained(error, state, chosen)
            if not changes:
                raise broken from error
            break
        end = state.pre_activations
        lower, upper = segments.supremum(start, end, finest, reached)
        reached = max(reached, lower)
        changes.append(upper)
        lengths.append(state.last_step_norm)
        residuals.append(euclidean_norm(state.residual))
        start = end
    return PathCertificate.of(changes, lambda_min, lengths, residuals), broken


def _advancing(state: FunctionSpaceDescent, eta: float, optimiser: Optimiser) -> Iterator[None]:
    while True:
        state.advance(eta, optimiser)
        yield
