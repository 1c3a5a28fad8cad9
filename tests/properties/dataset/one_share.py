"""A data set whose certificate is made up, in one share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from properties.dataset import shares
from properties.dataset.ladder import Rung
from properties.engine.part import Finished
from properties.engine.report.entries import Entry
from properties.reading.datasets import Dataset


class MadeUp(shares.DatasetShare):
    """A share that is all of the certificate that it gives."""

    def _alone(self, found: Any) -> Any:
        return found


def certified_by(monkeypatch: pytest.MonkeyPatch, certify: Callable[[Any], Any]) -> None:
    """Let ``certify`` give the certificate of every data set."""

    def shares_of(dataset: Dataset, rungs: Sequence[Rung], seed: int) -> list[MadeUp]:
        return [MadeUp("", dataset, lambda: certify(dataset), rungs)]

    def joined_entry(dataset: Dataset, rungs: Sequence[Rung], found: Mapping[str, Finished]) -> Entry:
        (only,) = found.values()
        return only.entry

    monkeypatch.setattr(shares, "shares_of", shares_of)
    monkeypatch.setattr(shares, "joined_entry", joined_entry)
