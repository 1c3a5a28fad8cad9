"""What a run of a claim or a mutant leaves behind: counts by family, the tightest instance, the shrunk refutation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from properties.engine.claim import Claim, Evaluation, Evidence, InstanceVerdict, Verdict, weakest
from properties.engine.ratios import ratio_bin


@dataclass
class FamilyCount:
    """Instances of one family. ``instances`` counts non-vacuous ones only; the others are apart."""

    instances: int = 0
    vacuous: int = 0
    undecided_hypotheses: int = 0
    undecided: int = 0
    features: Counter[str] = field(default_factory=Counter)
    ratios: Counter[str] = field(default_factory=Counter)
    """How many instances have their tightest ratio in which bin (properties/engine/ratios.py)."""
    tightest: Evaluation | None = None
    unmet: Counter[str] = field(default_factory=Counter)
    """How many vacuous instances failed which hypothesis."""

    def include(self, other: FamilyCount) -> None:
        """Count in what was counted by itself, after this."""
        self.instances += other.instances
        self.vacuous += other.vacuous
        self.undecided_hypotheses += other.undecided_hypotheses
        self.undecided += other.undecided
        self.features += other.features
        self.ratios += other.ratios
        self.unmet += other.unmet
        if other.tightest is not None and (self.tightest is None or _ratio(other.tightest) > _ratio(self.tightest)):
            self.tightest = other.tightest


@dataclass
class Result:
    """The record of one claim or mutant, filled evaluation by evaluation."""

    claim: Claim[Any]
    depth: str
    seed: int
    families: dict[str, FamilyCount] = field(default_factory=dict)
    refutation: Evaluation | None = None
    """A confirmed violation, shrunk."""
    seconds: float = 0.0
    by_evidence: Counter[Evidence] = field(default_factory=Counter)
    """How many instances were counted on which evidence, each on its own weakest."""
    undecided_example: Evaluation | None = None
    sampled_evaluations: int = 0
    """How many descriptions a sampled claim was evaluated on, shrinking included: what it spent of the error budget."""
    assumed: set[str] = field(default_factory=set)
    """Names of the hypotheses that instances were asked for, without technical ones."""

    def record(self, evaluation: Evaluation) -> None:
        """Count one evaluation."""
        count = self.families.setdefault(evaluation.family, FamilyCount())
        self.assumed.update(one.name for one in evaluation.hypotheses if not one.technical)
        match evaluation.verdict:
            case InstanceVerdict.VACUOUS:
                count.vacuous += 1
                count.unmet.update(one.name for one in evaluation.hypotheses if one.verdict is Verdict.REFUTED)
                return
            case InstanceVerdict.UNDECIDED_HYPOTHESIS:
                count.undecided_hypotheses += 1
                return
            case InstanceVerdict.UNDECIDED:
                count.undecided += 1
                self.undecided_example = evaluation
                return
        count.instances += 1
        count.features.update(evaluation.features)
        self.by_evidence[evaluation.evidence] += 1
        if evaluation.tightest is not None:
            count.ratios[ratio_bin(evaluation.tightest.ratio)] += 1
        if count.tightest is None or _ratio(evaluation) > _ratio(count.tightest):
            count.tightest = evaluation

    def include(self, other: Result) -> None:
        """Take in what a later search of the same claim has found, of other families or of other instances."""
        for family, count in other.families.items():
            self.families.setdefault(family, FamilyCount()).include(count)
        self.refutation = other.refutation
        self.seconds += other.seconds
        self.by_evidence += other.by_evidence
        self.undecided_example = other.undecided_example or self.undecided_example
        self.sampled_evaluations += other.sampled_evaluations
        self.assumed |= other.assumed

    @property
    def evidence(self) -> Evidence | None:
        """The weakest evidence among the instances counted; None before the first."""
        return weakest(self.by_evidence) if self.by_evidence else None

    @property
    def instances(self) -> int:
        """Non-vacuous, decided instances over all families."""
        return sum(count.instances for count in self.families.values())

    @property
    def vacuous(self) -> int:
        """Instances with a failed hypothesis."""
        return sum(count.vacuous for count in self.families.values())

    @property
    def undecided_hypotheses(self) -> int:
        """Instances with a hypothesis that is neither certified nor refuted."""
        return sum(count.undecided_hypotheses for count in self.families.values())

    @property
    def undecided(self) -> int:
        """Instances whose conclusion no precision up to the cap could decide."""
        return sum(count.undecided for count in self.families.values())

    @property
    def tightest(self) -> Evaluation | None:
        """The evaluation with the largest ratio over all families."""
        found = [count.tightest for count in self.families.values() if count.tightest is not None]
        return max(found, key=_ratio, default=None)

    @property
    def verdict(self) -> Verdict:
        """Refuted by one confirmed violation; undecided without instances, or with an undecided one; else holds.

        Undecided too where the claim asks for instances of every family and one had none, or a listed one was not judged.
        """
        if self.refutation is not None:
            return Verdict.REFUTED
        if self.instances == 0 or self.undecided > 0 or self.unjudged:
            return Verdict.UNDECIDED
        return Verdict.HOLDS

    @property
    def unjudged(self) -> list[str]:
        """Which families had no instance that was judged, and why, where the claim asks for one of each.

        So does a claim with a family that lists instances, of which each has to be judged: it may be the only one of its item.
        """
        listing = {family.id for family in self.claim.families if family.listed}
        if not (self.claim.every_family or listing):
            return []
        lines = []
        for family, count in self.families.items():
            left, judged = count.vacuous + count.undecided_hypotheses, count.instances + count.undecided
            if not left or (judged and family not in listing):
                continue
            unmet = "; ".join(
                f"{'once' if number == 1 else f'{number} times'} not: {name}"
                for name, number in count.unmet.most_common()
            )
            reasons = unmet or f"undecided hypotheses: {count.undecided_hypotheses}"
            which = f"{left} not judged" if judged else "no instance was judged"
            lines.append(f"family {family}: {which}, of {left + judged} ({reasons})")
        return lines


def _ratio(evaluation: Evaluation) -> float:
    bound = evaluation.tightest
    return -1.0 if bound is None else bound.ratio


@dataclass(frozen=True)
class Isolation:
    """A refutation evaluated where nothing else came before, and what that says of it."""

    evaluation: Evaluation
    remark: str
    """A sentence for the first line of the failure."""
