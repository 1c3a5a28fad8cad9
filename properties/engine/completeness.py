"""What belongs beside a claim and is missing, each in a line that says what to add and where."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from properties.engine.claim import Claim, Status
from properties.engine.extension import Suite
from theory.proof.chain import Basis
from theory.proof.obligation import Obligation

_UNSAID = (
    "what it assumes is not said; add assumes=(...), the theorem's hypotheses by name, where the claim is made, or, where it has "
    "none that could be dropped, unconditional='of what it speaks'"
)


def lacking(claim: Claim[Any], suite: Suite) -> list[str]:
    """What the suite still owes the claim: formulas, what shows that each hypothesis is needed, a proof, a place in its document.

    Chains are asked for where the suite has any, a place where it names a document that is there.
    """
    found = (*_formulas(claim), *_hypotheses(claim, suite), *_proof(claim, suite), *_place(claim, suite))
    return [f"{claim.id}: {line}" for line in found]


def unneeded(obligation: Obligation, suite: Suite) -> list[str]:
    """A line for an obligation that no chain needs."""
    if any(obligation.id in chain.obligations for chain in suite.chains.values()):
        return []
    return [
        f'{obligation.id}: in no chain; add proved("...", {obligation.id}) to the Chain of the theorem that needs it, or delete it'
    ]


def strangers(claim: Claim[Any], names: Collection[str]) -> list[str]:
    """Hypotheses that instances were asked for, by name, which belong to none of those that the claim assumes, or to several."""
    found = []
    for name in sorted(names):
        known = [one for one in claim.assumes if name.startswith(one)]
        if not known:
            found.append(
                f"{claim.id}: its instances are asked for {name!r}, which begins with no name in assumes=(...); add it there "
                f"with a mutant that drops it, or make it technical(...) where the theorem does not assume it"
            )
        elif len(known) > 1:
            found.append(
                f"{claim.id}: {name!r} begins with {' and with '.join(known)}; give them names apart in assumes"
            )
    return found


def _formulas(claim: Claim[Any]) -> list[str]:
    if claim.formulas is not None and claim.formulas.conclusion:
        return []
    return ["no formulas; add formulas=Formulas(conclusion=(...), ...) where the claim is made"]


def _hypotheses(claim: Claim[Any], suite: Suite) -> list[str]:
    if bool(claim.assumes) == bool(claim.unconditional):
        return [_UNSAID]
    mutants = {mutant.id for one in suite.claims.values() for mutant in one.mutants}
    dropped = {mutant.drops for mutant in claim.mutants if mutant.drops}
    dropped |= {row.drops for row in suite.slack if row.claim == claim.id and row.drops}
    elsewhere = {name for name, id in claim.shown_elsewhere.items() if id in mutants}
    found = [
        f"nothing shows that {name!r} is needed; add a mutant, neighbour(..., drops={name!r}), or where no counterexample is known "
        f"SlackRow(..., drops={name!r})"
        for name in claim.assumes
        if name not in dropped | set(claim.shown_elsewhere)
    ]
    found += [
        f"shown_elsewhere names {claim.shown_elsewhere[name]} for {name!r}, which is no mutant of the suite"
        for name in sorted(set(claim.shown_elsewhere) - elsewhere)
    ]
    return found + [
        f"{name!r} is dropped but not assumed; add it to assumes=(...) where the claim is made, or correct its name"
        for name in sorted((dropped | set(claim.shown_elsewhere)) - set(claim.assumes))
    ]


def _proof(claim: Claim[Any], suite: Suite) -> list[str]:
    if not suite.chains or claim.status is not Status.THEOREM:
        return []
    chain = suite.chains.get(claim.id)
    if chain is None:
        return [
            f'no chain; add Chain("{claim.id}", ...) beside the obligations of its theorem, or status=Status.CONJECTURE'
        ]
    if all(link.basis is Basis.CHECKED for link in chain.links):
        return [
            'its chain proves nothing; add proved("...", O-id) or argued("...", "file: phrase"), or status=Status.CONJECTURE'
        ]
    needed = {id for id, one in suite.obligations.items() if claim.id in {theorem for theorem, _ in suite.ties(one)}}
    return [
        *(
            f"its chain needs {id}, which is no obligation of the suite"
            for id in chain.obligations
            if id not in suite.obligations
        ),
        *(
            f'{id} is proved for its numbers but is not in its chain; add proved("...", {id}) to Chain("{claim.id}", ...)'
            for id in sorted(needed - set(chain.obligations))
        ),
    ]


def _place(claim: Claim[Any], suite: Suite) -> list[str]:
    document = suite.document
    if document is None or not document.is_file() or claim.id in named_in(document.read_text(encoding="utf-8")):
        return []
    return [f"no place in {document.name}; add a paragraph with **{claim.id}** there"]


def named_in(text: str) -> frozenset[str]:
    """The ids that a document in Markdown has places for: in bold type, in headings, or said to be one's id."""
    places = re.findall(r"\*\*((?:\\\*|[^*\n])+)\*\*|^#+ (.*)$|\(id ([^)\s]+)\)", text, re.MULTILINE)
    return frozenset(word for found in places for place in found for word in re.findall(r"[\w-]+", place))
