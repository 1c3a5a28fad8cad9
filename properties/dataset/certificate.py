"""A data set's certificate: what the topics find out about its inputs and about each rung of the ladder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from properties.dataset.attempts import Found
from properties.dataset.contribution import Contribution
from properties.dataset.ladder import Rung, ladder
from properties.dataset.rung_certificate import Curves, Networks, RungCertificate, joined
from properties.dataset.topics import INPUT_TOPICS, RUNG_TOPICS, InputTopic, RungTopic
from properties.engine.claim import Depth, Evaluation
from properties.engine.paths import printable
from properties.engine.report.plain import counted
from properties.reading.datasets import Dataset
from theory.entries import GivenArray
from theory.kernels.limiting import limiting_gram, limiting_pattern_gram
from theory.threads import one_thread


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
    problems: tuple[str, ...] = ()
    """What could not be computed of the inputs, and why."""
    errors: tuple[str, ...] = ()
    """Tracebacks of what broke off unexpectedly on the inputs."""
    due: int = 0
    """The networks asked for: more than there are rungs while the certificate is being made."""

    @property
    def complete(self) -> bool:
        """Whether all networks are there."""
        return len(self.rungs) >= self.due

    @property
    def unexpected(self) -> tuple[str, ...]:
        """Tracebacks of everything that broke off unexpectedly."""
        return (*self.errors, *(error for rung in self.rungs for error in rung.errors))

    @property
    def reasons(self) -> str:
        """Why no claim was checked, network by network, where none was."""
        labels: dict[str, list[str]] = {}
        for one in self.rungs:
            labels.setdefault(one.reason, []).append(one.rung.label)
        return (
            "; ".join(f"at {' and '.join(names)} {reason}" for reason, names in labels.items()) or "no network was made"
        )

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
                    "networks_due": self.due,
                    "problems": list(self.problems),
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
            *(f"  {problem}" for problem in self.problems),
            *(
                [f"  networks are trained on the first {counted(self.rows, 'row')} of {self.n}"]
                if self.rows < self.n
                else []
            ),
            *(f"  {line}" for rung in self.rungs for line in rung.lines()),
            *([] if self.complete else [f"  interrupted: {len(self.rungs)} of {self.due} networks done"]),
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

    ``rungs=None`` takes the ladder of the depth. Every topic and every network stands alone: what one of them meets costs no
    other.
    """
    chosen = ladder(len(dataset.X), depth) if rungs is None else rungs
    networks = Networks(dataset, seed)
    return replace(
        certified_inputs(dataset, chosen, input_topics),
        rungs=tuple(
            joined([certified_share(networks, rung, optimiser, rung_topics) for optimiser in rung.optimisers])
            for rung in chosen
        ),
    )


def begun(dataset: Dataset, rungs: Sequence[Rung]) -> DatasetCertificate:
    """A certificate in which nothing is certified yet."""
    return DatasetCertificate(
        name=dataset.name,
        source=dataset.source,
        n=len(dataset.X),
        d=dataset.X.shape[1],
        rows=max(rung.rows for rung in rungs),
        contributions=(),
        rungs=(),
        due=len(rungs),
    )


def certified_inputs(
    dataset: Dataset, rungs: Sequence[Rung], topics: Sequence[InputTopic] = INPUT_TOPICS
) -> DatasetCertificate:
    """What is certified of the inputs, before any network."""
    with one_thread():
        found = Found()
        contributions = [found.topic(topic, dataset) for topic in topics]
        spectra = {
            rows: found.part(f"the limiting kernels of n = {rows}", partial(limiting_spectra, dataset.given_X[:rows]))
            for rows in dict.fromkeys(rung.rows for rung in rungs)
        }
    return replace(
        begun(dataset, rungs),
        contributions=tuple(one for one in contributions if one is not None),
        limiting_spectra={rows: spectrum or {} for rows, spectrum in spectra.items()},
        problems=found.problems,
        errors=tuple(found.errors),
    )


def certified_share(
    networks: Networks, rung: Rung, optimiser: str, topics: Sequence[RungTopic] = RUNG_TOPICS
) -> RungCertificate:
    """What is certified on one network of one optimiser; ``joined`` makes the certificate of the network of them."""
    with one_thread():
        return networks.certified(rung, optimiser, topics)


def limiting_spectra(raw_inputs: GivenArray) -> dict[str, list[float]]:
    """Eigenvalues of the limiting kernels in ascending order, as float64 gives them."""
    kernels = {"G_inf": limiting_gram(raw_inputs), "S_inf": limiting_pattern_gram(raw_inputs)}
    return {name: np.linalg.eigvalsh(kernel).tolist() for name, kernel in kernels.items()}
