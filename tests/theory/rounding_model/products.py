"""Cases for Gram matrices, norms, eigenvalues and linear systems: errors that are known exactly, or built to be attained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.theory.rounding_model.case import UNIT_ROUNDOFF, Case, Measured
from tests.theory.rounding_model.machine import EIGENVALUES, Theory
from theory.inputs import FloatArray

U = UNIT_ROUNDOFF
GRAM = "theory.rigour.gram_rounding"
DEFINITENESS = "theory.rigour.definiteness"


def aligned_gram_errors(relative: float, absolute: float) -> Case:
    """All rows of one norm, every entry off by all that is granted, in one direction."""

    def measure(theory: Theory) -> Measured:
        for n in (1, 3):
            p, c = np.full(n, 0.75), np.full(n, 1.5)
            rounding = theory.function(GRAM, "GramRounding")(p, relative, absolute)
            error = relative * np.outer(p, p) + absolute * np.add.outer(p, p) + absolute**2
            yield float(np.linalg.norm(error)), rounding.frobenius
            yield float(np.linalg.norm(error @ c)), rounding.of_product(c)
            yield float(c @ error @ c), rounding.of_form(c)

    functions = ("frobenius", "of_product", "of_form")
    watches = tuple(f"rigour.gram_rounding:GramRounding.{name}" for name in functions)
    return Case(f"aligned errors of a Gram matrix {relative:.1g} {absolute:.1g}", watches, measure)


def shifted_eigenvalue() -> Case:
    """A matrix whose smallest eigenvalue the error lowers by all of itself; also one that is not symmetric."""

    def measure(theory: Theory) -> Measured:
        smallest_eigenvalue = theory.function(GRAM, "smallest_eigenvalue")
        smallest_root = theory.function(GRAM, "smallest_root")
        for error in (0.25, 0.99):
            yield smallest_eigenvalue(np.eye(2), error), 1 - error
            yield smallest_root(np.eye(2), error), math.sqrt(1 - error)
            yield smallest_eigenvalue(np.array([[1.0]]), error), 1 - error
            yield 0.9 * (1 - error), smallest_eigenvalue(np.eye(2), error)
        # the halved sum of what is not symmetric rounds too
        yield smallest_eigenvalue(np.array([[1.0, 0.99], [0.98, 1.0]]), 0.0), 1 - 0.985

    return Case(
        "an eigenvalue lowered by the error",
        ("rigour.gram_rounding:smallest_eigenvalue", "rigour.gram_rounding:smallest_root"),
        measure,
        searched=True,
    )


def attained_quotients() -> Case:
    """Differences of roots and products of factors that are as large as stated."""

    def measure(theory: Theory) -> Measured:
        root_error = theory.function(GRAM, "root_error")
        yield 0.5, root_error(0.0, 0.25) * (1 + 4 * U)
        yield 1 - math.sqrt(1 - 1e-9), root_error(1.0, 1e-9)
        product_error = theory.function(GRAM, "product_error")
        for factor, error, terms in ((1.0, 0.25, 1), (1.0, 0.0, 1), (1e-12, 1.0, 1), (0.75, 0.5, 3)):
            # one row of norm `factor`, off by `error` along itself, every product and sum rounded outwards
            row = np.full((1, terms), factor / math.sqrt(terms))
            computed = float((row @ row.T)[0, 0]) * (1 + U / (1 + U)) ** terms
            exact = (factor + error) ** 2 if error else factor**2
            off = exact - computed if error else computed - exact
            yield off, product_error(factor * (1 - U / (1 + U)) ** (terms + 1), error, terms, terms)

    return Case("attained quotients and products", ("rigour.gram_rounding:product_error",), measure)


def network(theory: Theory, weights: Any, signs: Any, activation: str = "relu") -> Any:
    """A network of the copy."""
    return theory.function("theory.network.two_layer", "TwoLayerNetwork")(
        np.asarray(weights, dtype=np.float64), np.asarray(signs, dtype=np.float64), activation
    )


def exact_features(Z: FloatArray, signs: FloatArray, activation: str) -> FloatArray:
    """S in float64, whose own errors are nothing beside those of the model."""
    from theory.network.two_layer import activation_named

    return np.asarray(activation_named(activation).derivative(Z) * (signs / math.sqrt(len(signs))))


def computed_gram(activation: str, weights: Any, rows: Any) -> Case:
    """Entries of H and G of a stored iterate against their bounds, and row norms against theirs."""

    def measure(theory: Theory) -> Measured:
        inputs = np.asarray(rows, dtype=np.float64)
        signs = np.where(np.arange(len(weights)) % 2, -1.0, 1.0)
        net = network(theory, weights, signs, activation)
        state = theory.function("theory.descent.steps", "FunctionSpaceDescent")(net, inputs, np.zeros(len(inputs)))
        S = exact_features(state.pre_activations, signs, activation)
        H, K = S @ S.T, inputs @ inputs.T
        for dim, computed, exact in ((0, state.pattern_gram, H), (inputs.shape[1], state.gram, K * H)):
            rounding = theory.function(GRAM, "GramRounding").of(state, dim)
            p, tau = rounding.row_norms, rounding.absolute
            bound = rounding.relative * np.outer(p, p) + tau * np.add.outer(p, p) + tau**2
            yield from zip(np.abs(computed - exact).ravel().tolist(), bound.ravel().tolist(), strict=True)
            norms = np.linalg.norm(S, axis=1)
            yield from zip(norms.tolist(), p.tolist(), strict=True)
        eigenvalue = theory.function("theory.stability.path", "initial_eigenvalue")
        yield eigenvalue("2", state), float(np.linalg.eigvalsh(K * H)[0])
        yield eigenvalue("K2", state), float(np.linalg.eigvalsh(H)[0])

    watches = ("rigour.gram_rounding:GramRounding.of", "stability.path:initial_eigenvalue")
    return Case(f"Gram matrices of {activation}, {len(weights)} neurons", watches, measure)


def cholesky_case(size: int) -> Case:
    """A factorisation that completes although the matrix is not positive definite: by how much, at most."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(DEFINITENESS)
        trace, largest = float(size), 1.0
        bound = module.cholesky_error(size, trace, largest)
        # ones off the diagonal beyond 1: the last pivot is what rounding leaves
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            matrix = np.full((size, size), 1.0 / 1.0) + middle * (np.ones((size, size)) - np.eye(size))
            if completes(theory, matrix):
                low = middle
            else:
                high = middle
        # eigenvalue -(middle) of 11^T (1 + middle) - middle I
        yield low, bound

    return Case(
        f"a factorisation of {size} rows that completes wrongly", ("rigour.definiteness:cholesky_error",), measure
    )


def completes(theory: Theory, matrix: FloatArray) -> bool:
    """Whether a factorisation in coarse arithmetic completes: products towards 0, quotients towards 0, differences upwards."""
    del theory
    n, d = len(matrix), U / (1 + U)
    R = np.zeros_like(matrix)
    for j in range(n):
        for i in range(j):
            total = matrix[i, j]
            for k in range(i):
                term = R[k, i] * R[k, j] * (1 + d)
                total = (total - term) * (1 - d)
            R[i, j] = total / R[i, i] * (1 - d)
        pivot = matrix[j, j]
        for k in range(j):
            pivot = (pivot - R[k, j] ** 2 * (1 - d)) * (1 + d)
        if not pivot > 0:
            return False
        R[j, j] = math.sqrt(pivot) * (1 + d)
    return True


def rayleigh_case() -> Case:
    """Quotients rounded down, of matrices with and without cancellation."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(DEFINITENESS)
        for matrix, vector in (
            (np.array([[1.0, -0.5], [-0.5, 1.0]]), np.array([0.8, 0.6])),
            (np.array([[0.7, 0.7], [0.7, 0.7]]), np.array([0.9, -0.9 + 1e-9])),
            (np.full((4, 4), 0.3), np.full(4, 0.7)),
        ):
            exact = float(vector @ matrix @ vector) / float(vector @ vector)
            yield exact, module._rayleigh_upper_bound(matrix, vector)
        tiny = np.diag([1.0, 5e-324])
        yield 0.25 * 5e-324 + 5e-324, module._rayleigh_upper_bound(tiny, np.array([0.0, 0.5])) + 5e-324
        for matrix, error in ((np.eye(2), 0.25), (np.diag([0.5, 1.0]), 0.0)):
            lower, upper = module.smallest_eigenvalue_bounds(matrix, error)
            smallest = float(matrix.min(where=np.eye(2, dtype=bool), initial=9.0))
            yield lower, smallest - error
            yield smallest + error, upper

    watches = ("rigour.definiteness:_rayleigh_upper_bound", "rigour.definiteness:smallest_eigenvalue_bounds")
    return Case("Rayleigh quotients", watches, measure)


def several_eigenvalues() -> Case:
    """Largest eigenvalues through eigenpairs that are a little wrong: vectors neither normal nor orthogonal, values too low."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(DEFINITENESS)
        for value, scale, tilt, error in (
            (0.0, 1.0, 0.0, 0.25),
            (0.3, 1.0, 0.0, 0.0),
            (0.0, 0.9, 0.0, 0.0),
            (0.3, 0.9, 0.0, 0.25),
            (0.3, 1.2, 0.0, 0.25),
            (0.0, 1.0, 0.2, 0.0),
            (0.5, 1.0, 0.2, 0.25),
            (0.0, 1.0, 0.0, 0.0),
            (1.3 * U, 0.9, 0.0, 0.0),
        ):
            for matrix in (
                -0.7 * (2 * np.eye(2) - 1),
                np.eye(1),
                np.array([[0.7]]),
                np.diag([1.0, 0.5]),
                np.array([[0.8, 0.3], [0.3, 0.8]]),
            ):
                values, vectors = np.linalg.eigh(matrix)
                turned = vectors @ (
                    scale
                    * (
                        np.eye(len(matrix))
                        + tilt * np.fliplr(np.eye(len(matrix)) if len(matrix) > 1 else np.zeros((1, 1)))
                    )
                )
                with replaced(module, "eigh", lambda _, v=values - value, w=turned: (v[None], w[None])):
                    found = module.largest_eigenvalues_above(matrix[None], np.array([error]))[0]
                yield float(values[-1]) + error, float(found)

    return Case(
        "eigenpairs that are a little wrong", ("rigour.definiteness:largest_eigenvalues_above",), measure, searched=True
    )


class exchanged:
    """Exchange names of one module's copy for a while."""

    def __init__(self, module: Any, values: Mapping[str, Any]) -> None:
        self.module, self.values = module, values

    def __enter__(self) -> None:
        self.old = {name: self.module.__dict__[name] for name in self.values}
        self.module.__dict__.update(self.values)

    def __exit__(self, *_: object) -> None:
        self.module.__dict__.update(self.old)


class replaced:
    """Exchange a function of ``np.linalg`` in one module's copy for a while."""

    def __init__(self, module: Any, name: str, function: Any) -> None:
        self.module, self.name, self.function = module, name, function

    def __enter__(self) -> None:
        self.old = getattr(np.linalg, self.name)
        setattr(np.linalg, self.name, self.function)

    def __exit__(self, *_: object) -> None:
        setattr(np.linalg, self.name, self.old)


def singular_values() -> Case:
    """Rows of one and of several entries, with an error along the singular vector."""

    def measure(theory: Theory) -> Measured:
        bounds = theory.function(DEFINITENESS, "singular_value_bounds")
        module = theory.module(DEFINITENESS)
        for row in (
            np.array([[0.9]]),
            np.array([[0.6, 0.7, 0.3]]),
            np.full((1, 12), 0.3),
            np.full((1, 40), 3.3),
            np.array([[2.0**-540]]),
        ):
            for error in (0.0, 0.25):
                size = math.hypot(*row[0])
                with exchanged(module, EIGENVALUES):
                    lower, upper = bounds(row, error)
                yield lower, max(size - error, 0.0)
                yield size + error, upper

    return Case("singular values", ("rigour.definiteness:singular_value_bounds",), measure)


STIFF = np.array([[1.0, 0.998], [0.998, 1.0]])
STIFF_OFF = np.linalg.solve(STIFF, 800 * U * np.array([1.0, -1.0]))
"""A matrix with a condition of 1000, and a wrong solution whose defect is within the rounding of the computed one."""


def inverse_forms() -> Case:
    """Scalar systems: the matrix off by the error, the solution wrong, the sums rounded."""

    def measure(theory: Theory) -> Measured:
        module = theory.module("theory.rigour.inverse_form")
        for matrix, y, error, wrong in (
            (np.array([[1.0]]), np.array([0.9]), 0.25, 1.0),
            (np.array([[1.0]]), np.array([0.9]), 0.75, 1.0),
            (np.array([[0.7]]), np.array([0.9]), 0.0, 1.0),
            (np.array([[0.7]]), np.array([0.9]), 0.0, 1.25),
            (np.array([[0.7, 0.6], [0.6, 0.7]]), np.array([0.9, -0.8]), 0.0, 1.0),
            (np.array([[0.7, 0.6], [0.6, 0.7]]), np.array([0.9, 0.8]), 0.0, 1.0),
            (STIFF, np.array([0.9, -0.8]), 0.0, STIFF_OFF),
            (STIFF, np.array([0.9, -0.8]), 0.0, -STIFF_OFF),
            (np.full((12, 12), 0.01) + np.eye(12), np.full(12, 0.7), 0.0, 1.0),
            (np.array([[1.0]]), np.array([2.0**-700]), 0.0, 1.0),
        ):
            exact_solution = np.linalg.solve(matrix, y)
            solution = exact_solution + wrong if np.ndim(wrong) else exact_solution * wrong
            with replaced(module, "solve", lambda *_, s=solution: s):
                lower, upper = module.inverse_form_bounds(matrix, y, error)
            for sign in (1.0, 0.0, -1.0):
                exact = float(y @ np.linalg.solve(matrix + sign * error * np.eye(len(y)), y))
                yield lower, exact
                yield exact, upper

    watches = ("rigour.inverse_form:inverse_form_bounds", "rigour.inverse_form:_bounds")
    return Case("forms of an inverse", watches, measure, searched=True)


CASES = (
    aligned_gram_errors(1e-3, 0.0),
    aligned_gram_errors(0.0, 1e-3),
    aligned_gram_errors(0.0, 10.0),
    aligned_gram_errors(1e-3, 1e-3),
    shifted_eigenvalue(),
    attained_quotients(),
    computed_gram("relu", [[1.0], [1.0], [0.5]], [[1.0]]),
    computed_gram("tanh", np.full((6, 1), 0.3), [[1.0]]),
    computed_gram("sin", [[0.3, 0.1], [0.3, -0.7], [1.5, 1.0], [0.1, 0.2]], [[0.6, 0.8], [0.8, -0.6]]),
    computed_gram("erf", np.full((3, 1), 2.9), [[1.0]]),
    cholesky_case(2),
    cholesky_case(8),
    rayleigh_case(),
    several_eigenvalues(),
    singular_values(),
    inverse_forms(),
)
