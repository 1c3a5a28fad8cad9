"""K, above the longest chain of roundings (docs/conformance.md, paragraph 2): counted stage by stage, on every kind of net."""

import pytest

from properties.conformance.networks import problem_of, simple
from theory.conformance.problem import Problem, Stage

NETS = [
    "linear",
    "deep",
    "deeper",
    "tied",
    "tokens",
    "mixed-tokens",
    "pooled",
    "summed",
    "window",
    "convolution",
    "pooled-convolution",
    "two-convolutions",
    "flat-convolution",
]
SIZES = [(1, 1, 1, 1, 1), (3, 3, 3, 4, 4), (1, 3, 1, 3, 3), (3, 1, 3, 1, 4), (2, 2, 2, 16, 8)]
"""Of inputs, hidden, outputs, data, positions."""


def forward(problem: Problem, stage: Stage, positions: int) -> int:
    """Roundings of an entry by a stage: a sum of k products, in any order, has k."""
    if stage.parameter >= 0:
        return len(problem.parameters[stage.parameter].T)
    return positions + 1 if stage.kind == "pool" else 0


def backward(problem: Problem, stage: Stage) -> int:
    """The same on the way back: products with the columns, the slope, the places of a patch that lie over one another."""
    if stage.parameter < 0:
        return 1
    return len(problem.parameters[stage.parameter]) + 1 + (stage.kernel if stage.kind == "convolution" else 0)


def longest(problem: Problem) -> int:
    """Of an entry of G (x) A in either setting, or of a block; the empirical matrix is the longest, with a residual twice."""
    lengths = [len(x) for x in problem.inputs]
    there = there_of_rows = 0
    rows = dict.fromkeys(problem.learned, 0)  # of all data
    most = dict(rows)  # of one
    for stage in problem.stages:
        there += forward(problem, stage, max(lengths))
        after = [stage.positions(T) for T in lengths]
        if stage.parameter in rows:
            rows[stage.parameter] += sum(after)
            most[stage.parameter] += max(after)
        lengths = after
    there_of_rows = max(rows.values())
    back = sum(backward(problem, stage) for stage in problem.stages)
    positions, batches = max(most.values()), len(problem.inputs)
    residual = there + 2
    loss = (
        2 * residual + 3 * problem.outputs + 3 + sum(problem.positions)
    )  # H or g g^T, its products, the weight, all terms
    A = 2 * there + 1 + 2 * (positions + 1) + there_of_rows + 1 + batches
    G = 2 * back + 2 * positions + loss + positions + batches
    block = 2 * (there + back + 1 + positions) + loss
    return max(G + A + 1, block)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("convolution", range(8))
def test_no_chain_is_longer_than_what_is_allowed_for(net: str, sizes: tuple[int, ...], convolution: int) -> None:
    width, hidden, outputs, data, positions = sizes
    for bias in (False, True):
        d = simple(net=net, width=width, hidden=hidden, outputs=outputs, data=data, positions=positions, bias=bias)
        problem = problem_of({**d, "convolution": convolution, "ragged": True})
        assert longest(problem) <= problem.chain


def test_a_quarter_of_it_would_not_cover_every_net() -> None:
    short = []
    for net in NETS:
        problem = problem_of(simple(net=net, data=16, positions=8, hidden=3, outputs=3, width=3))
        short += [net] if longest(problem) > problem.chain / 4 else []
    assert short, "the four in front is not needed"
