"""The residual at initialisation, with a failure that enters by a logarithm: R0-tail (docs/theory.md).

Setting. Independent neurons ``w_r ~ N(0, nu^2 I)``, signs uniform on -1, +1; unit rows X (n, d), targets y.

R0-tail [derived]. With probability at least 1 - delta

    ||r(0)|| <= ||y|| + nu (n (pi - 1 + 2 ln(4/delta))/(2 pi))^{1/2} + nu ||X||_2 (2 ln(2/delta))^{1/2}.

Half of delta is for ``|sum_r a_r|`` (Hoeffding), half for the deviation of ``||u(0)||`` given the signs (Gaussian concentration; ``||u||`` as a function of
W changes by at most ``||X||_2 ||W - W'||_F``). R0's bound, ``((||y||^2 + n nu^2/2)/delta)^{1/2}``, is the smaller one where delta is not small. Not sharp:
given the signs u(0) is nearly normal, with mean 0 nearly always.

Proof: docs/proofs/tube.md, P13.40, P13.41.

In the obligation ``s2`` is ``(sum_r a_r)^2/m``, ``L = ln(4/delta)``, pi any positive number.

Functions of real numbers take floats or balls (arb), and answer in kind; floats by the next float above (theory/directed.py).
"""

from __future__ import annotations

from theory.directed import at_least_exact
from theory.inputs import positive_count
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
from theory.reals import circle_constant, logarithm, nonnegative_real, positive_real, probability, square_root

SECTION = 11


@at_least_exact
def squared_mean_output(n: int, scale: float, log: float) -> float:
    """``nu^2 n (pi - 1 + 2 L)/(2 pi)``, ``L = log``: above the mean of ``||u(0)||^2`` given signs with ``(sum_r a_r)^2 <= 2 m L``.

    Raises ScaleError, WidthError.
    """
    L, pi = nonnegative_real(log, "the logarithm"), circle_constant(log)
    return positive_real(scale, "scale") ** 2 * positive_count(n, "n") * (pi - 1 + 2 * L) / (2 * pi)


@at_least_exact
def output_tail(n: int, scale: float, squared_norm: float, delta: float) -> float:
    """A bound of ``||u(0)||`` (not squared) that fails with probability at most delta (R0-tail at y = 0); ``squared_norm`` is ``||X||_2^2``.

    Raises ScaleError, WidthError.
    """
    share = probability(delta, "delta")
    deviation = positive_real(squared_norm, "||X||_2^2") * 2 * logarithm(2 / share)
    return square_root(squared_mean_output(n, scale, logarithm(4 / share))) + scale * square_root(deviation)


@at_least_exact
def residual_tail(squared_targets: float, n: int, scale: float, squared_norm: float, delta: float) -> float:
    """R0-tail's bound of ``||r(0)||`` (not squared), which fails with probability at most delta. Raises ScaleError, WidthError."""
    targets = square_root(nonnegative_real(squared_targets, "squared_targets"))
    return targets + output_tail(n, scale, squared_norm, delta)


MEAN = "nu**2*n*(pi - 1 + 2*L)/(2*pi)"

SIGNS = Obligation(
    "O-r0-tail",
    "R0-tail: given the signs the mean of ||u(0)||^2 is n nu^2 (1/2 - 1/(2 pi) + s2/(2 pi)), as E phi(z)^2 = nu^2/2 and (E phi(z))^2 = nu^2/(2 pi)",
    (
        Implication(
            ("0 < nu", "0 < n", "0 < pi", "0 <= s2 <= 2*L"),
            "n*nu**2*(1/2 - 1/(2*pi) + s2/(2*pi)) <= mean",
            {"mean": MEAN},
        ),
    ),
    (
        Mutation("less-variance", "pi - 1.001 in place of pi - 1", {"pi - 1 +": "pi - 1001/1000 +"}),
        Mutation("half-log", "L in place of 2 L", {"+ 2*L)": "+ L)"}),
    ),
)

OBLIGATIONS = (SIGNS,)


def _mean_with(nu: float, n: int, pi: float, L: float) -> float:
    """With any number for pi: the circle's constant enters by ``(2 L - 1)/pi`` alone."""
    return squared_mean_output(n, nu, ((2 * L - 1) * circle_constant(L) / pi + 1) / 2)


CALCULATED = (Calculated(MEAN, _mean_with, ("2*L >= 1",)),)

RANGES = (*needs("R0-tail", SIGNS, (0,), "0 < nu", "n >= 1", "3 < pi < 4", "0 <= s2 <= 2*L"),)

_HERE = "docs/proofs/tube.md: "

LINKS = (
    argued("the mean of ||u(0)||^2 given the signs, and Hoeffding's inequality [L] for their sum", f"{_HERE}P13.40"),
    proved("its bound where the sum of the signs is small", SIGNS),
    argued("||u(0)|| is ||X||_2-Lipschitz in W; Gaussian concentration [L]; the two failures add up", f"{_HERE}P13.41"),
    checked("R0-tail's frequency", "R0-tail"),
)

CHAINS = (Chain("R0-tail", LINKS),)
