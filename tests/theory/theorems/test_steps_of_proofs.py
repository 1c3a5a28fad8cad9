"""Steps of the numbered paragraphs in exact arithmetic, and wrong versions of them, which fail."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat

from theory.catalogue import chains, obligations
from theory.rigour.exact import pseudo_inverse
from theory.rigour.precision import working_precision
from theory.theorems import general_loss, kernels, ngd, ngd_sharp

# --- Lemma S (P5.7 to P5.9) ------------------------------------------------------------------------------------------

C0 = fmpq(3, 10)
"""c."""


def squared(vector: fmpq_mat) -> fmpq:
    return sum((entry * entry for entry in vector.entries()), fmpq(0))


def form(vector: fmpq_mat, matrix: fmpq_mat) -> fmpq:
    """``v^T M^{-1} v``, exactly."""
    return (vector.transpose() * matrix.solve(vector))[0, 0]


def identity(size: int) -> fmpq_mat:
    return fmpq_mat([[fmpq(int(i == j)) for j in range(size)] for i in range(size)])


def jacobians(seed: int, n: int, p: int) -> tuple[fmpq_mat, fmpq_mat]:
    """J0 = [diag 0] with entries of at least 1, and A within c of it in Frobenius norm, mostly across J0's row space."""
    rng = np.random.default_rng(seed)
    initial = [[fmpq(int(rng.integers(5, 9)), 5) if i == j else fmpq(0) for j in range(p)] for i in range(n)]
    change = rng.integers(-4, 5, (n, p))
    change[:, n:] *= 3
    size = 1 + int(np.ceil(np.linalg.norm(change)))
    moved = [[initial[i][j] + C0 * fmpq(int(change[i, j]), size) for j in range(p)] for i in range(n)]
    return fmpq_mat(initial), fmpq_mat(moved)


def sides(initial: fmpq_mat, current: fmpq_mat, z: fmpq_mat) -> tuple[fmpq, fmpq, fmpq_mat]:
    """``v^T (I-Q)^{-1} v/||z||^2``, ``e^T (c^2 I - Q)^{-1} e/||z||^2`` and Q."""
    n, p = initial.nrows(), initial.ncols()
    within = pseudo_inverse(current) * current
    Q = initial * (identity(p) - within) * initial.transpose()
    v, e = initial * z, (current - initial) * z
    return form(v, identity(n) - Q) / squared(z), form(e, C0**2 * identity(n) - Q) / squared(z), Q


@pytest.mark.parametrize(("n", "p"), [(1, 2), (1, 4), (2, 3), (2, 5), (3, 4), (3, 6)])
def test_the_row_space_step_of_lemma_S(n: int, p: int) -> None:
    short, needed = 0, 0
    for seed in range(25):
        initial, current = jacobians(seed, n, p)
        r = fmpq_mat(n, 1, [fmpq(int(k)) for k in np.random.default_rng(seed).integers(1, 9, n)])
        z = pseudo_inverse(current) * r
        v_side, e_side, Q = sides(initial, current, z)
        assert v_side >= 1
        assert e_side <= 1
        needed += Q != fmpq_mat(n, n)
        v, e, w = initial * z, (current - initial) * z, current * z
        assert squared(v) - squared(e) >= C0 / (1 + C0) * squared(w) + (1 + C0) * (1 - 2 * C0) * squared(z)
        short += squared(v) < squared(z)
    assert needed > 15
    assert short or n > 1  # for n = 1 the rows of J0 and of A span different lines


def test_outside_of_the_row_space_the_step_fails() -> None:
    initial, current = fmpq_mat([[1, 0]]), fmpq_mat([[fmpq(1), C0]])
    across = fmpq_mat(2, 1, [-C0, fmpq(1)])  # A vanishes on it
    v_side, _, _ = sides(initial, current, across)
    assert v_side < 1


def test_v_can_be_shorter_than_z_with_more_parameters_than_outputs() -> None:
    """``||v|| >= 1`` is false: 0.958 for J0 = [1 0], A = [1 0.3], c = 0.3. Neither Lemma S nor the step's bound needs it."""
    initial, current = fmpq_mat([[1, 0]]), fmpq_mat([[fmpq(1), C0]])
    z = pseudo_inverse(current) * fmpq_mat([[1]])
    v, e, w = (squared(matrix * z) / squared(z) for matrix in (initial, current - initial, current))
    assert v == fmpq(100, 109)
    assert float(v) ** 0.5 == pytest.approx(0.958, abs=5e-4)
    assert v - e >= C0 / (1 + C0) * w + (1 + C0) * (1 - 2 * C0)
    v_side, e_side, _ = sides(initial, current, z)
    assert v_side == 1
    assert e_side <= 1
    C = 3 * float(C0)
    for share in (0.01, 0.5, 1.0):
        eta = share * ngd_sharp.factor_limit(C)
        s = float(w) ** 0.5
        reached = abs(s - eta * 1 / s) + eta * float(C0)  # w and v are numbers of one sign, v = w.v/s = 1/s
        assert reached <= (1 - eta / ngd.contraction_ratio(C)) * s


# --- K-sep's tail (P3.8) ---------------------------------------------------------------------------------------------


def central(k: int) -> Fraction:
    """``w_k``."""
    return Fraction(comb(2 * k, k), 4**k)


def test_the_tail_telescopes() -> None:
    for k in range(80):
        assert central(k) / (2 * k + 1) >= central(k) - central(k + 1)
        assert central(k) ** 2 * (3 * k + 1) <= 1
    assert any(central(k) / (2 * k + 1) < 2 * (central(k) - central(k + 1)) for k in range(80))


def test_the_tail_is_above_its_bound_and_the_bound_near_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "MOST_TERMS", 0)
    with working_precision(200):
        for first in (1, 2, 5, 40, 300):
            bound = kernels.remaining_coefficients(first, arb(1))
            w = central(first)
            start = arb(fmpq(w.numerator, w.denominator))
            tail = arb.pi() / 2 - sum(kernels.first_coefficients(first, arb(1)), arb(0))
            assert bound < start < tail
            assert start < bound * (1 + arb(1) / (4 * first))
            assert start * start * (first + arb(1) / 2) * arb.pi() > 1
            assert start * start * first * arb.pi() < 1  # w_k^2 k in the place of w_k^2 (k + 1/2) is no lower bound


# --- leverage scores (P8.1) ------------------------------------------------------------------------------------------


def scores(rows: list[list[fmpq]]) -> tuple[list[fmpq], list[fmpq]]:
    """Leverage scores of rows whose ``X^T X`` is diagonal, and its nonzero eigenvalues."""
    X = fmpq_mat(rows)
    products = X.transpose() * X
    d = X.ncols()
    assert all(products[i, j] == 0 for i in range(d) for j in range(d) if i != j)
    P = X * pseudo_inverse(X)
    return [P[i, i] for i in range(len(rows))], [products[i, i] for i in range(d) if products[i, i] != 0]


A, B = fmpq(3, 5), fmpq(4, 5)
UNIT_ROWS = [
    [[A, B], [A, -B], [fmpq(1), fmpq(0)]],
    [[A, B], [-A, B], [fmpq(0), fmpq(1)], [fmpq(0), fmpq(1)]],
    [[A, B, fmpq(0)], [A, -B, fmpq(0)], [fmpq(0), fmpq(0), fmpq(1)], [fmpq(0), fmpq(0), fmpq(-1)]],
    [[fmpq(1), fmpq(0)], [fmpq(-1), fmpq(0)]],
]


@pytest.mark.parametrize("rows", UNIT_ROWS)
def test_leverage_scores_of_unit_rows_lie_between_the_inverse_eigenvalues(rows: list[list[fmpq]]) -> None:
    leverage, eigenvalues = scores(rows)
    assert max(leverage) * min(eigenvalues) <= 1 <= min(leverage) * max(eigenvalues)
    assert max(leverage) <= 1


def test_each_side_needs_rows_of_that_length() -> None:
    longer, shorter = fmpq(1001, 1000), fmpq(999, 1000)
    for factor, broken in ((longer, "most"), (shorter, "least")):
        leverage, eigenvalues = scores([[factor, fmpq(0)], [fmpq(0), factor]])
        most, least = max(leverage) * min(eigenvalues) <= 1, min(leverage) * max(eigenvalues) >= 1
        assert (most, least) == (broken != "most", broken != "least")


# --- T2-q at eta mu = 1 (P6.4) ---------------------------------------------------------------------------------------


def test_the_limit_of_the_factor_reaches_the_inverse_of_mu_for_equal_constants_only() -> None:
    mu = arb(2)
    for C in (fmpq(1, 10), fmpq(1, 2), fmpq(3, 5)):
        with working_precision(200):
            equal = general_loss.validity_limit(arb(C), mu, mu, "T2-q") * mu
            assert equal.contains(1)
            for larger in (fmpq(2001, 1000), fmpq(3)):
                assert general_loss.validity_limit(arb(C), mu, arb(larger), "T2-q") * mu < 1


# --- the chains have these steps -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theorem", "needed"),
    [
        ("T4-width", {"O-t4-width", "O-t4-width-symmetric", "O-leverage"}),
        ("T3", {"O-t3", "O-t3-symmetric", "O-t3-least"}),
        ("T4", {"O-leverage"}),
        ("K-sep", {"O-sep-wallis", "O-sep-tail"}),
        ("T1", {"O-t1-square"}),
        ("T0-advantage", {"O-t0-two"}),
    ],
)
def test_what_a_proof_would_lack_without(theorem: str, needed: set[str]) -> None:
    assert needed <= set(chains[theorem].obligations)


def test_no_chain_claims_that_v_is_as_long_as_z() -> None:
    assert not any("||v|| >= 1" in link.step for chain in chains.values() for link in chain.links)
    assert "O-sharp-1" not in obligations


def test_every_chain_with_steps_of_a_network_has_the_lemma_on_kinks() -> None:
    steps = ("T0", "T0-sharp", "T1", "T1-q", "T1-sharp", "T1-first", "T1-step", "T1-line", "T2", "T2-q", "T4", "T4-lev")
    others = ("T1-line-sharp", "T1-sharp-adversary", "T1-radius", "T1-tight", "T4-sharp", "T4-least", "T4-frozen")
    for theorem in (*steps, *others, "T5-tube", "T5-width", "E-step"):
        assert any("docs/proofs/segments.md: P1.1" in link.references for link in chains[theorem].links), theorem
