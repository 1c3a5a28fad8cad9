"""Networks made to measure: pre-activations group by group, so that neurons flip as a plan says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork

FAR, NEAR = 2.0**12, 2.0**-16
"""Pre-activations that stay on their side, and those that change it at once, in units of ``||c0||``."""


@dataclass(frozen=True)
class Group:
    """So many neurons with the same pattern; those of the inputs named in ``near`` change when the neuron moves."""

    count: int
    pattern: tuple[int, ...]
    near: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a network is to be: K, groups of neurons, and the direction of c0."""

    correlation: float
    groups: tuple[Group, ...]
    start: tuple[float, ...]


def realised(plan: Plan) -> tuple[TwoLayerNetwork, FloatArray, FloatArray]:
    """The network, its inputs X (n, n), and ``r(0)`` (n,) with the coefficients c0.

    A neuron gets the sign with which it moves over to the other side on the first input that is near.
    """
    n, c = len(plan.start), np.array(plan.start)
    kernel = np.full((n, n), plan.correlation) + (1 - plan.correlation) * np.eye(n)
    inputs = normalise_rows(np.linalg.cholesky(kernel))
    kernel, columns, signs = inputs @ inputs.T, [], []
    for group in plan.groups:
        pattern = np.array(group.pattern)
        far = np.where(pattern == 1, FAR, -FAR)
        near = np.isin(np.arange(n), group.near)
        z = np.where(near, far / FAR * NEAR, far)
        moved = kernel @ (pattern * c)  # dZ = -a m^{-1/2} K (A o c)
        for place in range(group.count):
            sign = 1.0 if place % 2 else -1.0
            if group.near:
                first = group.near[0]
                sign = float(np.sign(moved[first]) * (1 if pattern[first] else -1)) or 1.0
            columns.append(z)
            signs.append(sign)
    weights = np.linalg.solve(inputs, np.array(columns).T).T
    net = TwoLayerNetwork(weights, np.array(signs))
    gram = net.gram(inputs)
    return net, inputs, np.asarray(gram @ c)


def single(fixed: int, flipping: int) -> Plan:
    """One input: all that may vanish vanishes at once."""
    return Plan(0.0, (Group(fixed, (1,)), Group(flipping, (1,), (0,))), (1.0,))


def crossed(fixed: int, flipping: int, correlation: float = 0.9) -> Plan:
    """Two inputs with neurons of their own, and neurons of the second that the first joins."""
    return Plan(
        correlation,
        (Group(fixed, (1, 0)), Group(fixed, (0, 1)), Group(flipping, (0, 1), (0,))),
        (1.0, correlation / 2),
    )


def apart(fixed: int, flipping: int, correlation: float = 0.9) -> Plan:
    """Two inputs that share neurons; each loses half of them."""
    return Plan(
        correlation,
        (
            Group(fixed, (1, 0)),
            Group(fixed, (0, 1)),
            Group(flipping, (1, 1), (0,)),
            Group(flipping, (1, 1), (1,)),
        ),
        (1.0, 1.0),
    )


def alternating(fixed: int, flipping: int, correlation: float = 0.99) -> Plan:
    """Four inputs nearly parallel, c0 of alternating sign, where G is least; each neuron that flips loses half of what it has there."""
    start, n = (1.0, -1.0, 1.0, -1.0), 4
    positive = tuple(int(value > 0) for value in start)
    groups = [Group(fixed, tuple(int(i == j) for j in range(n))) for i in range(n)]
    groups += [Group(4 * fixed, tuple(int(j in (i, (i + 1) % n)) for j in range(n))) for i in range(n)]
    groups += [Group(flipping, positive, (i,)) for i in range(n)]
    return Plan(correlation, tuple(groups), start)


def joining(fixed: int, flipping: int, correlation: float = 0.9) -> Plan:
    """Two inputs; a neuron of the second becomes active on the first as well, and then moves by the first's coefficient too."""
    return Plan(
        correlation,
        (Group(fixed, (1, 0)), Group(fixed, (0, 1)), Group(flipping, (0, 1), (0,))),
        (1.0, 1.0),
    )


def emerging_groups(count: int, inputs: int) -> tuple[Group, ...]:
    """For each input so many neurons that are active on all others, and about to become active on it."""
    return tuple(Group(count, tuple(int(i != j) for j in range(inputs)), (i,)) for i in range(inputs))


def emerging(fixed: int, flipping: int, correlation: float = 0.99) -> Plan:
    """Four inputs nearly parallel and no neuron that is sure to stay; c0 of alternating sign. ``||D||`` is above lambda, and above ``||M||``."""
    return Plan(correlation, emerging_groups(fixed + flipping, 4), (1.0, -1.0, 1.0, -1.0))


def still(fixed: int, flipping: int, correlation: float = 0.5) -> Plan:
    """Two inputs that share neurons, none of which flips."""
    singles = (Group(fixed, (1, 0)), Group(fixed, (0, 1)))
    return Plan(correlation, (*singles, Group(flipping, (1, 1))), (1.0, 1.0))


def uneven(fixed: int, flipping: int) -> Plan:
    """Two orthogonal inputs, one seen by many more neurons than the other; none flips."""
    return Plan(0.0, (Group(fixed + 10 * flipping, (1, 0)), Group(flipping, (0, 1))), (1.0, 1.0))


SINGLED_OUT = ("emerging", "still", "uneven")
"""Plans for mutants: without a tube that closes, or in which no neuron flips."""

PLANS: Mapping[str, Callable[[int, int], Plan]] = {
    "single": single,
    "crossed": crossed,
    "apart": apart,
    "alternating": alternating,
    "joining": joining,
    "emerging": emerging,
    "still": still,
    "uneven": uneven,
}
