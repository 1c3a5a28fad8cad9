"""Which claims a run takes, and whether they are fit to run."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from properties.engine.claim import Claim, Depth
from properties.engine.extras import Extra, missing_from, require_extra
from properties.engine.search import SHRINK_EVALUATIONS
from properties.engine.slack import SlackRow
from properties.engine.statistics import CHECKS, EVALUATIONS, description_key
from theory.errors import ChoiceError
from theory.proof.chain import Chain
from theory.proof.obligation import Obligation

ALL_CLAIMS = "all"
"""The value of ``--claim`` that stands for every claim of the registry."""

Registry = Mapping[str, Claim[Any]]


def selected_claims(
    registry: Registry, requested: Sequence[str], dataset_only: bool, obligations: Collection[str] = ()
) -> tuple[Claim[Any], ...]:
    """The claims to run, in the registry's order: those requested, or all unless only a data set was asked for.

    Ids of obligations may be among those requested. Raises ChoiceError for an id that is known as neither.
    """
    unknown = [id for id in requested if id not in registry and id not in obligations and id != ALL_CLAIMS]
    if unknown:
        known = ", ".join([ALL_CLAIMS, *registry, *obligations])
        near = difflib.get_close_matches(unknown[0], [*registry, *obligations], 1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise ChoiceError(f"unknown claim {', '.join(unknown)}; {meant}known: {known}")
    if ALL_CLAIMS in requested or not (requested or dataset_only):
        return tuple(registry.values())
    return tuple(claim for id, claim in registry.items() if id in requested)


def selected_obligations(
    obligations: Mapping[str, Obligation], chains: Mapping[str, Chain], requested: Sequence[str], dataset_only: bool
) -> tuple[Obligation, ...]:
    """The obligations to prove, in their order: those requested, and those in the proofs of the claims that are.

    All of them when all claims are run, none when only a data set was asked for.
    """
    if ALL_CLAIMS in requested or not (requested or dataset_only):
        return tuple(obligations.values())
    needed = {id for theorem in requested if theorem in chains for id in chains[theorem].obligations}
    return tuple(obligation for id, obligation in obligations.items() if id in needed or id in requested)


def selected_slack(rows: Sequence[SlackRow], claims: Collection[str]) -> tuple[SlackRow, ...]:
    """The rows of the slack table that are about the claims of these ids."""
    return tuple(row for row in rows if row.claim in claims)


@dataclass(frozen=True)
class Feasible:
    """What of a selection can be run with the extras that are installed."""

    claims: tuple[Claim[Any], ...]
    """Without the families that need another one."""
    obligations: tuple[Obligation, ...]
    left_out: Mapping[str, tuple[str, ...]]
    """By extra, what is not run for want of it: ids of obligations, claims with their families."""


def feasible(claims: Sequence[Claim[Any]], obligations: Sequence[Obligation], requested: Collection[str]) -> Feasible:
    """Leave out, and name, what needs an extra that is not installed.

    A claim is checked without the families and the proof's obligations that it cannot have here: they are evidence of their
    own, and what is left out is counted in the run's lines. Raises MissingExtraError for an obligation that was itself requested.
    """
    absent = {extra for extra in Extra if missing_from(extra)}
    left_out: dict[str, tuple[str, ...]] = {}
    if Extra.PROOFS in absent and obligations:
        for obligation in obligations:
            if obligation.id in requested:
                require_extra(Extra.PROOFS, f"the proof of {obligation.id}")
        left_out[Extra.PROOFS] = tuple(obligation.id for obligation in obligations)
        obligations = ()
    kept = []
    for claim in claims:
        families = tuple(family for family in claim.families if family.extra not in absent)
        for family in claim.families:
            if family.extra in absent:
                left_out[family.extra] = (*left_out.get(family.extra, ()), f"{claim.id} {family.id}")
        kept.append(claim if len(families) == len(claim.families) else dataclasses.replace(claim, families=families))
    return Feasible(tuple(kept), tuple(obligations), left_out)


def defects(registry: Registry) -> list[str]:
    """What makes entries of the registry unfit to run: nothing to test them on, or nothing to test the test with."""
    if not registry:
        return ["the registry of claims is empty"]
    found = []
    seen: set[str] = set()
    for key, claim in registry.items():
        if key != claim.id:
            found.append(f"{key}: registered under this name, but its id is {claim.id}")
        if not claim.families:
            found.append(f"{claim.id}: no family of instances, so nothing tests it")
        if not claim.mutants:
            found.append(f"{claim.id}: no mutants, so nothing shows that its test can fail")
        for mutant in claim.mutants:
            if not mutant.id.startswith(f"{claim.id}/") or mutant.id != mutant.claim.id:
                found.append(f"{claim.id}: its mutant is called {mutant.id}, not {claim.id}/...; use Claim.neighbour")
            if mutant.id in seen:
                found.append(f"{claim.id}: two mutants are called {mutant.id}")
            seen.add(mutant.id)
        for one in (claim, *(mutant.claim for mutant in claim.mutants)):
            found += _family_defects(one)
    return found + _budget_defects(registry)


def _family_defects(claim: Claim[Any]) -> list[str]:
    ids = [family.id for family in claim.families]
    found = [f"{claim.id}: two families are called {id}" for id in sorted(set(ids)) if ids.count(id) > 1]
    for family in claim.families:
        missing = [depth.value for depth in Depth if family.examples.get(depth, 0) < 1]
        if missing:
            found.append(f"{claim.id}: family {family.id} draws nothing at depth {', '.join(missing)}")
        if len({description_key(one) for one in family.listed}) < len(family.listed):
            found.append(f"{claim.id}: family {family.id} lists an instance twice")
    return found


def _budget_defects(registry: Registry) -> list[str]:
    """Whether the sampled claims and mutants fit into the error budget of a run."""
    searches = [one for claim in registry.values() for one in (claim, *(mutant.claim for mutant in claim.mutants))]
    sampled = [one for one in searches if one.sampled is not None]
    found = [
        f"{one.id}: more than {EVALUATIONS} evaluations at depth {depth.value}, shrinking included, for the error budget"
        for one in sampled
        for depth in Depth
        if sum(family.examples.get(depth, 0) for family in one.families) + SHRINK_EVALUATIONS + 1 > EVALUATIONS
    ]
    if len(sampled) > CHECKS:
        found.append(f"{len(sampled)} sampled claims and mutants; the error budget is split for {CHECKS}")
    return found
