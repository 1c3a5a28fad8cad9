"""Generalisation on digits 4 versus 9: held-out errors of NGD and GD side by side, and T5's bound, which is vacuous there."""

from __future__ import annotations

from typing import Any

import numpy as np

from properties.reading.datasets import load_dataset
from theory.descent.optimiser import Chosen
from theory.descent.steps import trajectory
from theory.inputs import FloatArray
from theory.kernels.limiting import gram_entry_error, limiting_gram
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.inverse_form import inverse_form_bounds
from theory.theorems import generalisation

DATASET = "digits-4-9"
DELTA, EPSILON = 0.1, 0.01
TRAIN_SHARE = 2 / 3
WIDTH, SCALE = 256, 0.1
NGD_STEP, NGD_STEPS = 0.5, 40
GD_STEPS = 1000


def data(seed: int) -> dict[str, Any]:
    """Errors on a split of the data, and T5's bound for all rows and for the training rows."""
    digits = load_dataset(DATASET)
    rng = np.random.default_rng([seed, len(digits.y)])
    order = rng.permutation(len(digits.y))
    cut = round(TRAIN_SHARE * len(order))
    train, test = order[:cut], order[cut:]
    net = TwoLayerNetwork.initialise(WIDTH, digits.X.shape[1], SCALE, rng)
    gd_step = 1 / float(np.linalg.eigvalsh(net.gram(digits.X[train]))[-1])
    return {
        "dataset": DATASET,
        "train": len(train),
        "test": len(test),
        "width": WIDTH,
        "delta": DELTA,
        "epsilon": EPSILON,
        "bounds": [evaluated_bound(digits.raw_X, digits.y), evaluated_bound(digits.raw_X[train], digits.y[train])],
        "optimisers": {
            name: errors(net, digits.X, digits.y, train, test, name, eta, steps)
            for name, eta, steps in (("ngd", NGD_STEP, NGD_STEPS), ("gd", gd_step, GD_STEPS))
        },
    }


def evaluated_bound(raw_inputs: FloatArray, y: FloatArray) -> dict[str, Any]:
    """T5's bound without eps for these rows; vacuous from 1 on."""
    n = len(y)
    form = inverse_form_bounds(limiting_gram(raw_inputs), y, n * gram_entry_error(raw_inputs.shape[1]))[1]
    complexity, confidence = generalisation.complexity_term(form, n), generalisation.confidence_term(n, DELTA)
    total = complexity + confidence
    return {"n": n, "complexity": complexity, "confidence": confidence, "bound": total, "vacuous": total >= 1}


def errors(
    net: TwoLayerNetwork,
    inputs: FloatArray,
    y: FloatArray,
    train: np.ndarray[Any, Any],
    test: np.ndarray[Any, Any],
    optimiser: Chosen,
    step_size: float,
    steps: int,
) -> dict[str, Any]:
    """Share of wrong signs and mean of ``min(1, |u - y|)`` on both parts, after training on ``train``."""
    run = trajectory(net, inputs[train], y[train], step_size, steps, optimiser, parameters=True, measure_steps=False)
    assert run.weights is not None
    outputs = TwoLayerNetwork(run.weights, net.signs).outputs(inputs)
    wrong, loss = outputs * y <= 0, np.minimum(1.0, np.abs(outputs - y))
    return {
        "step_size": step_size,
        "steps": len(run.residual_norms) - 1,
        "residual": float(run.residual_norms[-1] / run.residual_norms[0]),
        "train_error": float(wrong[train].mean()),
        "test_error": float(wrong[test].mean()),
        "train_loss": float(loss[train].mean()),
        "test_loss": float(loss[test].mean()),
    }
