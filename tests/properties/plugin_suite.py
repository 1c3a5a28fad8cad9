"""A small suite with a registry of its own, for the tests of the plugin."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from properties import plugin
from properties.claim import Claim
from theory.proofs import Chain
from theory.rigour.obligation import Obligation

ITEMS = Path(__file__).parents[1] / "claims" / "test_claims.py"
OTHER = "def test_other() -> None:\n    assert True\n"


@dataclass
class Suite:
    """A directory with the items of claims and one other test, and a registry and obligations of our own."""

    pytester: pytest.Pytester
    monkeypatch: pytest.MonkeyPatch
    obligations: Mapping[str, Obligation] = field(default_factory=dict)
    chains: Mapping[str, Chain] = field(default_factory=dict)

    def run(self, claims: Sequence[Claim[Any]], *arguments: str) -> pytest.RunResult:
        self.monkeypatch.setattr(plugin, "registry", {claim.id: claim for claim in claims})
        self.monkeypatch.setattr(plugin, "obligations", self.obligations)
        self.monkeypatch.setattr(plugin, "chains", self.chains)
        return self.pytester.runpytest_inprocess("-p", "properties.plugin", "-p", "no:cacheprovider", *arguments)

    def written(self) -> Any:
        return json.loads((self.pytester.path / "out" / "claims.json").read_text())
