"""Links of a proof say their step, what they rest on, and where that is."""

from theory.proofs import obligations
from theory.proofs.chain import Basis, Chain, Link, argued, checked, proved


def test_links_keep_their_step_basis_and_references() -> None:
    first, second = list(obligations.values())[:2]
    assert proved("a", first, second) == Link("a", Basis.PROVED, (first.id, second.id))
    assert checked("b", "T1", "T1-q") == Link("b", Basis.CHECKED, ("T1", "T1-q"))
    assert argued("c", "docs/theory.md: here") == Link("c", Basis.ARGUED, ("docs/theory.md: here",))


def test_a_chain_needs_the_obligations_of_its_proved_links_only() -> None:
    first, second = list(obligations.values())[:2]
    links = (checked("a", "T1"), proved("b", second), argued("c", "docs/theory.md: here"), proved("d", first))
    assert Chain("T1", links).obligations == (second.id, first.id)
