"""The reference of the conformance kit against finite differences, definitions and hand calculations."""

from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from properties.conformance.networks import problem_of, simple
from properties.conformance.plain import Plain
from theory.conformance.curvature import Due, Reference
from theory.conformance.damping import damped, direction, norm, piece_gradient, pieces, root, split
from theory.conformance.problem import Problem, Stage
from theory.errors import ChoiceError, ShapeError


def loss(problem: Problem, parameters: list[Any]) -> float:
    """The whole loss in float64, by the forward pass of the plain library."""
    total = 0.0
    changed = problem.changed(parameters=tuple(parameters))
    for n, x in enumerate(problem.inputs):
        u, y = Plain().stages(changed, x)[0][-1], problem.targets[n]
        c = problem.coefficient(n)
        value = {
            "half squared": lambda u=u, y=y: 0.5 * ((u - y) ** 2).sum(),
            "squared": lambda u=u, y=y: ((u - y) ** 2).sum(),
            "softmax": lambda u=u, y=y: (np.log(np.exp(u).sum(1)) - (u * y).sum(1)).sum(),
            "logistic": lambda u=u, y=y: (np.log1p(np.exp(u)) - u * y).sum(),
        }[problem.loss]()
        total += float(value) * int(c.p) / int(c.q)
    return total


@pytest.mark.parametrize(
    "net", ["deep", "tied", "mixed-tokens", "pooled", "summed", "two-convolutions", "flat-convolution"]
)
@pytest.mark.parametrize("kind", ["half squared", "squared", "softmax", "logistic"])
def test_the_gradient_is_that_of_the_loss(net: str, kind: str) -> None:
    d = simple(net=net, activation="tanh", loss=kind, data=2, positions=4, bias=True, outputs=2, reduction="outputs")
    problem = problem_of(d)
    problem = problem.changed(parameters=tuple(W / 4 for W in problem.parameters))
    found = Reference(problem).gradient
    for p, W in enumerate(problem.parameters):
        for place in [(0, 0), (len(W) - 1, W.shape[1] - 1)]:
            h, values = 2.0**-12, []
            for sign in (1, -1):
                moved = [V.copy() for V in problem.parameters]
                moved[p][place] += sign * h
                values.append(loss(problem, moved))
            assert found[p].floats[place] == pytest.approx((values[0] - values[1]) / (2 * h), abs=1e-5)


@pytest.mark.parametrize("kind", ["half squared", "squared", "softmax", "logistic"])
def test_with_an_affine_network_the_block_is_the_second_derivative_of_the_loss(kind: str) -> None:
    problem = problem_of(simple(net="linear", loss=kind, data=2, bias=True, outputs=2))
    block, h = Reference(problem).block(0).floats, 2.0**-8
    W = problem.parameters[0] / 1
    size = W.size
    for i, j in [(0, 0), (0, size - 1), (2, 3)]:
        values = []
        for a, b in [(1, 1), (1, -1), (-1, 1), (-1, -1)]:
            step = np.zeros(size)
            step[i] += a * h
            step[j] += b * h
            values.append(loss(problem, [W + step.reshape(W.shape)]))
        second = (values[0] - values[1] - values[2] + values[3]) / (4 * h * h)
        assert block[i, j] == pytest.approx(second, rel=1e-3, abs=1e-4)


def test_a_layer_applied_twice_by_hand() -> None:
    """``u = w w x`` with w = 2, x = 1: J = 4, the block is 16; expand and reduce give 12.5 and 20.25 for x = 1, w = 2."""
    twice = Problem(
        stages=(Stage("linear", 0), Stage("linear", 0)),
        parameters=(np.array([[2.0]]),),
        biases=(False,),
        trained=(True,),
        inputs=(np.array([[1.0]]),),
        targets=(np.array([[0.0]]),),
    )
    found = Reference(twice)
    assert found.block(0).matrix == fmpq_mat(1, 1, [16])
    assert found.product(0, "expand").matrix[0, 0] == fmpq(25, 2)
    assert found.product(0, "reduce").matrix[0, 0] == fmpq(81, 4)


def test_absolute_values_bound_the_exact_ones() -> None:
    for net in ("deep", "pooled-convolution", "tied"):
        for kind in ("half squared", "softmax"):
            due = Due(problem_of(simple(net=net, activation="relu", loss=kind, data=2, positions=3, bias=True)))
            for p in due.problem.learned:
                assert (np.abs(due.exact.block(p).floats) <= due.magnitude.block(p).floats * (1 + 1e-12)).all()
                for setting in ("expand", "reduce"):
                    exact, most = due.exact.product(p, setting).floats, due.magnitude.product(p, setting).floats
                    assert (np.abs(exact) <= most * (1 + 1e-12)).all()


def test_balls_are_narrow_and_hold_the_float_values() -> None:
    problem = problem_of(simple(net="deep", activation="tanh", loss="softmax", data=2))
    found = Reference(problem).block(0)
    assert 0 < float(int(found.slack.p) / int(found.slack.q)) < 1e-35
    assert np.abs(found.floats - Plain().blocks(problem)[0]).max() < 1e-13


def test_a_pre_activation_that_cancels_has_the_slope_of_zero() -> None:
    """tanh(2) + tanh(-2) = 0 is a ball around 0: its slope is 1, and G of the first layer (1 1)(1 1)^T."""
    first, second = np.array([[2.0], [-2.0]]), np.array([[1.0, 1.0]])
    problem = Problem(
        stages=(Stage("linear", 0, "tanh"), Stage("linear", 1, "tanh")),
        parameters=(first, second),
        biases=(False, False),
        trained=(True, True),
        inputs=(np.array([[1.0]]),),
        targets=(np.array([[0.0]]),),
    )
    slope = 1 - np.tanh(2.0) ** 2
    found = Reference(problem).block(0)
    assert found.floats == pytest.approx(np.full((2, 2), slope**2), rel=1e-13)
    assert found.slack < fmpq(1, 10**35)


def test_pi_minimises_the_trace_of_what_is_added_too_much() -> None:
    """``tr(M_pi - G (x) A - lambda I)`` at pi, against pi a little larger and smaller, and against the other ratios."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        G, A = (
            fmpq_mat(m.shape[0], m.shape[0], [int(e) for e in (m @ m.T).ravel()])
            for m in (rng.integers(-3, 4, (2, 3)), rng.integers(-3, 4, (3, 4)))
        )
        traces = [float(int(sum((m[i, i] for i in range(m.nrows())), fmpq(0)).p)) for m in (G, A)]
        if min(traces) <= 0:
            continue
        at = split(G, A, fmpq(1, 4))

        def excess(scale: float, traces: list[float] = traces) -> float:
            return scale * 3 * traces[0] + 0.25 / scale * 2 * traces[1]

        due = float(int(at.p) / int(at.q))
        assert excess(due) <= min(excess(due * 1.01), excess(due / 1.01))
        assert excess(due) == pytest.approx(2 * (0.25 * 6 * traces[0] * traces[1]) ** 0.5)


def test_damped_matrices_do_not_depend_on_how_a_product_is_split() -> None:
    due = Due(problem_of(simple(data=2, outputs=2)))
    (piece,) = pieces(due.problem, bias_apart=False)
    found = damped(due, piece, 0.5, "pi").matrix
    G, A = (one.matrix for one in due.exact.factors(0, "expand"))
    scale = split(G * 3, A / 3, fmpq(1, 2))
    identity = [
        fmpq_mat(m.nrows(), m.nrows(), [int(i == j) for i in range(m.nrows()) for j in range(m.nrows())])
        for m in (G, A)
    ]
    left, right = G * 3 + identity[0] * (fmpq(1, 2) / scale), A / 3 + identity[1] * scale
    other = [a * b for r in left.tolist() for s in right.tolist() for a in r for b in s]
    assert max(abs(float(int((a - b).p) / int((a - b).q))) for a, b in zip(found.entries(), other, strict=True)) < 1e-50


def test_the_undamped_step_is_that_of_the_pseudo_inverse() -> None:
    due = Due(problem_of(simple(width=2, outputs=2, data=1)))
    (piece,) = pieces(due.problem, bias_apart=False)
    found, (g, _) = damped(due, piece, 0.0, "product"), piece_gradient(due, piece)
    assert not found.regular
    M = due.exact.product(0, "expand").floats
    expected = np.linalg.pinv(M, rcond=1e-10) @ due.exact.gradient[0].floats.ravel()
    assert np.abs(direction(found, g) - expected).max() < 1e-12


def test_roots_and_norms() -> None:
    assert root(fmpq(9, 4)) == fmpq(3, 2)
    assert abs(root(fmpq(2)) ** 2 - 2) < fmpq(1) / fmpq(2) ** 190
    assert root(fmpq(0)) == 0
    assert norm(fmpq_mat(1, 2, [3, 4])) == 5.0


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"loss": "hinge"}, ChoiceError),
        ({"fisher": "x"}, ChoiceError),
        ({"targets": ()}, ShapeError),
        ({"biases": ()}, ShapeError),
    ],
)
def test_problems_that_are_none_are_refused(change: dict[str, Any], error: type[Exception]) -> None:
    problem = problem_of(simple())
    with pytest.raises(error):
        problem.changed(**change)


def test_a_kernel_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="does not fit"):
        Stage("convolution", 0, kernel=3).positions(2)
