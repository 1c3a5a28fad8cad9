"""K-chernoff: exactly, where lambda_min(G(0)) is a minimum of binomials; and by sampling networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log
from typing import Any

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st

from properties.chapters.kernels.concentration import Concentration, Failure, active_shares
from properties.chapters.width.binomials import HALF, binomial_at_most, some_of_several
from properties.descent.random_networks import Description, RandomNetwork, build_network, network_descriptions
from properties.engine.claim import Bound, Claim, Depth, Family, Provenance, at_most_enclosed
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from properties.engine.statistics import POWER, Trials, power
from theory.inputs import FloatArray
from theory.kernels.limiting import limiting_gram_eigenvalue_bounds, limiting_pattern_gram_eigenvalue_bounds
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.stability.norms import input_norm_squared
from theory.theorems.chernoff import KEPT_SHARE, chernoff_exponent, chernoff_failure

MOST_NEURONS = 4000
"""Exact binomials go this far: there exp(-2 beta m lambda0) is 1e-59 and the binomial tail 1e-57."""


@stored_as("chernoff-shares")
@dataclass(frozen=True)
class Shares:
    """Rows for which ``m lambda_min(G(0))`` is the least of independent binomials: n orthogonal ones, or x and -x.

    ``G(0)`` is diagonal, each entry the share of active neurons; lambda0 = 1/2. ``neurons`` counts the independent ones.
    """

    opposite: bool
    n: int
    neurons: int
    symmetric: bool

    @property
    def width(self) -> int:
        """The width m."""
        return self.neurons * (2 if self.symmetric else 1)

    @property
    def squared_norm(self) -> int:
        """``||X||_2^2``."""
        return 2 if self.opposite else 1

    def failure(self, kept: float, neurons: int, active: fmpq) -> fmpq:
        """``P(lambda_min(G(0)) <= kept lambda0)``, exactly."""
        most = int(Fraction(kept) * neurons / 2)
        single = binomial_at_most(neurons, most, active)
        return 2 * single if self.opposite else some_of_several(single, self.n)


def smallest_eigenvalues(network: RandomNetwork, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """``lambda_min`` of G(0) and of H(0) in each trial, shape (trials,) each, off by ``eigenvalue_error`` at most."""
    kernel = network.inputs @ network.inputs.T
    gram, pattern = [], []
    for shares in active_shares(network, rng):
        gram.append(_smallest(shares * kernel))
        pattern.append(_smallest(shares))
    return np.concatenate(gram), np.concatenate(pattern)


def _smallest(matrices: FloatArray) -> FloatArray:
    return np.asarray(matrices[:, 0, 0] if matrices.shape[1] == 1 else np.linalg.eigvalsh(matrices)[:, 0])


def eigenvalue_error(network: RandomNetwork) -> float:
    """Rounding of K, of the products and of the eigenvalues (backward error ``n^2 u ||G||``), with ``||G|| <= n``."""
    n, d = network.inputs.shape
    return float(n * gamma(d + n * n + 8))


@dataclass(frozen=True)
class Event:
    """``lambda_min <= kept`` times its limit, as it is counted: with its rounding, which raises the bound."""

    name: str
    threshold: float
    predicted: float
    rounding: float


@dataclass(frozen=True)
class Chernoff(Concentration):
    """K-chernoff's bound, the event's share of lambda0, and what is assumed of the neurons."""

    failure: Failure = chernoff_failure
    bits: int = 128
    kept: float = KEPT_SHARE
    neurons: Callable[[Shares], int] = lambda instance: instance.neurons
    active: fmpq = HALF

    def predicted(self, instance: Shares) -> arb:
        """The bound at lambda0 = 1/2."""
        return arb(self.bound(arb(1) / 2, arb(instance.squared_norm), instance.n, instance))

    def exactly(self, instance: Shares) -> Sequence[Bound]:
        """The exact probability at most the bound."""
        measured = arb(instance.failure(self.kept, self.neurons(instance), self.active))
        label = f"P(lambda_min(G(0)) <= {self.kept:g} lambda0), exact binomials"
        return [at_most_enclosed(label, measured, self.predicted(instance))]

    def gram_event(self, network: RandomNetwork) -> Event | None:
        """That of G(0); None without a certified lambda0."""
        limits = limiting_gram_eigenvalue_bounds(network.inputs)
        return self._event(network, "G(0)", limits, input_norm_squared(network.inputs)) if limits[0] > 0 else None

    def pattern_event(self, network: RandomNetwork) -> Event | None:
        """That of H(0); None without a certified lambda_S."""
        limits = limiting_pattern_gram_eigenvalue_bounds(network.inputs)
        return self._event(network, "H(0)", limits, float(len(network.inputs))) if limits[0] > 0 else None

    def _event(self, network: RandomNetwork, name: str, limits: tuple[float, float], squared_norm: float) -> Event:
        """Computed eigenvalues below ``kept lambda0 + error`` are counted, exact ones are then below ``kept' lambda0`` with
        ``kept' = kept + 2 error / lambda0``: the bound at that share is ``rounding`` above the one at ``kept``.
        """
        (low, high), n, error = limits, len(network.inputs), eigenvalue_error(network)
        predicted = self.bound(low, squared_norm, n, network)
        widened = self.kept * (high - low) / low + 2 * error / low
        slope = -log(self.kept) * widened * network.independent * low / squared_norm
        rounding = predicted * (exp(2 * slope) - 1) + network.sign_error
        return Event(f"lambda_min({name}) <= {self.kept:g} of its limit", self.kept * high + error, predicted, rounding)

    def decides(self, network: RandomNetwork) -> tuple[float, float]:
        """That of G(0)."""
        event = self.gram_event(network)
        assert event is not None
        return event.predicted, event.rounding

    def counted(self, network: RandomNetwork, trials: Trials) -> Sequence[Bound]:
        """The frequency of ``lambda_min <= 3/4 lambda0`` for G(0), and for H(0) where the trials can refute its bound."""
        bounds = []
        gram, pattern = smallest_eigenvalues(network, trials.rng)
        for event, values in ((self.gram_event(network), gram), (self.pattern_event(network), pattern)):
            if event is None or power(network.trials, event.predicted + event.rounding) < POWER:
                continue
            failures = int(np.count_nonzero(values <= event.threshold))
            bounds.append(trials.at_most(event.name, failures, len(values), event.predicted, event.rounding))
        return bounds


# --- families --------------------------------------------------------------------------------------------------------


def _build_shares(description: Description) -> Shares:
    d = description
    opposite = d["rows"] == "opposite"
    return Shares(opposite, 2 if opposite else d["rows"], d["neurons"], d["symmetric"])


def _exact(id: str, title: str, rows: Sequence[Any], neurons: range) -> Family[Shares]:
    return described_family(
        id,
        title,
        _build_shares,
        (40, 300, 1200),
        rows=st.sampled_from(rows),
        neurons=st.integers(neurons[0], neurons[-1]),
        symmetric=st.booleans(),
    )


EXACT = _exact(
    "exact binomials",
    "n orthogonal rows, or x and -x: lambda_min(G(0)) is the least of binomial shares",
    [1, 1, 2, 4, 16, "opposite"],
    range(1, MOST_NEURONS),
)
_WIDE = _exact("wide", "one row and at least 2500 neurons", [1], range(2500, MOST_NEURONS))
_FEW = _exact("few neurons", "16 orthogonal rows and at most 200 neurons", [16], range(20, 200))


def _networks(kinds: list[str], inputs: list[int], least: int, counts: tuple[int, int, int]) -> Family[RandomNetwork]:
    return Family(
        "networks",
        "sampled networks: uniform, clustered, orthogonal, antiparallel rows",
        lambda: network_descriptions(kinds, inputs, range(least, 1500)),
        build_network,
        dict(zip(Depth, counts, strict=True)),
    )


NETWORKS = _networks(["uniform", "orthogonal", "antiparallel", "clustered"], [1, 2, 2, 3], 40, (6, 30, 200))


FORTY = described_family(
    "n = 1, m = 40",
    "one row and 40 independent neurons, sampled",
    lambda d: RandomNetwork(np.eye(1), 40 * (2 if d["symmetric"] else 1), symmetric=d["symmetric"]),
    (2, 2, 2),
    symmetric=st.booleans(),
)
_CLOSE = _networks(["nearly parallel"], [2], 100, (20, 40, 200))


# --- claim -----------------------------------------------------------------------------------------------------------


K_CHERNOFF = Chernoff().claim(
    "K-chernoff",
    "P(lambda_min(G(0)) <= 3/4 lambda0) <= n exp(-beta m lambda0/||X||_2^2) with beta = 1/4 + 3/4 ln 3/4, and for "
    "H(0) with lambda_S and n; m/2 for m under symmetric initialisation",
    Provenance.PAPER_WITH_CONSTANTS,
    mutant("beta-4", "beta times 4, sampled", families=(FORTY,), lambda0=lambda value: value * 4.0),
    mutant(
        "beta-2",
        "beta doubled: false from m = 1048 on, at probability 3e-16 and below",
        families=(EXACT,),
        lambda0=lambda value: value * 2,
    ),
    mutant("without-n", "exp(-beta m lambda0/||X||^2) without n", families=(_FEW,), rows=lambda _: 1),
    mutant(
        "symmetric-m",
        "m, not m/2, under symmetric initialisation",
        "symmetric initialisation counts pairs",
        (_WIDE,),
        pairs=False,
    ),
    mutant("keeps-0.9", "lambda_min(G(0)) keeps 0.9 lambda0", families=(EXACT,), kept=0.9),
    mutant("one-weight", "neurons that all share one weight", "independent neurons", (EXACT,), neurons=lambda _: 1),
    mutant(
        "off-centre",
        "neurons active with probability 3/8",
        "neurons active with probability 1/2",
        (EXACT,),
        active=fmpq(3, 8),
    ),
    mutant("mean-eigenvalue", "tr G_inf/n = 1/2 in place of lambda0", families=(_CLOSE,), lambda0=lambda _: 0.5),
    source="paper, section 2 and proof of Theorem 3 (m = Omega(n ln(n/delta)/lambda0)); Tropp (2012); docs/theory.md, K-chernoff",
    families=(EXACT, NETWORKS, FORTY),
    formulas=Formulas(
        conclusion=(
            r"$\mathbb{P}\left(\lambda_{\min}(G(0))\le\frac{3}{4}\lambda_0\right)$ $\le n\,\exp\left(-\dfrac{\beta m\lambda_0}{\norm{X}_2^2}\right)$",
            r"The same for $H(0)$ with $\lambda_S$ in the place of $\lambda_0$ and $n$ in that of $\norm{X}_2^2$.",
            "Under symmetric initialisation $m/2$ in the place of $m$.",
        ),
        constants=(r"$\beta=\frac{1}{4}+\frac{3}{4}\ln\,\frac{3}{4}$",),
    ),
    also=(
        "independent neurons",
        "symmetric initialisation counts pairs",
        "neurons active with probability 1/2",
        "||X||_2^2, n",
    ),
)


def _exact_exponent(neurons: int) -> float:
    """The beta for which the bound is an equality for n = 1 and this width."""
    with working_precision(Chernoff.bits):
        return float(-arb(Shares(False, 1, neurons, False).failure(KEPT_SHARE, neurons, HALF)).log() * 2 / neurons)


SLACK = (
    SlackRow(
        claim="K-chernoff",
        quantity="beta in n exp(-beta m lambda0/||X||_2^2), at n = 1, m = 4000",
        proved=chernoff_exponent(),
        refuted=_exact_exponent(MOST_NEURONS),
        witness="K-chernoff/beta-2",
        remark="any larger beta is refuted at that width, with exact binomials; the paper gives the order only",
    ),
    SlackRow(
        claim="K-chernoff",
        quantity="||X||_2^2 for G(0), n for H(0)",
        remark="no counterexample known when they are replaced by 1; unit norm of the rows is not needed",
        drops="||X||_2^2, n",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (K_CHERNOFF,)
