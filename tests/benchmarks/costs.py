"""How times grow with n and m: ``python -m tests.benchmarks.costs [--drawing-only]`` measures, and writes costs.csv here and docs/costs.svg.

A step in function space (NGD), the tube of a network in memory with one width an input, and the same tube of a streamed network, which takes
two passes. The rows of X are orthonormal, d = n, so that no size but n and m enters; the scale is ``10 n/m^{1/2}`` and neurons come in pairs, so that every
tube closes. Times are processor time of one thread, the least of several rounds. They are fitted to what docs/speed.md states, ``a nm + b n^2 m + c n^3``,
with nonnegative a, b, c for which the sum of squared relative residuals is least, and to that and a constant, which a call costs whatever its size is.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits

from properties.engine.report.atomic import write_text_atomically
from properties.engine.report.figures import COLOURS, MARKERS, drawing, legend_below
from properties.pictures.report.all_widths_figure import STANDALONE
from theory.descent.steps import FunctionSpaceDescent
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import certify_tube
from theory.streaming.certificate import certified
from theory.streaming.stream import neuron_stream

INPUTS, WIDTHS = (10, 30, 100, 300, 1000), (2_000, 6_000, 20_000, 60_000, 200_000)

ROUNDS = 5

STEP_SIZE = 0.01
"""So small that the residual lasts, and patterns move, for all rounds."""

KEPT, DRAWN = Path(__file__).with_name("costs.csv"), Path("docs", "costs.svg")

TERMS = ("nm", "n²m", "n³", "1")

BESIDE = 1.2
"""Marks of one size stand beside each other."""

Run = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """What was measured."""

    of: str
    n: int
    m: int
    seconds: float


@dataclass(frozen=True)
class Fit:
    """Times as a sum of terms."""

    coefficients: FloatArray
    """Seconds for one of each of ``TERMS``, nonnegative, shape (4,)."""
    residuals: FloatArray
    """``fitted/measured - 1``, one for each that was measured."""

    @property
    def largest(self) -> float:
        """The largest residual, without its sign."""
        return float(np.abs(self.residuals).max())


def fitted(costs: Sequence[Cost], constant: bool) -> Fit:
    """The least squares fit of relative residuals, with a constant or with none."""
    n, m, seconds = (np.array([getattr(cost, name) for cost in costs], float) for name in ("n", "m", "seconds"))
    terms = np.stack([n * m, n * n * m, n**3, np.full_like(n, float(constant))], axis=1) / seconds[:, None]
    # columns of one size: their own lie 14 orders of magnitude apart
    sizes = np.maximum(np.linalg.norm(terms, axis=0), np.finfo(float).tiny)
    coefficients = nnls(terms / sizes, np.ones(len(costs)))[0] / sizes
    return Fit(coefficients, terms @ coefficients - 1)


def works(n: int, m: int) -> Mapping[str, Run]:
    """What is measured, ready to run."""
    rng = np.random.default_rng(0)
    rows = normalise_rows(np.linalg.qr(rng.standard_normal((n, n)))[0])
    y, scale = rng.choice([-1.0, 1.0], n), 10 * n / m**0.5
    net = TwoLayerNetwork.initialise(m, n, scale, rng, symmetric=True)
    state, stream = FunctionSpaceDescent(net, rows, y), neuron_stream(rows, m, scale, 0, symmetric=True)
    return {
        "step in function space": lambda: state.advance(STEP_SIZE),
        "tube in memory": lambda: certify_tube(net, rows, y, per_neuron=False),
        "streamed tube": lambda: certified(stream, y, ball=False),
    }


def measured() -> list[Cost]:
    """All sizes, the largest last."""
    found = []
    for n in INPUTS:
        for m in WIDTHS:
            runs = works(n, m)
            with threadpool_limits(1):
                rounds = [{of: _seconds(run) for of, run in runs.items()} for _ in range(ROUNDS)]
            found += [Cost(of, n, m, min(one[of] for one in rounds)) for of in runs]
            print(
                *(f"{cost.of}: {cost.seconds:.3g} s" for cost in found[-len(runs) :]), f"n = {n}, m = {m}", flush=True
            )
    return found


def _seconds(run: Run) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def stored() -> list[Cost]:
    """What was measured last."""
    with KEPT.open(encoding="utf-8", newline="") as rows:
        return [Cost(row["of"], int(row["n"]), int(row["m"]), float(row["seconds"])) for row in csv.DictReader(rows)]


def by_work(costs: Sequence[Cost]) -> dict[str, list[Cost]]:
    """In the order in which they were measured."""
    return {of: [cost for cost in costs if cost.of == of] for of in dict.fromkeys(cost.of for cost in costs)}


def table(costs: Sequence[Cost]) -> list[str]:
    """Both fits of each, in Markdown."""
    lines = ["| | " + " | ".join(f"{term}, ns" for term in TERMS) + " | largest residual |", "|---" * 6 + "|"]
    for of, some in by_work(costs).items():
        for fit in (fitted(some, False), fitted(some, True)):
            said = " | ".join(f"{1e9 * value:.3g}" if value else "" for value in fit.coefficients)
            lines.append(f"| {of} | {said} | {fit.largest:.0%} |")
    return lines


def sentence(costs: Sequence[Cost]) -> str:
    """What the drawing shows."""
    largest = "; ".join(
        f"{of} {fitted(some, False).largest:.0%}, with a constant {fitted(some, True).largest:.0%}"
        for of, some in by_work(costs).items()
    )
    return (
        f"Fitted time over measured time, less 1, over n m from {min(INPUTS) * min(WIDTHS):,} to {max(INPUTS) * max(WIDTHS):,}, "
        f"for a nm + b n²m + c n³ (hollow: with a constant besides). The largest residual: {largest}."
    )


def drawn(costs: Sequence[Cost]) -> str:
    """The residuals as a file of its own."""

    def draw(axes: Any) -> None:
        axes.axhline(0, color=COLOURS[5], linewidth=0.8)
        for index, (of, some) in enumerate(by_work(costs).items()):
            entries = [cost.n * cost.m * BESIDE ** (index - 1) for cost in some]
            for constant in (True, False):
                face = "none" if constant else COLOURS[index]
                label = None if constant else of
                axes.plot(
                    entries,
                    100 * fitted(some, constant).residuals,
                    MARKERS[index],
                    color=COLOURS[index],
                    markersize=4,
                    markerfacecolor=face,
                    label=label,
                )
        axes.set_xscale("log")
        axes.set_xticks([1e4, 1e5, 1e6, 1e7, 1e8], labels=["10⁴", "10⁵", "10⁶", "10⁷", "10⁸"])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("entries nm of Z")
        axes.set_ylabel("fitted over measured, less 1, in %")
        axes.set_title("Residuals of times (hollow: with a constant)")
        legend_below(axes, 3)

    element = drawing(sentence(costs), "costs", draw)
    for name, colour in STANDALONE.items():
        element = element.replace(name, colour)
    return element.replace("<svg", '<svg font-family="sans-serif"', 1) + "\n"


def main() -> None:
    """Measure, keep, fit, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--drawing-only", action="store_true", help="of what was measured last")
    if not parser.parse_args().drawing_only:
        lines = [f"{cost.of},{cost.n},{cost.m},{cost.seconds:.4g}" for cost in measured()]
        write_text_atomically(KEPT, "\n".join(["of,n,m,seconds", *lines]) + "\n")
    costs = stored()
    print(*table(costs), sep="\n")
    write_text_atomically(DRAWN, drawn(costs))


if __name__ == "__main__":
    main()
