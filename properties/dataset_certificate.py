"""A data set's certificate: what the topics find out about its inputs and about each rung of the ladder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from properties.claim import Depth, Evaluation
from properties.contribution import Contribution, Prediction, lower_digits
from properties.datasets import Dataset
from properties.ladder import Rung, ladder
from properties.linearised import linearised_iterations
from properties.paths import printable
from properties.rung import REDUCTION, STEP_CAPS, RungContext
from properties.topics import INPUT_TOPICS, RUNG_TOPICS, InputTopic, RungTopic
from theory.errors import DescentError
from theory.gram import limiting_gram, limiting_pattern_gram
from theory.inputs import FloatArray

OPTIMISER_NAMES = {"ngd": "NGD", "kfac": "K-FAC", "gd": "GD"}
"""How lines for a terminal call the optimisers."""

Curves = Mapping[str, tuple[list[float], list[float] | None]]
"""Residual norms of each optimiser, and their bound where a theorem gives one."""


@dataclass(frozen=True)
class Iterations:
    """How many steps one optimiser needs, from theorem, model and run; None: not available or not reached."""

    step_size: float
    predicted: int | None
    """By the factor of the theorem named in ``source``; beyond ``certified_steps``, if C goes on to hold."""
    source: str | None
    certified_steps: int | None
    """The steps of this run for which the theorem's hypotheses are certified."""
    linearised: int | None
    """By the linearised model (the Jacobian frozen at initialisation)."""
    observed: int | None
    steps_run: int


@dataclass(frozen=True)
class RungCertificate:
    """What is certified and observed at one width."""

    rung: Rung
    lambda_min: float
    residual_norm: float
    iterations: Mapping[str, Iterations]
    contributions: tuple[Contribution, ...]
    curves: Curves
    problems: tuple[str, ...]
    spectrum: tuple[float, ...] = ()
    """Eigenvalues of G(0) in ascending order, computed and not certified."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; those of a topic stand under its name."""
        return {
            **asdict(self.rung),
            "lambda_min": self.lambda_min,
            "residual_norm": self.residual_norm,
            "iterations": {name: asdict(iterations) for name, iterations in self.iterations.items()},
            **{contribution.topic: dict(contribution.values) for contribution in self.contributions},
            "problems": list(self.problems),
        }

    def lines(self) -> list[str]:
        """The network, its runs, then the topics' lines."""
        counts = ", ".join(
            f"{OPTIMISER_NAMES[name]} {_counts(iterations)}" for name, iterations in self.iterations.items()
        )
        initialised = f"weights of scale {self.rung.scale:g}" + (", symmetric" if self.rung.symmetric else "")
        return [
            f"{self.rung.label}, {initialised}: lambda_min(G(0)) >= {lower_digits(self.lambda_min, 5)}, ||r(0)|| = {self.residual_norm:.4g}",
            f"  steps to {REDUCTION:g}, observed/linearised/predicted: {counts or 'no run'}",
            *(f"  {line}" for contribution in self.contributions for line in contribution.lines),
            *(f"  {problem}" for problem in self.problems),
        ]


def _counts(iterations: Iterations) -> str:
    observed = str(iterations.observed) if iterations.observed is not None else f">{iterations.steps_run}"
    predicted = "-"
    if iterations.predicted is not None and iterations.certified_steps is not None:
        short = iterations.certified_steps < iterations.predicted
        certified = f", certified for {iterations.certified_steps} steps" if short else ""
        predicted = f"{iterations.predicted} ({iterations.source}{certified})"
    return f"{observed}/{iterations.linearised if iterations.linearised is not None else '-'}/{predicted}"


@dataclass(frozen=True)
class DatasetCertificate:
    """The whole certificate; ``results`` are evaluations of claims on family F5, ``curves`` feed the report."""

    name: str
    source: str
    n: int
    d: int
    rows: int
    """The rows that networks are trained on: all, or the first so many."""
    contributions: tuple[Contribution, ...]
    rungs: tuple[RungCertificate, ...]
    limiting_spectra: Mapping[int, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    """Eigenvalues of G_inf and S_inf of the first rows, by the number of rows; computed and not certified."""

    @property
    def results(self) -> tuple[tuple[str, Evaluation], ...]:
        """Every claim evaluated on this data set: (claim id, evaluation)."""
        rungs = (contribution for rung in self.rungs for contribution in rung.contributions)
        return tuple(result for contribution in (*self.contributions, *rungs) for result in contribution.results)

    @property
    def curves(self) -> Mapping[str, Curves]:
        """Residual norms by rung and optimiser."""
        return {rung.rung.label: rung.curves for rung in self.rungs}

    @property
    def spectra(self) -> Mapping[str, Mapping[str, Sequence[float]]]:
        """Eigenvalues by rows and matrix: those of the limiting kernels, and of G(0) at every width."""
        found: dict[str, dict[str, Sequence[float]]] = {}
        for rows, limiting in self.limiting_spectra.items():
            rungs = {f"G(0), m = {one.rung.width}": one.spectrum for one in self.rungs if one.rung.rows == rows}
            found[f"n = {rows}"] = {**limiting, **rungs}
        return found

    def to_json(self) -> dict[str, Any]:
        """Everything but results, curves and spectra, as plain JSON values; non-finite numbers become strings."""
        return dict(
            _plain(
                {
                    "name": self.name,
                    "source": self.source,
                    "n": self.n,
                    "d": self.d,
                    "rows": self.rows,
                    **{contribution.topic: dict(contribution.values) for contribution in self.contributions},
                    "rungs": [rung.to_json() for rung in self.rungs],
                }
            )
        )

    def lines(self) -> list[str]:
        """The certificate for a terminal."""
        return [
            f"data set {printable(self.name)}: n = {self.n}, d = {self.d}; {self.source}",
            *(f"  {line}" for contribution in self.contributions for line in contribution.lines),
            *([f"  networks are trained on the first {self.rows} rows of {self.n}"] if self.rows < self.n else []),
            *(f"  {line}" for rung in self.rungs for line in rung.lines()),
        ]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def certify_dataset(
    dataset: Dataset,
    depth: Depth,
    seed: int = 0,
    rungs: Sequence[Rung] | None = None,
    input_topics: Sequence[InputTopic] = INPUT_TOPICS,
    rung_topics: Sequence[RungTopic] = RUNG_TOPICS,
) -> DatasetCertificate:
    """Certify, run and evaluate; a condition that cannot be certified is a result, not an error.

    ``rungs=None`` takes the ladder of the depth. Linear algebra runs on one thread: its blocks are small, so that a second
    one gains little on an idle machine, and waits for its turn most of the time on a busy one.
    """
    chosen = ladder(len(dataset.X), depth) if rungs is None else rungs
    with threadpool_limits(1, user_api="blas"):
        return DatasetCertificate(
            name=dataset.name,
            source=dataset.source,
            n=len(dataset.X),
            d=dataset.X.shape[1],
            rows=max(rung.rows for rung in chosen),
            contributions=tuple(topic(dataset) for topic in input_topics),
            rungs=tuple(certify_rung(RungContext(dataset, rung, seed), rung_topics) for rung in chosen),
            limiting_spectra={rung.rows: limiting_spectra(dataset.raw_X[: rung.rows]) for rung in chosen},
        )


def limiting_spectra(raw_inputs: FloatArray) -> dict[str, list[float]]:
    """Eigenvalues of the limiting kernels in ascending order, as float64 gives them."""
    kernels = {"G_inf": limiting_gram(raw_inputs), "S_inf": limiting_pattern_gram(raw_inputs)}
    return {name: np.linalg.eigvalsh(kernel).tolist() for name, kernel in kernels.items()}


def certify_rung(context: RungContext, topics: Sequence[RungTopic]) -> RungCertificate:
    """Every topic on one rung; a topic that meets a singular matrix becomes a problem, the others go on."""
    if context.nothing_to_learn:
        remark = "outputs at initialisation equal the targets to rounding: nothing to learn"
        return RungCertificate(context.rung, context.lambda_min, context.residual_norm, {}, (), {}, (remark,))
    contributions, problems, runs = [], [], {}
    broken: dict[str, list[str]] = {}
    if context.rotated:
        problems.append("inputs in coordinates of their span, which changes inner products by rounding only")
    for name in STEP_CAPS:
        try:
            runs[name] = context.run(name)
        except DescentError as error:
            problems.append(f"no run of {OPTIMISER_NAMES[name]}: {error}")
    for topic in topics:
        try:
            contributions.append(topic(context))
        except DescentError as error:
            broken.setdefault(str(error), []).append(topic.__name__.replace("_", " "))
    problems += [f"nothing on {', '.join(names)}: {error}" for error, names in broken.items()]
    predictions = {name: _fastest(contributions, name) for name in runs}
    curves = {}
    for name, run in runs.items():
        prediction = predictions[name]
        bound = None if prediction is None else prediction.bound(float(run.residual_norms[0]))
        curves[name] = ([float(norm) for norm in run.residual_norms], bound)
    return RungCertificate(
        rung=context.rung,
        lambda_min=context.lambda_min,
        residual_norm=context.residual_norm,
        iterations={name: _iterations(context, name, predictions[name]) for name in runs},
        contributions=tuple(contributions),
        curves=curves,
        problems=tuple(problems),
        spectrum=tuple(np.linalg.eigvalsh(context.gram).tolist()),
    )


def _fastest(contributions: Sequence[Contribution], optimiser: str) -> Prediction | None:
    known = [one.predictions[optimiser] for one in contributions if optimiser in one.predictions]
    return min(known, key=lambda prediction: prediction.factor, default=None)


def _iterations(context: RungContext, name: str, prediction: Prediction | None) -> Iterations:
    run = context.run(name)
    return Iterations(
        step_size=run.step_size,
        predicted=None if prediction is None else prediction.iterations(REDUCTION),
        source=None if prediction is None else prediction.source,
        certified_steps=None if prediction is None else prediction.steps,
        linearised=linearised_iterations(
            name, run.step_size, context.inputs, context.gram, context.residual, REDUCTION
        ),
        observed=run.iterations,
        steps_run=run.steps,
    )
