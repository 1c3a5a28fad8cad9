"""T1 and its relatives on real data (family F5): a path certificate stands for Condition 2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from properties.claim import Evaluation
from properties.claims import ngd as claims
from properties.claims import ngd_step
from properties.instances import NetworkInstance
from properties.search import evaluate_instance
from theory.inputs import FloatArray
from theory.network import TwoLayerNetwork
from theory.stability import PathCertificate, certify_path
from theory.theorems import ngd


@dataclass(frozen=True)
class PathConditions:
    """Conditions 1 and 2 along a computed path, in the shape of a ball's certificate."""

    lambda_min: float
    radius: float
    constant: float


@dataclass(frozen=True)
class RealInstance(NetworkInstance):
    """A network on real data whose certificate holds along its own path only, for as many steps as the run has."""

    path: PathCertificate

    @property
    def certificate(self) -> PathConditions:
        """Conditions 1 and 2 on the segments of the run."""
        if not self.path.lambda_min > 0:
            return PathConditions(self.path.lambda_min, np.inf, np.inf)
        radius = ngd.condition_radius(float(self.path.residual_norms[0]), self.path.lambda_min)
        return PathConditions(self.path.lambda_min, radius, self.path.constant)


def evaluate_real_data(
    net: TwoLayerNetwork, inputs: FloatArray, y: FloatArray, eta: float, steps: int, path: PathCertificate, parts: int
) -> tuple[list[tuple[str, Evaluation]], float, tuple[str, int] | None]:
    """Evaluations of the claims, the largest ratio of T1-step, and the theorem that predicts most with its count.

    T1-q and T1-sharp are checked on the run with step ``eta``; T1 at its own step limit, on a path certified anew.
    """
    found: list[tuple[str, Evaluation]] = []
    description = {"rows": len(inputs), "width": net.width, "step_size": eta, "steps": steps}
    for claim in (claims.T1_FIRST, claims.T1_Q, claims.T1_SHARP):
        instance = RealInstance(net, inputs, y, eta, steps, path)
        found.append((claim.id, evaluate_instance(claim, "F5", description, instance)[0]))
    small = ngd.step_limit(min(path.constant, 2.99), "T1") * 0.9
    if small > 0:
        own = certify_path(net, inputs, y, small, steps, parts=parts)
        instance = RealInstance(net, inputs, y, small, steps, own)
        found.append(
            (claims.T1.id, evaluate_instance(claims.T1, "F5", {**description, "step_size": small}, instance)[0])
        )
    stepwise = ngd_step.StepInstance(NetworkInstance(net, inputs, y, eta, steps), parts)
    evaluation = evaluate_instance(ngd_step.T1_STEP, "F5", description, stepwise)[0]
    found.append((ngd_step.T1_STEP.id, evaluation))
    tightest = evaluation.tightest
    predictions = [
        (theorem, ngd.iterations(ngd.rate(eta, path.constant, theorem), 1e-6))
        for theorem in ngd.THEOREMS
        if ngd.validity_limit(min(path.constant, 2.99), theorem) >= eta
    ]
    best = min(predictions, key=lambda item: item[1], default=None)
    return found, tightest.ratio if tightest else 0.0, best
