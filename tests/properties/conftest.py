"""Fixtures that several modules of tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.properties.engine.run.plugin_suite import ITEMS, OTHER, Suite
from theory.proof.provers import Prover


@pytest.fixture
def profile_restored() -> Iterator[None]:
    """The profile of Hypothesis as it was, after a run inside this process."""
    before = settings.get_current_profile_name()
    yield
    settings.load_profile(before)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, profile_restored: None) -> Suite:
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile(test_copied_items=ITEMS.read_text(), test_other=OTHER)
    return Suite(pytester, monkeypatch)


@pytest.fixture(scope="module")
def provers() -> Iterator[list[Prover]]:
    with Prover("z3") as z3, Prover("cvc5") as cvc5:
        yield [z3, cvc5]
