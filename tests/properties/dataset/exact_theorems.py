"""The theorems' formulas written down once more, in balls: limits of step sizes, factors, counts, widths (docs/theory.md, sections 4 to 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from flint import arb, fmpq

from tests.properties.dataset.exact_rung import ExactRung, norm, rational, spectrum

REDUCTION = rational(1e-6)
NGD, KFAC, GD = ("T1", "T1-q", "T1-sharp"), ("T4", "T4-lev", "T4-sharp", "T4-least"), ("T0", "T0-sharp")


def largest(values: Sequence[Any]) -> Any:
    """The largest of some balls, by their middles."""
    return max(values, key=lambda value: float(arb(value).mid()))


def smallest(values: Sequence[Any]) -> Any:
    """The smallest of some balls, by their middles."""
    return min(values, key=lambda value: float(arb(value).mid()))


def q_and_rho(C: arb) -> tuple[arb, arb]:
    """``2C/(3-C)`` and ``(3+C)/(3-C)``."""
    return 2 * C / (3 - C), (3 + C) / (3 - C)


def ngd_limit(theorem: str, C: arb) -> arb:
    """The largest step size of a factor ``sqrt(1 - eta)``; 0 where there is none."""
    if not C < 1:
        return arb(0)
    q, rho = q_and_rho(C)
    found = {"T1": (1 - 2 * C) / (1 + C) ** 2, "T1-q": (1 - 2 * q) / (1 - q) ** 2, "T1-sharp": rho * (2 - rho)}[theorem]
    return found if found > 0 else arb(0)


def ngd_factors(eta: Any, C: arb) -> dict[str, arb]:
    """The factors on ``||r||`` of the theorems that apply."""
    found: dict[str, arb] = {}
    if not C < 1:
        return found
    q, rho = q_and_rho(C)
    if ngd_limit("T1", C) >= eta:
        found["T1"] = (1 - arb(eta)).sqrt()
    if C <= arb(2) / 3 and eta <= 1:
        found["T1-q"] = 1 - eta * (1 - q)
    if ngd_limit("T1-sharp", C) >= eta:
        found["T1-sharp"] = 1 - eta / rho
    return found


@dataclass
class Inputs:
    """What K-FAC's theorems take of X."""

    h_min: fmpq
    h_max: fmpq
    mu_min: arb
    mu_max: arb

    def limit(self, theorem: str, C: arb) -> arb:
        """The largest step size; 0 where there is none."""
        if not C < {"T4": arb(1) / 2, "T4-lev": arb(3) / 5, "T4-sharp": arb(1), "T4-least": arb(1)}[theorem]:
            return arb(0)
        q, rho = q_and_rho(C)
        if theorem == "T4":
            return self.mu_min * (1 - 2 * C) / (1 + C) ** 2
        return ((1 - 2 * q) / (1 - q) ** 2 if theorem == "T4-lev" else rho * (2 - rho)) / self.h_max

    def factor(self, theorem: str, eta: Any, C: arb) -> arb:
        """On ``||r||``."""
        _, rho = q_and_rho(C)
        if theorem == "T4-least":
            return 1 - eta * self.h_min / rho
        fall = {
            "T4": eta / self.mu_max,
            "T4-lev": arb(eta * self.h_min),
            "T4-sharp": eta * self.h_min * (2 / rho - eta * self.h_max / rho**2),
        }[theorem]
        return (1 - fall).sqrt()


def gd_limit(theorem: str, C: arb, top: arb, low: arb) -> arb:
    """The largest step size for ``||J(0)||_2^2 = top`` and lambda = ``low``."""
    if not (C < arb(3) / 5 if theorem == "T0" else C <= arb(3) / 4):
        return arb(0)
    c, L = C / 3, top.sqrt() + C / 3 * low.sqrt()
    return (1 - 2 * q_and_rho(C)[0] if theorem == "T0" else (1 - 2 * c) / (1 - c)) / L**2


def gd_factor(theorem: str, eta: Any, C: arb, top: arb, low: arb) -> arb:
    """On ``||r||``."""
    L = top.sqrt() + C / 3 * low.sqrt()
    share = eta * (1 - C / 3) ** 2 * low
    return (1 - (share if theorem == "T0" else share * (2 - eta * L**2))).sqrt()


def count(factor: arb, reduction: Any = REDUCTION) -> int:
    """The least k with ``factor^k <= reduction``."""
    return ceil(float((arb(reduction).log() / factor.log()).mid()))


def decayed(factors: Sequence[Any], squares: Sequence[Any]) -> int:
    """The least k from which ``sum squares factors^{2k} <= reduction^2 sum squares``."""
    k, total = 1, sum(squares, arb(0))
    while (
        not sum((s * arb(f) ** (2 * k) for f, s in zip(factors, squares, strict=True)), arb(0))
        <= arb(REDUCTION) ** 2 * total
    ):
        k += 1
    return k


def squared_shares(rung: ExactRung) -> list[arb]:
    """The squared components of r(0) along the eigenvectors of G(0), whose eigenvalues must differ."""
    values, gram = rung.eigenvalues, rung.gram(rung.pattern)
    found = []
    for k, own in enumerate(values):
        part = list(rung.residual)
        for other in values[:k] + values[k + 1 :]:
            moved = [
                sum((g * p for g, p in zip(row, part, strict=True)), arb(0)) - other * p
                for row, p in zip(gram, part, strict=True)
            ]
            part = [x / (own - other) for x in moved]
        found.append(norm(part) ** 2)
    return found


def least_linearised(rung: ExactRung) -> int:
    """T0-advantage (b): what GD needs at least in the linearised model."""
    top, total = rung.eigenvalues[-1], norm(rung.residual)
    found = [0]
    for value, square in zip(rung.eigenvalues, squared_shares(rung), strict=True):
        share = square.sqrt() / total
        if 2 * value < top and share > REDUCTION:
            found.append(count(1 - 2 * value / top, REDUCTION / share))
    return max(found)


def angle_kernels(directions: list[list[fmpq]]) -> tuple[list[list[arb]], list[list[arb]]]:
    """G_inf and S_inf of rows of any length, and of unit rows the same."""
    n = len(directions)
    gram, pattern = ([[arb(0)] * n for _ in range(n)] for _ in range(2))
    for i, x in enumerate(directions):
        for j, y in enumerate(directions):
            dot, cross = x[0] * y[0] + x[1] * y[1], abs(x[0] * y[1] - x[1] * y[0])
            angle = arb.atan2(arb(cross), arb(dot)) if cross != 0 or dot < 0 else arb(0)
            pattern[i][j] = (arb.pi() - angle) / (2 * arb.pi())
            gram[i][j] = angle.cos() * pattern[i][j]
    return gram, pattern


def width(theorem: str, rung: ExactRung, scale: float, symmetric: bool) -> arb:
    """T3's or T4-width's, before it is rounded to a whole number, for C = 1/2 and delta = 1/10."""
    gram, pattern = angle_kernels(rung.rows)
    n, C, delta, parts = rung.n, arb(1) / 2, arb(rational(0.1)), 2 if symmetric else 3
    low = spectrum(gram if theorem == "T3" else pattern)[0]
    top = spectrum(rung.kernel)[-1] if theorem == "T3" else arb(n)
    beta = 1 - arb(3) / 4 + arb(3) / 4 * (arb(3) / 4).log()
    chernoff = top * (n * parts / delta).log() / (beta * low) * (2 if symmetric else 1)
    squares, variance = sum((y * y for y in rung.targets), fmpq(0)), rational(scale) ** 2
    energy = arb(squares) if symmetric else squares + n * arb(variance) / 2
    constant = 1728 * (48 if symmetric else 324) * arb(27) / (2 * arb.pi())
    change = constant * n**3 * energy / (C**6 * variance * low**4 * delta ** (2 if symmetric else 3))
    if theorem == "T4-width":
        values = rung.input_eigenvalues
        change *= values[-1] / values[0]
    return largest([chernoff, change])
