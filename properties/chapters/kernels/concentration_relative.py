"""K-relative: ``G(0) >= s G_inf``, exactly, where G(0) is diagonal with binomial entries; and by sampling networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st

from properties.chapters.width.binomials import binomial_at_most, some_of_several
from properties.descent.random_networks import RandomNetwork, build_network, network_descriptions
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
from properties.engine.statistics import Trials, has_power
from theory.kernels.limiting import gram_entry_error, limiting_gram, limiting_gram_eigenvalue_bounds
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.stability.norms import input_norm_squared
from theory.theorems.finite_width import relative_failure, relative_share

BITS = 192
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


Instance = RelativeShares | RandomNetwork
Failure = Callable[..., Any]


def _predicted(failure: Failure, instance: RelativeShares, kept: fmpq) -> arb:
    return arb(failure(arb(1) / 2, arb(1), instance.n, instance.width, kept=arb(kept), symmetric=instance.symmetric))


def conclusion(failure: Failure, kept: Callable[..., Any], instance: Instance) -> Sequence[Bound]:
    """The exact probability at most the bound, at a given s; and at most the share asked for, at the s which is made for it."""
    if isinstance(instance, RandomNetwork):
        return ()
    with working_precision(BITS):
        found = [
            at_most_enclosed(
                "P(G(0) >= s G_inf fails)",
                arb(instance.failure(instance.kept)),
                _predicted(failure, instance, instance.kept),
            )
        ]
        made = kept(fmpq(1, 2), fmpq(1), instance.n, instance.width, instance.share, instance.symmetric)
        below = arb(made).lower()
        if below > 0:
            mantissa, exponent = below.man_exp()
            exact = fmpq(int(mantissa)) * fmpq(2) ** int(exponent)
            label = "P(G(0) >= s G_inf fails) <= share, at the s of that share"
            found.append(at_most_enclosed(label, arb(instance.failure(exact)), arb(instance.share)))
        return found


def sampled(failure: Failure, instance: Instance, trials: Trials) -> Sequence[Bound]:
    """How often ``G(0) - s G_inf`` has an eigenvalue that is negative beyond all rounding."""
    if isinstance(instance, RelativeShares):
        return ()
    n, d = instance.inputs.shape
    kernel, limit = instance.inputs @ instance.inputs.T, limiting_gram(instance.inputs)
    error = 2 * n * (gamma(d + n * n + 8) + gram_entry_error(d))
    failures = 0
    for Z in instance.pre_activations(trials.rng):
        active = (Z >= 0).astype(np.float32)
        shares = (active @ active.transpose(0, 2, 1)).astype(np.float64) / instance.independent
        smallest = np.linalg.eigvalsh(shares * kernel - SAMPLED_SHARE * limit)[:, 0]
        failures += int(np.count_nonzero(smallest < -error))
    return [
        trials.at_most(
            "G(0) >= 3/4 G_inf fails", failures, instance.trials, _of_network(failure, instance), instance.sign_error
        )
    ]


def _of_network(failure: Failure, network: RandomNetwork) -> float:
    low = limiting_gram_eigenvalue_bounds(network.inputs)[0]
    n, squared = len(network.inputs), input_norm_squared(network.inputs)
    return float(failure(low, squared, n, network.width, kept=SAMPLED_SHARE, symmetric=network.symmetric))


def hypotheses(failure: Failure, instance: Instance) -> Sequence[Hypothesis]:
    """A bound below 1; for a network a certified lambda0, and a bound that its trials can refute."""
    if isinstance(instance, RelativeShares):
        with working_precision(BITS):
            return [
                technical(require_enclosed("the bound is below 1", 1 - _predicted(failure, instance, instance.kept)))
            ]
    known = technical(certified("lambda0 > 0", limiting_gram_eigenvalue_bounds(instance.inputs)[0]))
    if not known.margin > 0:
        return [known]
    predicted = _of_network(failure, instance)
    return [
        known,
        technical(require("the bound is below 1", 1 - predicted)),
        has_power(instance.trials, predicted + instance.sign_error),
    ]


# --- families --------------------------------------------------------------------------------------------------------


def _exact(rows: Sequence[int], neurons: tuple[int, int], percents: tuple[int, int] = (20, 95)) -> Family[Instance]:
    return Family(
        "exact binomials",
        "orthogonal rows: G(0) is diagonal with binomial entries",
        lambda: described(
            {
                "rows": st.sampled_from(rows),
                "neurons": st.integers(*neurons),
                "symmetric": st.booleans(),
                "kept_percent": st.integers(*percents),
                "share_percent": st.sampled_from([1, 10, 50]),
            }
        ),
        lambda d: RelativeShares(
            d["rows"], d["neurons"], d["symmetric"], fmpq(d["kept_percent"], 100), fmpq(d["share_percent"], 100)
        ),
        {Depth.QUICK: 30, Depth.NORMAL: 250, Depth.THOROUGH: 1000},
    )


NETWORKS: Family[Instance] = Family(
    "networks",
    "sampled networks: uniform, clustered, nearly parallel rows",
    lambda: network_descriptions(["uniform", "clustered", "orthogonal"], [1, 2, 2, 3], range(40, 1500)),
    build_network,
    {Depth.QUICK: 3, Depth.NORMAL: 20, Depth.THOROUGH: 120},
)


# --- claim -----------------------------------------------------------------------------------------------------------


def _doubled(lambda0: Any, *rest: Any, **others: Any) -> Any:
    return relative_failure(lambda0 * 2, *rest, **others)


def _without_n(lambda0: Any, squared_norm: Any, n: int, width: int, **others: Any) -> Any:
    return relative_failure(lambda0, squared_norm, 1, width, **others)


def _as_independent(lambda0: Any, squared_norm: Any, n: int, width: int, kept: Any, symmetric: bool) -> Any:
    del symmetric
    return relative_failure(lambda0, squared_norm, n, width, kept=kept, symmetric=False)


def _larger_share(*arguments: Any) -> Any:
    return 1 - (1 - relative_share(*arguments)) / 4


_CLAIM: Claim[Instance] = Claim(
    id="K-relative",
    statement="P(G(0) >= s G_inf fails) <= n exp(-beta M lambda0/||X||_2^2), beta = 1 - s + s ln s, M = m or m/2 under symmetric initialisation; at most share for "
    "s = 1 - (2 ||X||_2^2 ln(n/share)/(M lambda0))^{1/2}",
    provenance=Provenance.LITERATURE,
    source="Tropp (2012), theorem 1.1, for G_inf^{-1/2} G(0) G_inf^{-1/2}; docs/generalisation.md, K-relative",
    families=(_exact([1, 1, 2, 4, 16], (1, 3000)), NETWORKS),
    hypotheses=partial(hypotheses, relative_failure),
    conclusion=partial(conclusion, relative_failure, relative_share),
    sampled=partial(sampled, relative_failure),
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
    assumes=("symmetric initialisation counts pairs",),
)


def _mutant(
    id: str,
    description: str,
    family: Family[Instance],
    failure: Failure = relative_failure,
    kept: Any = relative_share,
    drops: str = "",
) -> Mutant:
    return _CLAIM.neighbour(
        id,
        description,
        drops,
        families=(family,),
        hypotheses=partial(hypotheses, failure),
        conclusion=partial(conclusion, failure, kept),
        sampled=partial(sampled, failure),
    )


K_RELATIVE = _CLAIM.with_mutants(
    _mutant("beta-doubled", "beta doubled", _exact([1], (2000, 3000), (75, 90)), _doubled),
    _mutant("without-n", "without n", _exact([16], (20, 200)), _without_n),
    _mutant(
        "symmetric-m",
        "m, not m/2, under symmetric initialisation",
        _exact([1], (2000, 3000), (75, 90)),
        _as_independent,
        drops="symmetric initialisation counts pairs",
    ),
    _mutant("larger-share", "1 - s a quarter as large", _exact([4, 16], (500, 3000)), kept=_larger_share),
)

SLACK = (
    SlackRow(
        claim="K-relative",
        quantity="||X||_2^2",
        paper=None,
        proved=None,
        refuted=None,
        remark="no counterexample known when it is replaced by 1",
    ),
)
CLAIMS: tuple[Claim[Any], ...] = (K_RELATIVE,)
