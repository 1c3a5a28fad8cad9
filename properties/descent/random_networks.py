"""Many initialisations at once: rows, width and scale of a network, and its pre-activations drawn chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.rows import antiparallel_rows, general_rows, integer_rows
from properties.engine.descriptions import described
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray, normalise_rows

Description = Mapping[str, Any]

CHUNK = 2_000_000
"""Pre-activations drawn at a time."""

MOST_DRAWN = 6_000_000
"""Pre-activations drawn in all for one instance."""

TRIALS = (1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
"""How many networks may be drawn."""

MOST_EIGENVALUES = 20_000
"""At most so many when there are several rows."""

SIGN_ROUNDING = 2.0**-46
"""64 units of float64's rounding."""

SEEDS = st.integers(0, 2**20)


@stored_as("random-network")
@dataclass(frozen=True)
class RandomNetwork:
    """Unit rows X (n, d), m neurons and the scale nu of a network to be initialised many times."""

    inputs: FloatArray
    width: int
    scale: float = 1.0
    symmetric: bool = False
    most_trials: int = TRIALS[-1]

    @property
    def independent(self) -> int:
        """The number of independent neurons, or pairs of them."""
        return self.width // 2 if self.symmetric else self.width

    @property
    def trials(self) -> int:
        """How many networks are drawn: fixed by the sizes alone."""
        affordable = MOST_DRAWN // (len(self.inputs) * self.independent)
        most = min(affordable, self.most_trials, MOST_EIGENVALUES if len(self.inputs) > 1 else TRIALS[-1])
        return max((count for count in TRIALS if count <= most), default=TRIALS[0])

    @property
    def sign_error(self) -> float:
        """Above the probability that any activation of one trial differs from that of exact arithmetic.

        L is the exact factor of rows that are off by ``d n u`` times a modest constant, and a product z is off by as
        much times ``|g|``; a sign changes with at most ``(2/pi)^{1/2}`` times the expected relative error.
        """
        n, d = self.inputs.shape
        return float(n * self.independent * d * (n + d) * SIGN_ROUNDING)

    @property
    def product_error(self) -> float:
        """Bound of the Frobenius norm of the error of Z in one trial, for normals up to 8 in magnitude."""
        n, d = self.inputs.shape
        return float(self.scale * np.sqrt(n * self.width) * d * (n + d) * 8 * SIGN_ROUNDING)

    @cached_property
    def _factor(self) -> FloatArray:
        """L with ``L L^T = X X^T``, of at most n columns: ``Z = L g`` is distributed as ``X W^T`` whatever d is."""
        n, d = self.inputs.shape
        return np.asarray(np.linalg.qr(self.inputs.T)[1]).T if n < d else self.inputs

    def pre_activations(self, rng: np.random.Generator) -> Iterator[FloatArray]:
        """``Z`` of the independent neurons of all trials, in chunks of shape (t, n, independent)."""
        columns, neurons = self._factor.shape[1], self.independent
        at_once = max(1, CHUNK // (columns * neurons))
        for start in range(0, self.trials, at_once):
            count = min(at_once, self.trials - start)
            found = self._factor @ rng.standard_normal((count, columns, neurons))
            found *= self.scale
            yield found


def unit_inputs(kind: str, n: int, d: int, rng: np.random.Generator) -> FloatArray:
    """n unit rows: orthogonal, copies of one, an antiparallel pair among copies, or as in the kernels' families."""
    if kind == "orthogonal":
        return np.eye(n)
    if kind in ("copies", "antiparallel copies"):
        row = normalise_rows(rng.standard_normal((1, d)))
        signs = np.where(np.arange(n) % 2 == 1, -1.0, 1.0) if kind == "antiparallel copies" else np.ones(n)
        return signs[:, None] * row
    if kind == "antiparallel":
        return normalise_rows(antiparallel_rows("independent", max(1, n // 2), n % 2, d, rng))
    if kind == "integers":
        return normalise_rows(integer_rows(n, d, 3, rng))
    return normalise_rows(general_rows(kind, n, d, 1, rng))


def network_descriptions(
    kinds: list[str], inputs: list[int], neurons: range, **parts: SearchStrategy[Any]
) -> SearchStrategy[Description]:
    """Kind of the rows, sizes, whether the initialisation is symmetric, and further parts."""
    return described(
        {
            "kind": st.sampled_from(kinds),
            "n": st.sampled_from(inputs),
            "d": st.integers(2, 4),
            "neurons": st.integers(neurons[0], neurons[-1]),
            "symmetric": st.booleans(),
            **parts,
            "seed": SEEDS,
        }
    )


def build_network(description: Description, scale: float = 1.0) -> RandomNetwork:
    """The network; ``neurons`` counts the independent ones."""
    d = description
    rows = unit_inputs(d["kind"], d["n"], d["d"], np.random.default_rng(d["seed"]))
    width = d["neurons"] * (2 if d["symmetric"] else 1)
    return RandomNetwork(rows, width, scale, d["symmetric"])
