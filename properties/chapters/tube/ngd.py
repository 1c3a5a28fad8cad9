"""T1-tube: natural gradient descent while no pre-activation leaves its tube, for every step size up to 1 and every k."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from flint import arb, arb_mat
from hypothesis import strategies as st

from properties.chapters.tube.closing import Closing
from properties.chapters.tube.enclosed_tube import EnclosedTube, max_of
from properties.chapters.tube.instances import TUBE_BITS, Followed, Motion, TubeNetwork
from properties.chapters.tube.planned import PLANS, realised
from properties.descent.inputs import draw_inputs
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Hypothesis,
    Provenance,
    at_most_or_equal_enclosed,
    require,
    require_enclosed,
    technical,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, Stated, mutant
from properties.engine.slack import SlackRow
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import AnyArray
from theory.rigour.precision import working_precision
from theory.theorems import tube

Description = Mapping[str, Any]

FORMS = ("residual", "start", "neuron")
EQUAL_BITS = 60
"""Two sides that agree to ``2^-60`` are equal: without a flip the residual falls by exactly ``1 - eta``."""

Number = Callable[[EnclosedTube], arb]


# --- the numbers of the statement --------------------------------------------------------------------------------------


def by_rate(at: EnclosedTube) -> arb:
    """S from ``||r(0)||``."""
    return arb(tube.path_by_rate(at.residual_norm, at.ratio, at.lambda_min))


def by_start(at: EnclosedTube) -> arb:
    """The least S from c0."""
    found = [
        tube.path_by_both(at.start_norm, at.start_change, at.residual_norm, at.ratio, at.lambda_min),
        tube.path_by_products(at.start_norm, at.start_change, at.start_product, at.ratio, at.lambda_min),
    ]
    if at.first_ratio < 1:
        found.append(tube.path_by_coefficients(at.start_norm, at.start_change, at.first_ratio, at.lambda_min))
    return least(found)


def least(numbers: Sequence[Any]) -> arb:
    """One that is not above the others, where balls decide it."""
    found = arb(numbers[0])
    for one in numbers[1:]:
        found = arb(one) if one < found else found
    return found


def later(at: EnclosedTube, path: arb) -> arb:
    """``(||D|c0||| + e)/lambda_b``."""
    known = tube.later_path(at.start_change, at.product_norm, path, at.residual_norm, at.ratio, at.lambda_min)
    by_products = at.start_change + (at.start_product + at.ratio * at.start_change) / (1 - at.ratio)
    return least([known, by_products / at.lambda_min])


def by_row_norm(at: EnclosedTube, path: arb) -> AnyArray:
    """``L1 ||K_i|| S/sqrt(m)``, (n,)."""
    return np.array([tube.width(row, path, at.neurons, at.slope) for row in at.row_norms], dtype=object)


def by_neuron(at: EnclosedTube, path: arb, rest: arb) -> AnyArray:
    """The same or, where it is less, what a neuron's own coefficients say, (n, m)."""
    own, changed = at.start_motions
    rows = np.array(at.row_norms, dtype=object)[:, None]
    found = np.frompyfunc(
        lambda row, start, turned: tube.neuron_width(row, path, start, turned, rest, at.neurons, at.slope), 3, 1
    )(rows, own, changed)
    return np.asarray(found)


@dataclass(frozen=True)
class TubeRule(Stated):
    """T1-tube's numbers, as stated or as a mutant states them."""

    by_rate: Number = by_rate
    """S from ``||r(0)||``."""
    by_start: Number = by_start
    """S from c0."""
    ratio: Number = lambda at: at.ratio
    """mu, in the rate."""
    later: Callable[[EnclosedTube, arb], arb] = later
    """What the path adds to c0, neuron by neuron."""
    widths: Callable[[EnclosedTube, arb], AnyArray] = by_row_norm
    neuron: Callable[[EnclosedTube, arb, arb], AnyArray] = by_neuron
    most_step: float = 1.0
    moved: Callable[[EnclosedTube, Motion, AnyArray], arb] = lambda at, motion, needed: motion.largest_share(needed)
    """What is compared with the widths, as a share of them."""
    closes: bool = True
    """Whether the tube has to be as wide as the path is long."""
    factor: Callable[[arb, arb], arb] = lambda eta, mu: 1 - eta * (1 - mu)
    limit: Callable[[arb], arb] = lambda mu: arb(tube.step_limit(mu))

    @property
    def assumes(self) -> tuple[str, ...]:
        """Its hypotheses."""
        return "lambda_b > 0", "mu < 1", "the tube closes", "step size"

    def path(self, at: EnclosedTube, form: str) -> arb:
        """S."""
        return self.by_rate(at) if form == "residual" else least([self.by_rate(at), self.by_start(at)])

    def needed(self, at: EnclosedTube, form: str) -> AnyArray:
        """How far pre-activations may move, (n,) or (n, m)."""
        path = self.path(at, form)
        return self.neuron(at, path, self.later(at, path)) if form == "neuron" else self.widths(at, path)

    def hypotheses(self, instance: TubeNetwork) -> Sequence[Hypothesis]:
        """lambda_b > 0, mu < 1, the tube closes, the step size; and that the run can be followed."""
        at = instance.tube
        with working_precision(TUBE_BITS):
            positive = require_enclosed("lambda_b > 0", at.lambda_min - arb(2) ** -1000)
            if not at.lambda_min > 0:
                return [positive]
            below = require_enclosed("mu < 1", 1 - at.ratio - arb(2) ** -1000)
            if not at.ratio < 1:
                return [positive, below]
            found = [positive, below, technical(require("r(0) is not zero", 1.0 if at.residual_norm > 0 else -1.0))]
            if self.closes:
                needed = self.needed(at, instance.form)
                left = [arb(float(b)) - one for b, one in zip(instance.widths.ravel(), needed.ravel(), strict=True)]
                found.append(require_enclosed("the tube closes", min(left, key=lambda one: float(one.lower()))))
            found.append(require("step size 0 < eta <= 1 (exact)", self.most_step - instance.eta))
            followed = instance.first_run
            found.append(technical(require("the run is enclosed", 1.0 if _decided(followed) else -1.0)))
        return found

    def conclusion(self, instance: TubeNetwork) -> Sequence[Bound]:
        """Every step, the run, the path, and where every pre-activation is at every k."""
        with working_precision(TUBE_BITS):
            return self.bounds(instance, instance.first_run)

    def confirm(self, instance: TubeNetwork, bits: int) -> Sequence[Bound]:
        """The same at the working precision."""
        with working_precision(max(bits, 2 * TUBE_BITS)):
            again = dataclasses.replace(instance, steps=len(instance.first_run.steps))
            return self.bounds(again, again.followed())

    def bounds(self, instance: TubeNetwork, followed: Followed) -> Sequence[Bound]:
        """What the run is compared with."""
        at, eta = instance.tube, arb(instance.eta)
        mu, path, needed = self.ratio(at), self.path(at, instance.form), self.needed(at, instance.form)
        factor, limit = self.factor(eta, mu), self.limit(mu)
        steps, first = followed.steps, followed.steps[0].before
        allowed, own, way, found = first, first, arb(0), []

        def compared(label: str, measured: arb, predicted: arb) -> None:
            bound = at_most_or_equal_enclosed(label, measured, predicted, EQUAL_BITS)
            found.append(dataclasses.replace(bound, label=label))

        for k, (step, length, motion) in enumerate(zip(steps, followed.coefficients, followed.moved, strict=True), 1):
            allowed, own, way = factor * allowed, (1 - eta).sqrt() * own if eta < 1 else arb(0), way + eta * length
            compared(f"||r({k})|| <= (1 - eta(1-mu)) ||r({k - 1})||", step.after / first, factor * step.before / first)
            compared(f"||r({k})|| <= (1 - eta(1-mu))^{k} ||r(0)||", step.after / first, allowed / first)
            if eta <= limit:
                compared(f"||r({k})||^2 <= (1-eta)^{k} ||r(0)||^2", step.after / first, own / first)
            compared(f"max |Z({k}) - Z(0)|/b <= 1", self.moved(at, motion, needed), arb(1))
        compared("sum of eta ||G(k)^-1 r(k)|| <= S", way / path, arb(1))
        return found

    def features(self, instance: TubeNetwork) -> Sequence[str]:
        """What the table counts: mu, flips on the way, and the form."""
        with working_precision(TUBE_BITS):
            mu, flips = float(instance.tube.ratio), instance.first_run.flips
        low = math.floor(5 * mu) / 5
        found = [instance.form, f"mu in [{low:.1f}, {low + 0.2:.1f})"]
        return [*found, "flips"] if flips else found


def _decided(followed: Followed) -> bool:
    return len(followed.moved) == len(followed.steps)


# --- families ----------------------------------------------------------------------------------------------------------


def settled(net: TwoLayerNetwork, inputs: FloatArray, direction: FloatArray, description: Description) -> TubeNetwork:
    """The network with r(0) as long as a tube with the ratio that is asked for allows, times a share."""
    d, closing = description, Closing(net, inputs)
    asked, form = d["ratio_percent"] / 100, d["form"]
    found = closing.dialled(direction, asked, form)
    start = net.outputs(inputs)
    eta = d["step_percent"] / 100
    if found is None:
        return TubeNetwork(net, inputs, start - direction, np.ones(len(inputs)), eta, d["steps"], form)
    length, widths = found
    widths = widths / d.get("narrowed", 1)
    return TubeNetwork(net, inputs, start - length * direction, widths, eta, d["steps"], form)


def build_drawn(description: Description) -> TubeNetwork:
    """A random network, r(0) in a random direction, or in that of c0 with equal signs."""
    d, rng = description, np.random.default_rng(description["seed"])
    n, dim = d["inputs"], d["dimension"]
    inputs = draw_inputs(n, dim, d["kind"], rng)
    width = 2 * d["half_width"]
    net = TwoLayerNetwork.initialise(width, dim, 1.0, rng, d["symmetric"], d["activation"])
    direction = rng.standard_normal(n)
    return settled(net, inputs, direction / np.linalg.norm(direction), d)


def build_planned(description: Description) -> TubeNetwork:
    """A network made to flip."""
    d = description
    net, inputs, residual = realised(PLANS[d["plan"]](d["fixed"], d["flipping"]))
    widest = Closing(net, inputs)
    found = widest.closed(residual, d["form"])
    b = np.ones(len(inputs)) if found is None else found[1]
    return TubeNetwork(net, inputs, net.outputs(inputs) - residual, b, d["step_percent"] / 100, d["steps"], d["form"])


def drawn(counts: tuple[int, int, int], id: str = "relu", **changes: Any) -> Family[TubeNetwork]:
    """Random networks; mu is dialled."""
    parts = {
        "inputs": st.sampled_from([1, 2, 2, 3, 4]),
        "dimension": st.integers(3, 6),
        "kind": st.sampled_from(["uniform", "uniform", "orthogonal", "clustered"]),
        "half_width": st.sampled_from([64, 128, 256]),
        "symmetric": st.booleans(),
        "activation": st.just("relu"),
        "ratio_percent": st.sampled_from([95, 70, 50, 35, 25, 15, 5]),
        "step_percent": st.sampled_from([10, 30, 50, 80, 100, 100]),
        "steps": st.integers(2, 20),
        "form": st.sampled_from(FORMS),
        "seed": st.integers(0, 2**20),
    }
    title = "small networks with a tube that closes, their runs in balls"
    return described_family(id, title, build_drawn, counts, **{**parts, **changes})


def planned(counts: tuple[int, int, int], id: str = "planned", **changes: Any) -> Family[TubeNetwork]:
    """Networks made to flip at once."""
    parts = {
        "plan": st.sampled_from([name for name in PLANS if name != "still"]),
        "fixed": st.integers(4, 40),
        "flipping": st.integers(1, 12),
        "step_percent": st.sampled_from([10, 20, 50, 100, 100]),
        "steps": st.integers(2, 30),
        "form": st.sampled_from(FORMS),
    }
    title = "networks made to flip at once, their runs in balls"
    return described_family(id, title, build_planned, counts, **{**parts, **changes})


# --- the claim ---------------------------------------------------------------------------------------------------------


def quartered(at: EnclosedTube) -> arb:
    """mu/4."""
    return at.ratio / 4


def without_row_norms(at: EnclosedTube, path: arb) -> AnyArray:
    """``S/sqrt(m)`` for every input."""
    return np.array([tube.width(arb(1), path, at.neurons, at.slope)] * len(at.row_norms), dtype=object)


def weights_share(at: EnclosedTube, motion: Motion, needed: AnyArray) -> arb:
    """``max_r ||w_r(k) - w_r(0)||/max_i b_i``, by ``z^T K^{-1} z`` for the motion z of a neuron's pre-activations."""
    widest = max_of([arb(one) for one in needed.ravel()])
    kernel = arb_mat(at.kernel.tolist())
    ways = arb_mat(motion.ways.tolist())
    squares = ways.transpose() * kernel.solve(ways)
    return reduce(arb.max, [squares[g, g].nonnegative_part().sqrt() for g in range(ways.ncols())]) / widest


def _start_without_change(at: EnclosedTube) -> arb:
    zero = arb(0)
    found = [
        tube.path_by_both(at.start_norm, zero, at.residual_norm, at.ratio, at.lambda_min),
        tube.path_by_products(at.start_norm, zero, at.start_product, at.ratio, at.lambda_min),
    ]
    if at.first_ratio < 1:
        found.append(tube.path_by_coefficients(at.start_norm, zero, at.first_ratio, at.lambda_min))
    return least(found)


def _unturned(at: EnclosedTube, path: arb, rest: arb) -> AnyArray:
    own, _ = at.start_motions
    rows = np.array(at.row_norms, dtype=object)[:, None]
    single = np.frompyfunc(
        lambda row, start: tube.neuron_width(row, path, start, arb(0), rest, at.neurons, at.slope), 2, 1
    )
    return np.asarray(single(rows, own))


def _plan(name: str, fixed: Any, flipping: Any, **changes: Any) -> Families:
    return (planned((40, 100, 300), plan=st.just(name), fixed=fixed, flipping=flipping, **changes),)


_SMOOTH: dict[str, Any] = {
    "activation": st.sampled_from(["softplus", "tanh", "erf", "sin"]),
    "inputs": st.integers(1, 3),
    "half_width": st.integers(4, 12),
    "steps": st.integers(2, 6),
}
_WHOLE, _SMALL = st.just(100), st.just(20)
T1_TUBE = TubeRule().claim(
    "T1-tube",
    "in a tube with lambda_b > 0, mu < 1, 0 < eta <= 1 and sqrt(m) b_i >= L_1 ||K_i|| S (or the same neuron by neuron), S any of its four forms: "
    "for all k ||r(k)|| <= (1 - eta(1-mu))^k ||r(0)||, no iterate leaves the tube, and the sum of eta ||G(k)^{-1} r(k)|| is at most S; "
    "||r(k)||^2 <= (1-eta)^k ||r(0)||^2 for mu < 1/2, eta <= (1-2mu)/(1-mu)^2",
    Provenance.DERIVED,
    mutant(
        "ratio-quartered",
        "the rate with mu/4",
        families=_plan("single", st.integers(4, 20), st.integers(2, 20), step_percent=_WHOLE),
        ratio=quartered,
    ),
    mutant(
        "sum-without-ratio",
        "S = ||r(0)||/lambda_b, without 1/(1-mu)",
        families=_plan("crossed", st.integers(16, 40), st.integers(1, 3), step_percent=_WHOLE),
        by_rate=lambda at: at.residual_norm / at.lambda_min,
    ),
    mutant(
        "eigenvalue-of-the-start",
        "lambda in place of lambda_b in S",
        families=_plan("alternating", st.integers(4, 12), st.integers(1, 3), step_percent=_SMALL, steps=st.just(40)),
        by_rate=lambda at: arb(tube.path_by_rate(at.residual_norm, at.ratio, at.first_eigenvalue)),
    ),
    mutant(
        "without-D",
        "S from c0 without D",
        families=_plan(
            "apart",
            st.integers(16, 40),
            st.integers(1, 3),
            step_percent=_SMALL,
            steps=st.just(40),
            form=st.just("start"),
        ),
        by_start=_start_without_change,
    ),
    mutant(
        "row-norms-dropped",
        "b_i = S/sqrt(m)",
        families=_plan("still", st.integers(4, 20), st.integers(2, 20), form=st.just("start")),
        widths=without_row_norms,
    ),
    mutant(
        "widths-of-weights",
        "||w_r(k) - w_r(0)|| <= max_i b_i",
        families=_plan("still", st.integers(4, 20), st.integers(2, 20), form=st.just("start")),
        moved=weights_share,
    ),
    mutant(
        "tube-open",
        "the tube need not be as wide as the path is long",
        "the tube closes",
        families=(drawn((40, 100, 300), id="narrow", narrowed=st.just(1000)),),
        closes=False,
    ),
    mutant(
        "longer-step",
        "eta up to 1.05",
        "step size",
        families=(drawn((40, 100, 300), ratio_percent=st.integers(1, 3), step_percent=st.integers(103, 105)),),
        most_step=1.05,
    ),
    mutant(
        "neuron-without-turning",
        "b_ir without the term with B",
        families=_plan(
            "joining",
            st.integers(60, 120),
            st.just(1),
            step_percent=st.just(50),
            form=st.just("neuron"),
            steps=st.just(20),
        ),
        neuron=_unturned,
    ),
    mutant(
        "neuron-without-remainder",
        "b_ir from c0 alone",
        families=_plan("single", st.integers(4, 20), st.integers(2, 20), step_percent=_WHOLE, form=st.just("neuron")),
        later=lambda at, path: arb(0),
    ),
    mutant(
        "own-rate-everywhere",
        "T1's own rate for every eta <= 1",
        families=_plan("single", st.integers(4, 20), st.integers(4, 20), step_percent=_WHOLE),
        limit=lambda mu: arb(1),
    ),
    families=(
        drawn((12, 200, 1500)),
        drawn((4, 20, 200), id="smooth", **_SMOOTH),
        planned((6, 60, 400)),
        planned((6, 60, 400), id="steep", fixed=st.integers(4, 12), flipping=st.integers(8, 40)),
    ),
    formulas=Formulas(
        hypotheses=(
            r"the tube $\abs{Z_{ir}-Z_{ir}(0)}\le b_i$ with $\lambda_b>0$, $\mu<1$",
            r"$b_i\ge\dfrac{L_1\norm{K_i}}{\sqrt m}\,S$",
            r"$0<\eta\le 1$",
        ),
        conclusion=(
            r"$\norm{r(k)}\le(1-\eta(1-\mu))^k\norm{r(0)}$",
            r"no iterate leaves the tube",
            r"$\sum_k\eta\norm{G(k)^{-1}r(k)}\le S$",
            r"$\norm{r(k)}^2\le(1-\eta)^k\norm{r(0)}^2$ for $\mu<\frac{1}{2}$, $\eta\le\dfrac{1-2\mu}{(1-\mu)^2}$",
        ),
        constants=(
            r"$S$ the least of $\dfrac{\norm{r(0)}}{(1-\mu)\lambda_b}$,",
            r"$\dfrac{1}{1-\mu_1}\left(\norm{c_0}+\dfrac{\norm{D\abs{c_0}}}{\lambda_b}\right)$,",
            r"$\norm{c_0}+\dfrac{\norm{D\abs{c_0}}}{\lambda_b}+\dfrac{\mu\norm{r(0)}}{(1-\mu)\lambda_b}$,",
            r"$\norm{c_0}+\dfrac{\norm{D\abs{c_0}}+\norm{M\abs{c_0}}}{(1-\mu)\lambda_b}$",
            r"$c_0=G(0)^{-1}r(0)$, $\mu_1=\dfrac{\xi}{\lambda_b}$",
        ),
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T1_TUBE,)

SLACK = (
    SlackRow(
        claim="T1-tube",
        quantity="the largest step size for the factor 1 - eta(1-mu)",
        remark="1 is sharp as mu -> 0; no counterexample known below 2/(2-mu), where a network without flips breaks it (P13.12)",
    ),
    SlackRow(
        claim="T1-tube",
        quantity="the hypothesis lambda_b > 0",
        remark="no counterexample known: without it there is no S",
        drops="lambda_b > 0",
    ),
    SlackRow(
        claim="T1-tube",
        quantity="the hypothesis mu < 1",
        remark="no counterexample known: at mu = 1 the rate is 1 and S infinite",
        drops="mu < 1",
    ),
)
