"""How numbers, descriptions, verdicts and failures read, in the terminal and on the page alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from properties.engine.claim import InstanceVerdict, Provenance, Status, Verdict
from properties.engine.report.causes import known_causes, same_exception
from properties.engine.report.document import NOT_RUN, Document
from properties.engine.report.entries import Entry
from properties.engine.report.left_out import left_out_clauses
from properties.engine.report.plain import counted, number
from theory.direction import raised, reduced
from theory.proof.obligation import Standing

PROVENANCE_MARKS = {
    Provenance.PAPER: "P",
    Provenance.PAPER_WITH_CONSTANTS: "P*",
    Provenance.DERIVED: "D",
    Provenance.LITERATURE: "L",
}
"""The short marks of the tables."""

MARKS_LEGEND = "; ".join(f"{mark} {provenance.value}" for provenance, mark in PROVENANCE_MARKS.items())


def mark_text(entry: Entry) -> str:
    """Provenance in a letter; a conjecture says so."""
    mark = PROVENANCE_MARKS[Provenance(entry["provenance"])]
    return mark if entry["status"] == Status.THEOREM.value else f"{mark} ({entry['status']})"


def short_mark_text(entry: Entry) -> str:
    """Provenance in a letter, with a question mark behind that of a conjecture."""
    return PROVENANCE_MARKS[Provenance(entry["provenance"])] + ("" if entry["status"] == Status.THEOREM.value else "?")


def evidence_text(entry: Entry) -> str:
    """The weakest evidence of the instances, and how many have a stronger one: ``tested, 104 enclosed``."""
    if entry["evidence"] is None:
        return "-"
    stronger = [f"{count} {one}" for one, count in entry["evidence_counts"].items() if one != entry["evidence"]]
    return ", ".join([entry["evidence"], *stronger])


def number_text(value: Any) -> str:
    """Four significant digits, "-" for None, a short distance from 1 where four digits would hide it."""
    if value is None:
        return "-"
    found = number(value)
    return ratio_text(found) if 0 < abs(1 - found) < 5e-4 else f"{found:.4g}"


def slack_texts(row: Entry) -> tuple[str, str, str]:
    """The numbers of a slack row, ``paper``, ``proved``, ``refuted``, as ``number_text``, but each still true as it is rounded.

    What is proved for a step size is proved for smaller ones, and what is refuted for it is refuted for larger ones: where the
    counterexample lies above, the paper's and the proved number are rounded down and the refuted one up; where it lies below (a
    radius, a width), the other way. Without a counterexample the proved number lies on the stronger side of the paper's.
    Numbers that are equal to rounding, or alone, have no side.
    """
    paper, proved, refuted = (None if row[key] is None else number(row[key]) for key in ("paper", "proved", "refuted"))
    for weaker, stronger in ((proved, refuted), (paper, proved), (paper, refuted)):
        if weaker is not None and stronger is not None and not math.isclose(weaker, stronger, rel_tol=1e-12):
            up = weaker > stronger
            return _sided(paper, up), _sided(proved, up), _sided(refuted, not up)
    return number_text(paper), number_text(proved), number_text(refuted)


def _sided(value: float | None, up: bool) -> str:
    """The number, as Python writes it, in the digits of ``number_text``, rounded up or down."""
    if value is None:
        return "-"
    written = Decimal(repr(value))
    distance = 1 - written
    if 0 < abs(distance) < 1e-4:
        away = (raised if up == (distance < 0) else reduced)(abs(distance), 2)
        return f"1 {'-' if distance > 0 else '+'} {away}"
    return (raised if up else reduced)(written, 6 if abs(distance) < 5e-4 else 4)


def plural(verdict: str, count: int) -> str:
    """A verdict on so many instances: several undecided hypotheses, several that hold."""
    several = {InstanceVerdict.HOLDS.value: "hold", InstanceVerdict.UNDECIDED_HYPOTHESIS.value: "undecided hypotheses"}
    return verdict if count == 1 else several.get(verdict, verdict)


def without_counterexample(row: Entry) -> bool:
    """Whether a slack row is about a hypothesis that no known counterexample needs."""
    return row["paper"] is None and row["proved"] is None and row["refuted"] is None


def ratio_text(ratio: Any) -> str:
    """A ratio in few characters: six digits, or its distance from 1 when it is nearer than 10^-4."""
    value = number(ratio)
    distance = 1.0 - value
    if distance == 0:
        return "1"
    if abs(distance) < 1e-4:
        return f"1 {'-' if distance > 0 else '+'} {abs(distance):.1e}"
    return f"{value:.6g}"


def seconds_text(seconds: Any) -> str:
    """A duration with its unit."""
    value = number(seconds)
    return f"{value:.1f} s" if value < 100 else f"{value / 60:.1f} min"


def description_text(description: Mapping[str, Any]) -> str:
    """A description as name=value pairs."""
    return ", ".join(f"{name}={value}" for name, value in description.items()) or "(no parameters)"


def family_texts(families: Mapping[str, Entry]) -> list[str]:
    """Instances of every family, with the counts of features, vacuous and undecided ones where there are any."""
    parts = []
    for family, count in families.items():
        notes = [f"{feature}: {found}" for feature, found in count["features"].items()]
        notes += [f"vacuous: {count['vacuous']}"] if count["vacuous"] else []
        notes += [f"undecided hypotheses: {count['undecided_hypotheses']}"] if count["undecided_hypotheses"] else []
        notes += [f"undecided: {count['undecided']}"] if count["undecided"] else []
        parts.append(f"{family} {count['instances']}" + (f" ({', '.join(notes)})" if notes else ""))
    return parts


def families_text(families: Mapping[str, Entry]) -> str:
    """The same in one line."""
    return "; ".join(family_texts(families)) or "none"


def tightest_text(tightest: Entry | None) -> str:
    """The tightest ratio with its family."""
    return "-" if tightest is None else f"{ratio_text(tightest['ratio'])} in {tightest['family']}"


def mutants_text(document: Document) -> str:
    """``N of M refuted``."""
    return f"{document.mutants_refuted} of {len(document.mutants)} refuted"


def obligations_text(document: Document) -> str:
    """``N of M proved by z3 and cvc5; mutants k of k refuted``."""
    proved = sum(entry["status"] == Standing.PROVED.value for entry in document.obligations.values())
    provers = dict.fromkeys(prover for entry in document.obligations.values() for prover in entry["provers"])
    mutants = document.obligation_mutants
    refuted = sum(mutant["status"] == Standing.REFUTED.value for mutant in mutants)
    return (
        f"{proved} of {len(document.obligations)} proved by {' and '.join(provers)}; "
        f"mutants {refuted} of {len(mutants)} refuted"
    )


def bases_text(links: Sequence[Entry]) -> str:
    """How many links of a proof are what in this run: ``2 proved, 1 checked``; only those count that their references bear out."""
    counts = Counter(_standing(link) for link in links)
    return ", ".join(f"{count} {standing}" for standing, count in counts.items())


def _standing(link: Entry) -> str:
    """What a link rests on, where all that it rests on is known in this run; else the worst of what is."""
    worse = (Verdict.REFUTED.value, Verdict.UNDECIDED.value, NOT_RUN)
    return next((one for one in worse if one in link["known"]), str(link["basis"]))


def implication_text(implication: Entry) -> str:
    """Hypotheses, conclusion and definitions in one line."""
    where = ", ".join(f"{name} = {text}" for name, text in implication["where"].items())
    hypotheses = f"{', '.join(implication['hypotheses'])} => " if implication["hypotheses"] else ""
    return f"{hypotheses}{implication['conclusion']}" + (f", where {where}" if where else "")


def model_text(finding: Entry) -> str:
    """The counterexample of a finding, or why there is none."""
    model = ", ".join(f"{name} = {value}" for name, value in finding.get("model", {}).items())
    return model or finding.get("reason") or "none"


def obligation_failure(entry: Entry, hints: Sequence[str]) -> str:
    """Why an obligation's item fails: what is not proved, by whom, and which mutants are not refuted."""
    lines = [f"{entry['id']} is {entry['status']}: {entry['statement']}"]
    for part in entry["parts"]:
        lines += [
            f"{finding['prover']}: {finding['status']}: {implication_text(part)}; {model_text(finding)}"
            for finding in part["findings"]
            if finding["status"] != Standing.PROVED.value
        ]
    lines += entry.get("uncovered", [])
    lines += [
        f"mutant {one['id']} survives ({one['status']}): {implication_text(one)}; {model_text(one)}"
        for one in entry["mutants"]
        if one["status"] != Standing.REFUTED.value
    ]
    return "\n".join([*lines, *hints])


def verdict_sentence(document: Document) -> str:
    """The verdict of the run in one sentence."""
    counts = dict.fromkeys(Verdict, 0)
    claims = document.merged_claims()
    for entry in claims:
        counts[Verdict(entry["verdict"])] += 1
    parts = []
    if claims:
        noun = "claim" if len(claims) == 1 else "claims"
        if counts[Verdict.HOLDS] == len(claims):
            parts.append(
                f"{'the' if len(claims) == 1 else 'all'} {len(claims)} {noun} {'holds' if len(claims) == 1 else 'hold'}"
            )
        else:
            tally = [f"{found} {plural(verdict.value, found)}" for verdict, found in counts.items() if found]
            parts.append(f"of {len(claims)} {noun}: {', '.join(tally)}")
    if document.mutants:
        parts.append(f"{document.mutants_refuted} of {len(document.mutants)} mutants refuted")
    if document.obligations:
        parts.append(f"obligations: {obligations_text(document).replace('; ', ', ')}")
    parts += left_out_clauses(document.left_out)
    parts += [part["clause"] for part in document.parts.values() if part["clause"]]
    if document.worse:
        parts.append(f"{document.worse} worse than in the baseline")
    if not parts:
        parts.append("nothing was checked")
    if not document.complete:
        parts.append(f"the run stopped early, with {document.recorded} of {counted(document.expected, 'item')} done")
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def bound_texts(evaluation: Entry) -> list[str]:
    """The bounds of one instance in short: those that do not hold, and the tightest of those that do, of which ``bounds_held`` counts more."""
    bounds = evaluation["bounds"]
    lines = [f"{one['label']}: {one['verdict']}, ratio {ratio_text(one['ratio'])}" for one in bounds if not _holds(one)]
    holding = [one for one in bounds if _holds(one)]
    if holding:
        tightest = max(holding, key=lambda one: number(one["ratio"]))
        held = evaluation.get("bounds_held", len(holding))
        count = "1 bound holds" if held == 1 else f"{held} bounds hold, the tightest"
        lines.append(f"{count}: {tightest['label']}, ratio {ratio_text(tightest['ratio'])}")
    return lines


def _holds(bound: Entry) -> bool:
    return bool(bound["verdict"] == Verdict.HOLDS.value)


def evaluation_lines(evaluation: Entry) -> list[str]:
    """One instance: description, hypotheses with margins, bounds with both sides, ratio and rounding."""
    lines = [f"instance: family {evaluation['family']}, {description_text(evaluation['description'])}"]
    lines += [
        f"hypothesis {one['name']}: {one['verdict']}, margin {number(one['margin']):.6g}"
        for one in evaluation["hypotheses"]
    ]
    lines += [
        f"{one['label']}: {one['verdict']} ({one['evidence']}); measured {number(one['measured']):.17g}, "
        f"predicted {number(one['predicted']):.17g}, ratio {ratio_text(one['ratio'])}, "
        f"rounding {raised(number(one['rounding']), 3)}"
        for one in evaluation["bounds"]
    ]
    bits = evaluation["precision"]
    lines.append(f"precision: {'exact arithmetic' if bits == 0 else f'{bits} bits'}")
    return lines


def headline(entry: Entry, told: Sequence[str] | None = None) -> str:
    """A claim's verdict and statement in one line, with the cause of a refutation where one is known: all that a list of failures shows.

    ``told``: what of its explanation is told, by ``told_once``; all by default.
    """
    said = f"{entry['id']} is {entry['verdict']}"
    if remark := entry.get("remark"):  # the state that a step keeps
        return f"{said}: {remark}; {entry['statement']}"
    causes = known_causes(entry.get("explanation", ()) if told is None else told)
    return f"{said}{f' ({causes})' if causes else ''}: {entry['statement']}"


def claim_failure(entry: Entry, told: Sequence[str], hints: Sequence[str]) -> str:
    """Why a claim's item fails; ``told``: its explanation, by ``told_once``; ``hints`` say how to repeat it and where its counterexample lies.

    Of an exception that another claim was told it says nothing more.
    """
    lines = [headline(entry, told)]
    if same_exception(entry, told):
        return "\n".join([*lines, *hints])
    if entry["error"]:
        lines += ["the search broke off with an error:", entry["error"]]
    elif entry["refutation"] is not None:
        lines += ["shrunk to the", *evaluation_lines(entry["refutation"])]
    elif entry["instances"] == 0:
        lines += ["no instance satisfied its hypotheses and was decided"]
    if entry["refutation"] is None:
        lines += entry.get("unjudged", [])
    if entry["refutation"] is None and entry["undecided_example"] is not None:
        lines += [
            "not decided up to the cap of the precision, for example",
            *evaluation_lines(entry["undecided_example"]),
        ]
    return "\n".join([*lines, *_circumstances(entry), *told, *hints])


def mutant_failure(entry: Entry, hints: Sequence[str]) -> str:
    """Why a mutant's item fails."""
    lines = [f"mutant {entry['id']} survives ({entry['verdict']}): {entry['description']}"]
    if entry["error"]:
        lines += ["the search broke off with an error:", entry["error"]]
    else:
        lines.append("the search found no confirmed violation of this false neighbour; nearest it came:")
        tightest = entry["tightest"]
        if tightest is None:
            lines.append("no instance")
        else:
            where = f"family {tightest['family']}, {description_text(tightest['description'])}"
            lines.append(f"{tightest['label']}: ratio {ratio_text(tightest['ratio'])}, {where}")
    return "\n".join([*lines, *_circumstances(entry), *hints])


REPLAY_VERDICTS = {
    InstanceVerdict.REFUTED.value: "refuted again",
    InstanceVerdict.HOLDS.value: "holds now: the counterexample is none any more",
    InstanceVerdict.UNDECIDED.value: "undecided",
    InstanceVerdict.VACUOUS.value: "vacuous: a hypothesis fails on the instance, so that it says nothing",
    InstanceVerdict.UNDECIDED_HYPOTHESIS.value: "not known: a hypothesis is neither certified nor refuted",
}
"""What a replayed counterexample says of its claim."""


def replay_verdict(entry: Entry) -> str:
    """A replayed counterexample in one line."""
    what = f"the evaluation broke off with an error:\n{entry['error']}" if entry["error"] else ""
    return f"{entry['id']}: {entry['claim']}: {what or REPLAY_VERDICTS[entry['verdict']]}"


def replay_texts(entry: Entry) -> list[str]:
    """A replayed counterexample in full."""
    lines = [replay_verdict(entry), f"  statement: {entry['statement']}"]
    if entry["error"]:
        return lines
    lines += [f"  {line}" for line in evaluation_lines(entry)]
    if entry["rounded"]:
        lines.append(
            f"  the description does not rebuild it: rounded to fewer digits are {', '.join(entry['rounded'])}"
        )
    recorded = entry["recorded"]
    lines.append(
        f"  {entry['verdict']}, ratio {entry['ratio']}; in the file {recorded['verdict']}, {recorded['ratio']}"
    )
    return lines + [f"  {line}" for line in entry["agreement"]]


def replays_sentence(document: Document) -> str:
    """How many of the replayed counterexamples are refuted again."""
    verdicts = [entry["verdict"] for entry in document.replays.values()]
    parts = [
        f"{(count := verdicts.count(verdict.value))} "
        f"{'refuted again' if verdict is InstanceVerdict.REFUTED else plural(verdict.value, count)}"
        for verdict in InstanceVerdict
        if verdict.value in verdicts
    ]
    return f"Of {len(verdicts)} replayed: {', '.join(parts)}."


def _circumstances(entry: Entry) -> Sequence[str]:
    counts = (
        f"instances {entry['instances']}, vacuous {entry['vacuous']}, "
        f"undecided hypotheses {entry['undecided_hypotheses']}, undecided {entry['undecided']}"
    )
    return [
        counts,
        f"by family: {families_text(entry['families'])}",
        f"seed {entry['seed']}, depth {entry['depth']}",
    ]
