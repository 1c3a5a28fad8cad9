"""Every term of every bound left out in turn, with many ways to round; tests/theory/rigour/test_rounding_model.py does so for a sample."""

import pytest

from tests.theory.rigour.test_rounding_model import CASES
from tests.theory.rounding_model.case import MANY_SEEDS, NEGLIGIBLE, UNIT_ROUNDOFF, Case, aimed, exceeded, named
from tests.theory.rounding_model.dominated import BY_FUNCTION, reason
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.terms import terms_of


@pytest.fixture(scope="module")
def theory() -> Theory:
    return Theory(UNIT_ROUNDOFF)


@pytest.mark.parametrize(("module", "function"), list(named(CASES)))
def test_each_term_is_missed_or_has_a_reason(theory: Theory, module: str, function: str) -> None:
    """A reason that is not needed any more is named too: a case has been found."""
    name = f"{module.removeprefix('theory.')}.{function}"
    watching = [case for case in CASES if f"{module.removeprefix('theory.')}:{function}" in case.watches]
    missed: dict[str, list[bool]] = {}
    for term in terms_of(module, function):
        found = any(exceeded(case, theory, case.directors(theory, MANY_SEEDS), term) for case in watching)
        assert found or reason(term) is not None, f"no case misses {term}"
        if reason(term) in [why for _, why in BY_FUNCTION.get(name, ())]:
            missed.setdefault(term.text, []).append(found)
    stale = [text for text, several in missed.items() if all(several)]  # the same text may stand in several places
    assert not stale, f"cases miss {stale} of {name}: take them from the list of those that none needs"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_bound_is_exceeded_in_many_ways_to_round(theory: Theory, case: Case) -> None:
    for director in (*case.directors(theory, MANY_SEEDS), aimed(case, theory)):
        assert case.worst(theory, director) <= NEGLIGIBLE
