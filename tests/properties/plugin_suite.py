"""A small suite with a registry of its own, for the tests of the plugin."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from properties import plugin
from properties.engine.claim import Claim
from properties.engine.slack import SlackRow
from properties.suite import SUITE
from theory.proof.obligation import Obligation
from theory.proofs import Chain
from verified_natural_gradient import console
from verified_natural_gradient.options import OPTIONS

ITEMS = Path(__file__).parents[1] / "claims" / "test_claims.py"
OTHER = "def test_other() -> None:\n    assert True\n"


def long(arguments: Sequence[str]) -> list[str]:
    """The arguments with our options as they are called outside the checkout."""
    names = {option.short: option.long for option in OPTIONS}
    return ["=".join([names.get(name := one.partition("=")[0], name), *one.split("=", 1)[1:]]) for one in arguments]


@dataclass
class Suite:
    """A directory with the items of claims and one other test, and a registry and obligations of our own."""

    pytester: pytest.Pytester
    monkeypatch: pytest.MonkeyPatch
    obligations: Mapping[str, Obligation] = field(default_factory=dict)
    chains: Mapping[str, Chain] = field(default_factory=dict)
    slack: Sequence[SlackRow] = ()

    def run(self, claims: Sequence[Claim[Any]], *arguments: str) -> pytest.RunResult:
        known = {claim.id: claim for claim in claims}
        suite = replace(
            SUITE, claims=known, obligations=self.obligations, chains=self.chains, slack=self.slack, document=None
        )
        self.monkeypatch.setattr(plugin, "SUITE", suite)
        return self.pytester.runpytest_inprocess(
            "-p", "properties.plugin", "-p", "no:cacheprovider", *long(arguments), plugins=[console]
        )

    def written(self) -> Any:
        return json.loads((self.pytester.path / "out" / "claims.json").read_text())
