"""Error analysis by machine: the code of theory/ in coarse arithmetic never exceeds its bounds, and they need their terms.

The program runs with the unit roundoff 2^-20, every operation off by what a director chooses (rounding_model/arithmetic.py). A case
computes something, and compares the error with the bound that the same program states for it. A term left out of a bound's source
must be missed in some case, or rounding_model/dominated.py says why not.
"""

import itertools
import math
import zlib
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from tests.theory.rounding_model import components, inputs, models, paths, products, stability_norms, steps, whole_steps
from tests.theory.rounding_model.arithmetic import DOWN, EXACT, UP, Arithmetic, Director
from tests.theory.rounding_model.case import NEGLIGIBLE, UNIT_ROUNDOFF, Case, exceeded, named
from tests.theory.rounding_model.dominated import reason
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.terms import terms_of
from theory.descent import coefficients, gd, kfac, ngd
from theory.maps import affine as maps
from theory.maps import feature_maps
from theory.network import gram as network_gram
from theory.rigour import (
    definiteness,
    feature_step,
    gram_rounding,
    input_bounds,
    inverse_form,
    kronecker,
    one_step,
    pre_activations,
    rounding,
    step_bounds,
)
from theory.rigour.rounding import gamma
from theory.stability import crossings, norms, path, pattern_change, variation

CASES: tuple[Case, ...] = (
    *products.CASES,
    *components.CASES,
    *stability_norms.CASES,
    *paths.CASES,
    *inputs.CASES,
    *models.CASES,
    *whole_steps.CASES,
    *steps.CASES,
)
MODULES = (
    coefficients,
    gd,
    kfac,
    ngd,
    feature_maps,
    maps,
    network_gram,
    definiteness,
    feature_step,
    gram_rounding,
    input_bounds,
    inverse_form,
    kronecker,
    one_step,
    pre_activations,
    rounding,
    step_bounds,
    crossings,
    norms,
    path,
    pattern_change,
    variation,
)
"""What is executed anew."""

SEED = 3
"""Of the sample of terms that is left out here; tests/deep leaves out all."""


@pytest.fixture(scope="module")
def theory() -> Theory:
    return Theory(UNIT_ROUNDOFF)


@pytest.fixture(scope="module")
def fine() -> Theory:
    return Theory(NOTHING)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_bound_is_exceeded_however_operations_round(theory: Theory, case: Case) -> None:
    director = case.directors(theory)[0]
    worst = case.worst(theory, director)
    assert worst <= NEGLIGIBLE, f"{case.name}: an error exceeds its bound by {worst:.3g} of it ({director.default})"


TOLD = {
    "eigenpairs that are a little wrong": math.inf,  # no bound where vectors are far from orthonormal
    "certificates of maps": math.inf,  # no radius where the smallest eigenvalue may be 0
    "pre-activations": 1e188,  # of weights of 1e200
    "forms of an inverse": 5.0,
    "parts of K-FAC's step": 1.0,
    "residuals from weights": 1.2,
    "crossing times": 0.5,
    "decompositions of inputs": 1.1,
    "Gram matrices of finite networks": 0.8,
    "steps of maps": 0.5,
    "spike maps": 0.6,
    "steps of feature maps": 3.0,
    **{case.name: 0.05 for case in whole_steps.CASES if "gram_error" in case.name},
}
"""By case: how far bounds are above twice the error where nothing is rounded, because they are told of errors that act elsewhere."""

NOTHING, LEFT = 2.0**-44, 1e-4
"""A roundoff at which roundings are nothing, and more than what is left of their bounds in any case."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bounds_of_roundings_vanish_with_the_roundoff(fine: Theory, case: Case) -> None:
    """A bound that lacks a factor u somewhere is true, and of no use."""
    allowed = TOLD.get(case.name, 0.0) + LEFT
    for error, bound in case.measure(fine):
        assert bound <= 2 * abs(error) + allowed


@pytest.mark.parametrize(("module", "function"), list(named(CASES)))
def test_a_term_left_out_is_missed(theory: Theory, module: str, function: str) -> None:
    """One term of each function, drawn with a seed."""
    terms = [term for term in terms_of(module, function) if reason(term) is None]
    if terms:
        term = terms[zlib.crc32(f"{SEED} {module} {function}".encode()) % len(terms)]
        watching = [case for case in CASES if f"{module.removeprefix('theory.')}:{function}" in case.watches]
        assert any(exceeded(case, theory, case.directors(theory), term) for case in watching), f"not missed: {term}"


def test_every_module_with_cases_is_imported_here() -> None:
    """Mutation testing runs the test files that import what it changes."""
    assert {module for module, _ in named(CASES)} <= {module.__name__ for module in MODULES}


# --- the model ---------------------------------------------------------------------------------------------------------


def orders(terms: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """For each way to add some numbers two at a time: how many additions each goes through."""
    if len(terms) == 1:
        yield (0,)
    for size in range(1, len(terms)):
        for chosen in itertools.combinations(range(1, len(terms)), size - 1):
            left = (0, *chosen)
            right = tuple(k for k in range(len(terms)) if k not in left)
            for first, second in itertools.product(orders(left), orders(right)):
                depth = dict(zip(left, first, strict=True)) | dict(zip(right, second, strict=True))
                yield tuple(1 + depth[k] for k in range(len(terms)))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_gamma_is_the_worst_case_of_a_scalar_product_in_any_order(size: int) -> None:
    """Exactly: a product and the additions that a term goes through, each off by u; not one operation less is enough."""
    u = Fraction(rounding.UNIT_ROUNDOFF)
    worst = max((1 + u) ** (1 + depth) - 1 for order in orders(tuple(range(size))) for depth in order)
    assert worst == (1 + u) ** size - 1
    assert Fraction(gamma(size - 1)) < worst <= Fraction(gamma(size))
    assert max(max(order) for order in orders(tuple(range(size)))) == size - 1


def test_gamma_is_rounded_up() -> None:
    u = Fraction(rounding.UNIT_ROUNDOFF)
    assert gamma(0) == 0
    for operations in (*range(1, 200), 10**6, 2**40 + 1, 2**52 - 1):
        exact = operations * u / (1 - operations * u)
        assert exact <= Fraction(gamma(operations)) <= exact * (1 + 4 * u)


def test_gamma_exists_as_long_as_one_rounding_is_left() -> None:
    """``k u < 1`` up to k = 2^53 - 1, where gamma_k is k itself; there is none from 2^53."""
    most = 2**53 - 1
    assert most <= gamma(most) <= most * (1 + 2 * rounding.UNIT_ROUNDOFF)
    for operations in (most + 1, 2 * most):
        with pytest.raises(OverflowError, match=f"gamma_{operations} does not exist"):
            gamma(operations)


def test_the_coarse_program_is_the_program() -> None:
    """Nothing rounded beside float64: the copy's bounds are those of its own roundoff, its values those of theory/."""
    coarse = Theory(UNIT_ROUNDOFF)
    row = np.array([[0.6, 0.8]])
    assert coarse.function("theory.rigour.rounding", "gamma")(8) == pytest.approx(8 * UNIT_ROUNDOFF, rel=1e-4, abs=0)
    assert coarse.function("theory.maps.affine", "_operator_norm_bound")(row) == pytest.approx(
        maps._operator_norm_bound(row), rel=1e-4
    )
    state = coarse.function("theory.descent.steps", "FunctionSpaceDescent")
    net = coarse.function("theory.network.two_layer", "TwoLayerNetwork")(
        np.array([[0.9, 0.1], [0.2, -0.7]]), np.ones(2), "sin"
    )
    assert state(net, row, np.zeros(1)).outputs[0] == pytest.approx(
        np.sin(row @ net.weights.T).sum() / math.sqrt(2), rel=1e-15
    )


def test_operations_are_off_by_what_the_director_says() -> None:
    site, largest = ("module", 1, 0, "Add"), UNIT_ROUNDOFF / (1 + UNIT_ROUNDOFF)
    for mode, sign in ((EXACT, 0), (UP, 1), (DOWN, -1)):
        arithmetic = Arithmetic(Director(UNIT_ROUNDOFF, mode))
        for left, right in ((0.3, 0.4), (-0.3, -0.4), (np.array([0.3, -0.9]), np.array([0.4, 0.1]))):
            exact = left + right
            expected = exact + sign * np.abs(exact) * largest
            assert np.allclose(arithmetic.binary(site, "Add", left, right), expected, rtol=1e-15)
        assert arithmetic.binary(site, "Mult", 0.3, 4.0) == 1.2  # a power of two rounds nothing
        assert arithmetic.binary(site, "Add", 0.3, 0.0) == 0.3
        assert arithmetic.binary(site, "Add", 0.3, 0.3) == 0.6
        assert arithmetic.binary(site, "FloorDiv", 7, 2) == 3
        total = arithmetic.matmul(site, np.full((1, 3), 0.3), np.full((3, 1), 0.7))
        assert total[0, 0] == pytest.approx(
            0.63 * (1 + sign * largest * (1 + 1 / 3 + 2 / 3 + 2 / 3)), abs=1e-7 * abs(sign) * 0.1 + 1e-15
        ) or (abs(total[0, 0] / 0.63 - 1) <= 3 * UNIT_ROUNDOFF)


def test_the_length_of_a_step_is_bounded_from_the_root_that_was_taken() -> None:
    """One order of summation may find 0 where another finds twice the form: the bound is that of the first."""
    n, u = 30, rounding.UNIT_ROUNDOFF
    c, gram = np.ones(n), np.ones((n, n)) / n
    magnitude = float(c @ gram @ c)
    off = step_bounds.form_error(c, gram, 13 * u * magnitude)
    form, largest = 2 * n * u * magnitude, 2 * n * u * magnitude  # c^T G c, and what its sum may be off by
    assert off >= largest
    assert math.sqrt(form) <= gram_rounding.root_error(form - largest, off)
    assert math.sqrt(form) > gram_rounding.root_error(form + largest, off)  # what another sum would promise
