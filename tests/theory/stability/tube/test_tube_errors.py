"""Numbers that are off by as much as they are said to be: what is calculated from them is still a bound, of the exact ones.

In each case what is as computed is taken far from what it stands for, and its error is made as large.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from tests.theory.stability.tube.test_tube_certificate import drawn
from theory.descent.optimiser import as_optimiser
from theory.direction import UpperBound
from theory.inputs import FloatArray, normalise_rows
from theory.losses import SquaredLoss
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import diagonal, rational, rational_matrix
from theory.stability.tube.bounds import TubeBounds, bounds_at, pushed, turned
from theory.stability.tube.candidates import candidates
from theory.stability.tube.kfac import KroneckerTube, Leverage
from theory.stability.tube.linear_movement import Pull, flips_of
from theory.stability.tube.loss import loss_start
from theory.stability.tube.nonnegative import norm_above
from theory.stability.tube.rectifier_tube import RectifierTube
from theory.stability.tube.rule import Asked, rule_for
from theory.stability.tube.smooth_tube import smooth_neuron_widths
from theory.stability.tube.start import Start, tube_start
from theory.stability.tube.widths import InputWidths

OFF = 0.1
"""How far a number is taken from what it stands for, relative to it."""

FLOAT_32 = 1 - 2.0**-16
"""More than sums of a few numbers in float32 are rounded by."""

WIDTHS = np.array([0.5, 0.5, 0.5])


def started(activation: str = "relu") -> Start:
    """Of three inputs."""
    net, rows, y = drawn(3, 3, 200, 2.0, True)
    return tube_start(TwoLayerNetwork(weights=net.weights, signs=net.signs, activation=activation), rows, y)


def off(start: Start, **changes: Any) -> Start:
    """With other numbers."""
    return dataclasses.replace(start, **changes)


def with_shorter_coefficients(start: Start) -> Start:
    """``c0`` a tenth shorter than it is."""
    error = UpperBound(norm_above(OFF * start.coefficients) + start.coefficients_error)
    return off(start, coefficients=(1 - OFF) * start.coefficients, coefficients_error=error)


def with_smaller_kernel(start: Start) -> Start:
    """``K`` as computed a tenth smaller than K, and than ``|K|`` rounded up."""
    return off(start, products=(1 - OFF) * start.products)


def with_larger_gram(start: Start) -> Start:
    """``G(0)`` as computed a tenth larger, so that its inverse is smaller."""
    return off(start, gram=(1 + OFF) * start.gram, gram_error=start.gram_error + OFF * norm_above(start.gram))


def with_larger_pre_activations(start: Start) -> Start:
    """Each pre-activation farther from 0 than it is."""
    return off(start, pre_activations=start.pre_activations + np.sign(start.pre_activations), error=start.error + 1)


def sides(start: Start, changed: Start, bounds: TubeBounds) -> Sequence[tuple[float, float]]:
    """Norms from c0, exact and as they are bounded from another start."""
    return [(found(start, bounds), found(changed, bounds)) for found in (turned, pushed)] + [
        (start.coefficients_norm, changed.coefficients_norm)
    ]


def test_norms_of_what_comes_from_the_coefficients() -> None:
    start = started()
    for exact, bound in sides(start, with_shorter_coefficients(start), bounds_at(start, WIDTHS)):
        assert exact <= bound * (1 + 1e-12)
        assert exact > bound * (1 - OFF) - 1e-12  # no more than what the error makes of it is added


def pulled(start: Start) -> list[FloatArray]:
    """What the first coefficients do to every pair, and what flips add to it."""
    tube = RectifierTube(start)
    tube.bounds(InputWidths(WIDTHS))
    found, pull = [], Pull.of(start)
    flips = flips_of(tube.listed, tube.masks, 3)
    for one in candidates(started(), np.full(3, np.inf)):
        active = start.pattern[:, one.neurons]
        found += [pull.on(one, active), pull.turned(one, flips[one.neurons.start])]
        found.append(pull.seen_from_start(one.inputs, active[:, one.columns]))
    return found


@pytest.mark.parametrize("changed", [with_shorter_coefficients, with_smaller_kernel, with_larger_gram])
def test_what_pulls_a_neuron(changed: Any) -> None:
    start = started()
    for exact, bound in zip(pulled(start), pulled(changed(start)), strict=True):
        assert (exact * FLOAT_32 <= bound).all()


@pytest.mark.parametrize("changed", [with_shorter_coefficients, with_smaller_kernel])
def test_what_pulls_a_neuron_of_a_smooth_network(changed: Any) -> None:
    start = started("tanh")
    wide, nothing = InputWidths(np.full(3, np.inf)), InputWidths(np.zeros(3))
    for widths in (None, InputWidths(WIDTHS)):
        exact, bound = (smooth_neuron_widths(one, wide, nothing, widths) for one in (start, changed(start)))
        assert (exact.array() * (1 - 1e-12) <= bound.array()).all()


def test_which_pairs_may_flip() -> None:
    start = started()
    exact, bound = (bounds_at(one, WIDTHS) for one in (start, with_larger_pre_activations(start)))
    assert (exact.product_change <= bound.product_change).all()
    assert (exact.gram_change <= bound.gram_change).all()


def test_the_length_of_the_residual() -> None:
    start = started()
    shorter = off(start, residual=(1 - OFF) * start.residual, residual_error=norm_above(OFF * start.residual))
    assert start.residual_norm <= shorter.residual_norm * (1 + 1e-12)


def test_solutions_of_kfac() -> None:
    net, rows, y = drawn(3, 3, 200, 2.0, True)
    rule = rule_for(Asked(net, rows, y, as_optimiser("kfac")))
    assert isinstance(rule, KroneckerTube)
    larger = dataclasses.replace(rule, start=with_larger_gram(rule.start))

    def solutions(of: KroneckerTube) -> FloatArray:
        inverse, error = of.inverse
        return np.asarray(np.linalg.norm(inverse @ of.start.pattern, axis=0) + error)

    exact = np.linalg.norm(np.linalg.solve(rule.start.gram, rule.start.pattern), axis=0)
    for found in (rule, larger):
        assert (exact <= solutions(found)).all()
    assert (solutions(rule) <= exact * (1 + 2.0**-12) + 2.0**-12).all()


def test_the_minimiser_of_a_loss() -> None:
    """One whose minimiser is known to a tenth of the distance."""
    net, rows, y = drawn(3, 3, 200, 2.0, True)

    class Known(SquaredLoss):
        @property
        def minimiser(self) -> FloatArray:
            return np.asarray((1 - OFF) * self.labels)

        @property
        def minimiser_error(self) -> float:
            return norm_above(OFF * self.labels)

    found = loss_start(net, rows, Known(y))
    assert norm_above(y) <= found.residual_norm * (1 + 1e-12)
    assert not np.isfinite(found.coefficients_error)


def test_the_residual_of_independent_neurons() -> None:
    """Against rational numbers; the square root of m = 64 is one."""
    net, rows, y = drawn(7, 3, 64, 2.0, False)
    start = tube_start(net, rows, y)
    z = (rational_matrix(rows) * rational_matrix(net.weights).transpose()).tolist()
    pairs = [zip(row, net.signs.tolist(), strict=True) for row in z]
    outputs = [sum((max(one, fmpq(0)) * int(sign) for one, sign in row), fmpq(0)) / 8 for row in pairs]
    exact = [u - rational(t) for u, t in zip(outputs, y.tolist(), strict=True)]
    apart = [float(one - rational(float(r))) for one, r in zip(exact, start.residual, strict=True)]
    assert 0 < np.linalg.norm(apart) <= start.residual_error < 1e-12


@pytest.mark.parametrize("eps", [2.0**-20, 0.25, 8.0])
def test_leverage_scores_with_damping(eps: float) -> None:
    """The diagonal of ``K (K + eps_X)^{-1}`` in rational numbers, of more inputs than dimensions too."""
    for inputs, dim in ((3, 4), (5, 2)):
        rows = normalise_rows(np.random.default_rng(inputs).standard_normal((inputs, dim)))
        net = TwoLayerNetwork.initialise(200, dim, 1.0, np.random.default_rng(0), symmetric=True)
        found = Leverage.of(tube_start(net, rows, np.ones(inputs)), eps)
        kernel: fmpq_mat = rational_matrix(rows) * rational_matrix(rows).transpose()
        scores = kernel * (kernel + diagonal([rational(eps)] * inputs)).inv()
        for i in range(inputs):
            assert rational(float(found.lower[i])) <= scores[i, i] <= rational(float(found.upper[i]))
        assert (found.upper - found.lower < max(2.0**-40 / eps, 2.0**-40)).all()  # the rounding of K over eps
