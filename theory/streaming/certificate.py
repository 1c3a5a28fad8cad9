"""Certificates of a network of any width, in one pass for ``G(0)`` and ``r(0)`` and one for ball and tube together."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from os import PathLike

from numpy.typing import ArrayLike

from theory.direction import UNBOUNDED, Directed, UpperBound
from theory.inputs import FloatArray, target_vector
from theory.stability.ball import BallCertificate, ChangeBounds
from theory.stability.conditions import known_condition
from theory.stability.norms import paper_radius
from theory.stability.tube.start import Beginning
from theory.streaming.ball import certified_ball, flip_pass, paper_ball
from theory.streaming.executors import SerialExecutor
from theory.streaming.first_pass import FirstPass, beginning
from theory.streaming.levels import estimated_path_sum, level_widths
from theory.streaming.pattern_ball import certified_pattern_ball, no_pattern_ball, pattern_pass, streamed_scale
from theory.streaming.running import Progress, Work, run_pass
from theory.streaming.stream import CHUNK, NeuronStream, neuron_stream
from theory.streaming.tally import Tally
from theory.streaming.tube import StreamedTube, certified_tube, no_tube
from theory.streaming.tube_pass import TubePass


@dataclass(frozen=True)
class StreamedCertificate(Directed):
    """What is certified of the network that a stream draws, and of targets y."""

    stream: NeuronStream
    start: Beginning
    ball: BallCertificate | None
    """Condition 2, or K2, on the paper's ball; None where it was not asked for."""
    tube: StreamedTube | None
    """T1-tube; None where it was not asked for."""
    targets: FloatArray = field(repr=False)
    passes: int
    """How often every neuron was drawn."""

    @property
    def constant(self) -> UpperBound:
        """C of the condition on the paper's ball; inf where none is certified."""
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
    checkpoints: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    condition: str = "2",
) -> StreamedCertificate:
    """Certify ball and tube for the network of m neurons that a stream draws, on unit rows X (n, d) with targets y (n,).

    ``executor``: who works on the chunks; None: this process. ``checkpoints``: a directory of files to take up and to write.
    ``condition``: "2", or "K2", on the ball. Raises InputError (what ``neuron_stream`` raises; a checkpoint of another run), ChoiceError
    (condition), and what the executor raises.
    """
    stream = neuron_stream(inputs, width, scale, entropy, symmetric, chunk)
    return certified(stream, y, ball, tube, executor, checkpoints, progress, condition)


def certified(
    stream: NeuronStream,
    y: ArrayLike,
    ball: bool = True,
    tube: bool = True,
    executor: Executor | None = None,
    checkpoints: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    condition: str = "2",
) -> StreamedCertificate:
    """``stream_certificate`` of the network that a stream draws; it raises the same."""
    known_condition(condition)
    targets = target_vector(y, len(stream.rows))
    workers = executor or SerialExecutor()
    first = run_pass(stream, [FirstPass()], workers, checkpoints, progress)
    start = beginning(stream, targets, first)
    asked = _ball_of(condition, stream, start, first) if ball else None
    path = estimated_path_sum(stream, start) if tube and start.lambda_min > 0 else None
    pairs = None if path is None else TubePass(level_widths(start, path))
    works: list[Work] = [asked.work] if isinstance(asked, _Ball) else []
    works += [] if pairs is None else [pairs]
    second = run_pass(stream, works, workers, checkpoints, progress) if works else None
    found_tube = None
    if tube and pairs is not None and second is not None:
        found_tube = certified_tube(stream, start, pairs, first, second)
    elif tube:
        found_tube = no_tube("sample" if start.lambda_min > 0 else "lambda")
    if isinstance(asked, _Ball):
        assert second is not None
        asked = asked.certified(second)
    return StreamedCertificate(stream, start, asked, found_tube, targets, 1 if second is None else 2)


@dataclass(frozen=True)
class _Ball:
    """A ball that is asked for: what the second pass has to count, and what follows."""

    work: Work
    certified: Callable[[Tally], BallCertificate]


def _ball_of(condition: str, stream: NeuronStream, start: Beginning, first: Tally) -> _Ball | BallCertificate:
    """The paper's ball, or what is said where Condition 1 (K1) is not certified."""
    if condition == "2":
        if not start.lambda_min > 0:
            unknown = ChangeBounds(UNBOUNDED, UNBOUNDED, UNBOUNDED)
            return BallCertificate(UNBOUNDED, UNBOUNDED, start.lambda_min, unknown)
        radius = paper_ball(start)
        flips = flip_pass(stream, radius)
        return _Ball(flips, partial(certified_ball, stream, start, radius, flips))
    scale = streamed_scale(stream, first)
    radius = UpperBound(paper_radius(start.residual_norm, scale.radius_eigenvalue[0]))
    if not math.isfinite(radius):
        return no_pattern_ball(scale, radius)
    weights = pattern_pass(stream, radius)
    return _Ball(weights, partial(certified_pattern_ball, stream, scale, radius, weights))
