"""A seeded sample of the zoo of tests/deep, which ``make deep`` runs in full."""

from pathlib import Path

import numpy as np
import pytest

from properties.engine.claim import Depth, Verdict
from properties.engine.search import run_claim
from tests.deep import zoo
from tests.deep.zoo_runs import causes_of, claims_of, correct_claims, told_rightly

HERE = Path(zoo.__file__).parent

SAMPLE = np.random.default_rng(13).choice(sorted(zoo.FAULTY), 5, replace=False).tolist()


@pytest.mark.parametrize("name", SAMPLE)
def test_a_faulty_step_is_refuted_and_told_its_cause(name: str) -> None:
    faulty = zoo.FAULTY[name]
    remark, causes = causes_of(name, faulty, 1, HERE)
    assert told_rightly(causes, faulty), causes
    assert remark == ""


@pytest.mark.parametrize("name", ["right_qr"])
def test_a_correct_step_passes(name: str) -> None:
    claims = correct_claims(name, zoo.CORRECT[name][0], HERE, name in zoo.REVEALING)
    assert run_claim(claims[claims_of(claims)[0]], Depth.QUICK, 1).verdict is Verdict.HOLDS
