"""``natural-gradient certify``: ball, tube and trajectory of a network of any width, its neurons drawn a chunk at a time.

PYTEST_DONT_REWRITE: the module holds no assertions and may be imported before pytest starts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, Self

import numpy as np
from tqdm import tqdm

from properties.dataset.transformations import standard_columns
from properties.engine.report.plain import counted
from properties.reading.datasets import load_dataset
from theory.descent.optimiser import as_optimiser
from theory.errors import ChoiceError, DescentError, InputError, WidthError
from theory.inputs import FloatArray, positive, positive_count
from theory.stability.conditions import CONDITIONS
from theory.streaming.certificate import certified
from theory.streaming.executors import ADDRESSES, PROCESSES, THREADS, executor_named
from theory.streaming.stream import CHUNK, NeuronStream, neuron_stream
from theory.streaming.trajectory import followed
from theory.streaming.tube import StreamedTube
from verified_natural_gradient.certified_lines import certificate_lines, trajectory_lines
from verified_natural_gradient.options import help_of, whole_number
from verified_natural_gradient.parsing import Parser

INTERRUPTED, WORKER_LOST, BAD_INPUT = 2, 3, 4
"""The exit codes, as pytest's."""

ORTHONORMAL = "orthonormal:"

BALL, TUBE, TRAJECTORY = "ball", "tube", "trajectory"
"""What is asked for by --only."""


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
    parser.add_argument("--standardise", action="store_true", help=help_of("standardise"))
    parser.add_argument("--rows", type=int, metavar="N", help="take the first N rows of the data set")
    parser.add_argument("--width", required=True, metavar="M", help="neurons, such as 1e9")
    parser.add_argument(
        "--scale", type=float, default=1.0, metavar="NU", help="initial weights are N(0, NU^2) (default 1)"
    )
    parser.add_argument("--symmetric", action="store_true", help="pairs of neurons of opposite signs: u(0) = 0")
    parser.add_argument(
        "--entropy", type=int, default=0, metavar="SEED", help="of the network that is drawn (default 0)"
    )
    parser.add_argument(
        "--only", choices=[BALL, TUBE, TRAJECTORY], help="one of them (default: ball and tube, and with --steps all)"
    )
    parser.add_argument(
        "--condition", choices=CONDITIONS, default="2", help="which one is asked for on the ball (default %(default)s)"
    )
    parser.add_argument("--steps", type=int, metavar="N", help="follow the network for N steps, one pass each")
    parser.add_argument("--step-size", type=float, default=0.5, metavar="ETA", help="of these (default %(default)s)")
    parser.add_argument(
        "--optimiser", default="ngd", metavar="NAME", help="whose steps they are: ngd (default), kfac, gd"
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="keep the steps' n x m pre-activations (8 n m bytes) in files there, not in memory; a run that was killed, asked for again, goes on from the last complete step",
    )
    parser.add_argument(
        "--executor",
        metavar="NAME",
        help="serial, threads, processes (default; of a trajectory in memory: threads), dask, or tcp://host:port of a Dask scheduler",
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
        description="Certify ball, tube and trajectory of a two-layer ReLU network of any width, its neurons drawn a chunk at a time.",
        allow_abbrev=False,
    )
    add_arguments(parser)
    parser.refuse_unknown(given)
    values = parser.parse_args(given)
    try:
        stream, y, source = _asked(values)
        print(_described(values, stream, source), flush=True)
        tube = None if values.only == TRAJECTORY else _certify(values, stream, y)
        if values.steps is not None and values.only in (None, TRAJECTORY):
            _follow(values, stream, y, tube)
    except InputError as error:
        code, said = BAD_INPUT, str(error)
    except KeyboardInterrupt:
        code, said = INTERRUPTED, f"interrupted{_again(values)}"
    except BrokenExecutor:
        lost = "a worker ended before it had an answer, killed perhaps for want of memory"
        code, said = WORKER_LOST, f"{lost}{_again(values)}"
    except CancelledError:
        code, said = WORKER_LOST, f"the scheduler is not reached any more{_again(values)}"
    except OSError as error:
        if not (values.executor or "").startswith(ADDRESSES):
            raise
        code, said = BAD_INPUT, f"--executor {values.executor}: {' '.join(str(error).split())}; is a scheduler there?"
    else:
        return 0
    print(f"natural-gradient certify: {said}", file=sys.stderr)
    return code


def _again(values: argparse.Namespace) -> str:
    """What is said of a run that has not come to its end, where it keeps anything."""
    kept = [str(place) for place in (values.checkpoints, values.state) if place is not None]
    return f"; run the same again, and it goes on from what is in {' and '.join(kept)}" if kept else ""


def _certify(values: argparse.Namespace, stream: NeuronStream, y: FloatArray) -> StreamedTube | None:
    """Print what is certified of ball and tube; the tube."""
    began = time.monotonic()
    wanted = values.only != TUBE, values.only != BALL
    with (
        executor_named(values.executor or PROCESSES, values.workers) as executor,
        Line.of(2 * stream.distinct, "both passes") as line,
    ):
        found = certified(stream, y, *wanted, executor, values.checkpoints, line.seen, values.condition)
    seconds = time.monotonic() - began
    print("\n".join(certificate_lines(found)))
    drawn = (found.passes * stream.distinct - line.left) * stream.normals
    print(
        f"{counted(found.passes, 'pass', 'passes')} of {stream.distinct * stream.normals:.4g} normal numbers in {seconds:.1f} s, {drawn / seconds:.3g} a second",
        flush=True,
    )
    return found.tube


def _follow(values: argparse.Namespace, stream: NeuronStream, y: FloatArray, tube: StreamedTube | None) -> None:
    """Print what holds along the steps."""
    began = time.monotonic()
    name = values.executor or (THREADS if values.state is None else PROCESSES)
    chosen = as_optimiser(values.optimiser)
    with (
        executor_named(name, values.workers) as executor,
        Line.of((values.steps + 1) * stream.distinct, counted(values.steps, "step")) as line,
    ):
        try:
            found = followed(stream, y, values.step_size, values.steps, chosen, values.state, executor, line.seen)
        except DescentError as error:
            print(f"Trajectory: {error}")
            return
    seconds = time.monotonic() - began
    print("\n".join(trajectory_lines(found, tube)))
    left = round(line.left / stream.distinct, 2)
    passes = f"{round(len(found.steps) + 1 - left, 2):g}"
    print(
        f"{passes} {'pass' if passes == '1' else 'passes'} over {counted(stream.width, 'neuron')} in {seconds:.1f} s"
        + (f"; the other {left:g} another run has left in {values.state}" if left else "")
    )


class Line:
    """A line of progress, with the time that is left by what this run itself has done."""

    def __init__(self, bar: tqdm[NoReturn]) -> None:
        """Take the bar that shows it."""
        self._bar = bar
        self.left = 0
        """How many neurons' results another run has left."""

    @classmethod
    @contextmanager
    def of(cls, neurons: int, name: str) -> Iterator[Self]:
        """A line for so many neurons."""
        with tqdm(total=neurons, unit=" neurons", unit_scale=True, desc=name, file=sys.stderr) as bar:
            yield cls(bar)

    def seen(self, more: int, left: bool) -> None:
        """What so many neurons more amount to is known; ``left`` by another run, it took no time of this one."""
        if not left:
            self._bar.update(more)
            return
        self.left += more
        self._bar.initial += more
        self._bar.n += more
        self._bar.last_print_n += more
        self._bar.update(0)


def _asked(values: argparse.Namespace) -> tuple[NeuronStream, FloatArray, str]:
    """The network, its targets, and what was done to the data set, where something was asked for."""
    for name in ("rows", "workers", "chunk", "steps"):
        number = getattr(values, name)
        if number is not None:
            positive_count(number, f"--{name}")
    positive(values.step_size, "--step-size")
    as_optimiser(values.optimiser)
    if values.only == TRAJECTORY and values.steps is None:
        raise ChoiceError(f"--only {TRAJECTORY} follows steps; say how many with --steps N")
    if values.steps is not None and values.only in (BALL, TUBE):
        raise ChoiceError(f"--steps {values.steps} is a trajectory, which --only {values.only} leaves out")
    if values.standardise and values.dataset is None:
        raise ChoiceError("--standardise scales the columns of the data set of --dataset; give one, or leave it out")
    rows, y, source = _orthonormal(values) if values.dataset is None else _data(values)
    stream = neuron_stream(rows, _width(values.width), values.scale, values.entropy, values.symmetric, values.chunk)
    return stream, y, source


def _orthonormal(values: argparse.Namespace) -> tuple[FloatArray, FloatArray, str]:
    count = values.inputs.removeprefix(ORTHONORMAL)
    if not (values.inputs.startswith(ORTHONORMAL) and count.isdecimal() and int(count) > 0):
        raise ChoiceError(f"--inputs {values.inputs}: known is {ORTHONORMAL}N, such as {ORTHONORMAL}4")
    signs = np.random.default_rng(np.random.SeedSequence(values.entropy, spawn_key=(0, 0)))
    return np.eye(int(count)), signs.choice([-1.0, 1.0], int(count)), ""


def _data(values: argparse.Namespace) -> tuple[FloatArray, FloatArray, str]:
    data = load_dataset(values.dataset, values.target, standard_columns if values.standardise else None)
    return data.X[: values.rows], data.y[: values.rows], data.source if values.standardise else ""


def _width(text: str) -> int:
    try:
        number = whole_number(text)
    except ValueError as error:
        raise WidthError(
            f"--width {text} must be a positive integer: take a positive whole number, such as 100000 or 1e9"
        ) from error
    return positive_count(number, "--width")


def _described(values: argparse.Namespace, stream: NeuronStream, source: str) -> str:
    n, d = stream.rows.shape
    what = (
        counted(n, "orthonormal input")
        if values.dataset is None
        else f"{values.dataset}, {counted(n, 'row')} in {counted(d, 'dimension')}{f' ({source})' if source else ''}"
    )
    neurons = "pairs of neurons of opposite signs" if stream.symmetric else "independent neurons"
    drawn = "" if stream.root is None else "; Z drawn in the place of W"
    return (
        f"{what}; m = {stream.width}, nu = {stream.scale:g}, {neurons}, entropy {stream.entropy}, "
        f"chunks of {stream.chunk}{drawn}"
    )
