"""Links of a proof say their step and where they rest; what they rest on follows, and every one is on a list that was read."""

import pytest

from properties import registry
from tests.theory.links import FILE, lines
from theory.catalogue import obligations
from theory.proof.chain import Basis, Chain, Link, argued, checked, proved

PLACE = "docs/theory.md: here"


def test_links_keep_their_step_and_references() -> None:
    first, second = list(obligations.values())[:2]
    assert proved("a", first, second) == Link("a", (first.id, second.id))
    assert checked("b", "T1", "T1-q") == Link("b", ("T1", "T1-q"))
    assert argued("c", PLACE) == Link("c", (PLACE,))


def test_what_a_link_rests_on_follows_from_what_it_refers_to() -> None:
    first = next(iter(obligations.values()))
    links = proved("a", first), checked("b", "T1"), argued("c", PLACE)
    assert [link.basis for link in links] == [Basis.PROVED, Basis.CHECKED, Basis.ARGUED]
    assert all(Link("a", (id,)).basis is Basis.PROVED for id in obligations)
    assert all(Link("a", (id,)).basis is Basis.CHECKED for id in registry)


def test_a_link_cannot_be_called_what_it_is_not() -> None:
    first = next(iter(obligations.values()))
    wrong = ((checked, PLACE), (checked, first.id), (argued, "T1"), (argued, first.id))
    for called, reference in wrong:
        with pytest.raises(ValueError, match="is called"):
            called("a", reference)
    for references in ((), (first.id, "T1"), ("T1", PLACE), (PLACE, first.id)):
        with pytest.raises(ValueError, match="one kind of them"):
            Link("a", references)
    with pytest.raises(ValueError, match="refers to nothing"):
        proved("a")


def test_every_link_is_the_one_that_was_read() -> None:
    """A step that moves from a text to a claim, or from a claim to an obligation, changes a line of the list."""
    assert FILE.read_text(encoding="utf-8").splitlines() == lines()


def test_a_chain_needs_the_obligations_of_its_proved_links_only() -> None:
    first, second = list(obligations.values())[:2]
    links = (checked("a", "T1"), proved("b", second), argued("c", PLACE), proved("d", first))
    assert Chain("T1", links).obligations == (second.id, first.id)
