"""Every obligation is proved by both provers and every mutant refuted; what is not a proof never becomes one."""

import json
import sys
import time
from collections.abc import Iterator
from fractions import Fraction

import pytest

from theory.catalogue import obligations
from theory.errors import FormulaError
from theory.proof.formula import DivisorError, names
from theory.proof.implication import Implication
from theory.proof.obligation import Finding, Mutant, Obligation, Standing, combined, decide, refute
from theory.proof.provers import PROVERS, Prover

OF_THE_TEXT = (
    *("O-t1", "O-q", "O-ball", "O-sharp-S", "O-sharp-lo", "O-sharp-hi", "O-tq"),
    *("O-sharp-rate", "O-sharp-ball", "O-t2", "O-t4", "O-t3"),
)
"""Those that docs/theory.md, section 10, names."""

TRUE = Implication(("0 <= x <= 1",), "x**2 <= x")
FALSE = Implication(("0 <= x <= 2",), "x**2 <= x")
UNPROVED = [{"answer": "unknown", "model": {}, "reason": "too hard"}]


def fake(*replies: object) -> Prover:
    """A prover that gives these replies, whatever is asked, the last one again and again."""
    lines = [json.dumps(reply) for reply in replies]
    text = (
        f"import sys\nlines = {lines!r}\nfor count, line in enumerate(sys.stdin):\n"
        "    print(lines[min(count, len(lines) - 1)], flush=True)"
    )
    return Prover("fake", 5.0, [sys.executable, "-I", "-c", text])


def sat(**model: str) -> object:
    return {"answer": "sat", "model": model, "reason": ""}


@pytest.fixture(scope="module", params=PROVERS)
def prover(request: pytest.FixtureRequest) -> Iterator[Prover]:
    with Prover(request.param) as found:
        yield found


@pytest.fixture(scope="module")
def provers() -> Iterator[list[Prover]]:
    with Prover("z3") as z3, Prover("cvc5") as cvc5:
        yield [z3, cvc5]


@pytest.mark.parametrize("obligation", obligations.values(), ids=obligations)
def test_both_provers_prove_every_obligation(obligation: Obligation, prover: Prover) -> None:
    for part in obligation.parts:
        finding = decide(part, prover)
        assert finding.standing is Standing.PROVED, finding
        assert finding.prover == prover.name
        assert 0 < finding.seconds < 10


@pytest.mark.parametrize("obligation", obligations.values(), ids=obligations)
def test_every_mutant_is_refuted_and_every_part_has_one(obligation: Obligation, provers: list[Prover]) -> None:
    assert {mutation.part for mutation in obligation.mutations} == set(range(len(obligation.parts)))
    for mutant in obligation.mutants:
        finding = refute(mutant.implication, provers)
        assert finding.standing is Standing.REFUTED, (mutant.id, finding)
        assert mutant.implication.refuted_at(finding.point)


def test_the_obligations_of_the_text_are_there_and_ids_are_unique() -> None:
    assert set(OF_THE_TEXT) <= set(obligations)
    assert all(id == obligation.id for id, obligation in obligations.items())
    mutants = [mutant.id for obligation in obligations.values() for mutant in obligation.mutants]
    assert len(mutants) == len(set(mutants))
    assert all(obligation.statement.strip() for obligation in obligations.values())


@pytest.mark.parametrize("obligation", obligations.values(), ids=obligations)
def test_definitions_are_used(obligation: Obligation) -> None:
    for part in obligation.parts:
        used = {name for text in (*part.hypotheses, part.conclusion, *part.where.values()) for name in names(text)}
        assert set(part.where) <= used


def test_a_planted_false_obligation_is_refuted_by_both(prover: Prover) -> None:
    finding = decide(FALSE, prover)
    assert finding.standing is Standing.REFUTED
    assert FALSE.refuted_at(finding.point)
    assert decide(TRUE, prover).standing is Standing.PROVED


def test_an_irrational_model_becomes_a_rational_counterexample_or_nothing(prover: Prover) -> None:
    beyond = decide(Implication(("x**2 >= 2", "x > 0", "y <= x"), "y < 2 - y**4"), prover)
    assert beyond.standing is Standing.REFUTED
    only = decide(Implication(("x**2 == 2",), "x == 0"), prover)
    assert only.standing is Standing.UNDECIDED  # true counterexamples are irrational: none is shown
    assert "not a counterexample in exact arithmetic" in only.reason


def test_an_ill_defined_statement_is_not_proved(prover: Prover) -> None:
    for implication in (
        Implication(("0 <= x",), "1/x >= 0"),
        Implication(("0 <= x", "y <= 1/x"), "x*y <= 1"),
        Implication(("-1 <= x <= 1",), "a*x <= a", {"a": "1/(1-x)"}),
    ):
        finding = decide(implication, prover)
        assert finding.standing is Standing.UNDECIDED
        assert "not positive" in finding.reason


def test_a_divisor_may_be_positive_by_a_hypothesis_with_another_divisor(prover: Prover) -> None:
    assert decide(Implication(("0 < x", "y > 1/x"), "1/y < x"), prover).standing is Standing.PROVED


@pytest.mark.parametrize(
    ("implication", "replies", "standing", "reason"),
    [
        (TRUE, UNPROVED, Standing.UNDECIDED, "too hard"),
        (TRUE, [sat(x="1/2")], Standing.UNDECIDED, "not a counterexample"),
        (TRUE, [sat(x="3")], Standing.UNDECIDED, "not a counterexample"),
        (TRUE, [sat()], Standing.UNDECIDED, "not a counterexample"),
        (FALSE, [sat(x="3/2")], Standing.REFUTED, ""),
        (FALSE, [sat(x="5/2"), sat(x="7/4")], Standing.REFUTED, ""),
        (FALSE, [sat(x="1/2"), *UNPROVED], Standing.UNDECIDED, "not a counterexample"),
        (FALSE, [*UNPROVED], Standing.UNDECIDED, "too hard"),
        (FALSE, [sat(y="3/2")], Standing.UNDECIDED, "not a counterexample"),
    ],
)
def test_models_are_checked_exactly(
    implication: Implication, replies: list[object], standing: Standing, reason: str
) -> None:
    """A wrong model never refutes; the second question, for a point in the interior, may still find one."""
    started = time.perf_counter()
    with fake(*replies) as prover:
        finding = decide(implication, prover)
    assert 0 <= finding.seconds <= time.perf_counter() - started
    assert finding.standing is standing
    assert reason in finding.reason
    assert bool(finding.point) is (standing is Standing.REFUTED)


def test_a_prover_that_hangs_leaves_it_undecided_within_its_limit() -> None:
    with Prover("fake", 0.5, [sys.executable, "-I", "-c", "import time; time.sleep(60)"]) as prover:
        started = time.monotonic()
        finding = decide(TRUE, prover)
        assert time.monotonic() - started < 5
    assert finding.standing is Standing.UNDECIDED
    assert finding.reason == "no answer within 0.5 s"
    assert finding.seconds >= 0.5


def test_short_fractions_are_shown_where_they_are_counterexamples() -> None:
    with fake(sat(x="1414213/1000000")) as prover:
        assert decide(FALSE, prover).point == {"x": Fraction(7, 5)}


def test_what_findings_come_to_together() -> None:
    def of(*standings: Standing) -> Standing:
        return combined([Finding("z3", standing) for standing in standings])

    assert of() is Standing.UNDECIDED
    assert of(Standing.PROVED) is of(Standing.PROVED, Standing.PROVED) is Standing.PROVED
    assert of(Standing.PROVED, Standing.UNDECIDED) is Standing.UNDECIDED
    assert of(Standing.UNDECIDED, Standing.REFUTED, Standing.PROVED) is Standing.REFUTED


def test_refute_asks_the_next_prover_and_needs_one() -> None:
    with fake(*UNPROVED) as silent, fake(sat(x="2")) as knowing:
        assert refute(FALSE, [silent, knowing]).standing is Standing.REFUTED
        assert refute(FALSE, [knowing, silent]).standing is Standing.REFUTED
        assert refute(FALSE, [silent]).standing is Standing.UNDECIDED
    with pytest.raises(ValueError, match="no prover"):
        refute(FALSE, [])


def test_mutations_replace_a_fragment_that_occurs_once() -> None:
    whole = Implication(("0 <= x <= limit",), "2*x <= y", {"y": "3*limit"})
    assert whole.changed({"2*x": "x", "3*": "4*"}) == Implication(("0 <= x <= limit",), "x <= y", {"y": "4*limit"})
    for replacements in ({"limit": "z"}, {"w": "z"}, {"2*x": "2*x"}):
        with pytest.raises(FormulaError, match="must occur once"):
            whole.changed(replacements)
    assert whole.variables == ("x", "limit")
    assert Mutant("a/b", "", whole).implication is whole


def test_points_of_an_implication() -> None:
    found = Implication(("x > 0",), "y < 1", {"z": "1/x", "y": "z + 1/2"})
    assert found.values({"x": Fraction(4)}) == {"x": 4, "z": Fraction(1, 4), "y": Fraction(3, 4)}
    assert not found.refuted_at({"x": Fraction(4)})
    assert found.refuted_at({"x": Fraction(1)})
    with pytest.raises(DivisorError):
        found.refuted_at({"x": Fraction(0)})
