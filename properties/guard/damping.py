"""Intended damping: what the step is meant to be damped by, and the exact damped step.

``J`` (n, m d), S (n, m), X (n, d), ``G = J J^T``, ``H = S S^T``, ``K = X X^T``, r and ``B = S^T diag(r) X`` are those of
docs/theory.md, section 1; S carries the factor ``m^{-1/2}``, and so ``S^T S`` the factor 1/m. With ``eps > 0`` the steps are

* gram: ``J^T (G + eps I)^{-1} r``, which is ``(J^T J + eps I)^{-1} J^T r``;
* factors: ``(S^T S + eps I)^{-1} B (X^T X + eps I)^{-1}``;
* pi: the same with ``eps^{1/2} / pi`` on ``S^T S`` and ``eps^{1/2} pi`` on ``X^T X``, ``pi^2 = (tr X^T X / d) / (tr S^T S / m)``;
* product: ``(S^T S (x) X^T X + eps I)^{-1} vec(B)``.

All are computed with n x n matrices: ``(S^T S + a I)^{-1} S^T = S^T (H + a I)^{-1}``, and for the product ``S^T C X`` with
``H C K + eps C = diag(r)``. What is not rational is enclosed: ``error`` bounds the distance of a direction to the exact one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpq_mat

from properties.engine.claim import as_float
from properties.engine.stable_names import stored_as
from properties.exact import identity_rounding as rounding
from properties.exact.exact_network import ExactNetwork, vector
from theory.errors import ImplementationError
from theory.inputs import FloatArray
from theory.rigour.exact import diagonal, rational, rational_matrix

KINDS: Mapping[str, tuple[str, ...]] = {"ngd": ("gram",), "kfac": ("factors", "product", "pi")}
"""The kinds of damping of each optimiser; the first is meant where none is named and there is one only."""

LEAST: Mapping[str, float] = {"gram": 1e-8, "factors": 1e-6, "product": 1e-8, "pi": 1e-8}
"""Below these an eps cannot be told from none, or the inverses of both damped factors lose the step, in float64."""

MOST = 1e6
"""Above it the step is too short beside the weights."""

ROOT_BITS = 128
"""Square roots are off by ``2^-ROOT_BITS`` of themselves."""

REFINED = 2.0**-100
"""How far, relative to its length, an enclosed direction may be from the exact one."""

REFINEMENTS = 30


@stored_as("damping")
@dataclass(frozen=True)
class Damping:
    """A kind of damping and its eps."""

    kind: str
    """One of ``KINDS``."""
    eps: float
    """In the units of G, of ``S^T S`` and ``X^T X``, or of their product."""

    @classmethod
    def of(cls, eps: float | str, kind: str | None, optimiser: str) -> Damping:
        """The damping of a step of this optimiser. Raises ImplementationError: no such kind, or an eps out of range."""
        kinds = KINDS[optimiser]
        if kind is None and len(kinds) > 1:
            raise ImplementationError(f"--damping needs --damping-kind for {optimiser}: one of {', '.join(kinds)}")
        chosen = kinds[0] if kind is None else kind
        if chosen not in kinds:
            raise ImplementationError(
                f"--damping-kind {chosen} is none of the optimiser {optimiser}, which has {', '.join(kinds)}"
            )
        try:
            size = float(eps)
        except ValueError:
            size = math.nan
        least = LEAST[chosen]
        if not least <= size <= MOST:
            raise ImplementationError(
                f"--damping {eps} is not a number from {least:g} to {MOST:g}, within which rounding lets {chosen} damping be "
                f"judged; leave it out for a step without damping"
            )
        return cls(chosen, size)

    @property
    def options(self) -> tuple[str, ...]:
        """The options that ask for it."""
        return "--damping", repr(self.eps), "--damping-kind", self.kind

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.kind} damping, eps = {self.eps!r}"

    @property
    def formula(self) -> str:
        """The step divided by -eta."""
        return {
            "gram": "J^T (J J^T + eps I)^-1 r",
            "factors": "((S^T S + eps I)^-1 (x) (X^T X + eps I)^-1) J^T r",
            "pi": "((S^T S + eps^(1/2)/pi I)^-1 (x) (X^T X + eps^(1/2) pi I)^-1) J^T r",
            "product": "(S^T S (x) X^T X + eps I)^-1 J^T r",
        }[self.kind]

    def parts(self, net: ExactNetwork) -> tuple[fmpq, fmpq]:
        """What is added to ``S^T S`` and to ``X^T X``, or for "gram" and "product" eps and 0; square roots are off by ``2^-128``.

        Raises ZeroDivisionError for "pi" where no neuron is active: pi has no value there.
        """
        eps = rational(self.eps)
        if self.kind == "factors":
            return eps, eps
        if self.kind != "pi":
            return eps, fmpq(0)
        squared = pi_squared(net)
        return root(eps / squared), root(eps * squared)

    def defined(self, net: ExactNetwork) -> bool:
        """Whether the damped step is: with pi only where some neuron is active."""
        return self.kind != "pi" or net.features != fmpq_mat(net.features.nrows(), net.features.ncols())


def pi_squared(net: ExactNetwork) -> fmpq:
    """``(tr X^T X / d) / (tr S^T S / m)``, S carrying ``m^{-1/2}``. Raises ZeroDivisionError where S = 0."""
    return (_trace(net.kernel) / net.inputs.ncols()) / (_trace(net.pattern_gram) / len(net.signs))


def root(value: fmpq) -> fmpq:
    """``value^{1/2}``, exactly where that is rational, else below it by less than ``2^-ROOT_BITS`` of it."""
    numerator, denominator = int(value.p), int(value.q)
    above, below = math.isqrt(numerator), math.isqrt(denominator)
    if above * above == numerator and below * below == denominator:
        return fmpq(above, below)
    shift = ROOT_BITS + max(0, denominator.bit_length() - numerator.bit_length() + 1)
    return fmpq(math.isqrt((numerator << 2 * shift) // denominator), 1 << shift)


def _trace(matrix: fmpq_mat) -> fmpq:
    return sum((matrix[i, i] for i in range(matrix.nrows())), fmpq(0))


def shifted(matrix: fmpq_mat, eps: fmpq) -> fmpq_mat:
    """``M + eps I``."""
    return matrix + diagonal([eps] * matrix.nrows())


@dataclass(frozen=True)
class Direction:
    """A step divided by -eta (m, d), and how far in the Frobenius norm it may be from the exact one."""

    matrix: fmpq_mat
    error: float = 0.0


def damped_direction(net: ExactNetwork, damping: Damping) -> Direction:
    """The exact damped step, enclosed where it is not rational. Raises ZeroDivisionError where pi has no value."""
    S, X, r = net.features.transpose(), net.inputs, net.residual
    first, second = damping.parts(net)
    if damping.kind == "gram":
        return Direction(S * diagonal(vector(shifted(net.gram, first).solve(r))) * X)
    if damping.kind == "product":
        return _product_direction(net, first)
    dual = shifted(net.kernel, second).inv() * X  # (X X^T + a I)^{-1} X = X (X^T X + a I)^{-1}
    found = S * shifted(net.pattern_gram, first).inv() * diagonal(vector(r)) * dual
    if damping.kind == "factors":
        return Direction(found)
    # (M + a I)^{-1} moves by |a - a'| (M + a I)^{-1} (M + a' I)^{-1}, at most 2^-127 of itself, and so twice
    return Direction(found, 2.0 ** (4 - ROOT_BITS) * float(np.linalg.norm(rounding.floats(found))))


def _product_direction(net: ExactNetwork, eps: fmpq) -> Direction:
    """``S^T C X``: ``C -> H C K + eps C`` is at least eps, so that the exact C is within ``||residual|| / eps``."""
    H, K, size = net.pattern_gram, net.kernel, as_float(eps)
    (values, vectors), (others, turned) = (np.linalg.eigh(rounding.floats(matrix)) for matrix in (H, K))
    divisors = np.maximum(np.outer(values, others), 0.0) + size

    def solved(right: FloatArray) -> FloatArray:
        return np.asarray(vectors @ ((vectors.T @ right @ turned) / divisors) @ turned.T, dtype=np.float64)

    right = diagonal(vector(net.residual))
    found = rational_matrix(solved(rounding.floats(right)))
    spread = float(np.sqrt(np.trace(rounding.floats(H)) * np.trace(rounding.floats(K))))
    for _ in range(REFINEMENTS):
        rest = right - H * found * K - eps * found
        floats = rounding.floats(rest)
        direction = net.features.transpose() * found * net.inputs
        error = float(np.linalg.norm(floats)) * spread / size * (1 + 2.0**-20)
        if error <= REFINED * float(np.linalg.norm(rounding.floats(direction))):
            return Direction(direction, error)
        found = found + rational_matrix(solved(floats))
    raise ArithmeticError(f"the damped step was not enclosed in {REFINEMENTS} refinements; eps {size:g}")
