"""Right steps by every algorithm, in float32 and float64, damped and not: all claims hold, at three seeds."""

import numpy as np
import pytest

from properties.engine.claim import Depth, Verdict
from properties.engine.search import run_claim
from properties.guard import controls
from properties.guard.claims import own_claims
from properties.guard.damped_steps import damped
from properties.guard.damping import KINDS, Damping
from properties.guard.implementation import Implementation
from tests.properties.guard import guard_algorithms as algorithms
from tests.properties.guard.several_inputs import several_inputs_are_judged
from tests.properties.guard.test_guard_claims import CASES


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(("optimiser", "name"), algorithms.RIGHT)
def test_right_steps_pass(optimiser: str, name: str, kind: type, seed: int) -> None:
    singular = "pinv" if name in algorithms.REVEALING else "unjudged"
    own = Implementation.of(name, optimiser, algorithms.step(optimiser, name, kind), None, singular)
    for claim in own_claims(own).values():
        result = run_claim(claim, Depth.QUICK, seed)
        assert result.verdict is Verdict.HOLDS, (claim.id, result.refutation, result.unjudged)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("eps", [1e-6, 1e-4, 1e-2, 1.0, 100.0, 1e6])
@pytest.mark.parametrize(("optimiser", "kind"), [(one, kind) for one, kinds in KINDS.items() for kind in kinds])
def test_damped_steps_pass_and_others_are_refuted(optimiser: str, kind: str, eps: float, seed: int) -> None:
    step = controls.stepping(damped(kind, eps))
    own = Implementation.of("right", optimiser, step, Damping.of(eps, kind, optimiser))
    for claim in own_claims(own).values():
        result = run_claim(claim, Depth.QUICK, seed)
        assert result.verdict is Verdict.HOLDS, (claim.id, result.refutation, result.unjudged)
        for mutant in claim.mutants:
            assert run_claim(mutant.claim, Depth.NORMAL, seed).verdict is Verdict.REFUTED, mutant.id


@pytest.mark.parametrize(("optimiser", "id"), CASES)
def test_several_inputs_are_judged_at_more_seeds(optimiser: str, id: str) -> None:
    several_inputs_are_judged(optimiser, id, range(2, 12))
