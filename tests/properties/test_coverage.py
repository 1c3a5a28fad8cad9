"""Every statement of the theory is a claim or has a reason why it is not one."""

from properties.catalogue import registry
from properties.coverage import NOT_EXECUTABLE, STATEMENTS, missing


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
