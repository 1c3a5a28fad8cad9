"""The least tube that closes: widths that are enough for what an optimiser does inside.

``F`` takes widths b to those that the theorem needs, given the bounds in the tube of widths b. It is monotone, so that from widths below
every tube that closes ``b <- F(b)`` rises to the least one, or shows that there is none. A certificate is a b with ``F(b) <= b``, as
computed with everything rounded up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from theory.descent.optimiser import Chosen, as_optimiser
from theory.direction import NONNEGATIVE, UNBOUNDED, CertifiedSteps, Directed, LowerBound, UpperBound
from theory.errors import ChoiceError
from theory.inputs import FloatArray, target_vector
from theory.losses import LossMaker, SquaredLoss
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube.bounds import TubeBounds
from theory.stability.tube.input_tube import InputTube, sample_of
from theory.stability.tube.rectifier_tube import RectifierTube
from theory.stability.tube.rule import Asked, Damping, Reach, Tube, TubeRule, rule_for
from theory.stability.tube.shortfall import Shortfall
from theory.stability.tube.smooth_tube import SmoothTube
from theory.stability.tube.start import Start
from theory.stability.tube.widths import InputWidths, Scaled, Widths

MOST_TUBES = 512
"""Tubes that the iteration looks at, before nothing is certified: near the edge of closing it takes ever more."""

SAMPLE_TURNS = 6
"""Of the iteration on a sample: one that needs more is near the edge of closing, where a sample says too little."""

TURNS_AT_ANOTHER_SCALE = 10
"""Of the iteration, to see whether one closes at another scale of the network."""

FEWEST_PAIRS: Mapping[bool, int] = MappingProxyType({False: 256, True: 8})
"""An input, with one width an input and with one a pair: with fewer of them in its tube a sample says too little."""

SAMPLE_MARGIN = 1 + 2.0**-6
"""The widths that all neurons are asked about, over those that are enough for a sample."""


@dataclass(frozen=True)
class TubeCertificate(Directed):
    """A tube that an optimiser does not leave, for every step size up to the theorem's limit and every number of steps."""

    contraction: UpperBound
    """mu, of the theorem's rate: for NGD ``progress`` is ``1 - mu``; inf where no tube is certified."""
    path_sum: UpperBound
    """S; inf where no tube is certified."""
    progress: LowerBound
    """A step leaves at most ``1 - eta progress`` of the residual's norm, whatever the optimiser is; 0 where no tube is certified."""
    step_limit: LowerBound
    """For every step size ``0 < eta <= step_limit`` that is so; 0 where no tube is certified."""
    bounds: TubeBounds
    """In the certified tube; else in the last one that was tried."""
    certified: bool
    failure: Shortfall | None
    """None, or what is missing."""
    start: Start = field(repr=False)

    @property
    def widths(self) -> FloatArray:
        """b, shape (n,) or (n, m); made when asked for."""
        return self.bounds.widths.array()

    def steps(self, count: int) -> CertifiedSteps:
        """So many steps, as a tube that closes serves every number of them; none where it does not."""
        return CertifiedSteps(count if self.certified else 0)

    @property
    def lambda_min(self) -> LowerBound:
        """``lambda_b``, of the least eigenvalue of every Gram matrix in the tube."""
        return self.bounds.lambda_min


def certify_tube(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    optimiser: Chosen = "ngd",
    loss: LossMaker | None = None,
    damping: Damping = 0.0,
    per_neuron: bool = True,
) -> TubeCertificate:
    """Certify the least tube that closes, for a network, unit rows X (n, d) and targets y (n,).

    ``loss``: another than the squared one, made from the labels y. ``damping``: eps of NGD, or a pair ``(eps_S, eps_X)`` of K-FAC.
    ``per_neuron``: one width a pair (input, neuron) where the theorem has such a form; else, or False, one an input.
    Raises InputError, ChoiceError (no theorem speaks of what is asked for, or ``loss`` makes none).
    """
    rows = net.rows(inputs)
    if loss is not None and not callable(loss):
        raise ChoiceError(
            f"the loss is {loss!r}; take what makes one from labels, such as theory.losses.SquaredLoss itself"
        )
    targets = target_vector(y, len(rows))
    asked = Asked(net, rows, targets, as_optimiser(optimiser), loss or SquaredLoss, damping, per_neuron)
    rule = rule_for(asked)
    return closed_tube(_tube(rule.start), rule)


def _tube(start: Start) -> Tube:
    return RectifierTube(start) if start.net.phi.curvature is None else SmoothTube(start)


def closed_tube(tube: Tube, rule: TubeRule) -> TubeCertificate:
    """The tube that a sample of the neurons leads to, if all of them say that it closes; else what the iteration finds."""
    lacking = rule.lacking()
    if lacking is not None:
        bounds = tube.bounds(InputWidths(np.zeros(len(tube.start.rows))))
        return _open(tube.start, bounds, Shortfall(lacking))
    return _sampled(tube.start, rule) or _iterated(tube, rule)


def _sampled(start: Start, rule: TubeRule) -> TubeCertificate | None:
    """For many neurons of a ReLU network: one tube is counted whole, the one that a sample of them leads to.

    What a sample says is a guess and no more: the certificate is ``F(b) <= b``, with the counts of all neurons.
    """
    guess = _guess(start, rule)
    if guess is None:
        return None
    tube, widths = _guessed(start, rule, guess) if rule.per_neuron else (InputTube(start), guess.widths)
    bounds = tube.bounds(Scaled(widths, SAMPLE_MARGIN))
    reach = rule.reach(tube, bounds)
    return _closed(start, bounds, reach) if reach is not None and tube.within(reach.widths) else None


def _guess(start: Start, rule: TubeRule) -> TubeBounds | None:
    """The bounds in a tube that closes for a sample, its widths the largest of each input's; None where it says nothing."""
    sample = sample_of(start) if start.net.phi.curvature is None else None
    likely = None if sample is None else rule.sampled(sample)
    if sample is None or likely is None:
        return None
    tube = RectifierTube(sample) if rule.per_neuron else InputTube(sample)
    found = _risen(tube, likely, SAMPLE_TURNS)
    if found.reach is None or tube.pairs < FEWEST_PAIRS[rule.per_neuron] * len(start.rows):
        return None
    return replace(found.bounds, widths=InputWidths(found.reach.widths.largest))


def _guessed(start: Start, rule: TubeRule, bounds: TubeBounds) -> tuple[RectifierTube, Widths]:
    """One width a pair, for a guess of what all neurons' bounds are; and a tube that lists as many pairs as it needs."""
    tube, widths = RectifierTube(start), rule.first(start)
    tube.list_within(SAMPLE_MARGIN**2 * bounds.widths.largest)
    tube.choose(Scaled(widths, SAMPLE_MARGIN))
    reach = rule.reach(tube, bounds)
    return tube, widths if reach is None else reach.widths


def _iterated(tube: Tube, rule: TubeRule) -> TubeCertificate:
    """The tube that the iteration leads to, or what is short and what is estimated to be enough."""
    risen = _risen(tube, rule, MOST_TUBES)
    if risen.reach is not None:
        return _closed(tube.start, risen.bounds, risen.reach)
    if risen.short == "tubes":
        return _open(tube.start, risen.bounds, Shortfall("tubes"))

    def closes(scale: float) -> bool:
        fresh = _tube(tube.start)  # what the other has listed is far more than a tube there needs
        return _risen(fresh, rule, TURNS_AT_ANOTHER_SCALE, scale).reach is not None

    return _open(tube.start, risen.bounds, Shortfall.of(risen.short, tube, risen.first, closes))


@dataclass(frozen=True)
class _Risen:
    """Where an iteration of widths ended."""

    bounds: TubeBounds
    """In the last tube."""
    first: TubeBounds
    """In the first tube in which anything may change."""
    reach: Reach | None = None
    """What the theorem needs in a tube that closes."""
    short: str = ""
    """What is short where none does."""


def _risen(tube: Tube, rule: TubeRule, turns: int, scale: float = 1.0) -> _Risen:
    """Iterate ``b <- F(b)`` from below; now and then try a tube somewhat beyond where the iteration seems to lead.

    ``scale``: as if pre-activations were so many times as large and all else the same, as with nu or ``m^{1/2}`` that is; what is in the
    tube of widths b then is what is in that of widths ``b/scale`` now.
    """

    def as_now(widths: Widths) -> Widths:
        return widths if scale == 1 else Scaled(widths, 1 / scale)

    start = tube.start
    widths, sums = rule.first(start), [float(start.coefficients_norm)]
    bounds = first = tube.bounds(as_now(widths))
    while len(sums) <= turns:
        reach = rule.reach(tube, bounds)
        if reach is None:
            return _Risen(bounds, first, short="mu" if bounds.lambda_min > 0 else "lambda_b")
        if tube.within(as_now(reach.widths)):
            return _Risen(bounds, first, reach)
        sums.append(float(reach.path_sum))
        widths = reach.widths
        if len(sums) % 2 == 0:
            bounds = tube.bounds(as_now(Scaled(widths, _overshoot(sums))))
            reach = rule.reach(tube, bounds)
            if reach is not None and tube.within(as_now(reach.widths)):
                return _Risen(bounds, first, reach)
        bounds = tube.bounds(as_now(widths))
        first = first if first.product_norm > 0 else bounds
    return _Risen(bounds, first, short="tubes")


def _overshoot(sums: list[float]) -> float:
    """The factor from the last of a sequence to somewhat beyond where it seems to lead; at most 2.

    A geometric one with its last three, or, of the first two, one whose steps shrink by twice the first relative step.
    """
    before, step = (sums[-2] - sums[-3] if len(sums) > 2 else 0.0), sums[-1] - sums[-2]
    share = step / before if before > 0 else 2 * step / sums[-2]
    left = step * share / (1 - share) if 0 <= share < 1 else sums[-1]
    return min(1 + 1.5 * left / sums[-1] + 2.0**-10, 2.0)


def _closed(start: Start, bounds: TubeBounds, reach: Reach) -> TubeCertificate:
    """The widths that the theorem needs, in whose tube the bounds are bounds too."""
    known = reach.contraction, reach.path_sum, reach.progress, reach.step_limit
    return TubeCertificate(*known, replace(bounds, widths=reach.widths), True, None, start)


def _open(start: Start, bounds: TubeBounds, failure: Shortfall) -> TubeCertificate:
    return TubeCertificate(UNBOUNDED, UNBOUNDED, NONNEGATIVE, NONNEGATIVE, bounds, False, failure, start)
