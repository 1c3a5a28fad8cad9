"""R0: the mean of ||r(0)||^2 exactly, its tail exactly for one neuron and by sampling, and r(0) = -y exactly."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from flint import acb, arb, fmpq
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.width.binomials import normal_above
from properties.descent.families import examples
from properties.descent.random_networks import Description, RandomNetwork, network_descriptions, unit_inputs
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Provenance,
    at_most_enclosed,
    equal_enclosed,
    equal_exactly,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from properties.engine.statistics import Trials
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import rational, rational_matrix
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.theorems.initial_residual import mean_squared_residual, squared_residual_bound

BITS, AGREEMENT = 128, 80
CUT = 15
"""The quadrature of a moment ends here; the rest is below 1e-46."""

MOST_SIGNS = 6
"""The mean is taken over all sign vectors of at most so many neurons."""


@stored_as("initial-residual")
@dataclass(frozen=True)
class ResidualInstance:
    """A network to be initialised at the scale nu, its targets, and a failure probability."""

    network: RandomNetwork
    targets: FloatArray
    delta: float
    seed: int = 0

    @property
    def squared_targets(self) -> fmpq:
        """``||y||^2``, exactly."""
        return sum((rational(value) ** 2 for value in self.targets.tolist()), fmpq(0))


# --- exact -----------------------------------------------------------------------------------------------------------


def moments(scale: arb) -> tuple[arb, arb]:
    """``E phi(z)`` and ``E phi(z)^2`` for z ~ N(0, scale^2), by rigorous quadrature of ``t^k exp(-t^2/2)``."""
    root, tail = (2 * arb.pi()).sqrt(), arb(0).union((-(arb(CUT) ** 2) / 3).exp())
    found = []
    for power in (1, 2):

        def integrand(t: acb, _: bool, power: int = power) -> acb:
            return t**power * (-t * t / 2).exp()

        found.append((acb.integral(integrand, acb(0), acb(CUT)).real + tail) / root * scale**power)
    return found[0], found[1]


def exact_mean(instance: ResidualInstance, signs: Callable[[int], Sequence[tuple[int, ...]]], row_norm: int = 1) -> arb:
    """``E ||u(0) - y||^2`` over all sign vectors, and over the weights by their moments.

    ``E phi(z_r) phi(z_s)`` is the second moment when r and s share their weight, else the first one squared; every row
    has one norm, so z ~ N(0, nu^2 norm^2). ``signs`` lists the equally likely sign vectors of the independent neurons.
    """
    network = instance.network
    first, second = moments(arb(network.scale) * row_norm)
    vectors = list(signs(network.independent))
    copies = [1, -1] if network.symmetric else [1]
    total = arb(0)
    for vector in vectors:
        squares = linear = arb(0)
        neurons = [(index, sign * copy) for copy in copies for index, sign in enumerate(vector)]
        for r, a in neurons:
            linear += a * first
            for s, b in neurons:
                squares += a * b * (second if r == s else first**2)
        for target in instance.targets.tolist():
            total += squares / network.width - 2 * arb(target) * linear / arb(network.width).sqrt() + arb(target) ** 2
    return total / len(vectors)


def all_signs(count: int) -> Sequence[tuple[int, ...]]:
    """Every vector of -1 and 1."""
    return list(itertools.product((-1, 1), repeat=count))


def exact_tail(instance: ResidualInstance, threshold: arb) -> arb:
    """``P(||r(0)||^2 > threshold)`` for n = m = 1: ``r(0) = +-phi(nu g) - y``, and ``threshold >= y^2``."""
    length, target, scale = threshold.sqrt(), arb(instance.targets[0]), arb(instance.network.scale)
    return (normal_above((length + target) / scale) + normal_above((length - target) / scale)) / 2


def _outputs_vanish(instance: ResidualInstance, paired: bool) -> bool:
    """Exact outputs of one network as it is initialised."""
    network, rng = instance.network, np.random.default_rng(instance.seed)
    drawn = TwoLayerNetwork.initialise(
        network.width, network.inputs.shape[1], network.scale, rng, symmetric=network.symmetric and paired
    )
    products = (rational_matrix(network.inputs) * rational_matrix(drawn.weights).transpose()).tolist()
    signs = [int(sign) for sign in drawn.signs]
    outputs = [sum((a * max(z, fmpq(0)) for a, z in zip(signs, row, strict=True)), fmpq(0)) for row in products]
    return all(output == 0 for output in outputs)


@dataclass(frozen=True)
class ResidualRule(Stated):
    """The mean and the tail bound under test, the signs that occur, the rows' norm, and how pairs are initialised."""

    mean: Callable[..., Any] = mean_squared_residual
    tail: Callable[..., Any] = squared_residual_bound
    signs: Callable[[int], Sequence[tuple[int, ...]]] = all_signs
    row_norm: int = 1
    paired: bool = True
    kinds: tuple[str, ...] = ("mean", "tail", "zero")

    def conclusion(self, instance: ResidualInstance) -> Sequence[Bound]:
        """Whatever can be decided exactly: the mean for few neurons, the tail for one, the outputs of pairs."""
        network, n, bounds = instance.network, len(instance.targets), []
        with working_precision(BITS):
            squared, scale = arb(instance.squared_targets), arb(network.scale)
            if "mean" in self.kinds and network.independent <= MOST_SIGNS:
                mean = self.mean(squared, n, scale, network.symmetric)
                difference = (exact_mean(instance, self.signs, self.row_norm) - mean) / (squared + n * scale**2)
                bounds.append(equal_enclosed("E ||r(0)||^2 - (||y||^2 + n nu^2/2), relative", difference, AGREEMENT))
            if "tail" in self.kinds and n == network.width == 1:
                threshold = self.tail(squared, n, scale, arb(instance.delta))
                measured = exact_tail(instance, threshold)
                bounds.append(at_most_enclosed("P(||r(0)||^2 > E/delta), exactly", measured, arb(instance.delta)))
        if "zero" in self.kinds and network.symmetric:
            vanish = _outputs_vanish(instance, self.paired)
            bounds.append(equal_exactly("u(0) = 0 under symmetric initialisation", vanish))
        return bounds

    def sampled(self, instance: ResidualInstance, trials: Trials) -> Sequence[Bound]:
        """The frequency of ``||r(0)||^2 > E/delta``, counted where rounding cannot have caused it; independent neurons only."""
        network = instance.network
        if "tail" not in self.kinds or network.symmetric or network.width == 1:
            return ()
        n, d = network.inputs.shape
        squared = float(instance.targets @ instance.targets)
        threshold = float(self.tail(squared, n, network.scale, instance.delta))
        # each output is off by gamma_{d+m+4} of sums of magnitudes, at most (|r| + 2|y|) m^{1/2} in all; tenfold
        margin = 1 + 10 * gamma(d + network.width + n + 8) * network.width
        failures = 0
        for Z in network.pre_activations(trials.rng):
            signs = np.where(trials.rng.integers(0, 2, (len(Z), 1, network.width)) == 1, 1.0, -1.0)
            outputs = (np.maximum(Z, 0.0) * signs).sum(axis=2) / np.sqrt(network.width)
            squares = ((outputs - instance.targets) ** 2).sum(axis=1)
            failures += int(np.count_nonzero(squares > threshold * margin))
        event = "||r(0)||^2 > E/delta"
        return [trials.at_most(event, failures, network.trials, instance.delta, network.sign_error)]

    def features(self, instance: ResidualInstance) -> Sequence[str]:
        """Kinds of initialisation."""
        return ["symmetric"] if instance.network.symmetric else ["independent"]


# --- families --------------------------------------------------------------------------------------------------------


def _build(description: Description) -> ResidualInstance:
    d = description
    rng = np.random.default_rng(d["seed"])
    rows = unit_inputs(d["kind"], d["n"], d["d"], rng)
    width = d["neurons"] * (2 if d["symmetric"] else 1)
    network = RandomNetwork(rows, width, 2.0 ** d["scale_exponent"], d["symmetric"])
    targets = np.round(rng.standard_normal(len(rows)) * d["target_tenths"] / 10, 3)
    return ResidualInstance(network, targets, d["delta_percent"] / 100, d["seed"])


def _family(
    id: str, title: str, inputs: list[int], neurons: range, counts: tuple[int, int, int], **parts: SearchStrategy[Any]
) -> Family[ResidualInstance]:
    kinds = ["uniform", "orthogonal", "copies"]
    other: dict[str, SearchStrategy[Any]] = {
        "scale_exponent": st.integers(-3, 4),
        "target_tenths": st.integers(0, 30),
        "delta_percent": st.integers(1, 99),
        **parts,
    }
    return Family(
        id,
        title,
        lambda: network_descriptions(kinds, inputs, neurons, **other),
        _build,
        examples(*counts),
    )


def _build_one(description: Description) -> ResidualInstance:
    d = description
    return ResidualInstance(
        RandomNetwork(np.eye(1), 1), np.array([d["target_tenths"] / 10]), d["delta_per_mille"] / 1000
    )


FEW = _family("few neurons", "mean over all signs, 1 to 6 neurons or pairs", [1, 2, 3], range(1, 6), (20, 100, 800))
ONE = described_family(
    "one neuron",
    "n = m = 1: the tail is that of a normal",
    _build_one,
    (30, 120, 1000),
    target_tenths=st.integers(0, 30),
    delta_per_mille=st.integers(1, 999),
)
SAMPLED = _family(
    "networks",
    "sampled networks",
    [1, 2, 4],
    range(2, 100),
    (6, 24, 150),
    symmetric=st.sampled_from([False]),
    delta_percent=st.integers(1, 95),  # beyond, 10,000 trials are too few
)

# --- claim -----------------------------------------------------------------------------------------------------------

_MEAN: Any = {"families": (FEW,), "kinds": ("mean",)}
"""Where a mutant is seen, and in what."""

R0 = ResidualRule().claim(
    "R0",
    "E ||r(0)||^2 = ||y||^2 + n nu^2/2 for independent neurons, hence ||r(0)||^2 <= (||y||^2 + n nu^2/2)/delta with "
    "probability at least 1 - delta; under symmetric initialisation r(0) = -y",
    Provenance.PAPER_WITH_CONSTANTS,
    mutant(
        "whole-variance",
        "n nu^2 for n nu^2/2",
        mean=lambda squared, n, scale, symmetric: squared + (0 if symmetric else n * scale**2),
        **_MEAN,
    ),
    mutant(
        "standard-deviation",
        "n nu/2 for n nu^2/2",
        mean=lambda squared, n, scale, symmetric: squared + (0 if symmetric else n * scale / 2),
        **_MEAN,
    ),
    mutant(
        "no-count",
        "nu^2/2 without n",
        mean=lambda squared, n, scale, symmetric: mean_squared_residual(squared, 1, scale, symmetric),
        **_MEAN,
    ),
    mutant(
        "symmetric-mean",
        "the same mean under symmetric initialisation",
        mean=lambda squared, n, scale, symmetric: mean_squared_residual(squared, n, scale),
        **_MEAN,
    ),
    mutant("fixed-signs", "signs that are all 1", "independent signs", signs=lambda count: [(1,) * count], **_MEAN),
    mutant("long-rows", "rows of norm 2", "unit rows", row_norm=2, **_MEAN),
    mutant("not-paired", "u(0) = 0 without pairs", "pairs, for u(0) = 0", (FEW,), paired=False, kinds=("zero",)),
    mutant(
        "root-delta",
        "E/delta^(1/2)",
        families=(ONE,),
        kinds=("tail",),
        tail=lambda squared, n, scale, delta: squared_residual_bound(squared, n, scale, delta ** (1 / 2)),
    ),
    mutant(
        "no-delta",
        "||r(0)||^2 <= E with probability 1 - delta, sampled",
        families=(SAMPLED,),
        kinds=("tail",),
        tail=lambda squared, n, scale, delta: mean_squared_residual(squared, n, scale),
    ),
    source="paper, proof of Theorem 3; docs/theory.md, R0",
    families=(FEW, ONE, SAMPLED),
    formulas=Formulas(
        conclusion=(
            r"$\mathbb{E}\norm{r(0)}^2=\norm{y}^2+\dfrac{n\nu^2}{2}$ for independent neurons.",
            r"Hence $\norm{r(0)}^2\le\dfrac{1}{\delta}\left(\norm{y}^2+\dfrac{n\nu^2}{2}\right)$ with probability at least $1-\delta$.",
            "Under symmetric initialisation $r(0)=-y$.",
        )
    ),
    also=("independent signs", "unit rows", "pairs, for u(0) = 0"),
)


def _tail_factor() -> float:
    """``max delta q/E``, q the 1 - delta quantile of ``||r(0)||^2`` for n = m = 1, y = 0, where ``r(0) = +-phi(nu g)``."""
    thresholds = np.linspace(0.1, 4.0, 4000)
    return float(np.max(2 * thresholds**2 * scipy.special.ndtr(-thresholds)))


def tail_rows() -> tuple[SlackRow, ...]:
    """That of R0, whose number loads SciPy's special functions."""
    return (
        SlackRow(
            claim="R0",
            quantity="a in ||r(0)||^2 <= a (||y||^2 + n nu^2/2)/delta with probability 1 - delta",
            proved=1.0,
            refuted=_tail_factor(),
            witness="one neuron",
            remark="Markov's inequality; refuted below that value at n = m = 1, y = 0",
        ),
    )


MEASURED_SLACK = {"R0": tail_rows}

CLAIMS: tuple[Claim[Any], ...] = (R0,)
