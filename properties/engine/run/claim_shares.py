"""What of a claim is searched by itself, where a family of it lists instances that take long: each of these, and each other family.

Together they find what one search of the claim finds, as what a family gives depends on the claim, the family and the seed alone. They
end where that search would: with the first share that is refuted or breaks off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from properties.engine.claim import Claim, Depth, Family
from properties.engine.part import Finished, Setting
from properties.engine.report.entries import Entry, claim_entry
from properties.engine.results import Result
from properties.engine.seeds import claim_seed

TOLD = ("explanation", "remark", "counterexample")
"""What the entry of a claim has from the share with which its search ends."""


@dataclass(frozen=True)
class ClaimShare:
    """A claim with one of its families, or with one instance that this lists."""

    name: str
    """What it is called among those of its claim."""
    claim: Claim[Any]
    """With nothing but what is searched."""

    @property
    def id(self) -> str:
        """What its item is called."""
        return f"{self.claim.id}[{self.name}]"

    @property
    def statement(self) -> str:
        """The claim's."""
        return self.claim.statement


def claim_of(subject: Claim[Any] | ClaimShare) -> Claim[Any]:
    """What is searched for an item."""
    return subject.claim if isinstance(subject, ClaimShare) else subject


def claim_shares(claim: Claim[Any], depth: Depth) -> tuple[ClaimShare, ...]:
    """In the order of one search; none where no family lists several instances for this depth."""
    if not any(len(_listed(family, depth)) > 1 for family in claim.families):
        return ()
    return tuple(
        ClaimShare(name, replace(claim, families=(part,)))
        for family in claim.families
        for name, part in _parts(family, depth)
    )


def _listed(family: Family[Any], depth: Depth) -> Sequence[Mapping[str, Any]]:
    return family.listed[: family.examples[depth]]


def _parts(family: Family[Any], depth: Depth) -> list[tuple[str, Family[Any]]]:
    listed = _listed(family, depth)
    if not listed:
        return [(family.id, family)]
    rest = replace(family, first=())  # which the first of them evaluates for all
    return [
        (f"{family.id} {number}", replace(family if number == 1 else rest, listed=(one,)))
        for number, one in enumerate(listed, 1)
    ]


def result_of(outcome: Result | str) -> Mapping[str, Any] | str:
    """What the whole is made of: all but the claim, whose functions cross to no other process, or the text of an error."""
    return outcome if isinstance(outcome, str) else {key: one for key, one in vars(outcome).items() if key != "claim"}


def joined_entry(claim: Claim[Any], setting: Setting, found: Mapping[str, Finished]) -> Entry | None:
    """The entry of a claim, of the shares that have come by name in any order.

    While one is due there is none, but where one that has come is refuted or broke off: this stands, whatever the others show.
    """
    seed = claim_seed(setting.root, claim.id)
    whole, error = Result(claim, setting.depth.value, seed), None
    shares = claim_shares(claim, setting.depth)
    come = [found[share.name] for share in shares if share.name in found]
    for last in come:
        if not isinstance(last.result, Mapping):
            error = str(last.result)
            break
        whole.include(Result(claim, **last.result))
        if whole.refutation is not None:
            break
    else:
        if len(come) < len(shares):
            return None
    entry = claim_entry(claim, whole if error is None else error, setting.depth.value, seed)
    return entry | {key: last.entry[key] for key in TOLD}
