"""The whole zoo: every faulty step is refuted and told its cause, every correct one passes, at three seeds."""

from pathlib import Path

import pytest

from properties.engine.claim import Depth, Verdict
from properties.engine.search import run_claim
from tests.deep.zoo import CORRECT, FAULTY, REVEALING, STATEFUL
from tests.deep.zoo_runs import causes_of, claims_of, correct_claims, told_rightly

SEEDS = (1, 2, 3)

HERE = Path(__file__).parent


def test_there_are_as_many_as_there_should_be() -> None:
    assert len(FAULTY) + len(STATEFUL) >= 60
    assert len(CORRECT) >= 12


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", [*FAULTY, *STATEFUL])
def test_a_faulty_step_is_refuted_and_told_its_cause(name: str, seed: int) -> None:
    faulty = {**FAULTY, **STATEFUL}[name]
    remark, causes = causes_of(name, faulty, seed, HERE)
    assert told_rightly(causes, faulty), causes
    assert remark.startswith("keeps state between calls: ") == (name in STATEFUL)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_step_passes(name: str, seed: int) -> None:
    claims = correct_claims(name, CORRECT[name][0], HERE, name in REVEALING)
    for id in claims_of(claims):
        assert run_claim(claims[id], Depth.QUICK, seed).verdict is Verdict.HOLDS, id
