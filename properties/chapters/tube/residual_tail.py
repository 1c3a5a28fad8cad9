"""R0-tail: its two inequalities exactly where few signs are drawn, its tail exactly for one neuron and by sampling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.width.binomials import binomial_at_most
from properties.chapters.width.initial_residual import ResidualInstance, exact_mean, exact_tail
from properties.descent.families import examples
from properties.descent.random_networks import Description, RandomNetwork, network_descriptions, unit_inputs
from properties.engine.claim import Bound, Claim, Family, Provenance, at_most_enclosed
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.engine.statistics import Trials
from theory.reals import square_root
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.stability.norms import input_norm_squared
from theory.theorems.residual_tail import output_tail, squared_mean_output

BITS = 128

Number = Callable[..., Any]


def deviation(n: int, scale: Any, squared_norm: Any, delta: Any) -> Any:
    """The bound of ``||u(0)||`` as stated."""
    return output_tail(n, scale, squared_norm, delta)


def share_bound(width: int, log: Any) -> Any:
    """``2 m L``, which ``(sum_r a_r)^2`` exceeds with probability at most ``2 e^{-L}``."""
    return 2 * width * log


@dataclass(frozen=True)
class TailRule(Stated):
    """R0-tail's numbers, as stated or as a mutant states them."""

    mean: Number = squared_mean_output
    outputs: Number = deviation
    signs: Number = share_bound
    with_targets: bool = True
    equal_signs: bool = False
    """Whether all signs are 1, where they should be drawn."""
    paired: bool = True
    """Whether the few neurons' inequalities are looked at."""

    def conclusion(self, instance: ResidualInstance) -> Sequence[Bound]:
        """The mean given the worst signs that are allowed, Hoeffding's inequality, and for one neuron the tail."""
        network, n, bounds = instance.network, len(instance.targets), []
        m = network.width
        with working_precision(BITS):
            scale, delta = arb(network.scale), arb(instance.delta)
            log = (4 / delta).log()
            allowed = arb(self.signs(m, log))
            plus = max((k for k in range(m + 1) if arb((2 * k - m) ** 2) <= allowed), default=None)
            if self.paired and m <= MOST_SIGNS and plus is not None and not instance.targets.any():
                vector = (1,) * plus + (-1,) * (m - plus)
                mean = exact_mean(instance, lambda _: [vector])
                label = "E ||u(0)||^2 given the worst signs <= n nu^2 (pi - 1 + 2L)/(2 pi)"
                bounds.append(at_most_enclosed(label, mean, arb(self.mean(n, scale, log))))
            if self.paired and m <= MOST_SIGNS:
                most = max((k for k in range(m + 1) if not arb((2 * k - m) ** 2) <= allowed), default=None)
                beyond = fmpq(0)
                if most is not None and plus is not None:
                    beyond = 2 * (1 - binomial_at_most(m, plus))
                bounds.append(at_most_enclosed("P((sum a_r)^2 > 2 m L), exactly", arb(beyond), delta / 2))
            if n == m == 1:
                length = abs(arb(instance.targets[0])) if self.with_targets else arb(0)
                threshold = (length + arb(self.outputs(1, scale, arb(1), delta))) ** 2
                bounds.append(
                    at_most_enclosed("P(||r(0)|| > its bound), exactly", exact_tail(instance, threshold), delta)
                )
        return bounds

    def sampled(self, instance: ResidualInstance, trials: Trials) -> Sequence[Bound]:
        """The frequency of ``||r(0)||`` above its bound, counted where rounding cannot have caused it."""
        network = instance.network
        if network.width <= MOST_SIGNS:
            return ()
        n, d = network.inputs.shape
        length = float(np.linalg.norm(instance.targets)) if self.with_targets else 0.0
        squared = input_norm_squared(network.inputs)
        threshold = length + float(self.outputs(n, network.scale, float(squared), instance.delta))
        margin = 1 + 10 * gamma(d + network.width + n + 8) * network.width
        failures = 0
        for Z in network.pre_activations(trials.rng):
            signs = np.where(trials.rng.integers(0, 2, (len(Z), 1, network.width)) == 1, 1.0, -1.0)
            signs = np.ones_like(signs) if self.equal_signs else signs
            outputs = (np.maximum(Z, 0.0) * signs).sum(axis=2) / np.sqrt(network.width)
            norms = np.linalg.norm(outputs - instance.targets, axis=1)
            failures += int(np.count_nonzero(norms > threshold * margin))
        event = "||r(0)|| > its bound"
        return [trials.at_most(event, failures, network.trials, instance.delta, network.sign_error)]


MOST_SIGNS = 8
"""Networks of so few neurons are looked at exactly, wider ones are drawn."""


# --- families --------------------------------------------------------------------------------------------------------


def _build_few(description: Description) -> ResidualInstance:
    """Delta just so that signs that are all equal are allowed, or not."""
    d = description
    m = d["neurons"]
    delta = min(0.99, 4 * float(np.exp(-m * d["log_percent"] / 200)))
    rows = unit_inputs(d["kind"], d["n"], 3, np.random.default_rng(d["seed"]))
    network = RandomNetwork(rows, m, 2.0 ** d["scale_exponent"])
    return ResidualInstance(network, np.zeros(len(rows)), delta)


FEW = described_family(
    "few neurons",
    "1 to 8 neurons, delta about 4 exp(-m/2): signs that are all equal are just allowed, or just not",
    _build_few,
    (30, 150, 1000),
    kind=st.sampled_from(["uniform", "orthogonal", "copies"]),
    n=st.integers(1, 3),
    neurons=st.integers(1, 8),
    scale_exponent=st.integers(-3, 4),
    log_percent=st.integers(90, 115),
    seed=st.integers(0, 2**20),
)


def _build_one(description: Description) -> ResidualInstance:
    d = description
    target = np.array([d["target_tenths"] / 10])
    return ResidualInstance(RandomNetwork(np.eye(1), 1), target, d["delta_per_mille"] / 1000)


ONE = described_family(
    "one neuron",
    "n = m = 1: the tail is that of a normal",
    _build_one,
    (30, 120, 1000),
    target_tenths=st.integers(0, 30),
    delta_per_mille=st.integers(1, 999),
)


def _build(description: Description) -> ResidualInstance:
    d = description
    rng = np.random.default_rng(d["seed"])
    rows = unit_inputs(d["kind"], d["n"], d["d"], rng)
    network = RandomNetwork(rows, d["neurons"], 2.0 ** d["scale_exponent"], most_trials=d.get("trials", 2000))
    targets = np.round(rng.standard_normal(len(rows)) * d["target_tenths"] / 10, 3)
    return ResidualInstance(network, targets, d["delta_percent"] / 100, d["seed"])


def _networks(
    counts: tuple[int, int, int], kinds: list[str], sizes: list[int], **parts: SearchStrategy[Any]
) -> Family[ResidualInstance]:
    other: dict[str, SearchStrategy[Any]] = {
        "scale_exponent": st.integers(-3, 4),
        "target_tenths": st.integers(0, 30),
        "delta_percent": st.integers(1, 85),
        "symmetric": st.just(False),
        **parts,
    }
    return Family(
        "networks",
        "sampled networks",
        lambda: network_descriptions(kinds, sizes, range(20, 100), **other),
        _build,
        examples(*counts),
    )


SAMPLED = _networks((4, 24, 150), ["uniform", "orthogonal", "copies"], [1, 2, 4, 16])
MANY = _networks((4, 4, 4), ["orthogonal"], [64], delta_percent=st.integers(20, 60), target_tenths=st.just(0))
COPIES = _networks(
    (4, 4, 4), ["copies"], [4], delta_percent=st.just(1), target_tenths=st.just(0), trials=st.just(10_000)
)
LONG = _networks((4, 4, 4), ["copies"], [1], delta_percent=st.integers(20, 60), target_tenths=st.integers(500, 600))
WIDE = _networks((4, 4, 4), ["orthogonal"], [4], delta_percent=st.integers(20, 60))

# --- claim -----------------------------------------------------------------------------------------------------------

_SIGNED: dict[str, Any] = {"families": (FEW,)}

R0_TAIL = TailRule().claim(
    "R0-tail",
    "independent neurons: with probability at least 1 - delta ||r(0)|| <= ||y|| + nu (n (pi - 1 + 2 ln(4/delta))/(2 pi))^(1/2) "
    "+ nu ||X||_2 (2 ln(2/delta))^(1/2)",
    Provenance.DERIVED,
    mutant(
        "less-variance",
        "pi - 1.6 for pi - 1 in the mean",
        mean=lambda n, scale, log: squared_mean_output(n, scale, log) - n * scale**2 * arb("0.6") / (2 * arb.pi()),
        **_SIGNED,
    ),
    mutant(
        "half-log", "L for 2L in the mean", mean=lambda n, scale, log: squared_mean_output(n, scale, log / 2), **_SIGNED
    ),
    mutant(
        "mean-without-n", "the mean without n", mean=lambda n, scale, log: squared_mean_output(1, scale, log), **_SIGNED
    ),
    mutant(
        "nu-not-squared",
        "nu for nu^2 in the mean",
        mean=lambda n, scale, log: squared_mean_output(n, scale, log) / scale,
        **_SIGNED,
    ),
    mutant(
        "signs-half", "(sum a_r)^2 <= m L/2 with that probability", signs=lambda width, log: width * log / 2, **_SIGNED
    ),
    mutant(
        "without-root-n",
        "without n^(1/2) in the mean, 64 inputs",
        families=(MANY,),
        outputs=lambda n, *others: output_tail(1, *others),
        paired=False,
    ),
    mutant(
        "without-deviation",
        "without ||X||_2 (2 ln(2/delta))^(1/2), copies of one input",
        families=(COPIES,),
        outputs=lambda n, scale, squared, delta: square_root(squared_mean_output(n, scale, np.log(4 / delta))),
        paired=False,
    ),
    mutant("without-targets", "without ||y||", families=(LONG,), with_targets=False, paired=False),
    mutant(
        "without-scale",
        "without nu",
        families=(_networks((4, 4, 4), ["copies"], [1], scale_exponent=st.just(4), delta_percent=st.integers(20, 60)),),
        outputs=lambda n, scale, *others: output_tail(n, scale * 0 + 1, *others),
        paired=False,
    ),
    mutant(
        "equal-signs",
        "signs that are all 1, 50 neurons and more",
        "independent signs",
        (WIDE,),
        equal_signs=True,
        paired=False,
    ),
    mutant(
        "long-rows",
        "||X||_2 = 1 and n = 1 for copies of one input",
        "unit rows",
        (_networks((4, 4, 4), ["copies"], [64], delta_percent=st.integers(5, 20), target_tenths=st.just(0)),),
        outputs=lambda n, scale, squared, delta: output_tail(1, scale, squared * 0 + 1, delta),
        paired=False,
    ),
    families=(FEW, ONE, SAMPLED),
    formulas=Formulas(
        conclusion=(
            r"For independent neurons, with probability at least $1-\delta$: $\norm{r(0)}\le\norm{y}+\nu\left(\dfrac{n\left(\pi-1+2\ln(4/\delta)\right)}{2\pi}\right)^{1/2}+\nu\norm{X}_2\left(2\ln(2/\delta)\right)^{1/2}$.",
        )
    ),
    also=("independent signs", "unit rows"),
)

CLAIMS: tuple[Claim[Any], ...] = (R0_TAIL,)
