"""T1-tube, with one width an input, from counts of pairs in a few tubes: the least of them that closes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from theory.direction import UNBOUNDED, Directed, UpperBound
from theory.stability.tube.bounds import TubeBounds, rectifier_bounds
from theory.stability.tube.ngd import path_sum
from theory.stability.tube.rule import input_widths
from theory.stability.tube.shortfall import Shortfall
from theory.stability.tube.start import Beginning
from theory.stability.tube.widths import InputWidths
from theory.streaming.stream import NeuronStream
from theory.streaming.tally import Tally
from theory.streaming.tube_pass import TubePass


@dataclass(frozen=True)
class StreamedTube(Directed):
    """NGD on the squared loss in a tube: ``||r(k)|| <= (1 - eta(1-mu))^k ||r(0)||`` for every ``0 < eta <= 1`` and every k, where certified."""

    contraction: UpperBound
    """mu, below 1; inf where no tube closes."""
    path_sum: UpperBound
    """S; inf where no tube closes."""
    bounds: TubeBounds | None
    """In the tube that closes, with the widths that the theorem needs."""
    failure: Shortfall | None
    """What is missing where none closes."""

    @property
    def certified(self) -> bool:
        """Whether a tube closes."""
        return self.bounds is not None


def no_tube(short: str) -> StreamedTube:
    """None closes; what would be enough is not estimated."""
    return StreamedTube(UNBOUNDED, UNBOUNDED, None, Shortfall(short))


def certified_tube(stream: NeuronStream, start: Beginning, work: TubePass, first: Tally, tally: Tally) -> StreamedTube:
    """The least of the tubes that closes: T1-tube's widths for its own path sum lie within it. Raises StreamError (a chunk is missing)."""
    patterns = first.of_all(stream.chunks).counts["counts"]
    tally.of_all(stream.chunks)
    for level, widths in enumerate(work.widths):
        bounds = rectifier_bounds(start, InputWidths(widths), stream.distinct, work.counts(tally, level, patterns))
        if not bounds.lambda_min > 0:
            return no_tube("lambda_b")
        if not bounds.ratio < 1:
            return no_tube("mu")
        path = path_sum(start, bounds)
        needed = input_widths(start, path)
        if (needed.values <= widths).all():
            return StreamedTube(bounds.ratio, path, replace(bounds, widths=needed), None)
    return no_tube("tubes")
