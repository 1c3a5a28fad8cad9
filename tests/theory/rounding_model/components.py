"""Cases for the parts of a step's bound: each part is given nothing but the error that it is there for."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np

from tests.theory.rounding_model.case import UNIT_ROUNDOFF, Case, Measured
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.products import network
from theory.inputs import FloatArray
from theory.rigour.activation_accuracy import STEEPEST_SLOPE

U = UNIT_ROUNDOFF
PARTS = "theory.rigour.step_bounds"
ONE_STEP = "theory.rigour.one_step"
NONE = SimpleNamespace(projection_error=0.0, dual_error=0.0, smallest_eigenvalue=(1.0, 1.0), rank_certified=True)


def system() -> Case:
    """Defects: of a right-hand side or a matrix known badly, and of a solution whose computed defect rounds to almost nothing."""

    def measure(theory: Theory) -> Measured:
        solve_defect = theory.function(PARTS, "solve_defect")
        one = np.ones((1, 1))
        yield 0.5, solve_defect(one, np.array([0.75]), np.array([0.25]), 0.0, 0.0)
        yield 0.5, solve_defect(one, np.array([0.75]), np.array([0.75]), 0.5, 0.0)
        yield 0.5, solve_defect(one, np.array([0.75]), np.array([0.75]), 0.0, 0.5)
        many = np.full((3, 3), 0.3)
        yield math.sqrt(3) * 0.1, solve_defect(many, np.full(3, 0.1), np.zeros(3), 0.0, 0.0)
        # products and sums that round one way: what is computed is a defect of 0, what is left is rounding
        for n in (1, 3):
            matrix, solution = np.full((n, n), 0.7), np.full(n, 0.3)
            right = matrix @ solution * (1 + U / (1 + U)) ** n
            exact = float(np.linalg.norm(right - matrix @ solution))
            yield exact, solve_defect(matrix, right, solution, 0.0, 0.0)

    return Case("defects of solutions", ("rigour.step_bounds:solve_defect",), measure)


def kernels() -> Case:
    """Kernels of parallel unit rows, entries rounded down, whose norm is the largest row sum; its root is that of X."""

    def measure(theory: Theory) -> Measured:
        kernel_norm, jacobian_norm = (theory.function(PARTS, name) for name in ("kernel_norm", "jacobian_norm"))
        for n, row in (
            (1, np.array([1.0])),
            (2, np.array([0.6, 0.8])),
            (5, np.full(3, 3**-0.5)),
            (1, np.full(40, 40**-0.5)),
        ):
            rows = np.tile(row, (n, 1))
            geometry = theory.function("theory.kernels.geometry", "InputGeometry")(rows)
            length = float(np.linalg.norm(rows, 2))
            yield length**2, kernel_norm(geometry.kernel, len(row))
            yield STEEPEST_SLOPE * length, jacobian_norm(geometry.kernel, len(row))

    return Case("norms of kernels", ("rigour.step_bounds:kernel_norm", "rigour.step_bounds:jacobian_norm"), measure)


def movements() -> Case:
    """Products whose entries all round away from 0, and features that are off in one direction."""

    def measure(theory: Theory) -> Measured:
        rounding = theory.function(PARTS, "movement_rounding")
        for n in (1, 4):
            c, p = np.full(n, 0.7), np.full(n, 0.9)
            yield float(c @ p) * ((1 + U / (1 + U)) ** 5 - 1), rounding(c, p, 0.0, 5)
            yield float(c.sum()) * 0.25, rounding(c, p, 0.25, 5)
            yield float(c.sum()) * 0.25, rounding(c, 0 * p, 0.25, 5)

    return Case("rounding of movements", ("rigour.step_bounds:movement_rounding",), measure)


def forms() -> Case:
    """Quadratic forms: rounded, of a matrix known badly, and roots of them that come from another order of summation."""

    def measure(theory: Theory) -> Measured:
        form_error = theory.function(PARTS, "form_error")
        form_root = theory.function("theory.rigour.euclidean", "form_root")
        for c, matrix in (
            (np.array([0.7]), np.array([[0.9]])),
            (np.array([0.7, 0.6, 0.3]), np.full((3, 3), 0.9)),
            (np.array([0.7, -0.7]), np.array([[0.9, 0.9], [0.9, 0.9]])),
        ):
            exact = float(c @ matrix @ c)
            computed = form_root(c, matrix) ** 2
            yield abs(computed - exact) * (1 - 4 * U), form_error(np.abs(c), matrix, 0.0)
        yield 0.25, form_error(np.array([0.7]), np.array([[0.9]]), 0.25)
        yield 2.0**-1074, form_error(np.array([2.0**-600]), np.array([[2.0**-600]]), 0.0)

    return Case("quadratic forms", ("rigour.step_bounds:form_error",), measure)


def finished() -> Case:
    """A step put together: every error that it is told, and the rounding of norms."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(ONE_STEP)
        for r0, e0, r1, e1, moved, length, off in (
            (1.0, 0.25, 1.0, 0.0, 0.0, 1.0, 0.0),
            (1.0, 0.0, 1.0, 0.25, 0.0, 1.0, 0.0),
            (1.0, 0.0, 1.0, 0.0, 0.25, 1.0, 0.25),
            (1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0),
        ):
            for n in (1, 6):
                before, after = np.full(n, r0 * 0.9), np.full(n, r1 * 0.7)
                start = module.AccurateOutputs(before, e0, before, e0, 0.0)
                end = module.AccurateOutputs(after, e1, after, e1, 0.0)
                operations = n + 2
                step = module._finished(start, end, length, module.StepErrors(moved, off, operations))
                exact = float(np.linalg.norm(before)) + e0, float(np.linalg.norm(after)) + e1 + moved
                yield abs(step.before - exact[0]), step.before_error
                yield abs(step.after - exact[1]), step.after_error
                # a root's rounding and a product: what is left of a length that is otherwise known
                yield off + length * 2 * U / (1 + U), step.length_error
                for factor in (0.5, 3.0):
                    computed = float(theory.arithmetic.binary((ONE_STEP, 0, 1, "Mult"), "Mult", factor, step.before))
                    computed = float(theory.arithmetic.binary((ONE_STEP, 0, 2, "Sub"), "Sub", computed, step.after))
                    worst = max(abs(computed - (factor * (exact[0] - 2 * s * e0) - exact[1])) for s in (0, 1))
                    yield worst, step.rounding(factor)

        # errors of 0: what is left is the rounding of the product and of the difference
        mult, minus = (ONE_STEP, 0, 3, "Mult"), (ONE_STEP, 0, 4, "Sub")
        for factor, first, last in ((0.7, 0.9, 0.1), (0.7, 0.1, 0.9)):
            step = module.OneStep(first, last, 0.0, 0.0, 1.0, 0.0, np.ones(1), np.ones(1))
            product = theory.arithmetic.binary(mult, "Mult", factor, first)
            computed = float(theory.arithmetic.binary(minus, "Sub", product, last))
            yield abs(computed - (factor * first - last)), step.rounding(factor)

    watches = ("rigour.one_step:_finished", "rigour.one_step:OneStep.rounding", "rigour.one_step:outward")
    return Case("a step put together", watches, measure, searched=True)


class Loss:
    """A loss of the copy's user: minimiser and gradient are off by what it says."""

    def __init__(self, y: FloatArray, minimiser_error: float, gradient_error: float, smoothness: float) -> None:
        self.minimiser, self.minimiser_error, self.smoothness = y - minimiser_error, minimiser_error, smoothness
        self.exact, self.gradient_error = y, gradient_error

    def gradient(self, outputs: FloatArray) -> FloatArray:
        return self.smoothness * (outputs - self.exact) + self.gradient_error

    def gradient_rounding(self, outputs: FloatArray) -> float:
        return self.gradient_error


def accurate_outputs() -> Case:
    """Outputs by sums that are off, of activations that are off, with a loss that is off: residual and gradient."""

    def measure(theory: Theory) -> Measured:
        for activation, weights, y, sum_error, minimiser_error, gradient_error in (
            ("relu", np.full((3, 1), 0.9), 0.1, 0.0, 0.0, 0.0),
            ("relu", np.full((3, 1), 0.9), 1.5, 0.0, 0.0, 0.0),
            ("relu", np.full((3, 1), 0.01), 0.9, 0.0, 0.0, 0.0),
            ("relu", np.full((3, 1), 0.9), 0.1, 0.25, 0.0, 0.0),
            ("relu", np.full((3, 1), 0.9), 0.1, 0.0, 0.25, 0.0),
            ("relu", np.full((3, 1), 0.9), 0.1, 0.0, 0.0, 0.25),
            ("sin", np.full((12, 1), 0.4), 0.9, 0.0, 0.0, 0.0),
            ("softplus", np.full((12, 1), 1e-5), 0.9, 0.0, 0.0, 0.0),
            ("softplus", np.full((12, 1), 5.0), 0.9, 0.0, 0.0, 0.0),
        ):
            signs = np.ones(len(weights))
            net = network(theory, weights, signs, activation)
            loss = Loss(np.array([y]), minimiser_error, gradient_error, 2.0)
            state = theory.function("theory.descent.steps", "FunctionSpaceDescent")(
                net, np.ones((1, 1)), np.array([y]), loss=lambda _, loss=loss: loss
            )
            z = state.pre_activations
            phi = np.sin(z) if activation == "sin" else np.logaddexp(z, 0.0) if activation == "softplus" else z
            exact = float(phi.sum()) / math.sqrt(len(weights))
            for sign in (1.0, -1.0):
                theory.sum_errors = [sign * sum_error]
                found = theory.function(ONE_STEP, "AccurateOutputs").of(state)
                theory.sum_errors = []
                yield abs(float(found.residual[0]) - (exact - y)), found.residual_error
                yield abs(float(found.gradient[0]) - 2 * (exact - y)), found.gradient_error

    return Case(
        "accurate outputs", ("rigour.one_step:AccurateOutputs.of", "rigour.one_step:_row_norm"), measure, searched=True
    )


def kronecker_parts() -> Case:
    """K-FAC's parts: what is passed on, and the rounding of its products."""

    def measure(theory: Theory) -> Measured:
        solution_of = theory.function("theory.rigour.kronecker", "KroneckerSolution")
        zero, one = np.zeros((1, 1)), np.ones((1, 1))
        bad = SimpleNamespace(
            projection_error=0.5, dual_error=0.5, smallest_eigenvalue=(0.25, 1.0), rank_certified=True
        )
        # movements
        yield 0.25, solution_of(zero, one, 0.0, 0.25, 0.0).movement_error(one, NONE, 0.0, 1.0)
        yield 0.125, solution_of(zero, one, 0.0, 0.0, 0.25).movement_error(one, bad, 0.0, 1.0)
        yield 0.25, solution_of(one, one, 0.0, 0.0, 0.0).movement_error(one, NONE, 0.25, 1.0)
        for n in (1, 3):
            basis, T, S = np.full((n, 1), n**-0.5), np.full((n, n), 0.7), np.full((n, 1), 0.9)
            exact = basis @ (basis.T @ (T.T @ S))
            fl = theory.arithmetic
            inner = fl.matmul((ONE_STEP, 1, 1, "MatMult"), basis.T, T.T)
            computed = fl.matmul((ONE_STEP, 1, 3, "MatMult"), basis, fl.matmul((ONE_STEP, 1, 2, "MatMult"), inner, S))
            yield (
                float(np.linalg.norm(computed - exact)),
                solution_of(T, one, 0.0, 0.0, 0.0).movement_error(basis, NONE, 0.0, 0.9),
            )
        # lengths
        yield 0.125, solution_of(zero, one, 0.0, 0.0, 0.25).length_error(one, bad, 0.0)
        yield 0.5, solution_of(zero, one, 0.0, 0.25, 0.0).length_error(one, bad, 0.0)
        # H off by 3/4 from 1, the length that of the computed one
        yield 1 - 0.5, solution_of(one, one, 0.75, 0.0, 0.0).length_error(one, NONE, 1.0)
        for T, H, Y in (
            (np.full((1, 1), 0.7), np.full((1, 1), 0.9), np.full((1, 1), 0.8)),
            (np.full((4, 4), 0.7), np.full((4, 4), 0.9), np.full((4, 1), 0.8)),
            (np.full((2, 2), 0.7), np.eye(2), np.array([[0.8], [-0.79]])),
            (np.eye(2), np.array([[0.9, 0.89], [0.89, 0.9]]), np.array([[0.7], [-0.7]])),
        ):
            exact = T @ Y
            fl = theory.arithmetic
            direction = fl.matmul((ONE_STEP, 2, 1, "MatMult"), T, Y)
            root = theory.function("theory.rigour.euclidean", "form_root")(direction, H)
            length = math.sqrt(float((exact * (H @ exact)).sum()))
            yield abs(root - length), solution_of(T, H, 0.0, 0.0, 0.0).length_error(Y, NONE, root)
        # a solution that is off, and what a solution is told
        for matrix, r, r_error, h_error, wrong in (
            (1.0, 0.75, 0.0, 0.0, 1.5),
            (1.0, 0.75, 0.5, 0.0, 1.0),
            (1.0, 0.75, 0.0, 0.25, 1.0),
            (1.0, 0.75, 0.5, 0.25, 1.0),
        ):
            module = theory.module("theory.rigour.kronecker")
            old, module.__dict__["solve_gram"] = module.solve_gram, lambda A, b, w=wrong: b / A * w
            try:
                sigma = math.sqrt(matrix - h_error)
                found = solution_of.of(np.array([[matrix]]), h_error, np.array([r]), r_error, sigma)
            finally:
                module.__dict__["solve_gram"] = old
            exact = (r + r_error) / (matrix - h_error)
            yield sigma * abs(exact - r / matrix * wrong), found.displacement
            yield sigma * exact, found.size
            yield sigma * r / matrix * wrong, found.size

    names = ("of", "movement_error", "length_error")
    watches = tuple(f"rigour.kronecker:KroneckerSolution.{name}" for name in names)
    return Case("parts of K-FAC's step", watches, measure, searched=True)


def lengths_of_steps() -> Case:
    """The length of a GD step along which the form cancels: its own sum is off by all that a sum may be."""

    def measure(theory: Theory) -> Measured:
        n = 24
        root_error = theory.function("theory.rigour.gram_rounding", "root_error")
        form_error = theory.function("theory.rigour.step_bounds", "form_error")
        c, gram = np.ones(n), np.ones((n, n)) / n
        off = form_error(c, gram, gram_effect := 13 * U * n)
        del gram_effect
        largest = U * 2 * n * float(c @ gram @ c)
        # exactly c^T G c = largest: one order of summation finds 0, another one twice as much
        yield math.sqrt(largest), root_error(0.0, off)

    return Case("lengths from another order of summation", ("rigour.step_bounds:form_error",), measure)


CASES = (
    system(),
    kernels(),
    movements(),
    forms(),
    finished(),
    accurate_outputs(),
    kronecker_parts(),
    lengths_of_steps(),
)
