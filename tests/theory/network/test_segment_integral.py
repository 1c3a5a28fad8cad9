"""``u(theta + Delta) - u(theta) = integral of J Delta`` for ReLU networks, exactly, through kinks and inside them (P1.1, P1.2).

Inputs and weights are whole numbers, everything else is rational. The integral is a finite sum: J is constant between the
points of the segment where a pre-activation is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from theory.network.two_layer import TwoLayerNetwork

Matrix = list[list[Fraction]]

WIDTH = 4
"""A perfect square, so that ``m^{-1/2}`` is rational."""


@dataclass(frozen=True)
class Segment:
    """From W (m, d) to W + Delta, with inputs X (n, d), all whole numbers, and signs (m,)."""

    inputs: np.ndarray
    weights: np.ndarray
    move: np.ndarray
    signs: np.ndarray

    def pre_activations(self, s: Fraction) -> Matrix:
        """Z at the place s, shape (n, m)."""
        start, speed = (self.inputs @ part.T for part in (self.weights, self.move))
        return [[int(z) + s * int(v) for z, v in zip(*rows, strict=True)] for rows in zip(start, speed, strict=True)]

    def outputs(self, s: Fraction) -> list[Fraction]:
        """u at the place s, shape (n,)."""
        return [
            sum((int(a) * max(z, Fraction(0)) for z, a in zip(row, self.signs, strict=True)), Fraction(0)) / 2
            for row in self.pre_activations(s)
        ]

    def kinks(self) -> list[Fraction]:
        """The places strictly inside the segment where a pre-activation passes 0, in order."""
        start, speed = (self.inputs @ part.T for part in (self.weights, self.move))
        passed = {Fraction(-int(z), int(v)) for z, v in zip(start.flat, speed.flat, strict=True) if v}
        return sorted(s for s in passed if 0 < s < 1)

    def always_in_a_kink(self) -> int:
        """How many pairs have a pre-activation of 0 on the whole segment."""
        return sum(
            z == v == 0 for z, v in zip(*((self.inputs @ p.T).flat for p in (self.weights, self.move)), strict=True)
        )

    def pushed(self, s: Fraction, at_zero: Fraction) -> list[Fraction]:
        """``J Delta`` at the place s, with ``phi'(0) = at_zero``, shape (n,)."""
        speed = self.inputs @ self.move.T
        found = []
        for i, row in enumerate(self.pre_activations(s)):
            slopes = [at_zero if z == 0 else Fraction(z > 0) for z in row]
            parts = zip(slopes, self.signs, speed[i], strict=True)
            found.append(sum((slope * int(a) * int(v) for slope, a, v in parts), Fraction(0)) / 2)
        return found

    def integral(self, at_zero: Fraction = Fraction(1)) -> list[Fraction]:
        """The integral of ``J Delta``: each piece by its middle."""
        ends = [Fraction(0), *self.kinks(), Fraction(1)]
        pieces = [(right - left, self.pushed((left + right) / 2, at_zero)) for left, right in pairwise(ends)]
        return [sum((length * one[i] for length, one in pieces), Fraction(0)) for i in range(len(self.inputs))]

    def difference(self) -> list[Fraction]:
        """``u(theta + Delta) - u(theta)``."""
        return [
            after - before for before, after in zip(self.outputs(Fraction(0)), self.outputs(Fraction(1)), strict=True)
        ]


def whole(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-3, 4, shape)


def anywhere(rng: np.random.Generator) -> Segment:
    inputs = whole(rng, 3, 2)
    return Segment(inputs, whole(rng, WIDTH, 2), whole(rng, WIDTH, 2), rng.choice([-1, 1], WIDTH))


def across(rng: np.random.Generator) -> np.ndarray:
    """A vector (2,) of whole numbers and one at a right angle to it."""
    x = np.array([rng.integers(1, 4), rng.integers(-3, 4)])
    return np.array([x, [-x[1], x[0]]])


def inside(rng: np.random.Generator) -> Segment:
    """All neurons lie in the kink of the first input for the whole segment; the other input passes kinks of its own."""
    x, normal = across(rng)
    weights, move = (np.outer(rng.integers(-3, 4, WIDTH), normal) for _ in range(2))
    return Segment(np.array([x, whole(rng, 2)]), weights, move, rng.choice([-1, 1], WIDTH))


def from_a_kink(rng: np.random.Generator) -> Segment:
    """Every segment of the first input begins in its kink, and leaves it to either side."""
    x, normal = across(rng)
    weights = np.outer(rng.integers(-3, 4, WIDTH), normal)
    return Segment(np.array([x, whole(rng, 2)]), weights, whole(rng, WIDTH, 2), rng.choice([-1, 1], WIDTH))


def into_a_kink(rng: np.random.Generator) -> Segment:
    """The same backwards."""
    one = from_a_kink(rng)
    return Segment(one.inputs, one.weights + one.move, -one.move, one.signs)


def all_at_once(rng: np.random.Generator) -> Segment:
    """Every pair passes its kink in the middle of the segment, at the same place: W + Delta = -W."""
    inputs, weights = whole(rng, 3, 2), whole(rng, WIDTH, 2)
    return Segment(inputs, weights, -2 * weights, rng.choice([-1, 1], WIDTH))


FAMILIES = (anywhere, inside, from_a_kink, into_a_kink, all_at_once)


def segments(family: Callable[[np.random.Generator], Segment]) -> list[Segment]:
    return [family(np.random.default_rng(seed)) for seed in range(60)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("at_zero", [Fraction(1), Fraction(0), Fraction(1, 2), Fraction(7)])
def test_the_difference_is_the_integral_whatever_the_slope_at_zero(
    family: Callable[[np.random.Generator], Segment], at_zero: Fraction
) -> None:
    assert all(one.integral(at_zero) == one.difference() for one in segments(family))


def test_the_families_reach_what_they_are_for() -> None:
    zero = Fraction(0)
    assert all(one.always_in_a_kink() >= WIDTH for one in segments(inside))
    assert all(sum(z == 0 for z in one.pre_activations(zero)[0]) == WIDTH for one in segments(from_a_kink))
    assert all(sum(z == 0 for z in one.pre_activations(Fraction(1))[0]) == WIDTH for one in segments(into_a_kink))
    assert sum(one.kinks() == [Fraction(1, 2)] for one in segments(all_at_once)) > 50
    assert max(len(one.kinks()) for one in segments(anywhere)) >= 5


def start(one: Segment) -> list[Fraction]:
    """A planted fault: the Jacobian at the start, with ``phi'(0) = 1``."""
    return one.pushed(Fraction(0), Fraction(1))


def strict_start(one: Segment) -> list[Fraction]:
    """A planted fault: the same with ``phi'(0) = 0``."""
    return one.pushed(Fraction(0), Fraction(0))


def ends(one: Segment) -> list[Fraction]:
    """A planted fault: the mean of the Jacobians at both ends."""
    parts = zip(start(one), one.pushed(Fraction(1), Fraction(1)), strict=True)
    return [(first + second) / 2 for first, second in parts]


def middle(one: Segment) -> list[Fraction]:
    """A planted fault: the Jacobian in the middle."""
    return one.pushed(Fraction(1, 2), Fraction(1))


def unweighted(one: Segment) -> list[Fraction]:
    """A planted fault: the mean of the pieces' Jacobians, whatever their lengths."""
    places = [Fraction(0), *one.kinks(), Fraction(1)]
    found = [one.pushed((left + right) / 2, Fraction(1)) for left, right in pairwise(places)]
    return [sum(column, Fraction(0)) / len(found) for column in zip(*found, strict=True)]


def stays_in_the_kink(one: Segment) -> list[Fraction]:
    """A planted fault: a pair that begins in its kink keeps ``phi'(0) = 1`` for the whole segment."""
    speed, begin = one.inputs @ one.move.T, one.pre_activations(Fraction(0))
    wrong = [sum((int(a) * min(int(v), 0) for z, a, v in zip(row, one.signs, moved, strict=True) if z == 0), 0)
             for row, moved in zip(begin, speed, strict=True)]  # fmt: skip
    return [true + Fraction(extra, 2) for true, extra in zip(one.integral(), wrong, strict=True)]


@pytest.mark.parametrize(
    ("wrong", "family"),
    [
        (start, anywhere),
        (start, from_a_kink),
        (strict_start, from_a_kink),
        (ends, anywhere),
        (ends, from_a_kink),
        (ends, into_a_kink),
        (middle, anywhere),
        (middle, all_at_once),
        (unweighted, anywhere),
        (stays_in_the_kink, from_a_kink),
    ],
)
def test_a_wrong_lemma_is_caught(
    wrong: Callable[[Segment], Sequence[Fraction]], family: Callable[[np.random.Generator], Segment]
) -> None:
    found = sum(wrong(one) != one.difference() for one in segments(family))
    assert found > 20


@pytest.mark.parametrize("family", FAMILIES)
def test_an_activation_changes_at_most_once_on_a_segment_and_with_a_third_value_at_zero_twice(
    family: Callable[[np.random.Generator], Segment],
) -> None:
    def changes(one: Segment, at_zero: Fraction) -> int:
        places = [Fraction(0), *one.kinks(), Fraction(1)]
        places = sorted({*places, *((left + right) / 2 for left, right in pairwise(places))})
        states = [
            [at_zero if z == 0 else Fraction(z > 0) for row in one.pre_activations(s) for z in row] for s in places
        ]
        by_pair = zip(*states, strict=True)
        counts = [len([1 for before, after in pairwise(values) if before != after]) for values in by_pair]
        return max(counts)

    assert all(changes(one, value) <= 1 for one in segments(family) for value in (Fraction(1), Fraction(0)))
    if family in (anywhere, all_at_once):
        assert any(changes(one, Fraction(1, 2)) == 2 for one in segments(family))


def test_the_network_of_the_project_has_these_outputs_and_this_jacobian() -> None:
    """Axis-parallel inputs are exact unit rows: outputs and Jacobian are whole numbers over 2."""
    rng = np.random.default_rng(0)
    inputs = np.array([[1, 0], [0, -1]])
    for _ in range(20):
        weights, move, signs = whole(rng, WIDTH, 2), whole(rng, WIDTH, 2), rng.choice([-1, 1], WIDTH)
        one = Segment(inputs, weights, move, signs)
        net = TwoLayerNetwork(weights.astype(float), signs.astype(float))
        assert net.outputs(inputs).tolist() == one.outputs(Fraction(0))
        assert (net.jacobian(inputs) @ move.ravel()).tolist() == one.pushed(Fraction(0), Fraction(1))
