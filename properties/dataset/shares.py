"""What of a data set's certificate is done by itself: its inputs, and each optimiser on each network; and the whole of these."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from properties.dataset.certificate import DatasetCertificate, begun, certified_inputs, certified_share
from properties.dataset.ladder import Rung
from properties.dataset.report.dataset_entry import dataset_entry
from properties.dataset.report.dataset_texts import dataset_failure
from properties.dataset.rung_certificate import Networks, RungCertificate, joined
from properties.engine.claim import InstanceVerdict
from properties.engine.part import Finished, Performed, Setting
from properties.engine.report.entries import Entry
from properties.engine.report.run_verdict import FAILING
from properties.reading.datasets import Dataset

INPUTS = "inputs"
"""The share without a network."""


def network_share(rung: Rung, optimiser: str) -> str:
    """What the share of an optimiser on a network is called."""
    return f"{rung.label}, {optimiser}"


@dataclass(frozen=True)
class DatasetShare:
    """A share: its result is a certificate of the inputs, or a part of that of a network."""

    name: str
    dataset: Dataset
    certified: Callable[[], DatasetCertificate | RungCertificate]
    rungs: Sequence[Rung]
    """All networks of the data set."""

    def perform(self, setting: Setting) -> Performed:
        """Not passed when a claim is refuted or undecided; a condition that is not met is a result."""
        started = time.perf_counter()
        found: DatasetCertificate | RungCertificate | None = None
        certificate: DatasetCertificate | str
        try:
            found = self.certified()
            certificate = self._alone(found)
        except Exception as error:
            certificate = "".join(traceback.format_exception(error)).rstrip()
        entry = dataset_entry(self.dataset, certificate, time.perf_counter() - started)
        results = () if isinstance(certificate, str) else certificate.results
        refuted = [(id, one) for id, one in results if one.verdict is InstanceVerdict.REFUTED]
        result = _without_instances(found) if isinstance(found, RungCertificate) else found
        return Performed(entry, entry["verdict"] not in FAILING, dataset_failure(entry), refuted, result)

    def _alone(self, found: DatasetCertificate | RungCertificate) -> DatasetCertificate:
        """The certificate if this share were all of it."""
        if isinstance(found, DatasetCertificate):
            return replace(found, due=0)
        return replace(begun(self.dataset, self.rungs), rungs=(joined([found]),), due=1)


def shares_of(dataset: Dataset, rungs: Sequence[Rung], seed: int) -> list[DatasetShare]:
    """The inputs, then network by network."""
    networks = Networks(dataset, seed)

    def share(rung: Rung, optimiser: str) -> DatasetShare:
        return DatasetShare(
            network_share(rung, optimiser), dataset, lambda: certified_share(networks, rung, optimiser), rungs
        )

    return [
        DatasetShare(INPUTS, dataset, lambda: certified_inputs(dataset, rungs), rungs),
        *(share(rung, optimiser) for rung in rungs for optimiser in rung.optimisers),
    ]


def joined_entry(dataset: Dataset, rungs: Sequence[Rung], found: Mapping[str, Finished]) -> Entry:
    """The entry of the shares that are there, in any order; a network is in it once all its optimisers are.

    A share that broke off keeps the whole from holding, and takes nothing from what the others found.
    """
    names = {rung: [network_share(rung, optimiser) for optimiser in rung.optimisers] for rung in rungs}
    entries = [found[name].entry for name in (INPUTS, *chain.from_iterable(names.values())) if name in found]
    broken = [entry["error"] for entry in entries if entry["error"] and not entry["certificate"]]
    inputs = found[INPUTS].result if INPUTS in found else None
    certificate = inputs if isinstance(inputs, DatasetCertificate) else begun(dataset, rungs)
    done, lost = [], 0
    for rung in rungs:
        if all(name in found for name in names[rung]):
            results = [found[name].result for name in names[rung] if found[name].entry["certificate"]]
            parts = [one for one in results if isinstance(one, RungCertificate)]
            done += [joined(parts)] if parts else []
            lost += not parts
    certificate = replace(
        certificate, rungs=tuple(done), errors=(*certificate.errors, *broken), due=certificate.due - lost
    )
    whole = dataset_entry(dataset, certificate, math.fsum(entry["seconds"] for entry in entries))
    return whole | {"counterexamples": [path for entry in entries for path in entry["counterexamples"]]}


def _without_instances(part: RungCertificate) -> RungCertificate:
    """The same without the arrays of what is refuted: its counterexample file has them."""
    return replace(
        part,
        contributions=tuple(
            replace(one, results=tuple((id, replace(found, instance=None)) for id, found in one.results))
            for one in part.contributions
        ),
    )
