"""Certificates of a network of any width, in one pass for ``G(0)`` and ``r(0)`` and one for ball and tube together."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from numpy.typing import ArrayLike

from theory.direction import UNBOUNDED, Directed, UpperBound
from theory.inputs import FloatArray, target_vector
from theory.stability.ball import BallCertificate, ChangeBounds
from theory.stability.tube.start import Beginning
from theory.streaming.ball import certified_ball, flip_pass, paper_ball
from theory.streaming.executors import SerialExecutor
from theory.streaming.first_pass import FirstPass, beginning
from theory.streaming.levels import estimated_path_sum, level_widths
from theory.streaming.running import Progress, Work, run_pass
from theory.streaming.stream import CHUNK, NeuronStream, neuron_stream
from theory.streaming.tube import StreamedTube, certified_tube, no_tube
from theory.streaming.tube_pass import TubePass


@dataclass(frozen=True)
class StreamedCertificate(Directed):
    """What is certified of the network that a stream draws, and of targets y."""

    stream: NeuronStream
    start: Beginning
    ball: BallCertificate | None
    """Condition 2 on the paper's ball; None where it was not asked for."""
    tube: StreamedTube | None
    """T1-tube; None where it was not asked for."""
    targets: FloatArray = field(repr=False)
    passes: int
    """How often every neuron was drawn."""

    @property
    def constant(self) -> UpperBound:
        """C of Condition 2 on the paper's ball; inf where none is certified."""
        return UNBOUNDED if self.ball is None else self.ball.constant

    @property
    def radius(self) -> float:
        """The ball's; inf where none is certified."""
        return math.inf if self.ball is None else self.ball.radius

    @property
    def gram(self) -> FloatArray:
        """``G(0)`` (n, n) as computed from exact counts."""
        return self.start.gram

    @property
    def outputs(self) -> FloatArray:
        """``u(0)`` (n,) as computed."""
        return self.start.residual + self.targets


def stream_certificate(
    inputs: ArrayLike,
    y: ArrayLike,
    width: int,
    scale: float = 1.0,
    entropy: int = 0,
    *,
    symmetric: bool = False,
    chunk: int = CHUNK,
    ball: bool = True,
    tube: bool = True,
    executor: Executor | None = None,
    checkpoints: Path | None = None,
    progress: Progress | None = None,
) -> StreamedCertificate:
    """Certify ball and tube for the network of m neurons that a stream draws, on unit rows X (n, d) with targets y (n,).

    ``executor``: who works on the chunks; None: this process. ``checkpoints``: a directory of files to take up and to write.
    Raises InputError (what ``neuron_stream`` raises; a checkpoint of another run), and what the executor raises.
    """
    stream = neuron_stream(inputs, width, scale, entropy, symmetric, chunk)
    return certified(stream, y, ball, tube, executor, checkpoints, progress)


def certified(
    stream: NeuronStream,
    y: ArrayLike,
    ball: bool = True,
    tube: bool = True,
    executor: Executor | None = None,
    checkpoints: Path | None = None,
    progress: Progress | None = None,
) -> StreamedCertificate:
    """The same of a stream."""
    targets = target_vector(y, len(stream.rows))
    workers = executor or SerialExecutor()
    first = run_pass(stream, [FirstPass()], workers, checkpoints, progress)
    start = beginning(stream, targets, first)
    if not start.lambda_min > 0:
        nothing = BallCertificate(UNBOUNDED, UNBOUNDED, start.lambda_min, ChangeBounds(UNBOUNDED, UNBOUNDED, UNBOUNDED))
        lacking = no_tube("lambda")
        return StreamedCertificate(stream, start, nothing if ball else None, lacking if tube else None, targets, 1)
    radius = paper_ball(start)
    path = estimated_path_sum(stream, start) if tube else None
    flips = flip_pass(stream, radius) if ball else None
    pairs = None if path is None else TubePass(level_widths(start, path))
    works: list[Work] = [work for work in (flips, pairs) if work is not None]
    second = run_pass(stream, works, workers, checkpoints, progress) if works else None
    found_ball = found_tube = None
    if flips is not None and second is not None:
        found_ball = certified_ball(stream, start, radius, flips, second)
    if tube:
        if pairs is None or second is None:
            found_tube = no_tube("sample")
        else:
            found_tube = certified_tube(stream, start, pairs, first, second)
    return StreamedCertificate(stream, start, found_ball, found_tube, targets, 1 if second is None else 2)
