"""T5-rad: the empirical Rademacher complexity of ``{J theta : ||theta|| <= B}``, by all sign vectors in balls."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lcm
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpq_mat
from hypothesis import strategies as st

from properties.engine.claim import (
    Bound,
    Claim,
    Hypothesis,
    Provenance,
    at_most_enclosed,
    at_most_exactly,
    equal_exactly,
    require,
    technical,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.limiting import ball_limiting_gram
from theory.network.gram import exact_pattern
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.rigour.exact import hadamard, rational_matrix
from theory.rigour.precision import working_precision
from theory.theorems import generalisation

Description = Mapping[str, Any]

BITS = 128
"""Working precision of the first evaluation."""

ONE = fmpq(1)
BELOW_SHARP = fmpq(999, 1000)
"""A constant in front of the bound at which orthogonal rows are a counterexample."""

MOST_INPUTS = 10
"""All 2^n sign vectors are enumerated."""


@stored_as("rademacher-complexity")
@dataclass(frozen=True)
class ComplexityInstance:
    """J by its exact Gram matrix (n, n), a radius B, and what J is."""

    gram: fmpq_mat
    radius: fmpq
    inputs: FloatArray | None = None
    """The inputs (n, d) of a network, None for a Jacobian given by itself."""
    jacobian: fmpq_mat | None = None
    """J (n, p) where it is given by itself."""
    network: TwoLayerNetwork | None = None
    """The network whose J(0) it is."""

    @property
    def size(self) -> int:
        """The number n of inputs."""
        return int(self.gram.nrows())

    @property
    def trace(self) -> fmpq:
        """``tr G``."""
        return sum((self.gram[i, i] for i in range(self.size)), fmpq(0))

    @cached_property
    def forms(self) -> list[fmpq]:
        """``sigma^T G sigma = ||J^T sigma||^2`` for the 2^{n-1} sign vectors with sigma_n = 1 (-sigma gives the same)."""
        denominator = lcm(*(int(entry.q) for entry in self.gram.entries()))
        rows = [[int(entry.p) * (denominator // int(entry.q)) for entry in row] for row in self.gram.tolist()]
        return [fmpq(form, denominator) for form in sign_forms(rows)]


def sign_forms(gram: Sequence[Sequence[int]]) -> list[int]:
    """``sigma^T G sigma`` for every sign vector with last entry 1, in the order of the Gray code.

    Flipping sigma_i changes the form by ``4 (G_ii - sigma_i (G sigma)_i)``.
    """
    size = len(gram)
    signs, products = [1] * size, [sum(row) for row in gram]
    forms = [sum(products)]
    for count in range(1, 2 ** (size - 1)):
        i = (count & -count).bit_length() - 1
        forms.append(forms[-1] + 4 * (gram[i][i] - signs[i] * products[i]))
        for k in range(size):
            products[k] -= 2 * signs[i] * gram[k][i]
        signs[i] = -signs[i]
    return forms


def complexity(instance: ComplexityInstance) -> arb | fmpq:
    """``E_sigma sup_{||theta|| <= B} sigma^T J theta / n = B E ||J^T sigma|| / n``.

    A rational number stands for its square: the expectation is exact when all forms are equal.
    """
    forms = instance.forms
    if all(form == forms[0] for form in forms):
        return instance.radius**2 * forms[0] / instance.size**2
    mean = sum((arb(form).sqrt() for form in forms), arb(0)) / len(forms)
    return arb(instance.radius) * mean / instance.size


LABEL = "empirical Rademacher complexity <= B sqrt(tr G)/n"


@dataclass(frozen=True)
class Rademacher(Stated):
    """The complexity and the numbers of its bound."""

    measured: Callable[[ComplexityInstance], arb | fmpq] = complexity
    factor: fmpq = ONE
    trace: Callable[[ComplexityInstance], fmpq] = lambda instance: instance.trace
    limiting_trace: Callable[[int], float] = generalisation.limiting_trace

    def hypotheses(self, instance: ComplexityInstance) -> Sequence[Hypothesis]:
        """B and G are not zero; nothing else is assumed."""
        return [
            technical(require("B > 0", float(int(instance.radius.p)) or -1.0)),
            technical(require("G is not zero", float(int(instance.trace.p)) or -1.0)),
        ]

    def conclusion(self, instance: ComplexityInstance, bits: int = BITS) -> Sequence[Bound]:
        """The complexity against its bound; for a network also ``tr G_inf``."""
        with working_precision(bits):
            found, radius = self.measured(instance), self.factor * instance.radius
            if isinstance(found, fmpq):
                predicted = radius**2 * self.trace(instance) / instance.size**2
                bounds = [dataclasses.replace(at_most_exactly(f"{LABEL}, squared", found, predicted), aim=0.0)]
            else:
                bounds = [
                    at_most_enclosed(
                        LABEL,
                        found,
                        generalisation.rademacher_bound(arb(radius), arb(self.trace(instance)), instance.size),
                    )
                ]
            if instance.inputs is not None:
                kernel = ball_limiting_gram(instance.inputs, bits)
                total = sum((kernel[i, i] for i in range(instance.size)), arb(0))
                bounds.append(equal_exactly("tr G_inf = n/2", total == arb(self.limiting_trace(instance.size))))
        return bounds

    def confirm(self, instance: ComplexityInstance, bits: int) -> Sequence[Bound]:
        """The same at more bits."""
        return self.conclusion(instance, bits)

    def features(self, instance: ComplexityInstance) -> Sequence[str]:
        """Whether the bound is attained, by orthogonal rows or a single one."""
        return ["attained"] if all(form == instance.forms[0] for form in instance.forms) else []


# --- families --------------------------------------------------------------------------------------------------------


def _build_network(description: Description) -> ComplexityInstance:
    rng = np.random.default_rng(description["seed"])
    n, d = description["inputs"], description["dim"]
    rows = rng.standard_normal((n, d))
    if description["kind"] == "clustered":
        rows = rows[:1] + 0.2 * rows
    if description["kind"] == "axes":
        rows = np.eye(d)[np.arange(n) % d] * np.where(rng.integers(0, 2, n) == 1, 1.0, -1.0)[:, None]
    inputs = normalise_rows(rows)
    net = TwoLayerNetwork.initialise(description["width"], d, 1.0, rng)
    exact = rational_matrix(inputs)
    counts = rational_matrix(pattern_counts(exact_pattern(net, inputs)))
    gram = hadamard(exact * exact.transpose(), counts) * fmpq(1, net.width)
    radius = fmpq(description["radius_tenths"], 10)
    return ComplexityInstance(gram, radius, inputs=inputs, network=net)


def _build_linear(description: Description) -> ComplexityInstance:
    rng = np.random.default_rng(description["seed"])
    n, p = description["outputs"], description["parameters"]
    rows = rng.integers(-3, 4, (n, p)).astype(float)
    if description["orthogonal"]:
        rows = np.pad(np.diag(np.diag(rows[:p, :n])), ((0, max(0, n - p)), (0, max(0, p - n))))[:n]
    jacobian = rational_matrix(rows)
    radius = fmpq(description["radius_tenths"], 10)
    return ComplexityInstance(jacobian * jacobian.transpose(), radius, jacobian=jacobian)


NETWORKS = described_family(
    "networks",
    "J(0) of two-layer ReLU networks, up to 10 inputs",
    _build_network,
    (30, 160, 1600),
    inputs=st.integers(1, MOST_INPUTS),
    dim=st.integers(1, 12),
    width=st.integers(1, 40),
    kind=st.sampled_from(("uniform", "clustered", "axes")),
    radius_tenths=st.integers(1, 40),
    seed=st.integers(0, 2**20),
)
LINEAR = described_family(
    "linear",
    "Jacobians of small integers, some with orthogonal rows",
    _build_linear,
    (20, 120, 1200),
    outputs=st.integers(1, 6),
    parameters=st.integers(1, 8),
    orthogonal=st.booleans(),
    radius_tenths=st.integers(1, 40),
    seed=st.integers(0, 2**20),
)


# --- the claim and its mutants ---------------------------------------------------------------------------------------


def _box_complexity(instance: ComplexityInstance) -> arb:
    """``B E ||J^T sigma||_1 / n``: the supremum over the box ``|theta_j| <= B``."""
    assert instance.jacobian is not None
    n, total, count = instance.size, fmpq(0), 2**instance.size
    for pattern in range(count):
        signs = fmpq_mat(1, n, [1 if pattern >> i & 1 else -1 for i in range(n)])
        total += sum((abs(entry) for entry in (signs * instance.jacobian).entries()), fmpq(0))
    return arb(instance.radius * total / (count * n))


T5_RAD = Rademacher().claim(
    "T5-rad",
    "the empirical Rademacher complexity of {J(0) theta : ||theta|| <= B} on n inputs is at most B sqrt(tr G(0))/n; "
    "tr G_inf = n/2",
    Provenance.DERIVED,
    mutant("below-sharp", "0.999 B sqrt(tr G)/n", families=(LINEAR,), factor=BELOW_SHARP),
    mutant(
        "largest-entry",
        "B sqrt(max G_ii)/n: the trace replaced by its largest term",
        trace=lambda instance: max(instance.gram[i, i] for i in range(instance.size)),
    ),
    mutant(
        "mean-twice",
        "B sqrt(tr G/n)/n: the mean taken twice",
        trace=lambda instance: instance.trace / instance.size,
    ),
    mutant(
        "limiting-trace",
        "tr G(0) replaced by tr G_inf at every width",
        "G_inf only in the mean",
        (NETWORKS,),
        trace=lambda instance: fmpq(instance.size, 2),
    ),
    mutant(
        "box",
        "the box |theta_j| <= B in place of the ball",
        "the ball ||theta|| <= B",
        (LINEAR,),
        measured=_box_complexity,
    ),
    mutant("trace-quarter", "tr G_inf = n/4", families=(NETWORKS,), limiting_trace=lambda n: n / 4),
    families=(LINEAR, NETWORKS),
    formulas=Formulas(
        conclusion=(
            r"The empirical Rademacher complexity of $\left\{J(0)\,\theta:\norm{\theta}\le B\right\}$ on $n$ inputs is at most $\dfrac{B\sqrt{\mathrm{tr}\,G(0)}}{n}$.",
            r"$\mathrm{tr}\,G_\infty=\dfrac{n}{2}$",
        )
    ),
    also=(
        "the ball ||theta|| <= B",
        "G_inf only in the mean",
    ),
)

SLACK = (
    SlackRow(
        claim="T5-rad",
        quantity="constant in front of B sqrt(tr G(0))/n",
        proved=1.0,
        refuted=int(BELOW_SHARP.p) / int(BELOW_SHARP.q),
        witness="T5-rad/below-sharp",
        remark="attained by orthogonal rows of J; never looser than sqrt(2) (Khintchine's inequality)",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T5_RAD,)
