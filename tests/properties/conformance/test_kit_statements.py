"""Every claim of the kit holds of the library that is right; each fault is refuted where it is named; scopes end where they end."""

from typing import Any

import pytest

from properties.conformance.faults import FAULTS
from properties.conformance.kit import claim_of, kit, statements
from properties.conformance.library import Library
from properties.conformance.plain_steps import PlainSteps
from properties.conformance.statement import Statement
from properties.engine.claim import Claim, Depth, Verdict
from properties.engine.search import run_claim

STATEMENTS = {one.id: one for one in statements()}
NAMED = [(one.id, fault) for one in STATEMENTS.values() for fault in one.faults]


def claim_on(statement: Statement, library: Library) -> Claim[Any]:
    return claim_of(statement, statement.sources, library)


@pytest.mark.parametrize("id", STATEMENTS)
def test_the_library_that_is_right_is_not_refuted(id: str) -> None:
    result = run_claim(claim_on(STATEMENTS[id], Library.of("plain NumPy", PlainSteps())), Depth.QUICK, 0)
    assert result.verdict is Verdict.HOLDS, result.refutation
    assert all({"float32", "float64"} <= set(count.features) for count in result.families.values())


@pytest.mark.parametrize(("id", "fault"), NAMED)
def test_each_wrong_program_is_refuted_by_the_claims_that_name_it(id: str, fault: str) -> None:
    library = Library.of(f"wrong program {fault}", FAULTS[fault].program())
    result = run_claim(claim_on(STATEMENTS[id], library), Depth.QUICK, 0)
    assert result.verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    "mutant",
    [
        m
        for s in STATEMENTS.values()
        for m in claim_on(s, Library.of("plain NumPy", PlainSteps())).mutants
        if "/beyond-" in m.id
    ],
    ids=lambda m: m.id,
)
def test_one_step_beyond_its_scope_each_statement_is_false(mutant: Any) -> None:
    assert run_claim(mutant.claim, Depth.QUICK, 0).verdict is Verdict.REFUTED


def test_the_fourteen_claims_name_all_of_the_44_faults() -> None:
    assert len(STATEMENTS) == 14
    assert {fault.number for fault in FAULTS.values()} - {0} == set(range(1, 45))
    assert {fault for _, fault in NAMED} == set(FAULTS)


def test_what_a_library_has_not_is_not_judged_and_listed() -> None:
    class Factors:
        @staticmethod
        def curvature(problem: Any) -> Any:
            if problem.approximation != "expand" or problem.fisher != "exact":
                raise NotImplementedError("only exact factors in the setting expand")
            return PlainSteps().curvature(problem)

    found = kit(Library.of("factors alone", Factors))
    judged = {id.removeprefix("library-") for id in found.claims}
    assert judged == {"L-one", "L-linear", "L-expand", "L-conv", "L-type2", "L-mean"}
    assert found.left_out["L-solve (pi)"] == "it has no solve"
    assert found.left_out["L-one (dense blocks)"] == "only exact factors in the setting expand"
    assert [f.id for f in found.claims["library-L-one"].families] == ["one datum"]
