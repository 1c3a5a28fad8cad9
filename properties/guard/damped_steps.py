"""The damped steps in dense NumPy, and wrong ones: the mutants of the identity where damping is intended."""

from __future__ import annotations

import numpy as np

from properties.guard import controls
from properties.guard.controls import Dense, Direction
from properties.guard.damping import Damping
from properties.guard.wrong_steps import WrongSteps
from theory.inputs import FloatArray

TOLD = 1e-4
"""H is far from singular on every instance: a smaller eps on ``S^T S`` is not told from none by what an explicit inverse may lose."""


def pi(net: Dense, scaled: bool = True) -> float:
    """``pi``, S carrying ``m^{-1/2}``; without that factor where not ``scaled``; 1 where no neuron is active."""
    S, X = net.features, net.inputs
    features = float(np.trace(S.T @ S)) / S.shape[1] * (1 if scaled else len(net.signs))
    return float(np.sqrt(np.trace(X.T @ X) / X.shape[1] / features)) if features > 0 else 1.0


def pi_damped(eps: float, power: int = 1, scaled: bool = True) -> Direction:
    """``(S^T S + eps^{1/2} / pi I)^{-1} B (X^T X + eps^{1/2} pi I)^{-1}``, with a power of pi."""

    def direction(net: Dense) -> FloatArray:
        factor = pi(net, scaled) ** power
        return controls.kronecker(net, np.sqrt(eps) / factor, np.sqrt(eps) * factor)

    return direction


def damped(kind: str, eps: float) -> Direction:
    """The step of a kind of damping, divided by -eta."""
    if kind == "gram":
        return controls.damped_fisher(eps)
    if kind == "product":
        return controls.damped_product(eps)
    if kind == "pi":
        return pi_damped(eps)
    return lambda net: controls.kronecker(net, eps, eps)


def wrong_damping(damping: Damping) -> WrongSteps:
    """Steps with another damping than the one that is meant, or with other faults."""
    kind, eps = damping.kind, damping.eps
    right = damped(kind, eps)
    wrong: dict[str, tuple[str, Direction]] = {
        "undamped": ("no damping", controls.natural if kind == "gram" else controls.kronecker),
        "twice": ("2 eps", damped(kind, 2 * eps)),
        "mean-eps": (
            "n eps: the mean over the inputs in the damped matrix",
            lambda net: damped(kind, eps * len(net.targets))(net),
        ),
        "sign": ("the opposite sign", controls.times(lambda _: -1.0, right)),
        "mean": ("1/n of the step", controls.times(controls.per_sample, right)),
        "long": ("n^2 times the step", controls.times(controls.squared_count, right)),
        "wide": (
            "half of the step with more than 64 neurons",
            controls.times(lambda net: 0.5 if len(net.signs) > 64 else 1.0, right),
        ),
    }
    if abs(np.log(eps)) > 1e-2:  # at 1 they are the same
        wrong["root"] = ("eps^(1/2) in place of eps", damped(kind, float(np.sqrt(eps))))
    if kind in ("factors", "pi"):
        wrong |= {
            "features-only": ("damping on S^T S only", lambda net: _one(kind, eps, net, 1, 0)),
            "product": ("damping on the product of the factors", controls.damped_product(eps)),
        }
        if eps >= TOLD:
            wrong["inputs-only"] = ("damping on X^T X only", lambda net: _one(kind, eps, net, 0, 1))
    if kind == "product":
        wrong["factors"] = ("damping in both factors", damped("factors", eps))
    if kind == "pi":
        wrong |= {
            "inverted": ("pi and 1/pi exchanged", pi_damped(eps, -1)),
            "without-pi": ("eps^(1/2) in both factors", pi_damped(eps, 0)),
            "unscaled-pi": ("pi without the 1/m of S^T S", pi_damped(eps, 1, scaled=False)),
        }
    return {id: (description, controls.stepping(direction)) for id, (description, direction) in wrong.items()}


def _one(kind: str, eps: float, net: Dense, features: int, inputs: int) -> FloatArray:
    """The step with the damping of one factor."""
    factor = pi(net) if kind == "pi" else 1.0
    size = float(np.sqrt(eps)) if kind == "pi" else eps
    return controls.kronecker(net, features * size / factor, inputs * size * factor)
