"""T3 and T4-width: the composed width against its three lemmas, in balls; and end to end where networks can be drawn."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from flint import arb
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.width.width_instances import BITS, Parts, WidthInstance
from properties.chapters.width.width_slack import SLACK
from properties.descent.random_networks import Description, RandomNetwork, unit_inputs
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
    established,
    require,
    technical,
)
from properties.engine.descriptions import described
from properties.engine.extras import Extra
from properties.engine.formulas import Formulas
from properties.engine.statistics import Trials
from properties.reading.datasets import load_dataset
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.stability.norms import input_norm_squared, squared_norm_excess
from theory.theorems.width import chernoff_width, input_condition, stability_width

NARROWER = 1 - 2.0**-30
"""The width is least up to this factor (and one neuron, or pair): the rounding of its formula is far smaller."""

WIDEST = 20_000
"""Networks are drawn up to this width."""

DRAWN_TRIALS = 1000
"""Enough to refute delta <= 80% (``properties.engine.statistics.power``)."""

ROUNDINGS = 100
"""Mutants are rounded up as the theorem's width is, so that they fail for their own reason."""

Descriptions = Callable[[], SearchStrategy[Description]]
Width = Callable[[WidthInstance], int]


def _theorem(instance: WidthInstance) -> int:
    """The width under test, unless a mutant has another one."""
    return instance.width


def conclusion(composed: Width, instance: WidthInstance) -> Sequence[Bound]:
    """At that width each lemma gives its part; at a smaller one, up to ``NARROWER``, one of them does not."""
    with working_precision(BITS):
        parts, m, (least, known) = Parts(instance), composed(instance), instance.radius_factors
        change = parts.squared_change(m, least)
        bounds = [
            at_most_enclosed("K-chernoff's failure <= its share of delta", parts.first_failure(m), parts.share),
            at_most_enclosed("C2-prob's bound at R <= (C^2/9)(3/4) lambda0", change, parts.allowed_change()),
        ]
        step = 2 if instance.symmetric else 1
        fewer = math.floor((m - step) * NARROWER / step) * step
        if fewer > 0:
            failure = parts.first_failure(fewer) / parts.share
            change = parts.squared_change(fewer, known) / parts.allowed_change()
            bounds.append(at_most_enclosed("one of them fails at a smaller width", arb(1), failure.max(change)))
        if instance.theorem == "T4-width" and instance.small:
            bounds += _geometry_bounds(instance)
    return bounds


def _geometry_bounds(instance: WidthInstance) -> Sequence[Bound]:
    """``h_min mu_min >= 1/kappa_X``, so that kappa_X may stand for its inverse, and the bound of kappa_X, in exact geometry.

    The first up to how far the rows are from units.
    """
    exact, excess = instance.geometry, squared_norm_excess(instance.inputs.shape[1])
    needed, bounds = exact.mu_max * exact.h_min, []
    bounds.append(
        at_most_enclosed("1/mu_max <= h_min, for rows that are units up to rounding", 1 - arb(excess), needed)
    )
    if instance.bounds.rank_certified:
        bounds.append(at_most_enclosed("kappa_X <= its bound", exact.condition, arb(input_condition(instance.inputs))))
    return bounds


def hypotheses(composed: Width, instance: WidthInstance, ranked: bool = True) -> Sequence[Hypothesis]:
    """A positive lower bound of lambda0 (lambda_S), for T4-width the exact rank of X; for networks to be drawn a width that can be."""
    found = [technical(certified("lambda0 (lambda_S) > 0", instance.eigenvalue))]
    if ranked and instance.theorem == "T4-width":
        found.append(established("the rank of X is certified", instance.bounds.rank_certified))
    if instance.drawn and instance.eigenvalue > 0:
        found.append(technical(require(f"the width is at most {WIDEST}", WIDEST - composed(instance))))
    return found


# --- end to end ------------------------------------------------------------------------------------------------------


def sampled(composed: Width, instance: WidthInstance, trials: Trials) -> Sequence[Bound]:
    """How often Condition 1 or 2(C) certainly fails at the width; orthogonal rows, symmetric initialisation.

    There ``r(0) = -y``, ``lambda = min_i`` share of active neurons, and ``sup ||J(W) - J(0)||_2^2 = max_i k_i/m`` with k_i the
    most neurons that flip input i within the radius, the cheapest first, each with its copy.
    """
    if not instance.drawn:
        return ()
    network = RandomNetwork(instance.inputs, composed(instance), instance.scale, True, most_trials=DRAWN_TRIALS)
    length, failures = float(np.linalg.norm(instance.targets)), 0
    for Z in network.pre_activations(trials.rng):
        eigenvalues = np.count_nonzero(Z >= 0, axis=2).min(axis=1) / network.independent
        singular = eigenvalues == 0
        values = np.where(singular, 1.0, eigenvalues)
        radii = np.maximum(0.0, 3 * length / np.sqrt(values) * (1 - gamma(16)) - network.product_error)
        needed = np.floor(instance.C**2 / 9 * values * network.width * (1 + gamma(16))).astype(int) + 1
        pairs = min(network.independent, int(needed.max()) // 2 + 1)
        cheapest = np.sort(np.partition(Z**2, pairs - 1, axis=2)[:, :, :pairs], axis=2)
        costs = np.cumsum(np.repeat(cheapest, 2, axis=2), axis=2) * (1 + gamma(network.width + 8))
        flips = np.count_nonzero(costs < radii[:, None, None] ** 2, axis=2).max(axis=1)
        failures += int(np.count_nonzero(singular | (flips >= needed)))
    event = "Condition 1 or 2(C) fails"
    return [trials.at_most(event, failures, network.trials, instance.delta, network.sign_error)]


def features(instance: WidthInstance) -> Sequence[str]:
    """The width where it is of interest: on data, and where networks are drawn."""
    found = ["symmetric"] if instance.symmetric else []
    if instance.data:
        found.append(f"{instance.data}: m = {instance.width:.1e}")
    return found


# --- families --------------------------------------------------------------------------------------------------------


def _build(theorem: str, description: Description) -> WidthInstance:
    d = description
    rng = np.random.default_rng(d["seed"])
    inputs = unit_inputs(d["kind"], d["n"], d["d"], rng)
    targets = np.round(rng.standard_normal(len(inputs)) * 10.0 ** d["target_exponent"], 6)
    return WidthInstance(
        inputs,
        targets,
        10.0 ** d["scale_exponent"],
        d["delta_percent"] / 100,
        d["C_percent"] / 100,
        theorem,
        d["symmetric"],
    )


def _descriptions(inputs: range, targets: range, scales: range, C: range, symmetric: Sequence[bool]) -> Descriptions:
    return lambda: described(
        {
            "kind": st.sampled_from(["uniform", "clustered", "nearly parallel", "antiparallel", "orthogonal"]),
            "n": st.sampled_from(inputs),
            "d": st.integers(2, 5),
            "target_exponent": st.sampled_from(targets),
            "scale_exponent": st.sampled_from(scales),
            "delta_percent": st.integers(1, 99),
            "C_percent": st.integers(C[0], C[-1]),
            "symmetric": st.sampled_from(symmetric),
            "seed": st.integers(0, 2**20),
        }
    )


def _inputs(theorem: str) -> Family[WidthInstance]:
    return Family(
        "inputs",
        "uniform, clustered, nearly parallel, antiparallel and orthogonal rows; every C, delta, nu and length of y",
        _descriptions(range(1, 6), range(-4, 3), range(-3, 4), range(1, 300), (False, True)),
        partial(_build, theorem),
        {Depth.QUICK: 40, Depth.NORMAL: 250, Depth.THOROUGH: 2000},
    )


def _short_targets(theorem: str) -> Family[WidthInstance]:
    return Family(
        "short targets",
        "y short beside nu, symmetric initialisation: K-chernoff's width is the larger one",
        _descriptions(range(2, 6), range(-4, -2), range(2, 4), range(100, 300), (True,)),
        partial(_build, theorem),
        dict.fromkeys(Depth, 60),
    )


def _build_nearly_dependent(description: Description) -> WidthInstance:
    d = description
    angle = 10.0 ** -d["angle_exponent"]
    rows = np.array([[1.0, 0.0, 0.0], [-math.cos(angle), math.sin(angle), 0.0], [0.0, 0.0, 1.0]])
    inputs = rows[: d["n"], : d["n"]]
    return WidthInstance(inputs, np.full(len(inputs), 1.0), 1.0, 0.1, d["C_percent"] / 100, "T4-width", d["symmetric"])


_NEARLY_DEPENDENT = Family[WidthInstance](
    "nearly dependent",
    "rows at an angle of 0.1 to 1e-20 from antiparallel: a singular value that float64 may take for 0",
    lambda: described(
        {
            "n": st.integers(2, 3),
            "angle_exponent": st.sampled_from([1, 2, 3, 4, 17, 18, 19, 20]),
            "C_percent": st.integers(10, 100),
            "symmetric": st.booleans(),
        }
    ),
    _build_nearly_dependent,
    {Depth.QUICK: 10, Depth.NORMAL: 40, Depth.THOROUGH: 200},
)


@cache
def _digits() -> tuple[FloatArray, FloatArray]:
    data = load_dataset("digits-4-9")
    return data.X, data.y


def _build_digits(theorem: str, description: Description) -> WidthInstance:
    d = description
    X, y = _digits()
    rows = d["rows"]
    name = f"{rows} digits, nu = {d['scale']}, symmetric = {d['symmetric']}"
    return WidthInstance(X[:rows], y[:rows], float(d["scale"]), 0.1, 0.5, theorem, d["symmetric"], data=name)


def _data(theorem: str) -> Family[WidthInstance]:
    return Family(
        "digits",
        "the first rows of digits 4 versus 9, delta = 0.1, C = 1/2",
        lambda: described(
            {"rows": st.sampled_from([10, 100]), "scale": st.sampled_from([1, 4]), "symmetric": st.booleans()}
        ),
        partial(_build_digits, theorem),
        {Depth.QUICK: 2, Depth.NORMAL: 8, Depth.THOROUGH: 8},
        extra=Extra.DATA,
    )


def _build_end_to_end(description: Description) -> WidthInstance:
    """The length of y follows from the width that is asked for."""
    d = description
    n, delta, C = d["n"], d["delta_percent"] / 100, d["C_percent"] / 100
    unit = float(stability_width(1.0, n, 1.0, delta, C, 0.5, symmetric=True))
    targets = np.full(n, math.sqrt(d["hundreds"] * 100 / unit / n))
    return WidthInstance(np.eye(n), targets, 1.0, delta, C, "T3", True, drawn=True)


def _end_to_end(
    inputs: list[int], delta: range, C: range, hundreds: range, counts: Sequence[int]
) -> Family[WidthInstance]:
    return Family(
        "end to end",
        "orthogonal rows, symmetric initialisation, y short enough: networks of the composed width, sampled",
        lambda: described(
            {
                "n": st.sampled_from(inputs),
                "delta_percent": st.integers(delta[0], delta[-1]),
                "C_percent": st.integers(C[0], C[-1]),
                "hundreds": st.integers(hundreds[0], hundreds[-1]),
            }
        ),
        _build_end_to_end,
        dict(zip(Depth, counts, strict=True)),
    )


END_TO_END = _end_to_end([1, 2, 3], range(1, 76), range(10, 101), range(1, 150), (3, 12, 60))
_WIDE = _end_to_end([1], range(90, 96), range(80, 101), range(1500, 2000), (10, 10, 10))

# --- claims ----------------------------------------------------------------------------------------------------------

_T3 = Claim[WidthInstance](
    id="T3",
    statement="m >= max(||X||_2^2 ln(3n/delta)/(beta lambda0), M n^3 (||y||^2 + n nu^2/2)/(C^6 nu^2 lambda0^4 delta^3)), "
    "M = 1728*324*27/(2 pi), gives Conditions 1 and 2(C) with probability 1 - delta, by K-chernoff, R0 and C2-prob at delta/3 "
    "each, and is the least such width; under symmetric initialisation M' n^3 ||y||^2/(C^6 nu^2 lambda0^4 delta^2), "
    "M' = 1728*48*27/(2 pi), with K-chernoff and C2-prob at delta/2",
    provenance=Provenance.PAPER_WITH_CONSTANTS,
    source="paper, Theorem 3 (m = Omega(n^4/(nu^2 lambda0^4 delta^3))); docs/theory.md, T3; the symmetric form derived",
    families=(_inputs("T3"), _data("T3"), END_TO_END),
    hypotheses=partial(hypotheses, _theorem),
    conclusion=partial(conclusion, _theorem),
    sampled=partial(sampled, _theorem),
    features=features,
    formulas=Formulas(
        hypotheses=(
            r"$m\ge\dfrac{\norm{X}_2^2\ln(3n/\delta)}{\beta\lambda_0}$ and $m\ge\dfrac{M\,n^3\left(\norm{y}^2+n\nu^2/2\right)}{C^6\nu^2\lambda_0^4\delta^3}$",
        ),
        conclusion=(
            r"Conditions 1 and 2($C$) hold with probability $1-\delta$, by K-chernoff, R0 and C2-prob at $\delta/3$ each, and this is the least such width.",
            r"Under symmetric initialisation $\dfrac{M^\prime n^3\norm{y}^2}{C^6\nu^2\lambda_0^4\delta^2}$ takes the place of the second bound, with K-chernoff and C2-prob at $\delta/2$.",
        ),
        constants=(
            r"$\beta=\frac{1}{4}+\frac{3}{4}\ln\,\frac{3}{4}$",
            r"$M=\dfrac{1728\cdot 324\cdot 27}{2\pi}$",
            r"$M^\prime=\dfrac{1728\cdot 48\cdot 27}{2\pi}$",
        ),
    ),
    assumes=(
        "m at least the first term",
        "m at least the second term",
    ),
)

_T4 = dataclasses.replace(
    _T3,
    id="T4-width",
    statement="m >= max(n ln(3n/delta)/(beta lambda_S), M kappa_X n^3 (||y||^2 + n nu^2/2)/(C^6 nu^2 lambda_S^4 delta^3)) gives "
    "Conditions K1 and K2(C) with probability 1 - delta, by the same lemmas, and h_i >= 1/mu_max; symmetric form as in T3",
    provenance=Provenance.DERIVED,
    source="docs/theory.md, T4-width",
    families=(_inputs("T4-width"), _NEARLY_DEPENDENT, _data("T4-width")),
    sampled=None,
    formulas=Formulas(
        hypotheses=(
            r"$m\ge\dfrac{n\ln(3n/\delta)}{\beta\lambda_S}$ and $m\ge\dfrac{M\,\kappa_X\,n^3\left(\norm{y}^2+n\nu^2/2\right)}{C^6\nu^2\lambda_S^4\delta^3}$",
        ),
        conclusion=(
            r"Conditions K1 and K2($C$) hold with probability $1-\delta$, by the same lemmas as in T3, and $h_i\ge 1/\mu_{\max}$.",
            "The symmetric form is as in T3.",
        ),
        constants=(
            r"$\beta=\frac{1}{4}+\frac{3}{4}\ln\,\frac{3}{4}$",
            r"$M=\dfrac{1728\cdot 324\cdot 27}{2\pi}$",
        ),
    ),
    assumes=("m at least the first term", "m at least the second term", "kappa_X", "the rank of X"),
)


Factor = Callable[[WidthInstance], float]


def _certified_condition(instance: WidthInstance) -> float:
    return input_condition(instance.inputs)


def _computed_condition(instance: WidthInstance) -> float:
    """kappa_X of the singular values that float64 tells from 0."""
    geometry = InputGeometry.of(instance.inputs)
    return geometry.largest_eigenvalue / geometry.smallest_eigenvalue


def _dropped_condition(instance: WidthInstance) -> float:
    """kappa_X without the smallest of several singular values."""
    values = InputGeometry.of(instance.inputs).decomposition[1] ** 2
    return float(values[0] / values[max(0, len(values) - 2)])


def _composed(
    change: Factor = lambda _: 1.0, first: Factor = lambda _: 1.0, condition: Factor = _certified_condition
) -> Width:
    """The width with its parts multiplied, C2-prob's by ``change`` and K-chernoff's by ``first``."""

    def composed(one: WidthInstance) -> int:
        n, squared = len(one.inputs), float(one.targets @ one.targets)
        share = one.delta / (2 if one.symmetric else 3)
        chernoff = chernoff_width(one.eigenvalue, one.squared_norm, n, share, one.symmetric) * first(one)
        stable = stability_width(squared, n, one.scale, one.delta, one.C, one.eigenvalue, one.symmetric)
        kappa = 1.0 if one.theorem == "T3" else condition(one)
        widest = max(chernoff, stable * kappa * change(one)) * (1 + gamma(ROUNDINGS))
        step = 2 if one.symmetric else 1
        return max(step, math.ceil(widest / step) * step)

    return composed


def _outputs(instance: WidthInstance) -> float:
    """The share of ``n nu^2/2`` in ``E ||r(0)||^2``."""
    outputs = 0.0 if instance.symmetric else len(instance.targets) * instance.scale**2 / 2
    return outputs / (outputs + float(instance.targets @ instance.targets))


def _log_share(instance: WidthInstance) -> float:
    """``ln(n/delta)`` over ``ln(3n/delta)``, or over ``ln(2n/delta)``."""
    n, parts = len(instance.inputs), 2 if instance.symmetric else 3
    return math.log(n / instance.delta) / math.log(parts * n / instance.delta)


def _mutants(claim: Claim[WidthInstance], wrong: Mapping[str, tuple[str, Width]]) -> list[Mutant]:
    return [
        claim.neighbour(
            id,
            text,
            _DROPS.get(id, ""),
            families=(_short_targets(claim.id) if id in _FIRST else claim.families[0],),
            hypotheses=partial(hypotheses, composed),
            conclusion=partial(conclusion, composed),
            sampled=None,
        )
        for id, (text, composed) in wrong.items()
    ]


_DROPS = {
    "without-first": "m at least the first term",
    "doubled": "m at least the second term",
    "without-condition": "kappa_X",
}
"""What is assumed and a mutant is without, by its id."""

_FIRST = ("log-share", "without-first", "spectral-norm")
"""Mutants of K-chernoff's width."""

_SHARED: Mapping[str, tuple[str, Width]] = {
    "kappa-half": ("kappa_3 halved", _composed(lambda _: 1 / 8)),
    "not-split": ("C2-prob at delta", _composed(lambda one: 1 / 4 if one.symmetric else 1 / 9)),
    "whole-eigenvalue": ("Condition 2's radius at lambda0, not 3/4 lambda0", _composed(lambda _: 3 / 4)),
    "squared-count": ("n^2 for n^3", _composed(lambda one: 1 / len(one.inputs))),
    "cubed-eigenvalue": ("the third power of lambda0 (lambda_S)", _composed(lambda one: one.eigenvalue)),
    "delta-power": ("one power of delta less", _composed(lambda one: one.delta)),
    "without-outputs": ("||y||^2 without n nu^2/2", _composed(lambda one: 1 - _outputs(one))),
    "without-targets": ("n nu^2/2 without ||y||^2", _composed(_outputs)),
    "without-scale": ("without 1/nu^2", _composed(lambda one: one.scale**2)),
    "log-share": ("ln(n/delta): K-chernoff at delta", _composed(first=_log_share)),
    "without-first": ("without K-chernoff's width", _composed(first=lambda _: 0.0)),
    "doubled": ("half the width does not suffice for the lemmas", _composed(lambda _: 2.0, lambda _: 2.0)),
}

_NARROW = _composed(lambda _: 1 / 256, lambda _: 0.0)
_COMPUTED = _composed(condition=_computed_condition)

T3 = _T3.with_mutants(
    *_mutants(
        _T3, {**_SHARED, "fourth-power": ("C^4 for C^6", _composed(lambda one: one.C**2 if one.C < 1 else one.C**-2))}
    ),
    _T3.neighbour(
        "width-256",
        "a width 256 times smaller, sampled",
        families=(_WIDE,),
        hypotheses=partial(hypotheses, _NARROW),
        conclusion=lambda _: (),
        sampled=partial(sampled, _NARROW),
    ),
)
T4_WIDTH = _T4.with_mutants(
    *_mutants(
        _T4,
        {
            **_SHARED,
            "without-condition": ("without kappa_X", _composed(condition=lambda _: 1.0)),
            "dropped": ("kappa_X without the smallest singular value", _composed(condition=_dropped_condition)),
            "spectral-norm": (
                "||X||_2^2 for n in K-chernoff's width",
                _composed(first=lambda one: input_norm_squared(one.inputs) / len(one.inputs)),
            ),
        },
    ),
    _T4.neighbour(
        "computed-rank",
        "kappa_X of the singular values that float64 tells from 0",
        families=(_NEARLY_DEPENDENT,),
        hypotheses=partial(hypotheses, _COMPUTED, ranked=False),
        conclusion=partial(conclusion, _COMPUTED),
        drops="the rank of X",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T3, T4_WIDTH)

__all__ = ["CLAIMS", "SLACK"]
