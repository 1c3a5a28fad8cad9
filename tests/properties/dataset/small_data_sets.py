"""Small data sets of every kind that might break a certificate, drawn by seed, and a report on each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from properties.dataset.certificate import certify_dataset
from properties.dataset.ladder import Rung
from properties.dataset.report.dataset_entry import dataset_entry
from properties.dataset.transformations import shuffled, standardised
from properties.engine.claim import Depth
from properties.engine.report.document import Document
from properties.engine.report.entries import Entry
from properties.engine.report.html import Pages, pages
from properties.engine.report.terminal import closing_lines
from properties.reading.datasets import NORMALISED, Dataset
from properties.suite import presented
from theory.errors import InputError
from theory.inputs import FloatArray, normalise_rows

INPUTS = (
    *(
        "gaussian",
        "constant",
        "duplicated",
        "antiparallel",
        "parallel",
        "nearly parallel",
        "integer",
        "one-hot",
        "huge",
    ),
    *("tiny", "mixed sizes", "raw columns", "zero column", "rank one", "nearly doubled", "signed basis"),
)
TARGETS = ("gaussian", "zero", "constant", "last alone", "sorted classes", "huge", "tiny", "signs", "mixed sizes")


@dataclass(frozen=True)
class Report:
    """What a run would leave behind on one data set."""

    entry: Entry
    lines: list[str]
    page: Pages
    text: str


def inputs(kind: str, rng: np.random.Generator) -> FloatArray:
    """Rows X (n, d), n up to 12 and d up to 5; some kinds draw zero rows too, which a loader refuses."""
    n, d = int(rng.integers(1, 13)), int(rng.integers(1, 6))
    rows = rng.standard_normal((n, d))
    signs = rng.choice([-1.0, 1.0], n)
    half = n // 2
    match kind:
        case "constant":
            return np.ones((n, d))
        case "duplicated":
            return rows[rng.integers(0, max(1, half), n)]
        case "antiparallel":
            rows[half : 2 * half] = -rows[:half] * rng.integers(1, 4, (half, 1))
        case "parallel":
            return rows[:1] * rng.integers(1, 9, (n, 1))
        case "nearly parallel":
            return rows[:1] + 1e-7 * rows
        case "integer":
            return rng.integers(-2, 3, (n, d)).astype(float)
        case "one-hot":
            return np.eye(d)[rng.integers(0, d, n)]
        case "huge":
            return rows * 1e300
        case "tiny":
            return rows * 1e-310
        case "mixed sizes":
            return np.asarray(rows * 10.0 ** rng.integers(-150, 150, (n, d)))
        case "raw columns":
            return np.asarray(np.abs(rows) * 10.0 ** rng.integers(0, 5, d))
        case "zero column":
            rows[:, rng.integers(0, d)] = 0.0
        case "rank one":
            return np.outer(signs, rows[0])
        case "nearly doubled":
            rows[-1] = rows[0]
            rows[-1, 0] *= 1 + 10.0 ** -int(rng.integers(3, 17))
        case "signed basis":
            return np.concatenate([np.eye(d), -np.eye(d)])[rng.integers(0, 2 * d, n)]
    return rows


def targets(kind: str, n: int, rng: np.random.Generator) -> FloatArray:
    """y (n,)."""
    y = rng.standard_normal(n)
    found = {
        "zero": np.zeros(n),
        "constant": np.full(n, 3.0),
        "last alone": np.eye(n)[-1],
        "sorted classes": np.sort(rng.integers(0, 3, n)).astype(float),
        "huge": y * 1e89,
        "tiny": y * 1e-89,
        "signs": np.sign(y),
        "mixed sizes": y * 10.0 ** rng.integers(-80, 80, n),
    }
    return np.asarray(found.get(kind, y))


def networks(n: int, d: int, rng: np.random.Generator, wide: bool = False) -> list[Rung]:
    """All rows and some, with either initialisation, n = m d among them where it can be; a wide one costs seconds."""
    few = int(rng.integers(1, n + 1))
    drawn = [
        Rung(n, int(rng.choice([16, 64])), float(rng.choice([1e-3, 1.0, 4.0, 1e3])), bool(rng.integers(2)), 8),
        Rung(few, 64, 4.0, True, 8),
        Rung(n, max(1, -(-n // d)), 1.0, False, 8),
        *([Rung(few, 1024, 4.0, True, 8)] if wide else []),
    ]
    return [rung for rung in drawn if rung.rows <= rung.width * d]


def data_set(seed: int) -> Dataset | None:
    """The data set of a seed; None where a loader would refuse it."""
    rng = np.random.default_rng(seed)
    raw = inputs(INPUTS[seed % len(INPUTS)], rng)
    y = targets(TARGETS[seed // len(INPUTS) % len(TARGETS)], len(raw), rng)
    try:
        found = Dataset(f"seed {seed}", normalise_rows(raw), y, raw, f"drawn; {NORMALISED}")
        if rng.random() < 0.2:
            found = standardised(found)
        return shuffled(found, seed) if rng.random() < 0.2 else found
    except InputError:
        return None


def report(dataset: Dataset, seed: int, wide: bool = False) -> Report:
    """Certificate, lines, page and claims.json of a data set."""
    n, d = dataset.X.shape
    rungs = networks(n, d, np.random.default_rng(seed), wide)
    entry = dataset_entry(dataset, certify_dataset(dataset, Depth.QUICK, seed, rungs), 0.5)
    document = Document({}, expected=1)
    document.add(entry)
    return Report(
        entry,
        [*document.parts["dataset"]["told"], *closing_lines(document)],
        pages(document, presented()),
        document.text(),
    )


def complaints(found: Report) -> list[str]:
    """What is wrong with a report: parts lost to an error, or words of success above an empty table."""
    wrong = [*found.page.problems]
    if found.entry["error"]:
        wrong.append(found.entry["error"])
    if "not drawn" in found.page.text:
        wrong.append("a figure is not drawn")
    checked = any(check["verdict"] == "holds" for check in found.entry["checks"])
    if (found.entry["verdict"] in ("holds", "uncertified")) != checked:
        wrong.append(f"the verdict is {found.entry['verdict']}")
    if found.entry["verdict"] == "unchecked" and not found.entry["unchecked"]:
        wrong.append("nothing was checked, and no reason is given")
    if found.entry["verdict"] not in ("holds", "uncertified", "unchecked"):
        wrong.append(f"the verdict is {found.entry['verdict']}")
    certified = any(" allows steps " in line or " allows every step " in line for line in found.lines[2:3])
    if found.entry["verdict"] == "holds" and not certified:
        wrong.append("it holds, and no step is certified")
    if not certified and not any("no step of NGD is certified" in line for line in found.lines[2:3]):
        wrong.append("no answer")
    return wrong
