"""``natural-gradient certify``: ball and tube of a network of any width, its neurons drawn a chunk at a time.

PYTEST_DONT_REWRITE: the module holds no assertions and may be imported before pytest starts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from properties.engine.report.plain import counted
from properties.reading.datasets import load_dataset
from theory.direction import as_lower_bound, digits, stated
from theory.errors import ChoiceError, InputError, WidthError
from theory.inputs import FloatArray, positive_count
from theory.streaming.certificate import StreamedCertificate, certified
from theory.streaming.executors import PROCESSES, executor_named
from theory.streaming.stream import CHUNK, NeuronStream, neuron_stream
from theory.theorems import ngd
from verified_natural_gradient.parsing import Parser

BAD_INPUT = 4
"""The exit code, as pytest's."""

ORTHONORMAL = "orthonormal:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument(
        "--inputs", metavar="orthonormal:N", help="N orthonormal inputs in as many dimensions, targets of random signs"
    )
    given.add_argument(
        "--dataset", metavar="NAME_OR_PATH", help="digits-4-9, diabetes, an .npz file with X and y, or a .csv file"
    )
    parser.add_argument("--target", metavar="NAME", help="the target's column in a .csv data set (default: the last)")
    parser.add_argument("--rows", type=int, metavar="N", help="take the first N rows of the data set")
    parser.add_argument("--width", required=True, metavar="M", help="neurons, such as 1e9")
    parser.add_argument(
        "--scale", type=float, default=1.0, metavar="NU", help="initial weights are N(0, NU^2) (default 1)"
    )
    parser.add_argument("--symmetric", action="store_true", help="pairs of neurons of opposite signs: u(0) = 0")
    parser.add_argument(
        "--entropy", type=int, default=0, metavar="SEED", help="of the network that is drawn (default 0)"
    )
    parser.add_argument("--only", choices=["ball", "tube"], help="certify one of the two (default: both)")
    parser.add_argument(
        "--executor",
        default=PROCESSES,
        metavar="NAME",
        help="serial, processes (default), dask, or tcp://host:port of a Dask scheduler",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="how many, where they are started here (default: one a core)"
    )
    parser.add_argument(
        "--checkpoints", type=Path, metavar="DIR", help="keep what is counted there, and go on from what is found"
    )
    parser.add_argument(
        "--chunk", type=int, default=CHUNK, metavar="N", help="neurons that one generator draws (default %(default)s)"
    )


def main(given: Sequence[str]) -> int:
    """Certify, and print what is certified; the exit code. Raises SystemExit: help, or what cannot be understood."""
    parser = Parser(
        prog="natural-gradient certify",
        description="Certify ball and tube of a two-layer ReLU network of any width, its neurons drawn a chunk at a time.",
        allow_abbrev=False,
    )
    add_arguments(parser)
    parser.refuse_unknown(given)
    values = parser.parse_args(given)
    try:
        stream, y = _asked(values)
        print(_described(values, stream), flush=True)
        began = time.monotonic()
        with (
            executor_named(values.executor, values.workers) as executor,
            tqdm(
                total=2 * stream.distinct, unit=" neurons", unit_scale=True, desc="both passes", file=sys.stderr
            ) as passes,
        ):

            def seen(neurons: int) -> None:
                passes.update(neurons)

            wanted = values.only != "tube", values.only != "ball"
            found = certified(stream, y, *wanted, executor, values.checkpoints, seen)
        seconds = time.monotonic() - began
    except InputError as error:
        print(f"natural-gradient certify: {error}", file=sys.stderr)
        return BAD_INPUT
    print("\n".join(statement(found)))
    drawn = found.passes * stream.distinct * stream.normals
    print(
        f"{counted(found.passes, 'pass', 'passes')} of {stream.distinct * stream.normals:.4g} normal numbers in {seconds:.1f} s, {drawn / seconds:.3g} a second"
    )
    return 0


def _asked(values: argparse.Namespace) -> tuple[NeuronStream, FloatArray]:
    for name in ("rows", "workers", "chunk"):
        number = getattr(values, name)
        if number is not None:
            positive_count(number, f"--{name}")
    if values.inputs is None:
        data = load_dataset(values.dataset, values.target)
        rows, y = data.X[: values.rows], data.y[: values.rows]
    else:
        count = values.inputs.removeprefix(ORTHONORMAL)
        if not (values.inputs.startswith(ORTHONORMAL) and count.isdecimal() and int(count) > 0):
            raise ChoiceError(f"--inputs {values.inputs}: known is {ORTHONORMAL}N, such as {ORTHONORMAL}4")
        rows = np.eye(int(count))
        y = np.random.default_rng(np.random.SeedSequence(values.entropy, spawn_key=(0, 0))).choice(
            [-1.0, 1.0], len(rows)
        )
    return neuron_stream(rows, _width(values.width), values.scale, values.entropy, values.symmetric, values.chunk), y


def _width(text: str) -> int:
    try:
        number = int(text) if text.isdecimal() else float(text)
    except ValueError as error:
        raise WidthError(f"--width {text}: take a positive whole number, such as 100000 or 1e9") from error
    return positive_count(number, "--width")  # type: ignore[arg-type]


def _described(values: argparse.Namespace, stream: NeuronStream) -> str:
    n, d = stream.rows.shape
    what = (
        counted(n, "orthonormal input")
        if values.dataset is None
        else f"{values.dataset}, {counted(n, 'row')} in {counted(d, 'dimension')}"
    )
    neurons = "pairs of neurons of opposite signs" if stream.symmetric else "independent neurons"
    drawn = "" if stream.root is None else "; Z drawn in the place of W"
    return (
        f"{what}; m = {stream.width}, nu = {stream.scale:g}, {neurons}, entropy {stream.entropy}, "
        f"chunks of {stream.chunk}{drawn}"
    )


def statement(found: StreamedCertificate) -> list[str]:
    """What is certified, a line each."""
    start = found.start
    lines = [
        f"Condition 1: {stated({'lambda_min(G(0))': start.lambda_min})}, {stated({'||r(0)||': start.residual_norm})}"
        if start.lambda_min > 0
        else "Condition 1 is not certified: no positive lambda_min(G(0)); take other inputs, or more neurons"
    ]
    if found.ball is not None and start.lambda_min > 0:
        lines.append(
            f"Condition 2 on the paper's ball, {stated({'radius': found.ball.radius})}: {stated({'C': found.ball.constant})}"
        )
        if found.ball.constant < 0.5:
            limit = as_lower_bound(ngd.step_limit(found.ball.constant, "T1"), "T1's step limit")
            lines.append(
                f"  T1: ||r(k)||^2 <= (1-eta)^k ||r(0)||^2 for every 0 < eta <= {digits(limit)} and every k (certified)"
            )
        else:
            lines.append("  T1 asks for C < 1/2")
    if found.tube is not None and found.tube.certified:
        lines += [
            f"Tube: {stated({'mu': found.tube.contraction, 'path sum': found.tube.path_sum})}",
            "  T1-tube: ||r(k)|| <= (1-(1-mu)eta)^k ||r(0)|| for every 0 < eta <= 1 and every k (certified)",
        ]
    elif found.tube is not None and found.tube.failure is not None:
        lines.append(f"Tube: not certified, as {found.tube.failure}")
    return lines
