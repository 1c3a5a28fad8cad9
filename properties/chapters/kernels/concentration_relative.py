"""K-relative: ``G(0) >= s G_inf``, exactly, where G(0) is diagonal with binomial entries; and by sampling networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st

from properties.chapters.kernels.concentration import Concentration, Failure, active_shares
from properties.chapters.width.binomials import binomial_at_most, some_of_several
from properties.descent.random_networks import RandomNetwork, build_network, network_descriptions
from properties.engine.claim import Bound, Claim, Depth, Family, Provenance, at_most_enclosed
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from properties.engine.statistics import Trials
from theory.kernels.limiting import gram_entry_error, limiting_gram, limiting_gram_eigenvalue_bounds
from theory.rigour.rounding import gamma
from theory.stability.norms import input_norm_squared
from theory.theorems.finite_width import relative_failure, relative_share

SAMPLED_SHARE = 0.75
"""s of the sampled networks."""


@stored_as("relative-shares")
@dataclass(frozen=True)
class RelativeShares:
    """n orthogonal rows: ``2 G(0)`` is diagonal with entries 2 Bin(M, 1/2)/M, and ``G_inf = I/2``; ``neurons`` is M."""

    n: int
    neurons: int
    symmetric: bool
    kept: fmpq
    share: fmpq

    @property
    def width(self) -> int:
        """The width m."""
        return self.neurons * (2 if self.symmetric else 1)

    def failure(self, kept: fmpq) -> fmpq:
        """``P(G(0) >= s G_inf fails, or holds with equality somewhere)``, exactly."""
        most = int((kept * self.neurons / 2).floor())
        return some_of_several(binomial_at_most(self.neurons, most), self.n)


@dataclass(frozen=True)
class Relative(Concentration):
    """K-relative's bound at a given s, and the s that is made for a given share."""

    failure: Failure = relative_failure
    bits: int = 192
    made: Callable[..., Any] = relative_share

    def predicted(self, instance: RelativeShares) -> arb:
        """The bound at the instance's s."""
        return arb(self.bound(arb(1) / 2, arb(1), instance.n, instance, kept=arb(instance.kept)))

    def exactly(self, instance: RelativeShares) -> Sequence[Bound]:
        """The exact probability at most the bound, at a given s; and at most the share asked for, at the s which is made for it."""
        measured = arb(instance.failure(instance.kept))
        found = [at_most_enclosed("P(G(0) >= s G_inf fails)", measured, self.predicted(instance))]
        made = self.made(fmpq(1, 2), fmpq(1), instance.n, instance.width, instance.share, instance.symmetric)
        below = arb(made).lower()
        if below > 0:
            mantissa, exponent = below.man_exp()
            exact = fmpq(int(mantissa)) * fmpq(2) ** int(exponent)
            label = "P(G(0) >= s G_inf fails) <= share, at the s of that share"
            found.append(at_most_enclosed(label, arb(instance.failure(exact)), arb(instance.share)))
        return found

    def decides(self, network: RandomNetwork) -> tuple[float, float]:
        """The bound at ``SAMPLED_SHARE``."""
        low, squared = limiting_gram_eigenvalue_bounds(network.inputs)[0], input_norm_squared(network.inputs)
        return float(self.bound(low, squared, len(network.inputs), network, kept=SAMPLED_SHARE)), network.sign_error

    def counted(self, network: RandomNetwork, trials: Trials) -> Sequence[Bound]:
        """How often ``G(0) - s G_inf`` has an eigenvalue that is negative beyond all rounding."""
        n, d = network.inputs.shape
        kernel, limit = network.inputs @ network.inputs.T, limiting_gram(network.inputs)
        error = 2 * n * (gamma(d + n * n + 8) + gram_entry_error(d))
        failures = 0
        for shares in active_shares(network, trials.rng):
            smallest = np.linalg.eigvalsh(shares * kernel - SAMPLED_SHARE * limit)[:, 0]
            failures += int(np.count_nonzero(smallest < -error))
        return [trials.at_most("G(0) >= 3/4 G_inf fails", failures, network.trials, *self.decides(network))]


# --- families --------------------------------------------------------------------------------------------------------


def _exact(
    rows: Sequence[int], neurons: tuple[int, int], percents: tuple[int, int] = (20, 95)
) -> Family[RelativeShares]:
    return described_family(
        "exact binomials",
        "orthogonal rows: G(0) is diagonal with binomial entries",
        lambda d: RelativeShares(
            d["rows"], d["neurons"], d["symmetric"], fmpq(d["kept_percent"], 100), fmpq(d["share_percent"], 100)
        ),
        (30, 250, 1000),
        rows=st.sampled_from(rows),
        neurons=st.integers(*neurons),
        symmetric=st.booleans(),
        kept_percent=st.integers(*percents),
        share_percent=st.sampled_from([1, 10, 50]),
    )


NETWORKS = Family(
    "networks",
    "sampled networks: uniform, clustered, nearly parallel rows",
    lambda: network_descriptions(["uniform", "clustered", "orthogonal"], [1, 2, 2, 3], range(40, 1500)),
    build_network,
    {Depth.QUICK: 3, Depth.NORMAL: 20, Depth.THOROUGH: 120},
)

# --- claim -----------------------------------------------------------------------------------------------------------


def _larger_share(*arguments: Any) -> Any:
    return 1 - (1 - relative_share(*arguments)) / 4


_SHARP = (_exact([1], (2000, 3000), (75, 90)),)

K_RELATIVE = Relative().claim(
    "K-relative",
    "P(G(0) >= s G_inf fails) <= n exp(-beta M lambda0/||X||_2^2), beta = 1 - s + s ln s, M = m or m/2 under symmetric initialisation; at most share for "
    "s = 1 - (2 ||X||_2^2 ln(n/share)/(M lambda0))^{1/2}",
    Provenance.LITERATURE,
    mutant("beta-doubled", "beta doubled", families=_SHARP, lambda0=lambda value: value * 2),
    mutant("without-n", "without n", families=(_exact([16], (20, 200)),), rows=lambda _: 1),
    mutant(
        "symmetric-m",
        "m, not m/2, under symmetric initialisation",
        "symmetric initialisation counts pairs",
        _SHARP,
        pairs=False,
    ),
    mutant("larger-share", "1 - s a quarter as large", families=(_exact([4, 16], (500, 3000)),), made=_larger_share),
    source="Tropp (2012), theorem 1.1, for G_inf^{-1/2} G(0) G_inf^{-1/2}; docs/generalisation.md, K-relative",
    families=(_exact([1, 1, 2, 4, 16], (1, 3000)), NETWORKS),
    formulas=Formulas(
        conclusion=(
            r"$G(0)\succeq s\,G_\infty$ fails with probability at most $n\,\exp\left(-\dfrac{\beta M\lambda_0}{\norm{X}_2^2}\right)$.",
            r"It is at most $\tau$ for $s=1-\left(\dfrac{2\norm{X}_2^2\ln(n/\tau)}{M\lambda_0}\right)^{1/2}$.",
        ),
        constants=(
            r"$\beta=1-s+s\ln s$",
            r"$M=m$, under symmetric initialisation $M=\frac{m}{2}$",
        ),
    ),
    also=("symmetric initialisation counts pairs",),
)

SLACK = (
    SlackRow(
        claim="K-relative",
        quantity="||X||_2^2",
        remark="no counterexample known when it is replaced by 1",
    ),
)
CLAIMS: tuple[Claim[Any], ...] = (K_RELATIVE,)
