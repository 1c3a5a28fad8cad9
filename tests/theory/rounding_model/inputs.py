"""Cases for decompositions of the inputs."""

from __future__ import annotations

import numpy as np

from tests.theory.rounding_model.case import UNIT_ROUNDOFF, Case, Measured
from tests.theory.rounding_model.machine import Theory

U = UNIT_ROUNDOFF
INPUTS = "theory.rigour.input_bounds"


def orthonormality() -> Case:
    """Columns that are too long, or whose products round to those of orthonormal ones."""

    def measure(theory: Theory) -> Measured:
        defect = theory.function(INPUTS, "orthonormality_defect")
        for columns in (
            np.array([[0.6], [0.8]]),
            1.2 * np.array([[0.6], [0.8]]),
            np.full((12, 1), 12**-0.5) * (1 + 5 * U),
            np.full((12, 1), 12**-0.5) * (1 - 5 * U),
            np.array([[0.6, -0.8], [0.8, 0.6]]),
        ):
            r = columns.shape[1]
            yield float(np.linalg.norm(columns.T @ columns - np.eye(r))), defect(columns)

    return Case("columns that are nearly orthonormal", (f"{INPUTS[7:]}:orthonormality_defect",), measure)


def decompositions() -> Case:
    """Inputs in one direction, and a decomposition of them that is wrong in one of its parts."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(INPUTS)
        for sizes in ((0.6, 0.8), (1.0, 1e-3), (12**-0.5,) * 12):
            direction = np.array(sizes)[:, None]
            for scale in (0.9,):
                for left_off, value_off, right_off, turn in (
                    (0.0, 0.0, 0.0, 0.0),
                    (0.05, 0.0, 0.0, 0.0),
                    (0.0, 0.05, 0.0, 0.0),
                    (0.0, -0.05, 0.0, 0.0),
                    (0.0, 0.0, 0.05, 0.0),
                    (0.0, 0.0, -0.05, 0.0),
                    (0.05, 0.0, 0.05, 0.0),
                    (0.0, 0.0, 0.0, 0.05),
                    (3 * U, 0.0, 0.0, 0.0),
                    (0.05, -0.05 / 1.05 * scale, 0.0, 0.0),
                    (0.0, -0.05 / 1.05 * scale, 0.05, 0.0),
                    (-0.05, 0.05 / 0.95 * scale, 0.0, 0.0),
                ):
                    inputs = direction * scale
                    left = np.array(direction) * (1 + left_off)
                    if turn:
                        left[0, 0] += turn * direction[1, 0]
                        left[1, 0] -= turn * direction[0, 0]
                    given = theory.function("theory.kernels.geometry", "InputGeometry")(inputs)
                    given.__dict__["decomposition"] = (left, np.array([scale + value_off]), np.array([[1 + right_off]]))
                    bounds = module.input_bounds(given)
                    projection, dual = direction @ direction.T, direction / scale
                    yield float(np.linalg.norm(given.projection - projection, 2)), bounds.projection_error
                    yield float(np.linalg.norm(given.dual_inputs - dual, 2)), bounds.dual_error
                    exact = np.diag(projection)
                    yield from zip(bounds.leverage[0].tolist(), exact.tolist(), strict=True)
                    yield from zip(exact.tolist(), bounds.leverage[1].tolist(), strict=True)
                    for low, high in (bounds.smallest_eigenvalue, bounds.largest_eigenvalue):
                        yield low, scale**2
                        yield scale**2, high

    watched = ("decomposition_error", "input_bounds", "error_of_projection", "error_of_dual")
    return Case("decompositions of inputs", tuple(f"{INPUTS[7:]}:{name}" for name in watched), measure)


CASES = (orthonormality(), decompositions())
