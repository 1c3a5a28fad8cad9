"""Each hypothesis of a claim that has nothing beside it is listed, with the mutant or the slack row that drops it."""

from properties.catalogue import registry, slack_table
from properties.dropped import DROPPED, gaps

LISTED = {id: claim for id, claim in registry.items() if claim.formulas is None}
"""Claims without what stands beside others."""

MUTANTS = frozenset(mutant.id for claim in registry.values() for mutant in claim.mutants)
ROWS = frozenset(
    (row.claim, row.quantity) for row in slack_table if row.paper is None and row.proved is None and row.refuted is None
)


def test_each_hypothesis_has_a_mutant_without_it_or_a_row_that_knows_of_none() -> None:
    assert gaps(LISTED, MUTANTS, ROWS) == []


def test_what_drops_no_hypothesis_is_named() -> None:
    assert gaps({**LISTED, "T9": None}, MUTANTS, ROWS) == ["T9: no hypotheses listed"]
    (found,) = gaps(LISTED, MUTANTS - {"T1/condition-1-dropped"}, ROWS)
    assert found.startswith("T1, Condition 1: T1/condition-1-dropped is neither a mutant")
    assert len(gaps(LISTED, MUTANTS, frozenset())) == sum(
        shown not in MUTANTS for needs in DROPPED.values() for shown in needs.values()
    )
    assert gaps({id: None for id in LISTED if id != "T0"}, MUTANTS, ROWS) == ["T0: no such claim"]
