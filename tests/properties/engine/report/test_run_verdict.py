"""The word at the head of a page."""

from properties.engine.claim import Verdict
from properties.engine.report.run_verdict import FAILING, RunVerdict


def test_no_word_of_success_stands_above_what_was_not_checked() -> None:
    assert {one.value: one.headline for one in RunVerdict} == {
        "holds": "Holds",
        "refuted": "Refuted",
        "undecided": "Undecided",
        "unchecked": "Nothing checked",
        "uncertified": "Nothing refuted",
    }
    assert {one.value for one in Verdict} == {one.value for one in RunVerdict} - {"unchecked", "uncertified"}
    assert set(FAILING) == {RunVerdict.REFUTED, RunVerdict.UNDECIDED}
