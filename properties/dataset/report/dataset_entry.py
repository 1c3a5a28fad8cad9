"""The entry of a data set: from its certificate to plain values, for the terminal, claims.json and index.html alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from properties.dataset.report.dataset_answer import certifies
from properties.dataset.report.dataset_texts import KIND, told
from properties.engine.claim import Evaluation, InstanceVerdict, Verdict
from properties.engine.report.entries import Entry, evaluation_entry
from properties.engine.report.plain import drawn, number, plain
from properties.engine.report.run_verdict import RunVerdict
from properties.reading.datasets import Dataset

Curves = Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float] | None]]]
"""Residual norms by rung ("n = 10, m = 1024") and optimiser: those observed, and their bound by a theorem if any."""


Spectra = Mapping[str, Mapping[str, Sequence[float]]]
"""Eigenvalues in ascending order, computed and not certified, by rows ("n = 10") and matrix ("G(0), m = 1024")."""


class Certificate(Protocol):
    """What the report needs of a data set's certificate."""

    @property
    def results(self) -> Sequence[tuple[str, Evaluation]]:
        """Claims checked on the data set: (claim id, evaluation)."""
        ...

    @property
    def curves(self) -> Curves:
        """Residual norms and their bounds."""
        ...

    @property
    def spectra(self) -> Spectra:
        """Eigenvalues of the limiting kernels and of the Gram matrices at initialisation."""
        ...

    @property
    def complete(self) -> bool:
        """Whether all networks asked for are in it."""
        ...

    @property
    def unexpected(self) -> Sequence[str]:
        """Tracebacks of what broke off in it."""
        ...

    @property
    def reasons(self) -> str:
        """Why no claim applied, where none did."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Everything certified, in plain values."""
        ...

    def lines(self) -> list[str]:
        """The same for the terminal."""
        ...


def dataset_entry(dataset: Dataset, certificate: Certificate | str, seconds: float) -> Entry:
    """A data set and its certificate, whole or as far as it has come, or the text of the error that broke it."""
    return told(_dataset_entry(dataset, certificate, seconds))


def check_entry(claim_id: str, evaluation: Evaluation) -> Entry:
    """An evaluation of a claim: of its bounds those that do not hold, and the tightest of the ``bounds_held`` that do."""
    entry = {"claim": claim_id, **evaluation_entry(evaluation)}
    held = [one for one in entry["bounds"] if one["verdict"] == Verdict.HOLDS.value]
    tightest = max(held, key=lambda one: number(one["ratio"]), default=None)
    kept = [one for one in entry["bounds"] if one["verdict"] != Verdict.HOLDS.value or one is tightest]
    return {**entry, "bounds": kept, "bounds_held": len(held)}


def _dataset_entry(dataset: Dataset, certificate: Certificate | str, seconds: float) -> Entry:
    entry: Entry = {
        "kind": KIND,
        "name": dataset.name,
        "n": dataset.X.shape[0],
        "d": dataset.X.shape[1],
        "source": dataset.source,
        "remarks": list(dataset.remarks),
        "verdict": RunVerdict.UNDECIDED.value,
        "complete": True,
        "unchecked": None,
        "counts": {},
        "certificate": {},
        "lines": [],
        "checks": [],
        "curves": {},
        "spectra": {},
        "counterexamples": [],
        "error": None,
        "seconds": plain(seconds),
    }
    if isinstance(certificate, str):
        return entry | {"error": certificate}
    checks = [check_entry(claim_id, evaluation) for claim_id, evaluation in certificate.results]
    found = plain(certificate.to_json())
    verdict = dataset_verdict(checks, certifies(found))
    if verdict is not RunVerdict.REFUTED and (certificate.unexpected or not certificate.complete):
        verdict = RunVerdict.UNDECIDED
    return entry | {
        "verdict": verdict.value,
        "complete": certificate.complete,
        "unchecked": certificate.reasons if verdict is RunVerdict.UNCHECKED else None,
        "counts": {one.value: sum(check["verdict"] == one.value for check in checks) for one in InstanceVerdict},
        "certificate": found,
        "lines": [str(line) for line in certificate.lines()],
        "checks": checks,
        "curves": {
            str(rung): {
                optimiser: {"observed": drawn(observed), "bound": None if bound is None else plain(list(bound))}
                for optimiser, (observed, bound) in by_optimiser.items()
            }
            for rung, by_optimiser in certificate.curves.items()
        },
        "spectra": {
            title: {name: drawn(values) for name, values in named.items()}
            for title, named in certificate.spectra.items()
        },
        "error": "\n\n".join(certificate.unexpected) or None,
    }


def dataset_verdict(checks: Sequence[Mapping[str, Any]], certified: bool = True) -> RunVerdict:
    """Refuted by one refuted check, undecided by one undecided conclusion, unchecked where all hypotheses fail: a result too.

    Where checks hold and no step of NGD is ``certified`` it is uncertified: they are on claims that ask for no condition.
    """
    verdicts = {check["verdict"] for check in checks}
    for found, verdict in (
        (InstanceVerdict.REFUTED, RunVerdict.REFUTED),
        (InstanceVerdict.UNDECIDED, RunVerdict.UNDECIDED),
        (InstanceVerdict.HOLDS, RunVerdict.HOLDS if certified else RunVerdict.UNCERTIFIED),
    ):
        if found.value in verdicts:
            return verdict
    return RunVerdict.UNCHECKED
