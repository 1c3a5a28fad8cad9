"""K-chernoff: exactly, where lambda_min(G(0)) is a minimum of binomials; and by sampling networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import exp, log
from typing import Any

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st

from properties.chapters.width.binomials import HALF, binomial_at_most, some_of_several
from properties.descent.random_networks import Description, RandomNetwork, build_network, network_descriptions
from properties.engine.claim import (
    Bound,
    Claim,
    Depth,
    Family,
    Hypothesis,
    Mutant,
    Provenance,
    at_most_enclosed,
    certified,
    require,
    require_enclosed,
    technical,
)
from properties.engine.descriptions import described
from properties.engine.formulas import Formulas
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from properties.engine.statistics import POWER, Trials, has_power, power
from theory.inputs import FloatArray
from theory.kernels.limiting import limiting_gram_eigenvalue_bounds, limiting_pattern_gram_eigenvalue_bounds
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.stability.norms import input_norm_squared
from theory.theorems.width import KEPT_SHARE, chernoff_exponent, chernoff_failure

BITS = 128
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


Instance = Shares | RandomNetwork


@dataclass(frozen=True)
class Rule:
    """The bound under test, the event's share of lambda0, and what is assumed of the neurons."""

    failure: Callable[..., Any] = chernoff_failure
    kept: float = KEPT_SHARE
    neurons: Callable[[Shares], int] = lambda instance: instance.neurons
    active: fmpq = HALF
    lambda0: Callable[[float], float] = lambda value: value


# --- exact -----------------------------------------------------------------------------------------------------------


def conclusion(rule: Rule, instance: Instance) -> Sequence[Bound]:
    """The exact probability at most the bound, in rationals and balls; nothing for a network to be sampled."""
    if isinstance(instance, RandomNetwork):
        return ()
    with working_precision(BITS):
        measured = arb(instance.failure(rule.kept, rule.neurons(instance), rule.active))
        label = f"P(lambda_min(G(0)) <= {rule.kept:g} lambda0), exact binomials"
        return [at_most_enclosed(label, measured, _predicted(rule, instance))]


def _predicted(rule: Rule, instance: Shares) -> arb:
    """The bound, in balls."""
    squared_norm = arb(instance.squared_norm)
    return arb(rule.failure(arb(1) / 2, squared_norm, instance.n, instance.width, symmetric=instance.symmetric))


# --- sampled ---------------------------------------------------------------------------------------------------------


def smallest_eigenvalues(network: RandomNetwork, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """``lambda_min`` of G(0) and of H(0) in each trial, shape (trials,) each, off by ``eigenvalue_error`` at most."""
    kernel = network.inputs @ network.inputs.T
    gram, pattern = [], []
    for Z in network.pre_activations(rng):
        active = (Z >= 0).astype(np.float32)
        shares = (active @ active.transpose(0, 2, 1)).astype(np.float64) / network.independent
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


def _event(rule: Rule, network: RandomNetwork, name: str, limits: tuple[float, float], squared_norm: float) -> Event:
    """Computed eigenvalues below ``kept lambda0 + error`` are counted, exact ones are then below ``kept' lambda0`` with
    ``kept' = kept + 2 error / lambda0``: the bound at that share is ``rounding`` above the one at ``kept``.
    """
    (low, high), n, error = limits, len(network.inputs), eigenvalue_error(network)
    predicted = rule.failure(rule.lambda0(low), squared_norm, n, network.width, symmetric=network.symmetric)
    widened = rule.kept * (high - low) / low + 2 * error / low
    slope = -log(rule.kept) * widened * network.independent * low / squared_norm
    rounding = predicted * (exp(2 * slope) - 1) + network.sign_error
    return Event(f"lambda_min({name}) <= {rule.kept:g} of its limit", rule.kept * high + error, predicted, rounding)


def _gram_event(rule: Rule, network: RandomNetwork) -> Event | None:
    """That of G(0); None without a certified lambda0."""
    limits = limiting_gram_eigenvalue_bounds(network.inputs)
    return _event(rule, network, "G(0)", limits, input_norm_squared(network.inputs)) if limits[0] > 0 else None


def _pattern_event(rule: Rule, network: RandomNetwork) -> Event | None:
    """That of H(0); None without a certified lambda_S."""
    limits = limiting_pattern_gram_eigenvalue_bounds(network.inputs)
    return _event(rule, network, "H(0)", limits, float(len(network.inputs))) if limits[0] > 0 else None


def sampled(rule: Rule, instance: Instance, trials: Trials) -> Sequence[Bound]:
    """The frequency of ``lambda_min <= 3/4 lambda0`` for G(0), and for H(0) where the trials can refute its bound."""
    if isinstance(instance, Shares):
        return ()
    bounds = []
    gram, pattern = smallest_eigenvalues(instance, trials.rng)
    for event, values in ((_gram_event(rule, instance), gram), (_pattern_event(rule, instance), pattern)):
        if event is None or power(instance.trials, event.predicted + event.rounding) < POWER:
            continue
        failures = int(np.count_nonzero(values <= event.threshold))
        bounds.append(trials.at_most(event.name, failures, len(values), event.predicted, event.rounding))
    return bounds


def hypotheses(rule: Rule, instance: Instance) -> Sequence[Hypothesis]:
    """A bound below 1; for a network to be sampled a certified lambda0, and a bound that its trials can refute."""
    below = "the bound is below 1"
    if isinstance(instance, Shares):
        with working_precision(BITS):
            return (technical(require_enclosed(below, 1 - _predicted(rule, instance))),)
    known = technical(certified("lambda0 > 0", limiting_gram_eigenvalue_bounds(instance.inputs)[0]))
    event = _gram_event(rule, instance)
    if event is None:
        return (known,)
    decidable = has_power(instance.trials, event.predicted + event.rounding)
    return known, technical(require(below, 1 - event.predicted)), decidable


# --- families --------------------------------------------------------------------------------------------------------


def _build_shares(description: Description) -> Shares:
    d = description
    opposite = d["rows"] == "opposite"
    return Shares(opposite, 2 if opposite else d["rows"], d["neurons"], d["symmetric"])


def _exact(id: str, title: str, rows: Sequence[Any], neurons: range) -> Family[Instance]:
    return Family(
        id,
        title,
        lambda: described(
            {
                "rows": st.sampled_from(rows),
                "neurons": st.integers(neurons[0], neurons[-1]),
                "symmetric": st.booleans(),
            }
        ),
        _build_shares,
        {Depth.QUICK: 40, Depth.NORMAL: 300, Depth.THOROUGH: 1200},
    )


EXACT = _exact(
    "exact binomials",
    "n orthogonal rows, or x and -x: lambda_min(G(0)) is the least of binomial shares",
    [1, 1, 2, 4, 16, "opposite"],
    range(1, MOST_NEURONS),
)
_WIDE = _exact("wide", "one row and at least 2500 neurons", [1], range(2500, MOST_NEURONS))
_FEW = _exact("few neurons", "16 orthogonal rows and at most 200 neurons", [16], range(20, 200))


def _networks(kinds: list[str], inputs: list[int], least: int, counts: tuple[int, int, int]) -> Family[Instance]:
    return Family(
        "networks",
        "sampled networks: uniform, clustered, orthogonal, antiparallel rows",
        lambda: network_descriptions(kinds, inputs, range(least, 1500)),
        build_network,
        dict(zip(Depth, counts, strict=True)),
    )


NETWORKS = _networks(["uniform", "orthogonal", "antiparallel", "clustered"], [1, 2, 2, 3], 40, (6, 30, 200))


def _forty_neurons(description: Description) -> Instance:
    return RandomNetwork(np.eye(1), 40 * (2 if description["symmetric"] else 1), symmetric=description["symmetric"])


FORTY = Family[Instance](
    "n = 1, m = 40",
    "one row and 40 independent neurons, sampled",
    lambda: described({"symmetric": st.booleans()}),
    _forty_neurons,
    dict.fromkeys(Depth, 2),
)
_CLOSE = _networks(["nearly parallel"], [2], 100, (20, 40, 200))


# --- claim -----------------------------------------------------------------------------------------------------------


def _scaled_exponent(factor: float, lambda0: Any, *rest: Any, **symmetric: bool) -> Any:
    return chernoff_failure(lambda0 * factor, *rest, **symmetric)


def _without_n(lambda0: Any, squared_norm: Any, n: int, width: int, symmetric: bool = False) -> Any:
    return chernoff_failure(lambda0, squared_norm, 1, width, symmetric)


def _as_independent(lambda0: Any, squared_norm: Any, n: int, width: int, symmetric: bool = False) -> Any:
    del symmetric
    return chernoff_failure(lambda0, squared_norm, n, width, symmetric=False)


_CLAIM: Claim[Instance] = Claim(
    id="K-chernoff",
    statement="P(lambda_min(G(0)) <= 3/4 lambda0) <= n exp(-beta m lambda0/||X||_2^2) with beta = 1/4 + 3/4 ln 3/4, and for "
    "H(0) with lambda_S and n; m/2 for m under symmetric initialisation",
    provenance=Provenance.PAPER_WITH_CONSTANTS,
    source="paper, section 2 and proof of Theorem 3 (m = Omega(n ln(n/delta)/lambda0)); Tropp (2012); docs/theory.md, K-chernoff",
    families=(EXACT, NETWORKS, FORTY),
    hypotheses=partial(hypotheses, Rule()),
    conclusion=partial(conclusion, Rule()),
    sampled=partial(sampled, Rule()),
    formulas=Formulas(
        conclusion=(
            r"$\mathbb{P}\left(\lambda_{\min}(G(0))\le\frac{3}{4}\lambda_0\right)$ $\le n\,\exp\left(-\dfrac{\beta m\lambda_0}{\norm{X}_2^2}\right)$",
            r"The same for $H(0)$ with $\lambda_S$ in the place of $\lambda_0$ and $n$ in that of $\norm{X}_2^2$.",
            "Under symmetric initialisation $m/2$ in the place of $m$.",
        ),
        constants=(r"$\beta=\frac{1}{4}+\frac{3}{4}\ln\,\frac{3}{4}$",),
    ),
    assumes=(
        "independent neurons",
        "symmetric initialisation counts pairs",
        "neurons active with probability 1/2",
        "||X||_2^2, n",
    ),
)


def _mutant(id: str, description: str, rule: Rule, *families: Family[Instance], drops: str = "") -> Mutant:
    return _CLAIM.neighbour(
        id,
        description,
        drops,
        families=families,
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        sampled=partial(sampled, rule),
    )


K_CHERNOFF = _CLAIM.with_mutants(
    _mutant("beta-4", "beta times 4, sampled", Rule(failure=partial(_scaled_exponent, 4.0)), FORTY),
    _mutant(
        "beta-2",
        "beta doubled: false from m = 1048 on, at probability 3e-16 and below",
        Rule(failure=partial(_scaled_exponent, 2)),
        EXACT,
    ),
    _mutant("without-n", "exp(-beta m lambda0/||X||^2) without n", Rule(failure=_without_n), _FEW),
    _mutant(
        "symmetric-m",
        "m, not m/2, under symmetric initialisation",
        Rule(failure=_as_independent),
        _WIDE,
        drops="symmetric initialisation counts pairs",
    ),
    _mutant("keeps-0.9", "lambda_min(G(0)) keeps 0.9 lambda0", Rule(kept=0.9), EXACT),
    _mutant(
        "one-weight", "neurons that all share one weight", Rule(neurons=lambda _: 1), EXACT, drops="independent neurons"
    ),
    _mutant(
        "off-centre",
        "neurons active with probability 3/8",
        Rule(active=fmpq(3, 8)),
        EXACT,
        drops="neurons active with probability 1/2",
    ),
    _mutant("mean-eigenvalue", "tr G_inf/n = 1/2 in place of lambda0", Rule(lambda0=lambda _: 0.5), _CLOSE),
)


def _exact_exponent(neurons: int) -> float:
    """The beta for which the bound is an equality for n = 1 and this width."""
    with working_precision(BITS):
        return float(-arb(Shares(False, 1, neurons, False).failure(KEPT_SHARE, neurons, HALF)).log() * 2 / neurons)


SLACK = (
    SlackRow(
        claim="K-chernoff",
        quantity="beta in n exp(-beta m lambda0/||X||_2^2), at n = 1, m = 4000",
        paper=None,
        proved=chernoff_exponent(),
        refuted=_exact_exponent(MOST_NEURONS),
        witness="K-chernoff/beta-2",
        remark="any larger beta is refuted at that width, with exact binomials; the paper gives the order only",
    ),
    SlackRow(
        claim="K-chernoff",
        quantity="||X||_2^2 for G(0), n for H(0)",
        paper=None,
        proved=None,
        refuted=None,
        remark="no counterexample known when they are replaced by 1; unit norm of the rows is not needed",
        drops="||X||_2^2, n",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (K_CHERNOFF,)
