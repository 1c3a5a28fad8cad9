"""The identity claims hold, their mutants fall, their families reach every kind, and their bounds reject wrong values."""

import math
from collections import Counter
from collections.abc import Mapping
from itertools import product as pairs
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from properties.chapters.identities import identity_scale, identity_steps
from properties.chapters.identities.identities import CLAIMS
from properties.chapters.identities.identity_checks import equal
from properties.chapters.identities.identity_steps import _singular_features
from properties.engine.claim import Bound, Claim, Depth, Mutant, Verdict
from properties.engine.search import run_claim
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork, exact_root, unvec, vec, vector
from properties.exact.identity_instances import (
    SHAPES,
    ExactInstance,
    build_network,
    build_ones,
    build_pattern,
    integer_counts,
    network_features,
    regular,
)
from theory.errors import WidthError
from theory.inputs import FloatArray, unit_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import diagonal, pseudo_inverse, rational_matrix

MUTANTS = [mutant for claim in CLAIMS for mutant in claim.mutants]
NETWORK_CLAIMS = [claim for claim in CLAIMS if claim.id != "I-counts"]


def describe(**changes: Any) -> Mapping[str, Any]:
    base = {"kind": "uniform", "rows": 3, "dim": 2, "width": 9, "weights": "gaussian", "step_tenths": 5, "seed": 0}
    return base | changes


def test_every_identity_is_claimed_and_challenged() -> None:
    expected = ["I-gram", "I-homog", "I-pinv", "I-kfac", "I-kfac-fn", "I-dual", "I-counts"]
    assert [claim.id for claim in CLAIMS] == expected
    assert all(len(claim.mutants) >= 2 for claim in CLAIMS)
    assert len({mutant.id for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_claim_holds(claim: Claim[Any]) -> None:
    result = run_claim(claim, Depth.QUICK, seed=11)
    assert result.verdict is Verdict.HOLDS
    assert result.instances > result.vacuous


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_mutant_is_refuted(mutant: Mutant) -> None:
    assert run_claim(mutant.claim, Depth.QUICK, seed=11).verdict is Verdict.REFUTED


def test_inputs_of_every_kind_rank_and_shape_are_drawn() -> None:
    """Each kind with more inputs than dimensions, where it can have them, and one with as many as its rank does not have."""
    kinds = {kind for kind, *_ in SHAPES}
    assert kinds == {"uniform", "axes", "integers", "antiparallel", "clustered", "nearly parallel", "rank-deficient"}
    assert {kind for kind, n, d in SHAPES if n > d} == kinds
    assert {kind for kind, n, d in SHAPES if n <= d} == kinds
    optimisers = ("ngd", "kfac")
    changes = {"rows": 3, "dim": 3, "width": 9}
    ranks = [
        build_network(describe(kind="rank-deficient", optimiser=optimiser, **changes)).exact.inputs.rank()
        for optimiser in optimisers
    ]
    assert ranks == [2, 2]


@pytest.mark.parametrize("claim", NETWORK_CLAIMS, ids=lambda claim: claim.id)
def test_every_kind_of_inputs_reaches_the_conclusion(claim: Claim[Any]) -> None:
    """A seeded loop over every shape, width and kind of weights: hypotheses hold and bounds hold for each kind."""
    optimisers = ("ngd", "kfac", "gd") if claim.id == "I-dual" else ("kfac",) if "kfac" in claim.id else ("ngd",)
    reached: Counter[str] = Counter()
    for seed, ((kind, n, d), optimiser) in enumerate(pairs(SHAPES, optimisers)):
        for weights in ("gaussian", "integers", "symmetric"):
            description = describe(kind=kind, rows=n, dim=d, width=9, weights=weights, seed=seed, optimiser=optimiser)
            instance = build_network(description)
            if any(hypothesis.verdict is not Verdict.HOLDS for hypothesis in claim.hypotheses(instance)):
                continue
            bounds = claim.conclusion(instance)
            assert [bound.label for bound in bounds if bound.verdict is not Verdict.HOLDS] == []
            reached.update([f"{kind}, {optimiser}"])
    expected = {f"{kind}, {optimiser}" for (kind, _, _), optimiser in pairs(SHAPES, optimisers)}
    assert set(reached) == expected


@pytest.mark.parametrize(("kind", "rows", "dim"), SHAPES)
def test_kinds_are_what_they_say(kind: str, rows: int, dim: int) -> None:
    instance = build_network(describe(kind=kind, rows=rows, dim=dim, seed=3))
    X = unit_rows(instance.inputs)
    assert X.shape == (rows, dim)
    rank = instance.exact.inputs.rank()
    match kind:
        case "antiparallel":
            assert np.array_equal(X[0], -X[1])
        case "nearly parallel":
            assert np.linalg.norm(X[0] - X[1]) == pytest.approx(1e-3, rel=1e-3)
            assert instance.exact.pattern_gram.rank() >= 2  # one neuron stands between the two
        case "rank-deficient":
            assert rank < dim
        case "axes":
            assert np.count_nonzero(X) == rows
        case "clustered":
            assert (X @ X.T).min() > 0.4
        case _:
            assert rank == min(rows, dim) or kind == "integers"


def test_features_tell_exact_zeros_and_rank() -> None:
    labels = network_features(build_network(describe(kind="axes", rows=4, dim=3, weights="integers", seed=1)))
    assert "a pre-activation exactly 0" in labels
    assert "n > d" in labels
    labels = network_features(build_network(describe(kind="rank-deficient", rows=3, dim=3)))
    assert "rank X < min(n, d)" in labels
    assert "n <= d" in labels


def test_symmetric_weights_pair_all_neurons_but_the_odd_one() -> None:
    instance = build_network(describe(weights="symmetric"))
    assert np.array_equal(instance.weights[:4], instance.weights[4:8])
    assert np.array_equal(instance.signs[:4], -instance.signs[4:8])


def test_exact_network_by_hand() -> None:
    """X = 1, W = (2, 1, -3, 0), a = (1, -1, 1, -1), m = 4, y = 1: u = 1/2, r = -1/2, G = 3/4."""
    net = TwoLayerNetwork(weights=np.array([[2.0], [1.0], [-3.0], [0.0]]), signs=np.array([1.0, -1.0, 1.0, -1.0]))
    exact = ExactNetwork.of(net, np.array([[1.0]]), np.array([1.0]))
    assert exact.outputs == fmpq_mat([[fmpq(1, 2)]])
    assert exact.residual == fmpq_mat([[fmpq(-1, 2)]])
    assert exact.features == fmpq_mat([[fmpq(1, 2), fmpq(-1, 2), 0, fmpq(-1, 2)]])
    assert exact.gram == fmpq_mat([[fmpq(3, 4)]])
    assert exact.dense_direction("gd") == fmpq_mat([[fmpq(-1, 4)], [fmpq(1, 4)], [0], [fmpq(1, 4)]])
    assert exact.dense_direction("ngd") == fmpq_mat([[fmpq(-1, 3)], [fmpq(1, 3)], [0], [fmpq(1, 3)]])
    assert exact.dense_direction("kfac") == exact.dense_direction("ngd")
    assert exact.moved("gd", fmpq(4)).weights == fmpq_mat([[3], [0], [-3], [-1]])


def test_exact_root_refuses_other_widths() -> None:
    assert [exact_root(m) for m in (1, 4, 9, 16)] == [1, 2, 3, 4]
    with pytest.raises(WidthError, match="width is 8; exact arithmetic needs a perfect square, such as 9"):
        exact_root(8)


def test_vec_goes_row_after_row() -> None:
    matrix = fmpq_mat([[1, 2, 3], [4, 5, 6]])
    assert vec(matrix) == fmpq_mat(6, 1, [1, 2, 3, 4, 5, 6])
    assert unvec(vec(matrix), 2) == matrix


def test_iterates_stop_before_a_singular_matrix() -> None:
    """Two copies of one input: J has rank 1 of 2, so no natural gradient step exists, but a gradient step does."""
    instance = build_network(describe(kind="uniform", rows=2, dim=1, width=4, optimiser="ngd", seed=1))
    assert instance.inputs[0] == instance.inputs[1]
    assert not regular(instance.exact, "ngd")
    assert not regular(instance.exact, "kfac")
    assert regular(instance.exact, "gd")
    assert len(instance.iterates) == 1


def test_equal_rejects_values_and_shapes() -> None:
    assert equal("same", fmpq_mat([[1, 2]]), fmpq_mat([[1, 2]])).verdict is Verdict.HOLDS
    different = equal("entry", fmpq_mat([[1, 2]]), fmpq_mat([[1, 5]]))
    assert different.verdict is Verdict.REFUTED
    assert different.measured == 3
    assert equal("shape", fmpq_mat([[1, 2]]), fmpq_mat([[1], [2]])).verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([[1.0], [2.0]], Verdict.HOLDS),
        ([[1.25], [2.0]], Verdict.HOLDS),
        ([[1.0], [2.0 + 2.0**-50]], Verdict.REFUTED),
        ([[1.5], [2.0]], Verdict.REFUTED),
        ([[np.nan], [2.0]], Verdict.REFUTED),
        ([[1.0, 2.0]], Verdict.REFUTED),
    ],
)
def test_close_judges_entry_by_entry(values: list[list[float]], verdict: Verdict) -> None:
    """The first entry may be off by 1/4, the second not at all."""
    bound = rounding.close("z", np.array(values), fmpq_mat([[1], [2]]), np.array([[0.25], [0.0]]))
    assert bound.verdict is verdict


def test_close_to_floats_judges_entry_by_entry() -> None:
    expected, error = np.array([1.0, 2.0]), np.array([0.5, 0.0])
    verdicts = [
        rounding.close_to_floats("norms", np.array(values), expected, error).verdict
        for values in ([1.5, 2.0], [1.5, 2.25], [1.75, 2.0], [1.0])
    ]
    assert verdicts == [Verdict.HOLDS, Verdict.REFUTED, Verdict.REFUTED, Verdict.REFUTED]


def _perturbed(
    rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[fmpq_mat, np.ndarray[Any, Any], rounding.Computed]:
    """An exact matrix, a float64 one near it, and what is known of the latter."""
    exact = rng.standard_normal(shape)
    error = np.abs(rng.standard_normal(shape)) * 1e-6
    computed = exact + error * rng.choice([-0.9, 0.9], shape)
    return rational_matrix(exact), computed, rounding.Computed(np.abs(exact), error)


@pytest.mark.parametrize("seed", range(20))
def test_propagated_errors_cover_perturbed_operands(seed: int) -> None:
    """Products, sums and solves of float64 operands that are off by 0.9 of their stated errors."""
    rng = np.random.default_rng(seed)
    a, a_float, a_known = _perturbed(rng, (3, 3))
    b, b_float, b_known = _perturbed(rng, (3, 2))
    c, c_float, c_known = _perturbed(rng, (3, 2))
    spd = a * a.transpose() + fmpq_mat([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    spd_error = np.abs(rng.standard_normal((3, 3))) * 1e-7
    spd_known = rounding.Computed(rounding.magnitudes(spd), spd_error + spd_error.T)
    spd_float = rounding.floats(spd) + 0.9 * (spd_error + spd_error.T)
    solution = spd.inv() * b
    solved, distance = rounding.linear_solve(spd_known, spd.inv(), b_known, solution)
    assert distance < rounding.SINGULARITY
    entrywise = fmpq_mat(3, 2, [p * q for p, q in zip(b.entries(), c.entries(), strict=True)])
    bounds: list[Bound] = [
        rounding.close("matmul", a_float @ b_float, a * b, rounding.matmul(a_known, b_known).error),
        rounding.close("product", b_float * c_float, entrywise, rounding.product(b_known, c_known).error),
        rounding.close("plus", b_float + c_float, b + c, rounding.plus(b_known, c_known, b + c).error),
        rounding.close("solve", np.linalg.solve(spd_float, b_float), solution, solved.error),
    ]
    assert [bound.label for bound in bounds if bound.verdict is not Verdict.HOLDS] == []
    assert max(bound.predicted for bound in bounds) < 1e-4


def test_the_error_of_a_solve_does_not_depend_on_the_unit() -> None:
    """A system times a power of four has the same solution, its error and its distance to singularity to the last bit."""
    matrix, right = fmpq_mat([[2, 1], [1, 3]]), fmpq_mat([[1], [fmpq(5, 7)]])
    found = []
    for unit in (fmpq(1), fmpq(1, 4**9), fmpq(4**9)):
        known = rounding.given(unit * matrix).rounded(1)
        found.append(
            rounding.linear_solve(known, (unit * matrix).inv(), rounding.given(unit * right), matrix.inv() * right)
        )
    assert len({(distance, *solved.error.flat) for solved, distance in found}) == 1


def test_one_rank_less_makes_features_singular() -> None:
    ranks = Counter[int]()
    for seed in range(12):
        instance = build_network(describe(rows=3, width=4, weights="integers", seed=seed))
        rank = instance.exact.pattern_gram.rank()
        (asked,) = _singular_features(instance)
        assert (asked.verdict is Verdict.HOLDS) is (rank < 3)
        ranks[rank] += 1
    assert ranks[2] > 0 < ranks[3]


def test_norms_of_columns_are_euclidean() -> None:
    columns = [fmpq_mat([[3], [-4]]), fmpq_mat([[0], [fmpq(1, 2)]])]
    values, errors = rounding.norms(columns, [rounding.given(column) for column in columns])
    assert values.tolist() == [5.0, 0.5]
    assert (errors > 0).all()
    assert (errors < 1e-14).all()


@pytest.mark.parametrize(
    ("rows", "squared_norm", "squared_inverse"),
    [
        ([[1, 0], [0, 1]], 2, 2),  # singular values 1, 1
        ([[1, 0], [0, 1], [1, 0]], 3, fmpq(3, 2)),  # 2^{1/2}, 1
        ([[1, 0, 0], [0, 1, 0]], 2, 2),
        ([[0.6, 0.8]] * 4, 4, fmpq(1, 4)),  # 2: of rank 1
    ],
)
def test_what_a_decomposition_of_the_inputs_may_be_off_by_hand(
    rows: list[list[float]], squared_norm: int, squared_inverse: fmpq
) -> None:
    """A reflection for every row and column and as much for the iteration, 16 u for each entry of their vectors; of X and of X^+."""
    n, d = len(rows), len(rows[0])
    net = TwoLayerNetwork(weights=np.ones((4, d)), signs=np.ones(4))
    exact = ExactNetwork.of(net, np.array(rows), np.zeros(n))
    inverse = math.sqrt(squared_inverse)
    reflections, iteration = 16 * (n + d) * max(n, d), 16 * (n + d) * max(n, d)
    omega = (reflections + iteration) * 2.0**-53 * math.sqrt(squared_norm) * inverse
    products = 2 * (d + 2) * 2.0**-53  # of d terms and two diagonal factors, doubled
    wedin, factors = 2 * omega, 3 * omega
    close = 2.0**-40  # what the module's own evaluation is off at most, relative; 0.6 and 0.8 are rounded as well
    assert rounding.spread(exact) == pytest.approx(omega, rel=close, abs=0)
    assert rounding.dual_inputs(exact).error == pytest.approx(inverse * (wedin + factors + products), rel=close, abs=0)
    assert rounding.projection(exact).error == pytest.approx(wedin + 2 * omega + products, rel=close, abs=0)


def test_a_zero_product_needs_no_rounding() -> None:
    """One nonzero product has one rounding, none has none: pre-activations exactly 0 along the axes are decided."""
    net = TwoLayerNetwork(weights=np.array([[0.0, 3.0], [0.1, 3.0], [-0.1, 0.0], [0.0, 0.0]]), signs=np.ones(4))
    exact = ExactNetwork.of(net, np.array([[1.0, 0.0]]), np.array([0.0]))
    computed = rounding.pre_activations(exact)
    assert computed.error[0, 0] == computed.error[0, 3] == 0
    assert 0 < computed.error[0, 1] < 2.0**-55
    assert rounding.decided(exact, computed) >= 0


def test_a_cancelled_pre_activation_is_not_decided() -> None:
    net = TwoLayerNetwork(weights=np.array([[1.0, -1.0]] * 4), signs=np.ones(4))
    half = np.sqrt(0.5)
    exact = ExactNetwork.of(net, np.array([[half, half]]), np.array([0.0]))
    assert rounding.decided(exact, rounding.pre_activations(exact)) < 0


def test_counts_of_listed_patterns() -> None:
    ones = build_ones({"rows": 3, "width": 9})
    assert integer_counts(ones.pattern).tolist() == [[9, 7, 5], [7, 7, 5], [5, 5, 5]]
    assert ones.pattern.shape == (3, 9)
    assert ones.zeros.shape == (6, 2)
    small = build_pattern({"rows": 4, "width": 30, "signed": 1, "seed": 0})
    assert set(np.unique(small.pattern)) == {-1, 0, 1}
    assert np.array_equal(integer_counts(small.pattern), small.pattern.astype(int) @ small.pattern.T.astype(int))
    unsigned = build_pattern({"rows": 4, "width": 30, "signed": 0, "seed": 0})
    assert set(np.unique(unsigned.pattern)) == {0, 1}


@pytest.mark.parametrize("claim", NETWORK_CLAIMS, ids=lambda claim: claim.id)
def test_network_claims_draw_enough(claim: Claim[Any]) -> None:
    assert claim.families[0].examples[Depth.NORMAL] >= 100


# --- hypotheses that are needed, and those that are not ---------------------------------------------------------------


def singular_networks(optimiser: str) -> list[ExactNetwork]:
    """Small networks whose G or H has no inverse."""
    changes = {"rows": 3, "dim": 2, "width": 4, "optimiser": optimiser}
    cases = [(kind, seed) for kind in ("uniform", "axes") for seed in range(40)]
    nets = [build_network(describe(kind=kind, seed=seed, **changes)).exact for kind, seed in cases]
    return [net for net in nets if not regular(net, optimiser)]


def test_identities_that_hold_at_every_rank() -> None:
    """What the slack rows of I-pinv, I-kfac and I-dual say: only the inverse needs the rank."""
    nets = singular_networks("ngd")
    assert len(nets) >= 10
    for net in nets:
        J = net.jacobian
        assert J.transpose() * pseudo_inverse(net.gram) == pseudo_inverse(J)
        direction = net.dense_direction("ngd")
        coefficients = diagonal(vector(pseudo_inverse(net.gram) * net.residual))
        assert net.inputs * direction.transpose() == net.kernel * coefficients * net.features
    nets = singular_networks("kfac")
    assert len(nets) >= 10
    for net in nets:
        dense = net.dense_direction("kfac")
        inverse = pseudo_inverse(net.pattern_gram)
        assert dense == net.features.transpose() * inverse * diagonal(vector(net.residual)) * net.dual_inputs
        assert (
            net.inputs * dense.transpose() == net.projection * diagonal(vector(net.residual)) * inverse * net.features
        )


def test_features_are_singular_from_a_rank_one_below_the_number_of_inputs() -> None:
    """Of two inputs the neurons see both alike or one each: H has rank 1 or 2."""
    for second, verdict in (([0.6, 0.8], Verdict.HOLDS), ([-1.0, 0.0], Verdict.REFUTED)):
        inputs, weights = np.array([[1.0, 0.0], second]), np.tile([[1.0, 0.5], [-1.0, -0.5]], (2, 1))
        instance = ExactInstance("hand", inputs, weights, weights, np.ones(4), np.ones(2), 0.5, "kfac")
        (found,) = identity_steps._singular_features(instance)
        assert found.verdict is verdict


def test_the_scale_of_the_weights_is_tried_on_the_program_itself() -> None:
    """A program whose Gram matrix is another one at doubled weights only."""
    instance = build_network(describe(rows=2, width=4, weights="integers", seed=1))
    largest = np.abs(instance.weights).max()

    def sees_the_scale(net: TwoLayerNetwork, inputs: FloatArray) -> FloatArray:
        return np.asarray(net.gram(inputs) + (np.abs(net.weights).max() > largest))

    for program, verdict in ((TwoLayerNetwork.gram, Verdict.HOLDS), (sees_the_scale, Verdict.REFUTED)):
        assert identity_scale.Scale(program=program).conclusion(instance)[-1].verdict is verdict
