"""T1-tube-root: a tube that rests on the Jacobian's change alone, its runs enclosed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb
from hypothesis import strategies as st

from properties.chapters.tube.closing import ROOM, SINGULAR
from properties.chapters.tube.enclosed_tube import EnclosedTube
from properties.chapters.tube.instances import TubeNetwork
from properties.chapters.tube.planned import NEAR, PLANS, SINGLED_OUT, realised
from properties.chapters.tube.tube_rule import TubeRule, by_row_norm
from properties.descent.inputs import draw_inputs
from properties.descent.random_networks import Description
from properties.engine.claim import Claim, Family, Hypothesis, Provenance, require, require_enclosed, technical
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import AnyArray
from theory.theorems.tube_width_ratio import root_path, root_ratio

HALVINGS = 40


def squared_start(at: EnclosedTube) -> arb:
    """``r(0)^T G(0)^{-1} r(0)``."""
    return sum((r * c for r, c in zip(at.residual, at.solution, strict=True)), arb(0)).nonnegative_part()


def path(at: EnclosedTube) -> arb:
    """S."""
    return arb(root_path(squared_start(at), at.changing_norm, at.first_eigenvalue))


def ratio(at: EnclosedTube) -> arb:
    """mu."""
    return arb(root_ratio(at.changing_norm, at.first_eigenvalue)).upper()


def share(at: EnclosedTube) -> arb:
    """x."""
    return (at.changing_norm / at.first_eigenvalue).sqrt()


@dataclass(frozen=True)
class RootRule(TubeRule):
    """T1-tube-root's numbers, as stated or as a mutant states them."""

    bounded: bool = True
    """Whether tau has to be below lambda/4."""

    @property
    def assumes(self) -> tuple[str, ...]:
        """Its hypotheses."""
        return "tau < lambda/4", "the tube closes", "step size"

    def numbers(self, instance: TubeNetwork) -> tuple[arb, arb, arb, AnyArray]:
        """The least eigenvalue in the tube, mu, S, and how far pre-activations may move."""
        at = instance.tube
        length = self.by_rate(at)
        x = share(at)
        return at.first_eigenvalue * (1 - x) ** 2, self.ratio(at), length, self.widths(at, length)

    def _evaluated(self, instance: TubeNetwork) -> Iterator[Hypothesis]:
        at = instance.tube
        yield require_enclosed("tau < lambda/4 (lambda > 0)", at.first_eigenvalue - arb(2) ** -1000)
        if not at.first_eigenvalue > 0:
            return
        if self.bounded:
            yield require_enclosed("tau < lambda/4", at.first_eigenvalue / 4 - at.changing_norm - arb(2) ** -1000)
            if not 4 * at.changing_norm < at.first_eigenvalue:
                return
        yield technical(require("r(0) is not zero", 1.0 if at.residual_norm > 0 else -1.0))
        if self.closes:
            needed = self.widths(at, self.by_rate(at))
            left = [arb(float(b)) - one for b, one in zip(instance.widths, needed, strict=True)]
            yield require_enclosed("the tube closes", min(left, key=lambda one: float(one.lower())))


# --- families ----------------------------------------------------------------------------------------------------------


def _x(net: TwoLayerNetwork, inputs: FloatArray, widths: FloatArray) -> float:
    """In float64: nothing here has to be right, a tube that is wrong makes a vacuous instance."""
    kernel, z = inputs @ inputs.T, net.pre_activations(inputs)
    near = (np.abs(z) <= widths[:, None]).astype(float)
    tau = float(np.linalg.norm(np.abs(kernel) * (near @ near.T) / net.width, 2))
    return float(np.sqrt(tau / max(np.linalg.eigvalsh(net.gram(inputs))[0], 1e-300)))


def _closed(net: TwoLayerNetwork, inputs: FloatArray, residual: FloatArray, x: float) -> float:
    """S of a residual, for a tube with this x; 1 where G(0) is singular, and no tube is certified."""
    gram = net.gram(inputs)
    least = float(np.linalg.eigvalsh(gram)[0])
    if least <= SINGULAR:
        return 1.0
    squared = float(residual @ np.linalg.solve(gram, residual)) / least
    return float(np.sqrt(squared) / abs((1 - 2 * x) * (1 - x)))


def _build_drawn(description: Description) -> TubeNetwork:
    """A random network; widths for the x that is asked for, and r(0) as long as they allow."""
    d, rng = description, np.random.default_rng(description["seed"])
    n, dim = d["inputs"], d["dimension"]
    inputs = draw_inputs(n, dim, d["kind"], rng)
    net = TwoLayerNetwork.initialise(2 * d["half_width"], dim, 1.0, rng, d["symmetric"])
    direction: FloatArray = np.asarray(rng.standard_normal(n))
    rows, low, high = np.linalg.norm(inputs @ inputs.T, axis=1), 0.0, 8.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _x(net, inputs, rows * middle) <= d["x_percent"] / 100 else (low, middle)
    x = _x(net, inputs, rows * low)
    length = low * np.sqrt(net.width) / (ROOM * _closed(net, inputs, direction, x)) if x < 2 else 0.0
    widths = np.maximum(rows * low / d.get("narrowed", 1), 1e-6)
    start = net.outputs(inputs)
    return TubeNetwork(net, inputs, start - length * direction, widths, d["step_percent"] / 100, d["steps"])


def _build_planned(description: Description) -> TubeNetwork:
    """A network made to flip."""
    d = description
    net, inputs, residual = realised(PLANS[d["plan"]](d["fixed"], d["flipping"]))
    rows = np.linalg.norm(inputs @ inputs.T, axis=1)
    x = _x(net, inputs, np.full(len(inputs), 2 * NEAR))
    widths = np.maximum(rows * _closed(net, inputs, residual, x) * ROOM / np.sqrt(net.width), 2 * NEAR)
    start = net.outputs(inputs)
    return TubeNetwork(net, inputs, start - residual, widths, d["step_percent"] / 100, d["steps"])


def _drawn(counts: tuple[int, int, int], id: str = "relu", **changes: Any) -> Family[TubeNetwork]:
    parts = {
        "inputs": st.sampled_from([1, 2, 2, 3, 4]),
        "dimension": st.integers(3, 6),
        "kind": st.sampled_from(["uniform", "orthogonal", "uniform", "orthogonal", "uniform", "clustered"]),
        "half_width": st.sampled_from([128, 256, 512]),
        "symmetric": st.booleans(),
        "x_percent": st.sampled_from([48, 45, 41, 37, 33, 28, 20, 12, 5]),
        "step_percent": st.sampled_from([10, 30, 50, 80, 100, 100]),
        "steps": st.integers(2, 12),
        "seed": st.integers(0, 2**20),
    }
    title = "small networks with a tube that closes, their runs in balls"
    return described_family(id, title, _build_drawn, counts, **{**parts, **changes})


def _planned(counts: tuple[int, int, int], **changes: Any) -> Family[TubeNetwork]:
    parts = {
        "plan": st.sampled_from([name for name in PLANS if name not in SINGLED_OUT]),
        "fixed": st.sampled_from([20, 30, 24, 45, 60]),
        "flipping": st.integers(1, 6),
        "step_percent": st.sampled_from([10, 20, 50, 100, 100]),
        "steps": st.integers(2, 12),
    }
    title = "networks made to flip at once, their runs in balls"
    return described_family("planned", title, _build_planned, counts, **{**parts, **changes})


_AT_ONCE: dict[str, Any] = {"plan": st.just("single"), "step_percent": st.just(100)}
_SEARCH = (40, 60, 200)

T1_TUBE_ROOT = RootRule(by_rate=path, ratio=ratio).claim(
    "T1-tube-root",
    "in a tube with ||J(W') - J(W)||^2 <= tau < lambda/4, x = (tau/lambda)^(1/2), mu = x/(1-x), 0 < eta <= 1 and "
    "sqrt(m) b_i >= ||K_i|| S, S = (r(0)^T G(0)^{-1} r(0)/lambda)^(1/2)/((1-2x)(1-x)): for all k ||r(k)|| <= (1 - eta(1-mu))^k ||r(0)||, "
    "no iterate leaves the tube, and the sum of eta ||G(k)^{-1} r(k)|| is at most S",
    Provenance.DERIVED,
    mutant(
        "ratio-halved-square",
        "x^2/2 for the ratio",
        families=(_planned(_SEARCH, **_AT_ONCE),),
        ratio=lambda at: share(at) ** 2 / 2,
    ),
    mutant(
        "path-halved",
        "half of S",
        families=(_drawn(_SEARCH, x_percent=st.integers(5, 12)),),
        by_rate=lambda at: path(at) / 2,
    ),
    mutant(
        "row-norms-dropped",
        "b_i = S/sqrt(m)",
        families=(_drawn(_SEARCH, inputs=st.just(4), kind=st.just("clustered"), x_percent=st.integers(5, 12)),),
        widths=lambda at, length: by_row_norm(at, length) / at.row_norms[0] ** 2,
    ),
    mutant(
        "tube-open",
        "the tube need not be as wide as the path is long",
        "the tube closes",
        families=(_drawn(_SEARCH, id="narrow", narrowed=st.just(1000)),),
        closes=False,
        widths=lambda at, length: np.array([arb(float(b)) for b in at.widths], dtype=object),
    ),
    mutant(
        "any-change",
        "tau above lambda too, with |(1-2x)(1-x)| in S",
        "tau < lambda/4",
        families=(_drawn(_SEARCH, id="wide", x_percent=st.integers(150, 190)),),
        bounded=False,
        ratio=lambda at: share(at) / (1 - share(at)),
        limit=lambda _: arb(0),
        by_rate=lambda at: (
            (squared_start(at) / at.first_eigenvalue).sqrt() / abs((1 - 2 * share(at)) * (1 - share(at)))
        ),
    ),
    mutant(
        "longer-step",
        "eta up to 1.05",
        "step size",
        families=(_drawn(_SEARCH, x_percent=st.integers(1, 5), step_percent=st.integers(103, 105)),),
        most_step=1.05,
    ),
    families=(_drawn((12, 160, 1000)), _planned((6, 60, 400))),
    formulas=Formulas(
        hypotheses=(
            r"$\norm{J(W')-J(W)}_2^2\le\tau<\lambda/4$ in the tube, $x=\sqrt{\tau/\lambda}$, $\mu=\dfrac{x}{1-x}$",
            r"$b_i\ge\dfrac{\norm{K_i}}{\sqrt m}\,S$, $S=\dfrac{1}{(1-2x)(1-x)}\left(\dfrac{r(0)^\top G(0)^{-1}r(0)}{\lambda}\right)^{1/2}$",
            r"$0<\eta\le 1$",
        ),
        conclusion=(
            r"$\norm{r(k)}\le(1-\eta(1-\mu))^k\norm{r(0)}$",
            r"no iterate leaves the tube",
            r"$\sum_k\eta\norm{G(k)^{-1}r(k)}\le S$",
        ),
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T1_TUBE_ROOT,)
