"""From results to plain entries: the dictionaries that the terminal, claims.json and index.html are made of.

Everything downstream reads these entries and nothing else, so that a result may cross a process boundary on its way.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from properties.engine.claim import EVIDENCE_ORDER, Bound, Claim, Evaluation, Hypothesis, Mutant, Verdict
from properties.engine.obligations import ObligationResult
from properties.engine.ratios import BINS
from properties.engine.report.plain import plain
from properties.engine.results import Result
from properties.engine.slack import SlackRow
from theory.proof.chain import Chain
from theory.proof.implication import Implication
from theory.proof.obligation import Finding

Entry = dict[str, Any]
"""Plain values under the keys that claims.json promises."""


def hypothesis_entry(hypothesis: Hypothesis) -> Entry:
    """Name, verdict and margin."""
    return {"name": hypothesis.name, "verdict": hypothesis.verdict.value, "margin": plain(hypothesis.margin)}


def bound_entry(bound: Bound) -> Entry:
    """Label, both sides with their ratio and rounding, verdict and evidence."""
    return {
        "label": bound.label,
        "measured": plain(bound.measured),
        "predicted": plain(bound.predicted),
        "ratio": plain(bound.ratio),
        "rounding": plain(bound.rounding),
        "verdict": bound.verdict.value,
        "evidence": bound.evidence.value,
    }


def tightest_entry(evaluation: Evaluation | None) -> Entry | None:
    """The bound with the largest ratio and where it was found; ``seed`` is the witness's own, None where it has none."""
    bound = None if evaluation is None else evaluation.tightest
    if evaluation is None or bound is None:
        return None
    return {
        "ratio": plain(bound.ratio),
        "label": bound.label,
        "measured": plain(bound.measured),
        "predicted": plain(bound.predicted),
        "rounding": plain(bound.rounding),
        "family": evaluation.family,
        "description": plain(evaluation.description),
        "seed": plain(evaluation.description.get("seed")),
        "precision": evaluation.precision,
    }


def _ratio_entry(evaluation: Evaluation | None) -> Entry | None:
    """The largest ratio alone: where the largest of all families was found stands with the claim."""
    bound = None if evaluation is None else evaluation.tightest
    return None if bound is None else {"ratio": plain(bound.ratio)}


def evaluation_entry(evaluation: Evaluation) -> Entry:
    """One instance in full, without its arrays."""
    return {
        "family": evaluation.family,
        "description": plain(evaluation.description),
        "verdict": evaluation.verdict.value,
        "evidence": evaluation.evidence.value,
        "hypotheses": [hypothesis_entry(hypothesis) for hypothesis in evaluation.hypotheses],
        "bounds": [bound_entry(bound) for bound in evaluation.bounds],
        "features": list(evaluation.features),
        "precision": evaluation.precision,
    }


def facts(entry: Entry) -> list[tuple[str, object]]:
    """What an entry comes down to, as (name, value) pairs for JUnit's properties."""
    names = (
        "id",
        "status",
        "verdict",
        "evidence",
        "instances",
        "vacuous",
        "undecided_hypotheses",
        "undecided",
        "depth",
    )
    found: list[tuple[str, object]] = [(name, entry[name]) for name in names if entry.get(name) is not None]
    tightest = entry.get("tightest")
    if tightest:
        found += [("tightest", tightest["ratio"]), ("tightest_family", tightest["family"])]
    found += [(f"instances_{family}", count["instances"]) for family, count in entry.get("families", {}).items()]
    written = [entry["counterexample"]] if entry.get("counterexample") else entry.get("counterexamples", [])
    return [*found, *(("counterexample", path) for path in written)]


def _result_entry(result: Result) -> Entry:
    refuted = result.refutation
    return {
        "verdict": result.verdict.value,
        "evidence": None if result.evidence is None else result.evidence.value,
        "evidence_counts": {one.value: result.by_evidence[one] for one in EVIDENCE_ORDER if result.by_evidence[one]},
        "instances": result.instances,
        "vacuous": result.vacuous,
        "undecided_hypotheses": result.undecided_hypotheses,
        "undecided": result.undecided,
        "sampled_evaluations": result.sampled_evaluations,
        "tightest": tightest_entry(result.tightest),
        "families": {
            family: {
                "instances": count.instances,
                "vacuous": count.vacuous,
                "undecided_hypotheses": count.undecided_hypotheses,
                "undecided": count.undecided,
                "features": {str(feature): number for feature, number in sorted(count.features.items())},
                "ratios": {one: count.ratios[one] for one in BINS if count.ratios[one]},
                "tightest": _ratio_entry(count.tightest),
            }
            for family, count in result.families.items()
        },
        "refutation": None if refuted is None else evaluation_entry(refuted),
        "unjudged": result.unjudged,
        "undecided_example": (None if result.undecided_example is None else evaluation_entry(result.undecided_example)),
        "counterexample": None,
        "error": None,
        "seconds": _seconds(result.seconds),
        "seed": result.seed,
        "depth": result.depth,
    }


def _error_entry(error: str, depth: str, seed: int) -> Entry:
    return {
        "verdict": Verdict.UNDECIDED.value,
        "evidence": None,
        "evidence_counts": {},
        "instances": 0,
        "vacuous": 0,
        "undecided_hypotheses": 0,
        "undecided": 0,
        "sampled_evaluations": 0,
        "tightest": None,
        "families": {},
        "refutation": None,
        "unjudged": [],
        "undecided_example": None,
        "counterexample": None,
        "error": error,
        "seconds": 0.0,
        "seed": seed,
        "depth": depth,
    }


def claim_entry(claim: Claim[Any], outcome: Result | str, depth: str, seed: int) -> Entry:
    """A claim and what its run left: a result, or the text of the error that broke it (then undecided)."""
    found = _error_entry(outcome, depth, seed) if isinstance(outcome, str) else _result_entry(outcome)
    return {
        "kind": "claim",
        "id": claim.id,
        "statement": claim.statement,
        "status": claim.status.value,
        "provenance": claim.provenance.value,
        "source": claim.source,
        **found,
    }


def mutant_entry(mutant: Mutant, outcome: Result | str, depth: str, seed: int) -> Entry:
    """A mutant and what its run left; ``claim`` is the id of the claim whose neighbour it is.

    Of a refutation the instance only: its counterexample file has what was found on it. Of one that survives what is nearest to it.
    """
    found = _error_entry(outcome, depth, seed) if isinstance(outcome, str) else _result_entry(outcome)
    for family in found["families"].values():
        del family["ratios"], family["tightest"]
    if found["refutation"] is not None:
        for key in ("families", "evidence_counts", "sampled_evaluations", "unjudged", "undecided_example", "tightest"):
            del found[key]
        found["refutation"] = {key: found["refutation"][key] for key in ("family", "description")}
    return {
        "kind": "mutant",
        "id": mutant.id,
        "claim": mutant.id.partition("/")[0],
        "description": mutant.description,
        **found,
    }


def obligation_entry(result: ObligationResult) -> Entry:
    """An obligation: its parts with every prover's finding, its mutants with the models that refute them."""
    return {
        "kind": "obligation",
        "id": result.obligation.id,
        "statement": result.obligation.statement,
        "status": result.standing.value,
        "uncovered": list(result.uncovered),
        "provers": {
            prover: {
                "status": standing.value,
                "seconds": _seconds(sum(part[prover].seconds for part in result.parts)),
            }
            for prover, standing in result.by_prover.items()
        },
        "parts": [
            {**_implication_entry(implication), "findings": [_finding_entry(finding) for finding in part.values()]}
            for implication, part in zip(result.obligation.parts, result.parts, strict=True)
        ],
        "mutants": [
            {
                "id": mutant.id,
                "description": mutant.description,
                **_implication_entry(mutant.implication),
                **_finding_entry(finding),
            }
            for mutant, finding in result.mutants
        ],
        "seconds": _seconds(result.seconds),
    }


def _seconds(duration: float) -> float:
    """As far as a clock tells them apart."""
    return round(duration, 4)


def _implication_entry(implication: Implication) -> Entry:
    return {
        "hypotheses": list(implication.hypotheses),
        "conclusion": implication.conclusion,
        "where": dict(implication.where),
    }


def _finding_entry(finding: Finding) -> Entry:
    """``model`` holds exact fractions, as text; without one it is left out, as is ``reason`` where there is none."""
    model = {name: str(value) for name, value in finding.point.items()}
    return {
        "prover": finding.prover,
        "status": finding.standing.value,
        **({"model": model} if model else {}),
        **({"reason": finding.reason} if finding.reason else {}),
        "seconds": _seconds(finding.seconds),
    }


def chain_entry(chain: Chain) -> Entry:
    """A theorem's proof: its links, each with what it rests on."""
    return {
        "theorem": chain.theorem,
        "links": [
            {"step": link.step, "basis": link.basis.value, "references": list(link.references)} for link in chain.links
        ],
    }


def slack_entry(row: SlackRow) -> Entry:
    """A row of the slack table; a hypothesis without a known counterexample has no numbers."""
    return {key: plain(value) for key, value in asdict(row).items() if key != "drops"}
