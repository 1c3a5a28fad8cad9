"""The certificate of one rung: what the topics find out about one network, each standing alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from properties.dataset.attempts import Found, reason_lines
from properties.dataset.contribution import Contribution, Prediction
from properties.dataset.ladder import Rung
from properties.dataset.rung import REDUCTION, ObservedRun, RungContext
from properties.dataset.topics import RungTopic, asked_of
from properties.dataset.transformations import is_shuffled
from properties.descent.linearised import linearised_iterations
from properties.engine.report.plain import counted
from properties.reading.datasets import Dataset
from theory.descent.optimiser import as_optimiser
from theory.direction import CertifiedSteps, Directed, LowerBound, computed, digits

Curves = Mapping[str, tuple[list[float], list[float] | None]]
"""Residual norms of each optimiser, and their bound where a theorem gives one."""


@dataclass(frozen=True)
class Iterations(Directed):
    """How many steps one optimiser needs, from theorem, model and run; None: not available or not reached."""

    step_size: float
    predicted: int | None
    """By the factor of the theorem named in ``source``; beyond ``certified_steps``, if C goes on to hold."""
    source: str | None
    certified_steps: CertifiedSteps | None
    """The steps of this run for which the theorem's hypotheses are certified."""
    linearised: int | None
    """By the linearised model (the Jacobian frozen at initialisation)."""
    observed: int | None
    steps_run: int
    broken: str | None = None
    """Why the run has no further step; None when it reached the reduction or its cap."""


@dataclass(frozen=True)
class RungCertificate(Directed):
    """What is certified and observed at one width. What could not be computed is None or missing, and ``problems`` say why."""

    rung: Rung
    rows_taken: str
    """Which rows of the data set, in words."""
    lambda_min: LowerBound | None
    residual_norm: float | None
    iterations: Mapping[str, Iterations]
    contributions: tuple[Contribution, ...]
    curves: Curves
    problems: tuple[str, ...] = ()
    """What is to be known of the rows and the inputs before reading the numbers."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """By part, why it could not be computed."""
    spectrum: tuple[float, ...] = ()
    """Eigenvalues of G(0) in ascending order, computed and not certified."""
    unchecked: str | None = None
    """Why nothing could be checked here; None where topics were asked."""
    condition_1: str | None = None
    """Why Condition 1 fails or is not certified; None where it is."""
    errors: tuple[str, ...] = ()
    """Tracebacks of what broke off unexpectedly: mistakes in this package, not in the data."""

    @property
    def reason(self) -> str:
        """Why no claim was checked here, where none was."""
        known = self.unchecked or self.condition_1
        if known is not None:
            return known
        tried = dict.fromkeys(id for one in self.contributions for id, _ in one.results)
        vacuous = f"the hypotheses of {', '.join(tried)} are not met or not certified" if tried else "no claim applies"
        return next(iter(self.unavailable.values()), vacuous)

    def to_json(self) -> dict[str, Any]:
        """Plain values; those of a topic stand under its name."""
        return {
            **asdict(self.rung),
            "rows_taken": self.rows_taken,
            "lambda_min": self.lambda_min,
            "residual_norm": self.residual_norm,
            "iterations": {name: asdict(iterations) for name, iterations in self.iterations.items()},
            **{contribution.topic: dict(contribution.values) for contribution in self.contributions},
            "problems": list(self.problems),
            "unavailable": dict(self.unavailable),
            "unchecked": self.unchecked,
            "condition_1": self.condition_1,
        }

    def lines(self) -> list[str]:
        """The network, its runs, then the topics' lines."""
        counts = ", ".join(
            f"{as_optimiser(name).title} {_counts(iterations)}" for name, iterations in self.iterations.items()
        )
        initialised = f"weights of scale {self.rung.scale:g}" + (", symmetric" if self.rung.symmetric else "")
        eigenvalue = "unknown" if self.lambda_min is None else f">= {digits(self.lambda_min, 5)}"
        residual = "unknown" if self.residual_norm is None else f"= {computed(self.residual_norm)}"
        return [
            f"{self.rung.label} ({self.rows_taken}), {initialised}: lambda_min(G(0)) {eigenvalue}, ||r(0)|| {residual}",
            f"  steps to {REDUCTION:g}, observed/linearised/predicted: {counts or 'no run'}",
            *(f"  {line}" for contribution in self.contributions for line in contribution.lines),
            *(f"  {line}" for line in (*self.problems, *reason_lines(self.unavailable))),
        ]


def _counts(iterations: Iterations) -> str:
    observed = str(iterations.observed) if iterations.observed is not None else f">{iterations.steps_run}"
    observed += " (breaks off)" if iterations.broken is not None else ""
    predicted = "-"
    if iterations.predicted is not None and iterations.certified_steps is not None:
        short = iterations.certified_steps < iterations.predicted
        certified = f", certified for {counted(iterations.certified_steps, 'step')}" if short else ""
        predicted = f"{iterations.predicted} ({iterations.source}{certified})"
    return f"{observed}/{iterations.linearised if iterations.linearised is not None else '-'}/{predicted}"


class Networks:
    """The networks of one data set; the latest one is kept, with what is known of it, for the next optimiser on it."""

    def __init__(self, dataset: Dataset, seed: int) -> None:
        """Make none yet."""
        self._dataset, self._seed = dataset, seed
        self._latest: RungContext | None = None

    def context(self, rung: Rung) -> RungContext:
        """The network of a rung."""
        if self._latest is None or self._latest.rung != rung:
            self._latest = None  # the memory of one before the next is made
            self._latest = RungContext(self._dataset, rung, self._seed)
        return self._latest

    def certified(self, rung: Rung, optimiser: str, topics: Sequence[RungTopic]) -> RungCertificate:
        """One network with one optimiser; what breaks it as a whole is its problem alone."""
        found, rows = Found(), len(self._dataset.X)
        certificate = found.part("the network", lambda: self._certified(rung, optimiser, topics))
        if certificate is not None:
            return certificate
        taken = rows_taken(rung.rows, rows, is_shuffled(self._dataset))
        return RungCertificate(
            rung, taken, None, None, {}, (), {}, unavailable=found.reasons, errors=tuple(found.errors)
        )

    def _certified(self, rung: Rung, optimiser: str, topics: Sequence[RungTopic]) -> RungCertificate:
        context = self.context(rung)
        context.optimisers = (optimiser,)
        return certify_rung(context, asked_of(rung, topics, optimiser))


def rows_taken(rows: int, given: int, shuffled: bool) -> str:
    """Which rows of a data set a network sees."""
    if rows == given:
        return "all rows" if given > 1 else "the one row"
    order = " as shuffled" if shuffled else ""
    return f"the first {rows} of {given} rows{order}" if rows > 1 else f"the first of {given} rows{order}"


def certify_rung(context: RungContext, topics: Sequence[RungTopic]) -> RungCertificate:
    """Every topic on one rung; of what one cannot compute the reason is kept, the others go on. Predictions are left to ``joined``."""
    found = Found()
    lambda_min = found.part("lambda_min(G(0))", lambda: context.lambda_min)
    spectrum = found.part("the spectrum of G(0)", lambda: tuple(np.linalg.eigvalsh(context.gram).tolist()))
    certified = lambda_min is None or lambda_min > 0
    certificate = RungCertificate(
        rung=context.rung,
        rows_taken=rows_taken(context.rung.rows, context.rows_given, context.shuffled),
        lambda_min=lambda_min,
        residual_norm=context.residual_norm,
        iterations={},
        contributions=(),
        curves={},
        problems=tuple(_remarks(context)),
        spectrum=spectrum or (),
        condition_1=None if certified else found.part("Condition 1", lambda: context.condition_1_text),
    )
    if context.nothing_to_learn:
        reason = nothing_to_learn(context)
        return replace(
            certificate,
            problems=(reason, *rotated(context)),
            unavailable=found.reasons,
            unchecked=reason,
            errors=tuple(found.errors),
        )
    runs: dict[str, ObservedRun] = {}
    for name in context.optimisers:
        run = found.part(f"{as_optimiser(name).title}'s run", partial(context.run, name))
        if run is not None and run.broken is not None:
            after = f" after step {run.steps}" if run.steps else ""
            found.reasons[f"{as_optimiser(name).title}'s run{after}"] = run.broken
        if run is not None and run.steps:
            runs[name] = run
    contributions = [one for topic in topics if (one := found.topic(topic, context)) is not None]
    iterations = {
        name: found.part(f"iterations of {as_optimiser(name).title}", partial(_iterations, context, name))
        for name in runs
    }
    missing = {part: why for one in contributions for part, why in one.unavailable.items()}
    return replace(
        certificate,
        iterations={name: one for name, one in iterations.items() if one is not None},
        contributions=tuple(contributions),
        curves={name: ([float(norm) for norm in run.residual_norms], None) for name, run in runs.items()},
        unavailable={**missing, **found.reasons},
        errors=tuple(found.errors),
    )


def _remarks(context: RungContext) -> Iterator[str]:
    """What is to be known of the rows and the coordinates before reading the numbers."""
    yield from rotated(context)
    if context.targets_vary and (context.y == context.y[0]).all():
        yield f"{_all_one_target(context)}: {SHUFFLE}"


def rotated(context: RungContext) -> Iterator[str]:
    """That inputs are given in other coordinates, where they are."""
    if context.rotated:
        yield "inputs in coordinates of their span, which changes inner products by rounding only"


SHUFFLE = "shuffle the rows, or --shuffle SEED"
"""What to do with rows that are sorted by their targets."""


def _all_one_target(context: RungContext) -> str:
    rows = len(context.y)
    which = "the first row has" if rows == 1 else f"the first {rows} rows all have"
    return f"{which} target {context.y[0]:g}"


def nothing_to_learn(context: RungContext) -> str:
    """Why the residual at initialisation cannot be told from zero, and what to do."""
    reason = "nothing to learn: the outputs at initialisation equal the targets to rounding"
    if (context.y == 0).all() and context.targets_vary:
        return f"{reason}, as {_all_one_target(context)}: {SHUFFLE}"
    if (context.y == 0).all():
        return f"{reason}, as all targets are 0: give targets that differ"
    return f"{reason}: give targets that differ from the outputs by more"


def joined(parts: Sequence[RungCertificate]) -> RungCertificate:
    """What was found on one network optimiser by optimiser, in one; to each run the fastest rate that a topic predicts for it."""
    topics: dict[str, Contribution] = {}
    for one in (one for part in parts for one in part.contributions):
        topics[one.topic] = topics[one.topic].joined(one) if one.topic in topics else one
    contributions = tuple(topics.values())
    iterations = {name: one for part in parts for name, one in part.iterations.items()}
    norms = {name: observed for part in parts for name, (observed, _) in part.curves.items()}
    return replace(
        parts[0],
        iterations={name: _predicted(one, _fastest(contributions, name)) for name, one in iterations.items()},
        contributions=contributions,
        curves={name: (observed, _bound(observed, _fastest(contributions, name))) for name, observed in norms.items()},
        unavailable={name: why for part in parts for name, why in part.unavailable.items()},
        errors=tuple(dict.fromkeys(error for part in parts for error in part.errors)),
    )


def _bound(observed: Sequence[float], prediction: Prediction | None) -> list[float] | None:
    return None if prediction is None else prediction.bound(observed[0])


def _fastest(contributions: Sequence[Contribution], optimiser: str) -> Prediction | None:
    known = [one.predictions[optimiser] for one in contributions if optimiser in one.predictions]
    return min(known, key=lambda prediction: prediction.factor, default=None)


def _predicted(counts: Iterations, prediction: Prediction | None) -> Iterations:
    if prediction is None:
        return counts
    return replace(
        counts,
        predicted=prediction.iterations(REDUCTION),
        source=prediction.source,
        certified_steps=prediction.steps,
    )


def _iterations(context: RungContext, name: str) -> Iterations:
    run = context.run(name)
    return Iterations(
        step_size=run.step_size,
        predicted=None,
        source=None,
        certified_steps=None,
        linearised=linearised_iterations(
            name, run.step_size, context.inputs, context.gram, context.residual, REDUCTION
        ),
        observed=run.iterations,
        steps_run=run.steps,
        broken=run.broken,
    )
