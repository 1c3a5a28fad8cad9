"""Many networks, drawn and certified on any executor: how often a tube closes, by inputs, width and scale, and at T3-tube's own width.

``python -m properties.pictures.monte_carlo phases|width --kept DIR [--executor processes]``. A cell's networks are drawn from its own stream, so that a
cell is the same whoever works on it; what a cell found is a file in DIR, and a run that was killed takes it up.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from properties.engine.report.atomic import write_text_atomically
from theory.direction import raised
from theory.errors import StreamError
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import certify_tube
from theory.streaming.executors import executor_named, finished
from theory.theorems.tube_plan import tube_width
from theory.threads import one_thread

INPUTS = (2, 4, 8, 16, 32)
POWERS = range(8, 18)
SCALES = (1.0, 4.0, 16.0)
SEEDS = 20
"""Of a phase diagram: n orthonormal inputs, ``m = 2^k``, nu, and networks to a cell."""

DELTA, OWN_INPUTS, OWN_SEEDS = 0.1, (2, 4, 10), 200
"""At T3-tube's own width: the probability of failure that it allows, n orthonormal inputs, and networks to each."""


@dataclass(frozen=True)
class Cell:
    """Networks of one kind: n orthonormal inputs with targets 1, pairs of neurons of opposite signs."""

    n: int
    width: int
    scale: float
    seeds: int

    @property
    def name(self) -> str:
        """Of its file; all that its numbers depend on is in it."""
        digest = hashlib.sha256(f"1 {np.__version__} {self!r}".encode()).hexdigest()
        return f"{self.n}-{self.width}-{self.scale:g}-{digest[:16]}.json"


def contractions(cell: Cell) -> list[float | None]:
    """mu of each network's tube, one width a pair; None where none closes."""
    found: list[float | None] = []
    with one_thread():
        for seed in range(cell.seeds):
            stream = np.random.SeedSequence([seed, cell.n, cell.width], spawn_key=(round(cell.scale * 2**20),))
            rng = np.random.Generator(np.random.SFC64(stream))
            net = TwoLayerNetwork.initialise(cell.width, cell.n, cell.scale, rng, symmetric=True)
            tube = certify_tube(net, np.eye(cell.n), np.ones(cell.n))
            found.append(float(tube.contraction) if tube.certified else None)
    return found


def phases() -> list[Cell]:
    """The cells of a phase diagram."""
    return [Cell(n, 2**k, scale, SEEDS) for n in INPUTS for k in POWERS for scale in SCALES]


def own_widths() -> list[Cell]:
    """Networks of exactly the width that T3-tube asks for."""
    return [Cell(n, tube_width(np.eye(n), np.ones(n), 1.0, DELTA), 1.0, OWN_SEEDS) for n in OWN_INPUTS]


def filled(cells: Sequence[Cell], executor: Executor, kept: Path) -> Iterator[tuple[Cell, list[float | None]]]:
    """Each cell with what it found, from its file where there is one. Raises StreamError (a file of another cell)."""
    left = []
    for cell in cells:
        if (kept / cell.name).exists():
            yield cell, _read(kept / cell.name, cell)
        else:
            left.append(cell)
    for cell, found in finished(executor, contractions, sorted(left, key=lambda cell: -cell.n * cell.width)):
        write_text_atomically(kept / cell.name, json.dumps({"cell": asdict(cell), "contractions": found}))
        yield cell, found


def _read(path: Path, cell: Cell) -> list[float | None]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        found: list[float | None] = stored["contractions"]
        same = stored["cell"] == asdict(cell) and len(found) == cell.seeds
    except (ValueError, KeyError, TypeError) as error:
        raise StreamError(f"{path} cannot be read as a cell ({error}); remove it") from error
    if not same:
        raise StreamError(f"{path} is of another cell; remove it, or take another directory")
    return found


def lines(found: dict[Cell, list[float | None]]) -> list[str]:
    """A line a cell: how many of its networks are certified, and the median of their mu."""
    said = []
    for cell in sorted(found, key=lambda cell: (cell.scale, cell.n, cell.width)):
        closed = [mu for mu in found[cell] if mu is not None]
        median = f", median mu {raised(float(np.median(closed)), 3)}" if closed else ""
        said.append(
            f"n = {cell.n}, m = {cell.width}, nu = {cell.scale:g}: {len(closed)} of {cell.seeds} certified{median}"
        )
    return said


def main() -> None:
    """Fill the cells that were asked for, and print them."""
    parser = argparse.ArgumentParser(description="How often the tube of a drawn network closes.")
    parser.add_argument("what", choices=["phases", "width"])
    parser.add_argument("--kept", type=Path, required=True, metavar="DIR", help="a file for each cell")
    parser.add_argument("--executor", default="processes", metavar="NAME")
    values = parser.parse_args()
    cells = phases() if values.what == "phases" else own_widths()
    with executor_named(values.executor) as executor:
        found = dict(tqdm(filled(cells, executor, values.kept), total=len(cells), unit=" cells", file=sys.stderr))
    print("\n".join(lines(found)))


if __name__ == "__main__":
    main()
