"""Gradient descent on ``f(x) = (a x^2 + b y^2)/2``, ``0 < a <= b``: two lemmas, each with wrong neighbours."""

from dataclasses import dataclass

from flint import fmpq
from hypothesis import strategies as st

from properties.engine.claim import Claim, Depth, Family, Provenance, at_most_exactly, require
from properties.engine.descriptions import described
from properties.engine.formulas import Formulas
from properties.engine.stable_names import stored_as


@stored_as("quadratic")
@dataclass(frozen=True)
class Quadratic:
    """Curvatures and step size in hundredths, and a point: whole numbers, so that all of it is exact."""

    a: int
    b: int
    step: int
    x: int
    y: int

    def value(self, steps: int) -> fmpq:
        """f after so many steps."""
        found = fmpq(0)
        for curvature, start in ((self.a, self.x), (self.b, self.y)):
            factor = 1 - fmpq(self.step * curvature, 10_000)
            found += fmpq(curvature, 200) * (factor**steps * start) ** 2
        return found


def rate(one: Quadratic) -> fmpq:
    """``(1 - step a)^2``, the factor on f of one step up to 2/(a+b)."""
    return (1 - fmpq(one.step * one.a, 10_000)) ** 2


CURVATURES, POINTS = st.integers(1, 300), st.integers(-9, 9)
PLANE = Family(
    "plane",
    "curvatures, step sizes and points with two decimals",
    lambda: described({"a": CURVATURES, "wider": CURVATURES, "step": CURVATURES, "x": POINTS, "y": POINTS}),
    lambda drawn: Quadratic(drawn["a"], drawn["a"] + drawn["wider"], drawn["step"], drawn["x"], drawn["y"]),
    {Depth.QUICK: 40, Depth.NORMAL: 200, Depth.THOROUGH: 2000},
)

CONTRACTION = Claim(
    "Q-rate",
    "for 0 < step <= 2/(a+b) one step multiplies f by at most (1 - step a)^2",
    Provenance.LITERATURE,
    "Nesterov, Introductory Lectures on Convex Optimization, 2004, Theorem 2.1.15",
    (PLANE,),
    lambda one: [require("step limit", 20_000 - one.step * (one.a + one.b))],
    lambda one: [at_most_exactly("f after one step", one.value(1), rate(one) * one.value(0))],
    formulas=Formulas(
        hypotheses=(r"$0<\eta\le\dfrac{2}{a+b}$",), conclusion=(r"$f(x_{k+1},y_{k+1})\le(1-\eta a)^2f(x_k,y_k)$",)
    ),
    assumes=("step limit",),
)
DESCENT = Claim(
    "Q-descent",
    "for 0 < step <= 2/b the value never increases",
    Provenance.LITERATURE,
    "the same book, Theorem 2.1.14",
    (PLANE,),
    lambda one: [require("step limit", 20_000 - one.step * one.b)],
    lambda one: [at_most_exactly(f"f after {k} steps", one.value(k), one.value(k - 1)) for k in (1, 2, 5)],
    formulas=Formulas(hypotheses=(r"$0<\eta\le\dfrac{2}{b}$",), conclusion=(r"$f(x_{k+1},y_{k+1})\le f(x_k,y_k)$",)),
    assumes=("step limit",),
)

CLAIMS = tuple(
    claim.with_mutants(
        claim.neighbour("no-limit", "without the step limit", drops="step limit", hypotheses=lambda one: [])
    )
    for claim in (CONTRACTION, DESCENT)
)
