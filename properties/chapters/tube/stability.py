"""C2-tube: nothing in a tube exceeds M, D, tau or falls below lambda_b."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_mat
from hypothesis import strategies as st

from properties.chapters.tube.enclosed_tube import EIGENVALUE_BITS, EnclosedTube, entries
from properties.chapters.tube.instances import TUBE_BITS
from properties.chapters.tube.points import TubePoints
from properties.descent.inputs import draw_inputs
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Hypothesis,
    Provenance,
    at_most_or_equal_enclosed,
    require,
    technical,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.eigenvalues import enclosed_smallest_eigenvalue
from theory.rigour.exact import AnyArray
from theory.rigour.precision import working_precision

Description = Mapping[str, Any]

EQUAL_BITS = 50
MOST_PAIRS = 1500
"""Pairs of points that are compared with each other."""
SMOOTH_POINTS = 6

_lift = np.frompyfunc(lambda value: arb(float(value)), 1, 1)


def _relu(instance: TubePoints) -> bool:
    return instance.net.activation == "relu"


def largest_eigenvalue(matrix: AnyArray) -> arb:
    """Of a symmetric matrix (n, n) of balls."""
    return -enclosed_smallest_eigenvalue(arb_mat((-matrix).tolist()), EIGENVALUE_BITS)


@dataclass(frozen=True)
class PointsRule(Stated):
    """C2-tube's bounds, as stated or as a mutant states them; None: as they are certified."""

    product: Callable[[EnclosedTube], AnyArray] | None = None
    """M."""
    gram: Callable[[EnclosedTube], AnyArray] | None = None
    """D."""
    eigenvalue: Callable[[EnclosedTube], arb] | None = None
    """lambda_b."""
    tau: Callable[[EnclosedTube], arb] | None = None
    inside: bool = True
    """Whether the points have to lie in the tube."""

    @property
    def assumes(self) -> tuple[str, ...]:
        """The points lie in the tube."""
        return ("W and W' lie in the tube",)

    def said(self, instance: TubePoints) -> tuple[AnyArray, AnyArray, arb, arb]:
        """M, D, lambda_b, tau."""
        at = instance.tube
        if _relu(instance):
            known = instance.certificate
            numbers = (
                _lift(known.product_change),
                _lift(known.gram_change),
                arb(float(known.lambda_min)),
                arb(float(known.jacobian_change)),
            )
        else:
            numbers = (at.product_change, at.gram_change, at.lambda_min, at.changing_norm)
        M, D, least, tau = numbers
        return (
            self.product(at) if self.product else M,
            self.gram(at) if self.gram else D,
            self.eigenvalue(at) if self.eigenvalue else least,
            self.tau(at) if self.tau else tau,
        )

    def hypotheses(self, instance: TubePoints) -> Sequence[Hypothesis]:
        """The weights lie in the tube, exactly; smooth networks need free inputs."""
        if not _relu(instance):
            return [technical(require("the inputs are independent (exact)", 1.0 if instance.free else -1.0))]
        inside = instance.contained or not self.inside
        return [require("W and W' lie in the tube (exact)", 1.0 if inside else -1.0)]

    def conclusion(self, instance: TubePoints) -> Sequence[Bound]:
        """Entry by entry, and the norms at the points that come nearest to them."""
        with working_precision(TUBE_BITS):
            return self.bounds(instance)

    def bounds(self, instance: TubePoints) -> Sequence[Bound]:
        """What the points are compared with."""
        M, D, least, tau = self.said(instance)
        products, grams, eigenvalue, change = measured(instance)
        found = []

        def compared(label: str, one: arb, other: arb) -> None:
            found.append(at_most_or_equal_enclosed(label, one, other, EQUAL_BITS))

        for i, j in itertools.product(range(len(instance.inputs)), repeat=2):
            compared(f"|J(W')J(W)^T - J(W)J(W)^T| <= M at {i}, {j}", products[i, j], M[i, j])
            compared(f"|G(W) - G(0)| <= D at {i}, {j}", grams[i, j], D[i, j])
        compared("lambda_b <= lambda_min(G(W))", least, eigenvalue)
        compared("||J(W') - J(W)||^2 <= tau", change, tau)
        return found

    def features(self, instance: TubePoints) -> Sequence[str]:
        """What the table counts."""
        found = ["one width an input" if instance.widths.ndim == 1 else "one width a pair"]
        if _relu(instance):
            pairs = int(instance.tube.near.sum())
            found.append(
                "no pair may flip" if not pairs else "all patterns" if pairs <= 7 and instance.free else "points"
            )
        return found


def measured(instance: TubePoints) -> tuple[AnyArray, AnyArray, arb, arb]:
    """The largest entries of the two differences, the least eigenvalue and the largest change of J that were found."""
    return _of_patterns(instance) if _relu(instance) else _of_slopes(instance)


def _of_patterns(instance: TubePoints) -> tuple[AnyArray, AnyArray, arb, arb]:
    at = instance.tube
    stack = np.array(instance.patterns, dtype=np.int64)
    rng = np.random.default_rng(instance.seed)
    grams = stack @ stack.transpose(0, 2, 1)
    kernel = np.array([[float(one) for one in row] for row in at.kernel])
    pairs = list(itertools.product(range(len(stack)), repeat=2))
    if len(pairs) > MOST_PAIRS:
        pairs = [pairs[k] for k in rng.choice(len(pairs), MOST_PAIRS, replace=False)]
    first, second = np.array(pairs).T
    changes = stack[second] - stack[first]
    crossed = np.abs(changes @ stack[first].transpose(0, 2, 1)).max(axis=0)
    squares = changes @ changes.transpose(0, 2, 1)
    worst = int(np.argmax(np.linalg.eigvalsh(kernel * squares)[:, -1]))
    lowest = int(np.argmin(np.linalg.eigvalsh(kernel * grams)[:, 0]))
    difference = np.abs(grams - grams[0]).max(axis=0)
    gram = np.asarray(at.kernel * at.shares(grams[lowest]))
    return (
        np.asarray(at.sizes * at.shares(crossed)),
        np.asarray(at.sizes * at.shares(difference)),
        enclosed_smallest_eigenvalue(arb_mat(gram.tolist()), EIGENVALUE_BITS),
        largest_eigenvalue(np.asarray(at.kernel * at.shares(squares[worst]))),
    )


def _largest(matrices: Sequence[AnyArray]) -> AnyArray:
    largest = matrices[0]
    for one in matrices[1:]:
        largest = np.frompyfunc(arb.max, 2, 1)(largest, one)
    return np.asarray(largest)


def _of_slopes(instance: TubePoints) -> tuple[AnyArray, AnyArray, arb, arb]:
    at, m = instance.tube, arb(instance.net.width)
    slopes = instance.slopes(SMOOTH_POINTS)
    grams = [np.asarray(at.kernel * (one @ one.T) / m) for one in slopes]
    products, squares = [], []
    for one, other in itertools.permutations(slopes, 2):
        change = other - one
        products.append(entries(np.asarray(at.kernel * (change @ one.T) / m)))
        squares.append(np.asarray(at.kernel * (change @ change.T) / m))
    least = [enclosed_smallest_eigenvalue(arb_mat(gram.tolist()), EIGENVALUE_BITS) for gram in grams]
    norms = [largest_eigenvalue(one) for one in squares]
    return (
        _largest(products),
        _largest([entries(gram - grams[0]) for gram in grams]),
        min(least, key=lambda ball: float(ball)),
        max(norms, key=lambda ball: float(ball)),
    )


# --- families ----------------------------------------------------------------------------------------------------------


def build_points(description: Description) -> TubePoints:
    """Widths at which some pairs may flip: those of the nearest pre-activations, or exactly at one of them."""
    d, rng = description, np.random.default_rng(description["seed"])
    n, m = d["inputs"], d["width"]
    kind, dim = d["kind"], d["dimension"]
    if kind == "axes":
        inputs: FloatArray = np.eye(n)
        weights = rng.integers(-8, 9, (m, n)) / 4
    else:
        inputs = draw_inputs(n, dim, kind, rng)
        weights = rng.standard_normal((m, inputs.shape[1]))
    signs = np.where(rng.integers(0, 2, m) == 1, 1.0, -1.0)
    net = TwoLayerNetwork(weights, signs, d["activation"])
    sizes = np.sort(np.abs(net.pre_activations(inputs)), axis=None)
    place = min(d["pairs"], sizes.size - 1)
    b = float(sizes[place]) if d["touching"] else float(sizes[place]) * 1.01 + 2.0**-20
    widths: FloatArray = np.full(n, b) * (1 + rng.integers(0, 3, n) / 8 * (not d["touching"]))
    if d["per_pair"]:
        widths = widths[:, None] * (1 + rng.integers(0, 5, (n, m)) / 8)
    return TubePoints(net, inputs, widths, d["seed"], d.get("reach", 1))


def points(counts: tuple[int, int, int], id: str = "relu", **changes: Any) -> Family[TubePoints]:
    """Networks of few neurons."""
    parts = {
        "inputs": st.integers(1, 3),
        "dimension": st.integers(1, 4),
        "kind": st.sampled_from(["uniform", "axes", "clustered", "antiparallel", "integer"]),
        "width": st.integers(3, 14),
        "activation": st.just("relu"),
        "pairs": st.integers(0, 8),
        "touching": st.booleans(),
        "per_pair": st.booleans(),
        "seed": st.integers(0, 2**20),
    }
    return described_family(
        id, "networks of few neurons, every pattern of their tubes", build_points, counts, **{**parts, **changes}
    )


BENDS: Mapping[str, tuple[float, float]] = {
    "softplus": (0.0, 40.0),
    "tanh": (0.6584789484624084, 0.0),
    "erf": (0.7071067811865476, 0.0),
    "sin": (1.5707963267948966, 0.0),
}
"""Where ``|phi''|`` is largest, and where ``|phi'|`` is."""


def build_smooth(description: Description) -> TubePoints:
    """Two inputs: the first where the slope changes fastest, the second where it is steepest; or drawn."""
    d = description
    if not d["steepest"]:
        return build_points(
            {**d, "pairs": 0, "touching": False, "per_pair": d["per_pair"], "kind": "uniform", "dimension": 4}
        )
    bend, steep = BENDS[d["activation"]]
    correlation = d["correlation_percent"] / 100
    inputs = np.array([[1.0, 0.0], [correlation, np.sqrt(1 - correlation**2)]])
    z = np.array([[bend] * d["width"], [steep] * d["width"]])
    weights = np.linalg.solve(inputs, z).T
    net = TwoLayerNetwork(weights, np.ones(d["width"]), d["activation"])
    return TubePoints(net, inputs, 2.0 ** -d["thinness"] * np.array([1.0, 2.0**-10]), d["seed"])


def smooth(counts: tuple[int, int, int], id: str = "smooth", **changes: Any) -> Family[TubePoints]:
    """Smooth activations."""
    parts = {
        "activation": st.sampled_from(["erf", "tanh", "softplus", "sin"]),
        "steepest": st.booleans(),
        "correlation_percent": st.integers(-90, 90),
        "inputs": st.integers(1, 3),
        "width": st.integers(1, 5),
        "thinness": st.integers(3, 12),
        "per_pair": st.booleans(),
        "seed": st.integers(0, 2**20),
    }
    return described_family(
        id,
        "smooth networks of few neurons, points of their tubes in balls",
        build_smooth,
        counts,
        **{**parts, **changes},
    )


# --- the claim ---------------------------------------------------------------------------------------------------------


def _rising(at: EnclosedTube) -> AnyArray:
    rise = at.counts(at.possible, at.possible) - at.counts(at.active, at.active)
    return np.asarray(at.sizes * at.shares(rise))


def _falling(at: EnclosedTube) -> AnyArray:
    fall = at.counts(at.active, at.active) - at.counts(at.certain, at.certain)
    return np.asarray(at.sizes * at.shares(fall))


def _strictly(at: EnclosedTube) -> AnyArray:
    """M with ``|Z(0)| < b``."""
    z = at.net.pre_activations(at.inputs)
    b = at.widths if at.widths.ndim == 2 else at.widths[:, None]
    near = at.near & (np.abs(z) != b)
    return np.asarray(at.sizes * at.shares(at.counts(near, at.possible)))


_FLIPPING: dict[str, Any] = {
    "kind": st.sampled_from(["axes", "uniform"]),
    "dimension": st.just(4),
    "pairs": st.integers(2, 5),
}
_SEARCH = (40, 100, 300)
_STEEPEST = smooth(_SEARCH, steepest=st.just(True), activation=st.just("erf"), correlation_percent=st.integers(50, 90))

C2_TUBE = PointsRule().claim(
    "C2-tube",
    "for all W, W' in the tube |J(W')J(W)^T - J(W)J(W)^T| <= M and |G(W) - G(0)| <= D entry by entry, lambda_min(G(W)) >= lambda_b and "
    "||J(W') - J(W)||_2^2 <= tau",
    Provenance.DERIVED,
    mutant(
        "half-count",
        "half of M: each pair flips to one side only",
        families=(points(_SEARCH, **_FLIPPING),),
        product=lambda at: at.product_change / 2,
    ),
    mutant(
        "signed-kernel",
        "K in place of |K| in M",
        families=(points(_SEARCH, **{**_FLIPPING, "kind": st.just("uniform"), "inputs": st.integers(2, 3)}),),
        product=lambda at: np.asarray(at.kernel * at.shares(at.counts(at.near, at.possible))),
    ),
    mutant(
        "D-without-rise", "D without activations that appear", families=(points(_SEARCH, **_FLIPPING),), gram=_falling
    ),
    mutant(
        "D-without-fall", "D without activations that vanish", families=(points(_SEARCH, **_FLIPPING),), gram=_rising
    ),
    mutant(
        "eigenvalue-of-the-start",
        "lambda in place of lambda_b",
        families=(points(_SEARCH, **_FLIPPING),),
        eigenvalue=lambda at: at.first_eigenvalue,
    ),
    mutant(
        "strictly-near",
        "|Z(0)| < b in place of <=",
        families=(
            points(
                _SEARCH, **{**_FLIPPING, "kind": st.just("axes"), "touching": st.just(True), "per_pair": st.just(False)}
            ),
        ),
        product=_strictly,
    ),
    mutant(
        "tau-halved",
        "half of tau",
        families=(points(_SEARCH, **_FLIPPING),),
        tau=lambda at: at.changing_norm / 2,
    ),
    mutant(
        "outside",
        "W and W' up to twice the widths away",
        "W and W' lie in the tube",
        families=(points(_SEARCH, reach=st.just(2)),),
        inside=False,
    ),
    mutant(
        "smooth-one-width", "b L in place of 2 b L", families=(_STEEPEST,), product=lambda at: at.product_change / 2
    ),
    mutant(
        "smooth-without-slope", "M without L_1", families=(_STEEPEST,), product=lambda at: at.product_change / at.slope
    ),
    mutant("smooth-D-without-slope", "D without L_1", families=(_STEEPEST,), gram=lambda at: at.gram_change / at.slope),
    families=(points((25, 150, 1500)), smooth((10, 50, 400))),
    formulas=Formulas(
        hypotheses=(r"$\abs{x_i\cdot(w_r-w_r(0))}\le b_{ir}$, and the same for $W'$",),
        conclusion=(
            r"$\abs{J(W')J(W)^\top-J(W)J(W)^\top}\le M$",
            r"$\abs{G(W)-G(0)}\le D$",
            r"$\lambda_{\min}(G(W))\ge\lambda_b$",
            r"$\norm{J(W')-J(W)}_2^2\le\tau$",
        ),
        constants=(
            r"$M=\frac{1}{m}\abs{K}\circ B\tilde A^\top$",
            r"$D=\frac{1}{m}\abs{K}\circ\max\{\tilde A\tilde A^\top-A_0A_0^\top,$ $A_0A_0^\top-\breve A\breve A^\top\}$",
            r"$\tau=\norm{\frac{1}{m}\abs{K}\circ BB^\top}_2$",
            r"$\lambda_b=\max\{\lambda-\norm{D}_2,\lambda_c\}$",
        ),
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (C2_TUBE,)
