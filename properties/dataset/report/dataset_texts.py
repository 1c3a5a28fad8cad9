"""What is said of a data set's certificate: in the terminal, in the run's sentence, against a verdict, and of its failure."""

from __future__ import annotations

from collections import Counter

from properties.dataset.report.dataset_answer import answer, grounds
from properties.engine.claim import InstanceVerdict, Verdict
from properties.engine.paths import printable
from properties.engine.report.entries import Entry
from properties.engine.report.run_verdict import RunVerdict
from properties.engine.report.wording import evaluation_lines, plural
from theory.descent.optimiser import as_optimiser
from theory.errors import ChoiceError

KIND, TITLE = "dataset", "data set"
"""The kind of its entry, and the heading above its lines."""


def told(entry: Entry) -> Entry:
    """The entry with all that is said of it."""
    return entry | {
        "title": TITLE,
        "answer": answer(entry["certificate"]) if entry["certificate"] else "",
        "grounds": grounds(entry["certificate"]),
        "told": _lines(entry),
        "clause": _clause(entry),
        "against": _against(entry),
    }


def _lines(dataset: Entry) -> list[str]:
    """The certificate as its own lines, and one line for every claim checked on it."""
    notes = [f"  note: {remark}" for remark in dataset["remarks"]]
    certificate = dataset["certificate"]
    answered = [f"  {said}" for said in (answer(certificate), grounds(certificate)) if said] if certificate else []
    lines = [*dataset["lines"][:1], *answered, *notes, *dataset["lines"][1:]]
    if dataset["unchecked"]:
        lines.append(f"nothing could be checked on this data set, because {dataset['unchecked']}")
    for claim in dict.fromkeys(check["claim"] for check in dataset["checks"]):
        found = Counter(check["verdict"] for check in dataset["checks"] if check["claim"] == claim)
        counts = ", ".join(f"{count} {plural(verdict, count)}" for verdict, count in found.items())
        lines.append(f"{claim} on {printable(dataset['name'])}: {counts}")
    if dataset["error"]:
        lines.append(f"broke off: {dataset['error'].splitlines()[-1]}")
    return lines


def _clause(dataset: Entry) -> str:
    name = f"the data set {printable(dataset['name'])}"
    if dataset["error"] and dataset["verdict"] != RunVerdict.REFUTED.value:
        return f"the certificate of {name} broke off with an error"
    match RunVerdict(dataset["verdict"]):
        case RunVerdict.REFUTED:
            return f"a claim is refuted on {name}"
        case RunVerdict.UNDECIDED:
            return f"a claim stays undecided on {name}" if dataset["complete"] else f"{name} was interrupted"
        case RunVerdict.UNCHECKED:
            return f"nothing could be checked on {name}, because {dataset['unchecked'] or 'no claim applied'}"
    held = [check["claim"] for check in dataset["checks"] if check["verdict"] == InstanceVerdict.HOLDS.value]
    alone = f", of {held[0]} alone" if len(set(held)) == 1 else ""
    none = ", but no step of NGD is certified" if dataset["verdict"] == RunVerdict.UNCERTIFIED.value else ""
    return (
        f"nothing is refuted on {name}: {len(held)} {'check holds' if len(held) == 1 else 'checks hold'}{alone}{none}"
    )


def _against(dataset: Entry) -> str:
    if dataset["verdict"] in (RunVerdict.HOLDS.value, RunVerdict.UNCERTIFIED.value):
        return ""
    reason = dataset["verdict"]
    if reason == RunVerdict.REFUTED.value:
        pass
    elif dataset["error"]:
        reason = "its certificate broke off"
    elif not dataset["complete"]:
        reason = "its certificate was interrupted"
    elif dataset["unchecked"]:
        reason = f"nothing could be checked, because {dataset['unchecked']}"
    return f"{printable(dataset['name'])}: {reason}"


def dataset_failure(entry: Entry) -> str:
    """Why the data set's item fails: every check that is refuted or undecided."""
    lines = [f"data set {entry['name']}: {entry['verdict']}"]
    if entry["error"]:
        lines += ["the certificate broke off with an error:", entry["error"]]
    for check in entry["checks"]:
        if check["verdict"] in (Verdict.REFUTED.value, Verdict.UNDECIDED.value):
            lines += [f"{check['claim']} is {check['verdict']} on it", *evaluation_lines(check)]
    return "\n".join(lines)


def optimiser_name(optimiser: str) -> str:
    """An optimiser's name as it is written in text; one that is not known, of another version's document, as it stands."""
    try:
        return as_optimiser(optimiser).title
    except ChoiceError:
        return optimiser
