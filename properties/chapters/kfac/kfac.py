"""T4, T4-lev, T4-sharp, T4-least: K-FAC's residual under Conditions K1 and K2, one step at a time and over the whole run."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from properties.chapters.kfac import kfac_exact
from properties.chapters.kfac.kfac_instances import InputNumbers, KroneckerInstance
from properties.chapters.kfac.kfac_rules import (
    T4_LEAST_RULE,
    T4_LEV_RULE,
    T4_RULE,
    T4_SHARP_RULE,
    KroneckerRule,
    conclusion,
    confirm,
    families,
    features,
    hypotheses,
    perturbed,
    spikes,
    with_limit,
    with_radius,
    with_rate,
)
from properties.chapters.kfac.kfac_slack import SLACK
from properties.engine.claim import Claim, Mutant, Provenance
from theory.reals import square_root
from theory.theorems.ngd import contraction_ratio, deficit


def _claim(id: str, statement: str, provenance: Provenance, rule: KroneckerRule) -> Claim[KroneckerInstance]:
    return Claim(
        id=id,
        statement=statement,
        provenance=provenance,
        source="Zhang, Martens, Grosse (2019), K-FAC" if provenance is Provenance.PAPER else f"docs/theory.md, {id}",
        families=families(rule),
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        confirm=partial(confirm, rule),
        features=features,
    )


def _mutant(
    claim: Claim[KroneckerInstance], id: str, description: str, rule: KroneckerRule, spiked: bool = True
) -> Mutant:
    """The claim under a false rule: spikes first, as they are the worst case; they end too early for small steps."""
    return claim.neighbour(
        id,
        description,
        families=(spikes(rule), perturbed(rule)) if spiked else (perturbed(rule),),
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        confirm=partial(confirm, rule),
    )


# --- the claims ------------------------------------------------------------------------------------------------------

_T4 = _claim(
    "T4",
    "rank X = d, Conditions K1, K2(C) with C < 1/2 and 0 < eta <= mu_min (1-2C)/(1+C)^2 give "
    "||r(k)||^2 <= (1 - eta/mu_max)^k ||r(0)||^2, and the path stays within "
    "2/(1-C/3) ||r(0)||/(sigma (h_min mu_min)^{1/2}) of W(0)",
    Provenance.PAPER,
    T4_RULE,
)
_T4_LEV = _claim(
    "T4-lev",
    "Conditions K1, K2(C) with C < 3/5, any rank of X, and 0 < eta <= (1-2q)/(h_max (1-q)^2), q = 2C/(3-C), give "
    "||r(k)||^2 <= (1 - eta h_min)^k ||r(0)||^2, and the path stays within "
    "2/(1-C/3) ||r(0)||/(sigma (h_min mu_min)^{1/2}) of W(0)",
    Provenance.DERIVED,
    T4_LEV_RULE,
)
_T4_SHARP = _claim(
    "T4-sharp",
    "Conditions K1, K2(C) with C < 1, any rank of X, and 0 < eta <= rho(2-rho)/h_max, rho = (3+C)/(3-C), give "
    "||r(k+1)||^2 <= (1 - eta h_min (2/rho - eta h_max/rho^2)) ||r(k)||^2, and the path stays within "
    "2/(1-C/3) ||r(0)||/(sigma (h_min mu_min)^{1/2}) of W(0)",
    Provenance.DERIVED,
    T4_SHARP_RULE,
)
_T4_LEAST = _claim(
    "T4-least",
    "Conditions K1, K2(C) with C < 1, any rank of X, and 0 < eta <= rho(2-rho)/h_max, rho = (3+C)/(3-C), give "
    "||r(k)|| <= (1 - eta h_min/rho)^k ||r(0)||, and the path stays within "
    "2/(1-C/3) ||r(0)||/(sigma (h_min mu_min)^{1/2}) of W(0)",
    Provenance.DERIVED,
    T4_LEAST_RULE,
)

_EQUAL: dict[str, Any] = {"kinds": ("equal leverage",), "dimensions": (2, 4)}
_UNEQUAL: dict[str, Any] = {"kinds": ("shared direction", "one leverage near 1"), "dimensions": (2, 4)}


def _sharp_share(C: float) -> float:
    rho = contraction_ratio(C)
    return max(0.0, rho * (2 - rho))


T4 = _T4.with_mutants(
    kfac_exact.singular_mutant(_T4),
    _mutant(
        _T4,
        "rate-squared",
        "||r(k)|| <= (1 - eta/mu_max)^k ||r(0)||",
        dataclasses.replace(T4_RULE, rate=lambda eta, C, x: 1 - eta / x.mu_max, **_EQUAL),
    ),
    _mutant(_T4, "mu_min-in-rate", "the rate 1 - eta/mu_min", with_rate(T4_RULE, lambda eta, C, x: eta / x.mu_min)),
    _mutant(_T4, "mu_max-dropped", "the rate 1 - eta", with_rate(T4_RULE, lambda eta, C, x: eta)),
    _mutant(
        _T4,
        "step-without-C",
        "eta up to 0.97 mu_min for every C < 1/2",
        with_limit(T4_RULE, lambda C, numbers: 0.97 * numbers.mu_min, **_EQUAL, least_constant_tenth=5),
    ),
    _mutant(
        _T4,
        "step-doubled",
        "eta up to 2 mu_min (1-2C)/(1+C)^2 (0.999 mu_min at most) for C < 0.165, where that is beyond rho(2-rho)/h_max",
        with_limit(
            T4_RULE,
            lambda C, numbers: min(2 * T4_RULE.step_limit(C, numbers), 0.999 * numbers.mu_min),
            **_EQUAL,
            constant_limit=0.165,
            least_constant_tenth=7,
        ),
    ),
    _mutant(
        _T4,
        "mu_max-in-step",
        "eta up to mu_max (1-2C)/(1+C)^2",
        with_limit(T4_RULE, lambda C, numbers: max(0.0, numbers.mu_max * (1 - 2 * C) / (1 + C) ** 2), **_UNEQUAL),
    ),
    _mutant(
        _T4,
        "condition-K2-dropped",
        "the step limit of C/4 for maps that move up to C = 2",
        with_limit(
            T4_RULE,
            lambda C, numbers: T4_RULE.step_limit(min(C / 4, 0.49), numbers),
            **_EQUAL,
            constant_limit=1.96,
            least_constant_tenth=9,
        ),
    ),
    _mutant(
        _T4,
        "radius-without-mu_min",
        "the path stays within 2/(1-C/3) ||r(0)||/(sigma h_min^{1/2})",
        with_radius(
            T4_RULE,
            lambda C, x: 2 / (1 - C / 3) / square_root(x.h_min),
            kinds=("clustered",),
            dimensions=(2, 4),
            most_constant_tenth=0,
            least_step_percent=90,
            steps=40,
        ),
        spiked=False,
    ),
)
T4_LEV = _T4_LEV.with_mutants(
    kfac_exact.singular_mutant(_T4_LEV),
    kfac_exact.transposed_mutant(_T4_LEV),
    _mutant(
        _T4_LEV, "h_max-in-rate", "the rate 1 - eta h_max", with_rate(T4_LEV_RULE, lambda eta, C, x: eta * x.h_max)
    ),
    _mutant(
        _T4_LEV,
        "mean-leverage-in-rate",
        "the rate 1 - eta rank/n",
        with_rate(T4_LEV_RULE, lambda eta, C, x: eta * x.mean),
    ),
    _mutant(
        _T4_LEV,
        "h_min-in-step",
        "eta up to (1-2q)/(h_min (1-q)^2)",
        with_limit(
            T4_LEV_RULE,
            lambda C, numbers: T4_LEV_RULE.step_limit(C, numbers) * numbers.h_max / numbers.h_min,
            **_UNEQUAL,
        ),
    ),
    _mutant(
        _T4_LEV,
        "step-doubled",
        "eta up to 2(1-2q)/(h_max (1-q)^2) (0.999/h_max at most) for C < 1/2",
        with_limit(
            T4_LEV_RULE,
            lambda C, numbers: min(2 * T4_LEV_RULE.step_limit(C, numbers), 0.999 / numbers.h_max),
            **_EQUAL,
            constant_limit=0.5,
            least_constant_tenth=4,
        ),
    ),
    _mutant(
        _T4_LEV,
        "q-halved",
        "q = C/(3-C) in the step limit",
        with_limit(
            T4_LEV_RULE,
            lambda C, numbers: (1 - deficit(C)) / (1 - deficit(C) / 2) ** 2 / numbers.h_max,
            **_EQUAL,
            least_constant_tenth=4,
        ),
    ),
    _mutant(
        _T4_LEV,
        "C-quartered",
        "Condition K2 assumed with C/4",
        with_limit(
            T4_LEV_RULE, lambda C, numbers: T4_LEV_RULE.step_limit(C / 4, numbers), **_EQUAL, least_constant_tenth=4
        ),
    ),
    _mutant(
        _T4_LEV,
        "condition-K2-dropped",
        "the step limit of C/4 for maps that move up to C = 2",
        with_limit(
            T4_LEV_RULE,
            lambda C, numbers: T4_LEV_RULE.step_limit(C / 4, numbers),
            **_EQUAL,
            constant_limit=1.96,
            least_constant_tenth=9,
        ),
    ),
    _mutant(
        _T4_LEV,
        "radius-without-h_min",
        "the path stays within 2/(1-C/3) ||r(0)||/(sigma mu_min^{1/2})",
        with_radius(
            T4_LEV_RULE,
            lambda C, x: 2 / (1 - C / 3) / square_root(x.mu_min),
            kinds=("equal leverage",),
            dimensions=(1, 1),
            least_step_percent=90,
        ),
    ),
    _mutant(
        _T4_LEV,
        "radius-without-mu_min",
        "the path stays within 2/(1-C/3) ||r(0)||/(sigma h_min^{1/2})",
        with_radius(T4_LEV_RULE, lambda C, x: 2 / (1 - C / 3) / square_root(x.h_min), kinds=("ill-conditioned",)),
    ),
)
T4_SHARP = _T4_SHARP.with_mutants(
    kfac_exact.singular_mutant(_T4_SHARP),
    _mutant(
        _T4_SHARP,
        "step-beyond-sharp",
        "T4-lev's rate for eta = 1.01 rho(2-rho)/h_max",
        with_limit(
            with_rate(T4_SHARP_RULE, lambda eta, C, x: eta * x.h_min),
            lambda C, numbers: min(0.999, 1.01 * _sharp_share(C)) / numbers.h_max,
            **_EQUAL,
            constant_limit=0.99,
            least_constant_tenth=2,
        ),
    ),
    _mutant(
        _T4_SHARP,
        "rho-inverted",
        "the factor with 1/rho instead of rho",
        with_rate(T4_SHARP_RULE, lambda eta, C, x: _fall(eta, 1 / contraction_ratio(C), x), **_EQUAL),
    ),
    _mutant(
        _T4_SHARP,
        "rho-at-half-C",
        "rho = (3 + C/2)/(3 - C/2)",
        with_rate(T4_SHARP_RULE, lambda eta, C, x: _fall(eta, contraction_ratio(C / 2), x), **_EQUAL),
    ),
    _mutant(
        _T4_SHARP,
        "second-order-dropped",
        "the rate 1 - 2 eta h_min/rho",
        with_rate(T4_SHARP_RULE, lambda eta, C, x: 2 * eta * x.h_min / contraction_ratio(C), **_EQUAL),
    ),
    _mutant(
        _T4_SHARP,
        "h_max-in-rate",
        "h_max in place of h_min",
        with_rate(T4_SHARP_RULE, lambda eta, C, x: _fall(eta, contraction_ratio(C), x) * x.h_max / x.h_min),
    ),
    _mutant(
        _T4_SHARP,
        "condition-K2-dropped",
        "the step limit and the rate of C/4 for maps that move up to C = 2",
        with_rate(
            with_limit(
                T4_SHARP_RULE,
                lambda C, numbers: _sharp_share(C / 4) / numbers.h_max,
                **_EQUAL,
                constant_limit=1.96,
                least_constant_tenth=9,
            ),
            lambda eta, C, x: eta * x.h_min,
        ),
    ),
    _mutant(
        _T4_SHARP,
        "radius-below-direct",
        "the path stays within ||r(0)||/((1+C) sigma (h_min mu_min)^{1/2})",
        with_radius(T4_SHARP_RULE, lambda C, x: 1 / (1 + C) / square_root(x.h_min * x.mu_min), **_EQUAL),
    ),
)
T4_LEAST = _T4_LEAST.with_mutants(
    kfac_exact.singular_mutant(_T4_LEAST),
    _mutant(
        _T4_LEAST,
        "step-beyond-sharp",
        "||r(k)||^2 <= (1 - eta h_min)^k ||r(0)||^2 for eta = 1.01 rho(2-rho)/h_max",
        with_limit(
            with_rate(T4_LEAST_RULE, lambda eta, C, x: eta * x.h_min),
            lambda C, numbers: min(0.999, 1.01 * _sharp_share(C)) / numbers.h_max,
            **_EQUAL,
            constant_limit=0.99,
            least_constant_tenth=2,
        ),
    ),
    _mutant(
        _T4_LEAST,
        "h_min-in-step",
        "eta up to rho(2-rho)/h_min",
        with_limit(T4_LEAST_RULE, lambda C, numbers: _sharp_share(C) / numbers.h_min, **_UNEQUAL),
    ),
    _mutant(
        _T4_LEAST,
        "rho-dropped",
        "the factor 1 - eta h_min, whatever C",
        dataclasses.replace(T4_LEAST_RULE, rate=lambda eta, C, x: 1 - eta * x.h_min),
    ),
    _mutant(
        _T4_LEAST,
        "rho-at-nine-tenths",
        "rho = (3 + 0.9 C)/(3 - 0.9 C), on inputs of unequal leverage",
        dataclasses.replace(
            T4_LEAST_RULE,
            rate=lambda eta, C, x: 1 - eta * x.h_min / contraction_ratio(C * 9 / 10),
            **_UNEQUAL,
            least_constant_tenth=5,
            least_step_percent=50,
        ),
    ),
    _mutant(
        _T4_LEAST,
        "h_max-in-rate",
        "the factor 1 - eta h_max/rho",
        dataclasses.replace(T4_LEAST_RULE, rate=lambda eta, C, x: 1 - eta * x.h_max / contraction_ratio(C)),
    ),
    _mutant(
        _T4_LEAST,
        "mean-leverage-in-rate",
        "the factor 1 - eta rank/(n rho)",
        dataclasses.replace(T4_LEAST_RULE, rate=lambda eta, C, x: 1 - eta * x.mean / contraction_ratio(C)),
    ),
    _mutant(
        _T4_LEAST,
        "condition-K2-dropped",
        "the step limit and the factor of C/4 for maps that move up to C = 2",
        dataclasses.replace(
            with_limit(
                T4_LEAST_RULE,
                lambda C, numbers: _sharp_share(C / 4) / numbers.h_max,
                **_EQUAL,
                constant_limit=1.96,
                least_constant_tenth=9,
            ),
            rate=lambda eta, C, x: 1 - eta * x.h_min / contraction_ratio(C / 4),
        ),
    ),
    _mutant(
        _T4_LEAST,
        "radius-below-direct",
        "the path stays within ||r(0)||/((1+C) sigma (h_min mu_min)^{1/2})",
        with_radius(T4_LEAST_RULE, lambda C, x: 1 / (1 + C) / square_root(x.h_min * x.mu_min), **_EQUAL),
    ),
)


def _fall(eta: float, ratio: float, numbers: InputNumbers) -> float:
    return eta * numbers.h_min * (2 / ratio - eta * numbers.h_max / ratio**2)


CLAIMS: tuple[Claim[Any], ...] = (T4, T4_LEV, T4_SHARP, T4_LEAST)

__all__ = ["CLAIMS", "SLACK", "T4", "T4_LEAST", "T4_LEV", "T4_SHARP"]
