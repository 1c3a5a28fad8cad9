"""A small document with everything that a report can show, hostile texts among it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from properties.dataset.report.dataset_entry import dataset_entry
from properties.engine.claim import Depth, Evaluation, InstanceVerdict, Status
from properties.engine.obligations import run_obligation
from properties.engine.paths import encodable
from properties.engine.report.commands import Commands
from properties.engine.report.document import Document
from properties.engine.report.entries import (
    Entry,
    chain_entry,
    claim_entry,
    mutant_entry,
    obligation_entry,
    slack_entry,
)
from properties.engine.report.figures import Figure
from properties.engine.report.history import summary
from properties.engine.report.html import Pages
from properties.engine.report.together import write_together
from properties.engine.search import run_claim
from properties.engine.slack import SlackRow
from properties.pictures.report.pictures_entry import pictures_entry
from properties.reading.datasets import load_dataset
from tests.properties.engine import fake_claims
from tests.properties.engine.fake_obligations import CHAIN, FALSE, SQUARES
from tests.properties.pictures.report.picture_data import picture_data
from theory.proof.provers import Prover

HOSTILE = '<script>alert("x")</script>&amp;'


class Certificate:
    """A small certificate with hostile names in it."""

    results: Sequence[tuple[str, Evaluation]] = [
        (
            "N-small",
            Evaluation(
                "F5",
                {"m": 8},
                tuple(fake_claims.small(fake_claims.Point(29.0))),
                tuple(fake_claims.below(29.0)(fake_claims.Point(29.0))),
                InstanceVerdict.HOLDS,
                (),
            ),
        ),
        ("N-small", Evaluation("F5", {"m": 4}, (), (), InstanceVerdict.VACUOUS, ())),
    ]
    curves: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float] | None]]] = {
        "n = 2, m = 8": {"ngd": ([1.0, 0.5, 0.25], [1.0, 0.75, 0.5]), "gd": ([1.0, 0.0, math.nan], None)},
        f"n = 2, m = 16 {HOSTILE}": {HOSTILE: ([1.0, 0.5], None)},
    }
    spectra: Mapping[str, Mapping[str, Sequence[float]]] = {
        "n = 2": {"G_inf": [0.25, 0.75], "S_inf": [0.2, 0.8], "G(0), m = 8": [0.0, 1.0]}
    }

    complete = True
    unexpected: Sequence[str] = ()
    reasons = "no hypothesis is met"

    def to_json(self) -> dict[str, Any]:
        return {
            "lambda0": 0.0178123456,
            "rungs": [{"width": 8192, "limits": {"T1": math.inf}}, rung(8, 3.5, 12.0, 0.75), rung(16, 0.1, 0.6, 0.4)],
            "comparison": {"inner": {"least_linearised_iterations_of_the_worst_target": 72629}},
            "pair": (3, 5),
            "bad": HOSTILE,
        }

    def lines(self) -> list[str]:
        return ["lambda0 >= 0.0178", HOSTILE]


def rung(width: int, attacked: float, certified: float, path: float) -> Entry:
    """What the certificate of a data set says of one network."""
    return {
        "rows": 2,
        "width": width,
        "lambda_min": 0.2,
        "iterations": {"ngd": {"observed": 20, "predicted": 39, "source": "T1-sharp", "certified_steps": 20}},
        "ngd": {
            "ball_constant": certified,
            "attack_constant": attacked,
            "path_constant": path,
            "step_limits": {
                "ball": {"T1": 0.0, "T1-q": 0.0, "T1-sharp": 0.7 if certified < 1 else 0.0},
                "path": {"T1": 0.1 if path < 0.5 else 0.0, "T1-q": 0.5, "T1-sharp": 0.6},
            },
        },
    }


SLACK = (
    SlackRow("N-small", f"largest value {HOSTILE}", 20.0, 30.0, 30.5, "N-small/above", "sharp"),
    SlackRow(
        "N-small", "longest text, with much to say about the point at which its numbers are taken", None, 1 - 1e-9, None
    ),
    SlackRow("N-small", "smallness", None, None, None, remark="dropped without harm"),
)


def sample_document() -> Document:
    """Two claims that hold, one of them under a hostile name, a surviving mutant, a data set, pictures, slack."""
    claim = fake_claims.claim()
    hostile = replace(fake_claims.claim("N-hostile"), statement=HOSTILE, status=Status.CONJECTURE)
    found = Document(
        {"numpy": "2.0", "root_seed": 1},
        slack=[slack_entry(row) for row in SLACK],
        chapters=[{"name": "small", "title": "Small numbers", "claims": ["N-small", "N-refuted", "N-absent"]}],
        not_executable={"N-all": "a statement about all numbers", "N-every": "a statement about all numbers"},
        commands=Commands(report="my report", console="natural-gradient"),
    )
    for one in (claim, hostile):
        found.add(claim_entry(one, fake_claims.result(one), "quick", 3))
    for mutant in claim.mutants:
        found.add(mutant_entry(mutant, fake_claims.result(mutant.claim), "quick", 3))
    survivor = claim.neighbour("slack", f"slack {HOSTILE}", conclusion=fake_claims.below(35.0))
    found.add(mutant_entry(survivor, fake_claims.result(survivor.claim), "quick", 3))
    data = replace(load_dataset("diabetes"), name=f"mine {HOSTILE}", remarks=(f"column {HOSTILE!r} numbers the rows",))
    found.add(dataset_entry(data, Certificate(), 1.5))
    found.add(pictures_entry(picture_data(), 2.5))
    found.expected = found.recorded
    return found


def earlier_run(found: Document) -> Entry:
    """The document as a run of before, with another tightest ratio."""
    run = summary(found.to_json(), "earlier.json")
    run["claims"]["N-small"]["ratio"] = 0.5
    return run


def full_document() -> Document:
    """The sample, and every verdict: claims with formulas, one refuted, one undecided, one broken off; obligations, a proof, an earlier run."""
    found = sample_document()
    found.history = [earlier_run(found)]
    found.chains = [chain_entry(CHAIN)]
    with Prover("z3") as z3, Prover("cvc5") as cvc5:
        for obligation in (SQUARES, FALSE):
            found.add(obligation_entry(run_obligation(obligation, [z3, cvc5])))
    for one in (
        *map(fake_claims.claim, ("T1", "T2", "T3", "T4", "T5", "T1-sharp")),
        fake_claims.claim("C2-prob"),
        fake_claims.claim("N-refuted", limit=25.0),
        replace(fake_claims.claim("N-undecided"), conclusion=fake_claims.undecided),
    ):
        found.add(claim_entry(one, run_claim(one, Depth.QUICK, 3), "quick", 3))
    found.add(claim_entry(fake_claims.claim("N-broken"), "Traceback\nValueError: no number", "quick", 3))
    orphan = fake_claims.claim("N-absent").mutants[0]
    found.add(mutant_entry(orphan, fake_claims.result(orphan.claim), "quick", 3))
    for entry in (found.claims["N-refuted"], found.mutants["N-small/below-10"]):
        entry["counterexample"] = f"counterexamples/{entry['id'].replace('/', '-')}.json"
    found.claims["N-refuted"]["explanation"] = ["cause: another one"]
    found.expected = found.recorded + 2
    return found


def write_report(made: Pages, directory: Path) -> None:
    """The pages, with a file for every counterexample that it links to."""
    made.write_data(directory)
    write_together(directory, {path: encodable(text) for path, text in made.texts.items()})
    for path in made.belongings:
        if not (directory / path).exists():
            (directory / path).parent.mkdir(exist_ok=True)
            (directory / path).write_text("{}\n", encoding="utf-8")


def in_ascii(text: str) -> str:
    """A number of a page as Python reads it."""
    plain = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
    found = re.fullmatch(r"(−?)(?:([\d.]+)·)?10([⁻⁰¹²³⁴-⁹]+)", text)
    return (f"{found[1]}{found[2] or 1}e{found[3]}" if found else text).translate(plain)


def texts(figure: Figure) -> str:
    """All that is written in it."""
    return " ".join("".join(element.itertext()) for element in ElementTree.fromstring(figure.svg).iter("text"))
