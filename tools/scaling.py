"""How the certificates of streamed networks scale: ``python tools/scaling.py [--most 1e9] [--executor processes] [--plot FILE]``.

Orthonormal inputs, nu = 1, pairs of neurons of opposite signs, so that ||r(0)|| does not depend on the draw. Of the ball ``C (m^{1/2}/R)^{1/3}``
does not depend on m where flips are as dense as the normal density at 0 makes them, of the tube ``mu m^{1/2}``. Both are printed for every width, with how
far apart the largest and the least are, and what a pass over a neuron takes.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import Executor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from theory.streaming.certificate import StreamedCertificate, certified  # noqa: E402
from theory.streaming.executors import executor_named  # noqa: E402
from theory.streaming.stream import neuron_stream  # noqa: E402

INPUTS, FIRST = (4, 10), 10**6


def numbers(found: StreamedCertificate) -> tuple[float, float]:
    """``C (m^{1/2}/R)^{1/3}`` and ``mu m^{1/2}``, as computed from certified ones."""
    assert found.tube is not None
    root = found.stream.width**0.5
    return found.constant * (root / found.radius) ** (1 / 3), found.tube.contraction * root


def measured(inputs: int, widths: list[int], executor: Executor, checkpoints: Path | None) -> list[tuple[float, float]]:
    """The numbers at each width, printed."""
    rows = []
    for width in widths:
        stream = neuron_stream(np.eye(inputs), width, 1.0, 0, symmetric=True)
        started = time.monotonic()
        found = certified(stream, np.ones(inputs), executor=executor, checkpoints=checkpoints)
        each = (time.monotonic() - started) / (found.passes * stream.distinct)
        rows.append(numbers(found))
        ball, tube = rows[-1]
        print(
            f"n = {inputs}, m = {width:.0e}: C <= {found.constant:.4f}, C (m^(1/2)/R)^(1/3) = {ball:.4f}; "
            f"mu <= {found.tube.contraction:.3g}, mu m^(1/2) = {tube:.4f}; {1e9 * each:.3g} ns a neuron and pass",  # type: ignore[union-attr]
            flush=True,
        )
    for name, values in zip(("C (m^(1/2)/R)^(1/3)", "mu m^(1/2)"), zip(*rows, strict=True), strict=True):
        print(f"n = {inputs}: {name} from least to largest {max(values) / min(values) - 1:.2%}")
    return rows


def plot(path: Path, widths: list[int], by_inputs: dict[int, list[tuple[float, float]]]) -> None:
    """Both numbers over the widths."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for axis, place, name in zip(axes, (0, 1), ("ball: $C(\\sqrt{m}/R)^{1/3}$", "tube: $\\mu\\sqrt{m}$"), strict=True):
        for inputs, rows in by_inputs.items():
            axis.semilogx(widths, [row[place] for row in rows], marker="o", label=f"n = {inputs}")
        axis.set(title=name, xlabel="m", ylim=(0, None))
        axis.legend()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Read the options, measure, plot."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--most", type=float, default=1e9, help="the largest width (default 1e9)")
    parser.add_argument("--executor", default="processes")
    parser.add_argument("--checkpoints", type=Path)
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    values = parser.parse_args()
    widths = [FIRST]
    while widths[-1] * 10 <= values.most:
        widths.append(widths[-1] * 10)
    with executor_named(values.executor) as executor:
        by_inputs = {inputs: measured(inputs, widths, executor, values.checkpoints) for inputs in INPUTS}
    if values.plot is not None:
        plot(values.plot, widths, by_inputs)


if __name__ == "__main__":
    main()
