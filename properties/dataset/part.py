"""The data set as a part of a run: its options, its certificate, its entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from properties.dataset.ladder import Rung, ladder, own_rungs
from properties.dataset.report.dataset_texts import KIND
from properties.dataset.transformations import shuffled, standard_columns
from properties.engine.part import Finished, Setting, Share
from properties.engine.report.entries import Entry
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

    def shares(self, setting: Setting) -> Sequence[Share]:
        """Its inputs, and each optimiser on each network; what certifies them is loaded when a data set is asked for."""
        from properties.dataset.shares import shares_of

        return shares_of(self.dataset, self._rungs(setting), dataset_seed(setting.root))

    def joined(self, setting: Setting, found: Mapping[str, Finished]) -> Entry:
        """The certificate as far as its shares have come."""
        from properties.dataset.shares import joined_entry

        return joined_entry(self.dataset, self._rungs(setting), found)

    def _rungs(self, setting: Setting) -> Sequence[Rung]:
        return ladder(len(self.dataset.X), setting.depth) if self.rungs is None else self.rungs


def _own_rungs(config: pytest.Config, dataset: Dataset) -> tuple[Rung, ...] | None:
    """The networks of the width asked for. Raises WidthError, ScaleError."""
    widths, scale = config.getoption("ngd_width"), config.getoption("ngd_scale")
    if not widths:
        return None
    rows, dim = dataset.X.shape
    return own_rungs(
        rows, dim, tuple(dict.fromkeys(widths)), 1.0 if scale is None else scale, config.getoption("ngd_symmetric")
    )


def _options(config: pytest.Config) -> list[str]:
    """What the certificate depends on, as it was asked for."""
    found = []
    for option in VALUED:
        value = config.getoption(f"ngd_{option}")
        values = [] if value is None else value if isinstance(value, list) else [value]
        found += [f"--{option}={one}" for one in values]
    return found + [f"--{option}" for option in FLAGS if config.getoption(f"ngd_{option}")]
