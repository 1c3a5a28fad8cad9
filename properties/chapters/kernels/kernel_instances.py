"""Instances for the kernel claims: a few rows with exact float64 entries, of every kind that K-pd distinguishes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.descent.rows import antiparallel_rows, duplicated_rows, general_rows, integer_rows
from properties.engine.descriptions import described_family
from properties.engine.stable_names import stored_as
from properties.engine.statistics import SIGNIFICANCE, description_key
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.limiting import Degeneracy, degeneracy, limiting_gram_eigenvalue_bounds
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.norms import input_norm_squared
from theory.theorems.chernoff import chernoff_width

Description = Mapping[str, Any]

EXAMPLES = (25, 200, 2000)

FAILURE_PROBABILITY = SIGNIFICANCE
"""delta of K-chernoff: one network that misses 3/4 lambda0 is a refutation at the level of every sampled bound.

In the error budget the networks take the place of one sampled claim (``properties.engine.statistics.NETWORK_CHECKS``).
"""


@stored_as("kernel")
@dataclass(frozen=True)
class KernelInstance:
    """Rows X (n, d) as given; with ``initialisation`` they are unit rows of a network to be drawn.

    That is the seed of a stream of its own, which the whole description fixes and nothing else is drawn from.
    """

    inputs: FloatArray
    initialisation: int | None = None
    symmetric: bool = False

    @cached_property
    def degeneracy(self) -> Degeneracy:
        """The decision of K-pd."""
        return degeneracy(self.inputs)

    @cached_property
    def eigenvalue_bounds(self) -> tuple[float, float]:
        """Certified bounds of lambda0."""
        return limiting_gram_eigenvalue_bounds(self.inputs)

    @cached_property
    def chernoff_width(self) -> int:
        """The width that K-chernoff asks for, for the certified lambda0, which must be positive."""
        squared_norm = input_norm_squared(self.inputs)
        return chernoff_width(
            self.eigenvalue_bounds[0], squared_norm, len(self.inputs), FAILURE_PROBABILITY, self.symmetric
        )

    def network(self, width: int) -> TwoLayerNetwork:
        """The network of this instance at a width."""
        rng = np.random.default_rng(self.initialisation)
        return TwoLayerNetwork.initialise(width, self.inputs.shape[1], 1.0, rng, symmetric=self.symmetric)


SEEDS = st.integers(0, 2**20)


def _general(description: Description) -> KernelInstance:
    d = description
    rng = np.random.default_rng(d["seed"])
    return KernelInstance(general_rows(d["kind"], d["n"], d["d"], d.get("angle_exponent", 0), rng))


def _antiparallel(description: Description) -> KernelInstance:
    d = description
    rng = np.random.default_rng(d["seed"])
    return KernelInstance(antiparallel_rows(d["kind"], d["pairs"], d["singles"], d["d"], rng))


def _duplicated(description: Description) -> KernelInstance:
    rng = np.random.default_rng(description["seed"])
    return KernelInstance(duplicated_rows(description["kind"], description["n"], description["d"], rng))


def _integers(description: Description) -> KernelInstance:
    rng = np.random.default_rng(description["seed"])
    return KernelInstance(integer_rows(description["n"], description["d"], description["largest"], rng))


def stream_seed(description: Description) -> int:
    """The seed of the network's stream, in [0, 2^56)."""
    return int.from_bytes(hashlib.sha256(f"network\n{description_key(description)}".encode()).digest()[:7], "big")


def _initialised(description: Description) -> KernelInstance:
    d = description
    rng = np.random.default_rng(d["seed"])
    if d["kind"] == "antiparallel":
        rows = antiparallel_rows("independent", max(1, d["n"] // 2), d["n"] % 2, d["d"], rng)
    elif d["kind"] == "integers":
        rows = integer_rows(d["n"], d["d"], 3, rng)
    else:
        rows = general_rows(d["kind"], d["n"], d["d"], 0, rng)
    return KernelInstance(normalise_rows(rows), initialisation=stream_seed(d), symmetric=d["symmetric"])


GENERAL = described_family(
    "general rows",
    "uniform and clustered; n > d and n <= d",
    _general,
    EXAMPLES,
    kind=st.sampled_from(["uniform", "clustered"]),
    n=st.sampled_from([1, 2, 3, 4]),
    d=st.sampled_from([1, 2, 3, 5]),
    seed=SEEDS,
)

NEARLY = described_family(
    "nearly parallel rows",
    "one pair at an angle from 0.1 down to 1e-8 from 0 or from pi",
    _general,
    EXAMPLES,
    kind=st.sampled_from(["nearly parallel", "nearly antiparallel"]),
    n=st.sampled_from([2, 2, 3, 4]),
    d=st.sampled_from([2, 3, 5]),
    angle_exponent=st.sampled_from(range(1, 9)),
    seed=SEEDS,
)

ANTIPARALLEL = described_family(
    "antiparallel pairs",
    "pairs x, -cx: with dependent and with independent directions, among single rows",
    _antiparallel,
    EXAMPLES,
    kind=st.sampled_from(["dependent", "independent", "real"]),
    pairs=st.integers(1, 3),
    singles=st.integers(0, 2),
    d=st.integers(2, 4),
    seed=SEEDS,
)

DUPLICATED = described_family(
    "duplicated rows",
    "one row twice, bit by bit or as an exact multiple",
    _duplicated,
    EXAMPLES,
    kind=st.sampled_from(["equal", "multiple"]),
    n=st.integers(1, 4),
    d=st.integers(1, 4),
    seed=SEEDS,
)

INTEGERS = described_family(
    "small integers",
    "rows of small integers: coincidences and dependencies as they fall",
    _integers,
    EXAMPLES,
    n=st.sampled_from([1, 2, 3, 5, 7]),
    d=st.sampled_from([1, 2, 3, 4]),
    largest=st.sampled_from([1, 2, 3]),
    seed=SEEDS,
)

INITIALISED = described_family(
    "networks",
    f"unit rows and a network at the width that K-chernoff asks for (delta = {FAILURE_PROBABILITY:.2g})",
    _initialised,
    (15, 80, 500),
    kind=st.sampled_from(["uniform", "clustered", "antiparallel", "integers"]),
    n=st.sampled_from([1, 2, 3, 4, 4]),
    d=st.sampled_from([2, 2, 3, 4]),
    symmetric=st.booleans(),
    seed=SEEDS,
)
