"""Every statement of the theory is a claim or has a reason why it is not one."""

from properties.catalogue import registry, slack_table
from properties.coverage import NOT_EXECUTABLE, STATEMENTS, missing
from properties.dropped import DROPPED, gaps

LISTED = {id: claim for id, claim in registry.items() if claim.formulas is None}
"""Claims without what stands beside others."""

MUTANTS = frozenset(mutant.id for claim in registry.values() for mutant in claim.mutants)
ROWS = frozenset(
    (row.claim, row.quantity) for row in slack_table if row.paper is None and row.proved is None and row.refuted is None
)


def test_every_statement_is_a_claim_or_has_a_reason() -> None:
    assert missing(registry) == []


def test_reasons_are_given_to_statements_that_are_no_claims() -> None:
    assert set(NOT_EXECUTABLE) <= set(STATEMENTS)
    assert not set(NOT_EXECUTABLE) & set(registry)
    assert all(len(reason) > 20 for reason in NOT_EXECUTABLE.values())


def test_statements_are_listed_once() -> None:
    assert len(STATEMENTS) == len(set(STATEMENTS)) == 56


def test_what_is_missing_is_named() -> None:
    assert missing({id: None for id in STATEMENTS if id != "T5"}) == ["T5"]


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
