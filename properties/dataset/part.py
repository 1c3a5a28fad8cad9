"""The data set as a part of a run: its options, its certificate, its entry."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from properties.dataset.ladder import Rung, own_rungs
from properties.dataset.report.dataset_entry import Certificate, dataset_entry
from properties.dataset.report.dataset_texts import KIND, dataset_failure
from properties.dataset.transformations import shuffled, standard_columns
from properties.engine.claim import Depth, InstanceVerdict
from properties.engine.part import Performed, Setting
from properties.engine.report.entries import Entry
from properties.engine.report.run_verdict import FAILING
from properties.engine.seeds import dataset_seed
from properties.reading.datasets import Dataset, load_dataset

if TYPE_CHECKING:
    import pytest

VALUED, FLAGS = ("target", "shuffle", "width", "scale"), ("standardise", "symmetric")
"""Options on which a certificate depends besides the data set's name and the seed."""

COMPANIONS = MappingProxyType(
    {
        "--target": ("--dataset", "--target names a column of a .csv file given by --dataset"),
        "--shuffle": ("--dataset", "--shuffle reorders the rows of the data set of --dataset"),
        "--standardise": ("--dataset", "--standardise scales the columns of the data set of --dataset"),
        "--width": ("--dataset", "--width is the width at which the data set of --dataset is certified"),
        "--scale": ("--width", "--scale and --symmetric say how the network of --width is initialised"),
        "--symmetric": ("--width", "--scale and --symmetric say how the network of --width is initialised"),
    }
)


class DatasetPart:
    """Certifies the data set of ``--dataset``."""

    apart = True
    companions = COMPANIONS

    def requested(self, config: pytest.Config, setting: Setting) -> DatasetTask | None:
        """The data set with what is asked to be done to it. Raises what ``load_dataset`` raises, WidthError, ScaleError."""
        name = config.getoption("ngd_dataset")
        if name is None:
            return None
        seed = config.getoption("ngd_shuffle")
        prepare = standard_columns if config.getoption("ngd_standardise") else None
        found = load_dataset(name, config.getoption("ngd_target"), prepare)
        dataset = found if seed is None else shuffled(found, seed)
        return DatasetTask(dataset, _own_rungs(config, dataset), _options(config))


@dataclass(frozen=True)
class DatasetTask:
    """One data set to certify."""

    dataset: Dataset
    rungs: Sequence[Rung] | None
    """The networks that it is certified with; None for the ladder of the depth."""
    options: Sequence[str] = ()
    kind: str = KIND

    @property
    def name(self) -> str:
        """That of the data set."""
        return self.dataset.name

    @property
    def header(self) -> str:
        """Its size and where it comes from."""
        return f"data set {self.dataset.summary}"

    def perform(self, setting: Setting, keep: Callable[[Entry], None]) -> Performed:
        """Not passed when a claim is refuted or undecided on the data set; a condition that is not met there is a result."""
        started = time.perf_counter()

        def grown(found: Certificate) -> None:
            keep(dataset_entry(self.dataset, found, time.perf_counter() - started))

        certificate: Certificate | str
        try:
            certificate = certify(self.dataset, setting.depth, self.rungs, dataset_seed(setting.root), grown)
        except Exception as error:
            certificate = "".join(traceback.format_exception(error)).rstrip()
        entry = dataset_entry(self.dataset, certificate, time.perf_counter() - started)
        results = () if isinstance(certificate, str) else certificate.results
        refuted = [(id, one) for id, one in results if one.verdict is InstanceVerdict.REFUTED]
        return Performed(entry, entry["verdict"] not in FAILING, dataset_failure(entry), refuted)


def certify(
    dataset: Dataset,
    depth: Depth,
    rungs: Sequence[Rung] | None,
    seed: int,
    observe: Callable[[Certificate], None] | None = None,
) -> Certificate:
    """The certificate of a data set; its topics are loaded when a data set is asked for."""
    from properties.dataset.certificate import certify_dataset

    return certify_dataset(dataset, depth, seed, rungs, observe=observe)


def _own_rungs(config: pytest.Config, dataset: Dataset) -> tuple[Rung, ...] | None:
    """The networks of the width asked for. Raises WidthError, ScaleError."""
    widths, scale = config.getoption("ngd_width"), config.getoption("ngd_scale")
    if not widths:
        return None
    rows, dim = dataset.X.shape
    return own_rungs(rows, dim, widths, 1.0 if scale is None else scale, config.getoption("ngd_symmetric"))


def _options(config: pytest.Config) -> list[str]:
    """What the certificate depends on, as it was asked for."""
    found = []
    for option in VALUED:
        value = config.getoption(f"ngd_{option}")
        values = [] if value is None else value if isinstance(value, list) else [value]
        found += [f"--{option}={one}" for one in values]
    return found + [f"--{option}" for option in FLAGS if config.getoption(f"ngd_{option}")]
